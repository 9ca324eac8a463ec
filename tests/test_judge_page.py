"""The page, the Markdown text and results.json of a judged recording."""

from __future__ import annotations

import base64
import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import recordings
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright
from test_report_browser import AXE, CHROMIUM, Seen

from conformance.cli import main
from conformance.files import load_bundled_schemas
from conformance.report import render_page
from conformance.validation import validate

HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[31m"


def judged(folder: Path, *lines: dict[str, Any], code: int = 1) -> tuple[dict[str, Any], Path]:
    path, out = folder / "x.jsonl", folder / "out"
    path.write_text("\n".join(map(json.dumps, lines)))
    assert main(["judge", str(path), "--out", str(out)]) == code
    results: dict[str, Any] = json.loads((out / "results.json").read_text())
    return results, out / "report.html"


def hostless(one: recordings.Taped) -> dict[str, Any]:
    line = recordings.line(one)
    return {**line, "url": line["url"].removeprefix(recordings.HOST)}


def cut_short() -> dict[str, Any]:
    line = recordings.line(recordings.good_stream())
    whole = base64.b64decode(line["body_b64"])
    return {**line, "body_b64": base64.b64encode(whole[:60]).decode()}


def hostile() -> dict[str, Any]:
    body = {
        **recordings.ANSWER,
        "candidates": [{"finishReason": HOSTILE, "content": {"parts": [{"text": "x"}]}}],
    }
    return recordings.line(recordings.Taped(body=json.dumps(body).encode()))


LINES = (recordings.without_reason(), recordings.good(), recordings.snake(), recordings.error())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("judged")
    return judged(folder, *map(recordings.line, LINES), cut_short(), hostile())


def test_results_describe_what_clients_make_of_each_answer(whole: tuple[dict[str, Any], Path]) -> None:
    results = whole[0]
    schema: Any = load_bundled_schemas()["results.schema.json"]
    assert "recordings" in schema["properties"]["run"]["properties"]
    assert "answers" in schema["$defs"]["provider"]["properties"]
    assert validate(results, "results.schema.json") == []
    assert [one["place"] for one in results["providers"][0]["answers"]] == [
        f"x.jsonl, line {number}" for number in range(1, 7)
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("run", "recordings"), "x"),
        (("providers", 0, "answers", 0, "clients", 0, "effect"), "explodes"),
        (("providers", 0, "answers", 0, "status"), "200"),
        (("providers", 0, "answers"), {}),
    ],
)
def test_the_schema_refuses_what_describes_an_answer_wrongly(
    whole: tuple[dict[str, Any], Path], path: tuple[Any, ...], value: object
) -> None:
    results = copy.deepcopy(whole[0])
    holder: Any = results
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    assert validate(results, "results.schema.json") != []


def test_the_page_says_what_it_rests_on(whole: tuple[dict[str, Any], Path]) -> None:
    text = whole[1].read_text()
    head = text[: text.index("<main")]
    assert "a recording of 6 exchanges" in head
    assert "request" not in head.partition('class="runfacts"')[2]
    assert "x.jsonl: JSON lines, 6 entries; 6 read; 1 with a body that was recorded in part" in text
    assert "not asked: a recording contains only the questions that were asked" in text


def test_many_answers_are_bounded_and_harmful_ones_kept(whole: tuple[dict[str, Any], Path]) -> None:
    results = copy.deepcopy(whole[0])
    answers = results["providers"][0]["answers"]
    good, bad = answers[1], answers[2]
    results["providers"][0]["answers"] = [good] * 400 + [{**bad, "place": f"bad {n}"} for n in range(100)]
    text = render_page(results)
    assert text.count("x.jsonl, line 2<") == 40
    assert "bad 99<" in text
    assert "360 more replies in results.json" in text


def test_a_host_that_was_not_recorded_is_not_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, path = judged(tmp_path, hostless(recordings.snake()))
    curl = results["providers"][0]["deviations"][0]["curl"]
    assert "not-recorded" not in curl
    assert main(["judge", str(tmp_path / "x.jsonl"), "--format", "markdown"]) == 1
    for text in (path.read_text(), capsys.readouterr().out):
        assert "host-not-recorded" not in text
    asked = subprocess.run(
        ["/bin/sh", "-c", curl], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=False
    )
    assert asked.returncode != 0
    assert "the recording does not name the host" in asked.stderr


def test_a_line_for_curl_carries_the_key_as_a_variable(tmp_path: Path) -> None:
    sent = {
        **recordings.line(recordings.snake()),
        "request_headers": {"Authorization": "Bearer sk-0123456789abcdefghijklmn"},
    }
    for line, header in (
        (recordings.line(recordings.snake()), "x-goog-api-key: ${API_KEY}"),
        (sent, "Authorization: Bearer ${API_KEY}"),
    ):
        results, _ = judged(tmp_path, line)
        curl = results["providers"][0]["deviations"][0]["curl"]
        assert header in curl
        assert "configured" not in curl
        (tmp_path / "out").rename(tmp_path / f"out-{len(header)}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_table_of_answers_can_be_read_on_any_screen(
    browser: Browser, whole: tuple[dict[str, Any], Path], width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    seen = Seen(context, whole[1])
    seen.page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    table = seen.page.locator("table.answers")
    assert table.is_visible()
    assert table.locator("tbody tr").count() == 6
    assert seen.page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert table.evaluate("one => one.scrollWidth <= one.parentElement.clientWidth")
    assert table.locator("img").count() == 0
    assert Axe().run(seen.page, options=AXE).response["violations"] == []
    assert seen.quiet()
    context.close()
