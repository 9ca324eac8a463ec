"""How each client fares: what the replies do to it, which rule's finding explains that, and whether there is evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.catalogue import asks_for_clients
from conformance.clients import ALL_CLIENTS, find_required_settings, from_exchange
from conformance.clients.client_view import Client
from conformance.clients.effects import ExpectedView, find_effects, sum_up_effects
from conformance.judging.controls import EVERY_CONTROL
from conformance.judging.endings import has_content, is_withheld
from conformance.judging.habits import may_have_lost_end
from conformance.model import JSON, Case, Effect, Level
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind
from conformance.reading.standing import Standing
from conformance.replies import CONTROL

_PLAIN = (CONTROL, ProbeId.PLAIN_STREAMED)
_MOST_REASONS = 6


@dataclass(frozen=True)
class ClientVerdict:
    """How one client fares: works | degraded | broken | untested, the reason, and what must be configured first."""

    client: str
    verdict: str
    because: tuple[tuple[Effect, str], ...] = ()  # effects, each with the rule that explains it or ""
    configure: tuple[str, ...] = ()


def judge_clients(
    replies: Sequence[Reply], cases: Sequence[Case], traits: Mapping[str, JSON]
) -> tuple[tuple[ClientVerdict, ...], list[Case]]:
    """Return the verdict on every client, and the cases with the effects that their deviations have."""
    usable = [reply for reply in replies if is_usable_for_clients(reply)]
    effects: list[Effect] = []
    for reply in usable:
        captured, expected = from_exchange(reply.exchange), make_expected_view(reply)
        for client in ALL_CLIENTS.values():
            effects += find_effects(client, captured, expected)
    if usable:
        effects += [one for client in ALL_CLIENTS.values() for one in _find_refusals(client, replies, cases)]
    causes = _find_worst_rules(cases)
    verdicts: list[ClientVerdict] = []
    for name, client in ALL_CLIENTS.items():
        mine = [effect for effect in effects if effect.client == name]
        asked = sum(name_method(reply) in client.methods for reply in usable)
        verdict = _correct_verdict(sum_up_effects(mine, asked or len(mine)), client, replies, usable)
        distinct = {(one.effect, one.detail): one for one in reversed(mine)}.values()  # the first of each
        shown = list(distinct)[::-1][:_MOST_REASONS]
        because = tuple((effect, causes.get(effect.exchange, "")) for effect in shown)
        configure = _list_required_settings(client, replies, traits)
        verdicts.append(ClientVerdict(name, verdict, because, configure))
    return tuple(verdicts), [_add_effects(case, effects, causes) for case in cases]


def name_method(reply: Reply) -> str:
    """Return the method that a reply answers, as clients name it."""
    return "streamGenerateContent" if reply.streamed else "generateContent"


def is_usable_for_clients(reply: Reply) -> bool:
    """Return whether a reply is one that a client would have got in ordinary use.

    Clients use the unary method or streams with alt=sse; the answer must be a success.
    """
    wanted = reply.exchange.expected.get("status", 200) == 200 and asks_for_clients(reply)
    asked = reply.resource.name == "response" and reply.exchange.request.verb == "POST"
    came = reply.exchange.failure is None and reply.is_success and reply.exceeded_limit is None
    as_client = asked and reply.streamed is reply.alt_sse
    return wanted and as_client and came and not ends_as_at_google(reply)


def ends_as_at_google(reply: Reply) -> bool:
    """Return whether the answer was cut short for a reason that occurs at Google too, and makes some clients raise there.

    The reason may be a filter, a small limit in our own question, a temporary fault that a stream reports in Google's
    form or, in a recording, whoever read the answer.
    """
    spent = reply.first.finish_reason == "MAX_TOKENS" and not has_content(reply)
    google_error = reply.error is not None and reply.error.shape == "google"
    return spent or google_error or may_have_lost_end(reply) or is_withheld(reply)


def make_expected_view(reply: Reply) -> ExpectedView:
    """Return what a faithful reader finds in a reply, for comparison with a client's view."""
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
        hollow=_is_hollow(reply),
    )


