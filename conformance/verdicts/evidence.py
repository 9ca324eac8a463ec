"""Extracts of exchanges that are enough to draw a finding without the recording, bounded, with what was cut said."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from conformance.model import JSON, Deviation
from conformance.reading.reply import Reply
from conformance.verdicts.spans import Span, find_span

_EXCHANGES = 2  # exchanges shown per finding
_BODY = 4096  # characters of a body
_BEFORE = 1200  # characters kept before the first marked place
_REQUEST = 2048
_PLACES = 12
_ARRIVALS = 200


def _request(reply: Reply) -> str:
    request = reply.exchange.request
    head = [
        f"{request.verb} {request.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in request.headers),
    ]
    body = request.body.decode("utf-8", "backslashreplace")
    cut = len(body) - _REQUEST
    return "\n".join([*head, "", body[:_REQUEST] + (f" … {cut} more characters" if cut > 0 else "")])


def _window(spans: Sequence[Span], length: int) -> tuple[int, int]:
    first = min((start for start, _ in spans), default=0)
    start = 0 if first < _BODY - 600 else first - _BEFORE
    return start, min(length, start + _BODY)


def _places(spans: Sequence[Span], window: tuple[int, int]) -> list[JSON]:
    start, end = window
    inside = [(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start]
    return [[a, b] for a, b in sorted(set(inside))[:_PLACES]]


def _frames(reply: Reply, window: tuple[int, int]) -> list[JSON]:
    """The frames of a stream as ranges of the characters shown, each with the time at which it was whole."""
    if not reply.streamed:
        return []
    start, end = window
    body = reply.text_of_body
    out: list[JSON] = []
    characters, offset = 0, 0  # counted on from frame to frame: each byte is decoded once
    for frame in reply.framed.frames[:_ARRIVALS]:
        first = characters + len(body[offset : frame.start].decode("utf-8", "backslashreplace"))
        characters = first + len(body[frame.start : frame.end].decode("utf-8", "backslashreplace"))
        offset = frame.end
        if first >= start and characters <= end:
            at = None if frame.at_ms is None else round(frame.at_ms, 1)
            out.append({"start": first - start, "end": characters - start, "at_ms": at})
    return out


def extract_exchange(reply: Reply, pointers: Sequence[str]) -> dict[str, JSON]:
    """Return one exchange as results.json's `evidence` holds it; `places` are ranges of characters in `body`."""
    text = reply.text_of_body.decode("utf-8", "backslashreplace")
    found = (find_span(reply, pointer) for pointer in pointers[:50])
    spans = list(islice(filter(None, found), _PLACES))
    window = _window(spans, len(text))
    out: dict[str, JSON] = {
        "exchange": reply.id,
        "request": _request(reply),
        "status": reply.exchange.status,
        "headers": [[name, value] for name, value in reply.exchange.headers[:60]],
        "body": text[window[0] : window[1]],
        "body_from": window[0],
        "cut": max(len(text), reply.framed.length if reply.framed.bound == "json_bytes" else 0)
        - (window[1] - window[0]),
        "places": _places(spans, window),
        "arrivals_ms": [round(piece.at_ms, 1) for piece in reply.exchange.pieces[:_ARRIVALS]],
        "ended_ms": round(reply.exchange.ended_ms, 1),
        "frames": _frames(reply, window),
    }
    failure = reply.exchange.failure
    return out | ({"failure": f"{failure.kind}: {failure.detail}"[:300]} if failure else {})


def extract_evidence(deviation: Deviation, replies: Sequence[Reply]) -> list[dict[str, JSON]]:
    """Return the extracts of a finding: its first exchanges, each with the places that it names there."""
    by_id = {reply.id: reply for reply in replies}
    shown = [
        id_ for id_ in dict.fromkeys(location.exchange for location in deviation.locations) if id_ in by_id
    ][:_EXCHANGES]
    pointers = {
        id_: [location.pointer for location in deviation.locations if location.exchange == id_]
        for id_ in shown
    }
    return [extract_exchange(by_id[id_], pointers[id_]) for id_ in shown]
