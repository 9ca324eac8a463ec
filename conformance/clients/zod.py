"""The few words of zod (the JavaScript schema library) in which the Vercel AI SDK says what a response must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


class MisfitError(ValueError):
    """A value that the schema does not allow; the message says where."""


@dataclass(frozen=True)
class Obj:
    """`z.object`: an object with these members; `rest` says what becomes of others."""

    fields: Mapping[str, Schema]
    rest: Literal["strip", "json", "refuse"] = "strip"


@dataclass(frozen=True)
class Arr:
    """`z.array`."""

    item: Schema


@dataclass(frozen=True)
class OneOf:
    """`z.union`: the first that fits, stripped of what it does not name."""

    options: tuple[Schema, ...]


@dataclass(frozen=True)
class Nullish:
    """`.nullish()`: may be null, may be absent."""

    inner: Schema


@dataclass(frozen=True)
class Nullable:
    """`.nullable()`: may be null."""

    inner: Schema


Schema = Literal["string", "number", "boolean", "unknown", "json"] | Obj | Arr | OneOf | Nullish | Nullable
_MISSING = object()


def fit_schema(value: object, schema: Schema, where: str = "") -> object:
    """Return the value with unknown members stripped. Raises MisfitError."""
    if isinstance(schema, Nullish | Nullable):
        return None if value is None else fit_schema(value, schema.inner, where)
    if isinstance(schema, Obj):
        return _fit_object(value, schema, where)
    if isinstance(schema, Arr):
        if not isinstance(value, list):
            raise MisfitError(f"{where}: expected array")
        return [fit_schema(item, schema.item, f"{where}/{number}") for number, item in enumerate(value)]
    if isinstance(schema, OneOf):
        return _fit_first(value, schema, where)
    if not _is_of_type(value, schema):
        raise MisfitError(f"{where}: expected {schema}")
    return value


def _is_of_type(value: object, schema: str) -> bool:
    if schema in {"unknown", "json"}:
        return True
    if schema == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, str if schema == "string" else bool)


def _fit_first(value: object, schema: OneOf, where: str) -> object:
    for option in schema.options:
        try:
            return fit_schema(value, option, where)
        except MisfitError:
            continue
    raise MisfitError(f"{where}: fits none of the variants")


def _fit_object(value: object, schema: Obj, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise MisfitError(f"{where}: expected object")
    kept = {}
    for name, inner in schema.fields.items():
        given = value.get(name, _MISSING)
        if given is not _MISSING:
            kept[name] = fit_schema(given, inner, f"{where}/{name}")
        elif not isinstance(inner, Nullish) and inner != "unknown":
            raise MisfitError(f"{where}/{name}: missing")
    rest = {name: given for name, given in value.items() if name not in schema.fields}
    if rest and schema.rest == "refuse":
        raise MisfitError(f"{where}: unexpected members")
    return kept | rest if schema.rest == "json" else kept
