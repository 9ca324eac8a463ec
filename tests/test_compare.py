"""Comparing two runs: real results, and edited copies of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from finished_run import Results, case, deviation, provider, results_of, run_folder, without, written

from conformance import cli
from conformance.comparing.compare import GAINED, GROUPS, LOST, compare
from conformance.comparing.past import read_past
from conformance.report.comparison_text import format_markdown, format_text

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
    assert code == 3
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
    assert code == 3
    assert {line["rule"] for line in found["lost"]} == {one["rule"] for one in judged}
    out = told(capsys, run, after)[1]
    assert f"{WHO} was not run: no key ({len(judged)} rules judged before)." in out
    assert not [line for line in out.splitlines() if "No longer covered" in line]
    assert "Nothing is new" not in out


def test_a_provider_that_is_gone_is_lost_and_one_that_came_is_new(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results["providers"] = [one for one in results["providers"] if one["name"] != WHO]
    less = written(tmp_path / "less", results)
    _, gone = groups(capsys, run, less)
    assert {line["reason"] for line in gone["lost"]} == {"the provider is not in the new run"}
    assert (gone["exit_code"], [one["kind"] for one in gone["events"]]) == (3, ["provider missing"])
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
    assert "not a failure" in out


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
    text, markdown = format_text(found), format_markdown(found)
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
    assert "Since the earlier run" in page
    assert f"{results_of(run)['run']['id']} (" in page
    assert "New: 1 must; this fails." in page
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
        ('{"a": 1, "a": 2}', "appears twice"),
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
    results["providers"] = [one, *({**one, "name": f"vendor-{number}"} for number in range(150))]
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


CLIENT = "google-genai 3.4.0 (Python)"
WORKING = "google-embedded"


def _client(results: Results, who: str, name: str, verdict: str) -> None:
    entry = next(one for one in provider(results, who)["clients"] if one["client"] == name)
    entry.update(verdict=verdict, because=[{"effect": "raises", "detail": "no candidates"}])


def _sentence(out: str, start: str) -> str:
    return next(line for line in out.splitlines() if line.startswith(start))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 1),
        (("--client", "google-genai"), 1),
        (("--client", "google-genai-3.4.0"), 1),
        (("--client", "gemini-cli"), 0),
        (("--fail-on", "never"), 0),
        (("--fail-on", "never", "--client", "google-genai"), 1),
        (("-p", WORKING), 1),
        (("-p", WHO), 0),
    ],
)
def test_a_client_that_worked_and_breaks_fails(
    run: Path,
    results: Results,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    words: tuple[str, ...],
    code: int,
) -> None:
    _client(results, WORKING, CLIENT, "broken")
    after = written(tmp_path / "new", results)
    found, out, _ = told(capsys, run, after, *words)
    assert found == code
    if WHO not in words:
        assert (
            _sentence(out, CLIENT)
            == f"{CLIENT} worked with {WORKING} and breaks now: stops with an exception: no candidates."
        )
        assert "Nothing is new" not in out


@pytest.mark.parametrize("verdict", ["works", "degraded"])
def test_a_client_that_works_again_is_said_and_fails_nothing(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str], verdict: str
) -> None:
    _client(results, WORKING, CLIENT, "broken")
    old = written(tmp_path / "old", results)
    _client(results, WORKING, CLIENT, verdict)
    code, out, _ = told(capsys, old, written(tmp_path / "new", results))
    assert code == 0
    assert _sentence(out, f"{CLIENT} works again with {WORKING}")


def test_a_client_that_was_tested_and_is_not_now_is_lost_coverage(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _client(results, WORKING, CLIENT, "untested")
    after = written(tmp_path / "new", results)
    code, out, _ = told(capsys, run, after)
    assert code == 3
    assert f"{WORKING} lost coverage: no longer tested: {CLIENT}." in out
    assert told(capsys, run, after, "--client", "gemini-cli")[0] == 0
    assert told(capsys, run, after, "--client", "google-genai")[0] == 3


def test_an_unknown_client_is_a_wrong_command_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(capsys, run, run, "--client", "google-gena")
    assert code == 2
    assert "did you mean 'google-genai'" in err


@pytest.mark.parametrize(
    ("level", "fail_on", "code"),
    [
        ("must", "must", 1), ("should", "must", 0), ("should", "should", 1), ("note", "should", 0),
        ("note", "any", 1), ("must", "never", 0),
    ],
)  # fmt: skip
def test_the_level_that_fails_can_be_chosen(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, level: str, fail_on: str, code: int
) -> None:  # fmt: skip
    new = results_of(run)
    deviation(new, WHO, RULE)["level"] = level
    case(new, WHO, RULE)["outcome"] = "note" if level == "note" else "deviation"
    old = written(tmp_path / "old", without(results, WHO, RULE))
    found, out, _ = told(capsys, old, written(tmp_path / "new", new), "--fail-on", fail_on)
    assert found == code
    assert f"New: 1 {level}" in out
    assert ("this fails" in out) == bool(code)


def test_a_new_deviation_comes_before_lost_coverage(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = written(tmp_path / "old", without(results, WHO, RULE))
    new = results_of(run)
    provider(new, WORKING).update(
        status="inconclusive", reason="the plain question is answered with HTTP 502"
    )
    after = written(tmp_path / "new", new)
    assert told(capsys, old, after)[0] == 1
    assert told(capsys, old, after, "-p", WORKING)[0] == 3
    assert told(capsys, old, after, "-p", "vision*")[0] == 1


def test_a_provider_that_died_is_one_line_and_accuses_nobody(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = written(tmp_path / "old", without(results, WHO, RULE))
    new = results_of(run)
    provider(new, WHO).update(status="inconclusive", reason="the plain question is answered with HTTP 502")
    after = written(tmp_path / "new", new)
    for form in ("text", "markdown"):
        code, out, _ = told(capsys, old, after, "--format", form)
        assert code == 3
        assert (
            len([line for line in out.splitlines() if f"{WHO} could not be judged" in line.replace("\\", "")])
            == 1
        )
        assert "Nothing is new" not in out
        assert RULE not in out
    found = groups(capsys, old, after)[1]
    assert found["new"] == []
    assert "could not be judged: the plain question is answered with HTTP 502" in found["headline"]


def test_a_provider_that_neither_run_could_judge_is_said_and_never_called_nothing_new(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider(results, WHO).update(status="inconclusive", reason="HTTP 502")
    folder = written(tmp_path / "run", results)
    code, out, _ = told(capsys, folder, folder)
    assert code == 0
    assert f"{WHO} could not be judged: HTTP 502 (nor was it judged before)." in out
    assert "Nothing is new" not in out
    assert told(capsys, folder, folder, "-p", WHO)[0] == 3


def test_a_provider_that_neither_run_asked_is_a_choice_and_takes_nothing_away(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider(results, WHO).update(status="not-run", reason="K2 is not set", cases=[], deviations=[])
    folder = written(tmp_path / "run", results)
    code, out, _ = told(capsys, folder, folder)
    assert code == 0
    assert f"Not run in either run: {WHO}." in out
    assert "Nothing is new." in out


def test_a_missing_key_is_named(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provider(results, WHO).update(status="not-run", reason="K2 is not set", cases=[], deviations=[])
    code, found = groups(capsys, run, written(tmp_path / "new", results))
    assert code == 3
    assert [(one["kind"], one["reason"]) for one in found["events"]] == [
        ("secret missing", "was not run: K2 is not set")
    ]


@pytest.mark.parametrize("where", ["judged", "selection"])
def test_lost_coverage_names_what_limited_the_run(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    one = provider(results, WHO)
    one["cases"] = [each for each in one["cases"] if each["rule"].startswith("casing/")]
    if where == "judged":
        one["judged"] = {"rules": 12, "of": 158, "limited_by": ["24 answers of 429"]}
    else:  # as an older version wrote it
        one.pop("judged", None)
        results["run"]["selection"]["dimensions"] = ["casing"]
    code, out, _ = told(capsys, run, written(tmp_path / "new", results))
    assert code == 3
    said = _sentence(out, f"{WHO} lost coverage: ")
    assert said.endswith("(24 answers of 429)." if where == "judged" else "(-d casing).")
    assert "rules judged before and not now" in said
    assert ("The runs selected different dimensions: all and casing." in out) == (where == "selection")


def test_runs_without_a_common_provider_are_refused(
    results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right = dict(results), dict(results)
    left["providers"] = [one for one in results["providers"] if one["name"] != WHO]
    right["providers"] = [one for one in results["providers"] if one["name"] == WHO]
    code, out, err = told(capsys, written(tmp_path / "old", left), written(tmp_path / "new", right))
    assert (code, out) == (2, "")
    names = ", ".join(one["name"] for one in left["providers"])
    assert err == f"the runs have no provider in common: {names} / {WHO}\n"


def test_a_provider_that_neither_run_has_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(capsys, run, run, "-p", "nobody*")
    assert code == 2
    assert "nobody*" in err
    assert WHO in err


# --- findings on generated bodies --------------------------------------------------------------------

SURVIVES = "schema/survives-generated-bodies"


def _shown_by_bodies(
    results: Results, bodies: int | None, *pointers: str, probe: str = "generated-0a"
) -> Results:
    """Give one provider a finding that generated bodies alone show; without pointers the rule passes."""
    results["run"]["selection"]["max_examples"] = bodies
    case(results, WHO, SURVIVES)["outcome"] = "deviation" if pointers else "pass"
    one = provider(results, WHO)
    one["deviations"] = [each for each in one["deviations"] if each["rule"] != SURVIVES]
    if pointers:
        made = {
            **one["deviations"][0],
            "rule": SURVIVES,
            "dimension": "schema",
            "level": "must",
            "generated": True,
        }
        one["deviations"].append({**made, "pointers": list(pointers), "more_pointers": 0, "probes": [probe]})
    return results


Draw = tuple[int | None, tuple[str, ...]]


@pytest.mark.parametrize(
    ("old", "new", "group", "code"),
    [
        ((12, ()), (12, ("/tools/0",)), "new", 1),
        ((40, ()), (12, ("/tools/0",)), "new", 1),
        ((None, ()), (None, ("/tools/0",)), "new", 1),
        ((12, ()), (40, ("/tools/0",)), "more_bodies", 0),
        ((12, ("/tools/0",)), (12, ("/tools/3",)), "still", 0),
        ((12, ("#0/a/1",)), (12, ("#7/a/2",)), "still", 0),
        ((12, ("/tools/0",)), (12, ("/tools/0", "/contents/0/parts/1")), "new", 1),
        ((12, ("/tools/0",)), (40, ("/tools/0", "/contents/0/parts/1")), "still", 0),
        ((12, ("/tools/0",)), (12, ()), "fixed", 0),
        ((40, ("/tools/0",)), (12, ()), "lost", 3),
    ],
)
def test_findings_on_generated_bodies_are_matched_by_rule_and_place(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, old: Draw, new: Draw, group: str, code: int
) -> None:  # fmt: skip
    before = _shown_by_bodies(results_of(run), old[0], *old[1])
    after = _shown_by_bodies(results_of(run), new[0], *new[1], probe="generated-0070f9e5a860")
    places = written(tmp_path / "old", before), written(tmp_path / "new", after)
    found, data = groups(capsys, *places)
    assert {name for name in GROUPS for line in data[name] if line["rule"] == SURVIVES} == {group}
    assert found == code
    out = told(capsys, *places)[1]
    assert "generated-0" not in out
    if group == "more_bodies":
        assert "1 finding seen with more generated bodies than before, so not counted as new." in out
        assert "seen with 40 generated bodies; the old run planned 12" in out


# --- the summary of a CI job ---------------------------------------------------------------------------

SECRET = "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW"


def test_the_summary_of_a_job_gets_what_changed_without_keys_and_commands(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    summary = tmp_path / "steps.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("SOME_API_KEY", SECRET)
    reason = f"::error ::{SECRET} <script> @everyone"
    provider(results, WHO).update(status="inconclusive", reason=reason)
    after = written(tmp_path / "new", results)
    code, out, _ = told(capsys, run, after, "--format", "json")
    text = summary.read_text(encoding="utf-8")
    assert code == 3
    assert text.startswith("before\n## 0 new")
    assert "could not be judged" in text
    for shown in (text, out):
        assert SECRET not in shown
        assert "::error" not in shown or shown is out  # JSON is no log line: quotation marks stand before it
    assert not [bad for bad in ("<script>", "@everyone") if bad in text]


def test_a_summary_that_cannot_be_written_is_said_and_changes_no_exit_code(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    code, out, err = told(capsys, run, run)
    assert code == 0
    assert "Nothing is new." in out
    assert "GITHUB_STEP_SUMMARY" in err


def test_every_sentence_stands_in_every_form(
    run: Path, results: Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _client(results, WORKING, CLIENT, "broken")
    provider(results, WHO).update(status="inconclusive", reason="HTTP 502")
    without(results, "apimart-embedded", HELD, "inconclusive", "HTTP 429")
    after = written(tmp_path / "new", results)
    target = tmp_path / "page.html"
    forms = [told(capsys, run, after, "--format", form)[1] for form in ("text", "markdown", "json")]
    told(capsys, run, after, "--html", target)
    for shown in (*forms, target.read_text(encoding="utf-8")):
        assert "and breaks now" in shown
        assert "could not be judged: HTTP 502" in shown
        assert "lost coverage: 1 rule judged before and not now" in shown
