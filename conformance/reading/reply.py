"""An exchange as it can be read: decoded, framed, envelope opened, names found in whatever casing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from conformance.dialects.dialect import Dialect
from conformance.dialects.shapes import Shape, load_reference
from conformance.model import JSON, NOTHING, Exchange, Limits
from conformance.reading.errorbody import ErrorBody, error_body, error_in, nonsense
from conformance.reading.names import IDENTIFYING_MEMBERS, Unwrapped, unwrap
from conformance.reading.standing import OF_THE_MOMENT, REFUSALS, Standing, standing_of_failure
from conformance.wire.encoding import DecodedBody, decode_body
from conformance.wire.framing import FramedBody, Framing, read_framed
from conformance.wire.jsontext import JsonText, read_json


class ReplyKind(StrEnum):
    """What an answer turned out to be."""

    ANSWER = "answer"  # the resource that was asked for was found
    ERROR = "error"  # an error: by its status, or plainly by its body
    HTML = "html"
    EMPTY = "empty"
    FOREIGN = "foreign"  # JSON, but not the resource that was asked for
    UNREADABLE = "unreadable"  # neither JSON nor HTML
    FAILED = "failed"  # no whole answer came


_WAITING = ("timeout", "first_byte", "silence")  # bounds of time, which say nothing of an answer's size


@dataclass(frozen=True)
class Resource:
    """What a request asks for: the shape of the answer and the members that tell it."""

    name: str  # response | count | models | model | none
    marks: tuple[str, ...]


RESPONSE = Resource("response", IDENTIFYING_MEMBERS)
COUNT = Resource("count", ("totalTokens",))
MODELS = Resource("models", ("models",))
MODEL = Resource("model", ("supportedGenerationMethods", "inputTokenLimit", "displayName", "name"))
NONE = Resource("none", ())
_ROUTES: tuple[tuple[str, str, Resource], ...] = (
    ("OPTIONS", r".*", NONE),
    ("GET", r"/models/?$", MODELS),
    ("GET", r"/models/[^:]+$", MODEL),
    ("POST", r":countTokens$", COUNT),
    ("POST", r"(:generateContent|:streamGenerateContent|/models/[^:]+)$", RESPONSE),
)


def resource_of(exchange: Exchange) -> Resource:
    """Return what the request asks for, by its verb and path."""
    path = exchange.request.path.partition("?")[0]
    return next(
        (what for verb, form, what in _ROUTES if verb == exchange.request.verb and re.search(form, path)),
        NONE,
    )


def _shape(resource: Resource) -> Shape:
    names = {"response": "response", "count": "count_tokens", "models": "models_list", "model": "model"}
    shape: Shape = getattr(load_reference(), names.get(resource.name, "response"))
    return shape


@dataclass(frozen=True)
class Chunk:
    """One JSON object of an answer, as read: the only one of a unary answer, or one of a stream."""

    number: int
    raw: JSON
    unwrapped: Unwrapped | None
    error: ErrorBody | None
    json: JsonText
    at_ms: float | None

    @property
    def body(self) -> Mapping[str, JSON]:
        """The Gemini object in Google's names; empty where there is none."""
        return self.unwrapped.body if self.unwrapped else NOTHING


@dataclass(frozen=True)
class Candidate:
    """One candidate, its chunks put together."""

    index: int
    parts: tuple[Mapping[str, JSON], ...] = ()
    roles: tuple[JSON, ...] = ()
    finish_reasons: tuple[JSON, ...] = ()  # every one given, in order

    def _texts(self, *, thought: bool) -> Iterable[str]:
        for part in self.parts:
            text = part.get("text")
            if isinstance(text, str) and bool(part.get("thought")) is thought:
                yield text

    @property
    def text(self) -> str:
        """The answer's text, thoughts left out."""
        return "".join(self._texts(thought=False))

    @property
    def thoughts(self) -> str:
        """The text of the parts that are marked as thoughts."""
        return "".join(self._texts(thought=True))

    @property
    def calls(self) -> tuple[Mapping[str, JSON], ...]:
        """The function calls, in order."""
        found = (part.get("functionCall") for part in self.parts)
        return tuple(call for call in found if isinstance(call, dict))

    @property
    def finish_reason(self) -> JSON:
        """The last finish reason given, or None."""
        return self.finish_reasons[-1] if self.finish_reasons else None


