"""Reads as many small random or damaged bodies as it can: `python fuzz/many.py SECONDS [SEED]`. Needs nothing installed.

Where coverage guides atheris into corners, this goes for numbers. Each body is read by the framing; every fourth
is also read as an exchange, and by the masking; every sixteenth by all clients and as a line of each file; every
hundredth by all rules. Ends with status 1 at the first body that raises, or takes longer than a second.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]
from targets import SEEDS, TARGETS, WORDS  # noqa: E402 - the path must be there first

EVERY = {
    "framing": 1, "text": 1, "reply": 4, "masking": 4, "clients": 16, "record": 16, "captures": 16,
    "recording": 64, "runfile": 64, "results": 64, "rules": 100,
}  # fmt: skip
SLOW = 1.0


def compose_body(dice: random.Random) -> bytes:
    """Put a body together: words, now and then bytes, now and then something twice or cut."""
    parts = dice.choices(WORDS, k=dice.randrange(1, 24))
    if dice.random() < 0.3:
        parts.insert(dice.randrange(len(parts)), dice.randbytes(dice.randrange(1, 6)))
    made = b"".join(parts)
    if dice.random() < 0.1:
        made *= dice.randrange(2, 9)
    return made[: dice.randrange(len(made) + 1)] if dice.random() < 0.2 else made


def damage_reply(dice: random.Random) -> bytes:
    """Return what a good vendor sends with up to four places replaced, cut out or added to."""
    made = dice.choice(SEEDS)
    for _ in range(dice.randrange(1, 5)):
        start = dice.randrange(len(made) + 1)
        end = start + dice.choice((0, 0, 1, 1, 2, 8, len(made)))
        made = (
            made[:start]
            + dice.choice((b"", dice.choice(WORDS), dice.randbytes(1), made[end : end + 20]))
            + made[end:]
        )
    return made


def main() -> int:
    """Read bodies for as long as asked; print how many, and what each reader took."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    dice, count, reads = random.Random(seed), 0, dict.fromkeys(EVERY, 0)  # noqa: S311 - no secret
    began = shown = time.monotonic()
    while time.monotonic() < began + seconds:
        if time.monotonic() > shown + 60:
            shown = time.monotonic()
            print(
                f"seed {seed}: {count} bodies, {sum(reads.values())} readings in {shown - began:.0f} s",
                flush=True,
            )
        for _ in range(1000):
            count += 1
            data = damage_reply(dice) if count % 4 == 0 and dice.random() < 0.8 else compose_body(dice)
            for name, every in EVERY.items():
                if count % every == 0 and not _read(
                    name, dice.randbytes(4) + data if name in ("reply", "clients", "rules") else data
                ):
                    return 1
                reads[name] += count % every == 0
    print(f"seed {seed}: {count} bodies, {sum(reads.values())} readings in {seconds:g} s: {reads}")
    return 0


def _read(name: str, data: bytes) -> bool:
    begun = time.process_time()
    try:
        TARGETS[name](data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
        print(f"{name} raises {type(error).__name__}: {error} on {data!r}")
        return False
    took = time.process_time() - begun
    if took > SLOW:
        print(f"{name} takes {took:.1f} s on {data!r}")
    return took <= SLOW


if __name__ == "__main__":
    sys.exit(main())
