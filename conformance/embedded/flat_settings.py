"""Requests in a dialect's own form: settings at the root, and a `stream` member; how to turn them into Google's form."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.embedded.errors import bad_request_error
from conformance.embedded.style import Style
from conformance.model import JSON

_STREAM = "stream"
_NESTED = ("generationConfig", "generation_config")


def asks_for_stream(body: Mapping[str, JSON]) -> bool:
    """Return whether a body in a dialect's own form asks for a stream. Raises Refused where `stream` is no boolean."""
    value = body.get(_STREAM, False)
    if value is not None and not isinstance(value, bool):
        raise bad_request_error([(_STREAM, f"Invalid value at '{_STREAM}' (TYPE_BOOL), {value!r}")])
    return bool(value)


def nest_settings(body: dict[str, JSON], style: Style) -> dict[str, JSON]:
    """Return a body with its flat settings moved into generationConfig, without members that the model ignores.

    Where settings are flat, a nested generationConfig is accepted and ignored.
    """
    if style.nested_settings and not style.flat and not style.dropped:
        return body
    ignored = {*style.dropped, *(() if style.nested_settings else _NESTED)}
    kept = {name: value for name, value in body.items() if name not in style.flat and name not in ignored}
    config = {setting: body[name] for name, setting in style.flat.items() if name in body}
    return kept | ({"generationConfig": config} if config else {})
