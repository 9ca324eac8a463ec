"""What is rendered from results.json, without a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from report_results import DIMENSIONS, deviation, evidence, example, many, provider

from conformance import catalogue
from conformance.catalogue import RULES
from conformance.judging.arrivals import HELD_BACK_RULE
from conformance.report import (
    LogRows,
    format_terminal,
    make_log,
    make_row,
    render_page,
    write_complaint,
    write_junit,
    write_summary,
)
from conformance.report.arrivals import draw_arrivals
from conformance.report.evidence import extract_marked, find_marks, share_limit
from conformance.report.findings import read_citation
from conformance.report.html_page import hash_source
from conformance.report.matrix import make_cells, sort_providers
from conformance.report.safe_text import (
    escape_markdown,
    format_code,
    format_fence,
    format_moment,
    format_seconds,
    make_slug,
    make_visible,
    number_duplicates,
    to_one_line,
)
from conformance.validation import validate

HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "'\"><svg onload=document.title='owned'>",
    "\x1b[31mred\x1b]0;owned\x07\x00\u202eevil\ud800",
    "{{ 7*7 }}{% raw %}{{curl}}",
    "```\n# heading\n[x](javascript:alert(1)) @everyone | a | b",
)


class Outline(HTMLParser):
    """Collects a page's ids, links, handlers and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.hrefs: list[str] = []
        self.handlers: list[str] = []
        self.styles: list[str] = []
        self.tags: dict[str, int] = {}
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in {"href", "src"}:
                self.hrefs.append(value or "")
            elif name.startswith("on"):
                self.handlers.append(name)
            elif name == "style":
                self.styles.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def xml(text: str) -> ET.Element:
    """Return the parsed XML that we wrote ourselves a moment ago."""
    return ET.fromstring(text)


def poisoned(value: Any, poison: str, keep: frozenset[str]) -> Any:
    """Return the same document with `poison` behind every text that a vendor or a user could have written."""
    if isinstance(value, dict):
        return {key: child if key in keep else poisoned(child, poison, keep) for key, child in value.items()}
    if isinstance(value, list):
        return [poisoned(child, poison, keep) for child in value]
    return value + poison if isinstance(value, str) else value


CODE_SPAN = re.compile(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
CLOSED = frozenset(
    {"status", "outcome", "level", "dimension", "against", "verdict", "seen", "kind", "format", "effect"}
)  # fmt: skip


def test_the_example_is_what_the_schema_says() -> None:
    assert validate(example(), "results.schema.json") == []


def test_every_link_of_the_page_leads_to_a_place_in_it() -> None:
    outline = Outline(render_page(example(), None))
    assert {href[1:] for href in outline.hrefs if href.startswith("#")} <= set(outline.ids)
    assert {href for href in outline.hrefs if not href.startswith("#")} == {"data:,"}


def test_no_id_stands_twice() -> None:
    twice = example()
    twice["providers"].append({**twice["providers"][4], "name": "Quill"})
    ids = Outline(render_page(twice, None)).ids
    assert len(ids) == len(set(ids))


def test_each_finding_has_an_anchor_of_provider_and_rule() -> None:
    assert "finding-quill-casing-answers-in-camel-case" in Outline(render_page(example(), None)).ids


def test_the_policy_admits_the_inline_style_and_script_and_nothing_else() -> None:
    text = render_page(example(), None)
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert found
    policy = unescape(found[1])
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert style
    assert policy.startswith("default-src 'none';")
    assert hash_source(style[1]) in policy
    assert len(scripts) == 1
    assert hash_source(scripts[0]) in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://ai.google.dev/api#authentication", True),
        ("javascript:alert(1)", False),
        ("https://x.example/) [a](https://y.example", False),
        ('https://x.example/"onclick=alert(1)', False),
        ("", False),
    ],
)
def test_a_source_is_a_link_only_to_a_page(url: str, linked: bool) -> None:
    found = read_citation({"document": "Gemini API reference", "url": url})
    assert found is not None
    assert found.url == (url if linked else "")


@pytest.mark.parametrize("poison", HOSTILE)
def test_text_of_a_vendor_is_text_on_the_page(poison: str) -> None:
    clean, text = (
        Outline(render_page(example(), None)),
        render_page(poisoned(example(), poison, CLOSED), None),
    )
    outline = Outline(text)
    assert outline.handlers == outline.styles == []
    assert outline.tags.get("img", 0) == clean.tags.get("img", 0)
    assert outline.tags["script"] == clean.tags["script"]
    assert outline.tags["svg"] == clean.tags["svg"]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff]", text)


