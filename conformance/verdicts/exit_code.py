"""The exit code of a run: computed once, last, from results.json and what was asked of the run.

The functions are pure: they turn results and `Asked` into causes. Everything that shows a code (the process,
results.json, junit.xml, pytest) takes it from here, so that they agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.model import FAILING_LEVELS

Entry = Mapping[str, Any]

NOTHING_NEW, NEW, WRONG, NOT_JUDGED, INTERRUPTED = 0, 1, 2, 3, 130
_ORDER = (INTERRUPTED, WRONG, NEW, NOT_JUDGED)  # the first that applies
CAPTURED = "captured"  # marks a run that asked nothing, in the selection of run.json and results.json


@dataclass(frozen=True)
class ExitConditions:
    """What the user asked of a run, and what went wrong beside its verdicts.

    `named`: the providers of -p; `clients`: full names; `faults`: faults of the checker itself, in words (such as a
    page that could not be written, or a key that was); `unreadable`: a line for each given file that is not a
    recording; `leaves_open`: whether this is a recording of which something was judged, so that what it does not show
    is no reason for exit code 3.
    """

    fail_on: str = "must"
    named: frozenset[str] = frozenset()
    clients: tuple[str, ...] = ()
    interrupted: bool = False
    faults: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    leaves_open: bool = False


@dataclass(frozen=True)
class ExitCause:
    """One reason for an exit code: the code, the provider that it concerns (empty: the run), and the words."""

    code: int
    provider: str
    reason: str


def read_conditions(results: Entry) -> ExitConditions:
    """Return what results.json says was asked of its run."""
    run = results["run"]
    chosen = run.get("selection") or {}
    providers = results.get("providers") or ()
    judged = [one for one in providers if one["status"] != "inconclusive"]
    shows_something = any((one.get("judged") or {}).get("rules") for one in judged)
    return ExitConditions(
        fail_on=str(chosen.get("fail_on") or "must"),
        named=frozenset(map(str, chosen.get("providers") or ())),
        clients=tuple(map(str, chosen.get("clients") or ())),
        interrupted=bool(run.get("interrupted")),
        faults=tuple(map(str, run.get("faults") or ())),
        unreadable=tuple(map(str, run.get("unreadable") or ())),
        leaves_open=bool(chosen.get(CAPTURED)) and not chosen.get("clients") and shows_something,
    )


def compute_exit_code(results: Entry | None, asked: ExitConditions) -> int:
    """Return the code that a run ends with; `results` is None where nothing could be written."""
    codes = {cause.code for cause in list_exit_causes(results, asked)}
    return next((code for code in _ORDER if code in codes), NOTHING_NEW)


def list_exit_causes(results: Entry | None, asked: ExitConditions) -> Iterator[ExitCause]:
    """Yield every reason for an exit code other than 0, in the order of the providers."""
    if asked.interrupted:
        yield ExitCause(INTERRUPTED, "", "interrupted")
    yield from (ExitCause(WRONG, "", line) for line in asked.unreadable)
    yield from (ExitCause(NOT_JUDGED, "", fault) for fault in asked.faults)
    providers = (results or {}).get("providers") or ()
    for provider in providers:
        name = str(provider["name"])
        if counts_for_exit_code(provider, asked.named):
            new = list_failures(provider, asked) if asked.fail_on != "never" else ()
            yield from (ExitCause(NEW, name, reason) for reason in new)
            yield from (ExitCause(NOT_JUDGED, name, one) for one in list_open_questions(provider, asked))
    if not any(provider["cases"] for provider in providers):
        yield ExitCause(NOT_JUDGED, "", "nothing was tested")


def counts_for_exit_code(provider: Entry, named: Collection[str]) -> bool:
    """Return whether a provider counts for the exit code: a bundled server counts only if -p names it."""
    return not provider.get("embedded") or provider["name"] in named


def is_failure(deviation: Entry, fail_on: str) -> bool:
    """Return whether a finding fails a run: new, and at or above the level."""
    return not deviation.get("known") and deviation["level"] in FAILING_LEVELS[fail_on]


def list_failures(provider: Entry, asked: ExitConditions) -> Iterator[str]:
    """Yield in words what fails a run: new findings (or, if clients are named, those that break) and stale entries."""
    if asked.clients:
        yield from (f"{client} breaks" for client in _list_clients(provider, asked, "broken"))
    else:
        new = [one for one in provider["deviations"] if is_failure(one, asked.fail_on)]
        yield from (f"{one['level']}: {one['rule']}" for one in new)
    yield from map(str, provider.get("stale") or ())


def list_open_questions(provider: Entry, asked: ExitConditions) -> Iterator[str]:
    """Yield in words what was selected for a provider and could not be judged."""
    if asked.leaves_open:
        return
    if provider["status"] == "not-run":
        if not provider.get("optional"):
            yield f"not run: {provider.get('reason')}"
        return
    if provider["status"] == "inconclusive":
        yield f"could not be judged: {provider.get('reason')}"
        return
    yield from map(str, provider.get("undecided") or ())
    yield from (f"{client} could not be judged" for client in _list_clients(provider, asked, "untested"))


def _list_clients(provider: Entry, asked: ExitConditions, verdict: str) -> list[str]:
    found = [entry for entry in provider.get("clients") or () if entry["verdict"] == verdict]
    return [str(entry["client"]) for entry in found if entry["client"] in asked.clients]
