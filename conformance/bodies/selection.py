"""Which generated bodies one run asks, when it may ask only a few: what failed before, bounds, then chance."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.bodies.boundaries import build_boundaries
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.generation import generate_bodies
from conformance.dialects.dialect import Dialect


def select_bodies(
    dialect: Dialect,
    seed: int,
    count: int,
    before: Sequence[GeneratedBody] = (),
    twins: Sequence[GeneratedBody] = (),
) -> tuple[GeneratedBody, ...]:
    """Return at most `count` different bodies: those kept from `before`, boundaries, twins, and the rest drawn.

    A third are boundaries: the first are those that hold most, and a seed moves on through the others, so that
    runs with other seeds ask other ones. A quarter are the first of `twins`, which belong to questions that are
    asked anyhow. A twin of another body comes with it, or not at all.
    """
    first = list(before)[:count]
    room = count - len(first)
    known = list(twins)[: room // 4]
    bounds = build_boundaries(dialect)
    again = [bounds[0]] if bounds and room >= 3 else []
    again += [bounds[1 + (seed + turn) % (len(bounds) - 1)] for turn in range(room // 3 - 1)]
    drawn = generate_bodies(dialect, seed, max(room - len(again) - len(known), 0))
    bodies = {one.id: one for one in (*first, *known, *again, *drawn)}
    return tuple(one for one in bodies.values() if not one.has_generated_twin or one.twin in bodies)[:count]
