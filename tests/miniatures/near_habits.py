"""Faults that lie close to what Google itself does now and then, and servers that stay just on its side."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace

from conformance.embedded.behaviour import Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing, immediate_answer
from miniatures import Miniature, Variation
from miniatures.errors import finishing, generates
from miniatures.making import (
    Message,
    answering,
    candidates,
    chunking,
    forgetting,
    parts,
    with_candidates,
    with_usage,
)

Chunks = list[Message]


def _uncount(response: Message) -> None:
    """Leave the answer's own tokens out of all counters."""
    used = response["usageMetadata"]
    used["totalTokenCount"] -= used.pop("candidatesTokenCount", 0)
    used.pop("candidatesTokensDetails", None)


def _recount(response: Message, spoken: int) -> None:
    _uncount(response)
    response["usageMetadata"]["candidatesTokenCount"] = spoken
    response["usageMetadata"]["totalTokenCount"] += spoken


def _starting_over(made: Chunks) -> Chunks:
    """Begin to count anew in every other chunk, and end with the right number."""
    for chunk in made[1:-1:2]:
        _recount(chunk, 1)
    return made


def _for_long(change: Callable[[Chunks], Chunks]) -> Callable[[Chunks], Chunks]:
    return lambda made: change(made) if len(made) > 4 else made


def _only(number: int, change: Callable[[Chunks], Chunks]) -> Callable[[Chunks], Chunks]:
    """Return a change that befalls the long stream of that number alone."""
    long = itertools.count(1)
    return lambda made: change(made) if len(made) > 4 and next(long) == number else made


def _uncounted(made: Chunks) -> Chunks:
    for chunk in made:
        _uncount(chunk)
    return made


def _of_a_word(response: Message) -> None:
    if len("".join(part.get("text", "") for part in parts(response) if not part.get("thought")).split()) == 1:
        _uncount(response)


def _once(number: int) -> Callable[[Message], None]:
    """Return a change that leaves the tokens of one answer of more than a word uncounted."""
    met = itertools.count(1)

    def change(response: Message) -> None:
        long = any(len(part.get("text", "")) > 20 for part in parts(response))
        if long and next(met) == number:
            _uncount(response)

    return change


def _without_prompt(made: Chunks) -> Chunks:
    """Count one token for the prompt where the stream ends."""
    if len(made) > 1:
        used = made[-1]["usageMetadata"]
        used["totalTokenCount"] -= used["promptTokenCount"] - 1
        used["promptTokenCount"] = 1
        used.pop("promptTokensDetails", None)
    return made


def _vertex(off: int) -> Callable[[Message], Message]:
    return lambda used: {**used, "trafficType": "ON_DEMAND", "totalTokenCount": used["totalTokenCount"] + off}


def _with_remains(response: Message) -> None:
    """Put the empty rest of a call behind each call, as if its arguments had come in pieces."""
    for candidate in candidates(response):
        held = candidate.get("content", {}).get("parts", [])
        if any("functionCall" in part for part in held):
            held.append({"functionCall": {"willContinue": False}})


def _always_other(candidate: Message) -> None:
    if "finishReason" in candidate:
        candidate["finishReason"] = "OTHER"


def _unary(incoming: Incoming) -> bool:
    return generates(incoming) and ":stream" not in incoming.path


def _empty_each(every: int, most: int = 1000) -> Callable[[Outgoing, Incoming], Outgoing | None]:
    """Return a change that empties each so-and-so-many-th unary answer, but no more than `most`."""
    met = itertools.count(1)
    struck = {every * number for number in range(1, most + 1)}

    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        hit = _unary(incoming) and answer.status == 200 and next(met) in struck
        return replace(answer, pieces=()) if hit else None

    return change


def _in_a_mood() -> Behaviour:
    """Return a server that forgets system instructions, and has many keys of which one has expired."""
    moody = finishing(_of_many_keys(_SPENT, 7))
    return replace(moody, think=forgetting("systemInstruction").think)


