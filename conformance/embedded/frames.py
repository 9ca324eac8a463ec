"""Writes objects as bytes: one JSON object, server-sent events, a JSON array, or a line of JSON each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.model import JSON

JSON_TYPE = "application/json; charset=UTF-8"
EVENTS_TYPE = "text/event-stream"
SSE, ARRAY, NDJSON, SINGLE = "sse", "json-array", "ndjson", "single"


@dataclass(frozen=True)
class OutgoingBody:
    """A body in the pieces that are sent one by one, and its Content-Type."""

    content_type: str
    pieces: tuple[bytes, ...]


# Protobuf's JSON printer escapes what some line splitters take for a line's end, and what HTML takes for a tag.
_ESCAPED = str.maketrans({
    "\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085", "<": "\\u003c", ">": "\\u003e",
})  # fmt: skip


def _write_json(value: JSON, **style: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **style).translate(_ESCAPED).encode()


def write_compact(value: JSON) -> bytes:
    """Return JSON on one line, in UTF-8."""
    return _write_json(value, separators=(",", ":"))


def write_pretty(value: JSON) -> bytes:
    """Return JSON as Google prints it unless prettyPrint=false, in UTF-8."""
    return _write_json(value, indent=2)


def _write_events(objects: Sequence[JSON]) -> tuple[bytes, ...]:
    # Recorded: CRLF and a blank line after each event, the last one too, and a blank after a colon but not a comma.
    return tuple(b"data: " + _write_json(one, separators=(",", ": ")) + b"\r\n\r\n" for one in objects)


def _write_array(objects: Sequence[JSON]) -> tuple[bytes, ...]:
    # Recorded: a line feed after each object, CRLF after the comma between them, nothing after the bracket.
    written = [
        (b",\r\n" if number else b"[") + write_pretty(one) + b"\n" for number, one in enumerate(objects)
    ]
    return (*written, b"]") if written else (b"[]",)


def _write_lines(objects: Sequence[JSON]) -> tuple[bytes, ...]:
    return tuple(write_compact(one) + b"\n" for one in objects)


def _write_single(objects: Sequence[JSON]) -> tuple[bytes, ...]:
    return tuple(write_pretty(one) + b"\n" for one in objects[-1:])


_FRAMINGS: Mapping[str, tuple[str, Callable[[Sequence[JSON]], tuple[bytes, ...]]]] = {
    SSE: (EVENTS_TYPE, _write_events),
    ARRAY: (JSON_TYPE, _write_array),
    NDJSON: ("application/x-ndjson", _write_lines),
    SINGLE: (JSON_TYPE, _write_single),
}


def frame_objects(framing: str, objects: Sequence[JSON]) -> OutgoingBody:
    """Return objects in a framing: sse | json-array | ndjson | single (the last object alone)."""
    content_type, write = _FRAMINGS[framing]
    return OutgoingBody(content_type, write(objects))
