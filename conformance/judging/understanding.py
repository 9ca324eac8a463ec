"""Whether the model understands questions that cannot be answered by repeating or counting: the second control."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from conformance.catalogue import NotJudged
from conformance.judging.expectations import MET, UNMET, obedience
from conformance.model import Location, Outcome
from conformance.reading.reply import Reply, RuleInput

UNDERSTOOD = "understood"
"""The expectation of a question that takes understanding: True where obeying shows it, else the word that the answer,
or the arguments of its call, must hold for it."""


def _shows(reply: Reply) -> bool:
    wanted = reply.exchange.expected.get(UNDERSTOOD)
    if isinstance(wanted, str):
        said = [reply.text, *(str(call.get("args")) for call in reply.first.calls)]
        return any(re.search(rf"\b{wanted}\b", one) for one in said)
    return bool(wanted) and obedience(reply).verdict == MET


def if_understood(
    seen: RuleInput,
    probe: str,
    found: Iterable[Location | NotJudged],
    tells: Callable[[Reply], bool] | None = None,
) -> Iterator[Location | NotJudged]:
    """Yield what was found of `probe`, or NotJudged where the answers come from no understanding at all.

    A script that repeats, counts and calls what it is told to behaves like a model that is handed half of the
    question; only who answers one such question can be blamed for another. `tells` says of a wrong answer whether it
    shows what reached the model: one of them must.
    """
    tries = seen.of(probe)
    missed = any(obedience(reply).verdict == UNMET for reply in tries)
    blank = missed and not any(map(_shows, seen.all))
    beside = tells is not None and not any(map(tells, tries))
    for one in found:
        if blank:
            yield NotJudged(
                Outcome.BLOCKED, "the model answers nothing that takes more than repeating and counting"
            )
        elif beside and isinstance(one, Location):
            yield NotJudged(Outcome.BLOCKED, f"{probe}: the answers speak of something else")
        else:
            yield one


def speaks_of(words: str) -> Callable[[Reply], bool]:
    """Return a test whether an answer, or a call of it, speaks of what the question is about."""
    about = re.compile(words, re.IGNORECASE)
    return lambda reply: any(about.search(str(said)) for said in (reply.text, *reply.first.calls))
