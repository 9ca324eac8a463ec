"""Servers that lack a route beside generateContent, or fill it with something else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import not_found_error
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import COUNT, GET, LIST, RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Miniature, Variation
from miniatures.errors import PAGE, finishing
from miniatures.making import Message


def without(missing: Callable[[RoutedRequest, Incoming], bool]) -> Behaviour:
    """Return a server that lacks routes."""

    def look(incoming: Incoming, style: Style) -> RoutedRequest:
        asked = route_request(incoming, style)
        if missing(asked, incoming):
            raise not_found_error()
        return asked

    return replace(HONEST, route=look)


def instead(there: Callable[[Incoming], bool], status: int, content_type: str, body: bytes) -> Behaviour:
    """Return a server that answers something else on some routes."""
    return finishing(
        lambda _answer, incoming: immediate_answer(status, content_type, body) if there(incoming) else None
    )


def saying(member: str, change: Callable[[Message], Any]) -> Behaviour:
    """Return a server that changes the objects which have a member: totalTokens, models, displayName."""

    def frame(framing: str, values: Any) -> Any:
        return HONEST.frame(framing, [_changed(value, member, change) for value in values])

    return replace(HONEST, frame=frame)


def _changed(value: Any, member: str, change: Callable[[Message], Any]) -> Any:
    if not isinstance(value, dict) or member not in value:
        return value
    made = copy.deepcopy(value)
    return change(made) or made


def each_model(change: Callable[[Message], Any]) -> Behaviour:
    """Return a server that changes each entry of its list of models."""

    def every(value: Message) -> None:
        for entry in value["models"]:
            change(entry)

    return saying("models", every)


def _on_v1(incoming: Incoming) -> bool:
    return incoming.path.startswith("/v1/")


def _list(incoming: Incoming) -> bool:
    return incoming.path == "/v1beta/models"


def _bare(entry: Message) -> None:
    entry["name"] = entry["name"].removeprefix("models/")


def _doubled(entry: Message) -> None:
    entry["name"] = f"models/{entry['name']}"


def _alias(entry: Message) -> None:
    entry["name"] = entry["name"].replace("models/", "models/vendor.")


def _without_tested(value: Message) -> None:
    value["models"] = [entry for entry in value["models"] if not entry["name"].endswith("/gemini-2.5-flash")]


def _openai(value: Message) -> Message:
    return {"object": "list", "data": [{"id": entry["name"], "object": "model"} for entry in value["models"]]}


def _nulls(entry: Message) -> None:
    entry["supportedGenerationMethods"] = entry["inputTokenLimit"] = None


def _preflight(*headers: tuple[str, str], status: int = 200) -> Behaviour:
    return replace(HONEST, preflight=lambda _incoming: Outgoing(status, headers))


def _closed(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """No CORS at all: OPTIONS is no verb here."""
    body = json.dumps(not_found_error().body()).encode()
    return immediate_answer(404, JSON_TYPE, body) if incoming.verb == "OPTIONS" else None


def _no_origin(answer: Outgoing, incoming: Incoming) -> Outgoing:
    return HONEST.finish(
        answer, replace(incoming, headers={k: v for k, v in incoming.headers.items() if k != "origin"})
    )


def _constant(value: int) -> Behaviour:
    return saying("totalTokens", lambda _: {"totalTokens": value})


def _rule(*names: str) -> frozenset[str]:
    return frozenset(f"routes/{name}" for name in names)


V1, COUNTS, LISTS = _rule("answers-on-v1"), _rule("counts-tokens"), _rule("lists-its-models")
FAKE, NAMES = _rule("counts-more-for-longer-texts"), _rule("names-models-with-their-prefix")
CALLED = _rule("says-what-each-model-can-do")

MINIATURES: tuple[Miniature, ...] = (
    Miniature("no-v1", "There is no /v1.", without(lambda asked, _: asked.version == "v1"), V1),
    Miniature("page-on-v1", "/v1 is a page.", instead(_on_v1, 200, "text/html", PAGE), V1),
    Miniature("no-count", "There is no countTokens.", without(lambda asked, _: asked.what == COUNT), COUNTS),
    Miniature("empty-count", "countTokens answers nothing.", saying("totalTokens", lambda _: {"count": 4}), COUNTS),
    Miniature("zero-count", "countTokens is always 0.", _constant(0), FAKE),
    Miniature("same-count", "countTokens is always 7.", _constant(7), FAKE),
    Miniature("no-models", "There is no list of models.", without(lambda asked, _: asked.what in (LIST, GET)), LISTS),
    Miniature("page-of-models", "The list of models is a page.", instead(_list, 200, "text/html", PAGE), LISTS),
    Miniature("openai-models", "The list of models is OpenAI's.", saying("models", _openai), LISTS),
    Miniature("empty-models", "The list of models is empty.", saying("models", lambda _: {"models": []}), LISTS),
    Miniature("bare-names", "Names have no prefix.", each_model(_bare), NAMES),
    Miniature("doubled-names", "Names have their prefix twice.", each_model(_doubled), NAMES),
    Miniature("unusable-names", "Listed names are refused.", each_model(_alias), _rule("answers-under-listed-names")),
    Miniature("null-methods", "What models can do is null.", each_model(_nulls), CALLED),
    Miniature("no-methods", "What models can do is not said.", each_model(lambda e: e.pop("supportedGenerationMethods")), CALLED),
    Miniature("unlisted", "The model that answers is not listed.", saying("models", _without_tested), notes=_rule("lists-the-model-under-test")),
    Miniature("no-model", "A model cannot be looked up.", without(lambda asked, _: asked.what == GET), _rule("describes-a-model")),
    Miniature("no-key-from-pages", "Pages may not send Google's header.", _preflight(("Access-Control-Allow-Headers", "authorization,content-type")), _rule("lets-browsers-send-the-key")),
    Miniature("no-pages", "Pages may not call at all.", finishing(_closed), notes=_rule("lets-browsers-send-the-key")),
)  # fmt: skip

VARIATIONS: tuple[Variation, ...] = (
    Variation("few-limits", "Models have no token limits.", each_model(lambda e: e.pop("inputTokenLimit")), CALLED),
    Variation("any-header", "Pages may send any header.", _preflight(("Access-Control-Allow-Headers", "*"), status=204)),
    Variation("no-origin", "Nothing says which pages may read.", replace(HONEST, finish=_no_origin), _rule("lets-browsers-send-the-key")),
)  # fmt: skip
