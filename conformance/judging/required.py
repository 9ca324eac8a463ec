"""What an answer must contain for a rule to have something to judge: a call, thoughts, a stream in pieces."""

from __future__ import annotations

from conformance.catalogue import RequiredContent
from conformance.judging.contents import iterate_candidates, iterate_parts
from conformance.probe_ids import ProbeId

_CALLS = (
    ProbeId.FUNCTION_CALL,
    ProbeId.FUNCTION_CALL_STREAMED,
    ProbeId.FUNCTION_CALL_FORCED,
    ProbeId.TWO_CALLS_IN_ONE_TURN,
)
_THOUGHTS = (ProbeId.THINKING, ProbeId.THINKING_STREAMED)

A_CANDIDATE = RequiredContent(
    "no answer holds a candidate", lambda reply: any(True for _ in iterate_candidates(reply))
)
A_CALL = RequiredContent(
    "no answer holds a function call",
    lambda reply: any(isinstance(part.get("functionCall"), dict) for _, _, part in iterate_parts(reply)),
    _CALLS,
)
THOUGHTS = RequiredContent("no answer holds thoughts", lambda reply: bool(reply.first.thoughts), _THOUGHTS)
