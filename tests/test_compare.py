"""Comparing two runs: real results, and copies of them that are changed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from finished import Results, case, deviation, provider, results_of, run_folder, without, written

from conformance import cli
from conformance.comparing.compare import GAINED, GROUPS, LOST, compare
from conformance.comparing.past import read_past
from conformance.report.compared import as_markdown, as_text

WHO = "visioncoder-embedded"
RULE = "casing/answers-in-camel-case"
HELD = "casing/spells-each-name-once"
EVIL = "\x1b[2J<script>alert(1)</script> @everyone | ![x](http://x.example/) `tick` \u202egnp"


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folder(tmp_path_factory)


@pytest.fixture
def results(run: Path) -> Results:
    return results_of(run)


def told(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = cli.main(["compare", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def groups(capsys: pytest.CaptureFixture[str], old: Path, new: Path) -> tuple[int, dict[str, Any]]:
    code, out, _ = told(capsys, old, new, "--format", "json")
    return code, json.loads(out)


def test_a_run_beside_itself_has_nothing_new(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = groups(capsys, run, run / "results.json")
    assert code == 0
    assert [found[group] for group in ("new", "fixed", "lost", "gained", "moves", "remarks")] == [[]] * 6
    assert {(line["provider"], line["rule"]) for line in found["still"]} >= {(WHO, RULE)}
    assert "Nothing is new." in told(capsys, run, run)[1]


def test_a_must_that_was_a_pass_is_new_and_fails(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = written(tmp_path / "old", without(results, WHO, RULE))
    code, found = groups(capsys, before, run)
    assert code == 1
    (line,) = found["new"]
    assert (line["rule"], line["level"], line["before"], line["after"]) == (RULE, "must", "pass", "must")


def test_a_must_that_is_a_pass_now_is_fixed(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = groups(capsys, run, written(tmp_path / "new", without(results, WHO, RULE)))
    assert code == 0
    assert [(line["rule"], line["level"]) for line in found["fixed"]] == [(RULE, "must")]


@pytest.mark.parametrize("outcome", ["blocked", "inconclusive", "error", "unsupported"])
@pytest.mark.parametrize("rule", [RULE, HELD])
def test_what_was_judged_and_is_not_any_more_is_lost(
    run: Path,
    results: Results,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    rule: str,
    outcome: str,
) -> None:
    after = written(tmp_path / "new", without(results, WHO, rule, outcome, "HTTP 503"))
    code, found = groups(capsys, run, after)
    assert code == 0
    (line,) = found["lost"]
    assert (line["rule"], line["after"], line["reason"]) == (rule, outcome, "HTTP 503")
    assert "HTTP 503" in told(capsys, run, after)[1]
    assert groups(capsys, after, run)[1][GAINED if rule == HELD else "new"][0]["before"] == outcome


def test_a_provider_that_was_not_run_loses_all_its_coverage_with_the_reason(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = [
        one for one in provider(results, WHO)["cases"] if one["outcome"] in ("pass", "deviation", "note")
    ]
    provider(results, WHO).update(status="not-run", reason="no key", cases=[], deviations=[])
    after = written(tmp_path / "new", results)
    code, found = groups(capsys, run, after)
    assert code == 0
    assert {line["rule"] for line in found["lost"]} == {one["rule"] for one in judged}
    assert "the provider was not run: no key" in told(capsys, run, after)[1]


def test_a_provider_that_is_gone_is_lost_and_one_that_came_is_new(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results["providers"] = [one for one in results["providers"] if one["name"] != WHO]
    less = written(tmp_path / "less", results)
    _, gone = groups(capsys, run, less)
    assert {line["reason"] for line in gone["lost"]} == {"the provider is not in the new run"}
    code, came = groups(capsys, less, run)
    assert code == 1
    assert RULE in {line["rule"] for line in came["new"]}


def test_a_new_note_and_a_new_accepted_deviation_are_listed_and_fail_nothing(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without(results, WHO, RULE)
    old = written(tmp_path / "old", results)
    new = results_of(run)
    deviation(new, WHO, RULE)["known"] = True
    case(new, WHO, RULE)["outcome"] = "known"
    code, found = groups(capsys, old, written(tmp_path / "accepted", new))
    assert (code, found["new"][0]["known"], found["new"][0]["after"]) == (0, True, "accepted must")
    deviation(new, WHO, RULE).update(known=False, level="note")
    case(new, WHO, RULE)["outcome"] = "note"
    code, out, _ = told(capsys, old, written(tmp_path / "note", new))
    assert code == 0
    assert "○ note" in out
    assert "fails nothing" in out


@pytest.mark.parametrize("change", [{"level": "note"}, {"level": "should"}, {"known": True}])
def test_what_grew_worse_or_is_not_accepted_any_more_is_new(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any]
) -> None:
    deviation(results, WHO, RULE).update(change)
    old = written(tmp_path / "old", results)
    code, found = groups(capsys, old, run)
    assert code == 1
    assert [line["rule"] for line in found["new"]] == [RULE]
    assert groups(capsys, run, old)[0] == 0


def test_a_finding_that_spread_names_the_questions(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deviation(results, WHO, RULE)["probes"].remove("plain")
    _, found = groups(capsys, written(tmp_path / "old", results), run)
    assert [line["reason"] for line in found["still"] if line["rule"] == RULE] == ["now also seen on plain"]


OUTCOMES = ("pass", "deviation", "known", "note", "unsupported", "blocked", "inconclusive", "error", "absent")


def test_every_pair_of_outcomes_stands_in_one_group_unless_nothing_changed(run: Path, tmp_path: Path) -> None:
    quiet = []
    for before in OUTCOMES:
        for after in OUTCOMES:
            old, new = (
                read_past(written(tmp_path / name, _one_case(run, outcome)))
                for name, outcome in (("old", before), ("new", after))
            )
            lines = [
                group for group in GROUPS for line in compare(old, new).groups[group] if line.rule == RULE
            ]
            assert len(lines) <= 1
            if not lines:
                quiet.append((before, after))
    unjudged = set(OUTCOMES[4:])
    assert {pair for pair in quiet if not set(pair) <= unjudged} == {("pass", "pass")}


def _one_case(run: Path, outcome: str) -> Results:
    results = results_of(run)
    one = provider(results, WHO)
    one["cases"] = [{"rule": RULE, "outcome": outcome}] if outcome != "absent" else []
    results["providers"] = [one]
    return results


def test_other_models_traits_and_verdicts_are_told(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = provider(results, WHO)
    one["model"] = "another-model"
    one["traits"]["auth"]["observed"] = ["bearer"]
    one["clients"][0]["verdict"] = "untested"
    results["run"]["complete"] = False
    results["tool"]["version"] = "0.0.7"
    old = written(tmp_path / "old", results)
    _, found = groups(capsys, old, run)
    assert {move["what"] for move in found["moves"]} == {"model", "auth", one["clients"][0]["client"]}
    out = told(capsys, old, run)[1]
    assert "another-model → " in out
    assert "The old run is incomplete" in out
    assert "0.0.7" in out


def test_what_a_vendor_said_is_harmless_in_every_rendering(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in provider(results, WHO)["deviations"]:
        each["title"] = EVIL
    case(results, WHO, HELD).update(outcome="blocked", reason=EVIL)
    provider(results, WHO)["model"] = EVIL
    after = written(tmp_path / "new", results)
    found = compare(read_past(run), read_past(after))
    text, markdown = as_text(found), as_markdown(found)
    for shown in (text, markdown, told(capsys, run, after, "--format", "json")[1]):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "<script>" not in markdown
    assert "](http" not in markdown
    assert "@everyone" not in markdown


def test_a_page_can_carry_what_changed(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deviation(results, WHO, "streaming/streams-sse-with-alt")["title"] = EVIL
    without(results, WHO, RULE)
    target = tmp_path / "page.html"
    old = written(tmp_path / "old", results)
    assert told(capsys, old, run, "--html", target)[0] == 1
    page = target.read_text(encoding="utf-8")
    assert 'id="comparison"' in page
    assert "(pass → must)" in page
    assert told(capsys, run, old, "--html", target)[0] == 0
    assert "<script>alert" not in target.read_text(encoding="utf-8")


def test_results_of_another_format_say_which_version_wrote_them(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results["format"] = "conformance-results/2"
    results["tool"] = {"name": "gemini-conformance", "version": "9.1.0\x1b[2J"}
    code, out, err = told(capsys, run, written(tmp_path / "new", results))
    assert (code, out) == (2, "")
    assert "9.1.0" in err
    assert "conformance-results/2" in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "/: must be an object"),
        ('{"format": 7}', "is not a results.json"),
        ('{"format": "conformance-results/1"}', "/run: is missing"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "deep"),
        ('{"a": ' + "9" * 10_000 + "}", "is not plain JSON"),
        ('{"a": NaN}', "is not plain JSON"),
    ],
)
def test_a_file_that_is_no_results_json_gets_one_clear_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    path = tmp_path / "results.json"
    path.write_text(text, encoding="utf-8")
    code, _, err = told(capsys, run, path)
    assert code == 2
    assert says in err
    assert str(path) in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("providers", {}), ("providers", [7]), ("run", []), ("tool", None), ("providers/0/cases", 5), ("providers/0/cases/0/rule", 5),
     ("providers/0/name", None), ("providers/0/traits", []), ("providers/0/deviations/0", []), ("providers/0/clients/0/verdict", [])],
)  # fmt: skip
def test_a_changed_file_is_told_with_the_place(
    run: Path,
    results: Results,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    pointer: str,
    value: Any,
) -> None:
    results["providers"].sort(key=lambda one: one["name"] != WHO)
    *way, last = (int(step) if step.isdecimal() else step for step in pointer.split("/"))
    place: Any = results
    for step in way:
        place = place[step]
    place[last] = value
    code, _, err = told(capsys, run, written(tmp_path / "new", results))
    assert code == 2
    assert f"/{pointer}" in err
    assert len(err.splitlines()) == 1


def test_a_folder_without_results_and_one_that_leads_elsewhere_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no such file" in told(capsys, run, tmp_path)[2]
    (tmp_path / "results.json").symlink_to(run / "results.json")
    code, _, err = told(capsys, run, tmp_path)
    assert code == 2
    assert "leads out of" in err


@pytest.mark.slow
def test_a_hundred_and_fifty_providers_are_compared_in_seconds(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = provider(results, WHO)
    for each in one["deviations"]:
        each["evidence"] = [{"exchange": "x/y#1", "body": "z" * 16_000}] * 3
    results["providers"] = [{**one, "name": f"vendor-{number}"} for number in range(150)]
    big = written(tmp_path / "big", results)
    assert (big / "results.json").stat().st_size > 25_000_000
    code, out, _ = told(capsys, run, big)
    assert code == 1
    assert len(out.splitlines()) < 1000


def test_nothing_lost_is_left_out_of_the_bundles(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in provider(results, "google-embedded")["cases"]:
        each.update(outcome="inconclusive", reason="HTTP 429")
    after = written(tmp_path / "new", results)
    _, found = groups(capsys, run, after)
    passed = len(found[LOST])
    assert f"google-embedded: {passed} passes: HTTP 429" in told(capsys, run, after)[1]
