"""Servers that do not do as they are asked, and innocent ones that do it in their own way."""

from __future__ import annotations

import copy
import re
from collections import deque
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import ScriptedAnswer, ScriptedCandidate
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.functions import sign_function_call
from conformance.embedded.messages import Incoming
from conformance.embedded.routes import RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Innocent, Miniature
from miniatures.making import (
    KEY_EXPIRED,
    ONE_AT_A_TIME,
    Message,
    drop_members,
    get_calls,
    get_candidates,
    iterate_parts,
    refuse_every,
    set_member,
    with_answers,
    with_calls,
    with_candidates,
    with_chunks,
    with_parts,
    with_requests,
    with_responses,
    without_settings,
)

SIGNED = "gemini-3-flash-preview"


def _thinking(change: Any) -> Behaviour:
    """A server whose model's answer is changed before it is written down."""
    return replace(HONEST, think=lambda request, model: change(HONEST.think(request, model)))


def _no_arguments(answer: ScriptedAnswer) -> ScriptedAnswer:
    """Calls without arguments, signed as they are."""
    several = []
    for candidate in answer.candidates:
        found: list[Message] = copy.deepcopy(list(candidate.calls))
        for part in found:
            part["functionCall"]["args"] = {}
            part["thoughtSignature"] = sign_function_call(part["functionCall"])
        several.append(replace(candidate, calls=tuple(found)))
    return replace(answer, candidates=tuple(several))


def _last_turn(request: Message) -> None:
    request["contents"] = request["contents"][-1:]


def _user_turn(request: Message) -> None:
    """The instruction is one more thing that the user said."""
    instruction = request.pop("systemInstruction", None)
    if instruction:
        request["contents"] = [{"role": "user", "parts": instruction["parts"]}, *request["contents"]]


def _no_images(request: Message) -> None:
    for content in request["contents"]:
        content["parts"] = [part for part in content["parts"] if "inlineData" not in part]


def _url_safe(request: Message) -> bool:
    blobs = [
        part["inlineData"]["data"]
        for turn in request["contents"]
        for part in turn["parts"]
        if "inlineData" in part
    ]
    return any("-" in data or "_" in data for data in blobs)


def _decoding() -> Behaviour:
    """A gateway that reads the standard alphabet only."""

    def accept(body: Any, shape: Any) -> Message:
        if "inlineData" in str(body) and _url_safe(body):
            raise Refused(400, "illegal base64 data at input byte 12")
        return HONEST.accept(body, shape)

    return replace(HONEST, accept=accept)


def _unforced(request: Message) -> None:
    config = request.get("toolConfig", {}).get("functionCallingConfig", {})
    if config.get("mode") == "ANY":
        config["mode"] = "AUTO"


def _any_function(request: Message) -> None:
    request.get("toolConfig", {}).get("functionCallingConfig", {}).pop("allowedFunctionNames", None)


def _unforbidden(request: Message) -> None:
    config = request.get("toolConfig", {}).get("functionCallingConfig", {})
    if config.get("mode") == "NONE":
        config["mode"] = "AUTO"


def _one_call(response: Message) -> None:
    for candidate in get_candidates(response):
        found = candidate["content"]["parts"]
        if sum("functionCall" in part for part in found) > 1:
            candidate["content"]["parts"] = found[:1]


def _no_calls(response: Message) -> None:
    for candidate in get_candidates(response):
        if any("functionCall" in part for part in candidate["content"]["parts"]):
            candidate["content"]["parts"] = [{"text": "I would call a function."}]


def _no_report(request: Message) -> None:
    for content in request["contents"]:
        for part in content["parts"]:
            if "functionResponse" in part:
                part["functionResponse"]["response"] = {}


def _strip_signatures(request: Message) -> None:
    for content in request["contents"]:
        for part in content["parts"]:
            part.pop("thoughtSignature", None)


def _stripping() -> Behaviour:
    """A gateway that drops signatures on the way in, so that its own upstream refuses the turn."""

    def check(request: Any) -> None:
        stripped = copy.deepcopy(request)
        _strip_signatures(stripped)
        HONEST.check_signatures(stripped)

    return replace(HONEST, check_signatures=check)


def _renamed(call: Message) -> None:
    if call["name"] == "WebSearch":
        call["name"] = "google_search"


def _leak(response: Message) -> None:
    for candidate in get_candidates(response):
        texts = [part for part in candidate["content"]["parts"] if "text" in part]
        for part in texts:
            if part.pop("thought", False):
                part["text"] = f"<think>{part['text']}</think>"


