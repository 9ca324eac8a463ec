"""Models of real clients: how each one reads a response, derived from its source and its behaviour.

There is a module per client: google_genai, google_genai_js, ai_sdk, generative_ai_js. `read_as_client` reads a response
with one of them; `effects` compares the result with what a faithful reader finds.
"""

from conformance.clients.captured_response import (
    BadCaptureError,
    CapturedResponse,
    from_exchange,
    read_captured,
)
from conformance.clients.client_view import Client, ClientView
from conformance.clients.lines import describe_view, describe_views
from conformance.clients.registry import (
    ALL_CLIENTS,
    CLIENTS,
    UnknownClientError,
    find_clients,
    find_required_settings,
    read_as_client,
)

__all__ = [
    "ALL_CLIENTS",
    "CLIENTS",
    "BadCaptureError",
    "CapturedResponse",
    "Client",
    "ClientView",
    "UnknownClientError",
    "describe_view",
    "describe_views",
    "find_clients",
    "find_required_settings",
    "from_exchange",
    "read_as_client",
    "read_captured",
]
