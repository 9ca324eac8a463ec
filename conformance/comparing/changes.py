"""What changes from one side of a switch to the other: address, model, traits, findings, features, fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.catalogue import RULES
from conformance.comparing.advice import (
    ANSWER,
    ASPECTS,
    REQUEST,
    Aspect,
    advise_auth,
    advise_on_trait,
    format_reading,
)
from conformance.comparing.past import FINDING, PASS, PastCase
from conformance.comparing.sides import Side
from conformance.judging.traits import REFERENCE
from conformance.model import GRAVE_LEVELS, JSON, Level
from conformance.phrases import join_names

LOST, GAINED, MENDED, NOTE, CLIENT = "lost", "gained", "mended", "note", "client"
_BEFORE_THE_ANSWER = ("auth", "routes")  # the dimensions whose faults occur while asking
_UNKNOWN = "not known"
NEITHER = "neither"
Readings = tuple[tuple[JSON, ...], tuple[JSON, ...]]  # of one trait, on the old side and on the new


@dataclass(frozen=True)
class SwitchChange:
    """One thing that changes: what it is, its state before and after, what to do, why, and the rules behind it.

    way: request or answer (a step of an adapter, where there is something to do), lost, gained, mended, note, client.
    """

    what: str
    before: str
    after: str
    do: str = ""
    why: str = ""
    way: str = ANSWER
    rules: tuple[str, ...] = ()
    hurts: str = ""  # what breaks if nothing is done


def find_changes(before: Side, after: Side) -> tuple[SwitchChange, ...]:
    """Return what changes from one side to the other, without the clients. The catalogue must have been loaded."""
    traits = list(_compare_traits(before, after))
    moved = frozenset(trait for trait, _ in traits)
    changes = (
        *_compare_addresses(before, after),
        *(change for _, change in traits),
        *_list_new_findings(before, after, moved),
        *_list_mended(before, after, moved),
        *_compare_features(before, after, LOST),
        *_compare_features(before, after, GAINED),
        *_compare_documented_fields(before, after),
    )
    # Rules put code between backticks, which no form of this output shows as code.
    texts = ("what", "before", "after", "do", "why", "hurts")
    return tuple(
        replace(one, **{name: drop_backticks(getattr(one, name)) for name in texts})  # type: ignore[arg-type] # texts
        for one in changes
    )


def drop_backticks(text: str) -> str:
    """Return a text without backticks."""
    return text.replace("`", "")


def _compare_addresses(before: Side, after: Side) -> Iterator[SwitchChange]:
    url = after.base_url
    if before.base_url != url:
        yield SwitchChange(
            "Address", before.base_url, url, f"send requests to {url}", "the API is at another host", REQUEST
        )
    yield from _compare_models(before, after)


def _compare_models(before: Side, after: Side) -> Iterator[SwitchChange]:
    """Compare model names: the one that is asked for, or on paper those that the page lists."""
    old, new = _list_models(before), _list_models(after)
    if set(old) == set(new) or not new:
        return
    kept = [name for name in old if name in new]
    why = "a model that is not served is refused"
    served = _say_named(kept) if after.on_paper else "the new side answers under that name"
    do = f"keep {_join_names(kept)}: {served}" if kept else f"ask for {' or '.join(new)}"
    unasked = [] if kept else [name for name in old if name in after.models]
    if unasked:
        do += f"; {_say_named(unasked)} ({_join_names(unasked)}), which was not tested"
    yield SwitchChange(
        "Model", ", ".join(old) or _UNKNOWN, ", ".join(new), do, why, NOTE if kept else REQUEST
    )


def _say_named(models: Sequence[str]) -> str:
    return f"the new side's document also names {'it' if len(models) == 1 else 'them'}"


def _join_names(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if names[:-1] else "") + names[-1]


def _list_models(side: Side) -> tuple[str, ...]:
    return (side.model,) if side.model else side.models


def _compare_traits(before: Side, after: Side) -> Iterator[tuple[str, SwitchChange]]:
    for aspect in ASPECTS:
        old, new = before.traits.get(aspect.trait, ()), after.traits.get(aspect.trait, ())
        if set(map(format_reading, old)) != set(map(format_reading, new)):
            yield aspect.trait, _describe_trait(aspect, (old, new), after)


def _describe_trait(aspect: Aspect, readings: Readings, after: Side) -> SwitchChange:
    old, new = readings
    do = _advise_on_trait(aspect, readings, after)
    rules = tuple(rule for rule in _find_grave(after) if _trait_of(rule) == aspect.trait)
    # A rule about one way to send the key gives a reason for that way, which may not be the way that is advised.
    whys = [aspect.why] if aspect.trait == AUTH else [after.cases[rule].get_text("why") for rule in rules]
    why = next(filter(None, whys), aspect.why)
    shown = do or (_GOES_ON if new else "nothing is known about it there: try it before you move")
    return SwitchChange(
        aspect.label, _join_readings(old), _join_readings(new), shown, why, aspect.way if do else NOTE, rules
    )


def _advise_on_trait(aspect: Aspect, readings: Readings, after: Side) -> str:
    """Return what to do about a trait. Where nothing that was tried took effect, only the document can say."""
    old, new = readings
    if new != (NEITHER,):
        return advise_on_trait(aspect, old, new)
    documented = advise_on_trait(aspect, old, after.list_readings(aspect.trait))
    return (
        f"{documented}, as its document says; no effect was observed"
        if documented
        else advise_on_trait(aspect, old, new)
    )


def _join_readings(readings: Sequence[JSON]) -> str:
    return " or ".join(map(format_reading, readings)) or _UNKNOWN


def _trait_of(rule: str) -> str | None:
    return RULES[rule].trait if rule in RULES else None


def _find_grave(side: Side) -> list[str]:
    """Return the rules that a side breaks at must or should, accepted ones too, in the catalogue's order."""
    return [rule for rule, case in side.cases.items() if case.state == FINDING and case.level in GRAVE_LEVELS]


