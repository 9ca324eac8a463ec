"""One pass over a body of lines: server-sent events and bare JSON values, in any mixture; sans-IO.

Lines and blank lines are those of the WHATWG rules for event streams (HTML §9.2.6): they end with CRLF, LF or
CR and nothing else. A value that begins a line of its own (NDJSON, or Google's own error in mid-stream) is no
event: it is read by its brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conformance.wire.documents import find_value_end
from conformance.wire.frames import Frame, Irregular, Notebook
from conformance.wire.jsontext import Odd, read_json

BARE = re.compile(rb'\{|\[(?=\s*+[{\[\]"])')
_BLANKS = re.compile(rb"(?:\r\n|\n|\r)++")
_LINE = re.compile(rb"([^\r\n]*+)(\r\n|\n|\r|)")
_FIELD = re.compile(rb"(data|event|id|retry|)(?::|(?=[\r\n])|\Z)")
_BETWEEN = re.compile(rb"([ \t]*+,?[ \t]*+)(\r\n|\n|\r|)")
_NEXT_START = re.compile(rb"[\r\n](?=\{|data:)")
DONE = re.compile(rb'\s*+["\']?\[DONE\]["\']?\s*+', re.IGNORECASE)

_FIELDS = {
    b"": Irregular.COMMENT_LINE,
    b"event": Irregular.EVENT_FIELD,
    b"id": Irregular.ID_FIELD,
    b"retry": Irregular.RETRY_FIELD,
}
# Payloads that are not data, which no client should take for a chunk. They make no frame.
_NO_DATA = (
    (Irregular.EMPTY_DATA, re.compile(rb"\s*+")),
    (Irregular.DONE_SENTINEL, DONE),
    (
        Irregular.KEEPALIVE_DATA,
        re.compile(rb"\s*+(?::[^\r\n]*+|(?:ping|pong|heartbeat|keep-?alive)\s*+)", re.IGNORECASE),
    ),
)
_NOT_JSON = (
    (Irregular.BYTES_REPR, re.compile(rb"\s*+b['\"]")),
    (Irregular.DOUBLE_DATA_PREFIX, re.compile(rb"\s*+data:")),
)
_BRACED = re.compile(rb"\s*+\{.*\}\s*+\Z", re.DOTALL)  # a cheap look before a line is read for itself
_PATIENCE = 8  # searches for the end of a broken value; each may cost the rest of the body
_LINES_PER_FRAME = 16  # bounds a flood of lines that make no frame


@dataclass(frozen=True)
class Payload:
    """The content of one data line, or of several joined: `at` is None if it is not in the body in one piece."""

    line: int
    at: int | None
    end: int
    data: bytes


@dataclass(frozen=True)
class UnreadablePart:
    """What is not JSON, in its order: a payload, a bare value, or stray lines (which have no frame)."""

    order: int
    start: int
    data: bytes
    frame: int | None


@dataclass
class EventLines:
    """The lines since the last blank one, as offsets."""

    data: list[tuple[int, int, int]] = field(default_factory=list)  # where line, value, and value's end stand
    fields: dict[Irregular, tuple[int, int]] = field(default_factory=dict)  # the first of each kind
    # Stretches of lines without a field: start, end, and end with its newline.
    strays: list[tuple[int, int, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Return whether there is any line."""
        return bool(self.data or self.fields or self.strays)


