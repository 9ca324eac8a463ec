"""Function calling: tools reach the model, modes are kept, and the second turn works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from conformance.catalogue import Ground, NotJudged, check, check_each
from conformance.checks.semantics.understanding import mentions, require_understanding
from conformance.judging.attempts import (
    accuse_after_attempts,
    describe_disobedience,
    describe_missing_text,
    judge_attempts,
)
from conformance.judging.contents import as_list, is_model_answer, list_named_calls
from conformance.judging.endings import ends_at_limit
from conformance.judging.refusals import are_refused, describe_reply
from conformance.judging.values import UNREADABLE, FaultKind, find_value_faults
from conformance.model import Basis, Level, Location, Outcome
from conformance.names import fold
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing

_OWN_QUESTION = "semantics/answers-its-own-question"
_BLOCKERS = (_OWN_QUESTION, "semantics/hands-functions-to-the-model", "schema/stop-comes-with-content")
_COMPLETE = "schema/function-calls-are-complete"
_CALLING = (
    ProbeId.FUNCTION_CALL, ProbeId.FUNCTION_CALL_STREAMED, ProbeId.FUNCTION_CALL_FORCED,
    ProbeId.TWO_CALLS_IN_ONE_TURN, ProbeId.MIXED_CASING_REQUEST, ProbeId.NESTED_TOOL,
)  # fmt: skip
_check_calling = partial(check, usable=is_model_answer, needs_obedience=True, feature="function-calling")


def _describe_missing_call(reply: Reply) -> str | None:
    if list_named_calls(reply) or reply.first.calls:
        return ""
    return None if ends_at_limit(reply) else f"no call; the text is {reply.text[:100]!r}"


@_check_calling(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.FUNCTION_CALL, ProbeId.FUNCTION_CALL_FORCED),
    blocked_by=(_OWN_QUESTION,),
)
def hands_functions_to_the_model(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Declared functions reach the model, which calls one when it should.

    Why: tools are part of the request; a vendor that does not support them should refuse it.
    Breaks: agents answer in words when they should have called a function, and nothing reports it.
    Workaround: none.
    Source: [GenerateContentRequest.tools] The model knows the declared functions.
    """
    if any(reply.first.calls for reply in seen.of(*_CALLING)):
        return
    for probe in (ProbeId.FUNCTION_CALL, ProbeId.FUNCTION_CALL_FORCED):
        yield from judge_attempts(seen, probe, "a function call", _describe_missing_call)


def _describe_wrong_call(reply: Reply) -> str | None:
    names = [str(call.get("name")) for call in list_named_calls(reply)]
    allowed = [str(name) for name in as_list(reply.exchange.expected.get("call"))]
    if names and not set(names) <= set(allowed):
        return f"calls of {', '.join(names)}; only {', '.join(allowed)} is allowed"
    return _describe_missing_call(reply)


