"""From one provider's replies to its whole verdict: cases, traits, clients, traffic, coverage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.catalogue import PROBES, RULES, Rule, asks_for_clients
from conformance.clients import ALL_CLIENTS as CLIENTS
from conformance.clients import find_required_settings, from_exchange
from conformance.clients.effects import ExpectedView, find_effects, sum_up_effects
from conformance.dialects.dialect import Dialect
from conformance.judging.endings import has_content, is_withheld
from conformance.judging.habits import may_have_lost_end
from conformance.judging.traits import observe_traits
from conformance.model import GRAVE_LEVELS, JSON, Against, Case, Deviation, Effect, Level, Provider
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply
from conformance.replies import CONTROL, ProviderReplies
from conformance.verdicts.cases import JudgingInput, find_stale_entries, judge_rules
from conformance.verdicts.client_evidence import correct_verdict, find_refusals, is_hollow, method_of
from conformance.verdicts.conclusive_replies import drop_after_key_stopped, drop_superseded, drop_unrelated
from conformance.verdicts.extent import (
    NO_RUN_LIMITS,
    JudgedExtent,
    JudgedProvider,
    RunLimits,
    is_fully_judged,
    list_undecided,
    measure_extent,
)


@dataclass(frozen=True)
class ClientVerdict:
    """What became of one client: works | degraded | broken | untested, why, and what it must be told first."""

    client: str
    verdict: str
    because: tuple[tuple[Effect, str], ...]  # effects with the rule that explains each ("" where none does)
    configure: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Verdict:
    """All that was found of one provider."""

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
        """Say it on one line: a failing `assert verdict.status != "deviates"` prints the verdict."""
        found = len(self.deviations)
        judged = f"{self.judged.rules} of {self.judged.of} rules judged"
        return f"<Verdict on {self.provider.title}: {self.status}, {found} finding{'s' * (found != 1)}, {judged}>"

    @property
    def deviations(self) -> list[Deviation]:
        """The findings, worst first."""
        return sorted(_found(self.cases), key=lambda one: (one.level.rank, one.known is not None, one.rule))


def _found(cases: Sequence[Case]) -> list[Deviation]:
    return [case.deviation for case in cases if case.deviation]


def skip_provider(provider: Provider, dialect: Dialect, reason: str) -> Verdict:
    """Return the verdict of a provider that was not asked, and why."""
    silent = dict.fromkeys(observe_traits(()), None)
    clients = tuple(ClientVerdict(name, "untested", (), ()) for name in CLIENTS)
    return Verdict(
        provider,
        dialect,
        "not-run",
        reason,
        (),
        (),
        silent,
        clients,
        (),
        None,
        JudgedExtent(0, len(RULES), (reason,)),
    )


@dataclass(frozen=True)
class JudgingOptions:
    """What a run looks at: the rules, the measures, and the day (for entries that expire)."""

    rules: tuple[Rule, ...]
    against: frozenset[Against] = frozenset(Against)
    today: dt.date = dt.date(1970, 1, 1)
    source: str = "providers.yaml"  # the file of the providers, as its user names it
    limits: RunLimits = NO_RUN_LIMITS  # what narrowed the run as a whole, or ended it


def _place(probe: str) -> tuple[int, str]:
    """Return the place of a probe in the catalogue; probes of documents and generated bodies follow, by name."""
    places = {id_: number for number, id_ in enumerate(PROBES)}
    return places.get(probe, len(places)), probe


def sort_by_catalogue(replies: Iterable[Reply]) -> list[Reply]:
    """Return the replies in the order of the catalogue, not of their arrival: a run and its replay agree."""
    return sorted(replies, key=lambda reply: (_place(reply.probe), reply.exchange.attempt))


def judge_provider(gathered: ProviderReplies, dialect: Dialect, options: JudgingOptions) -> Verdict:
    """Return the whole verdict on what one provider answered. Pure: no clock, no network."""
    replies = drop_superseded(sort_by_catalogue(gathered.replies))
    telling, lost = drop_after_key_stopped(
        tuple(reply for reply in replies if not _is_of_another_service(reply))
    )
    telling, unrelated = drop_unrelated(telling)
    traits = observe_traits(telling)
    evidence = JudgingInput(
        gathered.provider,
        dialect,
        telling,
        tuple(sorted((*gathered.unasked, *lost, *unrelated), key=lambda one: _place(one.probe))),
        traits,
        options.against,
        options.today,
        options.source,
    )
    cases = judge_rules(evidence, options.rules)
    course = JudgedProvider.of(gathered, replies, evidence.unasked, cases, options.limits)
    status, reason = _status(course)
    clients, cases = _clients(replies, cases, traits)
    if status == "inconclusive" and not any(one.level in GRAVE_LEVELS for one in _found(cases)):
        clients = tuple(replace(client, verdict="untested", because=()) for client in clients)
    return Verdict(
        gathered.provider, dialect, status, reason, replies, tuple(cases), traits, clients,
        tuple(find_stale_entries(evidence, cases)), gathered, measure_extent(course), list_undecided(course, status),
    )  # fmt: skip


def _is_of_another_service(reply: Reply) -> bool:
    """Return whether recorded traffic asked for something that no rule is about: files, caches, embeddings."""
    return reply.exchange.captured and reply.resource.name == "none"


def _status(course: JudgedProvider) -> tuple[str, str | None]:
    cases, replies = course.cases, course.replies
    unjudged = _unjudged(replies)
    if unjudged is not None:
        return "inconclusive", unjudged
    levels = {case.deviation.level for case in cases if case.deviation}
    refused = None if Level.MUST in levels else _turned_down(replies)
    if refused is not None:
        return "inconclusive", refused
    if levels & set(GRAVE_LEVELS):
        return "deviates", None
    return ("conforms" if is_fully_judged(course) else "partial"), None


def _turned_down(replies: Sequence[Reply]) -> str | None:
    """Why a vendor that refuses everything that it is asked was not judged: Google says 400 to a bad key."""
    asked = [reply for reply in replies if reply.probe == CONTROL]
    answered = any(reply.ok for reply in replies if reply.resource.name == "response")
    if answered or not asked or not all(400 <= reply.status < 500 for reply in asked):
        return None
    hint = "; base_url?" if asked[-1].status == 405 else ""
    return f"the plain question is refused (HTTP {asked[-1].status}{hint}): {_said(asked[-1])}".removesuffix(
        ": "
    )


def _unjudged(replies: Sequence[Reply]) -> str | None:
    """Why nothing can be said of the vendor; None where the plain question got an answer to judge."""
    if not replies:
        return "nothing was asked"
    plain = [
        reply
        for reply in replies
        if reply.probe in (CONTROL, ProbeId.PLAIN_STREAMED, ProbeId.PLAIN_AT_THE_END)
    ]
    said = [why(plain) for why in _WHYS] if plain else []
    if not any(said) and all(reply.kind in ("html", "empty") for reply in replies):
        return f"every answer is {replies[0].kind.value} (base_url?)"
    return next((reason for reason in said if reason), None)


def _silent(plain: Sequence[Reply]) -> str | None:
    return _trouble(plain[0]) if all(_dead(reply) or _closed(reply) for reply in plain) else None


def _dead(reply: Reply) -> bool:
    return reply.exchange.failure is not None or reply.status == 429 or reply.status >= 500


def _closed(reply: Reply) -> bool:
    """What cannot be decoded, or is beyond a bound, was never judged; that it is so is a finding of its own."""
    return not reply.ok and bool(reply.decoded.failure or reply.exceeded_limit)


def _sent_elsewhere(plain: Sequence[Reply]) -> str | None:
    if not all(300 <= reply.status < 400 for reply in plain):
        return None
    where = (plain[0].exchange.header("location") or "nowhere")[:160]
    return f"the plain question is redirected (HTTP {plain[0].status} to {where}; base_url?), which is not followed"


def _locked_out(plain: Sequence[Reply]) -> str | None:
    refused = all(reply.status in (401, 403) for reply in plain)
    return f"the key is refused (HTTP {plain[0].status}): {_said(plain[0])}" if refused else None


def _not_served(plain: Sequence[Reply]) -> str | None:
    absent = all(reply.status in (402, 404) for reply in plain)
    return (
        f"the model is not served (HTTP {plain[0].status}; base_url?): {_said(plain[0])}" if absent else None
    )


def _a_web_page(plain: Sequence[Reply]) -> str | None:
    return (
        "the plain question is answered with HTML (base_url?)"
        if all(r.kind == "html" for r in plain)
        else None
    )


_WHYS = (_silent, _locked_out, _sent_elsewhere, _a_web_page, _not_served)


def _said(reply: Reply) -> str:
    return reply.error.message[:160] if reply.error else ""


def _trouble(reply: Reply) -> str:
    failure, bound = reply.exchange.failure, reply.exceeded_limit
    bound = (failure.bound if failure else None) or bound
    named = f", bound {bound}" if bound else ""
    if failure is not None:
        return f"the plain question got no answer: {failure.kind}{named}: {failure.detail}"[:300]
    if _dead(reply):
        return f"the plain question is answered with HTTP {reply.status}"
    detail = (
        f": {reply.decoded.failure.kind}: {reply.decoded.failure.detail}" if reply.decoded.failure else ""
    )
    return f"the plain question's answer cannot be read{named}{detail}"[:300]


def ended_as_google_would(reply: Reply) -> bool:
    """Return whether something broke the answer off that does so at Google too, and makes some clients raise there.

    A filter, our own small limit, a fault of the moment that a stream tells in Google's form, or, as far as a recording
    tells, whoever read it.
    """
    spent = reply.first.finish_reason == "MAX_TOKENS" and not has_content(reply)
    return (
        may_have_lost_end(reply)
        or spent
        or is_withheld(reply)
        or (reply.error is not None and reply.error.shape == "google")
    )


def is_usable_for_clients(reply: Reply) -> bool:
    """Return whether a reply is one that a client would have got in ordinary use."""
    wanted = reply.exchange.expected.get("status", 200) == 200
    asked = reply.resource.name == "response" and reply.exchange.request.verb == "POST"
    odd = ended_as_google_would(reply) or not asks_for_clients(reply)
    whole = reply.exchange.failure is None and reply.is_success and reply.exceeded_limit is None
    return wanted and asked and whole and not odd and reply.streamed is reply.alt_sse


def expected_view(reply: Reply) -> ExpectedView:
    """Return what a faithful reader finds in a reply, for a client's view to be held against."""
    first = reply.first
    total, reason = reply.usage.get("totalTokenCount"), first.finish_reason
    feedback = reply.body.get("promptFeedback")
    return ExpectedView(
        text=first.text,
        finish_reason=reason if isinstance(reason, str) else None,
        total_tokens=total if type(total) is int else None,
        calls=len(first.calls),
        thoughts=first.thoughts,
        error=reply.error is not None,
        blocked=isinstance(feedback, dict) and "blockReason" in feedback,
        hollow=is_hollow(reply),
    )


