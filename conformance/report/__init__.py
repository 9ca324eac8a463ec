"""Renders results.json as a page, a summary, a terminal matrix, JUnit and complaints; each a pure function."""

from conformance.report.console import format_terminal
from conformance.report.html_page import render_page
from conformance.report.junit_xml import write_junit
from conformance.report.markdown import write_complaint, write_summary
from conformance.report.pytest_log import LogRows, make_log, make_row
from conformance.report.verdict import abbreviate_verdict

__all__ = [
    "LogRows",
    "abbreviate_verdict",
    "format_terminal",
    "make_log",
    "make_row",
    "render_page",
    "write_complaint",
    "write_junit",
    "write_summary",
]
