"""Proposes `known` entries for what a run found: YAML to paste into providers.yaml, the reasons left to the reader."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.model import GRAVE_LEVELS
from conformance.report.safe_text import clip, to_one_line

HEADER = "# Proposed `known` entries"
_MOST_PROBES = 12  # beyond that a list says no more than "*"
_WIDTH = 110
_DAYS = 180

Entry = Mapping[str, Any]


def propose_known_entries(results: Entry) -> str:
    """Return a YAML text with an entry for every must and should of a run, per provider.

    What is accepted already keeps its reason and its date, so that a block may take the place of the one that is
    there. `until` is proposed as a comment: half a year after the run.
    """
    until = _until(str(results["run"]["finished_at"]))
    blocks = [_block(provider, until) for provider in results["providers"]]
    listed = [block for block in blocks if block]
    lines = [
        *_head(str(results["run"]["id"])),
        "providers:" + ("" if listed else " {}  # nothing at must or should stands"),
    ]
    return "\n".join([*lines, *listed]) + "\n"


def _head(run: str) -> list[str]:
    return [
        f"{HEADER} for run {to_one_line(run)}",
        "#",
        "# Copy the `known:` of a provider under its name in providers.yaml, in the place of the one that is there,",
        "# and write a reason for every TODO. An entry that no longer happens fails the run, and so does one that",
        '# has expired. `probe: "*"` accepts a rule for every question, a list for those alone.',
    ]


def _until(finished: str) -> str:
    try:
        when = dt.datetime.fromisoformat(finished)
    except ValueError:
        return "2030-01-01"
    return (when + dt.timedelta(days=_DAYS)).date().isoformat()


def _block(provider: Entry, until: str) -> str:
    found = [one for one in provider["deviations"] if one["level"] in GRAVE_LEVELS or one.get("known")]
    entries = [line for deviation in found for line in _entry(deviation, until)]
    return "\n".join([f"  {provider['name']}:", "    known:", *entries]) if entries else ""


def _entry(deviation: Entry, until: str) -> Iterator[str]:
    accepted = deviation.get("accepted") or {}
    reason = accepted.get("reason") or f"TODO: say why; what does not hold is: {deviation['title']}"
    date = accepted.get("until")
    # What a vendor said stands in comments only, on one line, where it can end nothing and mean nothing.
    yield f"      # {deviation['level']}: {clip(to_one_line(str(deviation['observed'])), _WIDTH)}"
    yield f"      - rule: {deviation['rule']}"
    yield f"        probe: {_probes(deviation)}"
    yield f"        reason: {_quoted(str(reason))}"
    yield f"        until: {date}" if date else f"        # until: {until}"


def _probes(deviation: Entry) -> str:
    """The questions that show it; `*` for many, and for generated bodies, whose names another seed changes."""
    probes = [str(probe) for probe in deviation["probes"]]
    if deviation.get("generated") or not 0 < len(probes) <= _MOST_PROBES:
        return _quoted("*")
    return f"[{', '.join(map(_quoted, probes))}]"


def _quoted(text: str) -> str:
    """Return text as a double-quoted scalar: JSON's strings are YAML's, as long as nothing unprintable is in them."""
    return json.dumps(to_one_line(text), ensure_ascii=False)


def find_target_fault(target: Path | None) -> str:
    """Say why a proposal cannot be written there, before a run is paid for; empty where it can.

    A file that holds something else than an earlier proposal is never written over: it may be providers.yaml itself.
    """
    if target is None or not (target.exists() or target.is_symlink()):
        return ""
    if not target.is_file():
        return f"{target}: is not a plain file; name one for the proposed `known` entries"
    try:
        with target.open(encoding="utf-8", errors="replace") as file:
            ours = file.read(len(HEADER)) == HEADER
    except OSError as error:
        return f"{target}: cannot be read: {error.strerror}"
    return "" if ours else f"{target}: holds something else than proposed `known` entries; name another file"
