"""The kill matrix: every miniature trips exactly its rules, and no innocent server trips any.

By default a sample is judged. `-m slow -k NAME` judges one server by its name, or all servers of a rule by the rule's id.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import miniatures
import pytest
from miniatures import Innocent, Miniature
from miniatures.asking import Server, judge_servers
from test_generated_miniatures import MINIATURES as ASKED_WITH_BODIES
from test_generated_rules import REFUSES

from conformance import catalogue
from conformance.catalogue import RULES
from conformance.embedded import HONEST
from conformance.model import Level, Outcome
from conformance.verdicts.verdict import Verdict

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "kill-matrix.md"
FIGURES = ROOT / "schemas" / "kill-matrix.json"

catalogue.load()


def _collect(name: str) -> list[tuple[str, Miniature | Innocent]]:
    modules = sorted(found.name for found in pkgutil.iter_modules(miniatures.__path__))
    every = [
        (module, getattr(importlib.import_module(f"miniatures.{module}"), name, ())) for module in modules
    ]
    return [(f"{module}.{one.name}", one) for module, several in every for one in several]


MINIATURES = [(name, one) for name, one in _collect("MINIATURES") if isinstance(one, Miniature)]
INNOCENTS = [(name, one) for name, one in _collect("INNOCENTS") if isinstance(one, Innocent)]


def _id(name: str, one: Miniature) -> str:
    """Name a miniature's test after the rules that it trips, so that `-k RULE` finds all tests of a rule."""
    return f"{name}:{'+'.join(sorted(one.trips | one.notes))}"


SAMPLE: list[tuple[str, Miniature | Innocent]] = [*MINIATURES[::46], *INNOCENTS[::24]]


def _judge(several: Sequence[tuple[str, Miniature | Innocent]]) -> Mapping[str, Verdict]:
    servers = [
        Server(name.lower(), one.behaviour, one.model, one.dialect, one.settings) for name, one in several
    ]
    return judge_servers([Server("honest", HONEST), *servers])


def _selected(items: Sequence[pytest.Item]) -> list[tuple[str, Miniature | Innocent]]:
    """The servers that the selected tests speak of: one named with -k costs seconds, not the whole matrix."""
    every: dict[str, Miniature | Innocent] = {**dict(MINIATURES), **dict(INNOCENTS)}
    names = [item.callspec.params.get("name") for item in items if hasattr(item, "callspec")]
    named = [(name, every[name]) for name in dict.fromkeys(names) if name in every]
    whole = any(item.name == test_no_check_raises.__name__ for item in items)
    return list(every.items()) if whole else named


@pytest.fixture(scope="session")
def verdicts(request: pytest.FixtureRequest) -> Mapping[str, Verdict]:
    return _judge(_selected(request.session.items))


def find_serious(verdict: Verdict) -> frozenset[str]:
    return frozenset(one.rule for one in verdict.deviations if one.level is not Level.NOTE)


def find_noted(verdict: Verdict) -> frozenset[str]:
    return frozenset(one.rule for one in verdict.deviations if one.level is Level.NOTE)


def _describe_findings(verdict: Verdict) -> str:
    lines = [
        f"{d.level} {d.rule}: {d.locations[0].exchange} {d.locations[0].pointer}: {d.locations[0].observed[:200]}"
        for d in verdict.deviations
    ]
    odd = [
        f"{c.outcome} {c.rule}: {c.reason}"
        for c in verdict.cases
        if c.outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE)
    ]
    return "\n".join([*lines, *odd])


def _assert_as_declared(name: str, one: Miniature | Innocent, verdict: Verdict) -> None:
    wanted = frozenset(one.trips) if isinstance(one, Miniature) else frozenset[str]()
    serious = find_serious(verdict)
    differences = {
        "not tripped": wanted - serious,
        "tripped but not declared": serious - wanted,
        "not noted": one.notes - find_noted(verdict),
    }
    said = "\n".join(f"{what}: {', '.join(sorted(rules))}" for what, rules in differences.items() if rules)
    assert not said, f"{name}\n{said}\n{_describe_findings(verdict)}"


def test_a_sample_of_the_matrix_is_as_expected() -> None:
    found = _judge(SAMPLE)
    assert not found["honest"].deviations, _describe_findings(found["honest"])
    for name, one in SAMPLE:
        _assert_as_declared(name, one, found[name.lower()])


