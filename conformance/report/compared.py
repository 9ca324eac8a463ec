"""Renders a comparison of two runs for a terminal and as Markdown; every word of a vendor's is made harmless."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from conformance.comparing.compare import (
    FIXED,
    GAINED,
    GRAVE,
    LOST,
    NEW,
    STILL,
    Comparison,
    Line,
    Move,
    in_words,
)
from conformance.report.plain import clip, md_code, md_text, moment, one_line
from conformance.report.words import LEVELS, plural

MOST = 200  # lines of one group; the JSON has them all
_RULES_SHOWN = 6
_TITLES = {
    NEW: "New",
    FIXED: "Fixed",
    STILL: "Still there",
    LOST: "No longer covered",
    GAINED: "Covered now, and right",
}
_WORDS = {NEW: "new", FIXED: "fixed", STILL: "still there", LOST: "no longer covered"}


def headline(comparison: Comparison) -> str:
    """Return the comparison in a sentence: how many of each, and whether it fails."""
    counts = ", ".join(f"{len(comparison.groups[group])} {words}" for group, words in _WORDS.items())
    new = comparison.groups[NEW]
    worst = sum(line.level in GRAVE and not line.known for line in new)
    if worst:
        return f"{counts}. {plural(worst, 'new must or should', 'new musts or shoulds')}: this fails."
    return (
        f"{counts}. {'What is new is a note or accepted, and fails nothing.' if new else 'Nothing is new.'}"
    )


def _runs(comparison: Comparison) -> list[str]:
    return [
        f"{which}: {run['id']} ({moment(str(run['started_at']))})"
        for which, run in (("old", comparison.old), ("new", comparison.new))
    ]


def _sign(line: Line) -> str:
    sign = LEVELS.get(line.level)
    mark = f"{sign.mark} {sign.word}" if sign else "✓ passed"
    return f"{mark}, accepted" if line.known else mark


Format = Callable[[Line], str]


def _group(
    lines: Sequence[Line], group: str, each: Format, bundle: Callable[[str, str, Sequence[Line]], str]
) -> Iterator[str]:
    """Yield a group's lines; what was lost for one reason stands together, or it would drown the rest."""
    if group in (LOST, GAINED):
        together: dict[tuple[str, str], list[Line]] = {}
        for line in lines:
            together.setdefault((line.provider, line.reason), []).append(line)
        written = [bundle(provider, reason, some) for (provider, reason), some in together.items()]
    else:
        written = [each(line) for line in lines]
    yield from written[:MOST]
    if len(written) > MOST:
        yield f"and {len(written) - MOST} more; --format json lists them all"


def _states(lines: Sequence[Line]) -> str:
    found = sum(bool(line.level) for line in lines)
    passed = len(lines) - found
    said = [plural(passed, "pass", "passes")] if passed else []
    return " and ".join(said + ([plural(found, "finding")] if found else []))


def _named(lines: Sequence[Line]) -> tuple[list[str], str]:
    more = len(lines) - _RULES_SHOWN
    return [line.rule for line in lines[:_RULES_SHOWN]], f" and {more} more" if more > 0 else ""


def _text_line(line: Line) -> str:
    said = one_line(clip(in_words(line), 300))
    return f"  {_sign(line):<18} {one_line(line.provider)}  {one_line(line.rule)}  {said}".rstrip()


def _text_bundle(provider: str, reason: str, lines: Sequence[Line]) -> str:
    rules, more = _named(lines)
    why = f": {one_line(clip(reason, 200))}" if reason else ""
    return f"  {one_line(provider)}: {_states(lines)}{why}\n      {one_line(', '.join(rules))}{more}"


def _text_move(move: Move) -> str:
    return one_line(f"{move.provider}: {move.what}: {clip(move.before, 120)} → {clip(move.after, 120)}")


def as_text(comparison: Comparison) -> str:
    """Return a comparison for a terminal."""
    lines = [headline(comparison), *(one_line(run) for run in _runs(comparison))]
    lines += [f"! {one_line(remark)}" for remark in comparison.remarks]
    for group, title in _TITLES.items():
        found = comparison.groups[group]
        if found:
            shown = _group(found, group, _text_line, _text_bundle)
            lines += ["", f"{title}: {len(found)}", *shown]
    if comparison.moves:
        lines += ["", "Beside the rules", *(f"  {_text_move(move)}" for move in comparison.moves[:MOST])]
    return "\n".join(lines) + "\n"


def _md_line(line: Line) -> str:
    said = md_text(clip(in_words(line), 300))
    return f"- {_sign(line)}: **{md_text(line.provider)}** {md_code(line.rule)} {said}".rstrip()


def _md_bundle(provider: str, reason: str, lines: Sequence[Line]) -> str:
    rules, more = _named(lines)
    why = f": {md_text(clip(reason, 200))}" if reason else ""
    return f"- **{md_text(provider)}**: {_states(lines)}{why} ({', '.join(map(md_code, rules))}{more})"


def _md_move(move: Move) -> str:
    changed = f"{md_text(clip(move.before, 120))} → {md_text(clip(move.after, 120))}"
    return f"- **{md_text(move.provider)}**: {md_text(move.what)}: {changed}"


def as_markdown(comparison: Comparison) -> str:
    """Return a comparison as Markdown."""
    lines = [f"## {headline(comparison)}", "", *(f"- {md_text(run)}" for run in _runs(comparison))]
    lines += [f"- **{md_text(remark)}**" for remark in comparison.remarks]
    for group, title in _TITLES.items():
        found = comparison.groups[group]
        if found:
            lines += ["", f"### {title}: {len(found)}", "", *_group(found, group, _md_line, _md_bundle)]
    if comparison.moves:
        lines += ["", "### Beside the rules", "", *map(_md_move, comparison.moves[:MOST])]
    return "\n".join(lines) + "\n"
