"""Two sides in, what changes for code that moves out: changes, an adapter's steps, and the clients that break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from conformance.catalogue import RULES
from conformance.comparing.adapting import ANSWER, ASPECTS, REQUEST, Aspect, advise, said
from conformance.comparing.compare import GRAVE
from conformance.comparing.past import FINDING, PASS, PastCase, PastClient
from conformance.comparing.sides import Side
from conformance.model import JSON

FORMAT = "conformance-switch/1"
LOST, GAINED, MENDED, NOTE, CLIENT = "lost", "gained", "mended", "note", "client"
_STEPS = (REQUEST, ANSWER)
_BEFORE_THE_ANSWER = ("auth", "routes")  # dimensions whose faults are met while asking
_UNKNOWN = "not known"
NEITHER = "neither"
_NOBODY = PastClient("", "untested")
Readings = tuple[tuple[JSON, ...], tuple[JSON, ...]]  # of one trait, on the old side and on the new


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was: what, how it was and is, what to do, why, and the findings behind it.

    way: request or answer (a step of an adapter, where there is something to do), lost, gained, mended, note, client.
    """

    what: str
    before: str
    after: str
    do: str = ""
    why: str = ""
    way: str = ANSWER
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """What an adapter has to do at its place in the order, and which findings that answers."""

    number: int
    way: str
    do: str
    why: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class ClientChange:
    """One client on both sides: its verdicts, why it breaks or suffers there, and what it must be told first."""

    client: str
    before: str
    after: str
    breaks: bool  # broken there, and not here
    because: tuple[str, ...]
    configure: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """What holds on one side and could not be judged on the other: rules with one reason."""

    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Switch:
    """All that a move from one side to the other brings."""

    before: Side
    after: Side
    changes: tuple[Change, ...]
    steps: tuple[Step, ...]
    clients: tuple[ClientChange, ...]
    unjudged: tuple[Open, ...]
    remarks: tuple[str, ...]

    @property
    def on_paper(self) -> bool:
        """Whether one side at least is known from its document alone."""
        return self.before.on_paper or self.after.on_paper

    def broken(self, named: Iterable[str]) -> tuple[str, ...]:
        """Return those of the named clients that are broken on the new side."""
        wanted = set(named)
        return tuple(one.client for one in self.clients if one.client in wanted and one.after == "broken")


def switch(before: Side, after: Side) -> Switch:
    """Return what changes from one side to the other. Pure; the catalogue of rules must have been loaded."""
    traits = list(_traits(before, after))
    moved = frozenset(trait for trait, _ in traits)
    clients = tuple(_client(name, before, after) for name in dict.fromkeys((*before.clients, *after.clients)))
    changes = (
        *_address(before, after),
        *(change for _, change in traits),
        *_findings(before, after, moved),
        *_mended(before, after, moved),
        *_offers(before, after, LOST),
        *_offers(before, after, GAINED),
        *_documented(before, after),
        *(found for client in clients for found in _client_change(client)),
    )
    return Switch(
        before=before,
        after=after,
        changes=changes,
        steps=_steps(changes),
        clients=clients,
        unjudged=tuple(_unjudged(before, after)),
        remarks=tuple(dict.fromkeys((*before.remarks, *after.remarks))),
    )


def _address(before: Side, after: Side) -> Iterator[Change]:
    if before.base_url != after.base_url:
        yield Change(
            "Address",
            before.base_url,
            after.base_url,
            f"send requests to {after.base_url}",
            "another host",
            REQUEST,
        )
    yield from _model(before, after)


def _model(before: Side, after: Side) -> Iterator[Change]:
    """Model names: the one that is asked for, or on paper those that a page lists."""
    old, new = _models(before), _models(after)
    if set(old) == set(new) or not new:
        return
    kept = [name for name in old if name in (*new, *after.models)]
    do = f"keep {', '.join(kept)}: it is there too" if kept else f"ask for {' or '.join(new)}"
    way = NOTE if kept else REQUEST
    yield Change(
        "Model", ", ".join(old) or _UNKNOWN, ", ".join(new), do, "a name that is not served is refused", way
    )


def _models(side: Side) -> tuple[str, ...]:
    return (side.model,) if side.model else side.models


