"""Describes the verdict on one provider: how much of it was judged, and how its clients fare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.phrases import count_noun
from conformance.report.matrix import describe_counts
from conformance.report.safe_text import clip_text
from conformance.report.vocabulary import STATUSES, Entry
from conformance.verdicts.extent import BY_FINDINGS

MOST_LIMITS = 4
# How an entry of `configure` begins, and what the client then works with.
_NEEDS = {"header": "a header", "api version": "an API version", "credential": "another credential"}


@dataclass(frozen=True)
class JudgedShare:
    """How many rules were judged, out of how many, and what limited that."""

    rules: int
    of: int
    limits: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether nothing was left out."""
        return self.rules >= self.of and not self.limits

    @property
    def count(self) -> str:
        """The count: `97 of 158 rules`."""
        return f"{self.rules:,} of {count_noun(self.of, 'rule')}"

    @property
    def sentence(self) -> str:
        """The count as a sentence: `97 of 158 rules were judged`."""
        return f"{self.count} {'was' if self.rules == 1 else 'were'} judged"


def read_judged_share(provider: Entry) -> JudgedShare | None:
    """Return how much of a provider was judged; None where results.json does not say."""
    found = provider.get("judged")
    if not isinstance(found, Mapping):
        return None
    limits = tuple(str(each) for each in found.get("limited_by") or ())
    return JudgedShare(int(found.get("rules") or 0), int(found.get("of") or 0), limits)


def is_fully_judged(provider: Entry) -> bool:
    """Return whether a provider's verdict rests on every rule, as far as results.json says."""
    found = read_judged_share(provider)
    return provider.get("status") != "partial" and (found is None or found.is_complete)


def describe_limits(limits: Sequence[str]) -> str:
    """Return what limited the judging: `(limited by: -d streaming; interrupted)`; empty where nothing did."""
    named = [clip_text(limit, 120) for limit in dict.fromkeys(limits)]
    more = [f"{len(named) - MOST_LIMITS} more"] if len(named) > MOST_LIMITS else []
    by = "limited by:" if len(named) > 1 or any(":" in limit for limit in named) else "limited by"
    return f"({by} {'; '.join([*named[:MOST_LIMITS], *more])})" if named else ""


def describe_judged_share(provider: Entry) -> str:
    """Return how much was judged and what limited it; empty where everything was judged.

    Rules that a finding blocks are not named as a limit: the findings stand beside this text.
    """
    found = read_judged_share(provider)
    if found is None or found.is_complete:
        return ""
    count = f"nothing found in {found.count}" if provider["status"] == "partial" else found.sentence
    limits = [limit for limit in found.limits if not limit.startswith(BY_FINDINGS)]
    return " ".join(filter(None, (count, describe_limits(limits))))


def describe_client_needs(entry: Entry) -> str:
    """Return what a client must be given before it reaches the provider: `with a header`; empty where it needs nothing."""
    lines = [str(line).lower() for line in entry.get("configure") or ()]
    found = [words for start, words in _NEEDS.items() if any(line.startswith(start) for line in lines)]
    return f"with {' and '.join(found or ['a setting'])}" if lines else ""


def _describe_working(subject: str, entries: Sequence[Entry]) -> str:
    """Return how many clients work, and what they need for that: `5 work with a header`."""
    needs = Counter(describe_client_needs(entry) for entry in entries)
    verb = "works" if len(entries) == 1 else "work"
    if len(needs) == 1:
        return " ".join(filter(None, (subject, verb, *needs)))
    plain = [f"{needs['']} as {'it is' if needs[''] == 1 else 'they are'}"] if needs[""] else []
    parts = [f"{number} {words}" for words, number in needs.most_common() if words]
    return f"{subject} {verb}: {', '.join(parts + plain)}"


def describe_clients(provider: Entry) -> str:
    """Return how clients fare: `5 of 8 clients break, 1 degraded`; empty where none was tested.

    For clients that work only with a header or an API version, the text says so.
    """
    tested = [entry for entry in provider.get("clients") or () if entry["verdict"] != "untested"]
    counts = Counter(str(entry["verdict"]) for entry in tested)
    broken, degraded = counts["broken"], counts["degraded"]
    if not tested:
        return ""
    if not broken and not degraded:
        return _describe_working("the client" if len(tested) == 1 else f"all {len(tested)} clients", tested)
    if len(tested) in (broken, degraded) and len(tested) > 1:
        return f"all {len(tested)} clients {'break' if broken else 'are degraded'}"
    of = f" of {count_noun(len(tested), 'client')}"
    parts = [f"{broken}{of} break{'s' * (broken == 1)}"] if broken else []
    parts += [f"{degraded}{'' if broken else of} degraded"] if degraded else []
    works = [entry for entry in tested if entry["verdict"] == "works"]
    if any(describe_client_needs(entry) for entry in works):
        parts.append(_describe_working(str(len(works)), works))
    return ", ".join(parts)


def explain_verdict(provider: Entry) -> str:
    """Return the text beside a provider's verdict: why it was not judged, else how much was, and how its clients fare.

    Where nothing was found, how much was judged comes first: it is the verdict.
    """
    if provider.get("reason"):
        return clip_text(str(provider["reason"]).removeprefix(f"{provider['name']}: "), 240)
    parts = [describe_judged_share(provider), describe_clients(provider)]
    return "; ".join(filter(None, parts if provider["status"] == "partial" else reversed(parts)))


def abbreviate_verdict(provider: Entry) -> str:
    """Return a provider's verdict in the few words that a badge or a chat message has room for.

    `conforms`, `nothing found in 97 of 158 rules`, `3 must, 1 should`, `could not be judged` or `not run`.
    """
    status, found = str(provider["status"]), read_judged_share(provider)
    if status == "deviates":
        return describe_counts(provider)
    if status == "partial" and found is not None:
        return f"nothing found in {found.count}"
    return STATUSES[status].word
