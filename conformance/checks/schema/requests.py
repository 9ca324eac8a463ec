"""Valid requests: each is accepted as it is, without anything that Google does not ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.catalogue import Ground, NotJudged, Proof, check, is_documented
from conformance.judging.attempts import was_obeyed
from conformance.judging.refusals import (
    CONTROL_UNANSWERED,
    answers_control,
    are_refused,
    describe_reply,
    is_refused_as_unsupported,
    iterate_texts,
    read_error_json,
)
from conformance.model import Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing


def _is_judgeable(reply: Reply) -> bool:
    return reply.ok or reply.standing is Standing.REQUEST_REFUSED


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: reply.probe == ProbeId.PLAIN or is_documented(reply),
    usable=_is_judgeable,
)
def needs_no_fields_of_its_own(seen: RuleInput) -> Iterator[Location]:
    """A request needs no members that Google does not ask for.

    Why: the path names the model, and the method says whether to stream; a body has neither stream nor model.
    Breaks: Google's SDKs do not send such members, so every request of theirs is refused.
    Workaround: add the members that the vendor documents before sending.
    Source: [GenerateContentRequest] contents is the only required member of the body; the path names the model and
    the method.
    """
    plain = [reply for reply in seen.replies if reply.probe == ProbeId.PLAIN]
    own = next((reply for reply in seen.replies if reply.probe != ProbeId.PLAIN and reply.ok), None)
    if are_refused(plain) and (own or _wants_foreign_member(plain[-1])):
        hint = f"; the vendor's own form ({own.probe}) is answered" if own else ""
        yield Location(plain[-1].id, "", "an answer to contents alone", f"{describe_reply(plain[-1])}{hint}")


_LACKS = re.compile(r"\b(missing|required|must (have|contain|include|specify))\b", re.IGNORECASE)
# The members that the bodies of OpenAI's APIs require; at Google, the path names the model and the method.
_FOREIGN = re.compile(r"\b(model|stream|messages|prompt|input)\b", re.IGNORECASE)
# Refusals that are not about the body, but about keys, bills and places.
_OF_CALLERS = re.compile(
    r"key|token|credential|auth|header|\b(plan|tier|billing|paid|payment|balance|credits?|quota|subscri\w+|account"
    r"|region|country|location)\b",
    re.IGNORECASE,
)


def _wants_foreign_member(reply: Reply) -> bool:
    """Return whether the refusal says that a member is missing which Google's body does not need.

    This is read from its words, for a vendor whose own form is not known: no member of the error says it.
    """
    said = " ".join(iterate_texts(read_error_json(reply)))
    return bool(_LACKS.search(said) and _FOREIGN.search(said) and not _OF_CALLERS.search(said))


_ORDINARY = (
    ProbeId.EVERY_SETTING,
    ProbeId.SYSTEM_INSTRUCTION,
    ProbeId.HISTORY,
    ProbeId.STOP_SEQUENCE,
    ProbeId.LIMIT_OF_FIVE,
)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=(ProbeId.PLAIN, *_ORDINARY),
    usable=_is_judgeable,
    blocked_by=("schema/needs-no-fields-of-its-own",),
    proof=Proof.ACCEPTANCE,
)
def accepts_valid_requests(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Ordinary valid requests are answered, not refused.

    Why: settings, safety settings, system instructions and histories are part of everyday use of the API.
    Breaks: in every client, whole requests fail with an error that blames the caller.
    Workaround: leave out what the message names.
    Source: [GenerateContentRequest] Settings within their ranges, a system instruction and several turns are valid.
    """
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return
    for probe in _ORDINARY:
        replies = [reply for reply in seen.replies if reply.probe == probe]
        if not are_refused(replies):
            continue
        last = replies[-1]
        # Of the settings only those for safety are a feature that a vendor may lack.
        optional = (
            probe != ProbeId.EVERY_SETTING
            or "safety" in " ".join(iterate_texts(read_error_json(last))).lower()
        )
        if is_refused_as_unsupported(last) and optional:
            yield NotJudged(Outcome.UNSUPPORTED, f"{probe}: {describe_reply(last)}")
        else:
            yield Location(last.id, "", "an answer", describe_reply(last))


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=(ProbeId.NESTED_TOOL,),
    usable=_is_judgeable,
    feature="function-calling",
)
def accepts_nested_parameters(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A function may declare parameters that are nested objects, lists and enums.

    Why: parameters are a Schema, which may be nested; agents' tools use such parameters every day.
    Breaks: the whole request is refused, in every client that declares such a tool.
    Workaround: flatten the parameters, or describe them in words.
    Source: [Schema] A parameter may be an object, a list or an enum, nested to any depth.
    """
    if not was_obeyed(seen, ProbeId.FUNCTION_CALL_FORCED):
        yield NotJudged(Outcome.BLOCKED, "no function is called in mode ANY even with plain parameters")
    elif are_refused(seen.replies):
        yield Location(seen.replies[-1].id, "", "an answer", describe_reply(seen.replies[-1]))
