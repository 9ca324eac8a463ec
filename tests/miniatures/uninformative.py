"""Servers whose answers prove nothing: they refuse everything, speak another protocol, repeat errors or send nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from conformance.embedded import HONEST, Incoming, Outgoing
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import immediate_answer
from conformance.model import Limits

Application = Callable[[Incoming], Outgoing]
Message = dict[str, Any]

MISSING = "Missing model in request body"
CHAT: Message = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1730000000,
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
PIECE: Message = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "choices": [{"index": 0, "delta": {"content": "Hello!"}, "finish_reason": "stop"}],
}
GEMINI: Message = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Hello!"}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "whatever",
}


@dataclass(frozen=True)
class Uninformative:
    """A server on whose answers hardly any rule may pass, and what is wrong with it."""

    name: str
    description: str
    application: Application
    settings: tuple[tuple[str, Any], ...] = ()


def _json(status: int, value: Any) -> Outgoing:
    return immediate_answer(status, JSON_TYPE, json.dumps(value).encode())


def answer_everything(status: int, body: Any, content_type: str = JSON_TYPE) -> Application:
    """Return a server that gives one answer to whatever is asked."""
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda _incoming: immediate_answer(status, content_type, text.encode())


def google_error(status: int, message: str, name: str) -> Message:
    """Return an error object of Google's."""
    return {"error": {"code": status, "message": message, "status": name}}


def _events(*objects: Any, done: bool) -> Outgoing:
    lines = [f"data: {json.dumps(one)}\n\n" for one in objects] + ["data: [DONE]\n\n"] * done
    return immediate_answer(200, "text/event-stream", "".join(lines).encode())


def _by_verb(post: Application, other: Application) -> Application:
    return lambda incoming: (post if incoming.verb == "POST" else other)(incoming)


def _main(incoming: Incoming) -> bool:
    ends = incoming.path.endswith((":generateContent", ":streamGenerateContent"))
    return incoming.verb == "POST" and incoming.path.startswith("/v1beta/") and ends


def _streams(incoming: Incoming) -> bool:
    return ":streamGenerateContent" in incoming.path


def _chats(incoming: Incoming) -> Outgoing:
    return _events(PIECE, done=True) if _streams(incoming) else _json(200, CHAT)


def _geminis(incoming: Incoming) -> Outgoing:
    if not _streams(incoming):
        return _json(200, GEMINI)
    return _events(GEMINI, done=False) if incoming.query.get("alt") == "sse" else _json(200, [GEMINI])


def _catches_all(incoming: Incoming) -> Outgoing:
    return _json(200, {"method": incoming.verb, "path": incoming.path})


def _main_only(rest: Application) -> Application:
    """Return a server that is honest on the methods of generation, and has one answer for all other routes."""
    return lambda incoming: HONEST(incoming) if _main(incoming) else rest(incoming)


def _refused(answer: Outgoing) -> bool:
    return 400 <= answer.status < 500


def _wrong_only(rest: Application) -> Application:
    """Return a server that answers what is right, and has one answer for whatever Google refuses."""

    def serve(incoming: Incoming) -> Outgoing:
        answer = HONEST(incoming)
        return rest(incoming) if _refused(answer) else answer

    return serve


Repeat = Callable[
    [Incoming, Outgoing, int], Outgoing
]  # what was refused, how, and how many requests are left


def _locked(spell: int, repeat: Repeat) -> Application:
    """Return a server that after each refusal repeats it to as many requests as `spell`, in the form of `repeat`."""
    lock, left = threading.Lock(), [0]
    refused: list[tuple[Incoming, Outgoing]] = []

    def serve(incoming: Incoming) -> Outgoing:
        with lock:
            if left[0]:
                left[0] -= 1
                return repeat(*refused[-1], left[0])
            answer = HONEST(incoming)
            if _refused(answer):
                refused.append((incoming, answer))
                left[0] = spell
            return answer

    return serve


def _again(status: int) -> Repeat:
    return lambda _incoming, answer, _left: replace(answer, status=status)


def _counting(incoming: Incoming, _answer: Outgoing, left: int) -> Outgoing:
    """Name what was asked for when the lock fell, and count down to its end."""
    asked = incoming.path.rpartition("/")[2]
    return _json(
        400, google_error(400, f"[{asked}] No channel is free (reset after {left}s)", "INVALID_ARGUMENT")
    )


def _in_general(incoming: Incoming) -> Outgoing:
    """Refuse what Google refuses, with its status, and say nothing of why."""
    answer = HONEST(replace(incoming, headers={**incoming.headers, "accept-encoding": "identity"}))
    name = json.loads(answer.body)["error"]["status"] if _refused(answer) and incoming.verb == "POST" else ""
    return _json(answer.status, google_error(answer.status, "Request failed.", name)) if name else answer


def _alternating(one: Application, other: Application) -> Application:
    """Return a server that answers in turn as the one and as the other."""
    lock, count = threading.Lock(), [0]

    def serve(incoming: Incoming) -> Outgoing:
        with lock:
            count[0] += 1
            return (one if count[0] % 2 else other)(incoming)

    return serve


_UNKNOWN = 'Invalid JSON payload received. Unknown name "frobnication": Cannot find field.'
_LOC = {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}]}
_ONE_BY_ONE = (("concurrency", 1), ("limits", Limits(retries=0, dead_after=1000)))
_PAGE = "<!doctype html><html><head><title>Welcome</title></head><body>Welcome</body></html>"

