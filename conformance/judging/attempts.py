"""Judges three attempts at a question before it accuses: one failure may be a mood of the model, three are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from conformance.catalogue import NotJudged
from conformance.judging.endings import ends_at_limit, has_content, is_withheld
from conformance.judging.expectations import Fulfilment, check_obedience, disobeys, obeys
from conformance.judging.values import has_readable_values
from conformance.model import ATTEMPTS_TO_ACCUSE, Level, Location, Outcome
from conformance.reading.reply import Reply, RuleInput

# Returns what a reply did instead of what was asked: "" if it did as asked, None if it cannot be told.
DescribeFailure = Callable[[Reply], str | None]


def was_obeyed(seen: RuleInput, probe: str) -> bool:
    """Return whether any reply to that probe did what the question asks."""
    return any(map(obeys, seen.of(probe)))


def describe_disobedience(reply: Reply) -> str | None:
    """Return what the reply did instead of what its question asks; "" if it obeyed, None if it was cut short."""
    found = check_obedience(reply)
    if found.verdict is Fulfilment.UNMET:
        return found.detail
    return None if found.verdict is Fulfilment.CUT else ""


def describe_missing_text(reply: Reply) -> str | None:
    """Return the text that came instead of the expected text; "" if the expected text came, None if the answer is cut or empty.

    Empty answers are reported by `schema/stop-comes-with-content`.
    """
    if str(reply.exchange.expected.get("text", "")) in reply.text:
        return ""
    if ends_at_limit(reply) or not has_content(reply):
        return None
    return f"the text is {reply.text[:120]!r}"


def judge_attempts(
    seen: RuleInput, probe: str, expected: str, describe_failure: DescribeFailure, level: Level | None = None
) -> Iterator[Location | NotJudged]:
    """Yield a location if three attempts failed, NotJudged if too few could be judged, nothing if one did as asked.

    Attempts whose candidates hold values of a wrong type are left to the rule on types. Those that a filter ended, or
    that hold no candidate, show nothing.
    """
    attempts = [reply for reply in seen.of(probe) if reply.ok]
    readable = [reply for reply in attempts if has_readable_values(reply, "candidates")]
    judged = [(reply, describe_failure(reply)) for reply in readable]
    if not attempts or any(said == "" for _, said in judged):
        return
    failures = [
        (reply, said) for reply, said in judged if said and reply.candidates and not is_withheld(reply)
    ]
    if not readable:
        yield NotJudged(Outcome.BLOCKED, f"{probe}: the answers hold values of a wrong type")
    elif len(failures) >= ATTEMPTS_TO_ACCUSE:
        reply, said = failures[-1]
        yield Location(reply.id, "", expected, f"{said} ({len(failures)} of {len(attempts)} attempts)", level)
    elif failures:
        yield _report_too_few(probe, len(failures))
    else:
        reason = f"none of {len(attempts)} attempts shows anything: each was cut short, filtered, empty or off the subject"
        yield NotJudged(Outcome.INCONCLUSIVE, f"{probe}: {reason}")


def accuse_after_attempts(
    seen: RuleInput, probe: str, expected: str, describe_failure: DescribeFailure, level: Level | None = None
) -> Iterator[Location]:
    """Yield only the location of `judge_attempts`: for rules that stay silent if too few attempts could be judged."""
    for found in judge_attempts(seen, probe, expected, describe_failure, level):
        if isinstance(found, Location):
            yield found


def judge_obedience(
    seen: RuleInput, probe: str, expected: str, level: Level | None = None
) -> Iterator[Location | NotJudged]:
    """Yield a location if three attempts disobeyed, NotJudged if too few could be judged, nothing if one obeyed.

    `expected` says in words what a good vendor's answer shows.
    """
    attempts = [(reply, check_obedience(reply)) for reply in seen.of(probe) if reply.ok]
    verdicts = [found.verdict for _, found in attempts]
    failures = [(reply, found) for reply, found in attempts if found.verdict is Fulfilment.UNMET]
    if not attempts or Fulfilment.MET in verdicts:
        return
    if len(failures) >= ATTEMPTS_TO_ACCUSE:
        reply, found = failures[-1]
        said = f"{found.detail} ({len(failures)} of {len(attempts)} attempts)"
        yield Location(reply.id, "", expected, said, level)
    elif Fulfilment.CUT in verdicts:
        yield NotJudged(Outcome.INCONCLUSIVE, f"{probe}: the answers were cut short before they could obey")
    else:
        yield _report_too_few(probe, len(failures))


def _report_too_few(probe: str, failures: int) -> NotJudged:
    said = f"{probe}: only {failures} of the {ATTEMPTS_TO_ACCUSE} attempts that a finding needs could be judged; all of them failed"
    return NotJudged(Outcome.INCONCLUSIVE, said)


def excuse_wavering_model(
    seen: RuleInput, twin: str, found: Iterable[Location | NotJudged]
) -> Iterator[Location | NotJudged]:
    """Yield the findings on a question, as inconclusive if the model sometimes disobeys its plain twin as well.

    Three failures show a difference between the two questions only if the twin has none.
    """
    wavers = any(disobeys(reply) for reply in seen.of(twin) if reply.ok)
    for one in found:
        if isinstance(one, Location) and wavers:
            said = f"{twin}, the plain form of the question, is obeyed only sometimes: {one.observed}"
            yield NotJudged(Outcome.INCONCLUSIVE, said[:200])
        else:
            yield one
