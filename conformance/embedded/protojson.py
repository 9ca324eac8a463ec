"""Parses a request as strictly as Google's ProtoJSON parser, into canonical lowerCamelCase.

Rules: https://protobuf.dev/programming-guides/json/ - both spellings of a name, enum names or numbers, null for an
absent field, numbers in strings, standard and URL-safe base64. The texts of refusals are Google's.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from conformance.dialects.shapes import Shape
from conformance.embedded.errors import Refused, bad_request_error
from conformance.model import JSON
from conformance.names import to_snake
from conformance.wire.jsontext import Odd, read_json

_FAULTS = 16  # violations reported at once
_DEPTH = 100  # protobuf's own limit of nesting
_TYPES = {
    "int32": "TYPE_INT32", "int64": "TYPE_INT64", "uint32": "TYPE_UINT32", "float": "TYPE_FLOAT",
    "double": "TYPE_DOUBLE", "bytes": "TYPE_BYTES",
}  # fmt: skip
_KINDS = {"string": "TYPE_STRING", "integer": "TYPE_INT32", "number": "TYPE_DOUBLE", "boolean": "TYPE_BOOL"}
_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_FLOAT_MAX = 3.4028235e38
_BROKEN = (Odd.BOM, Odd.NAN, Odd.TRAILING, Odd.BAD_UTF8, Odd.LONE_SURROGATE)
_ABSENT = object()
_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


def parse_object(body: bytes) -> dict[str, JSON]:
    """Return the JSON object in a body. Raises Refused where there is none."""
    text = read_json(body)
    if text.bound:
        raise Refused(400, f"Invalid JSON payload received. {text.error}.")
    odd = next((one for one in text.oddities if one.kind in _BROKEN), None)
    if not text.ok or odd is not None:
        near = body[max(0, text.error_at - 20) : text.error_at + 20] if text.error_at >= 0 else body[:40]
        message = f"Invalid JSON payload received. {odd.detail if odd else text.error}"
        raise bad_request_error([("", f"{message}\n{near.decode('utf-8', 'replace')}\n^")])
    if not isinstance(text.value, dict):
        message = 'Invalid JSON payload received. Unknown name "": Root element must be a message.'
        raise bad_request_error([("", message)])
    return text.value


@lru_cache(maxsize=512)
def _list_spellings(names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the field that each accepted spelling names, for one message.

    Where a message has `_x` and `x`, the proto name x belongs to `_x`, and the other is x_ordered
    (Google's response_json_schema).
    """
    table = {name: name for name in names}
    for name in names:
        shadowed = f"_{name}" in table
        table.setdefault(to_snake(name) + ("_ordered" if shadowed else ""), name)
    return table


@dataclass
class _Reading:
    """One walk over one request, with the faults that it found."""

    faults: list[tuple[str, str]] = field(default_factory=list)
    depth: int = 0

    def read_value(self, value: JSON, shape: Shape, path: str) -> JSON:
        if shape.kind == "free":
            return value
        self.depth += 1
        if self.depth > _DEPTH:
            raise Refused(400, f"Invalid JSON payload received. Message too deep at '{path}'.")
        read = _STRUCTURES.get(shape.kind, _Reading.read_scalar)(self, value, shape, path)
        self.depth -= 1
        return read

    def read_message(self, value: JSON, shape: Shape, path: str) -> JSON:
        if isinstance(value, list):
            parent, _, name = path.rpartition(".")
            return self.report_unknown(parent, name, "Proto field is not repeating, cannot start list.")
        if not isinstance(value, dict):
            return self.report_invalid(path, _PACKAGE + (shape.name or "Message"), value)
        known = _list_spellings(tuple(shape.properties))
        read: dict[str, JSON] = {}
        for key, child in value.items():
            name = known.get(key, "")
            if not name:
                self.report_unknown(path, key, "Cannot find field.")
            elif name in read and child is not None:
                self.report_already_set(path, f"_{to_snake(name)}", key)
            elif child is not None:  # null is absence
                below = ".".join(filter(None, (path, to_snake(name))))
                read[name] = self.read_value(child, shape.properties[name], below)
        held = [name for name in read if name in shape.oneof]
        if len(held) > 1:
            self.report_already_set(path, "data", to_snake(held[1]))
        return read

    def read_list(self, value: JSON, shape: Shape, path: str) -> JSON:
        if not isinstance(value, list) or shape.items is None:
            return self.report_invalid(path, "repeated field", value)
        return [self.read_entry(child, shape.items, f"{path}[{index}]") for index, child in enumerate(value)]

    def read_entry(self, value: JSON, shape: Shape, path: str) -> JSON:
        if value is None:
            return self.report_invalid(path, _name_type(shape, path), None)
        return self.read_value(value, shape, path)

    def read_map(self, value: JSON, shape: Shape, path: str) -> JSON:
        if not isinstance(value, dict) or shape.values is None:
            return self.report_invalid(path, "map", value)
        inner = shape.values
        return {key: self.read_entry(child, inner, f"{path}[{key}].value") for key, child in value.items()}

    def read_scalar(self, value: JSON, shape: Shape, path: str) -> JSON:
        if isinstance(value, dict | list):
            what = "an object" if isinstance(value, dict) else "a list"
            fault = f"({_name_type(shape, path)}), Starting {what} on a scalar field"
            return self.report(path, f"Invalid value at '{path}' {fault}")
        read = _SCALARS[_choose_scalar(shape)](value, shape)
        return self.report_invalid(path, _name_type(shape, path), value) if read is _ABSENT else read  # type: ignore[return-value]

    def report_unknown(self, path: str, name: str, text: str) -> JSON:
        at = f" at '{path}'" if path else ""
        return self.report(path, f'Invalid JSON payload received. Unknown name "{name}"{at}: {text}')

    def report_already_set(self, path: str, field_: str, name: str) -> None:
        fault = f"oneof field '{field_}' is already set. Cannot set '{name}'"
        self.report(path, f"Invalid value at '{path}' (oneof), {fault}")

    def report_invalid(self, path: str, kind: str, value: JSON) -> JSON:
        shown = json.dumps(value, ensure_ascii=False)[:200]
        return self.report(path, f"Invalid value at '{path}' ({kind}), {shown}")

    def report(self, path: str, text: str) -> JSON:
        if len(self.faults) < _FAULTS:
            self.faults.append((path, text))
        return None


