"""What became of texts whose right form is known: rows of numbers, repeated characters, chunks that repeat each other."""

from __future__ import annotations

import re
from itertools import pairwise

from conformance.reading.reply import Reply

_SKIPPED = 3  # numbers of a row that a model may leave out by itself


def find_gap(reply: Reply) -> str:
    """What is missing from the row of numbers that was asked for, before its end; "" where it is no such row.

    A model that shortens a row says so, with dots or in words: then nothing is told.
    """
    wanted = re.findall(r"\d+", str(reply.exchange.expected.get("text", "")))
    got = re.findall(r"\d+", reply.text)
    if not re.fullmatch(r"[\d\s,]+", reply.text) or not got or got[-1] not in wanted:
        return ""
    if max(map(len, got)) > len(wanted[-1]):  # no row of these numbers
        return ""
    missing = [number for number in wanted[: wanted.index(got[-1])] if number not in got]
    if len(missing) >= _SKIPPED:
        return f"{', '.join(missing[:8])} are missing before {got[-1]}"
    late = next((after for before, after in pairwise(got) if int(after) < int(before)), None)
    return f"{late} comes after higher numbers" if late else ""


_MISCOUNTED = 2  # characters by which a model itself may mistake the length of a run


def has_lost_repeats(wanted: str, got: str) -> bool:
    """The text is what was asked, but for runs that were shortened by more than a model miscounts them."""
    squeeze = "".join(a for a, b in pairwise(wanted + "\0") if a != b)
    short = "".join(a for a, b in pairwise(got + "\0") if a != b)
    return len(wanted) - len(got) > _MISCOUNTED and (squeeze == short or set(wanted) == set(got))


def are_cumulative(texts: list[str]) -> bool:
    """Each chunk is the whole text so far: three chunks or more, each beginning with the one before."""
    distinct = [text for text, after in pairwise([*texts, ""]) if text != after]
    return len(distinct) >= 3 and all(after.startswith(before) for before, after in pairwise(distinct))
