"""Renders results.json as a page, a summary, a terminal matrix, JUnit and complaints; each a pure function."""

from conformance.report.console import terminal
from conformance.report.html_page import finish, page
from conformance.report.junit_xml import junit
from conformance.report.markdown import complaint, summary_markdown
from conformance.report.short import short_verdict
from conformance.report.transform import LogRows, log_rows

__all__ = [
    "LogRows",
    "complaint",
    "finish",
    "junit",
    "log_rows",
    "page",
    "short_verdict",
    "summary_markdown",
    "terminal",
]
