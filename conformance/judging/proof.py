"""What a pass may rest on: an answer that could be read, or a refusal that speaks of its own question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from conformance.catalogue import Aside, Rests, Rule
from conformance.dialects.shapes import fold
from conformance.judging.expectations import statuses
from conformance.judging.refusals import must_fail, turned_down, whole, words
from conformance.model import JSON, Outcome
from conformance.reading.reply import Kind, Reply
from conformance.wire.jsontext import read_json

CONTROLS: Mapping[bool, tuple[str, ...]] = {
    False: ("plain", "plain-repeated", "plain-at-the-end"),
    True: ("plain-streamed",),
}
"""The probes of the plain question, unary and streamed: what they meet is met by whatever is asked."""

_EVERY_CONTROL = CONTROLS[False] + CONTROLS[True]
_SAYS = ("candidates", "promptFeedback", "usageMetadata")


def is_readable(reply: Reply) -> bool:
    """Return whether the reply is an answer of the API that was asked, with anything in it."""
    if not reply.ok or reply.resource.name != "response":
        return reply.ok
    return any(chunk.body.get(name) for chunk in reply.chunks for name in _SAYS)


def answers_the_plain_question(replies: Sequence[Reply]) -> bool:
    """Return whether a right question is answered: without that no refusal shows anything.

    That is the plain question where it was asked, else any question that Google answers.
    """
    asked = [reply for reply in replies if reply.probe in _EVERY_CONTROL]
    asked = asked or [reply for reply in replies if not must_fail(reply)]
    return any(is_readable(reply) and reply.resource.name == "response" for reply in asked)


def takes_whatever_comes(replies: Sequence[Reply]) -> bool:
    """Return whether questions that Google refuses were asked, and none of them was turned down."""
    wrong = [reply for reply in replies if must_fail(reply) and reply.resource.name == "response"]
    return any(map(is_readable, wrong)) and not any(map(turned_down, wrong))


# --- whose error it is ---

_CODE = re.compile(r"\b(?:OK-|gemini-none-|none-)[0-9a-f]{6}\b")
_LONGEST = 2000  # characters of a message that are looked at
_SHORTEST = 5  # letters of a name that does not stand in a message by chance
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


def _message(reply: Reply) -> str:
    return reply.error.message[:_LONGEST] if reply.error else ""


def _numberless(message: str) -> str:
    """Return a message without its numbers, such as the seconds to wait."""
    return re.sub(r"\d+", "0", message)


def _refusal(reply: Reply) -> tuple[int, str]:
    return reply.status, _numberless(_message(reply))


def _source(reply: Reply, alike: Sequence[Reply], own: Mapping[str, frozenset[str]]) -> Reply | None:
    """Return the reply to the other question of which this one's error speaks, or None."""
    said, mine = fold(_message(reply)), fold(_sent(reply))
    for other in alike:
        if other.probe != reply.probe and any(name in said and name not in mine for name in own[other.id]):
            return other
    return None


def quoting(replies: Sequence[Reply]) -> dict[str, str]:
    """Return the ids of refusals that repeat another question's error, each with that question's probe.

    Such an error names something that the other request holds and its own does not: a code, which stands in no other
    request, or a name, and then it has the words of the other error too. Servers that lock a model after a refusal
    answer so for a while.
    """
    codes = {code: reply.probe for reply in replies for code in _CODE.findall(_sent(reply))}
    found: dict[str, str] = {}
    for reply in replies:
        strange = [code for code in _CODE.findall(_message(reply)) if code not in _sent(reply)]
        if turned_down(reply) and strange and codes.get(strange[0], reply.probe) != reply.probe:
            found[reply.id] = codes[strange[0]]
    return _quoted_names(replies) | found


def _quoted_names(replies: Sequence[Reply]) -> dict[str, str]:
    found: dict[str, str] = {}
    for alike in _by_words(replies).values():
        own = {reply.id: _own(reply) for reply in alike} if len(alike) > 1 else {}
        sources = ((reply, _source(reply, alike, own)) for reply in alike)
        found |= {reply.id: other.probe for reply, other in sources if other is not None}
    return found


def _by_words(replies: Sequence[Reply]) -> dict[str, list[Reply]]:
    """Return the refusals with a message, by its words, in the order in which they were asked."""
    errors = [reply for reply in replies if turned_down(reply) and _message(reply)]
    found: dict[str, list[Reply]] = {}
    for reply in sorted(errors, key=lambda one: one.exchange.started_at):
        found.setdefault(_numberless(_message(reply)), []).append(reply)
    return found


# --- refusals ---

_KEY_WORDS = re.compile(
    r"\b(api[ _-]?keys?|credentials?|unregistered callers|unauthenticated|unauthori[sz]ed)\b", re.IGNORECASE
)
_OF_KEYS = (401, 402, 403, 407)
_OF_ROUTES = (404, 405, 410)


