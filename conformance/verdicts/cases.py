"""Providers, replies and rules in; outcomes out: one case per rule, one fault one finding."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from conformance.catalogue import NotJudged, Proof, RequiredContent, Rule, current_rule_id
from conformance.dialects.dialect import Dialect
from conformance.judging.expectations import obeys
from conformance.judging.proof import Background, find_missing_proof
from conformance.judging.refusals import says_unsupported
from conformance.judging.traits import REFERENCE
from conformance.model import (
    GRAVE_LEVELS,
    Against,
    Case,
    Deviation,
    Known,
    Level,
    Location,
    Outcome,
    Provider,
    Source,
)
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing
from conformance.replies import CONTROL, Unasked
from conformance.sources import VENDORS_DOCUMENT

# How the reason of a blocked case begins, where others have to know why it is blocked.
EXPLAINED = "explained by "
DISOBEDIENT = "the answers do not follow the simplest instruction"
UNANSWERED = "no question that it looks at was answered as asked"
NO_BODIES = "no generated body was asked"
OTHER_MEASURE = (
    "its finding departs only from Google, and this run judges against the vendor's own document alone"
)
_RANK = {Level.MUST: 0, Level.SHOULD: 1, Level.NOTE: 2}
# What decides when a rule's locations and asides mix: the worst that is certain.
_ASIDES = (Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE, Outcome.BLOCKED, Outcome.NOTE)


@dataclass(frozen=True)
class JudgingInput:
    """All that judging one provider needs: replies, what was not asked, the document, and today's date."""

    provider: Provider
    dialect: Dialect
    replies: tuple[Reply, ...]
    unasked: tuple[Unasked, ...]
    traits: Mapping[str, object]
    against: frozenset[Against]
    today: dt.date
    source: str = "providers.yaml"  # the file that the provider stands in, as its user names it

    @property
    def obeys(self) -> bool:
        """The control question was answered as it asks, at least once."""
        asked = [reply for reply in self.replies if reply.probe == CONTROL]
        return not asked or any(map(obeys, asked))

    def seen(self, usable: tuple[Reply, ...]) -> RuleInput:
        """Return what a rule is handed that can use those replies."""
        unrelated = tuple(one.probe for one in self.unasked if one.cause == "unrelated")
        return RuleInput(usable, self.replies, self.dialect, self.provider.model, unrelated)

    @cached_property
    def background(self) -> Background:
        """What the replies tell of the vendor as a whole."""
        return Background.of(self.replies)


