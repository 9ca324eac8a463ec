"""Servers that lack a route other than generateContent, or answer something else there."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused, not_found_error
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.listing import build_model
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import COUNT, GENERATE, GET, LIST, RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Innocent, Miniature
from miniatures.making import (
    HTML_PAGE,
    Message,
    lists_models,
    names_the_stream_method,
    refuse_where,
    with_answers,
)


def without_route(missing: Callable[[RoutedRequest, Incoming], bool]) -> Behaviour:
    """Return a server that lacks routes."""

    def look(incoming: Incoming, style: Style) -> RoutedRequest:
        asked = route_request(incoming, style)
        if missing(asked, incoming):
            raise not_found_error()
        return asked

    return replace(HONEST, route=look)


def answer_instead(
    there: Callable[[Incoming], bool], status: int, content_type: str, body: bytes
) -> Behaviour:
    """Return a server that answers something else on some routes."""
    return with_answers(
        lambda _answer, incoming: immediate_answer(status, content_type, body) if there(incoming) else None
    )


def with_get_answers(member: str, change: Callable[[Message], Any]) -> Behaviour:
    """Return a server that changes the objects which have a member: totalTokens, models, displayName."""

    def frame(framing: str, values: Any) -> Any:
        return HONEST.frame(framing, [_change_member(value, member, change) for value in values])

    return replace(HONEST, frame=frame)


def _change_member(value: Any, member: str, change: Callable[[Message], Any]) -> Any:
    if not isinstance(value, dict) or member not in value:
        return value
    made = copy.deepcopy(value)
    return change(made) or made


def with_each_model(change: Callable[[Message], Any]) -> Behaviour:
    """Return a server that changes each entry of its list of models."""

    def every(value: Message) -> None:
        for model in value["models"]:
            change(model)

    return with_get_answers("models", every)


def _asks_v1(incoming: Incoming) -> bool:
    return incoming.path.startswith("/v1/")


def _asks_for_list(incoming: Incoming) -> bool:
    return incoming.path == "/v1beta/models"


def _drop_prefix(entry: Message) -> None:
    entry["name"] = entry["name"].removeprefix("models/")


def _double_prefix(entry: Message) -> None:
    entry["name"] = f"models/{entry['name']}"


def _rename_model(entry: Message) -> None:
    entry["name"] = entry["name"].replace("models/", "models/vendor.")


def _drop_tested_model(value: Message) -> None:
    value["models"] = [entry for entry in value["models"] if not entry["name"].endswith("/gemini-2.5-flash")]


def _list_as_openai(value: Message) -> Message:
    return {"object": "list", "data": [{"id": entry["name"], "object": "model"} for entry in value["models"]]}


def _null_abilities(entry: Message) -> None:
    entry["supportedGenerationMethods"] = entry["inputTokenLimit"] = None


def _answer_preflight(*headers: tuple[str, str], status: int = 200) -> Behaviour:
    return replace(HONEST, preflight=lambda _incoming: Outgoing(status, headers))


def _refuse_preflight(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """No CORS at all: OPTIONS is no verb here."""
    body = json.dumps(not_found_error().to_object()).encode()
    return immediate_answer(404, JSON_TYPE, body) if incoming.verb == "OPTIONS" else None


def _ignore_origin(answer: Outgoing, incoming: Incoming) -> Outgoing:
    return HONEST.finish(
        answer, replace(incoming, headers={k: v for k, v in incoming.headers.items() if k != "origin"})
    )


def _count_always(value: int) -> Behaviour:
    return with_get_answers("totalTokens", lambda _: {"totalTokens": value})


_SPEAKERS = ("gemini-2.5-flash-preview-tts", "gemini-2.5-pro-preview-tts", "gemini-2.0-flash-live")


def _list_speakers(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    if not lists_models(incoming) or answer.status != 200:
        return None
    several = {"models": [build_model(model) for model in _SPEAKERS], "nextPageToken": "MTA="}
    return immediate_answer(200, JSON_TYPE, json.dumps(several).encode())


def _refuse_text_of_speakers(incoming: Incoming, style: Style) -> RoutedRequest:
    asked = route_request(incoming, style)
    if asked.what == GENERATE and asked.model in _SPEAKERS:
        raise Refused(400, "The requested response modalities (TEXT) are not supported by the model.")
    return asked


def _admit_own_pages(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    headers = (
        ("Access-Control-Allow-Origin", "https://console.example"),
        ("Access-Control-Allow-Headers", "content-type,authorization"),
    )
    return Outgoing(204, headers) if incoming.verb == "OPTIONS" else None


def _append_query(entry: Message) -> None:
    entry["name"] += "?alt=json#x"


def _climb_path(entry: Message) -> None:
    entry["name"] = f"models/../../{entry['name']}"


def _append_control_characters(entry: Message) -> None:
    entry["name"] += "\u202e\r\nHost: elsewhere"


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "names-with-queries",
        "Listed names end in a query and a fragment.",
        with_each_model(_append_query),
        trips={"routes/names-models-with-their-prefix"},
        notes={"routes/lists-the-model-under-test"},
    ),
    Miniature(
        "names-that-climb",
        "Listed names lead out of /v1beta.",
        with_each_model(_climb_path),
        trips={"routes/names-models-with-their-prefix"},
    ),
    Miniature(
        "names-with-line-ends",
        "Listed names hold a line break and a header.",
        with_each_model(_append_control_characters),
        trips={"routes/names-models-with-their-prefix"},
        notes={"routes/lists-the-model-under-test"},
    ),
    Miniature(
        "no-streams",
        "There is no streaming method.",
        refuse_where(404, names_the_stream_method),
        trips={"routes/answers-by-both-methods"},
    ),
    Miniature(
        "streams-by-token",
        "Streams require another key.",
        refuse_where(401, names_the_stream_method),
        trips={"routes/answers-by-both-methods"},
    ),
    Miniature(
        "streams-only",
        "There is no unary method.",
        refuse_where(404, lambda i: ":generateContent" in i.path),
        trips={"routes/answers-by-both-methods"},
    ),
    Miniature(
        "null-count",
        "countTokens answers null.",
        with_get_answers("totalTokens", lambda _: {"totalTokens": None}),
        trips={"routes/counts-tokens"},
    ),
    Miniature(
        "no-v1",
        "There is no /v1.",
        without_route(lambda asked, _: asked.version == "v1"),
        trips={"routes/answers-on-v1"},
    ),
    Miniature(
        "page-on-v1",
        "/v1 answers with a page.",
        answer_instead(_asks_v1, 200, "text/html", HTML_PAGE),
        trips={"routes/answers-on-v1"},
    ),
    Miniature(
        "no-count",
        "There is no countTokens.",
        without_route(lambda asked, _: asked.what == COUNT),
        trips={"routes/counts-tokens"},
    ),
    Miniature(
        "empty-count",
        "countTokens answers with nothing.",
        with_get_answers("totalTokens", lambda _: {"count": 4}),
        trips={"routes/counts-tokens"},
    ),
    Miniature(
        "zero-count",
        "countTokens is always 0.",
        _count_always(0),
        trips={"routes/counts-more-for-longer-texts"},
    ),
    Miniature(
        "same-count",
        "countTokens is always 7.",
        _count_always(7),
        trips={"routes/counts-more-for-longer-texts"},
    ),
    Miniature(
        "no-models",
        "There is no list of models.",
        without_route(lambda asked, _: asked.what in (LIST, GET)),
        trips={"routes/lists-its-models"},
    ),
    Miniature(
        "page-of-models",
        "The list of models is a page.",
        answer_instead(_asks_for_list, 200, "text/html", HTML_PAGE),
        trips={"routes/lists-its-models"},
    ),
    Miniature(
        "openai-models",
        "The list of models is in OpenAI's form.",
        with_get_answers("models", _list_as_openai),
        trips={"routes/lists-its-models"},
    ),
    Miniature(
        "empty-models",
        "The list of models is empty.",
        with_get_answers("models", lambda _: {"models": []}),
        trips={"routes/lists-its-models"},
    ),
    Miniature(
        "bare-names",
        "Listed names have no prefix.",
        with_each_model(_drop_prefix),
        trips={"routes/names-models-with-their-prefix"},
    ),
    Miniature(
        "doubled-names",
        "Listed names have their prefix twice.",
        with_each_model(_double_prefix),
        trips={"routes/names-models-with-their-prefix"},
    ),
    Miniature(
        "unusable-names",
        "Listed names are refused.",
        with_each_model(_rename_model),
        trips={"routes/answers-under-listed-names"},
    ),
    Miniature(
        "null-methods",
        "The methods of each model are null.",
        with_each_model(_null_abilities),
        trips={"routes/says-what-each-model-can-do"},
    ),
    Miniature(
        "no-methods",
        "Models have no list of methods.",
        with_each_model(lambda e: e.pop("supportedGenerationMethods")),
        trips={"routes/says-what-each-model-can-do"},
    ),
    Miniature(
        "unlisted",
        "The model that answers is not listed.",
        with_get_answers("models", _drop_tested_model),
        notes={"routes/lists-the-model-under-test"},
    ),
    Miniature(
        "no-model",
        "A model cannot be looked up.",
        without_route(lambda asked, _: asked.what == GET),
        trips={"routes/describes-a-model"},
    ),
    Miniature(
        "no-key-from-pages",
        "Web pages may not send Google's header.",
        _answer_preflight(("Access-Control-Allow-Headers", "authorization,content-type")),
        trips={"routes/lets-browsers-send-the-key"},
    ),
    Miniature(
        "no-pages",
        "Web pages may not call at all.",
        with_answers(_refuse_preflight),
        notes={"routes/lets-browsers-send-the-key"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "speakers-first",
        "The first listed models produce speech, not text.",
        replace(with_answers(_list_speakers), route=_refuse_text_of_speakers),
        notes={"routes/answers-under-listed-names"},
    ),
    Innocent(
        "own-pages-only",
        "Only the vendor's own web pages may call.",
        with_answers(_admit_own_pages),
        notes={"routes/lets-browsers-send-the-key"},
    ),
    Innocent(
        "few-limits",
        "Models have no token limits.",
        with_each_model(lambda e: e.pop("inputTokenLimit")),
        notes={"routes/says-what-each-model-can-do"},
    ),
    Innocent(
        "any-header",
        "Web pages may send any header.",
        _answer_preflight(("Access-Control-Allow-Headers", "*"), status=204),
    ),
    Innocent(
        "no-origin",
        "No header says which web pages may read answers.",
        replace(HONEST, finish=_ignore_origin),
        notes={"routes/lets-browsers-send-the-key"},
    ),
)