def _traits(before: Side, after: Side) -> Iterator[tuple[str, Change]]:
    for aspect in ASPECTS:
        old, new = before.traits.get(aspect.trait, ()), after.traits.get(aspect.trait, ())
        if set(map(said, old)) != set(map(said, new)):
            yield aspect.trait, _trait(aspect, (old, new), after)


def _trait(aspect: Aspect, readings: Readings, after: Side) -> Change:
    old, new = readings
    do = _todo(aspect, readings, after)
    rules = tuple(rule for rule in _grave(after) if _trait_of(rule) == aspect.trait)
    why = next(filter(None, (after.cases[rule].said("why") for rule in rules)), aspect.why)
    shown = do or (
        "nothing: what worked goes on working"
        if new
        else "nothing is known of it there: try it before you move"
    )
    return Change(aspect.label, _all_said(old), _all_said(new), shown, why, aspect.way if do else NOTE, rules)


def _todo(aspect: Aspect, readings: Readings, after: Side) -> str:
    """What to do about a trait. Where nothing that was tried took effect, the document's word is all there is."""
    old, new = readings
    if new != (NEITHER,):
        return advise(aspect, old, new)
    documented = advise(aspect, old, after.documented(aspect.trait))
    return (
        f"{documented}, as its document does; it could not be seen to matter"
        if documented
        else advise(aspect, old, new)
    )


def _all_said(readings: Sequence[JSON]) -> str:
    return " or ".join(map(said, readings)) or _UNKNOWN


def _trait_of(rule: str) -> str | None:
    return RULES[rule].trait if rule in RULES else None


def _grave(side: Side) -> list[str]:
    """The rules that a side breaks at must or should, in the catalogue's order; accepted ones too."""
    return [rule for rule, case in side.cases.items() if case.state == FINDING and case.level in GRAVE]


def _findings(before: Side, after: Side, moved: frozenset[str]) -> Iterator[Change]:
    """What the new side breaks and the old one did not, musts first; what a moved trait says already is left out."""
    fresh = [case for rule, case in after.cases.items() if case.state == FINDING and not _same(before, case)]
    for case in sorted(fresh, key=lambda case: ("must", "should", "note").index(case.level)):
        if case.level == "note" or _trait_of(case.rule) not in moved:
            yield _finding(before, case)


def _same(before: Side, case: PastCase) -> bool:
    old = before.cases.get(case.rule)
    return old is not None and old.state == FINDING


def _finding(before: Side, case: PastCase) -> Change:
    old = before.cases.get(case.rule)
    dimension = case.rule.partition("/")[0]
    way = NOTE if case.level == "note" else REQUEST if dimension in _BEFORE_THE_ANSWER else ANSWER
    return Change(
        what=f"{dimension}: {case.said('title') or case.rule}",
        before="holds" if old is not None and old.state == PASS else _UNKNOWN,
        after=f"{case.level}: {case.said('observed') or case.reason}",
        do=case.said("way_round").removesuffix(".")
        or ("" if way == NOTE else "no way round is written: test what you use of it"),
        why=case.said("breaks") or case.said("why"),
        way=way,
        rules=(case.rule,),
    )


def _mended(before: Side, after: Side, moved: frozenset[str]) -> Iterator[Change]:
    for rule in _grave(before):
        new = after.cases.get(rule)
        if new is not None and new.state == PASS and _trait_of(rule) not in moved:
            old = before.cases[rule]
            what = f"{rule.partition('/')[0]}: {old.said('title') or rule}"
            yield Change(
                what,
                f"{old.level}: {old.said('observed') or old.reason}",
                "holds",
                "drop what worked around it",
                "",
                MENDED,
                (rule,),
            )


def _offers(before: Side, after: Side, way: str) -> Iterator[Change]:
    """Features that one side works with and the other says it lacks, a line per feature."""
    has, lacks = (before, after) if way == LOST else (after, before)
    found: dict[str, list[PastCase]] = {}
    for rule, case in lacks.cases.items():
        other = has.cases.get(rule)
        if (
            case.outcome == "unsupported"
            and other is not None
            and other.state == PASS
            and not _of_a_document(rule)
        ):
            found.setdefault(_feature(rule), []).append(case)
    for feature, cases in found.items():
        rules = tuple(case.rule for case in cases)
        says = f"not offered: {cases[0].reason}"
        if way == LOST:
            yield Change(
                feature, "offered", says, "do without it, or keep the old side for it", "", LOST, rules
            )
        else:
            yield Change(feature, says, "offered", "", "", GAINED, rules)


