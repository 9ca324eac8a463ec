"""How much of the catalogue was judged for one provider, what limited that, and what should have been judged and was not.

A rule counts as judged where it ended in pass, deviation, known, note or unsupported: a rule that does not apply to a
vendor (its document says nothing of it, it lacks the feature) has nothing left to find out. A blocked rule counts as not
judged, for whoever reads `conforms` reads it of that rule too. Where a finding blocks it the status is `deviates` anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.catalogue import RULES
from conformance.model import Case, Exchange, Level, Outcome
from conformance.reading.reply import Reply
from conformance.replies import ProviderReplies, Unasked
from conformance.verdicts.cases import (
    DISOBEDIENT,
    EXPLAINED,
    NO_BODIES,
    OTHER_MEASURE,
    is_transient,
    probe_of,
)

BY_FINDINGS = (
    "explained by other findings"  # what limited a rule that a finding blocks: nothing of the run's own
)
JUDGED = frozenset({Outcome.PASS, Outcome.DEVIATION, Outcome.KNOWN, Outcome.NOTE, Outcome.UNSUPPORTED})
# Why a question was never asked although it should have been: the asking ended early.
_ENDED_EARLY = ("budget", "dead", "cut-off")
_LEFT_OPEN = 20  # at most one rule in so many may be left unjudged where a vendor is said to conform


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
    """How the asking and judging of one provider went: the cases, and all that may have limited them.

    `selection` says in words to what the user narrowed the run, `ended` what ended it early for this provider.
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
        """Return the course of what was gathered; `replies` are those that no retry superseded."""
        ended = "" if gathered.finished else limits.ended
        return cls(
            tuple(cases), tuple(replies), tuple(gathered.exchanges), tuple(unasked), limits.selection, ended
        )


def measure_extent(course: JudgedProvider) -> JudgedExtent:
    """Return how much was judged, and everything that limited it."""
    judged = sum(case.outcome in JUDGED for case in course.cases)
    return JudgedExtent(judged, len(RULES), tuple(dict.fromkeys(_limits(course))))


def is_fully_judged(course: JudgedProvider) -> bool:
    """Return whether a provider without a finding may be said to conform.

    Every rule was selected and judged, every must among them without exception, at most one in twenty of all was left
    open, and nothing ended the asking early.
    """
    open_ = [rule for rule in RULES if not _is_judged(course, rule)]
    musts = [rule for rule in open_ if RULES[rule].level is Level.MUST]
    early = any(one.cause in _ENDED_EARLY for one in course.unasked)
    narrowed = bool(course.selection or course.ended)
    return not (narrowed or early or musts) and len(open_) * _LEFT_OPEN <= len(RULES)


def _is_judged(course: JudgedProvider, rule: str) -> bool:
    return any(case.rule == rule and case.outcome in JUDGED for case in course.cases)


def list_undecided(course: JudgedProvider, status: str) -> tuple[str, ...]:
    """Return in words what was selected and could not be judged; each makes a run end in 3 where nothing is new.

    What a finding explains does not count, nor what the user left out. A rule without an answer to look at counts
    where nothing at all was found: then no finding can be the reason.
    """
    found = [*_early(course), *_unanswered_questions(course), *_open_rules(course)]
    if status == "partial":
        found += _blocked_without_a_finding(course)
    return tuple(dict.fromkeys(found))


def _limits(course: JudgedProvider) -> Iterator[str]:
    yield from course.selection
    left_out = len(RULES) - len(course.cases)
    if left_out and not course.selection:
        yield f"{_several(left_out, 'rule')} not selected"
    if course.ended:
        yield course.ended
    yield from _early(course)
    if any(case.outcome not in JUDGED for case in course.cases) or _unanswered(course):
        yield from _failed_answers(course)
    yield from _open_rules(course, answers_explain=True)
    yield from _blocked(course)


def _early(course: JudgedProvider) -> Iterator[str]:
    """Say what ended the asking early: a budget, a vendor that stopped answering, a fault of the checker."""
    for cause in _ENDED_EARLY:
        details = Counter(one.detail for one in course.unasked if one.cause == cause)
        for detail, number in details.items():
            yield detail if number == 1 else f"{detail}; {number} questions not asked"


