from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

import miniatures
import pytest
from miniatures import Miniature, Variation
from miniatures.asked import Server, judged

from conformance import catalogue
from conformance.catalogue import RULES
from conformance.embedded import HONEST
from conformance.model import Level, Outcome
from conformance.verdicts import Verdict

catalogue.load()


def _every(name: str) -> list[tuple[str, Miniature | Variation]]:
    modules = sorted(found.name for found in pkgutil.iter_modules(miniatures.__path__))
    every = [
        (module, getattr(importlib.import_module(f"miniatures.{module}"), name, ())) for module in modules
    ]
    return [(f"{module}.{one.name}", one) for module, several in every for one in several]


MINIATURES = [(name, one) for name, one in _every("MINIATURES") if isinstance(one, Miniature)]
VARIATIONS = [(name, one) for name, one in _every("VARIATIONS") if isinstance(one, Variation)]


@pytest.fixture(scope="session")
def verdicts() -> Mapping[str, Verdict]:
    every: list[tuple[str, Miniature | Variation]] = [*MINIATURES, *VARIATIONS]
    servers = [
        Server(name.lower(), one.behaviour, one.model, one.dialect, one.settings) for name, one in every
    ]
    return judged([Server("honest", HONEST), *servers])


def grave(verdict: Verdict) -> frozenset[str]:
    return frozenset(one.rule for one in verdict.deviations if one.level is not Level.NOTE)


def noted(verdict: Verdict) -> frozenset[str]:
    return frozenset(one.rule for one in verdict.deviations if one.level is Level.NOTE)


def _told(verdict: Verdict) -> str:
    lines = [
        f"{d.level} {d.rule}: {d.spots[0].exchange} {d.spots[0].pointer}: {d.spots[0].observed[:200]}"
        for d in verdict.deviations
    ]
    return "\n".join(
        [
            *lines,
            *(
                f"{c.outcome} {c.rule}: {c.reason}"
                for c in verdict.cases
                if c.outcome in (Outcome.ERROR, Outcome.INCONCLUSIVE)
            ),
        ]
    )


def test_the_honest_server_has_no_finding_at_all(verdicts: Mapping[str, Verdict]) -> None:
    assert verdicts["honest"].status == "conforms"
    assert not verdicts["honest"].deviations, _told(verdicts["honest"])


@pytest.mark.parametrize(("name", "miniature"), MINIATURES, ids=[name for name, _ in MINIATURES])
def test_a_miniature_trips_exactly_its_rules(
    name: str, miniature: Miniature, verdicts: Mapping[str, Verdict]
) -> None:
    verdict = verdicts[name.lower()]
    assert grave(verdict) == miniature.trips, _told(verdict)
    assert miniature.notes <= noted(verdict), _told(verdict)


@pytest.mark.parametrize(("name", "variation"), VARIATIONS, ids=[name for name, _ in VARIATIONS])
def test_an_innocent_variation_is_not_accused(
    name: str, variation: Variation, verdicts: Mapping[str, Verdict]
) -> None:
    verdict = verdicts[name.lower()]
    assert verdict.status == "conforms", _told(verdict)
    assert not grave(verdict), _told(verdict)
    assert variation.notes <= noted(verdict), _told(verdict)


def test_no_check_raises(verdicts: Mapping[str, Verdict]) -> None:
    raised = {
        f"{name}: {c.rule}: {c.reason}"
        for name, v in verdicts.items()
        for c in v.cases
        if c.outcome is Outcome.ERROR
    }
    assert not raised


def test_every_rule_is_tripped_by_a_miniature() -> None:
    tripped = frozenset[str]().union(*(one.trips | one.notes for _, one in MINIATURES))
    generated = {name for name, rule in RULES.items() if rule.look.__module__.endswith("_generated")}
    # Generated bodies are asked, and their rules tripped, in test_generated_rules; silence accuses nobody (test_undecided).
    rest = set(RULES) - generated - {"transport/answers-every-question"}
    assert tripped >= rest, sorted(rest - tripped)


def test_there_are_at_least_thirty_innocent_variations() -> None:
    assert len(VARIATIONS) >= 30
