"""The log behind the page: the rows of pytest-html for what did not pass, and the script that draws them.

The rows are taken from the reports that pytest-html's hooks hand on, not from the file that it writes (measured on
pytest-html 4.2): there node ids stand unescaped, an `onclick` breaks a strict policy, and thousands of rows take seconds
to draw. So passing rows are only counted, and every text is escaped. The script is the one that pytest-html installs,
unchanged; the page starts it only when the reader opens the log.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

_LONGEST_LOG = 20_000  # characters of one row's log
MOST_ROWS = 20_000


class RowReport(Protocol):
    """What the log needs of a pytest report."""

    nodeid: str
    duration: float
    sections: list[tuple[str, str]]

    @property
    def when(self) -> str | None:
        """The phase: setup | call | teardown | collect."""

    @property
    def outcome(self) -> str:
        """How it ended: passed | failed | skipped."""

    @property
    def longreprtext(self) -> str:
        """The words of a failure or a skip."""


@dataclass(frozen=True)
class LogRows:
    """What the page needs for its log.

    data: what pytest-html's script reads, without passing rows. passed: how many those were. rows: how many others.
    """

    data: Mapping[str, Any]
    script: str
    passed: int
    rows: int


def make_row(report: RowReport) -> dict[str, Any]:
    """Return a pytest report as a row for pytest-html's script, every text escaped."""
    test = report.nodeid if report.when == "call" else f"{report.nodeid}::{report.when}"
    texts = {"result": _name_result(report), "testId": test, "duration": _format_duration(report.duration)}
    escaped = {name: escape(text) for name, text in texts.items()}
    cells = [f'<td class="col-{name}">{text}</td>' for name, text in escaped.items()]
    log = "\n".join([report.longreprtext, *(f"--- {head} ---\n{text}" for head, text in report.sections)])
    if len(log) > _LONGEST_LOG:
        log = f"{log[:_LONGEST_LOG]}\n… {len(log) - _LONGEST_LOG:,} more characters"
    return {
        **escaped,
        "log": escape(log),
        "resultsTableRow": [*cells, '<td class="col-links"></td>'],
        "extras": [],
        "tableHtml": [],
    }


def _name_result(report: RowReport) -> str:
    """Return pytest-html's word for the outcome of a report."""
    if report.outcome == "failed" and report.when != "call":
        return "Error"
    if hasattr(report, "wasxfail"):
        return "XFailed" if report.outcome == "skipped" else "XPassed"
    return report.outcome.capitalize()


def _format_duration(seconds: float) -> str:
    """Return a duration as pytest-html writes it, so that its script can sort by it."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}:{round(seconds % 60):02d}"


def make_log(rows: Sequence[Mapping[str, Any]], passed: int) -> LogRows:
    """Return the log of these rows, with the script that pytest-html installs. Raises OSError where it is not there."""
    script = importlib.resources.files("pytest_html") / "resources" / "app.js"
    data = {
        "environment": {},  # it names paths and packages of the machine that ran
        "tests": {str(number): [row] for number, row in enumerate(rows[:MOST_ROWS])},
        "renderCollapsed": ["all"],
        "initialSort": "result",
    }
    return LogRows(data, script.read_text(encoding="utf-8"), passed, len(rows))
