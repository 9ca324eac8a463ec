"""Which replies tell of the vendor: none that a retry superseded, that a spent key met, or that is another question's error."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.judging.controls import AT_THE_END
from conformance.judging.error_origins import find_unrelated_refusals
from conformance.reading.reply import Reply
from conformance.replies import CONTROL, Unasked


def drop_superseded(replies: Sequence[Reply]) -> tuple[Reply, ...]:
    """Return the replies without those that a retry superseded: a 429 that was answered later accuses nobody."""
    retried = {(reply.probe, reply.exchange.attempt - 1) for reply in replies if reply.exchange.retry}
    return tuple(reply for reply in replies if (reply.probe, reply.exchange.attempt) not in retried)


def _shut_out(replies: Sequence[Reply]) -> int:
    """Return the status with which the key stopped working during the run, spent or locked; 0 where it did not."""
    last = next((reply for reply in reversed(replies) if reply.probe == AT_THE_END), None)
    shut = (
        last is not None
        and last.status in (401, 402, 403)
        and any(r.ok for r in replies if r.probe == CONTROL)
    )
    return last.status if last is not None and shut else 0


def drop_after_key_stopped(replies: Sequence[Reply]) -> tuple[tuple[Reply, ...], tuple[Unasked, ...]]:
    """Return the replies that tell of the vendor, and as not asked what was met by a key that had stopped being good.

    The plain question passed at first and is refused at the end: what was refused with that status in between says
    nothing of the question.
    """
    status = _shut_out(replies)
    kept = tuple(reply for reply in replies if not status or reply.status != status)
    lost = dict.fromkeys(reply.probe for reply in replies if reply not in kept)
    why = f"the key stopped working during the run (HTTP {status})"
    answered = {reply.probe for reply in kept}
    return kept, tuple(Unasked(probe, "cut-off", why) for probe in lost if probe not in answered)


def drop_unrelated(replies: Sequence[Reply]) -> tuple[tuple[Reply, ...], tuple[Unasked, ...]]:
    """Return the replies without refusals that have nothing to do with their questions, and what is left unanswered so."""
    why = find_unrelated_refusals(replies)
    kept = tuple(reply for reply in replies if reply.id not in why)
    answered = {reply.probe for reply in kept}
    lost = {reply.probe: why[reply.id] for reply in replies if reply.id in why}
    return kept, tuple(
        Unasked(probe, "unrelated", said) for probe, said in lost.items() if probe not in answered
    )
