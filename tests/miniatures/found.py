"""What servers of others taught: faults that stood behind another fault, and servers that nobody may blame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import Answer
from conformance.embedded.behaviour import HONEST, Behaviour
from miniatures import Miniature, Variation
from miniatures.making import Message, answering


def _asked(request: Any) -> str:
    turns = request.get("contents") or [{}]
    return " ".join(part.get("text", "") for part in turns[-1].get("parts", []))


def _saying(say: Callable[[str], str]) -> Behaviour:
    """Return a server that obeys nothing: it says what `say` makes of the last turn, and never calls a function."""

    def think(request: Any, model: str) -> Answer:
        made = HONEST.think(request, model)
        said = [replace(one, text=say(_asked(request)), calls=(), finish="STOP") for one in made.candidates]
        return replace(made, candidates=tuple(said))

    return replace(HONEST, think=think)


def _inflated(response: Message) -> None:
    """Make a unary answer bill four hundred tokens more than were sent."""
    counted = response["usageMetadata"]
    response["usageMetadata"] = {
        **counted,
        "promptTokenCount": counted["promptTokenCount"] + 400,
        "totalTokenCount": counted["totalTokenCount"] + 400,
    }


def _silent_streams() -> Behaviour:
    unary = answering(_inflated, only="unary")
    return answering(
        lambda chunk: {k: v for k, v in chunk.items() if k != "usageMetadata"}, of=unary, only="stream"
    )


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "hidden-prompt-beside-uncounted-streams",
        "Streams do not say what they cost; unary answers bill a hidden prompt.",
        _silent_streams(),
        frozenset({"usage/counts-every-answer", "usage/charges-for-what-was-sent"}),
    ),
)

_DISOBEYS = frozenset({"semantics/follows-a-plain-instruction"})

VARIATIONS: tuple[Variation, ...] = (
    Variation(
        "canned",
        "The same sentence, whatever is asked.",
        _saying(lambda _: "Hello! This is a mock answer."),
        _DISOBEYS,
    ),
    Variation(
        "echo",
        "The question itself, behind a few words.",
        _saying(lambda asked: f"[echo] User: {asked}"),
        _DISOBEYS,
    ),
    Variation("loud-echo", "The question in capitals.", _saying(str.upper), _DISOBEYS),
    Variation("single-word", "One letter, whatever is asked.", _saying(lambda _: "A"), _DISOBEYS),
)
