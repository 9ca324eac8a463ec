"""Draws the matrix and the verdicts for a terminal, safe against escape sequences in vendors' words."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.report.matrix import Cell, cells, counted, display_name, status_sign, worst_first
from conformance.report.overview import overview
from conformance.report.plain import clip, one_line
from conformance.report.vendors import verdict
from conformance.report.words import CELLS, DIMENSIONS, LEVELS, Sign

Entry = Mapping[str, Any]

# SGR codes: what matters is bold, what is fine is faint; the marks carry the meaning without them.
_COLOURS: Mapping[str, str] = {
    "must": "1;31",
    "should": "33",
    "note": "36",
    "known": "35",
    "pass": "32",
    "unjudged": "1;33",
    "deviates": "1;31",
    "conforms": "32",
    "inconclusive": "1;33",
    "not-run": "2",
    "nothing": "2",
    "unsupported": "2",
    "strong": "1",
    "faint": "2",
}
_NAME_MOST = 30
_COLUMN = 9


def columns(text: str) -> int:
    """Return how many columns a terminal needs for text; wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(ch) else 1 + (unicodedata.east_asian_width(ch) in "WF") for ch in text
    )


def _fit(text: str, width: int) -> str:
    """Pad or cut to exactly `width` columns."""
    flat = one_line(text)
    while columns(flat) > width:
        flat = clip(flat.rstrip("…"), max(len(flat.rstrip("…")) - 1, 1)) if len(flat) > 1 else ""
    return flat + " " * (width - columns(flat))


def _paint(text: str, key: str, *, colour: bool) -> str:
    return f"\x1b[{_COLOURS[key]}m{text}\x1b[0m" if colour and key in _COLOURS else text


def _cell(cell: Cell, *, colour: bool) -> str:
    said = [(f"{count.sign.mark}{count.number or ''}", count.sign) for count in cell.counts]
    plain = " ".join(text for text, _ in said)
    if columns(plain) > _COLUMN:
        said, plain = said[:1], said[0][0]
    painted = " ".join(_paint(text, sign.key, colour=colour) for text, sign in said)
    return painted + " " * max(0, _COLUMN - columns(plain))


def _table(providers: list[Entry], names: int, *, colour: bool) -> Iterator[str]:
    head = _fit("", names) + "  " + " ".join(_fit(dimension[:_COLUMN], _COLUMN) for dimension in DIMENSIONS)
    yield _paint(head.rstrip(), "faint", colour=colour)
    for provider in providers:
        row = " ".join(_cell(cell, colour=colour) for cell in cells(provider))
        yield f"{_fit(display_name(provider), names)}  {row}".rstrip()


def _narrow(providers: list[Entry], *, colour: bool) -> Iterator[str]:
    """Where the table does not fit: a provider per paragraph, and only the columns that say something."""
    for provider in providers:
        telling = [cell for cell in cells(provider) if cell.worst not in {"pass", "nothing"}]
        if telling:
            yield _paint(display_name(provider), "strong", colour=colour)
        yield from (f"  {cell.dimension:<10} {_cell(cell, colour=colour)}".rstrip() for cell in telling)


def _verdicts(providers: list[Entry], names: int, width: int, *, colour: bool) -> Iterator[str]:
    for provider in providers:
        sign = status_sign(provider)
        beside = [counted(provider)] if provider["status"] == "deviates" else []
        beside += [verdict(provider)] if verdict(provider) else []
        said = one_line(f"{sign.mark} {sign.word}" + (f": {'; '.join(beside)}" if beside else ""))
        first, *rest = textwrap.wrap(said, max(width - names - 4, 24))
        yield f"{_fit(display_name(provider), names)}  {_paint(first, _level(sign), colour=colour)}"
        yield from (" " * (names + 4) + line for line in rest)


def _level(sign: Sign) -> str:
    marks = {level.mark: level.key for level in (*LEVELS.values(), CELLS["known"])}
    return marks.get(sign.mark, sign.key) if sign.key == "deviates" else sign.key


def _legend() -> str:
    return "  ".join(f"{sign.mark} {sign.word}" for sign in (*LEVELS.values(), *CELLS.values()))


def terminal(results: Entry, *, colour: bool = False, width: int = 100) -> str:
    """Return the matrix and a line of verdict per provider; `colour` only where a terminal reads it.

    width: columns of the terminal; where the matrix does not fit it becomes a list.
    """
    top, providers = overview(results), worst_first(results.get("providers") or [])
    names = min(_NAME_MOST, max((columns(display_name(each)) for each in providers), default=0))
    fits = names + 2 + len(DIMENSIONS) * (_COLUMN + 1) <= width
    lines = [_paint(top.headline, "strong", colour=colour), ""]
    lines += [
        _paint(f"! {one_line(f'{each.title}. {each.text}')}", "unjudged", colour=colour)
        for each in top.banners
    ]
    if providers:
        drawn = _table(providers, names, colour=colour) if fits else _narrow(providers, colour=colour)
        lines += ["", *drawn, "", _paint(_legend(), "faint", colour=colour), ""]
        lines += _verdicts(providers, names, width, colour=colour)
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"
