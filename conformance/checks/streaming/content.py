"""Streaming, the content: deltas that arrive in time, each once, and a reason at the end."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from conformance.catalogue import Ground, NotJudged, check, check_each
from conformance.judging import required
from conformance.judging.arrivals import candidate_of, held_back, misread, questioned, text_of, texts_of
from conformance.judging.contents import empty
from conformance.judging.expectations import UNMET, blocked, obedience
from conformance.judging.habits import uses_server_tools
from conformance.judging.rows import are_cumulative, find_gap, has_lost_repeats
from conformance.judging.tries import ATTEMPTS_TO_ACCUSE, generated_text, obeyed, streams
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Chunk, Reply, RuleInput
from conformance.sources import google
from conformance.wire.framing import Framing

_CHUNKS = google(
    "streamGenerateContent: chunks",
    "Each chunk carries the text since the last one; finishReason stands in the last.",
)
_SHORT = 40  # characters of an answer that is there as soon as it is begun
_MANY = 300  # characters: more than any vendor sends as one chunk of an answer that is still being made


@check_each(Level.MUST, _CHUNKS, basis=Basis.RECORDED, usable=streams, requires=required.PIECES)
def sends_deltas(reply: Reply) -> Iterator[Location]:
    """Each chunk carries only the text that is new since the last one.

    Why: clients join the texts of the chunks.
    Breaks: every client shows the text again and again, longer each time, without an exception.
    Workaround: keep only the part of each chunk that goes beyond the one before.
    """
    texts = texts_of(reply)
    if are_cumulative([text for _, text in texts]):
        chunk, text = texts[-1]
        said = f"{len(texts)} chunks, each beginning with the one before; the last is the whole text: {text[:60]!r}"
        yield Location(
            reply.id,
            reply.at(chunk, "/candidates/0/content/parts/0/text"),
            "the text since the chunk before",
            said,
        )


@check_each(
    Level.MUST,
    _CHUNKS,
    basis=Basis.RECORDED,
    usable=streams,
    blocked_by=("streaming/sends-deltas",),
    requires=required.PIECES,
)
def sends_the_text_once(reply: Reply) -> Iterator[Location]:
    """The last chunk does not repeat the whole answer.

    Why: clients join the texts of the chunks, so a repetition appears as part of the answer. Only around a call of
    a built-in tool may a model say the same thing twice.
    Breaks: every client shows the answer twice, without an exception.
    Workaround: drop a last chunk that repeats all the text before it.
    """
    texts = texts_of(reply)
    before = "".join(text for _, text in texts[:-1])
    natural = _wanted_twice(reply, before) or uses_server_tools(reply) or _too_short_to_tell(reply, before)
    if len(texts) > 1 and _again(before, texts[-1][1]) and not natural:
        pointer = reply.at(texts[-1][0], "/candidates/0/content/parts/0/text")
        yield Location(
            reply.id,
            pointer,
            "the text since the chunk before",
            f"the whole answer once more: {before[:60]!r}",
        )


def _again(before: str, last: str) -> bool:
    """The last text is all before it once more, be it with its own end, or with other space around it."""
    said = before.strip()
    return len(said) > 3 and last.strip().startswith(said)


def _too_short_to_tell(reply: Reply, before: str) -> bool:
    """Where nobody knows what was asked for, a word that comes twice may be the answer."""
    return reply.exchange.captured and len(before.strip()) < _SHORT


def _wanted_twice(reply: Reply, text: str) -> bool:
    """The question itself asked for a text that is its own half twice, and got what it asked for."""
    wanted = str(reply.exchange.expected.get("text", ""))
    return text + text in wanted or reply.text.strip() == wanted.strip()


@check_each(
    Level.MUST,
    _CHUNKS,
    basis=Basis.RECORDED,
    usable=streams,
    blocked_by=("streaming/comes-whole",),
    requires=required.A_CANDIDATE,
)
def ends_with_a_finish_reason(reply: Reply) -> Iterator[Location]:
    """A stream ends with a finish reason.

    Why: finishReason is empty only while the model is still writing. Google's last chunk always has one, unless a
    filter blocks the prompt after all: then promptFeedback holds the reason.
    Breaks: gemini-cli raises NO_FINISH_REASON and asks again; the Vercel AI SDK reports `other`; elsewhere a
    truncated answer cannot be told from a complete one.
    Workaround: none that is safe, because without the reason nothing shows whether the answer is complete.
    """
    candidates = [chunk for chunk in reply.chunks if candidate_of(chunk)]
    if (
        reply.exchange.failure is None
        and candidates
        and reply.first.finish_reason is None
        and not reply.error
        and not blocked(reply)
    ):
        yield Location(
            reply.id,
            reply.at(candidates[-1], "/candidates/0/finishReason"),
            "a finish reason",
            "none in any chunk"
            if reply.exchange.end_known
            else "none; the recording does not tell who ended it",
            None if reply.exchange.end_known else Level.NOTE,
        )


_ENDED_ONCE = (
    "streaming/ends-with-a-finish-reason",
    "streaming/sends-deltas",
    "streaming/sends-the-text-once",
)


@check_each(
    Level.SHOULD,
    _CHUNKS,
    basis=Basis.RECORDED,
    usable=streams,
    blocked_by=_ENDED_ONCE,
    requires=required.CHUNKS,
)
def gives_the_reason_last(reply: Reply) -> Iterator[Location]:
    """No finish reason comes before the end of the text.

    Why: an early reason claims that the model has stopped when it has not. It is only noted where every chunk has a
    reason, an old habit of Google's, and where a built-in tool may have ended a step.
    Breaks: applications that stop reading at STOP show an empty or a shortened answer; the SDKs read on.
    Workaround: read to the end of the stream, and use the last reason.
    """
    index = reply.first.index
    said = [bool(candidate_of(chunk, index).get("finishReason")) for chunk in reply.chunks]
    last_text = max((number for number, chunk in enumerate(reply.chunks) if text_of(chunk, index)), default=0)
    early = [chunk for chunk, reason in zip(reply.chunks[:last_text], said, strict=False) if reason]
    if not early:
        return
    # In every chunk that says something it is an old habit of Google's own, unless one stands there alone first.
    silent = [chunk for chunk, reason in zip(reply.chunks[:last_text], said, strict=False) if not reason]
    always = all(empty(candidate_of(chunk, index)) for chunk in silent) and _spoken(early[0], index)
    level = Level.NOTE if always or uses_server_tools(reply) else None
    observed = f"{candidate_of(early[0], index).get('finishReason')!r} before the text has ended"
    pointer = reply.at(early[0], "/candidates/0/finishReason")
    yield Location(reply.id, pointer, "a finish reason in the last chunk only", observed, level)


def _spoken(chunk: Chunk, index: int) -> bool:
    """Return whether the candidate has parts in this chunk: a text, a thought, a call."""
    content = candidate_of(chunk, index).get("content")
    return isinstance(content, dict) and bool(content.get("parts"))


@check_each(
    Level.SHOULD,
    google(
        "streamGenerateContent: last chunk",
        "A last chunk without text still has its candidate, or leaves candidates out.",
    ),
    basis=Basis.RECORDED,
    usable=streams,
    blocked_by=("schema/has-a-candidate",),
)
def leaves_empty_candidates_out(reply: Reply) -> Iterator[Location]:
    """A chunk without a candidate omits `candidates` instead of sending an empty list.

    Why: ProtoJSON omits empty lists. Gateways that translate OpenAI's last chunk, whose `choices` is empty, tend to
    send one.
    Breaks: google-genai 1.30 raises IndexError on the empty list; the other clients read on.
    Workaround: drop chunks whose candidates are empty, after reading their usage.
    """
    for chunk in reply.chunks:
        if chunk.body.get("candidates") == []:
            yield Location(
                reply.id,
                reply.at(chunk, "/candidates"),
                "a candidate, or no member of that name",
                "an empty list",
            )


@check(
    Level.SHOULD,
    google("streamGenerateContent: purpose", "It streams partial responses while the model generates."),
    basis=Basis.INFERRED,
    ground=Ground.TASKS,
    probes=("long-answer-streamed",),
    usable=streams,
)
def arrives_while_it_is_made(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A long answer arrives in pieces while the model is writing it.

    Why: callers stream in order to see the first words early; a stream that is held back until the end only looks
    like one.
    Breaks: programs seem to hang, and idle time-outs abort answers that are still being written.
    Workaround: none in the client, other than a longer time-out.
    """
    usual = _usual(seen)
    tries = [(reply, held_back(reply, usual)) for reply in seen.replies]
    held = [reply for reply, verdict in tries if verdict]
    if any(verdict is False for _, verdict in tries):
        return
    if len(held) < ATTEMPTS_TO_ACCUSE:
        yield NotJudged(Outcome.BLOCKED, f"{len(held)} of {len(tries)} answers took long enough to tell")
        return
    reply, first = held[-1], held[-1].chunks[0].at_ms or 0.0
    waited = f"nothing for {first / 1000:.1f} s of {reply.exchange.ended_ms / 1000:.1f} s"
    said = f"{waited}, then {len(reply.chunks)} chunks at once ({len(held)} of {len(tries)} tries)"
    # An answer that a model broke off may well be one chunk, after some thinking.
    brief = all(len(texts_of(one)) == 1 and len(one.text) < _MANY for one in held)
    yield Location(
        reply.id, "#0", "pieces spread over the time of the answer", said, Level.NOTE if brief else None
    )


