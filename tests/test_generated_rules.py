"""The rules on generated bodies, with servers that are wrong in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from conformance import catalogue
from conformance.asking.addressing import EMBEDDED_KEY
from conformance.asking.run import BodyQuestion, Plan, ask_all
from conformance.asking.send import Sender
from conformance.bodies import (
    GeneratedBody,
    build_boundaries,
    build_question,
    generate_bodies,
    name_probe,
    read_generated_body,
    select_bodies,
)
from conformance.bodies.generation import INVALID, VALID
from conformance.catalogue import RULES
from conformance.dialects.dialect import load_dialect
from conformance.embedded import HONEST, Behaviour, Host, Incoming, Outgoing
from conformance.embedded.style import Style
from conformance.keys.secrets import Key
from conformance.model import JSON, Case, Level, Outcome, Provider
from conformance.reading.reply import read
from conformance.replies import ProviderReplies
from conformance.running.gather import select_probes
from conformance.verdicts.verdict import JudgingOptions, Verdict, judge_provider

catalogue.load()
SURVIVES = "schema/survives-generated-bodies"
REFUSES = "schema/refuses-generated-faults"
TAKES = "schema/takes-a-body-however-it-is-written"
Application = Callable[[Incoming], Outgoing]


@cache
def some(seed: int, count: int) -> tuple[GeneratedBody, ...]:
    return select_bodies(load_dialect("google"), seed, count)


async def _gather(application: Application, bodies: Sequence[GeneratedBody], host: Host) -> ProviderReplies:
    provider = Provider(
        "mini",
        "mini",
        host.start(application),
        "google",
        "gemini-2.5-flash",
        concurrency=8,
        max_requests=3000,
    )
    fixed = [
        probe
        for probe in select_probes(load_dialect("google"), (), whole=True)
        if probe.id
        in ("plain", "plain-at-the-end", "unknown-field", "unknown-nested-field", "wrong-type", "wrong-enum")
    ]
    asked = tuple(BodyQuestion(name_probe(one), build_question(one), one.twin) for one in bodies)
    async with Sender(provider, Key("MINI_KEY", EMBEDDED_KEY), {}) as sender:
        into: list[ProviderReplies] = []
        await ask_all(
            [(Plan(provider, tuple(fixed), asked, 1), sender.ask)], lambda _: 0.0, lambda _: None, into
        )
    return into[0]


def judged(application: Application, bodies: Sequence[GeneratedBody]) -> Verdict:
    with Host() as host:
        gathered = asyncio.run(_gather(application, bodies, host))
    return judge_provider(gathered, load_dialect("google"), JudgingOptions(tuple(RULES.values())))


def case(verdict: Verdict, rule: str) -> Case:
    return next(one for one in verdict.cases if one.rule == rule)


def _deep(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _deep(child)
    elif isinstance(value, list):
        for child in value:
            yield from _deep(child)


def answering_to(hits: Callable[[dict[str, Any]], bool], outgoing: Outgoing) -> Application:
    """Return a server that gives one fixed answer where `hits` finds something in the request."""

    def application(incoming: Incoming) -> Outgoing:
        try:
            request = HONEST.document(incoming.body)
        except Exception:  # noqa: BLE001 - whatever is no document is the honest server's matter
            return HONEST(incoming)
        return outgoing if any(hits(part) for part in _deep(request)) else HONEST(incoming)

    return application


def _answer(status: int, content_type: str, body: bytes) -> Outgoing:
    piece = HONEST(Incoming("GET", "/v1beta/models", {"x-goog-api-key": "k"}, b"")).pieces[0]
    return Outgoing(status, (("Content-Type", content_type),), (replace(piece, data=body),))


BROKEN = _answer(500, "application/json", b'{"error": {"code": 500, "message": "oh", "status": "INTERNAL"}}')
PAGE = _answer(400, "text/html", b"<!doctype html><title>nginx</title>")
NO = _answer(
    400, "application/json", b'{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}'
)


def test_the_honest_server_passes_all_rules_of_generated_bodies() -> None:
    verdict = judged(HONEST, some(1, 90))
    assert {one.rule: one.locations[0] for one in verdict.deviations if one.level is not Level.NOTE} == {}
    assert [case(verdict, rule).outcome for rule in (SURVIVES, REFUSES, TAKES)] == [Outcome.PASS] * 3


def test_a_body_that_fails_is_asked_three_times_and_is_a_finding_at_its_place() -> None:
    invalid = [one for one in some(1, 90) if one.change == "unknown-name"][:1]
    verdict = judged(answering_to(lambda part: "noSuchField" in part, BROKEN), invalid)
    found = case(verdict, SURVIVES)
    assert sum(reply.exchange.generated for reply in verdict.replies) == 3
    assert found.outcome is Outcome.DEVIATION
    assert found.deviation is not None
    assert found.deviation.locations[0].pointer == invalid[0].broken_at
    assert found.deviation.generated


def test_a_500_that_does_not_come_again_is_nobodys_fault() -> None:
    invalid = [one for one in some(1, 90) if one.change == "unknown-name"][:1]
    answers = iter([BROKEN])
    broken = answering_to(lambda part: "noSuchField" in part, BROKEN)

    def application(incoming: Incoming) -> Outgoing:
        return (next(answers, None) or HONEST(incoming)) if broken(incoming) is BROKEN else HONEST(incoming)

    verdict = judged(application, invalid)
    assert sum(reply.exchange.generated for reply in verdict.replies) == 2
    assert case(verdict, SURVIVES).outcome is Outcome.PASS


def test_a_500_says_nothing_where_the_plain_question_fails_at_the_end() -> None:
    invalid = [one for one in some(1, 90) if one.change == "unknown-name"][:1]
    broken = answering_to(lambda part: "noSuchField" in part, BROKEN)
    seen: list[bool] = []

    def application(incoming: Incoming) -> Outgoing:
        seen.append(broken(incoming) is BROKEN)
        return BROKEN if any(seen) else HONEST(incoming)

    assert case(judged(application, invalid), SURVIVES).outcome is Outcome.INCONCLUSIVE


def test_a_500_to_a_valid_body_counts_too() -> None:
    valid = [one for one in some(1, 90) if one.valid and not one.twin and _hits(one, _empty)][:1]
    found = case(judged(answering_to(_empty, BROKEN), valid), SURVIVES)
    assert found.outcome is Outcome.DEVIATION
    assert found.deviation is not None
    assert found.deviation.level is Level.SHOULD


def test_what_a_vendor_calls_unimplemented_is_no_failure_of_its_server() -> None:
    body = b'{"error": {"code": 501, "message": "no tools here", "status": "UNIMPLEMENTED"}}'
    valid = [one for one in some(1, 90) if one.valid and not one.twin and _hits(one, _empty)][:1]
    said = answering_to(_empty, _answer(501, "application/json", body))
    assert case(judged(said, valid), SURVIVES).outcome is Outcome.INCONCLUSIVE


def _empty(part: dict[str, Any]) -> bool:
    return part.get("text") == ""


def _hits(body: GeneratedBody, hits: Callable[[dict[str, Any]], bool]) -> bool:
    return any(hits(part) for part in _deep(body.body))


def test_a_page_of_html_is_a_finding_at_once() -> None:
    valid = [one for one in some(1, 90) if one.valid and not one.twin and _hits(one, _empty)][:1]
    assert case(judged(answering_to(_empty, PAGE), valid), SURVIVES).outcome is Outcome.DEVIATION


def _deaf_to(name: str) -> Behaviour:
    def document(body: bytes) -> dict[str, JSON]:
        request = dict(HONEST.document(body))
        for part in list(_deep(request)):
            part.pop(name, None)
        return request

    return replace(HONEST, document=document)


def test_a_fault_that_is_swallowed_two_levels_down_is_found() -> None:
    bodies = [one for one in build_boundaries(load_dialect("google")) if not one.valid]
    found = case(judged(_deaf_to("thinkingConfig"), bodies), REFUSES)
    assert found.outcome is Outcome.DEVIATION
    assert found.deviation is not None
    assert all("/thinkingConfig" in location.pointer for location in found.deviation.locations)


def test_a_vendor_that_checks_nothing_is_not_accused_here() -> None:
    lenient = replace(
        HONEST, accept=lambda body, _shape: {"contents": [{"parts": [{"text": "hello"}]}]} if body else {}
    )
    found = case(judged(lenient, generate_bodies(load_dialect("google"), 3, 12, kinds=(INVALID,))), REFUSES)
    assert found.outcome is Outcome.BLOCKED


_KNOWN_SETTINGS = ("maxOutputTokens", "temperature", "stopSequences", "candidateCount")


def _keeps_what_it_knows(body: dict[str, Any], style: Style) -> dict[str, Any]:
    """Pass on the settings that a gateway has names for, and whatever else Google refuses if it is wrong."""
    settings = body.get("generationConfig")
    if isinstance(settings, dict):
        body["generationConfig"] = {k: v for k, v in settings.items() if k in _KNOWN_SETTINGS}
    body.pop("frobnication", None)
    return HONEST.settle(body, style)


def test_who_drops_unknown_names_is_not_blamed_again_for_what_is_wrong_below_them() -> None:
    bodies = [one for one in some(1, 400) if "/generationConfig/responseFormat" in (one.broken_at or "")][:4]
    assert bodies
    verdict = judged(replace(HONEST, settle=_keeps_what_it_knows), bodies)
    assert case(verdict, "errors/refuses-unknown-fields").outcome is Outcome.DEVIATION
    assert case(verdict, "errors/refuses-values-of-a-wrong-kind").outcome is Outcome.PASS
    assert case(verdict, REFUSES).outcome is Outcome.BLOCKED


def test_a_refused_enum_number_is_found_by_its_twin() -> None:
    verdict = judged(answering_to(lambda part: isinstance(part.get("threshold"), int), NO), some(2, 200))
    found = case(verdict, TAKES)
    assert found.outcome is Outcome.DEVIATION
    assert found.deviation is not None
    assert all("enum-number" in location.expected for location in found.deviation.locations)


def test_an_alias_that_is_ignored_two_levels_down_is_found_by_its_effect() -> None:
    assert case(judged(_deaf_to("function_calling_config"), some(2, 200)), TAKES).outcome is Outcome.DEVIATION


def test_what_a_twin_lacks_is_not_held_against_a_model_that_obeys_nothing() -> None:
    def think(request: Any, model: str) -> Any:
        made = HONEST.think(request, model)
        said = [one if one.calls else replace(one, text="Hello!", finish="STOP") for one in made.candidates]
        return replace(made, candidates=tuple(said))

    verdict = judged(replace(_deaf_to("function_calling_config"), think=think), some(2, 200))
    assert case(verdict, TAKES).outcome is Outcome.BLOCKED


def test_a_body_that_fails_each_time_is_a_finding_and_not_unanswered_besides() -> None:
    valid = [one for one in some(1, 90) if one.valid and not one.twin and _hits(one, _empty)][:1]
    verdict = judged(answering_to(_empty, BROKEN), valid)
    assert case(verdict, "transport/answers-every-question").outcome is Outcome.PASS


@pytest.mark.slow
def test_the_honest_server_has_no_finding_over_two_thousand_of_each() -> None:
    for kind, seed in ((VALID, 31), (INVALID, 32)):
        bodies = generate_bodies(load_dialect("google"), seed, 2000, kinds=(kind,))
        grave = [one for one in judged(HONEST, bodies).deviations if one.level is not Level.NOTE]
        assert grave == []


def test_a_recorded_body_is_known_again() -> None:
    with Host() as host:
        gathered = asyncio.run(_gather(HONEST, some(1, 12), host))
    asked = {one.exchange.probe: one for one in map(read, gathered.exchanges) if one.exchange.generated}
    for one in some(1, 12):
        reply = asked[name_probe(one)]
        known = read_generated_body(reply.request_body, reply.exchange.expected)
        assert known == replace(one, covers=())
