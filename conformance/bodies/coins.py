"""The only source of chance: coins that Hypothesis tosses.

Nothing but coins: Hypothesis mixes constants into its integers and texts that it finds in whatever modules are
loaded, so that the same seed would give other bodies in another programme, and it writes them to `.hypothesis`
in the user's folder. Coins have neither habit (measured with 6.170).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

Value = TypeVar("Value")

_COIN = st.booleans()
_START = 8  # tosses that begin a body: all tails is the body that Hypothesis tries first, and is not asked

_SETTINGS = settings(
    max_examples=2,  # all tails, and the one that is kept
    phases=(Phase.generate,),
    database=None,
    deadline=None,
    derandomize=False,
    print_blob=False,
    suppress_health_check=tuple(HealthCheck),
)


class Coins:
    """Turns coins into choices; tails is always the smaller one."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        """`draw` is what a composite strategy is handed."""
        self._draw = draw

    def toss(self) -> bool:
        """Return True half of the time."""
        return bool(self._draw(_COIN))

    def seldom(self) -> bool:
        """Return True every fourth time."""
        return self.toss() and self.toss()

    def below(self, count: int) -> int:
        """Return a number from 0 to count - 1; with every `count` all of them come up, about equally often."""
        bits = max(count - 1, 0).bit_length()
        bits += 2 if count & (count - 1) else 0  # so that what is left over hardly tips the scales
        return sum(self.toss() << place for place in range(bits)) % count if bits else 0

    def pick(self, choices: Sequence[Value]) -> Value:
        """Return one of the choices."""
        return choices[self.below(len(choices))]


def strategy(grow: Callable[[Coins], Value]) -> st.SearchStrategy[Value]:
    """Return the strategy of what `grow` makes of coins."""

    @st.composite
    def grown(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
        return grow(Coins(draw))

    return grown()


def one(grow: Callable[[Coins], Value], seed: int) -> Value:
    """Return what `grow` makes of the coins of that seed: the same for the same seed and Hypothesis version."""
    kept: list[Value] = []

    def after_the_start(coins: Coins) -> Value | None:
        return grow(coins) if sum(coins.toss() for _ in range(_START)) else None

    @seeded(seed)
    @_SETTINGS
    @given(strategy(after_the_start))
    def keep(value: Value | None) -> None:
        if value is not None:
            kept.append(value)

    keep()
    return kept[-1]
