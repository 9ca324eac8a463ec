"""Pydantic's lax reading of JSON values, as far as google-genai's response types need it.

Types are words: str, int, float, bool, bytes, datetime, any, enum:Name, list[T], dict[str,T], or a model's name.
Rules as in Pydantic's conversion table (docs.pydantic.dev, Conversion Table, Python mode), tried against 2.14.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from conformance.clients.client_view import Raised

Models = Mapping[str, Mapping[str, str]]

_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
_FALSE = frozenset({"0", "off", "f", "false", "n", "no"})
_INT = re.compile(r"[+-]?[0-9]+(?:_[0-9]+)*(?:\.0+)?", re.ASCII)
_MOST_DIGITS = 4300  # Python's own bound on the digits of an integer
_DATE = re.compile(r"-?[0-9]+(\.[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt _][0-9]{2}:[0-9]{2}.*)?", re.ASCII)
_INT64 = 2.0**63


def to_camel(name: str) -> str:
    """snake_case to camelCase, as Pydantic's alias generator does it."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def _make_error(where: str) -> Raised:
    return Raised(f"ValidationError: 1 validation error for GenerateContentResponse: {where}")


def _read_str(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _read_int(value: object) -> int | None:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _INT64 else None
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and _INT.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    return None


def _read_float(value: object) -> float | None:
    if isinstance(value, str) and not value.isascii():
        return None
    if not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _read_bool(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in {0, 1} else None
    word = value.lower() if isinstance(value, str) else ""
    return word in _TRUE if word in _TRUE | _FALSE else None


def _read_bytes(value: object) -> bytes | None:
    """Base64 of either alphabet, padded or not, without anything else."""
    if not isinstance(value, str):
        return None
    bare = value.removesuffix("=").removesuffix("=")
    alphabet = b"-_" if set(bare) & set("-_") else b"+/"
    missing = -len(bare) % 4
    try:
        data = base64.b64decode(bare + "=" * missing, alphabet, validate=True)
    except (binascii.Error, ValueError):
        return None
    again = base64.b64encode(data, alphabet).decode().rstrip("=")
    return data if again == bare and len(value) - len(bare) <= missing else None


def _read_datetime(value: object) -> object | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        return value if _DATE.fullmatch(value.strip()) else None
    return value if math.isfinite(value) else None


def _read_literal_null(value: object) -> object | None:
    return value if value == "NULL_VALUE" else None


_SCALARS: Mapping[str, Callable[[object], object | None]] = {
    "str": _read_str,
    "int": _read_int,
    "float": _read_float,
    "bool": _read_bool,
    "bytes": _read_bytes,
    "datetime": _read_datetime,
    "Literal": _read_literal_null,
    "any": lambda value: value,
}


@dataclass(frozen=True)
class Types:
    """The response types of one version: field names in snake_case and their types."""

    models: Models
    finish_reasons: frozenset[str]
    _cache: dict[str, Mapping[str, str]] = field(default_factory=dict, repr=False, compare=False)

    def read(self, value: object, kind: str, where: str = "") -> object:
        """Return the value as the type holds it; every field may be null. Raises Raised."""
        if value is None:
            return None
        if kind in _SCALARS:
            found = _SCALARS[kind](value)
            if found is None:
                raise _make_error(where)
            return found
        if kind.startswith("enum:"):
            return self._read_enum(value, kind)
        outer, _, inner = kind.partition("[")
        if outer == "list":
            return self._read_list(value, inner[:-1], where)
        if outer == "dict":
            return self._read_dict(value, inner[:-1].partition(",")[2], where)
        return self._read_model(value, kind, where)

    def _read_enum(self, value: object, kind: str) -> str:
        """Any string will do: an unknown one becomes a member of its own; another type meets `value.upper()`."""
        if not isinstance(value, str):
            raise Raised(f"AttributeError: '{type(value).__name__}' object has no attribute 'upper'")
        known = kind == "enum:FinishReason" and value.upper() in self.finish_reasons
        return value.upper() if known else value

    def _read_list(self, value: object, item: str, where: str) -> list[object]:
        if not isinstance(value, list):
            raise _make_error(where)
        items = [_require_present(inner, f"{where}.{at}") for at, inner in enumerate(value)]
        return [self.read(inner, item, f"{where}.{at}") for at, inner in enumerate(items)]

    def _read_dict(self, value: object, item: str, where: str) -> dict[str, object]:
        if not isinstance(value, dict):
            raise _make_error(where)
        if item == "any":
            return value
        return {
            name: self.read(_require_present(inner, where), item, f"{where}.{name}")
            for name, inner in value.items()
        }

    def _read_model(self, value: object, kind: str, where: str) -> dict[str, object]:
        """Read an object's fields under either spelling; both at once is one too many, unknown ones are dropped."""
        if not isinstance(value, dict):
            raise _make_error(where)
        spellings = self._list_spellings(kind)
        found: dict[str, object] = {}
        for spelling, inner in value.items():
            name = spellings.get(spelling)
            if name is not None and name in found:
                raise _make_error(f"{where}.{name}")
            if name is not None:
                found[name] = self.read(inner, self.models[kind][name], f"{where}.{spelling}")
        return found

    def _list_spellings(self, kind: str) -> Mapping[str, str]:
        """Return the field that each accepted spelling names."""
        if kind not in self._cache:
            self._cache[kind] = {
                spelling: name for name in self.models[kind] for spelling in (to_camel(name), name)
            }
        return self._cache[kind]


def _require_present(value: object, where: str) -> object:
    """Items of lists and objects, unlike fields, may not be null."""
    if value is None:
        raise _make_error(where)
    return value
