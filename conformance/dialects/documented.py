"""Compares a body with the vendor's own document: types, required members, and which fields were seen."""

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
_JSON_TYPES: Mapping[type, str] = {
    dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"
}  # fmt: skip

Path = tuple[str, ...]
Departure = tuple[str, str, str]  # the pointer, what the document says, what was observed


def find_departures(dialect: Dialect, place: str, value: JSON) -> Iterator[Departure]:
    """Yield where `value` departs from what the document says about that place.

    Types and required members only: a page's list of values or of fields is never complete. A member about which the page
    contradicts itself is not reported as missing. Nothing is yielded for a place that the page does not describe.
    """
    shape = dialect.shapes.get(place)
    return _compare(shape, value, "") if shape is not None else iter(())


def _compare(shape: Shape, value: JSON, at: str) -> Iterator[Departure]:
    if not fits(shape, value):
        yield at, shape.kind, json_type(value)
    elif isinstance(value, dict):
        for name in shape.required:
            if name not in value:
                other = next((key for key in value if match_property(shape, key) == name), None)
                observed = f"spelled {other}" if other else "absent"
                yield at + to_pointer([name]), "present: the page requires it", observed
        for key, child in value.items():
            known = match_property(shape, key)
            if known is not None:
                yield from _compare(shape.properties[known], child, at + to_pointer([key]))
    elif isinstance(value, list) and shape.items is not None:
        for index, child in enumerate(value):
            yield from _compare(shape.items, child, f"{at}/{index}")


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


def json_type(value: JSON) -> str:
    """Return the JSON type of a value: object, array, string, integer, number, boolean or null."""
    return _JSON_TYPES[type(value)]


def find_sent_fields(dialect: Dialect, body: JSON) -> frozenset[str]:
    """Return the pointers of the documented request fields that a request body sends, spelled as documented."""
    found = set(_list_paths(body))
    return frozenset(one.pointer for one in dialect.fields_of("request") if _split(one.pointer) in found)


def find_seen_fields(dialect: Dialect, place: str, value: JSON) -> dict[str, str]:
    """Return for every documented field of a place, by its pointer, how it was seen in one body.

    as-documented: there, of the documented type. different: the same field in another casing, of another type, or
    at another place (behind an envelope or before it). never: not in this body. If the page contradicts itself
    and one reading holds, the fields of the other count as never seen, not as different.
    """
    found = _list_paths(value)
    fields = dialect.fields_of(place)
    by_last_name: dict[str, list[Path]] = {fold(_split(one.pointer)[-1]): [] for one in fields}
    for path in found:
        if path and path[-1] != "*" and (alike := by_last_name.get(fold(path[-1]))) is not None:
            alike.append(_fold_path(path))
    seen = {one.pointer: _classify(_split(one.pointer), one.type, found, by_last_name) for one in fields}
    if not any(one.contradicted for one in fields):
        return seen
    holding = [_fold_path(_split(pointer)) for pointer, how in seen.items() if how == AS_DOCUMENTED]
    return {
        pointer: NEVER if how == DIFFERENT and _holds_elsewhere(_split(pointer), holding) else how
        for pointer, how in seen.items()
    }


def _holds_elsewhere(path: Path, holding: list[Path]) -> bool:
    """Return whether the field, or what it stands in, is documented at a second place too, and was found there."""
    above = [_fold_path(path[:length]) for length in range(1, len(path) + 1)]
    return any(_are_same(one, other) and len(one) != len(other) for one in above for other in holding)


def _classify(
    path: Path, wanted: str, found: Mapping[Path, JSON], by_last_name: Mapping[str, list[Path]]
) -> str:
    if path in found:
        return AS_DOCUMENTED if fits(_make_shape(wanted), found[path]) else DIFFERENT
    folded = _fold_path(path)
    return DIFFERENT if any(_are_same(folded, other) for other in by_last_name.get(folded[-1], ())) else NEVER


@cache
def _make_shape(kind: str) -> Shape:
    return Shape("free" if kind == "any" else kind, format="int64" if kind == "integer" else None)


def _are_same(one: Path, other: Path) -> bool:
    """Return whether two folded paths mean one field: both are the same, or one ends in the other, which Google's root has."""
    if one == other:
        return True
    shorter, longer = sorted((one, other), key=len)
    return longer[-len(shorter) :] == shorter and shorter[0] in load_reference().response.by_folded_name


_split = lru_cache(maxsize=4096)(split_pointer)


def _fold_path(path: Path) -> Path:
    return tuple(map(fold, path))


def _list_paths(value: JSON) -> dict[Path, JSON]:
    """Return every path of names in a body, `*` for items of lists, with the first value there."""
    found: dict[Path, JSON] = {}
    todo: list[tuple[Path, JSON]] = [((), value)]
    while todo:
        path, one = todo.pop()
        if found.setdefault(path, one) is not one and not isinstance(one, dict | list):
            continue
        if len(path) < _DEEPEST and not (len(path) > 1 and is_free_form(*path[-2:])):
            if isinstance(one, dict):
                todo += (((*path, key), child) for key, child in one.items())
            elif isinstance(one, list):
                todo += (((*path, "*"), child) for child in one)
    return found
