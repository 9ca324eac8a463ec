"""The two forms of text output, terminal and Markdown: how each writes a provider's text, a name, code and a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from conformance.report.safe_text import escape_markdown, format_code, to_one_line

MOST_LINES = 200  # of one list; the JSON has them all


@dataclass(frozen=True)
class TextForm:
    """One form of output. `text`, `name` and `code` make a provider's words harmless.

    The others are patterns with one slot, for text that is harmless already; `detail` goes below an item.
    """

    text: Callable[[str], str]
    name: Callable[[str], str]
    code: Callable[[str], str]
    heading: str
    point: str
    fact: str
    warning: str
    title: str
    item: str
    numbered: str
    detail: str

    def list_items(self, title: str, lines: Sequence[str]) -> list[str]:
        """Return a titled list, at most MOST_LINES of it; nothing where there are no lines."""
        return ["", self.title.format(title), *limit_lines(lines)] if lines else []

    def add_details(self, head: str, details: Iterable[str]) -> str:
        """Return an item with its details below it."""
        return "".join([head, *(self.detail.format(detail) for detail in details)])


TERMINAL = TextForm(
    to_one_line, to_one_line, to_one_line,
    heading="{}", point="{}", fact="{}", warning="! {}", title="{}", item="  {}", numbered="  {}",
    detail="\n      {}",
)  # fmt: skip
MARKDOWN = TextForm(
    escape_markdown, lambda text: f"**{escape_markdown(text)}**", format_code,
    heading="## {}\n", point="- **{}**", fact="- {}", warning="- **{}**", title="### {}\n", item="- {}", numbered="{}",
    detail="<br>{}",
)  # fmt: skip


def limit_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield the first lines of a list, and how many are left out."""
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"and {len(lines) - MOST_LINES} more; --format json lists them all"


def format_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table; its cells are Markdown already."""
    yield from (f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
