"""What real clients make of a response: small models of how each one reads, built from its source and its behaviour.

A module per client: google_genai, google_genai_js, ai_sdk, generative_ai_js. `see` asks one of them about a response,
`effects` compares what it says with what a faithful reader finds.
"""

from conformance.clients.captured import BadCaptureError, CapturedResponse, from_exchange, read_captured
from conformance.clients.lines import report_line, report_lines
from conformance.clients.registry import (
    ALL_CLIENTS,
    CLIENTS,
    UnknownClientError,
    find_clients,
    must_configure,
    see,
)
from conformance.clients.seen import Client, ClientView

__all__ = [
    "ALL_CLIENTS",
    "CLIENTS",
    "BadCaptureError",
    "Captured",
    "Client",
    "Seen",
    "UnknownClientError",
    "find_clients",
    "from_exchange",
    "must_configure",
    "read_captured",
    "report_line",
    "report_lines",
    "see",
]
