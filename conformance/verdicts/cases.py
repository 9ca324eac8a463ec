"""Judges replies by the rules: one case for each rule, and one finding for each fault."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from conformance.catalogue import NotJudged, Proof, RequiredContent, Rule
from conformance.dialects.dialect import Dialect
from conformance.judging.expectations import obeys
from conformance.judging.proof import Background, find_missing_proof
from conformance.judging.refusals import says_unsupported
from conformance.judging.traits import REFERENCE
from conformance.model import GRAVE_LEVELS, Against, Case, Deviation, Location, Outcome, Provider, Source
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing
from conformance.replies import CONTROL, Unasked
from conformance.sources import VENDORS_DOCUMENT
from conformance.verdicts.acceptance import accept_known

# The beginning of a blocked case's reason, for code that has to know why it is blocked.
EXPLAINED = "explained by "
DISOBEDIENT = "the answers do not follow the simplest instruction"
UNANSWERED = "none of the questions that the rule needs was answered as asked"
NO_BODIES = "no generated body was sent"
OTHER_MEASURE = (
    "the finding is a departure from Google only, and this run judges only by the vendor's own document"
)
# If a check gives several reasons, the most certain one counts; this is their order.
_CERTAINTY = (Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE, Outcome.BLOCKED, Outcome.NOTE)


@dataclass(frozen=True)
class JudgingInput:
    """Everything needed to judge one provider: replies, the questions that were not asked, the document, and today's date."""

    provider: Provider
    dialect: Dialect
    replies: tuple[Reply, ...]
    unasked: tuple[Unasked, ...]
    traits: Mapping[str, object]
    against: frozenset[Against]
    today: dt.date

    @cached_property
    def obeys(self) -> bool:
        """Whether the plain question was answered as it asks at least once."""
        asked = [reply for reply in self.replies if reply.probe == CONTROL]
        return not asked or any(map(obeys, asked))

    @cached_property
    def background(self) -> Background:
        """What the replies show about the vendor as a whole."""
        return Background.of(self.replies)

    def for_rule(self, usable: tuple[Reply, ...]) -> RuleInput:
        """Return the input of a rule that can use those replies."""
        unrelated = tuple(one.probe for one in self.unasked if one.cause == "unrelated")
        return RuleInput(usable, self.replies, self.dialect, self.provider.model, unrelated)


def judge_rules(given: JudgingInput, rules: Sequence[Rule]) -> list[Case]:
    """Return one case per rule, in the catalogue's order. A check that raises is an `error` case.

    A rule whose findings could not count by the chosen measures has no case, because it would judge nothing.
    """
    cases: dict[str, Case] = {}
    done: dict[str, Rule] = {}
    rules = [rule for rule in rules if can_accuse(rule, given.dialect, given.against)]
    for rule in sort_causes_first(rules):
        cause = _find_cause(rule, given, cases, done)
        case = Case(rule.id, Outcome.BLOCKED, f"{EXPLAINED}{cause}") if cause else _judge_rule(rule, given)
        cases[rule.id], done[rule.id] = accept_known(case, given.provider.known, given.today), rule
    return [cases[rule.id] for rule in rules]


def can_accuse(rule: Rule, dialect: Dialect, against: frozenset[Against]) -> bool:
    """Return whether a finding of that rule can count by these measures, for a vendor of that dialect."""
    if rule.documented or Against.REFERENCE not in against:
        return Against.DOCUMENTED in against and (rule.documented or _promises_google(rule, dialect))
    return True


def _promises_google(rule: Rule, dialect: Dialect) -> bool:
    """Return whether the vendor's own document agrees with Google on the rule's trait."""
    readings = dialect.traits.get(rule.trait or "", ())
    return any(reading.value == REFERENCE.get(str(rule.trait)) for reading in readings)


# --- what explains a rule's finding ---


