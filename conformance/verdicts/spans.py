"""Finds the text of a body that a pointer refers to, so that a page can mark it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]

from conformance.pointers import split_pointer
from conformance.reading.reply import Reply

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(strict=False)
Span = tuple[int, int]


def _skip_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # matches always: it may be empty


def _list_members(text: str, at: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, start, start of the value and end of each member of the object or list at `at`."""
    closing, at, number = {"{": "}", "[": "]"}[text[at]], _skip_space(text, at + 1), 0
    while at < len(text) and text[at] != closing:
        start, name = at, str(number)
        if closing == "}":
            name, at = scanstring(text, at + 1, False)  # noqa: FBT003 - json's own signature
            at = _skip_space(text, _skip_space(text, at) + 1)
        value = at
        at = _DECODER.raw_decode(text, at)[1]
        yield name, start, value, at
        at = _skip_space(text, at)
        at = _skip_space(text, at + 1) if at < len(text) and text[at] == "," else at
        number += 1


def find_pointer(text: str, pointer: str, at: int = 0) -> Span | None:
    """Return the range of a JSON pointer's member (name and value), or of its nearest ancestor that exists.

    None if the text is not JSON at `at`.
    """
    try:
        first = at = _skip_space(text, at)
        span: Span | None = None
        for part in split_pointer(pointer):
            if at >= len(text) or text[at] not in "{[":
                break
            hit = next((one for one in _list_members(text, at) if one[0] == part), None)
            if hit is None:
                break
            span, at = (hit[1], hit[3]), hit[2]
        return span or (first, _DECODER.raw_decode(text, first)[1])
    except (ValueError, IndexError, RecursionError, KeyError):
        return None


_STREAM = re.compile(r"#(\d+)(/.*)?$", re.DOTALL)


def _find_in_frame(reply: Reply, number: int, rest: str) -> Span | None:
    frames = reply.framed.frames
    if number >= len(frames):
        return None
    frame = frames[number]
    start = reply.text_of_body.find(b"{", frame.start, frame.end)
    before = len(reply.text_of_body[: max(start, frame.start)].decode("utf-8", "replace"))
    within = find_pointer(frame.data.decode("utf-8", "replace"), rest)
    return None if within is None else (before + within[0], before + within[1])


def find_span(reply: Reply, pointer: str) -> Span | None:
    """Return the range of characters of the decoded body to which a finding's pointer refers, or None.

    `/a/b` in a body, `#3/a/b` in the n-th object of a stream, `@120` for a byte offset.
    """
    if pointer.startswith("@") and pointer[1:].isdigit():
        text = reply.text_of_body[: int(pointer[1:])].decode("utf-8", "replace")
        return (len(text), len(text) + 40)
    stream = _STREAM.match(pointer)
    if stream:
        return _find_in_frame(reply, int(stream[1]), stream[2] or "")
    return find_pointer(reply.text_of_body.decode("utf-8", "replace"), pointer) if pointer else None
