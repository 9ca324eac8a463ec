"""The `known` entries of a provider: which deviations they accept, and which entries accept nothing any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from conformance.catalogue import resolve_rule_id
from conformance.model import GRAVE_LEVELS, Case, Known, Outcome, Provider

# An entry is not stale if its rule was not judged.
_NOT_JUDGED = (Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.ERROR, Outcome.UNSUPPORTED)


def is_in_force(known: Known, today: dt.date) -> bool:
    """Return whether an entry still accepts anything on that day."""
    return known.until is None or dt.date.fromisoformat(known.until) >= today


def read_probe(exchange: str) -> str:
    """Return the probe in an exchange's id `provider/probe#attempt`."""
    return exchange.rpartition("#")[0].partition("/")[2]


def list_probes(case: Case) -> set[str]:
    """Return the probes whose exchanges show a case's deviation; an empty collection if it has no deviation."""
    return {read_probe(one.exchange) for one in case.deviation.locations} if case.deviation else set()


def accept_known(case: Case, entries: Sequence[Known], today: dt.date) -> Case:
    """Turn a deviation into a known one where entries in force cover every probe that shows it.

    If one entry covers all of them, it is named; otherwise several entries for the rule accept the deviation together.
    """
    if case.deviation is None:
        return case
    own = [
        known for known in entries if resolve_rule_id(known.rule) == case.rule and is_in_force(known, today)
    ]
    together = [replace(own[0], probes=tuple(probe for one in own for probe in one.probes))] if own else []
    shown = list_probes(case)
    entry = next((one for one in (*own, *together) if "*" in one.probes or shown <= {*one.probes}), None)
    if entry is None:
        return case
    outcome = Outcome.KNOWN if case.deviation.level in GRAVE_LEVELS else Outcome.NOTE
    return replace(case, outcome=outcome, deviation=replace(case.deviation, known=entry))


def find_stale_entries(
    provider: Provider, cases: Sequence[Case], asked: Collection[str], today: dt.date, source: str
) -> Iterator[str]:
    """Yield a line for each `known` entry that accepts nothing any more: gone, or expired.

    `asked` are the probes that were answered; `source` is the file of the entries, as its user names it.
    """
    by_rule = {case.rule: case for case in cases}
    for known in provider.known:
        name = f"{source}:{known.line}: {provider.name}: known {known.rule}"
        case = by_rule.get(resolve_rule_id(known.rule))
        if not is_in_force(known, today):
            yield f"{name} expired on {known.until}; fix the deviation, or set a later date"
        elif case is not None and case.outcome not in _NOT_JUDGED:
            shown, every = list_probes(case), "*" in known.probes
            happens = bool(shown) and (every or not shown.isdisjoint(known.probes))
            if not happens and (every or not set(asked).isdisjoint(known.probes)):
                yield f"{name} no longer occurs; remove the entry"