def sort_causes_first(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules in an order in which each comes after those that may explain it. Raises ValueError for a circle."""
    waiting = {rule.id: rule for rule in rules}
    done: list[Rule] = []
    while waiting:
        ready = [rule for rule in waiting.values() if waiting.keys().isdisjoint(rule.blocked_by)]
        if not ready:
            raise ValueError(f"rules block each other in a circle: {sorted(waiting)}")
        done += [waiting.pop(rule.id) for rule in sorted(ready, key=lambda rule: rule.id)]
    return done


def _find_cause(
    rule: Rule, given: JudgingInput, cases: Mapping[str, Case], rules: Mapping[str, Rule]
) -> str | None:
    """Return the id of the first rule whose finding explains this rule's finding."""
    for id_ in rule.blocked_by:
        found = cases[id_].deviation if id_ in cases else None
        grave = found if found is not None and found.level in GRAVE_LEVELS else None
        if grave is not None and not _is_of_the_other_method(grave, rules[id_], rule, given.replies):
            return id_
    return None


def _is_of_the_other_method(deviation: Deviation, cause: Rule, rule: Rule, replies: Sequence[Reply]) -> bool:
    """Return whether a fault is only in streams, or only in unary answers, and the rule looks at the others."""
    shown = {location.exchange for location in deviation.locations}
    wrong = {reply.streamed for reply in replies if reply.id in shown}
    asked = {reply.streamed for reply in replies if _selects(cause, reply)}
    wanted = {reply.streamed for reply in replies if _selects(rule, reply)}
    return bool(wanted) and len(asked) == 2 and wrong.isdisjoint(wanted)


def _selects(rule: Rule, reply: Reply) -> bool:
    return (not rule.probes or reply.probe in rule.probes) and rule.select(reply)


# --- one rule ---


def _judge_rule(rule: Rule, given: JudgingInput) -> Case:
    selected = [reply for reply in given.replies if _selects(rule, reply)]
    number = len(selected)
    try:
        usable = tuple(reply for reply in selected if rule.usable(reply))
        if usable:
            number = len(usable)
            return _judge_replies(rule, given, usable)
        outcome, reason = next(_explain_lack_of_replies(rule, given, selected))
    except Exception as error:  # noqa: BLE001 - a check's own fault ends nothing but the check
        reason = f"the check raised {type(error).__name__}: {error}"[:300]
        return Case(rule.id, Outcome.ERROR, reason, len(selected))
    return Case(rule.id, outcome, reason, number)


def _judge_replies(rule: Rule, given: JudgingInput, usable: tuple[Reply, ...]) -> Case:
    """Return the case of a rule that has replies to look at. Raises whatever its check raises."""
    if rule.needs_obedience and not given.obeys:
        return Case(rule.id, Outcome.BLOCKED, DISOBEDIENT, len(usable))
    found = list(rule.look(given.for_rule(usable)))
    locations = tuple(one for one in found if isinstance(one, Location))
    if locations:
        deviation = _make_deviation(rule, given, locations)
        if given.against.isdisjoint(deviation.against):
            return Case(rule.id, Outcome.BLOCKED, OTHER_MEASURE, len(usable))
        outcome = Outcome.DEVIATION if deviation.level in GRAVE_LEVELS else Outcome.NOTE
        return Case(rule.id, outcome, locations[0].observed, len(usable), deviation)
    reasons = [one for one in found if isinstance(one, NotJudged)]
    if reasons:
        worst = min(reasons, key=lambda one: _CERTAINTY.index(one.outcome))
        lacking = _name_unsupported_question(worst, rule, given) or worst
    else:
        lacking = _find_lack_of_proof(rule, given, usable) or NotJudged(Outcome.PASS, "")
    return Case(rule.id, lacking.outcome, lacking.reason, len(usable))


def _name_unsupported_question(reason: NotJudged, rule: Rule, given: JudgingInput) -> NotJudged | None:
    """Return the reason if a blocked rule needs a question that, according to the user, cannot be asked."""
    for one in given.unasked:
        if reason.outcome is Outcome.BLOCKED and one.cause == "unsupported" and one.probe in rule.probes:
            return NotJudged(Outcome.UNSUPPORTED, f"{one.probe} was not asked: {one.detail}")
    return None


def _find_lack_of_proof(rule: Rule, given: JudgingInput, usable: Sequence[Reply]) -> NotJudged | None:
    """Return why a rule that found nothing wrong does not pass; None where it does."""
    lacking = find_missing_proof(rule, usable, given.background)
    if lacking is not None and all(reply.is_transient for reply in usable):
        return NotJudged(Outcome.INCONCLUSIVE, describe_failure(usable[0]))
    if lacking is None and rule.requires is not None and not any(map(rule.requires.holds, usable)):
        return _explain_lack_of_content(rule.requires, given)
    if lacking is None and rule.proof in (Proof.EACH_REFUSAL, Proof.ACCEPTANCE):
        # Such a pass needs each of its questions; a question that got only another question's error shows nothing.
        for one in given.unasked:
            if one.cause == "unrelated" and one.probe in rule.probes:
                return NotJudged(Outcome.INCONCLUSIVE, f"{one.probe} was not answered: {one.detail}")
    return lacking


def _explain_lack_of_content(content: RequiredContent, given: JudgingInput) -> NotJudged:
    """Return why no reply has the content: a question that would have shown it failed, or no answer had it."""
    for reply in given.replies:
        if reply.probe in content.probes and reply.is_transient:
            return NotJudged(Outcome.INCONCLUSIVE, f"{content.missing}; {describe_failure(reply)}")
    for one in given.unasked:
        if one.probe in content.probes:
            return NotJudged(_outcome_of(one), f"{content.missing}; {one.probe}: {one.detail}")
    return NotJudged(content.outcome, content.missing)


def _explain_lack_of_replies(
    rule: Rule, given: JudgingInput, selected: Sequence[Reply]
) -> Iterator[tuple[Outcome, str]]:
    """Yield why a rule has no reply to look at, the best reason first."""
    failing = [reply for reply in selected if reply.is_transient]
    # A rule without probes looks at many answers: a few failed ones do not explain that it had none to look at.
    if failing and (rule.probes or len(failing) == len(selected)):
        yield Outcome.INCONCLUSIVE, describe_failure(failing[0])
    # A vendor that refuses the plain question too does not refuse this feature.
    works = any(reply.ok for reply in given.replies if reply.probe == CONTROL)
    if rule.feature and works and any(map(is_clear_refusal, selected)):
        messages = (reply.error.message for reply in selected if reply.error and reply.error.message)
        yield Outcome.UNSUPPORTED, f"the vendor refuses it: {next(messages, '')[:160]}"
    streams = rule.probes or rule.generated or any(reply.streamed for reply in given.replies)
    if "streaming" in given.provider.unsupported and not streams:
        yield Outcome.UNSUPPORTED, "providers.yaml says that streaming is unsupported"
    for one in given.unasked:
        if one.probe in rule.probes:
            asked = "was not answered" if one.cause == "unrelated" else "was not asked"
            yield _outcome_of(one), f"{one.probe} {asked}: {one.detail}"
    for one in given.unasked:
        if not rule.probes and not selected and one.cause in _ENDS_THE_ASKING:
            yield Outcome.INCONCLUSIVE, one.detail
    asked_bodies = any(reply.exchange.generated for reply in given.replies)
    yield Outcome.BLOCKED, NO_BODIES if rule.generated and not asked_bodies else UNANSWERED


_ENDS_THE_ASKING = ("budget", "dead", "not-recorded", "cut-off")


def _outcome_of(unasked: Unasked) -> Outcome:
    """Return the outcome of a rule that lacks a question, according to the cause for which it was not asked."""
    known = {"unsupported": Outcome.UNSUPPORTED, "first-turn": Outcome.BLOCKED}
    return known.get(unasked.cause, Outcome.INCONCLUSIVE)


def describe_failure(reply: Reply) -> str:
    """Return in words why a reply shows nothing: the status, or the failure and the bound that was exceeded."""
    failure = reply.exchange.failure
    if failure is None:
        return f"{reply.probe}: HTTP {reply.status}"
    detail = f" (bound: {failure.bound})" if failure.bound else f": {failure.detail}"[:160]
    return f"{reply.probe}: {failure.kind}{detail}"


def is_clear_refusal(reply: Reply) -> bool:
    """Return whether the vendor says, in an error with a message, that it will not do this."""
    refused = reply.standing in (Standing.REQUEST_REFUSED, Standing.NO_ROUTE)
    refused = refused or (reply.status == 403 and says_unsupported(reply))
    return refused and bool(reply.error and reply.error.message)


# --- its finding ---


def _make_deviation(rule: Rule, given: JudgingInput, locations: tuple[Location, ...]) -> Deviation:
    generated = {reply.id for reply in given.replies if reply.exchange.generated}
    levels = {location: location.level or rule.level for location in locations}
    readings = given.dialect.traits.get(rule.trait or "", ())
    own = rule.source == VENDORS_DOCUMENT
    source: Source = replace(given.dialect.document, says=rule.source.says) if own else rule.source
    return Deviation(
        rule=rule.id,
        dimension=rule.dimension,
        level=min(levels.values(), key=lambda level: level.rank),
        against=_measure_against(rule, given),
        title=rule.title,
        locations=tuple(sorted(locations, key=lambda one: levels[one].rank)),
        source=source,
        documented=readings[0].source if readings else None,
        generated=all(location.exchange in generated for location in locations),
    )


def _measure_against(rule: Rule, given: JudgingInput) -> tuple[Against, ...]:
    """Return what a finding contradicts: Google's reference, the vendor's own document, or both."""
    if rule.documented:
        return (Against.DOCUMENTED,)
    readings = given.dialect.traits.get(rule.trait or "", ())
    seen = given.traits.get(rule.trait or "")
    keeps_own_word = seen is None or any(reading.value == seen for reading in readings)
    if not keeps_own_word and _promises_google(rule, given.dialect):
        return (Against.REFERENCE, Against.DOCUMENTED)
    return (Against.REFERENCE,)
