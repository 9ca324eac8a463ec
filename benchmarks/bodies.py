"""What a generated body costs: milliseconds per body at the median, how much of a schema few bodies reach, and a cold start."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from conformance.bodies import generate_bodies, load_forms, serialize
from conformance.bodies.generation import find_covered_places
from conformance.dialects.dialect import Dialect, list_bundled_dialects, load_dialect

BODIES = 120
CEILING = 20.0  # milliseconds per body at the median
COLD_CEILING = 0.4  # seconds of CPU: importing Hypothesis, reading the schemas, twelve bodies
_COLD = """
import time
begun = time.process_time()
from conformance.bodies import select_bodies
from conformance.dialects.dialect import load_dialect
select_bodies(load_dialect("google"), 1, 12)
print(time.process_time() - begun)
"""


def measure_bodies(dialect: Dialect, count: int) -> list[float]:
    """Return the milliseconds of CPU that each of `count` bodies takes, once the request's tree is built."""
    generate_bodies(dialect, 0, 6)
    spent = []
    for seed in range(count // 6):
        begun = time.process_time()
        generate_bodies(dialect, seed, 6)
        spent.append((time.process_time() - begun) * 1000 / 6)
    return spent


def measure_cold_start() -> float:
    """Return the seconds of CPU that a process spends until it has its first twelve bodies."""
    done = subprocess.run([sys.executable, "-c", _COLD], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> int:
    """Print a line per dialect and one for a cold start; return 1 if one is above its ceiling."""
    worst = 0.0
    for name in list_bundled_dialects():
        dialect = load_dialect(name)
        own, _ = load_forms(dialect)
        median = statistics.median(measure_bodies(dialect, BODIES))
        places = len(own.usual) + len(own.exotic)
        reached = [len(find_covered_places(own, generate_bodies(dialect, 1, count))) for count in (12, 60)]
        size = statistics.median(len(serialize(one.body)) for one in generate_bodies(dialect, 1, 60))
        print(
            f"{name}: {median:.1f} ms/body, {size:.0f} bytes, reach {reached[0]} then {reached[1]} of {places}"
        )
        worst = max(worst, median)
    cold = min(measure_cold_start() for _ in range(3))
    print(f"cold start with twelve bodies: {cold:.2f} s of CPU")
    return int(worst > CEILING or cold > COLD_CEILING)


if __name__ == "__main__":
    sys.exit(main())
