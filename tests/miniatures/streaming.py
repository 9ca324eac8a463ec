"""Servers whose streams are wrong in their bytes, in their chunks, or in their time."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.chunks import spread_waits
from conformance.embedded.frames import ARRAY, SSE, FramedBody, frame_objects
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing
from miniatures import Miniature, Variation
from miniatures.making import Message, answering, chunking, parts

Bytes = tuple[bytes, ...]


def framed(change: Callable[[Bytes], Bytes], *, only: str = SSE, content_type: str = "") -> Behaviour:
    """Return a server whose framed pieces are changed, of one framing."""

    def write(framing: str, objects: Sequence[Any]) -> FramedBody:
        right = frame_objects(framing, objects)
        return (
            FramedBody(content_type or right.content_type, change(right.pieces)) if framing == only else right
        )

    return replace(HONEST, frame=write)


def as_(framing: str, *, instead_of: tuple[str, ...], content_type: str = "") -> Behaviour:
    """Return a server that answers in another framing than it was asked for."""

    def write(asked: str, objects: Sequence[Any]) -> FramedBody:
        right = frame_objects(framing if asked in instead_of else asked, objects)
        return FramedBody(content_type or right.content_type, right.pieces) if asked in instead_of else right

    return replace(HONEST, frame=write)


def each(change: Callable[[bytes], bytes]) -> Behaviour:
    """Return a server whose every event is changed."""
    return framed(lambda pieces: tuple(change(piece) for piece in pieces))


def _text_so_far(made: list[Message]) -> list[Message]:
    so_far = ""
    for chunk in made:
        for part in parts(chunk):
            if "text" in part and not part.get("thought"):
                so_far += part["text"]
                part["text"] = so_far
    return made


def _repeated_at_the_end(made: list[Message]) -> list[Message]:
    text = "".join(p["text"] for c in made for p in parts(c) if "text" in p and not p.get("thought"))
    if len(made) < 2 or not text:
        return made
    last = copy.deepcopy(made[-1])
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            candidate.pop("finishReason", None)
    last["candidates"][0]["content"] = {"role": "model", "parts": [{"text": text}]}
    return [*made, last]


def _without_reason(made: list[Message]) -> list[Message]:
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            candidate.pop("finishReason", None)
    return made


def _early_stop(made: list[Message]) -> list[Message]:
    first = copy.deepcopy(made[0])
    first["candidates"][0]["content"]["parts"] = []
    first["candidates"][0]["finishReason"] = "STOP"
    return [first, *made]


def _stop_everywhere(made: list[Message]) -> list[Message]:
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            candidate["finishReason"] = made[-1]["candidates"][0]["finishReason"]
    return made


def _empty_tail(made: list[Message]) -> list[Message]:
    return [*made, {"candidates": [], "usageMetadata": made[-1]["usageMetadata"]}]


def _usage_tail(made: list[Message]) -> list[Message]:
    return [*made, {"usageMetadata": made[-1]["usageMetadata"], "modelVersion": made[-1].get("modelVersion")}]


def _without_thoughts(made: list[Message]) -> list[Message]:
    for chunk in made:
        for candidate in chunk.get("candidates", []):
            kept = [part for part in candidate.get("content", {}).get("parts", []) if not part.get("thought")]
            candidate.setdefault("content", {})["parts"] = kept
    return made


def _cut_in_half(made: list[Message]) -> list[Message]:
    if len(made) < 4:
        return made
    half = made[: len(made) // 2]
    half[-1]["candidates"][0]["finishReason"] = "STOP"
    return half


def _deduplicated(made: list[Message]) -> list[Message]:
    for chunk in made:
        for part in parts(chunk):
            if "text" in part:
                part["text"] = re.sub(r"(.)\1{2,}", r"\1\1", part["text"])
    return made


def _broken_characters(made: list[Message]) -> list[Message]:
    for chunk in made:
        for part in parts(chunk):
            if "text" in part:
                part["text"] = re.sub(r"[^\x00-\x7f]", "\ufffd\ufffd", part["text"])
    return made


def _new_ids(made: list[Message]) -> list[Message]:
    return [{**chunk, "responseId": f"id-{number}"} for number, chunk in enumerate(made)]


def _held_back() -> Behaviour:
    """The whole answer is made first, then sent at once; so long that a busy machine hides it not."""
    return replace(
        HONEST, pace=lambda answer, pieces: [2 * sum(spread_waits(answer, pieces)), *[0.0] * (pieces - 1)]
    )


def _whole_at_its_end() -> Behaviour:
    """The stream is a whole answer in one event, when it is there."""
    held = _held_back()
    return replace(
        held, chunks=lambda answer: (HONEST.whole(answer),), pace=lambda answer, _: held.pace(answer, 9)[:1]
    )


def _no_content() -> Behaviour:
    def finish(outgoing: Outgoing, incoming: Incoming) -> Outgoing:
        right = HONEST.finish(outgoing, incoming)
        return replace(right, pieces=()) if right.streamed else right

    return replace(HONEST, finish=finish)


def _pretty(piece: bytes) -> bytes:
    value = json.loads(piece.removeprefix(b"data: "))
    lines = json.dumps(value, indent=1).split("\n")
    return ("".join(f"data: {line}\r\n" for line in lines) + "\r\n").encode()


def _split(piece: bytes) -> bytes:
    """A read of the network is taken for an event."""
    payload = piece.removeprefix(b"data: ").strip()
    half = len(payload) // 2
    return b"data: " + payload[:half] + b"\r\n\r\ndata: " + payload[half:] + b"\r\n\r\n"


def _raw_separator(piece: bytes) -> bytes:
    return piece.replace(rb"\u2028", "\u2028".encode())


def _ids(name: str) -> frozenset[str]:
    return frozenset({f"streaming/{name}"})


DATA_ONLY = _ids("sends-data-lines-only")
ONE_OBJECT = _ids("sends-one-json-object-per-event")
BLANK = _ids("ends-each-event-with-a-blank-line")
FRAMING = _ids("streams-sse-with-alt")
EVERY_STREAM = (SSE, ARRAY)

ALIKE = frozenset({"streaming/streams-what-the-unary-method-says"})


def _always_cut(response: Message) -> None:
    for candidate in response.get("candidates", []):
        if "finishReason" in candidate:
            candidate["finishReason"] = "MAX_TOKENS"


def _prompt_per_piece(response: Message) -> None:
    if "usageMetadata" in response:
        usage = response["usageMetadata"]
        response["usageMetadata"] = {
            **usage, "promptTokenCount": usage["promptTokenCount"] * 4,
            "totalTokenCount": usage["totalTokenCount"] + usage["promptTokenCount"] * 3,
        }  # fmt: skip
        response["usageMetadata"].pop("promptTokensDetails", None)


MINIATURES: tuple[Miniature, ...] = (
    Miniature("streams-are-always-cut", "every stream ends with MAX_TOKENS", answering(_always_cut, only="stream"), ALIKE),
    Miniature("prompt-per-piece", "streams count the prompt for each piece", answering(_prompt_per_piece, only="stream"), ALIKE),
    Miniature("ndjson", "newline-delimited JSON with alt=sse and without", as_("ndjson", instead_of=EVERY_STREAM), FRAMING),
    Miniature("ndjson-typed-sse", "the same, called text/event-stream", as_("ndjson", instead_of=EVERY_STREAM, content_type="text/event-stream"), FRAMING),
    Miniature("array-under-sse", "a JSON array although alt=sse was asked", as_(ARRAY, instead_of=(SSE,)), FRAMING),
    Miniature("single-object", "the last object alone", as_("single", instead_of=EVERY_STREAM), FRAMING),
    Miniature("blank-line-json", "objects between blank lines", framed(lambda pieces: tuple(p.removeprefix(b"data: ") for p in pieces)), FRAMING),
    Miniature("sse-without-alt", "events although alt=sse was not asked", as_(SSE, instead_of=(ARRAY,)), _ids("streams-an-array-without-alt")),
    Miniature("ndjson-without-alt", "newline-delimited JSON where alt=sse was not asked", as_("ndjson", instead_of=(ARRAY,)), _ids("streams-an-array-without-alt")),
    Miniature("events-as-json", "events called application/json", framed(lambda pieces: pieces, content_type="application/json"), _ids("names-the-type-of-its-stream")),
    Miniature("comment-block", "a comment of its own", each(lambda p: b": ping\r\n\r\n" + p), DATA_ONLY),
    Miniature("comment-attached", "a comment on each event", each(lambda p: b": heartbeat\r\n" + p), DATA_ONLY),
    Miniature("comment-last", "one comment before the end", framed(lambda ps: (*ps[:-1], b": bye\r\n\r\n" + ps[-1])), DATA_ONLY),
    Miniature("event-field", "event: message on each event", each(lambda p: b"event: message\r\n" + p), DATA_ONLY),
    Miniature("id-field", "id: on each event", each(lambda p: b"id: 1\r\n" + p), DATA_ONLY),
    Miniature("retry-field", "retry: first", framed(lambda ps: (b"retry: 1000\r\n\r\n" + ps[0], *ps[1:])), DATA_ONLY),
    Miniature("unknown-field", "a field of its own", each(lambda p: b"trace: 7\r\n" + p), DATA_ONLY),
    Miniature("no-space", "data: without its space", each(lambda p: p.replace(b"data: ", b"data:", 1)), _ids("begins-data-with-one-space")),
    Miniature("double-prefix", "data: data:", each(lambda p: b"data: " + p), _ids("begins-data-with-one-space")),
    Miniature("pretty-events", "JSON over several data lines", each(_pretty), _ids("writes-each-chunk-on-one-line")),
    Miniature("single-newline", "one newline after an event", each(lambda p: p.rstrip(b"\r\n") + b"\n"), BLANK),
    Miniature("no-last-blank", "the last event does not end", framed(lambda ps: (*ps[:-1], ps[-1].rstrip(b"\r\n"))), BLANK),
    Miniature("cr-only", "lines end with CR alone", each(lambda p: p.replace(b"\r\n", b"\r")), BLANK),
    Miniature("done", "[DONE] at the end", framed(lambda ps: (*ps, b"data: [DONE]\r\n\r\n")), _ids("ends-without-a-sentinel")),
    Miniature("empty-data", "an event without data", framed(lambda ps: (*ps[:-1], b"data: \r\n\r\n", ps[-1])), ONE_OBJECT),
    Miniature("keepalive-data", "a keep-alive as data", framed(lambda ps: (b"data: : keepalive\r\n\r\n", *ps)), ONE_OBJECT),
    Miniature("bytes-repr", "a Python literal of bytes", each(lambda p: b"data: b'" + p.removeprefix(b"data: ").strip() + b"'\r\n\r\n"), ONE_OBJECT),
    Miniature("array-in-event", "each event is a list", each(lambda p: b"data: [" + p.removeprefix(b"data: ").strip() + b"]\r\n\r\n"), ONE_OBJECT),
    Miniature("frame-split", "an event is cut in two", each(_split), ONE_OBJECT),
    Miniature("word-in-event", "an event that is no JSON", framed(lambda ps: (b"data: hello\r\n\r\n", *ps)), ONE_OBJECT),
    Miniature("bom", "a byte order mark first", framed(lambda ps: (b"\xef\xbb\xbf" + ps[0], *ps[1:])), _ids("begins-without-a-byte-order-mark")),
    Miniature("raw-u2028", "U+2028 as it is", each(_raw_separator), _ids("escapes-line-separators")),
    Miniature("truncated", "the end is missing", framed(lambda ps: (*ps[:-1], ps[-1][:40])), _ids("comes-whole")),
    Miniature("array-without-commas", "an array without its commas", framed(lambda ps: tuple(p.replace(b",\r\n", b"\r\n") if p[:1] == b"," else p for p in ps), only=ARRAY), _ids("streams-a-well-formed-array")),
    Miniature("no-chunks", "a stream without content", _no_content(), _ids("holds-at-least-one-chunk")),
    Miniature("cumulative", "each chunk repeats all before it", chunking(_text_so_far), _ids("sends-deltas")),
    Miniature("repeated-at-the-end", "the last chunk is the whole text", chunking(_repeated_at_the_end), _ids("sends-the-text-once")),
    Miniature("no-reason", "no finish reason", chunking(_without_reason), _ids("ends-with-a-finish-reason")),
    Miniature("early-stop", "STOP before the text", chunking(_early_stop), _ids("gives-the-reason-last")),
    Miniature("empty-tail", "candidates: [] at the end", chunking(_empty_tail), _ids("leaves-empty-candidates-out")),
    Miniature("held-back", "the stream is held back until its end", _held_back(), _ids("arrives-while-it-is-made")),
    Miniature("held-back-in-one-chunk", "the whole answer is made first, then streamed as one chunk", _whole_at_its_end(), _ids("arrives-while-it-is-made")),
    Miniature("cut-with-stop", "half the answer, then STOP", chunking(_cut_in_half), _ids("says-stop-only-at-the-end")),
    Miniature("deduplicated", "repetitions are taken for replays", chunking(_deduplicated), _ids("keeps-repetitions")),
    Miniature("broken-characters", "replacement characters", chunking(_broken_characters), _ids("keeps-characters-whole")),
    Miniature("no-thoughts-streamed", "thoughts are not streamed", chunking(_without_thoughts), _ids("streams-thoughts-too")),
    Miniature("new-id-each-chunk", "each chunk has its own id", chunking(_new_ids), notes=_ids("keeps-one-id")),
)  # fmt: skip

VARIATIONS: tuple[Variation, ...] = (
    Variation("lf", "lines end with LF", each(lambda p: p.replace(b"\r\n", b"\n"))),
    Variation("blank-line-heartbeat", "blank lines as heartbeat", framed(lambda ps: (*ps[:-1], b"\r\n\r\n" + ps[-1]))),
    Variation("stop-everywhere", "STOP in every chunk", chunking(_stop_everywhere)),
    Variation("usage-only-tail", "the last chunk holds usage alone", chunking(_usage_tail)),
    Variation("array-with-newline", "a newline after the array", framed(lambda ps: (*ps, b"\n"), only=ARRAY)),
    Variation("one-chunk-at-once", "quick answers in one piece", replace(HONEST, pace=lambda _answer, pieces: [0.0] * pieces)),
    Variation("late-first-piece", "a pause, then pieces over time", replace(HONEST, pace=lambda a, n: [0.4 + w if i == 0 else w for i, w in enumerate(spread_waits(a, n))])),
)  # fmt: skip


def hold(piece: DelayedPiece) -> DelayedPiece:
    """Return a piece that is sent at once."""
    return replace(piece, wait=0.0)
