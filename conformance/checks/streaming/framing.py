"""Streaming, the bytes: framed as asked, and every event as Google's clients expect it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from conformance.catalogue import NotJudged, check, check_each
from conformance.judging import required
from conformance.judging.arrivals import is_bare_array
from conformance.judging.habits import has_own_bytes, is_cut_at, lacks_its_end, may_have_lost, unless_rare
from conformance.judging.refusals import describe_silence, says_nothing, words
from conformance.judging.tries import streams
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing
from conformance.sources import google
from conformance.wire.framing import Framing, Irregular

_SSE = google(
    "streamGenerateContent?alt=sse",
    "Each chunk is one event: data, a space, the JSON on one line, a blank line.",
)
_ARRAY = google("streamGenerateContent", "Without alt=sse the chunks are the elements of one JSON array.")
FRAMED = "streaming/streams-sse-with-alt"


def _with_alt(reply: Reply) -> bool:
    return reply.streamed and reply.alt_sse


def _without_alt(reply: Reply) -> bool:
    return reply.streamed and not reply.alt_sse


def _came(reply: Reply) -> bool:
    """Streams of success whose bytes can be named, be it as bytes of no framing that is known."""
    unread = reply.streamed and reply.kind is ReplyKind.UNREADABLE and 200 <= reply.status < 300
    packed = reply.framed.has(Irregular.GZIP_MAGIC) or reply.framed.has(Irregular.TRUNCATED)
    mine = reply.framed.framing is not Framing.SSE and not reply.framed.bound
    strange = unread and mine and not packed and reply.standing is not Standing.ERROR_IN_SUCCESS
    return has_own_bytes(reply) and (streams(reply) or strange)


def _said(reply: Reply) -> str:
    words = {
        Framing.NDJSON: "newline-delimited JSON objects",
        Framing.JSON_ARRAY: "one JSON array",
        Framing.SINGLE_JSON: "one JSON object",
        Framing.SSE: "server-sent events",
    }
    start = reply.text_of_body[:60].decode("utf-8", "replace")
    return words.get(reply.framed.framing, f"bytes of no known framing: {start!r}")


def _longest_first(seen: RuleInput) -> list[Reply]:
    """One object alone may be a line of many: the longest stream tells best what its framing is."""
    return sorted(seen.replies, key=lambda reply: -len(reply.framed.frames))


@check(Level.MUST, _SSE, basis=Basis.RECORDED, select=_with_alt, usable=_came, trait="stream-framing")
def streams_sse_with_alt(seen: RuleInput) -> Iterator[Location]:
    """With alt=sse, a stream consists of server-sent events.

    Why: alt=sse selects server-sent events, and all of Google's clients request it.
    Breaks: on newline-delimited JSON, @google/genai and gemini-cli raise and the Vercel AI SDK silently returns
    nothing; on a JSON array, google-genai raises too; on a single object, all JavaScript clients fail.
    Workaround: turn each JSON object into one event: `data: `, the object on one line, and a blank line.
    """
    for reply in _longest_first(seen):
        if reply.framed.framing is not Framing.SSE:
            yield Location(reply.id, "@0", "server-sent events", _said(reply))


@check(
    Level.SHOULD,
    _ARRAY,
    basis=Basis.RECORDED,
    select=_without_alt,
    usable=lambda reply: _came(reply) or reply.standing is Standing.REQUEST_REFUSED,
    blocked_by=(FRAMED,),
    trait="stream-framing-default",
)
def streams_an_array_without_alt(seen: RuleInput) -> Iterator[Location]:
    """Without alt=sse, a stream is one JSON array.

    Why: a JSON array is what Google streams when the request names no other format.
    Breaks: Google's protobuf client and incremental array parsers raise at the first byte.
    Workaround: request alt=sse, as Google's newer clients do.
    """
    asked = [reply for reply in _longest_first(seen) if not reply.expects_refusal]
    ours = [reply for reply in asked if not reply.exchange.captured]
    for reply in asked:
        if reply.standing is not Standing.REQUEST_REFUSED and reply.framed.framing is not Framing.JSON_ARRAY:
            # Recorders drop queries, for a key may stand in them: what else did, nobody knows.
            level = Level.NOTE if reply.exchange.captured and reply.framed.framing is Framing.SSE else None
            yield Location(reply.id, "@0", "one JSON array", _said(reply), level)
    with_alt = any(reply.ok and _with_alt(reply) for reply in seen.all)
    if ours and with_alt and all(reply.standing is Standing.REQUEST_REFUSED for reply in ours):
        yield Location(ours[0].id, "", "one JSON array", words(ours[0]))


def _framed_as_asked(reply: Reply) -> bool:
    """Another framing than the one that was asked has a type of its own, and is one fault with it."""
    wanted = Framing.SSE if reply.alt_sse else Framing.JSON_ARRAY
    return streams(reply) and reply.framed.framing is wanted and not may_have_lost(reply, "content-type")


_TYPES = {Framing.SSE: "text/event-stream", Framing.JSON_ARRAY: "application/json"}


@check_each(
    Level.SHOULD,
    google(
        "streamGenerateContent: Content-Type", "Events are text/event-stream, an array is application/json."
    ),
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed,
    usable=_framed_as_asked,
)
def names_the_type_of_its_stream(reply: Reply) -> Iterator[Location]:
    """The Content-Type of a stream matches its framing.

    Why: some readers choose their parser by the Content-Type alone.
    Breaks: Google's SDKs ignore the header; some applications reject a stream that is not text/event-stream.
    Workaround: set the header in a proxy.
    """
    wanted = _TYPES.get(reply.framed.framing)
    got = reply.exchange.header("content-type")
    if wanted and (got or "").partition(";")[0].strip().lower() != wanted:
        yield Location(reply.id, "", wanted, got or "no Content-Type")


def _events(reply: Reply) -> bool:
    """Streams with alt=sse whose bytes are events: what they hold may still be unreadable, or no objects at all."""
    scalar = reply.kind is ReplyKind.FOREIGN and reply.framed.has(Irregular.SCALAR_IN_EVENT)
    readable = (
        reply.kind in (ReplyKind.ANSWER, ReplyKind.UNREADABLE) or scalar
    ) and 200 <= reply.status < 300
    framed = _with_alt(reply) and reply.framed.framing is Framing.SSE
    return framed and readable and has_own_bytes(reply)


def _found(reply: Reply, table: Mapping[Irregular, Level], expected: str) -> Iterator[Location]:
    for one in reply.framed.irregularities:
        if (level := table.get(Irregular(one.kind))) is not None and not is_cut_at(reply, one.at):
            said = f"{one.kind}: {one.detail}" if one.detail else one.kind
            yield Location(reply.id, f"@{one.at}", expected, said, level)


_LINES = {
    Irregular.COMMENT_LINE: Level.MUST,
    Irregular.COMMENT_ATTACHED: Level.MUST,
    Irregular.EVENT_FIELD: Level.MUST,
    Irregular.ID_FIELD: Level.MUST,
    Irregular.RETRY_FIELD: Level.MUST,
    Irregular.UNKNOWN_FIELD: Level.MUST,
}


@check_each(Level.MUST, _SSE, basis=Basis.RECORDED, usable=_events)
def sends_data_lines_only(reply: Reply) -> Iterator[Location]:
    """A stream contains only data lines and blank lines.

    Why: Google sends no comments and no event, id or retry fields. The standard for server-sent events allows them,
    but Google's clients cannot read them.
    Breaks: google-genai raises at the first such line; @google/genai silently drops the event that contains it.
    Workaround: remove every line that does not begin with `data`, heartbeats included.
    """
    yield from _found(reply, _LINES, "only data lines and blank lines")


@check_each(Level.MUST, _SSE, basis=Basis.RECORDED, usable=_events)
def begins_data_with_one_space(reply: Reply) -> Iterator[Location]:
    """Each data line begins with `data: `: once, and with the space.

    Why: Google writes the space, and its Python client expects it.
    Breaks: without the space, google-genai and the older JavaScript clients raise at the first line; a doubled
    prefix breaks every client.
    Workaround: rewrite the beginning of each line.
    """
    table = {Irregular.NO_SPACE: Level.MUST, Irregular.DOUBLE_DATA_PREFIX: Level.MUST}
    yield from _found(reply, table, "data, a colon, one space, the JSON")


@check_each(Level.SHOULD, _SSE, basis=Basis.RECORDED, usable=_events)
def writes_each_chunk_on_one_line(reply: Reply) -> Iterator[Location]:
    """The JSON of a chunk fits on one data line.

    Why: Google never spreads an event over several data lines.
    Breaks: @google/genai (also 1.30) and the old SDK raise; google-genai 3 and the Vercel AI SDK join the lines.
    Workaround: join the data lines of each event.
    """
    yield from _found(reply, {Irregular.MULTI_LINE_DATA: Level.SHOULD}, "one data line per event")


_ENDS = {
    Irregular.SINGLE_NEWLINE: Level.MUST,
    Irregular.NO_FINAL_BLANK_LINE: Level.MUST,
    Irregular.CR_ONLY: Level.SHOULD,
    Irregular.MIXED_LINE_ENDS: Level.NOTE,
    Irregular.EXTRA_BLANK_LINES: Level.NOTE,
}


@check_each(Level.MUST, _SSE, basis=Basis.RECORDED, usable=_events)
def ends_each_event_with_a_blank_line(reply: Reply) -> Iterator[Location]:
    """Every event, the last one included, ends with one blank line.

    Why: a blank line is what completes an event; both LF and CRLF are fine.
    Breaks: without the final blank line, @google/genai loses the event with the finish reason and the usage, and
    raises; the Vercel AI SDK loses it silently. With single newlines between events, almost every client fails.
    Workaround: add the missing blank lines.
    """
    for location in _found(reply, _ENDS, "a blank line after each event (LF or CRLF)"):
        yield replace(location, level=Level.NOTE) if lacks_its_end(reply) else location


@check_each(Level.MUST, _SSE, basis=Basis.RECORDED, usable=_events)
def ends_without_a_sentinel(reply: Reply) -> Iterator[Location]:
    """A stream ends after its last chunk, without [DONE].

    Why: [DONE] belongs to OpenAI's protocol; Google simply ends the body.
    Breaks: google-genai and @google/genai raise after the whole text has arrived; the Vercel AI SDK reads on.
    Workaround: drop the last event.
    """
    yield from _found(
        reply, {Irregular.DONE_SENTINEL: Level.MUST}, "the end of the body after the last chunk"
    )


_OBJECT = "one JSON object in each event"
_PAYLOADS = {
    Irregular.EMPTY_DATA: Level.MUST,
    Irregular.KEEPALIVE_DATA: Level.MUST,
    Irregular.BYTES_REPR: Level.MUST,
    Irregular.ARRAY_IN_EVENT: Level.MUST,
    Irregular.SCALAR_IN_EVENT: Level.MUST,
    Irregular.SEVERAL_OBJECTS_IN_ONE_EVENT: Level.MUST,
    Irregular.PAYLOAD_NOT_JSON: Level.MUST,
    Irregular.FRAME_SPLIT: Level.MUST,
    Irregular.MIXED_FRAMING: Level.MUST,
    Irregular.EMPTY_OBJECT: Level.NOTE,
}


@check_each(
    Level.MUST,
    _SSE,
    basis=Basis.RECORDED,
    usable=_events,
    blocked_by=(
        "streaming/begins-data-with-one-space",
        "streaming/comes-whole",
        "streaming/ends-each-event-with-a-blank-line",
    ),
)
def sends_one_json_object_per_event(reply: Reply) -> Iterator[Location]:
    """Each event holds exactly one complete JSON object.

    Why: a chunk is one GenerateContentResponse; an event holds nothing else, and no chunk is split over two events.
    Breaks: every client raises on data that is not JSON, keep-alives included; the Vercel AI SDK reports an error
    part.
    Workaround: drop events without JSON, and join those that were split.
    """
    yield from _found(reply, _PAYLOADS, _OBJECT)
    yield from _outside_of_events(reply)
    yield from _strange(reply)


def _outside_of_events(reply: Reply) -> Iterator[Location]:
    """Google's own errors come behind the events, without data: nothing else does."""
    failed = {
        frame.number for frame, chunk in zip(reply.framed.frames, reply.chunks, strict=True) if chunk.error
    }
    for one in reply.framed.irregularities:
        if one.kind == Irregular.BARE_JSON_AFTER_EVENTS and one.frame not in failed:
            yield Location(reply.id, f"@{one.at}", _OBJECT, f"an object outside of any event: {one.detail}")


