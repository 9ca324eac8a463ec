"""Generated bodies for one provider: which are asked, how those that fail are made small, and which are kept.

Imports Hypothesis: only a run that draws bodies imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.asking.run import BodySearch, Generated, Replies, make_nonce
from conformance.bodies import (
    GeneratedBody,
    build_question,
    build_variants,
    check_schemas,
    find_form,
    name_probe,
    read_corpus,
    read_generated_body,
    serialize,
    shrink,
    write_corpus,
)
from conformance.bodies.selection import select_bodies
from conformance.catalogue import RULES, Probe, ProbeContext, Unaskable
from conformance.dialects.dialect import Dialect
from conformance.judging.generated import failed, failed_for_good, is_page, swallowed
from conformance.judging.tries import ATTEMPTS_TO_ACCUSE
from conformance.model import Outcome, Question
from conformance.reading.reply import Reply
from conformance.running.session import BodyPlan, SelectedProvider
from conformance.verdicts.verdict import Verdict

_UNSURE = (Outcome.INCONCLUSIVE, Outcome.ERROR)


@dataclass(frozen=True)
class BodyBudget:
    """How many bodies, from which seed, and how many requests may be spent on smaller ones."""

    seed: int
    count: int
    shrink: int = 0


def find_schema_faults(several: Iterable[SelectedProvider]) -> list[str]:
    """Return what keeps bodies from being drawn, a line each: the provider, the schema, the pointer, the fault."""
    return [f"{one.provider.name}: {line}" for one in several for line in check_schemas(one.dialect)]


def plan_bodies(
    one: SelectedProvider, probes: Sequence[Probe], budget: BodyBudget, file: Path
) -> tuple[BodyPlan, tuple[str, ...]]:
    """Return the bodies to ask a provider, those that `file` keeps first; and a line for each line that is none."""
    before, said = read_corpus(file)
    known = build_variants(_fixed(one, probes, budget.seed), budget.seed)
    drawn = select_bodies(one.dialect, budget.seed, budget.count, before, known)
    search = _search(one.dialect, budget.shrink) if budget.shrink else None
    return BodyPlan(tuple(map(_asked, drawn)), search), said


def _asked(drawn: GeneratedBody) -> Generated:
    return Generated(name_probe(drawn), build_question(drawn), drawn.twin)


def _fixed(one: SelectedProvider, probes: Sequence[Probe], seed: int) -> Mapping[str, Question]:
    """Return the first turns that are asked anyhow, by probe."""
    able = [
        probe for probe in probes if probe.follows is None and not probe.lacking(one.provider.unsupported)
    ]
    asking = ProbeContext(one.provider.model, make_nonce(seed, one.provider.name, "generated", 1))
    built = {probe.id: probe.build(asking) for probe in able}
    return {id_: found for id_, found in built.items() if not isinstance(found, Unaskable)}


def _search(dialect: Dialect, requests: int) -> BodySearch:
    def search(replies: Replies) -> Generator[Generated, Reply | None, None]:
        left = requests
        for fault in _by_turns(_faults(replies)):
            left -= yield from _smallest(fault, dialect, left)

    return search


@dataclass(frozen=True)
class _Fault:
    """A body that breaks a property by itself, and how to see whether a smaller one still does."""

    kind: str
    drawn: GeneratedBody
    still: Callable[[Reply], bool]
    confirm: int = 0  # requests that are kept back: what is overload and what is not, three tries tell


def _plainest(fault: _Fault) -> tuple[bool, int, str]:
    """A valid body that fails comes first: what an invalid one fails on may not be its fault."""
    return not fault.drawn.valid, len(serialize(fault.drawn.body)), fault.drawn.id


def _by_turns(several: Iterable[_Fault]) -> list[_Fault]:
    """The smallest body of each kind first, since the others may well have the same cause; then the next of each."""
    turns: dict[str, int] = {}
    ordered: list[tuple[int, _Fault]] = []
    for fault in sorted(several, key=_plainest):
        turns[fault.kind] = turns.get(fault.kind, 0) + 1
        ordered.append((turns[fault.kind], fault))
    return [fault for _, fault in sorted(ordered, key=lambda one: one[0])]


def _faults(replies: Replies) -> Iterator[_Fault]:
    for tries in replies.values():
        last = tries[-1]
        drawn = read_generated_body(last.request_body, last.exchange.expected)
        if drawn and failed_for_good(tries):
            alone = replace(
                drawn, twin="", expected={}
            )  # what fails by itself needs no other to be held against
            yield _Fault("failed", alone, failed, 0 if is_page(last) else ATTEMPTS_TO_ACCUSE - 1)
        elif drawn and swallowed(last):
            yield _Fault(drawn.change, drawn, swallowed)


def _smallest(fault: _Fault, dialect: Dialect, left: int) -> Generator[Generated, Reply | None, int]:
    """Ask for a smaller body within `left` requests; return how many were asked. The smallest is asked to be sure."""
    search = shrink(fault.drawn, find_form(dialect, fault.drawn.source), max(left - fault.confirm, 0))
    asked = 0
    try:
        attempt = next(search)
        while True:
            reply = yield _asked(attempt)
            if reply is None:
                return left
            asked += 1
            attempt = search.send(fault.still(reply))
    except StopIteration as end:
        found: GeneratedBody = end.value
    for _ in range(fault.confirm if found.id != fault.drawn.id else 0):
        asked += 1
        yield _asked(found)
    return asked


def update_failing_file(file: Path, verdict: Verdict) -> None:
    """Write the bodies that a provider still fails on; one that was mended goes, one that was not judged stays."""
    before, _ = read_corpus(file)
    waiting = [drawn for drawn in before if not _judged(drawn, verdict)]
    failing = {drawn.id: drawn for drawn in (*waiting, *_failing(verdict))}
    write_corpus(file, failing.values())


def _judged(drawn: GeneratedBody, verdict: Verdict) -> bool:
    """Return whether a run has asked a body, and what it is held against, and came to a conclusion."""
    asked = {reply.probe for reply in verdict.replies}
    unsure = any(case.outcome in _UNSURE and RULES[case.rule].generated for case in verdict.cases)
    alone = not drawn.expected or drawn.twin in asked
    return name_probe(drawn) in asked and alone and not unsure


def _failing(verdict: Verdict) -> Iterator[GeneratedBody]:
    """Yield the bodies that the rules on generated bodies name, with the twins that they are held against."""
    named = {location.exchange for one in verdict.deviations if one.generated for location in one.locations}
    bodies = {
        reply.id: read_generated_body(reply.request_body, reply.exchange.expected)
        for reply in verdict.replies
    }
    by_body = {drawn.id: drawn for drawn in bodies.values() if drawn}
    for id_, drawn in bodies.items():
        if id_ in named and drawn:
            yield from (by_body[drawn.twin],) if drawn.twin in by_body else ()
            yield drawn
