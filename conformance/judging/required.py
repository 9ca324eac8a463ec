"""What an answer must hold for a rule to have looked at anything: a call, thoughts, a stream in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.catalogue import RequiredContent
from conformance.judging.contents import as_list, candidates, parts, parts_of
from conformance.judging.expectations import blocked
from conformance.model import JSON
from conformance.reading.reply import Reply


def _calls(reply: Reply) -> list[Mapping[str, JSON]]:
    return [call for _, _, part in parts(reply) if isinstance(call := part.get("functionCall"), dict)]


def _several_ids(reply: Reply) -> bool:
    return sum(bool(call.get("id")) for call in _calls(reply)) > 1


def _signatures(reply: Reply) -> bool:
    held = [[part, part.get("functionCall"), part.get("inlineData")] for _, _, part in parts(reply)]
    return any(
        isinstance(one, dict) and bool({"thoughtSignature", "thought_signature"} & set(one))
        for several in held
        for one in several
    )


def _citations(reply: Reply) -> bool:
    return any(candidate.get("citationMetadata") for _, _, candidate in candidates(reply))


def _names(reply: Reply) -> Iterator[bool]:
    for chunk in reply.chunks:
        yield chunk.unwrapped is not None and bool(
            chunk.unwrapped.camel_case_names or chunk.unwrapped.respellings
        )


def _side_by_side(reply: Reply) -> bool:
    return any(len(as_list(chunk.body.get("candidates"))) > 1 for chunk in reply.chunks)


def _separators(reply: Reply) -> bool:
    return any(separator in reply.text for separator in "\u2028\u2029\x85")


_CALLS = ("function-call", "function-call-streamed", "function-call-forced", "two-calls-in-one-turn")
_THOUGHTS = ("thinking", "thinking-streamed")

A_CANDIDATE = RequiredContent(
    "no answer holds a candidate", lambda reply: any(True for _ in candidates(reply))
)
PARTS = RequiredContent(
    "no answer holds a content part",
    lambda reply: any(parts_of(candidate) for _, _, candidate in candidates(reply)),
)
CANDIDATES = RequiredContent("no answer holds candidates side by side", _side_by_side, ("two-candidates",))
A_REASON = RequiredContent(
    "no answer holds a finish reason", lambda reply: reply.first.finish_reason is not None
)
STOP = RequiredContent("no answer ends with STOP", lambda reply: reply.first.finish_reason == "STOP")
TELLING_NAMES = RequiredContent("no answer holds a name of several words", lambda reply: any(_names(reply)))
A_CALL = RequiredContent("no answer holds a function call", lambda reply: bool(_calls(reply)), _CALLS)
CALLS_WITH_IDS = RequiredContent("no answer holds two function calls with ids", _several_ids, _CALLS[-1:])
SIGNATURES = RequiredContent("no answer holds a thought signature", _signatures)
BYTES = RequiredContent(
    "no answer holds an image, a file or a thought signature",
    lambda reply: _signatures(reply) or any("inlineData" in part for _, _, part in parts(reply)),
)
CITATIONS = RequiredContent("no answer holds a citation", _citations)
THOUGHTS = RequiredContent("no answer holds thoughts", lambda reply: bool(reply.first.thoughts), _THOUGHTS)
BLOCKED = RequiredContent("no prompt was blocked", blocked)
AN_ERROR = RequiredContent(
    "no stream broke off with an error", lambda reply: any(chunk.error for chunk in reply.chunks)
)
SEPARATORS = RequiredContent("no stream holds a line separator", _separators, ("line-separator-streamed",))
