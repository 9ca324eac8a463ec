"""Innocent servers that do what recordings show Google itself to do, always or once among thousands."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import ScriptedAnswer
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.listing import build_model
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing, immediate_answer
from conformance.embedded.style import Style
from miniatures import Innocent
from miniatures.making import (
    ONE_AT_A_TIME,
    Chunks,
    Message,
    add_members,
    asks_for_a_stream,
    drop_candidates,
    drop_members,
    empty_streams,
    get_candidates,
    iterate_parts,
    with_answers,
    with_candidates,
    with_chunks,
    with_responses,
    with_usage,
)


def _once(number: int, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a change that befalls the so-and-so-many-th alone."""
    met = itertools.count(1)
    return lambda made: change(made) if next(met) == number else made


def _untotalled(response: Message) -> Message:
    drop_members("promptTokenCount", "totalTokenCount", "promptTokensDetails")(response["usageMetadata"])
    return response


def _stopped_early(made: Chunks) -> Chunks:
    """The reason stands with the code that the vendor runs, and more comes after its result."""
    if len(made) < 2 or any("functionCall" in part for chunk in made for part in iterate_parts(chunk)):
        return made
    code, result = copy.deepcopy(made[0]), copy.deepcopy(made[0])
    _say(code, {"executableCode": {"language": "PYTHON", "code": "print(6 * 9)"}})
    _say(result, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "54\n"}})
    get_candidates(code)[0]["finishReason"] = "STOP"
    return [made[0], code, result, *made[1:]]


def _say(response: Message, *said: Message) -> None:
    for candidate in get_candidates(response):
        candidate["content"] = {"parts": list(said), "role": "model"}
        candidate.pop("finishReason", None)


def _recounted(made: Chunks) -> Chunks:
    for chunk in made[:-1]:
        used = chunk["usageMetadata"]
        used["promptTokenCount"] += 90
        used["totalTokenCount"] += 90
    return made


def _forgetful_end(made: Chunks) -> Chunks:
    if len(made) > 1:
        used = made[-1]["usageMetadata"]
        used["totalTokenCount"] -= used.pop("candidatesTokenCount", 0) + used.pop("thoughtsTokenCount", 0)
    return made


def _folded(response: Message) -> None:
    """The thoughts of a preview stand within the answer's counter, and the total has them once."""
    used = response["usageMetadata"]
    if response["modelVersion"] == EARLY:
        used["candidatesTokenCount"] = used.get("candidatesTokenCount", 0) + used.get("thoughtsTokenCount", 0)


def _uncounted(response: Message) -> None:
    used = response["usageMetadata"]
    if response["modelVersion"] == GEMMA:
        used.pop("candidatesTokenCount", None)
        used["totalTokenCount"] = used["promptTokenCount"]


def _thoughtless(model: str) -> Behaviour:
    """Return a server whose model of that name does not think."""

    def think(request: Any, asked: str) -> ScriptedAnswer:
        made = HONEST.think(request, asked)
        return replace(made, thoughts=(), thought_tokens=0) if asked == model else made

    return replace(HONEST, style=_as_of_old(model), think=think)


def _unexpected(made: Chunks) -> Chunks:
    ended = {"finishReason": "UNEXPECTED_TOOL_CALL", "index": 0}
    return [{"candidates": [ended], "usageMetadata": made[-1]["usageMetadata"]}]


def _withheld(response: Message) -> Message:
    for candidate in get_candidates(response):
        candidate.update(content={}, finishReason="SAFETY")
    return response


def _hollow_end(made: Chunks) -> Chunks:
    last = copy.deepcopy(made[-1])
    for chunk in made:
        for candidate in get_candidates(chunk):
            candidate.pop("finishReason", None)
    for candidate in get_candidates(last):
        candidate["content"] = {"role": "model"}
    return [*made, last]


def _indexed_now_and_then(made: Chunks) -> Chunks:
    for number, chunk in enumerate(made):
        for candidate in get_candidates(chunk):
            candidate["index"] = 0
            if number % 2:
                del candidate["index"]
    return made


def _unsized(used: Message) -> None:
    used["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": 1290}, {"modality": "TEXT"}]


def _both_in_one(response: Message) -> None:
    several = get_candidates(response)
    if len(several) == 2 and "content" in several[1]:
        text = "".join(part.get("text", "") for part in several[1]["content"].get("parts", []))
        several[0]["content"]["parts"].append({"text": text})


def _on_vertex(response: Message) -> None:
    response["createTime"] = "2026-02-03T04:05:06.789Z"
    response["usageMetadata"].update(trafficType="ON_DEMAND", billablePromptUsage={"textCount": 31})
    for candidate in get_candidates(response):
        rating = {"category": "HARM_CATEGORY_IMAGE_HATE", "probability": "NEGLIGIBLE"}
        candidate["safetyRatings"] = [{**rating, "probabilityScore": 0.01, "severity": "HARM_SEVERITY_LOW"}]
        candidate["score"] = -3.25


def _ungrounded(candidate: Message) -> None:
    candidate["groundingMetadata"] = {"webSearchQueries": [""], "retrievalMetadata": {}}


def _overloaded_behind_the_end(number: int) -> Behaviour:
    """Return a server one of whose streams has Google's error behind its last event, outside of any."""
    met = itertools.count(1)
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    behind = DelayedPiece(0.0, json.dumps(error, indent=2).encode() + b"\n")

    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        struck = (
            asks_for_a_stream(incoming) and answer.content_type == "text/event-stream" and next(met) == number
        )
        return replace(answer, pieces=(*answer.pieces, behind)) if struck else None

    return with_answers(change)


