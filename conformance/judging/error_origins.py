"""Which question's error a refusal repeats: its own, another question's, or what a locked vendor answers to everything.

Some servers lock a model after a refusal, and answer every question with that error for a while. Such refusals show
nothing about the questions that got them.
"""

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

_CODE = re.compile(r"\b(?:OK-|gemini-none-|none-)[0-9a-f]{6}\b")  # each stands in the request of one question
_LONGEST = 2000  # characters of a message that are searched
_MOST = 50  # questions with the same error whose requests are searched
_SHORTEST = 5  # letters; a shorter name may be in a message by chance
# Other requests rightly contain what an error calls missing, so its name does not show that the error is about one of them.
_MISSING = re.compile(r"\b(missing|lacks?|requir\w+|must|needs?|specif\w+|provide\w*)\b", re.IGNORECASE)
_WORD = re.compile(rf"[A-Za-z][\w-]{{{_SHORTEST - 1},}}")


def read_message(reply: Reply) -> str:
    """Return the beginning of an error's message; "" if there is none."""
    return reply.error.message[:_LONGEST] if reply.error else ""


def read_refusal(reply: Reply) -> tuple[int, str]:
    """Return the status of a refusal, and its message with every number as 0: two of them can be compared."""
    return reply.status, _replace_numbers(read_message(reply))


def _replace_numbers(message: str) -> str:
    return re.sub(r"\d+", "0", message)


def find_accepted_keys(replies: Sequence[Reply]) -> frozenset[str]:
    """Return the ways to carry a key (`Request.key`) of the questions that were answered."""
    return frozenset(reply.exchange.request.key for reply in replies if is_readable(reply))


def names_its_fault(reply: Reply, replies: Sequence[Reply]) -> bool:
    """Return whether the error names something that its own request holds and that of the plain question does not."""
    plain = next((other for other in replies if other.probe in EVERY_CONTROL), reply)
    said, usual = fold(read_message(reply)), fold(_write_request(plain))
    return any(name in said and name not in usual for name in _list_names(reply))


def find_repeated_errors(replies: Sequence[Reply]) -> dict[str, str]:
    """Return the ids of refusals that repeat another question's error, each with that question's probe.

    Such an error names something that the other request holds and its own does not: a code, or a name in an error with
    the other error's words.
    """
    codes = {code: reply.probe for reply in replies for code in _CODE.findall(_write_request(reply))}
    found = _find_repeated_names(replies)
    for reply in (reply for reply in replies if reply.is_refusal):
        foreign = [code for code in _CODE.findall(read_message(reply)) if code not in _write_request(reply)]
        if foreign and codes.get(foreign[0], reply.probe) != reply.probe:
            found[reply.id] = codes[foreign[0]]
    return found


def _find_repeated_names(replies: Sequence[Reply]) -> dict[str, str]:
    found: dict[str, str] = {}
    for alike in _group_by_message(replies):
        first_of_each: dict[str, Reply] = {}
        for reply in alike:
            first_of_each.setdefault(reply.probe, reply)
        firsts = list(first_of_each.values())[:_MOST]
        names = {reply.id: _list_names(reply) for reply in firsts}
        sources = ((reply, _find_source(reply, firsts, names)) for reply in alike)
        found |= {reply.id: other.probe for reply, other in sources if other is not None}
    return found


def _find_source(reply: Reply, alike: Sequence[Reply], names: Mapping[str, frozenset[str]]) -> Reply | None:
    """Return the reply to another question that this reply's error is about, or None."""
    if _MISSING.search(read_message(reply)):
        return None
    said, own = fold(read_message(reply)), fold(_write_request(reply))
    for other in alike:
        if other.probe != reply.probe and any(name in said and name not in own for name in names[other.id]):
            return other
    return None


def _group_by_message(replies: Sequence[Reply]) -> list[list[Reply]]:
    """Return the refusals that have a message, in groups of the same message, each in the order of asking."""
    errors = [reply for reply in replies if reply.is_refusal and read_message(reply)]
    groups: dict[str, list[Reply]] = {}
    for reply in sorted(errors, key=lambda one: one.exchange.started_at):
        groups.setdefault(_replace_numbers(read_message(reply)), []).append(reply)
    return list(groups.values())


def _write_request(reply: Reply) -> str:
    request = reply.exchange.request
    return f"{request.path} {request.body.decode('utf-8', 'replace')}"


def _list_names(reply: Reply) -> frozenset[str]:
    """Return the folded names and codes of a request, by which an error shows that it is about that request."""
    path = reply.exchange.request.path.partition("?")[0].rpartition("/")[2]
    names = {*_iterate_names(reply.request_body), *_WORD.findall(path), *_CODE.findall(_write_request(reply))}
    return frozenset(fold(name) for name in names if len(name) >= _SHORTEST)


def _iterate_names(value: JSON) -> Iterator[str]:
    """Yield the keys of a request, and the words of its short strings, prompts excepted."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from _iterate_names(child) if key != "text" else ()
    elif isinstance(value, list):
        for child in value:
            yield from _iterate_names(child)
    elif isinstance(value, str) and len(value) < 100:
        yield from _WORD.findall(value)


def find_unrelated_refusals(replies: Sequence[Reply]) -> dict[str, str]:
    """Return the ids of refusals for which the vendor cannot be blamed, each with the reason.

    The vendor refused the plain question in the same way at times, or repeated the error of another question.
    """
    at_times = {read_refusal(reply) for reply in _find_refusals_at_times(replies)}
    reason = "the plain question, which is answered at other times, is refused in the same way"
    others = (reply for reply in replies if reply.probe not in EVERY_CONTROL)
    found = _find_refusals_of_locks(replies, find_repeated_errors(replies))
    return found | {reply.id: reason for reply in others if read_refusal(reply) in at_times}


def _find_refusals_at_times(replies: Sequence[Reply]) -> list[Reply]:
    """Return the refusals of the plain question if it is answered at other times.

    The last one is asked without an offer of compression: if it alone is answered, that may be the reason.
    """
    found: list[Reply] = []
    for probes in CONTROLS.values():
        asked = [reply for reply in replies if reply.probe in probes]
        if any(is_readable(reply) for reply in asked if reply.probe != AT_THE_END):
            found += [reply for reply in asked if reply.is_refusal]
    return found


def _find_refusals_of_locks(replies: Sequence[Reply], repeated: Mapping[str, str]) -> dict[str, str]:
    """Return the refusals that repeat the words of an earlier one, if the vendor is locked at times, each with the reason.

    A vendor that repeats an error only where there is something to refuse is not locked.
    """
    locked = any(reply.id in repeated and not reply.expects_refusal for reply in replies)
    if not (locked and answers_the_plain_question(replies)):
        return {}
    keys, sources = find_accepted_keys(replies), dict(repeated)
    unclear: dict[str, str] = {}
    for first, *others in _group_by_message(replies):
        sources |= {reply.id: first.probe for reply in others if reply.probe != first.probe}
        own = names_its_fault(first, replies) or first.exchange.request.key not in keys
        if not own and not all(reply.expects_refusal for reply in others):
            unclear[first.id] = "correct questions are refused in the same words"
    sources |= repeated
    reasons = {id_: f"its error repeats that of another question, {probe}" for id_, probe in sources.items()}
    return reasons | unclear
