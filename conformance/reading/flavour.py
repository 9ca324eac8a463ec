"""Tells Google's two services apart: the Gemini API, and Vertex AI, whose answers have more members."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from conformance.model import JSON
from conformance.names import is_free_form
from conformance.pointers import list_children
from conformance.reading.reply import Reply


class Flavour(StrEnum):
    """The service whose members an answer has."""

    GEMINI = "gemini"
    VERTEX = "vertex"


# Members that only Vertex AI writes, by the object that holds them; "" is the root of an answer.
VERTEX_MEMBERS: Mapping[str, frozenset[str]] = {
    "": frozenset({"createTime"}),
    "usageMetadata": frozenset({"trafficType", "billablePromptUsage"}),
    "candidates": frozenset({"score"}),
    "functionCall": frozenset({"partialArgs", "willContinue"}),
    "web": frozenset({"domain"}),
    "safetyRatings": frozenset({"probabilityScore", "severity", "severityScore", "overwrittenThreshold"}),
    "citationMetadata": frozenset({"citations"}),
    "promptFeedback": frozenset({"blockReasonMessage"}),
}
_PATH = re.compile(r"/(projects/[^/]+/locations/[^/]+|publishers/[^/]+)/", re.IGNORECASE)
_HOST = re.compile(r"(^|[.-])aiplatform\.googleapis\.com$", re.IGNORECASE)
_DEEPEST = 8


def is_vertex_member(keys: tuple[str | int, ...]) -> bool:
    """Return whether the member at the end of `keys` is one that only Vertex AI has there."""
    names = [key for key in keys if isinstance(key, str)]
    holder = names[-2] if len(names) > 1 else ""
    return bool(names) and names[-1] in VERTEX_MEMBERS.get(holder, ())


def find_flavour(reply: Reply) -> Flavour:
    """Return the service that an exchange is with, going by its host, its path and the members of its answer."""
    sent = {name.lower(): value for name, value in reply.exchange.request.headers}
    host = sent.get("host", "").partition(":")[0]
    path = reply.exchange.request.path.partition("?")[0]
    addressed = _HOST.search(host) or _PATH.search(path)
    members = any(_holds_vertex_member(chunk.body, ()) for chunk in reply.chunks)
    return Flavour.VERTEX if addressed or members else Flavour.GEMINI


def _holds_vertex_member(value: JSON | Mapping[str, JSON], keys: tuple[str | int, ...]) -> bool:
    if len(keys) > _DEEPEST or (len(keys) > 1 and is_free_form(str(keys[-2]), str(keys[-1]))):
        return False
    return any(
        is_vertex_member((*keys, key)) or _holds_vertex_member(child, (*keys, key))
        for key, child in list_children(value)
    )
