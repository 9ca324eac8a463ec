"""What the counters of one answer show: which are missing, which are too small, and where thoughts are counted."""

from __future__ import annotations

import re
from itertools import pairwise

from conformance.judging.contents import read_asked_model
from conformance.judging.counters import COUNTERS, UsageBlock, find_usage_blocks
from conformance.judging.habits import uses_server_tools
from conformance.judging.values import is_integer
from conformance.reading.reply import Reply

_BESIDE_THE_TEXT = 16  # tokens that an answer may have beside its text: turns, white space, what is not shown
_BRIEF = 20  # characters; Google counts nothing for some answers of one token
_TOTALS = {"promptTokenCount", "totalTokenCount"}


def find_last_block(reply: Reply) -> UsageBlock | None:
    """Return the last block with a total or a prompt in it."""
    found = [block for block in find_usage_blocks(reply) if _TOTALS & set(block.members)]
    return found[-1] if found else None


def total_excludes_thoughts(block: UsageBlock) -> bool:
    """Return whether thoughts are counted, and the total holds only without them.

    Another counter may include them already.
    """
    thoughts = block.count("thoughtsTokenCount")
    return thoughts > 0 and block.count("totalTokenCount") == block.expected_total - thoughts


def total_omits_thoughts(block: UsageBlock) -> bool:
    """Return whether the total leaves out thoughts that no other counter is large enough to include."""
    largest = max(block.count("candidatesTokenCount"), block.count("promptTokenCount"))
    return total_excludes_thoughts(block) and largest < block.count("thoughtsTokenCount")


def counts_thoughts_twice(block: UsageBlock) -> bool:
    """Return whether the answer's own counter includes the thoughts that are counted beside it.

    A token has at least one character, so a counter above the number of characters, with room for all thoughts,
    counts more than the text.
    """
    spoken, thoughts = block.count("candidatesTokenCount"), block.count("thoughtsTokenCount")
    parts = [part for one in block.reply.candidates for part in one.parts]
    texts = [str(part["text"]) for part in parts if isinstance(part.get("text"), str)]
    characters = sum(len(text) for text in texts) if len(texts) == len(parts) else spoken
    # The tokens of a call that was never made, or of an answer that was withheld, are counted and cannot be seen.
    complete = bool(texts) and block.reply.first.finish_reason == "STOP"
    return complete and 0 < thoughts <= spoken and spoken > characters + _BESIDE_THE_TEXT


def has_countable_text(reply: Reply) -> bool:
    """Return whether the answer has a text that must have cost at least one token."""
    return len(reply.text) > 3


def is_brief(reply: Reply) -> bool:
    """Return whether an answer is so short that Google itself may count no tokens for it."""
    return len(reply.text.strip()) <= _BRIEF


def _find_missing_counters(reply: Reply) -> list[str]:
    spoken = ("candidatesTokenCount",) if has_countable_text(reply) else ()
    return [name for name in ("promptTokenCount", "totalTokenCount", *spoken) if not reply.usage.get(name)]


def lacks_only_its_own_tokens(reply: Reply) -> bool:
    """Return whether the answer's own tokens are the only ones left uncounted."""
    return bool(reply.usage) and _find_missing_counters(reply) == ["candidatesTokenCount"]


def lacks_what_google_may_lack(reply: Reply) -> bool:
    """Return whether Google was seen to leave out the same counters: both totals once, an answer's own tokens if few.

    Answers of built-in tools and of the Gemma family do not count their output either. Only answers of early 2024 lack
    the whole block, and only recorded traffic contains those.
    """
    missing = set(_find_missing_counters(reply))
    spoken = missing - _TOTALS
    seen = bool(missing) and spoken <= {"candidatesTokenCount"} and missing & _TOTALS in (set(), _TOTALS)
    if reply.exchange.captured:
        return seen
    few = is_brief(reply) or uses_server_tools(reply) or counts_no_output(reply)
    return seen and bool(reply.usage) and (few or not spoken)


def describe_missing_counters(reply: Reply) -> str:
    """Say which counters a finished answer lacks; "" if it has all of them, or a usage of another JSON type."""
    usage = reply.usage
    if not usage and any(isinstance(chunk.body.get("usageMetadata"), list | str) for chunk in reply.chunks):
        return ""
    elsewhere = [
        f"; there is {name}.{', '.join(list(value)[:4])}"
        for chunk in reply.chunks
        for name, value in chunk.body.items()
        if name != "usageMetadata" and "usage" in name.lower() and isinstance(value, dict)
    ]
    hint = elsewhere[-1] if elsewhere else ""
    if not usage:
        return f"no usageMetadata{hint}"
    if missing := _find_missing_counters(reply):
        return f"{', '.join(missing)}: absent or 0{hint}"
    negative = [name for name in COUNTERS if is_integer(usage.get(name)) and reply.count(name) < 0]
    return f"{', '.join(negative)}: below 0" if negative else ""


def counts_no_output(reply: Reply) -> bool:
    """Return whether this is a model of the Gemma family whose total is that of its prompt, as Google counts them."""
    total = reply.count("totalTokenCount")
    same = total > 0 and total == reply.count("promptTokenCount")
    return same and re.search(r"\bgemma\b", read_asked_model(reply), re.IGNORECASE) is not None


_EARLY = re.compile(r"gemini-2\.5-\w+-(preview|exp)-0[34]-\d\d\b")


def is_early_preview(reply: Reply) -> bool:
    """Return whether a preview of March or April 2025 was asked or answers.

    Google counted their thoughts among the tokens of the answer.
    """
    names = (read_asked_model(reply), *(str(chunk.body.get("modelVersion")) for chunk in reply.chunks))
    return any(map(_EARLY.search, names))


def hides_thoughts(reply: Reply) -> bool:
    """Return whether thoughts were returned that no block counts; Google's last block alone may leave them out."""
    every = list(find_usage_blocks(reply))
    return bool(reply.first.thoughts and every) and not any(one.count("thoughtsTokenCount") for one in every)


def list_counts(reply: Reply, name: str) -> list[int]:
    """Return the values of one counter in the blocks of a stream that have it."""
    return [block.count(name) for block in find_usage_blocks(reply) if block.members.get(name) is not None]


def describe_falling_counter(reply: Reply) -> str:
    """Say how a counter falls within a stream; "" if all of them grow."""
    for name in ("candidatesTokenCount", "totalTokenCount"):
        counts = list_counts(reply, name)
        if any(after < before for before, after in pairwise(counts)):
            return f"{name} goes {', '.join(map(str, counts[-6:]))}"
    return ""


def describe_short_count(reply: Reply) -> str:
    """Say how the answer's counter ends far below its number of words; "" if it fits the text."""
    counts = [count for count in list_counts(reply, "candidatesTokenCount") if count]
    # Thoughts that are not marked as such are among the words.
    spent = counts[-1] + reply.count("thoughtsTokenCount") if counts else 0
    words = len(reply.text.split())
    return f"candidatesTokenCount ends at {counts[-1]} for {words} words" if 0 < spent < words / 2 else ""
