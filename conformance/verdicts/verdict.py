"""Turns one provider's replies into its verdict: status, cases, traits, clients, and how much was judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from conformance.catalogue import PROBES, RULES, Rule
from conformance.clients import ALL_CLIENTS
from conformance.dialects.dialect import Dialect
from conformance.judging.traits import observe_traits
from conformance.model import GRAVE_LEVELS, JSON, Against, Case, Deviation, Provider
from conformance.phrases import count_noun
from conformance.reading.reply import Reply
from conformance.replies import ProviderReplies
from conformance.verdicts.acceptance import find_stale_entries
from conformance.verdicts.cases import JudgingInput, judge_rules
from conformance.verdicts.client_verdicts import ClientVerdict, judge_clients
from conformance.verdicts.conclusive_replies import drop_after_key_stopped, drop_superseded, drop_unrelated
from conformance.verdicts.extent import (
    NO_RUN_LIMITS,
    JudgedExtent,
    JudgedProvider,
    RunLimits,
    list_undecided,
    measure_extent,
)
from conformance.verdicts.status import find_status


@dataclass(frozen=True, repr=False)
class Verdict:
    """Everything that was found about one provider."""

    provider: Provider
    dialect: Dialect
    status: str  # conforms | partial | deviates | inconclusive | not-run
    reason: str | None
    replies: tuple[Reply, ...]
    cases: tuple[Case, ...]
    traits: Mapping[str, JSON]
    clients: tuple[ClientVerdict, ...]
    stale: tuple[str, ...]
    gathered: ProviderReplies | None
    judged: JudgedExtent
    undecided: tuple[str, ...] = ()  # what was selected and could not be judged, in words

    def __repr__(self) -> str:
        """Return one line: a failing `assert verdict.status != "deviates"` prints the verdict."""
        judged = f"{self.judged.rules} of {self.judged.of} rules judged"
        findings = count_noun(len(self.deviations), "finding")
        return f"<Verdict on {self.provider.title}: {self.status}, {findings}, {judged}>"

    @property
    def deviations(self) -> list[Deviation]:
        """The findings, worst first."""
        found = [case.deviation for case in self.cases if case.deviation]
        return sorted(found, key=lambda one: (one.level.rank, one.known is not None, one.rule))


def skip_provider(provider: Provider, dialect: Dialect, reason: str) -> Verdict:
    """Return the verdict of a provider that was not asked, and why."""
    traits = dict.fromkeys(observe_traits(()), None)
    clients = tuple(ClientVerdict(name, "untested") for name in ALL_CLIENTS)
    judged = JudgedExtent(0, len(RULES), (reason,))
    return Verdict(provider, dialect, "not-run", reason, (), (), traits, clients, (), None, judged)


@dataclass(frozen=True)
class JudgingOptions:
    """How a run judges: by which rules and measures, and on which day, since known entries expire."""

    rules: tuple[Rule, ...]
    against: frozenset[Against] = frozenset(Against)
    today: dt.date = dt.date(1970, 1, 1)
    source: str = "providers.yaml"  # the file of the providers, as its user names it
    limits: RunLimits = NO_RUN_LIMITS


def sort_by_catalogue(replies: Iterable[Reply]) -> list[Reply]:
    """Return the replies in the order of the catalogue, not of their arrival: a run and its replay agree."""
    return sorted(replies, key=lambda reply: (_find_place(reply.probe), reply.exchange.attempt))


def _find_place(probe: str) -> tuple[int, str]:
    """Return the place of a probe in the catalogue; probes of documents and generated bodies follow, by name."""
    places = {id_: number for number, id_ in enumerate(PROBES)}
    return places.get(probe, len(places)), probe


def judge_provider(gathered: ProviderReplies, dialect: Dialect, options: JudgingOptions) -> Verdict:
    """Return the whole verdict on what one provider answered. The function is pure: it uses neither a clock nor the network."""
    provider = gathered.provider
    replies = drop_superseded(sort_by_catalogue(gathered.replies))
    # Recorded traffic may also ask for something that no rule is about: files, caches, embeddings.
    about_models = [one for one in replies if not (one.exchange.captured and one.resource.name == "none")]
    conclusive, lost = drop_after_key_stopped(about_models)
    conclusive, unrelated = drop_unrelated(conclusive)
    unasked = sorted((*gathered.unasked, *lost, *unrelated), key=lambda one: _find_place(one.probe))
    traits = observe_traits(conclusive)
    given = JudgingInput(
        provider, dialect, conclusive, tuple(unasked), traits, options.against, options.today
    )
    cases = judge_rules(given, options.rules)
    judged = JudgedProvider.of(gathered, replies, given.unasked, cases, options.limits)
    status, reason = find_status(judged)
    clients, cases = judge_clients(replies, cases, traits)
    grave = any(case.deviation and case.deviation.level in GRAVE_LEVELS for case in cases)
    if status == "inconclusive" and not grave:
        clients = tuple(replace(client, verdict="untested", because=()) for client in clients)
    asked = {reply.probe for reply in conclusive}
    stale = find_stale_entries(provider, cases, asked, options.today, options.source)
    return Verdict(
        provider, dialect, status, reason, replies, tuple(cases), traits, clients, tuple(stale), gathered,
        measure_extent(judged), list_undecided(judged, status),
    )  # fmt: skip
