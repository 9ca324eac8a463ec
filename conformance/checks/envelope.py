"""Envelope: an answer is a Gemini object, at the root of the body, with nothing around it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.catalogue import check_each, is_documented
from conformance.judging.contents import is_answered
from conformance.judging.habits import has_original_bytes
from conformance.model import JSON, Basis, Level, Location
from conformance.reading.reply import Reply, ReplyKind
from conformance.reading.standing import Standing
from conformance.wire.framing import Framing, Irregular

_AT_ROOT = "the Gemini object at the root"


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=is_answered,
    trait="envelope",
    defers_to=("streaming/sends-one-json-object-per-event", "streaming/streams-a-well-formed-array"),
)
def gemini_object_at_root(reply: Reply) -> Iterator[Location]:
    """The body of an answer is the Gemini object itself, with nothing wrapped around it.

    Why: Google's response object is the root of the body; no code, data, result or list surrounds it.
    Breaks: every client returns an empty answer without an exception; where the usage is outside the envelope, it is still
    counted, so an empty answer is billed.
    Workaround: unwrap the object before the client reads it.
    Source: [GenerateContentResponse] The response object is the root of the body; nothing is wrapped around it.
    """
    if not reply.streamed and reply.framed.framing is Framing.JSON_ARRAY:
        yield Location(reply.id, "/0", _AT_ROOT, "a list around the object of a unary answer")
    lists_in_stream = reply.framed.has(Irregular.ARRAY_IN_EVENT) or reply.framed.has(Irregular.ARRAY_ELEMENT)
    for chunk in reply.chunks:
        found = chunk.unwrapped
        if found and isinstance(chunk.raw, str) and not reply.streamed:
            yield Location(reply.id, "", _AT_ROOT, "a text that holds the object's JSON")
        if found and found.path and not (lists_in_stream and found.path == "0"):
            path = "/" + found.path.replace(".", "/")
            outside = f"; {', '.join(found.split_members)} outside it" if found.split_members else ""
            observed = f"inside {path}{outside}; the root holds {', '.join(found.wrappers) or 'a list'}"
            yield Location(reply.id, reply.at(chunk, path), _AT_ROOT, observed)


def _is_other_success(reply: Reply) -> bool:
    """Return whether a complete success came from a model's route that is neither an error nor wrongly framed."""
    misframed = reply.streamed and reply.framed.has(Irregular.SCALAR_IN_EVENT)
    success = reply.is_success and reply.standing is not Standing.ERROR_IN_SUCCESS
    asked = reply.exchange.failure is None and reply.resource.name == "response"
    return asked and success and not misframed


def _describe_json(value: JSON) -> str:
    """Return what JSON in place of a Gemini object is: a known protocol, or its first members, or its kind."""
    if isinstance(value, dict):
        if "choices" in value:
            return "an OpenAI chat completion"
        if "content" in value and "stop_reason" in value:
            return "an Anthropic message"
        return f"JSON with {', '.join([*value][:8])}" if value else "JSON without any member"
    if value is None or isinstance(value, bool):
        return f"JSON that is {json.dumps(value)}"
    if isinstance(value, str):
        return "JSON that is a string"
    return "JSON that is an array" if isinstance(value, list) else "JSON that is a number"


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=_is_other_success,
    defers_to=("errors/fails-with-the-status-of-an-error", "streaming/sends-one-json-object-per-event"),
)
def answers_with_a_gemini_object(reply: Reply) -> Iterator[Location]:
    """A successful answer is a Gemini object, not one of another protocol.

    Why: generateContent returns a GenerateContentResponse, which is recognised by its candidates, promptFeedback or
    usageMetadata.
    Breaks: every client returns an empty answer without an exception; on streams that end in [DONE], several raise.
    Workaround: call the vendor's route for that other protocol with a client for that protocol.
    Source: [GenerateContentResponse] The response object is the root of the body; nothing is wrapped around it.
    """
    if reply.kind is ReplyKind.FOREIGN:
        raw = reply.chunks[0].raw if reply.chunks else None
        pointer = reply.at(reply.chunks[0], "") if reply.chunks else ""
        yield Location(reply.id, pointer, "a GenerateContentResponse", _describe_json(raw))


def _answers_unary(reply: Reply) -> bool:
    # A document's own form may ask for a stream in the body: its answers are that document's matter.
    return is_answered(reply) and not reply.streamed and not is_documented(reply)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=lambda reply: _answers_unary(reply) and has_original_bytes(reply),
    formerly=("envelope/method-decides-whether-it-streams",),
)
def unary_answer_is_one_json_object(reply: Reply) -> Iterator[Location]:
    """The unary method answers with one JSON object, not with a stream.

    Why: the name of the method decides whether an answer is streamed, and generateContent never streams. What
    Google answers to `alt=sse` on this method was never recorded, so a stream there is only noted.
    Breaks: google-genai raises JSONDecodeError, and the JavaScript clients raise SyntaxError.
    Workaround: merge the chunks into one object before the client reads them, and send `alt=sse` to the streaming
    method only.
    Source: [generateContent] The unary method answers with one JSON object as application/json.
    """
    if reply.framed.framing in (Framing.SSE, Framing.NDJSON):
        level = Level.NOTE if reply.alt_sse else None
        yield Location(reply.id, "@0", "one JSON object", f"a stream ({reply.framed.framing.value})", level)
