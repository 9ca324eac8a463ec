"""The commands that decide: compare two runs, and switch from one vendor to another."""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from conformance import catalogue
from conformance.clients import UnknownClientError, find_clients
from conformance.commands.masking import collect_keys
from conformance.commands.switch_sides import find_sides, take_side
from conformance.commands.terminal import escape_controls, write_line
from conformance.comparing.compare import Criteria, as_data, as_page_section
from conformance.comparing.compare import compare as compared
from conformance.comparing.finished_runs import find_newest_run
from conformance.comparing.past import MEND, PastRun, read_past
from conformance.comparing.run_limits import find_unmatched, restrict
from conformance.comparing.switching import as_data as switch_data
from conformance.comparing.switching import compare_sides as switched
from conformance.files import FileError, validate
from conformance.model import JSON
from conformance.recording.writing import RecordError, write_atomically
from conformance.report import comparison_text as shown
from conformance.report import render_page
from conformance.report import switch_text as moves
from conformance.running.session import UsageError


def _read(place: Path) -> PastRun:
    try:
        return read_past(place)
    except FileError as error:
        raise UsageError(*(escape_controls(str(line)) for line in error.args)) from error


# What moves a terminal or turns its writing direction is legal inside JSON's strings, and nowhere else.
_UNSEEN = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def _json(data: Mapping[str, JSON]) -> str:
    text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _write_page(target: Path, run: PastRun | None, section: Mapping[str, JSON]) -> None:
    """Write a run's page with one more section. Raises UsageError where the run cannot be drawn or the file not written."""
    if run is None:
        raise UsageError("--html: there is no run to draw; name one with --results DIR")
    faults = validate(dict(run.whole), "results.schema.json")
    if faults:
        pointer, message = faults[0]
        raise UsageError(
            escape_controls(f"{run.source}: {pointer or '/'}: {message}; the page cannot be drawn from it")
        )
    try:
        write_atomically(target, _drawn(run, section))
    except RecordError as error:
        raise UsageError(*(escape_controls(str(line)) for line in error.args)) from error


def _drawn(run: PastRun, section: Mapping[str, JSON]) -> str:
    """Draw the page. What a version adds to results.json is in no schema, and may be spoilt like anything else."""
    try:
        return render_page({**run.whole, **section})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        told = f"{type(error).__name__}: {error}"[:160]
        raise UsageError(
            escape_controls(f"{run.source}: the page cannot be drawn from it ({told}); {MEND}")
        ) from error


def compare(words: Namespace) -> int:
    """Say what is new, fixed, still there and no longer covered between two runs."""
    catalogue.load()
    criteria = Criteria(words.fail_on, find(words.client))
    old, new = _read(words.old), _read(words.new)
    _check_providers(old, new, words.provider)
    found = compared(restrict(old, words.provider), restrict(new, words.provider), criteria)
    keyring = collect_keys(os.environ)
    if words.format == "json":
        write_line(sys.stdout, keyring.mask(_json(shown.add_sentences(found, as_data(found)))))
    else:
        text = shown.format_markdown(found) if words.format == "markdown" else shown.format_text(found)
        write_line(sys.stdout, keyring.mask(text.rstrip("\n")))
    if words.html:
        section = keyring.mask_json(shown.add_sentences(found, as_page_section(found)))
        _write_page(words.html, new, {"comparison": section})
    _append_summary(keyring.mask(shown.format_markdown(found)))
    return found.exit_code


def _check_providers(old: PastRun, new: PastRun, patterns: Sequence[str]) -> None:
    """Refuse what cannot be compared. Raises UsageError.

    Two runs without a common provider are a wrong command line (2), not lost coverage (3): two unrelated folders were
    named, and nothing that a vendor did could have brought it about.
    """
    names = list(dict.fromkeys((*new.providers, *old.providers)))
    strange = find_unmatched(names, patterns)
    if strange:
        known = ", ".join(names) or "none"
        raise UsageError(
            escape_controls(f"-p {strange[0]}: neither run has such a provider; there are: {known}")
        )
    if not set(old.providers) & set(new.providers):
        sides = " / ".join(", ".join(run.providers) or "none" for run in (old, new))
        raise UsageError(escape_controls(f"the runs have no provider in common: {sides}"))


def _append_summary(text: str) -> None:
    """Append to the summary of the CI job where there is one; what cannot be written is said, and changes no exit code."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        return
    try:
        with Path(target).open("a", encoding="utf-8") as page_:
            page_.write(text)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        write_line(sys.stderr, escape_controls(f"GITHUB_STEP_SUMMARY: {target}: cannot be written: {reason}"))


def switch(words: Namespace) -> int:
    """Say what changes for code that moves from one side to the other."""
    catalogue.load()
    named = find(words.client)
    helds = find_sides((words.from_, words.to), words.results)
    before, after = (
        take_side(name, held, words.results)
        for name, held in zip((words.from_, words.to), helds, strict=True)
    )
    found = switched(before, after)
    if words.format == "json":
        write_line(sys.stdout, _json(switch_data(found)))
    else:
        text = (
            moves.format_markdown(found, named)
            if words.format == "markdown"
            else moves.format_text(found, named)
        )
        write_line(sys.stdout, text.rstrip("\n"))
    if words.html:
        _write_page(words.html, find_newest_run(helds), {"switch": switch_data(found)})
    return 1 if found.find_broken(named) else 3 if found.find_untested(named) else 0


def find(words: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the clients that --client names. Raises UsageError with the nearest."""
    try:
        return tuple(dict.fromkeys(client.name for word in words for client in find_clients(word)))
    except UnknownClientError as error:
        raise UsageError(escape_controls(str(error))) from error
