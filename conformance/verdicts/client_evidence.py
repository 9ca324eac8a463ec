"""Whether a client's verdict rests on anything: which of its methods the vendor answered, and which it turned down."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from conformance.clients.client_view import Client
from conformance.judging.controls import CONTROLS
from conformance.model import Case, Effect, Level
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind
from conformance.replies import CONTROL

_PLAIN = (CONTROL, ProbeId.PLAIN_STREAMED)
_NO_FAULT_OF_THE_METHOD = (401, 402, 403)  # of the key and the bill


def method_of(reply: Reply) -> str:
    """Return the method that a reply answers, as clients name it."""
    return "streamGenerateContent" if reply.streamed else "generateContent"


def is_hollow(reply: Reply) -> bool:
    """Return whether a success holds nothing that a client of this API could show: another API's answer, a page.

    An empty stream is not meant: Google sends one now and then.
    """
    foreign = reply.kind in (ReplyKind.FOREIGN, ReplyKind.HTML, ReplyKind.UNREADABLE)
    empty = reply.kind is ReplyKind.EMPTY and not reply.streamed
    return reply.error is None and (foreign or empty) and reply.is_success


def brings_anything(reply: Reply) -> bool:
    """Return whether an answer has content, and the vendor gave it to a request as clients send it.

    No client asks for an answer without compression.
    """
    sent = {name.lower(): value for name, value in reply.exchange.request.headers}
    usual = reply.exchange.captured or sent.get("accept-encoding") != "identity"
    return reply.ok and usual and any(candidate.parts for candidate in reply.candidates)


def find_refusals(client: Client, replies: Sequence[Reply], cases: Sequence[Case]) -> Iterator[Effect]:
    """Yield the plain questions of that client's methods that the vendor turned down, as a finding says."""
    musts = (case.deviation for case in cases if case.deviation and case.deviation.level is Level.MUST)
    shown = {location.exchange for deviation in musts for location in deviation.locations}
    for reply in replies:
        refused = reply.is_refusal and reply.status not in _NO_FAULT_OF_THE_METHOD
        if reply.probe in _PLAIN and reply.id in shown and refused and method_of(reply) in client.methods:
            detail = f"raises on HTTP {reply.status}: {method_of(reply)} is refused"
            yield Effect(client.name, "raises", detail, reply.id)


def correct_verdict(
    verdict: str, client: Client, replies: Sequence[Reply], ordinary: Collection[Reply]
) -> str:
    """Return a client's verdict, no better than the answers that it rests on.

    Without any content in any answer a client is broken where it does wrong, else untested. It is untested, too, where
    the plain question of one of its methods was asked and brought nothing.
    """
    mine = [reply for reply in ordinary if method_of(reply) in client.methods]
    if verdict in ("broken", "untested"):
        return verdict
    if not any(map(brings_anything, mine)):
        return "broken" if verdict == "degraded" else "untested"
    return "untested" if _asked_in_vain(replies, mine) & set(client.methods) else verdict


def _asked_in_vain(replies: Sequence[Reply], ordinary: Sequence[Reply]) -> set[str]:
    answered = {method_of(reply) for reply in ordinary if brings_anything(reply)}
    plain = (*CONTROLS[False], *CONTROLS[True])
    asked = {method_of(reply) for reply in replies if reply.probe in plain and not reply.exchange.captured}
    return asked - answered
