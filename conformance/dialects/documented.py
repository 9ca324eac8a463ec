"""A body held against what the vendor's own document says: types and required members, and which fields were seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from conformance.dialects.dialect import Dialect
from conformance.dialects.shapes import Shape, load_reference, match_property
from conformance.model import JSON
from conformance.names import fold, is_free_form
from conformance.pointers import split_pointer, to_pointer

AS_DOCUMENTED, DIFFERENT, NEVER = "as-documented", "different", "never"
_DEEPEST = 40  # levels that are looked through for documented fields
_INT64 = {"int64", "uint64"}

Path = tuple[str, ...]


def find_departures(dialect: Dialect, place: str, value: JSON) -> Iterator[tuple[str, str, str]]:
    """Yield (pointer, expected, observed) where `value` departs from what the document says of that place.

    Types and required members only: a page's list of values or of fields is never complete. A member that the page
    itself contradicts is not missed. Nothing is yielded for a place that the page does not describe.
    """
    shape = dialect.shapes.get(place)
    return _departures(shape, value, "") if shape is not None else iter(())


def _departures(shape: Shape, value: JSON, at: str) -> Iterator[tuple[str, str, str]]:
    if not fits(shape, value):
        yield at, shape.kind, json_type(value)
    elif isinstance(value, dict):
        yield from _required(shape, value, at)
        for key, child in value.items():
            name = match_property(shape, key)
            if name is not None:
                yield from _departures(shape.properties[name], child, at + to_pointer([key]))
    elif isinstance(value, list) and shape.items is not None:
        for index, child in enumerate(value):
            yield from _departures(shape.items, child, f"{at}/{index}")


def _required(shape: Shape, value: Mapping[str, JSON], at: str) -> Iterator[tuple[str, str, str]]:
    for name in shape.required:
        if name not in value:
            other = next((key for key in value if match_property(shape, key) == name), None)
            yield (
                at + to_pointer([name]),
                "present: the page requires it",
                f"spelled {other}" if other else "absent",
            )


def fits(shape: Shape, value: JSON) -> bool:
    """Return whether a value has the type of its place. An int64 may be a number or, as protobuf writes it, a string."""
    if shape.kind == "free":
        return True
    wanted = "object" if shape.kind == "map" else shape.kind
    observed = json_type(value)
    if wanted == "integer" and observed == "string" and shape.format in _INT64:
        return str(value).lstrip("-").isdecimal()
    if wanted == "integer" and isinstance(value, float):
        return value.is_integer()
    return observed == wanted or (wanted == "number" and observed == "integer")


_KINDS: Mapping[type, str] = {
    dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"
}  # fmt: skip


def json_type(value: JSON) -> str:
    """Return the JSON type of a value: object, array, string, integer, number, boolean or null."""
    return _KINDS[type(value)]


def find_sent_fields(dialect: Dialect, body: JSON) -> frozenset[str]:
    """Return the pointers of the documented request fields that a request body sends, spelled as documented."""
    found = set(_paths(body))
    return frozenset(one.pointer for one in dialect.fields_of("request") if _path(one.pointer) in found)


def find_seen_fields(dialect: Dialect, place: str, value: JSON) -> dict[str, str]:
    """Return for every documented field of a place, by its pointer, how it was seen in one body.

    as-documented: there, of the documented type. different: the same field in another casing, of another type, or
    at another place (behind an envelope or before it). never: not in this body. Where the page contradicts itself
    and one reading holds, the fields of the other are not different but never there.
    """
    found = _paths(value)
    fields = dialect.fields_of(place)
    folded: dict[str, list[Path]] = {fold(_path(one.pointer)[-1]): [] for one in fields}
    for path in found:
        if path and path[-1] != "*" and (alike := folded.get(fold(path[-1]))) is not None:
            alike.append(tuple(fold(key) for key in path))
    seen = {one.pointer: _seen(_path(one.pointer), one.type, found, folded) for one in fields}
    return _by_one_reading(seen) if any(one.contradicted for one in fields) else seen


def _by_one_reading(seen: Mapping[str, str]) -> dict[str, str]:
    holds = [_path(pointer) for pointer, how in seen.items() if how == AS_DOCUMENTED]
    return {
        pointer: NEVER if how == DIFFERENT and _read_otherwise(_path(pointer), holds) else how
        for pointer, how in seen.items()
    }


def _read_otherwise(path: Path, holds: list[Path]) -> bool:
    """Say whether the field, or what it stands in, is documented at a second place too, and was found there."""
    above = (tuple(fold(key) for key in path[:length]) for length in range(1, len(path) + 1))
    return any(
        _same(one, tuple(fold(key) for key in other)) and len(one) != len(other)
        for one in above
        for other in holds
    )


def _seen(path: Path, wanted: str, found: Mapping[Path, JSON], folded: Mapping[str, list[Path]]) -> str:
    if path in found:
        return AS_DOCUMENTED if fits(_of_kind(wanted), found[path]) else DIFFERENT
    alike = tuple(fold(key) for key in path)
    return DIFFERENT if any(_same(alike, other) for other in folded.get(alike[-1], ())) else NEVER


@cache
def _of_kind(kind: str) -> Shape:
    return Shape("free" if kind == "any" else kind, format="int64" if kind == "integer" else None)


def _same(documented: Path, other: Path) -> bool:
    """Say whether both are one field: the same but for casing, or one the end of the other, from a name of Google's on."""
    if documented == other:
        return True
    shorter, longer = sorted((documented, other), key=len)
    return longer[-len(shorter) :] == shorter and shorter[0] in load_reference().response.by_folded_name


_path = lru_cache(maxsize=4096)(split_pointer)


def _paths(value: JSON) -> dict[Path, JSON]:
    """Return every path of names in a body, `*` for items of lists, with the first value there."""
    found: dict[Path, JSON] = {}
    todo: list[tuple[Path, JSON]] = [((), value)]
    while todo:
        path, one = todo.pop()
        if found.setdefault(path, one) is not one and not isinstance(one, dict | list):
            continue
        inner = isinstance(one, dict | list) and len(path) < _DEEPEST
        if inner and not (len(path) > 1 and is_free_form(*path[-2:])):
            todo.extend(_children(path, one))
    return found


def _children(path: Path, value: JSON) -> list[tuple[Path, JSON]]:
    if isinstance(value, dict):
        return [((*path, key), child) for key, child in value.items()]
    return [((*path, "*"), child) for child in value] if isinstance(value, list) else []
