"""How @google/generative-ai 0.24.1 (JavaScript, retired by Google, still in many programs) reads a response.

It hands over the parsed JSON as it is; text() adds every part's text, thoughts included, and raises for a blocked
candidate. Read in dist/index.mjs: getResponseStream, addHelpers, getText.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import cast

from conformance.clients import javascript as js
from conformance.clients.captured_response import CapturedResponse, decode_body
from conformance.clients.client_view import ClientView, Raised, ResponseView, call_once, iterate_stream
from conformance.model import JSON

_OWN = "Error: [GoogleGenerativeAI Error]:"
_BLOCKING = frozenset({"RECITATION", "SAFETY", "LANGUAGE"})
_EVENT = re.compile(r"data: ([^\n\r\u2028\u2029]*)(?:\n\n|\r\r|\r\n\r\n)")


def _refuse_status(captured: CapturedResponse) -> None:
    if captured.status is None:
        raise Raised(f"{_OWN} Error fetching: fetch failed")
    if not captured.ok:
        raise Raised(f"{_OWN} Error fetching: [{captured.status}]")


def _has_any(candidates: object) -> bool:
    size = js.length(candidates)
    return js.truthy(candidates) and isinstance(size, int | float) and size > 0


def _needed(value: object, name: str) -> object:
    """`value.name`, which raises for null and undefined."""
    if js.nullish(value):
        raise Raised(f"TypeError: Cannot read properties of {js.string(value)} (reading '{name}')")
    return js.member(value, name)


def _part_text(part: object) -> str:
    text, code, result = (_needed(part, name) for name in ("text", "executableCode", "codeExecutionResult"))
    said = js.string(text) if js.truthy(text) else ""
    if js.truthy(code):
        said += f"\n```{js.string(js.member(code, 'language'))}\n{js.string(js.member(code, 'code'))}\n```\n"
    if js.truthy(result):
        said += f"\n```\n{js.string(js.member(result, 'output'))}\n```\n"
    return said


def _refuse_block(candidate: object) -> None:
    finish = _needed(candidate, "finishReason")
    if isinstance(finish, str) and finish in _BLOCKING:
        raise Raised(f"{_OWN} Candidate was blocked due to {finish}")


def _parts(answer: object) -> object:
    """Return the first candidate's parts, or undefined. Raises Raised for a blocked candidate or prompt."""
    candidates = js.member(answer, "candidates")
    if not _has_any(candidates):
        feedback = js.member(answer, "promptFeedback")
        if js.truthy(feedback):
            odd = js.truthy(candidates) and js.length(candidates) != 0
            raise Raised(f"{_OWN} Text not available. {'' if odd else _reason(feedback)}")
        return js.UNDEFINED
    candidate = js.first(candidates)
    _refuse_block(candidate)
    parts = js.member(js.member(candidate, "content"), "parts")
    return parts if js.truthy(parts) else js.UNDEFINED


def _reason(feedback: object) -> str:
    reason, message = js.member(feedback, "blockReason"), js.member(feedback, "blockReasonMessage")
    said = f"Response was blocked due to {reason}" if js.truthy(reason) else "Response was blocked"
    return f"{said}: {message}" if js.truthy(message) else said


def _view(answer: object) -> ResponseView:
    js.assignable(answer, "text")
    finish = js.member(js.first(js.member(answer, "candidates")), "finishReason")
    total = js.member(js.member(answer, "usageMetadata"), "totalTokenCount")
    view = ResponseView(
        finish_reason=None if js.nullish(finish) else cast("JSON", finish),
        total_tokens=None if js.nullish(total) else cast("JSON", total),
    )
    try:
        parts = list(js.each(_parts(answer)))
        text = "".join(_part_text(part) for part in parts)
    except Raised as stop:
        return replace(view, refused=stop.what)
    return replace(view, text=text, calls=sum(js.truthy(js.member(part, "functionCall")) for part in parts))


def _unary(captured: CapturedResponse) -> ResponseView:
    _refuse_status(captured)
    body = decode_body(captured)
    if body.broken:
        raise Raised("TypeError: terminated")
    return _view(js.body_json(body.whole))


def _texts(pieces: Iterable[bytes]) -> tuple[list[str], bool]:
    """Decode piece by piece up to the first with a bad byte, and say whether there was one (`fatal`)."""
    decoder, texts = codecs.getincrementaldecoder("utf-8")("strict"), []
    for piece in pieces:
        try:
            texts.append(decoder.decode(piece))
        except UnicodeDecodeError:
            return texts, True
    return texts, bool(decoder.getstate()[0])


def _events(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the JSON texts that each network piece completes; what does not match blocks the buffer for good.

    The last list holds what is left in the buffer at the end, if it is more than space.
    """
    whole, at = "".join(texts).removeprefix("\ufeff"), 0
    found = _EVENT.match(whole, at)
    for end in accumulate(map(len, texts)):
        done = []
        while found and found.end() <= end:
            done.append(found[1])
            at = found.end()
            found = _EVENT.match(whole, at)
        yield done
    yield [whole[at:]] if whole[at:].strip(js.SPACES) else []


def _stream(captured: CapturedResponse) -> Iterator[ResponseView]:
    _refuse_status(captured)
    body = decode_body(captured)
    if captured.status in {204, 205}:
        raise Raised("TypeError: Cannot read properties of null (reading 'pipeThrough')")
    texts, bad = _texts(body.pieces)
    *arrived, rest = _events(texts)
    for events in arrived:
        yield from map(_view, _parsed(events))
    if bad or body.broken:
        raise Raised(f"{_OWN} Error reading from the stream")
    if rest:
        raise Raised(f"{_OWN} Failed to parse stream")


def _parsed(events: list[str]) -> Iterator[object]:
    """Parse what came in one piece; a bad event throws away all that still waited in the queue: all but the first."""
    answers: list[object] = []
    for event in events:
        try:
            answers.append(js.parse(event))
        except Raised:
            yield from answers[:1]
            raise Raised(f'{_OWN} Error parsing JSON response: "{event[:200]}"') from None
    yield from answers


def read(captured: CapturedResponse, client: str) -> ClientView:
    """Read as 0.24.1 does."""
    if captured.streamed:
        return iterate_stream(client, _stream(captured))
    return call_once(client, lambda: _unary(captured))
