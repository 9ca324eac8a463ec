"""The smallest body that still fails, for a price that the user names.

Bodies are cut, not drawn again: Hypothesis would shrink the coins, and spend hundreds of requests on what a dozen
cuts do; and kept bodies and boundaries have no coins. The largest pieces go first, what the schema requires and
the broken place stay, so that a valid body stays valid and an invalid one stays broken in the same place only.
No body is asked twice.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

from conformance.bodies.forms import RequestForm
from conformance.bodies.generated_body import GeneratedBody, serialize
from conformance.bodies.locations import BodyLocation, Path, remove_at, replace_at, walk_body
from conformance.model import JSON
from conformance.pointers import split_pointer, to_pointer

Asked = Generator[GeneratedBody, bool, GeneratedBody]


def shrink(drawn: GeneratedBody, form: RequestForm, budget: int) -> Asked:
    """Yield bodies to ask, at most `budget`; send back whether each still fails; return the smallest that does.

    `form` is the form that the body was made for. A body with a twin is returned as it is: it fails only beside it.
    """
    asked: set[str] = {drawn.id}
    left = 0 if drawn.twin else budget
    while left > 0:
        attempt = next((one for one in _cuts(drawn, form) if one.id not in asked), None)
        if attempt is None:
            break
        asked.add(attempt.id)
        left -= 1
        if (yield attempt):
            drawn = attempt
    return drawn


def _cuts(drawn: GeneratedBody, form: RequestForm) -> Iterator[GeneratedBody]:
    """Yield the body with one piece less, the largest piece first; then with plainer texts."""
    broken = _path(drawn)
    every = [spot for spot in walk_body(form.root, drawn.body) if spot.path]
    every.sort(key=lambda spot: len(serialize(spot.value)), reverse=True)
    for spot in every:
        if _may_go(drawn, form, spot, broken):
            yield _cut(drawn, spot, broken)
    for spot in every:
        if _is_text(spot) and spot.path != broken[: len(spot.path)]:
            yield from (
                replace(drawn, body=replace_at(drawn.body, spot.path, text))
                for text in _shorter(str(spot.value))
            )


def _shorter(text: str) -> tuple[str, ...]:
    half = len(text) // 2
    return ("a", text[:half], text[half:])


def _is_text(spot: BodyLocation) -> bool:
    free = spot.node.kind == "string" and not spot.node.enum and not spot.node.format
    return free and isinstance(spot.value, str) and len(spot.value) > 1


def _path(drawn: GeneratedBody) -> Path:
    """Return the broken place as steps; positions in lists are numbers."""
    steps: list[str | int] = []
    value = drawn.body
    for name in split_pointer(drawn.broken_at):
        if isinstance(value, list) and name.isdecimal():
            steps.append(int(name))
            value = value[int(name)] if int(name) < len(value) else None
        else:
            steps.append(name)
            value = value.get(name) if isinstance(value, dict) else None
    return tuple(steps)


def _may_go(drawn: GeneratedBody, form: RequestForm, spot: BodyLocation, broken: Path) -> bool:
    """Return whether the body may lose this place: nobody requires it, and it is not where the body breaks."""
    if broken and (broken[: len(spot.path)] == spot.path or spot.path[: len(broken)] == broken):
        return False
    parent = _parent(drawn.body, form, spot.path[:-1])
    step = spot.path[-1]
    if isinstance(step, int):
        length = len(parent.value) if isinstance(parent.value, list) else 0
        return length > max(int(parent.node.low or 0), int(parent.node.said_low or 0))
    return step not in parent.node.required | parent.node.always and not _beside(parent, step, broken)


def _beside(parent: BodyLocation, step: str, broken: Path) -> bool:
    """Two spellings, or two of a choice: the fault is that both are there."""
    if not broken or broken[:-1] != parent.path:
        return step in parent.node.oneof and parent.node.name == "parts"
    return str(broken[-1]) in parent.node.oneof or str(broken[-1]).replace("_", "") == step.lower()


def _parent(body: JSON, form: RequestForm, path: Path) -> BodyLocation:
    return next(spot for spot in walk_body(form.root, body) if spot.path == path)


def _cut(drawn: GeneratedBody, spot: BodyLocation, broken: Path) -> GeneratedBody:
    """Return the body without the place; where that moves the broken one in its list, its pointer moves too."""
    at = drawn.broken_at
    *above, last = spot.path
    depth = len(above)
    if isinstance(last, int) and len(broken) > depth and broken[:depth] == tuple(above):
        now = broken[depth]
        if isinstance(now, int) and now > last:
            at = to_pointer((*broken[:depth], now - 1, *broken[depth + 1 :]))
    return replace(drawn, body=remove_at(drawn.body, spot.path), broken_at=at, covers=())
