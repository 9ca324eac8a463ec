"""Errors, the status: what fails says so, what succeeds is 200, and the caller's faults are 4xx."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.catalogue import Ground, NotJudged, Proof, check, check_each
from conformance.judging import required
from conformance.judging.habits import unless_rare
from conformance.judging.refusals import (
    breaks_each_time,
    describe_silence,
    failures,
    says_nothing,
    words,
    works,
    works_throughout,
)
from conformance.judging.traits import settings
from conformance.model import Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing

ACCEPTS_ALL = "errors/refuses-what-is-wrong"
_SIDE_ROUTES = ("count-tokens-", "models-", "listed-name-", ProbeId.PLAIN_ON_V1)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: not reply.streamed,
    usable=lambda reply: reply.is_complete,
    proof=Proof.REFUSAL,
)
def fails_with_the_status_of_an_error(seen: RuleInput) -> Iterator[Location]:
    """A failed request has an HTTP status of 4xx or 5xx, never 200.

    Why: the HTTP status is what tells an error from an answer; after a 200, clients do not look for an error in the
    body.
    Breaks: google-genai, @google/genai, the Vercel AI SDK and the old SDK return an empty answer without an
    exception.
    Workaround: look for an error or a code in each body before handing it to the client.
    Source: [google.rpc.Code] Each code has its HTTP status; every error has a 4xx or a 5xx.
    """
    for reply in failures(seen):
        yield Location(
            reply.id, reply.error.at if reply.error else "", "a status of 4xx or 5xx", words(reply)
        )


def _reshaped(reply: Reply) -> bool:
    named = any(one.kind == "event-field" for one in reply.framed.irregularities)
    return named or bool(reply.error and reply.error.shape != "google")


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.FAULTS,
    select=lambda reply: reply.streamed,
    usable=lambda reply: reply.is_complete,
    blocked_by=("errors/fails-with-the-status-of-an-error",),
    proof=Proof.REFUSAL,
)
def refuses_a_stream_before_it_begins(seen: RuleInput) -> Iterator[Location]:
    """A stream that cannot begin is refused like any other request: with an error status and one plain JSON object.

    Why: until the first chunk there is no stream; Google sends neither events nor a 200 for an error alone.
    Breaks: an error as the only event of a 200 becomes an empty answer without an exception in the Vercel AI SDK and
    in all older SDKs; @google/genai skips one sent as `event: error`; google-genai reads no message from events.
    Workaround: read the first event before handing on the stream, and raise the error yourself.
    Source: [streamGenerateContent: errors] A request that fails before the first chunk gets an error status and one
    plain JSON object.
    """
    for reply in failures(seen):
        # With 200 expected this may be a fault of the moment, which Google reports inside of streams as well.
        level = Level.MUST if reply.expects_refusal or _reshaped(reply) else Level.NOTE
        yield Location(reply.id, "#0", "a status of 4xx or 5xx", words(reply), level)
    for reply in seen.replies:
        if reply.status >= 400 and reply.framed.framing.value == "sse":
            said = "an error as server-sent events"
            yield Location(reply.id, "@0", "one plain JSON object", said, Level.SHOULD)


def _generates(reply: Reply) -> bool:
    return reply.resource.name == "response" and not reply.probe.startswith(_SIDE_ROUTES)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: _generates(reply) and not reply.streamed,
    usable=lambda reply: reply.is_complete,
)
def answers_with_a_body(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A successful answer has a body.

    Why: where there is nothing to say, Google sends an error; a 204 or an empty 200 is neither an answer nor an
    error.
    Breaks: google-genai returns an empty answer, or raises on 204; @google/genai raises a SyntaxError.
    Workaround: treat an empty body as a failure, and ask again.
    Source: [generateContent] A successful answer has a body: the response.
    """
    if says_nothing(seen):
        yield NotJudged(Outcome.INCONCLUSIVE, describe_silence(seen))
        return
    wanted = "a response, or the status of an error"
    bare = [reply for reply in seen.replies if 200 <= reply.status < 300 and reply.kind is ReplyKind.EMPTY]
    told = [
        Location(one.id, "", wanted, words(one))
        for one in bare
        if one.standing is not Standing.ERROR_IN_SUCCESS
    ]
    rare = {reply.id for reply in bare if reply.status == 200}
    yield from (location for location in told if location.exchange not in rare)
    yield from unless_rare((location for location in told if location.exchange in rare), seen.replies)