def _of_a_document(rule: str) -> bool:
    """Whether a rule holds a vendor against its own page: a page that says nothing is no feature that is lacking."""
    return rule in RULES and RULES[rule].documented


def _feature(rule: str) -> str:
    known = RULES.get(rule)
    return (known.feature or known.title) if known else rule


def _documented(before: Side, after: Side) -> Iterator[Change]:
    """On paper, the fields that one page names and the other does not."""
    for place, label in (("request", "request"), ("response", "answer"), ("usage", "usage")):
        old, new = before.fields(place), after.fields(place)
        if (before.on_paper or after.on_paper) and old and new and old != new:
            do = "a page never names all: try what you use of these" if old - new else ""
            what = f"Documented fields of the {label}"
            yield Change(
                what, f"only here: {_names(old - new)}", f"only there: {_names(new - old)}", do, "", NOTE
            )


def _names(pointers: frozenset[str], most: int = 12) -> str:
    shown = sorted(pointers)[:most]
    more = len(pointers) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")


def _client(name: str, before: Side, after: Side) -> ClientChange:
    old, new = before.clients.get(name, _NOBODY), after.clients.get(name, _NOBODY)
    return ClientChange(
        client=name,
        before=old.verdict,
        after=new.verdict,
        breaks=new.verdict == "broken" and old.verdict != "broken",
        because=new.because,
        configure=tuple(one for one in new.configure if one not in old.configure),
        rules=new.rules,
    )


def _client_change(client: ClientChange) -> Iterator[Change]:
    if client.before != client.after or client.configure:
        do = [f"tell it {one}" for one in client.configure]
        do += ["put the adapter below it, or do not move it"] if client.after == "broken" else []
        after = f"{client.after}: {client.because[0]}" if client.because else client.after
        why = "; ".join(client.because)
        yield Change(client.client, client.before, after, "; ".join(do), why, CLIENT, client.rules)


def _unjudged(before: Side, after: Side) -> Iterator[Open]:
    """What holds on the old side and is open on the new one: never silence."""
    found: dict[str, list[str]] = {}
    for rule, case in before.cases.items() if after.cases else ():
        new = after.cases.get(rule) or PastCase(rule, "absent", "it was not asked there")
        if case.state == PASS and new.state not in (FINDING, PASS) and new.outcome != "unsupported":
            found.setdefault(f"{new.outcome}: {new.reason}", []).append(rule)
    yield from (Open(reason, tuple(rules)) for reason, rules in found.items())


def _steps(changes: Iterable[Change]) -> tuple[Step, ...]:
    """An adapter's work in its order: what goes out first, then what comes back, framing before envelope before names."""
    todo = [change for change in changes if change.way in _STEPS and change.do]
    ordered = sorted(todo, key=lambda change: _STEPS.index(change.way))
    made = (Step(0, one.way, one.do, one.why, one.rules) for one in ordered)
    return tuple(replace(step, number=number) for number, step in enumerate(made, 1))


def as_data(found: Switch) -> dict[str, JSON]:
    """Return a switch as JSON; `changes` as the page wants them: what, from, to, do."""
    return {
        "format": FORMAT,
        "from": found.before.name,
        "to": found.after.name,
        "on_paper": found.on_paper,
        "sides": {"from": _side(found.before), "to": _side(found.after)},
        "changes": [_change(change) for change in found.changes],
        "steps": [asdict(step) for step in found.steps],
        "clients": [asdict(client) for client in found.clients],
        "unjudged": [asdict(one) for one in found.unjudged],
        "remarks": [*found.remarks],
    }


def _side(side: Side) -> dict[str, JSON]:
    traits: Mapping[str, JSON] = {name: [*readings] for name, readings in side.traits.items()}
    return {
        "name": side.name,
        "title": side.title,
        "on_paper": side.on_paper,
        "base_url": side.base_url,
        "model": side.model,
        "traits": dict(traits),
    }


def _change(change: Change) -> dict[str, JSON]:
    return {
        "what": change.what,
        "from": change.before,
        "to": change.after,
        "do": change.do,
        "why": change.why,
        "way": change.way,
        "rules": [*change.rules],
    }
