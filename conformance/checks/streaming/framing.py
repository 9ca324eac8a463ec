"""How a stream is framed: as server-sent events or as an array, with the matching Content-Type, and never empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.catalogue import NotJudged, check, check_each
from conformance.checks.streaming.events import holds_events, locate_irregularities
from conformance.judging.contents import is_answered_stream
from conformance.judging.habits import has_original_bytes, may_have_lost_header, note_if_rare
from conformance.judging.refusals import describe_reply, describe_silence, says_nothing
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing
from conformance.wire.framing import Framing, Irregular

_NAMES = {
    Framing.NDJSON: "newline-delimited JSON objects",
    Framing.JSON_ARRAY: "one JSON array",
    Framing.SINGLE_JSON: "one JSON object",
    Framing.SSE: "server-sent events",
}
_TYPES = {Framing.SSE: "text/event-stream", Framing.JSON_ARRAY: "application/json"}


def _shows_its_framing(reply: Reply) -> bool:
    """Return whether a stream answered with success, or its bytes are readable but in no known framing."""
    unread = reply.streamed and reply.kind is ReplyKind.UNREADABLE and reply.is_success
    packed_or_cut = reply.framed.has(Irregular.GZIP_MAGIC) or reply.framed.has(Irregular.TRUNCATED)
    read_in_full = reply.framed.framing is not Framing.SSE and not reply.framed.bound
    unknown = unread and read_in_full and not packed_or_cut
    unknown = unknown and reply.standing is not Standing.ERROR_IN_SUCCESS
    return has_original_bytes(reply) and (is_answered_stream(reply) or unknown)


def _describe_framing(reply: Reply) -> str:
    start = reply.text_of_body[:60].decode("utf-8", "replace")
    return _NAMES.get(reply.framed.framing, f"bytes of no known framing: {start!r}")


def _sort_by_length(replies: Iterable[Reply]) -> list[Reply]:
    """Return the longest first: one object alone may be a line of many, so the longest shows its framing best."""
    return sorted(replies, key=lambda reply: -len(reply.framed.frames))


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed and reply.alt_sse,
    usable=_shows_its_framing,
    trait="stream-framing",
    defers_to=("errors/fails-with-the-status-of-an-error",),
)
def streams_sse_with_alt(seen: RuleInput) -> Iterator[Location]:
    """With alt=sse, a stream consists of server-sent events.

    Why: alt=sse selects server-sent events, and all of Google's clients request it.
    Breaks: on newline-delimited JSON, @google/genai and gemini-cli raise and the Vercel AI SDK silently returns
    nothing; on a JSON array, google-genai raises too; on a single object, all JavaScript clients fail.
    Workaround: turn each JSON object into one event: `data: `, the object on one line, and a blank line.
    Source: [streamGenerateContent] Each chunk is one server-sent event.
    """
    for reply in _sort_by_length(seen.replies):
        if reply.framed.framing is not Framing.SSE:
            yield Location(reply.id, "@0", "server-sent events", _describe_framing(reply))


def _is_refused(reply: Reply) -> bool:
    return reply.standing is Standing.REQUEST_REFUSED


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed and not reply.alt_sse,
    usable=lambda reply: _shows_its_framing(reply) or _is_refused(reply),
    blocked_by=("streaming/streams-sse-with-alt",),
    trait="stream-framing-default",
)
def streams_an_array_without_alt(seen: RuleInput) -> Iterator[Location]:
    """Without alt=sse, a stream is one JSON array.

    Why: a JSON array is what Google streams when the request names no other format.
    Breaks: Google's protobuf client and incremental array parsers raise at the first byte.
    Workaround: request alt=sse, as Google's newer clients do.
    Source: [streamGenerateContent] Without alt=sse the chunks are the elements of one JSON array.
    """
    asked = _sort_by_length(reply for reply in seen.replies if not reply.expects_refusal)
    for reply in asked:
        if not _is_refused(reply) and reply.framed.framing is not Framing.JSON_ARRAY:
            # Recorders drop queries, because they may contain a key, so alt=sse may have been asked for.
            level = Level.NOTE if reply.exchange.captured and reply.framed.framing is Framing.SSE else None
            yield Location(reply.id, "@0", "one JSON array", _describe_framing(reply), level)
    own = [reply for reply in asked if not reply.exchange.captured]
    answers_with_alt = any(reply.ok and reply.streamed and reply.alt_sse for reply in seen.all)
    if own and answers_with_alt and all(map(_is_refused, own)):
        yield Location(own[0].id, "", "one JSON array", describe_reply(own[0]))


def _is_framed_as_asked(reply: Reply) -> bool:
    wanted = Framing.SSE if reply.alt_sse else Framing.JSON_ARRAY
    return (
        is_answered_stream(reply)
        and reply.framed.framing is wanted
        and not may_have_lost_header(reply, "content-type")
    )


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed,
    usable=_is_framed_as_asked,
    defers_to=("streaming/streams-sse-with-alt", "streaming/streams-an-array-without-alt"),
)
def names_the_type_of_its_stream(reply: Reply) -> Iterator[Location]:
    """The Content-Type of a stream matches its framing.

    Why: some readers choose their parser by the Content-Type alone.
    Breaks: Google's SDKs ignore the header; some applications reject a stream that is not text/event-stream.
    Workaround: set the header in a proxy.
    Source: [streamGenerateContent] Events are text/event-stream, an array is application/json.
    """
    wanted = _TYPES[reply.framed.framing]
    if reply.media_type != wanted:
        yield Location(reply.id, "", wanted, reply.exchange.header("content-type") or "no Content-Type")


_ARRAYS = {
    Irregular.ARRAY_SEPARATOR: Level.SHOULD,
    Irregular.TRAILING_BYTES: Level.SHOULD,
    Irregular.NEWLINE_AFTER_ARRAY: Level.NOTE,
    Irregular.BOM: Level.SHOULD,
}
_ELEMENTS = {Irregular.ARRAY_ELEMENT: Level.SHOULD, Irregular.PAYLOAD_NOT_JSON: Level.SHOULD}
_NOT_CHUNKS = (
    Irregular.ARRAY_IN_EVENT, Irregular.SCALAR_IN_EVENT, Irregular.PAYLOAD_NOT_JSON, Irregular.BYTES_REPR,
)  # fmt: skip


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed and not reply.alt_sse,
    usable=lambda reply: _shows_its_framing(reply) and reply.framed.framing is Framing.JSON_ARRAY,
    defers_to=("streaming/sends-one-json-object-per-event",),
)
def streams_a_well_formed_array(seen: RuleInput) -> Iterator[Location]:
    """The array of a stream without alt=sse is well-formed JSON.

    Why: the whole body is one JSON document; incremental parsers rely on its commas and its closing bracket.
    Breaks: Google's protobuf client and every incremental array parser.
    Workaround: request alt=sse.
    Source: [streamGenerateContent] Without alt=sse the chunks are the elements of one JSON array.
    """
    same_in_events = any(
        holds_events(reply) and any(map(reply.framed.has, _NOT_CHUNKS)) for reply in seen.all
    )
    table = _ARRAYS if same_in_events else {**_ARRAYS, **_ELEMENTS}
    for reply in seen.replies:
        yield from locate_irregularities(reply, table, "one JSON array of objects")


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed and reply.is_success,
    defers_to=("errors/fails-with-the-status-of-an-error",),
)
def holds_at_least_one_chunk(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A stream with status 200 contains at least one chunk.

    Why: a vendor that has nothing to send has met an error, and errors have statuses of their own. Google itself
    sent an empty stream twice in thousands of answers, so a rare one is only noted.
    Breaks: every client ends normally with an empty answer; a terminal program waits forever.
    Workaround: treat an empty stream as a failure, and ask again.
    Source: [streamGenerateContent] A stream with status 200 contains at least one chunk.
    """
    if says_nothing(seen) and not any(reply.exchange.captured for reply in seen.replies):
        yield NotJudged(Outcome.INCONCLUSIVE, describe_silence(seen))
        return
    received = [reply for reply in seen.replies if reply.exchange.failure is None]
    for reply in received:
        # Google's rare empty streams have no bytes at all, so an empty array is never a rarity of Google's.
        is_array = reply.framed.framing is Framing.JSON_ARRAY and not reply.framed.has(Irregular.TRUNCATED)
        if is_array and not reply.chunks:
            yield _locate_emptiness(reply)
    without_bytes = (
        reply
        for reply in received
        if reply.kind is ReplyKind.EMPTY and reply.standing is not Standing.ERROR_IN_SUCCESS
    )
    yield from note_if_rare(map(_locate_emptiness, without_bytes), seen.replies)


def _locate_emptiness(reply: Reply) -> Location:
    return Location(reply.id, "", "at least one chunk, or the status of an error", "a stream without content")