@pytest.mark.parametrize("poison", HOSTILE)
def test_junit_stays_xml_whatever_a_vendor_says(poison: str) -> None:
    root = xml(write_junit(poisoned(example(), poison, CLOSED)))
    assert len(root.findall("testsuite")) == 6


@pytest.mark.parametrize("poison", HOSTILE)
def test_a_summary_keeps_its_table_whatever_a_vendor_says(poison: str) -> None:
    lines = [
        CODE_SPAN.sub("", line) for line in write_summary(poisoned(example(), poison, CLOSED)).splitlines()
    ]
    rows = [line for line in lines if line.startswith("|")]
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    assert widths == [13] * 8 + [5] * 8
    assert not [line for line in lines if re.search(r"(?<!\\)<(?!br>)", line)]
    assert "@everyone" not in "\n".join(lines)


def test_the_headline_says_how_many_break_the_contract() -> None:
    assert "<h1>1 of 4 vendors breaks Google&#39;s contract; 1 could not be judged</h1>" in render_page(
        example(), None
    )


def test_bundled_servers_are_never_called_vendors() -> None:
    results = example()
    results["providers"] = [each for each in results["providers"] if each["embedded"]]
    text = render_page(results, None)
    assert "The bundled server keeps Google&#39;s contract except in details" in text
    assert "No vendor was asked: these are bundled servers" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"complete": False, "exit_code": 130}, "Interrupted: this run did not finish"),
        ({"complete": False, "exit_code": 3}, "Incomplete: this run did not finish"),
        ({"warnings": ["95 % were 401"]}, "95 % were 401"),
    ],
)
def test_what_went_wrong_with_the_run_stands_in_a_banner(change: dict[str, Any], said: str) -> None:
    results = example()
    results["run"].update(change)
    assert said in render_page(results, None)
    assert said.partition(":")[0] in format_terminal(results)
    assert said.partition(":")[0] in write_summary(results)


def test_an_accepted_deviation_that_no_longer_holds_stands_in_a_banner() -> None:
    results = example()
    results["providers"][1]["stale"] = ["auth/x: passes now"]
    for text in (render_page(results, None), format_terminal(results), write_summary(results)):
        assert "Accepted findings that no longer occur" in text
        assert "auth/x: passes now" in text.replace("\\", "")


def test_what_was_not_asked_is_listed_with_its_reason() -> None:
    results = example()
    results["providers"][1]["unasked"] = [
        {"probe": "thinks", "cause": "budget", "detail": "120 requests were sent"}
    ]
    text = render_page(results, None)
    assert "questions that were not asked" in text
    assert "budget: 120 requests were sent" in text


def test_providers_stand_worst_first_and_those_not_run_last() -> None:
    names = [each["name"] for each in sort_providers(example()["providers"])]
    assert names == ["quill", "lumen", "heron", "harbour", "lumen-embedded", "tern"]


def test_a_column_in_which_nothing_could_be_judged_is_no_pass() -> None:
    found = provider("x", "X", "conforms")
    found["cases"] = [{"rule": "auth/one", "outcome": "blocked"}, {"rule": "usage/one", "outcome": "pass"}]
    by_dimension = {cell.dimension: [count.sign.key for count in cell.counts] for cell in make_cells(found)}
    assert by_dimension["auth"] == ["unjudged"]
    assert by_dimension["usage"] == ["pass"]
    assert by_dimension["routes"] == ["nothing"]


def test_an_accepted_deviation_is_counted_apart() -> None:
    lumen = next(each for each in example()["providers"] if each["name"] == "lumen")
    routes = make_cells(lumen)[DIMENSIONS.index("routes")]
    assert [(count.sign.key, count.number) for count in routes.counts] == [("known", 1)]


def test_the_deviating_place_is_marked() -> None:
    text = render_page(example(), None)
    assert '<mark>"finish_reason"</mark>: "STOP"' in text


def test_an_exchange_stands_once_however_many_findings_show_it() -> None:
    outline = Outline(render_page(example(), None))
    assert len([found for found in outline.ids if found.startswith("exchange-quill-")]) == 4


