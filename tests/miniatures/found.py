"""What servers of others taught: faults that stood behind another fault, and servers that nobody may blame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import ScriptedAnswer
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.messages import Outgoing
from conformance.embedded.routes import RoutedRequest
from miniatures import Miniature, Variation
from miniatures.errors import EVERYTHING
from miniatures.making import Message, answering


def _asked(request: Any) -> str:
    turns = request.get("contents") or [{}]
    return " ".join(part.get("text", "") for part in turns[-1].get("parts", []))


def _saying(say: Callable[[str], str]) -> Behaviour:
    """Return a server that obeys nothing: it says what `say` makes of the last turn, and never calls a function."""

    def think(request: Any, model: str) -> ScriptedAnswer:
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


def _uncached(request: Message) -> None:
    EVERYTHING.judge({name: value for name, value in request.items() if name != "cachedContent"})


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "takes-caches-too",
        "Wrong fields, models, keys and names of caches are taken: one finding.",
        replace(EVERYTHING, judge=_uncached),
        frozenset({"errors/refuses-what-is-wrong"}),
    ),
    Miniature(
        "hidden-prompt-beside-uncounted-streams",
        "Streams do not say what they cost; unary answers bill a hidden prompt.",
        _silent_streams(),
        frozenset({"usage/counts-every-answer", "usage/charges-for-what-was-sent"}),
    ),
)


def _unprocessable(refusal: Refused, asked: RoutedRequest) -> Outgoing:
    """Refuse as web frameworks do that check bodies: with 422."""
    wrong = refusal.status == 400 and "API key" not in refusal.message
    return HONEST.refuse(Refused(422, refusal.message, refusal.details) if wrong else refusal, asked)


_DISOBEYS = frozenset({"semantics/follows-a-plain-instruction"})
_OTHERWISE = frozenset({"errors/refuses-unknown-fields", "errors/refuses-broken-json"})

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
    Variation(
        "unprocessable",
        "What is wrong with a body is 422.",
        replace(HONEST, refuse=_unprocessable),
        _OTHERWISE,
    ),
    Variation("single-word", "One letter, whatever is asked.", _saying(lambda _: "A"), _DISOBEYS),
)
