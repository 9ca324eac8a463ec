"""How the Vercel AI SDK (ai 6.0.326 with @ai-sdk/google 3.0.141, JavaScript) reads a response.

It validates every object against a schema and refuses what does not fit: an exception for a whole answer, an error
part in a stream, which then goes on. Read in generateText, streamText, doGenerate, doStream, eventsource-parser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.clients import javascript as js
from conformance.clients.captured_response import CapturedResponse, decode_body, shorten_line_breaks
from conformance.clients.client_view import ClientView, Raised, ResponseView, call_once
from conformance.clients.zod import MisfitError, fit_schema

_INVALID = "AI_APICallError: Invalid JSON response"
_FINISH = {
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "IMAGE_SAFETY": "content-filter",
    "RECITATION": "content-filter",
    "SAFETY": "content-filter",
    "BLOCKLIST": "content-filter",
    "PROHIBITED_CONTENT": "content-filter",
    "SPII": "content-filter",
    "MALFORMED_FUNCTION_CALL": "error",
}
_NO_BLOCK = frozenset({"", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"})

# In validated objects the schema has checked every type, so members are read without further checks.
Valid = Mapping[str, Any]


def translate_finish_reason(reason: str | None, calls: int) -> str:
    """Translate Google's finish reason into the SDK's own word (mapGoogleGenerativeAIFinishReason)."""
    if reason == "STOP":
        return "tool-calls" if calls else "stop"
    return _FINISH.get(reason or "", "other")


def _find_block_reason(feedback: Valid | None) -> str | None:
    reason = (feedback or {}).get("blockReason")
    return None if reason is None or reason in _NO_BLOCK else reason


def _reaches_prototype(value: object) -> bool:
    """Return whether any object has a member that would reach a prototype (secureJsonParse)."""
    nodes = [value]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            maker = node.get("constructor")
            if "__proto__" in node or (isinstance(maker, dict) and "prototype" in maker):
                return True
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
    return False


def _parse_valid(text: str, kind: str) -> Valid:
    """Parse and validate. Raises Raised (the JSON) or MisfitError (the schema)."""
    value = js.parse_json(text)
    if ("__proto__" in text or "constructor" in text or "\\u" in text) and _reaches_prototype(value):
        raise Raised("SyntaxError: Object contains forbidden prototype property")
    fitted = fit_schema(value, kind)
    return fitted if isinstance(fitted, dict) else {}


def _add_up_tokens(usage: Valid | None) -> int | float | None:
    """Add up the counts as the SDK does; it does not show totalTokenCount."""
    if usage is None:
        return None
    counts = (
        usage.get(name) or 0 for name in ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    )
    total = float(sum(map(float, counts)))
    return int(total) if total.is_integer() else total


def _get_parts(answer: Valid) -> list[Valid]:
    content = _get_first_candidate(answer).get("content") or {}
    return content.get("parts") or []


def _get_first_candidate(answer: Valid) -> Valid:
    candidates = answer.get("candidates") or [{}]
    first: Valid = candidates[0]
    return first


def _is_code(part: Valid) -> bool:
    return bool((part.get("executableCode") or {}).get("code"))


def _is_text(part: Valid) -> bool:
    return not _is_code(part) and not part.get("codeExecutionResult") and part.get("text") is not None


def _join_text(parts: list[Valid]) -> str:
    return "".join(part["text"] for part in parts if _is_text(part) and part.get("thought") is not True)


def _count_own_calls(parts: list[Valid]) -> int:
    """Count calls that the provider itself has executed: code and server tools."""
    return sum(_is_code(part) or bool(part.get("toolCall")) for part in parts)


def _refuse_orphans(parts: list[Valid]) -> None:
    """Find the call for every result of a tool that the provider executed, as generateText does. Raises Raised."""
    known = {
        call["id"]
        for part in parts
        for call in (part.get("functionCall"), part.get("toolCall"))
        if call and "id" in call
    }
    code = server = False
    for part in parts:
        code = code or _is_code(part)
        if not _is_code(part) and part.get("codeExecutionResult") and not code:
            raise Raised("Error: Tool call undefined not found.")
        if part.get("toolResponse") and not server and part["toolResponse"]["id"] not in known:
            raise Raised(f"Error: Tool call {part['toolResponse']['id']} not found.")
        server = bool(part.get("toolCall")) or (server and not part.get("toolResponse"))


def _read_unary(captured: CapturedResponse) -> ResponseView:
    _refuse_status(captured)
    body = decode_body(captured)
    if body.broken:
        raise Raised("AI_APICallError: Failed to process successful response")
    try:
        answer = _parse_valid(js.decode_utf8(body.whole), "Response")
    except (Raised, MisfitError):
        raise Raised(_INVALID) from None
    parts = _get_parts(answer)
    _refuse_orphans(parts)
    calls = sum((part.get("functionCall") or {}).get("name") is not None for part in parts)
    reason, block = (
        _get_first_candidate(answer).get("finishReason"),
        _find_block_reason(answer.get("promptFeedback")),
    )
    blocked = reason is None and block is not None
    return ResponseView(
        text=_join_text(parts),
        finish_reason="content-filter" if blocked else translate_finish_reason(reason, calls),
        total_tokens=_add_up_tokens(answer.get("usageMetadata")),
        calls=calls + _count_own_calls(parts),
    )


def _refuse_status(captured: CapturedResponse) -> None:
    if captured.status is None:
        raise Raised("AI_APICallError: Cannot connect to API")
    if not captured.ok:
        raise Raised(f"AI_APICallError: status {captured.status}")


def _split_lines(text: str) -> Iterator[str]:
    """Lines end at LF, CRLF or CR; a CR that is the last character still waits for its LF, and an open line is lost."""
    text = shorten_line_breaks(text.removesuffix("\r"))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    yield from lines[:-1]


def _split_events(text: str) -> Iterator[str]:
    """Yield the data of each event that a blank line ends (eventsource-parser)."""
    data: list[str] = []
    for line in _split_lines(text):
        name, _, value = line.partition(":")
        if name == "data":
            data.append(value.removeprefix(" "))
        elif not line and data:
            yield "\n".join(data)
            data = []


@dataclass
class _Transform:
    """The state that doStream and streamText keep between chunks."""

    texts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    finish: str = "other"
    usage: Valid | None = None
    blocked: bool = False
    calls: int = 0
    own_calls: int = 0
    open_calls: int = 0

    def take_event(self, data: str) -> None:
        """Take one event; what does not parse or fit becomes an error part, and the stream goes on."""
        if data == "[DONE]":
            return
        try:
            self.take_chunk(_parse_valid(data, "Chunk"))
        except Raised as stop:
            self.errors.append(f"AI_JSONParseError: JSON parsing failed: {stop.what}")
        except MisfitError as misfit:
            self.errors.append(f"AI_TypeValidationError: Type validation failed: {misfit}")

    def take_chunk(self, chunk: Valid) -> None:
        if chunk.get("error") is not None:
            self.finish = "error"
            self.errors.append(f"AI_APICallError: {chunk['error']['message']}")
            return
        self.usage = self.usage if chunk.get("usageMetadata") is None else chunk["usageMetadata"]
        if not self.blocked and _find_block_reason(chunk.get("promptFeedback")) is not None:
            self.blocked, self.finish = True, "content-filter"
        if not self.blocked and chunk.get("candidates"):
            self.take_candidate(chunk)

    def take_candidate(self, chunk: Valid) -> None:
        parts = _get_parts(chunk)
        self.texts.append(_join_text(parts))
        self.own_calls += _count_own_calls(parts)
        for part in parts:
            if "functionCall" in part:
                self.take_call(part["functionCall"])
        reason = _get_first_candidate(chunk).get("finishReason")
        if reason is not None:
            self.finish = translate_finish_reason(reason, self.calls)

    def take_call(self, call: Valid) -> None:
        """Count a call where it is whole; calls may come in pieces (partialArgs, willContinue)."""
        name, args, partial, more = (call.get(key) for key in ("name", "args", "partialArgs", "willContinue"))
        if partial is not None or (name is not None and more is True):
            self.open_calls += name is not None
            if (
                partial is not None
                and more is not True
                and not any(arg.get("willContinue") for arg in partial)
            ):
                self.close_call()
        elif name is None and args is None and more is None:
            self.close_call()
        elif name is not None:
            self.calls += 1

    def close_call(self) -> None:
        if self.open_calls:
            self.open_calls -= 1
            self.calls += 1


def _read_stream(captured: CapturedResponse, client: str) -> ClientView:
    try:
        _refuse_status(captured)
    except Raised as stop:
        return ClientView(client, errors=(stop.what,))
    if captured.status in {204, 205}:
        return ClientView(client, errors=("AI_EmptyResponseBodyError: Empty response body",))
    body, state = decode_body(captured), _Transform()
    for data in _split_events(js.decode_utf8(body.whole)):
        state.take_event(data)
    if body.broken:
        lost = "AI_APICallError: Failed to process successful response"
        return ClientView(client, raises=lost, text="".join(state.texts), errors=tuple(state.errors))
    return ClientView(
        client,
        text="".join(state.texts),
        finish_reason=state.finish,
        total_tokens=_add_up_tokens(state.usage),
        calls=state.calls + state.own_calls,
        errors=tuple(state.errors),
    )


def read_response(captured: CapturedResponse, client: str) -> ClientView:
    """Read as generateText and streamText do."""
    if captured.streamed:
        return _read_stream(captured, client)
    return call_once(client, lambda: _read_unary(captured))
