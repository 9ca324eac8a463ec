"""Attempts at a question, and whether another one is needed before its reply counts.

Deciding what to ask again needs some judgement: whether the model obeyed, whether a stream was held back, which question an
error belongs to. So asking uses `judging`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conformance.catalogue import Probe
from conformance.judging.arrivals import TIMELY, is_held_back
from conformance.judging.error_origins import read_message
from conformance.judging.expectations import Fulfilment, asks_for_obedience, check_obedience
from conformance.judging.habits import is_empty_success
from conformance.judging.proof import blames_the_key
from conformance.judging.refusals import says_unsupported
from conformance.judging.rows import find_gap
from conformance.model import Question
from conformance.reading.reply import Reply
from conformance.reading.standing import Standing


@dataclass(frozen=True)
class Attempt:
    """One attempt at a question: its probe, its number (from 1), and what is recorded with it.

    `first` is the id of the exchange whose reply the question was built from; `retry` says that the attempt before
    was throttled.
    """

    probe: str
    number: int
    question: Question
    first: str | None = None
    generated: bool = False
    retry: bool = False


def needs_another_attempt(probe: Probe, reply: Reply, *, obeys: bool) -> bool:
    """Return whether the question must be asked again before this reply counts.

    It must after a 5xx where a refusal was expected, a stream that seems held back, and, if the model follows simple
    instructions (`obeys`), after an answer that did not follow its instruction, a refusal that may have another cause, and
    what Google itself sends once among thousands. A probe with a single attempt is never asked again.
    """
    if probe.attempts == 1:
        return False
    expected = reply.exchange.expected
    if reply.expects_refusal:
        return reply.status >= 500 or (obeys and _is_of_another_fault(reply))
    if reply.ok and expected.get(TIMELY) and is_held_back(reply):
        return True
    if obeys and (is_empty_success(reply) or _may_be_of_the_moment(reply) or _is_torn(reply)):
        return True
    if not obeys or not reply.ok or not asks_for_obedience(expected):
        return False
    return check_obedience(reply).verdict in (Fulfilment.UNMET, Fulfilment.CUT)


# Vendors with many keys have some that are used up, or that are not allowed in the place where they are used.
_PLACE = re.compile(r"\b(locations?|countr(y|ies)|regions?)\b", re.IGNORECASE)


def _blames_the_caller(reply: Reply) -> bool:
    """Return whether an error is about the key, or about the place where it is used."""
    said = read_message(reply)
    return blames_the_key(reply) or _PLACE.search(said) is not None


def _may_be_of_the_moment(reply: Reply) -> bool:
    """Return whether a right question is refused, unless the error says that a feature is missing."""
    return reply.standing is Standing.REQUEST_REFUSED and (
        not says_unsupported(reply) or _blames_the_caller(reply)
    )


def _is_of_another_fault(reply: Reply) -> bool:
    """Return whether a wrong question is refused as if its caller were wrong, or as if its body were wrong and not its path."""
    return reply.standing is Standing.REQUEST_REFUSED and (
        404 in reply.exchange.expected_statuses or _blames_the_caller(reply)
    )


def _is_torn(reply: Reply) -> bool:
    """Return whether a stream of numbers lacks some or repeats some, even if the right text is contained in what came."""
    return reply.ok and reply.streamed and bool(find_gap(reply))
