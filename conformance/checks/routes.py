"""Routes: /v1 beside /v1beta, token counts, models and their names, and what browsers ask first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conformance.catalogue import NotJudged, Proof, check
from conformance.judging.contents import as_list, asked_model, lacking
from conformance.judging.refusals import words, works
from conformance.model import JSON, Basis, Level, Location, Outcome
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing
from conformance.sources import google

_MODELS = google("models.list", "The list is `models`, each with its name `models/{id}` and what it can do.")
_COUNT = google("models.countTokens", "Takes contents or a whole request, and answers totalTokens.")
LISTS = "routes/lists-its-models"
PREFIX = "routes/names-models-with-their-prefix"
COUNTS = "routes/counts-tokens"
_COUNTED = ("count-tokens-of-the-plain-question", "count-tokens-of-a-longer-text")


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


_BOTH = ("plain", "plain-streamed")


def _closed(reply: Reply) -> bool:
    return reply.is_refusal and reply.status != 402


@check(
    Level.MUST,
    google("models", "generateContent and streamGenerateContent answer the same requests."),
    basis=Basis.RECORDED,
    probes=_BOTH,
    usable=lambda reply: reply.ok or _closed(reply),
    proof=Proof.ACCEPTANCE,
)
def answers_by_both_methods(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A question that one of the two methods answers is not turned down by the other.

    Why: the unary and the streaming method take one request, one model and one key.
    Breaks: chats and agents stream, batches do not: every request of theirs is refused.
    Workaround: use the method that is there.
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
    probes=("plain-on-v1",),
    usable=_v1,
    proof=Proof.ACCEPTANCE,
)
def answers_on_v1(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The methods are there under /v1 as well.

    Why: Google serves both versions.
    Breaks: google-genai 3 and @google/genai 3 call /v1 by default: 404 on every request.
    Workaround: set the API version to v1beta in the client's HTTP options.
    """
    yield from _missing(seen, "an answer on /v1 as on /v1beta")


@check(Level.SHOULD, _COUNT, basis=Basis.RECORDED, probes=_COUNTED, usable=lambda reply: reply.is_conclusive)
def counts_tokens(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """countTokens is there, and answers totalTokens.

    Why: it is how a client knows whether a prompt fits before it pays for it.
    Breaks: gemini-cli and whatever compresses long conversations; a route that is only called with a slash is missing
    too.
    Workaround: estimate four letters to a token.
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
    """countTokens really counts: a text of a hundred numbers has more tokens than a short question.

    Why: a constant is no count.
    Breaks: clients believe that everything fits, and fail, or pay, later.
    Workaround: estimate four letters to a token.
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
    probes=("models-list",),
    usable=lambda reply: reply.is_conclusive,
)
def lists_its_models(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The models can be listed, as Google lists them.

    Why: GET /v1beta/models answers `models`, with at least one of them.
    Breaks: pickers of models stay empty; clients that read OpenAI's `data` elsewhere find nothing here.
    Workaround: name the model by hand.
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
    Level.SHOULD, _MODELS, basis=Basis.RECORDED, probes=("models-list",), usable=_listed, blocked_by=(LISTS,)
)
def names_models_with_their_prefix(seen: RuleInput) -> Iterator[Location]:
    """A listed model's name is `models/{id}`, with that prefix once.

    Why: a name is used as it stands: it is what follows /v1beta/ in the path.
    Breaks: clients that put the name into the path ask for a path that does not exist, or for models/models/….
    Workaround: take what follows the last slash, and put models/ before it.
    """
    for reply in seen.replies:
        for place, entry in _models(reply):
            name = entry.get("name")
            if name is None or (isinstance(name, str) and not _NAME.fullmatch(name)):
                yield Location(reply.id, f"/models/{place}/name", "models/{id}", repr(name)[:100])


@check(
    Level.SHOULD, _MODELS, basis=Basis.RECORDED, probes=("models-list",), usable=_listed, blocked_by=(LISTS,)
)
def says_what_each_model_can_do(seen: RuleInput) -> Iterator[Location]:
    """Each listed model has supportedGenerationMethods, and its token limits.

    Why: the methods are how a client tells models that generate from those that embed; the limits are how it knows what
    fits.
    Breaks: pickers show nothing, or models that cannot answer; where the limits are absent they guess.
    Workaround: keep a table of models of your own.
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
    Level.NOTE, _MODELS, basis=Basis.INFERRED, probes=("models-list",), usable=_listed, blocked_by=(LISTS,)
)
def lists_the_model_under_test(seen: RuleInput) -> Iterator[Location]:
    """The model that is asked stands in the list, where the list has no further page.

    Why: a list is what callers choose from.
    Breaks: a picker does not offer what works.
    Workaround: name the model by hand.
    """
    for reply in seen.replies:
        names = [entry.get("name") for _, entry in _models(reply)]
        if not reply.body.get("nextPageToken") and not any(_same_model(name, seen.model) for name in names):
            yield Location(reply.id, "/models", seen.model, f"{len(names)} other models")


@check(
    Level.SHOULD,
    _MODELS,
    basis=Basis.INFERRED,
    probes=("listed-name-1", "listed-name-2", "listed-name-3"),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(LISTS, PREFIX),
)
def answers_under_listed_names(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A listed name, used as it stands, is answered.

    Why: the list says what can be asked. A listed model may be out of service, or want another kind of request, so one
    that is refused is only noted; a list of which nothing can be asked is no list.
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
    nameless = nameless and not any(reply.body.get("nextPageToken") for reply in seen.of("models-list"))
    level = None if nameless else Level.NOTE
    for reply in refused:
        yield Location(reply.id, "", "an answer under the listed name", words(reply), level)


@check(
    Level.SHOULD,
    _MODELS,
    basis=Basis.DOCUMENTED,
    probes=("models-get",),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(LISTS,),
)
def describes_a_model(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The model can be looked up by its name, and is the one that was asked for.

    Why: GET /v1beta/models/{model} answers that model.
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
    probes=("preflight",),
    usable=lambda reply: reply.is_conclusive,
    proof=Proof.REPLY,
)
def lets_browsers_send_the_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A page in a browser may send a request with the key in x-goog-api-key.

    Why: a browser asks first, and sends nothing that is not allowed. A vendor that serves no browsers at all is only
    noted; one that serves them, but not with Google's header, shuts Google's client out.
    Breaks: @google/genai in a page.
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
