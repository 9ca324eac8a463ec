"""How much of a vendor was judged, in numbers and words; no verdict claims more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from miniatures.asking import Server, judge_servers
from miniatures.making import ONE_AT_A_TIME, limit_every_third, with_responses

from conformance.embedded import HONEST, Incoming, Outgoing
from conformance.embedded.messages import immediate_answer
from conformance.model import Level, Outcome
from conformance.report import abbreviate_verdict
from conformance.verdicts.extent import JUDGED
from conformance.verdicts.verdict import Verdict


def _echo(incoming: Incoming) -> Outgoing:
    answer = HONEST(incoming)
    said = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello!"}]},"finishReason":"STOP","index":0}],'
    usage = b'"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11}}'
    plain = answer.status == 200 and incoming.path.endswith(":generateContent")
    return immediate_answer(200, "application/json; charset=UTF-8", said + usage) if plain else answer


def _nameless(response: dict[str, Any]) -> None:
    response.pop("modelVersion", None)


_HASTY: tuple[tuple[str, Any], ...] = (("max_requests", 30),)


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    return judge_servers(
        [
            Server("honest", HONEST),
            Server("limited", limit_every_third(), settings=ONE_AT_A_TIME),
            Server("short", HONEST, settings=_HASTY),
            Server("aloof", _echo),
            Server("nameless", with_responses(_nameless)),
        ]
    )


def test_a_faultless_vendor_conforms_and_says_what_was_left_out(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["honest"]
    assert (verdict.status, verdict.undecided) == ("conforms", ())
    assert verdict.judged.limited_by == ("no generated body was sent: 3 rules",)


def test_questions_that_stay_unanswered_are_counted_and_named(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["limited"]
    assert verdict.status == "partial"
    assert verdict.judged.rules < verdict.judged.of
    assert any(limit.endswith("answers of 429") for limit in verdict.judged.limited_by)
    assert any("429" in reason for reason in verdict.undecided)


def test_a_spent_budget_keeps_a_vendor_from_conforming(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["short"]
    assert verdict.status == "partial"
    assert any("max_requests (30) is used up" in limit for limit in verdict.judged.limited_by)
    assert any("max_requests (30) is used up" in reason for reason in verdict.undecided)


def test_a_model_that_does_not_obey_leaves_rules_open_with_one_note(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["aloof"]
    noted = [one.rule for one in verdict.deviations if one.level is Level.NOTE]
    blocked = [case for case in verdict.cases if case.outcome is Outcome.BLOCKED]
    assert "semantics/follows-a-plain-instruction" in noted
    assert any("do not follow the simplest instruction" in case.reason for case in blocked)
    assert any("do not follow the simplest instruction" in limit for limit in verdict.judged.limited_by)
    assert verdict.status != "conforms"


def test_a_model_that_nobody_names_is_not_called_the_one_that_was_asked(
    verdicts: Mapping[str, Verdict],
) -> None:
    rule = "semantics/answers-with-the-model-that-was-asked"
    case = next(one for one in verdicts["nameless"].cases if one.rule == rule)
    assert (case.outcome, case.reason) == (Outcome.UNSUPPORTED, "no answer names the model that made it")
    assert verdicts["nameless"].undecided == ()


def test_the_count_is_that_of_the_cases(verdicts: Mapping[str, Verdict]) -> None:
    for verdict in verdicts.values():
        assert verdict.judged.rules == sum(case.outcome in JUDGED for case in verdict.cases)


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ({"status": "conforms"}, "conforms"),
        ({"status": "partial", "judged": {"rules": 97, "of": 158}}, "nothing found in 97 of 158 rules"),
        ({"status": "deviates", "deviations": [{"level": "must", "rule": "a/b"}]}, "1 must"),
        ({"status": "inconclusive"}, "could not be judged"),
        ({"status": "not-run"}, "not run"),
    ],
)
def test_the_short_verdict_claims_no_more_than_was_judged(provider: dict[str, Any], words: str) -> None:
    assert abbreviate_verdict(provider) == words
