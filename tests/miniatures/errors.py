"""Servers whose errors are wrong, or that do not refuse what they should."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE, SSE, OutgoingBody, frame_objects
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import GENERATE, RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Innocent, Miniature
from miniatures.making import (
    HTML_PAGE,
    ONE_AT_A_TIME,
    PLAIN_TEXT,
    Message,
    asks_the_model,
    continues_a_conversation,
    empty_every,
    generation_config,
    refuse_when,
    with_answers,
)


def with_errors(
    write: Callable[[Refused], Any], *, status: int = 0, content_type: str = JSON_TYPE
) -> Behaviour:
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
    return with_errors(lambda refusal: {"error": {**refusal.to_object()["error"], **members}})  # type: ignore[dict-item]


def with_refusals(change: Callable[[Refused], Refused]) -> Behaviour:
    """Return a server that refuses with another status or message, in Google's form."""
    return replace(HONEST, refuse=lambda refusal, asked: HONEST.refuse(change(refusal), asked))


def with_settled_requests(change: Callable[[Message], None], of: Behaviour = HONEST) -> Behaviour:
    """Return a server that mends each request before it is read."""

    def settle(body: Message, style: Style) -> Message:
        change(body)
        return of.settle(body, style)

    return replace(of, settle=settle)


def _openai(refusal: Refused) -> Message:
    return {
        "error": {"message": refusal.message, "type": "new_api_error", "param": "", "code": "invalid_request"}
    }


def _coded(refusal: Refused) -> Message:
    return {"code": refusal.status, "msg": refusal.message, "data": None}


def _event(refusal: Refused) -> bytes:
    return b"event: error\ndata: " + json.dumps(refusal.to_object()).encode() + b"\n\n"


def _streams_fail(status: int, write: Callable[[Refused], bytes]) -> Behaviour:
    def refuse(refusal: Refused, asked: RoutedRequest) -> Outgoing:
        if asked.framing != SSE:
            return HONEST.refuse(refusal, asked)
        return immediate_answer(status or refusal.status, "text/event-stream", write(refusal))

    return replace(HONEST, refuse=refuse)


def _data(refusal: Refused) -> bytes:
    return b"data: " + json.dumps(refusal.to_object()).encode() + b"\r\n\r\n"


def _own_server_fault(refusal: Refused) -> Refused:
    return Refused(500, refusal.message, refusal.details) if refusal.status == 400 else refusal


def _forget_unknown(body: Message) -> None:
    body.pop("frobnication", None)
    generation_config(body).pop("frobnication", None)


def _forget_unreadable(body: Message) -> None:
    if generation_config(body).get("temperature") == "hot":
        del generation_config(body)["temperature"]
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
    with_settled_requests(_forgiving),
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

    return with_refusals(change)


def _unknown_method(answer: Outgoing) -> Behaviour:
    return with_answers(
        lambda _was, incoming: answer if incoming.path.endswith(":frobnicateContent") else None
    )


def _unsupported(incoming: Incoming, style: Style) -> RoutedRequest:
    if incoming.path.endswith(":frobnicateContent"):
        raise Refused(400, "Unsupported method: frobnicateContent")
    return route_request(incoming, style)


def _get(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    page = immediate_answer(200, "text/html", HTML_PAGE)
    return page if incoming.verb == "GET" and incoming.path.endswith(":generateContent") else None


def _ending_in(error: Message) -> Behaviour:
    """Streams that end, and then fail after all."""

    def write(framing: str, objects: Sequence[Any]) -> OutgoingBody:
        return frame_objects(framing, [*objects, {"error": error}] if framing == SSE else objects)

    return replace(HONEST, frame=write)


def _status(status: int, *, only: str = "") -> Behaviour:
    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        mine = asks_the_model(incoming) and only in incoming.path and answer.status == 200
        return replace(answer, status=status) if mine else None

    return with_answers(change)


def _emptied(status: int) -> Behaviour:
    return with_answers(
        lambda answer, incoming: (
            replace(answer, status=status, pieces=()) if continues_a_conversation(incoming) else None
        )
    )


def _vague(refusal: Refused) -> Refused:
    return Refused(refusal.status, f"Request failed with status code {refusal.status}")


OVERLOADED = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}


def _no_details(refusal: Refused) -> Refused:
    return Refused(refusal.status, refusal.message)


