"""Invalid bodies: one named mutation at one place of a valid body, so that a finding says what was wrong and where.

Whether Google refuses a mutation is known for names and types (its parser does), for members that exclude each
other, and for the few faults of contents that Google was seen to refuse. Ranges stand in its prose only and were not
tried: those are None. Left out is what Google takes in spite of its schemas: one object for a list of one,
lower-case names of types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from hypothesis import strategies as st

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
from conformance.bodies.strategies import Draw
from conformance.bodies.tree import Node
from conformance.model import JSON
from conformance.names import to_snake
from conformance.pointers import to_pointer

NO_NAME, NO_VALUE = "noSuchField", "NO_SUCH_VALUE"
NUMBERS = ("integer", "number")
MALFORMED = {"bytes": "not base64!", "int64": "three", "duration": "soon", "timestamp": "tomorrow"}

Faulty = tuple[JSON, Path]  # what a place holds instead, and where below that place the fault lies
HERE: Path = ()


@dataclass(frozen=True)
class MutationKind:
    """One kind of fault. `apply` yields what it makes of a place, nothing if it does not apply."""

    name: str
    apply: Callable[[BodyLocation], Iterator[Faulty]]
    google_refuses: bool | None


@dataclass(frozen=True)
class Mutation:
    """One fault that a body could have: its kind, the place that changes, what that holds then, and the faulty path."""

    kind: MutationKind
    location: BodyLocation
    value: JSON
    path: Path


MUTATION_KINDS: list[MutationKind] = []


def _mutation(
    name: str, *, google_refuses: bool | None = True
) -> Callable[[Callable[[BodyLocation], Iterator[Faulty]]], Callable[[BodyLocation], Iterator[Faulty]]]:
    """Enter a function into MUTATION_KINDS."""

    def enter(
        apply: Callable[[BodyLocation], Iterator[Faulty]],
    ) -> Callable[[BodyLocation], Iterator[Faulty]]:
        MUTATION_KINDS.append(MutationKind(name, apply, google_refuses))
        return apply

    return enter


@_mutation("type")
def _change_type(one: BodyLocation) -> Iterator[Faulty]:
    if one.path:  # the body itself stays an object
        yield from ((value, HERE) for value in list_wrong_types(one.node))


def list_wrong_types(node: Node) -> tuple[JSON, ...]:
    """Return values whose JSON type is wrong at a place, and which no lenient reader makes right."""
    if node.kind == "string":
        if node.format == "enum":  # a number is a value's number
            return ({"a": 1}, [])
        return () if node.format or node.enum else (7, {"a": 1}, [])
    if node.kind == "array" and node.item is not None:
        return ("text",) if node.item.kind == "object" else ({NO_NAME: 1},)
    if node.kind == "object" and not node.is_open:
        return ("text", 7)
    wrong: dict[str, tuple[JSON, ...]] = {
        "integer": ("warm", {"a": 1}, [1]), "number": ("warm", {"a": 1}, [1]), "boolean": ("yes", {"a": 1})
    }  # fmt: skip
    return wrong.get(node.kind, ())


@_mutation("unknown-name")
def _add_unknown_name(one: BodyLocation) -> Iterator[Faulty]:
    if isinstance(one.value, dict) and one.node.children and one.node.item is None:
        yield {**one.value, NO_NAME: 1}, (NO_NAME,)


@_mutation("enum")
def _take_unknown_value(one: BodyLocation) -> Iterator[Faulty]:
    if one.node.enum and one.node.format == "enum":
        yield NO_VALUE, HERE


@_mutation("fraction")
def _take_fraction(one: BodyLocation) -> Iterator[Faulty]:
    if one.node.kind == "integer":
        yield 3.5, HERE


_SECOND: dict[str, JSON] = {
    "text": "a",
    "functionCall": {"name": "look_up"},
    "inlineData": {"mimeType": "image/png"},
}


@_mutation("oneof")
def _add_second_member(one: BodyLocation) -> Iterator[Faulty]:
    """Put a second member beside the one that is there; in parts only: other choices are our narrowing's."""
    oneof = one.node.oneof
    if isinstance(one.value, dict) and one.node.is_part() and any(name in oneof for name in one.value):
        for name, second in _SECOND.items():
            if name in oneof and name not in one.value:
                yield {**one.value, name: second}, (name,)


@_mutation("null-in-list")
def _append_null(one: BodyLocation) -> Iterator[Faulty]:
    if isinstance(one.value, list) and one.node.kind == "array":
        yield [*one.value, None], (len(one.value),)


@_mutation("both-spellings", google_refuses=None)  # its classes do for optional fields only
def _add_other_spelling(one: BodyLocation) -> Iterator[Faulty]:
    if isinstance(one.value, dict) and one.node.item is None:
        for name in one.value:
            if name in one.node.children and to_snake(name) != name and not one.node.is_odd(name):
                yield {**one.value, to_snake(name): one.value[name]}, (to_snake(name),)