def _list_new_findings(before: Side, after: Side, moved: frozenset[str]) -> Iterator[SwitchChange]:
    """Yield what the new side breaks and the old one did not, musts first, without what a changed trait already says."""
    had = {rule for rule, case in before.cases.items() if case.state == FINDING}
    fresh = [case for rule, case in after.cases.items() if case.state == FINDING and rule not in had]
    for case in sorted(fresh, key=lambda case: Level(case.level).rank):
        if case.level == "note" or _trait_of(case.rule) not in moved:
            yield _describe_finding(before, after, case)


def _describe_finding(before: Side, after: Side, case: PastCase) -> SwitchChange:
    old = before.cases.get(case.rule)
    dimension, is_note = case.rule.partition("/")[0], case.level == "note"
    made = SwitchChange(
        what=f"{dimension}: {case.get_text('title') or case.rule}",
        before="holds" if old is not None and old.state == PASS else _UNKNOWN,
        after=f"{case.level}: {case.get_text('observed') or case.reason}",
        why=case.get_text("why") or case.get_text("breaks"),
        rules=(case.rule,),
        hurts=case.get_text("breaks") if case.get_text("why") else "",
    )
    if case.rule in RULES_ON_SENDING_THE_KEY and after.traits.get(AUTH):
        carry = _carry_key(before, after)
        way = REQUEST if carry and not is_note else NOTE
        return replace(made, do=carry or _GOES_ON, why=_WHY_OF_KEYS, way=way)
    do = case.get_text("way_round").strip().removesuffix(".")
    if _NO_WAY.match(do) or not do:
        return replace(made, do="" if is_note else _say_no_workaround(case), way=NOTE)
    way = REQUEST if dimension in _BEFORE_THE_ANSWER else ANSWER
    return replace(made, do=do, way=NOTE if is_note else way)


def _carry_key(before: Side, after: Side) -> str:
    """Return how code written for the old side sends its key to the new one; empty where it need not change."""
    old = before.traits.get(AUTH) or (REFERENCE[AUTH],)
    return advise_auth(format_reading(old[0]), format_reading(after.traits[AUTH][0]))


def _say_no_workaround(case: PastCase) -> str:
    """Return the advice for a finding without a workaround: what the rule adds to `none`, else to test it."""
    beside = case.get_text("way_round").partition(";")[2].strip().removesuffix(".")
    return f"nothing that an adapter could do; {beside or 'test whether your code needs it'}"


AUTH = "auth"
# Their workarounds say to send the key another way; which way depends on both sides.
RULES_ON_SENDING_THE_KEY = frozenset({
    "auth/takes-the-key-in-the-query", "auth/takes-keys-nowhere-else", "auth/takes-the-key-as-documented",
})  # fmt: skip
_WHY_OF_KEYS = next(aspect.why for aspect in ASPECTS if aspect.trait == AUTH)
_GOES_ON = "nothing: what worked still works"
_NO_WAY = re.compile(r"(none|nothing|no way round)\b", re.IGNORECASE)


def _list_mended(before: Side, after: Side, moved: frozenset[str]) -> Iterator[SwitchChange]:
    for rule in _find_grave(before):
        new, old = after.cases.get(rule), before.cases[rule]
        if new is not None and new.state == PASS and _trait_of(rule) not in moved:
            what = f"{rule.partition('/')[0]}: {old.get_text('title') or rule}"
            was = f"{old.level}: {old.get_text('observed') or old.reason}"
            yield SwitchChange(what, was, "holds", "drop the workaround", way=MENDED, rules=(rule,))


def _compare_features(before: Side, after: Side, way: str) -> Iterator[SwitchChange]:
    """Yield the features that one side has and the other says it lacks."""
    has, lacks = (before, after) if way == LOST else (after, before)
    found: dict[str, list[PastCase]] = {}
    for rule, case in lacks.cases.items():
        other = has.cases.get(rule)
        works = other is not None and other.state == PASS
        known = RULES.get(rule)
        # Of a rule about the vendor's own document, `unsupported` means undocumented: no feature is missing.
        if case.outcome == "unsupported" and works and not (known and known.documented):
            feature = (known.feature or known.title) if known else rule
            found.setdefault(feature, []).append(case)
    for feature, cases in found.items():
        rules = tuple(case.rule for case in cases)
        says = f"not offered: {cases[0].reason}"
        if way == LOST:
            do = "do without it, or keep using the old side for it"
            yield SwitchChange(feature, "offered", says, do, way=LOST, rules=rules)
        else:
            yield SwitchChange(feature, says, "offered", way=GAINED, rules=rules)


def _compare_documented_fields(before: Side, after: Side) -> Iterator[SwitchChange]:
    """On paper: yield the fields that only one of the documents names."""
    for place, label in (("request", "request"), ("response", "answer"), ("usage", "usage")):
        old, new = before.list_fields(place), after.list_fields(place)
        if (before.on_paper or after.on_paper) and old and new and old != new:
            do = "no document names every field: test the fields that you use" if old - new else ""
            here, there = (
                f"only here: {_join_pointers(old - new)}",
                f"only there: {_join_pointers(new - old)}",
            )
            yield SwitchChange(f"Documented fields of the {label}", here, there, do, way=NOTE)


def _join_pointers(pointers: frozenset[str]) -> str:
    return join_names(sorted(pointers), 12) or "none"