def _strange(reply: Reply) -> Iterator[Location]:
    """Objects with nothing of Google's in them: every client takes them for a chunk that says nothing."""
    for chunk in reply.chunks if reply.ok else ():
        if isinstance(chunk.raw, dict) and chunk.raw and not (chunk.unwrapped or chunk.error):
            said = f"an object with nothing of Google's in it: {', '.join([*chunk.raw][:8])}"
            yield Location(reply.id, reply.at(chunk, ""), _OBJECT, said, Level.NOTE)


@check_each(Level.SHOULD, _SSE, basis=Basis.RECORDED, usable=_events)
def begins_without_a_byte_order_mark(reply: Reply) -> Iterator[Location]:
    """A stream begins with its first event, not with a byte order mark.

    Why: JSON and event streams are UTF-8 and need no mark; Google sends none.
    Breaks: google-genai raises at the first line; the JavaScript clients skip the mark.
    Workaround: drop the first three bytes.
    """
    yield from _found(reply, {Irregular.BOM: Level.SHOULD}, "no byte order mark")


@check_each(
    Level.SHOULD,
    _SSE,
    basis=Basis.INFERRED,
    select=_with_alt,
    usable=lambda reply: streams(reply) and has_own_bytes(reply),
    requires=required.SEPARATORS,
)
def escapes_line_separators(reply: Reply) -> Iterator[Location]:
    """U+2028, U+2029 and U+0085 are escaped in streamed JSON.

    Why: some line splitters treat these characters as line ends; Google's chunks survive all of them.
    Breaks: google-genai 1.30, @google/genai 1.30 (and gemini-cli, which is built on it) and the old SDK split the
    line there.
    Workaround: write the three characters as JSON escapes.
    """
    yield from _found(reply, {Irregular.RAW_SEPARATOR: Level.SHOULD}, "line separators as JSON escapes")


