"""The results of reading a body (framings, frames, irregularities), and the notebook that collects them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.model import Limits
from conformance.wire.jsontext import JsonText, Odd, read_json


class Framing(StrEnum):
    """How the JSON objects of a body are told apart."""

    SSE = "sse"
    JSON_ARRAY = "json-array"
    NDJSON = "ndjson"
    SINGLE_JSON = "single-json"
    OTHER = "other"
    EMPTY = "empty"


class Irregular(StrEnum):
    """Everything that may be irregular about a body.

    The comments say which real clients each one breaks, as measured over loopback. PY: google-genai 3.4 (1.30 and
    2.34 where named); JS: @google/genai 2.32 = 3.1; CLI: gemini-cli; AI: Vercel AI SDK; OLD: @google/generative-ai;
    GO: go-genai.
    """

    COMMENT_LINE = "comment-line"  # PY, OLD, GO and CLI raise; JS and AI read on
    COMMENT_ATTACHED = "comment-attached"  # JS silently drops the whole event; PY, CLI and OLD raise
    EVENT_FIELD = "event-field"  # JS silently drops every such event; PY, GO, CLI and OLD raise; AI reads on
    ID_FIELD = "id-field"  # as an event field: JS drops the event, PY raises
    RETRY_FIELD = "retry-field"  # PY, CLI and OLD raise; JS skips it, and the event that it stands in
    UNKNOWN_FIELD = (
        "unknown-field"  # WHATWG ignores it; PY takes it for raw JSON and raises, JS drops the event
    )
    NO_SPACE = "no-space"  # PY, CLI and OLD raise at the first event; JS, AI and GO read it
    EXTRA_SPACE = "extra-space"  # no client: JSON allows space before a value
    MULTI_LINE_DATA = "multi-line-data"  # JS, PY 1.30, CLI and OLD raise; PY and AI join the lines
    SINGLE_NEWLINE = (
        "single-newline"  # PY, JS, CLI and OLD raise, AI is silently empty: one event of them all
    )
    CR_ONLY = "cr-only"  # AI loses the last event with its finish reason; PY's asynchronous reader raises
    MIXED_LINE_ENDS = "mixed-line-ends"  # not measured; JS, CLI and OLD look for two equal line ends
    NO_FINAL_BLANK_LINE = "no-final-blank-line"  # JS and CLI lose the last event and raise; AI loses it
    EXTRA_BLANK_LINES = "extra-blank-lines"  # only OLD; some gateways choose it as the harmless keep-alive
    BOM = "bom"  # PY raises; JS, AI and OLD skip it
    DONE_SENTINEL = "done-sentinel"  # PY, JS, CLI and OLD raise after the whole text has arrived; AI knows it
    EMPTY_DATA = "empty-data"  # PY, JS and OLD raise; AI reports an error part
    EMPTY_OBJECT = "empty-object"  # no client raises; it is delivered as a chunk with nothing in it
    KEEPALIVE_DATA = "keepalive-data"  # PY, JS and OLD raise; AI reports an error part
    BYTES_REPR = "bytes-repr"  # all: a Python bytes literal is not JSON
    DOUBLE_DATA_PREFIX = "double-data-prefix"  # all: the payload begins with `data:`
    ARRAY_IN_EVENT = "array-in-event"  # PY, JS and OLD are silently empty; AI reports an error part
    SCALAR_IN_EVENT = "scalar-in-event"  # PY and JS raise or are silently empty: they expect an object
    SEVERAL_OBJECTS_IN_ONE_EVENT = "several-objects-in-one-event"  # all that parse it as one JSON text raise
    PAYLOAD_NOT_JSON = "payload-not-json"  # all raise, some after what came before
    FRAME_SPLIT = "frame-split"  # all: an unterminated string at the cut
    TRUNCATED = "truncated"  # PY and JS raise or stop short; AI silently loses the tail
    RAW_SEPARATOR = "raw-separator"  # PY 1.30 and 2.34, CLI and OLD end a line there; PY, JS and AI read on
    JSON_ODDITY = "json-oddity"  # depends: JavaScript refuses NaN, Python refuses a byte order mark
    BARE_JSON_AFTER_EVENTS = (
        "bare-json-after-events"  # Google's own errors; PY, JS and OLD raise, AI stops silently
    )
    MIXED_FRAMING = "mixed-framing"  # JS and CLI stop at the first line of the other kind
    BLANK_LINE_SEPARATED = "blank-line-separated"  # JS yields nothing and raises nothing
    NO_SEPARATOR = "no-separator"  # everything that reads by lines
    PRETTY_PRINTED = "pretty-printed"  # everything that reads one object per line
    ARRAY_SEPARATOR = "array-separator"  # all: it is not a JSON array
    ARRAY_ELEMENT = "array-element"  # all: an element that is not an object is not a chunk
    NEWLINE_AFTER_ARRAY = "newline-after-array"  # google-ai-generativelanguage raises after the data
    TRAILING_BYTES = "trailing-bytes"  # all that parse the body as one JSON text raise
    GZIP_MAGIC = "gzip-magic"  # all raise, AI silently reads nothing: compressed without Content-Encoding
    HTML = "html"  # all raise: most often a wrong base URL, or a gateway's own error page


@dataclass(frozen=True)
class Frame:
    """One JSON text of a body.

    `number` counts from 0. `start` and `end` are byte offsets in the body: from the line (or the value)
    on which the frame begins to behind the last byte of its payload, without the line's end. `data` is the
    payload as a client sees it: the data lines joined by newline, or the JSON text. `at_ms` is when its last
    byte had arrived, in the time of the pieces; None where the pieces had none.
    """

    number: int
    start: int
    end: int
    data: bytes
    json: JsonText
    at_ms: float | None


@dataclass(frozen=True)
class Irregularity:
    """One place where a body departs from the plain form of its framing, as a byte offset."""

    kind: str
    at: int
    detail: str
    frame: int | None = None  # the number of the frame that it concerns


@dataclass(frozen=True)
class FramedBody:
    """A body as it was read. `bound` names the limit that ended the reading: chunks | json_values | decoded_bytes."""

    framing: Framing
    frames: tuple[Frame, ...]
    irregularities: tuple[Irregularity, ...]
    length: int
    bound: str | None

    def has(self, kind: str) -> bool:
        """Return whether an irregularity of that kind was found."""
        return any(irregularity.kind == kind for irregularity in self.irregularities)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of irregularity found, each once, sorted."""
        return tuple(sorted({str(irregularity.kind) for irregularity in self.irregularities}))


