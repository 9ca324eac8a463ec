"""Reads one provider from results.json for its section of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.phrases import count_noun
from conformance.report.evidence import (
    ShownExchange,
    find_buffered,
    group_by_exchange,
    identify_exchange,
    share_limit,
    show_exchange,
)
from conformance.report.findings import Finding, read_findings
from conformance.report.matrix import Cell, choose_sign, describe_counts, group_of, make_cells, sort_providers
from conformance.report.recorded_replies import RecordedReply, describe_address, read_recorded_replies
from conformance.report.safe_text import (
    clip_text,
    format_milliseconds,
    format_seconds,
    make_slug,
    number_duplicates,
    shorten_text,
)
from conformance.report.verdict import (
    describe_client_needs,
    describe_clients,
    describe_judged_share,
    explain_verdict,
)
from conformance.report.vocabulary import (
    CLIENTS,
    COVERAGE,
    EFFECTS,
    NOT_ASKED,
    OUTCOMES,
    TRAITS,
    Entry,
    Sign,
    format_readings,
    format_value,
)

MOST_EXCHANGES = 60  # of one provider
MOST_FIELDS = 600
MOST_REASONS = 6


@dataclass(frozen=True)
class Trait:
    """A trait as Google has it, as the document states it and as it was observed; and how the last compares."""

    key: str
    name: str
    reference: str
    documented: str
    observed: str
    comparison: str  # how the observed value compares
    state: str  # same | differs | unknown


@dataclass(frozen=True)
class ClientSummary:
    """How a client fares with a provider: its verdict, the reasons, and what must be configured first."""

    name: str
    sign: Sign
    because: tuple[str, ...]
    more: int
    configure: tuple[str, ...]
    needs: str  # what it needs in order to work: `with a header`; empty where it needs nothing


@dataclass(frozen=True)
class UnjudgedGroup:
    """Rules or questions that were not judged for the same kind of reason, each with its own details."""

    outcome: str
    rules: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ProviderSection:
    """One provider as the page shows it."""

    id: str
    name: str
    title: str
    group: str
    adapted: bool  # asked through the adapter
    sign: Sign
    explanation: str  # what the matrix shows beside the verdict
    judged: str  # how much was judged, and what limited it; empty where everything was judged
    clients_text: str  # how clients fare
    reason: str
    summary: str  # the counts of its findings
    facts: tuple[tuple[str, str], ...]
    cells: tuple[Cell, ...]
    traits: tuple[Trait, ...]
    clients: tuple[ClientSummary, ...]
    findings: tuple[Finding, ...]
    left_out: int
    unjudged: tuple[UnjudgedGroup, ...]
    passing: tuple[tuple[str, tuple[str, ...]], ...]  # dimension, names of rules
    coverage: tuple[tuple[str, tuple[Entry, ...]], ...]  # how seen, fields
    coverage_left_out: int
    replies: tuple[RecordedReply, ...]  # of a recording: what clients make of each
    replies_left_out: int
    exchanges: tuple[tuple[str, ShownExchange], ...]  # anchor, exchange
    exchanges_left_out: int
    anchors: Mapping[tuple[object, ...], str]  # evidence key -> anchor


# How what was observed compares with Google and with the document, by whether it agrees with each.
_COMPARISONS = {
    (True, True): "as Google",
    (True, False): "as Google, not as documented",
    (False, True): "as documented, unlike Google",
    (False, False): "unlike both",
}


def _compare_trait(reference: Any, documented: Any, observed: Any) -> tuple[str, str]:
    """Return how an observed trait compares, as words and as a state: same | differs | unknown."""
    if observed is None:
        return "not established", "unknown"
    is_googles = _offers_all(reference, observed)
    state = "same" if is_googles else "differs"
    if documented is None:
        return "as Google" if is_googles else "unlike Google", state
    readings = documented if isinstance(documented, list) else [documented]
    return _COMPARISONS[is_googles, any(_offers_all(reading, observed) for reading in readings)], state


def _offers_all(wanted: Any, observed: Any) -> bool:
    """Return whether what was observed offers all that is wanted; a list holds the accepted ways of sending a key."""
    if isinstance(observed, list):
        return set(map(str, wanted if isinstance(wanted, list) else [wanted])) <= set(map(str, observed))
    return bool(wanted == observed)


def _read_trait(name: str, trait: Entry) -> Trait:
    documented, observed = trait.get("documented"), trait.get("observed")
    comparison, state = _compare_trait(trait.get("reference"), documented, observed)
    return Trait(
        key=name,
        name=TRAITS.get(name, name),
        reference=clip_text(format_value(trait.get("reference"), "says nothing"), 80),
        documented=clip_text(format_readings(documented, "says nothing"), 80),
        observed=clip_text(format_value(observed, "not seen"), 80),
        comparison=comparison,
        state=state,
    )


def read_traits(provider: Entry) -> tuple[Trait, ...]:
    """Return a provider's traits, the headline ones first."""
    found: Entry = provider.get("traits") or {}
    order = [*(name for name in TRAITS if name in found), *(name for name in found if name not in TRAITS)]
    return tuple(_read_trait(name, found[name]) for name in order)


