"""The effect of a response on a client, and a client's verdict over many responses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from measured_clients import AI, JS, OLD, PYTHON, PYTHON_1

from conformance.clients import CLIENTS, CapturedResponse, find_clients
from conformance.clients.effects import ExpectedView, find_effects, sum_up_effects
from conformance.model import Effect

TRUTH = ExpectedView("Hello", "STOP", 10)


def answer(**more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "candidates": [{"content": {"parts": [{"text": "Hello"}], "role": "model"}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 6, "totalTokenCount": 10},
    }
    return said | more


def whole(said: object, status: int = 200) -> CapturedResponse:
    return CapturedResponse("generateContent", status, "application/json", body=json.dumps(said).encode())


def streamed(body: str) -> CapturedResponse:
    return CapturedResponse("streamGenerateContent", 200, "text/event-stream", body=body.encode())


def told(found: tuple[Effect, ...]) -> list[tuple[str, str]]:
    return [(effect.effect, effect.detail) for effect in found]


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.slug)
def test_a_good_answer_has_no_effect_on_anyone(client: Any) -> None:
    assert find_effects(client, whole(answer()), TRUTH) == ()
    assert find_effects(client, streamed(f"data: {json.dumps(answer())}\r\n\r\n"), TRUTH) == ()


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.slug)
def test_an_envelope_leaves_nothing_and_nobody_says_so(client: Any) -> None:
    found = find_effects(client, whole({"code": 200, "data": answer()}), TRUTH)
    assert found[0].effect == "silent-loss"
    assert found[0].detail.startswith("nothing arrives")
    assert sum_up_effects(found, 1) == "broken"


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.slug)
def test_snake_case_loses_reason_and_usage_silently(client: Any) -> None:
    said = json.loads(
        json.dumps(answer()).replace("finishReason", "finish_reason").replace("usageM", "usage_m")
    )
    details = [detail.partition(":")[0] for _, detail in told(find_effects(client, whole(said), TRUTH))]
    assert details == ["finish reason lost", "usage lost"]
    assert sum_up_effects(find_effects(client, whole(said), TRUTH), 3) == "degraded"


def test_an_exception_names_itself_and_the_chunks_before_it() -> None:
    body = f"data: {json.dumps(answer())}\n\ndata: [DONE]\n\n"
    assert told(find_effects(JS, streamed(body), TRUTH)) == [("raises", "raises SyntaxError after 1 chunk")]
    assert told(find_effects(AI, streamed(body), TRUTH)) == []


def test_an_error_part_of_a_stream_counts_as_an_exception() -> None:
    body = f"data: nonsense\n\ndata: {json.dumps(answer())}\n\n"
    assert told(find_effects(AI, streamed(body), TRUTH)) == [("raises", "raises AI_JSONParseError")]


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.slug)
def test_raising_on_an_error_status_is_right(client: Any, status: int) -> None:
    assert find_effects(client, whole({"error": {"code": status}}, status), ExpectedView(error=True)) == ()


def test_an_error_with_status_200_is_ignored_by_some_and_raised_by_others() -> None:
    body = 'data: {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}\n\n'
    truth = ExpectedView(error=True)
    assert find_effects(PYTHON, streamed(body), truth) == find_effects(JS, streamed(body), truth) == ()
    assert [effect.effect for effect in find_effects(PYTHON_1, streamed(body), truth)] == ["ignored"]
    assert [effect.effect for effect in find_effects(OLD, streamed(body), truth)] == ["ignored"]


def test_thoughts_garble_the_text_of_the_retired_client_only() -> None:
    said = answer()
    said["candidates"][0]["content"]["parts"].insert(0, {"text": "hm", "thought": True})
    truth = ExpectedView("Hello", "STOP", 10, thoughts="hm")
    assert told(find_effects(OLD, whole(said), truth)) == [("garbled", "thoughts appear in the text")]
    assert find_effects(JS, whole(said), truth) == ()


def test_numbers_as_text_are_garbled_where_nobody_checks() -> None:
    said = answer(usageMetadata={"promptTokenCount": "4", "totalTokenCount": "10"})
    assert told(find_effects(JS, whole(said), TRUTH)) == [("garbled", "total tokens read '10' instead of 10")]
    assert find_effects(PYTHON, whole(said), TRUTH) == ()
    assert [effect.effect for effect in find_effects(AI, whole(said), TRUTH)] == ["raises"]


def test_a_lost_last_event_cuts_the_text_short() -> None:
    body = f"data: {json.dumps(answer())}\n\ndata: {json.dumps(answer())}"
    found = told(find_effects(AI, streamed(body), ExpectedView("HelloHello", "STOP", 10)))
    assert found == [("silent-loss", "text cut short: 5 of 10 characters")]


def test_calls_in_snake_case_are_lost_in_javascript() -> None:
    said = answer()
    said["candidates"][0]["content"]["parts"] = [
        {"text": "Hello"},
        {"function_call": {"name": "f", "args": {}}},
    ]
    truth = ExpectedView("Hello", "STOP", 10, calls=1)
    assert told(find_effects(JS, whole(said), truth)) == [("silent-loss", "1 of 1 function calls lost")]
    assert find_effects(PYTHON, whole(said), truth) == ()


def test_a_blocked_candidate_may_be_refused() -> None:
    said = answer(candidates=[{"finishReason": "SAFETY"}])
    assert find_effects(OLD, whole(said), ExpectedView("", "SAFETY", 10, blocked=True)) == ()
    assert [effect.effect for effect in find_effects(OLD, whole(said), ExpectedView("", "SAFETY", 10))] == [
        "raises"
    ]


def test_silent_loss_stands_above_an_exception_and_all_else() -> None:
    said = answer(usageMetadata={"totalTokenCount": "10"})
    said["candidates"][0]["finish_reason"] = said["candidates"][0].pop("finishReason")
    assert [effect.effect for effect in find_effects(JS, whole(said), TRUTH)] == ["silent-loss", "garbled"]


def test_what_our_own_bounds_cut_is_not_held_against_a_client() -> None:
    cut = CapturedResponse(
        "streamGenerateContent", 200, "text/event-stream", body=b"data: {", broken="too-big"
    )
    assert find_effects(JS, cut, TRUTH) == ()


def test_gemini_cli_is_only_judged_on_streams() -> None:
    cli = find_clients("gemini-cli")[0]
    assert find_effects(cli, whole({}), TRUTH) == ()
    assert sum_up_effects((), 0) == "untested"
    assert sum_up_effects((), 4) == "works"
