"""Cuts a finding's evidence to extracts with the deviating locations marked, and to exchanges that findings share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.judging.arrivals import HELD_BACK_RULE
from conformance.report.arrivals import Arrivals, draw_arrivals
from conformance.report.safe_text import clip_text, make_visible
from conformance.report.vocabulary import Entry

TOTAL = 1_500_000  # characters of bodies that one page carries, over all its providers
MOST = 4_096  # of one body; what results.json keeps of one
LEAST = 500
REQUEST = 4_000
HEADERS = 60
FRAMES = 60
FRAME = 300  # characters of one frame
AROUND = 260  # characters shown before and after the first mark of an extract
MARKS = 200
_STREAM = re.compile(r':stream|"stream"')  # in the path, or as the body's own flag

Segments = tuple[tuple[str, bool], ...]  # text, and whether it is marked


@dataclass(frozen=True)
class Extract:
    """The part of a body around its first marked location. before, after: characters left out there."""

    segments: Segments
    before: int
    after: int

    @property
    def text(self) -> str:
        """The extract without its marks."""
        return "".join(text for text, _ in self.segments)


@dataclass(frozen=True)
class ShownFrame:
    """One frame of a stream: when it was complete (`1,200 ms`), and its text."""

    at: str
    text: str


@dataclass(frozen=True)
class ShownExchange:
    """One exchange as the page shows it: once per provider, however many findings refer to it."""

    exchange: str  # the recorded exchange's id
    request: str
    request_cut: int
    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: Extract
    failure: str  # why the reply is incomplete
    arrivals: Arrivals | None
    frames: tuple[ShownFrame, ...]


def find_marks(entry: Entry) -> list[tuple[int, int]]:
    """Return the marked ranges of a body, in order, clipped to it, without overlap."""
    size = len(entry.get("body") or "")
    found: list[tuple[int, int]] = []
    for place in sorted(filter(_is_range, entry.get("places") or ()))[:MARKS]:
        start, end = max(0, place[0], found[-1][1] if found else 0), min(size, place[1])
        if start < end:
            found.append((start, end))
    return found


def _is_range(place: object) -> bool:
    return isinstance(place, list | tuple) and len(place) == 2 and all(isinstance(end, int) for end in place)


def _split_at_marks(body: str, start: int, end: int, marks: Sequence[tuple[int, int]]) -> Segments:
    pieces: list[tuple[str, bool]] = []
    at = start
    for mark in marks:
        left, right = max(mark[0], at), min(mark[1], end)
        if left < right:
            pieces += [(body[at:left], False), (body[left:right], True)]
            at = right
    pieces.append((body[at:end], False))
    return tuple((make_visible(text), marked) for text, marked in pieces if text)


def _cut_body(entry: Entry, marks: Sequence[tuple[int, int]], start: int, end: int) -> Extract:
    """Cut the body, counting what is left out here and what the evidence left out already."""
    body, before = entry.get("body") or "", int(entry.get("body_from") or 0)
    left_out = max(0, int(entry.get("cut") or 0) - before)
    return Extract(_split_at_marks(body, start, end, marks), before + start, left_out + len(body) - end)


def _cut_to_limit(entry: Entry, marks: Sequence[tuple[int, int]], limit: int) -> Extract:
    """Cut to `limit` characters: from the start where the first mark fits, else around that mark."""
    first = marks[0] if marks else (0, 0)
    start = 0 if first[1] <= limit else max(0, first[0] - limit // 3)
    return _cut_body(entry, marks, start, min(len(entry.get("body") or ""), start + limit))


def extract_marked(entry: Entry) -> Extract:
    """Return the part of the body around its first mark, or its beginning."""
    marks = find_marks(entry)
    left, right = marks[0] if marks else (0, 0)
    start = max(0, left - AROUND) if left > 2 * AROUND else 0
    end = min(max(right, start + AROUND) + AROUND, start + 6 * AROUND)
    return _cut_body(entry, marks, start, min(len(entry.get("body") or ""), max(end, start + 3 * AROUND)))


def identify_exchange(entry: Entry) -> tuple[object, ...]:
    """Return what makes two pieces of evidence the same exchange on the page."""
    return (entry.get("exchange"), entry.get("body"), entry.get("cut"))


def share_limit(count: int) -> int:
    """Return how many characters of each of `count` bodies the page can carry."""
    return max(LEAST, min(MOST, TOTAL // max(count, 1)))


def _show_frame(body: str, frame: Entry) -> ShownFrame:
    """Return one frame of a stream; `frame` is {start, end, at_ms}, a range of the body."""
    start, end, ms = int(frame.get("start") or 0), int(frame.get("end") or 0), frame.get("at_ms")
    time = f"{ms:,.0f} ms" if isinstance(ms, int | float) else ""
    return ShownFrame(time, make_visible(clip_text(body[start:end].strip(), FRAME)))


def draw_stream(entry: Entry, held_back: frozenset[str] = frozenset()) -> Arrivals | None:
    """Return a picture of when the pieces of a stream arrived; None for an exchange that asked for no stream.

    `held_back`: the ids of the exchanges that the rule on buffering accuses.
    """
    if not _STREAM.search(str(entry.get("request") or "")[:REQUEST]):
        return None
    times, ended = entry.get("arrivals_ms") or (), entry.get("ended_ms")
    return draw_arrivals(times, ended, held_back=str(entry.get("exchange")) in held_back)


def find_buffered(provider: Entry) -> frozenset[str]:
    """Return the ids of a provider's exchanges that the rule on buffering judged to be held back."""
    found = (each for each in provider.get("deviations") or () if each.get("rule") == HELD_BACK_RULE)
    return frozenset(str(id_) for each in found for id_ in each.get("exchanges") or ())


def show_exchange(
    entries: Sequence[Entry], limit: int, held_back: frozenset[str] = frozenset()
) -> ShownExchange:
    """Return one exchange for the page; `entries` are the same exchange, marked by one finding each.

    `held_back`: as for `draw_stream`.
    """
    entry = entries[0]
    union = find_marks({**entry, "places": [place for each in entries for place in find_marks(each)]})
    request, headers = str(entry.get("request") or ""), entry.get("headers") or ()
    return ShownExchange(
        exchange=str(entry.get("exchange", "")),
        request=make_visible(request[:REQUEST]),
        request_cut=max(0, len(request) - REQUEST),
        status=entry.get("status"),
        headers=tuple((str(name)[:200], str(value)[:500]) for name, value in headers[:HEADERS]),
        body=_cut_to_limit(entry, union, limit),
        failure=str(entry.get("failure") or ""),
        arrivals=draw_stream(entry, held_back),
        frames=tuple(
            _show_frame(entry.get("body") or "", frame) for frame in (entry.get("frames") or ())[:FRAMES]
        ),
    )


def group_by_exchange(entries: Iterable[Entry]) -> dict[tuple[object, ...], list[Entry]]:
    """Return pieces of evidence grouped into exchanges, in the order in which they first appear."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries:
        groups.setdefault(identify_exchange(entry), []).append(entry)
    return groups
