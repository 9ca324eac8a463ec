"""When the text of a stream arrived: chunk by chunk as it was made, or held back until it was whole."""

from __future__ import annotations

from conformance.model import JSON
from conformance.reading.reply import Chunk, Reply

HELD_BACK_RULE = (
    "streaming/arrives-while-it-is-made"  # the rule that accuses by `is_held_back`, after several attempts
)
TIMELY = "timely"  # the expectation of a question whose answer is long enough to be seen to stream
_ENOUGH_MS = 1000.0  # an answer that took less cannot tell streaming from buffering
_ENOUGH = 100  # characters; the same
_FASTEST = 1.5  # characters in a millisecond: several times what the quickest models write
_AT_ONCE_MS = 100.0  # what was held back arrives within this, however long it is


def list_texts(reply: Reply) -> list[tuple[Chunk, str]]:
    """Return the text of the first candidate, chunk by chunk, thoughts left out."""
    index = reply.first.index
    return [(chunk, text) for chunk in reply.chunks if (text := join_text(chunk, index))]


def join_text(chunk: Chunk, index: int | None = None) -> str:
    """Return the text of the chunk's first candidate, or of the one with that index, thoughts left out."""
    content = find_candidate(chunk, index).get("content")
    pieces = content.get("parts") if isinstance(content, dict) else None
    found = [part for part in pieces if isinstance(part, dict)] if isinstance(pieces, list) else []
    return "".join(
        str(part["text"]) for part in found if isinstance(part.get("text"), str) and not part.get("thought")
    )


def find_candidate(chunk: Chunk, index: int | None = None) -> dict[str, JSON]:
    """Return the chunk's first candidate, or the one with that index; nothing in it where there is none.

    A candidate without an index has its place in the list for one.
    """
    several = chunk.body.get("candidates")
    for place, one in enumerate(several if isinstance(several, list) else ()):
        own = one.get("index") if isinstance(one, dict) else None
        if isinstance(one, dict) and index in (None, own if type(own) is int else place):
            return {**one}
    return {}


def is_held_back(reply: Reply, usual_ms: float = 0.0) -> bool | None:
    """Return whether the text came faster than any model writes it; None where it was too quick or too short to tell.

    `usual_ms` is how many milliseconds a short answer takes: where the first word of a long one took no longer, it
    was made at once and not held back.
    """
    arrivals = [chunk.at_ms for chunk in reply.chunks if chunk.at_ms is not None]
    if len(reply.text) < _ENOUGH or not arrivals or reply.exchange.ended_ms < _ENOUGH_MS:
        return None
    found = list_texts(reply)
    later = sum(len(text) for _, text in found[1:])
    if len(found) > 1 and arrivals[-1] - arrivals[0] >= min(later / _FASTEST, _AT_ONCE_MS):
        return False
    return True if arrivals[0] - usual_ms >= _ENOUGH_MS / 2 else None