def _failed_answers(course: JudgedProvider) -> Iterator[str]:
    """Count the answers that said nothing, those of retries that came to nothing too."""
    chains: dict[str, list[Exchange]] = {}
    for exchange in course.exchanges:
        chains.setdefault(exchange.probe, []).append(exchange)
    useless = {reply.id for reply in course.replies if is_transient(reply)}
    words = Counter(
        _failure(exchange) for chain in chains.values() for exchange in _fruitless(chain, useless)
    )
    for word, number in words.most_common():
        yield f"{_several(number, 'answer')} of {word}" if word.isdigit() else _several(number, word)


def _fruitless(chain: Sequence[Exchange], useless: set[str]) -> Iterator[Exchange]:
    """Yield the exchanges of one question that ended in nothing, the retries that led there included."""
    waiting: list[Exchange] = []
    for exchange in sorted(chain, key=lambda one: one.attempt):
        waiting = [*waiting, exchange] if exchange.retry else [exchange]
        if exchange.id in useless:
            yield from waiting
            waiting = []


_FAILURES: Mapping[str, str] = {"timeout": "time-out", "first-byte": "time-out", "silence": "time-out"}


def _failure(exchange: Exchange) -> str:
    if exchange.failure is not None:
        return _FAILURES.get(exchange.failure.kind, f"failed exchange ({exchange.failure.kind})")
    return str(exchange.status) if exchange.status else "unreadable answer"


def _unanswered(course: JudgedProvider) -> list[str]:
    """Return the fixed questions that never got an answer that says anything, and that no finding shows."""
    shown = {
        probe_of(location.exchange)
        for case in course.cases
        if case.deviation
        for location in case.deviation.locations
    }
    asked: dict[str, bool] = {}
    for reply in course.replies:
        if not reply.exchange.generated:
            asked[reply.probe] = asked.get(reply.probe, False) or not is_transient(reply)
    return [probe for probe, answered in asked.items() if not answered and probe not in shown]


def _unanswered_questions(course: JudgedProvider) -> Iterator[str]:
    probes = _unanswered(course)
    if probes:
        named = ", ".join(probes[:5]) + (f" and {len(probes) - 5} more" if len(probes) > 5 else "")
        yield f"{_several(len(probes), 'question')} got no usable answer: {named}"


def _open_rules(course: JudgedProvider, *, answers_explain: bool = False) -> Iterator[str]:
    """Count the rules that are inconclusive and the checks that raised.

    `answers_explain`: the failed answers are counted already, so the rules that they left open are not.
    """
    open_ = [case for case in course.cases if case.outcome is Outcome.INCONCLUSIVE]
    if open_ and not (answers_explain and _explained_by_answers(course)):
        yield f"{_several(len(open_), 'rule')} inconclusive ({open_[0].reason})"
    raised = [case for case in course.cases if case.outcome is Outcome.ERROR]
    if raised:
        yield f"{_several(len(raised), 'check')} of ours raised an exception ({raised[0].rule})"


def _explained_by_answers(course: JudgedProvider) -> bool:
    return any(one.cause in _ENDED_EARLY for one in course.unasked) or any(_failed_answers(course))


def _blocked(course: JudgedProvider) -> Iterator[str]:
    """Count the blocked rules by what blocks them, in words."""
    reasons = Counter(_why(case) for case in course.cases if case.outcome is Outcome.BLOCKED)
    for reason, number in reasons.items():
        yield f"{reason}: {_several(number, 'rule')}"


def _why(case: Case) -> str:
    return BY_FINDINGS if case.reason.startswith(EXPLAINED) else case.reason


def _blocked_without_a_finding(course: JudgedProvider) -> Iterator[str]:
    chosen = (EXPLAINED, NO_BODIES, OTHER_MEASURE)
    blocked = [case for case in course.cases if case.outcome is Outcome.BLOCKED]
    reasons = Counter(case.reason for case in blocked if not case.reason.startswith(chosen))
    if reasons:
        reason = DISOBEDIENT if DISOBEDIENT in reasons else next(iter(reasons))
        yield f"{_several(reasons.total(), 'rule')} blocked ({reason})"


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