def _bare_array(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    bare = generates(incoming) and ":stream" in incoming.path and incoming.query.get("alt") != "sse"
    return immediate_answer(200, JSON_TYPE, b"[]") if bare and answer.status == 200 else None


def _as_event(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    """Write the errors of unary questions as events."""
    if answer.status < 400 or ":stream" in incoming.path or not answer.body:
        return None
    event = b"data: " + json.dumps(json.loads(answer.body)).encode() + b"\n\n"
    return replace(answer, pieces=(DelayedPiece(0.0, event),))


def _moved(when: Callable[[Outgoing, Incoming], bool]) -> Callable[[Outgoing, Incoming], Outgoing | None]:
    login = Outgoing(302, (("Location", "/login"), ("Content-Type", "text/html")))
    return lambda answer, incoming: login if when(answer, incoming) else None


def _refuses_a_key(answer: Outgoing, _incoming: Incoming) -> bool:
    return answer.status == 400 and b"API key not valid" in answer.body


def _is_no_route(_answer: Outgoing, incoming: Incoming) -> bool:
    return ":frobnicate" in incoming.path or (incoming.verb == "GET" and ":" in incoming.path)


def _of_many_keys(message: str, every: int) -> Callable[[Outgoing, Incoming], Outgoing | None]:
    """Return a change that refuses each so-and-so-many-th question of the model with 400, whatever it asks."""
    met = itertools.count(1)
    said = json.dumps(Refused(400, message).body()).encode()

    def change(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        return (
            immediate_answer(400, JSON_TYPE, said) if generates(incoming) and next(met) % every == 0 else None
        )

    return change


def _rule(name: str) -> frozenset[str]:
    return frozenset({name})


_COUNTED = _rule("usage/counts-every-answer")
_CUMULATIVE = _rule("usage/counts-are-cumulative")
_SUM = _rule("usage/total-is-the-sum")
_BODY = _rule("errors/answers-with-a-body")
_REDIRECTS = _rule("transport/answers-without-redirects")
_ONE_BY_ONE = (("concurrency", 1),)
_ELSEWHERE = "User location is not supported for the API use."
_SPENT = "API key expired. Please renew the API key."

MINIATURES: tuple[Miniature, ...] = (
    Miniature("starts-over", "Long streams begin to count their tokens anew again and again.", chunking(_for_long(_starting_over)), _CUMULATIVE),
    Miniature("long-streams-uncounted", "Long streams do not count their own tokens.", chunking(_for_long(_uncounted)), _COUNTED),
    Miniature("words-uncounted", "Unary answers of one word count nothing, whatever the word.", answering(_of_a_word, only="unary"), _COUNTED),
    Miniature("no-prompt-at-the-end", "Streams end with a prompt of one token.", chunking(_without_prompt), _rule("streaming/streams-what-the-unary-method-says")),
    Miniature("wrong-total-on-vertex", "Vertex AI's members, and a total that is far off.", with_usage(_vertex(33)), _SUM),
    Miniature("remains-of-calls", "An empty rest of a call that nobody wanted in pieces.", answering(_with_remains, only="unary"), _rule("schema/function-calls-are-complete")),
    Miniature("always-other", "Whole answers end with the reason OTHER.", with_candidates(_always_other), _rule("schema/says-why-it-ended")),
    Miniature("every-third-is-empty", "Every third unary answer is empty.", finishing(_empty_each(3)), _BODY),
    Miniature("bare-array", "Streams without alt=sse are an empty array.", finishing(_bare_array), _rule("streaming/holds-at-least-one-chunk")),
    Miniature("begins-twice", "The first chunk of a long stream comes twice.", chunking(_for_long(lambda made: [made[0], *made])), _rule("streaming/brings-every-chunk-in-order")),
    Miniature("forgetful-with-many-keys", "System instructions are dropped, and each seventh question meets a spent key.", _in_a_mood(), _rule("semantics/obeys-the-system-instruction"), settings=_ONE_BY_ONE),
    Miniature("errors-as-events", "Errors of unary questions are events.", finishing(_as_event), _rule("errors/writes-errors-as-google-does")),
    Miniature("login-for-keys", "A wrong key is sent to a login page.", finishing(_moved(_refuses_a_key)), _REDIRECTS),
)  # fmt: skip

VARIATIONS: tuple[Variation, ...] = (
    Variation("starts-over-once", "One long stream begins to count its tokens anew.", chunking(_only(2, _starting_over)), _CUMULATIVE),
    Variation("one-uncounted", "One longer answer does not count its own tokens.", answering(_once(2), only="unary"), _COUNTED),
    Variation("short-by-one-on-vertex", "Vertex AI's members, and a total that is short by one.", with_usage(_vertex(-1)), _SUM),
    Variation("two-empty", "Two unary answers of all are empty.", finishing(_empty_each(9, 2)), _BODY),
    Variation("every-eleventh-is-empty", "Every eleventh unary answer is empty.", finishing(_empty_each(11)), _BODY),
    Variation("keys-of-many-places", "Each seventh question meets a key that may not be used from here.", finishing(_of_many_keys(_ELSEWHERE, 7)), settings=_ONE_BY_ONE),
    Variation("a-spent-key-among-many", "Each eighth question meets a key that has expired.", finishing(_of_many_keys(_SPENT, 8)), settings=_ONE_BY_ONE),
    Variation("moved-routes", "Paths that do not exist are sent to a page.", finishing(_moved(_is_no_route)), _REDIRECTS),
)  # fmt: skip
