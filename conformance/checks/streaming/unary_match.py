"""Streaming, held against the unary method: one question, asked both ways, ends and costs alike."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import Ground, NotJudged, check
from conformance.judging.counters import find_usage_blocks
from conformance.judging.expectations import MET, obedience
from conformance.judging.tries import generated_text
from conformance.model import Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput

_ENDS = ("STOP", "MAX_TOKENS")  # other reasons, and other spellings, are the matter of other rules
_SLACK = 8  # tokens by which two prompts of one form differ, with another nonce in each


def _asked(seen: RuleInput, probe: str) -> Reply | None:
    """Return a reply that did as it was told: only two right answers can be held against each other."""
    met = [reply for reply in seen.replies if reply.probe == probe and obedience(reply).verdict == MET]
    return met[0] if met else None


def _far(one: int, other: int) -> bool:
    return min(one, other) > 0 and max(one, other) > 1.5 * min(one, other) + _SLACK


def _priced(unary: Reply, stream: Reply) -> Iterator[Location]:
    """Where the prompt of a stream costs far more, or far less, than the same in a unary answer."""
    counts = unary.count("promptTokenCount"), stream.count("promptTokenCount")
    every = [block.count("promptTokenCount") for block in find_usage_blocks(stream)]
    # Google counts the prompt anew on the way, and may end below what it began with, at two fifths at the least.
    lower = counts[0] // 3 <= counts[1] < counts[0]
    recounted = lower and any(not _far(counts[0], one) for one in every if one)
    if _far(*counts) and not recounted:
        pointer = stream.at(stream.chunks[-1], "/usageMetadata/promptTokenCount")
        yield Location(stream.id, pointer, f"about {counts[0]}, as the unary method counts", str(counts[1]))


def _long(seen: RuleInput) -> tuple[Reply, Reply] | None:
    """Return one long task asked both ways: whatever was answered, its prompt is the same; and many pieces came."""
    unary = next((reply for reply in seen.replies if reply.probe == ProbeId.LIMIT_OF_FIVE), None)
    stream = next((reply for reply in seen.replies if reply.probe == ProbeId.LONG_ANSWER_STREAMED), None)
    return (unary, stream) if unary and stream and stream.chunks else None


def _near_its_limit(reply: Reply) -> bool:
    """Thinking may have left the answer just the room that it took: then MAX_TOKENS is as true as STOP."""
    request = reply.request_body
    config = request.get("generationConfig") if isinstance(request, dict) else None
    limit = config.get("maxOutputTokens") if isinstance(config, dict) else None
    spent = reply.count("candidatesTokenCount") + reply.count("thoughtsTokenCount")
    return type(limit) is int and spent > 0.8 * limit


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    ground=Ground.TASKS,
    probes=(ProbeId.PLAIN, ProbeId.PLAIN_STREAMED, ProbeId.LIMIT_OF_FIVE, ProbeId.LONG_ANSWER_STREAMED),
    usable=generated_text,
    blocked_by=(
        "schema/enums-are-googles-names",
        "streaming/ends-with-a-finish-reason",
        "usage/same-prompt-costs-the-same",
        "usage/counts-every-answer",
        "usage/counts-up-to-the-end-of-a-stream",
    ),
)
def streams_what_the_unary_method_says(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A streamed answer ends for the same reason as a unary one, and its prompt costs the same.

    Why: both methods put one question to one model; only the way in which the answer travels differs.
    Breaks: callers that stream take a complete answer for a truncated one, or pay for the prompt once per chunk.
    Workaround: use the method that reports correctly, and check bills with countTokens.
    Source: [streamGenerateContent] The same request as generateContent; the response comes in pieces.
    """
    long = _long(seen)
    dear = list(_priced(*long)) if long else []
    yield from dear
    unary, stream = _asked(seen, ProbeId.PLAIN), _asked(seen, ProbeId.PLAIN_STREAMED)
    if unary is None or stream is None or not stream.chunks:
        if not dear:
            yield NotJudged(Outcome.BLOCKED, "no question was answered by both methods as it asks")
        return
    before, now = unary.first.finish_reason, stream.first.finish_reason
    if before != now and before in _ENDS and now in _ENDS and not _near_its_limit(stream):
        pointer = stream.at(stream.chunks[-1], "/candidates/0/finishReason")
        yield Location(stream.id, pointer, f"{before}, as the unary method says", str(now))
    if not dear:
        yield from _priced(unary, stream)
