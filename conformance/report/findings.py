"""Reads the findings of one provider from results.json, the worst first, with everything that the page shows of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.clients.effects import HARM
from conformance.model import Level
from conformance.report.arrivals import Arrivals
from conformance.report.evidence import Extract, draw_stream, extract_marked, find_buffered
from conformance.report.safe_text import clip_text, make_slug, number_duplicates, shorten_text
from conformance.report.vocabulary import EFFECTS, LEVELS, Entry, Sign

SHOWN_POINTERS = 8
MOST_POINTERS = 200
SENTENCE = 900  # characters of expected, observed and the like
MOST_FINDINGS = 500  # of one provider
_EFFECT_RANK = {effect: rank for rank, effect in enumerate(HARM)}


@dataclass(frozen=True)
class Harm:
    """What a finding does to some clients: the effect, the clients' names, and details."""

    effect: str
    clients: tuple[str, ...]
    details: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.effect}: {', '.join(self.clients)}"


@dataclass(frozen=True)
class Citation:
    """A citation: the document, its lines, what it says in our words, and its address or ""."""

    document: str
    lines: str
    says: str
    url: str = ""


@dataclass(frozen=True)
class Finding:
    """One finding as the page shows it."""

    id: str  # finding-<provider>-<rule>
    rule: str
    dimension: str
    sign: Sign
    known: bool
    generated: bool
    title: str
    conditions: str  # when it happens: `only when streamed`; empty where it always does
    expected: str
    observed: str
    accepted: str  # why the finding is accepted, and until when
    why: str
    way_round: str
    departs: str
    source: Citation | None
    documented: Citation | None
    harms: tuple[Harm, ...]
    clients: tuple[str, ...]  # those that suffer, for the filter
    probes: tuple[str, ...]
    pointers: tuple[str, ...]
    more_pointers: tuple[str, ...]
    uncounted: int  # pointers that are not listed
    curl: str
    serve: str
    quoted: Entry | None  # the evidence that the extract is taken from
    extract: Extract | None
    arrivals: Arrivals | None
    entries: tuple[Entry, ...]  # its evidence

    @property
    def brief(self) -> str:
        """What was observed, in a line."""
        return f"instead: {clip_text(self.observed, 160)}"


def sort_effects(deviation: Entry) -> list[Entry]:
    """Return a finding's effects on clients, the worst first."""
    found = list(deviation.get("effects") or deviation.get("clients") or ())
    return sorted(found, key=lambda effect: _EFFECT_RANK.get(str(effect.get("effect")), 9))


def rank_by_harm(deviation: Entry) -> tuple[object, ...]:
    """Return the sort key of findings: not accepted, level, worst effect, number of clients, rule."""
    hurt = [effect for effect in sort_effects(deviation) if effect.get("effect") != "ignored"]
    worst = min((_EFFECT_RANK.get(str(effect.get("effect")), 9) for effect in hurt), default=9)
    return (
        bool(deviation.get("known")),
        Level(deviation["level"]).rank,
        worst,
        -len(hurt),
        str(deviation.get("rule")),
    )


def sort_findings(provider: Entry) -> list[Entry]:
    """Return a provider's findings, the most harmful first."""
    return sorted(provider.get("deviations") or (), key=rank_by_harm)


def describe_contract(deviation: Entry) -> str:
    """Return the name of what a finding departs from: Google, the vendor's own document, or both."""
    against = set(deviation.get("against") or ())
    if against == {"documented"}:
        return "the vendor's own document"
    return "Google and the vendor's own document" if "documented" in against else "Google"


_ADDRESS = re.compile(
    r"https?://[^\s<>\"'()\[\]\\]+"
)  # results.json may hold anything; only this becomes a link


def read_citation(source: Entry | None) -> Citation | None:
    """Return a citation from its entry in results.json; None where there is none."""
    if not source:
        return None
    document, lines, says, url = (
        str(source.get(name) or "") for name in ("document", "lines", "says", "url")
    )
    return Citation(document, lines, shorten_text(says, SENTENCE), url if _ADDRESS.fullmatch(url) else "")


def group_harms(deviation: Entry) -> tuple[Harm, ...]:
    """Group a finding's effects by kind, with each client and each detail once."""
    groups: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for effect in sort_effects(deviation):
        clients, details = groups.setdefault(str(effect.get("effect")), ({}, {}))
        clients[str(effect.get("client"))] = None
        if effect.get("detail"):
            details[clip_text(str(effect["detail"]), 300)] = None
    return tuple(
        Harm(EFFECTS.get(effect, effect), tuple(clients), tuple(details)[:4])
        for effect, (clients, details) in groups.items()
    )


