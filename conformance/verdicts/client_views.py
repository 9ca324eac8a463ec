"""What each client makes of each recorded answer: `answers` in the results.json of a recording."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.clients import ALL_CLIENTS, from_exchange, read_as_client
from conformance.clients.client_view import ClientView
from conformance.clients.effects import find_effects
from conformance.model import JSON
from conformance.phrases import count_noun
from conformance.reading.reply import Reply
from conformance.verdicts.client_verdicts import is_usable_for_clients, make_expected_view
from conformance.verdicts.verdict import Verdict

MOST = 500  # answers of one provider that are described
_LONGEST = 160


def describe_client_views(verdict: Verdict, places: Mapping[str, str]) -> list[JSON]:
    """Return an entry for each exchange: its id, place, request and status, and what each client makes of the answer."""
    replies = sorted(verdict.replies, key=lambda reply: _order_key(reply.probe))
    return [_describe_reply(reply, places.get(reply.id, "")) for reply in replies[:MOST]]


def _order_key(probe: str) -> tuple[int, str]:
    """Order the probes of a recording by the number that they end in."""
    digits = probe.rpartition("-")[2]
    return (int(digits) if digits.isdecimal() else 0), probe


def _describe_reply(reply: Reply, place: str) -> dict[str, JSON]:
    request, failure = reply.exchange.request, reply.exchange.failure
    return {
        "exchange": reply.id,
        "place": place,
        "request": f"{request.verb} {request.path}",
        "status": reply.exchange.status,
        "lacking": failure.detail if failure else "",
        "clients": [] if failure or reply.resource.name != "response" else [*_describe_views(reply)],
    }


def _describe_views(reply: Reply) -> Iterator[JSON]:
    captured, usable = from_exchange(reply.exchange), is_usable_for_clients(reply)
    for client in ALL_CLIENTS.values():
        if captured.method in client.methods:
            sees = describe_view(read_as_client(client, captured))
            entry: dict[str, JSON] = {"client": client.name, "sees": sees}
            effects = find_effects(client, captured, make_expected_view(reply)) if usable else ()
            yield entry | ({"effect": effects[0].effect, "detail": effects[0].detail} if effects else {})


def describe_view(seen: ClientView) -> str:
    """Return in words what the caller of a client sees."""
    stopped = seen.raises or seen.refused or "; ".join(seen.errors)
    if stopped:
        after = f" after {count_noun(seen.chunks_before, 'chunk')}" if seen.chunks_before else ""
        return f"raises {stopped[:_LONGEST]}{after}"
    parts = [count_noun(len(seen.text), "character")]
    parts += [count_noun(seen.calls, "function call")] if seen.calls else []
    reason = str(seen.finish_reason).removeprefix("FinishReason.")[:40]
    parts += [reason if reason != "None" else "no finish reason"]  # one client spells it as the word
    parts += [f"{seen.total_tokens} tokens" if seen.total_tokens is not None else "no token count"]
    return ", ".join(parts)
