"""Turns the deviations of one provider into findings, worst first, with all that a reader is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.report.arrivals import Arrivals
from conformance.report.evidence import Extract, buffered, extract, timed
from conformance.report.plain import clip, short, slug, unique
from conformance.report.words import EFFECTS, LEVELS, Sign

Entry = Mapping[str, Any]

POINTERS_FIRST = 8
POINTERS_MOST = 200
SENTENCE = 900  # characters of expected, observed and the like
FINDINGS_MOST = 500  # of one vendor
_LEVEL_RANK = {level: rank for rank, level in enumerate(LEVELS)}
_EFFECT_RANK = {effect: rank for rank, effect in enumerate(EFFECTS)}


@dataclass(frozen=True)
class Harm:
    """What a deviation does to some clients: the effect in words, and who they are, with details."""

    effect: str
    clients: tuple[str, ...]
    details: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """Where something is written: the document, its lines, what it says in our words, and its address or ""."""

    document: str
    lines: str
    says: str
    url: str = ""


@dataclass(frozen=True)
class Finding:
    """One deviation as the page shows it."""

    id: str  # finding-<provider>-<rule>
    rule: str
    dimension: str
    sign: Sign
    known: bool
    generated: bool
    title: str
    conditions: str  # when it happens, where it does not always: `only when streamed`
    expected: str
    observed: str
    accepted: str  # why a known deviation is accepted, and until when
    why: str
    way_round: str
    departs: str
    source: Written | None
    documented: Written | None
    harms: tuple[Harm, ...]
    clients: tuple[str, ...]  # those that suffer, for the filter
    probes: tuple[str, ...]
    pointers: tuple[str, ...]
    more_pointers: tuple[str, ...]
    uncounted: int  # pointers beyond those
    curl: str
    serve: str
    quoted: Entry | None  # the evidence that the extract is taken from
    extract: Extract | None
    arrivals: Arrivals | None
    entries: tuple[Entry, ...]  # its evidence

    @property
    def brief(self) -> str:
        """What was observed, in a line."""
        return f"instead: {clip(self.observed, 160)}"


def effects(deviation: Entry) -> list[Entry]:
    """Return what clients suffer, worst effect first, what is ignored last."""
    found = list(deviation.get("effects") or deviation.get("clients") or ())
    return sorted(found, key=lambda effect: _EFFECT_RANK.get(str(effect.get("effect")), 9))


def harm_rank(deviation: Entry) -> tuple[object, ...]:
    """Return the sort key of findings: not accepted, level, worst effect, number of clients, rule."""
    hurt = [effect for effect in effects(deviation) if effect.get("effect") != "ignored"]
    worst = min((_EFFECT_RANK.get(str(effect.get("effect")), 9) for effect in hurt), default=9)
    return (
        bool(deviation.get("known")),
        _LEVEL_RANK.get(str(deviation.get("level")), 9),
        worst,
        -len(hurt),
        str(deviation.get("rule")),
    )


def worst_first(provider: Entry) -> list[Entry]:
    """Return a provider's deviations, the most harmful first."""
    return sorted(provider.get("deviations") or (), key=harm_rank)


def departs(deviation: Entry) -> str:
    """Return whose word a deviation departs from, as words."""
    against = set(deviation.get("against") or ())
    if against == {"documented"}:
        return "the vendor's own document"
    return "Google and the vendor's own document" if "documented" in against else "Google"


_ADDRESS = re.compile(r"https?://[^\s<>\"'()\[\]\\]+")  # whoever wrote the results: nothing but a link


def written(source: Entry | None) -> Written | None:
    """Return where something is written; None where nothing says so."""
    if not source:
        return None
    document, lines, says, url = (
        str(source.get(name) or "") for name in ("document", "lines", "says", "url")
    )
    return Written(document, lines, short(says, SENTENCE), url if _ADDRESS.fullmatch(url) else "")


def harms(deviation: Entry) -> tuple[Harm, ...]:
    """Return effects grouped by what they are, each client and each detail once."""
    groups: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for effect in effects(deviation):
        clients, details = groups.setdefault(str(effect.get("effect")), ({}, {}))
        clients[str(effect.get("client"))] = None
        if effect.get("detail"):
            details[clip(str(effect["detail"]), 300)] = None
    return tuple(
        Harm(EFFECTS.get(effect, effect), tuple(clients), tuple(details)[:4])
        for effect, (clients, details) in groups.items()
    )


