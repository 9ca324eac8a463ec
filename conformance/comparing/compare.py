"""Two runs in, what is new, fixed, still there and no longer covered out; a lost pass is said, never silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from conformance.comparing.past import FINDING, PASS, UNJUDGED, PastCase, PastProvider, PastRun
from conformance.model import JSON

FORMAT = "conformance-comparison/1"
NEW, FIXED, STILL, LOST, GAINED = GROUPS = ("new", "fixed", "still", "lost", "gained")
LEVELS = ("must", "should", "note", "")
GRAVE = LEVELS[:2]
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
class Line:
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
class Move:
    """Something beside the rules that is not as it was: a trait, a client's verdict, the model, the address."""

    provider: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """All that differs between two runs, each line in one group, worst first."""

    old: Mapping[str, JSON]
    new: Mapping[str, JSON]
    groups: Mapping[str, tuple[Line, ...]]
    moves: tuple[Move, ...]
    remarks: tuple[str, ...]

    @property
    def fails(self) -> bool:
        """Whether something new is worse than a note and not accepted."""
        return any(line.level in GRAVE and not line.known for line in self.groups[NEW])


def compare(old: PastRun, new: PastRun) -> Comparison:
    """Return what became of every rule of every provider from the old run to the new one. Pure."""
    names = list(dict.fromkeys((*new.providers, *old.providers)))
    pairs = [(old.providers.get(name), new.providers.get(name)) for name in names]
    grouped = [found for before, after in pairs for found in _lines(before, after)]
    return Comparison(
        old=_about(old),
        new=_about(new),
        groups={group: _sorted(line for where, line in grouped if where == group) for group in GROUPS},
        moves=tuple(move for before, after in pairs for move in _moves(before, after)),
        remarks=tuple(_remarks(old, new)),
    )


def _about(run: PastRun) -> dict[str, JSON]:
    return {
        "id": run.id, "started_at": run.started_at, "version": run.version, "source": run.source, "complete": run.complete,
    }  # fmt: skip


def _sorted(lines: Iterator[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: (line.known, _rank(line.level), line.provider, line.rule)))


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def _lines(old: PastProvider | None, new: PastProvider | None) -> Iterator[tuple[str, Line]]:
    rules = dict.fromkeys((*(new.cases if new else ()), *(old.cases if old else ())))
    name = (new or old or _NOBODY).name
    for rule in rules:
        before, after = _case(old, rule, "old"), _case(new, rule, "new")
        group = _group(before, after)
        if group:
            yield group, _line(name, before, after)


_NOBODY = PastProvider("", "", "", "", "", embedded=False, status="", reason="")


def _case(provider: PastProvider | None, rule: str, which: str) -> PastCase:
    """Return the case, or one that says why there is none."""
    if provider is None:
        return PastCase(rule, ABSENT, f"the provider is not in the {which} run")
    if provider.status == "not-run":
        return PastCase(rule, ABSENT, f"the provider was not run: {provider.reason}")
    return provider.cases.get(rule) or PastCase(rule, ABSENT, f"the rule is not in the {which} run")


def _group(before: PastCase, after: PastCase) -> str:
    group = _GROUP.get((before.state, after.state), "")
    # A finding that grew worse, or that is no longer accepted, is as new as one that was not there.
    worse = _rank(after.level) < _rank(before.level) or (before.known and not after.known)
    return NEW if group == STILL and worse else group


def _line(provider: str, before: PastCase, after: PastCase) -> Line:
    telling = after if after.state == FINDING else before
    return Line(
        provider=provider,
        rule=after.rule,
        level=telling.level,
        known=telling.known and telling.state == FINDING,
        title=telling.said("title") or (telling.reason if telling.state == FINDING else ""),
        before=word(before),
        after=word(after),
        reason=after.reason if after.state == UNJUDGED else _spread(before, after),
    )


def word(case: PastCase) -> str:
    """Return a case in a word or two: its level, `accepted must`, its outcome, or `absent`."""
    if case.state != FINDING:
        return case.outcome
    return f"accepted {case.level}" if case.known else case.level


def _spread(before: PastCase, after: PastCase) -> str:
    """Name the questions that show a finding now and did not before."""
    fresh = [probe for probe in after.listed("probes") if probe not in before.listed("probes")]
    if before.state != FINDING or not fresh:
        return ""
    return f"now also seen on {', '.join(fresh[:5])}" + (
        f" and {len(fresh) - 5} more" if len(fresh) > 5 else ""
    )


def _moves(old: PastProvider | None, new: PastProvider | None) -> Iterator[Move]:
    if old is None or new is None or "not-run" in (old.status, new.status):
        return
    yield from _move(new.name, "dialect", old.dialect, new.dialect)
    yield from _move(new.name, "model", old.model, new.model)
    if not (old.embedded and new.embedded):  # a bundled server has another port in every run
        yield from _move(new.name, "address", old.base_url, new.base_url)
    for trait in new.traits:
        yield from _move(new.name, trait, old.traits.get(trait), new.traits.get(trait))
    for client, verdict in new.clients.items():
        if client in old.clients:
            yield from _move(new.name, client, old.clients[client].verdict, verdict.verdict)


def _move(provider: str, what: str, before: JSON, after: JSON) -> Iterator[Move]:
    if before != after:
        yield Move(provider, what, _said(before), _said(after))


def _said(value: JSON) -> str:
    if isinstance(value, list):
        return " + ".join(str(one) for one in value) or "none"
    return "unknown" if value is None else str(value)


def _remarks(old: PastRun, new: PastRun) -> Iterator[str]:
    for which, run in (("old", old), ("new", new)):
        if not run.complete:
            yield f"The {which} run is incomplete: what it lacks counts as not covered."
    if old.version != new.version:
        yield f"The runs were judged by different versions ({old.version} and {new.version}): a rule may have changed."
    for name in ("against", "dimensions"):
        if old.selection.get(name) != new.selection.get(name):
            yield f"The runs selected different {name}: {_said(old.selection.get(name))} and {_said(new.selection.get(name))}."


def as_data(comparison: Comparison) -> dict[str, JSON]:
    """Return a comparison as JSON: the runs, the groups by name, the moves and the remarks."""
    groups: dict[str, JSON] = {
        name: [asdict(line) for line in lines] for name, lines in comparison.groups.items()
    }
    return {
        "format": FORMAT,
        "runs": {"old": dict(comparison.old), "new": dict(comparison.new)},
        "fails": comparison.fails,
        **groups,
        "moves": [asdict(move) for move in comparison.moves],
        "remarks": [*comparison.remarks],
    }


def page_section(comparison: Comparison) -> dict[str, JSON]:
    """Return a comparison as the page's `comparison` section wants it: groups of provider, rule, level and words."""
    return {
        name: [
            {"provider": line.provider, "rule": line.rule, "level": line.level, "title": in_words(line)}
            for line in comparison.groups[name]
        ]
        for name in (NEW, FIXED, STILL, LOST)
    }


def in_words(line: Line) -> str:
    """Return what became of a rule: its title, how it was and is, and why."""
    changed = "" if line.before == line.after else f"({line.before} → {line.after})"
    return " ".join(filter(None, (line.title, changed, line.reason)))
