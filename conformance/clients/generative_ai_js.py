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


def _has_candidates(candidates: object) -> bool:
    size = js.get_length(candidates)
    return js.is_truthy(candidates) and isinstance(size, int | float) and size > 0


def _get_required(value: object, name: str) -> object:
    """`value.name`, which raises for null and undefined."""
    if js.is_nullish(value):
        raise Raised(f"TypeError: Cannot read properties of {js.to_string(value)} (reading '{name}')")
    return js.get_member(value, name)


def _print_part(part: object) -> str:
    text, code, result = (
        _get_required(part, name) for name in ("text", "executableCode", "codeExecutionResult")
    )
    printed = js.to_string(text) if js.is_truthy(text) else ""
    if js.is_truthy(code):
        printed += f"\n```{js.to_string(js.get_member(code, 'language'))}\n{js.to_string(js.get_member(code, 'code'))}\n```\n"
    if js.is_truthy(result):
        printed += f"\n```\n{js.to_string(js.get_member(result, 'output'))}\n```\n"
    return printed


def _refuse_blocked(candidate: object) -> None:
    finish = _get_required(candidate, "finishReason")
    if isinstance(finish, str) and finish in _BLOCKING:
        raise Raised(f"{_OWN} Candidate was blocked due to {finish}")


def _get_parts(answer: object) -> object:
    """Return the first candidate's parts, or undefined. Raises Raised for a blocked candidate or prompt."""
    candidates = js.get_member(answer, "candidates")
    if not _has_candidates(candidates):
        feedback = js.get_member(answer, "promptFeedback")
        if js.is_truthy(feedback):
            odd = js.is_truthy(candidates) and js.get_length(candidates) != 0
            raise Raised(f"{_OWN} Text not available. {'' if odd else _describe_block(feedback)}")
        return js.UNDEFINED
    candidate = js.get_first(candidates)
    _refuse_blocked(candidate)
    parts = js.get_member(js.get_member(candidate, "content"), "parts")
    return parts if js.is_truthy(parts) else js.UNDEFINED


def _describe_block(feedback: object) -> str:
    reason, message = js.get_member(feedback, "blockReason"), js.get_member(feedback, "blockReasonMessage")
    text = f"Response was blocked due to {reason}" if js.is_truthy(reason) else "Response was blocked"
    return f"{text}: {message}" if js.is_truthy(message) else text


def _view_answer(answer: object) -> ResponseView:
    js.check_assignable(answer, "text")
    finish = js.get_member(js.get_first(js.get_member(answer, "candidates")), "finishReason")
    total = js.get_member(js.get_member(answer, "usageMetadata"), "totalTokenCount")
    view = ResponseView(
        finish_reason=None if js.is_nullish(finish) else cast("JSON", finish),
        total_tokens=None if js.is_nullish(total) else cast("JSON", total),
    )
    try:
        parts = list(js.iterate_value(_get_parts(answer)))
        text = "".join(_print_part(part) for part in parts)
    except Raised as stop:
        return replace(view, refused=stop.what)
    return replace(
        view, text=text, calls=sum(js.is_truthy(js.get_member(part, "functionCall")) for part in parts)
    )


def _read_unary(captured: CapturedResponse) -> ResponseView:
    _refuse_status(captured)
    body = decode_body(captured)
    if body.broken:
        raise Raised("TypeError: terminated")
    return _view_answer(js.parse_body(body.whole))


def _decode_pieces(pieces: Iterable[bytes]) -> tuple[list[str], bool]:
    """Decode piece by piece up to the first with a bad byte, and say whether there was one (`fatal`)."""
    decoder, texts = codecs.getincrementaldecoder("utf-8")("strict"), []
    for piece in pieces:
        try:
            texts.append(decoder.decode(piece))
        except UnicodeDecodeError:
            return texts, True
    return texts, bool(decoder.getstate()[0])


def _split_events(texts: Iterable[str]) -> Iterator[list[str]]:
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


def _read_stream(captured: CapturedResponse) -> Iterator[ResponseView]:
    _refuse_status(captured)
    body = decode_body(captured)
    if captured.status in {204, 205}:
        raise Raised("TypeError: Cannot read properties of null (reading 'pipeThrough')")
    texts, bad = _decode_pieces(body.pieces)
    *arrived, rest = _split_events(texts)
    for events in arrived:
        yield from map(_view_answer, _parse_events(events))
    if bad or body.broken:
        raise Raised(f"{_OWN} Error reading from the stream")
    if rest:
        raise Raised(f"{_OWN} Failed to parse stream")


def _parse_events(events: list[str]) -> Iterator[object]:
    """Parse the events of one piece; a bad event discards all that still wait in the queue, which is all but the first."""
    answers: list[object] = []
    for event in events:
        try:
            answers.append(js.parse_json(event))
        except Raised:
            yield from answers[:1]
            raise Raised(f'{_OWN} Error parsing JSON response: "{event[:200]}"') from None
    yield from answers


def read_response(captured: CapturedResponse, client: str) -> ClientView:
    """Read as 0.24.1 does."""
    if captured.streamed:
        return iterate_stream(client, _read_stream(captured))
    return call_once(client, lambda: _read_unary(captured))
