"""Questions without a usable answer are inconclusive, and no finding."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from miniatures.asking import Server, judge_servers
from miniatures.auth import with_key_check
from miniatures.errors import with_refusals
from miniatures.making import HTML_PAGE, asks_the_model, continues_a_conversation, with_answers
from miniatures.routes import answer_instead
from miniatures.transport import INNOCENTS as FLAKY

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused, missing_key_error
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import RoutedRequest
from conformance.embedded.style import Style
from conformance.model import Auth, Case, Level, Limits, Outcome
from conformance.verdicts.verdict import Verdict


def on(there: Callable[[Incoming], bool], status: int) -> Behaviour:
    """Return a server that answers some questions with a fault of the moment."""
    body = json.dumps(Refused(status, "Try again later.").to_object()).encode()
    return with_answers(
        lambda _answer, incoming: immediate_answer(status, JSON_TYPE, body) if there(incoming) else None
    )


def _fault_of_400(status: int, times: int) -> Behaviour:
    left = [times]

    def change(refusal: Refused) -> Refused:
        left[0] -= refusal.status == 400
        return Refused(status, refusal.message) if refusal.status == 400 and left[0] >= 0 else refusal

    return with_refusals(change)


def _down_until_the_end(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """Answers nothing but the last plain question, which happens to offer no compression."""
    offered = "gzip" in incoming.header("accept-encoding")
    return HONEST.refuse(Refused(500, "Internal error."), RoutedRequest("generate")) if offered else answer


def _large(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    return (
        immediate_answer(200, JSON_TYPE, b" " * 40_000 + answer.body)
        if continues_a_conversation(incoming)
        else None
    )


def _v1_by_token(incoming: Incoming, _style: Style, _accepts: Callable[[str], bool]) -> bool:
    if incoming.path.startswith("/v1/"):
        raise missing_key_error()
    return False


def _everywhere(_incoming: Incoming) -> bool:
    return True


SERVERS = (
    Server("quota", on(continues_a_conversation, 429), settings=(("limits", Limits(retries=0)),)),
    Server("gateway-timeout", on(continues_a_conversation, 524)),
    Server("error-for-an-answer", on(continues_a_conversation, 500)),
    Server(
        "at-the-key",
        with_refusals(lambda r: Refused(500, r.message) if "API key not valid" in r.message else r),
    ),
    Server("once-500", _fault_of_400(500, 1)),
    Server("pages-everywhere", answer_instead(_everywhere, 200, "text/html", HTML_PAGE)),
    Server(
        "moved-everywhere",
        with_answers(lambda _a, _i: Outgoing(301, (("Location", "https://x.example/a?key=b"),))),
    ),
    Server("one-cut", next(one.behaviour for one in FLAKY if one.name == "one-cut")),
    Server(
        "no-answer",
        with_answers(
            lambda a, i: replace(a, pieces=(), streamed=True, cut=True) if asks_the_model(i) else None
        ),
    ),
    Server("keyless", replace(HONEST, authorise=lambda _i, _s, _a: None), settings=(("auth", Auth.BEARER),)),
    Server("down-until-the-end", with_answers(_down_until_the_end)),
    Server("v1-by-token", with_key_check(_v1_by_token)),
    Server("large", with_answers(_large), settings=(("limits", Limits(decoded_bytes=20_000)),)),
)


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    return judge_servers(SERVERS)


def case(verdict: Verdict, rule: str) -> Case:
    return next(one for one in verdict.cases if one.rule == rule)


def grave(verdict: Verdict) -> set[str]:
    return {one.rule for one in verdict.deviations if one.level is not Level.NOTE}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("quota", "history (HTTP 429)"),
        ("gateway-timeout", "history (HTTP 524)"),
        ("error-for-an-answer", "history (HTTP 500)"),
        ("one-cut", "history (reset)"),
    ],
)
def test_a_question_without_an_answer_is_named_and_accuses_nobody(
    name: str, said: str, verdicts: Mapping[str, Verdict]
) -> None:
    unanswered = case(verdicts[name], "transport/answers-every-question")
    assert (unanswered.outcome, said in unanswered.reason) == (Outcome.INCONCLUSIVE, True), unanswered
    assert not grave(verdicts[name])


def test_a_5xx_that_was_seen_once_only_accuses_nobody(verdicts: Mapping[str, Verdict]) -> None:
    assert not grave(verdicts["once-500"])


def test_a_5xx_at_a_wrong_key_is_asked_three_times_before_it_accuses(verdicts: Mapping[str, Verdict]) -> None:
    blamed = case(verdicts["at-the-key"], "errors/blames-the-caller-with-4xx")
    assert blamed.outcome is Outcome.DEVIATION
    assert grave(verdicts["at-the-key"]) == {blamed.rule}
    asked = [reply for reply in verdicts["at-the-key"].replies if reply.probe == "bad-key"]
    assert len(asked) == 3


def test_pages_everywhere_are_a_wrong_address(verdicts: Mapping[str, Verdict]) -> None:
    verdict = verdicts["pages-everywhere"]
    assert (verdict.status, "check base_url" in (verdict.reason or "")) == ("inconclusive", True)
    assert case(verdict, "transport/answers-with-json-not-html").outcome is Outcome.INCONCLUSIVE
    assert not grave(verdict)


def test_redirects_everywhere_are_a_wrong_address_and_show_no_query(verdicts: Mapping[str, Verdict]) -> None:
    moved = case(verdicts["moved-everywhere"], "transport/answers-without-redirects")
    assert moved.outcome is Outcome.INCONCLUSIVE
    assert "x.example/a (check base_url)" in moved.reason
    assert not grave(verdicts["moved-everywhere"])


def test_a_vendor_that_answers_nothing_breaks_no_rule(verdicts: Mapping[str, Verdict]) -> None:
    assert verdicts["no-answer"].status == "inconclusive"


def test_a_bound_that_was_hit_is_named(verdicts: Mapping[str, Verdict]) -> None:
    bound = case(verdicts["large"], "transport/answers-within-bounds")
    assert bound.deviation is not None
    assert "decoded_bytes" in bound.reason
    assert grave(verdicts["large"]) == {"transport/answers-within-bounds"}


def test_that_a_way_is_taken_shows_nothing_where_any_key_is(verdicts: Mapping[str, Verdict]) -> None:
    assert case(verdicts["keyless"], "auth/takes-x-goog-api-key").outcome is Outcome.BLOCKED
    assert grave(verdicts["keyless"]) == {"auth/refuses-a-wrong-key"}


def test_a_vendor_that_was_down_is_not_one_that_refuses_compression(verdicts: Mapping[str, Verdict]) -> None:
    offered = case(verdicts["down-until-the-end"], "transport/takes-an-offer-of-compression")
    assert offered.outcome is Outcome.INCONCLUSIVE
    assert not grave(verdicts["down-until-the-end"])


def test_a_key_that_does_not_open_v1_is_told_once(verdicts: Mapping[str, Verdict]) -> None:
    assert grave(verdicts["v1-by-token"]) == {"auth/takes-the-same-key-everywhere"}
