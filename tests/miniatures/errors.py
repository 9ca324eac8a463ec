"""Servers that fail in the wrong way, or do not fail where they should."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE, SSE, FramedBody, frame_objects
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import GENERATE, RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Miniature, Variation
from miniatures.making import Message, refusing

PAGE = b"<!DOCTYPE html><html><head><title>404</title></head><body>Not here.</body></html>"


def failing(write: Callable[[Refused], Any], *, status: int = 0, content_type: str = JSON_TYPE) -> Behaviour:
    """Return a server that writes its errors in its own way, under their status or under one for all."""

    def refuse(refusal: Refused, _asked: RoutedRequest) -> Outgoing:
        body = write(refusal)
        return immediate_answer(
            status or refusal.status,
            content_type,
            body if isinstance(body, bytes) else json.dumps(body).encode(),
        )

    return replace(HONEST, refuse=refuse)


def with_error(**members: Any) -> Behaviour:
    """Return a server whose error objects have other members."""
    return failing(lambda refusal: {"error": {**refusal.body()["error"], **members}})  # type: ignore[dict-item]


def restated(change: Callable[[Refused], Refused]) -> Behaviour:
    """Return a server that refuses with another status or message, in Google's form."""
    return replace(HONEST, refuse=lambda refusal, asked: HONEST.refuse(change(refusal), asked))


def finishing(change: Callable[[Outgoing, Incoming], Outgoing | None], of: Behaviour = HONEST) -> Behaviour:
    """Return a server that changes whole answers before they are compressed; None leaves one as it is."""
    return replace(
        of, finish=lambda answer, incoming: of.finish(change(answer, incoming) or answer, incoming)
    )


def settling(change: Callable[[Message], None], of: Behaviour = HONEST) -> Behaviour:
    """Return a server that mends each request before it is read."""

    def settle(body: Message, style: Style) -> Message:
        change(body)
        return of.settle(body, style)

    return replace(of, settle=settle)


def generates(incoming: Incoming) -> bool:
    """Say whether a request asks for an answer of the model under /v1beta."""
    return (
        incoming.verb == "POST" and incoming.path.startswith("/v1beta") and "enerateContent" in incoming.path
    )


def remembers(incoming: Incoming) -> bool:
    """Say whether a request is the conversation of three turns: one question out of many."""
    return generates(incoming) and b"Remember the word" in incoming.body


def _openai(refusal: Refused) -> Message:
    return {
        "error": {"message": refusal.message, "type": "new_api_error", "param": "", "code": "invalid_request"}
    }


def _coded(refusal: Refused) -> Message:
    return {"code": refusal.status, "msg": refusal.message, "data": None}


def _event(refusal: Refused) -> bytes:
    return b"event: error\ndata: " + json.dumps(refusal.body()).encode() + b"\n\n"


def _streams_fail(status: int, write: Callable[[Refused], bytes]) -> Behaviour:
    def refuse(refusal: Refused, asked: RoutedRequest) -> Outgoing:
        if asked.framing != SSE:
            return HONEST.refuse(refusal, asked)
        return immediate_answer(status or refusal.status, "text/event-stream", write(refusal))

    return replace(HONEST, refuse=refuse)


def _data(refusal: Refused) -> bytes:
    return b"data: " + json.dumps(refusal.body()).encode() + b"\r\n\r\n"


def _own_server_fault(refusal: Refused) -> Refused:
    return Refused(500, refusal.message, refusal.details) if refusal.status == 400 else refusal


def _forget_unknown(body: Message) -> None:
    body.pop("frobnication", None)
    _config(body).pop("frobnication", None)


def _config(body: Message) -> Message:
    found = body.get("generationConfig")
    return found if isinstance(found, dict) else {}


def _forget_unreadable(body: Message) -> None:
    if _config(body).get("temperature") == "hot":
        del _config(body)["temperature"]
    if "FROBNICATION" in str(body.get("safetySettings")):
        del body["safetySettings"]


def _fill(body: Message) -> None:
    if not body.get("contents"):
        body["contents"] = [{"role": "user", "parts": [{"text": "Hello."}]}]


def _name(body: Message) -> None:
    for turn in body.get("contents") or ():
        if isinstance(turn, dict) and turn.get("role") == "narrator":
            turn["role"] = "user"


def _forgiving(body: Message) -> None:
    for mend in (_forget_unknown, _forget_unreadable, _fill, _name):
        mend(body)


def _repairing(data: bytes) -> Message:
    broken = data and not data.rstrip().endswith(b"}")
    return HONEST.document(data + b'"}]}]}' if broken else data)


def _any_model(incoming: Incoming, style: Style) -> RoutedRequest:
    asked = route_request(incoming, style)
    return replace(asked, model="gemini-2.5-flash") if asked.model.startswith("gemini-none") else asked


