"""Says in one sentence what a run found, and never more than was judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from conformance.phrases import count_noun
from conformance.report.matrix import count_levels
from conformance.report.verdict import JudgedShare, describe_limits, is_fully_judged, read_judged_share

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class HeadlineProviders:
    """The providers that a headline is about, and what it calls them; `own`: judged by their own documents alone."""

    everyone: tuple[Entry, ...]
    noun: str
    own: bool

    def of_status(self, *statuses: str) -> list[Entry]:
        """Return those with one of these statuses."""
        return [each for each in self.everyone if each["status"] in statuses]

    @property
    def breaking(self) -> int:
        """How many have a must that nobody accepted."""
        return sum(1 for each in self.everyone if count_levels(each)["must"])

    @property
    def deviating(self) -> int:
        """How many depart in anything, accepted or not."""
        return len(self.of_status("deviates"))

    @property
    def whole(self) -> bool:
        """Whether every one of them was judged by every rule."""
        return not self.of_status("inconclusive") and all(map(is_fully_judged, self.everyone))


def write_headline(results: Entry) -> str:
    """Return the run in one sentence."""
    providers = results.get("providers") or []
    asked = [each for each in providers if each["status"] != "not-run"]
    real = [each for each in asked if not each.get("embedded")]
    if not providers:
        return "Nothing was selected, so nothing was tested"
    noun = _choose_noun(real) if real else "bundled server"
    pool = HeadlineProviders(tuple(real or asked), noun, is_against_documents(results))
    if not pool.of_status("deviates", "partial", "conforms"):
        return "No vendor could be judged"
    return _describe_one(pool) if len(pool.everyone) == 1 else _describe_several(pool)


def is_against_documents(results: Entry) -> bool:
    """Return whether a run judged vendors by their own documents alone, not by Google's contract."""
    return bool((results["run"].get("selection") or {}).get("against") == "documented")


def _choose_noun(providers: Sequence[Entry]) -> str:
    """Return `vendor` where each provider is at a host of its own; several models of one vendor are providers."""
    hosts = _list_hosts(providers)
    return "vendor" if len(hosts) == len(providers) else "provider"


def _list_hosts(providers: Sequence[Entry]) -> frozenset[str]:
    return frozenset(_find_host(str(each.get("base_url") or "")) for each in providers)


def _find_host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:  # no address at all; results.json may hold anything
        return url


def _describe_one(pool: HeadlineProviders) -> str:
    provider = pool.everyone[0]
    subject = f"The {pool.noun}"
    if provider["status"] == "partial":
        return f"{subject} was judged in part: {_describe_part([provider])}"
    return f"{subject} {_describe_verdict(provider, pool)}"


def _describe_verdict(provider: Entry, pool: HeadlineProviders) -> str:
    contract = "its own document" if pool.own else "Google's contract"
    found = read_judged_share(provider)
    if provider["status"] == "conforms":
        return f"{'keeps to' if pool.own else 'conforms to'} {contract}"
    if pool.own:
        return f"departs from {contract}"
    if count_levels(provider)["must"]:
        return f"breaks {contract}"
    if not count_levels(provider)["should"]:
        return f"departs from {contract}, as accepted"
    if found is not None and not found.whole:
        return (
            f"deviates in details; {' '.join(filter(None, (found.counted, describe_limits(found.limits))))}"
        )
    return f"keeps {contract} except in details"


def _describe_several(pool: HeadlineProviders) -> str:
    total, rest = count_noun(len(pool.everyone), pool.noun), _count_unjudged(pool)
    if pool.noun == "provider":
        total += f" of {count_noun(len(_list_hosts(pool.everyone)), 'vendor')}"
    if pool.deviating:
        return "; ".join([_count_deviating(pool, total), *rest])
    conforming = len(pool.of_status("conforms"))
    contract = "their own documents" if pool.own else "Google's contract"
    keep = f"keep{'s' * (conforming == 1)} to" if pool.own else f"conform{'s' * (conforming == 1)} to"
    if conforming == len(pool.everyone):
        return f"All {total} {keep} {contract}"
    if conforming:
        return "; ".join([f"{conforming} of {total} {keep} {contract}", *rest])
    if not pool.of_status("inconclusive"):
        return f"All {total} were judged in part: {_describe_part(pool.everyone)}"
    return "; ".join([f"None of {total} was judged in full", *rest])


def _count_deviating(pool: HeadlineProviders, total: str) -> str:
    breaking, deviating = pool.breaking, pool.deviating
    if pool.own:
        one = deviating == 1
        return f"{deviating} of {total} depart{'s' * one} from {'its own document' if one else 'their own documents'}"
    if breaking:
        return f"{breaking} of {total} break{'s' * (breaking == 1)} Google's contract"
    details = f"deviate{'s' * (deviating == 1)} in details"
    if pool.whole:
        return f"None of {total} breaks Google's contract; {deviating} {details}"
    return f"{deviating} of {total} {details}"


def _count_unjudged(pool: HeadlineProviders) -> list[str]:
    """Return what a sentence has to add where something was not judged, or not wholly."""
    partial, unjudged = len(pool.of_status("partial")), len(pool.of_status("inconclusive"))
    said = [f"{partial} {'was' if partial == 1 else 'were'} judged in part"] if partial else []
    return said + ([f"{unjudged} could not be judged"] if unjudged else [])


def _describe_part(providers: Sequence[Entry]) -> str:
    """Return in how many rules nothing was found at these providers, and what limited that."""
    found: list[JudgedShare] = [each for each in map(read_judged_share, providers) if each is not None]
    if not found:
        return "nothing found, but too little was judged"
    counts, of = sorted({each.rules for each in found}), max(each.of for each in found)
    number = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    limits = describe_limits([limit for each in found for limit in each.limits])
    return " ".join(filter(None, (f"nothing found in {number} of {count_noun(of, 'rule')}", limits)))
