"""Servers that wrap their answers, or answer in another protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST
from conformance.embedded.frames import frame_objects
from conformance.embedded.messages import Incoming
from conformance.embedded.routes import RoutedRequest
from conformance.embedded.style import Style
from miniatures import Innocent, Miniature
from miniatures.making import Message, with_responses, without_member
from miniatures.streaming import NDJSON
from miniatures.transport import with_unary_body


def _wrap_in(*path: str, **beside: Any) -> Callable[[Message], Any]:
    def wrap(response: Message) -> Any:
        value: Any = response
        for name in reversed(path):
            value = {name: value}
        return {**beside, **value}

    return wrap


def _wrap_without_usage(response: Message) -> Message:
    usage = response.pop("usageMetadata", None)
    return {"code": 200, "data": response, **({"usageMetadata": usage} if usage else {})}


def _answer_as_openai(response: Message) -> Message:
    text = "".join(
        p.get("text", "")
        for c in response.get("candidates", [])
        for p in c.get("content", {}).get("parts", [])
    )
    message = {"role": "assistant", "content": text}
    return {
        "id": "x",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def _stream_by_alt(incoming: Incoming, style: Style) -> RoutedRequest:
    """alt=sse decides whether the answer is streamed, whatever the method."""
    asked = HONEST.route(incoming, style)
    return replace(asked, framing="sse") if incoming.query.get("alt") == "sse" else asked


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "code-data",
        "Each answer is wrapped in {code, data}.",
        with_responses(_wrap_in("data", code=200, msg="ok")),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "response",
        "Each answer is wrapped in {response}.",
        with_responses(_wrap_in("response")),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "two-deep",
        "Each answer is wrapped twice.",
        with_responses(_wrap_in("result", "output", success=True)),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "data-unary-only",
        "Only unary answers are wrapped in {data}.",
        with_responses(_wrap_in("data"), only="unary"),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "data-stream-only",
        "Only chunks are wrapped in {data}.",
        with_responses(_wrap_in("data"), only="stream"),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "usage-outside",
        "The usage stands outside the envelope.",
        with_responses(_wrap_without_usage),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "in-a-list",
        "Each unary answer is wrapped in a list.",
        with_responses(lambda r: [r], only="unary"),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "json-in-a-string",
        "data holds the answer's JSON as a string.",
        with_responses(lambda r: {"code": 0, "data": json.dumps(r)}),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "openai",
        "Answers are OpenAI chat completions.",
        with_responses(_answer_as_openai, only="unary"),
        trips={"envelope/answers-with-a-gemini-object"},
    ),
    Miniature(
        "empty-object",
        "Answers are objects without members.",
        with_responses(lambda _r: {}, only="unary"),
        trips={"envelope/answers-with-a-gemini-object"},
    ),
    Miniature(
        "events-on-unary",
        "The unary method answers with an event.",
        replace(
            HONEST,
            frame=lambda framing, objects: frame_objects("sse" if framing == "single" else framing, objects),
        ),
        trips={"envelope/unary-answer-is-one-json-object"},
    ),
    Miniature(
        "alt-decides",
        "alt=sse turns the unary method into a stream.",
        replace(HONEST, route=_stream_by_alt),
        notes={"envelope/unary-answer-is-one-json-object"},
    ),
    Miniature(
        "json-in-a-text",
        "The whole answer is a string that holds JSON.",
        with_unary_body(lambda body: json.dumps(body.decode()).encode()),
        trips={"envelope/gemini-object-at-root"},
    ),
    Miniature(
        "three-at-once",
        "Answers are wrapped in {code, data}, streams are NDJSON, and there is no usage.",
        replace(
            with_responses(lambda r: {"code": 200, "data": without_member("usageMetadata")(r)}),
            frame=NDJSON.frame,
        ),
        trips={
            "envelope/gemini-object-at-root",
            "streaming/streams-sse-with-alt",
            "usage/counts-every-answer",
        },
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "extra-code",
        "code and data stand beside the candidates.",
        with_responses(lambda r: {**r, "code": 200, "data": None}),
    ),
)
