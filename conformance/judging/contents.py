"""The content of answers as it came: which replies hold any, and their candidates, parts and calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from conformance.model import JSON
from conformance.reading.reply import Chunk, Reply

DATA = (
    "text", "inlineData", "functionCall", "functionResponse", "fileData", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse",
)  # fmt: skip
"""The members of which a part holds exactly one (Part.data)."""


def as_list(value: JSON) -> list[JSON]:
    """Return `value` if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def iterate_candidates(reply: Reply) -> Iterator[tuple[Chunk, int, Mapping[str, JSON]]]:
    """Yield each candidate object of each chunk, with its place in the list."""
    for chunk in reply.chunks:
        for place, raw in enumerate(as_list(chunk.body.get("candidates"))):
            if isinstance(raw, dict):
                yield chunk, place, raw


def list_parts(candidate: Mapping[str, JSON]) -> list[tuple[int, Mapping[str, JSON]]]:
    """Return the parts of a candidate that are objects, with their places."""
    content = candidate.get("content")
    found = as_list(content.get("parts")) if isinstance(content, dict) else []
    return [(place, part) for place, part in enumerate(found) if isinstance(part, dict)]


def iterate_parts(reply: Reply) -> Iterator[tuple[Chunk, tuple[str | int, ...], Mapping[str, JSON]]]:
    """Yield every part of every candidate, with its canonical keys."""
    for chunk, place, candidate in iterate_candidates(reply):
        for number, part in list_parts(candidate):
            yield chunk, ("candidates", place, "content", "parts", number), part


def list_named_calls(reply: Reply) -> list[Mapping[str, JSON]]:
    """Return the first candidate's function calls that have a name."""
    return [call for call in reply.first.calls if isinstance(call.get("name"), str) and call["name"]]


def is_empty_candidate(candidate: Mapping[str, JSON]) -> bool:
    """Return whether a candidate holds nothing that a caller could use."""
    return not any(part.get(name) for _, part in list_parts(candidate) for name in DATA)


def read_asked_model(reply: Reply) -> str:
    """Return the model that the request's path names, with its own slashes and colons; "" if it names none."""
    path = unquote(reply.exchange.request.path.partition("?")[0])
    found = re.search(r"/models/(.+?)(:[A-Za-z]+)?$", path)
    return found[1] if found else ""


def is_answered(reply: Reply) -> bool:
    """Return whether the resource that was asked for came, with a status of success."""
    return reply.ok


def is_model_answer(reply: Reply) -> bool:
    """Return whether the reply is an answer of generateContent or streamGenerateContent."""
    return reply.ok and reply.resource.name == "response"


def is_answered_stream(reply: Reply) -> bool:
    """Return whether the streaming method answered in success, with or without alt=sse."""
    return is_model_answer(reply) and reply.streamed
