"""Thinking: thoughts are marked, shown when asked for, and switched off when told to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.catalogue import NotJudged, check
from conformance.checks.semantics.settings import READ
from conformance.judging.attempts import judge_attempts
from conformance.judging.contents import is_model_answer, read_asked_model
from conformance.judging.expectations import Fulfilment, check_obedience
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput

_LEAK = re.compile(r"^\s*(<think(ing)?>|<thought>|\[?THOUGHTS?\]?:|\[THINKING\])|</think(ing)?>")


@check(Level.SHOULD, basis=Basis.RECORDED, usable=is_model_answer)
def marks_thoughts(seen: RuleInput) -> Iterator[Location]:
    """Thoughts are marked as thoughts, not mixed into the text.

    Why: a part with thought: true is not part of the answer. Google's models let a thought slip now and then, so a
    vendor is accused only if three or more answers show it.
    Breaks: programs show the model's thoughts to users, or read them aloud, as if they were the answer.
    Workaround: cut out the text between think tags.
    Source: [Part.thought] A part that is a thought has thought: true.
    """
    leaking = [reply for reply in seen.replies if _LEAK.search(reply.text)]
    # In recorded traffic the question itself may have asked for such tags.
    own = [reply for reply in leaking if not reply.exchange.captured]
    level = None if len(own) >= ATTEMPTS_TO_ACCUSE else Level.NOTE
    for reply in (own or leaking)[:ATTEMPTS_TO_ACCUSE]:
        wanted = "thoughts in parts of their own"
        yield Location(reply.id, "/candidates/0/content/parts", wanted, repr(reply.text[:80]), level)


def _describe_hidden_thoughts(reply: Reply) -> str | None:
    """Describe thoughts that were counted but not shown; None if nothing shows that the model thought at all."""
    if reply.first.thoughts:
        return ""
    tokens = reply.count("thoughtsTokenCount")
    cut = check_obedience(reply).verdict is Fulfilment.CUT
    return f"{tokens} tokens of thoughts, and no part with thought: true" if tokens and not cut else None


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.THINKING,),
    usable=is_model_answer,
    blocked_by=(*READ, "semantics/marks-thoughts"),
    needs_obedience=True,
    feature="thinking",
)
def shows_thoughts_when_asked(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """With includeThoughts, the thoughts come with the answer.

    Why: thinkingConfig is a setting like any other; a model that does not think should refuse it. Some of Google's own
    models show their thoughts only in streams.
    Breaks: programs that show the thinking show nothing; the thoughts are billed all the same.
    Workaround: none.
    Source: [ThinkingConfig.includeThoughts] Thoughts are returned if the model produces any.
    """
    streamed = any(reply.first.thoughts for reply in seen.of(ProbeId.THINKING_STREAMED))
    level = Level.NOTE if streamed else None
    wanted = "parts with thought: true"
    for found in judge_attempts(seen, ProbeId.THINKING, wanted, _describe_hidden_thoughts, level):
        # A model that does not think has no thoughts to show.
        quiet = isinstance(found, NotJudged) and found.outcome is Outcome.INCONCLUSIVE
        reason = "no thoughts were shown, and none were counted"
        yield NotJudged(Outcome.UNSUPPORTED, reason) if quiet else found


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.NO_THINKING,),
    usable=is_model_answer,
    blocked_by=READ,
    needs_obedience=True,
    feature="thinking",
)
def thinks_no_more_than_allowed(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A thinking budget of 0 switches thinking off.

    Why: the budget limits the thinking and its cost; models that cannot switch thinking off refuse the request.
    Breaks: answers cost many times what they should, and take many times as long.
    Workaround: choose a model that does not think.
    Source: [ThinkingConfig.thinkingBudget] A budget of 0 switches thinking off, in models that can do without it.
    """

    def describe_thoughts(reply: Reply) -> str | None:
        tokens = reply.count("thoughtsTokenCount")
        return f"{tokens} tokens of thoughts" if tokens or reply.first.thoughts else ""

    can_switch_off = any(re.search(r"gemini-2\.5-flash", read_asked_model(reply)) for reply in seen.replies)
    level = None if can_switch_off else Level.NOTE
    yield from judge_attempts(seen, ProbeId.NO_THINKING, "no thoughts", describe_thoughts, level)