def _leak_always(response: Message) -> None:
    _leak(response)
    found = [part for part in iterate_parts(response) if "text" in part]
    if found and "<think>" not in found[0]["text"]:
        found[0]["text"] = f"<think>Easy.</think>{found[0]['text']}"


def _hide(response: Message) -> None:
    for candidate in get_candidates(response):
        candidate["content"]["parts"] = [
            part for part in candidate["content"]["parts"] if not part.get("thought")
        ]


def _thinks_always(request: Message) -> None:
    config = request.get("generationConfig", {}).get("thinkingConfig", {})
    if config.get("thinkingBudget") == 0:
        del config["thinkingBudget"]


def _one_candidate(request: Message) -> None:
    request.get("generationConfig", {}).pop("candidateCount", None)


def _fenced(response: Message) -> None:
    for part in iterate_parts(response):
        if part.get("text", "").startswith("{"):
            part["text"] = f"```json\n{part['text']}\n```"


def _stop_says_stop(candidate: Message) -> None:
    if candidate.get("finishReason") == "MAX_TOKENS":
        candidate["finishReason"] = "STOP"


def _fine_cache(request: Any) -> None:
    HONEST.judge({name: value for name, value in request.items() if name != "cachedContent"})


def _late() -> Behaviour:
    """Answers each question with the answer to the one before it, once there were some."""
    before: deque[ScriptedAnswer] = deque(maxlen=2)

    def think(request: Any, model: str) -> ScriptedAnswer:
        answer = HONEST.think(request, model)
        before.append(answer)
        return before[0] if answer.candidates[0].text.startswith("OK-") else answer

    return replace(HONEST, think=think)


def _mumbling() -> Behaviour:
    """A model that follows no instruction at all."""

    def change(answer: ScriptedAnswer) -> ScriptedAnswer:
        return replace(answer, candidates=(ScriptedCandidate("I am happy to help you today.", (), "STOP"),))

    return _thinking(change)


def _leak_sometimes() -> Behaviour:
    """Two answers of many with a thought in the text: Google's models do that."""
    left = [2]

    def change(response: Message) -> None:
        found = [part for part in iterate_parts(response) if part.get("text", "").startswith("SYS-")]
        if found and left[0]:
            left[0] -= 1
            found[0]["text"] = f"THOUGHT: easy. {found[0]['text']}"

    return with_responses(change, only="unary")


def _lazy(name: str) -> Behaviour:
    """A model that obeys only when asked again."""
    heard: set[str] = set()

    def change(request: Message) -> None:
        if name in request and name not in heard:
            heard.add(name)
            del request[name]

    return with_requests(change)


def _version(form: str) -> Any:
    """The version that answers says more than the name that was asked."""

    def change(response: Message) -> None:
        response["modelVersion"] = form.format(response["modelVersion"])

    return change


def _ends_first(made: list[Message]) -> list[Message]:
    """Each chunk says STOP, as old models did."""
    for chunk in made:
        for candidate in (
            get_candidates(chunk) if not any(part.get("thought") for part in iterate_parts(chunk)) else ()
        ):
            candidate.setdefault("finishReason", "STOP")
    return made


def _called(response: Message) -> None:
    """A finish reason of its own for calls: unknown, but it could be Google's."""
    if get_calls(response):
        for candidate in get_candidates(response):
            candidate["finishReason"] = "FUNCTION_CALL"


def _standing_for(alias: str, model: str) -> Behaviour:
    """Return a server with a name of its own for a model."""
    named = replace(HONEST, style=replace(HONEST.style, models=(alias, *HONEST.style.models)))

    def tell(response: Message) -> None:
        response["modelVersion"] = model if response["modelVersion"] == alias else response["modelVersion"]

    return with_responses(tell, of=named)


_DECORATION = re.compile(r"\[[^\]]*\]")


def _undecorated(response: Message) -> None:
    response["modelVersion"] = _DECORATION.sub("", response["modelVersion"])


def _with_publisher(incoming: Incoming, style: Style) -> RoutedRequest:
    """The model's path holds its publisher, as relays of several vendors have it."""
    return route_request(
        replace(incoming, target=incoming.target.replace("/models/google/", "/models/", 1)), style
    )


DECORATED = "[relay]gemini-2.5-flash"


NAMED = replace(HONEST, style=replace(HONEST.style, models=(DECORATED, *HONEST.style.models)))


def _suffixed(response: Message) -> None:
    response["modelVersion"] = f"{response['modelVersion']}-ga"


