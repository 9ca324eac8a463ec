"""Whether an answer obeyed: the expectations of a question, held against its reply. Data in, a verdict out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from conformance.dialects.shapes import load_reference
from conformance.model import JSON
from conformance.reading.reply import Reply

MET, UNMET, CUT, UNREAD = "met", "unmet", "cut", "unread"

UNDERSTOOD = "understood"
"""The expectation of a question that takes understanding: True where obeying shows it, else the word that the answer
or the arguments of its call must contain."""


@dataclass(frozen=True)
class Obedience:
    """Whether the model did as it was told: met | unmet | cut (by thinking, a limit or a filter) | unread."""

    verdict: str
    detail: str = ""


def has_expected_status(reply: Reply) -> bool:
    """Return whether the question got the kind of answer it asks for, obedience aside."""
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
    """Return the answer's text without the question in it: a server that repeats what it is asked obeys nobody."""
    text = reply.text
    for asked in list_asked_texts(reply):
        text = re.sub(re.escape(asked), "", text, flags=re.IGNORECASE)
    return text


def _text(wanted: JSON, reply: Reply) -> str:
    return (
        "" if str(wanted) in remove_echo(reply) else f"the text is {reply.text[:120]!r}, asked was {wanted!r}"
    )


def _exact(wanted: JSON, reply: Reply) -> str:
    return (
        ""
        if reply.text.strip() == str(wanted).strip()
        else f"the text is {reply.text[:120]!r}, asked was {wanted!r}"
    )


def _word(wanted: JSON, reply: Reply) -> str:
    """One word, or any of several that mean the same."""
    words = wanted if isinstance(wanted, list) and wanted else [wanted]
    said = any(str(word).casefold() in reply.text.casefold() for word in words)
    return "" if said else f"the text is {reply.text[:120]!r}, not {words[0]!r}"


_LIMIT = ("maxtokens", "maxoutputtokens", "length", "2")  # MAX_TOKENS as others spell it, and its number


def ends_at_limit(reply: Reply) -> bool:
    """Return whether the answer says that a limit ended it, in whatever spelling: which one is another rule's matter."""
    return re.sub(r"[^a-z0-9]", "", str(reply.first.finish_reason).lower()) in _LIMIT


CHARS_OF_FIVE_TOKENS = 60  # characters; five tokens of numbers are some fifteen


def keeps_limit_of_five(reply: Reply) -> bool:
    """Return whether a limit of five tokens took effect on a row of numbers, whatever the answer says of it."""
    text = reply.text.strip()
    return ends_at_limit(reply) or (text.startswith("1") and len(text) <= CHARS_OF_FIVE_TOKENS)


def _finish(wanted: JSON, reply: Reply) -> str:
    got = reply.first.finish_reason
    return (
        ""
        if got == wanted or (wanted == "MAX_TOKENS" and ends_at_limit(reply))
        else f"the finish reason is {got!r}, not {wanted!r}"
    )


def _cut(whole: JSON, reply: Reply) -> str:
    """The limit ended it, and it says so; or the limit had no effect at all, which other questions tell."""
    reason = reply.first.finish_reason
    fine = ends_at_limit(reply) or str(whole) in reply.text
    return "" if fine else f"the finish reason of what was cut is {reason!r}"


def _call(wanted: JSON, reply: Reply) -> str:
    names = [call.get("name") for call in reply.first.calls]
    allowed = wanted if isinstance(wanted, list) else [wanted]
    return (
        ""
        if names and all(name in allowed for name in names)
        else f"called were {names}, asked was {allowed}"
    )


def _calls(wanted: JSON, reply: Reply) -> str:
    got = len(reply.first.calls)
    return "" if got == wanted else f"{got} calls came, asked were {wanted}"


def _no_call(_wanted: JSON, reply: Reply) -> str:
    return "a function was called" if reply.first.calls else ""


def _args(wanted: JSON, reply: Reply) -> str:
    got = [call.get("args") for call in reply.first.calls]
    names = set(wanted) if isinstance(wanted, dict) else set()
    right = any(isinstance(args, dict) and names <= set(args) for args in got)
    return "" if right else f"the arguments are {json.dumps(got)[:200]}, asked were {sorted(names)}"


def _kind(value: JSON) -> type:
    """The type of a JSON value; 7.0 is an integer to JSON Schema."""
    return int if isinstance(value, float) and value.is_integer() else type(value)


