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
from conformance.bodies.forms import RequestForm
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.locations import (
    BodyLocation,
    Path,
    path_to_snake_case,
    replace_at,
    to_place,
    to_snake_case,
    walk_body,
)
from conformance.bodies.tree import Node
from conformance.model import JSON
from conformance.names import to_snake
from conformance.pointers import to_pointer

NO_NAME, NO_VALUE = "noSuchField", "NO_SUCH_VALUE"
NUMBERS = ("integer", "number")


@dataclass(frozen=True)
class Mutated:
    """One way to break one place: what it holds then, and where below it the fault lies."""

    value: JSON
    below: Path = ()


@dataclass(frozen=True)
class MutationKind:
    """One kind of fault. `ways` yields what it makes of a place, nothing where it does not apply."""

    name: str
    ways: Callable[[BodyLocation], Iterator[Mutated]]
    google_refuses: bool | None = True


@dataclass(frozen=True)
class Mutation:
    """One fault that a body could have."""

    change: MutationKind
    spot: BodyLocation
    way: Mutated

    @property
    def path(self) -> Path:
        """Where the body breaks its schema."""
        return (*self.spot.path, *self.way.below)


def _wrong_types(spot: BodyLocation) -> Iterator[Mutated]:
    if spot.path:  # the body itself stays an object
        yield from (Mutated(value) for value in list_wrong_types(spot.node))


def list_wrong_types(node: Node) -> tuple[JSON, ...]:
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


def _malformed(spot: BodyLocation) -> Iterator[Mutated]:
    if isinstance(spot.value, str) and spot.node.format in MALFORMED:
        yield Mutated(MALFORMED[spot.node.format])


def _unknown_name(spot: BodyLocation) -> Iterator[Mutated]:
    node, value = spot.node, spot.value
    if isinstance(value, dict) and node.kind == "object" and node.children and node.item is None:
        yield Mutated({**value, NO_NAME: 1}, (NO_NAME,))


def _unknown_value(spot: BodyLocation) -> Iterator[Mutated]:
    if spot.node.enum and spot.node.format == "enum":
        yield Mutated(NO_VALUE)


def _bad_role(spot: BodyLocation) -> Iterator[Mutated]:
    if spot.node.enum and spot.node.format != "enum" and spot.node.name == "role":
        yield Mutated("narrator")


_SECOND: dict[str, JSON] = {
    "text": "a",
    "functionCall": {"name": "look_up"},
    "inlineData": {"mimeType": "image/png"},
}


def _two_of_one(spot: BodyLocation) -> Iterator[Mutated]:
    """Put a second member beside the one that is there; in parts only: other choices are our narrowing's."""
    value, oneof = spot.value, spot.node.oneof
    if isinstance(value, dict) and spot.node.name == "parts" and any(name in oneof for name in value):
        for name, second in _SECOND.items():
            if name in oneof and name not in value:
                yield Mutated({**value, name: second}, (name,))


def _null_in_list(spot: BodyLocation) -> Iterator[Mutated]:
    if isinstance(spot.value, list) and spot.node.kind == "array":
        yield Mutated([*spot.value, None], (len(spot.value),))


def _both_spellings(spot: BodyLocation) -> Iterator[Mutated]:
    value, node = spot.value, spot.node
    if isinstance(value, dict) and node.item is None:
        for name in value:
            if name in node.children and to_snake(name) != name and not node.is_odd(name):
                yield Mutated({**value, to_snake(name): value[name]}, (to_snake(name),))


def _fraction(spot: BodyLocation) -> Iterator[Mutated]:
    if spot.node.kind == "integer":
        yield Mutated(3.5)


def _too_big_for_its_type(spot: BodyLocation) -> Iterator[Mutated]:
    if spot.node.kind == "integer" and spot.node.format == "int32":
        yield from (Mutated(2**31), Mutated(-(2**31) - 1))


def _out_of_range(spot: BodyLocation) -> Iterator[Mutated]:
    node = spot.node
    if node.kind in NUMBERS:
        step = 1 if node.kind == "integer" else 0.5
        if node.said_low is not None:
            yield Mutated(node.said_low - step)
        if node.said_high is not None:
            yield Mutated(node.said_high + step)


