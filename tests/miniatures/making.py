"""Tools for miniatures: each returns the honest server with one stage changed, or is a change of a message."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import ScriptedAnswer, ScriptedCandidate
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.style import Style

Message = dict[str, Any]
Chunks = list[Message]  # the responses of one stream
When = Callable[[Message], bool]  # which requests a server treats in its own way

HTML_PAGE = b"<!DOCTYPE html><html><head><title>404</title></head><body>Not here.</body></html>"
PLAIN_TEXT = "text/plain; charset=utf-8"
KEY_EXPIRED = "API key expired. Please renew the API key."
# For servers that count requests: which one is struck must not depend on the order in which concurrent ones arrive.
ONE_AT_A_TIME = (("concurrency", 1),)


def with_responses(change: Callable[[Message], Any], of: Behaviour = HONEST, *, only: str = "") -> Behaviour:
    """Return a server whose every response is changed; `only` unary or stream. What `change` returns replaces it."""

    def dress(response: Message, style: Style, *, chunk: bool) -> Any:
        made: Any = copy.deepcopy(of.dress(response, style, chunk=chunk))
        if only and chunk is (only == "unary"):
            return made
        changed = change(made)
        return made if changed is None else changed

    return replace(of, dress=dress)


def with_requests(change: Callable[[Message], None], of: Behaviour = HONEST) -> Behaviour:
    """Return a server that changes each request before the model reads it."""

    def think(request: Any, model: str) -> ScriptedAnswer:
        heard = copy.deepcopy(dict(request))
        change(heard)
        return of.think(heard, model)

    return replace(of, think=think)


def without_settings(*names: str) -> Behaviour:
    """Return a server that drops members of the request, or of its generationConfig, before the model reads it."""

    def forget(request: Message) -> None:
        for name in names:
            request.pop(name, None)
            request.get("generationConfig", {}).pop(name, None)

    return with_requests(forget)


def refuse_when(wrong: Callable[[Message], bool], message: str) -> Behaviour:
    """Return a server that answers 400 to requests that Google takes."""

    def judge(request: Message) -> None:
        HONEST.judge(request)
        if wrong(request):
            raise Refused(400, message)

    return replace(HONEST, judge=judge)


def with_chunks(change: Callable[[list[Message]], list[Message]]) -> Behaviour:
    """Return a server that changes the chunks of each stream as a whole."""
    return replace(HONEST, chunks=lambda answer: change(copy.deepcopy(list(HONEST.chunks(answer)))))


def get_candidates(response: Message) -> list[Message]:
    """Return the candidates of a response."""
    found: list[Message] = response.get("candidates", [])
    return found


def iterate_parts(response: Message) -> Iterator[Message]:
    """Yield the parts of all candidates."""
    for candidate in get_candidates(response):
        yield from candidate.get("content", {}).get("parts", [])


def get_calls(response: Message) -> list[Message]:
    """Return the function calls of a response."""
    return [part["functionCall"] for part in iterate_parts(response) if "functionCall" in part]


def with_usage(change: Callable[[Message], Any], *, only: str = "") -> Behaviour:
    """Return a server that changes each usageMetadata; what `change` returns replaces it."""

    def every(response: Message) -> None:
        if "usageMetadata" in response:
            changed = change(response["usageMetadata"])
            if changed is not None:
                response["usageMetadata"] = changed

    return with_responses(every, only=only)


def with_candidates(change: Callable[[Message], None], *, only: str = "") -> Behaviour:
    """Return a server that changes each candidate."""

    def every(response: Message) -> None:
        for candidate in get_candidates(response):
            change(candidate)

    return with_responses(every, only=only)


def with_parts(change: Callable[[Message], None], *, only: str = "") -> Behaviour:
    """Return a server that changes each part of each answer."""

    def every(response: Message) -> None:
        for part in iterate_parts(response):
            change(part)

    return with_responses(every, only=only)


def with_calls(change: Callable[[Message], None], *, only: str = "") -> Behaviour:
    """Return a server that changes each function call."""

    def every(response: Message) -> None:
        for call in get_calls(response):
            change(call)

    return with_responses(every, only=only)


def set_member(name: str, value: Any) -> Callable[[Message], None]:
    """Return a change that sets one member where it stands already."""

    def change(message: Message) -> None:
        if name in message:
            message[name] = value

    return change


def drop_members(*names: str) -> Callable[[Message], None]:
    """Return a change that removes members."""

    def change(message: Message) -> None:
        for name in names:
            message.pop(name, None)

    return change


def add_members(**members: Any) -> Callable[[Message], None]:
    """Return a change that adds members."""
    return lambda message: message.update(copy.deepcopy(members))


def limit_every_third() -> Callable[[Incoming], Outgoing]:
    """Return a server that answers every third question with 429, however often it is asked."""
    heard: dict[bytes, int] = {}
    refusal = b'{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}'

    def answer(incoming: Incoming) -> Outgoing:
        number = heard.setdefault(incoming.body + incoming.target.encode(), len(heard) + 1)
        return immediate_answer(429, "application/json", refusal) if number % 3 == 0 else HONEST(incoming)

    return answer


def with_answers(
    change: Callable[[Outgoing, Incoming], Outgoing | None], of: Behaviour = HONEST
) -> Behaviour:
    """Return a server that changes whole answers before they are compressed; None leaves one as it is."""
    return replace(
        of, finish=lambda answer, incoming: of.finish(change(answer, incoming) or answer, incoming)
    )


def asks_the_model(incoming: Incoming) -> bool:
    """Return whether a request asks for an answer of the model under /v1beta."""
    return (
        incoming.verb == "POST" and incoming.path.startswith("/v1beta") and "enerateContent" in incoming.path
    )


def continues_a_conversation(incoming: Incoming) -> bool:
    """Return whether a request is the question with three turns, the only one of its kind."""
    return asks_the_model(incoming) and b"Remember the word" in incoming.body


def generation_config(body: Message) -> Message:
    """Return the generationConfig of a request, empty where there is none."""
    found = body.get("generationConfig")
    return found if isinstance(found, dict) else {}


def lists_models(incoming: Incoming) -> bool:
    """Return whether a request is for the list of models."""
    return incoming.verb == "GET" and incoming.path.endswith("/models")


def with_model_candidates(change: Callable[[ScriptedCandidate, Message], ScriptedCandidate]) -> Behaviour:
    """Return a server whose model changes each candidate of an answer; `change` also receives the request."""

    def think(request: Any, model: str) -> ScriptedAnswer:
        made = HONEST.think(request, model)
        return replace(made, candidates=tuple(change(one, request) for one in made.candidates))

    return replace(HONEST, think=think)


def when_long(change: Callable[[Chunks], Chunks]) -> Callable[[Chunks], Chunks]:
    """Return a change that leaves streams of at most four chunks alone."""
    return lambda made: change(made) if len(made) > 4 else made


def asks_for_one_answer(incoming: Incoming) -> bool:
    """Return whether a request asks for an unary answer of the model."""
    return asks_the_model(incoming) and ":stream" not in incoming.path


def empty_every(every: int, most: int = 1000) -> Callable[[Outgoing, Incoming], Outgoing | None]:
    """Return a change that empties every n-th unary answer, at most `most` of them."""
    met = itertools.count(1)
    struck = {every * number for number in range(1, most + 1)}

    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        hit = asks_for_one_answer(incoming) and answer.status == 200 and next(met) in struck
        return replace(answer, pieces=()) if hit else None

    return change


def refuse_every(message: str, every: int) -> Callable[[Outgoing, Incoming], Outgoing | None]:
    """Return a change that refuses every n-th request to the model with 400, whatever it asks."""
    met = itertools.count(1)
    said = json.dumps(Refused(400, message).to_object()).encode()

    def change(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        return (
            immediate_answer(400, JSON_TYPE, said)
            if asks_the_model(incoming) and next(met) % every == 0
            else None
        )

    return change


def spell_reasons(words: dict[str, Any]) -> Callable[[Message], None]:
    """Return a change of a candidate that replaces its finish reason by other words."""

    def change(candidate: Message) -> None:
        if "finishReason" in candidate:
            candidate["finishReason"] = words.get(candidate["finishReason"], candidate["finishReason"])

    return change


def without_member(name: str) -> Callable[[Message], Message]:
    """Return a function that copies a message without one member."""
    return lambda block: {key: value for key, value in block.items() if key != name}


def refuse_where(status: int, closed: Callable[[Incoming], bool]) -> Behaviour:
    """Return a server that refuses the requests for which `closed` is true."""
    said = json.dumps(Refused(status, "This is not supported.").to_object()).encode()

    def change(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        return immediate_answer(status, JSON_TYPE, said) if closed(incoming) else None

    return with_answers(change)


def names_the_stream_method(incoming: Incoming) -> bool:
    """Return whether a request names streamGenerateContent, under whatever version."""
    return "streamGenerateContent" in incoming.path


def asks_for_a_stream(incoming: Incoming) -> bool:
    """Return whether a request asks for a streamed answer of the model."""
    return asks_the_model(incoming) and ":stream" in incoming.path


def empty_streams(when: Callable[[Incoming], bool], only: int = 0) -> Behaviour:
    """Return a server that empties the streams for which `when` is true: all of them, or the `only`-th."""
    met = itertools.count(1)

    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        struck = when(incoming) and answer.status == 200 and (not only or next(met) == only)
        return replace(answer, pieces=()) if struck else None

    return with_answers(change)


def drop_candidates(response: Message) -> Message:
    """Return a response without its candidates: usage and ids alone."""
    return {name: value for name, value in response.items() if name != "candidates"}
