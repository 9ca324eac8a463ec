"""What Google's front end adds to every answer: headers and chunked transfer encoding."""

from __future__ import annotations

import time
from dataclasses import replace

from conformance.embedded.chunks import TIER
from conformance.embedded.frames import EVENTS_TYPE, JSON_TYPE
from conformance.embedded.messages import Incoming, Outgoing
from conformance.embedded.style import Style

_FIXED = (
    ("Server", "scaffolding on HTTPServer2"),
    ("X-XSS-Protection", "0"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-Content-Type-Options", "nosniff"),
)
_TIERED = frozenset({200, 400, 429})  # statuses whose recorded unary answers name the service tier


def add_front_headers(answer: Outgoing, incoming: Incoming, style: Style) -> Outgoing:
    """Return an answer as it leaves Google's front end; unchanged where the style has no such front end."""
    if not style.front_end:
        return answer
    elapsed = max(1, round(1000 * (time.monotonic() - incoming.received)))
    headers = (
        *answer.headers,
        *_FIXED,
        ("Server-Timing", f"gfet4t7; dur={elapsed}"),
        *_choose_special_headers(answer, incoming),
    )
    return replace(answer, headers=headers, chunked=bool(answer.pieces) and answer.content_type == JSON_TYPE)


def _choose_special_headers(answer: Outgoing, incoming: Incoming) -> tuple[tuple[str, str], ...]:
    """Return the headers that only some answers have: event streams are attachments, unary answers name their tier."""
    if answer.content_type == EVENTS_TYPE and answer.status == 200:
        return (("Content-Disposition", "attachment"),)
    if incoming.path.endswith(":generateContent") and answer.status in _TIERED:
        return (("X-Gemini-Service-Tier", TIER),)
    return ()