def _effects_of(reply: Reply) -> list[Effect]:
    captured = from_exchange(reply.exchange)
    found = expected_view(reply)
    return [effect for client in CLIENTS.values() for effect in find_effects(client, captured, found)]


def _clients(
    replies: Sequence[Reply], cases: Sequence[Case], traits: Mapping[str, JSON]
) -> tuple[tuple[ClientVerdict, ...], list[Case]]:
    judged = [reply for reply in replies if is_usable_for_clients(reply)]
    every = [effect for reply in judged for effect in _effects_of(reply)]
    if judged:
        every += [one for client in CLIENTS.values() for one in find_refusals(client, replies, cases)]
    explain = _explanations(cases)
    verdicts = tuple(
        _client(name, replies, judged, every, explain, _configure(name, replies, traits)) for name in CLIENTS
    )
    return verdicts, [_with_effects(case, every, explain) for case in cases]


def _client(  # noqa: PLR0913, PLR0917 - all that one verdict rests on
    name: str,
    replies: Sequence[Reply],
    judged: Sequence[Reply],
    every: Sequence[Effect],
    explain: Mapping[str, str],
    configure: tuple[str, ...],
) -> ClientVerdict:
    mine = [effect for effect in every if effect.client == name]
    asked = sum(method_of(reply) in CLIENTS[name].methods for reply in judged)
    because = tuple((effect, explain.get(effect.exchange, "")) for effect in _distinct(mine))
    found = correct_verdict(sum_up_effects(mine, asked or len(mine)), CLIENTS[name], replies, judged)
    return ClientVerdict(name, found, because, configure)