def _describe_reason(reason: Entry) -> str:
    parts = [EFFECTS.get(str(reason["effect"]), str(reason["effect"]))]
    parts += [clip_text(str(reason["detail"]), 200)] if reason.get("detail") else []
    where = [str(reason[name]) for name in ("rule", "exchange") if reason.get(name)]
    return ": ".join(parts) + (f" ({', '.join(where)})" if where else "")


def _read_client(entry: Entry) -> ClientSummary:
    because = list(dict.fromkeys(_describe_reason(reason) for reason in entry.get("because") or ()))
    return ClientSummary(
        name=str(entry["client"]),
        sign=CLIENTS[str(entry["verdict"])],
        because=tuple(because[:MOST_REASONS]),
        more=max(0, len(because) - MOST_REASONS),
        configure=tuple(str(line) for line in entry.get("configure") or ()),
        needs=describe_client_needs(entry) if entry["verdict"] in {"works", "degraded"} else "",
    )


def _group_unjudged(provider: Entry) -> tuple[UnjudgedGroup, ...]:
    groups: dict[str, list[tuple[str, str]]] = {}
    for case in provider.get("cases") or ():
        if case["outcome"] in OUTCOMES:
            reason = shorten_text(str(case.get("reason") or ""), 300)
            outcome = NOT_ASKED if reason.startswith(f"{NOT_ASKED}: ") else str(case["outcome"])
            detail = reason.removeprefix(f"{NOT_ASKED}: ")
            groups.setdefault(outcome, []).append((str(case["rule"]), detail))
    rules = tuple(UnjudgedGroup(OUTCOMES[name], tuple(groups[name])) for name in OUTCOMES if name in groups)
    unasked = tuple(
        (
            str(each["probe"]),
            shorten_text(": ".join(filter(None, (each.get("cause"), each.get("detail")))), 300),
        )
        for each in provider.get("unasked") or ()
    )
    return (*rules, UnjudgedGroup("questions that were not asked", unasked)) if unasked else rules


def _group_passing(provider: Entry) -> tuple[tuple[str, tuple[str, ...]], ...]:
    groups: dict[str, list[str]] = {}
    for case in provider.get("cases") or ():
        if case["outcome"] == "pass":
            dimension, _, name = str(case["rule"]).partition("/")
            groups.setdefault(dimension, []).append(name)
    return tuple((dimension, tuple(names)) for dimension, names in groups.items())


def _group_coverage(provider: Entry) -> tuple[tuple[tuple[str, tuple[Entry, ...]], ...], int]:
    fields = list(provider.get("coverage") or ())
    kept = fields[:MOST_FIELDS]
    groups = (
        (says, tuple(field for field in kept if field.get("seen") == seen)) for seen, says in COVERAGE.items()
    )
    return tuple((says, found) for says, found in groups if found), len(fields) - len(kept)


def _describe_latency(provider: Entry) -> list[tuple[str, str]]:
    """Return how long replies took, where results.json says so."""
    found: Entry = provider.get("latency") or {}
    rows = {"First piece": "first_piece", "Unary reply": "unary", "Streamed reply": "streamed"}
    return [
        (name, ", ".join(f"{format_milliseconds(float(found[f'{key}_{which}']))} {which}" for which in known))
        for name, key in rows.items()
        if (known := [which for which in ("median", "worst") if found.get(f"{key}_{which}") is not None])
    ]