def test_marks_outside_a_body_or_over_each_other_are_clipped() -> None:
    entry = evidence("x#1", "0123456789", places=[[-5, 3], [2, 5], [8, 99], [7, 7], "x", [1]])
    assert find_marks(entry) == [(0, 3), (3, 5), (8, 10)]


def test_an_extract_says_how_much_was_left_out_on_both_sides() -> None:
    body = "a" * 5000 + "HERE" + "b" * 5000
    found = extract_marked(evidence("x#1", body, "HERE", body_from=100, cut=300))
    assert dict(found.segments)["HERE"] is True
    assert found.before + len(found.text) + found.after == len(body) + 300


def test_a_huge_body_is_bounded_and_the_cut_said() -> None:
    results = example()
    quill = next(each for each in results["providers"] if each["name"] == "quill")
    quill["deviations"][0]["evidence"] = [evidence("quill/plain#1", "x" * 10_000_000)]
    text = render_page(results, None)
    assert len(text) < 300_000
    assert "9,995,904 more characters; complete in the recording" in text


def test_a_thousand_pointers_are_shown_in_part_and_counted() -> None:
    results = example()
    quill = next(each for each in results["providers"] if each["name"] == "quill")
    quill["deviations"][0]["pointers"] = [f"/candidates/{n}" for n in range(1000)]
    text = render_page(results, None)
    assert "1,204 more places" in text
    assert text.count("<code>/candidates/") < 250


def test_evidence_shares_the_room_of_the_page() -> None:
    assert share_limit(1) == 4096
    assert share_limit(1000) == 1500
    assert share_limit(100_000) == 500


@pytest.mark.parametrize(
    ("providers", "said"),
    [([], "Nothing was selected, so nothing was tested"), (None, "No vendor could be judged")],
)
def test_a_run_that_judged_nobody_says_so_everywhere(providers: list[Any] | None, said: str) -> None:
    idle = [each for each in example()["providers"] if each["status"] == "not-run"]
    results = example(providers=idle if providers is None else providers)
    assert said in render_page(results, None)
    assert said in format_terminal(results, colour=True, width=80)
    assert said in write_summary(results)
    xml(write_junit(results))


def test_names_with_quotes_and_emoji_become_ids_without_them() -> None:
    results = example()
    results["providers"][4]["name"] = '"Qu\'ill" 🪶 <b>'
    outline = Outline(render_page(results, None))
    assert "vendor-qu-ill-b" in outline.ids
    assert "🪶" not in "".join(outline.ids)


def test_hundred_and_fifty_providers_are_all_in_the_matrix() -> None:
    text = render_page(many(150, 1, body=200), None)
    assert text.count("<tr data-row=") == 150
    assert write_summary(many(250, 1, body=10)).count("| **Vendor") == 200 + 200
    assert len(write_summary(many(250, 3, body=10)).encode()) < 1_000_000


def test_the_page_says_what_it_does_not_claim_and_how_it_was_proven() -> None:
    text = render_page(example(), None)
    assert "What this does not claim" in text
    assert "131 small servers, each wrong in one way" in text


def test_the_documents_stand_with_their_contradictions_first() -> None:
    text = render_page(example(), None)
    assert text.index("absent from the example") < text.index("no error body is shown")


def test_tables_of_the_documents_are_shown_where_results_carry_them() -> None:
    tables = [
        {
            "title": "Models",
            "columns": ["model", "Google", "quill"],
            "rows": [["gemini-2.5-pro", "yes", "no"]],
            "note": "as of today",
        }
    ]
    text = render_page(example(side_by_side={"tables": tables}), None)
    assert "gemini-2.5-pro" in text
    assert "as of today" in text


def test_a_comparison_and_a_switch_are_sections_when_asked_for() -> None:
    line = {"provider": "quill", "rule": "auth/x", "level": "must", "title": "The key is accepted"}
    move = {
        "from": "quill",
        "to": "lumen",
        "on_paper": True,
        "changes": [{"what": "names", "from": "snake_case", "to": "camelCase", "do": "rename"}],
    }
    text = render_page(
        example(comparison={"new": [line], "fixed": [], "still": [], "lost": []}, switch=move), None
    )
    assert "New: 1" in text
    assert "Moving from quill to lumen" in text
    assert "on paper" in text
    assert "Since the run before" not in render_page(example(), None)