def _best(entries: Sequence[Entry]) -> Entry | None:
    """Return the evidence to quote: the first with a marked place, else the first with a body."""
    marked = (entry for entry in entries if entry.get("places") and entry.get("body"))
    return next(marked, next((entry for entry in entries if entry.get("body")), None))


def _timed(deviation: Entry, entries: Sequence[Entry]) -> Arrivals | None:
    if deviation.get("dimension") not in {"streaming", "transport"}:
        return None
    longest = max(entries, key=lambda entry: len(entry.get("arrivals_ms") or ()), default=None)
    return timed(longest, buffered({"deviations": [deviation]})) if longest else None


def _accepted(deviation: Entry) -> str:
    accepted: Entry = deviation.get("accepted") or {}
    until = f" (until {accepted['until']})" if accepted.get("until") else ""
    return short(str(accepted.get("reason") or ""), SENTENCE) + until


def finding(deviation: Entry, id_: str) -> Finding:
    """Return one deviation as the page shows it, everything bounded and every cut counted."""
    entries = tuple(deviation.get("evidence") or ())
    quoted = _best(entries)
    pointers = tuple(str(pointer) for pointer in deviation.get("pointers") or ())
    hurts = harms(deviation)
    return Finding(
        id=id_,
        rule=str(deviation["rule"]),
        dimension=str(deviation["dimension"]),
        sign=LEVELS[str(deviation["level"])],
        known=bool(deviation.get("known")),
        generated=bool(deviation.get("generated")),
        title=short(str(deviation["title"]), 300),
        conditions=conditions(deviation),
        expected=short(str(deviation["expected"]), SENTENCE),
        observed=short(str(deviation["observed"]), SENTENCE),
        accepted=_accepted(deviation),
        why=short(str(deviation.get("why") or ""), SENTENCE),
        way_round=short(str(deviation.get("way_round") or ""), SENTENCE),
        departs=departs(deviation),
        source=written(deviation.get("source")),
        documented=written(deviation.get("documented")),
        harms=hurts,
        clients=suffering(deviation),
        probes=tuple(str(probe) for probe in deviation.get("probes") or ())[:40],
        pointers=pointers[:POINTERS_FIRST],
        more_pointers=pointers[POINTERS_FIRST:POINTERS_MOST],
        uncounted=max(0, len(pointers) - POINTERS_MOST) + int(deviation.get("more_pointers") or 0),
        curl=short(str(deviation.get("curl") or ""), 4000),
        serve=str(deviation.get("serve") or ""),
        quoted=quoted,
        extract=extract(quoted) if quoted else None,
        arrivals=_timed(deviation, entries),
        entries=entries,
    )


def conditions(deviation: Entry) -> str:
    """Return when a deviation happens: `only when streamed, with tools declared`; empty where it always does."""
    found = [clip(str(each), 120) for each in deviation.get("conditions") or ()]
    return f"only {', '.join(each.removeprefix('only ') for each in found)}" if found else ""


def title_in_full(deviation: Entry) -> str:
    """Return a deviation's title with the condition under which it happens."""
    return ", ".join(filter(None, (str(deviation["title"]), conditions(deviation))))


def suffering(deviation: Entry) -> tuple[str, ...]:
    """Return the clients that a deviation hurts, each once; those that ignore it are not among them."""
    hurt = (str(effect.get("client")) for effect in effects(deviation) if effect.get("effect") != "ignored")
    return tuple(dict.fromkeys(hurt))


def finding_ids(provider_slug: str, deviations: Sequence[Entry]) -> list[str]:
    """Return the anchor of each deviation: finding-<provider>-<rule>, numbered where one comes twice."""
    return unique(f"finding-{provider_slug}-{slug(str(each['rule']))}" for each in deviations)


def findings(provider: Entry, provider_slug: str) -> tuple[tuple[Finding, ...], int]:
    """Return a provider's findings, worst first, and how many are left out because there are too many."""
    deviations = worst_first(provider)
    ids = finding_ids(provider_slug, deviations)
    kept = [finding(each, id_) for each, id_ in zip(deviations, ids, strict=True)][:FINDINGS_MOST]
    return tuple(kept), len(deviations) - len(kept)
