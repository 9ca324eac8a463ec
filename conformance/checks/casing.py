"""Casing: the spelling of names in answers, and which spellings of a request take effect."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import NotJudged, RequiredContent, check, check_each
from conformance.judging import required
from conformance.judging.attempts import excuse_wavering_model, judge_obedience, was_obeyed
from conformance.judging.contents import is_answered, is_model_answer
from conformance.judging.endings import keeps_limit_of_five
from conformance.judging.expectations import Fulfilment, check_obedience
from conformance.judging.refusals import describe_reply, is_refused_as_unsupported
from conformance.judging.traits import observe_settings
from conformance.model import Basis, Level, Location, Outcome
from conformance.names import fold
from conformance.probe_ids import ProbeId
from conformance.reading.names import Respelling
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing

# A caller that misses one of these names loses the text, the finish reason, the token counts or a call.
_ESSENTIAL = {
    "candidates", "content", "parts", "finishReason", "usageMetadata", "promptTokenCount", "candidatesTokenCount",
    "totalTokenCount", "thoughtsTokenCount", "functionCall", "inlineData", "mimeType", "thoughtSignature",
    "promptFeedback", "blockReason", "totalTokens", "text", "name", "args",
}  # fmt: skip


_ARGUMENTS = ("city_name", "unitSystem")  # the arguments that the questions' functions declare


def _list_respellings(reply: Reply) -> Iterator[tuple[str, Respelling]]:
    """Yield each name that is spelled in another way than Google's, with its place."""
    for chunk in reply.chunks:
        for respelling in chunk.unwrapped.respellings if chunk.unwrapped else ():
            yield reply.at(chunk, respelling.pointer), respelling


def _holds_long_name(reply: Reply) -> bool:
    """Return whether the answer holds a name of several words: others are spelled alike in every casing."""
    found = [chunk.unwrapped for chunk in reply.chunks if chunk.unwrapped]
    return any(one.camel_case_names or one.respellings for one in found)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=is_answered,
    trait="response-casing",
    requires=RequiredContent("no answer contains a name of several words", _holds_long_name),
)
def answers_in_camel_case(reply: Reply) -> Iterator[Location]:
    """Every name in an answer is spelled in lowerCamelCase.

    Why: Google answers in ProtoJSON, which spells names in lowerCamelCase at every depth.
    Breaks: clients look for the lowerCamelCase names, find nothing and raise nothing: Google's SDKs and the Vercel
    AI SDK lose the finish reason and the usage, and most clients lose function calls.
    Workaround: rename the members to lowerCamelCase before the client reads the answer.
    Source: [ProtoJSON, field names] Answers spell every name in lowerCamelCase.
    """
    for pointer, name in _list_respellings(reply):
        if not name.is_double:
            level = Level.MUST if name.canonical in _ESSENTIAL else Level.SHOULD
            yield Location(reply.id, pointer, name.canonical, f"{name.found} ({name.style})", level)


@check_each(Level.NOTE, basis=Basis.RECORDED, usable=is_answered)
def spells_each_name_once(reply: Reply) -> Iterator[Location]:
    """Every name in an answer appears in one spelling only.

    Why: Google writes each member once; a second spelling may drift from the first.
    Breaks: no client that was measured; code that reads both spellings may get two different values.
    Workaround: read the lowerCamelCase member and ignore the other one.
    Source: [ProtoJSON, field names] Answers spell every name in lowerCamelCase.
    """
    for pointer, name in _list_respellings(reply):
        if name.is_double:
            observed = f"{name.found} beside {name.canonical}"
            yield Location(reply.id, pointer, f"{name.canonical} alone", observed)


def _is_refused(reply: Reply) -> bool:
    return reply.standing is Standing.REQUEST_REFUSED


def _is_answered_or_refused(reply: Reply) -> bool:
    return reply.ok or _is_refused(reply)


