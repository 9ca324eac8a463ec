"""Finds out how a body's JSON objects are framed, and everything irregular about it; sans-IO, nothing is repaired.

A body is read when it has ended: so the result cannot depend on where the network cut it, and arrival times are
looked up by offset. All passes are linear and bounded by `Limits`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from conformance.model import Limits, Piece
from conformance.wire.documents import ArrayReader, find_value_end
from conformance.wire.events import BARE, DONE, LineReader, UnreadablePart, classify_non_object
from conformance.wire.frames import Frame, FramedBody, Framing, Irregular, Irregularity, Notebook
from conformance.wire.jsontext import BOM, LIMITS, Odd, read_json

__all__ = ["Frame", "FramedBody", "Framing", "Irregular", "Irregularity", "read_framed"]


def read_framed(pieces: Iterable[Piece | bytes], limits: Limits = LIMITS) -> FramedBody:
    """Read a body given in pieces, timed or as mere bytes, its Content-Encoding already undone.

    What exceeds `limits.decoded_bytes` is left out; `bound` of the result is then `decoded_bytes`. Safe for any bytes;
    raises nothing.
    """
    kept: list[bytes] = []
    arrivals: list[tuple[int, float | None]] = []
    length = 0
    for piece in pieces:
        data, at_ms = (piece, None) if isinstance(piece, bytes) else (piece.data, piece.at_ms)
        if data and length < limits.decoded_bytes:
            kept.append(data[: limits.decoded_bytes - length])
            arrivals.append((min(length + len(data), limits.decoded_bytes), at_ms))
        length += len(data)
    book = Notebook(b"".join(kept), limits, tuple(arrivals))
    framing = _read_body(book)
    if length > limits.decoded_bytes:
        book.bound = book.bound or "decoded_bytes"
    return book.build_body(framing)


# --- which framing ---

_SPACE = re.compile(rb"\s*+")
_ARRAY = re.compile(rb'\[(?=\s*+(?:[{\[\]"\d\-]|true|false|null|\Z))')
_EVENTS = re.compile(rb"(?::|(?:data|event|id|retry)(?:[ \t]*+:|[\r\n]|\Z))")
_DATA_LINE = re.compile(rb"[\r\n][ \t]*+data:")
_SCALAR = re.compile(rb'["\d\-tfnNI]')
_HTML = re.compile(rb"\s*+<(?:!doctype|html|head|body|title|center|h1|script|meta)\b", re.IGNORECASE)
_BYTES_REPR = re.compile(rb"b['\"]")
_GZIP = b"\x1f\x8b"  # RFC 1952 §2.3.1


def _read_body(book: Notebook) -> Framing:
    """Choose the pass by the first byte that is not space, and make it."""
    body = book.body
    start = len(BOM) if body.startswith(BOM) else 0
    if start:
        book.note_irregularity(Irregular.BOM, 0, "a byte order mark before the body")
    space = _SPACE.match(body, start)
    first = space.end() if space else start
    if first == len(body):
        return Framing.EMPTY
    if _ARRAY.match(body, first):
        ArrayReader(book, first).run()
        return Framing.JSON_ARRAY
    if BARE.match(body, first):
        return _read_lines(book, first)
    if not _HTML.match(body, first) and (_EVENTS.match(body, first) or _DATA_LINE.search(body, start)):
        return _read_lines(book, start)
    return _read_other(book, first)


def _read_other(book: Notebook, first: int) -> Framing:
    """Read a body that is neither an object nor an array nor events: a JSON scalar, or something else than JSON."""
    body = book.body
    if _SCALAR.match(body, first):
        text = read_json(body[first:], book.limits)
        if text.ok and not text.has(Odd.TRAILING):
            end = len(body.rstrip(b" \t\r\n"))
            book.add_frame(first, end, body[first:end], first)
            return Framing.SINGLE_JSON
    for kind, seen in (
        (Irregular.GZIP_MAGIC, body.startswith(_GZIP)),
        (Irregular.HTML, _HTML.match(body, first)),
        (Irregular.BYTES_REPR, _BYTES_REPR.match(body, first)),
    ):
        if seen:
            book.note_irregularity(
                kind, first, "" if kind is Irregular.GZIP_MAGIC else book.quote(first, len(body))
            )
    return Framing.OTHER


# --- conclusions from a pass over lines ---


def _read_lines(book: Notebook, start: int) -> Framing:
    seen = LineReader(book, start)
    seen.run()
    framing = _choose_framing(seen)
    if framing is not Framing.SINGLE_JSON:
        _note_line_ends(seen)
        _note_bare(seen, framing)
    _note_blanks(seen, framing)
    truncated = _note_unreadable(seen, framing)
    if seen.unended and not truncated:
        last = book.frames[-1].number if book.frames else None
        book.note_irregularity(
            Irregular.NO_FINAL_BLANK_LINE, len(book.body), "the last event is not closed", last
        )
    return framing


def _choose_framing(seen: LineReader) -> Framing:
    """Name the framing by what came first: an event or a bare value."""
    if not seen.bare or (seen.first_data is not None and seen.first_data < seen.bare[0].start):
        return Framing.SSE
    several = len(seen.bare) > 1 or seen.first_data is not None
    return Framing.NDJSON if several else Framing.SINGLE_JSON


def _note_line_ends(seen: LineReader) -> None:
    if list(seen.ends) == [b"\r"]:
        seen.book.note_irregularity(
            Irregular.CR_ONLY, seen.ends[b"\r"], "lines end with a lone carriage return"
        )
    if len(seen.ends) > 1:
        names = {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}
        detail = " and ".join(names[kind] for kind in seen.ends)
        seen.book.note_irregularity(Irregular.MIXED_LINE_ENDS, max(seen.ends.values()), detail)


def _note_bare(seen: LineReader, framing: Framing) -> None:
    """Note values and events in one body, values that are no objects, and values over several lines."""
    for frame in seen.bare:
        if kind := classify_non_object(frame):
            seen.book.note_irregularity(
                kind, frame.start, seen.book.quote(frame.start, frame.end), frame.number
            )
        if b"\n" in frame.data or b"\r" in frame.data:
            seen.book.note_irregularity(
                Irregular.PRETTY_PRINTED, frame.start, "a value over several lines", frame.number
            )
    if framing is Framing.NDJSON and seen.first_data is not None:
        seen.book.note_irregularity(Irregular.MIXED_FRAMING, seen.first_data, "an event among bare values")
    elif framing is Framing.SSE and seen.bare:
        frame = seen.bare[0]
        last = len(seen.bare) == 1 and frame.start > seen.last_event
        kind = Irregular.BARE_JSON_AFTER_EVENTS if last else Irregular.MIXED_FRAMING
        seen.book.note_irregularity(kind, frame.start, seen.book.quote(frame.start, frame.end), frame.number)


def _note_blanks(seen: LineReader, framing: Framing) -> None:
    if framing is Framing.SSE:
        for at in seen.blanks:
            seen.book.note_irregularity(Irregular.EXTRA_BLANK_LINES, at, "more than one blank line")
    between = [at for at in seen.gaps if at < seen.bare[-1].start]
    if framing is Framing.NDJSON and between:
        seen.book.note_irregularity(Irregular.BLANK_LINE_SEPARATED, between[0], f"{len(between)} times")


# --- what is not JSON ---

_MOST_JOINED = 4  # as many parts are joined to see whether they are one JSON text


def _note_unreadable(seen: LineReader, framing: Framing) -> bool:
    """Explain each part that is not JSON; return whether the body ends inside one."""
    parts, index, budget, truncated = seen.unreadable, 0, 4 * len(seen.book.body), False
    while index < len(parts):
        run = _find_run(parts, index) if budget > 0 else []
        budget -= sum(len(part.data) for part in run) * len(run)
        count = _count_joined(run)
        if count:
            detail = f"{count} pieces make one JSON text"
            seen.book.note_irregularity(Irregular.FRAME_SPLIT, run[0].start, detail, run[0].frame)
        else:
            truncated |= _note_part(seen, parts[index], framing)
        index += count or 1
    return truncated


def _find_run(parts: list[UnreadablePart], index: int) -> list[UnreadablePart]:
    """Return the beginning of an object, and what follows it without anything readable in between."""
    first = parts[index]
    if first.frame is None or not first.data.startswith(b"{"):
        return []
    near = parts[index : index + _MOST_JOINED]
    return [part for number, part in enumerate(near) if part.order == first.order + number]


def _count_joined(run: list[UnreadablePart]) -> int:
    """Return how many parts of a run, joined, are one JSON text; 0 if there is no such number."""
    for count in range(2, len(run) + 1):
        text = read_json(b"".join(part.data for part in run[:count]))
        if text.ok and not text.has(Odd.TRAILING):
            return count
    return 0


def _note_part(seen: LineReader, part: UnreadablePart, framing: Framing) -> bool:
    """Note what is wrong with a part; return whether the body ends inside it."""
    book = seen.book
    last = part.order == seen.order - 1 and not book.bound
    if last and _is_cut(part, book.limits):
        book.note_irregularity(
            Irregular.TRUNCATED, len(book.body), "the body ends inside a value", part.frame
        )
        return True
    if part.frame is not None:
        error = book.frames[part.frame].json.error or ""
        book.note_irregularity(Irregular.PAYLOAD_NOT_JSON, part.start, error, part.frame)
    else:
        detail = part.data[:60].decode("utf-8", "replace")
        book.note_irregularity(_classify_stray_line(part.data, framing), part.start, detail)
    return False


def _is_cut(part: UnreadablePart, limits: Limits) -> bool:
    """Return whether a value, or the name of a field, is only begun."""
    if part.frame is None:
        return any(name.startswith(part.data) for name in (b"data", b"event", b"retry"))
    return part.data[:1] in {b"{", b"["} and find_value_end(part.data, 0, limits).cut


def _classify_stray_line(data: bytes, framing: Framing) -> Irregular:
    if DONE.fullmatch(data):
        return Irregular.DONE_SENTINEL
    if _HTML.match(data):
        return Irregular.HTML
    return Irregular.UNKNOWN_FIELD if framing is Framing.SSE else Irregular.TRAILING_BYTES
