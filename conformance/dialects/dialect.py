"""What one vendor's document says, and where: read from a folder of schemas, never from code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

from conformance.dialects.shapes import (
    Shape,
    ShapeReader,
    as_object,
)
from conformance.files import ROOT_ID, FileError, find_schemas_folder, read_bounded, read_json_file, validate
from conformance.model import JSON, NOTHING, Source
from conformance.names import suggest_or_list
from conformance.pointers import to_pointer

PLACES = ("request", "response", "chunk", "error")
KNOWN = ("listed", "exemplified", "prose")  # how sure: from the surest down


class DialectError(ValueError):
    """A dialect that cannot be used. Each of `args` is one line: file, pointer, what is wrong, how to mend it."""


@dataclass(frozen=True)
class Reading:
    """One thing that a document says of a trait; several where it contradicts itself."""

    value: JSON
    source: Source
    known: str  # listed | exemplified | prose


@dataclass(frozen=True)
class Field:
    """A field that a document names. `pointer` as in /candidates/*/finishReason, `*` for any item of a list.

    `contradicted` names the remark by which the document itself says otherwise; then the field may be absent.
    """

    place: str  # request | response | chunk | error
    pointer: str
    type: str
    required: bool
    source: Source
    known: str
    contradicted: str = ""


@dataclass(frozen=True)
class DocumentRemark:
    """Something a reader of the document should know: `kind` as in results.schema.json's documents."""

    dialect: str
    kind: str  # contradiction | gap | oddity | departs-from-google
    pointer: str
    says: str
    lines: str
    id: str = ""


@dataclass(frozen=True, eq=False)
class Dialect:
    """One vendor's document as data."""

    name: str
    title: str
    document: Source
    base_url: str
    models: tuple[str, ...]
    methods: tuple[str, ...]
    traits: Mapping[str, tuple[Reading, ...]]
    own_form: Mapping[str, JSON]
    requests: tuple[Mapping[str, JSON], ...]
    remarks: tuple[DocumentRemark, ...]
    fields: tuple[Field, ...]
    shapes: Mapping[str, Shape]  # place -> what the document says may stand there
    embedded: Mapping[str, JSON]
    folder: Path
    digest: str  # sha256 over its files
    facts: Mapping[str, JSON] = field(
        default_factory=lambda: NOTHING, repr=False
    )  # dialect.json as it stands

    def fields_of(self, place: str) -> tuple[Field, ...]:
        """Return the fields that the document names in one place."""
        return tuple(one for one in self.fields if one.place == place)

    @cached_property
    def values_of_traits(self) -> Mapping[str, JSON]:
        """Each trait as results.json wants it: null where the page is silent, a list where it contradicts itself."""
        return MappingProxyType({name: _documented(readings) for name, readings in self.traits.items()})


def _documented(readings: tuple[Reading, ...]) -> JSON:
    values = [reading.value for reading in readings]
    return values[0] if len(values) == 1 else values or None


def list_bundled_dialects() -> tuple[str, ...]:
    """Return the names of the dialects that come with the program, Google's first."""
    names = (path.parent.name for path in find_schemas_folder().glob("*/dialect.json"))
    return tuple(sorted(names, key=lambda name: (name != "google", name)))


def find_folder(name_or_path: str, base: Path) -> Path:
    """Return the folder of a bundled dialect, or the user's own, relative to `base`. Raises DialectError."""
    if name_or_path in list_bundled_dialects():
        return find_schemas_folder() / name_or_path
    own = base / name_or_path
    if any(mark in name_or_path for mark in "/\\.") or own.is_dir():
        if not (own / "dialect.json").is_file():
            raise DialectError(
                f"{own}: there is no dialect.json in it; docs/dialects.md tells how to write one"
            )
        return own
    hint = suggest_or_list(name_or_path, (*list_bundled_dialects(), "a folder such as ./mine"))
    raise DialectError(f"there is no dialect {name_or_path!r}{hint}")


def load_dialect(name_or_path: str, base: Path = Path()) -> Dialect:
    """Return a dialect by the name of a bundled one, or by the path of a folder, relative to `base`.

    Raises DialectError, a line per fault. A user's own folder is checked whole before anything of it is used.
    """
    folder = find_folder(name_or_path, base)
    if folder.parent == find_schemas_folder():
        return _bundled(folder)
    parts = read_parts(folder)
    faults = find_form_faults(folder, parts)
    if faults:
        raise DialectError(*faults)
    return _sound(folder, parts)


@cache
def _bundled(folder: Path) -> Dialect:
    """Load what comes with the program once; its form is held by the project's own tests."""
    return _sound(folder, read_parts(folder))


def _sound(folder: Path, parts: Mapping[str, Mapping[str, JSON]]) -> Dialect:
    try:
        return _assembled(folder, parts)
    except (KeyError, TypeError, AttributeError) as error:
        raise DialectError(f"{folder}: is not a dialect: {error!r}; run the lint command on it") from error


