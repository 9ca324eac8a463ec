"""Extracts of exchanges that suffice to show a finding without the recording; they are bounded and say how much was cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from conformance.model import JSON, Deviation, Request
from conformance.reading.reply import Reply
from conformance.verdicts.spans import find_span

_EXCHANGES = 2  # exchanges shown per finding
_BODY = 4096  # characters of a body
_BEFORE = 1200  # characters kept before the first marked place
_REQUEST = 2048
_PLACES = 12
_ARRIVALS = 200


def extract_evidence(deviation: Deviation, replies: Sequence[Reply]) -> list[dict[str, JSON]]:
    """Return the extracts of a finding: its first exchanges, each with the places that it names there."""
    by_id = {reply.id: reply for reply in replies}
    pointers: dict[str, list[str]] = {}
    for location in deviation.locations:
        if location.exchange in by_id:
            pointers.setdefault(location.exchange, []).append(location.pointer)
    return [extract_exchange(by_id[id_], named) for id_, named in islice(pointers.items(), _EXCHANGES)]


def extract_exchange(reply: Reply, pointers: Sequence[str]) -> dict[str, JSON]:
    """Return one exchange as results.json's `evidence` holds it; `places` are ranges of characters in `body`."""
    text = reply.text_of_body.decode("utf-8", "backslashreplace")
    found = (find_span(reply, pointer) for pointer in pointers[:50])
    spans = list(islice(filter(None, found), _PLACES))
    first = min((start for start, _ in spans), default=0)
    start = 0 if first < _BODY - 600 else first - _BEFORE
    end = min(len(text), start + _BODY)
    length = max(len(text), reply.framed.length if reply.framed.bound == "json_bytes" else 0)
    inside = {(max(a, start) - start, min(b, end) - start) for a, b in spans if a < end and b > start}
    extract: dict[str, JSON] = {
        "exchange": reply.id,
        "request": _format_request(reply.exchange.request),
        "status": reply.exchange.status,
        "headers": [[name, value] for name, value in reply.exchange.headers[:60]],
        "body": text[start:end],
        "body_from": start,
        "cut": length - (end - start),
        "places": [[a, b] for a, b in sorted(inside)],
        "arrivals_ms": [round(piece.at_ms, 1) for piece in reply.exchange.pieces[:_ARRIVALS]],
        "ended_ms": round(reply.exchange.ended_ms, 1),
        "frames": _locate_frames(reply, start, end),
    }
    failure = reply.exchange.failure
    return extract | ({"failure": f"{failure.kind}: {failure.detail}"[:300]} if failure else {})


def _format_request(request: Request) -> str:
    head = [f"{request.verb} {request.path} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in request.headers]
    body = request.body.decode("utf-8", "backslashreplace")
    cut = len(body) - _REQUEST
    return "\n".join([*head, "", body[:_REQUEST] + (f" … {cut} more characters" if cut > 0 else "")])


def _locate_frames(reply: Reply, start: int, end: int) -> list[JSON]:
    """Return the frames of a stream as ranges of the characters shown, each with the time when it had arrived completely."""
    if not reply.streamed:
        return []
    body = reply.text_of_body
    frames: list[JSON] = []
    characters, offset = 0, 0  # counted on from frame to frame: each byte is decoded once
    for frame in reply.framed.frames[:_ARRIVALS]:
        first = characters + len(body[offset : frame.start].decode("utf-8", "backslashreplace"))
        characters = first + len(body[frame.start : frame.end].decode("utf-8", "backslashreplace"))
        offset = frame.end
        if first >= start and characters <= end:
            at = None if frame.at_ms is None else round(frame.at_ms, 1)
            frames.append({"start": first - start, "end": characters - start, "at_ms": at})
    return frames
