"""What the rules of transport must know of a request: what kind of answer it asks for."""

from __future__ import annotations

from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply

# Probes of routes beside those of the model, by the beginning of their ids.
_ROUTES = (
    "count-tokens-", "models-", "listed-name-", ProbeId.PLAIN_ON_V1, ProbeId.UNKNOWN_METHOD, ProbeId.WRONG_VERB, ProbeId.PREFLIGHT,
)  # fmt: skip


def asks_on_main_route(reply: Reply) -> bool:
    """Return whether the request went to the route of a model's answers."""
    return not reply.probe.startswith(_ROUTES)


def asks_the_model(reply: Reply) -> bool:
    """Return whether the request asked the model for an answer, on the main route, in a way that Google accepts."""
    return reply.resource.name == "response" and asks_on_main_route(reply) and not reply.expects_refusal


def asks_for_one_object(reply: Reply) -> bool:
    """Return whether the request asked for no stream, neither by its path nor, as some vendors do it, in its body."""
    request = reply.request_body
    asks_in_body = isinstance(request, dict) and request.get("stream") is True
    return not reply.streamed and not reply.alt_sse and not asks_in_body


def is_success(reply: Reply) -> bool:
    """Return whether the status is one of success."""
    return 200 <= reply.status < 300
