"""Which of the fields that a vendor's document names were sent, and which came back, as documented or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.dialects.dialect import Dialect
from conformance.dialects.documented import find_seen_fields
from conformance.model import JSON
from conformance.pointers import split_pointer
from conformance.reading.reply import Reply, ReplyKind

_BEST_FIRST = ("as-documented", "different", "never")


def measure_coverage(dialect: Dialect, replies: Sequence[Reply]) -> Iterator[dict[str, JSON]]:
    """Yield a row per documented field: place, pointer, seen, and its source's lines."""
    bodies = [reply.request_body for reply in replies]
    seen = {
        place: [find_seen_fields(dialect, place, value) for value in _list_values(replies, place)]
        for place in ("response", "chunk", "error")
    }
    for field in dialect.fields:
        if field.place == "request":
            steps = split_pointer(field.pointer)
            state = "sent" if any(_is_present(body, steps) for body in bodies) else "not-sent"
        else:
            states = (one.get(field.pointer, "never") for one in seen[field.place])
            state = min(states, key=_BEST_FIRST.index, default="never")
        yield {"place": field.place, "pointer": field.pointer, "seen": state, "source": field.source.lines}


def _is_present(value: JSON, steps: Sequence[str]) -> bool:
    """Return whether a value has something at a path; `*` stands for any position in a list."""
    if not steps:
        return True
    if isinstance(value, list):
        return steps[0] == "*" and any(_is_present(child, steps[1:]) for child in value)
    return isinstance(value, dict) and steps[0] in value and _is_present(value[steps[0]], steps[1:])


def _list_values(replies: Sequence[Reply], place: str) -> list[JSON]:
    """Return the JSON values that came in a place: in whole answers, in chunks of streams, or in errors."""
    if place == "error":
        return [reply.chunks[0].raw for reply in replies if reply.kind is ReplyKind.ERROR and reply.chunks]
    wanted = [reply for reply in replies if reply.ok and reply.resource.name == "response"]
    return [chunk.raw for reply in wanted if reply.streamed is (place == "chunk") for chunk in reply.chunks]
