"""Why an answer ended where it did: at its limit, by a filter, because the prompt was blocked, or because no tokens were left."""

from __future__ import annotations

import re
from functools import cache

from conformance.dialects.shapes import load_reference
from conformance.reading.reply import Reply

CHARS_OF_FIVE_TOKENS = 60  # at most; five tokens of numbers are some fifteen characters
_LIMIT = ("maxtokens", "maxoutputtokens", "length", "2")  # MAX_TOKENS as others spell it, and its number
_UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"
_NOT_OF_FILTERS = ("STOP", "MAX_TOKENS", _UNSPECIFIED)
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


def has_content(reply: Reply) -> bool:
    """Return whether the answer has a text that is not a thought, or a call."""
    return bool(reply.text or reply.first.calls)


def ends_at_limit(reply: Reply) -> bool:
    """Return whether the answer says, in any spelling, that a limit ended it."""
    return re.sub(r"[^a-z0-9]", "", str(reply.first.finish_reason).lower()) in _LIMIT


def keeps_limit_of_five(reply: Reply) -> bool:
    """Return whether a limit of five tokens took effect on a row of numbers, whatever the answer says about it."""
    text = reply.text.strip()
    return ends_at_limit(reply) or (text.startswith("1") and len(text) <= CHARS_OF_FIVE_TOKENS)


def is_out_of_room(reply: Reply) -> bool:
    """Return whether the answer ended at its limit although no small limit was asked, as when thinking used it up."""
    return ends_at_limit(reply) and reply.exchange.expected.get("finish") != "MAX_TOKENS"


@cache
def _list_filter_reasons() -> frozenset[str]:
    """Google's reasons for an answer that a filter ended, or a call that the model wrote wrongly."""
    candidate = load_reference().response.properties["candidates"].items
    return frozenset(candidate.properties["finishReason"].enum if candidate else ()) - set(_NOT_OF_FILTERS)


def ends_by_filter(reply: Reply) -> bool:
    """Return whether the finish reason is a filter's, or the unspecified one."""
    return reply.first.finish_reason in {*_list_filter_reasons(), _UNSPECIFIED}


def is_prompt_blocked(reply: Reply) -> bool:
    """Return whether the prompt was blocked in Google's form: promptFeedback with a blockReason."""
    feedback = [chunk.body.get("promptFeedback") for chunk in reply.chunks]
    reasons = [str(one.get("blockReason") or "") for one in feedback if isinstance(one, dict)]
    return any(reason and not reason.endswith("_UNSPECIFIED") for reason in reasons)


def is_withheld(reply: Reply) -> bool:
    """Return whether a filter blocked the prompt or ended the answer, or the model spoilt its own call.

    None of that is the vendor's doing. Finish reasons are an open list: an unknown one counts as a filter's if the
    answer has no content.
    """
    reason = reply.first.finish_reason
    if is_prompt_blocked(reply) or not isinstance(reason, str):
        return is_prompt_blocked(reply)
    unknown = reason not in _NOT_OF_FILTERS and _NAME.fullmatch(reason) is not None
    return reason in _list_filter_reasons() or (unknown and not has_content(reply))
