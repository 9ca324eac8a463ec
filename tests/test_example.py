"""Everything generated is up to date, and the check for that notices every kind of change."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import regenerate

from conformance.report import LogRows, render_page
from conformance.validation import validate


def test_everything_generated_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert regenerate.main(["--check"]) == 0, capsys.readouterr().err


@pytest.fixture
def results() -> Any:
    return json.loads((regenerate.EXAMPLE / "results.json").read_text(encoding="utf-8"))


def test_the_example_s_results_are_as_their_schema_says(results: Any) -> None:
    assert validate(results, "results.schema.json") == []


def _judged(results: Any) -> Any:
    return next(one for one in results["providers"] if one["deviations"])


def _drop_a_finding(results: Any) -> None:
    _judged(results)["deviations"].pop()


def _lower_a_level(results: Any) -> None:
    _judged(results)["deviations"][0]["level"] = "note"


def _turn_a_pass_into_a_deviation(results: Any) -> None:
    next(case for case in _judged(results)["cases"] if case["outcome"] == "pass")["outcome"] = "deviation"


def _change_a_status(results: Any) -> None:
    results["providers"][0]["status"] = "partial"


def _mend_a_client(results: Any) -> None:
    next(one for one in _judged(results)["clients"] if one["verdict"] != "works")["verdict"] = "works"


def _take_a_header_away(results: Any) -> None:
    clients = [client for one in results["providers"] for client in one["clients"] if client["configure"]]
    clients[0]["configure"] = []


@pytest.mark.parametrize(
    "change",
    [
        _drop_a_finding,
        _lower_a_level,
        _turn_a_pass_into_a_deviation,
        _change_a_status,
        _mend_a_client,
        _take_a_header_away,
    ],
)
def test_results_with_another_outcome_are_stale(results: Any, change: Callable[[Any], None]) -> None:
    before = copy.deepcopy(results)
    change(results)
    assert regenerate.outcomes(results) != regenerate.outcomes(before)


def test_results_that_differ_in_times_alone_are_not_stale(results: Any) -> None:
    before = copy.deepcopy(results)
    results["run"] |= {"id": "another", "started_at": "2031-01-01T00:00:00+00:00"}
    _judged(results)["traffic"]["seconds"] = 99.0
    _judged(results)["deviations"][0]["evidence"] = []
    _judged(results)["base_url"] = "http://127.0.0.1:1"
    assert regenerate.outcomes(results) == regenerate.outcomes(before)


@pytest.fixture
def drawn(results: Any) -> str:
    rows = {"0": [{"result": "failed", "testId": "a", "resultsTableRow": []}]}
    return render_page(results, LogRows({"tests": rows}, "start();", 3, 1))


def test_a_page_that_was_just_drawn_is_of_this_version(results: Any, drawn: str) -> None:
    assert regenerate.is_drawn_by_this_version(drawn, results)


def _pieces(drawn: str) -> Iterator[tuple[str, str]]:
    """A word of the templates, of the style, of the script, of a finding and of the tail: anywhere in the page."""
    yield "What this does not claim", "What this never claims"
    yield "</style>", " </style>"
    yield "addEventListener", "attachEvent"
    yield drawn[len(drawn) // 2 :][:40], ""
    yield "nothing is fetched.", "nothing is loaded."


def test_a_page_that_differs_anywhere_is_stale(results: Any, drawn: str) -> None:
    for old, new in _pieces(drawn):
        assert old in drawn
        assert not regenerate.is_drawn_by_this_version(drawn.replace(old, new, 1), results), old


def test_a_page_without_a_log_is_stale(results: Any) -> None:
    assert not regenerate.is_drawn_by_this_version(render_page(results, None), results)


def test_the_table_of_clients_says_what_a_client_needs() -> None:
    clients = [
        {"client": "one", "verdict": "works", "configure": ['header: {"Authorization": "Bearer KEY"}']},
        {"client": "two", "verdict": "works", "configure": []},
        {"client": "three", "verdict": "broken", "configure": ["API version: v1beta"]},
    ]
    provider = {"title": "A (embedded)", "embedded": True, "status": "deviates", "clients": clients}
    lines = regenerate.clients_table({"providers": [provider]}).splitlines()
    assert lines[2:] == [
        "| one | works with a header |",
        "| two | works |",
        "| three | **breaks** |",
    ]
