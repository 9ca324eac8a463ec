"""Requests that Google refuses and others accept: faulty ones, and those for models, methods and verbs that do not exist."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.catalogue import NotJudged, Proof, check
from conformance.judging.refusals import CONTROL_UNANSWERED, answers_control, describe_reply
from conformance.judging.traits import observe_settings
from conformance.model import Basis, Level, Location
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing

_WITHIN_SETTINGS = (
    ProbeId.UNKNOWN_NESTED_FIELD,
    ProbeId.WRONG_TYPE,
)  # where the fault is within generationConfig
_SETTINGS = ("casing/reads-settings-from-generation-config",)
_STATUS = ("errors/fails-with-the-status-of-an-error",)


def _find_acceptance(seen: RuleInput, probe: str) -> Reply | None:
    """Return the answer to a faulty request; None too if the fault is in generationConfig, and that is not read."""
    if probe in _WITHIN_SETTINGS and observe_settings(seen.all) in ("flat", "neither"):
        return None
    return next((reply for reply in seen.of(probe) if reply.ok and reply.is_complete), None)


_CONTROLS = (ProbeId.UNKNOWN_FIELD, ProbeId.UNKNOWN_MODEL, ProbeId.BAD_KEY)


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=_CONTROLS,
    usable=lambda reply: reply.is_conclusive,
    proof=Proof.REFUSAL,
)
def refuses_what_is_wrong(seen: RuleInput) -> Iterator[Location]:
    """At least one of an unknown field, an unknown model and a nonsense key is refused.

    Why: a server that accepts all three accepts anything. That it also accepts a correct request then proves nothing,
    so nothing it accepts counts in its favour.
    Breaks: a typing error in a field, a model name or a key looks like success in every client.
    Workaround: check names against Google's reference before sending.
    Source: [code.proto] There are codes for a wrong key, for a model that does not exist and for an unknown field.
    """
    accepted = [reply for probe in _CONTROLS if (reply := _find_acceptance(seen, probe))]
    for reply in accepted if len(accepted) == len(_CONTROLS) else ():
        yield Location(reply.id, "", "a refusal", f"{reply.probe} is answered with HTTP {reply.status}")


_check_refusal = partial(
    check,
    usable=lambda reply: reply.is_conclusive,
    blocked_by=("errors/refuses-what-is-wrong",),
    proof=Proof.EACH_REFUSAL,
)


_OF_KEYS_AND_ROUTES = (401, 402, 403, 404, 405)


def _find_unrefused(
    seen: RuleInput, *probes: str, noted: tuple[str, ...] = ()
) -> Iterator[Location | NotJudged]:
    """Yield the answers to faulty requests, and as notes refusals with another status than Google's."""
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return
    for probe in (*probes, *noted):
        accepted = _find_acceptance(seen, probe)
        if accepted is not None:
            level = Level.NOTE if probe in noted else None
            said = f"{probe} is answered with HTTP {accepted.status}"
            yield Location(accepted.id, "", "HTTP 400", said, level)
        for reply in seen.of(probe):
            # For example a web framework's own 422, which hurts no client.
            right = (*reply.exchange.expected_statuses, *_OF_KEYS_AND_ROUTES)
            if reply.is_refusal and reply.status not in right:
                yield Location(reply.id, "", "HTTP 400", describe_reply(reply), Level.NOTE)
                break