def _usual(seen: RuleInput) -> float:
    """Milliseconds that short answers took: what the way there, a queue and the thinking cost any answer."""
    short = [one for one in seen.all if generated_text(one) and 0 < len(one.text) < _SHORT]
    return statistics.median([one.exchange.ended_ms for one in short] or [0.0])


def _cut_short(reply: Reply) -> bool:
    """The text is a beginning of what was asked, no more, and the reason says that it is whole.

    A model that has had enough of counting stops at a round number; a cut comes anywhere.
    """
    wanted = str(reply.exchange.expected.get("text", ""))
    text = reply.text.strip()
    begun = 0 < len(text) < len(wanted) and wanted.startswith(text)
    round_number = text.endswith("0") and wanted[len(text) : len(text) + 1].isspace()
    return begun and not round_number and reply.first.finish_reason == "STOP"


@check(
    Level.MUST,
    google("Candidate.finishReason", "STOP means that the model came to a natural end."),
    basis=Basis.INFERRED,
    probes=("long-answer-streamed",),
    usable=streams,
    blocked_by=(
        "streaming/comes-whole",
        "semantics/applies-max-output-tokens",
        "schema/stop-comes-with-content",
    ),
    obeys=True,
    requires=required.AN_END,
)
def says_stop_only_at_the_end(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Only a complete streamed answer ends with STOP.

    Why: STOP means that the model came to a natural end. A truncated answer says MAX_TOKENS if a limit cut it, and
    an error if the connection did.
    Breaks: every client takes half an answer for a complete one.
    Workaround: check long answers for their end.
    """
    if obeyed(seen, "long-answer-streamed"):
        return
    cut = [reply for reply in seen.replies if _cut_short(reply)]
    if len(cut) >= ATTEMPTS_TO_ACCUSE:
        said = f"STOP after {cut[-1].text[-40:]!r}, {len(cut)} of {len(seen.replies)} tries"
        yield Location(cut[-1].id, "/candidates/0/finishReason", "STOP after the whole answer", said)


@check(
    Level.MUST,
    _CHUNKS,
    basis=Basis.INFERRED,
    probes=("long-answer-streamed",),
    usable=lambda reply: streams(reply) and reply.framed.framing is not Framing.SINGLE_JSON,
    blocked_by=("streaming/comes-whole", "streaming/keeps-repetitions", *_ENDED_ONCE[1:]),
    obeys=True,
    requires=required.A_ROW,
)
def brings_every_chunk_in_order(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """No part of a streamed text is missing, and none is out of order.

    Why: clients join the chunks in the order in which they arrive.
    Breaks: words are missing or out of place in every client, without an exception.
    Workaround: ask without streaming.
    """
    torn = [(reply, gap) for reply in seen.replies if (gap := find_gap(reply))]
    if len(torn) >= ATTEMPTS_TO_ACCUSE:
        reply, gap = torn[-1]
        said = f"{gap} ({len(torn)} of {len(seen.replies)} tries)"
        yield Location(reply.id, "/candidates/0/content/parts/0/text", "every number once, in order", said)


@check(
    Level.SHOULD,
    google("streamGenerateContent: text", "A stream's text is the model's text, repetitions included."),
    basis=Basis.INFERRED,
    probes=("repeated-text-streamed",),
    usable=streams,
    obeys=True,
    requires=required.OBEDIENCE,
)
def keeps_repetitions(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Text that repeats itself is streamed completely.

    Why: gateways that filter replayed chunks must not mistake the model's own repetitions for replays.
    Breaks: numbers, code and Chinese words silently lose characters in every client.
    Workaround: ask without streaming.
    """
    if obeyed(seen, "repeated-text-streamed"):
        return
    wanted = [str(reply.exchange.expected.get("text", "")) for reply in seen.replies]
    lossy = [
        reply
        for reply, text in zip(seen.replies, wanted, strict=True)
        if has_lost_repeats(text, reply.text.strip())
    ]
    if len(lossy) >= ATTEMPTS_TO_ACCUSE:
        yield Location(lossy[-1].id, "/candidates/0/content/parts/0/text", wanted[-1], lossy[-1].text[:200])


def _asked_for(reply: Reply, text: str) -> bool:
    """The question itself holds a replacement character."""
    return "\ufffd" in text and b"\xef\xbf\xbd" in reply.exchange.request.body


@check_each(
    Level.SHOULD,
    google("JSON: encoding", "Bodies are UTF-8; a character of several bytes is never cut in two."),
    basis=Basis.INFERRED,
    usable=streams,
    requires=required.BEYOND_ASCII,
)
def keeps_characters_whole(reply: Reply) -> Iterator[Location]:
    """No character is split where one chunk ends and the next begins.

    Why: a gateway that decodes each read by itself breaks the characters whose bytes lie in two reads.
    Breaks: replacement characters appear in Chinese, Japanese, Korean and emoji, in every client.
    Workaround: ask without streaming.
    """
    for chunk in reply.chunks:
        # Bytes that are no UTF-8 are said of the JSON.
        bad = any(oddity.kind == "bad-utf8" for oddity in chunk.json.oddities)
        text = text_of(chunk)
        if (
            not bad
            and not _asked_for(reply, text)
            and ("\ufffd" in text or misread(text) or questioned(reply, text))
        ):
            pointer = reply.at(chunk, "/candidates/0/content/parts/0/text")
            # A text on text may well hold what looks misread.
            level = Level.NOTE if reply.exchange.captured and "\ufffd" not in text else None
            yield Location(reply.id, pointer, "whole characters", text[:80], level)


@check(
    Level.SHOULD,
    google("thinkingConfig.includeThoughts", "Thoughts come as parts marked thought, streamed or not."),
    basis=Basis.RECORDED,
    probes=("thinking", "thinking-streamed"),
    usable=streams,
    obeys=True,
    feature="thinking",
    requires=required.THOUGHTS,
)
def streams_thoughts_too(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Thoughts that the unary method returns are streamed as well.

    Why: the streaming method returns the same parts as the unary one.
    Breaks: programs that show the model's thoughts show none when they stream.
    Workaround: ask without streaming.
    """
    unary = [reply for reply in seen.of("thinking") if reply.ok and reply.first.thoughts]
    # One object alone may be the last of several: what stood in the others, nobody knows.
    single = Framing.SINGLE_JSON
    asked = [reply for reply in seen.of("thinking-streamed") if reply.ok]
    tries = [reply for reply in asked if reply.framed.framing is not single]
    if not unary or any(reply.first.thoughts for reply in tries):
        return
    judged = [reply for reply in tries if obedience(reply).verdict == UNMET]
    if len(judged) >= ATTEMPTS_TO_ACCUSE:
        yield Location(
            judged[-1].id,
            "/candidates/0/content/parts",
            "parts with thought: true",
            "no thought in three tries",
        )


@check_each(
    Level.NOTE,
    google("GenerateContentResponse.responseId", "One response has one id and one model version."),
    basis=Basis.RECORDED,
    usable=streams,
    requires=required.CHUNKS,
)
def keeps_one_id(reply: Reply) -> Iterator[Location]:
    """All chunks of a stream carry the same responseId and modelVersion.

    Why: the chunks belong to one response.
    Breaks: no client that was measured; logs that group by id fall apart.
    Workaround: group by connection.
    """
    for name in ("responseId", "modelVersion"):
        values = {value for chunk in reply.chunks if isinstance(value := chunk.body.get(name), str) and value}
        if len(values) > 1:
            yield Location(
                reply.id, f"/{name}", "one value in all chunks", f"{len(values)} values: {sorted(values)[:3]}"
            )