EVERYTHING = replace(
    settling(_forgiving),
    document=_repairing,
    route=_any_model,
    accepts_key=lambda _key: True,
    authorise=lambda _incoming, _style, _accepts: None,
)


def _unknown_model(status: int, message: str = "This model is not supported") -> Behaviour:
    def change(refusal: Refused) -> Refused:
        return (
            Refused(status, f"{message}: {refusal.message}")
            if "is not found for API version" in refusal.message
            else refusal
        )

    return restated(change)


def _unknown_method(answer: Outgoing) -> Behaviour:
    return finishing(lambda _was, incoming: answer if incoming.path.endswith(":frobnicateContent") else None)


def _unsupported(incoming: Incoming, style: Style) -> RoutedRequest:
    if incoming.path.endswith(":frobnicateContent"):
        raise Refused(400, "Unsupported method: frobnicateContent")
    return route_request(incoming, style)


def _get(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    page = immediate_answer(200, "text/html", PAGE)
    return page if incoming.verb == "GET" and incoming.path.endswith(":generateContent") else None


def _ending_in(error: Message) -> Behaviour:
    """Streams that end, and then fail after all."""

    def write(framing: str, objects: Sequence[Any]) -> FramedBody:
        return frame_objects(framing, [*objects, {"error": error}] if framing == SSE else objects)

    return replace(HONEST, frame=write)


def _status(status: int, *, only: str = "") -> Behaviour:
    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        mine = generates(incoming) and only in incoming.path and answer.status == 200
        return replace(answer, status=status) if mine else None

    return finishing(change)


def _emptied(status: int) -> Behaviour:
    return finishing(
        lambda answer, incoming: replace(answer, status=status, pieces=()) if remembers(incoming) else None
    )


def _vague(refusal: Refused) -> Refused:
    return Refused(refusal.status, f"Request failed with status code {refusal.status}")


def _rule(*names: str) -> frozenset[str]:
    return frozenset(f"errors/{name}" for name in names)


SHAPE = _rule("writes-errors-as-google-does")
OVERLOADED = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}

MINIATURES: tuple[Miniature, ...] = (
    Miniature("openai-errors", "Errors are OpenAI's.", failing(_openai), SHAPE),
    Miniature("validation-errors", "Errors have a word for a code, and no status.", failing(lambda r: {"error": {"code": "validation_error", "message": r.message}}), SHAPE),
    Miniature("text-errors", "`error` is a text.", failing(lambda r: {"error": r.message, "message": r.message}), SHAPE),
    Miniature("coded-errors", "Errors are code, msg and data.", failing(_coded), SHAPE),
    Miniature("enveloped-errors", "The error stands inside of data.", failing(lambda r: {"code": r.status, "data": r.body()}), SHAPE),
    Miniature("detail-errors", "Errors are a framework's detail.", failing(lambda r: {"detail": r.message}), SHAPE),
    Miniature("html-errors", "Errors are pages.", failing(lambda _: PAGE, content_type="text/html"), SHAPE),
    Miniature("html-called-json", "Errors are pages that are called JSON.", failing(lambda _: PAGE), SHAPE),
    Miniature("empty-errors", "Errors have no body.", failing(lambda _: b""), SHAPE),
    Miniature("json-string-errors", "An error is a JSON string.", failing(lambda r: r.message), SHAPE),
    Miniature("code-as-text", "error.code is a text.", with_error(code="400"), _rule("gives-the-status-as-code")),
    Miniature("code-of-rpc", "error.code is gRPC's number.", with_error(code=3), _rule("gives-the-status-as-code")),
    Miniature("own-status-name", "error.status is the vendor's own.", with_error(status="gemini_error"), _rule("gives-a-status-of-google-rpc")),
    Miniature("one-status-name", "error.status is always INTERNAL.", with_error(status="INTERNAL"), _rule("gives-a-status-of-google-rpc")),
    Miniature("listed-errors", "Every error is a list of one.", failing(lambda r: [r.body()]), _rule("writes-one-error-not-a-list")),
    Miniature("errors-called-text", "JSON errors are called text/plain.", failing(lambda r: r.body(), content_type="text/plain"), _rule("labels-errors-as-json")),
    Miniature("vague-errors", "Messages say only the status.", restated(_vague), _rule("names-what-is-wrong"), _rule("gives-details")),
    Miniature("errors-as-success", "Every error has the status 200.", failing(lambda r: r.body(), status=200), _rule("fails-with-the-status-of-an-error")),
    Miniature("codes-as-success", "Every error is a code in a 200.", failing(_coded, status=200), _rule("fails-with-the-status-of-an-error")),
    Miniature("stream-refused-in-event", "Streams are refused by an event: error in a 200.", _streams_fail(200, _event), _rule("refuses-a-stream-before-it-begins")),
    Miniature("stream-refused-in-data", "Streams are refused by the only chunk of a 200.", _streams_fail(200, _data), _rule("refuses-a-stream-before-it-begins")),
    Miniature("stream-refusal-framed", "Refused streams have the right status, and events.", _streams_fail(0, _data), _rule("refuses-a-stream-before-it-begins")),
    Miniature("no-body", "An answer is empty.", _emptied(200), _rule("answers-with-a-body")),
    Miniature("no-content", "An answer is 204.", _emptied(204), _rule("answers-with-a-body")),
    Miniature("created", "Answers have the status 201.", _status(201), _rule("succeeds-with-200")),
    Miniature("accepted-streams", "Streams have the status 202.", _status(202, only="stream"), _rule("succeeds-with-200")),
    Miniature("own-fault", "What Google answers with 400 is a 500.", restated(_own_server_fault), _rule("blames-the-caller-with-4xx")),
    Miniature("no-channel", "An unknown model is 503.", _unknown_model(503), _rule("blames-the-caller-with-4xx")),
    Miniature("takes-everything", "Wrong fields, models and keys are taken.", EVERYTHING, _rule("refuses-what-is-wrong")),
    Miniature("drops-unknown-fields", "Unknown fields are dropped.", settling(_forget_unknown), _rule("refuses-unknown-fields")),
    Miniature("drops-wrong-values", "Values of a wrong kind are dropped.", settling(_forget_unreadable), _rule("refuses-values-of-a-wrong-kind")),
    Miniature("repairs-json", "Half a body is completed.", replace(HONEST, document=_repairing), _rule("refuses-broken-json")),
    Miniature("answers-nothing", "Empty contents are answered.", settling(_fill), _rule("refuses-contents-without-sense")),
    Miniature("unsupported-model", "An unknown model is 400.", _unknown_model(400), _rule("knows-no-model-that-does-not-exist")),
    Miniature("another-model", "Another model answers for one that does not exist.", replace(HONEST, route=_any_model), _rule("knows-no-model-that-does-not-exist")),
    Miniature("empty-method", "An unknown method is an empty 200.", _unknown_method(immediate_answer(200, JSON_TYPE, b"")), _rule("knows-no-method-that-does-not-exist")),
    Miniature("unsupported-method", "An unknown method is 400.", replace(HONEST, route=_unsupported), _rule("knows-no-method-that-does-not-exist")),
    Miniature("page-for-get", "GET of a method is a page.", finishing(_get), notes=_rule("knows-no-other-verb")),
    Miniature("reshaped-in-stream", "An error within a stream is OpenAI's.", _ending_in({"message": "quota", "type": "x", "code": "insufficient_quota"}), _rule("keeps-googles-errors-within-streams")),
    Miniature("blocked-as-error", "A blocked prompt is an error.", refusing(lambda r: "inlineData" in str(r), "The prompt was blocked: PROHIBITED_CONTENT"), _rule("answers-a-blocked-prompt")),
)  # fmt: skip


