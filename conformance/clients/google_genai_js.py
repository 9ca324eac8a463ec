"""How @google/genai (JavaScript) reads a response, at 2.32.0 and at 1.30.0, and gemini-cli on top of the older one.

Both copy the camelCase names they know into a fresh object and check nothing; they differ in how they cut a
stream into events. Read in dist/node/index.mjs: processStreamResponse, throwErrorIfNotOK, get text().
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import cast

from conformance.clients import javascript as js
from conformance.clients.captured_response import CapturedResponse, DecodedPieces, decode_body
from conformance.clients.client_view import ClientView, Raised, ResponseView, call_once, iterate_stream
from conformance.model import JSON

_LOST_CONNECTION = "TypeError: terminated"
_NEVER_ANSWERED = "TypeError: fetch failed"
_NO_BODY = frozenset({204, 205})  # fetch() gives these a null body, and new Response() refuses them one
_DELIMITER = re.compile(r"(?:\n\n)++|(?:\r\r)++|(?:\r\n\r\n)++")
# 1.30.0 and gemini-cli: /^\s*data: (.*)(?:\n\n|\r\r|\r\n\r\n)/ on the buffer; a dot stops at four characters.
_ANCHORED = re.compile(rf"[{js.SPACES}]*+data: ([^\n\r\u2028\u2029]*)(?:\n\n|\r\r|\r\n\r\n)")

# Cuts a whole stream into events: the offset after each, and its text; finally None, with the offset where cutting stopped.
Cut = Callable[[str], Iterator[tuple[int, str | None]]]


def _write_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)[:300]


def _refuse_status(captured: CapturedResponse, body: DecodedPieces) -> None:
    """Raise as throwErrorIfNotOK does: the JSON as it is, or the text in an envelope of the client's own."""
    if captured.status is None:
        raise Raised(_NEVER_ANSWERED)
    if captured.ok:
        return
    if "application/json" in captured.content_type:
        value = js.parse_body(body.whole)
    else:
        value = {"error": {"message": js.decode_utf8(body.whole), "code": captured.status}}
    raise Raised(f"{'ApiError' if captured.status >= 400 else 'Error'}: {_write_json(value)}")


def _copy_candidates(value: object) -> object:
    """Only objects keep their members; whatever else stands in the list becomes an empty candidate."""
    if isinstance(value, list):
        return [item if isinstance(item, dict) else {} for item in value]
    return js.UNDEFINED if value is None else value


def _join_text(parts: object) -> str:
    """`response.text`: text parts that are strings, without thoughts."""
    if js.get_length(parts) == 0:
        return ""
    texts = []
    for part in js.iterate_value(parts):
        if part is None:
            raise Raised("TypeError: Cannot convert undefined or null to object")
        text = js.get_member(part, "text")
        if isinstance(text, str) and js.get_member(part, "thought") is not True:
            texts.append(text)
    return "".join(texts)


def _count_calls(parts: object) -> int:
    """`response.functionCalls`, counted; 0 where the getter would raise."""
    if not isinstance(parts, list):
        return 0
    return sum(js.is_truthy(js.get_member(part, "functionCall")) for part in parts)


def _view_answer(answer: object, no_candidate: JSON) -> ResponseView:
    candidate = js.get_first(_copy_candidates(js.get_member(answer, "candidates")))
    parts = js.get_member(js.get_member(candidate, "content"), "parts")
    finish = js.get_member(candidate, "finishReason")
    total = js.get_member(js.get_member(answer, "usageMetadata"), "totalTokenCount")
    missing = js.is_nullish(candidate)
    view = ResponseView(
        finish_reason=no_candidate if missing else None if js.is_nullish(finish) else cast("JSON", finish),
        total_tokens=None if js.is_nullish(total) else cast("JSON", total),
        calls=_count_calls(parts),
    )
    try:
        return replace(view, text=_join_text(parts))
    except Raised as stop:
        return replace(view, refused=stop.what)


def _refuse_usage(answer: object) -> None:
    """2.32.0 defines a property of its own on the usage, which must be an object."""
    usage = js.get_member(answer, "usageMetadata")
    if js.is_truthy(usage) and not isinstance(usage, dict | list):
        raise Raised("TypeError: Object.defineProperty called on non-object")


def _read_unary(captured: CapturedResponse, *, old: bool) -> ResponseView:
    body = decode_body(captured)
    _refuse_status(captured, body)
    if body.broken:
        raise Raised(_LOST_CONNECTION)
    answer = js.parse_body(body.whole)
    js.check_assignable(answer, "sdkHttpResponse")
    if not old:
        _refuse_usage(answer)
    return _view_answer(answer, "NOCAND")