def _too_many(spot: BodyLocation) -> Iterator[Mutated]:
    value, most = spot.value, spot.node.said_high
    if isinstance(value, list) and value and most is not None:
        yield Mutated([*value, *[value[-1]] * (int(most) + 1 - len(value))], (int(most),))


def _nothing_said(spot: BodyLocation) -> Iterator[Mutated]:
    """Leave contents or their parts empty or out: Google was seen to refuse that."""
    value = spot.value if isinstance(spot.value, dict) else {}
    for name in ("contents", "parts"):
        if name in value and (name == "contents" or spot.node.name == "contents"):
            yield Mutated({**value, name: []}, (name,))
            yield Mutated({key: one for key, one in value.items() if key != name}, (name,))


def _empty_part(spot: BodyLocation) -> Iterator[Mutated]:
    if (
        spot.node.name == "parts"
        and spot.node.kind == "object"
        and "text" in spot.node.oneof
        and spot.path[:1] == ("contents",)
    ):
        yield Mutated({})


MUTATION_KINDS: tuple[MutationKind, ...] = (
    MutationKind("type", _wrong_types),
    MutationKind("unknown-name", _unknown_name),
    MutationKind("enum", _unknown_value),
    MutationKind("fraction", _fraction),
    MutationKind("oneof", _two_of_one),
    MutationKind("null-in-list", _null_in_list),
    MutationKind(
        "both-spellings", _both_spellings, google_refuses=None
    ),  # its classes do for optional fields only
    MutationKind("malformed", _malformed),
    MutationKind("nothing-said", _nothing_said),
    MutationKind("too-big-for-its-type", _too_big_for_its_type),
    MutationKind("role", _bad_role),
    MutationKind("empty-part", _empty_part, google_refuses=None),  # nobody looked
    MutationKind("out-of-range", _out_of_range, google_refuses=None),
    MutationKind("too-many", _too_many, google_refuses=None),
)


def find_mutations(root: Node, body: JSON, change: MutationKind) -> list[Mutation]:
    """Return every fault of one kind that the body could have."""
    return [Mutation(change, spot, way) for spot in walk_body(root, body) for way in change.ways(spot)]


def apply_mutation(form: RequestForm, body: JSON, fault: Mutation) -> GeneratedBody:
    """Return the body with that one fault in it. What Google has no such place for, it does not refuse as a fault."""
    ours = form.is_googles(to_place(fault.spot.path, form.root))
    return GeneratedBody(
        replace_at(body, fault.spot.path, fault.way.value),
        valid=False,
        broken_at=to_pointer(fault.path),
        change=fault.change.name,
        source=form.name,
        google_refuses=fault.change.google_refuses if ours else None,
    )


def mutate_somewhere(form: RequestForm, body: JSON, coins: Coins, first: int) -> GeneratedBody:
    """Return the body with one fault, of the kind at `first` in CHANGES or the next that applies; some in snake_case.

    A fault is put deep, and past the first element of a list, more often than by its share. ValueError where nothing
    can be broken.
    """
    for turn in range(len(MUTATION_KINDS)):
        possible = find_mutations(form.root, body, MUTATION_KINDS[(first + turn) % len(MUTATION_KINDS)])
        if possible:
            later = [fault for fault in possible if _is_later(fault)]
            possible = later if later and coins.toss() else possible
            depth = coins.pick(sorted({len(fault.spot.path) for fault in possible}))
            fault = coins.pick([one for one in possible if len(one.spot.path) == depth])
            drawn = apply_mutation(form, body, fault)
            keeps = fault.change.name == "both-spellings" or not coins.seldom()
            return drawn if keeps else _in_snake_case(form.root, drawn, fault)
    raise ValueError(f"{form.name}: nothing of this body can be broken")


def _is_later(fault: Mutation) -> bool:
    """Return whether the fault lies past the first element of a list: some readers look at the first only."""
    return any(isinstance(step, int) and step > 0 for step in fault.spot.path)


def _in_snake_case(root: Node, drawn: GeneratedBody, fault: Mutation) -> GeneratedBody:
    at = to_pointer(path_to_snake_case(root, fault.path))
    return replace(
        drawn, body=to_snake_case(root, drawn.body), broken_at=at, source=f"{drawn.source}, in snake_case"
    )
