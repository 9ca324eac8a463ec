"""The catalogue checks itself when it loads, and knows rules by the ids that they had before."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import catalogue
from conformance.catalogue import FORMER_IDS, PROBES, RULES, ProbeContext, Rule, Unaskable, find_rule
from conformance.commands.explain import explain
from conformance.comparing.past import read_past
from conformance.model import ATTEMPTS_TO_ACCUSE, read_expected_statuses
from conformance.probe_ids import ProbeId

catalogue.load()
RULE = "streaming/ends-with-a-finish-reason"
FORMER = "streaming/says-how-it-went-out"
MANY_WORDS = frozenset(probe for probe in PROBES if "-" in probe)
PACKAGE = Path(__file__).parents[1] / "conformance"
EXAMPLE = Path(__file__).parents[1] / "reports" / "example"


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, RULE, dataclasses.replace(RULES[RULE], formerly=(FORMER,)))
    monkeypatch.setitem(FORMER_IDS, FORMER, RULE)


def test_a_rule_that_defers_to_what_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, RULE, dataclasses.replace(RULES[RULE], defers_to=("streaming/sends-dletas",)))
    with pytest.raises(
        ValueError, match=f"{RULE} defers to 'streaming/sends-dletas'.*did you mean 'streaming/sends-deltas'"
    ):
        catalogue.load()


def test_a_former_id_is_given_to_no_other_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMER_IDS, "streaming/sends-deltas", RULE)
    with pytest.raises(ValueError, match=f"streaming/sends-deltas is a former id of {RULE}"):
        catalogue.load()


@pytest.mark.usefixtures("renamed")
def test_a_rule_is_found_and_explained_by_its_former_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_rule(FORMER) is RULES[RULE]
    assert explain(Namespace(rule=FORMER)) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{RULE} (")
    assert f"Formerly: {FORMER}\n" in said


@pytest.mark.usefixtures("renamed")
def test_the_results_of_an_older_run_are_read_with_the_ids_of_today(tmp_path: Path) -> None:
    text = (EXAMPLE / "results.json").read_text(encoding="utf-8")
    (tmp_path / "results.json").write_text(text.replace(f'"{RULE}"', json.dumps(FORMER)), encoding="utf-8")
    for provider in read_past(tmp_path / "results.json").providers.values():
        assert FORMER not in provider.cases


@pytest.mark.usefixtures("renamed")
def test_of_two_rules_of_an_older_run_that_are_one_today_the_finding_counts(tmp_path: Path) -> None:
    results = json.loads((EXAMPLE / "results.json").read_text(encoding="utf-8"))
    provider = next(one for one in results["providers"] if one["deviations"])
    finding = provider["deviations"][0]
    passed = {"rule": RULE, "outcome": "pass", "reason": "", "exchanges": 1}
    provider["cases"] = [{**passed, "rule": FORMER, "outcome": "deviation"}, passed]
    provider["deviations"] = [{**finding, "rule": FORMER}]
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    case = read_past(tmp_path / "results.json").providers[provider["name"]].cases[RULE]
    assert case.level == finding["level"]


_AFTER_ATTEMPTS = ("judge_attempts(", "accuse_after_attempts(", "judge_obedience(")


def _accuses_after_several_attempts(rule: Rule) -> bool:
    source = inspect.getsource(inspect.unwrap(rule.look))
    return rule.needs_obedience or any(name in source for name in _AFTER_ATTEMPTS)


def _expects_an_answer(probe: str) -> bool:
    entry = PROBES[probe]
    question = None if entry.follows else entry.build(ProbeContext("gemini-2.5-flash", "7f3a"))
    if question is None or isinstance(question, Unaskable):
        return True
    return 200 in read_expected_statuses(question.expected)


def test_a_question_on_which_a_rule_accuses_after_three_attempts_has_three() -> None:
    asked = {
        probe
        for rule in RULES.values()
        if _accuses_after_several_attempts(rule)
        for probe in rule.probes
        if _expects_an_answer(probe)
    }
    assert len(asked) > 20
    assert [probe for probe in asked if PROBES[probe].attempts < ATTEMPTS_TO_ACCUSE] == []


def _list_bare_ids(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    options = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "feature"]
    features = {id(node) for option in options for node in ast.walk(option)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in features and node.value in MANY_WORDS:
            yield f"{path.name}:{node.lineno}: {node.value}"


def test_probes_are_named_by_constants_so_that_a_misspelt_one_fails_type_checking() -> None:
    rooms = ("asking", "bodies", "checks", "judging", "running", "verdicts")
    modules = [path for room in rooms for path in (PACKAGE / room).rglob("*.py")]
    assert [bare for path in modules for bare in _list_bare_ids(path)] == []


def test_every_constant_names_a_probe() -> None:
    assert [name.value for name in ProbeId if name not in PROBES] == []


def test_probes_are_asked_in_one_order_whichever_module_was_imported_first() -> None:
    code = (
        "from conformance.probes import keys, tools\n"
        "from conformance import catalogue\n"
        "catalogue.load()\n"
        "print(*catalogue.PROBES)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*catalogue.PROBES]
    assert done.stdout.split()[0] == ProbeId.PLAIN