def _choose_evidence(entries: Sequence[Entry]) -> Entry | None:
    """Return the evidence to quote: the first with a marked location, else the first with a body."""
    marked = (entry for entry in entries if entry.get("places") and entry.get("body"))
    return next(marked, next((entry for entry in entries if entry.get("body")), None))


def _draw_arrivals(deviation: Entry, entries: Sequence[Entry]) -> Arrivals | None:
    if deviation.get("dimension") not in {"streaming", "transport"}:
        return None
    longest = max(entries, key=lambda entry: len(entry.get("arrivals_ms") or ()), default=None)
    return draw_stream(longest, find_buffered({"deviations": [deviation]})) if longest else None


def _describe_acceptance(deviation: Entry) -> str:
    accepted: Entry = deviation.get("accepted") or {}
    until = f" (until {accepted['until']})" if accepted.get("until") else ""
    return shorten_text(str(accepted.get("reason") or ""), SENTENCE) + until


def read_finding(deviation: Entry, id_: str) -> Finding:
    """Read one finding for the page; every text is bounded, and every cut is counted."""
    entries = tuple(deviation.get("evidence") or ())
    quoted = _choose_evidence(entries)
    pointers = tuple(str(pointer) for pointer in deviation.get("pointers") or ())
    hurts = group_harms(deviation)
    return Finding(
        id=id_,
        rule=str(deviation["rule"]),
        dimension=str(deviation["dimension"]),
        sign=LEVELS[str(deviation["level"])],
        known=bool(deviation.get("known")),
        generated=bool(deviation.get("generated")),
        title=shorten_text(str(deviation["title"]), 300),
        conditions=describe_conditions(deviation),
        expected=shorten_text(str(deviation["expected"]), SENTENCE),
        observed=shorten_text(str(deviation["observed"]), SENTENCE),
        accepted=_describe_acceptance(deviation),
        why=shorten_text(str(deviation.get("why") or ""), SENTENCE),
        way_round=shorten_text(str(deviation.get("way_round") or ""), SENTENCE),
        departs=describe_contract(deviation),
        source=read_citation(deviation.get("source")),
        documented=read_citation(deviation.get("documented")),
        harms=hurts,
        clients=find_harmed_clients(deviation),
        probes=tuple(str(probe) for probe in deviation.get("probes") or ())[:40],
        pointers=pointers[:SHOWN_POINTERS],
        more_pointers=pointers[SHOWN_POINTERS:MOST_POINTERS],
        uncounted=max(0, len(pointers) - MOST_POINTERS) + int(deviation.get("more_pointers") or 0),
        curl=shorten_text(str(deviation.get("curl") or ""), 4000),
        serve=str(deviation.get("serve") or ""),
        quoted=quoted,
        extract=extract_marked(quoted) if quoted else None,
        arrivals=_draw_arrivals(deviation, entries),
        entries=entries,
    )


def describe_conditions(deviation: Entry) -> str:
    """Return when a finding occurs: `only when streamed, with tools declared`; empty where it always does."""
    found = [clip_text(str(each), 120) for each in deviation.get("conditions") or ()]
    return f"only {', '.join(each.removeprefix('only ') for each in found)}" if found else ""


def write_full_title(deviation: Entry) -> str:
    """Return a finding's title with the conditions under which it occurs."""
    return ", ".join(filter(None, (str(deviation["title"]), describe_conditions(deviation))))


def find_harmed_clients(deviation: Entry) -> tuple[str, ...]:
    """Return the clients that a finding hurts, each once, without those that ignore it."""
    hurt = (
        str(effect.get("client")) for effect in sort_effects(deviation) if effect.get("effect") != "ignored"
    )
    return tuple(dict.fromkeys(hurt))


def make_finding_ids(provider_slug: str, deviations: Sequence[Entry]) -> list[str]:
    """Return the anchor of each finding: finding-<provider>-<rule>, numbered where one occurs twice."""
    return number_duplicates(f"finding-{provider_slug}-{make_slug(str(each['rule']))}" for each in deviations)


def read_findings(provider: Entry, provider_slug: str) -> tuple[tuple[Finding, ...], int]:
    """Return a provider's findings, the worst first, and how many are left out."""
    deviations = sort_findings(provider)
    ids = make_finding_ids(provider_slug, deviations)
    kept = [read_finding(each, id_) for each, id_ in zip(deviations, ids, strict=True)][:MOST_FINDINGS]
    return tuple(kept), len(deviations) - len(kept)
