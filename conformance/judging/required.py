"""What an answer must hold for a rule to have looked at anything: a call, thoughts, a stream in pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.catalogue import RequiredContent
from conformance.judging.contents import candidates, parts
from conformance.model import JSON
from conformance.reading.reply import Reply


def _calls(reply: Reply) -> list[Mapping[str, JSON]]:
    return [call for _, _, part in parts(reply) if isinstance(call := part.get("functionCall"), dict)]


def _names(reply: Reply) -> Iterator[bool]:
    for chunk in reply.chunks:
        yield chunk.unwrapped is not None and bool(
            chunk.unwrapped.camel_case_names or chunk.unwrapped.respellings
        )


_CALLS = ("function-call", "function-call-streamed", "function-call-forced", "two-calls-in-one-turn")
_THOUGHTS = ("thinking", "thinking-streamed")

A_CANDIDATE = RequiredContent(
    "no answer holds a candidate", lambda reply: any(True for _ in candidates(reply))
)
TELLING_NAMES = RequiredContent("no answer holds a name of several words", lambda reply: any(_names(reply)))
A_CALL = RequiredContent("no answer holds a function call", lambda reply: bool(_calls(reply)), _CALLS)
THOUGHTS = RequiredContent("no answer holds thoughts", lambda reply: bool(reply.first.thoughts), _THOUGHTS)
