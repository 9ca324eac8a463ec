"""Where in a body something can be changed: every structured place with its node, and bodies with one place replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.bodies.tree import ITEM, Node
from conformance.model import JSON
from conformance.names import to_snake

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Spotted:
    """One place of one body: the names and positions that lead there, what it may hold, and what it holds."""

    path: Path
    node: Node
    value: JSON


def spots(node: Node, value: JSON, path: Path = ()) -> Iterator[Spotted]:
    """Yield every place of a body, the whole first; nothing inside free forms, whose names are the user's."""
    yield Spotted(path, node, value)
    if isinstance(value, dict):
        for name, child in value.items():
            below = node.children.get(name) or node.item
            if below is not None:
                yield from spots(below, child, (*path, name))
    elif isinstance(value, list) and node.item is not None:
        for index, child in enumerate(value):
            yield from spots(node.item, child, (*path, index))


def place_of(path: Path, node: Node) -> str:
    """Return a path as a place of the tree: positions, and names that the user chose, become `*`."""
    place = ""
    for step in path:
        known = isinstance(step, str) and step in node.children
        place += f"/{step}" if known else f"/{ITEM}"
        node = node.children[str(step) if known else ITEM]
    return place


def reached(root: Node, body: JSON) -> set[str]:
    """Return the places of the tree that a body reaches, inside a schema that contains itself only the outermost."""
    return {place_of(spot.path, root) for spot in spots(root, body)}


def replaced(body: JSON, path: Path, value: JSON) -> JSON:
    """Return a body with another value at `path`; the body itself stays."""
    if not path:
        return value
    step, *rest = path
    if isinstance(body, dict):
        return {
            name: replaced(one, tuple(rest), value) if name == step else one for name, one in body.items()
        }
    if isinstance(body, list):
        return [replaced(one, tuple(rest), value) if index == step else one for index, one in enumerate(body)]
    return body


def removed(body: JSON, path: Path) -> JSON:
    """Return a body without what stands at `path`."""
    step, *rest = path
    if isinstance(body, dict):
        left = body if rest else {name: one for name, one in body.items() if name != step}
        return {
            name: removed(one, tuple(rest)) if rest and name == step else one for name, one in left.items()
        }
    if isinstance(body, list):
        kept = body if rest else [one for index, one in enumerate(body) if index != step]
        return [
            removed(one, tuple(rest)) if rest and index == step else one for index, one in enumerate(kept)
        ]
    return body


def snaked(node: Node, value: JSON) -> JSON:
    """Return a body with its members in snake_case, free forms and names of the user's untouched."""
    if isinstance(value, dict):
        return {_spelt(node, name): snaked(_below(node, name), one) for name, one in value.items()}
    if isinstance(value, list) and node.item is not None:
        return [snaked(node.item, one) for one in value]
    return value


def snaked_path(node: Node, path: Sequence[str | int]) -> Path:
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
