"""Which of the fields that a vendor's document names were sent, and which came back, as documented or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from conformance.dialects.dialect import Dialect, Field
from conformance.dialects.documented import find_seen_fields
from conformance.model import JSON
from conformance.pointers import split_pointer
from conformance.reading.reply import Reply, ReplyKind

_RANK = {"as-documented": 0, "different": 1, "never": 2}


def _values(value: JSON, parts: Sequence[str]) -> Iterable[JSON]:
    if not parts:
        yield value
    elif parts[0] == "*" and isinstance(value, list):
        for child in value:
            yield from _values(child, parts[1:])
    elif isinstance(value, dict) and parts[0] in value:
        yield from _values(value[parts[0]], parts[1:])


def _sent(field: Field, bodies: Sequence[JSON]) -> str:
    parts = split_pointer(field.pointer)
    return "sent" if any(True for body in bodies for _ in _values(body, parts)) else "not-sent"


def _best(seen: Iterable[Mapping[str, str]], pointer: str) -> str:
    return min((one.get(pointer, "never") for one in seen), key=_RANK.__getitem__, default="never")


def _raws(replies: Sequence[Reply], place: str) -> list[JSON]:
    if place == "error":
        return [reply.chunks[0].raw for reply in replies if reply.kind is ReplyKind.ERROR and reply.chunks]
    wanted = [reply for reply in replies if reply.ok and reply.resource.name == "response"]
    return [chunk.raw for reply in wanted if reply.streamed is (place == "chunk") for chunk in reply.chunks]


def measure_coverage(dialect: Dialect, replies: Sequence[Reply]) -> list[dict[str, JSON]]:
    """Return a row per documented field: place, pointer, seen, and its source's lines."""
    bodies = [reply.request_body for reply in replies]
    seen = {
        place: [find_seen_fields(dialect, place, raw) for raw in _raws(replies, place)]
        for place in ("response", "chunk", "error")
    }
    rows: list[dict[str, JSON]] = []
    for field in dialect.fields:
        state = _sent(field, bodies) if field.place == "request" else _best(seen[field.place], field.pointer)
        rows.append(
            {"place": field.place, "pointer": field.pointer, "seen": state, "source": field.source.lines}
        )
    return rows
