"""Invalid bodies: one named change at one place of a valid one, so that a finding can say what was wrong and where.

Whether Google refuses a change is known for names and types (its parser does), for members that exclude each
other, and for the few faults of contents that Google was seen to refuse. Of ranges its prose speaks,
its schemas do not, and nobody looked: those are None. Left out is what Google takes in spite of its schemas:
one object for a list of one, lower-case names of types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from conformance.bodies.coins import Coins
from conformance.bodies.drawn import Drawn
from conformance.bodies.forms import Form
from conformance.bodies.spots import (
    Path,
    Spotted,
    place_of,
    replaced,
    snaked,
    snaked_path,
    spots,
)
from conformance.bodies.tree import Node
from conformance.model import JSON
from conformance.names import to_snake
from conformance.pointers import to_pointer

NO_NAME, NO_VALUE = "noSuchField", "NO_SUCH_VALUE"
NUMBERS = ("integer", "number")


@dataclass(frozen=True)
class Broken:
    """One way to break one place: what it holds then, and where below it the fault lies."""

    value: JSON
    below: Path = ()


@dataclass(frozen=True)
class Change:
    """One kind of fault. `ways` yields what it makes of a place, nothing where it does not apply."""

    name: str
    ways: Callable[[Spotted], Iterator[Broken]]
    google_refuses: bool | None = True


@dataclass(frozen=True)
class Fault:
    """One fault that a body could have."""

    change: Change
    spot: Spotted
    way: Broken

    @property
    def path(self) -> Path:
        """Where the body breaks its schema."""
        return (*self.spot.path, *self.way.below)


def _wrong_types(spot: Spotted) -> Iterator[Broken]:
    if spot.path:  # the body itself stays an object
        yield from (Broken(value) for value in wrong_types(spot.node))


def wrong_types(node: Node) -> tuple[JSON, ...]:
    """Return values whose JSON type is wrong at a place, and which no lenient reader makes right."""
    if node.kind in NUMBERS:
        return ("warm", {"a": 1}, [1])
    if node.kind == "boolean":
        return ("yes", {"a": 1})
    if node.kind == "string":
        return _wrong_for_text(node)
    if node.kind == "object":
        return () if node.open else ("text", 7)
    if node.kind == "array" and node.item is not None:
        return ("text",) if node.item.kind == "object" else ({NO_NAME: 1},)
    return ()


def _wrong_for_text(node: Node) -> tuple[JSON, ...]:
    if node.format == "enum":  # a number is a value's number
        return ({"a": 1}, [])
    return () if node.format or node.enum else (7, {"a": 1}, [])


MALFORMED = {"bytes": "not base64!", "int64": "three", "duration": "soon", "timestamp": "tomorrow"}


def _malformed(spot: Spotted) -> Iterator[Broken]:
    if isinstance(spot.value, str) and spot.node.format in MALFORMED:
        yield Broken(MALFORMED[spot.node.format])


def _unknown_name(spot: Spotted) -> Iterator[Broken]:
    node, value = spot.node, spot.value
    if isinstance(value, dict) and node.kind == "object" and node.children and node.item is None:
        yield Broken({**value, NO_NAME: 1}, (NO_NAME,))


def _unknown_value(spot: Spotted) -> Iterator[Broken]:
    if spot.node.enum and spot.node.format == "enum":
        yield Broken(NO_VALUE)


def _bad_role(spot: Spotted) -> Iterator[Broken]:
    if spot.node.enum and spot.node.format != "enum" and spot.node.name == "role":
        yield Broken("narrator")


_SECOND: dict[str, JSON] = {
    "text": "a",
    "functionCall": {"name": "look_up"},
    "inlineData": {"mimeType": "image/png"},
}


def _two_of_one(spot: Spotted) -> Iterator[Broken]:
    """Put a second member beside the one that is there; in parts only: other choices are our narrowing's."""
    value, oneof = spot.value, spot.node.oneof
    if isinstance(value, dict) and spot.node.name == "parts" and any(name in oneof for name in value):
        for name, second in _SECOND.items():
            if name in oneof and name not in value:
                yield Broken({**value, name: second}, (name,))


def _null_in_list(spot: Spotted) -> Iterator[Broken]:
    if isinstance(spot.value, list) and spot.node.kind == "array":
        yield Broken([*spot.value, None], (len(spot.value),))


def _both_spellings(spot: Spotted) -> Iterator[Broken]:
    value, node = spot.value, spot.node
    if isinstance(value, dict) and node.item is None:
        for name in value:
            if name in node.children and to_snake(name) != name and not node.is_odd(name):
                yield Broken({**value, to_snake(name): value[name]}, (to_snake(name),))


