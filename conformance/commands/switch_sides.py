"""The two sides of a switch, from what a user calls them: a provider of a finished run, or a dialect's document.

A provider that was asked and could not be judged cannot be a side, since its document does not show what it does. Nor can a
provider that was not run, unless its name is also that of a dialect; then the document is used, and the remarks say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.comparing.document_clients import find_silent_traits, judge_clients
from conformance.comparing.finished_runs import (
    ProviderInRun,
    find_provider,
    find_run_folders,
    read_newest_first,
    read_runs_with,
)
from conformance.comparing.run_limits import describe_part
from conformance.comparing.sides import Side, side_from_document, side_from_run
from conformance.dialects.dialect import list_bundled_dialects, load_dialect
from conformance.files import FileError
from conformance.names import suggest_or_list
from conformance.report.safe_text import format_moment
from conformance.running.session import UsageError, load_named_providers

REPORTS = Path("reports")


def find_sides(names: Sequence[str], results: Sequence[Path]) -> tuple[ProviderInRun | None, ...]:
    """Return for each name the newest run that holds it: of those that `results` names, else of reports/.

    Raises FileError where a named run cannot be read.
    """
    if results:
        runs = read_newest_first(results)
        return tuple(find_provider(name, runs) for name in names)
    folders = find_run_folders(REPORTS)
    return tuple(find_provider(name, read_runs_with(name, folders)) for name in names)


def take_side(name: str, held: ProviderInRun | None, results: Sequence[Path]) -> Side:
    """Return a side of a switch. Raises UsageError, one line that says why there is none and what to do."""
    if held is None:
        return _take_side_without_run(name, results)
    provider, bundled = held.provider, list_bundled_dialects()
    when = f"the run of {format_moment(held.run.started_at)}, {held.run.source}"
    if provider.is_judged:
        dialect = load_dialect(provider.dialect) if provider.dialect in bundled else None
        part = describe_part(held.run, provider)
        return side_from_run(provider, dialect, part, (f"{name}: {when}{f'; {part}' if part else ''}",))
    reason = provider.reason.removeprefix(f"{name}: ") or "the run does not say why"
    if provider.status == "not-run" and name in bundled:
        return _take_document(name, f"{name} was not run ({reason}); its document is used instead")
    what = "was not run" if provider.status == "not-run" else "could not be judged"
    hint = f"ask it again (conformance run -p {name})"
    if provider.dialect in bundled and provider.dialect != name:
        hint += f", or name the dialect {provider.dialect} to compare on paper"
    raise UsageError(f"{name} {what} ({when}): {reason}; {hint}")


def _take_side_without_run(name: str, results: Sequence[Path]) -> Side:
    if name in list_bundled_dialects() or Path(name).is_dir():
        return _take_document(name, f"{name} is known only from its document; nothing was asked")
    where = ", ".join(map(str, results)) or f"{REPORTS}/"
    configured: dict[str, str] = {}  # a switch needs no providers.yaml: one that is wrong names nothing here
    try:
        loaded = load_named_providers(None)
        configured = {provider.name: loaded.display_name for provider in loaded.providers}
        runs = read_newest_first(results or find_run_folders(REPORTS)[:1])
    except (UsageError, FileError):
        runs = ()
    if name in configured:
        what = f"{name} is in {configured[name]}, but in no run in {where}"
        raise UsageError(f"{what}; ask it first: conformance run -p {name}")
    known = dict.fromkeys(
        (*(one for run in runs for one in run.providers), *configured, *list_bundled_dialects())
    )
    hint = suggest_or_list(name, known)
    raise UsageError(f"{name!r} is neither a provider of a run in {where} nor a dialect{hint}")


def _take_document(name: str, why: str) -> Side:
    """Return a dialect's document as a side. Raises DialectError."""
    dialect = load_dialect(name)
    assumed = ", ".join(find_silent_traits(dialect))
    gap = f"the document of {name} does not mention {assumed}, so the clients are judged as if it did what Google does"
    return side_from_document(name, dialect, judge_clients(dialect), (why, gap) if assumed else (why,))
