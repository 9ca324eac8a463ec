"""What gateways of others taught, before a model that obeys: what they lose, add up, and give away on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.asking.addressing import EMBEDDED_KEY
from conformance.embedded.errors import Refused
from miniatures import Miniature, Variation
from miniatures.errors import restated
from miniatures.making import Message, candidates, chunking, hearing

_COUNTERS = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount")


def _added_up(made: list[Message]) -> list[Message]:
    """Add up blocks that each count the whole answer so far, as if each counted its own chunk."""
    sums = dict.fromkeys(_COUNTERS, 0)
    for chunk in made:
        block: dict[str, Any] = chunk.get("usageMetadata", {})
        for name in _COUNTERS:
            sums[name] += block.get(name, 0)
        chunk["usageMetadata"] = {name: count for name, count in sums.items() if count}
    return made


def _ended_without_words(made: list[Message]) -> list[Message]:
    """Drop what is said in the chunk that ends the answer."""
    for chunk in made:
        for candidate in candidates(chunk):
            if "finishReason" in candidate:
                candidate["content"] = {"role": "model", "parts": []}
    return made


def _emptied_reports(request: Message) -> None:
    """Forget what functions reported, and keep that they did."""
    for turn in request.get("contents", []):
        for part in turn.get("parts", []):
            if "functionResponse" in part:
                part["functionResponse"]["response"] = {"output": ""}


def _naming_the_key(refusal: Refused) -> Refused:
    wrong = "API key not valid" in refusal.message
    said = f"invalid API key: expected {EMBEDDED_KEY!r}"
    return Refused(refusal.status, said, refusal.details) if wrong else refusal


def _masking_the_key(refusal: Refused) -> Refused:
    wrong = "API key not valid" in refusal.message
    said = f"invalid API key: keys begin as {EMBEDDED_KEY[:4]}***"
    return Refused(refusal.status, said, refusal.details) if wrong else refusal


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "stream-adds-up",
        "Counters of a stream are the sums of cumulative ones.",
        chunking(_added_up),
        frozenset({"streaming/streams-what-the-unary-method-says"}),
    ),
    Miniature(
        "ends-without-words",
        "The chunk that ends a stream loses its text, and functions' reports are lost besides: each is said.",
        replace(chunking(_ended_without_words), think=hearing(_emptied_reports).think),
        frozenset(
            {
                "schema/stop-comes-with-content",
                "semantics/uses-what-the-function-answered",
            }
        ),
    ),
    Miniature(
        "names-the-key",
        "Who comes with a wrong key is told the right one.",
        restated(_naming_the_key),
        frozenset({"auth/tells-nobody-the-key"}),
    ),
)

VARIATIONS: tuple[Variation, ...] = (
    Variation("hints-at-the-key", "A wrong key is told how keys begin.", restated(_masking_the_key)),
)
