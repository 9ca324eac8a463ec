"""Generated bodies for one provider: which are asked, the search for smaller ones that fail, and which are kept.

Imports Hypothesis: only a run that generates bodies imports this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.asking.run import BodyQuestion, BodySearch, Replies, make_nonce
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
from conformance.judging.generated import (
    fails_every_attempt,
    is_fault_accepted,
    is_html_page,
    is_server_failure,
)
from conformance.model import ATTEMPTS_TO_ACCUSE, Outcome, Question
from conformance.reading.reply import Reply
from conformance.running.gather import BodyPlan
from conformance.running.session import SelectedProvider
from conformance.verdicts.verdict import Verdict

_UNSURE = (Outcome.INCONCLUSIVE, Outcome.ERROR)


@dataclass(frozen=True)
class BodyBudget:
    """How many bodies to make, from which seed, and how many requests may be spent on shrinking them."""

    seed: int
    count: int
    shrink: int = 0


def find_schema_faults(several: Iterable[SelectedProvider]) -> list[str]:
    """Return a line for each reason why bodies cannot be made: the provider, the schema, the pointer, the fault."""
    return [f"{one.provider.name}: {line}" for one in several for line in check_schemas(one.dialect)]


def plan_bodies(
    one: SelectedProvider, probes: Sequence[Probe], budget: BodyBudget, file: Path
) -> tuple[BodyPlan, tuple[str, ...]]:
    """Return the bodies to ask a provider, those that `file` keeps first, and a warning for each line it cannot use."""
    corpus, warnings = read_corpus(file)
    variants = build_variants(_build_first_turns(one, probes, budget.seed), budget.seed)
    bodies = select_bodies(one.dialect, budget.seed, budget.count, corpus, variants)
    search = _make_search(one.dialect, budget.shrink) if budget.shrink else None
    return BodyPlan(tuple(map(_ask_for, bodies)), search), warnings


def _ask_for(body: GeneratedBody) -> BodyQuestion:
    return BodyQuestion(name_probe(body), build_question(body), body.twin)


def _build_first_turns(one: SelectedProvider, probes: Sequence[Probe], seed: int) -> dict[str, Question]:
    """Return, by probe, the questions that are asked in any case and follow no other."""
    context = ProbeContext(one.provider.model, make_nonce(seed, one.provider.name, "generated", 1))
    unsupported = one.provider.unsupported
    able = [
        probe for probe in probes if probe.follows is None and not probe.find_missing_feature(unsupported)
    ]
    built = {probe.id: probe.build(context) for probe in able}
    return {id_: found for id_, found in built.items() if not isinstance(found, Unaskable)}


def _make_search(dialect: Dialect, requests: int) -> BodySearch:
    def search(replies: Replies) -> Generator[BodyQuestion, Reply | None, None]:
        left = requests
        for failing in _take_turns([*_find_failing(replies)]):
            left -= yield from _ask_smaller(failing, dialect, left)

    return search


@dataclass(frozen=True)
class _FailingBody:
    """A body that breaks a property by itself, and how to see whether a smaller one still does."""

    kind: str
    body: GeneratedBody
    still_fails: Callable[[Reply], bool]
    confirm: int = 0  # requests that are kept back: only three attempts show that it is not overload


def _take_turns(several: Sequence[_FailingBody]) -> list[_FailingBody]:
    """Order bodies: the smallest of each kind first, since the others may have the same cause; then the next of each.

    A valid body goes before an invalid one, whose failure may have nothing to do with its fault.
    """
    size = {one.body.id: len(serialize(one.body.body)) for one in several}
    turns: Counter[str] = Counter()
    ordered: list[tuple[int, _FailingBody]] = []
    for one in sorted(several, key=lambda one: (not one.body.valid, size[one.body.id], one.body.id)):
        turns[one.kind] += 1
        ordered.append((turns[one.kind], one))
    return [one for _, one in sorted(ordered, key=lambda turn: turn[0])]


def _find_failing(replies: Replies) -> Iterator[_FailingBody]:
    for attempts in replies.values():
        last = attempts[-1]
        body = read_generated_body(last.request_body, last.exchange.expected)
        if body and fails_every_attempt(attempts):
            alone = replace(body, twin="", expected={})  # a body that fails by itself needs no twin
            yield _FailingBody(
                "failed", alone, is_server_failure, 0 if is_html_page(last) else ATTEMPTS_TO_ACCUSE - 1
            )
        elif body and is_fault_accepted(last):
            yield _FailingBody(body.change, body, is_fault_accepted)


def _ask_smaller(
    failing: _FailingBody, dialect: Dialect, left: int
) -> Generator[BodyQuestion, Reply | None, int]:
    """Ask for smaller bodies within `left` requests, then confirm the smallest; return how many were asked."""
    form = find_form(dialect, failing.body.source)
    search = shrink(failing.body, form, max(left - failing.confirm, 0))
    asked = 0
    try:
        attempt = next(search)
        while True:
            reply = yield _ask_for(attempt)
            if reply is None:
                return left
            asked += 1
            attempt = search.send(failing.still_fails(reply))
    except StopIteration as end:
        smallest: GeneratedBody = end.value
    for _ in range(failing.confirm if smallest.id != failing.body.id else 0):
        asked += 1
        yield _ask_for(smallest)
    return asked


def update_failing_file(file: Path, verdict: Verdict) -> None:
    """Write the bodies that a provider still fails on, and those that were not judged now."""
    corpus, _ = read_corpus(file)
    unjudged = [body for body in corpus if not _is_judged(body, verdict)]
    write_corpus(file, {body.id: body for body in (*unjudged, *_list_failing(verdict))}.values())


def _is_judged(body: GeneratedBody, verdict: Verdict) -> bool:
    """Return whether a run has asked a body, and its twin where it has one, and came to a conclusion."""
    asked = {reply.probe for reply in verdict.replies}
    unsure = any(case.outcome in _UNSURE and RULES[case.rule].generated for case in verdict.cases)
    complete = not body.expected or body.twin in asked
    return name_probe(body) in asked and complete and not unsure


def _list_failing(verdict: Verdict) -> Iterator[GeneratedBody]:
    """Yield the bodies that the rules on generated bodies name, each after its twin."""
    named = {location.exchange for one in verdict.deviations if one.generated for location in one.locations}
    found = {
        reply.id: body
        for reply in verdict.replies
        if (body := read_generated_body(reply.request_body, reply.exchange.expected))
    }
    by_id = {body.id: body for body in found.values()}
    for id_, body in found.items():
        if id_ in named:
            yield from (by_id[body.twin],) if body.twin in by_id else ()
            yield body
