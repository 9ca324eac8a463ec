"""Envelope: Gemini's object stands at the root of an answer, alone, and is Gemini's."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.catalogue import check_each
from conformance.judging.habits import has_own_bytes
from conformance.judging.tries import answered
from conformance.model import JSON, Basis, Level, Location
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind
from conformance.reading.standing import Standing
from conformance.wire.framing import Framing, Irregular


def _where(path: str) -> str:
    return "/" + path.replace(".", "/") if path else ""


@check_each(Level.MUST, basis=Basis.RECORDED, usable=answered, trait="envelope")
def gemini_object_at_root(reply: Reply) -> Iterator[Location]:
    """The body of an answer is the Gemini object itself, with nothing wrapped around it.

    Why: Google's response object is the root of the body; no code, data, result or list surrounds it.
    Breaks: every client returns an empty answer without an exception; where the usage stands outside the envelope,
    it is still counted, so an empty answer is billed.
    Workaround: unwrap the object before the client reads it.
    Source: [GenerateContentResponse] The response object is the root of the body; nothing stands around it.
    """
    if not reply.streamed and reply.framed.framing is Framing.JSON_ARRAY:
        yield Location(
            reply.id, "/0", "the Gemini object at the root", "a list around the object of a unary answer"
        )
    # A list or a text in each event of a stream is the framing's fault, and said there.
    listed = reply.framed.has(Irregular.ARRAY_IN_EVENT) or reply.framed.has(Irregular.ARRAY_ELEMENT)
    for chunk in reply.chunks:
        opened = chunk.unwrapped
        if opened and isinstance(chunk.raw, str) and not reply.streamed:
            yield Location(
                reply.id, "", "the Gemini object at the root", "a text that holds the object's JSON"
            )
        if opened and opened.path and not (listed and opened.path == "0"):
            beside = f"; {', '.join(opened.split_members)} outside it" if opened.split_members else ""
            said = f"inside /{opened.path.replace('.', '/')}{beside}; the root holds {', '.join(opened.wrappers) or 'a list'}"
            yield Location(
                reply.id, reply.at(chunk, _where(opened.path)), "the Gemini object at the root", said
            )


def _foreign(reply: Reply) -> bool:
    if reply.standing is Standing.ERROR_IN_SUCCESS or (
        reply.streamed and reply.framed.has(Irregular.SCALAR_IN_EVENT)
    ):
        return False  # said of the status, or of the framing
    return 200 <= reply.status < 300 and reply.exchange.failure is None and reply.resource.name == "response"


def _protocol(keys: list[str]) -> str:
    if "choices" in keys:
        return "an OpenAI chat completion"
    if "content" in keys and "stop_reason" in keys:
        return "an Anthropic message"
    return f"JSON with {', '.join(keys[:8])}" if keys else "JSON without any member"


def _kind_of(value: JSON) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "a number"


@check_each(Level.MUST, basis=Basis.RECORDED, usable=_foreign)
def answers_with_a_gemini_object(reply: Reply) -> Iterator[Location]:
    """A successful answer is a Gemini object, not one of another protocol.

    Why: generateContent returns a GenerateContentResponse, which is recognized by its candidates, promptFeedback or
    usageMetadata.
    Breaks: every client returns an empty answer without an exception; on streams that end in [DONE], several raise.
    Workaround: call the vendor's route for that other protocol with a client for that protocol.
    Source: [GenerateContentResponse] The response object is the root of the body; nothing stands around it.
    """
    if reply.kind is not ReplyKind.FOREIGN:
        return
    raw = reply.chunks[0].raw if reply.chunks else None
    said = _protocol(list(raw)) if isinstance(raw, dict) else f"JSON that is {_kind_of(raw)}"
    yield Location(
        reply.id, reply.at(reply.chunks[0], "") if reply.chunks else "", "a GenerateContentResponse", said
    )


def _unary(reply: Reply) -> bool:
    # A document's own form may ask for a stream in the body: its answers are that document's matter.
    own = reply.alt_sse or reply.probe.startswith("documented-")
    return answered(reply) and not reply.streamed and not own and has_own_bytes(reply)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=_unary,
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
        yield Location(reply.id, "@0", "one JSON object", f"a stream ({reply.framed.framing.value})")


@check_each(
    Level.NOTE,
    basis=Basis.INFERRED,
    probes=(ProbeId.ALT_SSE_ON_UNARY,),
    usable=answered,
    blocked_by=("envelope/unary-answer-is-one-json-object",),
)
def method_decides_whether_it_streams(reply: Reply) -> Iterator[Location]:
    """alt=sse does not turn the unary method into a stream.

    Why: the name of the method decides. What Google answers here was never recorded, so a stream is only noted.
    Breaks: no client sends this; a proxy that adds alt=sse to every request may.
    Workaround: send alt=sse to the streaming method only.
    Source: [alt=sse] alt chooses the framing of a stream; Google's own answer to it on the unary method is not
    verified.
    """
    if reply.framed.framing in (Framing.SSE, Framing.NDJSON):
        yield Location(reply.id, "@0", "one JSON object", f"a stream ({reply.framed.framing.value})")
