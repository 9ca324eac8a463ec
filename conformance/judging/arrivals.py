"""When the text of a stream arrived: chunk by chunk while it was written, or held back until it was complete."""

from __future__ import annotations

from conformance.judging.contents import as_list, list_parts
from conformance.model import JSON
from conformance.reading.reply import Chunk, Reply

HELD_BACK_RULE = "streaming/arrives-while-it-is-made"
"""The rule that accuses by `is_held_back`, after several attempts."""

TIMELY = "timely"
"""The expectation of a question whose answer is long enough to show whether it is streamed."""

_ENOUGH_MS = 1000.0  # an answer that took less time cannot tell streaming from buffering
_ENOUGH = 100  # characters; a shorter answer cannot either
_FASTEST = 1.5  # characters per millisecond: several times what the quickest models write
_AT_ONCE_MS = 100.0  # what was held back arrives within this time, however long it is


def list_texts(reply: Reply) -> list[tuple[Chunk, str]]:
    """Return the text of the first candidate, chunk by chunk, without thoughts."""
    index = reply.first.index
    return [(chunk, text) for chunk in reply.chunks if (text := join_text(chunk, index))]


def join_text(chunk: Chunk, index: int | None = None) -> str:
    """Return the text of the chunk's first candidate, or of the one with that index, without thoughts."""
    parts = [part for _, part in list_parts(find_candidate(chunk, index)) if not part.get("thought")]
    texts = (part.get("text") for part in parts)
    return "".join(text for text in texts if isinstance(text, str))


def find_candidate(chunk: Chunk, index: int | None = None) -> dict[str, JSON]:
    """Return the chunk's first candidate, or the one with that index; an empty object if there is none.

    A candidate without an index is counted by its place in the list.
    """
    for place, one in enumerate(as_list(chunk.body.get("candidates"))):
        own = one.get("index") if isinstance(one, dict) else None
        if isinstance(one, dict) and index in (None, own if type(own) is int else place):
            return {**one}
    return {}


def is_held_back(reply: Reply, usual_ms: float = 0.0) -> bool | None:
    """Return whether the text arrived faster than any model writes; None if it was too quick or too short to tell.

    `usual_ms` is the time that a short answer takes, in milliseconds: if the first word of a long answer took no longer,
    the answer was not held back.
    """
    arrivals = [chunk.at_ms for chunk in reply.chunks if chunk.at_ms is not None]
    if len(reply.text) < _ENOUGH or not arrivals or reply.exchange.ended_ms < _ENOUGH_MS:
        return None
    found = list_texts(reply)
    later = sum(len(text) for _, text in found[1:])
    if len(found) > 1 and arrivals[-1] - arrivals[0] >= min(later / _FASTEST, _AT_ONCE_MS):
        return False
    return True if arrivals[0] - usual_ms >= _ENOUGH_MS / 2 else None
