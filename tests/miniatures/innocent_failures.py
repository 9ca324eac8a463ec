"""Innocent servers that fail now and then, close the account in the middle of a run, or are slow."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from conformance.embedded.answers import ScriptedAnswer
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.chunks import spread_waits
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from miniatures import Innocent
from miniatures.making import (
    KEY_EXPIRED,
    ONE_AT_A_TIME,
    PLAIN_TEXT,
    Message,
    empty_every,
    refuse_every,
    with_answers,
    with_chunks,
)


def _limiting(every: int, answer: Outgoing) -> Behaviour:
    """Return a server behind a limiter that answers each so-and-so-many-th question in its place."""
    number = itertools.count(1)
    return with_answers(lambda _answer, _incoming: answer if next(number) % every == 0 else None)


def fail_every(
    every: int, status: int, body: bytes | None = None, content_type: str = JSON_TYPE
) -> Behaviour:
    """Return a server that answers each so-and-so-many-th question with a fault of the moment."""
    number = itertools.count(1)
    said = (
        json.dumps(Refused(status, "The model is overloaded.").to_object()).encode() if body is None else body
    )
    return with_answers(
        lambda _answer, _incoming: (
            immediate_answer(status, content_type, said) if next(number) % every == 0 else None
        )
    )


def refuse_after(number: int, status: int) -> Behaviour:
    """Return a server that locks the account after so many questions."""
    asked = itertools.count(1)
    said = json.dumps(Refused(status, "Insufficient balance.").to_object()).encode()
    return with_answers(
        lambda _answer, _incoming: immediate_answer(status, JSON_TYPE, said) if next(asked) > number else None
    )


def _once_overloaded(number: int = 3) -> Callable[[list[Message]], list[Message]]:
    streams = itertools.count(1)
    error: Message = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    return lambda made: [made[0], error] if next(streams) == number else made


def _slow_to_begin(answer: ScriptedAnswer, pieces: int) -> Sequence[float]:
    return [
        1.4 + wait if number == 0 else wait / 4 for number, wait in enumerate(spread_waits(answer, pieces))
    ]


def _later(answer: Outgoing, _incoming: Incoming) -> Outgoing:
    first, rest = answer.pieces[:1], answer.pieces[1:]
    return replace(answer, pieces=(*(replace(piece, wait=1.3) for piece in first), *rest))


def _slow_once() -> Callable[[ScriptedAnswer, int], Sequence[float]]:
    """Return a pace that holds one long answer back: a queue, a start in the cold."""
    waits = itertools.chain((1.5,), itertools.repeat(0.0))

    def held(answer: ScriptedAnswer, pieces: int) -> Sequence[float]:
        spread = spread_waits(answer, pieces)
        wait = next(waits) if sum(spread) > 0 else 0.0
        return [wait, *[0.0] * (pieces - 1)] if wait else spread

    return held


IN_ONE_CHUNK = replace(HONEST, chunks=lambda answer: (HONEST.whole(answer),))


_ELSEWHERE = "User location is not supported for the API use."


INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "limiter-in-words",
        "Every fourth answer is a rate limiter's plain text.",
        _limiting(4, immediate_answer(429, PLAIN_TEXT, b"Too Many Requests")),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "limiter-says-nothing",
        "Every sixth answer is an empty 408.",
        _limiting(6, immediate_answer(408, PLAIN_TEXT, b"")),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "nothing-anywhere",
        "Every answer is a success without a body, as if the server were no API at all.",
        with_answers(lambda _answer, _incoming: Outgoing(200)),
    ),
    Innocent("too-early", "Every ninth answer is 425.", fail_every(9, 425), settings=ONE_AT_A_TIME),
    Innocent("given-up", "Every ninth answer is 499.", fail_every(9, 499), settings=ONE_AT_A_TIME),
    Innocent(
        "gateway-in-trouble",
        "Every ninth answer is a gateway's HTML page with 502.",
        fail_every(9, 502, b"<html>502 Bad Gateway</html>", "text/html"),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "late-gateway",
        "Every eighth answer is 504, with an error that says something else.",
        fail_every(8, 504),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "locked-midway",
        "The key is locked in the middle of the run.",
        refuse_after(30, 403),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "spent-midway",
        "The account runs out of money in the middle of the run.",
        refuse_after(30, 402),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "stream-broken-once",
        "One stream ends in Google's error.",
        with_chunks(_once_overloaded()),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "slow-to-begin",
        "Every stream starts after a long wait and is then quick.",
        replace(HONEST, pace=_slow_to_begin),
    ),
    Innocent(
        "thinks-about-everything",
        "Every answer takes long, and streams come in one chunk.",
        with_answers(_later, of=IN_ONE_CHUNK),
    ),
    Innocent(
        "slow-once",
        "The first long stream arrives late and all at once, the others as they are made.",
        replace(HONEST, pace=_slow_once()),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "two-empty",
        "Two of all unary answers are empty.",
        with_answers(empty_every(9, 2)),
        notes={"errors/answers-with-a-body"},
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "every-eleventh-is-empty",
        "Every eleventh unary answer is empty.",
        with_answers(empty_every(11)),
        notes={"errors/answers-with-a-body"},
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "keys-of-many-places",
        "Every seventh question is sent on with a key that may not be used from here.",
        with_answers(refuse_every(_ELSEWHERE, 7)),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "a-spent-key-among-many",
        "Every eighth question is sent on with a key that has expired.",
        with_answers(refuse_every(KEY_EXPIRED, 8)),
        settings=ONE_AT_A_TIME,
    ),
)
