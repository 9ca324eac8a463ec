"""Renders a comparison of two runs for a terminal and as Markdown; every provider's text is made harmless."""

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
from conformance.phrases import count_noun, join_names
from conformance.report.safe_text import clip_text, format_moment, to_one_line
from conformance.report.text_form import MARKDOWN, TERMINAL, TextForm
from conformance.report.vocabulary import COMPARISON_GROUPS, LEVELS, explain_effect

MOST_SENTENCES = 30  # of one kind
_REASON = 240
_RULES_SHOWN = 6
_CLIENTS_SHOWN = 4
_NAMES_SHOWN = 8
_WORDS = {NEW: "new", FIXED: "fixed", STILL: "still there", LOST: "no longer covered"}


def describe_comparison(comparison: Comparison) -> tuple[str, ...]:
    """Return the comparison in sentences: how many of each, what fails, and each thing that happened, worst first."""
    counts = ", ".join(f"{len(comparison.groups[group])} {words}" for group, words in _WORDS.items())
    events = (line for kinds in _EVENT_ORDER for line in _describe_events(comparison, kinds))
    return (
        f"{counts}.",
        *_describe_new(comparison),
        *events,
        *_describe_idle(comparison),
        *_describe_no_change(comparison),
    )


def _describe_new(comparison: Comparison) -> Iterator[str]:
    failing = comparison.failing
    if failing:
        yield f"New: {_count_levels(failing)}; this fails."
    rest = [line for line in comparison.groups[NEW] if line not in failing]
    if rest:
        accepted = sum(line.known for line in rest)
        below = _count_levels([line for line in rest if not line.known])
        counts = " and ".join(filter(None, (below, f"{accepted} accepted" if accepted else "")))
        also = "Also new" if failing else "New"
        yield f"{also}: {counts}; not a failure with --fail-on {comparison.criteria.fail_on}."
    more = comparison.groups[MORE]
    if more:
        yield f"{count_noun(len(more), 'finding')} seen with more generated bodies than before, so not counted as new."


def _count_levels(lines: Sequence[RuleChange]) -> str:
    counted = Counter(line.level for line in lines)
    return " and ".join(count_noun(counted[level], level) for level in LEVELS if counted[level])


def _describe_events(comparison: Comparison, kinds: Sequence[str]) -> Iterator[str]:
    found = [event for event in comparison.events if event.kind in kinds]
    yield from (_SENTENCES[event.kind](event) for event in found[:MOST_SENTENCES])
    if len(found) > MOST_SENTENCES:
        yield f"And {len(found) - MOST_SENTENCES} more of this kind; --format json lists them all."


def _add_reason(text: str, pattern: str) -> str:
    return pattern.format(clip_text(text, _REASON)) if text else ""


def _describe_gone(event: ProviderEvent) -> str:
    rules = f" ({count_noun(event.rules, 'rule')} judged before)" if event.rules else ""
    return f"{event.provider} {clip_text(event.reason, _REASON)}{rules}."


def _describe_lost_coverage(event: ProviderEvent) -> str:
    parts = [f"{count_noun(event.rules, 'rule')} judged before and not now"] if event.rules else []
    if event.untested:
        parts.append(f"no longer tested: {join_names(event.untested, _CLIENTS_SHOWN)}")
    return f"{event.provider} lost coverage: {'; '.join(parts)}{_add_reason(event.reason, ' ({})')}."


_SENTENCES: Mapping[str, Callable[[ProviderEvent], str]] = {
    BROKE: lambda one: (
        f"{one.client} worked with {one.provider} and breaks now{_add_reason(explain_effect(one.reason), ': {}')}."
    ),
    **dict.fromkeys(GONE, _describe_gone),
    COVERAGE: _describe_lost_coverage,
    STILL_DEAD: lambda one: f"{one.provider} {clip_text(one.reason, _REASON)} (nor was it judged before).",
    BACK: lambda one: f"{one.provider} is judged again.",
    CAME: lambda one: f"{one.provider} is not in the old run, so everything found there counts as new.",
    WORKS_AGAIN: lambda one: (
        f"{one.client} works again with {one.provider}{_add_reason(one.reason, ' ({})')}."
    ),
}
_EVENT_ORDER = ((BROKE,), GONE, (COVERAGE,), (STILL_DEAD, BACK, CAME, WORKS_AGAIN))


