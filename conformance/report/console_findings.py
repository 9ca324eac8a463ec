"""Lists the findings that fail a run for a terminal or a log, each with what a developer needs to fix it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.model import FAILING_LEVELS
from conformance.phrases import count_noun
from conformance.report.console_text import Screen
from conformance.report.findings import sort_findings, write_full_title
from conformance.report.matrix import display_name
from conformance.report.safe_text import shorten_text, to_one_line
from conformance.report.vocabulary import LEVELS, Entry

MOST_FINDINGS = 30  # findings of a whole run; what one provider does not use goes to the others
_SENTENCE = 300


def find_failing_levels(results: Entry) -> tuple[str, ...]:
    """Return the levels at or above the run's --fail-on; must where that is `never` or unknown."""
    chosen = str((results["run"].get("selection") or {}).get("fail_on"))
    return FAILING_LEVELS.get(chosen) or FAILING_LEVELS["must"]


def _describe_location(found: Entry) -> str:
    """Return where a finding shows first, exchange and pointer, and how many places there are besides."""
    exchanges, pointers = found.get("exchanges") or (), found.get("pointers") or ()
    more = max(len(pointers) - 1, 0) + int(found.get("more_pointers") or 0)
    first = " ".join(str(several[0]) for several in (exchanges, pointers) if several)
    return first.rstrip() + (f" and {count_noun(more, 'more place')}" if more else "")


def _format_finding(found: Entry, screen: Screen) -> Iterator[str]:
    sign = LEVELS[str(found["level"])]
    head, *rest = screen.wrap_text(
        f"{sign.mark} {sign.word}  {to_one_line(str(found['rule']))}", "    ", "  "
    )
    yield from (screen.paint_text(head, sign.key), *rest)
    yield from screen.wrap_text(shorten_text(write_full_title(found), 2 * _SENTENCE), "    ")
    for name in ("expected", "observed"):
        yield from screen.wrap_text(shorten_text(str(found[name]), _SENTENCE), " " * 14, f"    {name}: ")
    yield from screen.wrap_text(_describe_location(found), " " * 14, "    at:       ")


def _share_lines(counts: Sequence[int]) -> int:
    """Return how many findings each provider may show, so that all together show at most MOST_FINDINGS; at least one."""
    fitting = (
        most
        for most in range(MOST_FINDINGS, 0, -1)
        if sum(min(count, most) for count in counts) <= MOST_FINDINGS
    )
    return next(fitting, 1)


def format_findings(results: Entry, providers: Sequence[Entry], screen: Screen) -> Iterator[str]:
    """Yield every new finding at or above --fail-on, grouped by provider; what is left out is counted."""
    levels = find_failing_levels(results)
    listed = [
        (each, [one for one in sort_findings(each) if one["level"] in levels and not one.get("known")])
        for each in providers
    ]
    groups = [(each, new) for each, new in listed if new]
    share = _share_lines([len(new) for _, new in groups])
    for provider, new in groups[:MOST_FINDINGS]:
        yield from ("", *screen.wrap_painted(display_name(provider), "strong"))
        for found in new[:share]:
            yield from _format_finding(found, screen)
        if len(new) > share:
            yield f"  and {len(new) - share} more in report.html"
    rest = groups[MOST_FINDINGS:]
    if rest:
        left = count_noun(sum(len(new) for _, new in rest), "finding")
        yield from ("", f"and {left} at {count_noun(len(rest), 'more provider')} in report.html")