def list_files(folder: Path) -> tuple[Path, ...]:
    """Return the files that make up a dialect, those that exist, dialect.json first."""
    names = ("dialect.json", *(f"{place}.schema.json" for place in PLACES))
    return tuple(folder / name for name in names if (folder / name).exists() or name == "dialect.json")


def read_parts(folder: Path) -> dict[str, Mapping[str, JSON]]:
    """Return the JSON objects of a dialect by file name. Raises DialectError."""
    parts: dict[str, Mapping[str, JSON]] = {}
    for path in list_files(folder):
        try:
            value = read_json_file(path, within=folder)
        except FileError as error:
            raise DialectError(*error.args) from error
        if not isinstance(value, dict):
            raise DialectError(f"{path}: must hold a JSON object")
        parts[path.name] = value
    return parts


def find_form_faults(folder: Path, parts: Mapping[str, Mapping[str, JSON]]) -> list[str]:
    """Return a line for every place where a dialect's files break the format's own schemas."""
    faults: list[str] = []
    for name, value in parts.items():
        form = "dialect" if name == "dialect.json" else "dialect-part"
        found = validate(dict(value), ROOT_ID + form)
        faults += [f"{folder / name}: {pointer or '/'}: {message}" for pointer, message in found]
    return faults


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in list_files(folder):
        data = read_bounded(path, within=folder)
        total.update(f"{path.name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def _assembled(folder: Path, parts: Mapping[str, Mapping[str, JSON]]) -> Dialect:
    facts = parts["dialect.json"]
    document = as_object(facts["document"])
    address = str(document.get("url", ""))
    url = address if address.startswith(("https://", "http://")) else ""
    source = Source(str(document["title"]), sha256=str(document.get("sha256", "")), url=url)
    schemas = {place: parts[f"{place}.schema.json"] for place in PLACES if f"{place}.schema.json" in parts}
    name = str(facts["name"])
    return Dialect(
        name=name,
        title=str(facts["title"]),
        document=source,
        base_url=str(facts.get("base_url", "")),
        models=tuple(str(model) for model in _list(as_object(facts.get("models")).get("names"))),
        methods=tuple(str(one) for one in _list(as_object(facts.get("methods")).get("names"))),
        traits=MappingProxyType(
            {key: _readings(value, source) for key, value in as_object(facts["traits"]).items()}
        ),
        own_form=as_object(facts.get("own_form")),
        requests=tuple(as_object(one) for one in _list(facts.get("requests"))),
        remarks=tuple(_remark(name, as_object(one)) for one in _list(facts.get("remarks"))),
        fields=tuple(one for place, schema in schemas.items() for one in _fields(place, schema, source)),
        shapes=MappingProxyType({place: ShapeReader(schema).root() for place, schema in schemas.items()}),
        embedded=as_object(facts.get("embedded")),
        folder=folder,
        digest=_digest(folder),
        facts=facts,
    )


def _list(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else []


def _readings(value: JSON, document: Source) -> tuple[Reading, ...]:
    return tuple(_reading(as_object(one), document) for one in _list(value))


def _reading(one: Mapping[str, JSON], document: Source) -> Reading:
    source = replace(document, lines=str(one.get("lines", "")), says=str(one.get("says", "")))
    return Reading(one["value"], source, str(one["known"]))


def _remark(dialect: str, one: Mapping[str, JSON]) -> DocumentRemark:
    texts = {key: str(one.get(key, "")) for key in ("kind", "pointer", "says", "lines", "id")}
    return DocumentRemark(dialect, **texts)


def sort_sources(schema: Mapping[str, JSON]) -> tuple[Mapping[str, JSON], ...]:
    """Return the `x-source` entries of one property, the surest first."""
    value = schema.get("x-source")
    entries = [as_object(one) for one in (value if isinstance(value, list) else [value] if value else [])]
    return tuple(sorted(entries, key=lambda one: _rank(str(one.get("known")))))


def _rank(known: str) -> int:
    return KNOWN.index(known) if known in KNOWN else len(KNOWN)


def _fields(place: str, schema: Mapping[str, JSON], document: Source, at: str = "") -> Iterator[Field]:
    required = _list(schema.get("required"))
    for name, value in as_object(schema.get("properties")).items():
        property_ = as_object(value)
        here = at + to_pointer([name])
        entries = sort_sources(property_)
        if entries:
            yield Field(
                place=place,
                pointer=here,
                type=str(property_.get("type", "object" if "$ref" in property_ else "any")),
                required=name in required or property_.get("x-required") is True,
                source=_source(entries, document),
                known=str(entries[0].get("known")),
                contradicted=str(property_.get("x-contradicted", "")),
            )
        yield from _fields(place, property_, document, here)
    if isinstance(schema.get("items"), dict):
        yield from _fields(place, as_object(schema["items"]), document, f"{at}/*")


def _source(entries: tuple[Mapping[str, JSON], ...], document: Source) -> Source:
    lines = dict.fromkeys(str(one.get("lines")) for one in entries)
    says = next((str(one["says"]) for one in entries if "says" in one), "")
    return replace(document, lines=", ".join(lines), says=says)
