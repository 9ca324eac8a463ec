"""Rows of numbers that a question asks for: whether they are complete and in order."""

from __future__ import annotations

import re
from itertools import pairwise

from conformance.reading.reply import Reply

_SKIPPED = 3  # numbers of a row that a model may leave out by itself


def find_gap(reply: Reply) -> str:
    """Return what is missing before the end of the row of numbers that was asked for; "" if nothing is missing, or the text is not a row.

    A model that shortens a row says so, with dots or in words; such a text is not a row.
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
