"""A request schema as a tree that can be walked: the keywords that our schemas use, and a refusal of every other.

The tree is what all of this room works on: drawing fills it, breaking and boundaries walk it. It is compiled
once, so that a fault in a schema is found at the start, with its pointer, and not by the hundredth body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from conformance.bodies.narrowing import NOWHERE, Narrowing
from conformance.model import JSON
from conformance.names import to_camel

Schemas = Registry[Any]

ITEM = "*"  # the child of a list or a map that stands for all of its elements
DEPTH = 64  # references that lead to references end somewhere

KINDS = frozenset({"object", "array", "string", "integer", "number", "boolean"})
ANNOTATIONS = frozenset(
    {"title", "description", "$comment", "$id", "$schema", "$defs", "default", "deprecated"}
)
UNDERSTOOD = frozenset(
    {
        "$ref", "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
        "enum", "const", "minimum", "maximum", "minLength", "maxLength", "format", "examples",
    }
)  # fmt: skip


class SchemaError(ValueError):
    """A schema that no body can be drawn from: which one, where in it, and what is wrong there."""

    def __init__(self, schema: str, pointer: str, fault: str) -> None:
        """Keep the three; the text is one line."""
        super().__init__(f"{schema}#{pointer}: {fault}")
        self.schema, self.pointer, self.fault = schema, pointer, fault


@dataclass(frozen=True, eq=False)
class Node:
    """What one place of a request may hold.

    `low` and `high` bound the number, the length of the string or of the list, as they are drawn; `said_low`
    and `said_high` are what the schema itself says, before it was narrowed (None: nothing).
    """

    kind: str  # one of KINDS, or free
    name: str  # of the property
    where: str  # schema id and pointer
    children: dict[str, Node] = field(
        default_factory=dict
    )  # filled after the node is made: schemas refer to themselves
    required: frozenset[str] = frozenset()
    oneof: tuple[str, ...] = ()  # members of which a body may have one
    open: bool = False  # an object of which the schema says nothing
    low: float | None = None
    high: float | None = None
    said_low: float | None = None
    said_high: float | None = None
    enum: tuple[JSON, ...] = ()
    format: str = ""  # as x-format says; `enum`: its values have numbers too, in their order from 0
    examples: tuple[JSON, ...] = ()
    awkward: tuple[JSON, ...] = ()
    unique: bool = False  # a name that no other of its kind in the body may have
    usual: frozenset[str] | None = None  # members that are drawn unasked; None: all
    always: frozenset[str] = frozenset()
    longest: int = 0  # how long the longest list or text is that is tried

    @property
    def item(self) -> Node | None:
        """The node of a list's or a map's elements."""
        return self.children.get(ITEM)

    def is_odd(self, name: str) -> bool:
        """Return whether a member's protobuf name is not what its spelling says: `x` where there is `_x` too."""
        return name.startswith("_") or f"_{name}" in self.children


def resource(schema: Mapping[str, Any]) -> Resource[Any]:
    """Return a schema as something that a registry holds."""
    return DRAFT202012.create_resource(schema)


class _Compiler:
    """Follows one schema into nodes; remembers those that were begun, since schemas refer to themselves."""

    def __init__(self, schemas: Schemas, narrowing: Narrowing) -> None:
        self.schemas, self.narrowing = schemas, narrowing
        self.begun: dict[tuple[int, str, str], Node] = {}
        self.kept: list[object] = []  # an id is only an identity while its object lives

    def node(self, schema: Any, resolver: Any, at: tuple[str, str], path: tuple[str, ...]) -> Node:
        """Return the node of `schema`, which stands at `at` (schema id, pointer) and is reached by `path`."""
        schema, resolver, at = _followed(schema, resolver, at)
        _understood(schema, at)
        name, parent = (path or ("",))[-1], (path[:-1] or ("",))[-1]
        key = (id(schema), parent, name)
        if key in self.begun:
            return self.begun[key]
        self.kept.append(schema)
        narrowed = {**schema, **self.narrowing.place(parent, name)}
        node = _node(schema, narrowed, name, at)
        self.begun[key] = node
        for child, (part, pointer) in _parts(schema, at).items():
            below = path if child == ITEM else (*path, child)
            node.children[child] = self.node(part, resolver, (at[0], pointer), below)
        return node


def _followed(schema: Any, resolver: Any, at: tuple[str, str]) -> tuple[dict[str, Any], Any, tuple[str, str]]:
    """Follow references; members beside a reference are kept. SchemaError where one leads nowhere or in a circle."""
    beside: dict[str, Any] = {}
    for _ in range(DEPTH):
        if not isinstance(schema, Mapping):
            raise SchemaError(*at, f"a schema is an object, not {type(schema).__name__}")
        ref = schema.get("$ref")
        if ref is None:
            return ({**schema, **beside} if beside else schema), resolver, at  # type: ignore[return-value]
        beside = {
            **{key: value for key, value in schema.items() if key not in ("$ref", "$defs", "$id")},
            **beside,
        }
        try:
            found = resolver.lookup(ref)
        except Unresolvable as exc:
            raise SchemaError(at[0], f"{at[1]}/$ref", f"{ref} is nowhere") from exc
        schema, resolver = found.contents, found.resolver
        base, _, fragment = ref.partition("#")
        at = (base or at[0], fragment)
    raise SchemaError(*at, "references that lead to each other")


def _understood(schema: Mapping[str, Any], at: tuple[str, str]) -> None:
    for keyword in schema:
        if keyword not in UNDERSTOOD and keyword not in ANNOTATIONS and not keyword.startswith("x-"):
            raise SchemaError(
                at[0], f"{at[1]}/{keyword}", f"the generator does not know the keyword {keyword!r}"
            )


