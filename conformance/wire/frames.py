"""What a body is made of, as values: framings, frames, irregularities; and the notebook they are written into."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

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
    """Everything that may be irregular about a body; what it does to clients stands in `BREAKS`."""

    COMMENT_LINE = "comment-line"
    COMMENT_ATTACHED = "comment-attached"
    EVENT_FIELD = "event-field"
    ID_FIELD = "id-field"
    RETRY_FIELD = "retry-field"
    UNKNOWN_FIELD = "unknown-field"
    NO_SPACE = "no-space"
    EXTRA_SPACE = "extra-space"
    MULTI_LINE_DATA = "multi-line-data"
    SINGLE_NEWLINE = "single-newline"
    CR_ONLY = "cr-only"
    MIXED_LINE_ENDS = "mixed-line-ends"
    NO_FINAL_BLANK_LINE = "no-final-blank-line"
    EXTRA_BLANK_LINES = "extra-blank-lines"
    BOM = "bom"
    DONE_SENTINEL = "done-sentinel"
    EMPTY_DATA = "empty-data"
    EMPTY_OBJECT = "empty-object"
    KEEPALIVE_DATA = "keepalive-data"
    BYTES_REPR = "bytes-repr"
    DOUBLE_DATA_PREFIX = "double-data-prefix"
    ARRAY_IN_EVENT = "array-in-event"
    SCALAR_IN_EVENT = "scalar-in-event"
    SEVERAL_OBJECTS_IN_ONE_EVENT = "several-objects-in-one-event"
    PAYLOAD_NOT_JSON = "payload-not-json"
    FRAME_SPLIT = "frame-split"
    TRUNCATED = "truncated"
    RAW_SEPARATOR = "raw-separator"
    JSON_ODDITY = "json-oddity"
    BARE_JSON_AFTER_EVENTS = "bare-json-after-events"
    MIXED_FRAMING = "mixed-framing"
    BLANK_LINE_SEPARATED = "blank-line-separated"
    NO_SEPARATOR = "no-separator"
    PRETTY_PRINTED = "pretty-printed"
    ARRAY_SEPARATOR = "array-separator"
    ARRAY_ELEMENT = "array-element"
    NEWLINE_AFTER_ARRAY = "newline-after-array"
    TRAILING_BYTES = "trailing-bytes"
    GZIP_MAGIC = "gzip-magic"
    HTML = "html"


# Which real clients each one breaks, as measured over loopback. PY: google-genai 3.4 (1.30 and 2.34 where named);
# JS: @google/genai 2.32 = 3.1; CLI: gemini-cli; AI: Vercel AI SDK; OLD: @google/generative-ai; GO: go-genai.
BREAKS = MappingProxyType(
    {
        Irregular.COMMENT_LINE: "PY, OLD, GO and CLI raise; JS and AI read on",
        Irregular.COMMENT_ATTACHED: "JS silently drops the whole event; PY, CLI and OLD raise",
        Irregular.EVENT_FIELD: "JS silently drops every such event; PY, GO, CLI and OLD raise; AI reads on",
        Irregular.ID_FIELD: "as an event field: JS drops the event, PY raises",
        Irregular.RETRY_FIELD: "PY, CLI and OLD raise; JS skips it, and the event that it stands in",
        Irregular.UNKNOWN_FIELD: "the WHATWG rule ignores it; PY takes it for raw JSON and raises, JS drops the event",
        Irregular.NO_SPACE: "PY, CLI and OLD raise at the first event; JS, AI and GO read it",
        Irregular.EXTRA_SPACE: "nobody: JSON allows space before a value",
        Irregular.MULTI_LINE_DATA: "JS, PY 1.30, CLI and OLD raise; PY and AI join the lines",
        Irregular.SINGLE_NEWLINE: "PY, JS, CLI and OLD raise, AI is silently empty: the lines become one event",
        Irregular.CR_ONLY: "AI loses the last event with its finish reason; PY's asynchronous reader raises",
        Irregular.MIXED_LINE_ENDS: "not measured; JS, CLI and OLD look for two line ends of one kind and join events otherwise",
        Irregular.NO_FINAL_BLANK_LINE: "JS and CLI raise after losing the last event (finish reason, usage); AI loses it",
        Irregular.EXTRA_BLANK_LINES: "only OLD; some gateways choose it as the harmless keep-alive",
        Irregular.BOM: "PY raises; JS, AI and OLD skip it",
        Irregular.DONE_SENTINEL: "PY, JS, CLI and OLD raise after the whole text has arrived; AI knows it",
        Irregular.EMPTY_DATA: "PY, JS and OLD raise; AI reports an error part",
        Irregular.EMPTY_OBJECT: "nobody raises; it is delivered as a chunk with nothing in it",
        Irregular.KEEPALIVE_DATA: "PY, JS and OLD raise; AI reports an error part",
        Irregular.BYTES_REPR: "all: a Python bytes literal is not JSON",
        Irregular.DOUBLE_DATA_PREFIX: "all: the payload begins with `data:`",
        Irregular.ARRAY_IN_EVENT: "PY, JS and OLD are silently empty; AI reports an error part",
        Irregular.SCALAR_IN_EVENT: "PY and JS raise or are silently empty: they expect an object",
        Irregular.SEVERAL_OBJECTS_IN_ONE_EVENT: "all that parse an event as one JSON text raise",
        Irregular.PAYLOAD_NOT_JSON: "all raise, some after what came before",
        Irregular.FRAME_SPLIT: "all: an unterminated string at the cut",
        Irregular.TRUNCATED: "PY and JS raise or stop short; AI silently loses the tail",
        Irregular.RAW_SEPARATOR: "PY 1.30 and 2.34, CLI and OLD take it for a line's end; PY, JS and AI read on",
        Irregular.JSON_ODDITY: "depends: JavaScript refuses NaN, Python refuses a byte order mark",
        Irregular.BARE_JSON_AFTER_EVENTS: "Google's own error in mid-stream: PY and JS raise it, OLD raises, AI stops silently",
        Irregular.MIXED_FRAMING: "JS and CLI stop at the first line of the other kind",
        Irregular.BLANK_LINE_SEPARATED: "JS yields nothing and raises nothing",
        Irregular.NO_SEPARATOR: "everything that reads by lines",
        Irregular.PRETTY_PRINTED: "everything that reads one object per line",
        Irregular.ARRAY_SEPARATOR: "all: it is not a JSON array",
        Irregular.ARRAY_ELEMENT: "all: an element that is not an object is not a chunk",
        Irregular.NEWLINE_AFTER_ARRAY: "google-ai-generativelanguage raises after the data",
        Irregular.TRAILING_BYTES: "all that parse the body as one JSON text raise",
        Irregular.GZIP_MAGIC: "all raise, AI silently reads nothing: compressed without Content-Encoding",
        Irregular.HTML: "all raise: most often a wrong base URL, or a gateway's own error page",
    }
)


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
    """One departure from the plain form of a framing, at a byte offset of the body."""

    kind: str
    at: int
    detail: str
    frame: int | None = None  # the number of the frame that it concerns


@dataclass(frozen=True)
class Framed:
    """A body as it was found. `bound` names the limit that ended the reading: chunks | json_values | decoded_bytes."""

    framing: Framing
    frames: tuple[Frame, ...]
    irregularities: tuple[Irregularity, ...]
    length: int
    bound: str | None

    def has(self, kind: str) -> bool:
        """Tell whether an irregularity of that kind was found."""
        return any(irregularity.kind == kind for irregularity in self.irregularities)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of irregularity found, each once, sorted."""
        return tuple(sorted({str(irregularity.kind) for irregularity in self.irregularities}))


