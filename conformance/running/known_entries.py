"""Proposes `known` entries for what a run found: YAML to paste into providers.yaml, the reasons left to the reader."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.model import GRAVE_LEVELS
from conformance.report.safe_text import clip_text, to_one_line

HEADER = "# Proposed `known` entries"
_MOST_PROBES = 12  # a longer list is written as "*"
_WIDTH = 110
_DAYS = 180

Entry = Mapping[str, Any]


def propose_known_entries(results: Entry) -> str:
    """Return a YAML text with an entry for every must and should of a run, per provider.

    What is accepted already keeps its reason and its date, so that a block may take the place of the one that is
    there. `until` is proposed as a comment: half a year after the run.
    """
    until = _half_a_year_after(str(results["run"]["finished_at"]))
    lines = [line for provider in results["providers"] for line in _propose_for(provider, until)]
    head = [
        f"{HEADER} for run {to_one_line(str(results['run']['id']))}",
        "#",
        "# Copy the `known:` of a provider under its name in providers.yaml, in place of the one that is there,",
        "# and write a reason for every TODO. An entry that no longer occurs fails the run, and so does one that",
        '# has expired. `probe: "*"` accepts the deviation for every question; a list accepts it only for those.',
        "providers:" + ("" if lines else " {}  # no must and no should was found"),
    ]
    return "\n".join([*head, *lines]) + "\n"


def _half_a_year_after(finished: str) -> str:
    try:
        when = dt.datetime.fromisoformat(finished)
    except ValueError:
        return "2030-01-01"
    return (when + dt.timedelta(days=_DAYS)).date().isoformat()


def _propose_for(provider: Entry, until: str) -> Iterator[str]:
    """Yield the lines of one provider; none where it has no must or should."""
    found = [one for one in provider["deviations"] if one["level"] in GRAVE_LEVELS or one.get("known")]
    if found:
        yield f"  {provider['name']}:"
        yield "    known:"
    for deviation in found:
        accepted = deviation.get("accepted") or {}
        reason = accepted.get("reason") or f"TODO: say why this is accepted: {deviation['title']}"
        date = accepted.get("until")
        # A vendor's words appear only in comments, on one line, where they cannot change the meaning of the YAML.
        yield f"      # {deviation['level']}: {clip_text(to_one_line(str(deviation['observed'])), _WIDTH)}"
        yield f"      - rule: {deviation['rule']}"
        yield f"        probe: {_format_probes(deviation)}"
        yield f"        reason: {_quote(str(reason))}"
        yield f"        until: {date}" if date else f"        # until: {until}"


def _format_probes(deviation: Entry) -> str:
    """Return the probes that show it; `*` for many, and for generated bodies, whose names another seed changes."""
    probes = [str(probe) for probe in deviation["probes"]]
    if deviation.get("generated") or not 0 < len(probes) <= _MOST_PROBES:
        return _quote("*")
    return f"[{', '.join(map(_quote, probes))}]"


def _quote(text: str) -> str:
    """Return text as a double-quoted scalar: JSON's strings are YAML's, as long as they contain nothing unprintable."""
    return json.dumps(to_one_line(text), ensure_ascii=False)


def find_target_fault(target: Path | None) -> str:
    """Return why a proposal cannot be written there, before a run is paid for; empty if it can.

    A file with anything other than an earlier proposal is never overwritten: it may be providers.yaml itself.
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
    return (
        "" if ours else f"{target}: contains something other than proposed `known` entries; name another file"
    )
