"""Gives an object of Google's the form of a dialect: casing, extra members, envelope."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from conformance.embedded.style import Envelope, Style
from conformance.model import JSON
from conformance.names import is_free_form, to_snake


def rename_to_snake_case(value: JSON, parent: str = "") -> JSON:
    """Return the value of the member `parent` with its names in snake_case; free-form subtrees stay as they are."""
    if isinstance(value, list):
        return [rename_to_snake_case(child, parent) for child in value]
    if not isinstance(value, dict):
        return value
    return {
        to_snake(name): child if is_free_form(parent, name) else rename_to_snake_case(child, name)
        for name, child in value.items()
    }


def wrap_in_envelope(value: dict[str, JSON], envelope: Envelope) -> dict[str, JSON]:
    """Return an object inside its envelope, constants first."""
    inside: dict[str, JSON] = {name: child for name, child in value.items() if name not in envelope.outside}
    outside = {name: value[name] for name in envelope.outside if name in value}
    for step in reversed(envelope.member.split(".")):
        inside = {step: inside}
    return {**envelope.constants, **inside, **outside}


def _find_places(value: Any, steps: list[str]) -> Iterator[Any]:
    """Yield the objects that a pointer's parent names, `*` for every entry of a list."""
    if not steps:
        yield value
    elif steps[0] == "*":
        for child in value if isinstance(value, list) else ():
            yield from _find_places(child, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _find_places(value[steps[0]], steps[1:])


def _count_candidate_tokens(response: Mapping[str, Any]) -> int:
    spent = response.get("usageMetadata", {}).get("candidatesTokenCount", 0)
    return int(spent) // max(1, len(response.get("candidates", ())))


_SOURCES: Mapping[str, Callable[[Mapping[str, Any]], JSON]] = {
    "unix-seconds": lambda _response: int(time.time()),
    "candidate-tokens": _count_candidate_tokens,
}


def add_extras(value: dict[str, JSON], style: Style) -> dict[str, JSON]:
    """Return an object with the extra members of the style, in place."""
    for extra in style.extras:
        *parent, name = extra.pointer.strip("/").split("/")
        for place in _find_places(value, parent):
            if isinstance(place, dict):
                place[name] = _SOURCES[extra.source](value) if extra.source in _SOURCES else extra.value
    return value


def apply_casing(value: dict[str, JSON], style: Style) -> dict[str, JSON]:
    """Return an answer of another method (a count, a model) in the casing of the dialect."""
    renamed = rename_to_snake_case(value) if style.casing == "snake_case" else value
    return renamed if isinstance(renamed, dict) else value


def dress_response(response: dict[str, JSON], style: Style, *, chunk: bool) -> JSON:
    """Return a GenerateContentResponse as the dialect writes it; `chunk` says that it is one of a stream."""
    value = apply_casing(add_extras(response, style), style)
    if style.envelope is None or (chunk and not style.envelope.chunks):
        return value
    return wrap_in_envelope(value, style.envelope)