def _is_hollow(reply: Reply) -> bool:
    """Return whether a success contains nothing that a client of this API could show, such as another API's answer or a page.

    An empty stream does not count: Google sends one now and then.
    """
    foreign = reply.kind in (ReplyKind.FOREIGN, ReplyKind.HTML, ReplyKind.UNREADABLE)
    empty = reply.kind is ReplyKind.EMPTY and not reply.streamed
    return reply.error is None and (foreign or empty) and reply.is_success


def _find_refusals(client: Client, replies: Sequence[Reply], cases: Sequence[Case]) -> Iterator[Effect]:
    """Yield the plain questions of that client's methods that were refused, if a finding of level must reports it."""
    musts = (case.deviation for case in cases if case.deviation and case.deviation.level is Level.MUST)
    shown = {location.exchange for deviation in musts for location in deviation.locations}
    for reply in replies:
        refused = reply.is_refusal and reply.standing is not Standing.KEY_REFUSED
        if reply.probe in _PLAIN and reply.id in shown and refused and name_method(reply) in client.methods:
            detail = f"raises on HTTP {reply.status}: {name_method(reply)} is refused"
            yield Effect(client.name, "raises", detail, reply.id)


def _find_worst_rules(cases: Sequence[Case]) -> dict[str, str]:
    """Return, for each exchange, the worst rule that it breaks."""
    found: dict[str, str] = {}
    deviations = [case.deviation for case in cases if case.deviation]
    for deviation in sorted(deviations, key=lambda one: one.level.rank, reverse=True):
        found |= {location.exchange: deviation.rule for location in deviation.locations}
    return found


def _add_effects(case: Case, effects: Sequence[Effect], causes: Mapping[str, str]) -> Case:
    """Return a case whose deviation has the effects that it explains, one of each kind per client."""
    if case.deviation is None:
        return case
    here = {location.exchange for location in case.deviation.locations}
    mine = [one for one in effects if one.exchange in here and causes.get(one.exchange) == case.rule]
    first_of_each = {(one.client, one.effect): one for one in reversed(mine)}.values()
    by_client = tuple(sorted(first_of_each, key=lambda effect: effect.client))
    return replace(case, deviation=replace(case.deviation, effects=by_client))


def _brings_anything(reply: Reply) -> bool:
    """Return whether an answer has content, and the vendor gave it to a request as clients send it.

    No client asks for an answer without compression.
    """
    sent = {name.lower(): value for name, value in reply.exchange.request.headers}
    usual = reply.exchange.captured or sent.get("accept-encoding") != "identity"
    return reply.ok and usual and any(candidate.parts for candidate in reply.candidates)


def _correct_verdict(
    verdict: str, client: Client, replies: Sequence[Reply], usable: Collection[Reply]
) -> str:
    """Return a client's verdict, no better than the answers that it rests on.

    If no answer has any content, a client that does wrong is broken, and any other is untested. A client is also
    untested if the plain question of one of its methods was asked and brought nothing.
    """
    if verdict in ("broken", "untested"):
        return verdict
    answered = {name_method(reply) for reply in usable if _brings_anything(reply)} & set(client.methods)
    if not answered:
        return "broken" if verdict == "degraded" else "untested"
    plain = [one for one in replies if one.probe in EVERY_CONTROL and not one.exchange.captured]
    asked = {name_method(reply) for reply in plain} & set(client.methods)
    return verdict if asked <= answered else "untested"


def _list_required_settings(
    client: Client, replies: Sequence[Reply], traits: Mapping[str, JSON]
) -> tuple[str, ...]:
    """Return the settings without which a client does not reach this vendor."""
    auth = traits.get("auth")
    accepted = tuple(map(str, auth)) if isinstance(auth, list) else None
    v1 = [reply for reply in replies if reply.probe == ProbeId.PLAIN_ON_V1]
    return find_required_settings(client, accepted, v1=not v1 or any(reply.ok for reply in v1))