def _locate_refusal(seen: RuleInput, probe: str, expected: str) -> Iterator[Location]:
    """Yield the last reply to a question all of whose attempts were refused."""
    replies = seen.of(probe)
    if replies and all(map(_is_refused, replies)):
        yield Location(replies[-1].id, "", expected, describe_reply(replies[-1]))


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.LIMIT_OF_FIVE, ProbeId.STOP_SEQUENCE, ProbeId.FLAT_SETTINGS),
    usable=_is_answered_or_refused,
    needs_obedience=True,
    trait="settings",
)
def reads_settings_from_generation_config(seen: RuleInput) -> Iterator[Location]:
    """Settings inside generationConfig take effect.

    Why: generationConfig is the only place where Google reads limits, stop sequences and sampling settings.
    Breaks: every SDK sends its settings there; a vendor that reads them only at the top level ignores them all, so
    answers run on and are billed.
    Workaround: also send the settings at the top level, spelled as the vendor documents them.
    Source: [GenerateContentRequest.generationConfig] Every setting belongs in generationConfig, and none at the top level.
    """
    if observe_settings(seen.all) not in ("flat", "neither"):
        return
    flat = any(reply.ok and keeps_limit_of_five(reply) for reply in seen.of(ProbeId.FLAT_SETTINGS))
    last = seen.last(ProbeId.LIMIT_OF_FIVE)
    if flat and last is not None:
        pointer = "/generationConfig/maxOutputTokens"
        yield Location(
            last.id, pointer, "a limit in generationConfig takes effect", "only settings at the top level do"
        )


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.SNAKE_CASE_REQUEST, ProbeId.SNAKE_CASE_SETTINGS),
    usable=_is_answered_or_refused,
    blocked_by=("casing/reads-settings-from-generation-config",),
    needs_obedience=True,
    trait="request-casing",
)
def accepts_snake_case_requests(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request in snake_case means the same as one in lowerCamelCase.

    Why: at every depth, ProtoJSON parsers accept the name from the proto file as well as its lowerCamelCase form,
    and Google's own examples use both.
    Breaks: settings and system instructions in snake_case are silently dropped; google-genai for Python sends some
    names in snake_case.
    Workaround: send lowerCamelCase only.
    Source: [ProtoJSON, parsing] Requests may spell a name in lowerCamelCase or as the proto file does, in
    snake_case.
    """
    for probe, twin in (
        (ProbeId.SNAKE_CASE_REQUEST, ProbeId.SYSTEM_INSTRUCTION),
        (ProbeId.SNAKE_CASE_SETTINGS, ProbeId.LIMIT_OF_FIVE),
    ):
        twin_is_refused = any(map(_is_refused, seen.of(twin)))
        refusals = (
            [] if twin_is_refused else list(_locate_refusal(seen, probe, "a snake_case request is accepted"))
        )
        yield from refusals
        if not refusals and was_obeyed(seen, twin):
            found = judge_obedience(
                seen, probe, "a snake_case request takes effect like its lowerCamelCase twin"
            )
            yield from excuse_wavering_model(seen, twin, found)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.MIXED_CASING_REQUEST,),
    usable=_is_answered_or_refused,
    blocked_by=("casing/accepts-snake-case-requests",),
    needs_obedience=True,
    feature="function-calling",
)
def accepts_the_mixed_casing_of_clients(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request that mixes snake_case and lowerCamelCase, as google-genai for Python sends it, takes full effect.

    Why: ProtoJSON parsers accept either spelling of each name, so a mixture is as valid as either one alone.
    Breaks: google-genai for Python sends parameters_json_schema, include_thoughts and mime_type inside
    lowerCamelCase objects; tools lose their parameters and images vanish.
    Workaround: rename the members to lowerCamelCase before the request is sent.
    Source: [ProtoJSON, parsing] Requests may spell a name in lowerCamelCase or as the proto file does, in
    snake_case.
    """
    if not was_obeyed(seen, ProbeId.FUNCTION_CALL_FORCED) or not was_obeyed(seen, ProbeId.FUNCTION_CALL):
        return  # the fault is not in the casing
    last = seen.last(ProbeId.MIXED_CASING_REQUEST)
    if last and _lacks_thinking(seen, last):
        yield NotJudged(Outcome.UNSUPPORTED, f"{last.probe}: {describe_reply(last)}")
        return
    yield from _locate_refusal(seen, ProbeId.MIXED_CASING_REQUEST, "mixed casing is accepted")
    found = judge_obedience(
        seen, ProbeId.MIXED_CASING_REQUEST, "the tool's parameters_json_schema reaches the model"
    )
    yield from excuse_wavering_model(seen, ProbeId.FUNCTION_CALL_FORCED, found)


def _lacks_thinking(seen: RuleInput, mixed: Reply) -> bool:
    """Return whether the vendor refuses the question's thinkingConfig, which it takes in no spelling."""
    asked = seen.of(ProbeId.THINKING, ProbeId.NO_THINKING)
    same_error = mixed.error and any(one.error and one.error.message == mixed.error.message for one in asked)
    names_it = is_refused_as_unsupported(mixed) and not any(reply.ok for reply in asked)
    return _is_refused(mixed) and bool(same_error or names_it)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.FUNCTION_CALL, ProbeId.FUNCTION_CALL_STREAMED, ProbeId.TWO_CALLS_IN_ONE_TURN),
    usable=is_model_answer,
    feature="function-calling",
    requires=required.A_CALL,
)
def leaves_argument_names_alone(reply: Reply) -> Iterator[Location]:
    """A function call returns argument names exactly as they were declared.

    Why: args is a free-form Struct; its keys are the caller's data, and no casing rule applies to them.
    Breaks: the tool call fails in every client, because the declared parameter is missing.
    Workaround: map the argument names back before the tool is called.
    Source: [FunctionCall.args] Arguments are the caller's own names, returned as they were declared.
    """
    if check_obedience(reply).verdict not in (Fulfilment.MET, Fulfilment.UNMET):
        return
    declared = {fold(name) for name in _ARGUMENTS}
    for number, call in enumerate(reply.first.calls):
        args = call.get("args")
        for name in args if isinstance(args, dict) else ():
            if name not in _ARGUMENTS and fold(name) in declared:
                pointer = f"/candidates/0/content/parts/{number}/functionCall/args/{name}"
                yield Location(reply.id, pointer, "city_name and unitSystem, as declared", name)
