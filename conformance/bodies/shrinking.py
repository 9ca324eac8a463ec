"""The smallest body that still fails, found by Hypothesis' own shrinker within a number of requests.

Every request counts, so the strategy for smaller bodies needs few questions: it keeps one run of the body's leaves,
whose ends the shrinker finds by halving, and more or less of each leaf in it. Required members and the faulty place
stay, so that a valid body stays valid and an invalid one has only the same fault. No body is asked twice. Hypothesis
ends a search that takes more than five minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from queue import SimpleQueue
from random import Random
from threading import Thread
from typing import Any

from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

from conformance.bodies.forms import RequestForm
from conformance.bodies.generated_body import GeneratedBody, serialize
from conformance.bodies.locations import Path
from conformance.bodies.strategies import QUIET, Draw
from conformance.bodies.tree import Node
from conformance.model import JSON
from conformance.names import to_snake
from conformance.pointers import list_children, split_pointer, to_pointer

_GONE = object()
SHORT, WHOLE = 1, 3  # how much of a leaf stays: 0 nothing, 2 half of a text


def shrink(
    body: GeneratedBody, form: RequestForm, budget: int
) -> Generator[GeneratedBody, bool, GeneratedBody]:
    """Yield bodies to ask, at most `budget`; send back whether each still fails; return the smallest that does.

    `form` is the form that the body was made for. A body with a twin is returned as it is: it fails only beside it.
    """
    if body.twin or budget <= 0:
        return body
    smallest = body
    outcomes = {body.id: True}

    def find_smaller(ask: Callable[[GeneratedBody], bool]) -> None:
        def still_fails(smaller: GeneratedBody) -> bool:
            nonlocal smallest
            known = outcomes.get(smaller.id)
            if known is None:
                if len(serialize(smaller.body)) >= len(serialize(smallest.body)):
                    return False
                known = outcomes[smaller.id] = ask(smaller)
                smallest = smaller if known else smallest
            return known

        find(_build_smaller_strategy(body, form), still_fails, settings=_SHRINKING, random=Random(0))  # noqa: S311 - so that each run asks the same

    with closing(_ask_from_thread(find_smaller)) as questions, suppress(StopIteration):
        question = next(questions)
        for _ in range(budget):
            question = questions.send((yield question))
    return smallest


class _WholeProvider(HypothesisProvider):
    """Always chooses the greatest value, so that the first example is the whole body, from which Hypothesis shrinks."""

    def draw_integer(self, *_bounds: Any, max_value: int | None = None, **_rest: Any) -> int:
        return max_value or 0

    def draw_bytes(self, *_bounds: Any, max_size: int = 0, **_rest: Any) -> bytes:
        return bytes([WHOLE]) * max_size


AVAILABLE_PROVIDERS["conformance-whole"] = _WholeProvider
_SHRINKING = settings(
    QUIET, backend="conformance-whole", max_examples=10, phases=(Phase.generate, Phase.shrink)
)


def _build_smaller_strategy(body: GeneratedBody, form: RequestForm) -> st.SearchStrategy[GeneratedBody]:
    leaves = [*_list_leaves(form.root, body.body, _find_fault_path(body))]

    @st.composite
    def draw_smaller_body(draw: Draw) -> GeneratedBody:
        end = draw(st.integers(0, len(leaves)))
        length = draw(st.integers(0, end))
        amounts = draw(st.binary(min_size=length, max_size=length))
        return _Cut(body, dict(zip(leaves[end - length : end], amounts, strict=True))).cut(form.root)

    return draw_smaller_body()


class _Stopped(BaseException):
    """Ends a search whose questions are no longer asked; Hypothesis lets a BaseException through."""


def _ask_from_thread(
    search: Callable[[Callable[[GeneratedBody], bool]], None],
) -> Generator[GeneratedBody, bool, None]:
    """Yield what a search asks by calling its argument, which returns what is sent back.

    Hypothesis calls and expects an answer at once, so it runs in a thread of its own, which waits.
    """
    questions: SimpleQueue[GeneratedBody | BaseException | None] = SimpleQueue()
    answers: SimpleQueue[bool | None] = SimpleQueue()

    def ask(body: GeneratedBody) -> bool:
        questions.put(body)
        answer = answers.get()
        if answer is None:
            raise _Stopped
        return answer

    def run() -> None:
        try:
            search(ask)
            questions.put(None)
        except BaseException as fault:  # noqa: BLE001 - raised again below, in the thread that waits
            questions.put(fault)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        while isinstance(question := questions.get(), GeneratedBody):
            answers.put((yield question))
        if question is not None:
            raise question
    finally:
        answers.put(None)
        thread.join()


def _find_fault_path(body: GeneratedBody) -> Path | None:
    """Return the faulty place as steps, positions in lists as numbers; None for a valid body."""
    steps: list[str | int] = []
    value: Any = body.body
    for name in split_pointer(body.broken_at):
        step = int(name) if isinstance(value, list) and name.isdecimal() else name
        value = dict(list_children(value)).get(step)
        steps.append(step)
    return tuple(steps) or None


def _is_leaf(node: Node | None, value: JSON) -> bool:
    return not isinstance(value, dict | list) or not value or node is None or not node.children


def _list_leaves(node: Node | None, value: JSON, fault: Path | None, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of a body's leaves, without those at or below the fault, which stay."""
    if fault is not None and path[: len(fault)] == fault:
        return
    if node is None or _is_leaf(node, value):
        yield path
        return
    for step, child in list_children(value):
        yield from _list_leaves(node.child(step), child, fault, (*path, step))


