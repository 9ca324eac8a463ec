"""The streaming method compared with the unary one: one question ends for the same reason and costs the same."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import Ground, NotJudged, check
from conformance.judging.contents import is_model_answer
from conformance.judging.counters import find_usage_blocks
from conformance.judging.expectations import obeys
from conformance.model import Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput

_ENDS = ("STOP", "MAX_TOKENS")  # other reasons, and other spellings, are judged by other rules
_SLACK = 8  # tokens by which two prompts of one form differ, with another nonce in each


def _find_right_answer(seen: RuleInput, probe: str) -> Reply | None:
    """Return a reply that did as asked: only two right answers can be compared."""
    right = (reply for reply in seen.replies if reply.probe == probe and obeys(reply))
    return next(right, None)


def _differ_widely(one: int, other: int) -> bool:
    return min(one, other) > 0 and max(one, other) > 1.5 * min(one, other) + _SLACK


def _compare_prompts(unary: Reply, stream: Reply) -> Iterator[Location]:
    """Yield a location if the prompt of the stream costs far more, or far less, than that of the unary answer."""
    wanted, got = unary.count("promptTokenCount"), stream.count("promptTokenCount")
    if not _differ_widely(wanted, got):
        return
    every = [block.count("promptTokenCount") for block in find_usage_blocks(stream)]
    # Google counts the prompt again midway: its last count was as low as two fifths of the first.
    recounted = wanted // 3 <= got < wanted and any(one and not _differ_widely(wanted, one) for one in every)
    if not recounted:
        pointer = stream.at(stream.chunks[-1], "/usageMetadata/promptTokenCount")
        yield Location(stream.id, pointer, f"about {wanted} tokens, as in the unary answer", f"{got} tokens")


def _compare_long_prompts(seen: RuleInput) -> Iterator[Location]:
    """Compare the cost of one long task asked by both methods: its prompt is the same, whatever the answer."""
    unary = next((reply for reply in seen.replies if reply.probe == ProbeId.LIMIT_OF_FIVE), None)
    stream = next((reply for reply in seen.replies if reply.probe == ProbeId.LONG_ANSWER_STREAMED), None)
    if unary and stream and stream.chunks:
        yield from _compare_prompts(unary, stream)


def _is_near_its_limit(reply: Reply) -> bool:
    """Return whether thinking may have left just enough room for the answer: then MAX_TOKENS is as true as STOP."""
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
    usable=is_model_answer,
    blocked_by=(
        "schema/enums-are-googles-names",
        "streaming/ends-with-a-finish-reason",
        "usage/same-prompt-costs-the-same",
        "usage/counts-every-answer",
        "usage/counts-up-to-the-end-of-a-stream",
    ),
    formerly=("streaming/streams-what-the-unary-method-says",),
)
def stream_matches_unary(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A streamed answer ends for the same reason as a unary one, and its prompt costs the same.

    Why: both methods put the same question to the same model; they differ only in how the answer is sent.
    Breaks: callers that stream take a complete answer for a truncated one, or pay for the prompt once per chunk.
    Workaround: use the method that reports correctly, and check bills with countTokens.
    Source: [streamGenerateContent] The same request as generateContent; the response comes in pieces.
    """
    dear = list(_compare_long_prompts(seen))
    yield from dear
    unary = _find_right_answer(seen, ProbeId.PLAIN)
    stream = _find_right_answer(seen, ProbeId.PLAIN_STREAMED)
    if unary is None or stream is None or not stream.chunks:
        if not dear:
            yield NotJudged(Outcome.BLOCKED, "no question was answered by both methods as it asks")
        return
    wanted, got = unary.first.finish_reason, stream.first.finish_reason
    if wanted != got and wanted in _ENDS and got in _ENDS and not _is_near_its_limit(stream):
        pointer = stream.at(stream.chunks[-1], "/candidates/0/finishReason")
        yield Location(stream.id, pointer, f"{wanted}, as in the unary answer", str(got))
    if not dear:
        yield from _compare_prompts(unary, stream)
