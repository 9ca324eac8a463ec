"""The two sides of a switch, from what a user calls them: a provider of a finished run, or a dialect's document.

A provider that was asked and could not be judged is no side: what its document says is not what it does. Nor is one
that was not run, unless its name is a dialect's as well; then the document speaks, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conformance.commands.terminal import escape_controls
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
from conformance.config.providers import ProvidersError, load_providers
from conformance.dialects.dialect import Dialect, DialectError, list_bundled_dialects, load_dialect
from conformance.files import FileError
from conformance.names import suggest_or_list
from conformance.report.safe_text import format_moment
from conformance.running.session import UsageError

REPORTS = Path("reports")


def find_sides(names: Sequence[str], results: Sequence[Path]) -> tuple[ProviderInRun | None, ...]:
    """Return for each name the run that speaks for it: of those that `results` names, else of reports/.

    Raises UsageError where a named run cannot be read.
    """
    if results:
        try:
            runs = read_newest_first(results)
        except FileError as error:
            raise UsageError(*(escape_controls(str(line)) for line in error.args)) from error
        return tuple(find_provider(name, runs) for name in names)
    folders = find_run_folders(REPORTS)
    return tuple(find_provider(name, read_runs_with(name, folders)) for name in names)


def take_side(name: str, held: ProviderInRun | None, results: Sequence[Path]) -> Side:
    """Return a side of a switch. Raises UsageError, one line that says why there is none and what to do."""
    if held is None:
        return _take_unasked(name, results)
    provider, when = held.provider, _when(held)
    if provider.is_judged:
        dialect = load_dialect(provider.dialect) if provider.dialect in list_bundled_dialects() else None
        stands = describe_part(held.run, provider)
        remarks = (f"{name}: {when}{f'; {stands}' if stands else ''}",)
        return side_from_run(provider, dialect, stands, remarks)
    reason = provider.reason.removeprefix(f"{name}: ") or "the run does not say why"
    if provider.status == "not-run" and name in list_bundled_dialects():
        return _paper(
            name, load_dialect(name), f"{name} was not run ({reason}); its document is used instead"
        )
    what = "was not run" if provider.status == "not-run" else "could not be judged"
    raise UsageError(escape_controls(f"{name} {what} ({when}): {reason}; {_ways_on(name, provider.dialect)}"))


def _ways_on(name: str, dialect: str) -> str:
    paper = (
        f", or name the dialect {dialect} to compare on paper"
        if dialect in list_bundled_dialects() and dialect != name
        else ""
    )
    return f"ask it again (conformance run -p {name}){paper}"


def _when(held: ProviderInRun) -> str:
    return f"the run of {format_moment(held.run.started_at)}, {held.run.source}"


def _take_unasked(name: str, results: Sequence[Path]) -> Side:
    if name in list_bundled_dialects() or Path(name).is_dir():
        why = f"{name} is known from its document alone; nothing was asked"
        try:
            return _paper(name, load_dialect(name), why)
        except DialectError as error:
            raise UsageError(*(escape_controls(str(line)) for line in error.args)) from error
    where = ", ".join(map(str, results)) or f"{REPORTS}/"
    listed = _listed()
    if name in listed:
        said = (
            f"{name} is in {listed[name]}, but in no run of {where}; ask it first: conformance run -p {name}"
        )
        raise UsageError(escape_controls(said))
    there = dict.fromkeys((*_in_runs(results), *listed, *list_bundled_dialects()))
    hint = suggest_or_list(name, there)
    raise UsageError(
        escape_controls(f"{name!r} is neither a provider of a run in {where} nor a dialect{hint}")
    )


def _listed() -> dict[str, str]:
    """Return the providers of the providers.yaml that a run would read, each with the file's name."""
    try:
        loaded = load_providers(None, dialects=list_bundled_dialects())
    except ProvidersError:
        return {}  # whoever compares needs no providers.yaml
    return {provider.name: loaded.display_name for provider in loaded.providers}


def _in_runs(results: Sequence[Path]) -> tuple[str, ...]:
    """Return the providers of the named runs, else of the newest one."""
    try:
        runs = read_newest_first(results or find_run_folders(REPORTS)[:1])
    except FileError:
        return ()
    return tuple(name for run in runs for name in run.providers)


def _paper(name: str, dialect: Dialect, why: str) -> Side:
    assumed = find_silent_traits(dialect)
    gap = (
        (f"the document of {name} says nothing of {', '.join(assumed)}: Google's is assumed for the clients",)
        if assumed
        else ()
    )
    return side_from_document(name, dialect, judge_clients(dialect), (why, *gap))
