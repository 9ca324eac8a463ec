"""Places in JSON values, and JSON pointers (RFC 6901): written from a path of names and positions, and split into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from conformance.model import JSON


def to_pointer(path: Iterable[str | int]) -> str:
    """Return the pointer of a path of names and positions; an empty string for the whole document."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def split_pointer(pointer: str) -> tuple[str, ...]:
    """Return the steps of a pointer, unescaped; positions in lists stay digits."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def list_children(value: JSON | Mapping[str, JSON]) -> tuple[tuple[str | int, JSON], ...]:
    """Return the members of an object, or the elements of a list, each with its name or position."""
    if isinstance(value, Mapping):
        return tuple(value.items())
    return tuple(enumerate(value)) if isinstance(value, list) else ()


def walk_json(value: JSON, at: str = "") -> Iterator[tuple[str, JSON]]:
    """Yield the pointer and the value of every place in a JSON value, the whole first."""
    yield at, value
    for step, child in list_children(value):
        yield from walk_json(child, at + to_pointer([step]))
