"""Servers that refuse, count, name and limit in ways of their own, as Google or a blameless gateway may."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from conformance.embedded.answers import ScriptedCandidate
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.listing import build_model
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import GENERATE, RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Variation
from miniatures.errors import failing, finishing
from miniatures.making import Message, adding, answering, chunking, dropping, refusing, with_candidates
from miniatures.moods import each_candidate

_PLAIN = "text/plain; charset=utf-8"

When = Callable[[Message], bool]


def _config(request: Message) -> Message:
    found: Message = request.get("generationConfig", {})
    return found


def _thinks(request: Message) -> bool:
    return "thinkingConfig" in _config(request)


def _shows_thoughts(request: Message) -> bool:
    return "includeThoughts" in _config(request).get("thinkingConfig", {})


def _instructed(request: Message) -> bool:
    return "systemInstruction" in request


def _several_turns(request: Message) -> bool:
    return len(request["contents"]) > 1


def _stops(request: Message) -> bool:
    return "stopSequences" in _config(request)


def _saying(status: int, code: str, message: str) -> Outgoing:
    error = {"error": {"code": status, "message": message, "status": code}}
    return immediate_answer(status, JSON_TYPE, json.dumps(error).encode())


def _denying(message: str, when: Callable[[Incoming], bool]) -> Behaviour:
    """Return a server that answers 403 on some of its routes."""
    no = _saying(403, "PERMISSION_DENIED", message)
    return finishing(lambda _answer, incoming: no if when(incoming) else None)


def _lists(incoming: Incoming) -> bool:
    return incoming.verb == "GET" and incoming.path.endswith("/models")


def _counts(incoming: Incoming) -> bool:
    return incoming.path.endswith(":countTokens")


def _reads(incoming: Incoming) -> bool:
    return incoming.verb == "GET"


_SPEAKERS = ("gemini-2.5-flash-preview-tts", "gemini-2.5-pro-preview-tts", "gemini-2.0-flash-live")


def _listed(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    if not _lists(incoming) or answer.status != 200:
        return None
    several = {"models": [build_model(model) for model in _SPEAKERS], "nextPageToken": "MTA="}
    return immediate_answer(200, JSON_TYPE, json.dumps(several).encode())


def _speaks_only(incoming: Incoming, style: Style) -> RoutedRequest:
    asked = route_request(incoming, style)
    if asked.what == GENERATE and asked.model in _SPEAKERS:
        raise Refused(400, "The requested response modalities (TEXT) are not supported by the model.")
    return asked


def _own_pages(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    headers = (
        ("Access-Control-Allow-Origin", "https://console.example"),
        ("Access-Control-Allow-Headers", "content-type,authorization"),
    )
    return Outgoing(204, headers) if incoming.verb == "OPTIONS" else None


def _limiting(every: int, answer: Outgoing) -> Behaviour:
    """Return a server behind a limiter that answers each so-and-so-many-th question in its place."""
    number = itertools.count(1)
    return finishing(lambda _answer, _incoming: answer if next(number) % every == 0 else None)


def _standing_for(alias: str, model: str) -> Behaviour:
    """Return a server with a name of its own for a model."""
    named = replace(HONEST, style=replace(HONEST.style, models=(alias, *HONEST.style.models)))

    def tell(response: Message) -> None:
        response["modelVersion"] = model if response["modelVersion"] == alias else response["modelVersion"]

    return answering(tell, of=named)


def _answered(request: Message) -> bool:
    return "functionResponse" in str(request["contents"][-1])


def _nothing_to_add() -> Behaviour:
    return each_candidate(lambda one, request: replace(one, text="") if _answered(request) else one)


def _shut(message: str) -> Behaviour:
    """Return a server that answers no question of the model, whatever it is, for the same reason."""
    body: Mapping[str, object] = {"error": {"code": 400, "message": message, "status": "FAILED_PRECONDITION"}}
    shut = refusing(lambda _request: True, message)
    return replace(shut, refuse=failing(lambda _refusal: body, status=400).refuse)


def _stopped_midway(made: list[Message]) -> list[Message]:
    """Return a long stream as far as a filter let it come, and the filter's word."""
    if len(made) < 6:
        return made
    struck: Message = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    return [*made[:3], {**struck, **{name: made[2][name] for name in ("usageMetadata", "modelVersion")}}]


