"""The events of a stream: each one as Google's clients expect it, from the first byte to the last blank line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from conformance.catalogue import RequiredContent, check_each
from conformance.judging.contents import is_answered_stream
from conformance.judging.habits import has_original_bytes, may_have_lost_end
from conformance.model import Basis, Level, Location
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind
from conformance.wire.framing import Framing, Irregular

# Descriptions of the irregularities whose name is not one.
_WORDS = {
    Irregular.BOM: "byte order mark",
    Irregular.BYTES_REPR: "Python literal",
    Irregular.CR_ONLY: "wrong line ends",
    Irregular.DONE_SENTINEL: "sentinel",
    Irregular.NO_SPACE: "no space after the colon",
    Irregular.PAYLOAD_NOT_JSON: "not JSON",
    Irregular.RAW_SEPARATOR: "unescaped separator",
    Irregular.SCALAR_IN_EVENT: "not an object",
    Irregular.SINGLE_NEWLINE: "single newline between events",
}


def holds_events(reply: Reply) -> bool:
    """Return whether a stream with alt=sse consists of events, whatever they contain."""
    scalar = reply.kind is ReplyKind.FOREIGN and reply.framed.has(Irregular.SCALAR_IN_EVENT)
    success = (reply.kind in (ReplyKind.ANSWER, ReplyKind.UNREADABLE) or scalar) and reply.is_success
    framed = reply.streamed and reply.alt_sse and reply.framed.framing is Framing.SSE
    return framed and success and has_original_bytes(reply)


def locate_irregularities(
    reply: Reply, levels: Mapping[Irregular, Level], expected: str
) -> Iterator[Location]:
    """Yield a location for each irregularity of the framing that `levels` names."""
    partial = reply.exchange.failure is not None and not reply.exchange.end_known
    # The last line of a stream that was recorded in part is not complete.
    end = reply.text_of_body.rfind(b"\n") + 1 if partial else math.inf
    for one in reply.framed.irregularities:
        level = levels.get(Irregular(one.kind))
        if level is not None and one.at < end:
            words = _WORDS.get(Irregular(one.kind), one.kind.replace("-", " "))
            observed = f"{words}: {one.detail}" if one.detail else words
            yield Location(reply.id, f"@{one.at}", expected, observed, level)


_NOT_DATA = (
    Irregular.COMMENT_LINE, Irregular.COMMENT_ATTACHED, Irregular.EVENT_FIELD, Irregular.ID_FIELD,
    Irregular.RETRY_FIELD, Irregular.UNKNOWN_FIELD,
)  # fmt: skip


@check_each(Level.MUST, basis=Basis.RECORDED, usable=holds_events)
def sends_data_lines_only(reply: Reply) -> Iterator[Location]:
    """A stream contains only data lines and blank lines.

    Why: Google sends no comments and no event, id or retry fields. The standard for server-sent events allows them,
    but Google's clients cannot read them.
    Breaks: google-genai raises at the first such line; @google/genai silently drops the event that contains it.
    Workaround: remove every line that does not begin with `data`, heartbeats included.
    Source: [streamGenerateContent] Each chunk is one event: data, a colon, a space, the JSON on one line, a
    blank line.
    """
    levels = dict.fromkeys(_NOT_DATA, Level.MUST)
    yield from locate_irregularities(reply, levels, "only data lines and blank lines")


@check_each(Level.MUST, basis=Basis.RECORDED, usable=holds_events)
def begins_data_with_one_space(reply: Reply) -> Iterator[Location]:
    """Each data line begins with exactly one `data: `, space included.

    Why: Google writes the space, and its Python client expects it.
    Breaks: without the space, google-genai and the older JavaScript clients raise at the first line; a doubled
    prefix breaks every client.
    Workaround: rewrite the beginning of each line.
    Source: [streamGenerateContent] Each chunk is one event: data, a colon, a space, the JSON on one line, a
    blank line.
    """
    levels = {Irregular.NO_SPACE: Level.MUST, Irregular.DOUBLE_DATA_PREFIX: Level.MUST}
    yield from locate_irregularities(reply, levels, "data, a colon, one space, the JSON")


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=holds_events)
def writes_each_chunk_on_one_line(reply: Reply) -> Iterator[Location]:
    """The JSON of a chunk takes up a single data line.

    Why: Google never spreads an event over several data lines.
    Breaks: @google/genai (also 1.30) and the old SDK raise; google-genai 3 and the Vercel AI SDK join the lines.
    Workaround: join the data lines of each event.
    Source: [streamGenerateContent] Each chunk is one event: data, a colon, a space, the JSON on one line, a
    blank line.
    """
    levels = {Irregular.MULTI_LINE_DATA: Level.SHOULD}
    yield from locate_irregularities(reply, levels, "one data line per event")


_ENDS = {
    Irregular.SINGLE_NEWLINE: Level.MUST,
    Irregular.NO_FINAL_BLANK_LINE: Level.MUST,
    Irregular.CR_ONLY: Level.SHOULD,
    Irregular.MIXED_LINE_ENDS: Level.NOTE,
    Irregular.EXTRA_BLANK_LINES: Level.NOTE,
}


@check_each(Level.MUST, basis=Basis.RECORDED, usable=holds_events)
def ends_each_event_with_a_blank_line(reply: Reply) -> Iterator[Location]:
    """Every event, the last one included, ends with one blank line.

    Why: a blank line is what completes an event; both LF and CRLF are fine.
    Breaks: without the final blank line, @google/genai loses the event with the finish reason and the usage, and
    raises; the Vercel AI SDK loses it silently. With single newlines between events, almost every client fails.
    Workaround: add the missing blank lines.
    Source: [HTML standard, server-sent events] A blank line ends an event; what follows the last blank line is discarded.
    """
    for found in locate_irregularities(reply, _ENDS, "a blank line after each event (LF or CRLF)"):
        yield replace(found, level=Level.NOTE) if may_have_lost_end(reply) else found


@check_each(Level.MUST, basis=Basis.RECORDED, usable=holds_events)
def ends_without_a_sentinel(reply: Reply) -> Iterator[Location]:
    """A stream ends after its last chunk, without [DONE].

    Why: [DONE] belongs to OpenAI's protocol; Google simply ends the body.
    Breaks: google-genai and @google/genai raise after the whole text has arrived; the Vercel AI SDK reads on.
    Workaround: drop the last event.
    Source: [streamGenerateContent] Each chunk is one event: data, a colon, a space, the JSON on one line, a
    blank line.
    """
    levels = {Irregular.DONE_SENTINEL: Level.MUST}
    yield from locate_irregularities(reply, levels, "the end of the body after the last chunk")


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
    basis=Basis.RECORDED,
    usable=holds_events,
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
    Source: [streamGenerateContent] Each chunk is one event: data, a colon, a space, the JSON on one line, a
    blank line.
    """
    yield from locate_irregularities(reply, _PAYLOADS, _OBJECT)
    yield from _locate_objects_outside_events(reply)
    yield from _locate_foreign_objects(reply)


