"""One pass over a body of lines: server-sent events and bare JSON values, in any mixture; sans-IO.

Lines and blank lines are those of the WHATWG rules for event streams (HTML §9.2.6): they end with CRLF, LF or
CR and nothing else. A value that begins a line of its own (NDJSON, or Google's own error in mid-stream) is no
event: it is read by its brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.wire.documents import ValueExtent, find_extent
from conformance.wire.frames import Frame, Irregular, Notebook
from conformance.wire.jsontext import JsonText, Odd, read_json

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
# Payloads that are no data: nothing that a client should take for a chunk. They make no frame.
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
    """What one data line holds, or several joined: `at` is None where it does not stand in the body in one piece."""

    line: int
    at: int | None
    end: int
    data: bytes


@dataclass(frozen=True)
class UnreadablePart:
    """Something that is not JSON, in its order: a payload, a bare value, or stray lines (then without a frame)."""

    order: int
    start: int
    data: bytes
    frame: int | None


@dataclass
class EventBlock:
    """The lines of one block so far, as offsets."""

    data: list[tuple[int, int, int]] = field(default_factory=list)  # where line, value, and value's end stand
    fields: dict[Irregular, tuple[int, int]] = field(default_factory=dict)  # the first of each kind
    strays: list[tuple[int, int, int]] = field(
        default_factory=list
    )  # stretches: start, end, end with its newline

    def __bool__(self) -> bool:
        """Tell whether there is any line."""
        return bool(self.data or self.fields or self.strays)


@dataclass
class LineReader:
    """The pass. Afterwards it holds what was seen; `conformance.wire.framing` draws the conclusions."""

    book: Notebook
    at: int
    event: EventBlock = field(default_factory=EventBlock)
    ends: dict[bytes, int] = field(default_factory=dict)  # kind of line end: its first place
    blanks: list[int] = field(default_factory=list)  # blank lines that close nothing
    gaps: list[int] = field(default_factory=list)  # blank lines behind a bare value
    bare: list[Frame] = field(default_factory=list)
    first_data: int | None = None
    last_event: int = -1  # where the last event with a frame begins
    broken: list[UnreadablePart] = field(default_factory=list)
    unended: bool = False  # the body ended inside an event with data
    order: int = 0
    lines: int = 0
    patience: int = _PATIENCE
    after_bare: bool = False

    def run(self) -> None:
        """Read to the end of the body, or to a limit."""
        most = self.book.limits.chunks * _LINES_PER_FRAME
        while self.at < len(self.book.body) and not self.book.bound:
            self._step()
            self.lines += 1
            if self.lines > most:
                self.book.bound = "chunks"
        self.unended = bool(self.event.data) and not self.book.bound
        self._dispatch()

    def _step(self) -> None:
        body = self.book.body
        if blanks := _BLANKS.match(body, self.at):
            self._blank(blanks)
        elif BARE.match(body, self.at):
            self._bare()
        else:
            self._line()

    # --- lines ---

    def _blank(self, run: re.Match[bytes]) -> None:
        """Take a run of line ends: the first closes an event, or stands behind a bare value; the rest are extra."""
        ends = _count_ends(run[0])
        for kind in (kind for kind, number in ends.items() if number):
            self.ends.setdefault(kind, run.start())
        if self.after_bare:
            self.gaps.append(run.start())
        if sum(ends.values()) > (1 if self.event or self.after_bare else 0):
            self.blanks.append(run.start())
        self._dispatch()
        self.at, self.after_bare = run.end(), False

    def _line(self) -> None:
        start = self.at
        line = _LINE.match(self.book.body, start)
        assert line is not None  # noqa: S101 - the pattern matches everywhere; said for the type checker
        if line[2]:
            self.ends.setdefault(line[2], line.end(1))
        self.at, self.after_bare = line.end(), False
        name = _FIELD.match(self.book.body, start)
        if name is None:
            self._stray(start, line.end(1), line.end())
        elif name[1] == b"data":
            self._data(start, name.end(), line.end(1))
        else:
            self.event.fields.setdefault(_FIELDS[name[1]], (start, line.end(1)))

    def _stray(self, start: int, end: int, after: int) -> None:
        """Keep a line that is no field; lines that follow each other make one stretch."""
        if self.event.strays and self.event.strays[-1][2] == start:
            start = self.event.strays.pop()[0]
        self.event.strays.append((start, end, after))

    def _data(self, line: int, start: int, end: int) -> None:
        self.first_data = line if self.first_data is None else self.first_data
        space = self.book.body.startswith(
            b" ", start, end
        )  # one space belongs to the field, not to the value
        self.event.data.append((line, start + space, end))

    # --- events ---

    def _dispatch(self) -> None:
        """Close the event, if there is one: its payloads become frames, and what stands around them is noted."""
        event, self.event = self.event, EventBlock()
        before = len(self.book.frames)
        for payload in self._payloads(event):
            self._payload(payload)
        number = before if len(self.book.frames) > before else None
        for kind, (start, end) in event.fields.items():
            attached = kind is Irregular.COMMENT_LINE and event.data
            self.book.note_irregularity(
                Irregular.COMMENT_ATTACHED if attached else kind, start, self.book.quote(start, end), number
            )
        for start, end, _ in event.strays:
            self._piece(start, self.book.body[start:end], None)

    def _payloads(self, event: EventBlock) -> Iterator[Payload]:
        body = self.book.body
        alone = [Payload(line, start, end, body[start:end]) for line, start, end in event.data]
        if len(alone) < 2:
            yield from alone
        elif _is_whole(self._read(alone[0].data)):
            yield from self._apart(alone)
        else:
            yield from self._joined(alone)

    def _joined(self, alone: list[Payload]) -> Iterator[Payload]:
        """Join data lines by newline, as the WHATWG rule says, unless only single lines make sense."""
        joined = Payload(alone[0].line, None, alone[-1].end, b"\n".join(line.data for line in alone))
        if _is_whole(self._read(joined.data)):
            self.book.note_irregularity(
                Irregular.MULTI_LINE_DATA, joined.line, f"{len(alone)} data lines", len(self.book.frames)
            )
            yield joined
        elif any(_BRACED.match(line.data) and _is_whole(self._read(line.data)) for line in alone[1:]):
            yield from self._apart(alone)
        else:
            yield joined

    def _apart(self, alone: list[Payload]) -> Iterator[Payload]:
        self.book.note_irregularity(
            Irregular.SINGLE_NEWLINE,
            alone[1].line,
            f"{len(alone)} data lines in one event",
            len(self.book.frames),
        )
        yield from alone

    def _read(self, data: bytes) -> JsonText:
        return read_json(data, self.book.limits)

    def _payload(self, payload: Payload) -> None:
        if self.book.bound:
            return
        for kind, pattern in _NO_DATA:
            if pattern.fullmatch(payload.data):
                self.order += 1
                self.book.note_irregularity(kind, payload.line, self.book.quote(payload.line, payload.end))
                return
        frame = self.book.add_frame(payload.line, payload.end, payload.data, payload.at)
        self.last_event = payload.line
        self._spaces(frame)
        self._shape(frame, payload.at)

    def _spaces(self, frame: Frame) -> None:
        """Look at what stands between `data:` and the payload."""
        value = frame.start + len(b"data:")
        if not self.book.body.startswith(b" ", value):
            self.book.note_irregularity(
                Irregular.NO_SPACE, frame.start, self.book.quote(frame.start, frame.start + 20), frame.number
            )
        elif frame.data[:1] in {b" ", b"\t"}:
            self.book.note_irregularity(
                Irregular.EXTRA_SPACE, value, self.book.quote(frame.start, frame.start + 20), frame.number
            )

    def _shape(self, frame: Frame, at: int | None) -> None:
        """Say what is wrong with a payload that is not one JSON object."""
        if not frame.json.ok:
            kind = next((kind for kind, pattern in _NOT_JSON if pattern.match(frame.data)), None)
            if kind is None:
                self._piece(frame.start, frame.data, frame.number)
            else:
                self.book.note_irregularity(
                    kind, frame.start, self.book.quote(frame.start, frame.end), frame.number
                )
            return
        self.order += 1
        if kind := classify_non_object(frame):
            self.book.note_irregularity(
                kind, frame.start, self.book.quote(frame.start, frame.end), frame.number
            )
        for odd in (odd for odd in frame.json.oddities if odd.kind == Odd.TRAILING):
            several = frame.data[odd.at : odd.at + 1] in {b"{", b"["}
            kind = Irregular.SEVERAL_OBJECTS_IN_ONE_EVENT if several else Irregular.TRAILING_BYTES
            self.book.note_irregularity(
                kind, frame.start if at is None else at + odd.at, odd.detail, frame.number
            )

    def _piece(self, start: int, data: bytes, frame: int | None) -> None:
        self.broken.append(UnreadablePart(self.order, start, data, frame))
        self.order += 1

    # --- values on lines of their own ---

    def _bare(self) -> None:
        if self.event.data:
            self.book.note_irregularity(
                Irregular.SINGLE_NEWLINE, self.at, "a value directly behind an event", len(self.book.frames)
            )
        self._dispatch()
        start, found = self.at, self._extent()
        frame = self.book.add_frame(start, found.end, self.book.body[start : found.end], start)
        self.bare.append(frame)
        if frame.json.ok:
            self.order += 1
        else:
            self._piece(start, frame.data, frame.number)
        self._behind(found.end)

    def _extent(self) -> ValueExtent:
        """Find the end of a bare value; a broken one goes to the next line that begins a value or an event."""
        if self.patience:
            found = find_extent(self.book.body, self.at, self.book.limits)
            if found.whole:
                return found
            self.patience -= 1
        following = _NEXT_START.search(self.book.body, self.at)
        return ValueExtent(following.start() if following else len(self.book.body), whole=False)

    def _behind(self, end: int) -> None:
        """Look at what follows a bare value on its line."""
        gap = _BETWEEN.match(self.book.body, end)
        assert gap is not None  # noqa: S101 - the pattern matches everywhere; said for the type checker
        self.at, self.after_bare = gap.end(), True
        if gap[2]:
            self.ends.setdefault(gap[2], gap.start(2))
        comma = b"," in gap[1]
        if comma or (not gap[2] and BARE.match(self.book.body, self.at)):
            self.book.note_irregularity(
                Irregular.NO_SEPARATOR, end, "a comma" if comma else "values on one line"
            )


def _count_ends(run: bytes) -> dict[bytes, int]:
    both = run.count(b"\r\n")
    return {b"\r\n": both, b"\n": run.count(b"\n") - both, b"\r": run.count(b"\r") - both}


def _is_whole(text: JsonText) -> bool:
    return text.ok and not text.has(Odd.TRAILING)


def classify_non_object(frame: Frame) -> Irregular | None:
    """Name what a readable frame is instead of an object with something in it; None where it is one."""
    if not frame.json.ok:
        return None
    if isinstance(frame.json.value, list):
        return Irregular.ARRAY_IN_EVENT
    if not isinstance(frame.json.value, dict):
        return Irregular.SCALAR_IN_EVENT
    return None if frame.json.value else Irregular.EMPTY_OBJECT
