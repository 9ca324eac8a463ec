"""Counts and lists of names as English phrases, for every sentence that a user reads."""

from __future__ import annotations

from collections.abc import Iterable


def count_noun(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 vendor`, `2 vendors`, `1,200 entries`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def join_names(names: Iterable[str], most: int) -> str:
    """Return at most `most` names with commas, and how many there are besides: `a, b and 3 more`."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def conjugate(count: int, verb: str) -> str:
    """Return a verb as it follows a number: 1 `breaks`, 2 `break`."""
    return f"{verb}s" if count == 1 else verb