def _describe_idle(comparison: Comparison) -> Iterator[str]:
    names = [event.provider for event in comparison.events if event.kind == IDLE]
    if names:
        yield f"Not run in either run: {join_names(names, _NAMES_SHOWN)}."


def _describe_no_change(comparison: Comparison) -> Iterator[str]:
    changed = any(comparison.groups[group] for group in (NEW, MORE, LOST)) or comparison.lost
    if not changed and not any(one.kind in (BROKE, STILL_DEAD) for one in comparison.events):
        yield "Nothing is new."


def add_sentences(comparison: Comparison, section: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the page's or the JSON's view of a comparison with its sentences in front."""
    sentences = [to_one_line(sentence) for sentence in describe_comparison(comparison)]
    return {"headline": " ".join(sentences), "sentences": [*sentences], **section}


def _describe_run(which: str, run: Mapping[str, JSON]) -> str:
    return f"{which} run: {run['id']} ({format_moment(str(run['started_at']))})"


def _format_sign(line: RuleChange) -> str:
    sign = LEVELS.get(line.level)
    mark = f"{sign.mark} {sign.word}" if sign else "✓ passed"
    return f"{mark}, accepted" if line.known else mark


def _format_line(line: RuleChange, form: TextForm) -> str:
    text = form.text(clip_text(describe_line(line), 300))
    sign = _format_sign(line).ljust(18) if form is TERMINAL else f"{_format_sign(line)}:"
    return form.item.format(f"{sign} {form.name(line.provider)} {form.code(line.rule)} {text}".rstrip())


def _format_bundle(lines: Sequence[RuleChange], form: TextForm) -> str:
    """Return one item with what was lost or gained at one provider for one reason."""
    found = sum(bool(line.level) for line in lines)
    passed = len(lines) - found
    states = [count_noun(passed, "pass", "passes")] if passed else []
    states += [count_noun(found, "finding")] if found else []
    why = f": {form.text(clip_text(lines[0].reason, 200))}" if lines[0].reason else ""
    head = form.item.format(f"{form.name(lines[0].provider)}: {' and '.join(states)}{why}")
    return form.add_details(head, [join_names([form.code(line.rule) for line in lines], _RULES_SHOWN)])


def _format_group(lines: Sequence[RuleChange], group: str, form: TextForm) -> list[str]:
    """Return a group's items. Rules lost for the same reason share one item, or they would drown the rest."""
    if group not in (LOST, GAINED):
        return [_format_line(line, form) for line in lines]
    together: dict[tuple[str, str], list[RuleChange]] = {}
    for line in lines:
        together.setdefault((line.provider, line.reason), []).append(line)
    return [_format_bundle(some, form) for some in together.values()]


def _format_change(change: ProviderChange, form: TextForm) -> str:
    before, after = (form.text(clip_text(value, 120)) for value in (change.before, change.after))
    return form.item.format(f"{form.name(change.provider)}: {form.text(change.what)}: {before} → {after}")


def _format_comparison(comparison: Comparison, form: TextForm) -> str:
    first, *rest = map(form.text, describe_comparison(comparison))
    runs = [_describe_run("old", comparison.old), _describe_run("new", comparison.new)]
    lines = [form.heading.format(first), *map(form.point.format, rest)]
    lines += [form.fact.format(form.text(run)) for run in runs]
    lines += [form.warning.format(form.text(remark)) for remark in comparison.remarks]
    for group, title in COMPARISON_GROUPS.items():
        found = comparison.groups[group]
        lines += form.list_items(f"{title}: {len(found)}", _format_group(found, group, form))
    lines += form.list_items("Other changes", [_format_change(change, form) for change in comparison.moves])
    return "\n".join(lines) + "\n"


def format_text(comparison: Comparison) -> str:
    """Return a comparison for a terminal."""
    return _format_comparison(comparison, TERMINAL)


def format_markdown(comparison: Comparison) -> str:
    """Return a comparison as Markdown."""
    return _format_comparison(comparison, MARKDOWN)
