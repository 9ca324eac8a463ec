"""The second control: whether the model understands questions that repeating or counting cannot answer.

A scripted server that repeats, counts and calls what it is told to looks like a model that lost half of the prompt.
Only a server that answered at least one question of understanding can be blamed for another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from conformance.catalogue import NotJudged
from conformance.judging.expectations import UNDERSTOOD, disobeys, obeys
from conformance.model import Location, Outcome
from conformance.reading.reply import Reply, RuleInput


def _shows_understanding(reply: Reply) -> bool:
    wanted = reply.exchange.expected.get(UNDERSTOOD)
    if isinstance(wanted, str):
        said = [reply.text, *(str(call.get("args")) for call in reply.first.calls)]
        return any(re.search(rf"\b{wanted}\b", one) for one in said)
    return bool(wanted) and obeys(reply)


def require_understanding(
    seen: RuleInput,
    probe: str,
    found: Iterable[Location | NotJudged],
    is_on_topic: Callable[[Reply], bool] | None = None,
) -> Iterator[Location | NotJudged]:
    """Yield the findings on `probe`, but as blocked if the server shows no understanding.

    `is_on_topic` returns whether an answer is about the question: if none is, the findings are blocked too.
    """
    replies = seen.of(probe)
    missed = any(map(disobeys, replies))
    scripted = missed and not any(map(_shows_understanding, seen.all))
    off_topic = is_on_topic is not None and not any(map(is_on_topic, replies))
    for one in found:
        if scripted:
            yield NotJudged(
                Outcome.BLOCKED, "the model answers no question that takes more than repeating and counting"
            )
        elif off_topic and isinstance(one, Location):
            yield NotJudged(Outcome.BLOCKED, f"{probe}: the answers are about something else")
        else:
            yield one


def mentions(words: str) -> Callable[[Reply], bool]:
    """Return a test of whether an answer, or a call in it, matches one of the `words`, a regular expression.

    Such words can only protect a vendor: if they are missing, nothing is reported.
    """
    pattern = re.compile(words, re.IGNORECASE)
    return lambda reply: any(pattern.search(str(said)) for said in (reply.text, *reply.first.calls))
