"""The request forms that bodies are made for: a dialect's own, and Google's, each built once in a process.

Where a page leaves something open (an object without members), Google's schema for that place applies, found by the
name in lowerCamelCase: a vendor that names `tools` without describing them is taken to accept Google's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from conformance.bodies.narrowing import Narrowing, read_narrowing
from conformance.bodies.tree import ITEM, Node, build_tree, find_empty_places, walk_tree
from conformance.dialects.dialect import Dialect
from conformance.dialects.shapes import load_reference
from conformance.names import to_camel


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
        """Return whether Google's request has this place too, in any casing."""
        return self.googles is None or "/".join(map(to_camel, place.split("/"))) in self.googles


def load_forms(dialect: Dialect) -> tuple[RequestForm, RequestForm]:
    """Return a dialect's own request form and Google's: Google's twice if the page does not describe a request."""
    return load_own_form(dialect), load_google_form()


def find_form(dialect: Dialect, source: str) -> RequestForm:
    """Return the form that a body of that source (`GeneratedBody.source`) was made for."""
    own, google = load_forms(dialect)
    return google if source.startswith(google.name) else own


@cache
def load_google_form() -> RequestForm:
    """Return the form of Google's requests."""
    return _make_form("google request", build_tree(load_reference().request, read_narrowing()))


@cache
def load_own_form(dialect: Dialect) -> RequestForm:
    """Return the form of a dialect's requests, with Google's form where the page leaves something open."""
    google = load_google_form()
    shape = dialect.shapes.get("request")
    if shape is None or shape is google.root.shape:
        return google
    root = build_tree(shape, read_narrowing())
    _fill_open_places(root, google.root, set())
    form = _make_form(f"{dialect.name} request", root)
    return replace(form, googles=frozenset(("", *google.usual, *google.exotic)))


def check_schemas(dialect: Dialect) -> list[str]:
    """Return a line for each place in the dialect's request that no value can fill. Nothing is sent."""
    return [f"request.schema.json: {line}" for line in find_empty_places(load_own_form(dialect).root)]


def _make_form(name: str, root: Node) -> RequestForm:
    every = [place for place, _ in walk_tree(root)]
    exotic = {place for place in every if _is_exotic(root, place)}
    usual = tuple(place for place in every if place not in exotic)
    return RequestForm(name, root, read_narrowing(), usual, tuple(filter(exotic.__contains__, every)))


def _is_exotic(root: Node, place: str) -> bool:
    """Return whether a place lies at or below a member that is not generated unasked."""
    node = root
    for name in place.split("/")[1:]:
        if name != ITEM and node.usual is not None and name not in node.usual | node.required:
            return True
        node = node.children[name]
    return False


def _fill_open_places(own: Node, google: Node, seen: set[tuple[Node, Node]]) -> None:
    """Give the own tree Google's nodes for what it leaves open: an object's members, a list's items, a text's values."""
    if (own, google) in seen:
        return
    seen.add((own, google))
    theirs = {to_camel(name): child for name, child in google.children.items()}
    if own.kind == "array" and own.item is None and google.item is not None:
        own.children[ITEM] = google.item
    for name, child in list(own.children.items()):
        other = google.item if name == ITEM else theirs.get(to_camel(name))
        if other is None:
            continue
        says_nothing = not child.enum and not child.format and bool(other.enum)
        if other.kind == child.kind and (says_nothing or (child.is_open and not other.is_open)):
            own.children[name] = other
        else:
            _fill_open_places(child, other, seen)