def _page_for_unknown(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """Google's front end answers with a page where it has no route."""
    strange = incoming.path.endswith(":frobnicateContent") or (
        incoming.verb == "GET" and ":" in incoming.path
    )
    return immediate_answer(404, "text/html; charset=UTF-8", HTML_PAGE) if strange else None


def _unlucky(times: int) -> Behaviour:
    """Fails the first times that a wrong request comes, then refuses it."""
    left = [times]

    def change(refusal: Refused) -> Refused:
        if refusal.status == 400 and left[0]:
            left[0] -= 1
            return Refused(500, "Internal error encountered.")
        return refusal

    return with_refusals(change)


def _no_verb(incoming: Incoming, style: Style) -> RoutedRequest:
    if incoming.verb == "GET" and ":" in incoming.path:
        raise Refused(405, "Method Not Allowed")
    asked = route_request(incoming, style)
    return asked if asked.what != GENERATE or incoming.verb == "POST" else RoutedRequest(GENERATE)


def _in_a_line(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """A router that knows no such path says so in a line of text."""
    lost = incoming.path.endswith(":frobnicateContent")
    return immediate_answer(404, PLAIN_TEXT, b"404 page not found\n") if lost else None


def _uncached(request: Message) -> None:
    EVERYTHING.judge({name: value for name, value in request.items() if name != "cachedContent"})


def _unprocessable(refusal: Refused, asked: RoutedRequest) -> Outgoing:
    """Refuse as web frameworks do that check bodies: with 422."""
    wrong = refusal.status == 400 and "API key" not in refusal.message
    return HONEST.refuse(Refused(422, refusal.message, refusal.details) if wrong else refusal, asked)


def _as_event(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """Write the errors of unary questions as events."""
    if answer.status < 400 or ":stream" in incoming.path or not answer.body:
        return None
    event = b"data: " + json.dumps(json.loads(answer.body)).encode() + b"\n\n"
    return replace(answer, pieces=(DelayedPiece(0.0, event),))


def _failed(write: Callable[[Refused], Any], content_type: str = JSON_TYPE) -> Behaviour:
    return with_errors(write, status=200, content_type=content_type)


def _problem(refusal: Refused) -> Message:
    return {
        "type": "about:blank",
        "title": "Bad Request",
        "status": refusal.status,
        "detail": refusal.message,
    }


def _mute(refusal: Refused) -> Message:
    error: Any = refusal.to_object()["error"]
    return {"error": {name: value for name, value in error.items() if name != "message"}}


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "openai-errors",
        "Errors are OpenAI's.",
        with_errors(_openai),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "validation-errors",
        "Errors have a word for a code, and no status.",
        with_errors(lambda r: {"error": {"code": "validation_error", "message": r.message}}),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "text-errors",
        "`error` is a text.",
        with_errors(lambda r: {"error": r.message, "message": r.message}),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "coded-errors",
        "Errors are code, msg and data.",
        with_errors(_coded),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "enveloped-errors",
        "The error stands inside of data.",
        with_errors(lambda r: {"code": r.status, "data": r.to_object()}),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "detail-errors",
        "Errors are a framework's detail.",
        with_errors(lambda r: {"detail": r.message}),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "html-errors",
        "Errors are pages.",
        with_errors(lambda _: HTML_PAGE, content_type="text/html"),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "html-called-json",
        "Errors are pages that are called JSON.",
        with_errors(lambda _: HTML_PAGE),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "empty-errors",
        "Errors have no body.",
        with_errors(lambda _: b""),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "json-string-errors",
        "An error is a JSON string.",
        with_errors(lambda r: r.message),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "code-as-text",
        "error.code is a text.",
        with_error(code="400"),
        trips={"errors/gives-the-status-as-code"},
    ),
    Miniature(
        "code-of-rpc",
        "error.code is gRPC's number.",
        with_error(code=3),
        trips={"errors/gives-the-status-as-code"},
    ),
    Miniature(
        "own-status-name",
        "error.status is the vendor's own.",
        with_error(status="gemini_error"),
        trips={"errors/gives-a-status-of-google-rpc"},
    ),
    Miniature(
        "one-status-name",
        "error.status is always INTERNAL.",
        with_error(status="INTERNAL"),
        trips={"errors/gives-a-status-of-google-rpc"},
    ),
    Miniature(
        "listed-errors",
        "Every error is a list of one.",
        with_errors(lambda r: [r.to_object()]),
        trips={"errors/writes-one-error-not-a-list"},
    ),
    Miniature(
        "errors-called-text",
        "JSON errors are called text/plain.",
        with_errors(lambda r: r.to_object(), content_type="text/plain"),
        trips={"errors/labels-errors-as-json"},
    ),
    Miniature(
        "vague-errors",
        "Messages say only the status.",
        with_refusals(_vague),
        trips={"errors/names-what-is-wrong"},
        notes={"errors/gives-details"},
    ),
    Miniature(
        "errors-as-success",
        "Every error has the status 200.",
        with_errors(lambda r: r.to_object(), status=200),
        trips={"errors/fails-with-the-status-of-an-error"},
    ),
    Miniature(
        "codes-as-success",
        "Every error is a code in a 200.",
        with_errors(_coded, status=200),
        trips={"errors/fails-with-the-status-of-an-error"},
    ),
    Miniature(
        "stream-refused-in-event",
        "Streams are refused by an event: error in a 200.",
        _streams_fail(200, _event),
        trips={"errors/refuses-a-stream-before-it-begins"},
    ),
    Miniature(
        "stream-refused-in-data",
        "Streams are refused by the only chunk of a 200.",
        _streams_fail(200, _data),
        trips={"errors/refuses-a-stream-before-it-begins"},
    ),
    Miniature(
        "stream-refusal-framed",
        "Refused streams have the right status, and events.",
        _streams_fail(0, _data),
        trips={"errors/refuses-a-stream-before-it-begins"},
    ),
    Miniature("no-body", "An answer is empty.", _emptied(200), trips={"errors/answers-with-a-body"}),
    Miniature("no-content", "An answer is 204.", _emptied(204), trips={"errors/answers-with-a-body"}),
    Miniature("created", "Answers have the status 201.", _status(201), trips={"errors/succeeds-with-200"}),
    Miniature(
        "accepted-streams",
        "Streams have the status 202.",
        _status(202, only="stream"),
        trips={"errors/succeeds-with-200"},
    ),
    Miniature(
        "own-fault",
        "What Google answers with 400 is a 500.",
        with_refusals(_own_server_fault),
        trips={"errors/blames-the-caller-with-4xx"},
    ),
    Miniature(
        "no-channel",
        "An unknown model is 503.",
        _unknown_model(503),
        trips={"errors/blames-the-caller-with-4xx"},
    ),
    Miniature(
        "takes-everything",
        "Wrong fields, models and keys are taken.",
        EVERYTHING,
        trips={"errors/refuses-what-is-wrong"},
    ),
    Miniature(
        "drops-unknown-fields",
        "Unknown fields are dropped.",
        with_settled_requests(_forget_unknown),
        trips={"errors/refuses-unknown-fields"},
    ),
    Miniature(
        "drops-wrong-values",
        "Values of a wrong kind are dropped.",
        with_settled_requests(_forget_unreadable),
        trips={"errors/refuses-values-of-a-wrong-kind"},
    ),
    Miniature(
        "repairs-json",
        "Half a body is completed.",
        replace(HONEST, document=_repairing),
        trips={"errors/refuses-broken-json"},
    ),
    Miniature(
        "answers-nothing",
        "Empty contents are answered.",
        with_settled_requests(_fill),
        trips={"errors/refuses-empty-contents-and-unknown-roles"},
    ),
    Miniature(
        "unsupported-model",
        "An unknown model is 400.",
        _unknown_model(400),
        trips={"errors/refuses-unknown-models"},
    ),
    Miniature(
        "another-model",
        "Another model answers for one that does not exist.",
        replace(HONEST, route=_any_model),
        trips={"errors/refuses-unknown-models"},
    ),
    Miniature(
        "empty-method",
        "An unknown method is an empty 200.",
        _unknown_method(immediate_answer(200, JSON_TYPE, b"")),
        trips={"errors/refuses-unknown-methods"},
    ),
    Miniature(
        "unsupported-method",
        "An unknown method is 400.",
        replace(HONEST, route=_unsupported),
        trips={"errors/refuses-unknown-methods"},
    ),
    Miniature(
        "page-for-get",
        "GET of a method is a page.",
        with_answers(_get),
        notes={"errors/refuses-other-http-methods"},
    ),
    Miniature(
        "reshaped-in-stream",
        "An error within a stream is OpenAI's.",
        _ending_in({"message": "quota", "type": "x", "code": "insufficient_quota"}),
        trips={"errors/keeps-googles-errors-within-streams"},
    ),
    Miniature(
        "blocked-as-error",
        "A blocked prompt is an error.",
        refuse_when(lambda r: "inlineData" in str(r), "The prompt was blocked: PROHIBITED_CONTENT"),
        trips={"errors/answers-a-blocked-prompt"},
    ),
    Miniature(
        "takes-caches-too",
        "Wrong fields, models, keys and names of caches are taken: one finding.",
        replace(EVERYTHING, judge=_uncached),
        trips={"errors/refuses-what-is-wrong"},
    ),
    Miniature(
        "every-third-is-empty",
        "Every third unary answer is empty.",
        with_answers(empty_every(3)),
        trips={"errors/answers-with-a-body"},
        settings=ONE_AT_A_TIME,
    ),
    Miniature(
        "errors-as-events",
        "Errors of unary questions are events.",
        with_answers(_as_event),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "no-message",
        "Errors have no message.",
        with_errors(_mute),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "message-as-object",
        "An error's message is an object.",
        with_error(message={"text": "bad"}),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "details-as-text",
        "An error's details are a text.",
        with_error(details="see the log"),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "problem-errors",
        "Errors are problem+json.",
        with_errors(_problem, content_type="application/problem+json"),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "plain-text-errors",
        "Errors are a text that names the fault.",
        with_errors(lambda r: r.message.encode(), content_type="text/plain"),
        trips={"errors/writes-errors-as-google-does"},
    ),
    Miniature(
        "text-as-success",
        "What is wrong is answered by a text with 200.",
        _failed(lambda r: r.message.encode(), "text/plain"),
        trips={"errors/fails-with-the-status-of-an-error"},
    ),
    Miniature(
        "page-as-success",
        "What is wrong is answered by a page with 200.",
        _failed(lambda _: HTML_PAGE, "text/html"),
        trips={"errors/fails-with-the-status-of-an-error"},
    ),
    Miniature(
        "nothing-as-success",
        "What is wrong is answered by an empty 200.",
        _failed(lambda _: b""),
        trips={"errors/fails-with-the-status-of-an-error"},
    ),
    Miniature(
        "null-as-success",
        "What is wrong is answered by data: null with 200.",
        _failed(lambda r: {"code": r.status, "data": None}),
        trips={"errors/fails-with-the-status-of-an-error"},
    ),
    Miniature(
        "no-stream-as-success",
        "A stream that cannot begin is an empty 200.",
        replace(
            HONEST,
            refuse=lambda r, a: (
                immediate_answer(200, "text/event-stream", b"") if a.framing == SSE else HONEST.refuse(r, a)
            ),
        ),
        trips={"errors/refuses-a-stream-before-it-begins"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "router-in-words",
        "Paths that do not exist are a line of text.",
        with_answers(_in_a_line),
        notes={"errors/writes-errors-as-google-does"},
    ),
    Innocent(
        "errors-without-details",
        "Errors have no details.",
        with_refusals(_no_details),
        notes={"errors/gives-details"},
    ),
    Innocent(
        "errors-with-extras",
        "Errors have members beside Google's.",
        with_error(type="invalid_request_error", request_id="x"),
    ),
    Innocent(
        "pages-where-no-route-is",
        "Paths that do not exist are pages, as at Google.",
        with_answers(_page_for_unknown),
    ),
    Innocent("unlucky", "A wrong request fails with 500 once.", _unlucky(1), settings=ONE_AT_A_TIME),
    Innocent("verb-not-allowed", "GET of a method is 405.", replace(HONEST, route=_no_verb)),
    Innocent(
        "hidden-models",
        "An unknown model is 403.",
        _unknown_model(403),
        notes={"errors/refuses-unknown-models"},
    ),
    Innocent(
        "takes-any-role",
        "Strange roles are taken for the user's.",
        with_settled_requests(_name),
        notes={"errors/refuses-empty-contents-and-unknown-roles"},
    ),
    Innocent(
        "overloaded-at-the-end", "Streams end, then say that they were overloaded.", _ending_in(OVERLOADED)
    ),
    Innocent(
        "unprocessable",
        "What is wrong with a body is 422.",
        replace(HONEST, refuse=_unprocessable),
        notes={"errors/refuses-broken-json", "errors/refuses-unknown-fields"},
    ),
)
