"""The cost of an answer to the checker: a wasted request, memory, and the time to read it."""

from __future__ import annotations

from conformance.model import Exchange
from conformance.reading.reply import Reply, ReplyKind
from conformance.wire.encoding import list_codings

LONG = 1024 * 1024  # bytes; longer bodies are read in a thread, so that the other questions do not wait
_PER_VALUE = 100  # bytes of memory that a JSON value takes, approximately


def is_unusable(reply: Reply) -> bool:
    """Return whether nothing readable came, or a status that says the vendor is down.

    A vendor that answers what it should refuse with 503 (`no channel for this model`) is not down.
    """
    if reply.kind is ReplyKind.FAILED or (reply.decoded.failure is not None and not reply.ok):
        return True
    return reply.status in (429, 502, 503, 504) and 200 in reply.exchange.expected_statuses


def measure_memory(reply: Reply) -> int:
    """Return approximately how many bytes of memory a reply takes."""
    values = sum(chunk.json.values for chunk in reply.chunks)
    return count_received_bytes(reply.exchange) + len(reply.text_of_body) + values * _PER_VALUE


def count_received_bytes(exchange: Exchange) -> int:
    """Return how many bytes of body came."""
    return sum(len(piece.data) for piece in exchange.pieces)


def is_slow_to_read(exchange: Exchange) -> bool:
    """Return whether reading the answer could keep other questions waiting, because it is long or compressed."""
    return bool(list_codings(exchange)) or count_received_bytes(exchange) > LONG
