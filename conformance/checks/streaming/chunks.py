"""The chunks of a stream: sent while the model writes, each one of the same response, with a reason at the end."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from conformance.catalogue import Ground, NotJudged, RequiredContent, check, check_each
from conformance.checks.streaming.text import REPEATING
from conformance.judging import required
from conformance.judging.arrivals import find_candidate, is_held_back, join_text, list_texts
from conformance.judging.contents import is_answered_stream, is_empty_candidate, is_model_answer
from conformance.judging.endings import is_prompt_blocked
from conformance.judging.habits import uses_server_tools
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput

_REASON = "/candidates/0/finishReason"
_SEVERAL_CHUNKS = RequiredContent(
    "no stream came in several chunks", lambda reply: len(reply.chunks) > 1, (ProbeId.LONG_ANSWER_STREAMED,)
)
_SHORT = 40  # characters of an answer that is complete as soon as it begins
_MANY = 300  # characters: more than any vendor sends as one chunk of an answer that is still being written


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=is_answered_stream,
    blocked_by=("streaming/comes-whole",),
    requires=required.A_CANDIDATE,
)
def ends_with_a_finish_reason(reply: Reply) -> Iterator[Location]:
    """A stream ends with a finish reason.

    Why: finishReason is empty only while the model is still writing. Google's last chunk always has one, unless a
    filter blocks the prompt after all: then promptFeedback holds the reason.
    Breaks: gemini-cli raises NO_FINISH_REASON and asks again; the Vercel AI SDK reports `other`; elsewhere a
    truncated answer cannot be told from a complete one.
    Workaround: none is safe, because without the reason nothing shows whether the answer is complete.
    Source: [streamGenerateContent] Each chunk carries the text since the one before; the last has a finishReason.
    """
    candidates = [chunk for chunk in reply.chunks if find_candidate(chunk)]
    ended = reply.exchange.failure is None and not reply.error and not is_prompt_blocked(reply)
    if not candidates or not ended or reply.first.finish_reason is not None:
        return
    pointer = reply.at(candidates[-1], _REASON)
    if reply.exchange.end_known:
        yield Location(reply.id, pointer, "a finish reason", "none in any chunk")
    else:
        observed = "none; the recording does not show who ended the stream"
        yield Location(reply.id, pointer, "a finish reason", observed, Level.NOTE)


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=is_answered_stream,
    blocked_by=("streaming/ends-with-a-finish-reason", *REPEATING),
    requires=_SEVERAL_CHUNKS,
)
def gives_the_reason_last(reply: Reply) -> Iterator[Location]:
    """No finish reason comes before the end of the text.

    Why: an early reason claims that the model has stopped when it has not. It is only noted where every chunk has a
    reason, an old habit of Google's, and where a built-in tool may have ended a step.
    Breaks: applications that stop reading at STOP show an empty or truncated answer; the SDKs read on.
    Workaround: read to the end of the stream, and use the last reason.
    Source: [streamGenerateContent] Each chunk carries the text since the one before; the last has a finishReason.
    """
    index = reply.first.index
    last_text = max((n for n, chunk in enumerate(reply.chunks) if join_text(chunk, index)), default=0)
    before_the_end = [(chunk, find_candidate(chunk, index)) for chunk in reply.chunks[:last_text]]
    early = [(chunk, candidate) for chunk, candidate in before_the_end if candidate.get("finishReason")]
    if not early:
        return
    chunk, candidate = early[0]
    content = candidate.get("content")
    begins_with_parts = isinstance(content, dict) and bool(content.get("parts"))
    without = [one for _, one in before_the_end if not one.get("finishReason")]
    # A reason in every chunk with content is an old habit of Google's; a reason in a chunk of its own, sent first, is not.
    habit = begins_with_parts and all(map(is_empty_candidate, without))
    level = Level.NOTE if habit or uses_server_tools(reply) else None
    observed = f"{candidate['finishReason']!r} before the end of the text"
    yield Location(
        reply.id, reply.at(chunk, _REASON), "a finish reason in the last chunk only", observed, level
    )


@check_each(
    Level.SHOULD, basis=Basis.RECORDED, usable=is_answered_stream, blocked_by=("schema/has-a-candidate",)
)
def leaves_empty_candidates_out(reply: Reply) -> Iterator[Location]:
    """A chunk without a candidate omits `candidates` instead of sending an empty list.

    Why: ProtoJSON omits empty lists. Gateways that translate OpenAI's last chunk, whose `choices` is empty, tend to
    send one.
    Breaks: google-genai 1.30 raises IndexError on the empty list; the other clients read on.
    Workaround: drop chunks whose candidates are empty, after reading their usage.
    Source: [ProtoJSON, presence] Empty lists are omitted: Google's chunks have a candidate or no candidates member.
    """
    for chunk in reply.chunks:
        if chunk.body.get("candidates") == []:
            pointer = reply.at(chunk, "/candidates")
            yield Location(reply.id, pointer, "a candidate, or no member of that name", "an empty list")


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    ground=Ground.TASKS,
    probes=(ProbeId.LONG_ANSWER_STREAMED,),
    usable=is_answered_stream,
)
def arrives_while_it_is_made(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A long answer arrives in pieces while the model is writing it.

    Why: callers stream in order to see the first words early; a stream that is held back until the end brings them no benefit.
    Breaks: programs seem to hang, and idle time-outs abort answers that are still being written.
    Workaround: none in the client, other than a longer time-out.
    Source: [streamGenerateContent] It streams partial responses while the model generates.
    """
    short = [one for one in seen.all if is_model_answer(one) and 0 < len(one.text) < _SHORT]
    # The time that network, queue and thinking take for any answer.
    usual_ms = statistics.median([one.exchange.ended_ms for one in short] or [0.0])
    verdicts = [(reply, is_held_back(reply, usual_ms)) for reply in seen.replies]
    held = [reply for reply, verdict in verdicts if verdict]
    if any(verdict is False for _, verdict in verdicts):
        return
    if len(held) < ATTEMPTS_TO_ACCUSE:
        yield NotJudged(
            Outcome.BLOCKED,
            f"{len(held)} of {len(verdicts)} answers took long enough to tell; {ATTEMPTS_TO_ACCUSE} must",
        )
        return
    reply, first_ms = held[-1], held[-1].chunks[0].at_ms or 0.0
    waited = f"nothing for {first_ms / 1000:.1f} s of {reply.exchange.ended_ms / 1000:.1f} s"
    observed = f"{waited}, then {len(reply.chunks)} chunks at once ({len(held)} of {len(verdicts)} attempts)"
    # An answer that the model broke off may well be one chunk, after some thinking.
    brief = all(len(list_texts(one)) == 1 and len(one.text) < _MANY for one in held)
    level = Level.NOTE if brief else None
    yield Location(reply.id, "#0", "pieces spread over the time of the answer", observed, level)


@check_each(Level.NOTE, basis=Basis.RECORDED, usable=is_answered_stream, requires=_SEVERAL_CHUNKS)
def keeps_one_id(reply: Reply) -> Iterator[Location]:
    """All chunks of a stream carry the same responseId and modelVersion.

    Why: the chunks belong to one response.
    Breaks: no client that was measured; logs that group by id fall apart.
    Workaround: group by connection.
    Source: [GenerateContentResponse.responseId] One response has one id and one model version.
    """
    for name in ("responseId", "modelVersion"):
        values = {value for chunk in reply.chunks if isinstance(value := chunk.body.get(name), str) and value}
        if len(values) > 1:
            observed = f"{len(values)} values: {sorted(values)[:3]}"
            yield Location(reply.id, f"/{name}", "one value in all chunks", observed)