@pytest.mark.slow
def test_the_honest_server_has_no_finding_at_all(verdicts: Mapping[str, Verdict]) -> None:
    assert verdicts["honest"].status == "conforms"
    assert not verdicts["honest"].deviations, _describe_findings(verdicts["honest"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "miniature"), MINIATURES, ids=[_id(*one) for one in MINIATURES])
def test_a_miniature_trips_exactly_its_rules(
    name: str, miniature: Miniature, verdicts: Mapping[str, Verdict]
) -> None:
    _assert_as_declared(name, miniature, verdicts[name.lower()])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "innocent"), INNOCENTS, ids=[name for name, _ in INNOCENTS])
def test_an_innocent_server_is_not_accused(
    name: str, innocent: Innocent, verdicts: Mapping[str, Verdict]
) -> None:
    assert verdicts[name.lower()].status != "deviates", _describe_findings(verdicts[name.lower()])
    _assert_as_declared(name, innocent, verdicts[name.lower()])


@pytest.mark.slow
def test_no_check_raises(verdicts: Mapping[str, Verdict]) -> None:
    raised = {
        f"{name}: {c.rule}: {c.reason}"
        for name, v in verdicts.items()
        for c in v.cases
        if c.outcome is Outcome.ERROR
    }
    assert not raised


# Servers that only generated bodies show to be wrong, with the rule that each is asserted to trip, in test_generated_*.py.
GENERATED = {name: rule for name, (_, rule) in ASKED_WITH_BODIES.items()} | {
    "a setting dropped two levels down, faults and all": REFUSES
}
# Rules that no server can trip, and why.
NOT_TRIPPABLE = {
    "transport/answers-every-question": "names the questions without a usable answer; it accuses no vendor (`tests/test_inconclusive.py`)"
}


def list_tripping_servers(rule: str) -> list[str]:
    """Return the servers of this matrix, and the tests of generated bodies, that are asserted to trip a rule."""
    servers = [name for name, one in MINIATURES if rule in one.trips | one.notes]
    bodies = [f"{name} (generated bodies)" for name, found in GENERATED.items() if found == rule]
    return servers + bodies


def test_every_rule_is_tripped_or_named_as_one_that_cannot_be() -> None:
    tripped = {rule for rule in RULES if list_tripping_servers(rule)}
    assert tripped | set(NOT_TRIPPABLE) == set(RULES)
    assert not tripped & set(NOT_TRIPPABLE)


def test_a_rule_that_cannot_be_tripped_yields_no_location() -> None:
    for rule in NOT_TRIPPABLE:
        assert inspect.signature(RULES[rule].look).return_annotation == "Iterator[NotJudged]"


def test_every_name_in_the_matrix_is_its_own() -> None:
    names = [name.lower() for name, _ in [*MINIATURES, *INNOCENTS]]
    assert len(names) == len(set(names))


def test_there_are_at_least_thirty_innocent_servers() -> None:
    assert len(INNOCENTS) >= 30


def count_figures() -> dict[str, int]:
    return {
        "rules": len(RULES),
        "tripped": sum(bool(list_tripping_servers(rule)) for rule in RULES),
        "miniatures": len(MINIATURES) + len(GENERATED),
        "variations": len(INNOCENTS),
    }


def render_page() -> str:
    """The published matrix: which server trips which rule, and which ones must come out clean."""
    count = count_figures()
    lines = [
        "# The kill matrix",
        "",
        "Small servers that are each wrong in one way, asked over real sockets; of each the whole result is asserted: exactly",
        "these rules, nothing else at must or should. Asserted by `tests/test_kill_matrix.py`, written by `docs/regenerate.py`.",
        "",
        f"**{count['rules']} rules; {count['tripped']} of them are tripped by {count['miniatures']} servers that are wrong.**",
        f"**{count['variations']} innocent servers trip none.**",
        "",
        "| rule | servers that trip it |",
        "| --- | --- |",
    ]
    lines += [
        f"| {rule} | {', '.join(list_tripping_servers(rule)) or f'none: it {NOT_TRIPPABLE[rule]}'} |"
        for rule in sorted(RULES)
    ]
    lines += ["", "## Innocent servers", "", "| server | what is unusual about it |", "| --- | --- |"]
    lines += [f"| {name} | {one.description} |" for name, one in INNOCENTS]
    lines += [
        "",
        "## Servers that are wrong",
        "",
        "| server | what is wrong with it | rules at must or should | notes |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {one.description} | {', '.join(sorted(one.trips))} | {', '.join(sorted(one.notes))} |"
        for name, one in MINIATURES
    ]
    return "\n".join(lines) + "\n"
