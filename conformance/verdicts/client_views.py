"""What each client makes of each recorded answer, as results.json tells it of a recording."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.clients import ALL_CLIENTS, from_exchange, read_as_client
from conformance.clients.client_view import Client, ClientView
from conformance.clients.effects import find_effects
from conformance.model import JSON
from conformance.reading.reply import Reply
from conformance.verdicts.client_verdicts import expected_view, is_usable_for_clients
from conformance.verdicts.verdict import Verdict

MOST = 500  # answers of one provider that are described
_LONGEST = 160


def describe_client_views(verdict: Verdict, places: Mapping[str, str]) -> list[JSON]:
    """Return an entry per exchange: its id, place, request and status, and what each client makes of the answer."""
    replies = sorted(verdict.replies, key=lambda reply: _number(reply.probe))
    return [_describe(reply, places.get(reply.id, "")) for reply in replies[:MOST]]


def _number(probe: str) -> tuple[int, str]:
    digits = probe.rpartition("-")[2]
    return (int(digits) if digits.isdecimal() else 0), probe


def _describe(reply: Reply, place: str) -> dict[str, JSON]:
    request, failure = reply.exchange.request, reply.exchange.failure
    return {
        "exchange": reply.id,
        "place": place,
        "request": f"{request.verb} {request.path}",
        "status": reply.exchange.status,
        "lacking": failure.detail if failure else "",
        "clients": [] if failure or reply.resource.name != "response" else [*_clients(reply)],
    }


def _clients(reply: Reply) -> list[JSON]:
    captured = from_exchange(reply.exchange)
    several = [client for client in ALL_CLIENTS.values() if captured.method in client.methods]
    return [_one(client, reply) for client in several]


def _one(client: Client, reply: Reply) -> dict[str, JSON]:
    captured = from_exchange(reply.exchange)
    harm = find_effects(client, captured, expected_view(reply)) if is_usable_for_clients(reply) else ()
    out: dict[str, JSON] = {"client": client.name, "sees": _in_words(read_as_client(client, captured))}
    return out | ({"effect": harm[0].effect, "detail": harm[0].detail} if harm else {})


def _in_words(seen: ClientView) -> str:
    stopped = seen.raises or seen.refused or "; ".join(seen.errors)
    if stopped:
        after = f" after {_several(seen.chunks_before, 'chunk')}" if seen.chunks_before else ""
        return f"raises {stopped[:_LONGEST]}{after}"
    parts = [_several(len(seen.text), "character")]
    parts += [_several(seen.calls, "function call")] if seen.calls else []
    reason = str(seen.finish_reason).removeprefix("FinishReason.")[:40]
    parts += [reason if reason != "None" else "no finish reason"]  # one client spells it as the word
    parts += [f"{seen.total_tokens} tokens" if seen.total_tokens is not None else "no token count"]
    return ", ".join(parts)


def _several(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
