"""JSON that others wrote, checked by the bundled JSON schemas.

jsonschema is imported when something is checked: it takes longer than printing the help.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from conformance.files import load_bundled_schemas
from conformance.model import JSON
from conformance.names import suggest_spelling
from conformance.pointers import to_pointer

if TYPE_CHECKING:
    import jsonschema
    import referencing

SchemaError: TypeAlias = "jsonschema.ValidationError"


@cache
def build_registry() -> referencing.Registry[JSON]:
    """Return one registry over all bundled schemas; it never fetches anything."""
    import referencing  # noqa: PLC0415 - heavy, and the help does without
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415

    resources = [
        (name, DRAFT202012.create_resource(schema)) for name, schema in load_bundled_schemas().items()
    ]
    return referencing.Registry().with_resources(
        cast("list[tuple[str, referencing.Resource[JSON]]]", resources)
    )


@cache
def _validator(schema_id: str) -> jsonschema.Draft202012Validator:
    import jsonschema  # noqa: PLC0415 - heavy, and the help does without

    schema = cast("Mapping[str, object]", load_bundled_schemas()[schema_id])
    known = cast("referencing.Registry[Any]", build_registry())
    return jsonschema.Draft202012Validator(schema, registry=known)


def iter_schema_errors(instance: JSON, schema_id: str) -> Iterator[SchemaError]:
    """Yield every error of `instance` by the bundled schema with that `$id`, as jsonschema finds them.

    Only bundled schemas: a pattern written by others could run for hours.
    """
    yield from _validator(schema_id).iter_errors(instance)


def validate(instance: JSON, schema_id: str) -> list[tuple[str, str]]:
    """Return (pointer, message) for every place where `instance` breaks the bundled schema with that `$id`.

    Sorted by pointer.
    """
    found = {
        (to_pointer(error.absolute_path), (error.message + _suggest_name(error))[:400])
        for error in iter_schema_errors(instance, schema_id)
    }
    return sorted(found)


def _suggest_name(error: SchemaError) -> str:
    """Name the nearest valid spelling of a name that is not allowed; jsonschema itself does not."""
    if error.validator != "additionalProperties" or not isinstance(error.instance, dict):
        return ""
    schema = error.schema
    valid = list(schema.get("properties", ())) if isinstance(schema, Mapping) else []
    strange = [str(key) for key in error.instance if key not in valid]
    near = "".join(suggest_spelling(key, valid) for key in strange)
    return near or f"; choose from {', '.join(valid)}"
