"""The building blocks of questions: plain prompts that any scripted server can answer, and small limits."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from conformance.catalogue import Unaskable
from conformance.judging.endings import is_out_of_room
from conformance.model import JSON, Question
from conformance.names import fold, to_snake
from conformance.reading.reply import Reply

DEFAULT_LIMIT = 120  # tokens: enough for a short answer and some thinking before it
LONG_COUNT = 150  # how far a long answer counts; up to 500 tokens
CUTTING_LIMIT = 117  # tokens that cut it off, even if four letters are counted as one
LONG_COUNT_LIMIT = 1200  # of which thinking may use up more than half
LARGEST_LIMIT = 1000  # tokens: the limit of an answer that thinking cut short at a smaller limit
REPEATED = "6666666666 abababab 哈哈哈哈哈 😀😀 é"
SEPARATOR = "left\u2028right"


def user_turn(text: str) -> dict[str, JSON]:
    """Return a user's turn of one text part."""
    return {"role": "user", "parts": [{"text": text}]}


def request_body(prompt: str, limit: int = DEFAULT_LIMIT, /, **more: JSON) -> dict[str, JSON]:
    """Return a request body in Google's own form: one user turn, a limit of `limit` output tokens, and more members."""
    config = more.pop("generationConfig", {})
    settings: dict[str, JSON] = {"maxOutputTokens": limit, **(config if isinstance(config, dict) else {})}
    return {"contents": [user_turn(prompt)], "generationConfig": settings, **more}


def exact_reply_prompt(text: str) -> str:
    """Return the simplest possible instruction."""
    return f"Reply with exactly: {text}"


def counting_prompt(last: int) -> str:
    """Return a prompt whose right answer is long and known."""
    return f"Count from 1 to {last}, separated by spaces."


def count_up_to(last: int) -> str:
    """Return the right answer to `counting_prompt`."""
    return " ".join(str(number) for number in range(1, last + 1))


def make_streamed(what: Question) -> Question:
    """Return the same question asked of the streaming method with alt=sse."""
    return replace(what, method="streamGenerateContent", query=(*what.query, ("alt", "sse")))


def snake_names(value: Any) -> Any:
    """Return a request with every member name in snake_case; for bodies without free-form subtrees."""
    if isinstance(value, dict):
        return {to_snake(key): snake_names(child) for key, child in value.items()}
    return [snake_names(child) for child in value] if isinstance(value, list) else value


COLOURS = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255)}


def encode_png(colour: str, side: int = 32) -> bytes:
    """Return a square PNG of one colour; `side` is in pixels."""
    row = b"\0" + bytes(COLOURS[colour]) * side
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * side)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def encode_base64(data: bytes) -> str:
    """Return bytes in standard base64."""
    return base64.b64encode(data).decode()


def encode_url_safe_base64(data: bytes) -> str:
    """Return bytes in URL-safe base64, as google-genai for Python sends them."""
    return base64.urlsafe_b64encode(data).decode()


WEATHER: dict[str, JSON] = {
    "name": "get_weather",
    "description": "Tells the weather in one city.",
    "parameters": {
        "type": "OBJECT",
        "properties": {
            "city_name": {"type": "STRING", "description": "The city."},
            "unitSystem": {"type": "STRING", "enum": ["metric", "imperial"]},
        },
        "required": ["city_name", "unitSystem"],
    },
}
TIME: dict[str, JSON] = {
    "name": "get_time",
    "description": "Tells the time in one city.",
    "parameters": {
        "type": "OBJECT",
        "properties": {"city_name": {"type": "STRING"}},
        "required": ["city_name"],
    },
}
TOOLS: list[JSON] = [{"functionDeclarations": [WEATHER, TIME]}]
PARIS = "What is the weather in Paris? Use metric units."
BOTH_CITIES = (
    "What is the weather in Paris and in Tokyo? Use metric units. Call the function once for each city."
)


def make_tool_config(mode: str, *allowed: str) -> dict[str, JSON]:
    """Return a toolConfig of that mode."""
    config: dict[str, JSON] = {"mode": mode}
    if allowed:
        config["allowedFunctionNames"] = list(allowed)
    return {"functionCallingConfig": config}


def limit_after_cuts(limit: int, cuts: int) -> int:
    """Return the limit of a question whose answers were cut short that many times: four times as much each time, up to a bound."""
    return max(limit, min(limit << 2 * cuts, LARGEST_LIMIT))


def with_larger_limit(question: Question | Unaskable, before: Iterable[Reply]) -> Question | Unaskable:
    """Return a question with a larger limit if earlier attempts were cut short, most likely by thinking."""
    cut = sum(map(is_out_of_room, before))
    if isinstance(question, Unaskable) or not cut or not isinstance(question.body, dict):
        return question
    body = {
        name: _raise_limit(value, cut) if fold(name) == "generationconfig" else value
        for name, value in question.body.items()
    }
    return replace(question, body=body)


def _raise_limit(config: JSON, cut: int) -> JSON:
    if not isinstance(config, dict):
        return config
    return {
        name: limit_after_cuts(value, cut)
        if fold(name) == "maxoutputtokens" and isinstance(value, int)
        else value
        for name, value in config.items()
    }
