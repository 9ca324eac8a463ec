"""Whether a reply does what its question asks: each expectation that was recorded with the question has a test here.

An expectation is a member of `Question.expected`; the names are the keys of `_TESTS` below, and `status`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from conformance.judging.endings import ends_at_limit, is_out_of_room, is_prompt_blocked, is_withheld
from conformance.model import JSON
from conformance.reading.reply import Reply

UNDERSTOOD = "understood"
"""The expectation of a question that takes understanding: True if obeying shows it, else the word that the answer or the
arguments of its call must contain.
"""


class Fulfilment(StrEnum):
    """What became of the expectations of a question."""

    MET = "met"
    UNMET = "unmet"
    CUT = "cut"  # unmet, but thinking, a limit or a filter ended the answer
    UNREAD = "unread"  # there is no answer to judge


@dataclass(frozen=True)
class Obedience:
    """Whether the model did what was asked, and what it did instead."""

    verdict: Fulfilment
    detail: str = ""


def has_expected_status(reply: Reply) -> bool:
    """Return whether the reply is whole and has a status that a right answer may have."""
    return reply.exchange.failure is None and reply.status in reply.exchange.expected_statuses


def parse_json_text(text: str) -> JSON:
    """Return the JSON in a text, or None; a fenced code block is not JSON."""
    try:
        value: JSON = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def list_asked_texts(reply: Reply) -> list[str]:
    """Return the texts of the question's last turn."""
    request = reply.request_body
    turns = request.get("contents") if isinstance(request, dict) else None
    last = turns[-1] if isinstance(turns, list) and turns else None
    parts = last.get("parts") if isinstance(last, dict) else None
    texts = [part.get("text") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return [text for text in texts if isinstance(text, str) and text]


def remove_echo(reply: Reply) -> str:
    """Return the answer's text without the question in it: a server that only repeats the question does not obey."""
    text = reply.text
    for asked in list_asked_texts(reply):
        text = re.sub(re.escape(asked), "", text, flags=re.IGNORECASE)
    return text


def _lacks_text(wanted: JSON, reply: Reply) -> str:
    return "" if str(wanted) in remove_echo(reply) else _quote_text(reply, wanted)


def _differs_from(wanted: JSON, reply: Reply) -> str:
    return "" if reply.text.strip() == str(wanted).strip() else _quote_text(reply, wanted)


def _quote_text(reply: Reply, wanted: JSON) -> str:
    return f"the text is {reply.text[:120]!r}; {wanted!r} was asked for"


def _lacks_word(wanted: JSON, reply: Reply) -> str:
    """Expect one word, or any of several that mean the same."""
    words = wanted if isinstance(wanted, list) and wanted else [wanted]
    said = any(str(word).casefold() in reply.text.casefold() for word in words)
    return "" if said else f"the text is {reply.text[:120]!r}, not {words[0]!r}"


def _ends_otherwise(wanted: JSON, reply: Reply) -> str:
    got = reply.first.finish_reason
    fine = got == wanted or (wanted == "MAX_TOKENS" and ends_at_limit(reply))
    return "" if fine else f"the finish reason is {got!r}, not {wanted!r}"


def _hides_limit(whole: JSON, reply: Reply) -> str:
    """Accept an answer that the limit did not cut: other questions test whether a limit has an effect."""
    fine = ends_at_limit(reply) or str(whole) in reply.text
    return "" if fine else f"the finish reason of what was cut is {reply.first.finish_reason!r}"


def _calls_otherwise(wanted: JSON, reply: Reply) -> str:
    names = [call.get("name") for call in reply.first.calls]
    allowed = wanted if isinstance(wanted, list) else [wanted]
    fine = names and all(name in allowed for name in names)
    return "" if fine else f"the functions called are {names}; {allowed} was asked for"


def _miscounts_calls(wanted: JSON, reply: Reply) -> str:
    got = len(reply.first.calls)
    return "" if got == wanted else f"{got} calls instead of {wanted}"


def _calls_anything(_wanted: JSON, reply: Reply) -> str:
    return "a function was called" if reply.first.calls else ""


def _lacks_arguments(wanted: JSON, reply: Reply) -> str:
    got = [call.get("args") for call in reply.first.calls]
    names = set(wanted) if isinstance(wanted, dict) else set()
    right = any(isinstance(args, dict) and names <= set(args) for args in got)
    return "" if right else f"the arguments are {json.dumps(got)[:200]}; {sorted(names)} were asked for"


def _lacks_json(wanted: JSON, reply: Reply) -> str:
    got = parse_json_text(reply.text)
    if not isinstance(got, dict) or not isinstance(wanted, dict):
        return f"the text is not the JSON object that the schema asks for: {reply.text[:120]!r}"
    wrong = [
        name for name, value in wanted.items() if _get_json_type(got.get(name)) is not _get_json_type(value)
    ]
    return f"{', '.join(wrong)}: missing or of another type in {reply.text[:120]!r}" if wrong else ""


def _get_json_type(value: JSON) -> type:
    """Return the type of a JSON value; 7.0 is an integer to JSON Schema."""
    return int if isinstance(value, float) and value.is_integer() else type(value)


def _miscounts_candidates(wanted: JSON, reply: Reply) -> str:
    got = len(reply.candidates)
    return "" if got == wanted else f"{got} candidates instead of {wanted}"


def _lacks_thoughts(_wanted: JSON, reply: Reply) -> str:
    return "" if reply.first.thoughts else "no part is marked as a thought"


def _has_thoughts(_wanted: JSON, reply: Reply) -> str:
    tokens = reply.count("thoughtsTokenCount")
    return f"{tokens} tokens of thoughts" if tokens > 0 or reply.first.thoughts else ""


# Each test returns what the reply did instead; "" if it did what was asked.
_TESTS: Mapping[str, Callable[[JSON, Reply], str]] = {
    "text": _lacks_text, "exact": _differs_from, "word": _lacks_word, "finish": _ends_otherwise, "cut": _hides_limit,
    "call": _calls_otherwise, "calls": _miscounts_calls, "no_call": _calls_anything, "args": _lacks_arguments,
    "json": _lacks_json, "candidates": _miscounts_candidates, "thoughts": _lacks_thoughts, "no_thoughts": _has_thoughts,
}  # fmt: skip


def check_obedience(reply: Reply) -> Obedience:
    """Return whether the reply does what its question asks, by the recorded expectations."""
    expected = reply.exchange.expected
    if not reply.ok:
        return Obedience(Fulfilment.UNREAD, "there is no answer to judge")
    if not reply.candidates and not is_prompt_blocked(reply):
        return Obedience(Fulfilment.UNREAD, "there is no candidate to judge")
    found = (test(expected[name], reply) for name, test in _TESTS.items() if name in expected)
    missed = "; ".join(filter(None, found))
    if not missed:
        return Obedience(Fulfilment.MET)
    cut = is_out_of_room(reply) or is_withheld(reply)
    return Obedience(Fulfilment.CUT if cut else Fulfilment.UNMET, missed)


def obeys(reply: Reply) -> bool:
    """Return whether the reply does what its question asks."""
    return check_obedience(reply).verdict is Fulfilment.MET


def disobeys(reply: Reply) -> bool:
    """Return whether the reply could have done what its question asks, and did not."""
    return check_obedience(reply).verdict is Fulfilment.UNMET


def asks_for_obedience(expected: Mapping[str, JSON]) -> bool:
    """Return whether the expectations say anything about what the model does."""
    return any(name in _TESTS for name in expected)