def _is_free(schema: Mapping[str, Any]) -> bool:
    """Return whether anything may stand here; where values have a schema, only the names are free, and it is a map."""
    return bool(schema.get("x-free-form")) and not isinstance(schema.get("additionalProperties"), Mapping)


def _kind(schema: Mapping[str, Any], at: tuple[str, str]) -> str:
    if _is_free(schema):
        return "free"
    said = schema.get("type")
    if isinstance(said, list):
        said = next((kind for kind in said if kind != "null"), None)
    if said is None:
        said = "object" if "properties" in schema else "array" if "items" in schema else None
    if said is None:
        return _kind_of_values(
            schema.get("enum") or [schema["const"]] if "const" in schema else schema.get("enum")
        )
    if said not in KINDS:
        raise SchemaError(at[0], f"{at[1]}/type", f"{said!r} is no type that a request can hold")
    return str(said)


def _kind_of_values(values: Any) -> str:
    named = {str: "string", int: "integer", float: "number", bool: "boolean"}
    return named.get(type(values[0]), "free") if isinstance(values, list) and values else "free"


_BOUNDS = {
    "array": ("minItems", "maxItems"),
    "object": ("minItems", "maxItems"),
    "string": ("minLength", "maxLength"),
}


def _bounds(schema: Mapping[str, Any], kind: str) -> tuple[float | None, float | None]:
    low, high = _BOUNDS.get(kind, ("minimum", "maximum"))
    return schema.get(low), schema.get(high)


def _node(schema: Mapping[str, Any], narrowed: Mapping[str, Any], name: str, at: tuple[str, str]) -> Node:
    kind = _kind(schema, at)
    low, high = _bounds(narrowed, kind)
    said_low, said_high = _bounds(schema, kind)
    enum = tuple([schema["const"]] if "const" in schema else schema.get("enum", ()))
    _admits_something(schema, kind, at)
    return Node(
        kind,
        name,
        "#".join(at),
        required=frozenset(schema.get("required", ())),
        oneof=_members(schema, narrowed, "x-oneof"),
        open=_is_open(schema, kind),
        low=low,
        high=high,
        said_low=said_low,
        said_high=said_high,
        enum=enum,
        format=str(schema.get("x-format", schema.get("format", ""))),
        examples=tuple(one for one in narrowed.get("examples", ()) if not enum or one in enum),
        awkward=tuple(narrowed.get("x-awkward", ())),
        unique=bool(narrowed.get("x-unique")),
        usual=frozenset(_members(schema, narrowed, "x-usual")) if "x-usual" in narrowed else None,
        always=frozenset(_members(schema, narrowed, "x-always")),
        longest=int(narrowed.get("x-longest", 0)),
    )


def _members(schema: Mapping[str, Any], narrowed: Mapping[str, Any], keyword: str) -> tuple[str, ...]:
    """Return the members that a keyword names, in the schema's own spelling."""
    spelt = {to_camel(name): name for name in schema.get("properties", {})}
    return tuple(spelt[name] for name in narrowed.get(keyword, ()) if name in spelt)


def _is_open(schema: Mapping[str, Any], kind: str) -> bool:
    return (
        kind == "object" and "properties" not in schema and schema.get("additionalProperties", True) is True
    )


def _admits_something(schema: Mapping[str, Any], kind: str, at: tuple[str, str]) -> None:
    """Raise SchemaError where no value at all would be valid."""
    low, high = _bounds(schema, kind)
    if low is not None and high is not None and low > high:
        raise SchemaError(*at, f"admits nothing: {low} is more than {high}")
    if schema.get("enum") == []:
        raise SchemaError(at[0], f"{at[1]}/enum", "admits nothing: the list is empty")
    closed = schema.get("additionalProperties") is False
    missing = sorted(set(schema.get("required", ())) - set(schema.get("properties", {})))
    if closed and missing:
        raise SchemaError(
            at[0], f"{at[1]}/required", f"admits nothing: {missing[0]!r} is required and not allowed"
        )


def _parts(schema: Mapping[str, Any], at: tuple[str, str]) -> dict[str, tuple[Any, str]]:
    """Return the schemas inside a schema by the name of the child, each with its pointer."""
    if _is_free(schema):
        return {}
    parts = {
        name: (part, f"{at[1]}/properties/{name}") for name, part in schema.get("properties", {}).items()
    }
    for keyword in ("additionalProperties", "items"):
        if isinstance(schema.get(keyword), Mapping):
            parts[ITEM] = (schema[keyword], f"{at[1]}/{keyword}")
    return parts


def compiled(
    schema: Mapping[str, Any], schemas: Schemas, pointer: str = "", narrowing: Narrowing = NOWHERE
) -> Node:
    """Return the tree of a request schema, or of what stands in it at `pointer`.

    Raises SchemaError for a keyword, a reference or a type that cannot be read, and for a schema that admits nothing.
    """
    name = str(schema.get("$id", "schema"))
    resolver = schemas.with_resource(name, resource(schema)).resolver(name)
    start = schema if not pointer else resolver.lookup(f"#{pointer}").contents
    return _Compiler(schemas, narrowing).node(start, resolver, (name, pointer), ())


def places(node: Node, at: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[str, Node]]:
    """Yield every property's place (`/contents/*/parts/*/text`) and node; a schema inside itself is entered once."""
    for name, child in node.children.items():
        place = f"{at}/{name}"
        if name != ITEM:
            yield place, child
        if child.where not in above:
            yield from places(child, place, (*above, child.where))