def _any_stream(reply: Reply) -> bool:
    return (
        reply.streamed
        and 200 <= reply.status < 300
        and reply.kind in (ReplyKind.ANSWER, ReplyKind.UNREADABLE, ReplyKind.FAILED)
        and has_own_bytes(reply)
    )


@check_each(
    Level.MUST,
    google("streamGenerateContent: end", "A stream ends after a whole chunk."),
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed,
    usable=_any_stream,
)
def comes_whole(reply: Reply) -> Iterator[Location]:
    """A stream ends after a complete chunk, never inside one.

    Why: a body that ends inside a JSON value was cut off, and the end of the answer, its finish reason and its
    token counts are lost.
    Breaks: google-genai and @google/genai raise; the Vercel AI SDK silently loses the end of the answer.
    Workaround: treat an answer without a finish reason as failed, and ask again.
    """
    if reply.exchange.failure is None:
        yield from _found(reply, {Irregular.TRUNCATED: Level.MUST}, "the end of the body after a whole chunk")


_ARRAYS = {
    Irregular.ARRAY_SEPARATOR: Level.SHOULD,
    Irregular.TRAILING_BYTES: Level.SHOULD,
    Irregular.NEWLINE_AFTER_ARRAY: Level.NOTE,
    Irregular.BOM: Level.SHOULD,
}


