"""Sums up in one sentence what a run found, without claiming more than was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from conformance.phrases import conjugate, count_noun
from conformance.report.matrix import count_levels
from conformance.report.verdict import describe_limits, is_fully_judged, read_judged_share
from conformance.report.vocabulary import Entry


@dataclass(frozen=True)
class HeadlineProviders:
    """The providers that a headline is about. noun: vendor | provider | bundled server.

    `by_documents`: they were judged by their own documents alone, not by Google's contract.
    """

    everyone: tuple[Entry, ...]
    noun: str
    by_documents: bool

    def count(self, *statuses: str) -> int:
        """Return how many have one of these statuses."""
        return sum(each["status"] in statuses for each in self.everyone)

    @property
    def breaking(self) -> int:
        """How many break a must that nothing accepts."""
        return sum(1 for each in self.everyone if count_levels(each)["must"])

    @property
    def are_fully_judged(self) -> bool:
        """Whether each of them was judged by every rule."""
        return not self.count("inconclusive") and all(map(is_fully_judged, self.everyone))


def write_headline(results: Entry) -> str:
    """Return the run in one sentence, without a full stop."""
    providers = results.get("providers") or []
    asked = [each for each in providers if each["status"] != "not-run"]
    real = [each for each in asked if not each.get("embedded")]
    if not providers:
        return "Nothing was selected, so nothing was tested"
    noun = _choose_noun(real) if real else "bundled server"
    pool = HeadlineProviders(tuple(real or asked), noun, is_against_documents(results))
    if not pool.count("deviates", "partial", "conforms"):
        return "No vendor could be judged"
    return _describe_one(pool) if len(pool.everyone) == 1 else _describe_several(pool)


def is_against_documents(results: Entry) -> bool:
    """Return whether a run judged vendors by their own documents alone, not by Google's contract."""
    return bool((results["run"].get("selection") or {}).get("against") == "documented")


def _choose_noun(providers: Sequence[Entry]) -> str:
    """Return `vendor` where each provider has a host of its own; several models of one vendor are providers."""
    return "vendor" if len(_list_hosts(providers)) == len(providers) else "provider"


def _list_hosts(providers: Sequence[Entry]) -> frozenset[str]:
    return frozenset(_find_host(str(each.get("base_url") or "")) for each in providers)


def _find_host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:  # not an address; results.json may hold anything
        return url


def _describe_one(pool: HeadlineProviders) -> str:
    provider = pool.everyone[0]
    subject = f"The {pool.noun}"
    if provider["status"] == "partial":
        return f"{subject} was judged in part: {_describe_part([provider])}"
    return f"{subject} {_describe_verdict(provider, by_document=pool.by_documents)}"


def _describe_verdict(provider: Entry, *, by_document: bool) -> str:
    found, levels = read_judged_share(provider), count_levels(provider)
    if by_document:
        return f"{'keeps to' if provider['status'] == 'conforms' else 'departs from'} its own document"
    if provider["status"] == "conforms":
        return "conforms to Google's contract"
    if levels["must"]:
        return "breaks Google's contract"
    if not levels["should"]:
        return "departs from Google's contract only as accepted"
    if found is not None and not found.is_complete:
        return f"deviates in details; {f'{found.sentence} {describe_limits(found.limits)}'.rstrip()}"
    return "keeps Google's contract except in details"


def _describe_several(pool: HeadlineProviders) -> str:
    everyone, conforming = len(pool.everyone), pool.count("conforms")
    total = count_noun(everyone, pool.noun)
    if pool.noun == "provider":
        total += f" of {count_noun(len(_list_hosts(pool.everyone)), 'vendor')}"
    if pool.count("deviates"):
        return "; ".join([_count_deviating(pool, total), *_count_unjudged(pool)])
    verb, contract = (
        ("keep", "their own documents") if pool.by_documents else ("conform", "Google's contract")
    )
    keep = f"{conjugate(conforming, verb)} to {contract}"
    if conforming == everyone:
        return f"All {total} {keep}"
    if conforming:
        return "; ".join([f"{conforming} of {total} {keep}", *_count_unjudged(pool)])
    if not pool.count("inconclusive"):
        return f"All {total} were judged in part: {_describe_part(pool.everyone)}"
    return "; ".join([f"None of {total} was judged in full", *_count_unjudged(pool)])


def _count_deviating(pool: HeadlineProviders, total: str) -> str:
    breaking, deviating = pool.breaking, pool.count("deviates")
    if pool.by_documents:
        document = "its own document" if deviating == 1 else "their own documents"
        return f"{deviating} of {total} {conjugate(deviating, 'depart')} from {document}"
    if breaking:
        return f"{breaking} of {total} {conjugate(breaking, 'break')} Google's contract"
    details = f"{conjugate(deviating, 'deviate')} in details"
    if pool.are_fully_judged:
        return f"None of {total} breaks Google's contract; {deviating} {details}"
    return f"{deviating} of {total} {details}"


def _count_unjudged(pool: HeadlineProviders) -> list[str]:
    """Return what a sentence has to add where something was not judged, or not in full."""
    partial, unjudged = pool.count("partial"), pool.count("inconclusive")
    parts = [f"{partial} {'was' if partial == 1 else 'were'} judged in part"] if partial else []
    return parts + ([f"{unjudged} could not be judged"] if unjudged else [])


def _describe_part(providers: Sequence[Entry]) -> str:
    """Return in how many rules nothing was found at these providers, and what limited that."""
    found = [each for each in map(read_judged_share, providers) if each is not None]
    if not found:
        return "nothing found, but too little was judged"
    counts, of = sorted({each.rules for each in found}), max(each.of for each in found)
    number = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    limits = describe_limits([limit for each in found for limit in each.limits])
    return f"nothing found in {number} of {count_noun(of, 'rule')} {limits}".rstrip()
