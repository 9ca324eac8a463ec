"""Valid bodies written in another way: Google's JSON reader treats them as the same request, and so must a vendor."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial

from conformance.bodies.locations import BodyLocation, replace_each, to_snake_case
from conformance.bodies.tree import Node
from conformance.model import JSON

Rewriting = Callable[[Node, JSON], JSON]


def _rewrite_value(name: str, one: BodyLocation) -> JSON:
    """Return one value written in the way of that name, or unchanged if that way does not differ for it."""
    node, value = one.node, one.value
    is_whole = node.kind == "integer" and isinstance(value, int)
    match name:
        case "enum-number" if node.format == "enum" and value in node.enum:
            return node.enum.index(
                str(value)
            )  # Google's schemas list the names in the order of their numbers, from 0
        case "number-as-text" if is_whole:
            return str(value)
        case "whole-fraction" if is_whole:
            return float(str(value))
        case "url-safe-base64" if node.format == "bytes" and isinstance(value, str):
            return base64.urlsafe_b64encode(base64.b64decode(value)).decode().rstrip("=")
        case "plain-text" if node.awkward and value in node.awkward:
            return "stone"  # not the same question, but neither gives a reason to refuse only one of them
    return value


def _rewrite_each(name: str) -> Rewriting:
    return lambda root, body: replace_each(root, body, partial(_rewrite_value, name))


def _add_nulls(node: Node, value: JSON) -> JSON:
    """Add a null for an absent member to each object, which means the same as its absence."""
    if isinstance(value, list) and node.item is not None:
        return [_add_nulls(node.item, one) for one in value]
    if not isinstance(value, dict) or not node.children:
        return value
    inner: dict[str, JSON] = {
        name: _add_nulls(child, one) if (child := node.child(name)) is not None else one
        for name, one in value.items()
    }
    absent = [name for name in node.children if name not in value and name not in node.oneof]
    usual = [name for name in absent if node.usual is None or name in node.usual]
    return {**inner, usual[0]: None} if usual and node.item is None else inner


def _reverse_members(root: Node, body: JSON) -> JSON:
    if isinstance(body, dict):
        return {name: _reverse_members(root, body[name]) for name in reversed(body)}
    return [_reverse_members(root, one) for one in body] if isinstance(body, list) else body


REWRITINGS: Mapping[str, Rewriting] = {
    "snake-case": to_snake_case,
    "enum-number": _rewrite_each("enum-number"),
    "reordered": _reverse_members,
    "nulls": _add_nulls,
    "number-as-text": _rewrite_each("number-as-text"),
    "whole-fraction": _rewrite_each("whole-fraction"),
    "url-safe-base64": _rewrite_each("url-safe-base64"),
    "plain-text": _rewrite_each("plain-text"),
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
