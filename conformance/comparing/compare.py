"""Compares two runs: what is new, fixed, still there and no longer covered, what happened besides, and the exit code.

The exit code is 1 for a new finding at or above the level that fails, and for a client that worked and breaks; else 3
where a provider or a rule was judged before and is not now; else 0. A provider that could not be judged shows nothing: all of
its cases count as not judged, whatever they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from conformance.clients.effects import VERDICTS
from conformance.comparing.events import (
    BROKE,
    LOSSES,
    ProviderEvent,
    ProviderPair,
    describe_reason,
    find_events,
    pair_providers,
)
from conformance.comparing.generated_findings import (
    BodyCounts,
    count_bodies,
    find_new_locations,
    select_fixed_probes,
)
from conformance.comparing.past import FINDING, PASS, UNJUDGED, PastCase, PastProvider, PastRun
from conformance.model import FAILING_LEVELS, JSON, Level
from conformance.phrases import join_names

FORMAT = "conformance-comparison/1"
NEW, FIXED, STILL, LOST, GAINED, MORE = GROUPS = ("new", "fixed", "still", "lost", "gained", "more_bodies")
ABSENT = "absent"
_GROUP: Mapping[tuple[str, str], str] = {
    (FINDING, FINDING): STILL,
    (FINDING, PASS): FIXED,
    (FINDING, UNJUDGED): LOST,
    (PASS, FINDING): NEW,
    (PASS, UNJUDGED): LOST,
    (UNJUDGED, FINDING): NEW,
    (UNJUDGED, PASS): GAINED,
}


@dataclass(frozen=True)
class RuleChange:
    """One rule of one provider in both runs.

    `before` and `after`: a level where there is a finding, `accepted LEVEL` where a `known` entry covers it, else the
    outcome, or `absent`. `level` and `known` are those of the finding, the newer where both runs have it.
    """

    provider: str
    rule: str
    level: str
    known: bool
    title: str
    before: str
    after: str
    reason: str = ""


@dataclass(frozen=True)
class ProviderChange:
    """A change other than of a rule: in a trait, a client's verdict, the model or the address."""

    provider: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Criteria:
    """What decides the exit code: the level that fails, and the clients that the user named (none: all count)."""

    fail_on: str = "must"
    clients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between two runs, each line in one group, the worst first.

    `gone`: the lines of providers that were judged before and are not now, apart from those of the groups.
    `judged`: whether the newer run could judge any provider at all.
    """

    old: Mapping[str, JSON]
    new: Mapping[str, JSON]
    groups: Mapping[str, tuple[RuleChange, ...]]
    gone: tuple[RuleChange, ...]
    events: tuple[ProviderEvent, ...]
    moves: tuple[ProviderChange, ...]
    remarks: tuple[str, ...]
    criteria: Criteria
    judged: bool

    @property
    def failing(self) -> tuple[RuleChange, ...]:
        """The new findings at or above the level that fails, without accepted ones."""
        levels = FAILING_LEVELS[self.criteria.fail_on]
        return tuple(line for line in self.groups[NEW] if line.level in levels and not line.known)

    @property
    def broken(self) -> tuple[ProviderEvent, ...]:
        """The clients that worked and now break; only those that the user named, where any were named."""
        named = self.criteria.clients
        return tuple(one for one in self.events if one.kind == BROKE and (not named or one.client in named))

    @property
    def lost(self) -> bool:
        """Whether something was judged before and is not now, or nothing is judged now."""
        return not self.judged or any(one.kind in LOSSES for one in self.events)

    @property
    def fails(self) -> bool:
        """Whether something new, or a client that breaks, fails the comparison."""
        # `never` silences findings, but not the clients that the user named.
        heeds_clients = self.criteria.fail_on != "never" or bool(self.criteria.clients)
        return bool(self.failing) or (heeds_clients and bool(self.broken))

    @property
    def exit_code(self) -> int:
        """The code that the command ends with: 1, 3 or 0."""
        return 1 if self.fails else 3 if self.lost else 0


def compare(old: PastRun, new: PastRun, criteria: Criteria | None = None) -> Comparison:
    """Return how every rule of every provider changed from the old run to the new one."""
    chosen = criteria or Criteria()
    pairs = pair_providers(old, new)
    grouped = [(pair, group, line) for pair in pairs for group, line in _compare_rules(pair)]
    lost: dict[str, list[str]] = {pair.name: [] for pair in pairs}  # why rules are no longer judged
    for pair, group, line in grouped:
        lost[pair.name] += [line.reason] if group == LOST else []
    return Comparison(
        old=_describe_run(old),
        new=_describe_run(new),
        groups={
            group: _sort_lines(line for pair, where, line in grouped if where == group and not pair.is_gone)
            for group in GROUPS
        },
        gone=_sort_lines(line for pair, _, line in grouped if pair.is_gone),
        events=tuple(
            event for pair in pairs for event in find_events(pair, new, lost[pair.name], chosen.clients)
        ),
        moves=tuple(move for pair in pairs for move in _compare_providers(pair)),
        remarks=tuple(_compare_runs(old, new)),
        criteria=chosen,
        judged=any(one.is_judged for one in new.providers.values()),
    )


def _describe_run(run: PastRun) -> dict[str, JSON]:
    return {
        "id": run.id, "started_at": run.started_at, "version": run.version, "source": run.source, "complete": run.complete,
    }  # fmt: skip


def _sort_lines(lines: Iterable[RuleChange]) -> tuple[RuleChange, ...]:
    return tuple(
        sorted(lines, key=lambda line: (line.known, _rank_level(line.level), line.provider, line.rule))
    )


def _rank_level(level: str) -> int:
    """Return the place of a level, the worst first; what has no level comes last."""
    return Level(level).rank if level in tuple(Level) else len(Level)


def _compare_rules(pair: ProviderPair) -> Iterator[tuple[str, RuleChange]]:
    rules = dict.fromkeys((*(pair.new.cases if pair.new else ()), *(pair.old.cases if pair.old else ())))
    draws = count_bodies(pair.old, pair.new)
    for rule in rules:
        before, after = _find_case(pair.old, rule, "old"), _find_case(pair.new, rule, "new")
        group = _choose_group(before, after, draws)
        if group:
            yield group, _make_line(pair.name, before, after, draws)


def _find_case(provider: PastProvider | None, rule: str, which: str) -> PastCase:
    """Return the case, or one that says why it is absent. The cases of a provider that could not be judged do not count."""
    if provider is None:
        return PastCase(rule, ABSENT, f"the provider is not in the {which} run")
    if not provider.is_judged:
        return PastCase(rule, ABSENT, f"the provider {describe_reason(provider)}")
    return provider.cases.get(rule) or PastCase(rule, ABSENT, f"the rule is not in the {which} run")


def _choose_group(before: PastCase, after: PastCase, draws: BodyCounts) -> str:
    group = _GROUP.get((before.state, after.state), "")
    if group == FIXED and before.is_generated and draws.shrank:
        return LOST
    if group == STILL and not _is_worse(before, after):
        return NEW if find_new_locations(before, after) and not draws.grew else STILL
    if group in (NEW, STILL):
        was_accepted = before.is_known and not after.is_known
        return MORE if after.is_generated and draws.grew and not was_accepted else NEW
    return group


def _is_worse(before: PastCase, after: PastCase) -> bool:
    """Return whether a finding grew worse or is no longer accepted, which counts as new."""
    return _rank_level(after.level) < _rank_level(before.level) or (before.is_known and not after.is_known)


def _make_line(provider: str, before: PastCase, after: PastCase, draws: BodyCounts) -> RuleChange:
    telling = after if after.state == FINDING else before
    return RuleChange(
        provider=provider,
        rule=after.rule,
        level=telling.level,
        known=telling.is_known and telling.state == FINDING,
        title=telling.get_text("title") or (telling.reason if telling.state == FINDING else ""),
        before=describe_case(before),
        after=describe_case(after),
        reason=after.reason if after.state == UNJUDGED else _describe_spread(before, after, draws),
    )


def describe_case(case: PastCase) -> str:
    """Return a case in a word or two: its level, `accepted must`, its outcome, or `absent`."""
    if case.state != FINDING:
        return case.outcome
    return f"accepted {case.level}" if case.is_known else case.level


def _describe_spread(before: PastCase, after: PastCase, draws: BodyCounts) -> str:
    """Return where a finding occurs now and did not before, and whether the number of generated bodies explains it."""
    if after.state == PASS:
        bodies = f"seen with {draws.before} generated bodies; the new run planned {draws.after}"
        return bodies if before.is_generated and draws.shrank else ""
    places = find_new_locations(before, after)
    if places:
        return f"now also at {join_names((place or 'the whole body' for place in places), 5)}" + (
            _describe_bodies(draws) if draws.grew else ""
        )
    if before.state != FINDING:
        return _describe_bodies(draws).lstrip(", ") if after.is_generated and draws.grew else ""
    known = select_fixed_probes(before.get_texts("probes"))
    fresh = [probe for probe in select_fixed_probes(after.get_texts("probes")) if probe not in known]
    return f"now also seen on {join_names(fresh, 5)}" if fresh else ""


def _describe_bodies(draws: BodyCounts) -> str:
    return f", seen with {draws.after} generated bodies; the old run planned {draws.before}"


def _compare_providers(pair: ProviderPair) -> Iterator[ProviderChange]:
    old, new = pair.old, pair.new
    if old is None or new is None or not pair.was_judged_twice:
        return
    yield from _compare_values(new.name, "dialect", old.dialect, new.dialect)
    yield from _compare_values(new.name, "model", old.model, new.model)
    if not (old.embedded and new.embedded):  # a bundled server gets another port in each run
        yield from _compare_values(new.name, "address", old.base_url, new.base_url)
    for trait, seen in new.traits.items():
        if seen is not None:  # a trait that was not observed now has not changed; it is no longer covered
            yield from _compare_values(new.name, trait, old.traits.get(trait), seen)
    for client, now in new.clients.items():
        if client in old.clients and now.verdict != "untested":
            before, after = (VERDICTS.get(one, one) for one in (old.clients[client].verdict, now.verdict))
            yield from _compare_values(new.name, client, before, after)


def _compare_values(provider: str, what: str, before: JSON, after: JSON) -> Iterator[ProviderChange]:
    if before != after:
        yield ProviderChange(provider, what, _format_value(before), _format_value(after))


def _format_value(value: JSON) -> str:
    if isinstance(value, list):
        return " + ".join(str(one) for one in value) or "none"
    return "unknown" if value is None else str(value)


def _compare_runs(old: PastRun, new: PastRun) -> Iterator[str]:
    for which, run in (("old", old), ("new", new)):
        if not run.complete:
            yield f"The {which} run is incomplete: what it lacks counts as not covered."
    if old.version != new.version:
        yield f"The runs were judged by different versions ({old.version} and {new.version}): a rule may have changed."
    for name, noun in (("against", "values of --against"), ("dimensions", "dimensions")):
        if old.selection.get(name) != new.selection.get(name):
            before, after = (_format_value(run.selection.get(name) or "all") for run in (old, new))
            yield f"The runs selected different {noun}: {before} and {after}."


def as_data(comparison: Comparison) -> dict[str, JSON]:
    """Return a comparison as JSON: the runs, the events, the groups by name, the moves, the remarks and the exit code."""
    listed = {**comparison.groups, LOST: (*comparison.groups[LOST], *comparison.gone)}
    groups: dict[str, JSON] = {name: [asdict(line) for line in lines] for name, lines in listed.items()}
    return {
        "format": FORMAT,
        "runs": {"old": dict(comparison.old), "new": dict(comparison.new)},
        "exit_code": comparison.exit_code,
        "fails": comparison.fails,
        "fail_on": comparison.criteria.fail_on,
        "clients": [*comparison.criteria.clients],
        "events": [{**asdict(event), "untested": [*event.untested]} for event in comparison.events],
        **groups,
        "moves": [asdict(move) for move in comparison.moves],
        "remarks": [*comparison.remarks],
    }


def as_page_section(comparison: Comparison) -> dict[str, JSON]:
    """Return a comparison for the page's `comparison` section: groups of lines with provider, rule, level and title."""
    groups: dict[str, JSON] = {
        name: [
            {"provider": line.provider, "rule": line.rule, "level": line.level, "title": describe_line(line)}
            for line in comparison.groups[name]
        ]
        for name in (NEW, MORE, FIXED, STILL, LOST)
    }
    return {"runs": {"old": dict(comparison.old), "new": dict(comparison.new)}, **groups}


def describe_line(line: RuleChange) -> str:
    """Return the change of a rule: its title, its state before and after, and why."""
    changed = "" if line.before == line.after else f"({line.before} → {line.after})"
    return " ".join(filter(None, (line.title, changed, line.reason)))
