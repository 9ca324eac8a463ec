"""Bodies that are not random: every documented field at its bounds, at each of its values, and one step beyond.

Valid ones share a request, as many as fit together: forty fields at their minimum cost what one does. Each invalid one has a
request of its own, since the first would hide the others. Usual fields come first, exotic ones (which a vendor may refuse
as a whole) in requests of their own; so a budget is spent from the front.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from conformance.bodies.forms import RequestForm, load_own_form
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.locations import complete_settings, has_place, make_names_distinct, put_nonce
from conformance.bodies.mutations import (
    MALFORMED,
    NO_VALUE,
    NUMBERS,
    list_values_out_of_range,
    list_wrong_types,
)
from conformance.bodies.tree import ITEM, Node, walk_tree
from conformance.dialects.dialect import Dialect
from conformance.model import JSON

TOGETHER = 40  # boundaries in one valid request
WIDEST = 6  # elements that one list of a batch grows to
NONCE = "b0b0"


@dataclass(frozen=True)
class Boundary:
    """One field at one of its bounds."""

    place: str
    name: str  # minimum, maximum, empty, longest, null, value X
    value: JSON
    doubt: int  # 0: every vendor should accept it; 1: a value out of use; 2: empty, null or very long


def build_boundaries(dialect: Dialect) -> tuple[GeneratedBody, ...]:
    """Return the boundary bodies of a dialect's own form, the most telling first; always the same."""
    form = load_own_form(dialect)
    nodes = dict(walk_tree(form.root))
    ordered: list[GeneratedBody] = []
    for group in (form.usual, form.exotic):
        valid = [
            one
            for place in group
            for one in list_valid_boundaries(nodes[place], place)
            if not (one.name == "null" and _is_needed(form.root, place))
        ]
        for doubt in (0, 1, 2):  # separate, since the first that is refused hides the rest of its batch
            ordered += _fill_batches(form, [one for one in valid if one.doubt == doubt])
        faulty = [(place, *one) for place in group for one in _list_faulty_values(nodes[place])]
        for place, _, change, value, refuses in sorted(faulty, key=lambda one: one[1]):
            ordered += _build_faulty(form, place, value, change=change, google_refuses=refuses)
    return tuple(ordered)


def _is_needed(root: Node, place: str) -> bool:
    """Return whether a body without this place lacks what a request needs."""
    *above, name = place.split("/")[1:]
    node = root
    for step in above:
        node = node.children[step]
    return name in node.needed or name in node.oneof


def list_valid_boundaries(node: Node, place: str) -> Iterator[Boundary]:
    """Yield the valid boundaries of one field."""
    for name, value in _list_valid_values(node):
        out_of_use = bool(node.enum) and value not in (node.examples or node.enum[1:])
        yield Boundary(place, name, value, 2 if name in ("empty", "longest") else int(out_of_use))
    yield Boundary(place, "null", None, 2)


