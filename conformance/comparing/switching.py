"""Compares two sides for code that moves: what changes, an adapter's steps, and the clients that break."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from conformance.clients.effects import VERDICTS
from conformance.comparing.advice import ANSWER, REQUEST
from conformance.comparing.changes import CLIENT, SwitchChange, drop_backticks, find_changes
from conformance.comparing.past import FINDING, PASS, PastCase, PastClient
from conformance.comparing.sides import Side
from conformance.model import JSON

FORMAT = "conformance-switch/1"
_STEPS = (REQUEST, ANSWER)
_NOBODY = PastClient("", "untested")


@dataclass(frozen=True)
class Step:
    """One task of an adapter, with its place in the order, and the rules that it resolves."""

    number: int
    way: str
    do: str
    why: str
    rules: tuple[str, ...]
    hurts: str = ""


@dataclass(frozen=True)
class ClientChange:
    """One client on both sides: its verdicts, why it breaks or suffers there, and what must be configured first."""

    client: str
    before: str
    after: str
    breaks: bool  # broken there, and not here
    because: tuple[str, ...]
    configure: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True)
class UnjudgedRules:
    """Rules that hold on one side and could not be judged on the other, for one reason."""

    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Switch:
    """Everything that changes when code moves from one side to the other."""

    before: Side
    after: Side
    changes: tuple[SwitchChange, ...]
    steps: tuple[Step, ...]
    clients: tuple[ClientChange, ...]
    unjudged: tuple[UnjudgedRules, ...]
    remarks: tuple[str, ...]

    @property
    def on_paper(self) -> bool:
        """Whether one side at least is known from its document alone."""
        return self.before.on_paper or self.after.on_paper

    @property
    def partly(self) -> tuple[str, ...]:
        """What the verdict rests on, for each side that was judged only in part."""
        sides = (self.before, self.after)
        return tuple(f"{side.name}: {side.partly}" for side in sides if side.partly)

    def find_untested(self, named: Iterable[str]) -> tuple[str, ...]:
        """Return those of the named clients that were not tested on the new side."""
        tested = {one.client for one in self.clients if one.after != "untested"}
        return tuple(name for name in dict.fromkeys(named) if name not in tested)

    def find_broken(self, named: Iterable[str]) -> tuple[str, ...]:
        """Return those of the named clients that are broken on the new side."""
        wanted = set(named)
        return tuple(one.client for one in self.clients if one.client in wanted and one.after == "broken")


def compare_sides(before: Side, after: Side) -> Switch:
    """Return what changes from one side to the other. The catalogue of rules must have been loaded."""
    clients = tuple(
        _compare_client(name, before, after) for name in dict.fromkeys((*before.clients, *after.clients))
    )
    changes = (
        *find_changes(before, after),
        *(found for one in clients for found in _describe_client_change(one)),
    )
    return Switch(
        before=before,
        after=after,
        changes=changes,
        steps=_order_steps(changes),
        clients=clients,
        unjudged=tuple(_list_unjudged(before, after)),
        remarks=tuple(dict.fromkeys((*before.remarks, *after.remarks))),
    )


def _compare_client(name: str, before: Side, after: Side) -> ClientChange:
    old, new = before.clients.get(name, _NOBODY), after.clients.get(name, _NOBODY)
    return ClientChange(
        client=name,
        before=old.verdict,
        after=new.verdict,
        breaks=new.verdict == "broken" and old.verdict != "broken",
        because=tuple(map(drop_backticks, new.because)),
        configure=tuple(one for one in new.configure if one not in old.configure),
        rules=new.rules,
    )


def _describe_client_change(client: ClientChange) -> Iterator[SwitchChange]:
    if client.before != client.after or client.configure:
        do = [f"set the {one}" for one in client.configure]
        do += ["put the adapter below it, or do not move it"] if client.after == "broken" else []
        before, after = (VERDICTS.get(one, one) for one in (client.before, client.after))
        shown = f"{after}: {client.because[0]}" if client.because else after
        why = "; ".join(client.because)
        yield SwitchChange(client.client, before, shown, "; ".join(do), why, CLIENT, client.rules)


def _list_unjudged(before: Side, after: Side) -> Iterator[UnjudgedRules]:
    """Yield what holds on the old side and could not be judged on the new one."""
    found: dict[str, list[str]] = {}
    for rule, case in before.cases.items() if after.cases else ():
        new = after.cases.get(rule) or PastCase(rule, "absent", "it was not asked there")
        if case.state == PASS and new.state not in (FINDING, PASS) and new.outcome != "unsupported":
            found.setdefault(f"{new.outcome}: {new.reason}", []).append(rule)
    yield from (UnjudgedRules(drop_backticks(reason), tuple(rules)) for reason, rules in found.items())


def _order_steps(changes: Iterable[SwitchChange]) -> tuple[Step, ...]:
    """Return an adapter's tasks in order: requests first, then replies, framing before envelope before names.

    What several findings call for is one step.
    """
    todo = [change for change in changes if change.way in _STEPS and change.do]
    together: dict[tuple[str, str], list[SwitchChange]] = {}
    for change in sorted(todo, key=lambda change: _STEPS.index(change.way)):
        together.setdefault((change.way, change.do), []).append(change)
    return tuple(_make_step(number, several) for number, several in enumerate(together.values(), 1))


def _make_step(number: int, several: Sequence[SwitchChange]) -> Step:
    first = several[0]
    rules = tuple(dict.fromkeys(rule for one in several for rule in one.rules))
    return Step(number, first.way, first.do, first.why, rules, first.hurts)


def as_data(found: Switch) -> dict[str, JSON]:
    """Return a switch as JSON; `changes` as the page wants them: what, from, to, do."""
    return {
        "format": FORMAT,
        "from": found.before.name,
        "to": found.after.name,
        "on_paper": found.on_paper,
        "partly": [*found.partly],
        "sides": {"from": _describe_side(found.before), "to": _describe_side(found.after)},
        "changes": [_describe_change(change) for change in found.changes],
        "steps": [asdict(step) for step in found.steps],
        "clients": [asdict(client) for client in found.clients],
        "unjudged": [asdict(one) for one in found.unjudged],
        "remarks": [*found.remarks],
    }


def _describe_side(side: Side) -> dict[str, JSON]:
    traits: Mapping[str, JSON] = {name: [*readings] for name, readings in side.traits.items()}
    return {
        "name": side.name,
        "title": side.title,
        "on_paper": side.on_paper,
        "base_url": side.base_url,
        "model": side.model,
        "partly": side.partly,
        "traits": dict(traits),
    }


def _describe_change(change: SwitchChange) -> dict[str, JSON]:
    return {
        "what": change.what,
        "from": change.before,
        "to": change.after,
        "do": change.do,
        "why": change.why,
        "way": change.way,
        "rules": [*change.rules],
    }