@check_each(Level.MUST, basis=Basis.RECORDED, usable=lambda reply: reply.ok and reply.is_complete)
def succeeds_with_200(reply: Reply) -> Iterator[Location]:
    """A successful answer has the status 200, and no other 2xx.

    Why: Google's methods use one status for success, and clients compare with it.
    Breaks: google-genai raises an APIError for any other status, with the answer in its text; the JavaScript clients
    read on.
    Workaround: set the status in a proxy.
    Source: [generateContent: status] Every successful answer of these methods has the status 200.
    """
    if reply.status != 200:
        yield Location(reply.id, "", "HTTP 200", f"HTTP {reply.status}")


def _refusals(seen: RuleInput) -> dict[str, tuple[Reply, ...]]:
    """The replies to each question that Google refuses, generated ones left out."""
    probes = {reply.probe for reply in seen.replies if reply.expects_refusal and not reply.exchange.generated}
    return {probe: seen.of(probe) for probe in sorted(probes)}


def _remapped(seen: RuleInput, probe: str, replies: tuple[Reply, ...]) -> Iterator[Location | NotJudged]:
    last = breaks_each_time(seen, probe)
    if last is not None:
        # 501 is what HTTP has for a method that a server does not have at all.
        level = (
            Level.NOTE
            if probe in (ProbeId.UNKNOWN_METHOD, ProbeId.WRONG_VERB) and last.status == 501
            else None
        )
        wanted = " or ".join(str(status) for status in last.exchange.expected_statuses)
        yield Location(
            last.id, "", f"HTTP {wanted}", f"{words(last)} ({len(replies)} of {len(replies)} tries)", level
        )
        return
    steady = "" if works_throughout(seen) else "; the plain question was not answered before and after"
    said = f"{probe}: {words(replies[-1])}, {len(replies)} of 3 tries{steady}"
    yield NotJudged(Outcome.INCONCLUSIVE, said)


