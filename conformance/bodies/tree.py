"""A request schema as a tree of nodes: each place of a request, what it may contain, and how that is narrowed.

The tree is built from the shapes that judging reads too (`conformance.dialects.shapes`), so a schema is read once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.bodies.narrowing import Narrowing
from conformance.dialects.shapes import Shape
from conformance.model import JSON
from conformance.names import to_camel

ITEM = "*"  # the child of a list or a map that stands for all of its elements


@dataclass(frozen=True, eq=False)
class Node:
    """What one place of a request may hold.

    `low` and `high` bound the number, or the length of the list, as bodies are generated; `said_low` and `said_high`
    are the schema's own bounds, before it was narrowed (None: the schema gives none).
    """

    kind: str  # object | array | string | integer | number | boolean | free (anything)
    name: str  # of the property
    shape: Shape = field(repr=False)
    # Filled after the node is made, since schemas refer to themselves.
    children: dict[str, Node] = field(repr=False)
    required: frozenset[str] = frozenset()
    oneof: tuple[str, ...] = ()  # members of which a body may have one
    low: float | None = None
    high: float | None = None
    said_low: float | None = None
    said_high: float | None = None
    enum: tuple[str, ...] = ()
    format: str = ""  # `enum`: the values have numbers too, in their order from 0
    examples: tuple[JSON, ...] = ()
    awkward: tuple[JSON, ...] = ()
    unique: bool = False  # a name that no other of its kind in the body may have
    usual: frozenset[str] | None = None  # members that are generated unasked; None: all
    always: frozenset[str] = frozenset()
    longest: int = 0  # how long the longest list or text is that is tried

    @property
    def item(self) -> Node | None:
        """The node of a list's or a map's elements."""
        return self.children.get(ITEM)

    @property
    def is_open(self) -> bool:
        """Whether this is an object about which the schema says nothing; a message of Google's without members is closed instead."""
        return self.kind == "object" and not self.children and not self.shape.name

    @property
    def needed(self) -> frozenset[str]:
        """The members that every body has here: what the schema requires, and what makes a body answerable."""
        return self.required | self.always

    def child(self, step: str | int) -> Node | None:
        """Return the node of a member, or of an element; None below an open object or a free form."""
        return self.children.get(str(step)) or self.item

    def is_odd(self, name: str) -> bool:
        """Return whether a member's protobuf name differs from what its spelling suggests: `x` where there is also `_x`."""
        return name.startswith("_") or f"_{name}" in self.children

    def is_part(self) -> bool:
        """Return whether this is a part of a content, whose members exclude each other by Google's own schema."""
        return self.kind == "object" and self.name == "parts" and bool(self.oneof)


def build_tree(shape: Shape, narrowing: Narrowing) -> Node:
    """Return the tree of the request that `shape` describes."""
    return _build(shape, narrowing, ("", ""), {})


def _build(
    shape: Shape, narrowing: Narrowing, names: tuple[str, str], made: dict[tuple[Shape, str, str], Node]
) -> Node:
    """Return the node of a shape; `names` are its parent's and its own, by which it is narrowed."""
    key = (shape, *names)
    if key not in made:
        made[key] = node = _narrow(shape, names[1], narrowing.find(*names))
        for name, child in shape.properties.items():
            node.children[name] = _build(child, narrowing, (names[1], name), made)
        item = shape.items or shape.values
        if item is not None:
            node.children[ITEM] = _build(item, narrowing, names, made)
    return made[key]


def _narrow(shape: Shape, name: str, keywords: Mapping[str, Any]) -> Node:
    kind = _infer_kind(shape)
    counted = kind in ("array", "object")
    said_low, said_high = (shape.min_items, shape.max_items) if counted else (shape.minimum, shape.maximum)
    low, high = ("minItems", "maxItems") if counted else ("minimum", "maximum")
    enum = shape.enum if shape.closed else ()
    spelt = {to_camel(one): one for one in shape.properties}

    def list_members(keyword: str) -> tuple[str, ...]:
        return tuple(spelt[one] for one in keywords.get(keyword, ()) if one in spelt)

    return Node(
        kind,
        name,
        shape,
        {},
        required=frozenset(shape.required),
        oneof=list_members("x-oneof") or shape.oneof,
        low=keywords.get(low, said_low),
        high=keywords.get(high, said_high),
        said_low=said_low,
        said_high=said_high,
        enum=enum,
        format=shape.format or "",
        examples=tuple(one for one in keywords.get("examples", ()) if not enum or one in enum),
        awkward=tuple(keywords.get("x-awkward", ())),
        unique=bool(keywords.get("x-unique")),
        usual=frozenset(list_members("x-usual")) if "x-usual" in keywords else None,
        always=frozenset(list_members("x-always")),
        longest=int(keywords.get("x-longest", 0)),
    )


def _infer_kind(shape: Shape) -> str:
    """Return the kind of a node; a page may name members, elements or values of a place without naming its type."""
    if shape.kind != "free":
        return "object" if shape.kind == "map" else shape.kind
    return "object" if shape.properties else "array" if shape.items else "string" if shape.closed else "free"


def walk_tree(node: Node, at: str = "", above: tuple[Shape, ...] = ()) -> Iterator[tuple[str, Node]]:
    """Yield every property's place (`/contents/*/parts/*/text`) and node; a schema inside itself is entered once."""
    for name, child in node.children.items():
        place = f"{at}/{name}"
        if name != ITEM:
            yield place, child
        if child.shape not in above:
            yield from walk_tree(child, place, (*above, child.shape))


def find_empty_places(root: Node) -> Iterator[str]:
    """Yield a line for every place of which the schema's own bounds admit no value."""
    for place, node in walk_tree(root):
        if node.said_low is not None and node.said_high is not None and node.said_low > node.said_high:
            yield f"{place}: admits nothing: {node.said_low} is more than {node.said_high}"
        if node.shape.closed and not node.enum:
            yield f"{place}: admits nothing: its enum is empty"