def test_junit_groups_by_provider_and_dimension() -> None:
    root = xml(write_junit(example()))
    quill = root.find("testsuite[@name='quill']")
    assert quill is not None
    case = quill.find("testcase[@classname='quill.casing'][@name='answers-in-camel-case']")
    assert case is not None
    failure = case.find("failure")
    assert failure is not None
    assert "expected: finishReason" in (failure.text or "")
    musts = [one for one in example()["providers"][4]["deviations"] if one["level"] == "must"]
    assert (quill.get("failures"), quill.get("tests")) == (str(len(musts)), "99")
    tern = root.find("testsuite[@name='tern']/testcase/error")  # its key is missing: exit code 3
    assert tern is not None
    assert tern.get("message") == "not run: TERN_API_KEY is not set"


def test_a_complaint_holds_all_that_a_support_needs() -> None:
    results = example()
    quill = results["providers"][4]
    text = write_complaint(results, quill, quill["deviations"][0])
    for needed in ("`https://api.quill.example`", "finish\\_reason in all 38", "```sh\ncurl -sS", "```http\nPOST /v1beta", "### Response (status 200)", "L106-131"):  # fmt: skip
        assert needed in text


def test_nothing_inside_a_complaint_can_close_its_blocks() -> None:
    results = example()
    quill = results["providers"][4]
    nasty = deviation(
        "casing/x", "must", "x", "y", "z", curl="````\nfree", evidence=[evidence("quill/x#1", "a ````` b")]
    )
    text = write_complaint(results, quill, nasty)
    assert "\n``````sh\n````\nfree\n``````\n" in text


def test_a_slot_in_a_vendors_words_is_not_filled_twice() -> None:
    results = example()
    quill = results["providers"][4]
    found = deviation(
        "casing/x", "must", "x", "y", "z", curl="{{response}}", evidence=[evidence("q#1", "{{curl}}")]
    )
    text = write_complaint(results, quill, found)
    assert "{{response}}" in text
    assert "{{curl}}" in text


@pytest.mark.parametrize(
    ("times", "ended"),
    [
        ([4600.0, 4700.0, 4800.0, 4900.0, 5000.0], 5000.0),
        ([2100.0 + n for n in range(12)], 2112.0),
        ([2100.0], 2100.0),
        ([10.0, 400.0], 420.0),
    ],
)
def test_a_picture_of_arrivals_accuses_nobody_whom_the_rule_does_not(
    times: list[float], ended: float
) -> None:
    found = draw_arrivals(times, ended)
    accused = draw_arrivals(times, ended, held_back=True)
    assert found
    assert accused
    assert found.verdict == "measured"
    assert "uffered" not in found.says
    assert "treamed" not in found.says
    assert accused.verdict == "buffered"
    assert accused.says == f"Buffered: {found.says}"


def test_times_are_said_as_they_were_measured() -> None:
    found = draw_arrivals([200.0, 500.0, 1900.0], 2000.0)
    assert found
    assert found.says == "3 pieces, the first after 200 ms, the last after 1.9 s, widest gap 1.4 s."


def test_the_page_says_buffered_only_of_the_exchange_that_the_rule_names() -> None:
    results = example()
    quill = next(each for each in results["providers"] if each["name"] == "quill")
    assert (
        render_page(results, None).count("Buffered:") == 4
    )  # label and caption, in the finding and at the exchange
    quill["deviations"] = [each for each in quill["deviations"] if each["rule"] != HELD_BACK_RULE]
    assert "Buffered" not in render_page(results, None)


def test_the_rule_that_says_buffered_is_one_that_exists() -> None:
    catalogue.load()
    assert HELD_BACK_RULE in RULES


def test_arrivals_are_drawn_with_a_bounded_number_of_strokes() -> None:
    found = draw_arrivals([float(n) for n in range(20_000)], None)
    assert found
    assert found.path.count("M") <= 400
    assert draw_arrivals([], 3.0) is None
    assert draw_arrivals(["x", -1.0], None) is None


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (make_visible("a\x00b\x1b\u202ec\ud800\td\n"), "a␀b␛␦c\ufffd\td\n"),
        (make_slug("Quill / Röuter"), "quill-r-uter"),
        (make_slug("🪶"), "x"),
        (format_moment("2026-11-22T04:33:00+02:00"), "22 November 2026, 02:33 UTC"),
        (format_moment("yesterday"), "yesterday"),
        (format_seconds(0.42), "0.4 s"),
        (format_seconds(71.4), "1 min 11 s"),
        (format_seconds(7384), "2 h 3 min"),
        (escape_markdown("a|b <i> @x http://y"), "a\\|b &lt;i\\> &#64;x http&#58;//y"),
        (format_code("a`b"), "``a`b``"),
        (format_fence("a```b").splitlines()[0], "````"),
    ],
)
def test_text_is_made_plain(made: str, wanted: str) -> None:
    assert made == wanted


