"""How a test runner shows one case: as passed, failed or skipped, and in which words.

Computed once, where the cases were judged; the processes that merely show cases read them from a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from conformance.catalogue import Rule
from conformance.clients import ALL_CLIENTS
from conformance.model import FAILING_LEVELS, Case, Deviation, Outcome, Provider
from conformance.recording.writing import write_atomically
from conformance.report import abbreviate_verdict
from conformance.report.safe_text import to_one_line
from conformance.verdicts.exit_code import ExitCause

Result = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class CaseReport:
    """The result of one case, and the text that explains it; no text where there is nothing to explain."""

    result: Result
    text: str = ""


def report_case(case: Case, fail_on: str) -> CaseReport:
    """Return how a runner shows a case, so that it fails exactly where the exit code counts it.

    `fail_on`: must | should | any | never, the level from which a finding fails.
    """
    if case.deviation is not None:
        accepted = case.deviation.known is not None or case.outcome is Outcome.KNOWN
        fails = case.deviation.level in FAILING_LEVELS[fail_on] and not accepted
        return CaseReport("failed" if fails else "passed", describe_finding(case.deviation))
    if case.outcome is Outcome.ERROR:
        return CaseReport("failed", f"the checker's own fault: {to_one_line(case.reason)}")
    if case.outcome in (Outcome.PASS, Outcome.NOTE):
        return CaseReport("passed")
    return CaseReport("skipped", f"{case.outcome}: {to_one_line(case.reason)}")


def describe_finding(deviation: Deviation) -> str:
    """Return a finding in a few lines: its level and title, what was expected and observed, and where."""
    location = deviation.locations[0]
    accepted = f" (known: {to_one_line(deviation.known.reason)})" if deviation.known else ""
    return (
        f"{deviation.level}: {to_one_line(deviation.title)}{accepted}\n"
        f"expected: {to_one_line(location.expected)}\n"
        f"observed: {to_one_line(location.observed)}\n"
        f"at {location.exchange} {to_one_line(location.pointer)}"
    )


def report_client(verdict: str, provider: str, client: str) -> CaseReport:
    """Return how a runner shows a client: `verdict` is works | degraded | broken | untested."""
    if verdict == "untested":
        return CaseReport("skipped", f"untested: no reply showed how {client} reads {provider}")
    if verdict == "broken":
        return CaseReport("failed", f"{client} breaks on {provider}")
    return CaseReport("passed")


def report_known(stale: Sequence[str]) -> CaseReport:
    """Return how a runner shows a provider's `known` entries; `stale` has a line for each that accepts nothing."""
    return CaseReport("failed", "\n".join(map(to_one_line, stale))) if stale else CaseReport("passed")


Reports = Mapping[str, CaseReport]  # by the id of the test


_MOST_CAUSES = 10  # reasons for the exit code that the terminal names


def describe_end(
    results: Mapping[str, Any], causes: Sequence[ExitCause], code: int, ended: int
) -> Iterator[str]:
    """Yield what pytest's terminal says about a run: its providers, and the code that the session ends with, and why.

    `code` is the run's own; if the session ends with another code, something other than the run went wrong.
    """
    for provider in results["providers"]:
        more = f" ({abbreviate_verdict(provider)})" if provider["status"] in ("partial", "deviates") else ""
        yield f"{provider['name']}: {provider['status']}{more}"
    reasons = [f"{one.provider or 'run'}: {one.reason}" for one in causes]
    reasons += ["something else in this session failed"] if ended != code else []
    yield f"exit code {ended}{':' if reasons else ''}"
    yield from (f"  {to_one_line(cause)}" for cause in reasons[:_MOST_CAUSES])
    if len(reasons) > _MOST_CAUSES:
        yield f"  and {len(reasons) - _MOST_CAUSES} more"


def write_reports(path: Path, reports: Reports, mask: Callable[[str], str]) -> None:
    """Write the reports for the processes that show them; `mask` hides every key of the run."""
    made = {id_: [report.result, mask(report.text)] for id_, report in reports.items()}
    write_atomically(path, json.dumps(made))


def read_reports(path: Path) -> dict[str, CaseReport]:
    """Return what `write_reports` wrote; empty if there is no file, because nothing was asked."""
    if not path.is_file():
        return {}
    return {id_: CaseReport(*entry) for id_, entry in json.loads(path.read_text(encoding="utf-8")).items()}


def make_rule_case_id(provider: Provider, rule: Rule) -> str:
    """Return the id of the case of one rule."""
    return f"{provider.name}-{rule.id.replace('/', '-')}"


def make_client_case_id(provider: str, client: str) -> str:
    """Return the id of the case of one client."""
    return f"{provider}-client-{ALL_CLIENTS[client].slug}"


def make_known_case_id(provider: str) -> str:
    """Return the id of the case of a provider's `known` entries."""
    return f"{provider}-known-entries"


def read_case_id(name: str) -> str:
    """Return the id in the name of a case or of any other test; "" where it has none."""
    return name.rpartition("[")[2].removesuffix("]") if name.endswith("]") else ""


@dataclass(frozen=True)
class CaseIds:
    """The ids of all cases of a run, and whom they concern."""

    rules: Mapping[str, tuple[str, str]]  # id -> provider and rule
    others: Mapping[str, str]  # id of a client's or of the known entries' case -> provider

    @classmethod
    def of(cls, providers: Sequence[Provider], rules: Sequence[Rule], clients: Sequence[str]) -> CaseIds:
        """Return the ids for the providers that are asked, the rules that are judged and the clients that are named."""
        every = {make_rule_case_id(one, rule): (one.name, rule.id) for one in providers for rule in rules}
        named = {make_client_case_id(one.name, client): one.name for one in providers for client in clients}
        return cls(every, named | {make_known_case_id(one.name): one.name for one in providers})

    def select(self, names: Iterable[str]) -> dict[str, set[str]]:
        """Return each provider with the rules that a selection of cases needs; a client's case needs all of them."""
        wanted: dict[str, set[str]] = {}
        every = {rule for _, rule in self.rules.values()}
        for id_ in map(read_case_id, names):
            if id_ in self.rules:
                provider, rule = self.rules[id_]
                wanted.setdefault(provider, set()).add(rule)
            elif id_ in self.others:
                wanted.setdefault(self.others[id_], set()).update(every)
        return wanted
