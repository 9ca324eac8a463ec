"""Bodies without chance: every documented field at its bounds, at each of its values, and one step beyond.

Valid ones share a request, as many as fit together: forty fields at their minimum cost what one does. Invalid ones
stand alone, since the first would hide the others. Usual fields come first, exotic ones (which a vendor may refuse
as a whole) in requests of their own; so a budget is spent from the front.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.bodies.forms import RequestForm, load_forms
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.grow import filled, found, mended
from conformance.bodies.locations import replace_at, walk_body
from conformance.bodies.mutations import MALFORMED, NO_VALUE, NUMBERS, list_wrong_types
from conformance.bodies.tree import ITEM, Node, places
from conformance.dialects.dialect import Dialect
from conformance.model import JSON

TOGETHER = 40  # boundaries in one valid request
WIDEST = 6  # elements that one list of a batch grows to
LONG = 4000  # characters of the longest text
NONCE = "b0b0"


@dataclass(frozen=True)
class Boundary:
    """One field at one of its bounds."""

    place: str
    name: str  # minimum, maximum, empty, longest, null, value X
    value: JSON
    doubt: int  # 0: everybody should take it; 1: a value out of use; 2: empty, null or very long

    @property
    def label(self) -> str:
        """The place and the name, as a report says it."""
        return f"{self.place} {self.name}"


def build_boundaries(dialect: Dialect) -> tuple[GeneratedBody, ...]:
    """Return the boundary bodies of a dialect's own form, the most telling first; always the same."""
    form, _ = load_forms(dialect)
    nodes = dict(places(form.root))
    ordered: list[GeneratedBody] = []
    for group in (form.usual, form.exotic):
        chosen = [(place, nodes[place]) for place in group]
        all_valid = [
            one
            for place, node in chosen
            for one in list_valid_boundaries(node, place)
            if not _is_needed(form.root, one)
        ]
        for doubt in (0, 1, 2):  # apart, since the first that is refused hides the rest of its batch
            ordered += _fill_batches(form, [one for one in all_valid if one.doubt == doubt])
        ordered += _build_invalid(form, chosen)
    return tuple(ordered)


def _is_needed(root: Node, one: Boundary) -> bool:
    """Return whether leaving this empty would leave out what a request needs: then it is no valid boundary."""
    *above, name = one.place.split("/")[1:]
    node = root
    for step in above:
        node = node.children[step]
    needed = name in node.required or name in node.always or name in node.oneof
    return one.name == "null" and needed


def list_valid_boundaries(node: Node, place: str) -> Iterator[Boundary]:
    """Yield the valid boundaries of one field."""
    for name, value in _list_valid_values(node):
        yield Boundary(place, name, value, _rate_doubt(node, name, value))
    yield Boundary(place, "null", None, 2)


def _rate_doubt(node: Node, name: str, value: JSON) -> int:
    if name in ("empty", "longest"):
        return 2
    return int(bool(node.enum) and value not in (node.examples or node.enum[1:]))