def _distinct(several: Sequence[Effect]) -> list[Effect]:
    """One effect of each kind and detail, with its first exchange."""
    return list({(effect.effect, effect.detail): effect for effect in reversed(several)}.values())[::-1][:6]


def _explanations(cases: Sequence[Case]) -> dict[str, str]:
    """Exchange id -> the worst rule that it breaks."""
    found: dict[str, str] = {}
    deviations = sorted(
        (c.deviation for c in cases if c.deviation), key=lambda one: one.level.rank, reverse=True
    )
    for deviation in deviations:
        found |= {location.exchange: deviation.rule for location in deviation.locations}
    return found


def _with_effects(case: Case, every: Sequence[Effect], explain: Mapping[str, str]) -> Case:
    if case.deviation is None:
        return case
    here = {location.exchange for location in case.deviation.locations}
    mine = [
        effect for effect in every if effect.exchange in here and explain.get(effect.exchange) == case.rule
    ]
    one_each = {(effect.client, effect.effect): effect for effect in reversed(mine)}
    deviation = replace(
        case.deviation, effects=tuple(sorted(one_each.values(), key=lambda effect: effect.client))
    )
    return replace(case, deviation=deviation)


def _configure(name: str, replies: Sequence[Reply], traits: Mapping[str, JSON]) -> tuple[str, ...]:
    """What a client must be told to reach this vendor at all."""
    auth = traits.get("auth")
    accepted = tuple(str(way) for way in auth) if isinstance(auth, list) else None
    v1 = [reply for reply in replies if reply.probe == ProbeId.PLAIN_ON_V1]
    return find_required_settings(CLIENTS[name], accepted, v1=not v1 or any(reply.ok for reply in v1))
