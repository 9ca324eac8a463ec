"""Schema, function calls: each is whole, tells itself apart, and keeps its signature beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from conformance.catalogue import Ground, check_each
from conformance.judging import required
from conformance.judging.contents import calls, parts
from conformance.judging.tries import generated_text
from conformance.judging.values import format_value, locate
from conformance.model import JSON, Basis, Level, Location
from conformance.reading.flavour import Flavour, flavour
from conformance.reading.reply import Reply

_PIECES = re.compile(rb"stream_?function_?call_?arguments", re.IGNORECASE)
_OTHER_NAMES = ("arguments", "parameters", "input")


def _is_in_pieces(reply: Reply, call: Mapping[str, JSON]) -> bool:
    """Return whether this is the rest of a call whose arguments Vertex AI streams: pieces of them, or nothing more.

    It does so where the request wants it; in recorded traffic nobody may know what the request wanted.
    """
    told = "partialArgs" in call or "willContinue" in call or not any(call.values())
    wanted = reply.exchange.captured or _PIECES.search(reply.exchange.request.body)
    return told and bool(wanted) and flavour(reply) is Flavour.VERTEX


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=generated_text,
    feature="function-calling",
    requires=required.A_CALL,
)
def function_calls_are_complete(reply: Reply) -> Iterator[Location]:
    """Each functionCall holds its name and its arguments together, under Google's names.

    Why: a call is one part, streamed or not; it is never spread over several parts, and its arguments are called
    args.
    Breaks: every SDK hands on a call without a name or without arguments; when it is replayed, Google refuses it.
    Workaround: join the pieces before the client sees them.
    Source: [FunctionCall] A call has a name, arguments as an object, and an id where the model gives one.
    """
    for chunk, keys, part in parts(reply):
        call = part.get("functionCall")
        if not isinstance(call, dict):
            continue
        foreign = next((name for name in _OTHER_NAMES if name in call and "args" not in call), None)
        if not call.get("name") and _is_in_pieces(reply, call):
            yield Location(
                reply.id,
                locate(reply, chunk, (*keys, "functionCall")),
                "a whole call",
                "Vertex AI's own way to stream arguments in pieces",
                Level.NOTE,
            )
        elif not call.get("name"):
            yield Location(reply.id, locate(reply, chunk, (*keys, "functionCall", "name")), "a name", "none")
        elif foreign:
            yield Location(reply.id, locate(reply, chunk, (*keys, "functionCall", foreign)), "args", foreign)


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    # Several texts in one unary body are several answers, and said of the envelope.
    usable=lambda reply: generated_text(reply) and (reply.streamed or len(reply.chunks) < 2),
    blocked_by=("streaming/sends-the-text-once",),
    feature="function-calling",
    requires=required.CALLS_WITH_IDS,
)
def call_ids_tell_calls_apart(reply: Reply) -> Iterator[Location]:
    """Calls of one turn that have ids have different ones.

    Why: only their ids tell two calls of the same function apart.
    Breaks: clients that match results to calls by id mix up parallel calls.
    Workaround: match by position.
    Source: [FunctionCall.id] The id ties a response to its call; older models give none.
    """
    ids = Counter(id_ for call in calls(reply) if isinstance(id_ := call.get("id"), str) and id_)
    for id_, times in ids.items():
        if times > 1:
            yield Location(
                reply.id,
                "/candidates/0/content/parts",
                "a different id for each call",
                f"{times} calls have {format_value(id_)}",
            )


@check_each(
    Level.MUST, basis=Basis.RECORDED, ground=Ground.TASKS, usable=generated_text, requires=required.SIGNATURES
)
def signatures_stand_beside_what_they_sign(reply: Reply) -> Iterator[Location]:
    """A thought signature is a member of the part, beside the call, not inside it.

    Why: thoughtSignature is a member of Part.
    Breaks: google-genai, @google/genai and the Vercel AI SDK lose it, and the next turn is refused because it is
    missing.
    Workaround: move it up beside functionCall before the client sees it.
    Source: [Part.thoughtSignature] The signature is a member of the part, beside functionCall or text.
    """
    for chunk, keys, part in parts(reply):
        for inner in ("functionCall", "inlineData"):
            held = part.get(inner)
            names = [
                name
                for name in ("thoughtSignature", "thought_signature")
                if isinstance(held, dict) and name in held
            ]
            if names:
                pointer = locate(reply, chunk, (*keys, inner, names[0]))
                yield Location(reply.id, pointer, "thoughtSignature beside it", f"inside {inner}")
