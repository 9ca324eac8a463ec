"""Measures, wraps and colours text for a terminal; whatever a provider sent reaches it only as text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conformance.report.safe_text import to_one_line

# SGR codes: what matters is bold, what is fine is faint; the marks convey the meaning without them.
_COLOURS: Mapping[str, str] = {
    "must": "1;31", "should": "33", "note": "36", "known": "35", "pass": "32", "unjudged": "1;33",
    "deviates": "1;31", "partial": "1;33", "conforms": "32", "inconclusive": "1;33", "not-run": "2",
    "nothing": "2", "unsupported": "2", "strong": "1", "faint": "2",
}  # fmt: skip
NARROWEST = 20  # columns that wrapped text gets at least


def measure_width(text: str) -> int:
    """Return how many columns a terminal needs for text; wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(ch) else 1 + (unicodedata.east_asian_width(ch) in "WF") for ch in text
    )


def pad_text(text: str, width: int) -> str:
    """Return text followed by blanks up to `width` columns."""
    return text + " " * max(0, width - measure_width(text))


def shorten_to_width(text: str, width: int) -> str:
    """Return text on one line in at most `width` columns, ending in an ellipsis where there was more."""
    flat = to_one_line(text)
    return flat if measure_width(flat) <= width else f"{_split_word(flat, max(width - 1, 1))[0].rstrip()}…"


def _split_word(word: str, width: int) -> tuple[str, str]:
    """Return the beginning of a word that fits into `width` columns, at least one character, and the rest."""
    room = 1
    while room < len(word) and measure_width(word[: room + 1]) <= width:
        room += 1
    return word[:room], word[room:]


def _split_words(text: str, width: int) -> Iterator[str]:
    """Yield the words of a text, those that are too long for a line in pieces."""
    for word in to_one_line(text).split(" "):
        rest = word
        while measure_width(rest) > width:
            piece, rest = _split_word(rest, width)
            yield piece
        yield rest


def fill_lines(pieces: Iterable[str], width: int, gap: str = " ") -> list[str]:
    """Return pieces of text on lines of at most `width` columns, as many on a line as fit, `gap` between them."""
    lines: list[str] = []
    line = ""
    for piece in pieces:
        joined = f"{line}{gap}{piece}" if line else piece
        if line and measure_width(joined) > width:
            lines.append(line)
            joined = piece
        line = joined
    return [*lines, line]


def wrap_text(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """Return text as lines of at most `width` columns: `first` before the first line, `indent` before the others."""
    head = indent if first is None else first
    room = max(width - max(measure_width(indent), measure_width(head)), NARROWEST)
    lines = fill_lines(_split_words(text, room), room)
    return [f"{indent if number else head}{line}".rstrip() for number, line in enumerate(lines)]


@dataclass(frozen=True)
class Screen:
    """What a terminal can show: its width in columns, and whether it reads colours."""

    width: int
    colour: bool

    def paint_text(self, text: str, key: str) -> str:
        """Return text in the colour of a state; as it is where the terminal shows no colours."""
        return f"\x1b[{_COLOURS[key]}m{text}\x1b[0m" if self.colour and key in _COLOURS else text

    def wrap_text(self, text: str, indent: str = "", first: str | None = None) -> list[str]:
        """Return text as lines of the terminal's width, as the function `wrap` does."""
        return wrap_text(text, self.width, indent, first)

    def wrap_painted(self, text: str, key: str, indent: str = "", first: str | None = None) -> list[str]:
        """Return text as lines of the terminal's width, each in the colour of a state."""
        return [self.paint_text(line, key) for line in self.wrap_text(text, indent, first)]
