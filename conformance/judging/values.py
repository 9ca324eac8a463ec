"""Checks the values of an answer against Google's types: every typed field, wherever it is."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from conformance.dialects.shapes import Shape
from conformance.judging.locations import Keys
from conformance.model import JSON
from conformance.reading.reply import Chunk, Reply


class FaultKind(StrEnum):
    """What may be wrong with one value."""

    TYPE = "type"  # another JSON type than ProtoJSON gives the field
    FRACTION = "fraction"  # 4.5 where a whole number belongs
    WHOLE_FLOAT = "whole-float"  # 4.0: the same number in an unusual form
    RANGE = "range"  # a number that does not fit the field's 32 bits
    NULL = "null"  # an explicit null for a field that Google leaves out
    HOLE = "hole"  # null among the items of a list, which ProtoJSON forbids
    BASE64 = "base64"  # bytes that are not base64, or were cut
    URL_SAFE = "url-safe"  # base64 in the other alphabet, or without its padding
    EMPTY = "empty"  # "" for bytes or an enum, which is equivalent to an absent value
    SPELLING = "spelling"  # an enum value that is not an UPPER_SNAKE name
    NEW = "new"  # an enum value that could be Google's, but is not known here
    EXTRA = "extra"  # a member that Google does not have there


@dataclass(frozen=True)
class ValueFault:
    """One value that is not as Google writes it: where (canonical names), what was wanted, what is there."""

    keys: Keys
    wrong: FaultKind
    expected: str
    value: JSON
    shape: Shape | None = None  # what Google's schema says of it

    @property
    def place(self) -> str:
        """The pointer with every index as `*`: the same place in any candidate or part."""
        return "/" + "/".join("*" if isinstance(key, int) else key for key in self.keys)


@dataclass(frozen=True)
class FaultInChunk:
    """A fault in one object of an answer."""

    chunk: Chunk
    fault: ValueFault


def is_integer(value: JSON) -> TypeGuard[int]:
    """Return whether a value is a JSON integer; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


Finding = tuple[FaultKind, str] | None  # what is wrong with one value, and what was expected


def _judge_integer(shape: Shape, value: JSON) -> Finding:
    if isinstance(value, float):
        return FaultKind.WHOLE_FLOAT if value.is_integer() else FaultKind.FRACTION, "a whole number"
    digits = isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value)
    if not is_integer(value):
        return None if shape.format == "int64" and digits else (FaultKind.TYPE, "a whole number")
    too_large = shape.format == "int32" and abs(value) >= 2**31
    return (FaultKind.RANGE, "a number of 32 bits") if too_large else None


def _judge_number(_shape: Shape, value: JSON) -> Finding:
    # ProtoJSON writes numbers that are not finite as strings.
    written = value in ("NaN", "Infinity", "-Infinity") or isinstance(value, float) or is_integer(value)
    return None if written else (FaultKind.TYPE, "a number")


def _judge_boolean(_shape: Shape, value: JSON) -> Finding:
    return None if isinstance(value, bool) else (FaultKind.TYPE, "true or false")


def _judge_string(shape: Shape, value: JSON) -> Finding:
    if shape.enum:
        return _judge_enum(shape, value)
    if not isinstance(value, str):
        return FaultKind.TYPE, "a string"
    return _judge_bytes(value) if shape.format == "bytes" else None


def _judge_bytes(value: str) -> Finding:
    standard = value.translate(str.maketrans("-_", "+/"))
    padded = standard + "=" * (-len(standard) % 4)
    if not value:
        return FaultKind.EMPTY, "base64, or nothing at all"
    if not _is_base64(padded):
        return FaultKind.BASE64, "base64"
    return None if padded == value else (FaultKind.URL_SAFE, "standard base64 with its padding")


def _is_base64(text: str) -> bool:
    """Return whether this is base64 without left-over bits; cut texts have such bits, and google-genai refuses them."""
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except (binascii.Error, ValueError):
        return False


def _judge_enum(shape: Shape, value: JSON) -> Finding:
    example = next((name for name in shape.enum if not name.endswith("UNSPECIFIED")), shape.enum[0])
    known = f"one of Google's names, such as {example}"
    if not isinstance(value, str):
        return FaultKind.TYPE, known
    if value in shape.enum:
        return None
    if not value:
        return FaultKind.EMPTY, known
    new = any(name.islower() for name in shape.enum) or re.fullmatch(r"[A-Z][A-Z0-9_]*", value)
    return FaultKind.NEW if new else FaultKind.SPELLING, known


