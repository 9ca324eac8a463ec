"""What many checks share: three failures in three tries, and where in an answer a member stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.catalogue import NotJudged
from conformance.judging.expectations import CUT, MET, UNMET, check_obedience
from conformance.model import Level, Location, Outcome
from conformance.reading.reply import Reply, RuleInput

ATTEMPTS_TO_ACCUSE = 3


def is_answered(reply: Reply) -> bool:
    """Return whether the resource that was asked for is there, with a status of success."""
    return reply.ok


def is_model_answer(reply: Reply) -> bool:
    """Return whether the reply is an answer of generateContent or streamGenerateContent."""
    return reply.ok and reply.resource.name == "response"


def is_answered_stream(reply: Reply) -> bool:
    """Return whether the streaming method answered in success, with or without alt=sse."""
    return is_model_answer(reply) and reply.streamed


def was_obeyed(seen: RuleInput, probe: str) -> bool:
    """Return whether any try of that probe did as it was told."""
    return any(check_obedience(reply).verdict == MET for reply in seen.of(probe))


def excuse_wavering_model(
    seen: RuleInput, twin: str, found: Iterable[Location | NotJudged]
) -> Iterator[Location | NotJudged]:
    """Yield what was found of a question, but accuse nobody where its twin, asked plainly, was obeyed now and then only.

    Three failures show a difference between the two only where the twin has none.
    """
    moody = any(check_obedience(reply).verdict == UNMET for reply in seen.of(twin) if reply.ok)
    for one in found:
        if isinstance(one, Location) and moody:
            yield NotJudged(
                Outcome.INCONCLUSIVE,
                f"{twin}, asked plainly, is obeyed now and then only: {one.observed}"[:200],
            )
        else:
            yield one


def judge_obedience(
    seen: RuleInput, probe: str, expected: str, level: Level | None = None
) -> Iterator[Location | NotJudged]:
    """Yield a location where every one of three tries failed to obey; NotJudged where fewer could be judged.

    `expected` says in words what a good vendor's answer shows.
    """
    tries = [(reply, check_obedience(reply)) for reply in seen.of(probe) if reply.ok]
    if any(verdict.verdict == MET for _, verdict in tries) or not tries:
        return
    failures = [(reply, verdict) for reply, verdict in tries if verdict.verdict == UNMET]
    if len(failures) >= ATTEMPTS_TO_ACCUSE:
        reply, verdict = failures[-1]
        yield Location(
            reply.id, "", expected, f"{verdict.detail} ({len(failures)} of {len(tries)} tries)", level
        )
    elif any(verdict.verdict == CUT for _, verdict in tries):
        yield NotJudged(Outcome.INCONCLUSIVE, f"{probe}: the answers were cut short before they could obey")
    else:
        yield NotJudged(
            Outcome.INCONCLUSIVE,
            f"{probe}: {len(failures)} of {ATTEMPTS_TO_ACCUSE} tries could be judged, all failed",
        )