@_mutation("malformed")
def _break_format(one: BodyLocation) -> Iterator[Faulty]:
    if isinstance(one.value, str) and one.node.format in MALFORMED:
        yield MALFORMED[one.node.format], HERE


@_mutation("nothing-said")
def _leave_empty(one: BodyLocation) -> Iterator[Faulty]:
    """Leave contents or their parts empty or out: Google was seen to refuse that."""
    value = one.value if isinstance(one.value, dict) else {}
    for name in ("contents", "parts"):
        if name in value and (name == "contents" or one.node.name == "contents"):
            yield {**value, name: []}, (name,)
            yield {key: child for key, child in value.items() if key != name}, (name,)


@_mutation("too-big-for-its-type")
def _exceed_type(one: BodyLocation) -> Iterator[Faulty]:
    if one.node.kind == "integer" and one.node.format == "int32":
        yield from ((2**31, HERE), (-(2**31) - 1, HERE))


@_mutation("role")
def _take_unknown_role(one: BodyLocation) -> Iterator[Faulty]:
    if one.node.enum and one.node.format != "enum" and one.node.name == "role":
        yield "narrator", HERE


@_mutation("empty-part", google_refuses=None)  # not tried
def _empty_part(one: BodyLocation) -> Iterator[Faulty]:
    if one.node.is_part() and "text" in one.node.oneof and one.path[:1] == ("contents",):
        yield {}, HERE


@_mutation("out-of-range", google_refuses=None)
def _leave_range(one: BodyLocation) -> Iterator[Faulty]:
    if one.node.kind in NUMBERS:
        yield from ((value, HERE) for _, value in list_values_out_of_range(one.node))


def list_values_out_of_range(node: Node) -> Iterator[tuple[str, JSON]]:
    """Yield the numbers one step beyond a schema's own bounds, each with its name."""
    step = 1 if node.kind == "integer" else 0.5
    if node.said_low is not None:
        yield "below-minimum", node.said_low - step
    if node.said_high is not None:
        yield "above-maximum", node.said_high + step


@_mutation("too-many", google_refuses=None)
def _append_too_many(one: BodyLocation) -> Iterator[Faulty]:
    most = one.node.said_high
    if isinstance(one.value, list) and one.value and most is not None:
        yield [*one.value, *[one.value[-1]] * (int(most) + 1 - len(one.value))], (int(most),)


def find_mutations(root: Node, body: JSON, kind: MutationKind) -> list[Mutation]:
    """Return every fault of one kind that the body could have."""
    return [
        Mutation(kind, one, value, (*one.path, *below))
        for one in walk_body(root, body)
        for value, below in kind.apply(one)
    ]


def apply_mutation(form: RequestForm, body: JSON, mutation: Mutation) -> GeneratedBody:
    """Return the body with that one fault in it. Google is not said to refuse a place that it does not have."""
    is_googles = form.is_googles(to_place(mutation.location.path, form.root))
    return GeneratedBody(
        replace_at(body, mutation.location.path, mutation.value),
        valid=False,
        broken_at=to_pointer(mutation.path),
        change=mutation.kind.name,
        source=form.name,
        google_refuses=mutation.kind.google_refuses if is_googles else None,
    )


def draw_mutated(draw: Draw, form: RequestForm, body: JSON, first: int) -> GeneratedBody:
    """Return the body with one fault, of the kind at `first` or the next that applies; some bodies in snake_case.

    A fault is put deep, and past the first element of a list, more often than by its share. ValueError where no
    mutation applies to the body.
    """
    kinds = [MUTATION_KINDS[(first + turn) % len(MUTATION_KINDS)] for turn in range(len(MUTATION_KINDS))]
    possible = next(filter(None, (find_mutations(form.root, body, kind) for kind in kinds)), [])
    if not possible:
        raise ValueError(f"{form.name}: no mutation applies to this body")
    later = [one for one in possible if any(isinstance(step, int) and step > 0 for step in one.path)]
    possible = later if later and draw(st.booleans()) else possible
    depth = draw(st.sampled_from(sorted({len(one.location.path) for one in possible})))
    mutation = draw(st.sampled_from([one for one in possible if len(one.location.path) == depth]))
    mutated = apply_mutation(form, body, mutation)
    if mutation.kind.name == "both-spellings" or draw(st.integers(0, 3)):
        return mutated
    return replace(
        mutated,
        body=to_snake_case(form.root, mutated.body),
        broken_at=to_pointer(path_to_snake_case(form.root, mutation.path)),
        source=f"{mutated.source}, in snake_case",
    )
