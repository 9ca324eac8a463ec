"""Makes a value that fits a schema from what a prompt contains: a code word, a number, a place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.embedded.scripted_prompts import NONCE
from conformance.model import JSON

Schema = Mapping[str, Any]
_DEEP = 6  # below this depth only required members are made
_DEEPEST = 24  # below this depth nothing is made: a schema may contain itself
_LONGEST = 10_000
_MOMENTS = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "time": "00:00:00Z"}
_PLACE = re.compile(r"\bin ([A-Z]\w*)")


@dataclass(frozen=True)
class Hints:
    """What a prompt contains to fill a schema with."""

    prompt: str
    word: str
    number: int
    root: Schema  # where local references lead
    depth: int = 0


def find_places(prompt: str) -> list[str]:
    """Return the places that a prompt names, in order: capitalised words after `in`."""
    return _PLACE.findall(prompt)


def read_hints(prompt: str, root: Schema, word: str | None = None) -> Hints:
    """Return what a prompt contains; `word` replaces its code word."""
    code = NONCE.search(prompt)
    spare = find_places(prompt)[0] if find_places(prompt) else "plain"
    number = re.search(r"\bnumber (\d{1,9})\b", prompt) or re.search(r"(?<![\w-])(\d{1,9})(?![\w-])", prompt)
    return Hints(prompt, word or (code[0] if code else spare), int(number[1]) if number else 1, root)


def make_instance(schema: Schema, given: Hints) -> JSON:
    """Return a value of a schema, in Google's schema language (types in capitals) or in JSON Schema."""
    if given.depth > _DEEPEST:
        return None
    schema = _resolve_schema(schema, given)
    if "const" in schema:
        return schema["const"]  # type: ignore[no-any-return] # a schema is JSON
    if schema.get("enum"):
        return _choose_option(list(schema["enum"]), given)
    return _MAKERS.get(_type_of(schema), _make_text)(schema, replace(given, depth=given.depth + 1))


def _resolve_schema(schema: Schema, given: Hints, steps: int = 8) -> Schema:
    """Follow references and alternatives to a schema that has a type."""
    for _ in range(steps):
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if isinstance(schema.get("$ref"), str):
            schema = _follow_reference(schema["$ref"], given.root)
        elif isinstance(options, list) and "type" not in schema:
            real = [option for option in options if isinstance(option, dict) and _type_of(option) != "null"]
            schema = real[0] if real else {}
        else:
            break
    return schema


def _follow_reference(ref: str, root: Schema) -> Schema:
    at: Any = root
    for step in ref.removeprefix("#").strip("/").split("/"):
        at = at.get(step) if isinstance(at, dict) else None
    return at if isinstance(at, dict) else {}


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if str(one).lower() != "null"), "null")
    return str(kind).lower() if kind else ("object" if "properties" in schema else "string")


def _choose_option(options: list[JSON], given: Hints) -> JSON:
    """Return the first option that the prompt names, else the first."""
    in_prompt = {word.casefold() for word in re.findall(r"\w+", given.prompt)}
    named = (one for one in options if isinstance(one, str) and one.casefold() in in_prompt)
    return next(named, options[0])


def _make_object(schema: Schema, given: Hints) -> JSON:
    properties = _as_mapping(schema.get("properties"))
    required = schema.get("required") or ()
    order = [name for name in schema.get("propertyOrdering") or () if name in properties]
    names = [*order, *(name for name in properties if name not in order)]
    wanted = [name for name in names if given.depth <= _DEEP or name in required]
    return {name: make_instance(_as_mapping(properties[name]), given) for name in wanted}


def _make_array(schema: Schema, given: Hints) -> JSON:
    items = _as_mapping(schema.get("items"))
    size = max(_as_integer(schema.get("minItems")), 0 if given.depth > _DEEP else 1)
    return [make_instance(items, given) for _ in range(min(size, _LONGEST // 100))]


def _as_mapping(value: Any) -> Schema:
    return value if isinstance(value, dict) else {}


def _as_integer(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _make_text(schema: Schema, given: Hints) -> JSON:
    word = _MOMENTS.get(str(schema.get("format")), given.word)
    word = word.ljust(min(_as_integer(schema.get("minLength")), _LONGEST), ".")
    return word[: _as_integer(schema["maxLength"])] if "maxLength" in schema else word


def _make_number(schema: Schema, given: Hints) -> JSON:
    low, high = schema.get("minimum"), schema.get("maximum")
    number: float = given.number
    number = max(number, low) if isinstance(low, int | float) else number
    return min(number, high) if isinstance(high, int | float) else number


_MAKERS: Mapping[str, Callable[[Schema, Hints], JSON]] = {
    "object": _make_object, "array": _make_array, "string": _make_text, "integer": _make_number, "number": _make_number,
    "boolean": lambda _schema, _given: True, "null": lambda _schema, _given: None,
}  # fmt: skip
