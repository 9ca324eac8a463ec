"""Innocent servers that lack a feature, a route or an account, and say so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import Behaviour
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from miniatures import Innocent
from miniatures.errors import with_errors
from miniatures.making import (
    Message,
    generation_config,
    lists_models,
    names_the_stream_method,
    refuse_when,
    refuse_where,
    with_answers,
)


def _wants_thinking(request: Message) -> bool:
    config = request.get("generationConfig", {}).get("thinkingConfig", {})
    return bool(config.get("includeThoughts") or "thinkingBudget" in config)


def _thinks(request: Message) -> bool:
    return "thinkingConfig" in generation_config(request)


def _shows_thoughts(request: Message) -> bool:
    return "includeThoughts" in generation_config(request).get("thinkingConfig", {})


def _instructed(request: Message) -> bool:
    return "systemInstruction" in request


def _several_turns(request: Message) -> bool:
    return len(request["contents"]) > 1


def _stops(request: Message) -> bool:
    return "stopSequences" in generation_config(request)


def _saying(status: int, code: str, message: str) -> Outgoing:
    error = {"error": {"code": status, "message": message, "status": code}}
    return immediate_answer(status, JSON_TYPE, json.dumps(error).encode())


def _denying(message: str, when: Callable[[Incoming], bool]) -> Behaviour:
    """Return a server that answers 403 on some of its routes."""
    no = _saying(403, "PERMISSION_DENIED", message)
    return with_answers(lambda _answer, incoming: no if when(incoming) else None)


def _counts(incoming: Incoming) -> bool:
    return incoming.path.endswith(":countTokens")


def _reads(incoming: Incoming) -> bool:
    return incoming.verb == "GET"


def _shut(message: str) -> Behaviour:
    """Return a server that answers no question of the model, whatever it is, for the same reason."""
    body: Mapping[str, object] = {"error": {"code": 400, "message": message, "status": "FAILED_PRECONDITION"}}
    shut = refuse_when(lambda _request: True, message)
    return replace(shut, refuse=with_errors(lambda _refusal: body, status=400).refuse)


def _mode_any(request: Message) -> bool:
    return str(request.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode")) == "ANY"


def _lacking(*features: str) -> tuple[tuple[str, Any], ...]:
    return (("unsupported", features),)


def _refusing_streams() -> tuple[tuple[str, Any], ...]:
    return (("unsupported", ("streaming",)),)


INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "instructions-not-allowed",
        "System instructions are refused as not allowed.",
        refuse_when(_instructed, "System instructions are not allowed for this model."),
    ),
    Innocent(
        "instructions-cannot-be-handled",
        "System instructions are refused because they cannot be handled.",
        refuse_when(_instructed, "This model cannot handle system instructions."),
    ),
    Innocent(
        "stops-cannot-be-used",
        "Stop sequences are refused because they cannot be used.",
        refuse_when(_stops, "stopSequences cannot be used with this model."),
    ),
    Innocent(
        "safety-is-fixed",
        "Safety settings are refused because they cannot be changed.",
        refuse_when(
            lambda r: "safetySettings" in r, "This gateway does not allow safetySettings to be changed."
        ),
    ),
    Innocent(
        "single-turns-only",
        "Conversations are refused, with and without functions.",
        refuse_when(_several_turns, "Only single-turn requests are accepted by this model."),
    ),
    Innocent(
        "thinking-not-accepted",
        "A thinkingConfig is refused as not accepted.",
        refuse_when(_thinks, "thinking_config is not accepted by this model."),
        model="gemini-2.0-flash",
    ),
    Innocent(
        "thoughts-are-for-thinkers",
        "Every thinkingConfig is refused as meant for other models.",
        refuse_when(_shows_thoughts, "Unable to submit request because thoughts belong to thinking models."),
        model="gemini-2.0-flash",
    ),
    Innocent(
        "list-is-not-enabled",
        "The list of models is refused because listing is not enabled.",
        _denying("Listing models is not enabled for this project.", lists_models),
    ),
    Innocent(
        "count-is-not-enabled",
        "countTokens is refused because counting is not enabled.",
        _denying("countTokens is not enabled for this project.", _counts),
    ),
    Innocent(
        "reads-nothing",
        "Every GET is answered with 501.",
        with_answers(
            lambda _answer, i: _saying(501, "UNIMPLEMENTED", "Not implemented.") if _reads(i) else None
        ),
        notes={"errors/blames-the-caller-with-4xx"},
    ),
    Innocent(
        "plan-required",
        "Every question is refused because a plan is required.",
        _shut("A paid plan is required for this model."),
    ),
    Innocent(
        "wrong-place",
        "Every question is refused because of the caller's location.",
        _shut("You must specify a billing account in a country where this model runs."),
    ),
    Innocent(
        "no-instructions",
        "System instructions are refused clearly.",
        refuse_when(
            lambda r: "systemInstruction" in r, "Developer instruction is not enabled for this model"
        ),
    ),
    Innocent(
        "no-stop-sequences",
        "Stop sequences are refused clearly.",
        refuse_when(lambda r: "stopSequences" in generation_config(r), "Stop sequences are not supported"),
    ),
    Innocent(
        "no-safety-settings",
        "Safety settings are refused clearly.",
        refuse_when(lambda r: "safetySettings" in r, "safetySettings are not supported here"),
    ),
    Innocent(
        "no-mode-any",
        "Forced calls are refused clearly.",
        refuse_when(_mode_any, "mode ANY is not supported by this model"),
    ),
    Innocent(
        "no-thinking-at-all",
        "A thinkingConfig of any kind is refused clearly.",
        refuse_when(
            lambda r: "thinkingConfig" in generation_config(r), "Thinking is not enabled for this model"
        ),
        model="gemini-2.0-flash",
    ),
    Innocent(
        "lacks-what-it-says",
        "Features are refused that providers.yaml lists as unsupported.",
        refuse_when(
            lambda r: (
                len(r["contents"]) > 1 or "safetySettings" in r or "stopSequences" in generation_config(r)
            ),
            "bad request",
        ),
        settings=_lacking("history", "safety-settings", "stop-sequences", "function-calling"),
    ),
    Innocent(
        "lacks-streams",
        "There is no streaming, and providers.yaml says so.",
        refuse_where(404, names_the_stream_method),
        settings=_refusing_streams(),
    ),
    Innocent(
        "no-thinking-model",
        "Thinking is refused clearly.",
        refuse_when(_wants_thinking, "Thinking is not enabled for this model"),
    ),
    Innocent(
        "no-schemas",
        "Schemas are refused clearly.",
        refuse_when(
            lambda r: (
                "responseMimeType" in r.get("generationConfig", {})
                and r["generationConfig"]["responseMimeType"] != "text/plain"
            ),
            "JSON mode is not enabled for this model",
        ),
    ),
    Innocent(
        "one-candidate-only",
        "Several candidates are refused clearly.",
        refuse_when(
            lambda r: r.get("generationConfig", {}).get("candidateCount", 1) > 1,
            "Multiple candidates is not enabled for this model",
        ),
    ),
    Innocent(
        "no-images",
        "Images are refused clearly.",
        refuse_when(lambda r: "inlineData" in str(r), "Image input modality is not enabled for this model"),
    ),
    Innocent(
        "no-functions",
        "Functions are refused clearly.",
        refuse_when(lambda r: "tools" in r, "Function calling is not enabled for this model"),
    ),
)