def _in_a_line(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """A router that knows no such path says so in a line of text."""
    lost = incoming.path.endswith(":frobnicateContent")
    return immediate_answer(404, _PLAIN, b"404 page not found\n") if lost else None


def _sees_now_and_then() -> Behaviour:
    """Return a server whose model is unsure at its first look at red, and whenever it looks at blue."""
    looks = itertools.count(1)
    unsure = "It is hard to say."

    def look(one: ScriptedCandidate, _request: Message) -> ScriptedCandidate:
        fails = one.text == "blue" or (one.text == "red" and next(looks) == 1)
        return replace(one, text=unsure) if fails else one

    return each_candidate(look)


def _rule(*names: str) -> frozenset[str]:
    return frozenset(names)


VARIATIONS: tuple[Variation, ...] = (
    Variation("no-index-at-all", "No candidate has an index, also where there are two.", with_candidates(dropping("index")), _rule("schema/numbers-candidates-apart")),
    Variation("instructions-not-allowed", "System instructions are not allowed, it says.", refusing(_instructed, "System instructions are not allowed for this model.")),
    Variation("instructions-cannot-be-handled", "System instructions cannot be handled, it says.", refusing(_instructed, "This model cannot handle system instructions.")),
    Variation("stops-cannot-be-used", "Stop sequences cannot be used, it says.", refusing(_stops, "stopSequences cannot be used with this model.")),
    Variation("safety-is-fixed", "Safety settings cannot be changed, it says.", refusing(lambda r: "safetySettings" in r, "This gateway does not allow safetySettings to be changed.")),
    Variation("single-turns-only", "Conversations are refused, with and without functions.", refusing(_several_turns, "Only single-turn requests are accepted by this model.")),
    Variation("thinking-not-accepted", "A thinkingConfig is not accepted, it says.", refusing(_thinks, "thinking_config is not accepted by this model."), model="gemini-2.0-flash"),
    Variation("thoughts-are-for-thinkers", "Thoughts, asked for or not, are for other models, it says.", refusing(_shows_thoughts, "Unable to submit request because thoughts belong to thinking models."), model="gemini-2.0-flash"),
    Variation("list-is-not-enabled", "Models cannot be listed: that is not enabled, it says.", _denying("Listing models is not enabled for this project.", _lists)),
    Variation("count-is-not-enabled", "Tokens cannot be counted: that is not enabled, it says.", _denying("countTokens is not enabled for this project.", _counts)),
    Variation("reads-nothing", "Every GET is 501, lists and methods alike.", finishing(lambda _answer, i: _saying(501, "UNIMPLEMENTED", "Not implemented.") if _reads(i) else None), _rule("errors/blames-the-caller-with-4xx")),
    Variation("speakers-first", "The first models of the list speak, and do not write.", replace(finishing(_listed), route=_speaks_only), _rule("routes/answers-under-listed-names")),
    Variation("own-pages-only", "Pages of the vendor's own may call, and no others.", finishing(_own_pages), _rule("routes/lets-browsers-send-the-key")),
    Variation("limiter-in-words", "Every fourth answer is a limiter's plain words.", _limiting(4, immediate_answer(429, _PLAIN, b"Too Many Requests"))),
    Variation("limiter-says-nothing", "Every sixth answer is an empty 408.", _limiting(6, immediate_answer(408, _PLAIN, b""))),
    Variation("alias-without-a-number", "The name that is asked leaves the number open.", _standing_for("gemini-pro", "gemini-3.1-pro-preview"), model="gemini-pro"),
    Variation("alias-of-nothing", "The name that is asked tells of no model.", _standing_for("everyday", "gemini-2.5-flash-lite"), _rule("semantics/answers-with-the-model-that-was-asked"), model="everyday"),
    Variation("nothing-to-add", "The model has nothing to add to what a function answered.", _nothing_to_add(), _rule("schema/stop-comes-with-content")),
    Variation("blocked-midway", "Long streams end where a filter blocks the prompt after all.", chunking(_stopped_midway)),
    Variation("feedback-of-no-reason", "promptFeedback stands in every answer, with the reason that is none.", answering(adding(promptFeedback={"blockReason": "BLOCK_REASON_UNSPECIFIED"}))),
    Variation("router-in-words", "Paths that do not exist are a line of text.", finishing(_in_a_line), _rule("errors/writes-errors-as-google-does")),
    Variation("nothing-anywhere", "Every answer is a success without a body, as of a server that is no API.", finishing(lambda _answer, _incoming: Outgoing(200))),
    Variation("sees-now-and-then", "The model is seldom sure of what it sees.", _sees_now_and_then()),
    Variation("plan-required", "Every question is refused for want of a plan.", _shut("A paid plan is required for this model.")),
    Variation("wrong-place", "Every question is refused for the place it comes from.", _shut("You must specify a billing account in a country where this model runs.")),
)  # fmt: skip