_STRUCTURES: Mapping[str, Callable[[_Reading, JSON, Shape, str], JSON]] = {
    "object": _Reading.read_message, "array": _Reading.read_list, "map": _Reading.read_map,
}  # fmt: skip


def _name_type(shape: Shape, path: str) -> str:
    if shape.format == "enum":  # enums have no name in the schema: the field's name in title case comes close
        return _PACKAGE + re.sub(r"\[\d+\]", "", path.rpartition(".")[2]).title().replace("_", "")
    return _TYPES.get(shape.format or "", _KINDS.get(shape.kind, _PACKAGE + (shape.name or "Message")))


def _choose_scalar(shape: Shape) -> str:
    if shape.format in {"enum", "bytes", "duration", "timestamp"}:
        return shape.format
    return "integer" if shape.format == "int64" else shape.kind


def _read_enum(value: JSON, shape: Shape) -> object:
    if isinstance(value, str):
        return value if value in shape.enum else _ABSENT
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return _ABSENT
    number = int(value)
    # An unknown number is kept: enums are open on the wire.
    return shape.enum[number] if 0 <= number < len(shape.enum) else number


def _read_finite(value: JSON) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = _parse_number(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _parse_number(text: str) -> float | int:
    if not re.fullmatch(r"-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,3})?", text):
        raise ValueError(text)
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


def _read_integer(value: JSON, shape: Shape) -> object:
    number = _read_finite(value)
    bits = 63 if shape.format == "int64" else 31
    if number is None or number != int(number) or not -(2**bits) <= number < 2**bits:
        return _ABSENT
    return int(number)


def _read_number(value: JSON, shape: Shape) -> object:
    if value in {"NaN", "Infinity", "-Infinity"} if isinstance(value, str) else False:
        return float(str(value))
    number = _read_finite(value)
    too_big = number is not None and shape.format == "float" and abs(number) > _FLOAT_MAX
    return _ABSENT if number is None or too_big else number


def _read_bytes(value: JSON, _shape: Shape) -> object:
    if not isinstance(value, str) or not value.isascii():
        return _ABSENT
    try:
        data = decode_base64(value)
    except (ValueError, binascii.Error):
        return _ABSENT
    return base64.b64encode(data).decode()


def _read_matching(pattern: re.Pattern[str]) -> Callable[[JSON, Shape], object]:
    return lambda value, _shape: value if isinstance(value, str) and pattern.fullmatch(value) else _ABSENT


_SCALARS: Mapping[str, Callable[[JSON, Shape], object]] = {
    "string": lambda value, _shape: value if isinstance(value, str) else _ABSENT,
    "boolean": lambda value, _shape: value if isinstance(value, bool) else _ABSENT,
    "duration": _read_matching(_DURATION), "timestamp": _read_matching(_TIMESTAMP),
    "enum": _read_enum, "integer": _read_integer, "number": _read_number, "bytes": _read_bytes,
}  # fmt: skip


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 in either alphabet, padded or not. Raises ValueError."""
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def accept_message(body: Mapping[str, JSON], shape: Shape) -> dict[str, JSON]:
    """Return a message in canonical form: lowerCamelCase, no nulls, enum names, standard base64.

    Free-form subtrees stay as they are. Raises Refused (400, google.rpc.BadRequest) with all faults of form.
    """
    reading = _Reading()
    read = reading.read_value(dict(body), shape, "")
    if reading.faults:
        raise bad_request_error(reading.faults)
    return read if isinstance(read, dict) else {}


def replace_enum_names(value: JSON, shape: Shape) -> JSON:
    """Return a value with its enums as numbers, for clients that ask for `enum-encoding=int`."""
    if isinstance(value, dict):
        known = shape.properties
        return {
            name: replace_enum_names(one, known[name]) if name in known else one
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [replace_enum_names(one, shape.items) for one in value] if shape.items else value
    return shape.enum.index(value) if shape.format == "enum" and value in shape.enum else value
