"""Writes the folder of results: everything in it is rendered from the one value that becomes results.json."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.keys.secrets import Keyring
from conformance.model import JSON
from conformance.recording.writing import RecordError, write_atomically, write_report_file
from conformance.report import LogRows, render_page, write_junit, write_summary
from conformance.running.known_entries import propose_known_entries
from conformance.running.session import Session
from conformance.verdicts.results import format_results, replace_surrogates
from conformance.verdicts.verdict import Verdict

_MOSTLY = 0.6  # a larger share of answers with 401 or 403 gives a warning about the key


def mask_results(results: dict[str, JSON], session: Session) -> dict[str, Any]:
    """Return results in a form that may be written: without keys, and without characters that no file can hold.

    The keys were masked when the answers came, but a text that was put together since then may contain one again. The
    entry of each provider is searched for the keys of that provider, the entry of the run for all of them.
    """
    keyrings = {one.provider.name: Keyring.from_keys(one.secrets) for one in session.selected}
    none = Keyring.from_keys(())
    entries = results["providers"] if isinstance(results["providers"], list) else []
    providers: list[JSON] = [
        keyrings.get(str(entry["name"]), none).mask_json(entry)
        for entry in entries
        if isinstance(entry, dict)
    ]
    run = Keyring.from_keys(session.secrets).mask_json(results["run"])
    masked: Any = replace_surrogates({**results, "providers": providers, "run": run})
    return dict(masked)


def write_results(
    out: Path, results: Mapping[str, Any], log: LogRows | None, known_entries: Path | None
) -> Iterator[str]:
    """Write results.json, what is rendered from it, and proposed `known` entries if there is a file for them.

    Yields in words each file that could not be written.
    """
    files: dict[str, Callable[[], str]] = {
        "results.json": lambda: format_results(dict(results)),
        "summary.md": lambda: write_summary(results),
        "junit.xml": lambda: write_junit(results),
        "report.html": lambda: render_page(results, log),
    }
    for name, render in files.items():
        try:
            write_report_file(out / name, render())
        except RecordError as error:
            yield str(error)
    if known_entries is not None:
        try:
            write_atomically(known_entries, propose_known_entries(results))
        except RecordError as error:
            yield str(error)


def list_warnings(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield what a reader should know before believing the verdicts: stale entries, refused keys, an early end."""
    for verdict in verdicts:
        yield from verdict.stale
    for verdict in verdicts:
        name, replies = verdict.provider.name, verdict.replies
        refused = sum(reply.status in (401, 403) for reply in replies)
        if replies and refused > _MOSTLY * len(replies):
            yield f"{name}: {refused} of {len(replies)} answers were 401 or 403"
        unasked = verdict.gathered.unasked if verdict.gathered else []
        early = {one.detail for one in unasked if one.cause in ("budget", "dead", "cut-off")}
        yield from sorted(f"{name}: {detail}" for detail in early)
