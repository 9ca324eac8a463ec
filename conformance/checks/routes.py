"""Routes: /v1 beside /v1beta, token counts, models and their names, and what browsers ask first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conformance.catalogue import Ground, NotJudged, Proof, check
from conformance.judging.contents import as_list, asked_model, lacking
from conformance.judging.refusals import words, works
from conformance.model import JSON, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing
from conformance.sources import google

_MODELS = google("models.list", "The list is `models`, each with its name `models/{id}` and what it can do.")
_COUNT = google("models.countTokens", "Takes contents or a whole request, and answers totalTokens.")
LISTS = "routes/lists-its-models"
PREFIX = "routes/names-models-with-their-prefix"
COUNTS = "routes/counts-tokens"
_COUNTED = (ProbeId.COUNT_TOKENS_OF_THE_PLAIN_QUESTION, ProbeId.COUNT_TOKENS_OF_A_LONGER_TEXT)


def _absent(reply: Reply) -> bool:
    """The route is not there: keys, redirects and errors with 200 are other rules' business."""
    refused = reply.status >= 400 and reply.status not in (401, 402, 403)
    odd = 200 <= reply.status < 300 and not reply.ok and reply.standing is not Standing.ERROR_IN_SUCCESS
    return refused or odd


def _missing(seen: RuleInput, expected: str) -> Iterator[Location | NotJudged]:
    if not works(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered")
        return
    for reply in seen.replies:
        if _absent(reply):
            yield Location(reply.id, "", expected, words(reply))


_BOTH = (ProbeId.PLAIN, ProbeId.PLAIN_STREAMED)


def _closed(reply: Reply) -> bool:
    return reply.is_refusal and reply.status != 402


@check(
    Level.MUST,
    google("models", "generateContent and streamGenerateContent answer the same requests."),
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=_BOTH,
    usable=lambda reply: reply.ok or _closed(reply),
    proof=Proof.ACCEPTANCE,
)
def answers_by_both_methods(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A question that one of the two methods answers is not refused by the other.

    Why: the unary and the streaming method take the same request, the same model and the same key.
    Breaks: chats and agents stream, batch jobs do not: all requests of one kind are refused.
    Workaround: use the method that works.
    """
    for probe in _BOTH:
        tries = seen.of(probe)
        other = any(one.ok for one in seen.of(*_BOTH))
        if tries and other and all(map(_closed, tries)):
            yield Location(tries[-1].id, "", "an answer, as by the other method", words(tries[-1]))
        elif not any(one.ok for one in tries):
            yield NotJudged(Outcome.BLOCKED, f"{probe} got no readable answer")


def _v1(reply: Reply) -> bool:
    """Another protocol's answer on /v1 is the envelope's business, an empty one that of errors."""
    return reply.is_conclusive and (
        reply.ok or reply.status >= 300 or reply.kind.value in ("html", "unreadable", "error")
    )


@check(
    Level.SHOULD,
    google("/v1", "The methods stand under /v1 as well as under /v1beta."),
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.PLAIN_ON_V1,),
    usable=_v1,
    proof=Proof.ACCEPTANCE,
)
def answers_on_v1(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The methods also exist under /v1.

    Why: Google serves both /v1 and /v1beta.
    Breaks: google-genai 3 and @google/genai 3 call /v1 by default and get 404 for every request.
    Workaround: set the API version to v1beta in the client's HTTP options.
    """
    yield from _missing(seen, "an answer on /v1 as on /v1beta")


@check(Level.SHOULD, _COUNT, basis=Basis.RECORDED, probes=_COUNTED, usable=lambda reply: reply.is_conclusive)
def counts_tokens(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """countTokens exists and returns totalTokens.

    Why: it tells a client whether a prompt fits before the client pays for it.
    Breaks: gemini-cli, and whatever compresses long conversations. They call `:countTokens`, so a route with a
    slash instead of the colon does not help them.
    Workaround: estimate one token per four letters.
    """
    yield from _missing(seen, "totalTokens")
    for reply in seen.replies:
        if reply.ok and reply.body.get("totalTokens") is None:
            yield Location(reply.id, "/totalTokens", "a number", "null")


def _total(seen: RuleInput, probe: str) -> tuple[Reply, int] | None:
    for reply in reversed(seen.of(probe)):
        value = reply.body.get("totalTokens")
        if reply.ok and isinstance(value, int) and not isinstance(value, bool):
            return reply, value
    return None


@check(
    Level.SHOULD,
    _COUNT,
    basis=Basis.INFERRED,
    probes=_COUNTED,
    usable=lambda reply: reply.ok,
    blocked_by=(COUNTS, "schema/values-have-googles-types"),
)
def counts_more_for_longer_texts(seen: RuleInput) -> Iterator[Location]:
    """countTokens counts more tokens for a text of a hundred numbers than for a short question.

    Why: a constant is not a count.
    Breaks: clients believe that everything fits, and fail or pay later.
    Workaround: estimate one token per four letters.
    """
    short, long = (_total(seen, probe) for probe in _COUNTED)
    if long is None:
        return
    reply, many = long
    few = short[1] if short else 0
    if many <= 0 or (short is not None and many <= few):
        said = f"{many} for a long text" + (f", {few} for a short one" if short else "")
        yield Location(reply.id, "/totalTokens", "more tokens for a longer text", said)


def _models(reply: Reply) -> list[tuple[int, Mapping[str, JSON]]]:
    found = as_list(reply.body.get("models"))
    return [(place, entry) for place, entry in enumerate(found) if isinstance(entry, dict)]


def _openai(reply: Reply) -> bool:
    raw = reply.chunks[0].raw if reply.chunks else None
    return isinstance(raw, dict) and isinstance(raw.get("data"), list)


@check(
    Level.SHOULD,
    _MODELS,
    basis=Basis.RECORDED,
    probes=(ProbeId.MODELS_LIST,),
    usable=lambda reply: reply.is_conclusive,
)
def lists_its_models(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The models can be listed as Google lists them.

    Why: GET /v1beta/models returns `models`, with at least one entry.
    Breaks: model pickers stay empty; a list under `data`, as OpenAI sends it, is not read.
    Workaround: set the model's name by hand.
    """
    for found in _missing(seen, "a list `models`"):
        openai = isinstance(found, Location) and _openai(seen.replies[-1])
        if openai and isinstance(found, Location):
            yield Location(
                found.exchange, "/data", found.expected, "a list of OpenAI's kind: data instead of models"
            )
        else:
            yield found
    last = seen.replies[-1]
    if last.ok and isinstance(last.body.get("models"), list) and not last.body["models"]:
        yield Location(last.id, "/models", "at least one model", "an empty list")


_NAME = re.compile(r"(models|tunedModels)/[^/?#\s\x00-\x1f\x7f]+")


def _listed(reply: Reply) -> bool:
    return reply.ok and bool(_models(reply))


@check(
    Level.SHOULD,
    _MODELS,
    basis=Basis.RECORDED,
    probes=(ProbeId.MODELS_LIST,),
    usable=_listed,
    blocked_by=(LISTS,),
)
def names_models_with_their_prefix(seen: RuleInput) -> Iterator[Location]:
    """The name of a listed model is `models/{id}`, with that prefix exactly once.

    Why: a name is used as it stands: it follows /v1beta/ in the path.
    Breaks: clients that put the name into the path ask for a path that does not exist, or for models/models/….
    Workaround: take what follows the last slash, and put models/ before it.
    """
    for reply in seen.replies:
        for place, entry in _models(reply):
            name = entry.get("name")
            if name is None or (isinstance(name, str) and not _NAME.fullmatch(name)):
                yield Location(reply.id, f"/models/{place}/name", "models/{id}", repr(name)[:100])


@check(
    Level.SHOULD,
    _MODELS,
    basis=Basis.RECORDED,
    probes=(ProbeId.MODELS_LIST,),
    usable=_listed,
    blocked_by=(LISTS,),
)
def says_what_each_model_can_do(seen: RuleInput) -> Iterator[Location]:
    """Each listed model has supportedGenerationMethods and token limits.

    Why: the methods tell clients which models generate and which only embed; the limits tell them what fits.
    Breaks: pickers show nothing, or models that cannot answer; without limits, clients guess.
    Workaround: keep your own table of models.
    """
    for reply in seen.replies:
        several = _models(reply)
        mute = [place for place, entry in several if not entry.get("supportedGenerationMethods")]
        if len(mute) == len(several):
            at = f"/models/{mute[0]}/supportedGenerationMethods"
            yield Location(reply.id, at, "a list of methods", f"none in any of {len(several)} models")
        boundless = [place for place, entry in several if entry.get("inputTokenLimit") in (None, 0)]
        if len(boundless) == len(several):
            yield Location(
                reply.id,
                f"/models/{boundless[0]}/inputTokenLimit",
                "a number",
                "none in any model",
                Level.NOTE,
            )


def _same_model(name: JSON, model: str) -> bool:
    return isinstance(name, str) and name.rpartition("/")[2] == model.rpartition("/")[2]


@check(
    Level.NOTE,
    _MODELS,
    basis=Basis.INFERRED,
    probes=(ProbeId.MODELS_LIST,),
    usable=_listed,
    blocked_by=(LISTS,),
)
def lists_the_model_under_test(seen: RuleInput) -> Iterator[Location]:
    """The list of models contains the model under test.

    Why: callers choose from the list. A list that goes on over several pages is not judged.
    Breaks: a picker does not offer a model that works.
    Workaround: set the model's name by hand.
    """
    for reply in seen.replies:
        names = [entry.get("name") for _, entry in _models(reply)]
        if not reply.body.get("nextPageToken") and not any(_same_model(name, seen.model) for name in names):
            yield Location(reply.id, "/models", seen.model, f"{len(names)} other models")


@check(
    Level.SHOULD,
    _MODELS,
    basis=Basis.INFERRED,
    probes=(ProbeId.LISTED_NAME_1, ProbeId.LISTED_NAME_2, ProbeId.LISTED_NAME_3),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(LISTS, PREFIX),
)
def answers_under_listed_names(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A model answers under the name by which it is listed.

    Why: the list says what can be asked. A single model may be out of service or need another kind of request, so
    its refusal is only noted; if none of the listed models answers, the list is useless.
    Breaks: clients that take the name from the list.
    Workaround: use names from the vendor's document.
    """
    if not works(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered")
        return
    refused = [reply for reply in seen.replies if _absent(reply)]
    # A model that says that it wants, or makes, something else than text is there under its name.
    nameless = len(refused) == len(seen.replies) > 1 and not any(map(lacking, refused))
    # A first page may well hold models that are retired; what stands on the next ones was not asked.
    nameless = nameless and not any(reply.body.get("nextPageToken") for reply in seen.of(ProbeId.MODELS_LIST))
    level = None if nameless else Level.NOTE
    for reply in refused:
        yield Location(reply.id, "", "an answer under the listed name", words(reply), level)


@check(
    Level.SHOULD,
    _MODELS,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.MODELS_GET,),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(LISTS,),
)
def describes_a_model(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Looking up the model by its name returns that model.

    Why: GET /v1beta/models/{model} describes the model that the path names.
    Breaks: clients that look up limits before they ask.
    Workaround: find the model in the list.
    """
    yield from _missing(seen, "the model")
    for reply in seen.replies:
        name = reply.body.get("name")
        if reply.ok and isinstance(name, str) and not _same_model(name, asked_model(reply)):
            yield Location(reply.id, "/name", f"models/{asked_model(reply)}", name[:100], Level.NOTE)


_KEY = "x-goog-api-key"


def _serves_pages(reply: Reply) -> bool:
    """Any page may call, or the one that asked; a vendor that names its own pages alone serves no others."""
    sent = {name.lower(): value for name, value in reply.exchange.request.headers}
    origin = (reply.exchange.header("access-control-allow-origin") or "").strip()
    return bool(origin) and origin in ("*", sent.get("origin"))


def _allows(reply: Reply) -> bool:
    allowed = (reply.exchange.header("access-control-allow-headers") or "").lower()
    return "*" in allowed or _KEY in [name.strip() for name in allowed.split(",")]


@check(
    Level.NOTE,
    google(
        "CORS (Fetch standard)", "Google's API may be called from a page; its key travels in x-goog-api-key."
    ),
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
    """
    if not works(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered")
        return
    reply = seen.replies[-1]
    if reply.status >= 300 or not _serves_pages(reply):
        yield Location(reply.id, "", "Access-Control-Allow-Origin", words(reply))
    elif not _allows(reply):
        got = reply.exchange.header("access-control-allow-headers") or "none"
        yield Location(reply.id, "", f"{_KEY} among the allowed headers", got[:160], Level.SHOULD)