def sort_causes_first(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules so that each comes after those that may explain it. Raises ValueError for a circle."""
    waiting = {rule.id: rule for rule in rules}
    done: list[Rule] = []
    while waiting:
        ready = [
            rule for rule in waiting.values() if not any(before in waiting for before in rule.blocked_by)
        ]
        if not ready:
            raise ValueError(f"rules explain each other in a circle: {sorted(waiting)}")
        done += [waiting.pop(rule.id) for rule in sorted(ready, key=lambda rule: rule.id)]
    return done


def judge_rules(evidence: JudgingInput, rules: Sequence[Rule]) -> list[Case]:
    """Return one case per rule, in the catalogue's order. A check that raises is an `error` case.

    A rule whose findings could not count by the chosen measures has no case: nothing of it would be judged.
    """
    cases: dict[str, Case] = {}
    done: dict[str, Rule] = {}
    rules = [rule for rule in rules if can_accuse(rule, evidence.dialect, evidence.against)]
    for rule in sort_causes_first(rules):
        cause = _cause(rule, evidence, cases, done)
        case = Case(rule.id, Outcome.BLOCKED, f"{EXPLAINED}{cause}") if cause else _case(rule, evidence)
        cases[rule.id], done[rule.id] = _accepted(case, evidence), rule
    return [cases[rule.id] for rule in rules]


def can_accuse(rule: Rule, dialect: Dialect, against: frozenset[Against]) -> bool:
    """Return whether a finding of that rule can count by these measures, for a vendor of that dialect."""
    if rule.documented or Against.REFERENCE not in against:
        return Against.DOCUMENTED in against and (rule.documented or _promises_google(rule, dialect))
    return True


def _promises_google(rule: Rule, dialect: Dialect) -> bool:
    """The vendor's own document says of the rule's trait what Google does."""
    readings = dialect.traits.get(rule.trait or "", ())
    return any(reading.value == REFERENCE.get(str(rule.trait)) for reading in readings)


def _case(rule: Rule, evidence: JudgingInput) -> Case:
    selected = [reply for reply in evidence.replies if _selects(rule, reply)]
    try:
        usable = tuple(reply for reply in selected if rule.usable(reply))
        if not usable:
            return _without_replies(rule, evidence, selected)
        if rule.obeys and not evidence.obeys:
            return Case(rule.id, Outcome.BLOCKED, DISOBEDIENT, len(usable))
        found = list(rule.look(evidence.seen(usable)))
        if not found:
            return _passed(rule, evidence, usable)
    except Exception as error:  # noqa: BLE001 - a check's own fault ends nothing but the check
        return Case(
            rule.id, Outcome.ERROR, f"the check raised {type(error).__name__}: {error}"[:300], len(selected)
        )
    return _outcome(rule, evidence, found, len(usable))


def _passed(rule: Rule, evidence: JudgingInput, usable: Sequence[Reply]) -> Case:
    """Return a pass where what the rule looked at can bear one, else why it cannot."""
    lacking = find_missing_proof(rule, usable, evidence.background)
    if lacking is not None and all(map(is_transient, usable)):
        lacking = NotJudged(Outcome.INCONCLUSIVE, describe_failure(usable[0]))
    elif lacking is None and rule.requires is not None and not any(map(rule.requires.holds, usable)):
        lacking = _unseen(rule.requires, evidence)
    lacking = lacking or _left_open(rule, evidence)
    if lacking is None:
        return Case(rule.id, Outcome.PASS, "", len(usable))
    return Case(rule.id, lacking.outcome, lacking.reason, len(usable))


_OF_EVERY_QUESTION = (Proof.EACH_REFUSAL, Proof.ACCEPTANCE)


def _left_open(rule: Rule, evidence: JudgingInput) -> NotJudged | None:
    """Return that a question was met by another one's error, where a pass of the rule needs each of its questions."""
    wanted = rule.probes if rule.proof in _OF_EVERY_QUESTION else ()
    for one in evidence.unasked:
        if one.cause == "unrelated" and one.probe in wanted:
            return NotJudged(Outcome.INCONCLUSIVE, f"{one.probe} was not answered: {one.detail}")
    return None


def _unseen(content: RequiredContent, evidence: JudgingInput) -> NotJudged:
    """Return why nothing was seen: a question that would have shown it was not answered, or nothing of the kind came."""
    failed = (reply for reply in evidence.replies if reply.probe in content.probes and is_transient(reply))
    lost = (one for one in evidence.unasked if one.probe in content.probes)
    for reply in failed:
        return NotJudged(Outcome.INCONCLUSIVE, f"{content.missing}; {describe_failure(reply)}")
    for unasked in lost:
        return NotJudged(_UNASKED[unasked.cause], f"{content.missing}; {unasked.probe}: {unasked.detail}")
    return NotJudged(content.outcome, content.missing)


def _cause(
    rule: Rule, evidence: JudgingInput, before: Mapping[str, Case], rules: Mapping[str, Rule]
) -> str | None:
    for id_ in rule.blocked_by:
        found = before[id_].deviation if id_ in before else None
        if found is None or found.level not in GRAVE_LEVELS:
            continue
        if not _elsewhere(found, rules[id_], rule, evidence.replies):
            return id_
    return None


def _elsewhere(deviation: Deviation, cause: Rule, rule: Rule, replies: Sequence[Reply]) -> bool:
    """What was asked in both ways, streamed and unary, and is wrong in one of them, explains nothing of the other."""
    locations = {location.exchange for location in deviation.locations}
    wrong = {reply.streamed for reply in replies if reply.id in locations}
    asked = {reply.streamed for reply in replies if _selects(cause, reply)}
    wanted = {reply.streamed for reply in replies if _selects(rule, reply)}
    return bool(wanted) and len(asked) == 2 and wrong.isdisjoint(wanted)


def _selects(rule: Rule, reply: Reply) -> bool:
    return (not rule.probes or reply.probe in rule.probes) and rule.select(reply)


def is_transient(reply: Reply) -> bool:
    """Return whether the reply says nothing of the protocol: no answer, 429 and its like, 5xx."""
    said = reply.kind is not ReplyKind.FAILED and reply.exchange.failure is None
    return not said or reply.standing is Standing.THROTTLED or reply.status >= 500


def _without_replies(rule: Rule, evidence: JudgingInput, selected: Sequence[Reply]) -> Case:
    for outcome, reason in _reasons(rule, evidence, selected):
        return Case(rule.id, outcome, reason, len(selected))
    asked = any(reply.exchange.generated for reply in evidence.replies)
    reason = NO_BODIES if rule.generated and not asked else UNANSWERED
    return Case(rule.id, Outcome.BLOCKED, reason, len(selected))


def _reasons(rule: Rule, evidence: JudgingInput, selected: Sequence[Reply]) -> Iterable[tuple[Outcome, str]]:
    failing = [reply for reply in selected if is_transient(reply)]
    # A rule on whatever came looks at many answers: a few that failed are not why it found nothing to look at.
    if failing and (rule.probes or len(failing) == len(selected)):
        yield Outcome.INCONCLUSIVE, describe_failure(failing[0])
    # Who refuses the plain question too does not refuse this feature.
    works = any(reply.ok for reply in evidence.replies if reply.probe == CONTROL)
    if rule.feature and works and any(is_clear_refusal(reply) for reply in selected):
        yield Outcome.UNSUPPORTED, f"the vendor refuses it: {_message(selected)}"
    if _wants_streams_alone(rule, evidence):
        yield Outcome.UNSUPPORTED, "providers.yaml says that streaming is unsupported"
    for unasked in evidence.unasked:
        if unasked.probe in rule.probes:
            asked = "was not answered" if unasked.cause == "unrelated" else "was not asked"
            yield _UNASKED[unasked.cause], f"{unasked.probe} {asked}: {unasked.detail}"
    ended = next((unasked for unasked in evidence.unasked if unasked.cause in _ENDED), None)
    if not rule.probes and not selected and ended:
        yield _UNASKED[ended.cause], ended.detail


def _wants_streams_alone(rule: Rule, evidence: JudgingInput) -> bool:
    """Where the user says that a vendor streams nothing: whether a rule found nothing among all its other answers."""
    said = "streaming" in evidence.provider.unsupported
    return said and not (rule.probes or rule.generated or any(reply.streamed for reply in evidence.replies))


# What ends the asking as a whole, and so explains why a rule on whatever came has nothing.
_ENDED = ("budget", "dead", "not-recorded", "cut-off")
_UNASKED: Mapping[str, Outcome] = {
    "unsupported": Outcome.UNSUPPORTED,
    "first-turn": Outcome.BLOCKED,
    "budget": Outcome.INCONCLUSIVE,
    "dead": Outcome.INCONCLUSIVE,
    "not-recorded": Outcome.INCONCLUSIVE,
    "cut-off": Outcome.INCONCLUSIVE,
    "unrelated": Outcome.INCONCLUSIVE,
}


def describe_failure(reply: Reply) -> str:
    """Return in words why a reply says nothing: the status, or the failure and the bound that was hit."""
    failure = reply.exchange.failure
    if failure is None:
        return f"{reply.probe}: HTTP {reply.status}"
    return f"{reply.probe}: {failure.kind}" + (
        f" (bound: {failure.bound})" if failure.bound else f": {failure.detail}"[:160]
    )


def is_clear_refusal(reply: Reply) -> bool:
    """Return whether the vendor says, as an error with a message, that it will not do this."""
    declined = (
        reply.standing is Standing.REQUEST_REFUSED
        or reply.status in (404, 405)
        or (reply.status == 403 and says_unsupported(reply))
    )
    return declined and bool(reply.error and reply.error.message)


def _message(selected: Sequence[Reply]) -> str:
    said = next((reply.error.message for reply in selected if reply.error and reply.error.message), "")
    return said[:160]


def _outcome(
    rule: Rule, evidence: JudgingInput, found: Sequence[Location | NotJudged], looked_at: int
) -> Case:
    locations = tuple(item for item in found if isinstance(item, Location))
    if locations and evidence.against & set(_against(rule, evidence, locations)):
        deviation = _deviation(rule, evidence, locations)
        outcome = Outcome.DEVIATION if deviation.level in GRAVE_LEVELS else Outcome.NOTE
        return Case(rule.id, outcome, locations[0].observed, looked_at, deviation)
    asides = sorted(
        (item for item in found if isinstance(item, NotJudged)), key=lambda item: _ASIDES.index(item.outcome)
    )
    if locations:
        return Case(rule.id, Outcome.BLOCKED, OTHER_MEASURE, looked_at)
    if asides:
        outcome, reason = _explain_aside(asides[0], rule, evidence)
        return Case(rule.id, outcome, reason, looked_at)
    return Case(rule.id, Outcome.PASS, "", looked_at)


def _explain_aside(aside: NotJudged, rule: Rule, evidence: JudgingInput) -> tuple[Outcome, str]:
    """Return why a rule was not judged; what it lacks may be an answer to a question that the user says cannot be asked."""
    left = next((u for u in evidence.unasked if u.cause == "unsupported" and u.probe in rule.probes), None)
    if aside.outcome is Outcome.BLOCKED and left is not None:
        return Outcome.UNSUPPORTED, f"{left.probe} was not asked: {left.detail}"
    return aside.outcome, aside.reason


def _level(rule: Rule, locations: Sequence[Location]) -> Level:
    return min((location.level or rule.level for location in locations), key=_RANK.__getitem__)


def _deviation(rule: Rule, evidence: JudgingInput, locations: tuple[Location, ...]) -> Deviation:
    generated = {reply.id for reply in evidence.replies if reply.exchange.generated}
    worst_first = sorted(locations, key=lambda location: _RANK[location.level or rule.level])
    return Deviation(
        rule=rule.id,
        dimension=rule.dimension,
        level=_level(rule, locations),
        against=_against(rule, evidence, locations),
        title=rule.title,
        locations=tuple(worst_first),
        source=_source(rule, evidence.dialect),
        documented=_documented(rule, evidence),
        generated=all(location.exchange in generated for location in locations),
    )


def _source(rule: Rule, dialect: Dialect) -> Source:
    own = rule.source == VENDORS_DOCUMENT
    return replace(dialect.document, says=VENDORS_DOCUMENT.says) if own else rule.source


def _documented(rule: Rule, evidence: JudgingInput) -> Source | None:
    readings = evidence.dialect.traits.get(rule.trait or "", ())
    return readings[0].source if readings else None


def _against(rule: Rule, evidence: JudgingInput, locations: Sequence[Location]) -> tuple[Against, ...]:
    if rule.documented:
        return (Against.DOCUMENTED,)
    if rule.trait is None or not locations:
        return (Against.REFERENCE,)
    readings = evidence.dialect.traits.get(rule.trait, ())
    seen = evidence.traits.get(rule.trait)
    if not readings or seen is None or any(reading.value == seen for reading in readings):
        return (Against.REFERENCE,)
    both = (Against.REFERENCE, Against.DOCUMENTED)
    return both if _promises_google(rule, evidence.dialect) else (Against.REFERENCE,)


def is_in_force(known: Known, today: dt.date) -> bool:
    """Return whether an entry still accepts anything on that day."""
    return known.until is None or dt.date.fromisoformat(known.until) >= today


def probe_of(exchange: str) -> str:
    """Return the probe in an exchange's id `provider/probe#number`."""
    return exchange.rpartition("#")[0].partition("/")[2]


def _covers(known: Known, deviation: Deviation) -> bool:
    return "*" in known.probes or all(
        probe_of(location.exchange) in known.probes for location in deviation.locations
    )


def _accepted(case: Case, evidence: JudgingInput) -> Case:
    """Turn a deviation into a known one where an entry in force covers every probe that shows it."""
    deviation = case.deviation
    if deviation is None:
        return case
    entries = [
        known
        for known in evidence.provider.known
        if current_rule_id(known.rule) == case.rule and is_in_force(known, evidence.today)
    ]
    entry = next((known for known in entries if _covers(known, deviation)), _together(entries))
    if entry is None or not _covers(entry, deviation):
        return case
    outcome = Outcome.KNOWN if deviation.level in GRAVE_LEVELS else Outcome.NOTE
    return replace(case, outcome=outcome, deviation=replace(deviation, known=entry))


def _together(entries: Sequence[Known]) -> Known | None:
    """Several entries of one rule accept what each of them does."""
    if not entries:
        return None
    return replace(entries[0], probes=tuple(probe for entry in entries for probe in entry.probes))


def find_stale_entries(evidence: JudgingInput, cases: Sequence[Case]) -> list[str]:
    """Return a line for each `known` entry that accepts nothing any more: gone, or expired."""
    by_rule = {case.rule: case for case in cases}
    return [
        said
        for known in evidence.provider.known
        if (said := _staleness(known, by_rule.get(current_rule_id(known.rule)), evidence))
    ]


def _staleness(known: Known, case: Case | None, evidence: JudgingInput) -> str:
    name = f"{evidence.source}:{known.line}: {evidence.provider.name}: known {known.rule}"
    if not is_in_force(known, evidence.today):
        return f"{name} expired on {known.until}; mend it, or set a later date"
    if case is None or case.outcome in (
        Outcome.BLOCKED,
        Outcome.INCONCLUSIVE,
        Outcome.ERROR,
        Outcome.UNSUPPORTED,
    ):
        return ""  # what was not asked is not stale
    shown = (
        {probe_of(location.exchange) for location in case.deviation.locations} if case.deviation else set()
    )
    if shown and ("*" in known.probes or shown & set(known.probes)):
        return ""
    asked = {reply.probe for reply in evidence.replies}
    if "*" not in known.probes and not asked & set(known.probes):
        return ""
    return f"{name} no longer happens; remove the entry"
