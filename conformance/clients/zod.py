"""What the Vercel AI SDK demands of a response: its zod schemas (getContentSchema and its neighbours), and how they are applied.

The schemas are data, in ai_sdk_types.json. Types are words: string, number, boolean, unknown, json, or the name of an
object; `[T]` is an array, `A|B` the first that fits, `T?` may be null or absent (nullish), `T|null` may be null.
Members that an object does not name are dropped, unless its member `*` says that they are kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_MISSING = object()


class MisfitError(ValueError):
    """A value that the schema does not allow; the message says where."""


@cache
def _load_objects() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(
        Path(__file__).with_name("ai_sdk_types.json").read_text("utf-8")
    )
    return found


def fit_schema(value: object, kind: str, where: str = "") -> object:
    """Return the value as the type `kind` holds it, unknown members dropped. Raises MisfitError."""
    if kind.endswith(("?", "|null")):
        return (
            None if value is None else fit_schema(value, kind.removesuffix("?").removesuffix("|null"), where)
        )
    if kind.startswith("["):
        if not isinstance(value, list):
            raise MisfitError(f"{where}: expected array")
        return [fit_schema(item, kind[1:-1], f"{where}/{number}") for number, item in enumerate(value)]
    if "|" in kind:
        return _fit_first(value, kind.split("|"), where)
    if kind in _load_objects():
        return _fit_object(value, _load_objects()[kind], where)
    if not _is_of_type(value, kind):
        raise MisfitError(f"{where}: expected {kind}")
    return value


def _is_of_type(value: object, kind: str) -> bool:
    if kind in {"unknown", "json"}:
        return True
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, {"string": str, "boolean": bool}[kind])


def _fit_first(value: object, kinds: list[str], where: str) -> object:
    for kind in kinds:
        try:
            return fit_schema(value, kind, where)
        except MisfitError:
            continue
    raise MisfitError(f"{where}: fits none of the variants")


def _fit_object(value: object, fields: Mapping[str, str], where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise MisfitError(f"{where}: expected object")
    named = {name: kind for name, kind in fields.items() if name != "*"}
    kept = {name: given for name, given in value.items() if name not in named} if "*" in fields else {}
    for name, kind in named.items():
        given = value.get(name, _MISSING)
        if given is not _MISSING:
            kept[name] = fit_schema(given, kind, f"{where}/{name}")
        elif not kind.endswith("?") and kind != "unknown":
            raise MisfitError(f"{where}/{name}: missing")
    return kept
