"""The request forms that bodies are made for: a dialect's own, and Google's, each compiled once.

What a page leaves open (an object without members) is what Google's schema has at that place, found by the
name in lowerCamelCase: a vendor that names `tools` and says no more of them claims Google's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.bodies.narrowing import Narrowing, narrowing
from conformance.bodies.tree import ITEM, Node, SchemaError, compiled, places
from conformance.dialects.dialect import Dialect
from conformance.files import FileError, build_registry, find_schemas_folder, read_json_file
from conformance.names import to_camel

SCHEMA, NARROW = "request.schema.json", "narrow.json"


@dataclass(frozen=True, eq=False)
class RequestForm:
    """One request form: its name, its tree, and what narrows it."""

    name: str
    root: Node
    narrowing: Narrowing
    usual: tuple[str, ...]  # places that are cheap and usual
    exotic: tuple[str, ...]  # the others
    googles: frozenset[str] | None = None  # Google's places; None: this is Google's own form

    def is_googles(self, place: str) -> bool:
        """Return whether Google's request has this place too, in whatever casing."""
        return self.googles is None or "/".join(map(to_camel, place.split("/"))) in self.googles


def load_forms(dialect: Dialect) -> tuple[RequestForm, RequestForm]:
    """Return a dialect's own request form and Google's; the same one twice for Google.

    Raises SchemaError where a schema cannot be read or admits nothing, FileError where a file cannot.
    """
    return _forms(dialect.folder)


def find_form(dialect: Dialect, source: str) -> RequestForm:
    """Return the form that a body of that source (`Drawn.source`) was made for."""
    own, google = load_forms(dialect)
    return google if source.startswith(google.name) else own


@cache
def _forms(folder: Path) -> tuple[RequestForm, RequestForm]:
    google = load_google_form()
    if folder.resolve() == (find_schemas_folder() / "google").resolve():
        return google, google
    said = [read_google_narrowing(), *_narrow(folder)]
    root = compiled(_read(folder / SCHEMA, folder), build_registry(), "", narrowing(*said))
    _lend(root, google.root, set())
    form = _form(f"{folder.name} request", root, narrowing(*said))
    return replace(form, googles=frozenset(("", *google.usual, *google.exotic))), google


@cache
def load_google_form() -> RequestForm:
    """Return the form of Google's requests."""
    folder = find_schemas_folder() / "google"
    narrowed = narrowing(read_google_narrowing())
    return _form(
        "google request", compiled(_read(folder / SCHEMA, folder), build_registry(), "", narrowed), narrowed
    )


@cache
def read_google_narrowing() -> Mapping[str, Any]:
    """Return the narrowing that stands beside Google's request schema."""
    return _read(find_schemas_folder() / "google" / NARROW, find_schemas_folder())


def _narrow(folder: Path) -> list[Mapping[str, Any]]:
    own = folder / NARROW
    return [_read(own, folder)] if own.is_file() else []


def _read(path: Path, within: Path) -> Mapping[str, Any]:
    value = read_json_file(path, within=within)
    if not isinstance(value, Mapping):
        raise SchemaError(str(path), "", "a schema is an object")
    return value


def _form(name: str, root: Node, narrowed: Narrowing) -> RequestForm:
    every = [place for place, _ in places(root)]
    exotic = {place for place in every if _is_exotic(root, place)}
    return RequestForm(
        name, root, narrowed, tuple(p for p in every if p not in exotic), tuple(p for p in every if p in exotic)
    )  # fmt: skip


def _is_exotic(root: Node, place: str) -> bool:
    """Return whether a place lies at or below a member that is not drawn unasked."""
    node = root
    for name in place.split("/")[1:]:
        if name != ITEM and node.usual is not None and name not in node.usual and name not in node.required:
            return True
        node = node.children[name]
    return False


def _lend(own: Node, google: Node, seen: set[tuple[int, int]]) -> None:
    """Fill what the own tree leaves open with Google's."""
    if (id(own), id(google)) in seen:
        return
    seen.add((id(own), id(google)))
    theirs = {to_camel(name): child for name, child in google.children.items()}
    if own.kind == "array" and own.item is None and google.item is not None:
        own.children[ITEM] = google.item
    for name, child in list(own.children.items()):
        other = google.item if name == ITEM else theirs.get(to_camel(name))
        if other is None:
            continue
        lent = not child.enum and not child.format and bool(other.enum)
        if other.kind == child.kind and (lent or (child.open and not other.open)):
            own.children[name] = other
        else:
            _lend(child, other, seen)


def check_schemas(dialect: Dialect) -> list[str]:
    """Return what keeps bodies from being made for a dialect, a line each: schema, pointer, fault. Asks nobody."""
    try:
        own, _ = load_forms(dialect)
    except (SchemaError, FileError) as exc:
        return [str(exc)]
    endless = _endless(own.root, (own.root.where,))
    return [f"{endless}: admits nothing: it is required inside itself"] if endless else []


def _endless(node: Node, above: tuple[str, ...]) -> str:
    """Return where a schema requires itself within itself, or an empty string."""
    for name in sorted(node.required & set(node.children)):
        child = node.children[name]
        if child.where in above:
            return child.where
        found = _endless(child, (*above, child.where))
        if found:
            return found
    return ""
