"""What a test runner shows of one case: passed, failed or skipped, and in which words.

Computed once, where the cases were judged; the processes that merely show cases read them from a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from conformance.model import Case, Deviation, Level, Outcome
from conformance.recording.record import write_whole
from conformance.report.plain import one_line

Result = Literal["passed", "failed", "skipped"]
_FAILING: Mapping[str, frozenset[Level]] = {
    "must": frozenset({Level.MUST}),
    "should": frozenset({Level.MUST, Level.SHOULD}),
    "any": frozenset(Level),
    "never": frozenset(),
}


@dataclass(frozen=True)
class CaseReport:
    """The result of one case and the words that explain it; no words where there is nothing to explain."""

    result: Result
    words: str = ""


def report_case(case: Case, fail_on: str) -> CaseReport:
    """Return how a runner shows a case, so that it fails exactly where the exit code counts it.

    `fail_on`: must | should | any | never, the level from which a finding fails.
    """
    if case.deviation is not None:
        return CaseReport(_result_of_finding(case, case.deviation, fail_on), describe_finding(case.deviation))
    if case.outcome is Outcome.ERROR:
        return CaseReport("failed", f"the checker's own fault: {one_line(case.reason)}")
    if case.outcome in (Outcome.PASS, Outcome.NOTE):
        return CaseReport("passed")
    return CaseReport("skipped", f"{case.outcome}: {one_line(case.reason)}")


def _result_of_finding(case: Case, deviation: Deviation, fail_on: str) -> Result:
    accepted = deviation.known is not None or case.outcome is Outcome.KNOWN
    return "failed" if deviation.level in _FAILING[fail_on] and not accepted else "passed"


def describe_finding(deviation: Deviation) -> str:
    """Return a finding in a few lines: its level and title, what was expected and observed, and where."""
    spot = deviation.spots[0]
    accepted = f" (known: {one_line(deviation.known.reason)})" if deviation.known else ""
    return (
        f"{deviation.level}: {one_line(deviation.title)}{accepted}\n"
        f"expected: {one_line(spot.expected)}\n"
        f"observed: {one_line(spot.observed)}\n"
        f"at {spot.exchange} {one_line(spot.pointer)}"
    )


Reports = Mapping[str, CaseReport]  # by the id of the test


def write_reports(path: Path, reports: Reports, mask: Callable[[str], str]) -> None:
    """Write the reports for the processes that show them; `mask` hides every key of the run."""
    made = {id_: [report.result, mask(report.words)] for id_, report in reports.items()}
    write_whole(path, json.dumps(made))


def read_reports(path: Path) -> dict[str, CaseReport]:
    """Return what `write_reports` wrote; empty where the file is not there, because nothing was asked."""
    if not path.is_file():
        return {}
    return {id_: CaseReport(*entry) for id_, entry in json.loads(path.read_text(encoding="utf-8")).items()}
