"""Counts the findings of each provider by dimension, and puts the worst provider first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.phrases import count_noun
from conformance.report.safe_text import to_one_line
from conformance.report.vocabulary import CELLS, DIMENSIONS, LEVELS, STATUSES, UNJUDGED, Entry, Sign


@dataclass(frozen=True)
class Count:
    """How often a state occurs in a cell; 0 for a state that is not counted (passes, not asked)."""

    sign: Sign
    number: int


@dataclass(frozen=True)
class Cell:
    """One provider in one dimension: its states, the worst first."""

    dimension: str
    counts: tuple[Count, ...]

    @property
    def worst(self) -> str:
        """The key of the worst state."""
        return self.counts[0].sign.key

    @property
    def label(self) -> str:
        """The cell as text: `schema: 2 must, 1 not judged`."""
        parts = (
            f"{count.number} {count.sign.word}" if count.number else count.sign.word for count in self.counts
        )
        return f"{self.dimension}: {', '.join(parts)}"


def _count_by_level(provider: Entry) -> Counter[tuple[str, str]]:
    """Count findings by dimension and level, accepted ones as `known`."""
    return Counter(
        (str(each["dimension"]), "known" if each.get("known") else str(each["level"]))
        for each in provider.get("deviations") or ()
    )


def _count_outcomes(provider: Entry) -> dict[str, Counter[str]]:
    """Count cases by dimension and outcome."""
    outcomes: dict[str, Counter[str]] = {dimension: Counter() for dimension in DIMENSIONS}
    for case in provider.get("cases") or ():
        outcomes.setdefault(str(case["rule"]).partition("/")[0], Counter())[str(case["outcome"])] += 1
    return outcomes


def _make_cell(dimension: str, found: Counter[tuple[str, str]], outcomes: Counter[str]) -> Cell:
    counts = [Count(sign, found[dimension, key]) for key, sign in LEVELS.items() if found[dimension, key]]
    if found[dimension, "known"]:
        counts.append(Count(CELLS["known"], found[dimension, "known"]))
    if not counts and outcomes["pass"]:
        counts.append(Count(CELLS["pass"], 0))
    unjudged = sum(outcomes[outcome] for outcome in UNJUDGED)
    if unjudged:
        counts.append(Count(CELLS["unjudged"], unjudged))
    if not counts:
        counts.append(Count(CELLS["unsupported" if outcomes["unsupported"] else "nothing"], 0))
    return Cell(dimension, tuple(counts))


def make_cells(provider: Entry) -> tuple[Cell, ...]:
    """Return one cell per dimension, in the order of the columns."""
    found, outcomes = _count_by_level(provider), _count_outcomes(provider)
    return tuple(_make_cell(dimension, found, outcomes[dimension]) for dimension in DIMENSIONS)


def count_levels(provider: Entry, *, known: bool = False) -> Counter[str]:
    """Count a provider's findings by level: the new ones, or the accepted ones."""
    return Counter(
        str(each["level"]) for each in provider.get("deviations") or () if bool(each.get("known")) is known
    )


def choose_sign(provider: Entry) -> Sign:
    """Return a provider's status as a sign; one that deviates has the mark of its worst level."""
    sign = STATUSES[str(provider["status"])]
    if sign.key != "deviates":
        return sign
    word, level = _describe_departure(provider)
    return Sign("deviates", LEVELS[level].mark if level in LEVELS else CELLS[level].mark, word, sign.means)


def _describe_departure(provider: Entry) -> tuple[str, str]:
    found = count_levels(provider)
    if found["must"]:
        return "breaks the contract", "must"
    return ("deviates in details", "should") if found["should"] else ("deviates only as accepted", "known")


def describe_counts(provider: Entry) -> str:
    """Return how many findings a provider has: `3 must, 1 should, 2 notes, 1 accepted`."""
    new, known = count_levels(provider), count_levels(provider, known=True)
    parts = [f"{new[level]} {level}" for level in ("must", "should") if new[level]]
    parts += [count_noun(new["note"], "note")] if new["note"] else []
    parts += [f"{known.total()} accepted"] if known.total() else []
    return ", ".join(parts) or "nothing found"


def sort_providers(providers: Sequence[Entry]) -> list[Entry]:
    """Return providers in the order of the matrix: deviating, not judged, in part, conforming, not run; vendors first.

    Where several share a title, their names follow it.
    """
    titles = Counter(_title_of(each) for each in providers)
    apart = (
        {**each, "title": f"{_title_of(each)} ({each['name']})"} if titles[_title_of(each)] > 1 else each
        for each in providers
    )
    return sorted(apart, key=_rank_provider)


def _title_of(provider: Entry) -> str:
    return str(provider.get("title") or provider["name"])


def display_name(provider: Entry) -> str:
    """Return a provider's title; `(bundled)` follows it for a bundled server whose title does not say so."""
    title = to_one_line(_title_of(provider))
    names_it = not provider.get("embedded") or "embedded" in title.lower() or "bundled" in title.lower()
    return title if names_it else f"{title} (bundled)"


def group_of(provider: Entry) -> str:
    """Return the part of the matrix that a provider belongs to: vendors, bundled or not-run."""
    if provider["status"] == "not-run":
        return "not-run"
    return "bundled" if provider.get("embedded") else "vendors"


def _rank_provider(provider: Entry) -> tuple[object, ...]:
    new, known = count_levels(provider), count_levels(provider, known=True)
    return (
        ("vendors", "bundled", "not-run").index(group_of(provider)),
        list(STATUSES).index(str(provider["status"])) if provider["status"] != "inconclusive" else 0.5,
        -new["must"],
        -new["should"],
        -known.total(),
        -new["note"],
        _title_of(provider).lower(),
    )