def _json(wanted: JSON, reply: Reply) -> str:
    got = parse_json_text(reply.text)
    if not isinstance(got, dict) or not isinstance(wanted, dict):
        return f"the text is not the JSON object that the schema asks for: {reply.text[:120]!r}"
    wrong = [name for name, value in wanted.items() if _kind(got.get(name)) is not _kind(value)]
    return f"{', '.join(wrong)}: missing or of another type in {reply.text[:120]!r}" if wrong else ""


def _candidates(wanted: JSON, reply: Reply) -> str:
    got = len(reply.candidates)
    return "" if got == wanted else f"{got} candidates came, asked were {wanted}"


def _thoughts(_wanted: JSON, reply: Reply) -> str:
    return "" if reply.first.thoughts else "no part is marked as a thought"


def _no_thoughts(_wanted: JSON, reply: Reply) -> str:
    tokens = reply.count("thoughtsTokenCount")
    return f"{tokens} tokens of thoughts" if tokens > 0 or reply.first.thoughts else ""


_TABLE: Mapping[str, Callable[[JSON, Reply], str]] = {
    "text": _text, "exact": _exact, "word": _word, "finish": _finish, "cut": _cut, "call": _call, "calls": _calls,
    "no_call": _no_call, "args": _args, "json": _json, "candidates": _candidates, "thoughts": _thoughts,
    "no_thoughts": _no_thoughts,
}  # fmt: skip


def is_out_of_room(reply: Reply) -> bool:
    """No room: the answer ended at its limit although no small limit was asked, or thinking ate it all."""
    return ends_at_limit(reply) and reply.exchange.expected.get("finish") != "MAX_TOKENS"


_ENDED = ("STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED")  # the reasons that are no filter's
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


@cache
def _filters() -> frozenset[str]:
    """Google's names for an answer that a filter, or a call that the model wrote wrongly, has ended."""
    candidate = load_reference().response.properties["candidates"].items
    return frozenset(candidate.properties["finishReason"].enum if candidate else ()) - set(_ENDED)


def ends_by_filter(reply: Reply) -> bool:
    """Return whether the reason is a filter's, or the one that says nothing: neither the end nor a limit."""
    return reply.first.finish_reason in {*_filters(), _ENDED[-1]}


def is_prompt_blocked(reply: Reply) -> bool:
    """Return whether the prompt was blocked, as Google says it: promptFeedback with a blockReason."""
    feedback = [chunk.body.get("promptFeedback") for chunk in reply.chunks]
    reasons = [str(one.get("blockReason") or "") for one in feedback if isinstance(one, dict)]
    return any(reason and not reason.endswith("_UNSPECIFIED") for reason in reasons)


def is_withheld(reply: Reply) -> bool:
    """Return whether a filter blocked the prompt or ended the answer, or the model spoilt its own call.

    Which prompts a filter strikes, and what a model spoils, says nothing of who carried the question. Names of
    reasons are an open list: one that is not known, on an answer without any content, is taken for a filter's.
    """
    reason = reply.first.finish_reason
    if not isinstance(reason, str):
        return is_prompt_blocked(reply)
    unknown = reason not in _ENDED and _NAME.fullmatch(reason) is not None
    return is_prompt_blocked(reply) or reason in _filters() or (unknown and not has_content(reply))


def has_content(reply: Reply) -> bool:
    """Return whether the answer has a text that is no thought, or a call."""
    return bool(reply.text or reply.first.calls)


def check_obedience(reply: Reply) -> Obedience:
    """Return whether the reply does what its question asked, by the recorded expectations."""
    expected = reply.exchange.expected
    if not reply.ok:
        return Obedience(UNREAD, "there is no answer to judge")
    if not reply.candidates and not is_prompt_blocked(reply):
        return Obedience(UNREAD, "there is no candidate to judge")
    missed = [
        said for name, test in _TABLE.items() if name in expected and (said := test(expected[name], reply))
    ]
    if not missed:
        return Obedience(MET)
    return Obedience(CUT if is_out_of_room(reply) or is_withheld(reply) else UNMET, "; ".join(missed))


def asks_for_obedience(expected: Mapping[str, JSON]) -> bool:
    """Return whether the expectations say anything about what the model does."""
    return any(name in _TABLE for name in expected)