def _is_about_the_key(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the question differs from those that are answered in the key that it carries."""
    key = reply.exchange.request.key
    return not any(other.exchange.request.key == key for other in replies if is_readable(other))


def _fits(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the status and the words of a refusal can be those of what is wrong with its question."""
    wanted = statuses(reply.exchange.expected)
    if reply.status in wanted or _is_about_the_key(reply, replies):
        fits = True
    elif reply.status in _OF_ROUTES:
        fits = any(status in _OF_ROUTES for status in wanted)
    else:
        fits = reply.status not in _OF_KEYS
    blames_the_key = _KEY_WORDS.search(_message(reply)) and not _names_its_fault(reply, replies)
    return fits and not (blames_the_key and not _is_about_the_key(reply, replies))


def _names_its_fault(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the error names something that its own request holds, and that of the plain question does not."""
    plain = next((other for other in replies if other.probe in _EVERY_CONTROL), reply)
    said, usual = fold(_message(reply)), fold(_sent(plain))
    return any(name in said and name not in usual for name in _own(reply))


def is_met_by_the_plain_question(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the plain question got the same status and the same words."""
    controls = [other for other in replies if other.probe in CONTROLS[reply.streamed] and other is not reply]
    return any(_refusal(other) == _refusal(reply) for other in controls)


def doubt(reply: Reply, replies: Sequence[Reply], quotes: Mapping[str, str]) -> Aside | None:
    """Return why a reply does not show that its question is refused; None where it shows it.

    `replies` are all those of the provider, `quotes` what `quoting` says of them.
    """
    refused = turned_down(reply) or (whole(reply) and reply.status < 300 and reply.kind is Kind.ERROR)
    said = f"{reply.probe}: {words(reply)}"
    if not refused:
        return Aside(Outcome.BLOCKED, f"{said}: that is no refusal")
    if not answers_the_plain_question(replies):
        return Aside(
            Outcome.BLOCKED, "the plain question is not answered either, so that a refusal shows nothing"
        )
    if reply.id in quotes:
        return Aside(Outcome.INCONCLUSIVE, f"{said}: that is the error of {quotes[reply.id]}")
    if is_met_by_the_plain_question(reply, replies):
        return Aside(Outcome.INCONCLUSIVE, f"{said}: the plain question is refused in the same way")
    return None if _fits(reply, replies) else Aside(Outcome.INCONCLUSIVE, f"{said}: that is another fault")


def doubts(looked_at: Sequence[Reply], replies: Sequence[Reply], quotes: Mapping[str, str]) -> list[Aside]:
    """Return, for each question of which no reply shows that it is refused, why; empty where each was refused."""
    found = []
    for probe in dict.fromkeys(reply.probe for reply in looked_at):
        each = [doubt(reply, replies, quotes) for reply in looked_at if reply.probe == probe]
        if None not in each:
            found.append(each[-1])
    return [one for one in found if one is not None]


_OF_REFUSALS = (Rests.REFUSAL, Rests.EACH_REFUSAL, Rests.EITHER)


def lacking_proof(
    rule: Rule, looked_at: Sequence[Reply], replies: Sequence[Reply], quotes: Mapping[str, str]
) -> Aside | None:
    """Return what a pass of a rule that looked at those replies would lack to rest on; None where it lacks nothing."""
    read = any(map(is_readable, looked_at))
    if rule.rests in (Rests.ANSWER, Rests.ACCEPTANCE) and not read:
        return Aside(Outcome.BLOCKED, "nothing that it looked at is an answer that could be read")
    if rule.rests is Rests.ACCEPTANCE and takes_whatever_comes(replies):
        return Aside(Outcome.BLOCKED, "whatever is wrong is taken too, so that taking this shows nothing")
    if rule.rests not in _OF_REFUSALS or (rule.rests is Rests.EITHER and read):
        return None
    found = doubts(looked_at, replies, quotes)
    some = len(found) < len({reply.probe for reply in looked_at})
    return found[0] if found and (rule.rests is Rests.EACH_REFUSAL or not some) else None


# --- refusals that tell nothing of their question ---


def _moods(replies: Sequence[Reply]) -> list[Reply]:
    """Return the refusals of the plain question where it is answered at other times."""
    asked = [[reply for reply in replies if reply.probe in probes] for probes in CONTROLS.values()]
    answered = [several for several in asked if any(map(is_readable, several))]
    return [reply for several in answered for reply in several if turned_down(reply)]


def _repeated(replies: Sequence[Reply], quotes: Mapping[str, str]) -> dict[str, str]:
    """Return the refusals of a vendor that is locked at times which have the words of an earlier one, and why they go."""
    if all(must_fail(reply) for reply in replies if reply.id in quotes):
        return {}
    sources = dict(quotes)
    unclear: dict[str, str] = {}
    for first, *others in _by_words(replies).values():
        alike = {reply.id: first.probe for reply in others if reply.probe != first.probe}
        sources |= {**alike, **quotes}
        own = _names_its_fault(first, replies) or _is_about_the_key(first, replies)
        if not own and not all(map(must_fail, others)):
            unclear[first.id] = "right questions are refused in the same words"
    return {
        id_: f"its error is that of another question, {other}" for id_, other in sources.items()
    } | unclear


def unrelated(replies: Sequence[Reply]) -> dict[str, str]:
    """Return the ids of refusals that accuse nobody, and why: the vendor was in a mood, or locked, when it gave them.

    A vendor that repeats an error only where there is something to refuse is not locked: what it refuses, it refuses.
    """
    moods = {_refusal(reply) for reply in _moods(replies)}
    why = "the plain question, which is answered at other times, is refused in the same way"
    of_moods = [reply for reply in replies if _refusal(reply) in moods and reply.probe not in _EVERY_CONTROL]
    return _repeated(replies, quoting(replies)) | {reply.id: why for reply in of_moods}
