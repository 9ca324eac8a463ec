"""Finds out what a request asks for, by its verb and path: the shape of the right answer, and the members that identify it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conformance.dialects.shapes import Shape, load_reference
from conformance.model import Exchange
from conformance.reading.names import IDENTIFYING_MEMBERS


@dataclass(frozen=True)
class Resource:
    """A resource of the API, and the members of which its answer contains at least one."""

    name: str  # response | count | models | model | none
    identifying_members: tuple[str, ...]

    @property
    def shape(self) -> Shape | None:
        """The shape of the answer in Google's reference; None for `none`."""
        google = load_reference()
        shapes = {
            "response": google.response, "count": google.count_tokens,
            "models": google.models_list, "model": google.model,
        }  # fmt: skip
        return shapes.get(self.name)


RESPONSE = Resource("response", IDENTIFYING_MEMBERS)
COUNT = Resource("count", ("totalTokens",))
MODELS = Resource("models", ("models",))
MODEL = Resource("model", ("supportedGenerationMethods", "inputTokenLimit", "displayName", "name"))
NONE = Resource("none", ())
_ROUTES: tuple[tuple[str, str, Resource], ...] = (
    ("OPTIONS", r".*", NONE),
    ("GET", r"/models/?$", MODELS),
    ("GET", r"/models/[^:]+$", MODEL),
    ("POST", r":countTokens$", COUNT),
    ("POST", r"(:generateContent|:streamGenerateContent|/models/[^:]+)$", RESPONSE),
)


def find_resource(exchange: Exchange) -> Resource:
    """Return what the request asks for."""
    path = exchange.request.path.partition("?")[0]
    routes = (
        resource
        for verb, form, resource in _ROUTES
        if verb == exchange.request.verb and re.search(form, path)
    )
    return next(routes, NONE)
