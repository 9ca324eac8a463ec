"""Draws the matrix and the verdicts for a terminal of any width: a table where it fits, else a paragraph each.

Both say the same: every count of every dimension, and each verdict whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.report.console_text import measure, pad, paint, shorten, wrap
from conformance.report.matrix import Cell, choose_sign, describe_counts, display_name, make_cells
from conformance.report.verdict import explain_verdict
from conformance.report.vocabulary import CELLS, DIMENSIONS, LEVELS, STATUSES, Sign

Entry = Mapping[str, Any]

_NAME_LEAST = 40  # columns; a name is cut in the table only where it is longer than this
_GAP = 2


def _format_cell(cell: Cell) -> str:
    return " ".join(f"{count.sign.mark}{count.number or ''}" for count in cell.counts)


def _paint_cell(cell: Cell, *, colour: bool) -> str:
    marks = (
        paint(f"{each.sign.mark}{each.number or ''}", each.sign.key, colour=colour) for each in cell.counts
    )
    return " ".join(marks)


def _select_asked(providers: Sequence[Entry]) -> list[Entry]:
    return [each for each in providers if each["status"] != "not-run"]


def _measure_columns(providers: Sequence[Entry]) -> list[int]:
    """Return how many columns each dimension needs."""
    rows = [[measure(_format_cell(cell)) for cell in make_cells(each)] for each in _select_asked(providers)]
    return [
        max(measure(name), *(row[at] for row in rows)) if rows else measure(name)
        for at, name in enumerate(DIMENSIONS)
    ]


def _measure_names(providers: Sequence[Entry], width: int) -> int:
    """Return how many columns the table has for names; 0 where the table does not fit."""
    longest = max((measure(display_name(each)) for each in _select_asked(providers)), default=0)
    room = width - _GAP - sum(_measure_columns(providers)) - len(DIMENSIONS) + 1
    return min(longest, room) if room >= min(longest, _NAME_LEAST) else 0


def _join_cells(texts: Sequence[tuple[str, str]], widths: Sequence[int]) -> str:
    """Return cells side by side, each given plain, to be measured, and painted."""
    return " ".join(
        painted + " " * (width - measure(plain))
        for (plain, painted), width in zip(texts, widths, strict=True)
    ).rstrip()


def _format_table(providers: Sequence[Entry], room: int, *, colour: bool) -> Iterator[str]:
    widths = _measure_columns(providers)
    head = " " * (room + _GAP) + _join_cells([(str(name), str(name)) for name in DIMENSIONS], widths)
    yield paint(head, "faint", colour=colour)
    for provider in _select_asked(providers):
        texts = [(_format_cell(cell), _paint_cell(cell, colour=colour)) for cell in make_cells(provider)]
        yield f"{pad(shorten(display_name(provider), room), room + _GAP)}{_join_cells(texts, widths)}"


def _list_cells(provider: Entry, width: int, *, colour: bool) -> Iterator[str]:
    """Yield the dimensions of one provider, as many on a line as there is room for."""
    line, used = "", 0
    for cell in make_cells(provider):
        plain = f"{cell.dimension} {_format_cell(cell)}"
        if used and used + 3 + measure(plain) > width - 4:
            yield f"    {line}"
            line, used = "", 0
        line += ("   " if used else "") + f"{cell.dimension} {_paint_cell(cell, colour=colour)}"
        used += (3 if used else 0) + measure(plain)
    yield f"    {line}"


def _colour_of(sign: Sign) -> str:
    marks = {level.mark: level.key for level in (*LEVELS.values(), CELLS["known"])}
    return marks.get(sign.mark, sign.key) if sign.key == "deviates" else sign.key


def format_verdict(provider: Entry) -> str:
    """Return a provider's verdict: `■ breaks the contract: 5 must, 1 note; 4 of 6 clients break`."""
    sign = choose_sign(provider)
    beside = [describe_counts(provider)] if provider["status"] == "deviates" else []
    beside += [explain_verdict(provider)] if explain_verdict(provider) else []
    return f"{sign.mark} {sign.word}" + (f": {'; '.join(beside)}" if beside else "")


def _format_verdict_lines(provider: Entry, width: int, first: str, *, colour: bool) -> Iterator[str]:
    indent = " " * measure(first)
    head, *rest = wrap(format_verdict(provider), width, indent + "  ", first)
    yield first + paint(head[len(first) :], _colour_of(choose_sign(provider)), colour=colour)
    yield from rest


def _format_verdicts(providers: Sequence[Entry], width: int, *, colour: bool) -> Iterator[str]:
    """Yield a verdict each beside its name, or below it where the name takes more than a third of the line."""
    longest = max((measure(display_name(each)) for each in providers), default=0)
    beside = longest <= width // 3
    for provider in providers:
        name = display_name(provider)
        if not beside:
            yield from wrap(name, width)
        yield from _format_verdict_lines(
            provider, width, pad(name, longest + _GAP) if beside else "  ", colour=colour
        )


def _format_paragraphs(providers: Sequence[Entry], width: int, *, colour: bool) -> Iterator[str]:
    for provider in providers:
        yield from (paint(line, "strong", colour=colour) for line in wrap(display_name(provider), width))
        yield from _format_verdict_lines(provider, width, "  ", colour=colour)
        if provider["status"] != "not-run":
            yield from _list_cells(provider, width, colour=colour)


def _format_legend(providers: Sequence[Entry], width: int, *, colour: bool) -> Iterator[str]:
    signs = [*LEVELS.values(), *CELLS.values()]
    signs += [STATUSES["partial"]] if any(each["status"] == "partial" for each in providers) else []
    line = ""
    for sign in signs:
        said = f"{sign.mark} {sign.word}"
        if line and measure(line) + 2 + measure(said) > width:
            yield paint(line, "faint", colour=colour)
            line = ""
        line += ("  " if line else "") + said
    yield paint(line, "faint", colour=colour)


def format_matrix(providers: Sequence[Entry], width: int, *, colour: bool) -> Iterator[str]:
    """Yield the matrix, its legend and the verdicts, in lines of at most `width` columns."""
    room = _measure_names(providers, width)
    if room:
        yield from _format_table(providers, room, colour=colour)
        yield from ("", *_format_legend(providers, width, colour=colour), "")
        yield from _format_verdicts(providers, width, colour=colour)
    else:
        yield from _format_paragraphs(providers, width, colour=colour)
        yield from ("", *_format_legend(providers, width, colour=colour))
