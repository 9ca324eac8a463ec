"""Where in a body something can be changed: every structured place with its node, and bodies with one place replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.bodies.tree import ITEM, Node
from conformance.model import JSON
from conformance.names import to_snake

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class BodyLocation:
    """One place of one body: the names and positions that lead there, what it may hold, and what it holds."""

    path: Path
    node: Node
    value: JSON


def walk_body(node: Node, value: JSON, path: Path = ()) -> Iterator[BodyLocation]:
    """Yield every place of a body, the whole first; nothing inside free forms, whose names are the user's."""
    yield BodyLocation(path, node, value)
    if isinstance(value, dict):
        for name, child in value.items():
            below = node.children.get(name) or node.item
            if below is not None:
                yield from walk_body(below, child, (*path, name))
    elif isinstance(value, list) and node.item is not None:
        for index, child in enumerate(value):
            yield from walk_body(node.item, child, (*path, index))


def to_place(path: Path, node: Node) -> str:
    """Return a path as a place of the tree: positions, and names that the user chose, become `*`."""
    place = ""
    for step in path:
        known = isinstance(step, str) and step in node.children
        place += f"/{step}" if known else f"/{ITEM}"
        node = node.children[str(step) if known else ITEM]
    return place


def find_places(root: Node, body: JSON) -> set[str]:
    """Return the places of the tree that a body reaches, inside a schema that contains itself only the outermost."""
    return {to_place(spot.path, root) for spot in walk_body(root, body)}


def replace_at(body: JSON, path: Path, value: JSON) -> JSON:
    """Return a body with another value at `path`; the body itself stays."""
    if not path:
        return value
    step, *rest = path
    if isinstance(body, dict):
        return {
            name: replace_at(one, tuple(rest), value) if name == step else one for name, one in body.items()
        }
    if isinstance(body, list):
        return [
            replace_at(one, tuple(rest), value) if index == step else one for index, one in enumerate(body)
        ]
    return body


def remove_at(body: JSON, path: Path) -> JSON:
    """Return a body without what stands at `path`."""
    step, *rest = path
    if isinstance(body, dict):
        left = body if rest else {name: one for name, one in body.items() if name != step}
        return {
            name: remove_at(one, tuple(rest)) if rest and name == step else one for name, one in left.items()
        }
    if isinstance(body, list):
        kept = body if rest else [one for index, one in enumerate(body) if index != step]
        return [
            remove_at(one, tuple(rest)) if rest and index == step else one for index, one in enumerate(kept)
        ]
    return body


def to_snake_case(node: Node, value: JSON) -> JSON:
    """Return a body with its members in snake_case, free forms and names of the user's untouched."""
    if isinstance(value, dict):
        return {_spelt(node, name): to_snake_case(_below(node, name), one) for name, one in value.items()}
    if isinstance(value, list) and node.item is not None:
        return [to_snake_case(node.item, one) for one in value]
    return value


def path_to_snake_case(node: Node, path: Sequence[str | int]) -> Path:
    """Return a path into a body as it is in the body that `snaked` returns."""
    steps: list[str | int] = []
    for step in path:
        steps.append(_spelt(node, step) if isinstance(step, str) else step)
        node = _below(node, str(step)) if isinstance(step, str) else node.item or _FREE
    return tuple(steps)


_FREE = Node("free", "", "")


def _below(node: Node, name: str) -> Node:
    return node.children.get(name) or node.item or _FREE


def _spelt(node: Node, name: str) -> str:
    return to_snake(name) if name in node.children and not node.is_odd(name) else name
