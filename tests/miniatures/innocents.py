"""Servers that lack a feature and say so, have a bad moment, are slow, or call their models in their own way."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import ScriptedAnswer
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.chunks import spread_waits
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Variation
from miniatures.errors import finishing
from miniatures.making import Message, answering, chunking, refusing


def now_and_then(
    every: int, status: int, body: bytes | None = None, content_type: str = JSON_TYPE
) -> Behaviour:
    """Return a server that answers each so-and-so-many-th question with a fault of the moment."""
    number = itertools.count(1)
    said = json.dumps(Refused(status, "The model is overloaded.").body()).encode() if body is None else body
    return finishing(
        lambda _answer, _incoming: (
            immediate_answer(status, content_type, said) if next(number) % every == 0 else None
        )
    )


def shut_after(number: int, status: int) -> Behaviour:
    """Return a server that locks the account after so many questions."""
    asked = itertools.count(1)
    said = json.dumps(Refused(status, "Insufficient balance.").body()).encode()
    return finishing(
        lambda _answer, _incoming: immediate_answer(status, JSON_TYPE, said) if next(asked) > number else None
    )


def _once_overloaded(number: int = 3) -> Callable[[list[Message]], list[Message]]:
    streams = itertools.count(1)
    error: Message = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    return lambda made: [made[0], error] if next(streams) == number else made


def _config(request: Message) -> Message:
    found: Message = request.get("generationConfig", {})
    return found


def _mode_any(request: Message) -> bool:
    return str(request.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode")) == "ANY"


_DECORATION = re.compile(r"\[[^\]]*\]")


def _undecorated(response: Message) -> None:
    response["modelVersion"] = _DECORATION.sub("", response["modelVersion"])


def _with_publisher(incoming: Incoming, style: Style) -> RoutedRequest:
    """The model's path holds its publisher, as relays of several vendors have it."""
    return route_request(
        replace(incoming, target=incoming.target.replace("/models/google/", "/models/", 1)), style
    )


def _slow_to_begin(answer: ScriptedAnswer, pieces: int) -> Sequence[float]:
    return [
        1.4 + wait if number == 0 else wait / 4 for number, wait in enumerate(spread_waits(answer, pieces))
    ]


def _later(answer: Outgoing, _incoming: Incoming) -> Outgoing:
    first, rest = answer.pieces[:1], answer.pieces[1:]
    return replace(answer, pieces=(*(replace(piece, wait=1.3) for piece in first), *rest))


def _slow_once() -> Callable[[ScriptedAnswer, int], Sequence[float]]:
    """Return a pace that holds one long answer back: a queue, a start in the cold."""
    waits = itertools.chain((1.5,), itertools.repeat(0.0))

    def held(answer: ScriptedAnswer, pieces: int) -> Sequence[float]:
        spread = spread_waits(answer, pieces)
        wait = next(waits) if sum(spread) > 0 else 0.0
        return [wait, *[0.0] * (pieces - 1)] if wait else spread

    return held


def _lacking(*features: str) -> tuple[tuple[str, Any], ...]:
    return (("unsupported", features),)


DECORATED = "[relay]gemini-2.5-flash"
IN_ONE_CHUNK = replace(HONEST, chunks=lambda answer: (HONEST.whole(answer),))
NAMED = replace(HONEST, style=replace(HONEST.style, models=(DECORATED, *HONEST.style.models)))

VARIATIONS: tuple[Variation, ...] = (
    Variation("no-instructions", "System instructions are refused clearly.", refusing(lambda r: "systemInstruction" in r, "Developer instruction is not enabled for this model")),
    Variation("no-stop-sequences", "Stop sequences are refused clearly.", refusing(lambda r: "stopSequences" in _config(r), "Stop sequences are not supported")),
    Variation("no-safety-settings", "Safety settings are refused clearly.", refusing(lambda r: "safetySettings" in r, "safetySettings are not supported here")),
    Variation("no-mode-any", "Forced calls are refused clearly.", refusing(_mode_any, "mode ANY is not supported by this model")),
    Variation("no-thinking-at-all", "A thinkingConfig of any kind is refused clearly.", refusing(lambda r: "thinkingConfig" in _config(r), "Thinking is not enabled for this model"), model="gemini-2.0-flash"),
    Variation("lacks-what-it-says", "Refuses what providers.yaml says that it lacks.", refusing(lambda r: len(r["contents"]) > 1 or "safetySettings" in r or "stopSequences" in _config(r), "bad request"), settings=_lacking("history", "safety-settings", "stop-sequences", "function-calling")),
    Variation("too-early", "Every ninth answer is 425.", now_and_then(9, 425)),
    Variation("given-up", "Every ninth answer is 499.", now_and_then(9, 499)),
    Variation("gateway-in-trouble", "Every ninth answer is a page of a gateway's.", now_and_then(9, 502, b"<html>502 Bad Gateway</html>", "text/html")),
    Variation("late-gateway", "Every eighth answer is 504, with an error that says something else.", now_and_then(8, 504)),
    Variation("locked-midway", "The key is locked half way.", shut_after(30, 403)),
    Variation("spent-midway", "The money is spent half way.", shut_after(30, 402)),
    Variation("stream-broken-once", "One stream ends in Google's error.", chunking(_once_overloaded())),
    Variation("slow-to-begin", "A long wait, then a quick stream.", replace(HONEST, pace=_slow_to_begin)),
    Variation("thinks-about-everything", "A long wait before any answer, streamed in one chunk or not at all.", finishing(_later, of=IN_ONE_CHUNK)),
    Variation("slow-once", "The first long stream comes late and at once, the next as it is made.", replace(HONEST, pace=_slow_once())),
    Variation("decorated-name", "The model's name has a decoration, modelVersion has none.", answering(_undecorated, of=NAMED), model=DECORATED),
    Variation("publisher-in-name", "The model's name begins with its publisher's.", replace(HONEST, route=_with_publisher), model="google/gemini-2.5-flash"),
)  # fmt: skip
