"""Servers that do not resemble the Gemini API: each is recognised, and blamed only for what it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from miniatures.asking import Server, judge_servers
from miniatures.making import Message, with_chunks

from conformance.embedded import HONEST, Incoming, Outgoing
from conformance.embedded.errors import Refused
from conformance.embedded.messages import immediate_answer
from conformance.embedded.routes import RoutedRequest, route_request
from conformance.embedded.style import Style
from conformance.model import Level, Outcome
from conformance.verdicts.verdict import Verdict

JSON = "application/json"


def everywhere(status: int, body: object, content_type: str = JSON) -> Callable[[Incoming], Outgoing]:
    """Return a server that knows one answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda _incoming: immediate_answer(status, content_type, text.encode())


def _behind_a_proxy(incoming: Incoming) -> Outgoing:
    """A good server behind a proxy that adds headers of its own, some of them twice."""
    answer = HONEST(incoming)
    added = (
        ("Via", "1.1 proxy"),
        ("X-Request-Id", "7"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("Server", "x"),
    )
    return Outgoing(answer.status, (*answer.headers, *added), answer.pieces, answer.streamed)


def _parroting(incoming: Incoming) -> Outgoing:
    """An echo of requests, as servers for testing HTTP clients send it."""
    body = (
        json.loads(incoming.body) if incoming.body.startswith(b"{") and incoming.body.endswith(b"}") else None
    )
    return immediate_answer(
        200, JSON, json.dumps({"method": incoming.verb, "url": incoming.path, "json": body}).encode()
    )


_CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
_BAD_KEY = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
    }
}
_MISSING = {"detail": [{"type": "missing", "loc": ["body", "messages"], "msg": "Field required"}]}


def _unprocessable(refusal: Refused, asked: RoutedRequest) -> Outgoing:
    """Refuse with 422 and a name of google.rpc that stands for another status."""
    answer = HONEST.refuse(Refused(422, refusal.message) if refusal.status == 400 else refusal, asked)
    pieces = tuple(
        replace(piece, data=piece.data.replace(b'"UNKNOWN"', b'"FAILED_PRECONDITION"'))
        for piece in answer.pieces
    )
    return replace(answer, pieces=pieces)


def _uncounting(incoming: Incoming) -> Outgoing:
    return immediate_answer(500, JSON, b"{}") if incoming.path.endswith(":countTokens") else HONEST(incoming)


def _named_at_the_end(made: list[Message]) -> list[Message]:
    """Leave the model's name to the last chunk of a stream."""
    return [{k: v for k, v in one.items() if k != "modelVersion"} for one in made[:-1]] + made[-1:]


def _any_model(incoming: Incoming, style: Style) -> RoutedRequest:
    asked = route_request(incoming, style)
    return replace(asked, model="gemini-2.5-flash") if asked.model.startswith("gemini-none") else asked


SERVERS = (
    Server("another-model", replace(with_chunks(_named_at_the_end), route=_any_model)),
    Server("unprocessable", replace(HONEST, refuse=_unprocessable)),
    Server("uncounting", _uncounting),
    Server("proxied", _behind_a_proxy),
    Server("parrot", _parroting),
    Server("chat", everywhere(200, _CHAT)),
    Server("locked", everywhere(400, _BAD_KEY)),
    Server("forbidding", everywhere(403, {"error": "Forbidden"})),
    Server("not-found", everywhere(404, {"detail": "Not Found"})),
    Server("post-less", everywhere(405, {"detail": "Method Not Allowed"})),
    Server("unimplemented", everywhere(501, "", "text/plain")),
    Server("teapot", everywhere(418, "I'm a teapot", "text/plain")),
    Server("bodiless", everywhere(400, "", "text/plain")),
    Server("wants-messages", everywhere(422, _MISSING)),
    Server("wants-a-model", everywhere(400, {"error": "Missing model in request body"})),
    Server("says-ok", everywhere(200, "OK", "text/plain")),
    Server("says-null", everywhere(200, "null")),
    Server("says-true", everywhere(200, "true")),
    Server("empty-object", everywhere(200, {})),
    Server("empty-candidates", everywhere(200, {"candidates": []})),
)


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    return judge_servers(SERVERS)


def grave(verdict: Verdict) -> set[str]:
    return {one.rule for one in verdict.deviations if one.level is not Level.NOTE}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("locked", "the plain question is refused (HTTP 400): API key not valid"),
        ("forbidding", "the key is refused (HTTP 403)"),
        ("not-found", "the model is not served (HTTP 404"),
        ("post-less", "the plain question is refused (HTTP 405; check base_url)"),
        ("unimplemented", "HTTP 501"),
        ("teapot", "the plain question is refused (HTTP 418): I'm a teapot"),
        ("bodiless", "the plain question is refused (HTTP 400)"),
    ],
)
def test_a_server_that_refuses_everything_is_not_judged(
    name: str, reason: str, verdicts: Mapping[str, Verdict]
) -> None:
    verdict = verdicts[name]
    assert verdict.status == "inconclusive", grave(verdict)
    assert reason in (verdict.reason or "")
    assert grave(verdict) <= {"errors/writes-errors-as-google-does"}
    assert not [case.rule for case in verdict.cases if case.reason.startswith("the vendor refuses it")]


@pytest.mark.parametrize("name", ["wants-messages", "wants-a-model"])
def test_a_server_that_wants_members_that_google_does_not_have_says_so(
    name: str, verdicts: Mapping[str, Verdict]
) -> None:
    assert verdicts[name].status == "deviates"
    assert grave(verdicts[name]) == {
        "schema/needs-no-fields-of-its-own",
        "errors/writes-errors-as-google-does",
    }


@pytest.mark.parametrize("name", ["parrot", "chat"])
def test_another_protocol_is_found_out(name: str, verdicts: Mapping[str, Verdict]) -> None:
    assert verdicts[name].status == "deviates"
    assert "envelope/answers-with-a-gemini-object" in grave(verdicts[name])


def test_a_proxy_that_adds_headers_is_nobodys_fault(verdicts: Mapping[str, Verdict]) -> None:
    assert (verdicts["proxied"].status, verdicts["proxied"].deviations) == ("conforms", [])


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_no_check_raises_and_nothing_that_is_empty_conforms(
    server: Server, verdicts: Mapping[str, Verdict]
) -> None:
    verdict = verdicts[server.name]
    assert not [(case.rule, case.reason) for case in verdict.cases if case.outcome is Outcome.ERROR]
    assert (verdict.status == "conforms") is (server.name in ("proxied", "uncounting"))


def test_a_status_without_a_name_of_its_own_may_have_any(verdicts: Mapping[str, Verdict]) -> None:
    rules = {one.rule for one in verdicts["unprocessable"].deviations}
    assert "errors/refuses-broken-json" in rules  # noted: it is not the status that Google gives
    assert "errors/gives-a-status-of-google-rpc" not in rules


def test_a_few_failures_explain_only_what_needed_those_answers(verdicts: Mapping[str, Verdict]) -> None:
    undecided = {case.rule for case in verdicts["uncounting"].cases if case.outcome is Outcome.INCONCLUSIVE}
    assert undecided == {
        "routes/counts-tokens",
        "routes/counts-more-for-longer-texts",
        "transport/answers-every-question",
    }


def test_a_model_that_answers_for_another_is_named_wherever_its_name_stands(
    verdicts: Mapping[str, Verdict],
) -> None:
    found = next(one for one in verdicts["another-model"].deviations if one.dimension == "errors")
    assert {location.observed for location in found.locations} == {"HTTP 200, an answer of gemini-2.5-flash"}