def _list_facts(provider: Entry) -> tuple[tuple[str, str], ...]:
    traffic: Entry = provider.get("traffic") or {}
    requests, retries = int(traffic.get("requests") or 0), int(traffic.get("retries") or 0)
    sent = count_noun(requests, "request")
    sent += f", {count_noun(retries, 'retry', 'retries')}" if retries else ""
    tokens = f"{int(traffic.get('prompt_tokens') or 0):,} in, {int(traffic.get('output_tokens') or 0):,} out"
    facts = [
        ("Name", str(provider["name"])),
        ("Dialect", str(provider.get("dialect") or "")),
        ("Address", describe_address(str(provider.get("base_url") or ""))),
        ("Model", str(provider.get("model") or "")),
    ]
    if requests and "answers" in provider:
        facts += [("Recorded", count_noun(requests, "exchange")), ("Tokens", tokens)]
    elif requests:
        seconds = format_seconds(float(traffic.get("seconds") or 0))
        facts += [("Sent", f"{sent} in {seconds}"), ("Tokens", tokens)]
    facts += _describe_latency(provider)
    if traffic.get("money") is not None:
        facts.append(("Money", str(traffic["money"])))
    return tuple((name, clip_text(fact, 200)) for name, fact in facts if fact)


def read_provider(provider: Entry, id_: str, limit: int) -> ProviderSection:
    """Return one provider as the page shows it; `limit` bounds each body, in characters."""
    found, left_out = read_findings(provider, id_)
    groups = group_by_exchange(entry for each in found for entry in each.entries)
    kept = list(groups.items())[:MOST_EXCHANGES]
    anchors = {name: f"exchange-{id_}-{number}" for number, (name, _) in enumerate(kept, 1)}
    coverage, uncovered = _group_coverage(provider)
    held_back = find_buffered(provider)
    replies, more_replies = read_recorded_replies(provider)
    return ProviderSection(
        id=id_,
        name=str(provider["name"]),
        title=clip_text(str(provider.get("title") or provider["name"]), 80),
        group=group_of(provider),
        adapted=bool(provider.get("adapted")),
        sign=choose_sign(provider),
        explanation=explain_verdict(provider),
        judged=describe_judged_share(provider),
        clients_text=describe_clients(provider),
        reason=shorten_text(str(provider.get("reason") or ""), 600),
        summary=describe_counts(provider),
        facts=_list_facts(provider),
        cells=make_cells(provider),
        traits=read_traits(provider),
        clients=tuple(_read_client(entry) for entry in provider.get("clients") or ()),
        findings=found,
        left_out=left_out,
        unjudged=_group_unjudged(provider),
        passing=_group_passing(provider),
        coverage=coverage,
        coverage_left_out=uncovered,
        replies=replies,
        replies_left_out=more_replies,
        exchanges=tuple((anchors[name], show_exchange(entries, limit, held_back)) for name, entries in kept),
        exchanges_left_out=len(groups) - len(kept),
        anchors=anchors,
    )


def find_anchor(found: ProviderSection, entry: Entry) -> str:
    """Return the anchor of the exchange that a piece of evidence belongs to; empty where it is left out."""
    return found.anchors.get(identify_exchange(entry), "")


def make_provider_ids(providers: Sequence[Entry]) -> list[str]:
    """Return an element id for each provider, made from its name, numbered where two collide."""
    return number_duplicates(make_slug(str(provider["name"])) for provider in providers)


def read_providers(results: Entry) -> tuple[ProviderSection, ...]:
    """Return every provider, the worst first; they share the space that the page has for evidence."""
    providers = sort_providers(results.get("providers") or ())
    exchanges = {
        identify_exchange(entry)
        for each in providers
        for found in each.get("deviations") or ()
        for entry in found.get("evidence") or ()
    }
    limit = share_limit(len(exchanges))
    ids = make_provider_ids(providers)
    return tuple(read_provider(each, id_, limit) for each, id_ in zip(providers, ids, strict=True))