def _list_valid_values(node: Node) -> Iterator[tuple[str, JSON]]:
    if node.enum:
        yield from ((f"value {value}", value) for value in node.enum)
    elif node.kind == "boolean":
        allowed = node.examples or (True, False)
        yield from ((str(value).lower(), value) for value in (True, False) if value in allowed)
    elif node.kind in NUMBERS:
        yield from (_number(node, name, bound) for name, bound in _find_bounds(node) if bound is not None)
    elif node.kind == "array" and node.item is not None:
        yield from _lists(node)
    elif node.kind == "string" and not node.format:
        yield "empty", ""
        if node.longest:
            yield "longest", "stone " * (node.longest // 6)


def _find_bounds(node: Node) -> tuple[tuple[str, float | None], tuple[str, float | None]]:
    """Return the schema's own bounds, held within those that keep an answer cheap."""
    low, high = node.said_low, node.said_high
    if node.low is not None:
        low = node.low if low is None else max(low, node.low)
    if node.high is not None:
        high = node.high if high is None else min(high, node.high)
    return ("minimum", low), ("maximum", high)


def _number(node: Node, name: str, bound: float) -> tuple[str, JSON]:
    return name, (int(bound) if node.kind == "integer" or bound == int(bound) else bound)


def _lists(node: Node) -> Iterator[tuple[str, JSON]]:
    assert node.item is not None  # noqa: S101 - for mypy: the caller looked
    if not node.said_low:
        yield "empty", []
    longest = int(node.said_high or node.longest)
    if longest:
        yield "longest", [build_simplest(node.item, index) for index in range(longest)]


def build_simplest(node: Node, index: int = 0) -> JSON:
    """Return the smallest value of a place that says something; `index` makes names differ."""
    if node.kind == "object":
        return _object(node, index)
    if node.kind == "array":
        return [build_simplest(node.item, index)] if node.item is not None else []
    value: Any = node.examples[0] if node.examples else _value(node)
    return f"{value}_{index}" if node.unique and index else filled(value, NONCE)


def _object(node: Node, index: int) -> JSON:
    names = node.required | (node.always & set(node.children))
    chosen = set(names)
    if node.oneof and node.name == "parts":
        chosen |= {next(name for name in node.oneof if name in node.children)}
    return {name: build_simplest(node.children[name], index) for name in node.children if name in chosen}


def _value(node: Node) -> JSON:
    if node.enum:
        return node.enum[min(1, len(node.enum) - 1)]  # the first is mostly UNSPECIFIED
    plain: dict[str, JSON] = {"boolean": True, "integer": 1, "number": 1, "free": {}}
    formats: dict[str, JSON] = {
        "bytes": "AA==",
        "int64": "1",
        "duration": "1s",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    return plain.get(node.kind, formats.get(node.format, "stone"))


@dataclass
class _Batch:
    """One valid body that is being filled with boundaries."""

    form: RequestForm
    body: dict[str, JSON] = field(default_factory=dict)
    held: list[Boundary] = field(default_factory=list)

    def takes(self, one: Boundary) -> bool:
        """Put a boundary in, if there is room for it."""
        full = len(self.held) >= TOGETHER or self.contradicts(one)
        if full or not _put(self.form.root, self.body, one.place.split("/")[1:], one.value):
            return False
        self.held.append(one)
        return True

    def contradicts(self, one: Boundary) -> bool:
        """Return whether settings that go together would be asked to differ."""
        return any(
            (one.place == needed and one.value != value and found(self.body, rule.when))
            or (
                f"{one.place}/".startswith(f"{rule.when}/")
                and found(self.body, needed)
                and not self.has(needed, value)
            )
            for rule in self.form.narrowing.together
            for needed, value in rule.give.items()
        )

    def has(self, place: str, value: JSON) -> bool:
        """Return whether the batch asks for this value at that place."""
        return any(one.place == place and one.value == value for one in self.held)


def _fill_batches(form: RequestForm, wanted: Sequence[Boundary]) -> list[GeneratedBody]:
    """Return few valid bodies that hold all of the boundaries."""
    batches: list[_Batch] = []
    for one in wanted:
        if not any(batch.takes(one) for batch in batches):
            batch = _Batch(form)
            if batch.takes(one):
                batches.append(batch)
    return [
        GeneratedBody(
            mended(
                make_names_distinct(form.root, complete_body(form.root, batch.body)), form.narrowing.together
            ),
            valid=True,
            change="boundaries",
            source=form.name,
            covers=tuple(one.label for one in batch.held),
        )
        for batch in batches
    ]


def _put(node: Node, body: JSON, place: Sequence[str], value: JSON) -> bool:
    """Put a value at a place, if nothing stands there yet and nothing there excludes it; says whether it did."""
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
    """Return a body with what is required, or makes it answerable, put in where it is missing."""
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


def make_names_distinct(root: Node, body: JSON) -> JSON:
    """Return a body in which names that must differ do."""
    used: set[tuple[str, str, JSON]] = set()
    for spot in list(walk_body(root, body)):
        kind, value = (spot.node.where, spot.node.name), spot.value
        if spot.node.unique and isinstance(value, str) and (*kind, value) in used:
            value = f"{value}_{len(used)}"
            body = replace_at(body, spot.path, value)
        if spot.node.unique and isinstance(value, str):
            used.add((*kind, value))
    return body


def _build_invalid(form: RequestForm, chosen: Sequence[tuple[str, Node]]) -> list[GeneratedBody]:
    """Return the invalid boundaries: one step beyond first, then unknown values, then wrong types."""
    kinds = (_step_past_bounds, _list_unknown_values, _list_mistyped_values)
    found = [(place, *one) for kind in kinds for place, node in chosen for one in kind(node)]
    return [drawn for one in found if (drawn := _build_body_with(form, *one)) is not None]


Beyond = tuple[str, JSON, bool | None]  # the change, the value, whether Google refuses it


def _step_past_bounds(node: Node) -> Iterator[Beyond]:
    step = 1 if node.kind == "integer" else 0.5
    if node.kind in NUMBERS and node.said_low is not None:
        yield "below-minimum", node.said_low - step, None
    if node.kind in NUMBERS and node.said_high is not None:
        yield "above-maximum", node.said_high + step, None
    if node.kind == "array" and node.item is not None and node.said_high is not None:
        yield "too-many", [build_simplest(node.item, index) for index in range(int(node.said_high) + 1)], None
    if node.kind == "array" and node.said_low and node.name in ("contents", "parts"):
        yield "too-few", [], True


def _list_unknown_values(node: Node) -> Iterator[Beyond]:
    if node.enum and node.format == "enum":
        yield "unknown-value", NO_VALUE, True
    if node.format in MALFORMED:
        yield "malformed", MALFORMED[node.format], True


def _list_mistyped_values(node: Node) -> Iterator[Beyond]:
    yield from (("type", value, True) for value in list_wrong_types(node)[:1])


def _build_body_with(
    form: RequestForm,
    place: str,
    change: str,
    value: JSON,
    refuses: bool | None,  # noqa: FBT001 - data
) -> GeneratedBody | None:
    body: dict[str, JSON] = {}
    if not _put(form.root, body, place.split("/")[1:], value):
        return None
    at = place.replace(f"/{ITEM}", "/0")
    return GeneratedBody(
        complete_body(form.root, body),
        valid=False,
        broken_at=at,
        change=change,
        source=form.name,
        google_refuses=refuses,
    )
