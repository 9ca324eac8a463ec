"""Routes: /v1 beside /v1beta, token counts, models and their names, and what browsers ask first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conformance.catalogue import Ground, NotJudged, Proof, check
from conformance.judging.contents import as_list, read_asked_model
from conformance.judging.refusals import (
    CONTROL_UNANSWERED,
    answers_control,
    describe_reply,
    is_refused_as_unsupported,
)
from conformance.model import JSON, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing

_LISTS_MODELS = "routes/lists-its-models"
_BOTH_METHODS = (ProbeId.PLAIN, ProbeId.PLAIN_STREAMED)
_COUNTED = (ProbeId.COUNT_TOKENS_OF_THE_PLAIN_QUESTION, ProbeId.COUNT_TOKENS_OF_A_LONGER_TEXT)


def _is_missing(reply: Reply) -> bool:
    """Return whether the route does not exist: refused keys, redirects and errors with status 200 are judged by other rules."""
    refused = reply.status >= 400 and reply.standing is not Standing.KEY_REFUSED
    return refused or reply.standing is Standing.FOREIGN


def _locate_missing(seen: RuleInput, expected: str) -> Iterator[Location | NotJudged]:
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return
    for reply in filter(_is_missing, seen.replies):
        yield Location(reply.id, "", expected, describe_reply(reply))


def _is_refused(reply: Reply) -> bool:
    return reply.is_refusal and reply.status != 402


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=_BOTH_METHODS,
    usable=lambda reply: reply.ok or _is_refused(reply),
    proof=Proof.ACCEPTANCE,
)
def answers_by_both_methods(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A question that one of the two methods answers is not refused by the other.

    Why: the unary and the streaming method take the same request, the same model and the same key.
    Breaks: chats and agents stream and batch jobs do not, so one kind of program or the other always fails.
    Workaround: use the method that works.
    Source: [models] generateContent and streamGenerateContent answer the same requests.
    """
    for probe in _BOTH_METHODS:
        attempts = seen.of(probe)
        if attempts and all(map(_is_refused, attempts)) and any(one.ok for one in seen.of(*_BOTH_METHODS)):
            yield Location(
                attempts[-1].id, "", "an answer, as by the other method", describe_reply(attempts[-1])
            )
        elif not any(one.ok for one in attempts):
            yield NotJudged(Outcome.BLOCKED, f"{probe} got no readable answer")


