"""Draws when the pieces of a body arrived, and says whether it was really streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from conformance.report.plain import duration
from conformance.report.words import plural

WIDTH = 600  # of the drawing, in its own units
MOST = 400  # strokes that are drawn; more than the width can tell apart
# The same bounds as the rule that judges buffering: a quicker answer cannot tell, and pieces that all came
# within this share of the time were held back and let go at once.
_ENOUGH_MS = 1000.0
_SHARE = 0.1


@dataclass(frozen=True)
class Arrivals:
    """A picture of arrivals: an SVG path of one stroke each, the time axis' end, and the verdict.

    path: for a viewBox of 600 by 32. first, last: ms from the request. verdict: streamed | buffered | unclear.
    """

    path: str
    first: str
    last: str
    verdict: str
    says: str


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value < 1000 else duration(value / 1000)


def judge(times: Sequence[float], total: float) -> tuple[str, str]:
    """Return the verdict on buffering and its sentence, for arrival times and the end in ms from the request."""
    first, span, pieces = times[0], times[-1] - times[0], plural(len(times), "piece")
    if total < _ENOUGH_MS:
        return "unclear", f"{pieces} within {_ms(total)}: too quick to tell streaming from buffering."
    if span < _SHARE * total:
        came = (
            f"{pieces} after {_ms(first)} of silence"
            if span < 1
            else f"{pieces} within {_ms(span)}, after {_ms(first)} of silence"
        )
        return "buffered", f"Buffered: {came}."
    gaps = (after - before for before, after in pairwise(times))
    return (
        "streamed",
        f"Streamed: {pieces} over {_ms(span)}, the first after {_ms(first)}, widest gap {_ms(max(gaps))}.",
    )


def arrivals(times: Sequence[object], ended: object = None) -> Arrivals | None:
    """Return the picture for arrival times and the body's end in ms from the request; None without times."""
    known = sorted(float(at) for at in times if isinstance(at, int | float) and 0 <= at < 1e9)
    if not known:
        return None
    total = max(known[-1], float(ended) if isinstance(ended, int | float) else 0.0) or 1.0
    verdict, says = judge(known, total)
    step = max(1, -(-len(known) // MOST))
    strokes = sorted({round(at / total * (WIDTH - 4)) + 2 for at in known[::step]})
    path = "".join(f"M{x} 4v24" for x in strokes)
    return Arrivals(path, _ms(known[0]), _ms(total), verdict, says)