@check(Level.SHOULD, basis=Basis.RECORDED, select=lambda reply: reply.expects_refusal, proof=Proof.REFUSAL)
def blames_the_caller_with_4xx(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request that is wrong gets a 4xx, not a 5xx.

    Why: a 5xx says that trying again may help, but a wrong request stays wrong.
    Breaks: every client that retries sends the request again and again: google-genai five times where retries are on.
    Workaround: do not retry a 5xx whose message is about the request.
    Source: [google.rpc.Code] Each code has its HTTP status; every error has a 4xx or a 5xx.
    """
    for probe, replies in _refusals(seen).items():
        if replies and all(reply.status >= 500 for reply in replies):
            yield from _remapped(seen, probe, replies)


# --- what Google refuses, and others take ---


_WITHIN_SETTINGS = (ProbeId.UNKNOWN_NESTED_FIELD, ProbeId.WRONG_TYPE)


def _accepted(seen: RuleInput, probe: str) -> Reply | None:
    """The answer to a wrong request; where generationConfig is not read at all, nothing in it can be refused."""
    if probe in _WITHIN_SETTINGS and settings(seen.all) in ("flat", "neither"):
        return None
    return next((reply for reply in seen.of(probe) if reply.ok and reply.is_complete), None)


_refusing = partial(
    check, usable=lambda reply: reply.is_conclusive, blocked_by=(ACCEPTS_ALL,), proof=Proof.EACH_REFUSAL
)
_CONTROLS = (ProbeId.UNKNOWN_FIELD, ProbeId.UNKNOWN_MODEL, ProbeId.BAD_KEY)


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=_CONTROLS,
    usable=lambda reply: reply.is_conclusive,
    proof=Proof.REFUSAL,
)
def refuses_what_is_wrong(seen: RuleInput) -> Iterator[Location]:
    """Of an unknown field, an unknown model and a nonsense key, at least one is refused.

    Why: a server that accepts all three accepts anything. That it also accepts a correct request then proves nothing,
    so nothing it accepts counts in its favour.
    Breaks: a typing error in a field, a model name or a key looks like success in every client.
    Workaround: check names against Google's reference before sending.
    Source: [google.rpc.Code] A wrong key, a model that does not exist and an unknown field are each refused.
    """
    taken = [_accepted(seen, probe) for probe in _CONTROLS]
    for reply in taken:
        if reply is not None and all(taken):
            yield Location(reply.id, "", "a refusal", f"{reply.probe} is answered with HTTP {reply.status}")


def _taken(seen: RuleInput, *probes: str, noted: tuple[str, ...] = ()) -> Iterator[Location | NotJudged]:
    if not works(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered")
        return
    for probe in (*probes, *noted):
        reply = _accepted(seen, probe)
        if reply is not None:
            level = Level.NOTE if probe in noted else None
            yield Location(reply.id, "", "HTTP 400", f"{probe} is answered with HTTP {reply.status}", level)
        yield from _otherwise(seen, probe)


_KEYS_AND_ROUTES = (401, 402, 403, 404, 405)  # refused for something else than what is wrong with the body


def _otherwise(seen: RuleInput, probe: str) -> Iterator[Location]:
    """A web framework's own 422, say: refused, so that nobody suffers, but not as Google refuses it."""
    for reply in seen.of(probe):
        if reply.is_refusal and reply.status not in (*reply.exchange.expected_statuses, *_KEYS_AND_ROUTES):
            yield Location(reply.id, "", "HTTP 400", words(reply), Level.NOTE)
            return


@_refusing(Level.SHOULD, basis=Basis.RECORDED, probes=(ProbeId.UNKNOWN_FIELD, ProbeId.UNKNOWN_NESTED_FIELD))
def refuses_unknown_fields(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request with a field that does not exist is refused, at the top level and inside settings.

    Why: Google answers 400 with `Unknown name … Cannot find field`. A vendor that drops the field hides typing
    errors, and hides that it does not know an option.
    Breaks: options vanish silently, in every client.
    Workaround: check in the answer that each option took effect.
    Source: [Invalid JSON payload received] Unknown fields, and values that a field cannot hold, are refused with 400.
    """
    yield from _taken(seen, ProbeId.UNKNOWN_FIELD, ProbeId.UNKNOWN_NESTED_FIELD)


@_refusing(Level.SHOULD, basis=Basis.DOCUMENTED, probes=(ProbeId.WRONG_TYPE, ProbeId.WRONG_ENUM))
def refuses_values_of_a_wrong_kind(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A value that its field cannot hold is refused: a word for a number, an enum value that does not exist.

    Why: where an unreadable value is not refused, it is dropped; for a safety setting that matters.
    Breaks: settings are ignored silently, in every client.
    Workaround: check values before sending.
    Source: [Invalid JSON payload received] Unknown fields, and values that a field cannot hold, are refused with 400.
    """
    yield from _taken(seen, ProbeId.WRONG_TYPE, ProbeId.WRONG_ENUM)


@_refusing(Level.SHOULD, basis=Basis.DOCUMENTED, probes=(ProbeId.MALFORMED_JSON,))
def refuses_broken_json(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A body that is not valid JSON is refused.

    Why: a request that breaks off in the middle has lost something, and the server cannot know what.
    Breaks: half a request is answered and billed as if it were the whole.
    Workaround: none needed by clients that send complete requests.
    Source: [Invalid JSON payload received] Unknown fields, and values that a field cannot hold, are refused with 400.
    """
    yield from _taken(seen, ProbeId.MALFORMED_JSON)


@_refusing(Level.SHOULD, basis=Basis.DOCUMENTED, probes=(ProbeId.EMPTY_CONTENTS, ProbeId.BAD_ROLE))
def refuses_contents_without_sense(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request without contents is refused, and so is a turn whose role is neither user nor model.

    Why: Google answers 400: `contents is not specified`, `Please use a valid role: user, model`.
    Breaks: an empty conversation is answered and billed; an unknown role alone hurts no client and is only noted.
    Workaround: check that there is something to ask before asking.
    Source: [GenerateContentRequest.contents] contents is required, and a turn's role is user or model.
    """
    yield from _taken(seen, ProbeId.EMPTY_CONTENTS, noted=(ProbeId.BAD_ROLE,))


# --- models, methods and verbs that do not exist ---


def _telling(seen: RuleInput) -> Iterator[Reply]:
    """Yield the replies without refusals of a question that was refused as is right in another try."""
    right = {reply.probe for reply in seen.replies if reply.status == 404}
    yield from (
        reply
        for reply in seen.replies
        if reply.probe not in right or reply.standing is not Standing.REQUEST_REFUSED
    )


def _unknown_model(reply: Reply) -> tuple[str, Level | None] | None:
    if reply.ok:
        named = (chunk.body.get("modelVersion") for chunk in reply.chunks)
        return f"{words(reply)}, an answer of {next(filter(None, named), 'a model that is not named')}", None
    if reply.status in (404, 405) or not reply.is_refusal:
        return None
    # A key that may not use every model is told so before it is told which models there are.
    return words(reply), Level.NOTE if reply.status in (401, 402, 403) else None


@_refusing(Level.SHOULD, basis=Basis.RECORDED, probes=(ProbeId.UNKNOWN_MODEL, ProbeId.UNKNOWN_MODEL_STREAMED))
def knows_no_model_that_does_not_exist(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A model that does not exist is 404, and no other model answers in its place.

    Why: a 404 tells a client to choose another model. An answer under a name that does not exist must come from a
    model that was not asked for.
    Breaks: clients that fall back to another model on 404 stop at a 400; a misspelt name is billed as whatever model
    answers.
    Workaround: compare names with the list of models before asking.
    Source: [generateContent: 404] A model that does not exist is 404 NOT_FOUND; the message names it and suggests
    ListModels.
    """
    if not works(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered")
        return
    there = {(reply.streamed, reply.alt_sse) for reply in seen.all if reply.ok}
    for reply in _telling(seen):
        # Where nothing is streamed at all, a refusal of a stream says nothing of the model.
        found = _unknown_model(reply) if (reply.streamed, reply.alt_sse) in there else None
        if found:
            yield Location(reply.id, "", "HTTP 404 NOT_FOUND", found[0], found[1])


def _strange(
    seen: RuleInput, expected: str, fine: tuple[int, ...], noted: tuple[int, ...]
) -> Iterator[Location | NotJudged]:
    if not works(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered")
        return
    for reply in _telling(seen):
        # A vendor whose errors have the status 200 throughout is told so once.
        success = 200 <= reply.status < 300 and not reply.ok
        usual = success and any(
            one.standing is Standing.ERROR_IN_SUCCESS and one.kind is reply.kind for one in seen.all
        )
        elsewhere = reply.status in (401, 403) or 300 <= reply.status < 400 or usual
        if reply.status not in fine and not elsewhere:
            level = Level.NOTE if reply.status in noted else None
            yield Location(reply.id, "", expected, words(reply), level)


@_refusing(Level.SHOULD, basis=Basis.INFERRED, probes=(ProbeId.UNKNOWN_METHOD,))
def knows_no_method_that_does_not_exist(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A method that does not exist is 404.

    Why: the method's name follows the colon in the path; a method that is not in the service is not found.
    Breaks: a typing error looks like success where the answer is 2xx; at 400 a client blames its own body.
    Workaround: check the spelling of methods.
    Source: [HTTP rules of the service] A method that is not in the service is not found.
    """
    yield from _strange(seen, "HTTP 404", (404,), (405, 410))


@_refusing(Level.NOTE, basis=Basis.INFERRED, probes=(ProbeId.WRONG_VERB,))
def knows_no_other_verb(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A GET request for generateContent is refused.

    Why: the method is bound to POST.
    Breaks: no client; the vendor's web site often answers there.
    Workaround: none needed.
    Source: [HTTP rules of the service] generateContent is bound to POST alone.
    """
    yield from _strange(seen, "HTTP 404 or 405", (400, 404, 405), ())


_BLOCK_WORDS = (
    "PROHIBITED_CONTENT", "BLOCKLIST", "BLOCK_REASON", "BLOCKREASON", "PROMPT WAS BLOCKED", "PROMPT_BLOCKED",
)  # fmt: skip


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    select=lambda reply: _generates(reply) and not reply.expects_refusal,
    usable=lambda reply: reply.is_conclusive,
    requires=required.BLOCKED,
)
def answers_a_blocked_prompt(reply: Reply) -> Iterator[Location]:
    """A prompt that a filter blocks is answered with 200 and promptFeedback.blockReason, not with an error.

    Why: blocking is an answer, not a failure: promptFeedback holds the reason, and there are no candidates. An error
    counts only where its message uses one of Google's own words for a blocked prompt.
    Breaks: clients report a faulty request instead of the reason, and some ask again.
    Workaround: read the reason in the error's message.
    Source: [PromptFeedback.blockReason] A blocked prompt is answered with 200, a blockReason and no candidates.
    """
    said = (
        reply.error.message.upper().replace(" REASON", "_REASON") if reply.error and reply.is_refusal else ""
    )
    quoting = said.startswith(("INVALID JSON PAYLOAD", "INVALID VALUE AT"))  # of the request itself
    if reply.status not in (401, 403, 404) and not quoting and any(word in said for word in _BLOCK_WORDS):
        yield Location(reply.id, "", "HTTP 200 with promptFeedback.blockReason", words(reply))
