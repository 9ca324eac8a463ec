"""Servers whose streams are wrong in their bytes, their chunks or their timing."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.chunks import spread_waits
from conformance.embedded.frames import ARRAY, JSON_TYPE, SSE, OutgoingBody, frame_objects
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from miniatures import Innocent, Miniature
from miniatures.making import (
    Chunks,
    Message,
    asks_for_a_stream,
    asks_the_model,
    empty_streams,
    get_calls,
    get_candidates,
    iterate_parts,
    names_the_stream_method,
    refuse_where,
    when_long,
    with_answers,
    with_chunks,
    with_responses,
)

Bytes = tuple[bytes, ...]


def with_frames(change: Callable[[Bytes], Bytes], *, only: str = SSE, content_type: str = "") -> Behaviour:
    """Return a server whose framed pieces are changed, of one framing."""

    def write(framing: str, objects: Sequence[Any]) -> OutgoingBody:
        right = frame_objects(framing, objects)
        return (
            OutgoingBody(content_type or right.content_type, change(right.pieces))
            if framing == only
            else right
        )

    return replace(HONEST, frame=write)


def in_framing(framing: str, *, instead_of: tuple[str, ...], content_type: str = "") -> Behaviour:
    """Return a server that answers in another framing than it was asked for."""

    def write(asked: str, objects: Sequence[Any]) -> OutgoingBody:
        right = frame_objects(framing if asked in instead_of else asked, objects)
        return (
            OutgoingBody(content_type or right.content_type, right.pieces) if asked in instead_of else right
        )

    return replace(HONEST, frame=write)


def with_events(change: Callable[[bytes], bytes]) -> Behaviour:
    """Return a server whose every event is changed."""
    return with_frames(lambda pieces: tuple(change(piece) for piece in pieces))


def _send_text_so_far(made: list[Message]) -> list[Message]:
    so_far = ""
    for chunk in made:
        for part in iterate_parts(chunk):
            if "text" in part and not part.get("thought"):
                so_far += part["text"]
                part["text"] = so_far
    return made


def _repeat_text_at_end(made: list[Message]) -> list[Message]:
    text = "".join(p["text"] for c in made for p in iterate_parts(c) if "text" in p and not p.get("thought"))
    if len(made) < 2 or not text:
        return made
    last = copy.deepcopy(made[-1])
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            candidate.pop("finishReason", None)
    last["candidates"][0]["content"] = {"role": "model", "parts": [{"text": text}]}
    return [*made, last]


def _drop_finish_reason(made: list[Message]) -> list[Message]:
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            candidate.pop("finishReason", None)
    return made


def _stop_first(made: list[Message]) -> list[Message]:
    first = copy.deepcopy(made[0])
    first["candidates"][0]["content"]["parts"] = []
    first["candidates"][0]["finishReason"] = "STOP"
    return [first, *made]


def _stop_in_every_chunk(made: list[Message]) -> list[Message]:
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            candidate["finishReason"] = made[-1]["candidates"][0]["finishReason"]
    return made


def _append_empty_candidates(made: list[Message]) -> list[Message]:
    return [*made, {"candidates": [], "usageMetadata": made[-1]["usageMetadata"]}]


def _append_usage(made: list[Message]) -> list[Message]:
    return [*made, {"usageMetadata": made[-1]["usageMetadata"], "modelVersion": made[-1].get("modelVersion")}]


def _drop_streamed_thoughts(made: list[Message]) -> list[Message]:
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            kept = [part for part in candidate.get("content", {}).get("parts", []) if not part.get("thought")]
            candidate.setdefault("content", {})["parts"] = kept
    return made


def _stop_midway_through_chunks(made: list[Message]) -> list[Message]:
    if len(made) < 4:
        return made
    half = made[: len(made) // 2]
    half[-1]["candidates"][0]["finishReason"] = "STOP"
    return half


def _drop_repetitions(made: list[Message]) -> list[Message]:
    for chunk in made:
        for part in iterate_parts(chunk):
            if "text" in part:
                part["text"] = re.sub(r"(.)\1{2,}", r"\1\1", part["text"])
    return made


def _break_characters(made: list[Message]) -> list[Message]:
    for chunk in made:
        for part in iterate_parts(chunk):
            if "text" in part:
                part["text"] = re.sub(r"[^\x00-\x7f]", "\ufffd\ufffd", part["text"])
    return made


def _renew_ids(made: list[Message]) -> list[Message]:
    return [{**chunk, "responseId": f"id-{number}"} for number, chunk in enumerate(made)]


def _hold_back() -> Behaviour:
    """The whole answer is made first, then sent at once; so long that a busy machine hides it not."""
    return replace(
        HONEST, pace=lambda answer, pieces: [2 * sum(spread_waits(answer, pieces)), *[0.0] * (pieces - 1)]
    )


def _send_all_at_end() -> Behaviour:
    """The stream is a whole answer in one event, when it is there."""
    held = _hold_back()
    return replace(
        held, chunks=lambda answer: (HONEST.whole(answer),), pace=lambda answer, _: held.pace(answer, 9)[:1]
    )


def _send_no_content() -> Behaviour:
    def finish(outgoing: Outgoing, incoming: Incoming) -> Outgoing:
        right = HONEST.finish(outgoing, incoming)
        return replace(right, pieces=()) if right.streamed else right

    return replace(HONEST, finish=finish)


def _spread_over_lines(piece: bytes) -> bytes:
    value = json.loads(piece.removeprefix(b"data: "))
    lines = json.dumps(value, indent=1).split("\n")
    return ("".join(f"data: {line}\r\n" for line in lines) + "\r\n").encode()


def _split_event(piece: bytes) -> bytes:
    """A read of the network is taken for an event."""
    payload = piece.removeprefix(b"data: ").strip()
    half = len(payload) // 2
    return b"data: " + payload[:half] + b"\r\n\r\ndata: " + payload[half:] + b"\r\n\r\n"


def _write_raw_separator(piece: bytes) -> bytes:
    return piece.replace(rb"\u2028", "\u2028".encode())


EVERY_STREAM = (SSE, ARRAY)


def _say_max_tokens(response: Message) -> None:
    for candidate in response.get("candidates", []):
        if "finishReason" in candidate:
            candidate["finishReason"] = "MAX_TOKENS"


def _multiply_prompt(response: Message) -> None:
    if "usageMetadata" in response:
        usage = response["usageMetadata"]
        response["usageMetadata"] = {
            **usage, "promptTokenCount": usage["promptTokenCount"] * 4,
            "totalTokenCount": usage["totalTokenCount"] + usage["promptTokenCount"] * 3,
        }  # fmt: skip
        response["usageMetadata"].pop("promptTokensDetails", None)


def _block_after_three_chunks(made: list[Message]) -> list[Message]:
    """Return a long stream as far as a filter let it come, and the filter's word."""
    if len(made) < 6:
        return made
    struck: Message = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    return [*made[:3], {**struck, **{name: made[2][name] for name in ("usageMetadata", "modelVersion")}}]


