"""JSON pointers (RFC 6901): written from a path of names and positions, and split into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.model import JSON


def to_pointer(path: Iterable[str | int]) -> str:
    """Return the pointer of a path of names and positions; an empty string for the whole document."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def split_pointer(pointer: str) -> tuple[str, ...]:
    """Return the steps of a pointer, unescaped; positions in lists stay digits."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def walk_json(value: JSON, at: str = "") -> Iterator[tuple[str, JSON]]:
    """Yield the pointer and the value of every place in a JSON value, the whole first."""
    yield at, value
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, child in children:
        yield from walk_json(child, at + to_pointer([step]))
