"""Draws the matrix and the verdicts for a terminal of any width: a table where it fits, else a paragraph each.

Both have the same content: every count of every dimension, and each verdict in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.report.console_text import Screen, fill_lines, measure_width, pad_text, shorten_to_width
from conformance.report.matrix import Cell, choose_sign, describe_counts, display_name, make_cells
from conformance.report.verdict import explain_verdict
from conformance.report.vocabulary import CELLS, DIMENSIONS, LEVELS, STATUSES, Entry, Sign

_NAME_LEAST = 40  # columns; a name is cut in the table only where it is longer than this
_GAP = 2


def _format_cell(cell: Cell) -> str:
    return " ".join(f"{count.sign.mark}{count.number or ''}" for count in cell.counts)


def _paint_cell(cell: Cell, screen: Screen) -> str:
    return " ".join(
        screen.paint_text(f"{each.sign.mark}{each.number or ''}", each.sign.key) for each in cell.counts
    )


def _measure_columns(asked: Sequence[Entry]) -> list[int]:
    """Return how many columns of the terminal each dimension needs."""
    rows = [make_cells(each) for each in asked]
    return [
        max(measure_width(name), *(measure_width(_format_cell(row[at])) for row in rows), 0)
        for at, name in enumerate(DIMENSIONS)
    ]


def _format_table(asked: Sequence[Entry], widths: Sequence[int], room: int, screen: Screen) -> Iterator[str]:
    head = " ".join(pad_text(name, width) for name, width in zip(DIMENSIONS, widths, strict=True))
    yield screen.paint_text(" " * (room + _GAP) + head.rstrip(), "faint")
    for provider in asked:
        row = " ".join(
            _paint_cell(cell, screen) + " " * (width - measure_width(_format_cell(cell)))
            for cell, width in zip(make_cells(provider), widths, strict=True)
        )
        yield pad_text(shorten_to_width(display_name(provider), room), room + _GAP) + row.rstrip()


def _list_cells(provider: Entry, screen: Screen) -> Iterator[str]:
    """Yield the dimensions of one provider, as many on a line as there is room for."""
    cells = {f"{cell.dimension} {_format_cell(cell)}": cell for cell in make_cells(provider)}
    for line in fill_lines(cells, screen.width - 4, "   "):
        shown = (cells[text] for text in line.split("   "))
        yield "    " + "   ".join(f"{cell.dimension} {_paint_cell(cell, screen)}" for cell in shown)


def _colour_of(sign: Sign) -> str:
    marks = {level.mark: level.key for level in (*LEVELS.values(), CELLS["known"])}
    return marks.get(sign.mark, sign.key) if sign.key == "deviates" else sign.key


def format_verdict(provider: Entry) -> str:
    """Return a provider's verdict: `■ breaks the contract: 5 must, 1 note; 4 of 6 clients break`."""
    sign = choose_sign(provider)
    counts = describe_counts(provider) if provider["status"] == "deviates" else ""
    beside = "; ".join(filter(None, (counts, explain_verdict(provider))))
    return f"{sign.mark} {sign.word}" + (f": {beside}" if beside else "")


def _format_verdict_lines(provider: Entry, first: str, screen: Screen) -> Iterator[str]:
    head, *rest = screen.wrap_text(format_verdict(provider), " " * measure_width(first) + "  ", first)
    yield first + screen.paint_text(head[len(first) :], _colour_of(choose_sign(provider)))
    yield from rest


def _format_verdicts(providers: Sequence[Entry], screen: Screen) -> Iterator[str]:
    """Yield each verdict beside its provider's name, or below it where names take more than a third of the line."""
    longest = max((measure_width(display_name(each)) for each in providers), default=0)
    beside = longest <= screen.width // 3
    for provider in providers:
        name = display_name(provider)
        if not beside:
            yield from screen.wrap_text(name)
        yield from _format_verdict_lines(provider, pad_text(name, longest + _GAP) if beside else "  ", screen)


def _format_paragraphs(providers: Sequence[Entry], screen: Screen) -> Iterator[str]:
    for provider in providers:
        yield from screen.wrap_painted(display_name(provider), "strong")
        yield from _format_verdict_lines(provider, "  ", screen)
        if provider["status"] != "not-run":
            yield from _list_cells(provider, screen)


def _format_legend(providers: Sequence[Entry], screen: Screen) -> list[str]:
    signs = [*LEVELS.values(), *CELLS.values()]
    signs += [STATUSES["partial"]] if any(each["status"] == "partial" for each in providers) else []
    lines = fill_lines((f"{sign.mark} {sign.word}" for sign in signs), screen.width, "  ")
    return [screen.paint_text(line, "faint") for line in lines]


def format_matrix(providers: Sequence[Entry], screen: Screen) -> Iterator[str]:
    """Yield the matrix, its legend and the verdicts, in lines of at most the screen's width."""
    asked = [each for each in providers if each["status"] != "not-run"]
    widths = _measure_columns(asked)
    longest = max((measure_width(display_name(each)) for each in asked), default=0)
    room = screen.width - _GAP - sum(widths) - len(DIMENSIONS) + 1  # what the table leaves for names
    if asked and room >= min(longest, _NAME_LEAST):
        yield from _format_table(asked, widths, min(longest, room), screen)
        yield from ("", *_format_legend(providers, screen), "")
        yield from _format_verdicts(providers, screen)
    else:
        yield from _format_paragraphs(providers, screen)
        yield from ("", *_format_legend(providers, screen))
