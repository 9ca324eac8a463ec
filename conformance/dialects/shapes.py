"""Google's messages as a tree to walk: precomputed from the schemas, so that no schema is interpreted while judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import MappingProxyType

from conformance.files import ROOT_ID, load_bundled_schemas
from conformance.model import JSON
from conformance.names import fold


def _none() -> Mapping[str, Shape]:
    return MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Shape:
    """What may stand at one place.

    `kind`: object | array | string | integer | number | boolean | map (names chosen by the user, every value of
    shape `values`) | free (anything; never walked). `format`: int32, int64, float, double, bytes, timestamp, duration,
    enum (a protobuf enum: names or numbers), resource:… `enum`: the known values; `closed` says whether others are
    refused. `properties` may lead back to the shape itself (Schema does).
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
    properties: Mapping[str, Shape] = field(default_factory=_none, repr=False)
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
    """Return the property of `shape` that `key` spells in whatever casing, or None."""
    return key if key in shape.properties else shape.by_folded_name.get(fold(key))


class ShapeReader:
    """Turns one schema document into shapes; `$ref` is followed within it and into the bundled schemas."""

    def __init__(self, schema: Mapping[str, JSON]) -> None:
        self._schema = schema
        self._made: dict[str, Shape] = {}

    def root(self) -> Shape:
        """Return the shape of the document's root. Raises KeyError where a `$ref` leads nowhere."""
        return self.shape(self._schema)

    def shape(self, schema: Mapping[str, JSON]) -> Shape:
        """Return the shape that a (sub)schema of the document describes."""
        ref = schema.get("$ref")
        return self._referred(str(ref)) if ref is not None else self._described(schema)

    def _referred(self, ref: str) -> Shape:
        if not ref.startswith("#"):
            return load_shape(ref)
        if ref not in self._made:
            name = ref.removeprefix("#/$defs/")
            self._described(as_object(as_object(self._schema["$defs"])[name]), name, ref)
        return self._made[ref]

    def _described(self, schema: Mapping[str, JSON], name: str = "", ref: str = "") -> Shape:
        properties: dict[str, Shape] = {}
        shape = Shape(
            kind=_kind(schema),
            name=name,
            format=_text(schema.get("x-format")),
            enum=_texts(schema.get("enum", schema.get("x-enum"))),
            closed="enum" in schema,
            required=_texts(schema.get("required")),
            oneof=_texts(schema.get("x-oneof")),
            minimum=_number(schema.get("minimum")),
            maximum=_number(schema.get("maximum")),
            min_items=_whole(schema.get("minItems")),
            max_items=_whole(schema.get("maxItems")),
            properties=MappingProxyType(properties),
            items=self._part(schema, "items"),
            values=self._part(schema, "additionalProperties"),
        )
        if ref:  # known before its members are read: a message may contain itself
            self._made[ref] = shape
        properties.update(
            {key: self.shape(as_object(value)) for key, value in as_object(schema.get("properties")).items()}
        )
        return shape

    def _part(self, schema: Mapping[str, JSON], keyword: str) -> Shape | None:
        value = schema.get(keyword)
        return self.shape(value) if isinstance(value, dict) else None


def as_object(value: JSON) -> Mapping[str, JSON]:
    """Return the object, or an empty one where `value` is none."""
    return value if isinstance(value, dict) else {}


def _kind(schema: Mapping[str, JSON]) -> str:
    if schema.get("x-free-form"):
        return "map" if isinstance(schema.get("additionalProperties"), dict) else "free"
    kind = schema.get("type")
    return kind if isinstance(kind, str) else "free"


def _text(value: JSON) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: JSON) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _number(value: JSON) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: JSON) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


@cache
def _bundled_reader(schema_id: str) -> ShapeReader:
    return ShapeReader(load_bundled_schemas()[schema_id])


@cache
def load_shape(reference_: str) -> Shape:
    """Return the shape of a bundled schema's root by its `$id`, or of one message in it: `ID#/$defs/Name`.

    Raises KeyError where there is none.
    """
    schema_id, _, within = reference_.partition("#")
    reader = _bundled_reader(schema_id)
    return reader.shape({"$ref": f"#{within}"}) if within else reader.root()


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
