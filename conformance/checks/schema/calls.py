"""Function calls and thought signatures: each call is complete, has its own id, and keeps its signature beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from conformance.catalogue import Ground, RequiredContent, check_each
from conformance.judging import required
from conformance.judging.contents import is_model_answer, iterate_parts, list_named_calls
from conformance.judging.locations import format_value, point_at
from conformance.model import JSON, Basis, Level, Location
from conformance.probe_ids import ProbeId
from conformance.reading.flavour import Flavour, find_flavour
from conformance.reading.reply import Reply

_STREAMED_ARGUMENTS = re.compile(rb"stream_?function_?call_?arguments", re.IGNORECASE)
_OTHER_NAMES = ("arguments", "parameters", "input")  # what other APIs call args


def _is_piece_of_a_call(reply: Reply, call: Mapping[str, JSON]) -> bool:
    """Return whether this is a piece of a call whose arguments Vertex AI streams because the request asks for it.

    In recorded traffic the request may not be known.
    """
    piece = "partialArgs" in call or "willContinue" in call or not any(call.values())
    wanted = reply.exchange.captured or _STREAMED_ARGUMENTS.search(reply.exchange.request.body)
    return piece and bool(wanted) and find_flavour(reply) is Flavour.VERTEX


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=is_model_answer,
    feature="function-calling",
    requires=required.A_CALL,
)
def function_calls_are_complete(reply: Reply) -> Iterator[Location]:
    """Each functionCall holds its name and its arguments together, under Google's names.

    Why: a call is one part, streamed or not; it is never spread over several parts, and its arguments are called
    args.
    Breaks: every SDK hands on a call without a name or without arguments; when it is replayed, Google refuses it.
    Workaround: join the pieces before the client sees them.
    Source: [FunctionCall] A call has a name, arguments as an object, and an id if the model gives one.
    """
    for chunk, part_keys, part in iterate_parts(reply):
        call, keys = part.get("functionCall"), (*part_keys, "functionCall")
        if not isinstance(call, dict):
            continue
        foreign = next((name for name in _OTHER_NAMES if name in call and "args" not in call), None)
        if not call.get("name") and _is_piece_of_a_call(reply, call):
            said = "Vertex AI's own way to stream arguments in pieces"
            yield point_at(reply, chunk, keys, "a whole call", said, Level.NOTE)
        elif not call.get("name"):
            yield point_at(reply, chunk, (*keys, "name"), "a name", "no name")
        elif foreign:
            yield point_at(reply, chunk, (*keys, foreign), "args", foreign)


SIGNATURE = ("thoughtSignature", "thought_signature")


def holds_a_signature(reply: Reply) -> bool:
    """Return whether a thought signature is in any part, or inside a call or a blob."""
    held = [
        one
        for _, _, part in iterate_parts(reply)
        for one in (part, part.get("functionCall"), part.get("inlineData"))
    ]
    return any(isinstance(one, dict) and any(name in one for name in SIGNATURE) for one in held)


def _count_ids(reply: Reply) -> int:
    held = [part.get("functionCall") for _, _, part in iterate_parts(reply)]
    return sum(isinstance(call, dict) and bool(call.get("id")) for call in held)


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=lambda reply: is_model_answer(reply) and (reply.streamed or len(reply.chunks) < 2),
    blocked_by=("streaming/sends-the-text-once",),
    defers_to=("envelope/unary-answer-is-one-json-object",),  # of several answers in one body
    feature="function-calling",
    requires=RequiredContent(
        "no answer holds two function calls with ids",
        lambda reply: _count_ids(reply) > 1,
        (ProbeId.TWO_CALLS_IN_ONE_TURN,),
    ),
)
def call_ids_tell_calls_apart(reply: Reply) -> Iterator[Location]:
    """Calls in one turn that have ids have different ids.

    Why: only their ids tell two calls of the same function apart.
    Breaks: clients that match results to calls by id mix up parallel calls.
    Workaround: match by position.
    Source: [FunctionCall.id] The id links a response to its call; older models send none.
    """
    ids = Counter(id_ for call in list_named_calls(reply) if isinstance(id_ := call.get("id"), str) and id_)
    for id_, times in ids.items():
        if times > 1:
            said = f"{times} calls have {format_value(id_)}"
            yield Location(reply.id, "/candidates/0/content/parts", "a different id for each call", said)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    usable=is_model_answer,
    requires=RequiredContent("no answer holds a thought signature", holds_a_signature),
)
def signatures_stand_beside_what_they_sign(reply: Reply) -> Iterator[Location]:
    """A thought signature is a member of the part, beside the call, not inside it.

    Why: a signature belongs to its part; inside the call it is an unknown member.
    Breaks: google-genai, @google/genai and the Vercel AI SDK lose it, and the next turn is refused because it is
    missing.
    Workaround: move it up beside functionCall before the client sees it.
    Source: [Part.thoughtSignature] The signature is a member of the part, beside functionCall or text.
    """
    for chunk, keys, part in iterate_parts(reply):
        for inner in ("functionCall", "inlineData"):
            held = part.get(inner)
            name = next((name for name in SIGNATURE if isinstance(held, dict) and name in held), None)
            if name:
                wanted = "thoughtSignature beside it"
                yield point_at(reply, chunk, (*keys, inner, name), wanted, f"inside {inner}")
