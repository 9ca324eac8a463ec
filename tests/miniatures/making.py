"""How a miniature is made: one stage of the honest server, bent."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import ScriptedAnswer
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.style import Style

Message = dict[str, Any]


def answering(change: Callable[[Message], Any], of: Behaviour = HONEST, *, only: str = "") -> Behaviour:
    """Return a server whose every response is changed; `only` unary or stream. What `change` returns replaces it."""

    def dress(response: Message, style: Style, *, chunk: bool) -> Any:
        made: Any = copy.deepcopy(of.dress(response, style, chunk=chunk))
        if only and chunk is (only == "unary"):
            return made
        changed = change(made)
        return made if changed is None else changed

    return replace(of, dress=dress)


def hearing(change: Callable[[Message], None], of: Behaviour = HONEST) -> Behaviour:
    """Return a server that changes each request before the model hears it."""

    def think(request: Any, model: str) -> ScriptedAnswer:
        heard = copy.deepcopy(dict(request))
        change(heard)
        return of.think(heard, model)

    return replace(of, think=think)


def forgetting(*names: str) -> Behaviour:
    """Return a server that drops members of the request, or of its generationConfig, before the model hears it."""

    def forget(request: Message) -> None:
        for name in names:
            request.pop(name, None)
            request.get("generationConfig", {}).pop(name, None)

    return hearing(forget)


def refusing(wrong: Callable[[Message], bool], message: str) -> Behaviour:
    """Return a server that answers 400 to requests that Google takes."""

    def judge(request: Message) -> None:
        HONEST.judge(request)
        if wrong(request):
            raise Refused(400, message)

    return replace(HONEST, judge=judge)


def chunking(change: Callable[[list[Message]], list[Message]]) -> Behaviour:
    """Return a server that changes the chunks of each stream as a whole."""
    return replace(HONEST, chunks=lambda answer: change(copy.deepcopy(list(HONEST.chunks(answer)))))


def candidates(response: Message) -> list[Message]:
    """Return the candidates of a response."""
    found: list[Message] = response.get("candidates", [])
    return found


def parts(response: Message) -> Iterator[Message]:
    """Yield the parts of all candidates."""
    for candidate in candidates(response):
        yield from candidate.get("content", {}).get("parts", [])


def calls(response: Message) -> list[Message]:
    """Return the function calls of a response."""
    return [part["functionCall"] for part in parts(response) if "functionCall" in part]


def with_usage(change: Callable[[Message], Any], *, only: str = "") -> Behaviour:
    """Return a server that changes each usageMetadata; what `change` returns replaces it."""

    def every(response: Message) -> None:
        if "usageMetadata" in response:
            changed = change(response["usageMetadata"])
            if changed is not None:
                response["usageMetadata"] = changed

    return answering(every, only=only)


def with_candidates(change: Callable[[Message], None], *, only: str = "") -> Behaviour:
    """Return a server that changes each candidate."""

    def every(response: Message) -> None:
        for candidate in candidates(response):
            change(candidate)

    return answering(every, only=only)


def with_parts(change: Callable[[Message], None], *, only: str = "") -> Behaviour:
    """Return a server that changes each part of each answer."""

    def every(response: Message) -> None:
        for part in parts(response):
            change(part)

    return answering(every, only=only)


def with_calls(change: Callable[[Message], None], *, only: str = "") -> Behaviour:
    """Return a server that changes each function call."""

    def every(response: Message) -> None:
        for call in calls(response):
            change(call)

    return answering(every, only=only)


def setting(name: str, value: Any) -> Callable[[Message], None]:
    """Return a change that sets one member where it stands already."""

    def change(message: Message) -> None:
        if name in message:
            message[name] = value

    return change


def dropping(*names: str) -> Callable[[Message], None]:
    """Return a change that removes members."""

    def change(message: Message) -> None:
        for name in names:
            message.pop(name, None)

    return change


def adding(**members: Any) -> Callable[[Message], None]:
    """Return a change that adds members."""
    return lambda message: message.update(copy.deepcopy(members))


def limiting_every_third() -> Callable[[Incoming], Outgoing]:
    """Return a server that answers every third question with 429, however often it is asked."""
    heard: dict[bytes, int] = {}
    refusal = b'{"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}'

    def answer(incoming: Incoming) -> Outgoing:
        number = heard.setdefault(incoming.body + incoming.target.encode(), len(heard) + 1)
        return immediate_answer(429, "application/json", refusal) if number % 3 == 0 else HONEST(incoming)

    return answer
