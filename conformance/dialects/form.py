"""Checks a dialect's files against the format's own schemas, and says in plain words what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.dialects.shapes import as_object, load_shape
from conformance.files import ROOT_ID, load_bundled_schemas
from conformance.model import JSON
from conformance.names import suggest_or_list, suggest_spelling
from conformance.pointers import to_pointer, walk_json
from conformance.validation import SchemaError, iter_schema_errors

Parts = Mapping[str, Mapping[str, JSON]]  # the contents of a dialect's files by their names
_MOST = 400  # characters of one message


def find_form_faults(folder: Path, parts: Parts) -> list[str]:
    """Return a line for every place at which a dialect's files break the format's own schemas."""
    faults: list[str] = []
    for name, value in parts.items():
        form = ROOT_ID + ("dialect" if name == "dialect.json" else "dialect-part")
        found = {
            (to_pointer(error.absolute_path) or "/", message[:_MOST])
            for outer in iter_schema_errors(dict(value), form)
            for error in _find_causes(outer)
            for message in _describe(error)
        }
        faults += [f"{folder / name}: {pointer}: {message}" for pointer, message in sorted(found)]
        faults += (
            [f"{folder / name}: {message}" for message in _find_dead_references(value)] if not found else []
        )
    return faults


def _find_causes(error: SchemaError) -> Iterator[SchemaError]:
    """Yield what is wrong within the form that was meant, where several are allowed; else the error itself."""
    meant = [one for one in error.context or () if one.validator != "type" or one.relative_path]
    if not meant:
        yield error
    for one in meant:
        yield from _find_causes(one)


def _describe(error: SchemaError) -> Iterator[str]:
    """Yield what is wrong at one place, and what to write there."""
    wanted: Any = error.validator_value
    instance: Any = error.instance
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    match error.validator:
        case "additionalProperties":
            known = schema.get("properties", {})
            yield from (
                f"{key!r} is not a key here{suggest_or_list(key, known)}"
                for key in instance
                if key not in known
            )
        case "required":
            yield from (f"{key!r} is missing{_HINTS.get(key, '')}" for key in wanted if key not in instance)
        case "enum":
            yield f"{instance!r} is unknown{suggest_or_list(str(instance), map(str, wanted))}"
        case "const":
            yield f"must be {wanted!r}"
        case "type":
            yield f"must be {_TYPES.get(wanted, wanted)}, but is {instance!r}"
        case "pattern":
            yield f"must be {schema.get('description', wanted)}, but is {instance!r}"
        case "anyOf" | "oneOf":
            yield f"has none of the forms that are allowed here, but is {instance!r}"
        case _:
            yield error.message


_TYPES = {
    "object": "an object {...}", "array": "a list [...]", "string": 'a text "..."', "integer": "a whole number",
    "number": "a number", "boolean": "true or false",
}  # fmt: skip
_HINTS = {"x-source": '; add where the page says it, such as {"lines": "L12", "known": "listed"}'}


def _find_dead_references(value: Mapping[str, JSON]) -> Iterator[str]:
    """Yield a line for every `$ref` of a schema that leads nowhere."""
    for pointer, ref in walk_json(dict(value)):
        if pointer.endswith("/$ref") and isinstance(ref, str):
            try:
                load_shape(ref)
            except KeyError:
                schema_id, _, within = ref.partition("#")
                name = within.rpartition("/")[2] or schema_id.rpartition("/")[2]
                messages = load_bundled_schemas().get(schema_id, {}).get("$defs")
                yield f"{pointer}: Google's schemas have no {name!r}{suggest_spelling(name, as_object(messages))}"
