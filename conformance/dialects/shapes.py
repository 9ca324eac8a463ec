"""The allowed content of a message as a tree of shapes, built from a schema once, so that judging need not interpret schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType

from conformance.files import ROOT_ID, load_bundled_schemas
from conformance.model import JSON
from conformance.names import fold


@dataclass(frozen=True, eq=False)
class Shape:
    """The values that are allowed at one place.

    `kind`: object | array | string | integer | number | boolean | map (names chosen by the user, every value of shape
    `values`) | free (anything; never walked). `format`: int32, int64, float, double, bytes, timestamp, duration, enum
    (a protobuf enum: names or numbers), resource:… `enum`: the known values; `closed` says whether others are refused.
    `properties` may lead back to the shape itself (Schema does).
    """

    kind: str
    name: str = ""  # of the message, e.g. GenerationConfig
    format: str | None = None
    enum: tuple[str, ...] = ()
    closed: bool = False
    required: tuple[str, ...] = ()
    oneof: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    properties: Mapping[str, Shape] = field(default_factory=dict, repr=False)
    items: Shape | None = field(default=None, repr=False)
    values: Shape | None = field(default=None, repr=False)

    @cached_property
    def by_folded_name(self) -> Mapping[str, str]:
        """The properties by their names without case and separators; `_responseJsonSchema` only as itself."""
        return {fold(name): name for name in self.properties if not name.startswith("_")}


@dataclass(frozen=True)
class Reference:
    """Google's messages, each as the shape of its root."""

    request: Shape
    response: Shape
    error: Shape
    count_tokens_request: Shape
    count_tokens: Shape
    model: Shape
    models_list: Shape


def match_property(shape: Shape, key: str) -> str | None:
    """Return the property of `shape` that `key` spells in any casing, or None."""
    return key if key in shape.properties else shape.by_folded_name.get(fold(key))


class ShapeReader:
    """Turns one schema document into shapes; `$ref` is followed within it and into the bundled schemas."""

    def __init__(self, schema: Mapping[str, JSON]) -> None:
        self._schema = schema
        self._made: dict[str, Shape] = {}

    def read_root(self) -> Shape:
        """Return the shape of the document's root. Raises KeyError where a `$ref` leads nowhere."""
        return self.read(self._schema)

    def read(self, schema: Mapping[str, JSON]) -> Shape:
        """Return the shape that a (sub)schema of the document describes. Raises KeyError as `read_root` does."""
        ref = schema.get("$ref")
        if ref is None:
            return self._describe(schema)
        if not str(ref).startswith("#"):
            return load_shape(str(ref))
        if ref not in self._made:
            name = str(ref).removeprefix("#/$defs/")
            self._describe(as_object(as_object(self._schema["$defs"])[name]), name, str(ref))
        return self._made[str(ref)]

    def _describe(self, schema: Mapping[str, JSON], name: str = "", ref: str = "") -> Shape:
        properties: dict[str, Shape] = {}
        items, values = schema.get("items"), schema.get("additionalProperties")
        shape = Shape(
            kind=_find_kind(schema),
            name=name,
            format=_read_text(schema.get("x-format")),
            enum=list_texts(schema.get("enum", schema.get("x-enum"))),
            closed="enum" in schema,
            required=list_texts(schema.get("required")),
            oneof=list_texts(schema.get("x-oneof")),
            minimum=_read_number(schema.get("minimum")),
            maximum=_read_number(schema.get("maximum")),
            min_items=_read_count(schema.get("minItems")),
            max_items=_read_count(schema.get("maxItems")),
            properties=MappingProxyType(properties),
            items=self.read(items) if isinstance(items, dict) else None,
            values=self.read(values) if isinstance(values, dict) else None,
        )
        if ref:  # known before its members are read: a message may contain itself
            self._made[ref] = shape
        for key, value in as_object(schema.get("properties")).items():
            properties[key] = self.read(as_object(value))
        return shape


def as_object(value: JSON) -> Mapping[str, JSON]:
    """Return the object, or an empty one if `value` is not an object."""
    return value if isinstance(value, dict) else {}


def list_texts(value: JSON) -> tuple[str, ...]:
    """Return the texts in a list; an empty tuple if `value` is not a list."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _find_kind(schema: Mapping[str, JSON]) -> str:
    if schema.get("x-free-form"):
        return "map" if isinstance(schema.get("additionalProperties"), dict) else "free"
    return _read_text(schema.get("type")) or "free"


def _read_text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None


def _read_number(value: JSON) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _read_count(value: JSON) -> int | None:
    number = _read_number(value)
    return None if number is None else int(number)


@cache
def _make_bundled_reader(schema_id: str) -> ShapeReader:
    return ShapeReader(load_bundled_schemas()[schema_id])


@cache
def load_shape(reference: str) -> Shape:
    """Return the shape of a bundled schema's root by its `$id`, or of one message in it: `ID#/$defs/Name`.

    Each schema is read once in a process. Raises KeyError if there is none.
    """
    schema_id, _, within = reference.partition("#")
    reader = _make_bundled_reader(schema_id)
    return reader.read({"$ref": f"#{within}"}) if within else reader.read_root()


@cache
def load_reference() -> Reference:
    """Return Google's messages."""
    google = ROOT_ID + "google/"
    return Reference(
        request=load_shape(google + "request"),
        response=load_shape(google + "response"),
        error=load_shape(google + "error"),
        count_tokens_request=load_shape(google + "count-tokens-request"),
        count_tokens=load_shape(google + "count-tokens"),
        model=load_shape(google + "model"),
        models_list=load_shape(google + "models"),
    )
