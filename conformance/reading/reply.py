"""Reads an exchange: decodes it, finds its frames, unwraps it from its envelope, and finds its names in any casing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from conformance.dialects.dialect import Dialect
from conformance.model import JSON, NOTHING, Exchange, Limits
from conformance.reading.candidates import Candidate, merge_candidates
from conformance.reading.errorbody import ErrorBody, error_body, error_in, says_it_failed
from conformance.reading.names import Unwrapped, unwrap
from conformance.reading.resources import RESPONSE, Resource, find_resource
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


_WAITING = ("timeout", "first_byte", "silence")  # bounds on time, which show nothing about an answer's size


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
        """The Gemini object in Google's names; empty if there is none."""
        return self.unwrapped.body if self.unwrapped else NOTHING


@dataclass(frozen=True, eq=False)
class Reply:
    """Everything that checks may know about one exchange. Built by `read`; never raises on access."""

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
        """The HTTP status, 0 if none came."""
        return self.exchange.status or 0

    @property
    def ok(self) -> bool:
        """Whether the status is a success, and the resource that was asked for is there."""
        return self.kind is ReplyKind.ANSWER and self.is_success

    @property
    def is_success(self) -> bool:
        """Whether the status is a success, whatever the body is."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The Content-Type in lower case without its parameters; "" if there is none."""
        return (self.exchange.header("content-type") or "").partition(";")[0].strip().lower()

    @cached_property
    def standing(self) -> Standing:
        """The standing: what happened to the question."""
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
        """The bound on bytes, pieces or JSON that the answer exceeds; None if it exceeds none."""
        failure = self.exchange.failure or self.decoded.failure
        if failure is not None:
            bound = "header_bytes" if failure.kind == "headers-too-big" else failure.bound
            return None if bound in _WAITING else bound
        return self.framed.bound or next((one.json.bound for one in self.chunks if one.json.bound), None)

    @cached_property
    def is_complete(self) -> bool:
        """Whether the whole answer came, and could be decoded and read."""
        arrived = self.exchange.failure is None and self.status > 0
        decoded = self.decoded.failure is None and "undeclared-gzip" not in self.decoded.oddities
        return arrived and decoded and self.exceeded_limit is None

    @property
    def is_conclusive(self) -> bool:
        """Whether it shows how the vendor uses the protocol: it is complete, and not the result of a quota or a failure."""
        return self.is_complete and self.standing not in OF_THE_MOMENT

    @property
    def is_refusal(self) -> bool:
        """Whether the request, its key or its route was refused, in a complete reply."""
        return self.is_complete and self.standing in REFUSALS

    @property
    def is_transient(self) -> bool:
        """Whether the answer might differ a moment later: it broke off, a quota is used up, or the server failed."""
        return self.exchange.failure is not None or self.standing in OF_THE_MOMENT

    @property
    def expects_refusal(self) -> bool:
        """Whether Google refuses this question, according to the expectations that were recorded with it."""
        return 200 not in self.exchange.expected_statuses

    @property
    def streamed(self) -> bool:
        """Whether the streaming method was asked for."""
        return ":streamGenerateContent" in self.exchange.request.path

    @property
    def alt_sse(self) -> bool:
        """Whether `alt=sse` was asked for."""
        return "alt=sse" in self.exchange.request.path.partition("?")[2]

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates of the answer, in the order of their first appearance."""
        return merge_candidates(chunk.body for chunk in self.chunks)

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
        """The last usageMetadata that is not empty; an empty mapping if none came."""
        blocks = [
            usage
            for chunk in self.chunks
            if isinstance(usage := chunk.body.get("usageMetadata"), dict) and usage
        ]
        return blocks[-1] if blocks else NOTHING

    def count(self, name: str) -> int:
        """Return a usage counter; 0 if it is absent or not an integer."""
        value = self.usage.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    @property
    def body(self) -> Mapping[str, JSON]:
        """The object of a unary answer (or the first of a stream)."""
        return self.chunks[0].body if self.chunks else NOTHING

    @property
    def request_body(self) -> JSON:
        """The JSON of the request's body; None if it is not JSON."""
        return read_json(self.exchange.request.body).value if self.exchange.request.body else None

    def at(self, chunk: Chunk, pointer: str) -> str:
        """Return the pointer as findings write it: `#n/…` in a stream, `/…` in a unary answer."""
        return f"#{chunk.number}{pointer}" if self.streamed or len(self.chunks) > 1 else pointer


