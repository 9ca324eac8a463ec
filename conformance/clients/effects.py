"""The effects of responses on a client: compares what it shows with what a faithful reader finds, and sums up many.

Effects, the worst first: silent-loss (something is missing and nothing says so) is worse than raises, because an
exception is noticed; then garbled (not as it was sent), then ignored (an error in the reply passes unnoticed).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from conformance.clients.captured_response import CapturedResponse, from_exchange
from conformance.clients.client_view import Client, ClientView
from conformance.clients.registry import read_as_client
from conformance.model import JSON, Effect, Exchange
from conformance.phrases import count_noun

HARM = ("silent-loss", "raises", "garbled", "ignored")
NOTHING = "nothing arrives"
# The verdicts on a client, the worst first, and the word that a reader sees for each.
VERDICTS: Mapping[str, str] = MappingProxyType(
    {"broken": "breaks", "degraded": "degraded", "works": "works", "untested": "untested"}
)


@dataclass(frozen=True)
class ExpectedView:
    """What a faithful and lenient reader finds in a response.

    `finish_reason` in Google's spelling; `thoughts` is the text of thought parts; `error`: the answer, whatever its
    status, reports an error, so that a client is right to raise. None means that the response does not say.
    """

    text: str = ""
    finish_reason: str | None = None
    total_tokens: int | None = None
    calls: int = 0
    thoughts: str = ""
    error: bool = False
    blocked: bool = False  # blocked by a filter: clients that raise for that are right
    hollow: bool = False  # a success without anything of this API; a client that shows nothing hides that


def find_effects(
    client: Client, captured: CapturedResponse | Exchange, truth: ExpectedView
) -> tuple[Effect, ...]:
    """Return what goes wrong for that client, the worst first; nothing if it is not affected, or does right."""
    response = from_exchange(captured) if isinstance(captured, Exchange) else captured
    if response.method not in client.methods or response.cut_by_us or not response.ok:
        return ()
    seen = read_as_client(client, response)
    found = [
        Effect(client.name, kind, detail, response.variant)
        for kind, detail in _compare_view(client, seen, truth)
    ]
    return tuple(sorted(found, key=lambda effect: HARM.index(effect.effect)))


def _compare_view(client: Client, seen: ClientView, truth: ExpectedView) -> Iterator[tuple[str, str]]:
    stop = seen.raises or seen.refused or "; ".join(seen.errors)
    right = truth.error or (truth.blocked and bool(seen.refused))
    if stop:
        if not right:
            yield "raises", _describe_exception(stop, seen.chunks_before)
        return
    if truth.error:
        yield "ignored", "the error in the reply passes for an answer"
    yield from _compare_content(client, seen, truth)


def _describe_exception(stop: str, chunks: int | None) -> str:
    after = "" if chunks is None else f" after {count_noun(chunks, 'chunk')}"
    return f"raises {stop.partition(':')[0]}{after}"


def _compare_content(client: Client, seen: ClientView, truth: ExpectedView) -> Iterator[tuple[str, str]]:
    if (truth.text or truth.calls or truth.hollow) and not seen.text and not seen.calls:
        yield "silent-loss", f"{NOTHING}: text and calls are empty, without an exception"
    else:
        yield from _compare_text(seen.text, truth)
        yield from _compare_calls(seen.calls, truth.calls)
    yield from _compare_finish_reason(client, seen, truth)
    yield from _compare_total(client, seen.total_tokens, truth.total_tokens)


def _compare_text(text: str, truth: ExpectedView) -> Iterator[tuple[str, str]]:
    if text == truth.text:
        return
    if truth.thoughts and len(text) > len(truth.text) and truth.text in text:
        yield "garbled", "thoughts appear in the text"
    elif not text:
        yield "silent-loss", "text empty"
    elif len(text) < len(truth.text):
        yield "silent-loss", f"text cut short: {len(text)} of {len(truth.text)} characters"
    else:
        yield "garbled", "text differs from what was sent"


def _compare_calls(calls: int, sent: int) -> Iterator[tuple[str, str]]:
    if calls < sent:
        yield "silent-loss", f"{sent - calls} of {sent} function calls lost"
    elif calls > sent:
        yield "garbled", f"{calls} function calls instead of {sent}"


def _compare_finish_reason(
    client: Client, seen: ClientView, truth: ExpectedView
) -> Iterator[tuple[str, str]]:
    if truth.finish_reason is None:
        return
    reason = seen.finish_reason
    shown = reason.removeprefix("FinishReason.") if isinstance(reason, str) else reason
    if client.finish_words:
        wanted = client.finish_words(truth.finish_reason.upper(), truth.calls)
        if shown != wanted:
            yield "silent-loss", f"finish reason lost: {shown} instead of {wanted}"
    elif shown in {None, "None", "NOCAND"}:
        yield "silent-loss", "finish reason lost"
    elif shown != truth.finish_reason:
        yield "garbled", f"finish reason reads {_shorten_value(shown)} instead of {truth.finish_reason}"


def _compare_total(client: Client, total: JSON, sent: int | None) -> Iterator[tuple[str, str]]:
    if sent is None:
        return
    if total is None:
        yield "silent-loss", "usage lost"
    elif client.shows_total and (isinstance(total, str) or total != sent):
        yield "garbled", f"total tokens read {_shorten_value(total)} instead of {sent}"


def _shorten_value(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def sum_up_effects(found: Iterable[Effect], asked: int) -> str:
    """Sum up a client's effects over `asked` ordinary exchanges: works, degraded, broken or untested.

    Broken: it raises, or nothing at all arrives, on any of them. Degraded: something is lost, garbled or ignored.
    """
    if asked == 0:
        return "untested"
    effects_ = tuple(found)
    if any(effect.effect == "raises" or effect.detail.startswith(NOTHING) for effect in effects_):
        return "broken"
    return "degraded" if effects_ else "works"
