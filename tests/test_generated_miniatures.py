"""Small servers that only generated bodies show to be wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from test_bodies import _alias_ignored, _second_tool_dropped
from test_generated_rules import BROKEN, NO, SURVIVES, TAKES, Application, answering_to

from conformance.asking.addressing import EMBEDDED_KEY
from conformance.asking.run import Plan, ask_all
from conformance.asking.send import Sender
from conformance.catalogue import RULES
from conformance.dialects.dialect import load_dialect
from conformance.embedded import HONEST, Host
from conformance.keys.secrets import Key
from conformance.model import Level, Provider
from conformance.replies import ProviderReplies
from conformance.running.body_search import BodyBudget, plan_bodies
from conformance.running.gather import select_probes
from conformance.running.session import SelectedProvider
from conformance.verdicts.verdict import JudgingOptions, Verdict, judge_provider

MINIATURES: dict[str, tuple[Application, str]] = {
    "500 on an empty text": (answering_to(lambda part: part.get("text") == "", BROKEN), SURVIVES),
    "500 on NUL in a text": (answering_to(lambda part: "\0" in str(part.get("text")), BROKEN), SURVIVES),
    "a limit off by one": (answering_to(lambda part: part.get("temperature") == 2, BROKEN), SURVIVES),
    "an enum's number refused": (answering_to(lambda part: isinstance(part.get("mode"), int), NO), TAKES),
    "a dropped second tool": (_second_tool_dropped(), TAKES),
    "an alias ignored two levels down": (_alias_ignored(), TAKES),
}


async def _gather(application: Application, seed: int, count: int, host: Host) -> ProviderReplies:
    dialect = load_dialect("google")
    provider = Provider(
        "mini", "mini", host.start(application), "google", "gemini-2.5-flash", concurrency=8, max_requests=900
    )
    probes = select_probes(dialect, (), whole=True)
    planned, _ = plan_bodies(
        SelectedProvider(provider, dialect, None, ()), probes, BodyBudget(seed, count), Path("no-such-file")
    )
    into: list[ProviderReplies] = []
    async with Sender(provider, Key("MINI_KEY", EMBEDDED_KEY), {}) as sender:
        await ask_all(
            [(Plan(provider, probes, planned.bodies, seed), sender.ask)], lambda _: 0.0, lambda _: None, into
        )
    return into[0]


def grave(application: Application, seed: int, count: int) -> set[str]:
    with Host() as host:
        gathered = asyncio.run(_gather(application, seed, count, host))
    verdict: Verdict = judge_provider(gathered, load_dialect("google"), JudgingOptions(tuple(RULES.values())))
    return {one.rule for one in verdict.deviations if one.level is not Level.NOTE}


def test_the_honest_server_has_no_finding_with_the_whole_catalogue_asked() -> None:
    assert grave(HONEST, 4, 40) == set()


def test_an_alias_that_is_ignored_is_found_within_the_default_twelve() -> None:
    assert grave(_alias_ignored(), 1, 12) == {TAKES}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", MINIATURES)
def test_a_miniature_is_found_by_exactly_one_rule_within_200_bodies(name: str, seed: int) -> None:
    application, rule = MINIATURES[name]
    assert grave(application, seed, 200) == {rule}
