"""Where a body can be changed: every place with its node, and bodies with a place replaced or completed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from conformance.bodies.narrowing import Together
from conformance.bodies.tree import ITEM, Node
from conformance.model import JSON
from conformance.names import to_camel, to_snake
from conformance.pointers import list_children

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class BodyLocation:
    """One place of one body: the names and positions that lead there, what it may hold, and what it holds."""

    path: Path
    node: Node
    value: JSON


def walk_body(node: Node, value: JSON, path: Path = ()) -> Iterator[BodyLocation]:
    """Yield every place of a body, starting with the whole body; nothing inside free forms, whose names are the user's."""
    yield BodyLocation(path, node, value)
    for step, child in list_children(value):
        below = node.child(step)
        if below is not None:
            yield from walk_body(below, child, (*path, step))


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
    return {to_place(one.path, root) for one in walk_body(root, body)}


def replace_at(body: Any, path: Path, value: JSON) -> JSON:
    """Return a body with another value at `path`, or with a new member there; the body itself stays."""
    if not path:
        return value
    changed = body.copy()
    changed[path[0]] = replace_at(body[path[0]] if len(path) > 1 else None, path[1:], value)
    return changed  # type: ignore[no-any-return]


def replace_each(root: Node, body: JSON, replace: Callable[[BodyLocation], JSON]) -> JSON:
    """Return a body with what `replace` returns for each of its places."""
    for one in walk_body(root, body):
        value = replace(one)
        if value is not one.value:
            body = replace_at(body, one.path, value)
    return body


def to_snake_case(node: Node | None, value: JSON) -> JSON:
    """Return a body with its members in snake_case, free forms and names of the user's untouched."""
    if node is None:
        return value
    if isinstance(value, dict):
        return {_spell(node, name): to_snake_case(node.child(name), one) for name, one in value.items()}
    return [to_snake_case(node.item, one) for one in value] if isinstance(value, list) else value


def path_to_snake_case(node: Node | None, path: Path) -> Path:
    """Return a path into a body as it is in the body that `to_snake_case` returns."""
    if node is None or not path:
        return path
    step = path[0]
    spelt = _spell(node, step) if isinstance(step, str) else step
    return spelt, *path_to_snake_case(node.child(step), path[1:])


def _spell(node: Node, name: str) -> str:
    return to_snake(name) if name in node.children and not node.is_odd(name) else name


def make_names_distinct(root: Node, body: JSON) -> JSON:
    """Return a body in which names that must differ do: a name that was met before gets a number."""
    used: set[tuple[object, ...]] = set()
    for one in walk_body(root, body):
        if one.node.unique and isinstance(one.value, str):
            kind, value = (one.node.shape, one.node.name), one.value
            if (*kind, value) in used:
                value = f"{value}_{len(used)}"
                body = replace_at(body, one.path, value)
            used.add((*kind, value))
    return body


def put_nonce(value: JSON, nonce: str) -> JSON:
    """Return a value with `{nonce}` replaced by the nonce wherever a text has it."""
    if isinstance(value, str):
        return value.replace("{nonce}", nonce)
    if isinstance(value, list):
        return [put_nonce(one, nonce) for one in value]
    return {name: put_nonce(one, nonce) for name, one in value.items()} if isinstance(value, dict) else value


def complete_settings(body: JSON, together: Collection[Together]) -> JSON:
    """Add to a body, in place, the members that its settings require, and return it."""
    for rule in together:
        if has_place(body, rule.when):
            missing = {place: value for place, value in rule.lend.items() if not has_place(body, place)}
            for place, value in {**rule.give, **missing}.items():
                _put(body, place, deepcopy(value))
    return body


def has_place(body: JSON, place: str) -> bool:
    """Return whether a body has something at a place without `*`, its names in whatever casing."""
    for name in place.split("/")[1:]:
        if not isinstance(body, dict) or _find_member(body, name) not in body:
            return False
        body = body[_find_member(body, name)]
    return True


def _put(body: JSON, place: str, value: JSON) -> None:
    """Put a value into a body at a place without `*`; objects on the way are made."""
    *way, last = place.split("/")[1:]
    for name in way:
        if isinstance(body, dict):
            body = body.setdefault(_find_member(body, name), {})
    if isinstance(body, dict):
        body[_find_member(body, last)] = value


def _find_member(body: dict[str, JSON], name: str) -> str:
    """Return `name` in the body's own spelling, or unchanged if the body lacks it."""
    return next((key for key in body if to_camel(key) == name), name)