_ELSEWHERE = frozenset({Odd.TRAILING})  # what it means depends on the framing


@dataclass
class Notebook:
    """What a pass over one body has found so far; it never grows beyond the limits."""

    body: bytes
    limits: Limits
    arrivals: tuple[tuple[int, float | None], ...] = ()  # (length of the body so far, ms), ascending
    frames: list[Frame] = field(default_factory=list)
    irregularities: list[Irregularity] = field(default_factory=list)
    values: int = 0
    bound: str | None = None

    def add_frame(self, start: int, end: int, data: bytes, at: int | None = None) -> Frame:
        """Add a frame. `at` is where `data` stands in the body when it stands there in one piece."""
        left = max(0, self.limits.json_values - self.values)
        text = read_json(data, self.limits, values=left)
        self.values += text.values
        index = bisect_left(self.arrivals, end, key=lambda arrival: arrival[0])
        at_ms = self.arrivals[index][1] if index < len(self.arrivals) else None
        frame = Frame(len(self.frames), start, end, data, text, at_ms)
        self.frames.append(frame)
        self._note_oddities(frame, at)
        if len(self.frames) >= self.limits.chunks:
            self.bound = "chunks"
        if text.bound == "json_values":
            self.bound = "json_values"
        return frame

    def _note_oddities(self, frame: Frame, at: int | None) -> None:
        for odd in (odd for odd in frame.json.oddities if odd.kind not in _ELSEWHERE):
            place = frame.start if at is None or odd.at < 0 else at + odd.at
            if odd.kind == Odd.RAW_SEPARATOR:
                self.note_irregularity(Irregular.RAW_SEPARATOR, place, odd.detail, frame.number)
            else:
                detail = f"{odd.kind}: {odd.detail}"
                self.note_irregularity(Irregular.JSON_ODDITY, place, detail, frame.number)

    def note_irregularity(self, kind: Irregular, at: int, detail: str = "", frame: int | None = None) -> None:
        """Add an irregularity; beyond the limit it is only noted in `bound`."""
        if len(self.irregularities) < self.limits.chunks:
            self.irregularities.append(Irregularity(kind, at, detail, frame))
        else:
            self.bound = self.bound or "chunks"

    def quote(self, start: int, end: int) -> str:
        """Return the beginning of a stretch of the body, for a detail."""
        return self.body[start : min(end, start + 60)].decode("utf-8", "replace")

    def build_body(self, framing: Framing) -> FramedBody:
        """Return all of it as a value, irregularities by offset."""
        found = tuple(sorted(self.irregularities, key=lambda one: (one.at, one.kind)))
        return FramedBody(framing, tuple(self.frames), found, len(self.body), self.bound)
