"""The claims of the page and the summary: never more than was judged, and one word for one thing."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from report_results import CLIENTS, deviation, example, of, partial, provider
from whole_runs import entry, honest_port, run, write_providers

from conformance.files import find_schemas_folder
from conformance.report import format_terminal, render_page, write_complaint, write_junit, write_summary
from conformance.report.headline import write_headline
from conformance.report.overview import describe_selection, make_banners
from conformance.report.sections import read_documents
from conformance.report.verdict import describe_clients, explain_verdict
from conformance.verdicts.extent import BY_FINDINGS

HEADER = "header: HttpOptions(headers={...})"
VERSION = "API version: HttpOptions(api_version=...)"


def plain(text: str) -> str:
    """Return the words of a page, without its tags, styles and scripts."""
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def deviating(name: str, level: str = "should", **more: Any) -> dict[str, Any]:
    found = deviation("usage/x", level, "Usage is there", "a", "b", **more)
    return provider(name, name.title(), "deviates", deviations=[found])


def dead(name: str, reason: str = "connection refused") -> dict[str, Any]:
    return provider(name, name.title(), "inconclusive", reason=reason, clients=[])


def fine(name: str) -> dict[str, Any]:
    return provider(name, name.title(), "conforms")


def documented(*providers: dict[str, Any]) -> dict[str, Any]:
    results = of(*providers)
    results["run"]["selection"] = {"against": "documented"}
    return results


@pytest.mark.parametrize(
    ("providers", "said"),
    [
        ([fine("a")], "The vendor conforms to Google's contract"),
        ([fine("a"), fine("b")], "All 2 vendors conform to Google's contract"),
        ([partial()], "The vendor was judged in part: nothing found in 97 of 158 rules (limited by 24 answers of 429)"),
        ([partial("a"), partial("b", rules=120)], "All 2 vendors were judged in part: nothing found in 97 to 120 of 158 rules (limited by 24 answers of 429)"),
        ([fine("a"), partial()], "1 of 2 vendors conforms to Google's contract; 1 was judged in part"),
        ([fine("a"), fine("b"), dead("c")], "2 of 3 vendors conform to Google's contract; 1 could not be judged"),
        ([partial(), dead("c")], "None of 2 vendors was judged in full; 1 was judged in part; 1 could not be judged"),
        ([deviating("a"), fine("b")], "None of 2 vendors breaks Google's contract; 1 deviates in details"),
        ([deviating("a"), partial()], "1 of 2 vendors deviates in details; 1 was judged in part"),
        ([deviating("a", "must"), dead("b")], "1 of 2 vendors breaks Google's contract; 1 could not be judged"),
        ([deviating("a")], "The vendor keeps Google's contract except in details"),
        ([{**deviating("a"), "judged": {"rules": 97, "of": 158, "limited_by": ["-d usage"]}}], "The vendor deviates in details; 97 of 158 rules were judged (limited by -d usage)"),
        ([deviating("a", "must", known=True)], "The vendor departs from Google's contract only as accepted"),
        ([dead("a"), {**fine("b"), "embedded": True}], "No vendor could be judged"),
    ],
)  # fmt: skip
def test_a_headline_claims_no_more_than_was_judged(providers: list[dict[str, Any]], said: str) -> None:
    assert write_headline(of(*providers)) == said


@pytest.mark.parametrize(
    "providers",
    [[fine("a")], [fine("a"), fine("b")], [deviating("a")], [deviating("a"), fine("b")], [partial()], [partial(), fine("b")]],
)  # fmt: skip
def test_a_run_against_documents_says_nothing_of_googles_contract(providers: list[dict[str, Any]]) -> None:
    results = documented(*providers)
    assert "Google's contract" not in write_headline(results)
    if providers[0]["status"] != "partial":
        assert "own document" in write_headline(results)
    assert "Where they depart from their own documents" in plain(render_page(results))


def test_models_of_one_vendor_are_not_counted_as_vendors() -> None:
    several = [
        {**deviating(f"a{n}", "must"), "base_url": f"https://{'xyz'[n % 3]}.example"} for n in range(7)
    ]
    assert write_headline(of(*several)) == "7 of 7 providers of 3 vendors break Google's contract"


@pytest.mark.parametrize(
    ("verdicts", "configure", "said"),
    [
        (["broken"] * 3, [[HEADER]] * 3, "all 3 clients break"),
        (["degraded"] * 3, [[]] * 3, "all 3 clients are degraded"),
        (["works"] * 3, [[], [], []], "all 3 clients work"),
        (["works"] * 3, [[HEADER]] * 3, "all 3 clients work with a header"),
        (["works"] * 3, [[HEADER, VERSION], [HEADER], []], "all 3 clients work: 1 with a header and an API version, 1 with a header, 1 as it is"),
        (["works"], [[VERSION]], "the client works with an API version"),
        (["broken", "broken", "works"], [[HEADER]] * 3, "2 of 3 clients break, 1 works with a header"),
        (["broken", "degraded", "works"], [[]] * 3, "1 of 3 clients breaks, 1 degraded"),
        (["works", "untested"], [["credential: x-api-key"]] * 2, "the client works with another credential"),
    ],
)  # fmt: skip
def test_a_client_that_works_only_once_it_is_configured_is_said_to_do_so(
    verdicts: list[str], configure: list[list[str]], said: str
) -> None:
    clients = [
        {"client": client, "verdict": found, "because": [], "configure": lines}
        for client, found, lines in zip(CLIENTS, verdicts, configure, strict=False)
    ]
    found = provider("a", "A", "conforms", clients=clients)
    assert describe_clients(found) == said
    assert said in plain(render_page(of(found)))
    assert said in format_terminal(of(found), width=200)


def test_partial_has_its_own_sign_and_words_wherever_a_verdict_stands() -> None:
    results = of(partial(), fine("b"))
    said = "nothing found in 97 of 158 rules (limited by 24 answers of 429)"
    text = render_page(results)
    assert text.count("½") == 4  # tally, matrix, legend, the provider's own head
    assert plain(text).count(said) == 2
    assert f"½ judged in part<br>{said}" in write_summary(results).replace("\\", "")
    assert "What was not judged has not passed." in plain(text)


def test_how_much_was_judged_stands_beside_a_finding_too() -> None:
    found = {
        **deviating("a"),
        "judged": {"rules": 97, "of": 158, "limited_by": [f"limit {n}" for n in range(6)]},
    }
    assert explain_verdict(found).endswith(
        "; 97 of 158 rules were judged (limited by: limit 0; limit 1; limit 2; limit 3; 2 more)"
    )
    explained = {"rules": 156, "of": 158, "limited_by": [f"{BY_FINDINGS}: 2 rules"]}
    assert (
        explain_verdict({**found, "judged": explained}) == "all 6 clients work; 156 of 158 rules were judged"
    )
    assert (
        explain_verdict({**found, "judged": {"rules": 158, "of": 158, "limited_by": []}})
        == "all 6 clients work"
    )


def test_all_dead_providers_share_one_banner() -> None:
    results = of(*(dead(f"v{n}", f"v{n}: connection refused") for n in range(9)), dead("w", "HTML"))
    results["run"]["warnings"] = [
        *(f"v{n}: 8 unusable answers in a row" for n in range(9)),
        "resumed",
        "w: all 502",
    ]
    first, second = make_banners(results)
    assert first.title == "10 providers could not be judged"
    assert first.lines == ("V0, V1, V2, V3, V4, V5 and 3 more: connection refused", "W: HTML")
    assert second.lines == ("resumed",)
    assert render_page(results).count('class="banner') == 2


def test_a_stale_entry_is_said_once() -> None:
    results = of({**fine("a"), "stale": ["a: auth/x passes now"]})
    results["run"]["warnings"] = ["a: auth/x passes now"]
    assert [each.lines for each in make_banners(results)] == [("A: auth/x passes now",)]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (
            {"dimensions": ["usage"], "rules": [f"usage/r{n}" for n in range(12)]},
            "dimensions usage; 12 rules",
        ),
        ({"rules": ["usage/a", "auth/b"]}, "rules usage/a, auth/b"),
        ({"rules": [f"usage/r{n}" for n in range(5)]}, "5 rules"),
        ({"providers": ["a", "b"], "rules": []}, "providers a, b"),
        ({}, ""),
    ],
)
def test_a_selection_is_told_in_few_words(chosen: dict[str, Any], said: str) -> None:
    assert describe_selection({"selection": chosen}) == said


def test_only_the_documents_of_those_who_were_asked_are_shown() -> None:
    results = example()
    results["documents"].append(
        {"dialect": "mine", "kind": "oddity", "pointer": "", "says": "x", "lines": ""}
    )
    assert [each.dialect for each in read_documents(results)] == ["quill", "lumen"]
    results["providers"].append({**fine("own"), "dialect": "mine"})
    results["providers"] = [each for each in results["providers"] if each["name"] != "quill"]
    assert [(each.dialect, each.summary) for each in read_documents(results)] == [
        ("lumen", "1 departure from Google"),
        ("mine", "1 oddity"),
    ]


def test_what_stands_between_backticks_is_code_and_still_only_text() -> None:
    results = example(
        switch={"from": "a", "to": "b", "on_paper": False, "changes": [{"what": "Names", "from": "broken: raises: KeyError: x", "to": "works", "do": "hand on `data: <b>`"}]}
    )  # fmt: skip
    results["providers"][4]["deviations"][0]["why"] = "A client reads `finishReason` alone; ` is a lone tick."
    text = render_page(results)
    assert "hand on <code>data: &lt;b&gt;</code>" in text
    assert "reads <code>finishReason</code> alone; ` is" in text
    assert "<td>breaks: stops with an exception: KeyError: x</td><td>works</td>" in text


def test_a_condition_stands_in_the_line_of_the_title() -> None:
    results = of(deviating("a", conditions=["when streamed", "only in a second turn"]))
    said = "Usage is there, only when streamed, in a second turn"
    assert said.replace("there,", "there ,") in plain(render_page(results))
    found = results["providers"][0]
    for text in (
        write_summary(results),
        write_junit(results),
        write_complaint(results, found, found["deviations"][0]),
    ):
        assert said in text


def test_one_thing_has_one_word_on_the_page() -> None:
    text = plain(render_page(example()))
    for gone in ("broken", "What should be true", "Way round", "So it is", "not so:", "characters after"):
        assert gone not in text
    for there in (
        "Findings: what the contract demands and the provider does not do",
        "Workaround",
        "Result",
        "instead: ",
    ):
        assert there in text


def test_providers_with_the_same_title_are_told_apart() -> None:
    text = render_page(of({**fine("a"), "title": "Same"}, {**fine("b"), "title": "Same"}))
    assert "Same (a)" in text
    assert "Same (b)" in text


def test_a_run_holds_what_is_to_know_of_the_documents_that_were_asked_and_of_no_other(tmp_path: Path) -> None:
    """The user's own dialect is among them: it was left out, where documents of vendors nobody asked stood."""
    own = tmp_path / "mine"
    shutil.copytree(find_schemas_folder() / "anyfast", own)
    document = own / "dialect.json"
    named = json.loads(document.read_text(encoding="utf-8")) | {"name": "mine", "title": "My own vendor"}
    document.write_text(json.dumps(named), encoding="utf-8")
    with honest_port() as port:
        providers = {"mine": entry(port, dialect="./mine", auth="x-goog-api-key", limits={})}
        ran = run(write_providers(tmp_path, providers), tmp_path / "out", "-d", "envelope")
    assert {each["dialect"] for each in ran.results["documents"]} == {"mine"}
    columns = [table["columns"][1:] for table in ran.results["side_by_side"]["tables"]]
    assert columns[0] == ["Google Gemini API", "My own vendor"]
    text = plain((ran.out / "report.html").read_text(encoding="utf-8"))
    assert ran.results["documents"][0]["says"].replace("`", "") in text
    assert "VisionCoder" not in text


def test_times_and_the_adapter_are_shown_where_results_tell_of_them() -> None:
    times = {
        "first_piece_median": 320.4,
        "first_piece_worst": 2100,
        "unary_median": None,
        "streamed_median": 950,
    }
    text = plain(render_page(of({**fine("a"), "latency": times, "adapted": True})))
    assert "First piece 320 ms median, 2.1 s worst Streamed reply 950 ms median" in text
    assert "asked through the adapter" in text
    assert "Whole, unary" not in text


def test_an_exit_code_of_0_beside_a_bundled_server_that_deviates_is_explained() -> None:
    bundled = {**deviating("a", "must"), "embedded": True}
    said = "bundled servers count only when named with -p"
    results = of(bundled)
    assert said not in plain(render_page(results))
    results["run"]["exit_code"] = 0
    assert said in plain(render_page(results))
    results["run"]["selection"] = {"providers": ["a"]}
    assert said not in plain(render_page(results))
