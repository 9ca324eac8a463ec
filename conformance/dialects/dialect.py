"""What one vendor's document says, and where: read from a folder of schemas."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.dialects.form import Parts, find_form_faults
from conformance.dialects.shapes import Shape, ShapeReader, as_object, load_shape
from conformance.files import (
    ROOT_ID,
    FileError,
    InputError,
    find_schemas_folder,
    read_bounded,
    read_json_file,
)
from conformance.model import JSON, NOTHING, Source
from conformance.names import suggest_or_list
from conformance.pointers import to_pointer

PLACES = ("request", "response", "chunk", "error")
KNOWN = ("listed", "exemplified", "prose")  # from the most reliable to the least


class DialectError(InputError):
    """A dialect that cannot be used. Each of `args` is one line: file, pointer, what is wrong, how to mend it."""


@dataclass(frozen=True)
class Reading:
    """One statement of a document about a trait; a document that contradicts itself has several."""

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
    # The content of dialect.json.
    facts: Mapping[str, JSON] = field(default_factory=lambda: NOTHING, repr=False)

    def fields_of(self, place: str) -> tuple[Field, ...]:
        """Return the fields that the document names in one place."""
        return tuple(one for one in self.fields if one.place == place)

    @cached_property
    def values_of_traits(self) -> Mapping[str, JSON]:
        """Each trait as results.json wants it: null if the page is silent, a list if it contradicts itself."""
        values = {name: [one.value for one in readings] for name, readings in self.traits.items()}
        return MappingProxyType(
            {name: one[0] if len(one) == 1 else one or None for name, one in values.items()}
        )


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
                f"{own}: there is no dialect.json in it; docs/dialects.md shows how to write one"
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
        return _load_bundled(folder)
    parts = read_parts(folder)
    faults = find_form_faults(folder, parts)
    if faults:
        raise DialectError(*faults)
    shapes = {place: ShapeReader(schema).read_root() for place, schema in _list_schemas(parts).items()}
    return _build_dialect(folder, parts, shapes)


@cache
def _load_bundled(folder: Path) -> Dialect:
    """Load what comes with the program once; the project's own tests check its form."""
    parts = read_parts(folder)
    wanted = {place: f"{ROOT_ID}{folder.name}/{place}" for place in _list_schemas(parts)}
    faults = [
        f"{folder / place}.schema.json: /$id: must be {id_!r} in a bundled dialect"
        for place, id_ in wanted.items()
        if parts[f"{place}.schema.json"].get("$id") != id_
    ]
    if faults:
        raise DialectError(*faults)
    shapes = {place: load_shape(id_) for place, id_ in wanted.items()}
    return _build_dialect(folder, parts, shapes)


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


def _list_schemas(parts: Parts) -> Parts:
    """Return the schemas among a dialect's files, by place."""
    return {place: parts[f"{place}.schema.json"] for place in PLACES if f"{place}.schema.json" in parts}


def _digest_files(folder: Path) -> str:
    total = hashlib.sha256()
    for path in list_files(folder):
        data = read_bounded(path, within=folder)
        total.update(f"{path.name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def _build_dialect(folder: Path, parts: Parts, shapes: Mapping[str, Shape]) -> Dialect:
    """Return the dialect that files of the right form describe."""
    facts: Mapping[str, Any] = parts["dialect.json"]
    document, name = facts["document"], str(facts["name"])
    address = str(document.get("url", ""))
    url = address if address.startswith(("https://", "http://")) else ""
    source = Source(document["title"], sha256=document.get("sha256", ""), url=url)
    texts = ("kind", "pointer", "says", "lines", "id")
    return Dialect(
        name=name,
        title=facts["title"],
        document=source,
        base_url=facts.get("base_url", ""),
        models=tuple(facts.get("models", {}).get("names", ())),
        methods=tuple(facts.get("methods", {}).get("names", ())),
        traits=MappingProxyType(
            {
                trait: tuple(Reading(one["value"], _cite(source, [one]), one["known"]) for one in readings)
                for trait, readings in facts["traits"].items()
            }
        ),
        own_form=facts.get("own_form", {}),
        requests=tuple(facts["requests"]),
        remarks=tuple(
            DocumentRemark(name, **{text: one.get(text, "") for text in texts}) for one in facts["remarks"]
        ),
        fields=tuple(
            one
            for place, schema in _list_schemas(parts).items()
            for one in _find_fields(place, schema, source)
        ),
        shapes=MappingProxyType(shapes),
        embedded=facts.get("embedded", {}),
        folder=folder,
        digest=_digest_files(folder),
        facts=facts,
    )


def sort_sources(schema: Mapping[str, JSON]) -> tuple[Mapping[str, JSON], ...]:
    """Return the `x-source` entries of one property, the surest first."""
    value = schema.get("x-source", [])
    entries = [as_object(one) for one in (value if isinstance(value, list) else [value])]
    return tuple(sorted(entries, key=lambda one: KNOWN.index(str(one["known"]))))


def _find_fields(place: str, schema: Mapping[str, Any], document: Source, at: str = "") -> Iterator[Field]:
    """Yield the properties of a schema that have a source, at any depth."""
    for name, value in schema.get("properties", {}).items():
        here = at + to_pointer([name])
        entries = sort_sources(value)
        if entries:
            yield Field(
                place=place,
                pointer=here,
                type=value.get("type", "object" if "$ref" in value else "any"),
                required=name in schema.get("required", ()) or value.get("x-required") is True,
                source=_cite(document, entries),
                known=str(entries[0]["known"]),
                contradicted=value.get("x-contradicted", ""),
            )
        yield from _find_fields(place, value, document, here)
    if isinstance(schema.get("items"), dict):
        yield from _find_fields(place, schema["items"], document, f"{at}/*")


def _cite(document: Source, entries: Sequence[Mapping[str, JSON]]) -> Source:
    """Return the document with the lines of all entries, and what the first of them says that says anything."""
    lines = dict.fromkeys(str(one["lines"]) for one in entries)
    says = next((str(one["says"]) for one in entries if "says" in one), "")
    return replace(document, lines=", ".join(lines), says=says)
