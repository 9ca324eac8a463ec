"""Tell how a body's JSON objects are framed, and everything irregular about it; sans-IO, nothing is repaired.

The bytes are kept as they come and read when the body has ended: so the result cannot depend on where the
network cut them, and arrival times are looked up by offset. All passes are linear and bounded by `Limits`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.model import Limits
from conformance.model import Piece as Arrival
from conformance.wire.documents import ArrayReader, find_extent
from conformance.wire.events import BARE, DONE, LineReader, UnreadablePart, classify_non_object
from conformance.wire.frames import Frame, FramedBody, Framing, Irregular, Irregularity, Notebook
from conformance.wire.jsontext import BOM, LIMITS, Odd, read_json

__all__ = [
    "BodyReader",
    "Frame",
    "FramedBody",
    "Framing",
    "Irregular",
    "Irregularity",
    "read_framed",
]


@dataclass
class BodyReader:
    """Takes the pieces of one body (with its Content-Encoding already undone), then reads it whole."""

    limits: Limits = LIMITS
    _pieces: list[bytes] = field(default_factory=list)
    _arrivals: list[tuple[int, float | None]] = field(default_factory=list)
    _length: int = 0

    def feed(self, data: bytes, at_ms: float | None = None) -> None:
        """Take the next bytes and when they came. What exceeds `limits.decoded_bytes` is left out and said."""
        kept = data[: max(0, self.limits.decoded_bytes - self._length)]
        self._length += len(data)
        if kept:
            self._pieces.append(kept)
            self._arrivals.append((min(self._length, self.limits.decoded_bytes), at_ms))

    def close(self) -> FramedBody:
        """Return what the body is. Safe for any bytes; raises nothing."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        book = Notebook(body, self.limits, tuple(self._arrivals))
        framing = _read(book)
        if self._length > self.limits.decoded_bytes:
            book.bound = book.bound or "decoded_bytes"
        return book.build_body(framing)


def read_framed(pieces: Iterable[Arrival | bytes], limits: Limits = LIMITS) -> FramedBody:
    """Read a body given as pieces, timed (`conformance.model.Piece`) or as mere bytes."""
    reader = BodyReader(limits)
    for piece in pieces:
        if isinstance(piece, bytes):
            reader.feed(piece)
        else:
            reader.feed(piece.data, piece.at_ms)
    return reader.close()


# --- which framing ---

_SPACE = re.compile(rb"\s*+")
_ARRAY = re.compile(rb'\[(?=\s*+(?:[{\[\]"\d\-]|true|false|null|\Z))')
_EVENTS = re.compile(rb"(?::|(?:data|event|id|retry)(?:[ \t]*+:|[\r\n]|\Z))")
_DATA_LINE = re.compile(rb"[\r\n][ \t]*+data:")
_SCALAR = re.compile(rb'["\d\-tfnNI]')
_HTML = re.compile(rb"\s*+<(?:!doctype|html|head|body|title|center|h1|script|meta)\b", re.IGNORECASE)
_BYTES_REPR = re.compile(rb"b['\"]")
_GZIP = b"\x1f\x8b"  # RFC 1952 §2.3.1


def _read(book: Notebook) -> Framing:
    """Look at the first byte that is not space, and choose the pass."""
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
    """Read what is neither object, array nor events: a JSON scalar, or no JSON at all."""
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


# --- what a pass over lines amounts to ---


def _read_lines(book: Notebook, start: int) -> Framing:
    seen = LineReader(book, start)
    seen.run()
    framing = _framing(seen)
    if framing is not Framing.SINGLE_JSON:
        _note_line_ends(seen)
        _note_bare(seen, framing)
    _note_blanks(seen, framing)
    truncated = _note_broken(seen, framing)
    if seen.unended and not truncated:
        book.note_irregularity(
            Irregular.NO_FINAL_BLANK_LINE, len(book.body), "the last event is not closed", _last(book)
        )
    return framing


def _last(book: Notebook) -> int | None:
    return book.frames[-1].number if book.frames else None


def _framing(seen: LineReader) -> Framing:
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

_PIECES = 4  # as many pieces are joined to see whether they are one JSON text


def _note_broken(seen: LineReader, framing: Framing) -> bool:
    """Explain each thing that is not JSON; return whether the body ends inside one."""
    pieces, index, budget, truncated = seen.broken, 0, 4 * len(seen.book.body), False
    while index < len(pieces):
        run = _run(pieces, index) if budget > 0 else []
        budget -= sum(len(piece.data) for piece in run) * len(run)
        count = _split_into(run)
        if count:
            seen.book.note_irregularity(
                Irregular.FRAME_SPLIT, run[0].start, f"{count} pieces make one JSON text", run[0].frame
            )
        else:
            truncated |= _note_piece(seen, pieces[index], framing)
        index += count or 1
    return truncated


def _run(pieces: list[UnreadablePart], index: int) -> list[UnreadablePart]:
    """Return a beginning of an object, and what follows it without anything readable in between."""
    first = pieces[index]
    if first.frame is None or not first.data.startswith(b"{"):
        return []
    near = pieces[index : index + _PIECES]
    return [piece for number, piece in enumerate(near) if piece.order == first.order + number]


def _split_into(run: list[UnreadablePart]) -> int:
    """Return how many pieces of a run, joined, are one JSON text; 0 if none."""
    for count in range(2, len(run) + 1):
        text = read_json(b"".join(piece.data for piece in run[:count]))
        if text.ok and not text.has(Odd.TRAILING):
            return count
    return 0


def _note_piece(seen: LineReader, piece: UnreadablePart, framing: Framing) -> bool:
    book = seen.book
    last = piece.order == seen.order - 1 and not book.bound
    if last and _cut(piece, book.limits):
        book.note_irregularity(
            Irregular.TRUNCATED, len(book.body), "the body ends inside a value", piece.frame
        )
        return True
    if piece.frame is not None:
        error = book.frames[piece.frame].json.error or ""
        book.note_irregularity(Irregular.PAYLOAD_NOT_JSON, piece.start, error, piece.frame)
    else:
        book.note_irregularity(
            _stray(piece, framing), piece.start, piece.data[:60].decode("utf-8", "replace")
        )
    return False


def _cut(piece: UnreadablePart, limits: Limits) -> bool:
    """Tell whether a value, or a field's name, is only begun."""
    if piece.frame is None:
        return any(name.startswith(piece.data) for name in (b"data", b"event", b"retry"))
    return piece.data[:1] in {b"{", b"["} and find_extent(piece.data, 0, limits).cut


def _stray(piece: UnreadablePart, framing: Framing) -> Irregular:
    if DONE.fullmatch(piece.data):
        return Irregular.DONE_SENTINEL
    if _HTML.match(piece.data):
        return Irregular.HTML
    return Irregular.UNKNOWN_FIELD if framing is Framing.SSE else Irregular.TRAILING_BYTES