def _answers_or_refuses(reply: Reply) -> bool:
    """Return whether the reply is neither another protocol's answer nor an empty one, which other rules judge."""
    foreign = reply.kind in (ReplyKind.FOREIGN, ReplyKind.EMPTY)
    return reply.is_conclusive and (reply.status >= 300 or not foreign)


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.PLAIN_ON_V1,),
    usable=_answers_or_refuses,
    proof=Proof.ACCEPTANCE,
    defers_to=("envelope/answers-with-a-gemini-object", "errors/answers-with-a-body"),
)
def answers_on_v1(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The methods also exist under /v1.

    Why: Google serves both /v1 and /v1beta.
    Breaks: google-genai 3 and @google/genai 3 call /v1 by default and get 404 for every request.
    Workaround: set the API version to v1beta in the client's HTTP options.
    Source: [API versions] The methods exist under /v1 as well as under /v1beta.
    """
    yield from _locate_missing(seen, "an answer on /v1 as on /v1beta")


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=_COUNTED,
    usable=lambda reply: reply.is_conclusive,
    defers_to=("auth/takes-the-same-key-everywhere",),
)
def counts_tokens(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """countTokens exists and returns totalTokens.

    Why: it tells a client whether a prompt fits before the client pays for it.
    Breaks: gemini-cli, and other programs that compress long conversations. They call `:countTokens`, so a route with a
    slash instead of the colon does not help them.
    Workaround: estimate one token per four letters.
    Source: [models.countTokens] Takes contents or a whole request, and returns totalTokens.
    """
    yield from _locate_missing(seen, "totalTokens")
    for reply in seen.replies:
        if reply.ok and reply.body.get("totalTokens") is None:
            yield Location(reply.id, "/totalTokens", "a number", "null")


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=_COUNTED,
    usable=lambda reply: reply.ok,
    blocked_by=("routes/counts-tokens", "schema/values-have-googles-types"),
)
def counts_more_for_longer_texts(seen: RuleInput) -> Iterator[Location]:
    """countTokens returns more tokens for a longer text.

    Why: a constant is not a count: a text of a hundred numbers must have more tokens than a short question.
    Breaks: clients assume that every prompt fits; the request then fails, or costs more than expected.
    Workaround: estimate one token per four letters.
    Source: [models.countTokens] Takes contents or a whole request, and returns totalTokens.
    """
    counted = [(reply, reply.body.get("totalTokens")) for reply in seen.replies]
    totals = [
        (reply, total) for reply, total in counted if isinstance(total, int) and not isinstance(total, bool)
    ]
    long = [(reply, total) for reply, total in totals if reply.probe == _COUNTED[1]]
    short = [total for reply, total in totals if reply.probe == _COUNTED[0]]
    if not long:
        return
    reply, many = long[-1]
    if many <= 0 or (short and many <= short[-1]):
        observed = f"{many} for a long text" + (f", {short[-1]} for a short one" if short else "")
        yield Location(reply.id, "/totalTokens", "more tokens for a longer text", observed)


def _list_models(reply: Reply) -> list[tuple[int, Mapping[str, JSON]]]:
    """Return the listed models that are objects, with their places in the list."""
    found = as_list(reply.body.get("models"))
    return [(place, entry) for place, entry in enumerate(found) if isinstance(entry, dict)]


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.MODELS_LIST,),
    usable=lambda reply: reply.is_conclusive,
    defers_to=("auth/takes-the-same-key-everywhere",),
)
def lists_its_models(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """GET /v1beta/models lists the vendor's models.

    Why: clients use the list to find out which models they can ask; Google returns `models`, with at least one entry.
    Breaks: model pickers stay empty; a list under `data`, as OpenAI sends it, is not read.
    Workaround: set the model's name by hand.
    Source: [models.list] The list is called `models`; each entry gives its name as `models/{id}` and says what it can do.
    """
    last = seen.replies[-1]
    raw = last.chunks[0].raw if last.chunks else None
    as_openai = isinstance(raw, dict) and isinstance(raw.get("data"), list)
    for found in _locate_missing(seen, "a list `models`"):
        if isinstance(found, Location) and as_openai:
            observed = "a list in OpenAI's form: data instead of models"
            yield Location(found.exchange, "/data", found.expected, observed)
        else:
            yield found
    if last.ok and last.body.get("models") == []:
        yield Location(last.id, "/models", "at least one model", "an empty list")


def _lists_models(reply: Reply) -> bool:
    return reply.ok and bool(_list_models(reply))


_NAME = re.compile(r"(models|tunedModels)/[^/?#\s\x00-\x1f\x7f]+")


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.MODELS_LIST,),
    usable=_lists_models,
    blocked_by=(_LISTS_MODELS,),
)
def names_models_with_their_prefix(seen: RuleInput) -> Iterator[Location]:
    """The name of a listed model is `models/{id}`, with that prefix exactly once.

    Why: clients use the name unchanged: they put it after /v1beta/ in the path.
    Breaks: clients that put the name into the path ask for a path that does not exist, or for models/models/….
    Workaround: take what follows the last slash, and put models/ before it.
    Source: [models.list] The list is called `models`; each entry gives its name as `models/{id}` and says what it can do.
    """
    for reply in seen.replies:
        for place, entry in _list_models(reply):
            name = entry.get("name")
            if name is None or (isinstance(name, str) and not _NAME.fullmatch(name)):
                yield Location(reply.id, f"/models/{place}/name", "models/{id}", repr(name)[:100])


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.MODELS_LIST,),
    usable=_lists_models,
    blocked_by=(_LISTS_MODELS,),
)
def says_what_each_model_can_do(seen: RuleInput) -> Iterator[Location]:
    """Each listed model has supportedGenerationMethods and token limits.

    Why: the methods tell clients which models generate and which only embed; the limits tell them what fits.
    Breaks: pickers show nothing, or models that cannot answer; without limits, clients guess.
    Workaround: keep your own table of models.
    Source: [Model] A model has supportedGenerationMethods, inputTokenLimit and outputTokenLimit.
    """
    for reply in seen.replies:
        models = _list_models(reply)
        at = f"/models/{models[0][0]}"
        observed = f"none in any of {len(models)} models"
        if not any(entry.get("supportedGenerationMethods") for _, entry in models):
            yield Location(reply.id, f"{at}/supportedGenerationMethods", "a list of methods", observed)
        if all(entry.get("inputTokenLimit") in (None, 0) for _, entry in models):
            yield Location(reply.id, f"{at}/inputTokenLimit", "a number", observed, Level.NOTE)


def _is_same_model(name: JSON, model: str) -> bool:
    return isinstance(name, str) and name.rpartition("/")[2] == model.rpartition("/")[2]


@check(
    Level.NOTE,
    basis=Basis.INFERRED,
    probes=(ProbeId.MODELS_LIST,),
    usable=_lists_models,
    blocked_by=(_LISTS_MODELS,),
)
def lists_the_model_under_test(seen: RuleInput) -> Iterator[Location]:
    """The list of models contains the model under test.

    Why: callers choose from the list. A list that continues on further pages is not judged.
    Breaks: a picker does not offer a model that works.
    Workaround: set the model's name by hand.
    Source: [models.list] The list is called `models`; each entry gives its name as `models/{id}` and says what it can do.
    """
    for reply in seen.replies:
        names = [entry.get("name") for _, entry in _list_models(reply)]
        if not reply.body.get("nextPageToken") and not any(
            _is_same_model(name, seen.model) for name in names
        ):
            yield Location(reply.id, "/models", seen.model, f"{len(names)} other models")


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=(ProbeId.LISTED_NAME_1, ProbeId.LISTED_NAME_2, ProbeId.LISTED_NAME_3),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(_LISTS_MODELS, "routes/names-models-with-their-prefix"),
)
def answers_under_listed_names(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A model answers under the name by which it is listed.

    Why: the list says what can be asked. A single model may be out of service or need another kind of request, so
    its refusal is only noted; if none of the listed models answers, the list is useless.
    Breaks: clients that take the name from the list.
    Workaround: use names from the vendor's document.
    Source: [models.list] The list is called `models`; each entry gives its name as `models/{id}` and says what it can do.
    """
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return
    missing = list(filter(_is_missing, seen.replies))
    none_answers = len(missing) == len(seen.replies) > 1
    # A model that refuses text because it takes or makes something else does exist under its name.
    exists = any(map(is_refused_as_unsupported, missing))
    # A first page may list retired models only; those on the next pages were not asked.
    has_more = any(reply.body.get("nextPageToken") for reply in seen.of(ProbeId.MODELS_LIST))
    level = None if none_answers and not exists and not has_more else Level.NOTE
    for reply in missing:
        yield Location(reply.id, "", "an answer under the listed name", describe_reply(reply), level)


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.MODELS_GET,),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(_LISTS_MODELS,),
    defers_to=("auth/takes-the-same-key-everywhere",),
)
def describes_a_model(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Looking up a model by its name returns that model.

    Why: GET /v1beta/models/{model} describes the model that the path names.
    Breaks: clients that look up a model's limits before they ask.
    Workaround: find the model in the list.
    Source: [models.get] Returns the model that the path names.
    """
    yield from _locate_missing(seen, "the model")
    for reply in seen.replies:
        name = reply.body.get("name")
        if reply.ok and isinstance(name, str) and not _is_same_model(name, read_asked_model(reply)):
            yield Location(reply.id, "/name", f"models/{read_asked_model(reply)}", name[:100], Level.NOTE)


_KEY = "x-goog-api-key"


def _admits_the_page(reply: Reply) -> bool:
    """Return whether any page may call, or the one that asked; a vendor that names only its own pages admits no others."""
    sent = {name.lower(): value for name, value in reply.exchange.request.headers}
    origin = (reply.exchange.header("access-control-allow-origin") or "").strip()
    return bool(origin) and origin in ("*", sent.get("origin"))


@check(
    Level.NOTE,
    basis=Basis.INFERRED,
    probes=(ProbeId.PREFLIGHT,),
    usable=lambda reply: reply.is_conclusive,
    proof=Proof.REPLY,
)
def lets_browsers_send_the_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A web page may send the key in x-goog-api-key.

    Why: a browser first asks what it may send, and sends nothing that is not allowed. A vendor that serves no
    browsers at all is only noted; one that serves them but does not allow Google's header shuts Google's client
    out.
    Breaks: @google/genai in a web page.
    Workaround: call the vendor from a server.
    Source: [Fetch standard, CORS] Google's API may be called from a web page, with the key in x-goog-api-key.
    """
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return
    reply = seen.replies[-1]
    allowed = reply.exchange.header("access-control-allow-headers") or ""
    if reply.status >= 300 or not _admits_the_page(reply):
        yield Location(
            reply.id, "", "an Access-Control-Allow-Origin that admits the page", describe_reply(reply)
        )
    elif "*" not in allowed and _KEY not in [name.strip() for name in allowed.lower().split(",")]:
        expected = f"{_KEY} among the allowed headers"
        yield Location(reply.id, "", expected, allowed[:160] or "none", Level.SHOULD)
