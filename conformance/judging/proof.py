"""The evidence that a pass needs: an answer that could be read, or a refusal that is about its own question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from conformance.catalogue import NotJudged, Proof, Rule
from conformance.judging.controls import (
    CONTROLS,
    accepts_everything,
    answers_the_plain_question,
    is_readable,
)
from conformance.judging.error_origins import (
    find_accepted_keys,
    find_repeated_errors,
    names_its_fault,
    read_message,
    read_refusal,
)
from conformance.judging.refusals import describe_reply
from conformance.model import Outcome
from conformance.reading.reply import Reply, ReplyKind
from conformance.reading.standing import Standing, standing_of_failure

NO_REFUSAL = "that is not a refusal"
NO_CODE = "no answer holds the code that its question asks for"
NO_CONTROL = "the plain question is not answered either, so a refusal shows nothing"


@dataclass(frozen=True)
class Background:
    """What must be known about a vendor before a refusal shows anything."""

    answered: bool  # the plain question was answered
    accepts_everything: bool
    keys: frozenset[str]  # the accepted ways to carry a key
    refusals: Mapping[bool, frozenset[tuple[int, str]]]  # of the plain question, by whether it streams
    repeated: Mapping[str, str]  # ids of refusals that repeat the error of another question, and its probe
    controls: tuple[Reply, ...]

    @classmethod
    def of(cls, replies: Sequence[Reply]) -> Self:
        """Return what all replies of a provider show."""
        return cls(
            answers_the_plain_question(replies),
            accepts_everything(replies),
            find_accepted_keys(replies),
            {streamed: _list_refusals(replies, probes) for streamed, probes in CONTROLS.items()},
            find_repeated_errors(replies),
            tuple(reply for reply in replies if reply.probe in CONTROLS[False]),
        )


def _list_refusals(replies: Sequence[Reply], probes: Sequence[str]) -> frozenset[tuple[int, str]]:
    return frozenset(read_refusal(reply) for reply in replies if reply.probe in probes and reply.is_refusal)


def is_refused_like_control(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the plain question was refused with the same status and the same words."""
    return read_refusal(reply) in _list_refusals(replies, CONTROLS[reply.streamed])


_KEY_WORDS = re.compile(
    r"\b(api[ _-]?keys?|credentials?|unregistered callers|unauthenticated|unauthori[sz]ed)\b", re.IGNORECASE
)


def blames_the_key(reply: Reply) -> bool:
    """Return whether the message of an error is about a key or the like."""
    return _KEY_WORDS.search(read_message(reply)) is not None


def _may_be_of_its_fault(reply: Reply, background: Background) -> bool:
    """Return whether the status and the words of a refusal can be about what is wrong with its question."""
    if reply.exchange.request.key not in background.keys:
        return True  # it is the key that is wrong
    wanted = reply.exchange.expected_statuses
    if reply.status in wanted:
        fits = True
    elif reply.standing is Standing.NO_ROUTE:
        fits = any(standing_of_failure(status) is Standing.NO_ROUTE for status in wanted)
    else:
        fits = reply.standing is not Standing.KEY_REFUSED
    return fits and (names_its_fault(reply, background.controls) or not blames_the_key(reply))


def find_doubt(reply: Reply, background: Background) -> NotJudged | None:
    """Return why a reply does not show that its question is refused; None if it does."""
    said = f"{reply.probe}: {describe_reply(reply)}"
    in_success = reply.kind is ReplyKind.ERROR and reply.status < 300 and reply.is_complete
    if not (reply.is_refusal or in_success):
        return NotJudged(Outcome.BLOCKED, f"{said}: {NO_REFUSAL}")
    if not background.answered:
        return NotJudged(Outcome.BLOCKED, NO_CONTROL)
    if reply.id in background.repeated:
        reason = f"that repeats the error of {background.repeated[reply.id]}"
    elif read_refusal(reply) in background.refusals[reply.streamed]:
        reason = "the plain question is refused in the same way"
    elif not _may_be_of_its_fault(reply, background):
        reason = "that error is about something else"
    else:
        return None
    return NotJudged(Outcome.INCONCLUSIVE, f"{said}: {reason}")


def find_doubts(replies: Sequence[Reply], background: Background) -> list[NotJudged]:
    """Return a doubt for each question that no reply shows to be refused."""
    doubts: dict[str, list[NotJudged | None]] = {}
    for reply in replies:
        doubts.setdefault(reply.probe, []).append(find_doubt(reply, background))
    return [found[-1] for found in doubts.values() if None not in found and found[-1] is not None]


_OF_REFUSALS = (Proof.REFUSAL, Proof.EACH_REFUSAL, Proof.EITHER)


def find_missing_proof(rule: Rule, replies: Sequence[Reply], background: Background) -> NotJudged | None:
    """Return why those replies are not enough for a rule to pass; None if they are enough."""
    read = any(map(is_readable, replies))
    if rule.proof in (Proof.ANSWER, Proof.ACCEPTANCE) and not read:
        return NotJudged(Outcome.BLOCKED, "none of the replies that the rule looked at is a readable answer")
    if rule.proof is Proof.ACCEPTANCE and background.accepts_everything:
        reason = "faulty requests are accepted too, so accepting this one shows nothing"
        return NotJudged(Outcome.BLOCKED, reason)
    if rule.proof not in _OF_REFUSALS or (rule.proof is Proof.EITHER and read):
        return None
    doubts = find_doubts(replies, background)
    every = len(doubts) == len({reply.probe for reply in replies})
    return doubts[0] if doubts and (rule.proof is Proof.EACH_REFUSAL or every) else None
