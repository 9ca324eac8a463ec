"""Holds an answer's values against Google's types: every typed field, wherever it stands; data in, faults out."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from conformance.dialects.shapes import Shape
from conformance.model import JSON, Level, Location
from conformance.names import fold
from conformance.pointers import to_pointer
from conformance.reading.reply import Chunk, Reply

Keys = tuple[str | int, ...]
ENUM = "one of Google's names, such as"


class FaultKind(StrEnum):
    """What may be wrong with one value."""

    TYPE = "type"  # another JSON type than ProtoJSON gives the field
    FRACTION = "fraction"  # 4.5 where a whole number belongs
    WHOLE_FLOAT = "whole-float"  # 4.0: the same number, written as nobody else does
    RANGE = "range"  # does not fit the field's 32 bits
    NULL = "null"  # an explicit null for a field that Google leaves out
    HOLE = "hole"  # null among the items of a list, which ProtoJSON forbids
    BASE64 = "base64"  # bytes that are no base64, or were cut
    URL_SAFE = "url-safe"  # base64 in the other alphabet, or without its padding
    EMPTY = "empty"  # "" for bytes or an enum: as good as absent
    SPELLING = "spelling"  # an enum value that is no UPPER_SNAKE name
    NEW = "new"  # an enum value that could be Google's, but is not known here
    EXTRA = "extra"  # a member that Google does not have there


@dataclass(frozen=True)
class ValueFault:
    """One value that is not as Google writes it: where (canonical names), what was wanted, what is there."""

    keys: Keys
    wrong: FaultKind
    expected: str
    value: JSON

    @property
    def place(self) -> str:
        """The pointer with every index as `*`: the same place in any candidate or part."""
        return "/" + "/".join("*" if isinstance(key, int) else key for key in self.keys)


@dataclass(frozen=True)
class FaultInChunk:
    """A fault in one object of an answer."""

    chunk: Chunk
    fault: ValueFault


def format_value(value: JSON, width: int = 80) -> str:
    """Return a value as JSON, cut to `width` characters."""
    # Half a character must not reach a file that is written as UTF-8.
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= width else text[: width - 1] + "…"


def is_integer(value: JSON) -> TypeGuard[int]:
    """Return whether a value is a JSON integer; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _object(shape: Shape, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    if not isinstance(value, dict):
        yield ValueFault(keys, FaultKind.TYPE, "an object", value)
        return
    for name, child in value.items():
        inner = shape.properties.get(name)
        if inner is None:
            yield ValueFault((*keys, name), FaultKind.EXTRA, "no such member", child)
        elif child is None:
            yield ValueFault((*keys, name), FaultKind.NULL, "the member left out", None)
        else:
            yield from find_faults(inner, child, (*keys, name))


def _array(shape: Shape, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    if not isinstance(value, list):
        yield ValueFault(keys, FaultKind.TYPE, "an array", value)
        return
    for index, child in enumerate(value):
        if child is None:
            yield ValueFault((*keys, index), FaultKind.HOLE, "no null in a list", None)
        elif shape.items is not None:
            yield from find_faults(shape.items, child, (*keys, index))


def _integer(shape: Shape, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    if isinstance(value, float):
        wrong = FaultKind.WHOLE_FLOAT if value.is_integer() else FaultKind.FRACTION
        yield ValueFault(keys, wrong, "a whole number", value)
    elif not is_integer(value) and not (shape.format == "int64" and _digits(value)):
        yield ValueFault(keys, FaultKind.TYPE, "a whole number", value)
    elif shape.format == "int32" and isinstance(value, int) and abs(value) >= 2**31:
        yield ValueFault(keys, FaultKind.RANGE, "a number of 32 bits", value)


def _digits(value: JSON) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value) is not None


def _number(_shape: Shape, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    if not fine and value not in ("NaN", "Infinity", "-Infinity"):  # ProtoJSON writes these as strings
        yield ValueFault(keys, FaultKind.TYPE, "a number", value)


def _boolean(_shape: Shape, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    if not isinstance(value, bool):
        yield ValueFault(keys, FaultKind.TYPE, "true or false", value)


def _string(shape: Shape, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    if not isinstance(value, str):
        yield ValueFault(
            keys, FaultKind.TYPE, f"{ENUM} {_example(shape)}" if shape.enum else "a string", value
        )
    elif shape.format == "bytes":
        yield from _bytes(value, keys)
    elif shape.enum:
        yield from _enum(shape, value, keys)


def _bytes(value: str, keys: Keys) -> Iterator[ValueFault]:
    if not value:
        yield ValueFault(keys, FaultKind.EMPTY, "base64, or nothing at all", value)
        return
    standard = value.translate(str.maketrans("-_", "+/"))
    padded = standard + "=" * (-len(standard) % 4)
    if not _decodes(padded):
        yield ValueFault(keys, FaultKind.BASE64, "base64", value)
    elif padded != value:
        yield ValueFault(keys, FaultKind.URL_SAFE, "standard base64 with its padding", value)


def _decodes(text: str) -> bool:
    """Base64 whose last character leaves no bits over: those of a text that was cut do, and google-genai refuses them."""
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except (binascii.Error, ValueError):
        return False


def _enum(shape: Shape, value: str, keys: Keys) -> Iterator[ValueFault]:
    if value in shape.enum:
        return
    known = f"{ENUM} {_example(shape)}"
    if not value:
        yield ValueFault(keys, FaultKind.EMPTY, known, value)
    elif any(name.islower() for name in shape.enum) or re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        yield ValueFault(keys, FaultKind.NEW, known, value)
    else:
        yield ValueFault(keys, FaultKind.SPELLING, known, value)


def _example(shape: Shape) -> str:
    return next((name for name in shape.enum if not name.endswith("UNSPECIFIED")), shape.enum[0])


def _free(_shape: Shape, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    # Whatever is free-form in Google's answers is a protobuf Struct: any object, but an object.
    if not isinstance(value, dict):
        yield ValueFault(keys, FaultKind.TYPE, "an object", value)


_WALKS: Mapping[str, Callable[[Shape, JSON, Keys], Iterator[ValueFault]]] = {
    "object": _object, "array": _array, "integer": _integer, "number": _number,
    "boolean": _boolean, "string": _string, "free": _free, "map": _free,
}  # fmt: skip


def find_faults(shape: Shape, value: JSON, keys: Keys = ()) -> Iterator[ValueFault]:
    """Yield everything in `value` that is not as `shape` says, depth first. Any JSON is safe."""
    yield from _WALKS[shape.kind](shape, value, keys)


_FOUND: WeakKeyDictionary[Reply, tuple[FaultInChunk, ...]] = WeakKeyDictionary()


def find_value_faults(reply: Reply) -> tuple[FaultInChunk, ...]:
    """Return every fault in every object of an answer, behind its envelope and casing; remembered per reply."""
    known = _FOUND.get(reply)
    if known is None:
        known = _FOUND[reply] = tuple(_first(_faults(reply)))
    return known


_MOST = 200  # faults of one kind in one answer: more show nothing new, and a flood must not hide those of other kinds


def _first(found: Iterator[FaultInChunk]) -> Iterator[FaultInChunk]:
    seen = Counter[FaultKind]()
    for one in found:
        seen[one.fault.wrong] += 1
        if seen[one.fault.wrong] <= _MOST:
            yield one


def _faults(reply: Reply) -> Iterator[FaultInChunk]:
    shape = reply.resource.shape if reply.ok else None
    if shape is None:
        return
    for chunk in reply.chunks:
        if chunk.unwrapped is not None:
            every = (FaultInChunk(chunk, fault) for fault in find_faults(shape, dict(chunk.body)))
            yield from (found for found in every if not _is_excused(reply, found.fault))


def _is_excused(reply: Reply, fault: ValueFault) -> bool:
    """Enums as numbers that were asked for, and 4.0 for 4 as a recorder prints it, are not the vendor's doing."""
    printed = fault.wrong is FaultKind.WHOLE_FLOAT and reply.exchange.reserialised
    enum = fault.wrong is FaultKind.TYPE and fault.expected.startswith(ENUM) and is_integer(fault.value)
    return printed or (enum and asks_for_numbers(reply))


def asks_for_numbers(reply: Reply) -> bool:
    """Return whether the request asks for enums as numbers, as Google's generated clients of old do."""
    query = unquote(reply.exchange.request.path.partition("?")[2]).lower()
    return "enum-encoding=int" in query


# Values that no longer say what Google's field says; what reads them can only guess.
UNREADABLE = (FaultKind.TYPE, FaultKind.FRACTION, FaultKind.HOLE, FaultKind.BASE64)


def has_readable_values(reply: Reply, *top: str) -> bool:
    """Return whether no value under the members `top` of an answer (all members where none is named) is unreadable."""
    return not any(
        found.fault.wrong in UNREADABLE and (not top or (found.fault.keys[:1] and found.fault.keys[0] in top))
        for found in find_value_faults(reply)
    )


def _under(value: JSON, key: str | int) -> tuple[str | int, JSON] | None:
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return key, value[key]
    if not isinstance(value, dict) or not isinstance(key, str):
        return None
    found = key if key in value else next((name for name in value if fold(name) == fold(key)), None)
    return None if found is None else (found, value[found])


def _envelope(chunk: Chunk, first: str | int | None) -> Iterator[str]:
    opened = chunk.unwrapped
    if opened is not None and opened.path and first not in opened.split_members:
        yield from opened.path.split(".")


def locate(reply: Reply, chunk: Chunk, keys: Keys) -> str:
    """Return the pointer to a value as it stands in the body: inside its envelope, in the vendor's spelling."""
    raw: list[str | int] = list(_envelope(chunk, keys[0] if keys else None))
    value = chunk.raw
    for key in raw:
        step = _under(value, int(key) if isinstance(value, list) and str(key).isdigit() else key)
        value = step[1] if step else None
    for key in keys:
        step = _under(value, key)
        raw.append(step[0] if step else key)
        value = step[1] if step else None
    return reply.at(chunk, to_pointer(raw))


def point_at(  # noqa: PLR0913, PLR0917 - what a Location holds, and where to look it up
    reply: Reply, chunk: Chunk, keys: Keys, expected: str, observed: str, level: Level | None = None
) -> Location:
    """Return a value of a reply, named by its canonical keys, as the location of a finding."""
    return Location(reply.id, locate(reply, chunk, keys), expected, observed, level)
