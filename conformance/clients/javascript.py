"""The parts of JavaScript that decide what a client sees: text decoding, JSON.parse, truth, and reading members."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn

from conformance.clients.client_view import Raised

# String.prototype.trim and \s in a regular expression agree on these (ECMA-262, WhiteSpace and LineTerminator).
SPACES: Final = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_SAFE_DIGITS = 15  # integers this long are exact in a double
_SHALLOW = 64  # no client reads anything nested deeper than this
_TOKEN = re.compile(
    r"[ \t\n\r]*+(?:(?P<punct>[{}\[\],:])"
    r'|(?P<scalar>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null))"
)


class Undefined:
    """JavaScript's undefined, which is not null."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


def decode_utf8(data: bytes) -> str:
    """Decode as TextDecoder does: bad bytes become U+FFFD, one leading BOM goes."""
    return data.decode("utf-8", "replace").removeprefix("\ufeff")


def parse_body(data: bytes) -> object:
    """`response.json()` of Node's fetch: two BOMs go, one in undici and one in its TextDecoder. Raises Raised."""
    return parse_json(decode_utf8(data).removeprefix("\ufeff"))


def _refuse_constant(_text: str) -> NoReturn:
    raise ValueError


def _parse_integer(text: str) -> int | float:
    return int(text) if len(text) <= _SAFE_DIGITS else _parse_double(text)


def _parse_double(text: str) -> int | float:
    """Every number is a double; a whole one prints without a fraction."""
    value = float(text)
    return int(value) if value.is_integer() else value


def parse_json(text: str) -> object:
    """JSON.parse: no NaN, no comment, nothing behind the value; any depth. Raises Raised (SyntaxError)."""
    try:
        return _load_json(text)
    except ValueError:
        raise Raised(f"SyntaxError: {_describe_fault(text)}") from None
    except RecursionError:
        return _parse_deep(text)


def _load_json(text: str) -> object:
    return json.loads(
        text, parse_constant=_refuse_constant, parse_int=_parse_integer, parse_float=_parse_double
    )


def _describe_fault(text: str) -> str:
    if not text.strip(" \t\n\r"):
        return "Unexpected end of JSON input"
    return f"{json.dumps(text[:10])}... is not valid JSON"


def _parse_deep(text: str) -> object:
    """Parse what is too deep for Python's parser, with null for values that no client would reach."""
    try:
        return _load_json("".join(_drop_deep(text)))
    except ValueError:
        raise Raised(f"SyntaxError: {_describe_fault(text)}") from None


def _drop_deep(text: str) -> Iterator[str]:
    """Yield the tokens of a JSON text, each container below the depth of interest as null."""
    depth, at, end = 0, 0, len(text.rstrip(" \t\n\r"))
    open_: list[str] = []
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise ValueError(at)
        at, lexeme = found.end(), found[found.lastgroup or 0]
        if lexeme in "{[":
            open_.append(lexeme)
            depth += 1
            if depth == _SHALLOW:
                yield "null"
        if depth < _SHALLOW:
            yield lexeme
        if lexeme in "}]":
            if not open_ or open_.pop() + lexeme not in {"{}", "[]"}:
                raise ValueError(at)
            depth -= 1


def is_truthy(value: object) -> bool:
    """`if (value)`: empty arrays and objects are true."""
    return isinstance(value, list | dict) or (value is not UNDEFINED and bool(value))


def is_nullish(value: object) -> bool:
    """`value == null`."""
    return value is None or value is UNDEFINED


def get_member(value: object, name: str) -> object:
    """`value?.name`: undefined for whatever has no such member."""
    return value.get(name, UNDEFINED) if isinstance(value, dict) else UNDEFINED


def get_first(value: object) -> object:
    """`value?.[0]`."""
    if isinstance(value, list | str):
        return value[0] if value else UNDEFINED
    return get_member(value, "0")


def get_length(value: object) -> object:
    """`value?.length`."""
    return len(value) if isinstance(value, list | str) else get_member(value, "length")


def iterate_value(value: object) -> Iterator[object]:
    """`for (const item of value ?? [])`. Raises Raised (TypeError) for what cannot be iterated."""
    if is_nullish(value):
        return iter(())
    if not isinstance(value, list | str):
        raise Raised(
            f"TypeError: {_name_kind(value)} is not iterable (cannot read property Symbol(Symbol.iterator))"
        )
    return iter(value)


def _name_kind(value: object) -> str:
    """How V8 names a value that is not an array."""
    if isinstance(value, dict):
        return "object"
    return f"boolean {str(value).lower()}" if isinstance(value, bool) else f"number {value}"


def to_string(value: object) -> str:
    """String(value), and what a template literal or join prints."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if is_nullish(item) else to_string(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    return repr(value) if value is UNDEFINED else json.dumps(value)


def check_assignable(value: object, name: str) -> None:
    """`value.name = …` in strict code. Raises Raised (TypeError) for null and for primitives."""
    if value is None:
        raise Raised(f"TypeError: Cannot set properties of null (setting '{name}')")
    if not isinstance(value, list | dict):
        raise Raised(f"TypeError: Cannot create property '{name}' on {json.dumps(value)[:40]}")