def test_names_are_numbered_where_they_collide() -> None:
    assert number_duplicates(["a", "a", "a-2", "a"]) == ["a", "a-2", "a-2-2", "a-3"]


SUITE = """
import pytest
@pytest.mark.parametrize("n", range(5))
def test_vacuous_passes(n): pass
@pytest.mark.parametrize("n", ["<img src=x onerror=alert(1)>"])
def test_fails(n): raise ValueError("<script>alert(1)</script>")
@pytest.mark.skip(reason="not today")
def test_skips(): pass
"""


# Keeps what pytest-html shows, as the suite's own plugin does.
COLLECTING = """
import json
from pathlib import Path
from conformance.report import make_row
rows, passed = [], []
def pytest_html_results_table_row(report):
    if report.outcome != "passed":
        rows.append(make_row(report))
    elif report.when == "call":
        passed.append(report)
def pytest_unconfigure():
    Path("rows.json").write_text(json.dumps([rows, len(passed)]))
"""


@pytest.fixture(scope="module")
def small_suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which pytest ran a small suite: rows.json, and log.html that pytest-html wrote."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "conftest.py").write_text(COLLECTING)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--html=log.html",
        "--self-contained-html",
        "--rootdir=.",
    ]
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "NO_COLOR": "1"}
    ran = subprocess.run(
        [*command, "test_suite.py"], cwd=folder, capture_output=True, check=False, env=environment
    )
    assert ran.returncode == 1, ran.stderr
    return folder


@pytest.fixture(scope="module")
def log(small_suite: Path) -> LogRows:
    """Return the log of the small suite."""
    return make_log(*json.loads((small_suite / "rows.json").read_text()))


def test_the_log_keeps_what_did_not_pass_as_text(log: LogRows) -> None:
    assert (log.passed, log.rows) == (5, 2)
    written = json.dumps(log.data)
    assert "<img" not in written
    assert "<script>" not in written
    assert "&lt;script&gt;alert(1)" in written
    assert log.data["environment"] == {}


def test_the_log_has_the_words_and_the_script_of_pytest_html(log: LogRows, small_suite: Path) -> None:
    original = unescape((small_suite / "log.html").read_text(encoding="utf-8"))
    assert log.script in (small_suite / "log.html").read_text(encoding="utf-8")
    assert [rows[0]["result"] for rows in log.data["tests"].values()] == ["Failed", "Skipped"]
    for rows in log.data["tests"].values():
        assert f'"result": "{rows[0]["result"]}"' in original
        assert json.dumps(unescape(rows[0]["testId"]))[1:-1] in original


def test_a_long_log_is_cut_and_says_so() -> None:
    report = pytest.TestReport(
        "a", ("a", 1, "a"), {}, "failed", "&" * 30_000, "call", sections=[("stdout", "x")], duration=61.2
    )
    row = make_row(report)
    assert "more characters" in row["log"]
    assert unescape(row["log"]).count("&") == 20_000
    assert row["duration"] == "00:01:01"


def test_the_page_has_the_log_behind_it(log: LogRows) -> None:
    text = render_page(example(), log)
    script = re.search(r'<script type="text/plain" id="log-script">(.*?)</script>', text, re.DOTALL)
    assert script
    assert hash_source(script[1]) in unescape(text)
    assert "2 pytest rows that did not pass; 5 that passed are left out" in text
    assert "onclick" not in text


def test_the_same_results_make_the_same_page() -> None:
    assert render_page(example(), None) == render_page(example(), None)


@pytest.mark.parametrize(
    "text",
    ["::error file=x::boo", "a-::add-mask::b", "x ##[group]y", "##vso[task.setvariable]z", "##teamcity[z]"],
)
def test_nothing_in_a_log_is_a_command_to_whoever_runs_it(text: str) -> None:
    said = to_one_line(text)
    assert len(said) == len(text)
    assert not re.search(r"::[a-z]|##[a-z]*\[", said)
    assert to_one_line("https://x/:y [::1] a: b # c ## d") == "https://x/:y [::1] a: b # c ## d"
