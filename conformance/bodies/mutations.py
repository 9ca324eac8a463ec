"""Invalid bodies: one named mutation at one place of a valid body, so that a finding says what was wrong and where.

Whether Google refuses a mutation is known for names and types (its parser does), for members that exclude each
other, and for the few faults of contents that Google was seen to refuse. Ranges are given only in its prose and were not tried:
those are None. Faults that Google accepts in spite of its schemas are left out: one object for a list of one, lower-case names
of types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

HERE: Path = ()
# Every kind of fault, in the order in which bodies take turns, and whether Google refuses it.
MUTATION_KINDS: Mapping[str, bool | None] = {
    "type": True,
    "unknown-name": True,
    "enum": True,
    "fraction": True,
    "oneof": True,
    "null-in-list": True,
    "both-spellings": None,  # its classes refuse this for optional fields only
    "malformed": True,
    "nothing-said": True,
    "too-big-for-its-type": True,
    "role": True,
    "empty-part": None,  # not tried
    "out-of-range": None,
    "too-many": None,
}
_SECOND: dict[str, JSON] = {
    "text": "a",
    "functionCall": {"name": "look_up"},
    "inlineData": {"mimeType": "image/png"},
}
_WRONG: dict[str, tuple[JSON, ...]] = {
    "integer": ("warm", {"a": 1}, [1]), "number": ("warm", {"a": 1}, [1]), "boolean": ("yes", {"a": 1})
}  # fmt: skip

Faulty = tuple[
    str, JSON, Path
]  # the kind of fault, what a place holds instead, and where below it the fault lies


@dataclass(frozen=True)
class Mutation:
    """One fault that a body could have: its kind, the place that changes, what that holds then, and the faulty path."""

    kind: str
    location: BodyLocation
    value: JSON
    path: Path


def find_mutations(root: Node, body: JSON, kind: str) -> list[Mutation]:
    """Return every fault of one kind that the body could have."""
    return [
        Mutation(kind, one, value, (*one.path, *below))
        for one in walk_body(root, body)
        for found, value, below in _mutate(one)
        if found == kind
    ]


def _mutate(one: BodyLocation) -> Iterator[Faulty]:
    """Yield every fault that one place could have."""
    if one.path:  # the body itself stays an object
        yield from (("type", value, HERE) for value in list_wrong_types(one.node))
    if isinstance(one.value, dict):
        yield from _mutate_object(one.node, one.value, one.path)
    elif isinstance(one.value, list) and one.node.kind == "array":
        most = one.node.said_high
        yield "null-in-list", [*one.value, None], (len(one.value),)
        if one.value and most is not None:
            yield "too-many", [*one.value, *[one.value[-1]] * (int(most) + 1 - len(one.value))], (int(most),)
    else:
        yield from ((kind, value, HERE) for kind, value in _mutate_scalar(one.node, one.value))


def _mutate_object(node: Node, value: dict[str, JSON], path: Path) -> Iterator[Faulty]:
    if node.children and node.item is None:
        yield "unknown-name", {**value, NO_NAME: 1}, (NO_NAME,)
    if node.is_part():  # elsewhere, only our narrowing makes members exclude each other
        yield from _mutate_part(node, value, path)
    for name, child in value.items():
        if node.item is None and name in node.children and to_snake(name) != name and not node.is_odd(name):
            yield "both-spellings", {**value, to_snake(name): child}, (to_snake(name),)
    for name in ("contents", "parts"):  # Google was seen to refuse them if they are empty or missing
        if name in value and (name == "contents" or node.name == "contents"):
            yield "nothing-said", {**value, name: []}, (name,)
            yield "nothing-said", {key: child for key, child in value.items() if key != name}, (name,)


def _mutate_part(node: Node, value: dict[str, JSON], path: Path) -> Iterator[Faulty]:
    if any(name in node.oneof for name in value):
        for name, second in _SECOND.items():
            if name in node.oneof and name not in value:
                yield "oneof", {**value, name: second}, (name,)
    if "text" in node.oneof and path[:1] == ("contents",):
        yield "empty-part", {}, HERE


def _mutate_scalar(node: Node, value: JSON) -> Iterator[tuple[str, JSON]]:
    if node.enum and node.format == "enum":
        yield "enum", NO_VALUE
    elif node.enum and node.name == "role":
        yield "role", "narrator"
    if isinstance(value, str) and node.format in MALFORMED:
        yield "malformed", MALFORMED[node.format]
    if node.kind == "integer":
        yield "fraction", 3.5
        if node.format == "int32":
            yield "too-big-for-its-type", 2**31
            yield "too-big-for-its-type", -(2**31) - 1
    yield from (("out-of-range", beyond) for _, beyond in list_values_out_of_range(node))


def list_wrong_types(node: Node) -> tuple[JSON, ...]:
    """Return values whose JSON type is wrong at a place, and which no lenient reader converts."""
    if node.kind == "string":
        if node.format == "enum":  # a number is a value's number
            return ({"a": 1}, [])
        return () if node.format or node.enum else (7, {"a": 1}, [])
    if node.kind == "array" and node.item is not None:
        return ("text",) if node.item.kind == "object" else ({NO_NAME: 1},)
    return ("text", 7) if node.kind == "object" and not node.is_open else _WRONG.get(node.kind, ())


def list_values_out_of_range(node: Node) -> Iterator[tuple[str, JSON]]:
    """Yield the numbers one step beyond a schema's own bounds, each with its name."""
    step = 1 if node.kind == "integer" else 0.5
    if node.kind in NUMBERS and node.said_low is not None:
        yield "below-minimum", node.said_low - step
    if node.kind in NUMBERS and node.said_high is not None:
        yield "above-maximum", node.said_high + step


def apply_mutation(form: RequestForm, body: JSON, mutation: Mutation) -> GeneratedBody:
    """Return the body with that one fault in it.

    For a place that Google does not have, nothing is claimed about what Google refuses.
    """
    is_googles = form.is_googles(to_place(mutation.location.path, form.root))
    return GeneratedBody(
        replace_at(body, mutation.location.path, mutation.value),
        valid=False,
        broken_at=to_pointer(mutation.path),
        change=mutation.kind,
        source=form.name,
        google_refuses=MUTATION_KINDS[mutation.kind] if is_googles else None,
    )


def draw_mutated(draw: Draw, form: RequestForm, body: JSON, first: int) -> GeneratedBody:
    """Return the body with one fault, of the kind at `first` or the next that applies; some bodies in snake_case.

    A fault is put deep, and past the first element of a list, more often than by its share. ValueError where no
    mutation applies to the body.
    """
    kinds = list(MUTATION_KINDS)
    kinds = kinds[first % len(kinds) :] + kinds[: first % len(kinds)]
    possible = next(filter(None, (find_mutations(form.root, body, kind) for kind in kinds)), [])
    if not possible:
        raise ValueError(f"{form.name}: no mutation applies to this body")
    later = [one for one in possible if any(isinstance(step, int) and step > 0 for step in one.path)]
    possible = later if later and draw(st.booleans()) else possible
    depth = draw(st.sampled_from(sorted({len(one.location.path) for one in possible})))
    mutation = draw(st.sampled_from([one for one in possible if len(one.location.path) == depth]))
    mutated = apply_mutation(form, body, mutation)
    if mutation.kind == "both-spellings" or draw(st.integers(0, 3)):
        return mutated
    return replace(
        mutated,
        body=to_snake_case(form.root, mutated.body),
        broken_at=to_pointer(path_to_snake_case(form.root, mutation.path)),
        source=f"{mutated.source}, in snake_case",
    )
