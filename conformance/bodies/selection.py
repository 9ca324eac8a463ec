"""Selects the generated bodies that a run asks if it may ask only a few: the corpus, then boundaries and variants, then random bodies."""

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
    corpus: Sequence[GeneratedBody] = (),
    variants: Sequence[GeneratedBody] = (),
) -> tuple[GeneratedBody, ...]:
    """Return at most `count` different bodies: those of the corpus, boundaries, variants, and the rest generated.

    A third are boundaries: the first are those that hold most, and a seed moves on through the others, so that
    runs with other seeds ask other ones. A quarter are the first of `variants`, which belong to questions that are asked in any
    case. A body whose twin is another generated body is selected together with it or not at all.
    """
    failed_before = list(corpus)[:count]
    room = count - len(failed_before)
    rewritten = list(variants)[: room // 4]
    every = build_boundaries(dialect)
    bounds = [every[0]] if every and room >= 3 else []
    bounds += [every[1 + (seed + turn) % (len(every) - 1)] for turn in range(room // 3 - 1)]
    generated = generate_bodies(dialect, seed, max(room - len(bounds) - len(rewritten), 0))
    bodies = {one.id: one for one in (*failed_before, *rewritten, *bounds, *generated)}
    return tuple(one for one in bodies.values() if not one.has_generated_twin or one.twin in bodies)[:count]
