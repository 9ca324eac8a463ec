"""Draws when the pieces of a body arrived. Whether the body was held back is decided only by the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.phrases import count_noun
from conformance.report.safe_text import format_milliseconds

WIDTH = 600  # of the drawing, in its own units
MOST_STROKES = 400  # strokes that are drawn; more than the width can tell apart


@dataclass(frozen=True)
class Arrivals:
    """A picture of arrival times: an SVG path with one stroke each, the end of the time axis, and the times as text.

    path: for a viewBox of 600 by 32. first, last: ms from the request. verdict: buffered (only where the rule
    judged so) | measured.
    """

    path: str
    first: str
    last: str
    verdict: str
    says: str


def describe_times(times: Sequence[float]) -> str:
    """Describe sorted arrival times in ms, without judging them."""
    pieces = count_noun(len(times), "piece")
    if len(times) == 1:
        return f"{pieces}, after {format_milliseconds(times[0])}"
    widest = max(after - before for before, after in pairwise(times))
    return f"{pieces}, the first after {format_milliseconds(times[0])}, the last after {format_milliseconds(times[-1])}, widest gap {format_milliseconds(widest)}"


def draw_arrivals(
    times: Sequence[object], ended: object = None, *, held_back: bool = False
) -> Arrivals | None:
    """Return the picture for arrival times and the body's end in ms from the request; None without times.

    `held_back`: the rule on streaming found that this answer was buffered.
    """
    known = sorted(float(at) for at in times if isinstance(at, int | float) and 0 <= at < 1e9)
    if not known:
        return None
    total = max(known[-1], float(ended) if isinstance(ended, int | float) else 0.0) or 1.0
    step = max(1, -(-len(known) // MOST_STROKES))
    strokes = sorted({round(at / total * (WIDTH - 4)) + 2 for at in known[::step]})
    path = "".join(f"M{x} 4v24" for x in strokes)
    text = f"{'Buffered: ' if held_back else ''}{describe_times(known)}."
    return Arrivals(
        path,
        format_milliseconds(known[0]),
        format_milliseconds(total),
        "buffered" if held_back else "measured",
        text,
    )
