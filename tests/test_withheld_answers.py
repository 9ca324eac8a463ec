"""Answers that a filter, a limit, a closed account or a refused feature withholds are no findings."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from miniatures import innocent_failures, innocent_models, innocent_refusals, semantics
from miniatures.asking import Server, judge_servers

from conformance.asking.prompts import DEFAULT_LIMIT, LARGEST_LIMIT, limit_after_cuts
from conformance.embedded import HONEST
from conformance.model import Case, Outcome
from conformance.verdicts.verdict import Verdict

_MADE = {
    one.name: one
    for one in (
        *innocent_models.INNOCENTS,
        *innocent_failures.INNOCENTS,
        *innocent_refusals.INNOCENTS,
        *semantics.INNOCENTS,
    )
}
_NAMES = (
    "safety-on-images", "recitation", "thinks-most-of-the-room", "thinks-all-the-room", "locked-midway", "words-for-calls",
    "no-instructions", "stream-broken-once",
)  # fmt: skip


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    servers = [Server(name, _MADE[name].behaviour, _MADE[name].model) for name in _NAMES]
    silent = Server("no-streams", HONEST, settings=(("unsupported", ("streaming",)),))
    return judge_servers([*servers, silent])


def case(verdict: Verdict, rule: str) -> Case:
    return next(one for one in verdict.cases if one.rule == rule)


def test_what_a_filter_withholds_is_inconclusive(verdicts: Mapping[str, Verdict]) -> None:
    seen = case(verdicts["safety-on-images"], "semantics/sees-images")
    assert (seen.outcome, "filtered" in seen.reason) == (Outcome.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    "name", ["safety-on-images", "recitation", "thinks-most-of-the-room", "stream-broken-once"]
)
def test_no_client_breaks_on_what_it_breaks_on_at_google_too(
    name: str, verdicts: Mapping[str, Verdict]
) -> None:
    assert {one.verdict for one in verdicts[name].clients} == {"works"}


def _rooms(verdict: Verdict, probe: str) -> list[int]:
    asked = [reply.exchange.request.body for reply in verdict.replies if reply.probe == probe]
    return [json.loads(body)["generationConfig"]["maxOutputTokens"] for body in asked]


def test_an_answer_that_thinking_cut_short_is_given_more_room(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["thinks-most-of-the-room"]
    assert _rooms(verdict, "system-instruction") == [DEFAULT_LIMIT, 4 * DEFAULT_LIMIT]
    assert case(verdict, "semantics/obeys-the-system-instruction").outcome is Outcome.PASS
    assert _rooms(verdict, "limit-of-five") == [5]


def test_the_room_is_bounded(verdicts: Mapping[str, Verdict]) -> None:
    assert _rooms(verdicts["thinks-all-the-room"], "history") == [
        DEFAULT_LIMIT,
        4 * DEFAULT_LIMIT,
        LARGEST_LIMIT,
    ]
    assert [limit_after_cuts(LARGEST_LIMIT + 1, cut) for cut in (0, 3)] == [
        LARGEST_LIMIT + 1,
        LARGEST_LIMIT + 1,
    ]


def test_a_key_that_is_locked_during_the_run_accuses_nobody_and_says_so(
    verdicts: Mapping[str, Verdict],
) -> None:
    verdict = verdicts["locked-midway"]
    header = case(verdict, "auth/takes-x-goog-api-key")
    assert header.outcome is Outcome.INCONCLUSIVE
    assert "the key stopped working during the run (HTTP 403)" in header.reason
    assert verdict.traits["auth"] is None


def test_a_model_that_answers_in_words_does_not_show_what_becomes_of_two_calls(
    verdicts: Mapping[str, Verdict],
) -> None:
    assert (
        case(verdicts["words-for-calls"], "semantics/returns-parallel-calls").outcome is Outcome.INCONCLUSIVE
    )


def test_a_feature_that_is_refused_clearly_is_unsupported(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["no-instructions"]
    for rule in ("semantics/obeys-the-system-instruction", "schema/accepts-valid-requests"):
        assert case(verdict, rule).outcome is Outcome.UNSUPPORTED
    assert case(verdict, "casing/accepts-snake-case-requests").outcome is Outcome.PASS


def test_what_the_file_says_is_lacking_is_not_asked(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["no-streams"]
    assert not any(reply.streamed for reply in verdict.replies)
    assert verdict.status == "conforms"
