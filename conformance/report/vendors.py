"""Turns one provider of results.json into what its section of the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.report.answers import Answer, address_in_words, read_answers
from conformance.report.evidence import Shown, buffered, grouped, key, limit_for, shown
from conformance.report.findings import Finding, findings
from conformance.report.matrix import Cell, cells, counted, group, status_sign, worst_first
from conformance.report.plain import clip, duration, milliseconds, short, slug, unique
from conformance.report.verdict import client_needs, clients_in_words, judged_in_words, verdict
from conformance.report.words import (
    CLIENTS,
    EFFECTS,
    NOT_ASKED,
    OUTCOMES,
    SEEN,
    TRAITS,
    Sign,
    plural,
    readings,
    value,
)

Entry = Mapping[str, Any]

EXCHANGES_MOST = 60  # of one vendor
COVERAGE_MOST = 600
BECAUSE_MOST = 6


@dataclass(frozen=True)
class Trait:
    """A trait in three words: Google's, the document's, what was seen; and how the last compares."""

    key: str
    name: str
    reference: str
    documented: str
    observed: str
    says: str  # the comparison in words
    state: str  # same | differs | unknown


@dataclass(frozen=True)
class Client:
    """What a client makes of a provider: its verdict, the reasons, and what must be configured first."""

    name: str
    sign: Sign
    because: tuple[str, ...]
    more: int
    configure: tuple[str, ...]
    needs: str  # what it works with: a header, an API version; empty where it works as it is


@dataclass(frozen=True)
class Aside:
    """What was not judged for the same reason: the reason in words, and each rule or question with its own."""

    outcome: str
    rules: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Vendor:
    """One provider as the page shows it."""

    id: str
    name: str
    title: str
    group: str
    adapted: bool  # asked through the adapter
    sign: Sign
    says: str  # what stands beside the verdict in the matrix
    judged: str  # how much was judged and what limited it; empty where everything was
    meets: str  # what clients meet
    reason: str
    summary: str  # the counts of its findings
    facts: tuple[tuple[str, str], ...]
    cells: tuple[Cell, ...]
    traits: tuple[Trait, ...]
    clients: tuple[Client, ...]
    findings: tuple[Finding, ...]
    left_out: int
    asides: tuple[Aside, ...]
    passing: tuple[tuple[str, tuple[str, ...]], ...]  # dimension, names of rules
    coverage: tuple[tuple[str, tuple[Entry, ...]], ...]  # seen in words, fields
    coverage_left_out: int
    answers: tuple[Answer, ...]  # of a recording: what clients make of each
    answers_left_out: int
    exchanges: tuple[tuple[str, Shown], ...]  # anchor, exchange
    exchanges_left_out: int
    anchors: Mapping[tuple[object, ...], str]  # evidence key -> anchor


def _compare(reference: Any, documented: Any, observed: Any) -> tuple[str, str]:
    if observed is None:
        return "not established", "unknown"
    as_google = _holds(reference, observed)
    as_written = documented is not None and _matches(documented, observed)
    if as_google:
        return (
            ("as Google", "same")
            if documented is None or as_written
            else ("as Google, not as documented", "same")
        )
    if documented is None:
        return "unlike Google", "differs"
    return ("as documented, unlike Google" if as_written else "unlike both"), "differs"


def _holds(reference: Any, observed: Any) -> bool:
    """Tell whether what was seen offers all that Google does (the accepted keys are lists)."""
    if isinstance(reference, list) and isinstance(observed, list):
        return set(map(str, reference)) <= set(map(str, observed))
    return bool(reference == observed)


def _matches(documented: Any, observed: Any) -> bool:
    """Tell whether one of the document's readings holds of what was seen."""
    every = documented if isinstance(documented, list) else [documented]
    return any(
        _holds(reading if isinstance(reading, list) else _like(reading, observed), observed)
        for reading in every
    )


def _like(reading: Any, observed: Any) -> Any:
    return [reading] if isinstance(observed, list) else reading


