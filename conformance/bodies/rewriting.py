"""Valid bodies written otherwise: Google's JSON reader takes them for the same, and so must a vendor."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from conformance.bodies.locations import BodyLocation, replace_at, to_snake_case, walk_body
from conformance.bodies.tree import Node
from conformance.model import JSON


def _snake_case(root: Node, body: JSON) -> JSON:
    return to_snake_case(root, body)


def _each(root: Node, body: JSON, new: Callable[[BodyLocation], JSON]) -> JSON:
    for spot in walk_body(root, body):
        value = new(spot)
        if value is not spot.value:
            body = replace_at(body, spot.path, value)
    return body


def _enum_numbers(root: Node, body: JSON) -> JSON:
    """Enums by number: their names stand in Google's schemas in the order of their numbers, from 0."""

    def number(spot: BodyLocation) -> JSON:
        named = spot.node.format == "enum" and spot.value in spot.node.enum
        return spot.node.enum.index(spot.value) if named else spot.value

    return _each(root, body, number)


def _numbers_as_texts(root: Node, body: JSON) -> JSON:
    def text(spot: BodyLocation) -> JSON:
        whole = spot.node.kind == "integer" and isinstance(spot.value, int)
        return str(spot.value) if whole else spot.value

    return _each(root, body, text)


def _whole_fractions(root: Node, body: JSON) -> JSON:
    def fraction(spot: BodyLocation) -> JSON:
        whole = spot.node.kind == "integer" and isinstance(spot.value, int)
        return float(str(spot.value)) if whole else spot.value

    return _each(root, body, fraction)


def _nulls(node: Node, value: JSON) -> JSON:
    """Put a null for a member that is not there into each object: the same as its absence."""
    if isinstance(value, list) and node.item is not None:
        return [_nulls(node.item, one) for one in value]
    if not isinstance(value, dict) or not node.children:
        return value
    if node.item is not None:
        return {name: _nulls(node.item, one) for name, one in value.items()}
    inner = {
        name: _nulls(node.children[name], one) if name in node.children else one
        for name, one in value.items()
    }
    absent = [name for name in node.children if name not in value and name not in node.oneof]
    usual = [name for name in absent if node.usual is None or name in node.usual]
    return {**inner, usual[0]: None} if usual else inner


def _reordered(_root: Node, body: JSON) -> JSON:
    if isinstance(body, dict):
        return {name: _reordered(_root, body[name]) for name in reversed(body)}
    return [_reordered(_root, one) for one in body] if isinstance(body, list) else body


def _url_safe(root: Node, body: JSON) -> JSON:
    def url_safe(spot: BodyLocation) -> JSON:
        if spot.node.format != "bytes" or not isinstance(spot.value, str):
            return spot.value
        return base64.urlsafe_b64encode(base64.b64decode(spot.value)).decode().rstrip("=")

    return _each(root, body, url_safe)


def _plain_text(root: Node, body: JSON) -> JSON:
    """Odd texts made plain: not the same question, but no reason to refuse one and not the other."""

    def plain(spot: BodyLocation) -> JSON:
        return "stone" if spot.node.awkward and spot.value in spot.node.awkward else spot.value

    return _each(root, body, plain)


REWRITINGS: Mapping[str, Callable[[Node, JSON], JSON]] = {
    "snake-case": _snake_case,
    "enum-number": _enum_numbers,
    "reordered": _reordered,
    "nulls": _nulls,
    "number-as-text": _numbers_as_texts,
    "whole-fraction": _whole_fractions,
    "url-safe-base64": _url_safe,
    "plain-text": _plain_text,
}


def rewrite(root: Node, body: JSON, first: int) -> tuple[str, JSON] | None:
    """Return the name and the body of the rewriting at `first`, or of the next that changes anything."""
    names = list(REWRITINGS)
    for turn in range(len(names)):
        name = names[(first + turn) % len(names)]
        other = REWRITINGS[name](root, body)
        if repr(other) != repr(body):
            return name, other
    return None