_COUNTERS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount")


def _add_up_counters(made: list[Message]) -> list[Message]:
    """Add up blocks that each count the whole answer so far, as if each counted its own chunk."""
    sums = dict.fromkeys(_COUNTERS, 0)
    for chunk in made:
        block: dict[str, Any] = chunk.get("usageMetadata", {})
        for name in _COUNTERS:
            sums[name] += block.get(name, 0)
        chunk["usageMetadata"] = {name: count for name, count in sums.items() if count}
    return made


def _count_prompt_as_one(made: Chunks) -> Chunks:
    """Count one token for the prompt where the stream ends."""
    if len(made) > 1:
        used = made[-1]["usageMetadata"]
        used["totalTokenCount"] -= used["promptTokenCount"] - 1
        used["promptTokenCount"] = 1
        used.pop("promptTokensDetails", None)
    return made


def _answer_empty_array(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    bare = asks_the_model(incoming) and ":stream" in incoming.path and incoming.query.get("alt") != "sse"
    return immediate_answer(200, JSON_TYPE, b"[]") if bare and answer.status == 200 else None


def _join_texts(made: list[Message]) -> str:
    return "".join(part["text"] for chunk in made for part in iterate_parts(chunk) if not part.get("thought"))


def _end_with_whole_text(made: list[Message]) -> list[Message]:
    """The last chunk holds the whole text in the place of its own piece."""
    if len(made) > 1 and not any(map(get_calls, made)):
        made[-1]["candidates"][0]["content"]["parts"] = [{"text": _join_texts(made)}]
    return made


def _swap_texts(made: list[Message]) -> list[Message]:
    """Two texts change their places; what they cost does not."""
    if len(made) > 6:
        first, second = (made[at]["candidates"][0]["content"] for at in (2, 3))
        first["parts"], second["parts"] = second["parts"], first["parts"]
    return made


def _send_snapshots(made: list[Message]) -> list[Message]:
    """Each chunk is the text so far, the last one twice."""
    so_far = ""
    for chunk in made:
        for part in iterate_parts(chunk):
            if "text" in part and not part.get("thought"):
                so_far += part["text"]
                part["text"] = so_far
    return [*made, copy.deepcopy(made[-1])] if len(made) > 1 else made


def _append_usage_line(pieces: Bytes) -> Bytes:
    """Usage comes behind the last event, on a line of its own."""
    last = json.loads(pieces[-1].removeprefix(b"data: "))
    usage = json.dumps({"usageMetadata": last.pop("usageMetadata")}).encode()
    return (*pieces[:-1], b"data: " + json.dumps(last).encode() + b"\r\n\r\n", usage + b"\r\n")


def _drop_thoughts(response: Message) -> None:
    for candidate in get_candidates(response):
        content = candidate["content"]
        content["parts"] = [part for part in content["parts"] if not part.get("thought")]


def _unmark_thoughts(response: Message) -> None:
    for part in iterate_parts(response):
        part.pop("thought", None)


def _asks_without_alt(incoming: Incoming) -> bool:
    return names_the_stream_method(incoming) and incoming.query.get("alt") != "sse"


def _end_in_error(framing: str, error: Message) -> Behaviour:
    def write(asked: str, objects: Sequence[Any]) -> OutgoingBody:
        mine = asked in EVERY_STREAM
        return frame_objects(framing if mine else asked, [*objects, {"error": error}] if mine else objects)

    return replace(HONEST, frame=write)


def _rewrite_text(change: Callable[[str], str]) -> Behaviour:
    """Return a server that changes the characters of streamed texts."""

    def every(response: Message) -> None:
        for part in iterate_parts(response):
            if "text" in part:
                part["text"] = change(part["text"])

    return with_responses(every, only="stream")


def _write_as_json_seq(piece: bytes) -> bytes:
    return b"\x1e" + piece.removeprefix(b"data: ").strip() + b"\n"


_QUOTA = {"message": "quota", "type": "x", "code": "insufficient_quota"}


NDJSON = in_framing("ndjson", instead_of=EVERY_STREAM)


def _declares_functions(incoming: Incoming) -> bool:
    return asks_for_a_stream(incoming) and b"functionDeclarations" in incoming.body


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "stream-adds-up",
        "The counters of a stream are sums of cumulative ones.",
        with_chunks(_add_up_counters),
        trips={"streaming/stream-matches-unary"},
    ),
    Miniature(
        "no-prompt-at-the-end",
        "Streams end with a prompt of one token.",
        with_chunks(_count_prompt_as_one),
        trips={"streaming/stream-matches-unary"},
    ),
    Miniature(
        "bare-array",
        "Streams without alt=sse are an empty array.",
        with_answers(_answer_empty_array),
        trips={"streaming/holds-at-least-one-chunk"},
    ),
    Miniature(
        "begins-twice",
        "The first chunk of a long stream comes twice.",
        with_chunks(when_long(lambda made: [made[0], *made])),
        trips={"streaming/brings-every-chunk-in-order"},
    ),
    Miniature(
        "json-seq",
        "Chunks follow a record separator.",
        with_events(_write_as_json_seq),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "capital-data",
        "Events begin with Data, in a capital.",
        with_events(lambda p: p.replace(b"data", b"Data", 1)),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "python-lines",
        "Chunks are lines of Python literals.",
        with_frames(lambda ps: tuple(repr(json.loads(p[6:])).encode() + b"\n" for p in ps)),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "words-for-streams",
        "A sentence comes instead of a stream.",
        with_answers(
            lambda a, i: (
                immediate_answer(200, "text/plain", b"upstream connect error")
                if names_the_stream_method(i) and a.status == 200
                else None
            )
        ),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "text-in-events",
        "Each event holds the JSON of a chunk as a string.",
        with_events(lambda p: b"data: " + json.dumps(p[6:].strip().decode()).encode() + b"\r\n\r\n"),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "null-in-events",
        "An event holds null before the last one.",
        with_frames(lambda ps: (*ps[:-1], b"data: null\r\n\r\n", ps[-1])),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "usage-outside-of-events",
        "The usage comes after the events, without data.",
        with_frames(_append_usage_line),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "list-in-every-chunk",
        "Each chunk is a list, with alt=sse and without.",
        with_responses(lambda r: [r], only="stream"),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "pings-of-their-own",
        "An event holds an object with a type and nothing else.",
        with_frames(lambda ps: (b'data: {"type": "ping"}\r\n\r\n', *ps)),
        notes={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "python-in-an-array",
        "The elements of the array are Python literals.",
        replace(
            HONEST,
            frame=lambda f, o: (
                OutgoingBody(JSON_TYPE, (b"[" + b",".join(repr(x).encode() for x in o) + b"]",))
                if f == ARRAY
                else frame_objects(f, o)
            ),
        ),
        trips={"streaming/streams-a-well-formed-array"},
    ),
    Miniature(
        "endless-array",
        "The array is never closed.",
        with_frames(lambda ps: (*ps[:-1], ps[-1].rstrip().removesuffix(b"]")), only=ARRAY),
        trips={"streaming/comes-whole"},
    ),
    Miniature(
        "ends-with-all",
        "The last chunk holds the whole text, its own part included.",
        with_chunks(_end_with_whole_text),
        trips={"streaming/sends-the-text-once"},
    ),
    Miniature(
        "every-chunk-twice",
        "Every chunk comes twice.",
        with_chunks(lambda made: [copy.deepcopy(one) for one in made for _ in range(2)]),
        trips={"streaming/sends-the-text-once"},
    ),
    Miniature(
        "snapshots",
        "Each chunk holds the text so far, the last one twice.",
        with_chunks(_send_snapshots),
        trips={"streaming/sends-deltas"},
    ),
    Miniature(
        "first-chunk-lost",
        "A stream's first chunk is lost.",
        with_chunks(lambda made: made[1:] if len(made) > 1 else made),
        trips={"streaming/brings-every-chunk-in-order"},
    ),
    Miniature(
        "overtaken",
        "Two chunks change places.",
        with_chunks(_swap_texts),
        trips={"streaming/brings-every-chunk-in-order"},
    ),
    Miniature(
        "no-thoughts-in-lines",
        "Streams are NDJSON, without thoughts.",
        replace(with_responses(_drop_thoughts, only="stream"), frame=NDJSON.frame),
        trips={"streaming/streams-sse-with-alt", "streaming/streams-thoughts-too"},
    ),
    Miniature(
        "unmarked-when-streamed",
        "Streamed thoughts are not marked as thoughts.",
        with_responses(_unmark_thoughts, only="stream"),
        trips={"streaming/streams-thoughts-too"},
    ),
    Miniature(
        "errors-in-lines",
        "Streams are NDJSON that ends in OpenAI's error.",
        _end_in_error("ndjson", _QUOTA),
        trips={"errors/keeps-googles-errors-within-streams", "streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "events-always-as-json",
        "Streams are always events, labelled as JSON.",
        replace(
            HONEST,
            frame=lambda f, o: (
                OutgoingBody(JSON_TYPE, frame_objects(SSE, o).pieces)
                if f in EVERY_STREAM
                else frame_objects(f, o)
            ),
        ),
        trips={"streaming/names-the-type-of-its-stream", "streaming/streams-an-array-without-alt"},
    ),
    Miniature(
        "alt-wanted",
        "Streams without alt=sse are refused.",
        refuse_where(400, _asks_without_alt),
        trips={"streaming/streams-an-array-without-alt"},
    ),
    Miniature(
        "misread-characters",
        "Streamed texts are decoded as Latin-1.",
        _rewrite_text(lambda text: text.encode().decode("latin-1")),
        trips={"streaming/keeps-characters-whole"},
    ),
    Miniature(
        "question-marks",
        "Characters beyond ASCII become question marks.",
        _rewrite_text(lambda text: text.encode("ascii", "replace").decode()),
        trips={"streaming/keeps-characters-whole"},
    ),
    Miniature(
        "empty-with-tools",
        "Streams are empty whenever functions are declared.",
        empty_streams(_declares_functions),
        trips={"streaming/holds-at-least-one-chunk"},
    ),
    Miniature(
        "streams-are-always-cut",
        "Every stream ends with MAX_TOKENS.",
        with_responses(_say_max_tokens, only="stream"),
        trips={"streaming/stream-matches-unary"},
    ),
    Miniature(
        "prompt-per-piece",
        "Streams count the prompt once per chunk.",
        with_responses(_multiply_prompt, only="stream"),
        trips={"streaming/stream-matches-unary"},
    ),
    Miniature(
        "ndjson",
        "Streams are newline-delimited JSON, with alt=sse and without.",
        in_framing("ndjson", instead_of=EVERY_STREAM),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "ndjson-typed-sse",
        "Streams are newline-delimited JSON, labelled as text/event-stream.",
        in_framing("ndjson", instead_of=EVERY_STREAM, content_type="text/event-stream"),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "array-under-sse",
        "alt=sse gives a JSON array.",
        in_framing(ARRAY, instead_of=(SSE,)),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "single-object",
        "A stream is its last object alone.",
        in_framing("single", instead_of=EVERY_STREAM),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "blank-line-json",
        "Chunks are JSON objects between blank lines.",
        with_frames(lambda pieces: tuple(p.removeprefix(b"data: ") for p in pieces)),
        trips={"streaming/streams-sse-with-alt"},
    ),
    Miniature(
        "sse-without-alt",
        "Streams are events without alt=sse as well.",
        in_framing(SSE, instead_of=(ARRAY,)),
        trips={"streaming/streams-an-array-without-alt"},
    ),
    Miniature(
        "ndjson-without-alt",
        "Streams without alt=sse are newline-delimited JSON.",
        in_framing("ndjson", instead_of=(ARRAY,)),
        trips={"streaming/streams-an-array-without-alt"},
    ),
    Miniature(
        "events-as-json",
        "Events are labelled as application/json.",
        with_frames(lambda pieces: pieces, content_type="application/json"),
        trips={"streaming/names-the-type-of-its-stream"},
    ),
    Miniature(
        "comment-block",
        "A comment stands between events.",
        with_events(lambda p: b": ping\r\n\r\n" + p),
        trips={"streaming/sends-data-lines-only"},
    ),
    Miniature(
        "comment-attached",
        "Each event has a comment.",
        with_events(lambda p: b": heartbeat\r\n" + p),
        trips={"streaming/sends-data-lines-only"},
    ),
    Miniature(
        "comment-last",
        "A comment comes before the end.",
        with_frames(lambda ps: (*ps[:-1], b": bye\r\n\r\n" + ps[-1])),
        trips={"streaming/sends-data-lines-only"},
    ),
    Miniature(
        "event-field",
        "Each event has event: message.",
        with_events(lambda p: b"event: message\r\n" + p),
        trips={"streaming/sends-data-lines-only"},
    ),
    Miniature(
        "id-field",
        "Each event has an id.",
        with_events(lambda p: b"id: 1\r\n" + p),
        trips={"streaming/sends-data-lines-only"},
    ),
    Miniature(
        "retry-field",
        "The stream begins with retry.",
        with_frames(lambda ps: (b"retry: 1000\r\n\r\n" + ps[0], *ps[1:])),
        trips={"streaming/sends-data-lines-only"},
    ),
    Miniature(
        "unknown-field",
        "Events have a field of the vendor's own.",
        with_events(lambda p: b"trace: 7\r\n" + p),
        trips={"streaming/sends-data-lines-only"},
    ),
    Miniature(
        "no-space",
        "data: has no space after it.",
        with_events(lambda p: p.replace(b"data: ", b"data:", 1)),
        trips={"streaming/begins-data-with-one-space"},
    ),
    Miniature(
        "double-prefix",
        "Each line begins with data: data:.",
        with_events(lambda p: b"data: " + p),
        trips={"streaming/begins-data-with-one-space"},
    ),
    Miniature(
        "pretty-events",
        "The JSON of an event spans several data lines.",
        with_events(_spread_over_lines),
        trips={"streaming/writes-each-chunk-on-one-line"},
    ),
    Miniature(
        "single-newline",
        "Only one newline follows an event.",
        with_events(lambda p: p.rstrip(b"\r\n") + b"\n"),
        trips={"streaming/ends-each-event-with-a-blank-line"},
    ),
    Miniature(
        "no-last-blank",
        "The last event lacks its blank line.",
        with_frames(lambda ps: (*ps[:-1], ps[-1].rstrip(b"\r\n"))),
        trips={"streaming/ends-each-event-with-a-blank-line"},
    ),
    Miniature(
        "cr-only",
        "Lines end with CR alone.",
        with_events(lambda p: p.replace(b"\r\n", b"\r")),
        trips={"streaming/ends-each-event-with-a-blank-line"},
    ),
    Miniature(
        "done",
        "Streams end with [DONE].",
        with_frames(lambda ps: (*ps, b"data: [DONE]\r\n\r\n")),
        trips={"streaming/ends-without-a-sentinel"},
    ),
    Miniature(
        "empty-data",
        "An event has empty data.",
        with_frames(lambda ps: (*ps[:-1], b"data: \r\n\r\n", ps[-1])),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "keepalive-data",
        "A keep-alive is sent as data.",
        with_frames(lambda ps: (b"data: : keepalive\r\n\r\n", *ps)),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "bytes-repr",
        "Events hold Python literals of bytes.",
        with_events(lambda p: b"data: b'" + p.removeprefix(b"data: ").strip() + b"'\r\n\r\n"),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "array-in-event",
        "Each event holds a list.",
        with_events(lambda p: b"data: [" + p.removeprefix(b"data: ").strip() + b"]\r\n\r\n"),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "frame-split",
        "An event is cut in two.",
        with_events(_split_event),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "word-in-event",
        "An event is not JSON.",
        with_frames(lambda ps: (b"data: hello\r\n\r\n", *ps)),
        trips={"streaming/sends-one-json-object-per-event"},
    ),
    Miniature(
        "bom",
        "Streams begin with a byte order mark.",
        with_frames(lambda ps: (b"\xef\xbb\xbf" + ps[0], *ps[1:])),
        trips={"streaming/begins-without-a-byte-order-mark"},
    ),
    Miniature(
        "raw-u2028",
        "U+2028 is not escaped.",
        with_events(_write_raw_separator),
        trips={"streaming/escapes-line-separators"},
    ),
    Miniature(
        "truncated",
        "The end of a stream is missing.",
        with_frames(lambda ps: (*ps[:-1], ps[-1][:40])),
        trips={"streaming/comes-whole"},
    ),
    Miniature(
        "array-without-commas",
        "The array has no commas.",
        with_frames(
            lambda ps: tuple(p.replace(b",\r\n", b"\r\n") if p[:1] == b"," else p for p in ps), only=ARRAY
        ),
        trips={"streaming/streams-a-well-formed-array"},
    ),
    Miniature(
        "no-chunks",
        "Streams have no content.",
        _send_no_content(),
        trips={"streaming/holds-at-least-one-chunk"},
    ),
    Miniature(
        "cumulative",
        "Each chunk repeats all the text before it.",
        with_chunks(_send_text_so_far),
        trips={"streaming/sends-deltas"},
    ),
    Miniature(
        "repeated-at-the-end",
        "A last chunk repeats the whole text.",
        with_chunks(_repeat_text_at_end),
        trips={"streaming/sends-the-text-once"},
    ),
    Miniature(
        "no-reason",
        "Streams have no finish reason.",
        with_chunks(_drop_finish_reason),
        trips={"streaming/ends-with-a-finish-reason"},
    ),
    Miniature(
        "early-stop",
        "STOP comes before the text.",
        with_chunks(_stop_first),
        trips={"streaming/gives-the-reason-last"},
    ),
    Miniature(
        "empty-tail",
        "The last chunk has candidates: [].",
        with_chunks(_append_empty_candidates),
        trips={"streaming/leaves-empty-candidates-out"},
    ),
    Miniature(
        "held-back",
        "A stream is held back until it is complete.",
        _hold_back(),
        trips={"streaming/arrives-while-it-is-made"},
    ),
    Miniature(
        "held-back-in-one-chunk",
        "A stream is held back until it is complete, and sent as one chunk.",
        _send_all_at_end(),
        trips={"streaming/arrives-while-it-is-made"},
    ),
    Miniature(
        "cut-with-stop",
        "Half of the answer comes, then STOP.",
        with_chunks(_stop_midway_through_chunks),
        trips={"semantics/says-stop-only-at-the-end"},
    ),
    Miniature(
        "deduplicated",
        "Repetitions are taken for replays and dropped.",
        with_chunks(_drop_repetitions),
        trips={"streaming/keeps-repetitions"},
    ),
    Miniature(
        "broken-characters",
        "Characters become replacement characters.",
        with_chunks(_break_characters),
        trips={"streaming/keeps-characters-whole"},
    ),
    Miniature(
        "no-thoughts-streamed",
        "Thoughts are not streamed.",
        with_chunks(_drop_streamed_thoughts),
        trips={"streaming/streams-thoughts-too"},
    ),
    Miniature(
        "new-id-each-chunk",
        "Each chunk has its own id.",
        with_chunks(_renew_ids),
        notes={"streaming/keeps-one-id"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "blocked-midway",
        "Long streams end where a filter blocks the prompt.",
        with_chunks(_block_after_three_chunks),
    ),
    Innocent(
        "quiet-until-the-end",
        "Chunks before the last say FINISH_REASON_UNSPECIFIED.",
        with_responses(
            lambda r: (
                [c.setdefault("finishReason", "FINISH_REASON_UNSPECIFIED") for c in get_candidates(r)]
                and None
            ),
            only="stream",
        ),
    ),
    Innocent("lf", "Lines end with LF.", with_events(lambda p: p.replace(b"\r\n", b"\n"))),
    Innocent(
        "blank-line-heartbeat",
        "Blank lines serve as a heartbeat.",
        with_frames(lambda ps: (*ps[:-1], b"\r\n\r\n" + ps[-1])),
    ),
    Innocent("stop-everywhere", "Every chunk says STOP.", with_chunks(_stop_in_every_chunk)),
    Innocent("usage-only-tail", "The last chunk holds only the usage.", with_chunks(_append_usage)),
    Innocent(
        "array-with-newline", "A newline follows the array.", with_frames(lambda ps: (*ps, b"\n"), only=ARRAY)
    ),
    Innocent(
        "one-chunk-at-once",
        "Quick answers come in one piece.",
        replace(HONEST, pace=lambda _answer, pieces: [0.0] * pieces),
    ),
    Innocent(
        "late-first-piece",
        "A pause comes before pieces that are spread over time.",
        replace(
            HONEST, pace=lambda a, n: [0.4 + w if i == 0 else w for i, w in enumerate(spread_waits(a, n))]
        ),
    ),
)