def _list_valid_values(node: Node) -> Iterator[tuple[str, JSON]]:
    if node.enum:
        yield from ((f"value {value}", value) for value in node.enum)
    elif node.kind == "boolean":
        allowed = node.examples or (True, False)
        yield from ((str(value).lower(), value) for value in (True, False) if value in allowed)
    elif node.kind in NUMBERS:
        yield from _list_bounds(node)
    elif node.kind == "array" and node.item is not None:
        if not node.said_low:
            yield "empty", []
        if longest := int(node.said_high or node.longest):
            yield "longest", [build_simplest(node.item, index) for index in range(longest)]
    elif node.kind == "string" and not node.format:
        yield "empty", ""
        if node.longest:
            yield "longest", "stone " * (node.longest // 6)


def _list_bounds(node: Node) -> Iterator[tuple[str, JSON]]:
    """Yield the schema's own bounds of a number, held within those that keep an answer cheap."""
    lows = [bound for bound in (node.said_low, node.low) if bound is not None]
    highs = [bound for bound in (node.said_high, node.high) if bound is not None]
    for name, bounds, choose in (("minimum", lows, max), ("maximum", highs, min)):
        if bounds:
            bound = choose(bounds)
            yield name, int(bound) if node.kind == "integer" or bound == int(bound) else bound


_PLAIN: dict[str, JSON] = {"boolean": True, "integer": 1, "number": 1, "free": {}}
_FORMATTED = {"bytes": "AA==", "int64": "1", "duration": "1s", "timestamp": "2026-01-01T00:00:00Z"}


def build_simplest(node: Node, index: int = 0) -> JSON:
    """Return the smallest meaningful value of a place; `index` makes names differ."""
    if node.kind == "object":
        chosen = node.needed | ({node.oneof[0]} if node.is_part() else frozenset())
        return {name: build_simplest(child, index) for name, child in node.children.items() if name in chosen}
    if node.kind == "array":
        return [build_simplest(node.item, index)] if node.item is not None else []
    if node.examples:
        example = node.examples[0]
        return f"{example}_{index}" if node.unique and index else put_nonce(example, NONCE)
    if node.enum:
        return node.enum[min(1, len(node.enum) - 1)]  # the first is usually UNSPECIFIED
    return _PLAIN.get(node.kind, _FORMATTED.get(node.format, "stone"))


@dataclass
class _Batch:
    """One valid body that is being filled with boundaries."""

    form: RequestForm
    body: dict[str, JSON] = field(default_factory=dict)
    held: list[Boundary] = field(default_factory=list)

    def add(self, one: Boundary) -> bool:
        """Put a boundary in, if there is room for it; return whether there was."""
        if len(self.held) >= TOGETHER or self.contradicts(one):
            return False
        added = _put(self.form.root, self.body, one.place.split("/")[1:], one.value)
        self.held += [one] if added else []
        return added

    def contradicts(self, one: Boundary) -> bool:
        """Return whether adding a setting would make settings differ that must be equal."""
        return any(
            (one.place == needed and one.value != value and has_place(self.body, rule.when))
            or (
                f"{one.place}/".startswith(f"{rule.when}/")
                and has_place(self.body, needed)
                and not any(held.place == needed and held.value == value for held in self.held)
            )
            for rule in self.form.narrowing.together
            for needed, value in rule.give.items()
        )

    def to_body(self) -> GeneratedBody:
        """Return the batch as a body that can be answered."""
        body = make_names_distinct(self.form.root, complete_body(self.form.root, self.body))
        covers = tuple(f"{one.place} {one.name}" for one in self.held)
        body = complete_settings(body, self.form.narrowing.together)
        return GeneratedBody(body, valid=True, change="boundaries", source=self.form.name, covers=covers)


def _fill_batches(form: RequestForm, wanted: Sequence[Boundary]) -> list[GeneratedBody]:
    """Return a small number of valid bodies that contain all of the boundaries."""
    batches: list[_Batch] = []
    for one in wanted:
        if not any(batch.add(one) for batch in batches):
            batch = _Batch(form)
            batches += [batch] if batch.add(one) else []
    return [batch.to_body() for batch in batches]


def _put(node: Node, body: JSON, place: Sequence[str], value: JSON) -> bool:
    """Put a value at a place, if the place is empty and nothing excludes it; return whether it was put there."""
    name, *rest = place
    if isinstance(body, list):
        return _put_in_list(node, body, rest, value)
    if not isinstance(body, dict) or any(
        other in body for other in node.oneof if name in node.oneof and other != name
    ):
        return False
    child, name = (node.item, "one") if name == ITEM else (node.children[name], name)
    if child is None or (not rest and name in body):
        return False
    if not rest:
        body[name] = value
        return True
    made: JSON = {} if child.kind == "object" else []
    there = body.get(name, made)
    done = _put(child, there, rest, value)
    return done and body.setdefault(name, there) is there


def _put_in_list(node: Node, body: list[JSON], rest: Sequence[str], value: JSON) -> bool:
    """Put a value into the first element that has room, else into a new one."""
    item = node.item
    if item is None or not rest:
        return False
    if any(_put(item, element, rest, value) for element in body):
        return True
    most = WIDEST if node.said_high is None else int(node.said_high)
    new: dict[str, JSON] = {}
    if len(body) >= most or not _put(item, new, rest, value):
        return False
    body.append(new)
    return True


def complete_body(node: Node, body: JSON, index: int = 0) -> JSON:
    """Return a body with what is required, or makes it answerable, put in if it is missing."""
    if isinstance(body, list) and node.item is not None:
        return [complete_body(node.item, one, at) for at, one in enumerate(body)]
    if not isinstance(body, dict) or not node.children:
        return body
    if node.item is not None:
        return {name: complete_body(node.item, one, at) for at, (name, one) in enumerate(body.items())}
    least = build_simplest(node, index)
    taken = any(name in body for name in node.oneof)
    missing = least if isinstance(least, dict) else {}
    whole = {name: one for name, one in missing.items() if not (taken and name in node.oneof)} | body
    return {name: complete_body(node.children[name], one, index) for name, one in whole.items()}


def _list_faulty_values(node: Node) -> Iterator[tuple[int, str, JSON, bool | None]]:
    """Yield rank (0: one step beyond, 1: unknown, 2: of a wrong type), change, value, and whether Google refuses it."""
    yield from ((0, name, value, None) for name, value in list_values_out_of_range(node))
    if node.kind == "array" and node.item is not None and node.said_high is not None:
        yield (
            0,
            "too-many",
            [build_simplest(node.item, index) for index in range(int(node.said_high) + 1)],
            None,
        )
    if node.kind == "array" and node.said_low and node.name in ("contents", "parts"):
        yield 0, "too-few", [], True
    if node.enum and node.format == "enum":
        yield 1, "unknown-value", NO_VALUE, True
    if node.format in MALFORMED:
        yield 1, "malformed", MALFORMED[node.format], True
    yield from ((2, "type", value, True) for value in list_wrong_types(node)[:1])


def _build_faulty(
    form: RequestForm, place: str, value: JSON, *, change: str, google_refuses: bool | None
) -> Iterator[GeneratedBody]:
    """Yield the smallest body with that value at a place; nothing where no body has that place."""
    body: dict[str, JSON] = {}
    if _put(form.root, body, place.split("/")[1:], value):
        yield GeneratedBody(
            complete_body(form.root, body),
            valid=False,
            broken_at=place.replace(f"/{ITEM}", "/0"),
            change=change,
            source=form.name,
            google_refuses=google_refuses,
        )