@dataclass(frozen=True, eq=False)
class Reply:
    """Everything that checks may know of one exchange. Built by `read`; never raises on access."""

    exchange: Exchange
    resource: Resource
    decoded: DecodedBody
    framed: FramedBody
    kind: ReplyKind
    chunks: tuple[Chunk, ...]
    error: ErrorBody | None
    text_of_body: bytes = field(repr=False, default=b"")

    @property
    def id(self) -> str:
        """The exchange's id."""
        return self.exchange.id

    @property
    def probe(self) -> str:
        """The probe that was asked."""
        return self.exchange.probe

    @property
    def status(self) -> int:
        """The HTTP status, 0 where none came."""
        return self.exchange.status or 0

    @property
    def ok(self) -> bool:
        """The status says success, and the resource asked for is there."""
        return self.kind is ReplyKind.ANSWER and self.is_success

    @property
    def is_success(self) -> bool:
        """The status says success, whatever came with it."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The Content-Type in lower case without its parameters; "" where there is none."""
        return (self.exchange.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def standing(self) -> Standing:
        """What became of the question."""
        if self.kind is ReplyKind.FAILED:
            return Standing.NO_ANSWER
        if self.status >= 300:
            return standing_of_failure(self.status)
        if self.ok:
            return Standing.ANSWERED
        wrong = self.expects_refusal and self.resource is RESPONSE
        failed = self.status >= 200 and self.is_complete and (wrong or self.kind is ReplyKind.ERROR)
        return Standing.ERROR_IN_SUCCESS if failed else Standing.FOREIGN

    @property
    def exceeded_limit(self) -> str | None:
        """The bound in bytes, pieces or JSON that the answer exceeds; None where it keeps within all."""
        failure = self.exchange.failure or self.decoded.failure
        if failure is not None:
            bound = "header_bytes" if failure.kind == "headers-too-big" else failure.bound
            return None if bound in _WAITING else bound
        return self.framed.bound or next((one.json.bound for one in self.chunks if one.json.bound), None)

    @cached_property
    def is_complete(self) -> bool:
        """An answer came, all of it, and could be decoded and read."""
        arrived = self.exchange.failure is None and self.status > 0
        decoded = self.decoded.failure is None and "undeclared-gzip" not in self.decoded.oddities
        return arrived and decoded and self.exceeded_limit is None

    @property
    def is_conclusive(self) -> bool:
        """It shows something of the protocol: a complete reply that is no matter of quota and no failure."""
        return self.is_complete and self.standing not in OF_THE_MOMENT

    @property
    def is_refusal(self) -> bool:
        """The request, its key or its route was refused, in a complete reply."""
        return self.is_complete and self.standing in REFUSALS

    @property
    def is_transient(self) -> bool:
        """It may be another one a moment later: nothing came whole, a quota is used up, or the server failed."""
        return self.exchange.failure is not None or self.standing in OF_THE_MOMENT

    @property
    def expects_refusal(self) -> bool:
        """Google refuses the question, going by what was recorded with it."""
        return 200 not in self.exchange.expected_statuses

    @property
    def streamed(self) -> bool:
        """The streaming method was asked for."""
        return ":streamGenerateContent" in self.exchange.request.path

    @property
    def alt_sse(self) -> bool:
        """`alt=sse` was asked for."""
        return "alt=sse" in self.exchange.request.path.partition("?")[2]

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates of the answer, in the order of their first appearance."""
        return _candidates(self.chunks)

    @property
    def first(self) -> Candidate:
        """The first candidate, or an empty one."""
        return self.candidates[0] if self.candidates else Candidate(0)

    @property
    def text(self) -> str:
        """The first candidate's text, thoughts left out."""
        return self.first.text

    @property
    def usage(self) -> Mapping[str, JSON]:
        """The last usageMetadata that says anything; empty where none came."""
        blocks = [
            usage
            for chunk in self.chunks
            if isinstance(usage := chunk.body.get("usageMetadata"), dict) and usage
        ]
        return blocks[-1] if blocks else NOTHING

    def count(self, name: str) -> int:
        """Return a usage counter, 0 where absent or not a whole number."""
        value = self.usage.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    @property
    def body(self) -> Mapping[str, JSON]:
        """The object of a unary answer (or the first of a stream)."""
        return self.chunks[0].body if self.chunks else NOTHING

    @property
    def request_body(self) -> JSON:
        """The JSON of the request, None where it was none."""
        return read_json(self.exchange.request.body).value if self.exchange.request.body else None

    def at(self, chunk: Chunk, pointer: str) -> str:
        """Return the pointer as findings write it: `#n/…` in a stream, `/…` in a unary answer."""
        return f"#{chunk.number}{pointer}" if self.streamed or len(self.chunks) > 1 else pointer


def _parts(candidate: Mapping[str, JSON]) -> tuple[Mapping[str, JSON], ...]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return tuple(part for part in parts if isinstance(part, dict)) if isinstance(parts, list) else ()


def _joined(before: Candidate, raw: Mapping[str, JSON]) -> Candidate:
    content = raw.get("content")
    role = (content["role"],) if isinstance(content, dict) and "role" in content else ()
    reason = (raw["finishReason"],) if raw.get("finishReason") not in (None, "") else ()
    return Candidate(
        before.index, before.parts + _parts(raw), before.roles + role, before.finish_reasons + reason
    )


def _candidates(chunks: Iterable[Chunk]) -> tuple[Candidate, ...]:
    found: dict[int, list[Mapping[str, JSON]]] = {}
    for chunk in chunks:
        several = chunk.body.get("candidates")
        for position, raw in enumerate(several if isinstance(several, list) else ()):
            if isinstance(raw, dict):
                index = raw.get("index")
                found.setdefault(index if type(index) is int else position, []).append(raw)
    return tuple(_merged(index, raws) for index, raws in found.items())


def _merged(index: int, raws: list[Mapping[str, JSON]]) -> Candidate:
    pieces = [_joined(Candidate(index), raw) for raw in raws]
    return Candidate(
        index,
        tuple(part for piece in pieces for part in piece.parts),
        tuple(role for piece in pieces for role in piece.roles),
        tuple(reason for piece in pieces for reason in piece.finish_reasons),
    )


def _chunk(number: int, text: JsonText, at_ms: float | None, resource: Resource) -> Chunk:
    value = text.value if text.ok else None
    opened = unwrap(value, _shape(resource), resource.marks) if resource.marks else None
    error = None if opened and _is_answer(opened, resource) else error_in(value)
    return Chunk(number, value, opened, error, text, at_ms)


def _is_answer(opened: Unwrapped, resource: Resource) -> bool:
    return any(mark in opened.body for mark in resource.marks)


_BEGINNING = 64  # pieces, and KiB, of a body that is too long to be read
_HTML = re.compile(rb"^\s*(<!doctype|<html|<head|<body|<\?xml|<!--)", re.IGNORECASE)


def _kind(exchange: Exchange, decoded: DecodedBody, chunks: tuple[Chunk, ...]) -> ReplyKind:
    status, body = exchange.status, decoded.body
    if status is None:
        return ReplyKind.FAILED
    # A body that could not be unpacked is not an empty one.
    broken = exchange.failure or decoded.failure
    if broken is not None and not any(chunk.unwrapped for chunk in chunks):
        return ReplyKind.FAILED
    if _HTML.match(body[:200]):
        return ReplyKind.HTML
    if status >= 300:
        return ReplyKind.ERROR
    return _kind_of_success(body, chunks)


def _kind_of_success(body: bytes, chunks: tuple[Chunk, ...]) -> ReplyKind:
    if any(chunk.unwrapped for chunk in chunks):
        return ReplyKind.ANSWER
    if not body.strip():
        return ReplyKind.EMPTY
    if any(chunk.error for chunk in chunks) or (chunks and nonsense(chunks[0].raw)):
        return ReplyKind.ERROR
    return ReplyKind.FOREIGN if chunks and all(chunk.json.ok for chunk in chunks) else ReplyKind.UNREADABLE


def _error(kind: ReplyKind, body: bytes, chunks: tuple[Chunk, ...]) -> ErrorBody | None:
    within = next((chunk.error for chunk in chunks if chunk.error), None)
    if within is not None or kind is ReplyKind.ANSWER:
        return within
    if kind is ReplyKind.HTML:
        return ErrorBody("html")
    if kind is not ReplyKind.ERROR:
        return None
    if not body.strip():
        return ErrorBody("empty")
    value = next((chunk.raw for chunk in chunks if chunk.json.ok), None)
    return (
        error_body(value)
        if value is not None
        else ErrorBody("string", message=body[:300].decode("utf-8", "replace"))
    )


def _unread(exchange: Exchange, resource: Resource, decoded: DecodedBody, size: int) -> Reply:
    """Return what is said of a body beyond `json_bytes`: that it is; only its beginning is kept beside the exchange."""
    decoded = replace(decoded, pieces=decoded.pieces[:_BEGINNING])
    head = b"".join(piece.data for piece in decoded.pieces)[: _BEGINNING * 1024]
    kind = _kind(exchange, decoded, ())
    framed = FramedBody(Framing.OTHER, (), (), size, "json_bytes")
    return Reply(exchange, resource, decoded, framed, kind, (), _error(kind, head, ()), head)


def read(exchange: Exchange, limits: Limits = Limits()) -> Reply:  # noqa: B008 - frozen
    """Return the exchange as it can be read. Raises nothing, whatever came."""
    decoded = decode_body(exchange, limits)
    resource = resource_of(exchange)
    size = sum(len(piece.data) for piece in decoded.pieces)
    if size > limits.json_bytes:
        return _unread(exchange, resource, decoded, size)
    framed = read_framed(decoded.pieces, limits)
    body = b"".join(piece.data for piece in decoded.pieces)
    chunks = tuple(_chunk(n, frame.json, frame.at_ms, resource) for n, frame in enumerate(framed.frames))
    kind = _kind(exchange, decoded, chunks)
    return Reply(exchange, resource, decoded, framed, kind, chunks, _error(kind, body, chunks), body)


@dataclass(frozen=True, eq=False)
class RuleInput:
    """The replies that a rule looks at, and all that it may know besides."""

    replies: tuple[Reply, ...]
    all: tuple[Reply, ...]
    dialect: Dialect
    model: str
    unrelated: tuple[str, ...] = ()  # probes that were met only by errors which are not theirs

    def of(self, *probes: str) -> tuple[Reply, ...]:
        """Return every reply to those probes, in the order asked."""
        return tuple(reply for reply in self.all if reply.probe in probes)

    def last(self, probe: str) -> Reply | None:
        """Return the last reply to a probe (retries are superseded), or None."""
        found = self.of(probe)
        return found[-1] if found else None