def _find_error(value: object) -> tuple[object, object] | None:
    """Return status and code of an `error` object, if this is an object with one."""
    error = js.get_member(value, "error")
    return (js.get_member(error, "status"), js.get_member(error, "code")) if isinstance(error, dict) else None


def _is_error_code(code: object, *, coerced: bool) -> bool:
    if coerced and isinstance(code, str):
        code = js.UNDEFINED if not code.strip(js.SPACES).isascii() else _parse_number(code)
    return isinstance(code, int | float) and not isinstance(code, bool) and 400 <= code < 600


def _parse_number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return js.UNDEFINED


def _refuse_error(text: str, *, coerced: bool) -> None:
    """Raise ApiError where a piece of the stream is, as a whole, a JSON object with an error and a code."""
    if not text.lstrip(js.SPACES).startswith("{"):
        return
    try:
        value = js.parse_json(text)
    except Raised:
        return
    found = _find_error(value)
    if found and _is_error_code(found[1], coerced=coerced):
        raise Raised(f"ApiError: got status: {found[0]}. {_write_json(value)}")


def _split_events_2(text: str) -> Iterator[tuple[int, str | None]]:
    """2.32.0: blocks end at a doubled line end; a block counts if, trimmed, it starts with `data:`."""
    at = 0
    for found in _DELIMITER.finditer(text):
        block = text[at : found.start()].strip(js.SPACES)
        at = found.end()
        if block.startswith("data:"):
            yield at, block.removeprefix("data:").strip(js.SPACES)
    yield at, None


def _split_events_1(text: str) -> Iterator[tuple[int, str | None]]:
    """1.30.0: one anchored pattern; anything else at the front of the buffer blocks it for good."""
    at = 0
    while found := _ANCHORED.match(text, at):
        at = found.end()
        yield at, found[1]
    yield at, None


def _decode_pieces(pieces: Iterable[bytes]) -> list[str]:
    """Decode piece by piece; what is cut in the middle of a character waits, and is dropped at the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    texts = [decoder.decode(piece) for piece in pieces]
    return [texts[0].removeprefix("\ufeff"), *texts[1:]] if texts else []


def _read_stream(captured: CapturedResponse, cut: Cut, *, old: bool) -> Iterator[ResponseView]:
    """Yield chunks in the order in which they are complete; each network piece is first tried as an error."""
    body = decode_body(captured)
    _refuse_status(captured, body)
    if captured.status in _NO_BODY:
        raise Raised("Error: Response body is empty")
    texts = _decode_pieces(body.pieces)
    buffer = "".join(texts)
    events = cut(buffer)
    at, event = next(events)
    for text, so_far in zip(texts, accumulate(map(len, texts)), strict=True):
        _refuse_error(text, coerced=old)
        while event is not None and at <= so_far:
            yield _read_event(event, old=old)
            at, event = next(events)
    if body.broken:
        raise Raised(_LOST_CONNECTION)
    if buffer[at:].strip(js.SPACES):
        raise Raised("Error: Incomplete JSON segment at the end")


def _read_event(event: str, *, old: bool) -> ResponseView:
    """Read one event, which goes through new Response(event).json()."""
    if not old:
        _refuse_error(event, coerced=False)
    answer = js.parse_body(event.encode("utf-8", "surrogatepass"))
    if not old:
        _refuse_usage(answer)
    return _view_answer(answer, None)


def read_2(captured: CapturedResponse, client: str) -> ClientView:
    """Read as 2.32.0 does."""
    if captured.streamed:
        return iterate_stream(client, _read_stream(captured, _split_events_2, old=False))
    return call_once(client, lambda: _read_unary(captured, old=False))


def read_1(captured: CapturedResponse, client: str) -> ClientView:
    """Read as 1.30.0 does."""
    if captured.streamed:
        return iterate_stream(client, _read_stream(captured, _split_events_1, old=True))
    return call_once(client, lambda: _read_unary(captured, old=True))


def read_cli(captured: CapturedResponse, client: str) -> ClientView:
    """Read as gemini-cli does: it streams, and a stream without finish reason, or without text and call, is invalid."""
    seen = read_1(captured, client)
    if seen.raises is not None:
        return seen
    if seen.finish_reason is None:
        return replace(
            seen, raises="InvalidStreamError: no finish reason", chunks=None, chunks_before=seen.chunks
        )
    if not seen.text and not seen.calls:
        return replace(seen, raises="InvalidStreamError: no text", chunks=None, chunks_before=seen.chunks)
    return seen
