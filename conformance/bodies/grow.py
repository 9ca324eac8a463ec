"""Valid bodies, grown from a schema's tree by coins; what is wanted comes first.

Rich from the first one: a body is handed the places that no body has reached yet, and grows towards them;
members that are cheap and usual come by themselves, exotic ones (tools that cost money, settings of other
models) only when it is their turn, since one of them is enough to have a body refused.
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from conformance.bodies.coins import Coins
from conformance.bodies.narrowing import Narrowing, Together
from conformance.bodies.tree import ITEM, Node
from conformance.model import JSON
from conformance.names import to_camel

DEEPEST = 9  # levels below which only what is required grows: a schema inside itself ends
ITEMS = 3  # of a list of which nothing is said
_NUMBERS: dict[str, tuple[float, float]] = {"integer": (0, 8), "number": (0, 1)}


class Grower:
    """Grows one body; forgets a wanted place once it stands in the body."""

    def __init__(
        self, coins: Coins, narrowing: Narrowing, wanted: Collection[str] = (), nonce: str = "0000"
    ) -> None:
        """`wanted`: places (`/contents/*/role`) that the body should have; `nonce`: 4 hex digits for prompts."""
        self.coins, self.narrowing, self.nonce = coins, narrowing, nonce
        self.wanted = set(wanted)
        self.names: dict[str, int] = {}

    def body(self, root: Node) -> JSON:
        """Return a valid body."""
        return mended(self.value(root, ""), self.narrowing.together)

    def value(self, node: Node, place: str) -> JSON:
        """Return a valid value of one place."""
        self.wanted.discard(place)
        if node.kind == "object":
            return self.object(node, place)
        return self.list(node, place) if node.kind == "array" else self.scalar(node)

    def object(self, node: Node, place: str) -> JSON:
        """Return an object; of members that exclude each other, at most one."""
        if node.open:
            return {}
        if node.item is not None and len(node.children) == 1:
            return self.map(node, place)
        members = self.members(node, place)
        return {
            name: self.value(node.children[name], f"{place}/{name}")
            for name in node.children
            if name in members
        }

    def members(self, node: Node, place: str) -> set[str]:
        """Return the names of the members that grow."""
        chosen = {name for name in node.children if name not in node.oneof and self.grows(node, name, place)}
        if node.oneof:
            chosen |= self.one_of(node, place)
        return chosen

    def grows(self, node: Node, name: str, place: str) -> bool:
        """Return whether a member grows: required, wanted, or usual and lucky."""
        if name in node.required or name in node.always or self.wants(f"{place}/{name}"):
            return True
        usual = node.usual is None or name in node.usual
        return usual and place.count("/") < DEEPEST and self.coins.toss()

    def wants(self, place: str) -> bool:
        """Return whether this place, or one below it, is wanted."""
        return any(wanted == place or wanted.startswith(f"{place}/") for wanted in self.wanted)

    def one_of(self, node: Node, place: str) -> set[str]:
        """Return one of the members that exclude each other: a wanted one, else the first usual one mostly."""
        wanted = [name for name in node.oneof if name in node.children and self.wants(f"{place}/{name}")]
        usual = [
            name
            for name in node.oneof
            if name in node.children and (node.usual is None or name in node.usual)
        ]
        if wanted:
            return {wanted[0]}
        if not usual or place.count("/") >= DEEPEST:
            return set(node.required & set(node.oneof))
        if place.endswith(ITEM):  # an element of a list holds something
            return {usual[0] if self.coins.toss() else self.coins.pick(usual)}
        return {self.coins.pick(usual)} if self.coins.toss() else set()

    def map(self, node: Node, place: str) -> JSON:
        """Return an object whose names are free."""
        assert node.item is not None  # noqa: S101 - for mypy: the caller looked
        count = self.count(node, place, fewest=0)
        names = self.narrowing.names[:count]
        return {name: self.value(node.item, f"{place}/{ITEM}") for name in names}

    def list(self, node: Node, place: str) -> JSON:
        """Return a list, longer where more is wanted of its elements than they can hold at once."""
        if node.item is None:
            return []
        below = f"{place}/{ITEM}"
        values = [self.value(node.item, below) for _ in range(self.count(node, place, fewest=1))]
        while self.wants(below) and len(values) < 24:
            values.append(self.value(node.item, below))
            if not _helps(node.item):
                break
        return values

    def count(self, node: Node, place: str, fewest: int) -> int:
        """Return how many elements a list or map begins with: at least one, seldom none where that is valid."""
        low, high = int(node.low or 0), int(ITEMS if node.high is None else node.high)
        if high > low == 0 and self.coins.seldom() and not self.wants(place):
            return fewest if fewest < 1 else 0
        low = max(low, min(1, high))
        return low + self.coins.below(min(high, 24) - low + 1)

    def scalar(self, node: Node) -> JSON:
        """Return a value that is neither an object nor a list."""
        if node.awkward and self.coins.seldom():
            return self.coins.pick(node.awkward)
        if node.examples:
            return self.example(node)
        if node.enum:
            return self.coins.pick(node.enum)
        if node.kind == "boolean":
            return self.coins.toss()
        return self.number(node) if node.kind in _NUMBERS else self.stock(node)

    def example(self, node: Node) -> JSON:
        """Return one of the values that the narrowing gives, made unlike the others where it must be."""
        value: JSON = filled(self.coins.pick(node.examples), self.nonce)
        if not node.unique:
            return value
        key = f"{node.where} {node.name}"
        used = self.names[key] = self.names.get(key, 0) + 1
        return node.examples[0] if used == 1 else f"{value}_{used}"

    def number(self, node: Node) -> JSON:
        """Return a bound, or something between the bounds; fractions that a float holds exactly."""
        low, high = self.bounds(node)
        if self.coins.toss():
            return _typed(node, low if self.coins.toss() else high)
        steps = 8 if node.kind == "number" else min(int(high - low), 15)
        step = (high - low) / steps if steps else 0
        return _typed(node, low + int(step * self.coins.below(steps + 1) * 8) / 8)

    def bounds(self, node: Node) -> tuple[float, float]:
        """Return the least and the greatest number that is drawn."""
        low, high = _NUMBERS[node.kind]
        low = low if node.low is None else node.low
        return low, (max(high, low) if node.high is None else node.high)

    def stock(self, node: Node) -> JSON:
        """Return a value for a place of which the narrowing says nothing."""
        if node.kind == "free":
            free: JSON = filled(self.coins.pick(self.narrowing.free), self.nonce)
            return free
        value: JSON = self.coins.pick(self.narrowing.formats.get(node.format, self.narrowing.words))
        return value


def _helps(item: Node) -> bool:
    """Return whether another element can hold what this one could not: only where members exclude each other."""
    return bool(item.oneof) or any(child.oneof or _lists_choices(child) for child in item.children.values())


def _lists_choices(node: Node) -> bool:
    return node.item is not None and bool(node.item.oneof)


def _typed(node: Node, value: float) -> JSON:
    return int(value) if node.kind == "integer" or value == int(value) else value


def filled(value: Any, nonce: str) -> Any:
    """Return a value with `{nonce}` put in wherever a text asks for it."""
    if isinstance(value, str):
        return value.replace("{nonce}", nonce)
    if isinstance(value, list):
        return [filled(one, nonce) for one in value]
    return {name: filled(one, nonce) for name, one in value.items()} if isinstance(value, dict) else value


def mended(body: JSON, together: Collection[Together]) -> JSON:
    """Return a body in which settings that need others have them. Pointers are those of a body, names only."""
    for rule in together:
        if found(body, rule.when):
            missing = {pointer: value for pointer, value in rule.lend.items() if not found(body, pointer)}
            for pointer, value in {**rule.give, **missing}.items():
                put(body, pointer, deepcopy(value))
    return body


def found(body: JSON, pointer: str) -> bool:
    """Return whether a body has something at a pointer of names, in whatever casing."""
    for name in pointer.split("/")[1:]:
        if not isinstance(body, dict) or _spelt(body, name) not in body:
            return False
        body = body[_spelt(body, name)]
    return True


def put(body: JSON, pointer: str, value: JSON) -> None:
    """Put a value into a body at a pointer of names; objects on the way are made."""
    *way, last = pointer.split("/")[1:]
    for name in way:
        if isinstance(body, dict):
            body = body.setdefault(_spelt(body, name), {})
    if isinstance(body, dict):
        body[_spelt(body, last)] = value


def _spelt(body: dict[str, JSON], name: str) -> str:
    """Return the member that `name` is in the body's own spelling, or the name."""
    return next((key for key in body if to_camel(key) == name), name)
