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
    ProviderChange,
    RuleChange,
    describe_line,
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
    ProviderEvent,
)
from conformance.model import JSON
from conformance.report.safe_text import clip, escape_markdown, format_code, format_moment, to_one_line
from conformance.report.vocabulary import LEVELS, count_noun

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


def describe_comparison(comparison: Comparison) -> tuple[str, ...]:
    """Return the comparison in sentences: how many of each, what fails, and each thing that happened, worst first."""
    return (
        _describe_counts(comparison),
        *_describe_new(comparison),
        *_describe_events(comparison, {BROKE: _describe_break}),
        *_describe_events(comparison, dict.fromkeys(GONE, _describe_gone)),
        *_describe_events(comparison, {COVERAGE: _describe_lost_coverage}),
        *_describe_events(
            comparison,
            {
                STILL_DEAD: _describe_still_dead,
                BACK: _describe_back,
                CAME: _describe_added,
                WORKS_AGAIN: _describe_recovery,
            },
        ),
        *_describe_idle(comparison),
        *_describe_no_change(comparison),
    )


def join_sentences(comparison: Comparison) -> str:
    """Return the sentences as one text."""
    return " ".join(describe_comparison(comparison))


def _describe_counts(comparison: Comparison) -> str:
    return ", ".join(f"{len(comparison.groups[group])} {words}" for group, words in _WORDS.items()) + "."


def _describe_new(comparison: Comparison) -> Iterator[str]:
    failing, fail_on = comparison.failing, comparison.criteria.fail_on
    if failing:
        yield f"New: {_count_levels(failing)}: this fails."
    rest = [line for line in comparison.groups[NEW] if line not in failing]
    if rest:
        accepted = [line for line in rest if line.known]
        below = [line for line in rest if not line.known]
        said = [_count_levels(below)] if below else []
        said += [f"{len(accepted)} accepted"] if accepted else []
        yield f"{'Also new' if failing else 'New'}: {' and '.join(said)}, which fails nothing (--fail-on {fail_on})."
    more = comparison.groups[MORE]
    if more:
        yield f"{count_noun(len(more), 'finding')} seen with more generated bodies than before, and not counted as new."


def _count_levels(lines: Sequence[RuleChange]) -> str:
    counted = Counter(line.level for line in lines)
    return " and ".join(count_noun(counted[level], level) for level in LEVELS if counted[level])


def _describe_events(
    comparison: Comparison, kinds: Mapping[str, Callable[[ProviderEvent], str]]
) -> Iterator[str]:
    found = [event for event in comparison.events if event.kind in kinds]
    yield from (kinds[event.kind](event) for event in found[:SENTENCES_MOST])
    if len(found) > SENTENCES_MOST:
        yield f"And {len(found) - SENTENCES_MOST} more of this kind; --format json lists them all."


def _describe_break(event: ProviderEvent) -> str:
    why = f": {clip(event.reason, _REASON)}" if event.reason else ""
    return f"{event.client} worked with {event.provider} and breaks now{why}."


def _describe_recovery(event: ProviderEvent) -> str:
    return f"{event.client} works again with {event.provider}{f' ({event.reason})' if event.reason else ''}."


def _describe_gone(event: ProviderEvent) -> str:
    rules = f" ({count_noun(event.rules, 'rule')} judged before)" if event.rules else ""
    return f"{event.provider} {clip(event.reason, _REASON)}{rules}."


def _describe_still_dead(event: ProviderEvent) -> str:
    return f"{event.provider} {clip(event.reason, _REASON)} (nor was it judged before)."


def _describe_back(event: ProviderEvent) -> str:
    return f"{event.provider} is judged again."


def _describe_added(event: ProviderEvent) -> str:
    return f"{event.provider} is not in the old run, so everything found there counts as new."