@_check_refusal(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.UNKNOWN_FIELD, ProbeId.UNKNOWN_NESTED_FIELD),
    defers_to=_SETTINGS,
)
def refuses_unknown_fields(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request with a field that does not exist is refused, at the top level and inside settings.

    Why: Google answers 400 with `Unknown name … Cannot find field`. A vendor that drops the field hides typing
    errors, and hides that it does not know an option.
    Breaks: options vanish silently, in every client.
    Workaround: check in the answer that each option took effect.
    Source: [error codes] Unknown fields, and values that a field cannot hold, are refused with 400.
    """
    yield from _find_unrefused(seen, ProbeId.UNKNOWN_FIELD, ProbeId.UNKNOWN_NESTED_FIELD)


@_check_refusal(
    Level.SHOULD, basis=Basis.DOCUMENTED, probes=(ProbeId.WRONG_TYPE, ProbeId.WRONG_ENUM), defers_to=_SETTINGS
)
def refuses_values_of_a_wrong_kind(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A value that its field cannot hold, such as a word for a number or an unknown enum value, is refused.

    Why: an unreadable value that is not refused is dropped; for a safety setting that matters.
    Breaks: settings are ignored silently, in every client.
    Workaround: check values before sending.
    Source: [error codes] Unknown fields, and values that a field cannot hold, are refused with 400.
    """
    yield from _find_unrefused(seen, ProbeId.WRONG_TYPE, ProbeId.WRONG_ENUM)


@_check_refusal(Level.SHOULD, basis=Basis.DOCUMENTED, probes=(ProbeId.MALFORMED_JSON,))
def refuses_broken_json(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A body that is not valid JSON is refused.

    Why: a request that breaks off in the middle has lost something, and the server cannot know what.
    Breaks: half a request is answered and billed as if it were the whole.
    Workaround: none needed by clients that send complete requests.
    Source: [error codes] Unknown fields, and values that a field cannot hold, are refused with 400.
    """
    yield from _find_unrefused(seen, ProbeId.MALFORMED_JSON)


@_check_refusal(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.EMPTY_CONTENTS, ProbeId.BAD_ROLE),
    formerly=("errors/refuses-contents-without-sense",),
)
def refuses_empty_contents_and_unknown_roles(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request without contents is refused, and so is a turn whose role is neither user nor model.

    Why: Google answers 400: `contents is not specified`, `Please use a valid role: user, model`.
    Breaks: an empty conversation is answered and billed; an unknown role alone hurts no client and is only noted.
    Workaround: check before sending that contents is not empty.
    Source: [GenerateContentRequest.contents] contents is required, and a turn's role is user or model.
    """
    yield from _find_unrefused(seen, ProbeId.EMPTY_CONTENTS, noted=(ProbeId.BAD_ROLE,))


def _select_telling(seen: RuleInput) -> list[Reply]:
    """Return the replies, but not the other refusals of a question that was once refused rightly, with 404."""
    right = {reply.probe for reply in seen.replies if reply.status == 404}
    return [
        reply
        for reply in seen.replies
        if reply.probe not in right or reply.standing is not Standing.REQUEST_REFUSED
    ]


@_check_refusal(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.UNKNOWN_MODEL, ProbeId.UNKNOWN_MODEL_STREAMED),
    formerly=("errors/knows-no-model-that-does-not-exist",),
)
def refuses_unknown_models(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request for a model that does not exist gets a 404, and no answer from another model.

    Why: a 404 tells a client to choose another model. An answer under a name that does not exist must come from a
    model that was not asked for.
    Breaks: clients that fall back to another model on 404 stop at a 400; a misspelt name is billed as whatever model
    answers.
    Workaround: compare names with the list of models before asking.
    Source: [generateContent] A model that does not exist gets 404 NOT_FOUND, with a message that names it and suggests
    ListModels.
    """
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return
    answered = {(reply.streamed, reply.alt_sse) for reply in seen.all if reply.ok}
    for reply in _select_telling(seen):
        if (reply.streamed, reply.alt_sse) not in answered:
            continue  # if nothing is streamed at all, a refused stream shows nothing about the model
        if reply.ok:
            named = (chunk.body.get("modelVersion") for chunk in reply.chunks)
            said = f"{describe_reply(reply)}, an answer of {next(filter(None, named), 'a model that is not named')}"
            yield Location(reply.id, "", "HTTP 404 NOT_FOUND", said)
        elif reply.is_refusal and reply.status not in (404, 405):
            # A key that may not use every model is refused before the model is looked up.
            level = Level.NOTE if reply.standing is Standing.KEY_REFUSED else None
            yield Location(reply.id, "", "HTTP 404 NOT_FOUND", describe_reply(reply), level)


def _find_other_statuses(
    seen: RuleInput, expected: str, right: tuple[int, ...], noted: tuple[int, ...] = ()
) -> Iterator[Location | NotJudged]:
    """Yield the replies with another status, except refused keys, redirects, and errors that all have the status 200."""
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return
    failures = {one.kind for one in seen.all if one.standing is Standing.ERROR_IN_SUCCESS}
    for reply in _select_telling(seen):
        usual = reply.is_success and not reply.ok and reply.kind in failures
        elsewhere = reply.status in (401, 403) or 300 <= reply.status < 400 or usual
        if reply.status not in right and not elsewhere:
            level = Level.NOTE if reply.status in noted else None
            yield Location(reply.id, "", expected, describe_reply(reply), level)


@_check_refusal(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=(ProbeId.UNKNOWN_METHOD,),
    defers_to=_STATUS,
    formerly=("errors/knows-no-method-that-does-not-exist",),
)
def refuses_unknown_methods(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request for a method that does not exist gets a 404.

    Why: the method's name follows the colon in the path; a method that is not in the service is not found.
    Breaks: a typing error looks like success if the answer is 2xx; after a 400, users look for the fault in the body.
    Workaround: check the spelling of methods.
    Source: [generative_service.proto] A method that is not in the service is not found.
    """
    yield from _find_other_statuses(seen, "HTTP 404", (404,), (405, 410))


@_check_refusal(
    Level.NOTE,
    basis=Basis.INFERRED,
    probes=(ProbeId.WRONG_VERB,),
    defers_to=_STATUS,
    formerly=("errors/knows-no-other-verb",),
)
def refuses_other_http_methods(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A GET request for generateContent is refused.

    Why: the method is bound to POST.
    Breaks: no client; the vendor's web site often answers there.
    Workaround: none needed.
    Source: [generative_service.proto] generateContent is bound to POST alone.
    """
    yield from _find_other_statuses(seen, "HTTP 404 or 405", (400, 404, 405))