def _trait(name: str, trait: Entry) -> Trait:
    documented, observed = trait.get("documented"), trait.get("observed")
    says, state = _compare(trait.get("reference"), documented, observed)
    return Trait(
        key=name,
        name=TRAITS.get(name, name),
        reference=clip(value(trait.get("reference"), "says nothing"), 80),
        documented=clip(readings(documented, "says nothing"), 80),
        observed=clip(value(observed, "not seen"), 80),
        says=says,
        state=state,
    )


def traits(provider: Entry) -> tuple[Trait, ...]:
    """Return a provider's traits, the headline ones first."""
    found: Entry = provider.get("traits") or {}
    order = [*(name for name in TRAITS if name in found), *(name for name in found if name not in TRAITS)]
    return tuple(_trait(name, found[name]) for name in order)


def _because(reason: Entry) -> str:
    said = [EFFECTS.get(str(reason["effect"]), str(reason["effect"]))]
    said += [clip(str(reason["detail"]), 200)] if reason.get("detail") else []
    where = [str(reason[name]) for name in ("rule", "exchange") if reason.get(name)]
    return ": ".join(said) + (f" ({', '.join(where)})" if where else "")


def _client(entry: Entry) -> Client:
    because = list(dict.fromkeys(_because(reason) for reason in entry.get("because") or ()))
    return Client(
        name=str(entry["client"]),
        sign=CLIENTS[str(entry["verdict"])],
        because=tuple(because[:BECAUSE_MOST]),
        more=max(0, len(because) - BECAUSE_MOST),
        configure=tuple(str(line) for line in entry.get("configure") or ()),
        needs=client_needs(entry) if entry["verdict"] in {"works", "degraded"} else "",
    )


def _asides(provider: Entry) -> tuple[Aside, ...]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for case in provider.get("cases") or ():
        if case["outcome"] in OUTCOMES:
            reason = short(str(case.get("reason") or ""), 300)
            outcome = NOT_ASKED if reason.startswith(f"{NOT_ASKED}: ") else str(case["outcome"])
            said = reason.removeprefix(f"{NOT_ASKED}: ")
            groups.setdefault(outcome, []).append((str(case["rule"]), said))
    rules = tuple(Aside(OUTCOMES[name], tuple(groups[name])) for name in OUTCOMES if name in groups)
    unasked = tuple(_unasked(each) for each in provider.get("unasked") or ())
    return (*rules, Aside("questions that were not asked", unasked)) if unasked else rules


def _unasked(question: Entry) -> tuple[str, str]:
    said = ": ".join(str(question[name]) for name in ("cause", "detail") if question.get(name))
    return str(question["probe"]), short(said, 300)


def _passing(provider: Entry) -> tuple[tuple[str, tuple[str, ...]], ...]:
    groups: dict[str, list[str]] = {}
    for case in provider.get("cases") or ():
        if case["outcome"] == "pass":
            dimension, _, name = str(case["rule"]).partition("/")
            groups.setdefault(dimension, []).append(name)
    return tuple((dimension, tuple(names)) for dimension, names in groups.items())


def _coverage(provider: Entry) -> tuple[tuple[tuple[str, tuple[Entry, ...]], ...], int]:
    fields = list(provider.get("coverage") or ())
    kept = fields[:COVERAGE_MOST]
    groups = (
        (says, tuple(field for field in kept if field.get("seen") == seen)) for seen, says in SEEN.items()
    )
    return tuple((says, found) for says, found in groups if found), len(fields) - len(kept)


def _latency(provider: Entry) -> list[tuple[str, str]]:
    """Return how long answers took, where results.json says so."""
    found: Entry = provider.get("latency") or {}
    rows = {"First piece": "first_piece", "Whole, unary": "unary", "Whole, streamed": "streamed"}
    return [
        (name, ", ".join(f"{milliseconds(float(found[f'{key}_{which}']))} {which}" for which in known))
        for name, key in rows.items()
        if (known := [which for which in ("median", "worst") if found.get(f"{key}_{which}") is not None])
    ]