def _fraction(spot: Spotted) -> Iterator[Broken]:
    if spot.node.kind == "integer":
        yield Broken(3.5)


def _too_big_for_its_type(spot: Spotted) -> Iterator[Broken]:
    if spot.node.kind == "integer" and spot.node.format == "int32":
        yield from (Broken(2**31), Broken(-(2**31) - 1))


def _out_of_range(spot: Spotted) -> Iterator[Broken]:
    node = spot.node
    if node.kind in NUMBERS:
        step = 1 if node.kind == "integer" else 0.5
        if node.said_low is not None:
            yield Broken(node.said_low - step)
        if node.said_high is not None:
            yield Broken(node.said_high + step)


def _too_many(spot: Spotted) -> Iterator[Broken]:
    value, most = spot.value, spot.node.said_high
    if isinstance(value, list) and value and most is not None:
        yield Broken([*value, *[value[-1]] * (int(most) + 1 - len(value))], (int(most),))


def _nothing_said(spot: Spotted) -> Iterator[Broken]:
    """Leave contents or their parts empty or out: Google was seen to refuse that."""
    value = spot.value if isinstance(spot.value, dict) else {}
    for name in ("contents", "parts"):
        if name in value and (name == "contents" or spot.node.name == "contents"):
            yield Broken({**value, name: []}, (name,))
            yield Broken({key: one for key, one in value.items() if key != name}, (name,))


def _empty_part(spot: Spotted) -> Iterator[Broken]:
    if (
        spot.node.name == "parts"
        and spot.node.kind == "object"
        and "text" in spot.node.oneof
        and spot.path[:1] == ("contents",)
    ):
        yield Broken({})


CHANGES: tuple[Change, ...] = (
    Change("type", _wrong_types),
    Change("unknown-name", _unknown_name),
    Change("enum", _unknown_value),
    Change("fraction", _fraction),
    Change("oneof", _two_of_one),
    Change("null-in-list", _null_in_list),
    Change("both-spellings", _both_spellings, google_refuses=None),  # its classes do for optional fields only
    Change("malformed", _malformed),
    Change("nothing-said", _nothing_said),
    Change("too-big-for-its-type", _too_big_for_its_type),
    Change("role", _bad_role),
    Change("empty-part", _empty_part, google_refuses=None),  # nobody looked
    Change("out-of-range", _out_of_range, google_refuses=None),
    Change("too-many", _too_many, google_refuses=None),
)


def faults(root: Node, body: JSON, change: Change) -> list[Fault]:
    """Return every fault of one kind that the body could have."""
    return [Fault(change, spot, way) for spot in spots(root, body) for way in change.ways(spot)]


def broken(form: Form, body: JSON, fault: Fault) -> Drawn:
    """Return the body with that one fault in it. What Google has no such place for, it does not refuse as a fault."""
    ours = form.is_googles(place_of(fault.spot.path, form.root))
    return Drawn(
        replaced(body, fault.spot.path, fault.way.value),
        valid=False,
        broken_at=to_pointer(fault.path),
        change=fault.change.name,
        source=form.name,
        google_refuses=fault.change.google_refuses if ours else None,
    )


def break_somewhere(form: Form, body: JSON, coins: Coins, first: int) -> Drawn:
    """Return the body with one fault, of the kind at `first` in CHANGES or the next that applies; some in snake_case.

    A fault is put deep, and past the first element of a list, more often than by its share. ValueError where nothing
    can be broken.
    """
    for turn in range(len(CHANGES)):
        possible = faults(form.root, body, CHANGES[(first + turn) % len(CHANGES)])
        if possible:
            later = [fault for fault in possible if _is_later(fault)]
            possible = later if later and coins.toss() else possible
            depth = coins.pick(sorted({len(fault.spot.path) for fault in possible}))
            fault = coins.pick([one for one in possible if len(one.spot.path) == depth])
            drawn = broken(form, body, fault)
            keeps = fault.change.name == "both-spellings" or not coins.seldom()
            return drawn if keeps else _in_snake_case(form.root, drawn, fault)
    raise ValueError(f"{form.name}: nothing of this body can be broken")


def _is_later(fault: Fault) -> bool:
    """Return whether the fault lies past the first element of a list: some readers look at the first only."""
    return any(isinstance(step, int) and step > 0 for step in fault.spot.path)


def _in_snake_case(root: Node, drawn: Drawn, fault: Fault) -> Drawn:
    at = to_pointer(snaked_path(root, fault.path))
    return replace(
        drawn, body=snaked(root, drawn.body), broken_at=at, source=f"{drawn.source}, in snake_case"
    )
