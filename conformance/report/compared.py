"""Renders a comparison of two runs for a terminal and as Markdown; every word of a vendor's is made harmless."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from conformance.comparing.compare import (
    FIXED,
    GAINED,
    LOST,
    MORE,
    NEW,
    STILL,
    Comparison,
    Line,
    Move,
    in_words,
)
from conformance.comparing.events import (
    BACK,
    BROKE,
    CAME,
    COVERAGE,
    GONE,
    IDLE,
    STILL_DEAD,
    WORKS_AGAIN,
    Event,
)
from conformance.model import JSON
from conformance.report.plain import clip, md_code, md_text, moment, one_line
from conformance.report.words import LEVELS, plural

MOST = 200  # lines of one group; the JSON has them all
SENTENCES_MOST = 30  # of one kind
_REASON = 240
_RULES_SHOWN = 6
_CLIENTS_SHOWN = 4
_NAMES_SHOWN = 8
_TITLES = {
    NEW: "New",
    MORE: "Seen with more generated bodies, so not counted as new",
    FIXED: "Fixed",
    STILL: "Still there",
    LOST: "No longer covered",
    GAINED: "Covered now, and right",
}
_WORDS = {NEW: "new", FIXED: "fixed", STILL: "still there", LOST: "no longer covered"}


def sentences(comparison: Comparison) -> tuple[str, ...]:
    """Return the comparison in sentences: how many of each, what fails, and each thing that happened, worst first."""
    return (
        _counts(comparison),
        *_new(comparison),
        *_told(comparison, {BROKE: _broke}),
        *_told(comparison, dict.fromkeys(GONE, _gone)),
        *_told(comparison, {COVERAGE: _uncovered}),
        *_told(comparison, {STILL_DEAD: _still_dead, BACK: _back, CAME: _came, WORKS_AGAIN: _works_again}),
        *_idle(comparison),
        *_nothing(comparison),
    )


def headline(comparison: Comparison) -> str:
    """Return the sentences as one text."""
    return " ".join(sentences(comparison))


def _counts(comparison: Comparison) -> str:
    return ", ".join(f"{len(comparison.groups[group])} {words}" for group, words in _WORDS.items()) + "."


def _new(comparison: Comparison) -> Iterator[str]:
    failing, fail_on = comparison.failing, comparison.criteria.fail_on
    if failing:
        yield f"New: {_levels(failing)}: this fails."
    rest = [line for line in comparison.groups[NEW] if line not in failing]
    if rest:
        accepted = [line for line in rest if line.known]
        below = [line for line in rest if not line.known]
        said = [_levels(below)] if below else []
        said += [f"{len(accepted)} accepted"] if accepted else []
        yield f"{'Also new' if failing else 'New'}: {' and '.join(said)}, which fails nothing (--fail-on {fail_on})."
    more = comparison.groups[MORE]
    if more:
        yield f"{plural(len(more), 'finding')} seen with more generated bodies than before, and not counted as new."


def _levels(lines: Sequence[Line]) -> str:
    counted = Counter(line.level for line in lines)
    return " and ".join(plural(counted[level], level) for level in LEVELS if counted[level])


def _told(comparison: Comparison, kinds: Mapping[str, Callable[[Event], str]]) -> Iterator[str]:
    found = [event for event in comparison.events if event.kind in kinds]
    yield from (kinds[event.kind](event) for event in found[:SENTENCES_MOST])
    if len(found) > SENTENCES_MOST:
        yield f"And {len(found) - SENTENCES_MOST} more of this kind; --format json lists them all."


def _broke(event: Event) -> str:
    why = f": {clip(event.reason, _REASON)}" if event.reason else ""
    return f"{event.client} worked with {event.provider} and breaks now{why}."


def _works_again(event: Event) -> str:
    return f"{event.client} works again with {event.provider}{f' ({event.reason})' if event.reason else ''}."


def _gone(event: Event) -> str:
    rules = f" ({plural(event.rules, 'rule')} judged before)" if event.rules else ""
    return f"{event.provider} {clip(event.reason, _REASON)}{rules}."


def _still_dead(event: Event) -> str:
    return f"{event.provider} {clip(event.reason, _REASON)} (nor was it judged before)."


def _back(event: Event) -> str:
    return f"{event.provider} is judged again."


def _came(event: Event) -> str:
    return f"{event.provider} is not in the old run, so everything found there counts as new."


def _uncovered(event: Event) -> str:
    parts = [f"{plural(event.rules, 'rule')} judged before and not now"] if event.rules else []
    if event.untested:
        more = len(event.untested) - _CLIENTS_SHOWN
        names = ", ".join(event.untested[:_CLIENTS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        parts.append(f"no longer tested: {names}")
    why = f" ({clip(event.reason, _REASON)})" if event.reason else ""
    return f"{event.provider} lost coverage: {'; '.join(parts)}{why}."


def _idle(comparison: Comparison) -> Iterator[str]:
    names = [event.provider for event in comparison.events if event.kind == IDLE]
    if names:
        more = len(names) - _NAMES_SHOWN
        yield f"Not run, before or now: {', '.join(names[:_NAMES_SHOWN])}{f' and {more} more' if more > 0 else ''}."


def _nothing(comparison: Comparison) -> Iterator[str]:
    quiet = not (comparison.groups[NEW] or comparison.groups[MORE] or comparison.groups[LOST])
    if (
        quiet
        and not comparison.lost
        and not any(one.kind in (BROKE, STILL_DEAD) for one in comparison.events)
    ):
        yield "Nothing is new."


def as_section(comparison: Comparison, section: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the page's or the JSON's view of a comparison with its sentences in front."""
    said = [one_line(sentence) for sentence in sentences(comparison)]
    return {"headline": " ".join(said), "sentences": [*said], **section}


def _runs(comparison: Comparison) -> list[str]:
    return [
        f"{which}: {run['id']} ({moment(str(run['started_at']))})"
        for which, run in (("old run", comparison.old), ("new run", comparison.new))
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
    lines = [one_line(sentence) for sentence in sentences(comparison)]
    lines += [one_line(run) for run in _runs(comparison)]
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
    first, *rest = sentences(comparison)
    lines = [f"## {md_text(first)}", "", *(f"- **{md_text(sentence)}**" for sentence in rest)]
    lines += [f"- {md_text(run)}" for run in _runs(comparison)]
    lines += [f"- **{md_text(remark)}**" for remark in comparison.remarks]
    for group, title in _TITLES.items():
        found = comparison.groups[group]
        if found:
            lines += ["", f"### {title}: {len(found)}", "", *_group(found, group, _md_line, _md_bundle)]
    if comparison.moves:
        lines += ["", "### Beside the rules", "", *map(_md_move, comparison.moves[:MOST])]
    return "\n".join(lines) + "\n"