def _no_details(refusal: Refused) -> Refused:
    return Refused(refusal.status, refusal.message)


def _page_for_unknown(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """Google's front end answers with a page where it has no route."""
    strange = incoming.path.endswith(":frobnicateContent") or (
        incoming.verb == "GET" and ":" in incoming.path
    )
    return immediate_answer(404, "text/html; charset=UTF-8", PAGE) if strange else None


def _unlucky(times: int) -> Behaviour:
    """Fails the first times that a wrong request comes, then refuses it."""
    left = [times]

    def change(refusal: Refused) -> Refused:
        if refusal.status == 400 and left[0]:
            left[0] -= 1
            return Refused(500, "Internal error encountered.")
        return refusal

    return restated(change)


def _no_verb(incoming: Incoming, style: Style) -> RoutedRequest:
    if incoming.verb == "GET" and ":" in incoming.path:
        raise Refused(405, "Method Not Allowed")
    asked = route_request(incoming, style)
    return asked if asked.what != GENERATE or incoming.verb == "POST" else RoutedRequest(GENERATE)


VARIATIONS: tuple[Variation, ...] = (
    Variation("errors-without-details", "Errors have no details.", restated(_no_details), _rule("gives-details")),
    Variation("errors-with-extras", "Errors have members beside Google's.", with_error(type="invalid_request_error", request_id="x")),
    Variation("pages-where-no-route-is", "Paths that do not exist are pages, as at Google.", finishing(_page_for_unknown)),
    Variation("unlucky", "A wrong request fails with 500 once.", _unlucky(1)),
    Variation("verb-not-allowed", "GET of a method is 405.", replace(HONEST, route=_no_verb)),
    Variation("hidden-models", "An unknown model is 403.", _unknown_model(403), _rule("knows-no-model-that-does-not-exist")),
    Variation("takes-any-role", "Strange roles are taken for the user's.", settling(_name), _rule("refuses-contents-without-sense")),
    Variation("overloaded-at-the-end", "Streams end, then say that they were overloaded.", _ending_in(OVERLOADED)),
)  # fmt: skip