@_check_calling(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.FUNCTION_CALL_FORCED,),
    blocked_by=(*_BLOCKERS, _COMPLETE),
)
def forces_a_call_in_mode_any(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Mode ANY forces a call of one of the allowed functions.

    Why: programs use ANY to make sure of a call, and allowedFunctionNames to say which.
    Breaks: programs that expect the call find none, or a call of another function.
    Workaround: declare only the function that is wanted, and ask for it in words.
    Source: [FunctionCallingConfig.mode] AUTO lets the model choose, ANY forces a call, NONE forbids it.
    """
    yield from judge_attempts(seen, ProbeId.FUNCTION_CALL_FORCED, "a call of get_time", _describe_wrong_call)


@_check_calling(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.FUNCTION_CALL_FORBIDDEN,),
    blocked_by=(_OWN_QUESTION,),
)
def calls_nothing_in_mode_none(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Mode NONE forbids every call.

    Why: programs use NONE to get an answer in words although functions are declared.
    Breaks: agents go on calling functions and never reach an answer.
    Workaround: leave the tools out of that request.
    Source: [FunctionCallingConfig.mode] AUTO lets the model choose, ANY forces a call, NONE forbids it.
    """

    def describe_call(reply: Reply) -> str | None:
        return f"a call of {reply.first.calls[0].get('name')!r}" if reply.first.calls else ""

    yield from judge_attempts(seen, ProbeId.FUNCTION_CALL_FORBIDDEN, "no call", describe_call)


@_check_calling(
    Level.MUST, basis=Basis.RECORDED, probes=(ProbeId.FUNCTION_CALL_STREAMED,), blocked_by=_BLOCKERS
)
def streams_function_calls(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A streamed answer contains the function calls that a unary one would.

    Why: streaming changes when an answer arrives, not what it contains.
    Breaks: agents that stream never see the call.
    Workaround: ask without streaming.
    Source: [streamGenerateContent] A streamed answer has the same parts as a unary one.
    """
    yield from judge_attempts(seen, ProbeId.FUNCTION_CALL_STREAMED, "a function call", _describe_missing_call)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.TWO_CALLS_IN_ONE_TURN,),
    usable=is_model_answer,
    blocked_by=_BLOCKERS,
    needs_obedience=True,
    feature="parallel-calls",
    formerly=("semantics/gives-every-call",),
)
def returns_parallel_calls(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Two calls in one turn arrive as two.

    Why: each call is a part; none is merged or dropped.
    Breaks: half of the work is never done, and the next turn is refused because its responses do not match the calls.
    Workaround: ask for one thing at a time.
    Source: [parallel function calling] A turn may hold several calls, each in a part of its own.
    """

    def describe_lost_call(reply: Reply) -> str | None:
        number = len(list_named_calls(reply))
        # A model that answers in words, or had no tokens left, does not show what happens to several calls.
        return "" if number >= 2 else "1 call" if number else None

    found = judge_attempts(seen, ProbeId.TWO_CALLS_IN_ONE_TURN, "two calls", describe_lost_call)
    yield from require_understanding(seen, ProbeId.TWO_CALLS_IN_ONE_TURN, found, mentions("paris|tokyo"))


def _describe_missing_arguments(reply: Reply) -> str | None:
    for call in list_named_calls(reply):
        args = call.get("args") or {}
        given = {fold(name) for name in args} if isinstance(args, dict) else set()
        # Arguments in another casing are left to casing/leaves-argument-names-alone.
        missing = [name for name in ("city_name", "unitSystem") if fold(name) not in given]
        if missing and call.get("name") == "get_weather":
            return f"{', '.join(missing)} missing in {args!r:.80}"
    return "" if list_named_calls(reply) else None


@_check_calling(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.FUNCTION_CALL, ProbeId.FUNCTION_CALL_STREAMED),
    blocked_by=(*_BLOCKERS, _COMPLETE, "semantics/streams-function-calls"),
    defers_to=("casing/leaves-argument-names-alone",),
)
def fills_required_arguments(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A call carries the arguments that its function requires.

    Why: the declaration names them, and the prompt holds their values.
    Breaks: tools run without their arguments.
    Workaround: check the arguments before the tool runs, and ask again.
    Source: [FunctionCall.args] The call carries the arguments that the declaration requires.
    """
    for probe in (ProbeId.FUNCTION_CALL, ProbeId.FUNCTION_CALL_STREAMED):
        yield from accuse_after_attempts(seen, probe, "city_name and unitSystem", _describe_missing_arguments)


def _is_signed(reply: Reply) -> bool:
    """Return whether any part of the answer is signed, either beside the call or inside it."""
    for part in reply.first.parts:
        call = part.get("functionCall")
        inner = isinstance(call, dict) and (call.get("thoughtSignature") or call.get("thought_signature"))
        if part.get("thoughtSignature") or inner:
            return True
    return False


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=_CALLING[:4],
    usable=lambda reply: is_model_answer(reply) and bool(reply.first.calls),
    feature="function-calling",
)
def keeps_thought_signatures(reply: Reply) -> Iterator[Location | NotJudged]:
    """Function calls of a model that signs them arrive with their thought signature.

    Why: Gemini 3 refuses the next turn if the signature of its call does not come back.
    Breaks: the second turn fails with 400 in every client.
    Workaround: none; older models need no signature.
    Source: [Part.thoughtSignature] Gemini 3 and later models sign the first call of a turn, and require the signature
    back.
    """
    if not re.search(r"gemini-([3-9]|\d\d)", reply.exchange.request.path):
        yield NotJudged(Outcome.UNSUPPORTED, "this model requires no signature back")
    elif not _is_signed(reply):
        pointer = "/candidates/0/content/parts/0/thoughtSignature"
        yield Location(reply.id, pointer, "a signature beside the call", "no signature")


# Rules whose finding explains why a first turn cannot be repeated: it is not what the model wrote.
_SPOILT_TURN = (
    "casing/leaves-argument-names-alone",
    _COMPLETE,
    "schema/signatures-stand-beside-what-they-sign",
    "schema/parts-hold-one-thing",
    "semantics/fills-required-arguments",
    "semantics/keeps-thought-signatures",
)


def _can_be_repeated(reply: Reply | None) -> bool:
    """Return whether Google itself would accept the first turn's content as it is."""
    if reply is None:
        return False
    spoiling = (*UNREADABLE, FaultKind.EXTRA, FaultKind.SPELLING)
    broken = any(
        found.fault.wrong in spoiling and "content" in found.fault.keys for found in find_value_faults(reply)
    )
    return not broken and all(role in ("model", None, "") for role in reply.first.roles)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=(ProbeId.FUNCTION_ANSWERED,),
    usable=lambda reply: is_model_answer(reply) or reply.standing is Standing.REQUEST_REFUSED,
    blocked_by=_SPOILT_TURN,
    formerly=("semantics/takes-its-own-words-back",),
)
def accepts_replayed_model_turn(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A model's turn is accepted when it is replayed unchanged.

    Why: a second turn repeats the first verbatim, so ids and signatures must reach the model just as it wrote them.
    Breaks: if signatures or ids are dropped or altered, agents fail at the second turn, in every client.
    Workaround: none.
    Source: [Content] A model's turn is valid in the next request exactly as it came, signatures included.
    """
    if not are_refused(seen.replies):
        return
    last, conversations = seen.replies[-1], seen.of(ProbeId.HISTORY)
    first = next((reply for reply in seen.all if reply.id == last.exchange.first), None)
    if are_refused(conversations):
        reason = f"a conversation without functions is refused too: {describe_reply(conversations[-1])}"
        yield NotJudged(Outcome.BLOCKED, reason)
    elif _can_be_repeated(first):
        yield Location(last.id, "", "an answer to the function's result", describe_reply(last))
    else:
        yield NotJudged(Outcome.BLOCKED, f"{last.probe}: the first turn cannot be repeated as it came")


# Any answer to the question about the weather mentions one of these, even an answer that nothing is known.
_mentions_the_weather = mentions(
    r"weather|paris|temperature|degree|°|sun|rain|cloud|wind|warm|cold|forecast|report|function|tool|result"
    r"|access|real.?time|unable|cannot|can't|don't|sorry"
)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.FUNCTION_ANSWERED,),
    usable=is_model_answer,
    blocked_by=(*_BLOCKERS, "semantics/accepts-replayed-model-turn", *_SPOILT_TURN),
    needs_obedience=True,
    formerly=("semantics/uses-what-the-function-answered",),
)
def uses_function_responses(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The result of a function reaches the model.

    Why: functionResponse is the only way to return a result to the conversation.
    Breaks: agents ignore the result that they were given, and invent one.
    Workaround: repeat the result as text.
    Source: [FunctionResponse.response] The function's result is part of the prompt.
    """
    found = judge_attempts(seen, ProbeId.FUNCTION_ANSWERED, "the function's report", describe_missing_text)
    yield from require_understanding(seen, ProbeId.FUNCTION_ANSWERED, found, _mentions_the_weather)


@_check_calling(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=(ProbeId.NESTED_TOOL,),
    blocked_by=(*_BLOCKERS, "semantics/forces-a-call-in-mode-any", _COMPLETE),
    formerly=("semantics/leaves-functions-what-they-are",),
)
def keeps_declared_function_names(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A function that the caller declares keeps its name, even if it is called WebSearch.

    Why: googleSearch is the built-in tool. A declared function is never turned into a built-in tool, nor renamed; a
    gateway was seen to do that to a function called WebSearch.
    Breaks: the program's own search never runs, and answers end as malformed calls.
    Workaround: give the function a name that no vendor knows.
    Source: [FunctionDeclaration.name] The caller chooses a function's name freely.
    """
    yield from judge_attempts(seen, ProbeId.NESTED_TOOL, "a call of WebSearch", describe_disobedience)
