"""Makes a vendor's text harmless and short: for the page, the terminal, XML and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

# Every control becomes a picture of itself, and what reorders or hides text becomes U+2426; one character
# for one, so that ranges into a body stay true. Newline and tab keep their meaning.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)}
_HIDDEN = [0x061C, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0x80, 0xA0)]
_SURROGATES = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
_NONCHARACTERS = dict.fromkeys((0xFFFE, 0xFFFF), 0xFFFD)
_VISIBLE = {**_PICTURES, 0x7F: 0x2421, **dict.fromkeys(_HIDDEN, 0x2426), **_SURROGATES, **_NONCHARACTERS}
_FORBIDDEN = re.compile(
    "[" + re.escape("".join(chr(code) for code in _VISIBLE if not 0xD800 <= code < 0xE000)) + "\ud800-\udfff]"
)
_MARKDOWN = re.compile(r"([\\`*_\[\]()#|~!>])")


def make_visible(text: str) -> str:
    """Return text in which nothing is hidden, reordered or unprintable, of the same length."""
    return text.translate(_VISIBLE) if _FORBIDDEN.search(text) else text


# What CI systems interpret as a command in a log: ::error ::, ##[group], ##vso[task…], ##teamcity[…].
_COMMAND = re.compile(r":(?=:[A-Za-z])|#(?=#[a-z]*\[)")
_LIKE = {":": "\uff1a", "#": "\uff03"}


def to_one_line(text: str) -> str:
    """Return text for a terminal or a table cell: visible, on one line, without runs of blanks or commands to a CI."""
    return _COMMAND.sub(lambda found: _LIKE[found[0]], " ".join(make_visible(text).split()))


def shorten_text(text: str, limit: int) -> str:
    """Return at most `limit` characters; where there were more, their number follows."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rstrip()}… ({len(text) - limit:,} more characters)"


def clip_text(text: str, limit: int) -> str:
    """Return at most `limit` characters, ending in an ellipsis where there were more."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def make_slug(text: str) -> str:
    """Return text as an element id: lower case, `[a-z0-9._-]` only, never empty."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-.") or "x"


def number_duplicates(wanted: Iterable[str]) -> list[str]:
    """Return the names, with a number added to those that occurred before: `a`, `a-2`."""
    taken: set[str] = set()
    names: list[str] = []
    for name in wanted:
        fresh, number = name, 2
        while fresh in taken:
            fresh, number = f"{name}-{number}", number + 1
        taken.add(fresh)
        names.append(fresh)
    return names


def format_moment(iso: str) -> str:
    """Return an ISO 8601 time as `22 November 2026, 04:33 UTC`; any other text comes back unchanged."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    when = when.astimezone(UTC) if when.tzinfo else when
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def format_seconds(seconds: float) -> str:
    """Return seconds as `0.4 s`, `42 s`, `12 min 5 s` or `2 h 3 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_milliseconds(value: float) -> str:
    """Return milliseconds as `320 ms`, from one second on as `duration` does."""
    return f"{value:.0f} ms" if value < 1000 else format_seconds(value / 1000)


def format_elapsed(started: str, finished: str) -> str:
    """Return the time between two ISO 8601 times, as `format_seconds` does; empty where either is invalid."""
    try:
        took = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    except (ValueError, TypeError):
        return ""
    return format_seconds(max(took.total_seconds(), 0.0))


def escape_markdown(text: str) -> str:
    """Return text for a line of Markdown or a table cell: nothing in it is markup, a mention or a link."""
    escaped = _MARKDOWN.sub(r"\\\1", to_one_line(text)).replace("&", "&amp;").replace("<", "&lt;")
    # Written as entities, @name notifies no one and a bare address becomes no link.
    return escaped.replace("@", "&#64;").replace("://", "&#58;//")


def format_code(text: str) -> str:
    """Return text as a Markdown code span, whatever backticks it holds; a pipe is written as U+2502."""
    flat = to_one_line(text).replace("|", "│")
    ticks = "`" * (_measure_backticks(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}" if flat else ""


def format_fence(text: str, language: str = "") -> str:
    """Return text as a fenced block that no run of backticks inside can close."""
    ticks = "`" * max(3, _measure_backticks(text) + 1)
    return f"{ticks}{language}\n{make_visible(text)}\n{ticks}"


def _measure_backticks(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