class _Cut:
    """One smaller body: how much is kept of each of the `kept` leaves, and the members that must accompany them."""

    def __init__(self, body: GeneratedBody, kept: Mapping[Path, int]) -> None:
        self.body, self.kept = body, kept
        self.fault = _find_fault_path(body)
        self.moved = list(self.fault or ())

    def cut(self, root: Node) -> GeneratedBody:
        """Return the smaller body; if an element before the fault is dropped, the fault's pointer moves."""
        value = self.keep(root, self.body.body, ())
        return replace(self.body, body=value, broken_at=to_pointer(self.moved), covers=())

    def leads_to_fault(self, path: Path) -> bool:
        """Return whether the fault is here or below, or above."""
        return self.fault is not None and all(
            one == other for one, other in zip(path, self.fault, strict=False)
        )

    def keep(self, node: Node | None, value: JSON, path: Path) -> Any:
        """Return what is left of a value, or _GONE."""
        if node is None or _is_leaf(node, value):
            if self.leads_to_fault(path):
                return value
            amount = self.kept.get(path, 0)
            return _shorten(node, value, amount) if amount else _GONE
        made = (
            (step, self.keep(node.child(step), child, (*path, step))) for step, child in list_children(value)
        )
        kept = {step: one for step, one in made if one is not _GONE}
        stays = kept or not path or self.leads_to_fault(path)
        return self.complete(node, value, path, kept) if stays else _GONE

    def complete(self, node: Node, value: JSON, path: Path, kept: dict[str | int, JSON]) -> JSON:
        """Return an object or a list with the children that are kept and those that may not be left out."""
        children = dict(list_children(value))
        for step in self.list_missing(node, children, path, kept):
            below, child = node.child(step), children[step]
            is_leaf = below is None or _is_leaf(below, child)
            kept[step] = child if below is None or is_leaf else self.complete(below, child, (*path, step), {})
        ordered = {step: kept[step] for step in children if step in kept}
        if isinstance(value, dict):
            return {str(step): one for step, one in ordered.items()}
        for step in (self.fault or ())[len(path) : len(path) + 1]:
            if step in ordered and self.leads_to_fault(path):
                self.moved[len(path)] = list(ordered).index(step)
        return list(ordered.values())

    def list_missing(
        self, node: Node, children: Mapping[str | int, JSON], path: Path, kept: Mapping[str | int, JSON]
    ) -> Iterable[str | int]:
        """Return the children that a valid value needs, or that the fault depends on."""
        gone = [step for step in children if step not in kept]
        if node.kind == "array":
            least = max(int(node.low or 0), int(node.said_low or 0))
            return gone[: max(least - len(kept), 0)]
        return [step for step in gone if self.is_needed(node, str(step), path)]

    def is_needed(self, node: Node, name: str, path: Path) -> bool:
        """Return whether a member may not be left out: the schema needs it, or it is one of two that make the fault."""
        if name in node.needed or (name in node.oneof and node.is_part()):
            return True
        if not self.fault or self.fault[:-1] != path:
            return False
        faulty = str(self.fault[-1])
        return (faulty in node.oneof and name in node.oneof) or to_snake(name) == to_snake(faulty)


def _shorten(node: Node | None, value: JSON, amount: int) -> JSON:
    is_text = node is not None and node.kind == "string" and not node.enum and not node.format
    if amount >= WHOLE or not is_text or not isinstance(value, str) or len(value) < 2:
        return value
    return "a" if amount == SHORT else value[: len(value) // 2]
