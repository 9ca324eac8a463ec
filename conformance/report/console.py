"""Renders what a run found for a terminal: headline, banners, findings, matrix and verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.report.console_findings import format_findings
from conformance.report.console_matrix import format_matrix
from conformance.report.console_text import Screen
from conformance.report.matrix import sort_providers
from conformance.report.overview import Banner, make_overview
from conformance.report.vocabulary import Entry

NARROWEST = 40  # columns; a terminal that claims to have fewer gets longer lines


def _format_banner(banner: Banner, screen: Screen) -> Iterator[str]:
    head = f"{banner.title}. {banner.text}" if banner.text else f"{banner.title}:"
    yield from screen.wrap_painted(head, "unjudged", "  ", "! ")
    for line in banner.lines:
        yield from screen.wrap_painted(line, "unjudged", "    ", "  - ")


def _format_lines(results: Entry, screen: Screen) -> Iterator[str]:
    top, providers = make_overview(results), sort_providers(results.get("providers") or [])
    yield from (*screen.wrap_painted(top.headline, "strong"), "")
    for banner in top.banners:
        yield from _format_banner(banner, screen)
    yield from format_findings(results, providers, screen)
    if providers:
        yield from ("", *format_matrix(providers, screen))


def format_terminal(results: Entry, *, colour: bool = False, width: int = 100) -> str:
    """Return what a run found as text of at most `width` columns; `colour` only where a terminal reads it.

    The width changes the layout, never the content.
    """
    lines = _format_lines(results, Screen(max(width, NARROWEST), colour))
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"
