"""What a pass may rest on: an answer that could be read, or a refusal that speaks of its own question."""

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
from conformance.judging.quotes import (
    find_accepted_keys,
    find_repeated_errors,
    names_its_fault,
    read_message,
    read_refusal,
)
from conformance.judging.refusals import describe_reply
from conformance.model import Outcome
from conformance.reading.reply import Reply, ReplyKind

NO_REFUSAL = "that is not a refusal"
NO_CODE = "no answer holds the code that its question asks for"
NO_CONTROL = "the plain question is not answered either, so a refusal shows nothing"


@dataclass(frozen=True)
class Background:
    """What must be known of a vendor before a refusal shows anything."""

    answered: bool  # the plain question is answered
    takes_everything: bool
    keys: frozenset[str]  # the ways of carrying a key that are accepted
    plain: Mapping[bool, frozenset[tuple[int, str]]]  # how the plain question is refused, streamed or not
    quotes: Mapping[str, str]  # refusals that repeat the error of another question
    controls: tuple[Reply, ...]

    @classmethod
    def of(cls, replies: Sequence[Reply]) -> Self:
        """Return what all replies of a provider tell."""
        return cls(
            answers_the_plain_question(replies),
            accepts_everything(replies),
            find_accepted_keys(replies),
            {streamed: _plainly_refused(replies, probes) for streamed, probes in CONTROLS.items()},
            find_repeated_errors(replies),
            tuple(reply for reply in replies if reply.probe in CONTROLS[False]),
        )


def _plainly_refused(replies: Sequence[Reply], probes: Sequence[str]) -> frozenset[tuple[int, str]]:
    return frozenset(read_refusal(reply) for reply in replies if reply.probe in probes and reply.is_refusal)


def is_met_by_the_plain_question(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the plain question was refused with the same status and the same words."""
    return read_refusal(reply) in _plainly_refused(replies, CONTROLS[reply.streamed])


_KEY_WORDS = re.compile(
    r"\b(api[ _-]?keys?|credentials?|unregistered callers|unauthenticated|unauthori[sz]ed)\b", re.IGNORECASE
)
_OF_KEYS = (401, 402, 403, 407)
_OF_ROUTES = (404, 405, 410)


def blames_the_key(reply: Reply) -> bool:
    """Return whether the message of an error speaks of a key or its like."""
    return _KEY_WORDS.search(read_message(reply)) is not None


def _fits(reply: Reply, background: Background) -> bool:
    """Return whether the status and the words of a refusal can be those of what is wrong with its question."""
    if reply.exchange.request.key not in background.keys:
        return True  # it is the key that is wrong
    wanted = reply.exchange.expected_statuses
    if reply.status in _OF_ROUTES and reply.status not in wanted:
        fits = any(status in _OF_ROUTES for status in wanted)
    else:
        fits = reply.status in wanted or reply.status not in _OF_KEYS
    return fits and not (blames_the_key(reply) and not names_its_fault(reply, background.controls))


def find_doubt(reply: Reply, background: Background) -> NotJudged | None:
    """Return why a reply does not show that its question is refused; None where it shows it."""
    refused = reply.is_refusal or (reply.is_complete and reply.status < 300 and reply.kind is ReplyKind.ERROR)
    said = f"{reply.probe}: {describe_reply(reply)}"
    if not refused:
        return NotJudged(Outcome.BLOCKED, f"{said}: {NO_REFUSAL}")
    if not background.answered:
        return NotJudged(Outcome.BLOCKED, NO_CONTROL)
    if reply.id in background.quotes:
        return NotJudged(Outcome.INCONCLUSIVE, f"{said}: that is the error of {background.quotes[reply.id]}")
    if read_refusal(reply) in background.plain[reply.streamed]:
        return NotJudged(Outcome.INCONCLUSIVE, f"{said}: the plain question is refused in the same way")
    return (
        None
        if _fits(reply, background)
        else NotJudged(Outcome.INCONCLUSIVE, f"{said}: that is another fault")
    )


def find_doubts(looked_at: Sequence[Reply], background: Background) -> list[NotJudged]:
    """Return, for each question of which no reply shows that it is refused, why; empty where each was refused."""
    each: dict[str, list[NotJudged | None]] = {}
    for reply in looked_at:
        each.setdefault(reply.probe, []).append(find_doubt(reply, background))
    return [found[-1] for found in each.values() if None not in found and found[-1] is not None]


_OF_REFUSALS = (Proof.REFUSAL, Proof.EACH_REFUSAL, Proof.EITHER)


def find_missing_proof(rule: Rule, looked_at: Sequence[Reply], background: Background) -> NotJudged | None:
    """Return what a pass of a rule that looked at those replies would lack to rest on; None where it lacks nothing."""
    read = any(map(is_readable, looked_at))
    if rule.proof in (Proof.ANSWER, Proof.ACCEPTANCE) and not read:
        return NotJudged(Outcome.BLOCKED, "none of the replies that it looked at is a readable answer")
    if rule.proof is Proof.ACCEPTANCE and background.takes_everything:
        return NotJudged(
            Outcome.BLOCKED, "faulty requests are accepted too, so accepting this one shows nothing"
        )
    if rule.proof not in _OF_REFUSALS or (rule.proof is Proof.EITHER and read):
        return None
    found = find_doubts(looked_at, background)
    some = len(found) < len({reply.probe for reply in looked_at})
    return found[0] if found and (rule.proof is Proof.EACH_REFUSAL or not some) else None
