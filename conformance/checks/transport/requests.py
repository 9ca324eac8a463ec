"""What the rules of transport must know of a request: what kind of answer it asks for."""

from __future__ import annotations

from conformance.catalogue import asks_main_route
from conformance.reading.reply import Reply


def asks_the_model(reply: Reply) -> bool:
    """Return whether the request asked the model for an answer, on the main route, in a way that Google accepts."""
    return reply.resource.name == "response" and asks_main_route(reply) and not reply.expects_refusal


def asks_for_one_object(reply: Reply) -> bool:
    """Return whether the request asked for no stream, neither by its path nor, as some vendors do it, in its body."""
    request = reply.request_body
    asks_in_body = isinstance(request, dict) and request.get("stream") is True
    return not reply.streamed and not reply.alt_sse and not asks_in_body