def _locate_objects_outside_events(reply: Reply) -> Iterator[Location]:
    """Yield what comes after the events without `data:`, except errors: Google sends those in this way."""
    numbered = zip(reply.framed.frames, reply.chunks, strict=True)
    errors = {frame.number for frame, chunk in numbered if chunk.error}
    for one in reply.framed.irregularities:
        if one.kind == Irregular.BARE_JSON_AFTER_EVENTS and one.frame not in errors:
            yield Location(reply.id, f"@{one.at}", _OBJECT, f"an object outside any event: {one.detail}")


def _locate_foreign_objects(reply: Reply) -> Iterator[Location]:
    """Yield objects with none of Google's members: every client takes them for empty chunks."""
    for chunk in reply.chunks if reply.ok else ():
        if isinstance(chunk.raw, dict) and chunk.raw and not (chunk.unwrapped or chunk.error):
            observed = f"an object with none of Google's members: {', '.join([*chunk.raw][:8])}"
            yield Location(reply.id, reply.at(chunk, ""), _OBJECT, observed, Level.NOTE)


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=holds_events)
def begins_without_a_byte_order_mark(reply: Reply) -> Iterator[Location]:
    """A stream begins with its first event, not with a byte order mark.

    Why: JSON and event streams are UTF-8 and need no mark; Google sends none.
    Breaks: google-genai raises at the first line; the JavaScript clients skip the mark.
    Workaround: drop the first three bytes.
    Source: [streamGenerateContent] Each chunk is one event: data, a colon, a space, the JSON on one line, a
    blank line.
    """
    yield from locate_irregularities(reply, {Irregular.BOM: Level.SHOULD}, "no byte order mark")


@check_each(
    Level.SHOULD,
    basis=Basis.INFERRED,
    select=lambda reply: reply.streamed and reply.alt_sse,
    usable=lambda reply: is_answered_stream(reply) and has_original_bytes(reply),
    requires=RequiredContent(
        "no stream holds a line separator",
        lambda reply: any(separator in reply.text for separator in "\u2028\u2029\x85"),
        (ProbeId.LINE_SEPARATOR_STREAMED,),
    ),
)
def escapes_line_separators(reply: Reply) -> Iterator[Location]:
    """U+2028, U+2029 and U+0085 are escaped in streamed JSON.

    Why: some line splitters treat these characters as line ends; Google's chunks survive all of them.
    Breaks: google-genai 1.30, @google/genai 1.30 (and gemini-cli, which is built on it) and the old SDK split the
    line there.
    Workaround: write the three characters as JSON escapes.
    Source: [streamGenerateContent] Each chunk is one event: data, a colon, a space, the JSON on one line, a
    blank line.
    """
    levels = {Irregular.RAW_SEPARATOR: Level.SHOULD}
    yield from locate_irregularities(reply, levels, "line separators as JSON escapes")


def _may_be_cut(reply: Reply) -> bool:
    kinds = (ReplyKind.ANSWER, ReplyKind.UNREADABLE, ReplyKind.FAILED)
    return reply.is_success and reply.kind in kinds and has_original_bytes(reply)


@check_each(Level.MUST, basis=Basis.RECORDED, select=lambda reply: reply.streamed, usable=_may_be_cut)
def comes_whole(reply: Reply) -> Iterator[Location]:
    """A stream ends after a complete chunk, never inside one.

    Why: a body that ends inside a JSON value was cut off, and the end of the answer, its finish reason and its
    token counts are lost.
    Breaks: google-genai and @google/genai raise; the Vercel AI SDK silently loses the end of the answer.
    Workaround: treat an answer without a finish reason as failed, and ask again.
    Source: [streamGenerateContent] A stream ends after a complete chunk.
    """
    if reply.exchange.failure is None:
        levels = {Irregular.TRUNCATED: Level.MUST}
        yield from locate_irregularities(reply, levels, "the end of the body after a complete chunk")
