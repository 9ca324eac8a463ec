"""The text of a stream: each chunk brings only what is new, every part comes once, and nothing is lost on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from conformance.catalogue import RequiredContent, check, check_each
from conformance.judging import required
from conformance.judging.arrivals import join_text, list_texts
from conformance.judging.attempts import was_obeyed
from conformance.judging.contents import is_answered_stream
from conformance.judging.expectations import disobeys, obeys
from conformance.judging.habits import uses_server_tools
from conformance.judging.rows import find_gap
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.wire.framing import Framing

REPEATING = ("streaming/sends-deltas", "streaming/sends-the-text-once")
"""The rules about text that comes more than once: an answer that they report shows nothing else about its text."""

_TEXT = "/candidates/0/content/parts/0/text"
_NEW_TEXT = "only the text since the chunk before"
_PIECES = RequiredContent(
    "no stream sent its text in several chunks",
    lambda reply: len(list_texts(reply)) > 1,
    (ProbeId.LONG_ANSWER_STREAMED,),
)
_SHORT = 40  # characters; where the question is not known, a shorter text that comes twice may be the answer
_LONG_ROW = 10  # a row with this many numbers shows a chunk that is lost or late
_MISCOUNTED = 2  # characters by which a model itself may miscount the length of a run


def get_expected_text(reply: Reply) -> str:
    """Return the text that the question asks for, or ""."""
    return str(reply.exchange.expected.get("text", ""))


@check_each(Level.MUST, basis=Basis.RECORDED, usable=is_answered_stream, requires=_PIECES)
def sends_deltas(reply: Reply) -> Iterator[Location]:
    """Each chunk carries only the text that is new since the last one.

    Why: clients join the texts of the chunks.
    Breaks: every client shows the text again and again, longer each time, without an exception.
    Workaround: keep only the part of each chunk that goes beyond the one before.
    Source: [streamGenerateContent] Each chunk carries the text since the one before; the last has a finishReason.
    """
    texts = list_texts(reply)
    if _are_cumulative([text for _, text in texts]):
        chunk, text = texts[-1]
        observed = f"{len(texts)} chunks, each beginning with the one before; the last is the whole text: {text[:60]!r}"
        yield Location(reply.id, reply.at(chunk, _TEXT), _NEW_TEXT, observed)


def _are_cumulative(texts: list[str]) -> bool:
    """Return whether each text begins with the one before, in three different texts or more."""
    distinct = [text for text, after in pairwise([*texts, ""]) if text != after]
    return len(distinct) >= 3 and all(after.startswith(before) for before, after in pairwise(distinct))


@check_each(
    Level.MUST, basis=Basis.RECORDED, usable=is_answered_stream, blocked_by=REPEATING[:1], requires=_PIECES
)
def sends_the_text_once(reply: Reply) -> Iterator[Location]:
    """The last chunk does not repeat the whole answer.

    Why: clients join the texts of the chunks, so a repetition appears as part of the answer. Only around a call of
    a built-in tool may a model say the same thing twice.
    Breaks: every client shows the answer twice, without an exception.
    Workaround: drop a last chunk that repeats all the text before it.
    Source: [streamGenerateContent] Each chunk carries the text since the one before; the last has a finishReason.
    """
    texts = list_texts(reply)
    before = "".join(text for _, text in texts[:-1])
    repeated = len(before.strip()) > 3 and texts[-1][1].strip().startswith(before.strip())
    if repeated and not _may_repeat(reply, before):
        pointer = reply.at(texts[-1][0], _TEXT)
        yield Location(reply.id, pointer, _NEW_TEXT, f"the whole answer again: {before[:60]!r}")


def _may_repeat(reply: Reply, text: str) -> bool:
    """Return whether the question asks for `text` twice in a row, or may have, or a built-in tool explains it."""
    wanted = get_expected_text(reply)
    asked = text + text in wanted or reply.text.strip() == wanted.strip()
    unknown = reply.exchange.captured and len(text.strip()) < _SHORT
    return asked or unknown or uses_server_tools(reply)


def _is_long_row(reply: Reply) -> bool:
    numbers = re.findall(r"\d+", reply.text)
    return len(numbers) >= _LONG_ROW and re.fullmatch(r"[\d\s,]+", reply.text) is not None


@check(
    Level.MUST,
    basis=Basis.INFERRED,
    probes=(ProbeId.LONG_ANSWER_STREAMED,),
    usable=lambda reply: is_answered_stream(reply) and reply.framed.framing is not Framing.SINGLE_JSON,
    blocked_by=("streaming/comes-whole", "streaming/keeps-repetitions", *REPEATING),
    needs_obedience=True,
    requires=RequiredContent("no stream holds a row of numbers", _is_long_row, outcome=Outcome.BLOCKED),
)
def brings_every_chunk_in_order(seen: RuleInput) -> Iterator[Location]:
    """No part of a streamed text is missing, and none is out of order.

    Why: clients join the chunks in the order in which they arrive.
    Breaks: words are missing or out of place in every client, without an exception.
    Workaround: ask without streaming.
    Source: [streamGenerateContent] Each chunk carries the text since the one before; the last has a finishReason.
    """
    torn = [(reply, gap) for reply in seen.replies if (gap := find_gap(reply))]
    if len(torn) >= ATTEMPTS_TO_ACCUSE:
        reply, gap = torn[-1]
        observed = f"{gap} ({len(torn)} of {len(seen.replies)} attempts)"
        yield Location(reply.id, _TEXT, "every number once, in order", observed)


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=(ProbeId.REPEATED_TEXT_STREAMED,),
    usable=is_answered_stream,
    needs_obedience=True,
    requires=RequiredContent("no answer does what its question asks for", obeys, outcome=Outcome.BLOCKED),
)
def keeps_repetitions(seen: RuleInput) -> Iterator[Location]:
    """Text that repeats itself is streamed completely.

    Why: a gateway that filters replayed chunks may mistake the model's own repetitions for replays.
    Breaks: numbers, code and Chinese words silently lose characters in every client.
    Workaround: ask without streaming.
    Source: [streamGenerateContent] A stream's text is the model's text, repetitions included.
    """
    lossy = [
        reply for reply in seen.replies if _has_lost_repeats(get_expected_text(reply), reply.text.strip())
    ]
    if len(lossy) >= ATTEMPTS_TO_ACCUSE and not was_obeyed(seen, ProbeId.REPEATED_TEXT_STREAMED):
        yield Location(lossy[-1].id, _TEXT, get_expected_text(lossy[-1]), lossy[-1].text[:200])


def _has_lost_repeats(wanted: str, got: str) -> bool:
    """Return whether only repeated characters are missing, and more of them than a model miscounts."""
    distinct = ["".join(a for a, b in pairwise(text + "\0") if a != b) for text in (wanted, got)]
    return len(wanted) - len(got) > _MISCOUNTED and (distinct[0] == distinct[1] or set(wanted) == set(got))


@check_each(
    Level.SHOULD,
    basis=Basis.INFERRED,
    usable=is_answered_stream,
    requires=RequiredContent(
        "no stream holds a character beyond ASCII",
        lambda reply: not reply.text.isascii(),
        (ProbeId.REPEATED_TEXT_STREAMED,),
    ),
    defers_to=("transport/writes-sound-json",),
)
def keeps_characters_whole(reply: Reply) -> Iterator[Location]:
    """No character is split where one chunk ends and the next begins.

    Why: a gateway that decodes each read by itself breaks characters whose bytes are split between two reads.
    Breaks: every client shows replacement characters in Chinese, Japanese and Korean text and in emoji.
    Workaround: ask without streaming.
    Source: [RFC 8259, character encoding] Bodies are UTF-8; a character of several bytes is never cut in two.
    """
    for chunk in reply.chunks:
        text = join_text(chunk)
        unreadable = any(oddity.kind == "bad-utf8" for oddity in chunk.json.oddities)
        lost = "\ufffd" in text and "\ufffd".encode() not in reply.exchange.request.body
        if not unreadable and (lost or _is_misdecoded(text) or _has_question_marks(reply, text)):
            # A text about character sets may contain what looks like wrongly decoded text.
            level = Level.NOTE if reply.exchange.captured and "\ufffd" not in text else None
            yield Location(reply.id, reply.at(chunk, _TEXT), "intact characters", text[:80], level)


def _is_misdecoded(text: str) -> bool:
    """Return whether a text is UTF-8 that was decoded as Latin-1 or Windows-1252 on its way."""
    for encoding in ("latin-1", "cp1252"):
        try:
            if text.encode(encoding).decode("utf-8") != text:
                return True
        except ValueError:
            continue
    return False


def _has_question_marks(reply: Reply, text: str) -> bool:
    """Return whether question marks replace the non-ASCII characters of the text that was to be repeated."""
    wanted = get_expected_text(reply)
    lost = "?" in text and "?" not in wanted and not wanted.isascii()
    return lost and text.isascii() and all(word in wanted for word in text.replace("?", " ").split())


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.THINKING, ProbeId.THINKING_STREAMED),
    usable=is_answered_stream,
    needs_obedience=True,
    feature="thinking",
    requires=required.THOUGHTS,
)
def streams_thoughts_too(seen: RuleInput) -> Iterator[Location]:
    """Thoughts that the unary method returns are streamed as well.

    Why: the streaming method returns the same parts as the unary one.
    Breaks: programs that show the model's thoughts show none when they stream.
    Workaround: ask without streaming.
    Source: [ThinkingConfig.includeThoughts] Thoughts come as parts marked thought, streamed or not.
    """
    unary = [reply for reply in seen.of(ProbeId.THINKING) if reply.ok and reply.first.thoughts]
    streamed = [reply for reply in seen.of(ProbeId.THINKING_STREAMED) if reply.ok]
    # A single object may be the last of several; what the others contained is unknown.
    streamed = [reply for reply in streamed if reply.framed.framing is not Framing.SINGLE_JSON]
    if not unary or any(reply.first.thoughts for reply in streamed):
        return
    without = [reply for reply in streamed if disobeys(reply)]
    if len(without) >= ATTEMPTS_TO_ACCUSE:
        observed = f"no thought ({len(without)} of {len(streamed)} attempts)"
        yield Location(without[-1].id, "/candidates/0/content/parts", "parts with thought: true", observed)