_ELEMENTS = {Irregular.ARRAY_ELEMENT: Level.SHOULD, Irregular.PAYLOAD_NOT_JSON: Level.SHOULD}
_NO_CHUNKS = (
    Irregular.ARRAY_IN_EVENT,
    Irregular.SCALAR_IN_EVENT,
    Irregular.PAYLOAD_NOT_JSON,
    Irregular.BYTES_REPR,
)


def _said_of_events(seen: RuleInput) -> bool:
    """The chunks themselves are wrong, with alt=sse as without: one fault, and it is said of the events."""
    return any(_events(reply) and any(map(reply.framed.has, _NO_CHUNKS)) for reply in seen.all)


@check(
    Level.SHOULD,
    _ARRAY,
    basis=Basis.RECORDED,
    select=_without_alt,
    usable=lambda reply: _came(reply) and reply.framed.framing is Framing.JSON_ARRAY,
)
def streams_a_well_formed_array(seen: RuleInput) -> Iterator[Location]:
    """The array of a stream without alt=sse is well-formed JSON.

    Why: the whole body is one JSON document; incremental parsers rely on its commas and its closing bracket.
    Breaks: Google's protobuf client and every incremental array parser.
    Workaround: request alt=sse.
    """
    table = _ARRAYS if _said_of_events(seen) else {**_ARRAYS, **_ELEMENTS}
    for reply in seen.replies:
        yield from _found(reply, table, "one JSON array of objects")


def _chunkless(reply: Reply) -> Location:
    return Location(reply.id, "", "at least one chunk, or an error status", "a stream without any content")


@check(
    Level.MUST,
    google("streamGenerateContent: content", "A stream of status 200 holds at least one chunk."),
    basis=Basis.RECORDED,
    select=lambda reply: reply.streamed and 200 <= reply.status < 300,
)
def holds_at_least_one_chunk(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A stream with status 200 contains at least one chunk.

    Why: a vendor that has nothing to send has met an error, and errors have statuses of their own. Google itself
    sent an empty stream twice in thousands of answers, so a rare one is only noted.
    Breaks: every client ends normally with an empty answer; a terminal program waits forever.
    Workaround: treat an empty stream as a failure, and ask again.
    """
    if says_nothing(seen) and not any(reply.exchange.captured for reply in seen.replies):
        yield NotJudged(Outcome.INCONCLUSIVE, describe_silence(seen))
        return
    yield from map(_chunkless, filter(is_bare_array, seen.replies))  # Google's empty streams have no bytes
    bare = [
        reply for reply in seen.replies if reply.kind is ReplyKind.EMPTY and reply.exchange.failure is None
    ]
    told = [reply for reply in bare if reply.standing is not Standing.ERROR_IN_SUCCESS]
    yield from unless_rare(map(_chunkless, told), seen.replies)
