"""Valid bodies as Hypothesis strategies, built from the tree of a request form.

Bodies are rich from the first one: a strategy is handed the places that no body has reached yet, and its bodies hold them.
Cheap and usual members are included by default, each half of the time; exotic ones (tools that cost money, settings of other
models) only when they are wanted, since one of them is enough to make a vendor refuse the body.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

from conformance.bodies.forms import RequestForm
from conformance.bodies.locations import complete_settings, make_names_distinct, put_nonce
from conformance.bodies.narrowing import Narrowing
from conformance.bodies.tree import ITEM, Node
from conformance.model import JSON

DEEPEST = 9  # levels below which a body holds only what is needed: a schema inside itself ends
MOST_ITEMS = 24
_ITEMS = 3  # for a list about which the schema says nothing
_NUMBERS: dict[str, tuple[float, float]] = {"integer": (0, 8), "number": (0, 1)}
_HALF = st.booleans()
_QUARTER = st.sampled_from((False, False, False, True))

Draw = Callable[[st.SearchStrategy[Any]], Any]


def strategy_for(
    form: RequestForm, wanted: Collection[str] = (), nonce: str = "0000"
) -> st.SearchStrategy[JSON]:
    """Return the strategy of the valid bodies of a form that hold the places `wanted` (`/contents/*/role`).

    `nonce`: four hex digits that texts ask a model to repeat.
    """

    @st.composite
    def bodies(draw: Draw) -> JSON:
        body = put_nonce(_Filling(draw, form.narrowing, wanted).fill(form.root, ""), nonce)
        return complete_settings(make_names_distinct(form.root, body), form.narrowing.together)

    return bodies()


class _Filling:
    """One body while it is drawn; a wanted place is dropped once the body contains it."""

    def __init__(self, draw: Draw, narrowing: Narrowing, wanted: Collection[str]) -> None:
        self.draw, self.narrowing, self.wanted = draw, narrowing, set(wanted)
        self.named: set[Node] = set()

    def fill(self, node: Node, place: str) -> JSON:
        """Return a valid value of one place."""
        self.wanted.discard(place)
        if node.kind == "array":
            return self.fill_list(node, place)
        if node.kind != "object":
            return self.fill_scalar(node)
        if node.item is not None and len(node.children) == 1:
            names = self.narrowing.names[: self.draw_count(node, place)]
            return {name: self.fill(node.item, f"{place}/{ITEM}") for name in names}
        members = self.choose_members(node, place)
        return {
            name: self.fill(node.children[name], f"{place}/{name}")
            for name in node.children
            if name in members
        }

    def choose_members(self, node: Node, place: str) -> set[str]:
        """Return the members that the object has: what is needed, what is wanted, and some that are usual."""
        usual = node.children.keys() if node.usual is None else node.usual
        free = usual if place.count("/") < DEEPEST else ()
        wanted = {name for name in node.children if self.wants(f"{place}/{name}")}
        chosen = {
            name
            for name in node.children
            if name not in node.oneof
            and (name in node.needed | wanted or (name in free and self.draw(_HALF)))
        }
        return chosen | self.choose_one(node, place, [name for name in node.oneof if name in wanted])

    def choose_one(self, node: Node, place: str, wanted: list[str]) -> set[str]:
        """Return at most one of the members that exclude each other; an element of a list has one, mostly the first."""
        usual = [
            name
            for name in node.oneof
            if name in node.children and (node.usual is None or name in node.usual)
        ]
        if wanted:
            return {wanted[0]}
        if not usual or place.count("/") >= DEEPEST:
            return set(node.required & set(node.oneof))
        if place.endswith(ITEM):
            return {usual[0] if self.draw(_HALF) else self.draw(st.sampled_from(usual))}
        return {self.draw(st.sampled_from(usual))} if self.draw(_HALF) else set()

    def wants(self, place: str) -> bool:
        """Return whether this place, or one below it, is wanted."""
        return any(wanted == place or wanted.startswith(f"{place}/") for wanted in self.wanted)

    def fill_list(self, node: Node, place: str) -> JSON:
        """Return a list; it is longer if more is wanted in its elements than one of them can hold."""
        if node.item is None:
            return []
        below = f"{place}/{ITEM}"
        values = [self.fill(node.item, below) for _ in range(self.draw_count(node, place))]
        while self.wants(below) and len(values) < MOST_ITEMS:
            values.append(self.fill(node.item, below))
            if not _has_choices(node.item):  # another element holds no more than this one
                break
        return values

    def draw_count(self, node: Node, place: str) -> int:
        """Return how many elements a list or map begins with: at least one, seldom none where that is valid."""
        low, high = int(node.low or 0), int(_ITEMS if node.high is None else node.high)
        if high > low == 0 and not self.wants(place) and self.draw(_QUARTER):
            return 0
        low = max(low, min(1, high))
        count: int = self.draw(st.integers(low, max(low, min(high, MOST_ITEMS))))
        return count

    def fill_scalar(self, node: Node) -> JSON:
        """Return a value that is neither an object nor a list; for names that must differ, the first name is the first example."""
        if node.unique and node not in self.named:
            self.named.add(node)
            return node.examples[0]
        if node.awkward and self.draw(_QUARTER):
            return self.draw(st.sampled_from(node.awkward))  # type: ignore[no-any-return]
        return self.draw(_build_scalars(node, self.narrowing))  # type: ignore[no-any-return]


@cache
def _build_scalars(node: Node, narrowing: Narrowing) -> st.SearchStrategy[JSON]:
    if node.examples or node.enum:
        return st.sampled_from(node.examples or node.enum)
    if node.kind == "boolean":
        return _HALF
    if node.kind in _NUMBERS:
        return _build_numbers(node)
    stock = narrowing.free if node.kind == "free" else narrowing.formats.get(node.format, narrowing.words)
    return st.sampled_from(stock)


def _build_numbers(node: Node) -> st.SearchStrategy[JSON]:
    """Return the strategy of a number: half of the time a bound, else something between."""
    low, high = _NUMBERS[node.kind]
    low = low if node.low is None else node.low
    high = max(high, low) if node.high is None else node.high
    if node.kind == "integer":
        return st.sampled_from((int(low), int(high))) | st.integers(int(low), int(high))
    between = st.integers(0, 8).map(lambda eighths: low + (high - low) * eighths / 8)
    return (st.sampled_from((low, high)) | between).map(
        lambda value: int(value) if value == int(value) else value
    )


def _has_choices(item: Node) -> bool:
    """Return whether members of an element, or of a list in it, exclude each other."""
    below = (one for child in item.children.values() for one in (child, child.item) if one is not None)
    return bool(item.oneof) or any(one.oneof for one in below)


class _PlainProvider(HypothesisProvider):
    """Hypothesis' own choices, without the constants that it collects from whatever modules are loaded.

    With them the same seed gives other bodies in another program, and a folder `.hypothesis` appears.
    """

    def _maybe_draw_constant(self, *_args: Any, **_kwargs: Any) -> None:
        return None


AVAILABLE_PROVIDERS["conformance-plain"] = _PlainProvider
QUIET = settings(
    database=None,
    verbosity=Verbosity.quiet,
    deadline=None,
    derandomize=False,
    print_blob=False,
    suppress_health_check=tuple(HealthCheck),
)
_ONE = settings(QUIET, backend="conformance-plain", max_examples=2, phases=(Phase.generate,))


def draw_one(strategy: st.SearchStrategy[Any], number: int) -> Any:
    """Return one value of a strategy: the same for the same number and version of Hypothesis, in every program."""
    drawn: list[Any] = []

    @seed(number)
    @_ONE
    @given(st.integers(0, 255), strategy)
    def keep(_first: int, value: Any) -> None:
        drawn.append(value)

    keep()
    return drawn[-1]