def _facts(provider: Entry) -> tuple[tuple[str, str], ...]:
    traffic: Entry = provider.get("traffic") or {}
    requests, retries = int(traffic.get("requests") or 0), int(traffic.get("retries") or 0)
    sent = plural(requests, "request") + (f", {plural(retries, 'retry', 'retries')}" if retries else "")
    tokens = f"{int(traffic.get('prompt_tokens') or 0):,} in, {int(traffic.get('output_tokens') or 0):,} out"
    facts = [
        ("Name", str(provider["name"])),
        ("Dialect", str(provider.get("dialect") or "")),
        ("Address", address_in_words(str(provider.get("base_url") or ""))),
        ("Model", str(provider.get("model") or "")),
    ]
    if requests and "answers" in provider:
        facts += [("Recorded", plural(requests, "exchange")), ("Tokens", tokens)]
    elif requests:
        facts += [
            ("Sent", f"{sent} in {duration(float(traffic.get('seconds') or 0))}"),
            ("Tokens", tokens),
        ]
    facts += _latency(provider)
    if traffic.get("money") is not None:
        facts.append(("Money", str(traffic["money"])))
    return tuple((name, clip(fact, 200)) for name, fact in facts if fact)


def vendor(provider: Entry, id_: str, limit: int) -> Vendor:
    """Return one provider as the page shows it; `limit` bounds each body, in characters."""
    found, left_out = findings(provider, id_)
    groups = grouped(entry for each in found for entry in each.entries)
    kept = list(groups.items())[:EXCHANGES_MOST]
    anchors = {name: f"exchange-{id_}-{number}" for number, (name, _) in enumerate(kept, 1)}
    coverage, uncovered = _coverage(provider)
    held_back = buffered(provider)
    answers, unanswered = read_answers(provider)
    return Vendor(
        id=id_,
        name=str(provider["name"]),
        title=clip(str(provider.get("title") or provider["name"]), 80),
        group=group(provider),
        adapted=bool(provider.get("adapted")),
        sign=status_sign(provider),
        says=verdict(provider),
        judged=judged_in_words(provider),
        meets=clients_in_words(provider),
        reason=short(str(provider.get("reason") or ""), 600),
        summary=counted(provider),
        facts=_facts(provider),
        cells=cells(provider),
        traits=traits(provider),
        clients=tuple(_client(entry) for entry in provider.get("clients") or ()),
        findings=found,
        left_out=left_out,
        asides=_asides(provider),
        passing=_passing(provider),
        coverage=coverage,
        coverage_left_out=uncovered,
        answers=answers,
        answers_left_out=unanswered,
        exchanges=tuple((anchors[name], shown(entries, limit, held_back)) for name, entries in kept),
        exchanges_left_out=len(groups) - len(kept),
        anchors=anchors,
    )


def anchor_of(found: Vendor, entry: Entry) -> str:
    """Return the anchor of the exchange that a piece of evidence belongs to; empty where it is left out."""
    return found.anchors.get(key(entry), "")


def provider_ids(providers: Sequence[Entry]) -> list[str]:
    """Return an element id for each provider: its name where it is one, numbered where two collide."""
    return unique(slug(str(provider["name"])) for provider in providers)


def vendors(results: Entry) -> tuple[Vendor, ...]:
    """Return every provider, worst first, with room for evidence shared out among them."""
    providers = worst_first(results.get("providers") or ())
    every = (
        entry
        for each in providers
        for found in each.get("deviations") or ()
        for entry in found.get("evidence") or ()
    )
    limit = limit_for(len({(key(entry)[0], hash(key(entry))) for entry in every}))
    ids = provider_ids(providers)
    return tuple(vendor(each, id_, limit) for each, id_ in zip(providers, ids, strict=True))