@dataclass
class LineReader:
    """The pass. Afterwards it holds what was found; `conformance.wire.framing` draws the conclusions."""

    book: Notebook
    at: int
    event: EventLines = field(default_factory=EventLines)
    ends: dict[bytes, int] = field(default_factory=dict)  # kind of line end: its first place
    blanks: list[int] = field(default_factory=list)  # blank lines that close nothing
    gaps: list[int] = field(default_factory=list)  # blank lines behind a bare value
    bare: list[Frame] = field(default_factory=list)
    first_data: int | None = None
    last_event: int = -1  # where the last event with a frame begins
    unreadable: list[UnreadablePart] = field(default_factory=list)
    unended: bool = False  # the body ended inside an event with data
    order: int = 0
    lines: int = 0
    patience: int = _PATIENCE
    after_bare: bool = False

    def run(self) -> None:
        """Read to the end of the body, or to a limit."""
        body, most = self.book.body, self.book.limits.chunks * _LINES_PER_FRAME
        while self.at < len(body) and not self.book.bound:
            if blanks := _BLANKS.match(body, self.at):
                self._read_blank_lines(blanks)
            elif BARE.match(body, self.at):
                self._read_bare_value()
            else:
                self._read_line()
            self.lines += 1
            if self.lines > most:
                self.book.bound = "chunks"
        self.unended = bool(self.event.data) and not self.book.bound
        self._close_event()

    # --- lines ---

    def _read_blank_lines(self, run: re.Match[bytes]) -> None:
        """Read a run of line ends: the first closes an event, or stands behind a bare value; the rest are extra."""
        both = run[0].count(b"\r\n")
        ends = {b"\r\n": both, b"\n": run[0].count(b"\n") - both, b"\r": run[0].count(b"\r") - both}
        for kind in (kind for kind, number in ends.items() if number):
            self.ends.setdefault(kind, run.start())
        if self.after_bare:
            self.gaps.append(run.start())
        if sum(ends.values()) > (1 if self.event or self.after_bare else 0):
            self.blanks.append(run.start())
        self._close_event()
        self.at, self.after_bare = run.end(), False

    def _read_line(self) -> None:
        """Add the line that begins here to the event: data, another field, or a stretch of what is neither."""
        body, start, event = self.book.body, self.at, self.event
        line = _LINE.match(body, start)
        assert line is not None  # noqa: S101 - the pattern matches everywhere; said for the type checker
        if line[2]:
            self.ends.setdefault(line[2], line.end(1))
        self.at, self.after_bare = line.end(), False
        name = _FIELD.match(body, start)
        if name is None:
            joined = event.strays.pop()[0] if event.strays and event.strays[-1][2] == start else start
            event.strays.append((joined, line.end(1), line.end()))
        elif name[1] == b"data":
            self.first_data = start if self.first_data is None else self.first_data
            space = body.startswith(
                b" ", name.end(), line.end(1)
            )  # one belongs to the field, not to the value
            event.data.append((start, name.end() + space, line.end(1)))
        else:
            event.fields.setdefault(_FIELDS[name[1]], (start, line.end(1)))

    # --- events ---

    def _close_event(self) -> None:
        """Turn the payloads of the event, if there is one, into frames, and note what stands around them."""
        event, self.event = self.event, EventLines()
        before = len(self.book.frames)
        for payload in self._split_payloads(event):
            self._add_payload(payload)
        number = before if len(self.book.frames) > before else None
        for kind, (start, end) in event.fields.items():
            attached = kind is Irregular.COMMENT_LINE and event.data
            self._note(Irregular.COMMENT_ATTACHED if attached else kind, start, end, number)
        for start, end, _ in event.strays:
            self._add_unreadable(start, self.book.body[start:end], None)

    def _note(self, kind: Irregular, start: int, end: int, frame: int | None) -> None:
        self.book.note_irregularity(kind, start, self.book.quote(start, end), frame)

    def _split_payloads(self, event: EventLines) -> list[Payload]:
        """Return the payloads of an event: its data lines joined by newline, as the WHATWG rule says.

        Where only single lines make sense, each is a payload of its own.
        """
        body, book = self.book.body, self.book
        alone = [Payload(line, start, end, body[start:end]) for line, start, end in event.data]
        if len(alone) < 2:
            return alone
        number, detail = len(book.frames), f"{len(alone)} data lines"
        if not self._is_whole(alone[0].data):
            joined = Payload(alone[0].line, None, alone[-1].end, b"\n".join(line.data for line in alone))
            if self._is_whole(joined.data):
                book.note_irregularity(Irregular.MULTI_LINE_DATA, joined.line, detail, number)
                return [joined]
            if not any(_BRACED.match(line.data) and self._is_whole(line.data) for line in alone[1:]):
                return [joined]
        book.note_irregularity(Irregular.SINGLE_NEWLINE, alone[1].line, f"{detail} in one event", number)
        return alone

    def _is_whole(self, data: bytes) -> bool:
        """Return whether a text is one JSON value, with nothing behind it."""
        text = read_json(data, self.book.limits)
        return text.ok and not text.has(Odd.TRAILING)

    def _add_payload(self, payload: Payload) -> None:
        if self.book.bound:
            return
        for kind, pattern in _NO_DATA:
            if pattern.fullmatch(payload.data):
                self.order += 1
                self._note(kind, payload.line, payload.end, None)
                return
        frame = self.book.add_frame(payload.line, payload.end, payload.data, payload.at)
        self.last_event = payload.line
        value = frame.start + len(b"data:")
        if not self.book.body.startswith(b" ", value):
            self._note(Irregular.NO_SPACE, frame.start, frame.start + 20, frame.number)
        elif frame.data[:1] in {b" ", b"\t"}:
            detail = self.book.quote(frame.start, frame.start + 20)
            self.book.note_irregularity(Irregular.EXTRA_SPACE, value, detail, frame.number)
        self._note_other_than_object(frame, payload.at)

    def _note_other_than_object(self, frame: Frame, at: int | None) -> None:
        """Note what is wrong with a payload that is not one JSON object."""
        if not frame.json.ok:
            kind = next((kind for kind, pattern in _NOT_JSON if pattern.match(frame.data)), None)
            if kind is None:
                self._add_unreadable(frame.start, frame.data, frame.number)
            else:
                self._note(kind, frame.start, frame.end, frame.number)
            return
        self.order += 1
        if kind := classify_non_object(frame):
            self._note(kind, frame.start, frame.end, frame.number)
        for odd in (odd for odd in frame.json.oddities if odd.kind == Odd.TRAILING):
            several = frame.data[odd.at : odd.at + 1] in {b"{", b"["}
            kind = Irregular.SEVERAL_OBJECTS_IN_ONE_EVENT if several else Irregular.TRAILING_BYTES
            place = frame.start if at is None else at + odd.at
            self.book.note_irregularity(kind, place, odd.detail, frame.number)

    def _add_unreadable(self, start: int, data: bytes, frame: int | None) -> None:
        self.unreadable.append(UnreadablePart(self.order, start, data, frame))
        self.order += 1

    # --- values on lines of their own ---

    def _read_bare_value(self) -> None:
        book = self.book
        if self.event.data:
            detail = "a value directly behind an event"
            book.note_irregularity(Irregular.SINGLE_NEWLINE, self.at, detail, len(book.frames))
        self._close_event()
        start, end = self.at, self._find_bare_end()
        frame = book.add_frame(start, end, book.body[start:end], start)
        self.bare.append(frame)
        if frame.json.ok:
            self.order += 1
        else:
            self._add_unreadable(start, frame.data, frame.number)
        self._read_behind_bare(end)

    def _find_bare_end(self) -> int:
        """Find the end of a bare value; a broken one goes to the next line that begins a value or an event."""
        if self.patience:
            end = find_value_end(self.book.body, self.at, self.book.limits)
            if end.whole:
                return end.at
            self.patience -= 1
        following = _NEXT_START.search(self.book.body, self.at)
        return following.start() if following else len(self.book.body)

    def _read_behind_bare(self, end: int) -> None:
        """Read what follows a bare value on its line."""
        gap = _BETWEEN.match(self.book.body, end)
        assert gap is not None  # noqa: S101 - the pattern matches everywhere; said for the type checker
        self.at, self.after_bare = gap.end(), True
        if gap[2]:
            self.ends.setdefault(gap[2], gap.start(2))
        comma = b"," in gap[1]
        if comma or (not gap[2] and BARE.match(self.book.body, self.at)):
            detail = "a comma" if comma else "values on one line"
            self.book.note_irregularity(Irregular.NO_SEPARATOR, end, detail)


def classify_non_object(frame: Frame) -> Irregular | None:
    """Return what a readable frame is instead of an object with members; None where it is one, or is not readable."""
    if not frame.json.ok:
        return None
    if isinstance(frame.json.value, list):
        return Irregular.ARRAY_IN_EVENT
    if not isinstance(frame.json.value, dict):
        return Irregular.SCALAR_IN_EVENT
    return None if frame.json.value else Irregular.EMPTY_OBJECT
