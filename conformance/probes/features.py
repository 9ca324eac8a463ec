"""JSON mode, thinking and images."""

from __future__ import annotations

from conformance.asking.prompts import (
    encode_base64,
    encode_png,
    encode_url_safe_base64,
    make_streamed,
    request_body,
)
from conformance.catalogue import ProbeContext, probe
from conformance.judging.expectations import UNDERSTOOD
from conformance.model import JSON, Question

_PRIMES = "How many prime numbers are below 30? Think first, then reply with the number only."
_THINKING_ROOM = 500
_COLOUR = "What colour is this image? Reply with one word."


def _describe_fields(string: str, integer: str, object_: str) -> dict[str, JSON]:
    return {
        "type": object_,
        "properties": {"code": {"type": string}, "number": {"type": integer}},
        "required": ["code", "number"],
    }


def _ask_for_json(ask: ProbeContext, name: str, schema: dict[str, JSON]) -> Question:
    code = f"OK-{ask.nonce}"
    return Question(
        request_body(
            f"Give me the code {code} and the number 7.",
            generationConfig={"responseMimeType": "application/json", name: schema},
        ),
        expected={"json": {"code": code, "number": 7}},
    )


@probe(attempts=3, needs=("json-schema",))
def response_schema(ask: ProbeContext) -> Question:
    """JSON mode with responseSchema, in Google's own schema language."""
    return _ask_for_json(ask, "responseSchema", _describe_fields("STRING", "INTEGER", "OBJECT"))


@probe(attempts=3, needs=("json-schema",))
def response_json_schema(ask: ProbeContext) -> Question:
    """JSON mode with responseJsonSchema, in JSON Schema."""
    return _ask_for_json(ask, "responseJsonSchema", _describe_fields("string", "integer", "object"))


# The oldest client shows the thoughts that are asked for here as text, at Google too: no vendor's doing.
def _ask_with_thinking(config: dict[str, JSON], **expected: JSON) -> Question:
    return Question(
        request_body(_PRIMES, _THINKING_ROOM, generationConfig={"thinkingConfig": config}),
        expected={"text": "10", UNDERSTOOD: "10", **expected},
    )


@probe(attempts=3, needs=("thinking",), for_clients=False)
def thinking(_ask: ProbeContext) -> Question:
    """Thinking with its thoughts asked for."""
    return _ask_with_thinking({"includeThoughts": True, "thinkingBudget": 256}, thoughts=True)


@probe(attempts=3, needs=("thinking", "streaming"), for_clients=False)
def thinking_streamed(_ask: ProbeContext) -> Question:
    """Thinking with its thoughts asked for, streamed."""
    return make_streamed(_ask_with_thinking({"includeThoughts": True, "thinkingBudget": 256}, thoughts=True))


@probe(attempts=3, needs=("thinking",))
def no_thinking(_ask: ProbeContext) -> Question:
    """A thinking budget of 0."""
    return _ask_with_thinking({"thinkingBudget": 0}, no_thoughts=True)


# What a model may call the colour that it sees.
_RED: list[JSON] = ["red", "crimson", "scarlet", "vermilion", "ruby", "#ff0000", "#f00", "255, 0, 0"]
_BLUE: list[JSON] = [
    "blue",
    "navy",
    "azure",
    "cobalt",
    "indigo",
    "ultramarine",
    "#0000ff",
    "#00f",
    "0, 0, 255",
]


def _ask_about_image(data: str, colour: list[JSON]) -> Question:
    parts: list[JSON] = [{"text": _COLOUR}, {"inlineData": {"mimeType": "image/png", "data": data}}]
    return Question(
        {**request_body(""), "contents": [{"role": "user", "parts": parts}]},
        expected={"word": colour, UNDERSTOOD: True},
    )


@probe(attempts=3, needs=("images",))
def image(_ask: ProbeContext) -> Question:
    """An image of one colour, in standard base64."""
    return _ask_about_image(encode_base64(encode_png("red")), _RED)


@probe(attempts=3, needs=("images",))
def image_in_url_safe_base64(_ask: ProbeContext) -> Question:
    """An image of one colour, in the URL-safe base64 that google-genai for Python sends."""
    return _ask_about_image(encode_url_safe_base64(encode_png("blue")), _BLUE)
