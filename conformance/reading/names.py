"""Unwraps a Gemini object from its envelope and respells its names; notes each difference from Google's form, and repairs nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from conformance.dialects.shapes import Shape, match_property
from conformance.model import JSON
from conformance.names import casing_of
from conformance.pointers import to_pointer
from conformance.wire.jsontext import read_json

# The members that identify a GenerateContentResponse, strongest first.
IDENTIFYING_MEMBERS = ("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId")
_DEEPEST = 4  # levels of envelope that are unwrapped; vendors were seen to use two at most
_TEXT_LIMIT = 4 * 1024 * 1024  # bytes of JSON inside a string that are read


@dataclass(frozen=True)
class Respelling:
    """A name of Google's in another spelling."""

    pointer: str
    found: str
    canonical: str
    style: str  # snake_case | PascalCase | kebab-case | other
    is_double: bool  # the canonical spelling is there as well


@dataclass(frozen=True)
class Unwrapped:
    """A Gemini object, taken out of its envelope."""

    body: Mapping[str, JSON]  # lowerCamelCase names, values untouched
    path: str  # dotted path from the root to the object; "" at the root
    split_members: tuple[str, ...]  # Gemini's members that are in the envelope, outside the object
    respellings: tuple[Respelling, ...]
    wrappers: tuple[str, ...]  # names of the envelope's members, e.g. code, data
    camel_case_names: int  # how many names of more than one word are in lowerCamelCase


@dataclass
class _Notes:
    respellings: list[Respelling] = field(default_factory=list)
    camel_case_names: int = 0


@dataclass(frozen=True)
class _Place:
    keys: tuple[str | int, ...]
    value: dict[str, JSON]


def find_spellings(value: Mapping[str, JSON], shape: Shape) -> dict[str, list[str]]:
    """Return the canonical names at an object's top level, each with the spellings in which it occurs."""
    found: dict[str, list[str]] = {}
    for key in value:
        name = match_property(shape, key)
        if name is not None:
            found.setdefault(name, []).append(key)
    return found


def _parse_quoted(value: JSON) -> JSON:
    """Return the object or list that a string holds as JSON; any other value as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "[") or len(value) > _TEXT_LIMIT:
        return value
    inner = read_json(value.encode("utf-8", "surrogatepass"))
    return inner.value if inner.ok else value


def _iterate_children(value: JSON) -> Iterator[tuple[str | int, JSON]]:
    if isinstance(value, dict):
        # OpenAI's `usage` has a total of tokens too, and is no envelope.
        yield from ((key, child) for key, child in value.items() if key != "usage")
    elif isinstance(value, list) and len(value) == 1:
        yield 0, value[0]


def _iterate_objects(root: JSON) -> Iterator[_Place]:
    queue: deque[tuple[tuple[str | int, ...], JSON]] = deque([((), root)])
    while queue:
        keys, found = queue.popleft()
        value = _parse_quoted(found)
        if isinstance(value, dict):
            yield _Place(keys, value)
        if len(keys) < _DEEPEST:
            queue.extend(((*keys, key), child) for key, child in _iterate_children(value))


def _rank(place: _Place, shape: Shape, members: tuple[str, ...]) -> int | None:
    names = find_spellings(place.value, shape)
    return next((rank for rank, name in enumerate(members) if name in names), None)


def find_object(root: JSON, shape: Shape, members: tuple[str, ...] = IDENTIFYING_MEMBERS) -> _Place | None:
    """Return the object that holds the strongest of `members`, the shallowest of several; None if none holds any."""
    best: tuple[int, int, _Place] | None = None
    for place in _iterate_objects(root):
        rank = _rank(place, shape, members)
        if rank is not None and (best is None or (rank, len(place.keys)) < best[:2]):
            best = (rank, len(place.keys), place)
            if rank == 0 and not place.keys:
                break
    return best[2] if best else None


def _respell_value(value: JSON, shape: Shape, at: str, notes: _Notes) -> JSON:
    if isinstance(value, dict) and shape.kind == "object" and shape.properties:
        return _respell_object(value, shape, at, notes)
    if isinstance(value, list) and shape.kind == "array" and shape.items is not None:
        items = shape.items
        return [_respell_value(child, items, f"{at}/{index}", notes) for index, child in enumerate(value)]
    return value


def _respell_object(value: dict[str, JSON], shape: Shape, at: str, notes: _Notes) -> dict[str, JSON]:
    out: dict[str, JSON] = {}
    for key, child in value.items():
        name = match_property(shape, key)
        if name is None:
            out.setdefault(key, child)
            continue
        here = at + to_pointer([key])
        if name != key:
            notes.respellings.append(Respelling(here, key, name, casing_of(key), name in value))
        elif not key.islower():
            notes.camel_case_names += 1
        if name == key or name not in value:
            out[name] = _respell_value(child, shape.properties[name], here, notes)
    return out


def respell(value: Mapping[str, JSON], shape: Shape, at: str = "") -> tuple[dict[str, JSON], _Notes]:
    """Return the object with lowerCamelCase names, and notes on every name that had to be respelled.

    Free-form subtrees (arguments, schemas' properties, error details) are left alone.
    """
    notes = _Notes()
    return _respell_object(dict(value), shape, at, notes), notes


def _find_split_members(root: JSON, place: _Place, shape: Shape) -> dict[str, JSON]:
    """Return Gemini's members on the way down to the object, nearest to the root first."""
    found: dict[str, JSON] = {}
    value = root
    for key in place.keys:
        if isinstance(value, dict):
            found.update(
                {name: child for name, child in value.items() if name != key and match_property(shape, name)}
            )
        value = _find_child(value, key)
    return found


def _find_child(found: JSON, key: str | int) -> JSON:
    value = _parse_quoted(found)
    if isinstance(value, dict):
        return value.get(str(key))
    return value[key] if isinstance(value, list) and isinstance(key, int) else None


def unwrap(
    root: JSON, shape: Shape, members: tuple[str, ...] = IDENTIFYING_MEMBERS, at: str = ""
) -> Unwrapped | None:
    """Return the Gemini object inside `root` in Google's names; None if there is none.

    Every pointer begins with `at`. Raises nothing, whatever `root` is.
    """
    place = find_object(root, shape, members)
    if place is None:
        return None
    body, notes = respell(place.value, shape, at + to_pointer(place.keys))
    outside, more = respell(_find_split_members(root, place, shape), shape, at)
    return Unwrapped(
        body={**outside, **body},
        path=".".join(str(key) for key in place.keys),
        split_members=tuple(outside),
        respellings=(*notes.respellings, *more.respellings),
        wrappers=tuple(root) if place.keys and isinstance(root, dict) else (),
        camel_case_names=notes.camel_case_names + more.camel_case_names,
    )
