"""How much of the catalogue was judged for one provider, what limited that, and what should have been judged and was not.

A rule counts as judged where it ended in pass, deviation, known, note or unsupported: a rule that does not apply to a
vendor (its document says nothing of it, it lacks the feature) leaves nothing to find out. A blocked rule does not
count, since `conforms` is read as a statement about that rule too. If a finding blocks it, the status is `deviates` anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.catalogue import RULES
from conformance.model import Case, Exchange, Level, Outcome
from conformance.phrases import count_noun, join_names
from conformance.reading.reply import Reply
from conformance.replies import ProviderReplies, Unasked
from conformance.verdicts.acceptance import list_probes
from conformance.verdicts.cases import DISOBEDIENT, EXPLAINED, NO_BODIES, OTHER_MEASURE

BY_FINDINGS = "explained by other findings"  # not a limit of the run itself: findings block these rules
JUDGED = frozenset({Outcome.PASS, Outcome.DEVIATION, Outcome.KNOWN, Outcome.NOTE, Outcome.UNSUPPORTED})
# The causes for which a question was never asked although it should have been: the asking ended early.
_ENDED_EARLY = ("budget", "dead", "cut-off")
_LEFT_OPEN = 20  # a vendor may conform only if at most one rule in this many is left unjudged


@dataclass(frozen=True)
class JudgedExtent:
    """How many of all rules were judged, and in words what limited that: `judged` in results.json."""

    rules: int
    of: int
    limited_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunLimits:
    """What limited a run as a whole, in words: how it was narrowed, and what ended its asking early."""

    selection: tuple[str, ...] = ()
    ended: str = ""


NO_RUN_LIMITS = RunLimits()


@dataclass(frozen=True)
class JudgedProvider:
    """How the asking and judging of one provider went: the cases, and everything that may have limited them.

    `selection` describes how the user narrowed the run, and `ended` what ended it early for this provider.
    """

    cases: tuple[Case, ...]
    replies: tuple[Reply, ...]
    exchanges: tuple[Exchange, ...]
    unasked: tuple[Unasked, ...]
    selection: tuple[str, ...] = ()
    ended: str = ""

    @classmethod
    def of(
        cls,
        gathered: ProviderReplies,
        replies: Sequence[Reply],
        unasked: Iterable[Unasked],
        cases: Sequence[Case],
        limits: RunLimits,
    ) -> JudgedProvider:
        """Return this record for gathered replies; `replies` are those that no retry superseded."""
        ended = "" if gathered.finished else limits.ended
        exchanges = tuple(gathered.exchanges)
        return cls(tuple(cases), tuple(replies), exchanges, tuple(unasked), limits.selection, ended)


def measure_extent(judged: JudgedProvider) -> JudgedExtent:
    """Return how much was judged, and everything that limited it."""
    number = sum(case.outcome in JUDGED for case in judged.cases)
    return JudgedExtent(number, len(RULES), tuple(dict.fromkeys(_list_limits(judged))))


def is_fully_judged(judged: JudgedProvider) -> bool:
    """Return whether a provider without a finding may be said to conform.

    Every rule was selected, every must was judged, at most one in twenty of all rules was left open, and nothing ended
    the asking early.
    """
    done = {case.rule for case in judged.cases if case.outcome in JUDGED}
    left_open = [rule for rule in RULES.values() if rule.id not in done]
    open_musts = any(rule.level is Level.MUST for rule in left_open)
    early = any(one.cause in _ENDED_EARLY for one in judged.unasked)
    limited = early or open_musts or bool(judged.selection or judged.ended)
    return not limited and len(left_open) * _LEFT_OPEN <= len(RULES)


def list_undecided(judged: JudgedProvider, status: str) -> tuple[str, ...]:
    """Return in words what was selected and could not be judged; each makes a run end in 3 if nothing is new.

    What a finding explains does not count, nor what the user left out. A rule without an answer to look at counts if nothing at
    all was found, since no finding can then be the reason.
    """
    found = [*_list_early_ends(judged), *_name_unanswered(judged), *_count_open_rules(judged)]
    if status == "partial":
        found += _count_blocked_without_finding(judged)
    return tuple(dict.fromkeys(found))


def _list_limits(judged: JudgedProvider) -> Iterator[str]:
    yield from judged.selection
    left_out = len(RULES) - len(judged.cases)
    if left_out and not judged.selection:
        yield f"{count_noun(left_out, 'rule')} not selected"
    if judged.ended:
        yield judged.ended
    yield from _list_early_ends(judged)
    failed = list(_count_failed_answers(judged))
    if any(case.outcome not in JUDGED for case in judged.cases) or _find_unanswered(judged):
        yield from failed
    early = any(one.cause in _ENDED_EARLY for one in judged.unasked)
    yield from _count_open_rules(judged, explained=early or bool(failed))
    blocked = [case.reason for case in judged.cases if case.outcome is Outcome.BLOCKED]
    reasons = Counter(BY_FINDINGS if reason.startswith(EXPLAINED) else reason for reason in blocked)
    for reason, number in reasons.items():
        yield f"{reason}: {count_noun(number, 'rule')}"


def _list_early_ends(judged: JudgedProvider) -> Iterator[str]:
    """Say what ended the asking early: a budget, a vendor that stopped answering, a fault of the checker."""
    for cause in _ENDED_EARLY:
        details = Counter(one.detail for one in judged.unasked if one.cause == cause)
        for detail, number in details.items():
            yield detail if number == 1 else f"{detail}; {number} questions not asked"


def _count_failed_answers(judged: JudgedProvider) -> Iterator[str]:
    """Count by kind the answers that showed nothing, with the retries that led to them."""
    chains: dict[str, list[Exchange]] = {}
    for exchange in judged.exchanges:
        chains.setdefault(exchange.probe, []).append(exchange)
    useless = {reply.id for reply in judged.replies if reply.is_transient}
    failed = (one for chain in chains.values() for one in _select_failed(chain, useless))
    for name, number in Counter(map(_name_failure, failed)).most_common():
        yield f"{count_noun(number, 'answer')} of {name}" if name.isdigit() else count_noun(number, name)


def _select_failed(chain: Sequence[Exchange], useless: set[str]) -> Iterator[Exchange]:
    """Yield the exchanges of one question that got no usable answer, including the retries."""
    waiting: list[Exchange] = []
    for exchange in sorted(chain, key=lambda one: one.attempt):
        waiting = [*waiting, exchange] if exchange.retry else [exchange]
        if exchange.id in useless:
            yield from waiting
            waiting = []


_FAILURES: Mapping[str, str] = {"timeout": "time-out", "first-byte": "time-out", "silence": "time-out"}


def _name_failure(exchange: Exchange) -> str:
    if exchange.failure is not None:
        return _FAILURES.get(exchange.failure.kind, f"failed exchange ({exchange.failure.kind})")
    return str(exchange.status) if exchange.status else "unreadable answer"


def _find_unanswered(judged: JudgedProvider) -> list[str]:
    """Return the fixed questions that never got an answer that shows anything, and that no finding names."""
    shown = {probe for case in judged.cases for probe in list_probes(case)}
    asked: dict[str, bool] = {}
    for reply in judged.replies:
        if not reply.exchange.generated:
            asked[reply.probe] = asked.get(reply.probe, False) or not reply.is_transient
    return [probe for probe, answered in asked.items() if not answered and probe not in shown]


def _name_unanswered(judged: JudgedProvider) -> Iterator[str]:
    probes = _find_unanswered(judged)
    if probes:
        yield f"{count_noun(len(probes), 'question')} got no usable answer: {join_names(probes, 5)}"


def _count_open_rules(judged: JudgedProvider, *, explained: bool = False) -> Iterator[str]:
    """Count the inconclusive rules, unless what left them open is `explained` already, and the checks that raised."""
    left_open = [case for case in judged.cases if case.outcome is Outcome.INCONCLUSIVE]
    if left_open and not explained:
        yield f"{count_noun(len(left_open), 'rule')} inconclusive ({left_open[0].reason})"
    raised = [case for case in judged.cases if case.outcome is Outcome.ERROR]
    if raised:
        yield f"{count_noun(len(raised), 'check')} of the checker raised an exception ({raised[0].rule})"


def _count_blocked_without_finding(judged: JudgedProvider) -> Iterator[str]:
    """Count the blocked rules for which the reason is neither a finding nor a choice of the user."""
    blocked = [case.reason for case in judged.cases if case.outcome is Outcome.BLOCKED]
    reasons = Counter(
        reason for reason in blocked if not reason.startswith((EXPLAINED, NO_BODIES, OTHER_MEASURE))
    )
    if reasons:
        reason = DISOBEDIENT if DISOBEDIENT in reasons else next(iter(reasons))
        yield f"{count_noun(reasons.total(), 'rule')} blocked ({reason})"
