"""The commands that decide: compare two runs, and switch from one vendor to another."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from conformance.compare import as_data
from conformance.compare import compare as compared
from conformance.files import FileError
from conformance.model import JSON
from conformance.past import PastRun, read_past
from conformance.report import compared as shown
from conformance.session import UsageError
from conformance.terminal import plain, write


def _read(place: Path) -> PastRun:
    try:
        return read_past(place)
    except FileError as error:
        raise UsageError(*(plain(str(line)) for line in error.args)) from error


def _json(data: Mapping[str, JSON]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)


def compare(words: Namespace) -> int:
    """Say what is new, fixed, still there and no longer covered between two runs."""
    found = compared(_read(words.old), _read(words.new))
    if words.format == "json":
        write(sys.stdout, _json(as_data(found)))
    else:
        text = shown.as_markdown(found) if words.format == "markdown" else shown.as_text(found)
        write(sys.stdout, text.rstrip("\n"))
    return int(found.fails)


def switch(words: Namespace) -> int:
    """Say what changes for code that moves."""
    raise UsageError(f"{words.to}: not yet")