UNINFORMATIVE = (
    # refuses everything
    Uninformative(
        "refuses-as-google",
        "Whatever is asked is refused with 400.",
        answer_everything(400, google_error(400, MISSING, "INVALID_ARGUMENT")),
    ),
    Uninformative(
        "refuses-as-openai",
        "The same in OpenAI's form.",
        answer_everything(
            400,
            {"error": {"message": MISSING, "type": "invalid_request_error", "param": "model", "code": None}},
        ),
    ),
    Uninformative("refuses-as-a-framework", "422 with FastAPI's list.", answer_everything(422, _LOC)),
    Uninformative("refuses-in-text", "400 in plain text.", answer_everything(400, MISSING, "text/plain")),
    Uninformative(
        "refuses-in-a-word", "400 with a text for the error.", answer_everything(400, {"error": MISSING})
    ),
    Uninformative(
        "refuses-the-key",
        "401 to everything.",
        answer_everything(401, google_error(401, "Invalid API key.", "UNAUTHENTICATED")),
    ),
    Uninformative(
        "calls-the-key-invalid",
        "400 to everything, in Google's words on a wrong key.",
        answer_everything(
            400, google_error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT")
        ),
    ),
    Uninformative(
        "forbids",
        "403 to everything.",
        answer_everything(403, google_error(403, "Forbidden.", "PERMISSION_DENIED")),
    ),
    Uninformative(
        "finds-nothing",
        "404 to everything.",
        answer_everything(404, google_error(404, "Not found.", "NOT_FOUND")),
    ),
    Uninformative(
        "refuses-in-success",
        "An error with 200, whatever is asked.",
        answer_everything(200, google_error(400, MISSING, "INVALID_ARGUMENT")),
    ),
    Uninformative(
        "down",
        "503 to everything.",
        answer_everything(503, google_error(503, "Try again later.", "UNAVAILABLE")),
        _ONE_BY_ONE,
    ),
    # another API
    Uninformative(
        "chats",
        "OpenAI's server, on every POST; nothing else is there.",
        _by_verb(_chats, answer_everything(404, {"detail": "Not Found"})),
    ),
    Uninformative(
        "chats-in-one-piece",
        "OpenAI's server, without streams, on whatever is asked.",
        answer_everything(200, CHAT),
    ),
    Uninformative("catches-all", "The request's verb and path, with 200.", _catches_all),
    Uninformative(
        "catches-the-rest",
        "Honest methods of generation, a catch-all for all other routes.",
        _main_only(_catches_all),
    ),
    Uninformative(
        "pages-for-the-rest",
        "Honest methods of generation, a page for all other routes.",
        _main_only(answer_everything(200, _PAGE, "text/html")),
    ),
    Uninformative(
        "chats-for-what-is-wrong", "What Google refuses is answered by OpenAI's server.", _wrong_only(_chats)
    ),
    # errors of other questions
    Uninformative(
        "quotes-the-first-refusal",
        "Whatever is wrong is an unknown field.",
        _wrong_only(answer_everything(400, google_error(400, _UNKNOWN, "INVALID_ARGUMENT"))),
    ),
    Uninformative(
        "blames-the-key",
        "Whatever is wrong is the key.",
        _wrong_only(
            answer_everything(
                400, google_error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT")
            )
        ),
    ),
    Uninformative(
        "locked-with-503",
        "After each refusal six requests get it again, with 503.",
        _locked(6, _again(503)),
        _ONE_BY_ONE,
    ),
    Uninformative(
        "locked-with-400",
        "After each refusal six requests get it again, with 400.",
        _locked(6, _again(400)),
        _ONE_BY_ONE,
    ),
    Uninformative(
        "locked-and-counting",
        "After each refusal six requests are told what it was, and how long the lock lasts.",
        _locked(6, _counting),
        _ONE_BY_ONE,
    ),
    Uninformative("speaks-in-general", "Every refusal has the same words, and Google's status.", _in_general),
    # nothing
    Uninformative("silent", "An empty body with 200.", answer_everything(200, "")),
    Uninformative("bare", "An object without members.", answer_everything(200, {})),
    Uninformative(
        "without-candidates", "An empty list of candidates.", answer_everything(200, {"candidates": []})
    ),
    Uninformative("pages", "A page with 200.", answer_everything(200, _PAGE, "text/html")),
    Uninformative(
        "silent-on-what-is-wrong",
        "What Google refuses gets an empty body.",
        _wrong_only(answer_everything(200, "")),
    ),
    Uninformative(
        "bare-on-what-is-wrong",
        "What Google refuses gets an empty object.",
        _wrong_only(answer_everything(200, {})),
    ),
    # whatever is asked
    Uninformative("answers-anything", "The same Gemini object, whatever is asked.", _geminis),
    # by turns
    Uninformative(
        "refuses-every-other",
        "Honest and refusing by turns.",
        _alternating(HONEST, answer_everything(400, google_error(400, MISSING, "INVALID_ARGUMENT"))),
        _ONE_BY_ONE,
    ),
    Uninformative(
        "chats-every-other", "Honest and OpenAI's by turns.", _alternating(HONEST, _chats), _ONE_BY_ONE
    ),
    Uninformative(
        "silent-every-other",
        "Honest and silent by turns.",
        _alternating(HONEST, answer_everything(200, "")),
        _ONE_BY_ONE,
    ),
)