def _read_chunk(number: int, text: JsonText, at_ms: float | None, resource: Resource) -> Chunk:
    value = text.value if text.ok else None
    members, shape = resource.identifying_members, resource.shape
    unwrapped = unwrap(value, shape, members) if shape else None
    identified = unwrapped is not None and any(name in unwrapped.body for name in members)
    return Chunk(number, value, unwrapped, None if identified else error_in(value), text, at_ms)


_BEGINNING = 64  # pieces, and KiB, of a body that is too long to be read
_HTML = re.compile(rb"^\s*(<!doctype|<html|<head|<body|<\?xml|<!--)", re.IGNORECASE)


def _classify(exchange: Exchange, decoded: DecodedBody, chunks: tuple[Chunk, ...]) -> ReplyKind:
    status, body = exchange.status, decoded.body
    answered = any(chunk.unwrapped for chunk in chunks)
    # A body that could not be decoded is not an empty one.
    broken = exchange.failure or decoded.failure
    if status is None or (broken and not answered):
        return ReplyKind.FAILED
    if _HTML.match(body[:200]):
        return ReplyKind.HTML
    if status >= 300:
        return ReplyKind.ERROR
    return ReplyKind.ANSWER if answered else _classify_success(body, chunks)


def _classify_success(body: bytes, chunks: tuple[Chunk, ...]) -> ReplyKind:
    """Return the kind of a success that lacks the resource that was asked for."""
    if not body.strip():
        return ReplyKind.EMPTY
    if any(chunk.error for chunk in chunks) or (chunks and says_it_failed(chunks[0].raw)):
        return ReplyKind.ERROR
    return ReplyKind.FOREIGN if chunks and all(chunk.json.ok for chunk in chunks) else ReplyKind.UNREADABLE


def _find_error(kind: ReplyKind, body: bytes, chunks: tuple[Chunk, ...]) -> ErrorBody | None:
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
    if value is None:
        return ErrorBody("string", message=body[:300].decode("utf-8", "replace"))
    return error_body(value)


def _leave_unread(exchange: Exchange, resource: Resource, decoded: DecodedBody, size: int) -> Reply:
    """Return the reply for a body longer than `json_bytes`, of which only the beginning is kept beside the exchange."""
    decoded = replace(decoded, pieces=decoded.pieces[:_BEGINNING])
    head = b"".join(piece.data for piece in decoded.pieces)[: _BEGINNING * 1024]
    kind = _classify(exchange, decoded, ())
    framed = FramedBody(Framing.OTHER, (), (), size, "json_bytes")
    return Reply(exchange, resource, decoded, framed, kind, (), _find_error(kind, head, ()), head)


def read(exchange: Exchange, limits: Limits = Limits()) -> Reply:  # noqa: B008 - frozen
    """Return the exchange as it can be read. Raises nothing, whatever came."""
    decoded = decode_body(exchange, limits)
    resource = find_resource(exchange)
    body = b"".join(piece.data for piece in decoded.pieces)
    if len(body) > limits.json_bytes:
        return _leave_unread(exchange, resource, decoded, len(body))
    framed = read_framed(decoded.pieces, limits)
    chunks = tuple(_read_chunk(n, frame.json, frame.at_ms, resource) for n, frame in enumerate(framed.frames))
    kind = _classify(exchange, decoded, chunks)
    return Reply(exchange, resource, decoded, framed, kind, chunks, _find_error(kind, body, chunks), body)


@dataclass(frozen=True, eq=False)
class RuleInput:
    """The replies that a rule looks at, and everything else that it may know."""

    replies: tuple[Reply, ...]
    all: tuple[Reply, ...]
    dialect: Dialect
    model: str
    unrelated: tuple[str, ...] = ()  # probes that got only errors that belong to other questions

    def of(self, *probes: str) -> tuple[Reply, ...]:
        """Return every reply to those probes, in the order asked."""
        return tuple(reply for reply in self.all if reply.probe in probes)

    def last(self, probe: str) -> Reply | None:
        """Return the last reply to a probe (retries are superseded), or None."""
        found = self.of(probe)
        return found[-1] if found else None
