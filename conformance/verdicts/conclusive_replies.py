"""Selects the replies that show something about the vendor.

Replies that a retry superseded, that were sent with a key that had stopped working, or that contain another question's
error show nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.judging.controls import AT_THE_END
from conformance.judging.error_origins import find_unrelated_refusals
from conformance.reading.reply import Reply
from conformance.reading.standing import Standing
from conformance.replies import CONTROL, Unasked


def drop_superseded(replies: Sequence[Reply]) -> tuple[Reply, ...]:
    """Return the replies without those that a retry superseded: a 429 that was answered later is no finding."""
    retried = {(reply.probe, reply.exchange.attempt - 1) for reply in replies if reply.exchange.retry}
    return tuple(reply for reply in replies if (reply.probe, reply.exchange.attempt) not in retried)


def drop_after_key_stopped(replies: Sequence[Reply]) -> tuple[tuple[Reply, ...], tuple[Unasked, ...]]:
    """Return the replies without those to a key that had stopped working, and the questions that this leaves open.

    If the plain question was answered at first and is refused at the end, a refusal with that status in between shows nothing
    about its question.
    """
    status = _find_lock_status(replies)
    locked = {reply.id for reply in replies if status and reply.status == status}
    why = f"the key stopped working during the run (HTTP {status})"
    return _drop(replies, dict.fromkeys(locked, why), "cut-off")


def _find_lock_status(replies: Sequence[Reply]) -> int:
    """Return the status with which the key stopped working during the run (used up or locked); 0 if it did not."""
    last = next((reply for reply in reversed(replies) if reply.probe == AT_THE_END), None)
    worked = any(reply.ok for reply in replies if reply.probe == CONTROL)
    return last.status if last is not None and worked and last.standing is Standing.KEY_REFUSED else 0


def drop_unrelated(replies: Sequence[Reply]) -> tuple[tuple[Reply, ...], tuple[Unasked, ...]]:
    """Return the replies without refusals that have nothing to do with their questions, and the questions left open."""
    return _drop(replies, find_unrelated_refusals(replies), "unrelated")


def _drop(
    replies: Sequence[Reply], reasons: Mapping[str, str], cause: str
) -> tuple[tuple[Reply, ...], tuple[Unasked, ...]]:
    """Drop the replies that have a reason, by id; a question without another reply counts as not asked."""
    kept = tuple(reply for reply in replies if reply.id not in reasons)
    answered = {reply.probe for reply in kept}
    lost = {reply.probe: reasons[reply.id] for reply in replies if reply.id in reasons}
    unasked = (Unasked(probe, cause, why) for probe, why in lost.items() if probe not in answered)
    return kept, tuple(unasked)
