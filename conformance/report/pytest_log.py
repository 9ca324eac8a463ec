"""Turns the file that pytest-html wrote into our page with its rows as the log.

Measured on pytest-html 4.2.0: no hook reaches its head, an onclick breaks a strict policy, node ids reach
innerHTML unescaped, and thousands of rows take seconds to draw. So its rows are taken out as data, the
passing ones left behind and every cell made text; its own script is kept as it is, and started only when
the reader opens the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

_BLOB = re.compile(r'<div id="data-container" data-jsonblob="([^"]*)">')
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_CELL = re.compile(r'<td class="(col-[\w-]+)">(.*)</td>\s*$', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LOG_MOST = 20_000  # characters of one row's log
ROWS_MOST = 20_000


@dataclass(frozen=True)
class LogRows:
    """What the log needs of pytest-html's page: its data without passing rows, and its own script.

    columns: key and title of each sortable column, in order. passed: rows that were left out.
    """

    data: Mapping[str, Any]
    script: str
    passed: int
    rows: int


def _plain(html: str) -> str:
    """Return HTML as escaped text without its tags; safe to be set as innerHTML."""
    return escape(unescape(_TAG.sub("", html)))


def _cell(cell: str) -> str:
    match = _CELL.match(cell)
    if not match:
        return "<td></td>"
    name, inner = match.groups()
    return f'<td class="{name}">{_plain(inner) if name != "col-links" else ""}</td>'


def _row(test: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose every text is text, without extras: evidence stands in the page itself."""
    plain = {name: _plain(str(test.get(name, ""))) for name in ("result", "testId", "duration")}
    log = _plain(str(test.get("log") or ""))
    if len(log) > _LOG_MOST:
        log = f"{log[:_LOG_MOST].rpartition('&')[0]}\n… {len(log) - _LOG_MOST:,} more characters"
    cells = [_cell(str(cell)) for cell in test.get("resultsTableRow") or ()]
    return {**plain, "log": log, "resultsTableRow": cells, "extras": [], "tableHtml": []}


def read_log_rows(written: str) -> LogRows:
    """Return the log of a page that pytest-html wrote; ValueError where it is not one that we know."""
    blob, script = _BLOB.search(written), _SCRIPT.search(written)
    if not blob or not script:
        raise ValueError("pytest-html wrote a page that this version does not know; use pytest-html 4.2")
    data = json.loads(unescape(blob[1]))
    tests = [test for rows in data["tests"].values() for test in rows]
    kept = [test for test in tests if str(test.get("result", "")).lower() != "passed"]
    rows = {str(number): [_row(test)] for number, test in enumerate(kept[:ROWS_MOST])}
    # The environment names paths and packages of the machine that ran: never in a page that is handed on.
    plain = {"environment": {}, "tests": rows, "renderCollapsed": ["all"], "initialSort": "result"}
    return LogRows(data=plain, script=script[1], passed=len(tests) - len(kept), rows=len(kept))