def _plainly_labelled(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    named = (("Content-Type", JSON_TYPE), *(one for one in answer.headers if one[0] != "Content-Type"))
    return replace(answer, headers=named) if answer.status >= 400 and asks_for_a_stream(incoming) else None


def _dressed(change: Callable[[Message], Message], *, only: str) -> Behaviour:
    """Return a server that changes every response of one method, each a message that may become another."""
    return with_responses(change, only=only)


def _silent_thoughts(answer: ScriptedAnswer) -> Message:
    return HONEST.whole(replace(answer, thoughts=()))


def _retired(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    if incoming.verb != "GET" or not incoming.path.endswith("/models") or answer.status != 200:
        return None
    listed = [build_model(f"gemini-1.0-pro-00{number}") for number in range(1, 5)]
    return immediate_answer(200, JSON_TYPE, json.dumps({"models": listed, "nextPageToken": "NA=="}).encode())


def _as_of_old(model: str) -> Style:
    return replace(HONEST.style, models=(model, *HONEST.style.models))


EARLY, GEMMA = "gemini-2.5-flash-preview-04-17", "gemma-3-27b-it"


INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "one-empty-stream",
        "A single stream is empty.",
        empty_streams(asks_for_a_stream, 4),
        notes={"streaming/holds-at-least-one-chunk"},
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "one-usage-alone",
        "One unary answer has usage but no candidate.",
        _dressed(_once(5, drop_candidates), only="unary"),
        notes={"schema/has-a-candidate"},
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "one-without-totals",
        "One answer counts neither its prompt nor its total.",
        _dressed(_once(6, _untotalled), only="unary"),
        notes={"usage/counts-every-answer"},
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "stops-for-its-tools",
        "STOP stands beside the code that the vendor runs, and more follows.",
        with_chunks(_stopped_early),
    ),
    Innocent(
        "prompt-recounted",
        "The last chunk counts fewer tokens for the prompt than the chunks before.",
        with_chunks(_recounted),
        notes={"usage/counts-are-cumulative"},
    ),
    Innocent(
        "counters-vanish-once",
        "The last chunk of one stream lacks counters that the chunks before had.",
        with_chunks(_once(4, _forgetful_end)),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "thoughts-within",
        "A preview of early 2025 counts thoughts with its answer.",
        replace(with_responses(_folded), style=_as_of_old(EARLY)),
        model=EARLY,
    ),
    Innocent(
        "gemma-counts-nothing",
        "Gemma counts only its prompt.",
        with_responses(_uncounted, of=_thoughtless(GEMMA)),
        notes={"usage/counts-every-answer"},
        model=GEMMA,
    ),
    Innocent(
        "one-unexpected-call",
        "One candidate has only a finish reason, and its answer has no ids.",
        with_chunks(_once(7, _unexpected)),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "one-withheld",
        "The content of one answer is an empty object.",
        _dressed(_once(7, _withheld), only="unary"),
        settings=ONE_AT_A_TIME,
    ),
    Innocent("hollow-end", "The last chunk of each stream has no parts.", with_chunks(_hollow_end)),
    Innocent("index-now-and-then", "Every other chunk has an index.", with_chunks(_indexed_now_and_then)),
    Innocent(
        "turn-tokens",
        "Answers have members that no document of Google's mentions.",
        with_responses(add_members(turnToken="v1_QQ")),
        notes={"schema/adds-no-members"},
    ),
    Innocent(
        "raw-prompt",
        "The raw prompt is counted too.",
        with_usage(add_members(rawPromptTokenCount=4711, serviceTier="standard")),
        notes={"schema/adds-no-members"},
    ),
    Innocent(
        "details-of-images",
        "Details list other modalities, one of them without a number.",
        with_usage(_unsized, only="unary"),
        notes={"usage/details-add-up"},
    ),
    Innocent(
        "both-texts-first",
        "The first of two candidates holds both texts.",
        with_responses(_both_in_one, only="unary"),
    ),
    Innocent("empty-grounding", "Grounding metadata is present but empty.", with_candidates(_ungrounded)),
    Innocent(
        "vertex-behind-it",
        "Answers have members of Vertex AI.",
        with_responses(_on_vertex),
        notes={"schema/adds-no-members"},
    ),
    Innocent(
        "error-behind-the-end",
        "One stream has an unframed error after its STOP.",
        _overloaded_behind_the_end(3),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "stream-errors-called-json",
        "Errors of streams are labelled as JSON.",
        with_answers(_plainly_labelled),
    ),
    Innocent(
        "thoughts-in-streams-only",
        "Unary answers count thoughts but do not show them.",
        replace(HONEST, whole=_silent_thoughts),
        notes={"semantics/shows-thoughts-when-asked"},
    ),
    Innocent(
        "first-page-retired",
        "The first page of the list names retired models.",
        with_answers(_retired),
        notes={"routes/answers-under-listed-names"},
    ),
    Innocent(
        "asked-for-a-preview",
        "A later model answers for a preview.",
        HONEST,
        notes={"semantics/answers-with-the-model-that-was-asked"},
        model="gemini-3-pro-preview",
    ),
    Innocent(
        "closing-frame",
        "A family of models closes its streams with an empty text.",
        HONEST,
        model="gemini-3.5-flash",
    ),
)
