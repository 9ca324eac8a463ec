"""`conformance clients FILE`: reads captured responses, yields one JSON object per response and client."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from conformance.clients.captured_response import BadCaptureError, CapturedResponse, read_captured
from conformance.clients.client_view import Client, ClientView
from conformance.clients.registry import CLIENTS, read_as_client
from conformance.model import JSON


def describe_views(lines: Iterable[str], name: str = "input") -> Iterator[dict[str, JSON]]:
    """Yield, in order, what each client makes of each response; blank lines are skipped.

    Raises BadCaptureError with file and line for a line that does not describe a response.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            captured = read_captured(line)
        except BadCaptureError as fault:
            raise BadCaptureError(f"{name}:{number}: {fault}") from None
        for client in CLIENTS.values():
            yield describe_view(captured, client)


def describe_view(captured: CapturedResponse, client: Client) -> dict[str, JSON]:
    """Return one line in the form of outcomes.jsonl.

    After an exception only the chunks before it are counted; where asking for the text raises, it reads `EXC` and why.
    What the measurement did not read of a client (`Client.unmeasured`) is absent here too.
    """
    seen = read_as_client(client, captured)
    raised = seen.raises is not None
    line: dict[str, JSON] = {
        "variant": captured.variant,
        "method": captured.method,
        "client": client.name,
        "raises": raised,
    }
    line |= _describe_chunks(seen)
    unmeasured = client.unmeasured.get(captured.method, ())
    total = None if "total_tokens" in unmeasured or raised else seen.total_tokens
    return line | {
        "text": "" if raised else f"EXC {seen.refused.partition(': ')[2]}" if seen.refused else seen.text,
        "finish_reason": None if raised else _drop_infinity(seen.finish_reason),
        "total_tokens": _drop_infinity(total),
        "calls": 0 if raised or "calls" in unmeasured else seen.calls,
    }


def _drop_infinity(value: JSON) -> JSON:
    """JSON has no Infinity; JSON.stringify prints null for it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _describe_chunks(seen: ClientView) -> dict[str, JSON]:
    if seen.chunks_before is not None:
        return {"chunks_before": seen.chunks_before}
    return {} if seen.chunks is None else {"chunks": seen.chunks}
