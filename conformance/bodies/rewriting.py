"""Valid bodies written otherwise: Google's JSON reader takes them for the same, and so must a vendor."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from conformance.bodies.locations import BodyLocation, replace_each, to_snake_case
from conformance.bodies.tree import Node
from conformance.model import JSON

Rewriting = Callable[[Node, JSON], JSON]


def _for_each_place(rewrite_value: Callable[[BodyLocation], JSON]) -> Rewriting:
    return lambda root, body: replace_each(root, body, rewrite_value)


def _number_enum(one: BodyLocation) -> JSON:
    """Enums by number: their names stand in Google's schemas in the order of their numbers, from 0."""
    named = one.node.format == "enum" and one.value in one.node.enum
    return one.node.enum.index(str(one.value)) if named else one.value


def _write_number_as_text(one: BodyLocation) -> JSON:
    return str(one.value) if _is_whole_number(one) else one.value


def _write_whole_fraction(one: BodyLocation) -> JSON:
    return float(str(one.value)) if _is_whole_number(one) else one.value


def _is_whole_number(one: BodyLocation) -> bool:
    return one.node.kind == "integer" and isinstance(one.value, int)


def _make_url_safe(one: BodyLocation) -> JSON:
    if one.node.format != "bytes" or not isinstance(one.value, str):
        return one.value
    return base64.urlsafe_b64encode(base64.b64decode(one.value)).decode().rstrip("=")


def _make_text_plain(one: BodyLocation) -> JSON:
    """Odd texts made plain: not the same question, but no reason to refuse one and not the other."""
    return "stone" if one.node.awkward and one.value in one.node.awkward else one.value


def _add_nulls(node: Node, value: JSON) -> JSON:
    """Put a null for a member that is not there into each object: the same as its absence."""
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
    "enum-number": _for_each_place(_number_enum),
    "reordered": _reverse_members,
    "nulls": _add_nulls,
    "number-as-text": _for_each_place(_write_number_as_text),
    "whole-fraction": _for_each_place(_write_whole_fraction),
    "url-safe-base64": _for_each_place(_make_url_safe),
    "plain-text": _for_each_place(_make_text_plain),
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
