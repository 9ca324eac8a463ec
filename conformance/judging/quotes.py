"""Whose error a refusal is: its own question's, that of another one, or what a vendor in a mood says to anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from conformance.judging.controls import (
    AT_THE_END,
    CONTROLS,
    EVERY_CONTROL,
    answers_the_plain_question,
    is_readable,
)
from conformance.model import JSON
from conformance.names import fold
from conformance.reading.reply import Reply
from conformance.wire.jsontext import read_json

_CODE = re.compile(r"\b(?:OK-|gemini-none-|none-)[0-9a-f]{6}\b")
_LONGEST = 2000  # characters of a message that are looked at
_MOST = 50  # questions with the same error that are looked at for its source
_SHORTEST = 5  # letters of a name that does not stand in a message by chance
# What an error says to be missing stands in other requests, as it should: no sign that it speaks of them.
_WANTING = re.compile(r"\b(missing|lacks?|requir\w+|must|needs?|specif\w+|provide\w*)\b", re.IGNORECASE)
_WORD = re.compile(rf"[A-Za-z][\w-]{{{_SHORTEST - 1},}}")


def _names(value: JSON) -> Iterator[str]:
    """Yield the keys and the strings of a request; of its prompts nothing."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _names(child) if key != "text" else ()
    elif isinstance(value, list):
        for child in value:
            yield from _names(child)
    elif isinstance(value, str) and len(value) < 100:
        yield from _WORD.findall(value)


def _sent(reply: Reply) -> str:
    request = reply.exchange.request
    return f"{request.path} {request.body.decode('utf-8', 'replace')}"


def _own(reply: Reply) -> frozenset[str]:
    """The names and codes of a request by which an error could be told to speak of it, folded."""
    path = reply.exchange.request.path.partition("?")[0].rpartition("/")[2]
    body = read_json(reply.exchange.request.body).value if reply.exchange.request.body else None
    named = {*_names(body), *_WORD.findall(path), *_CODE.findall(_sent(reply))}
    return frozenset(fold(name) for name in named if len(name) >= _SHORTEST)


def read_message(reply: Reply) -> str:
    """Return the beginning of an error's message."""
    return reply.error.message[:_LONGEST] if reply.error else ""


def _numberless(message: str) -> str:
    """Return a message without its numbers, such as the seconds to wait."""
    return re.sub(r"\d+", "0", message)


def read_refusal(reply: Reply) -> tuple[int, str]:
    """Return the status and the words of a refusal, without the numbers in them."""
    return reply.status, _numberless(read_message(reply))


def _source(reply: Reply, alike: Sequence[Reply], own: Mapping[str, frozenset[str]]) -> Reply | None:
    """Return the reply to the other question of which this one's error speaks, or None."""
    said, mine = fold(read_message(reply)), fold(_sent(reply))
    for other in () if _WANTING.search(read_message(reply)) else alike:
        if other.probe != reply.probe and any(name in said and name not in mine for name in own[other.id]):
            return other
    return None


def find_repeated_errors(replies: Sequence[Reply]) -> dict[str, str]:
    """Return the ids of refusals that repeat another question's error, each with that question's probe.

    Such an error names something that the other request holds and its own does not: a code, which stands in no other
    request, or a name, and then it has the words of the other error too. Servers that lock a model after a refusal
    answer so for a while.
    """
    codes = {code: reply.probe for reply in replies for code in _CODE.findall(_sent(reply))}
    found: dict[str, str] = {}
    for reply in replies:
        strange = [code for code in _CODE.findall(read_message(reply)) if code not in _sent(reply)]
        if reply.is_refusal and strange and codes.get(strange[0], reply.probe) != reply.probe:
            found[reply.id] = codes[strange[0]]
    return _quoted_names(replies) | found


def _quoted_names(replies: Sequence[Reply]) -> dict[str, str]:
    found: dict[str, str] = {}
    for alike in _by_words(replies).values():
        firsts = _first_of_each(alike)[:_MOST]
        own = {reply.id: _own(reply) for reply in firsts}
        sources = ((reply, _source(reply, firsts, own)) for reply in alike)
        found |= {reply.id: other.probe for reply, other in sources if other is not None}
    return found


def _first_of_each(replies: Sequence[Reply]) -> list[Reply]:
    """Return the first reply to each question."""
    firsts: dict[str, Reply] = {}
    for reply in replies:
        firsts.setdefault(reply.probe, reply)
    return list(firsts.values())


def _by_words(replies: Sequence[Reply]) -> dict[str, list[Reply]]:
    """Return the refusals with a message, by its words, in the order in which they were asked."""
    errors = [reply for reply in replies if reply.is_refusal and read_message(reply)]
    found: dict[str, list[Reply]] = {}
    for reply in sorted(errors, key=lambda one: one.exchange.started_at):
        found.setdefault(_numberless(read_message(reply)), []).append(reply)
    return found


def find_accepted_keys(replies: Sequence[Reply]) -> frozenset[str]:
    """Return the ways in which a key was carried by questions that were answered."""
    return frozenset(reply.exchange.request.key for reply in replies if is_readable(reply))


def names_its_fault(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the error names something that its own request holds, and that of the plain question does not."""
    plain = next((other for other in replies if other.probe in EVERY_CONTROL), reply)
    said, usual = fold(read_message(reply)), fold(_sent(plain))
    return any(name in said and name not in usual for name in _own(reply))


def _moods(replies: Sequence[Reply]) -> list[Reply]:
    """Return the refusals of the plain question where it is answered at other times.

    At the end it is asked without an offer of compression: that it is answered then may have that reason.
    """
    asked = [[reply for reply in replies if reply.probe in probes] for probes in CONTROLS.values()]
    answered = [
        several
        for several in asked
        if any(is_readable(reply) for reply in several if reply.probe != AT_THE_END)
    ]
    return [reply for several in answered for reply in several if reply.is_refusal]


def _repeated(replies: Sequence[Reply], quotes: Mapping[str, str]) -> dict[str, str]:
    """Return the refusals of a vendor that is locked at times which have the words of an earlier one, and why they go."""
    right = any(reply.id in quotes and not reply.expects_refusal for reply in replies)
    if not (right and answers_the_plain_question(replies)):
        return {}
    keys, sources = find_accepted_keys(replies), dict(quotes)
    unclear: dict[str, str] = {}
    for first, *others in _by_words(replies).values():
        alike = {reply.id: first.probe for reply in others if reply.probe != first.probe}
        sources |= {**alike, **quotes}
        own = names_its_fault(first, replies) or first.exchange.request.key not in keys
        if not own and not all(reply.expects_refusal for reply in others):
            unclear[first.id] = "correct questions are refused in the same words"
    return {
        id_: f"its error is that of another question, {other}" for id_, other in sources.items()
    } | unclear


def find_unrelated_refusals(replies: Sequence[Reply]) -> dict[str, str]:
    """Return the ids of refusals that accuse nobody, and why: the vendor was in a mood, or locked, when it gave them.

    A vendor that repeats an error only where there is something to refuse is not locked: what it refuses, it refuses.
    """
    moods = {read_refusal(reply) for reply in _moods(replies)}
    why = "the plain question, which is answered at other times, is refused in the same way"
    of_moods = [
        reply for reply in replies if read_refusal(reply) in moods and reply.probe not in EVERY_CONTROL
    ]
    return _repeated(replies, find_repeated_errors(replies)) | {reply.id: why for reply in of_moods}
