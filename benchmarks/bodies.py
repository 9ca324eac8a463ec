"""Measures generated bodies: milliseconds per body at the median, and how much of a schema a few bodies cover."""

from __future__ import annotations

import statistics
import sys
import time

from conformance.bodies import generate_bodies, load_forms, serialize
from conformance.bodies.generation import find_covered_places
from conformance.dialects.dialect import Dialect, list_bundled_dialects, load_dialect

BODIES = 120
CEILING = 20.0  # milliseconds per body at the median


def durations(dialect: Dialect, count: int) -> list[float]:
    """Return the milliseconds that each of `count` bodies takes, schemas compiled before."""
    generate_bodies(dialect, 0, 6)
    spent = []
    for seed in range(count // 6):
        begun = time.perf_counter()
        generate_bodies(dialect, seed, 6)
        spent.append((time.perf_counter() - begun) * 1000 / 6)
    return spent


def main() -> int:
    """Print a line per dialect; 1 where a median is above the ceiling."""
    worst = 0.0
    for name in list_bundled_dialects():
        dialect = load_dialect(name)
        own, _ = load_forms(dialect)
        median = statistics.median(durations(dialect, BODIES))
        places = len(own.usual) + len(own.exotic)
        reached = [len(find_covered_places(own, generate_bodies(dialect, 1, count))) for count in (12, 60)]
        size = statistics.median(len(serialize(one.body)) for one in generate_bodies(dialect, 1, 60))
        print(
            f"{name}: {median:.1f} ms/body, {size:.0f} bytes, reach {reached[0]} then {reached[1]} of {places}"
        )
        worst = max(worst, median)
    return int(worst > CEILING)


if __name__ == "__main__":
    sys.exit(main())
