"""Servers whose answers have a wrong shape or value, and innocent ones whose answers are unusual."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.embedded.answers import ScriptedAnswer
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from miniatures import Innocent, Miniature
from miniatures.making import (
    Message,
    add_members,
    drop_candidates,
    drop_members,
    get_candidates,
    iterate_parts,
    refuse_when,
    set_member,
    spell_reasons,
    with_calls,
    with_candidates,
    with_chunks,
    with_model_candidates,
    with_parts,
    with_requests,
    with_responses,
    with_usage,
)

OWN = str(Path(__file__).parent.parent / "data" / "dialects" / "own-form")


RATING = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}


def _first_finish(value: Any) -> Behaviour:
    return with_candidates(set_member("finishReason", value))


def _lower(candidate: Message) -> None:
    if "finishReason" in candidate:
        candidate["finishReason"] = candidate["finishReason"].lower()


def _flat_text(candidate: Message) -> None:
    content = candidate.pop("content", {})
    candidate["text"] = "".join(part.get("text", "") for part in content.get("parts", []))


def _message(candidate: Message) -> None:
    _flat_text(candidate)
    candidate["message"] = {"role": "assistant", "content": candidate.pop("text")}


def _typed_parts(candidate: Message) -> None:
    made = [
        {"type": "text", "content": part["text"]} for part in candidate["content"]["parts"] if "text" in part
    ]
    candidate["content"]["parts"] = made or candidate["content"]["parts"]


def _text_content(candidate: Message) -> None:
    candidate["content"] = "".join(part.get("text", "") for part in candidate["content"].get("parts", []))


def _one_part(candidate: Message) -> None:
    found = candidate["content"]["parts"]
    if found:
        candidate["content"]["parts"] = found[0]


def _empty(candidate: Message) -> None:
    candidate["content"] = {"role": "model"}


def _role(word: str) -> Behaviour:
    return with_candidates(lambda candidate: candidate["content"].update(role=word))


def _joined(response: Message) -> None:
    for candidate in get_candidates(response):
        found = candidate["content"]["parts"]
        if any("functionCall" in part for part in found):
            candidate["content"]["parts"] = [{"text": "", **part} for part in found]


def _split_call(made: list[Message]) -> list[Message]:
    """The name in one chunk, the arguments in another."""
    call = next(iter(_calls(made)), None)
    if call is None:
        return made
    second = {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"functionCall": {"args": call.pop("args")}}]},
                "index": 0,
            }
        ]
    }
    return [
        *made[:-1],
        {**made[-1], "candidates": _unfinished(made[-1])},
        made[-1] | _ended(made[-1], second),
    ]


def _calls(made: list[Message]) -> list[Message]:
    return [part["functionCall"] for chunk in made for part in iterate_parts(chunk) if "functionCall" in part]


def _unfinished(chunk: Message) -> list[Message]:
    return [
        {key: value for key, value in one.items() if key != "finishReason"} for one in get_candidates(chunk)
    ]


def _ended(chunk: Message, tail: Message) -> Message:
    tail["candidates"][0]["finishReason"] = get_candidates(chunk)[0].get("finishReason", "STOP")
    return tail


def _arguments(call: Message) -> None:
    if "args" in call:
        call["arguments"] = call.pop("args")


def _sign_inside(part: Message) -> None:
    if "functionCall" in part and "thoughtSignature" in part:
        part["functionCall"]["thoughtSignature"] = part.pop("thoughtSignature")


def _text_arguments(call: Message) -> None:
    call["args"] = '{"city_name": "Paris", "unitSystem": "metric"}'


def _counted(change: Any) -> Behaviour:
    """A server whose countTokens and models are changed, not its answers."""

    def frame(framing: str, values: Any) -> Any:
        return HONEST.frame(framing, [change(dict(value)) for value in values])

    return replace(HONEST, frame=frame)


def _text_total(value: Message) -> Message:
    return {**value, "totalTokens": str(value["totalTokens"])} if "totalTokens" in value else value


def _nan(value: Message) -> Message:
    for candidate in get_candidates(value):
        candidate["avgLogprobs"] = float("nan")
    return value


def _wanting_stream() -> Behaviour:
    """A server that takes no body without `stream`."""

    def document(data: bytes) -> Message:
        body = HONEST.document(data)
        if "stream" not in body:
            raise Refused(400, "stream is required")
        return {key: value for key, value in body.items() if key != "stream"}

    return replace(HONEST, document=document)


def _nested(request: Message) -> bool:
    functions = [one for tool in request.get("tools", []) for one in tool.get("functionDeclarations", [])]
    return any("filter" in one.get("parameters", {}).get("properties", {}) for one in functions)


def _cited(**members: Any) -> Behaviour:
    source = {"startIndex": 0, "endIndex": 2, "uri": "https://example.com", **members}
    source = {name: value for name, value in source.items() if value is not None}
    return with_candidates(add_members(citationMetadata={"citationSources": [source]}))


def _same_index(response: Message) -> None:
    for candidate in get_candidates(response):
        candidate["index"] = 0


def _image(data: str) -> Behaviour:
    def beside(candidate: Message) -> None:
        candidate["content"]["parts"].append({"inlineData": {"mimeType": "image/png", "data": data}})

    return with_candidates(beside, only="unary")


def _blocked(response: Message) -> Message:
    return {**response, "promptFeedback": {"safetyRatings": [RATING]}}


def _keep(response: Message) -> None:
    for candidate in get_candidates(response):
        candidate["safetyRatings"] = [RATING]
        candidate["avgLogprobs"] = -0.25
        candidate["tokenCount"] = 3


def _bare_tail(made: list[Message]) -> list[Message]:
    """Google may end a stream with a candidate that has only its reason."""
    last = made[-1]
    tail = {
        **last,
        "candidates": [
            {"finishReason": one["finishReason"], "index": one["index"]} for one in get_candidates(last)
        ],
    }
    return [*made[:-1], {**last, "candidates": _unfinished(last)}, tail]


def _call_per_chunk(made: list[Message]) -> list[Message]:
    """Parallel calls come in separate events."""
    last = made[-1]
    found = list(iterate_parts(last))
    if len(found) < 2:
        return made
    several = []
    for number, part in enumerate(found):
        one = {"content": {"role": "model", "parts": [part]}, "index": 0}
        ended = {"finishReason": "STOP"} if number == len(found) - 1 else {}
        several.append({**last, "candidates": [{**one, **ended}]})
    return [*made[:-1], *several]


def _sign_texts(part: Message) -> None:
    if "text" in part and not part.get("thought"):
        part["thoughtSignature"] = "EiIKIA=="


def _answered(request: Message) -> bool:
    return "functionResponse" in str(request["contents"][-1])


def _nothing_to_add() -> Behaviour:
    return with_model_candidates(lambda one, request: replace(one, text="") if _answered(request) else one)


def _ended_without_words(made: list[Message]) -> list[Message]:
    """Drop what is said in the chunk that ends the answer."""
    for chunk in made:
        for candidate in get_candidates(chunk):
            if "finishReason" in candidate:
                candidate["content"] = {"role": "model", "parts": []}
    return made


def _emptied_reports(request: Message) -> None:
    """Forget what functions reported, and keep that they did."""
    for turn in request.get("contents", []):
        for part in turn.get("parts", []):
            if "functionResponse" in part:
                part["functionResponse"]["response"] = {"output": ""}


def _with_remains(response: Message) -> None:
    """Put the empty rest of a call behind each call, as if its arguments had come in pieces."""
    for candidate in get_candidates(response):
        held = candidate.get("content", {}).get("parts", [])
        if any("functionCall" in part for part in held):
            held.append({"functionCall": {"willContinue": False}})


def _always_other(candidate: Message) -> None:
    if "finishReason" in candidate:
        candidate["finishReason"] = "OTHER"


def _listed(response: Message) -> Message:
    return {**response, "usageMetadata": [response["usageMetadata"]]}


def _of_five(request: Message) -> bool:
    return bool(request.get("generationConfig", {}).get("stopSequences"))


def _ids() -> Iterator[str]:
    yield from (f"resp-{number:08d}" for number in itertools.count(1))


def _minted() -> Callable[[Message], None]:
    numbers = _ids()
    return lambda response: response.update(responseId=next(numbers))


def _replayed(response: Message) -> None:
    response["responseId"] = "AAAAZwECAwQFBgcICQoLDA"  # a clock of January 2025


def _when_asked(change: Callable[[Message], Message], when: Callable[[Message], bool]) -> Behaviour:
    """Return a server that changes the unary responses to requests of one kind, each time."""
    struck: list[str] = []

    def think(request: Any, model: str) -> ScriptedAnswer:
        made = HONEST.think(request, model)
        struck.extend([made.response_id] if when(dict(request)) else [])
        return made

    def write(answer: ScriptedAnswer) -> Message:
        made = HONEST.whole(answer)
        return change(made) if answer.response_id in struck else made

    return replace(HONEST, think=think, whole=write)


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "ends-without-words",
        "The chunk that ends a stream loses its text, and functions' reports are lost besides: each is said.",
        replace(with_chunks(_ended_without_words), think=with_requests(_emptied_reports).think),
        trips={"schema/stop-comes-with-content", "semantics/uses-function-responses"},
    ),
    Miniature(
        "remains-of-calls",
        "An empty remainder follows a call that was not requested in pieces.",
        with_responses(_with_remains, only="unary"),
        trips={"schema/function-calls-are-complete"},
    ),
    Miniature(
        "always-other",
        "Whole answers end with the reason OTHER.",
        with_candidates(_always_other),
        trips={"schema/says-why-it-ended"},
    ),
    Miniature(
        "no-candidates-streamed",
        "Chunks have usage and no candidates.",
        with_chunks(lambda made: [{k: v for k, v in one.items() if k != "candidates"} for one in made]),
        trips={"schema/has-a-candidate"},
    ),
    Miniature(
        "listed-usage",
        "usageMetadata is a list of one.",
        with_responses(_listed),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "camel-reasons",
        "MAX_TOKENS is maxTokens.",
        with_candidates(spell_reasons({"MAX_TOKENS": "maxTokens"})),
        trips={"schema/enums-are-googles-names"},
    ),
    Miniature(
        "bare-with-stops",
        "Answers with a stop sequence have no candidate, each time.",
        _when_asked(drop_candidates, _of_five),
        trips={"schema/has-a-candidate"},
    ),
    Miniature(
        "minted-ids",
        "Ids are made by counting.",
        with_responses(_minted()),
        notes={"schema/response-ids-hold-the-time"},
    ),
    Miniature(
        "replayed-id",
        "All answers have one id, of another day.",
        with_responses(_replayed),
        notes={"schema/response-ids-hold-the-time"},
    ),
    Miniature(
        "counts-as-text",
        "Counters are strings.",
        with_usage(lambda u: {**u, "totalTokenCount": str(u["totalTokenCount"])}),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "counts-in-fractions",
        "Counters are weighted by price.",
        with_usage(lambda u: {**u, "promptTokenCount": 4.5}),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "counts-beyond-32-bits",
        "A counter does not fit.",
        with_candidates(add_members(tokenCount=2**40)),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "details-as-object",
        "Details are an object.",
        with_usage(lambda u: {**u, "promptTokensDetails": {"TEXT": 4}}),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "modality-as-number",
        "A modality is its number.",
        with_usage(
            lambda u: {**u, "promptTokensDetails": [{"modality": 1, "tokenCount": u["promptTokenCount"]}]}
        ),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "finish-as-number",
        "The finish reason is its number.",
        _first_finish(1),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "finish-as-number-streamed",
        "The same, in the last chunk of a stream only.",
        with_candidates(set_member("finishReason", 1), only="stream"),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "thought-as-text",
        "thought holds the thought.",
        with_parts(set_member("thought", "I look at it.")),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "blocked-as-text",
        "blocked is a string.",
        with_candidates(add_members(safetyRatings=[{**RATING, "blocked": "false"}])),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "index-as-text",
        "index is a string.",
        with_candidates(set_member("index", "0")),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "content-as-text",
        "content is a string.",
        with_candidates(_text_content),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "parts-as-object",
        "parts is one part.",
        with_candidates(_one_part),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "args-as-text",
        "args is JSON in a string, as in OpenAI's API.",
        with_calls(_text_arguments),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "call-id-as-number",
        "A call's id is a number.",
        with_calls(add_members(id=7)),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "hole-in-ratings",
        "A list holds null.",
        with_candidates(add_members(safetyRatings=[RATING, None])),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "total-tokens-as-text",
        "countTokens answers with a string.",
        _counted(_text_total),
        trips={"schema/values-have-googles-types"},
    ),
    Miniature(
        "image-by-address",
        "inlineData.data is an address.",
        _image("https://example.com/a.png"),
        trips={"schema/bytes-are-base64"},
    ),
    Miniature(
        "image-as-data-url",
        "inlineData.data is a data URL.",
        _image("data:image/png;base64,iVBORw0KGgo="),
        trips={"schema/bytes-are-base64"},
    ),
    Miniature(
        "signature-garbled",
        "Signatures are no base64.",
        with_parts(set_member("thoughtSignature", "%%not base64%%")),
        trips={"schema/bytes-are-base64"},
    ),
    Miniature(
        "image-cut",
        "Base64 is cut, so that bits are left over.",
        _image("iVBORw0KGgp"),
        trips={"schema/bytes-are-base64"},
    ),
    Miniature(
        "finish-in-lower-case",
        "Finish reasons are stop and max_tokens.",
        with_candidates(_lower),
        trips={"schema/enums-are-googles-names"},
    ),
    Miniature(
        "finish-of-openai",
        "MAX_TOKENS is called length.",
        with_candidates(
            lambda c: c.update(finishReason="length") if c.get("finishReason") == "MAX_TOKENS" else None
        ),
        trips={"schema/enums-are-googles-names"},
    ),
    Miniature(
        "own-categories",
        "Safety categories are the vendor's own.",
        with_candidates(add_members(safetyRatings=[{"category": "violence", "probability": "low"}])),
        trips={"schema/enums-are-googles-names"},
    ),
    Miniature(
        "nulls",
        "What is not set is null.",
        with_candidates(add_members(finishMessage=None, safetyRatings=None)),
        notes={"schema/leaves-out-what-is-not-set"},
    ),
    Miniature("nan", "avgLogprobs is a bare NaN.", _counted(_nan), trips={"schema/numbers-are-json"}),
    Miniature(
        "cited-with-a-date",
        "A citation's date is a text.",
        _cited(publicationDate="2024"),
        trips={"schema/citations-are-googles"},
    ),
    Miniature(
        "cited-with-start",
        "A citation has start and end.",
        _cited(start=0, end=2, startIndex=None, endIndex=None),
        trips={"schema/citations-are-googles"},
    ),
    Miniature(
        "no-candidates",
        "Candidates are missing, without a reason.",
        with_responses(drop_members("candidates"), only="unary"),
        trips={"schema/has-a-candidate"},
    ),
    Miniature(
        "empty-candidates",
        "Candidates are an empty list.",
        with_responses(add_members(candidates=[]), only="unary"),
        trips={"schema/has-a-candidate"},
    ),
    Miniature(
        "flat-text",
        "The text stands in the candidate.",
        with_candidates(_flat_text, only="unary"),
        trips={"schema/content-stands-in-parts"},
    ),
    Miniature(
        "openai-message",
        "The candidate has a message.",
        with_candidates(_message, only="unary"),
        trips={"schema/content-stands-in-parts"},
    ),
    Miniature(
        "typed-parts",
        "Parts have a type and a content.",
        with_candidates(_typed_parts, only="unary"),
        trips={"schema/content-stands-in-parts"},
    ),
    Miniature(
        "text-beside-call",
        "An empty text stands beside each call.",
        with_responses(_joined),
        trips={"schema/parts-hold-one-thing"},
    ),
    Miniature(
        "assistant", "The role is assistant.", _role("assistant"), trips={"schema/names-the-models-role"}
    ),
    Miniature(
        "no-role",
        "There is no role.",
        with_candidates(lambda c: c["content"].pop("role")),
        notes={"schema/names-the-models-role"},
    ),
    Miniature(
        "no-finish-unary",
        "Unary answers do not say why they ended.",
        with_candidates(drop_members("finishReason"), only="unary"),
        trips={"schema/says-why-it-ended"},
    ),
    Miniature(
        "empty-stop",
        "Every unary answer is an empty STOP.",
        with_candidates(_empty, only="unary"),
        trips={"schema/stop-comes-with-content"},
    ),
    Miniature(
        "one-index",
        "All candidates have index 0.",
        with_responses(_same_index),
        trips={"schema/numbers-candidates-apart"},
    ),
    Miniature(
        "no-version",
        "modelVersion is missing.",
        with_responses(drop_members("modelVersion")),
        notes={"schema/names-its-model-version"},
    ),
    Miniature(
        "one-response-id",
        "All answers have one id.",
        with_responses(set_member("responseId", "the-same")),
        notes={"schema/response-ids-are-unique"},
    ),
    Miniature(
        "nameless-tail",
        "A streamed call's arguments come in a nameless part.",
        with_chunks(_split_call),
        trips={"schema/function-calls-are-complete"},
    ),
    Miniature(
        "arguments",
        "args are called arguments.",
        with_calls(_arguments),
        trips={"schema/function-calls-are-complete"},
    ),
    Miniature(
        "one-call-id",
        "All calls have one id.",
        with_calls(add_members(id="call_0")),
        trips={"schema/call-ids-tell-calls-apart"},
    ),
    Miniature(
        "signature-inside",
        "The signature stands inside the call.",
        with_parts(_sign_inside),
        trips={"schema/signatures-stand-beside-what-they-sign"},
    ),
    Miniature(
        "extra-members",
        "Members of another API stand beside Google's.",
        with_responses(add_members(created=1700000000, object="chat.completion", cost=0.1)),
        notes={"schema/adds-no-members"},
    ),
    Miniature(
        "refuses-seed",
        "A valid setting is refused.",
        refuse_when(lambda r: "seed" in r.get("generationConfig", {}), "seed is not supported"),
        trips={"schema/accepts-valid-requests"},
    ),
    Miniature(
        "refuses-history",
        "A conversation is refused.",
        refuse_when(lambda r: len(r["contents"]) == 3 and "tools" not in r, "one message at a time"),
        trips={"schema/accepts-valid-requests"},
    ),
    Miniature(
        "own-form-only",
        "A request must say whether to stream.",
        with_responses(add_members(created=1700000000), _wanting_stream()),
        trips={"schema/needs-no-fields-of-its-own"},
        dialect=OWN,
    ),
    Miniature(
        "undocumented",
        "A member that the page requires never comes.",
        HONEST,
        trips={"schema/answers-as-documented"},
        dialect=OWN,
    ),
    Miniature(
        "refuses-nested-tools",
        "Nested parameters are refused.",
        refuse_when(_nested, "parameters must be flat"),
        trips={"schema/accepts-nested-parameters"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "no-index-at-all",
        "No candidate has an index, also where there are two.",
        with_candidates(drop_members("index")),
        notes={"schema/numbers-candidates-apart"},
    ),
    Innocent(
        "nothing-to-add",
        "The model has nothing to add to what a function answered.",
        _nothing_to_add(),
        notes={"schema/stop-comes-with-content"},
    ),
    Innocent(
        "feedback-of-no-reason",
        "promptFeedback is in every answer, with the reason BLOCK_REASON_UNSPECIFIED.",
        with_responses(add_members(promptFeedback={"blockReason": "BLOCK_REASON_UNSPECIFIED"})),
    ),
    Innocent(
        "extra-fields",
        "Members that Google does not have.",
        with_responses(add_members(created=1, provider="x", cost=0.5)),
    ),
    Innocent(
        "no-ids",
        "Neither modelVersion nor responseId.",
        with_responses(drop_members("modelVersion", "responseId")),
    ),
    Innocent(
        "no-index",
        "Candidates without an index.",
        with_candidates(lambda c: c.pop("index") if c.get("index") == 0 else None),
    ),
    Innocent("role-left-out", "Content without a role.", with_candidates(lambda c: c["content"].pop("role"))),
    Innocent(
        "new-finish-reason-name",
        "A rating has a category that is not documented yet.",
        with_candidates(add_members(safetyRatings=[{"category": "HARM_CATEGORY_NEW", "probability": "LOW"}])),
    ),
    Innocent(
        "vertex-ratings",
        "Ratings as Vertex writes them.",
        with_candidates(
            add_members(safetyRatings=[{**RATING, "severity": "HARM_SEVERITY_LOW", "severityScore": 0.1}])
        ),
    ),
    Innocent(
        "whole-floats",
        "Counters as 4.0.",
        with_usage(lambda u: {**u, "totalTokenCount": float(u["totalTokenCount"])}),
    ),
    Innocent(
        "explicit-nulls",
        "Nulls for what is not set.",
        with_candidates(add_members(finishMessage=None, citationMetadata=None)),
    ),
    Innocent(
        "prompt-feedback-beside",
        "promptFeedback with ratings beside the candidates.",
        with_responses(_blocked),
    ),
    Innocent("full-candidates", "Ratings, log probabilities and token counts.", with_responses(_keep)),
    Innocent("ids-left-out", "Function calls without ids.", with_calls(drop_members("id"))),
    Innocent("signed-texts", "A signature in a text part.", with_parts(_sign_texts)),
    Innocent(
        "empty-signatures",
        "An empty signature in a text part.",
        with_parts(lambda p: p.update(thoughtSignature="") if "text" in p else None),
    ),
    Innocent("bare-last-chunk", "The last chunk has a reason and no content.", with_chunks(_bare_tail)),
    Innocent("call-per-event", "Parallel calls come in separate events.", with_chunks(_call_per_chunk)),
    Innocent("cited", "Citations as Google writes them.", _cited(license="mit")),
    Innocent(
        "log-probability-as-text",
        "Minus infinity as ProtoJSON writes it.",
        with_candidates(add_members(avgLogprobs="-Infinity")),
    ),
    Innocent(
        "own-page",
        "Answers have what the page requires, with Google's names where the page has its own.",
        with_responses(add_members(created=1700000000)),
        notes={"schema/answers-as-documented"},
        dialect=OWN,
    ),
    Innocent("url-safe-bytes", "Bytes in the URL-safe alphabet, without padding.", _image("_-8")),
    Innocent(
        "service-tier",
        "A service tier, in Google's lower case.",
        with_usage(lambda u: {**u, "serviceTier": "standard"}),
    ),
)