def _describe_lost_coverage(event: ProviderEvent) -> str:
    parts = [f"{count_noun(event.rules, 'rule')} judged before and not now"] if event.rules else []
    if event.untested:
        more = len(event.untested) - _CLIENTS_SHOWN
        names = ", ".join(event.untested[:_CLIENTS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        parts.append(f"no longer tested: {names}")
    why = f" ({clip(event.reason, _REASON)})" if event.reason else ""
    return f"{event.provider} lost coverage: {'; '.join(parts)}{why}."


def _describe_idle(comparison: Comparison) -> Iterator[str]:
    names = [event.provider for event in comparison.events if event.kind == IDLE]
    if names:
        more = len(names) - _NAMES_SHOWN
        yield f"Not run, before or now: {', '.join(names[:_NAMES_SHOWN])}{f' and {more} more' if more > 0 else ''}."


def _describe_no_change(comparison: Comparison) -> Iterator[str]:
    quiet = not (comparison.groups[NEW] or comparison.groups[MORE] or comparison.groups[LOST])
    if (
        quiet
        and not comparison.lost
        and not any(one.kind in (BROKE, STILL_DEAD) for one in comparison.events)
    ):
        yield "Nothing is new."


def add_sentences(comparison: Comparison, section: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the page's or the JSON's view of a comparison with its sentences in front."""
    said = [to_one_line(sentence) for sentence in describe_comparison(comparison)]
    return {"headline": " ".join(said), "sentences": [*said], **section}


def _describe_runs(comparison: Comparison) -> list[str]:
    return [
        f"{which}: {run['id']} ({format_moment(str(run['started_at']))})"
        for which, run in (("old run", comparison.old), ("new run", comparison.new))
    ]


def _format_sign(line: RuleChange) -> str:
    sign = LEVELS.get(line.level)
    mark = f"{sign.mark} {sign.word}" if sign else "✓ passed"
    return f"{mark}, accepted" if line.known else mark


Format = Callable[[RuleChange], str]


def _format_group(
    lines: Sequence[RuleChange],
    group: str,
    each: Format,
    bundle: Callable[[str, str, Sequence[RuleChange]], str],
) -> Iterator[str]:
    """Yield a group's lines; what was lost for one reason stands together, or it would drown the rest."""
    if group in (LOST, GAINED):
        together: dict[tuple[str, str], list[RuleChange]] = {}
        for line in lines:
            together.setdefault((line.provider, line.reason), []).append(line)
        written = [bundle(provider, reason, some) for (provider, reason), some in together.items()]
    else:
        written = [each(line) for line in lines]
    yield from written[:MOST]
    if len(written) > MOST:
        yield f"and {len(written) - MOST} more; --format json lists them all"


def _count_states(lines: Sequence[RuleChange]) -> str:
    found = sum(bool(line.level) for line in lines)
    passed = len(lines) - found
    said = [count_noun(passed, "pass", "passes")] if passed else []
    return " and ".join(said + ([count_noun(found, "finding")] if found else []))


def _name_rules(lines: Sequence[RuleChange]) -> tuple[list[str], str]:
    more = len(lines) - _RULES_SHOWN
    return [line.rule for line in lines[:_RULES_SHOWN]], f" and {more} more" if more > 0 else ""


def _text_line(line: RuleChange) -> str:
    said = to_one_line(clip(describe_line(line), 300))
    return (
        f"  {_format_sign(line):<18} {to_one_line(line.provider)}  {to_one_line(line.rule)}  {said}".rstrip()
    )


def _text_bundle(provider: str, reason: str, lines: Sequence[RuleChange]) -> str:
    rules, more = _name_rules(lines)
    why = f": {to_one_line(clip(reason, 200))}" if reason else ""
    return (
        f"  {to_one_line(provider)}: {_count_states(lines)}{why}\n      {to_one_line(', '.join(rules))}{more}"
    )


def _text_move(move: ProviderChange) -> str:
    return to_one_line(f"{move.provider}: {move.what}: {clip(move.before, 120)} → {clip(move.after, 120)}")


def format_text(comparison: Comparison) -> str:
    """Return a comparison for a terminal."""
    lines = [to_one_line(sentence) for sentence in describe_comparison(comparison)]
    lines += [to_one_line(run) for run in _describe_runs(comparison)]
    lines += [f"! {to_one_line(remark)}" for remark in comparison.remarks]
    for group, title in _TITLES.items():
        found = comparison.groups[group]
        if found:
            shown = _format_group(found, group, _text_line, _text_bundle)
            lines += ["", f"{title}: {len(found)}", *shown]
    if comparison.moves:
        lines += ["", "Beside the rules", *(f"  {_text_move(move)}" for move in comparison.moves[:MOST])]
    return "\n".join(lines) + "\n"


def _md_line(line: RuleChange) -> str:
    said = escape_markdown(clip(describe_line(line), 300))
    return f"- {_format_sign(line)}: **{escape_markdown(line.provider)}** {format_code(line.rule)} {said}".rstrip()


def _md_bundle(provider: str, reason: str, lines: Sequence[RuleChange]) -> str:
    rules, more = _name_rules(lines)
    why = f": {escape_markdown(clip(reason, 200))}" if reason else ""
    return f"- **{escape_markdown(provider)}**: {_count_states(lines)}{why} ({', '.join(map(format_code, rules))}{more})"


def _md_move(move: ProviderChange) -> str:
    changed = f"{escape_markdown(clip(move.before, 120))} → {escape_markdown(clip(move.after, 120))}"
    return f"- **{escape_markdown(move.provider)}**: {escape_markdown(move.what)}: {changed}"


def format_markdown(comparison: Comparison) -> str:
    """Return a comparison as Markdown."""
    first, *rest = describe_comparison(comparison)
    lines = [f"## {escape_markdown(first)}", "", *(f"- **{escape_markdown(sentence)}**" for sentence in rest)]
    lines += [f"- {escape_markdown(run)}" for run in _describe_runs(comparison)]
    lines += [f"- **{escape_markdown(remark)}**" for remark in comparison.remarks]
    for group, title in _TITLES.items():
        found = comparison.groups[group]
        if found:
            lines += [
                "",
                f"### {title}: {len(found)}",
                "",
                *_format_group(found, group, _md_line, _md_bundle),
            ]
    if comparison.moves:
        lines += ["", "### Beside the rules", "", *map(_md_move, comparison.moves[:MOST])]
    return "\n".join(lines) + "\n"