def _judge_object(_shape: Shape, value: JSON) -> Finding:
    # Free-form members of Google's answers are protobuf Structs, which are objects too.
    return None if isinstance(value, dict) else (FaultKind.TYPE, "an object")


def _judge_array(_shape: Shape, value: JSON) -> Finding:
    return None if isinstance(value, list) else (FaultKind.TYPE, "an array")


_JUDGES: Mapping[str, Callable[[Shape, JSON], Finding]] = {
    "object": _judge_object, "free": _judge_object, "map": _judge_object, "array": _judge_array,
    "integer": _judge_integer, "number": _judge_number, "boolean": _judge_boolean, "string": _judge_string,
}  # fmt: skip


def find_faults(shape: Shape, value: JSON, keys: Keys = ()) -> Iterator[ValueFault]:
    """Yield everything in `value` that is not as `shape` says, depth first. Any JSON is safe."""
    found = _JUDGES[shape.kind](shape, value)
    if found is not None:
        yield ValueFault(keys, *found, value, shape)
    elif shape.kind == "object" and isinstance(value, dict):
        for name, child in value.items():
            yield from _find_faults_in_member(shape.properties.get(name), child, (*keys, name))
    elif shape.kind == "array" and isinstance(value, list):
        for index, child in enumerate(value):
            if child is None:
                yield ValueFault((*keys, index), FaultKind.HOLE, "no null in a list", None, shape)
            elif shape.items is not None:
                yield from find_faults(shape.items, child, (*keys, index))


def _find_faults_in_member(shape: Shape | None, value: JSON, keys: Keys) -> Iterator[ValueFault]:
    if shape is None:
        yield ValueFault(keys, FaultKind.EXTRA, "no such member", value)
    elif value is None:
        yield ValueFault(keys, FaultKind.NULL, "the member left out", None, shape)
    else:
        yield from find_faults(shape, value, keys)


_FOUND: WeakKeyDictionary[Reply, tuple[FaultInChunk, ...]] = WeakKeyDictionary()


def find_value_faults(reply: Reply) -> tuple[FaultInChunk, ...]:
    """Return every fault in every object of an answer, whatever its envelope and its casing; cached for each reply."""
    known = _FOUND.get(reply)
    if known is None:
        known = _FOUND[reply] = tuple(_limit_each_kind(_find_all_faults(reply)))
    return known


_MOST = 200  # the most faults of one kind in one answer: more would show nothing new, and must not hide other kinds


def _limit_each_kind(found: Iterator[FaultInChunk]) -> Iterator[FaultInChunk]:
    seen = Counter[FaultKind]()
    for one in found:
        seen[one.fault.wrong] += 1
        if seen[one.fault.wrong] <= _MOST:
            yield one


def _find_all_faults(reply: Reply) -> Iterator[FaultInChunk]:
    shape = reply.resource.shape if reply.ok else None
    if shape is None:
        return
    for chunk in reply.chunks:
        if chunk.unwrapped is not None:
            every = (FaultInChunk(chunk, fault) for fault in find_faults(shape, dict(chunk.body)))
            yield from (found for found in every if not _is_excused(reply, found.fault))


def _is_excused(reply: Reply, fault: ValueFault) -> bool:
    """Return whether the vendor is not to blame: for an enum as the number asked for, or 4.0 as a recorder prints 4."""
    printed = fault.wrong is FaultKind.WHOLE_FLOAT and reply.exchange.reserialised
    enum = fault.wrong is FaultKind.TYPE and fault.shape and fault.shape.enum and is_integer(fault.value)
    # Google's older generated clients ask for enums as numbers.
    query = unquote(reply.exchange.request.path.partition("?")[2]).lower()
    return printed or bool(enum and "enum-encoding=int" in query)


# Values whose meaning a reader of Google's field can only guess.
UNREADABLE = (FaultKind.TYPE, FaultKind.FRACTION, FaultKind.HOLE, FaultKind.BASE64)


def has_readable_values(reply: Reply, *top: str) -> bool:
    """Return whether no value under the members `top` of an answer (by default all) is unreadable."""
    return not any(
        found.fault.wrong in UNREADABLE and (not top or (found.fault.keys[:1] and found.fault.keys[0] in top))
        for found in find_value_faults(reply)
    )
