"""Says on a terminal what a run found: the sentence, what must not be overlooked, findings, matrix and verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.report.console_findings import format_findings
from conformance.report.console_matrix import format_matrix
from conformance.report.console_text import paint, wrap
from conformance.report.matrix import sort_providers
from conformance.report.overview import Banner, make_overview

Entry = Mapping[str, Any]

LEAST = 40  # columns; a terminal that claims to have fewer gets longer lines


def _format_banners(banners: Sequence[Banner], width: int, *, colour: bool) -> Iterator[str]:
    for banner in banners:
        head = f"{banner.title}. {banner.text}" if banner.text else f"{banner.title}:"
        lines = wrap(head, width, "  ", "! ")
        lines += [line for each in banner.lines for line in wrap(each, width, "    ", "  - ")]
        yield from (paint(line, "unjudged", colour=colour) for line in lines)


def _list_lines(results: Entry, width: int, *, colour: bool) -> Iterator[str]:
    top, providers = make_overview(results), sort_providers(results.get("providers") or [])
    yield from (paint(line, "strong", colour=colour) for line in wrap(top.headline, width))
    yield from ("", *_format_banners(top.banners, width, colour=colour))
    yield from format_findings(results, providers, width, colour=colour)
    if providers:
        yield from ("", *format_matrix(providers, width, colour=colour))


def format_terminal(results: Entry, *, colour: bool = False, width: int = 100) -> str:
    """Return what a run found as text of at most `width` columns; `colour` only where a terminal reads it.

    The width changes how it is laid out, never what is said.
    """
    lines = list(_list_lines(results, max(width, LEAST), colour=colour))
    return "\n".join(lines).replace("\n\n\n", "\n\n").rstrip() + "\n"