_ODD = {Odd.RAW_SEPARATOR: Irregular.RAW_SEPARATOR}
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

    def frame(self, start: int, end: int, data: bytes, at: int | None = None) -> Frame:
        """Add a frame. `at` is where `data` stands in the body when it stands there in one piece."""
        left = max(0, self.limits.json_values - self.values)
        text = read_json(data, self.limits, values=left)
        self.values += text.values
        frame = Frame(len(self.frames), start, end, data, text, self._arrived(end))
        self.frames.append(frame)
        self._oddities(frame, at)
        if len(self.frames) >= self.limits.chunks:
            self.bound = "chunks"
        if text.bound == "json_values":
            self.bound = "json_values"
        return frame

    def note(self, kind: Irregular, at: int, detail: str = "", frame: int | None = None) -> None:
        """Add an irregularity; past the limit they are no longer written down, and `bound` says so."""
        if len(self.irregularities) < self.limits.chunks:
            self.irregularities.append(Irregularity(kind, at, detail, frame))
        else:
            self.bound = self.bound or "chunks"

    def quote(self, start: int, end: int) -> str:
        """Return the beginning of a stretch of the body, for a detail."""
        return self.body[start : min(end, start + 60)].decode("utf-8", "replace")

    def closed(self, framing: Framing) -> Framed:
        """Return all of it as a value, irregularities by offset."""
        found = tuple(sorted(self.irregularities, key=lambda one: (one.at, one.kind)))
        return Framed(framing, tuple(self.frames), found, len(self.body), self.bound)

    def _arrived(self, end: int) -> float | None:
        index = bisect_left(self.arrivals, end, key=lambda arrival: arrival[0])
        return self.arrivals[index][1] if index < len(self.arrivals) else None

    def _oddities(self, frame: Frame, at: int | None) -> None:
        for odd in frame.json.oddities:
            if odd.kind not in _ELSEWHERE:
                place = frame.start if at is None or odd.at < 0 else at + odd.at
                detail = odd.detail if odd.kind in _ODD else f"{odd.kind}: {odd.detail}"
                self.note(_ODD.get(Odd(odd.kind), Irregular.JSON_ODDITY), place, detail, frame.number)