def _in_a_mood() -> Behaviour:
    """Return a server that forgets system instructions, and has many keys of which one has expired."""
    moody = with_answers(refuse_every(KEY_EXPIRED, 7))
    return replace(moody, think=without_settings("systemInstruction").think)


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "forgetful-with-many-keys",
        "System instructions are dropped, and each seventh question meets a spent key.",
        _in_a_mood(),
        trips={"semantics/obeys-the-system-instruction"},
        settings=ONE_AT_A_TIME,
    ),
    Miniature(
        "arguments-in-an-object",
        "Arguments stand one level too deep.",
        with_calls(lambda call: call.update(args={"parameters": call["args"]})),
        trips={"semantics/fills-required-arguments"},
    ),
    Miniature(
        "mumbling",
        "The model follows no instruction.",
        _mumbling(),
        notes={"semantics/follows-a-plain-instruction"},
    ),
    Miniature(
        "mixed-up",
        "Answers belong to other questions.",
        _late(),
        trips={"semantics/answers-its-own-question"},
    ),
    Miniature(
        "lite-instead",
        "A smaller model answers.",
        with_responses(set_member("modelVersion", "gemini-2.5-flash-lite")),
        trips={"semantics/answers-with-the-model-that-was-asked"},
    ),
    Miniature(
        "older-instead",
        "An older model answers, in streams.",
        with_responses(set_member("modelVersion", "gemini-2.0-flash"), only="stream"),
        trips={"semantics/answers-with-the-model-that-was-asked"},
    ),
    Miniature(
        "no-instruction",
        "systemInstruction is dropped.",
        without_settings("systemInstruction"),
        trips={"semantics/obeys-the-system-instruction"},
    ),
    Miniature(
        "instruction-as-user",
        "systemInstruction becomes a user's turn.",
        with_requests(_user_turn),
        trips={"semantics/obeys-the-system-instruction"},
    ),
    Miniature(
        "no-history",
        "Only the last turn reaches the model.",
        with_requests(_last_turn),
        trips={"semantics/remembers-the-conversation"},
    ),
    Miniature(
        "no-settings",
        "generationConfig is dropped.",
        without_settings("generationConfig"),
        trips={"semantics/reads-generation-config"},
    ),
    Miniature(
        "no-limit",
        "maxOutputTokens is dropped.",
        without_settings("maxOutputTokens"),
        trips={"semantics/applies-max-output-tokens"},
    ),
    Miniature(
        "quiet-limit",
        "An answer that was cut says STOP.",
        with_candidates(_stop_says_stop),
        trips={"semantics/says-stop-only-at-the-end"},
    ),
    Miniature(
        "quiet-limit-streamed",
        "A stream that was cut says STOP, a unary answer MAX_TOKENS.",
        with_candidates(_stop_says_stop, only="stream"),
        trips={"semantics/says-stop-only-at-the-end"},
    ),
    Miniature(
        "no-stops",
        "stopSequences are dropped.",
        without_settings("stopSequences"),
        trips={"semantics/stops-at-stop-sequences"},
    ),
    Miniature(
        "one-candidate",
        "candidateCount is dropped.",
        with_requests(_one_candidate),
        trips={"semantics/gives-as-many-candidates-as-asked"},
    ),
    Miniature(
        "no-schema",
        "Schemas and JSON mode are dropped.",
        without_settings("responseSchema", "responseJsonSchema", "responseMimeType"),
        trips={"semantics/obeys-the-response-schema"},
    ),
    Miniature(
        "no-json-schema",
        "responseJsonSchema is dropped.",
        without_settings("responseJsonSchema"),
        trips={"semantics/obeys-the-response-schema"},
    ),
    Miniature(
        "fenced-json",
        "JSON comes in a code fence.",
        with_responses(_fenced),
        trips={"semantics/obeys-the-response-schema"},
    ),
    Miniature(
        "no-cache",
        "cachedContent is dropped.",
        replace(HONEST, judge=_fine_cache),
        trips={"semantics/uses-cached-content"},
    ),
    Miniature("blind", "Images are dropped.", with_requests(_no_images), trips={"semantics/sees-images"}),
    Miniature(
        "one-alphabet", "URL-safe base64 is refused.", _decoding(), trips={"semantics/reads-url-safe-base64"}
    ),
    Miniature(
        "no-tools",
        "tools are dropped.",
        without_settings("tools"),
        trips={"semantics/hands-functions-to-the-model"},
    ),
    Miniature(
        "mode-any-ignored",
        "Mode ANY is taken for AUTO.",
        with_requests(_unforced),
        trips={"semantics/forces-a-call-in-mode-any"},
    ),
    Miniature(
        "allowed-names-ignored",
        "allowedFunctionNames are dropped.",
        with_requests(_any_function),
        trips={"semantics/forces-a-call-in-mode-any"},
    ),
    Miniature(
        "mode-none-ignored",
        "Mode NONE is taken for AUTO.",
        with_requests(_unforbidden),
        trips={"semantics/calls-nothing-in-mode-none"},
    ),
    Miniature(
        "no-streamed-calls",
        "Streams lose function calls.",
        with_responses(_no_calls, only="stream"),
        trips={"semantics/streams-function-calls"},
    ),
    Miniature(
        "merged-calls",
        "Only the first of two calls comes.",
        with_responses(_one_call),
        trips={"semantics/returns-parallel-calls"},
    ),
    Miniature(
        "empty-arguments",
        "Arguments are empty.",
        _thinking(_no_arguments),
        trips={"semantics/fills-required-arguments"},
    ),
    Miniature(
        "unsigned",
        "Signatures are dropped from answers.",
        with_parts(drop_members("thoughtSignature")),
        trips={"semantics/keeps-thought-signatures"},
        model=SIGNED,
    ),
    Miniature(
        "signature-altered",
        "Signatures are replaced by another.",
        with_parts(set_member("thoughtSignature", "c2tpcA==")),
        trips={"semantics/accepts-replayed-model-turn"},
        model=SIGNED,
    ),
    Miniature(
        "signature-stripped",
        "Signatures are dropped from requests.",
        _stripping(),
        trips={"semantics/accepts-replayed-model-turn"},
        model=SIGNED,
    ),
    Miniature(
        "no-report",
        "What functions answer is dropped.",
        with_requests(_no_report),
        trips={"semantics/uses-function-responses"},
    ),
    Miniature(
        "builtin-search",
        "A function called WebSearch becomes a built-in one.",
        with_calls(_renamed),
        trips={"semantics/keeps-declared-function-names"},
    ),
    Miniature(
        "leaking-thoughts",
        "Thoughts are mixed into the text.",
        with_responses(_leak_always),
        trips={"semantics/marks-thoughts"},
    ),
    Miniature(
        "hidden-thinking",
        "includeThoughts is dropped.",
        with_responses(_hide),
        trips={"semantics/shows-thoughts-when-asked"},
    ),
    Miniature(
        "thinks-anyway",
        "A budget of 0 is ignored.",
        with_requests(_thinks_always),
        trips={"semantics/thinks-no-more-than-allowed"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "alias-without-a-number",
        "The requested name leaves the version number open.",
        _standing_for("gemini-pro", "gemini-3.1-pro-preview"),
        model="gemini-pro",
    ),
    Innocent(
        "alias-of-nothing",
        "The requested name does not identify a model.",
        _standing_for("everyday", "gemini-2.5-flash-lite"),
        notes={"semantics/answers-with-the-model-that-was-asked"},
        model="everyday",
    ),
    Innocent(
        "decorated-name",
        "The model's name has a decoration, and modelVersion has none.",
        with_responses(_undecorated, of=NAMED),
        model=DECORATED,
    ),
    Innocent(
        "publisher-in-name",
        "The model's name begins with its publisher's.",
        replace(HONEST, route=_with_publisher),
        model="google/gemini-2.5-flash",
    ),
    Innocent(
        "own-suffix",
        "modelVersion contains a word that the vendor added.",
        with_responses(_suffixed),
        notes={"semantics/answers-with-the-model-that-was-asked"},
    ),
    Innocent(
        "exact-version",
        "modelVersion names the version more precisely.",
        with_responses(_version("models/{}-preview-05-20")),
    ),
    Innocent("numbered-version", "modelVersion with a release number.", with_responses(_version("{}-001"))),
    Innocent(
        "prefixed-version",
        "modelVersion with its publisher.",
        with_responses(_version("publishers/google/models/{}")),
    ),
    Innocent("rare-leaks", "A thought slips into two answers.", _leak_sometimes(), settings=ONE_AT_A_TIME),
    Innocent(
        "lazy-instruction",
        "The system instruction is followed at the second attempt.",
        _lazy("systemInstruction"),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "lazy-tools", "A function is called at the second attempt.", _lazy("tools"), settings=ONE_AT_A_TIME
    ),
    Innocent("stop-everywhere", "Every chunk has STOP.", with_chunks(_ends_first)),
    Innocent(
        "own-reason-for-calls",
        "Calls end with a finish reason that is not documented yet.",
        with_responses(_called),
    ),
    Innocent("signing-model", "A model that signs its calls.", HONEST, model=SIGNED),
)
