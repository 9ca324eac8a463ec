"""Where a finding points: the JSON pointer of a value as it stands in the body, and how the value is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.model import JSON, Level, Location
from conformance.names import fold
from conformance.pointers import to_pointer
from conformance.reading.reply import Chunk, Reply

Keys = tuple[str | int, ...]  # the way to a value, in Google's names


def format_value(value: JSON, width: int = 80) -> str:
    """Return a value as JSON, cut to `width` characters."""
    # Half a character must not reach a file that is written as UTF-8.
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= width else text[: width - 1] + "…"


def _find_child(value: JSON, key: str | int) -> tuple[str | int, JSON] | None:
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return key, value[key]
    if not isinstance(value, dict) or not isinstance(key, str):
        return None
    found = key if key in value else next((name for name in value if fold(name) == fold(key)), None)
    return None if found is None else (found, value[found])


def _list_wrappers(chunk: Chunk, first: str | int | None) -> Iterator[str]:
    opened = chunk.unwrapped
    if opened is not None and opened.path and first not in opened.split_members:
        yield from opened.path.split(".")


def locate(reply: Reply, chunk: Chunk, keys: Keys) -> str:
    """Return the pointer to a value as it stands in the body: inside its envelope, in the vendor's spelling."""
    raw: list[str | int] = list(_list_wrappers(chunk, keys[0] if keys else None))
    value = chunk.raw
    for key in raw:
        step = _find_child(value, int(key) if isinstance(value, list) and str(key).isdigit() else key)
        value = step[1] if step else None
    for key in keys:
        step = _find_child(value, key)
        raw.append(step[0] if step else key)
        value = step[1] if step else None
    return reply.at(chunk, to_pointer(raw))


def point_at(  # noqa: PLR0913, PLR0917 - what a Location holds, and where to look it up
    reply: Reply, chunk: Chunk, keys: Keys, expected: str, observed: str, level: Level | None = None
) -> Location:
    """Return a value of a reply, named by its canonical keys, as the location of a finding."""
    return Location(reply.id, locate(reply, chunk, keys), expected, observed, level)
