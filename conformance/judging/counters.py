"""The counters of an answer: which blocks say something, what they add up to, and whether thoughts are in two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from conformance.judging.contents import asked_model
from conformance.judging.habits import uses_server_tools
from conformance.judging.values import is_integer
from conformance.model import JSON
from conformance.reading.reply import Chunk, Reply

PARTS = ("promptTokenCount", "candidatesTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount")
COUNTERS = (*PARTS, "totalTokenCount", "cachedContentTokenCount")
_ROOM = 16  # tokens that an answer may have beside its text: turns, white space, what is not shown

Block = Mapping[str, JSON]


def blocks(reply: Reply) -> Iterator[tuple[Chunk, Block]]:
    """Yield the usage blocks that say something, with counters that are numbers; the others belong to the rule on types."""
    for chunk in reply.chunks:
        usage = chunk.body.get("usageMetadata")
        if isinstance(usage, dict) and all(
            is_integer(usage[name]) for name in COUNTERS if usage.get(name) is not None
        ):
            yield chunk, usage


def count(block: Block, name: str) -> int:
    """Return a counter of a block, 0 where it is absent or no number."""
    value = block.get(name)
    return value if isinstance(value, int) else 0


def summed(block: Block) -> int:
    """Return what the total ought to be: what is absent counts as nothing."""
    return sum(count(block, name) for name in PARTS)


def last_block(reply: Reply) -> tuple[Chunk, Block] | None:
    """Return the last block with a total or a prompt in it, and its chunk."""
    found = [
        (chunk, block)
        for chunk, block in blocks(reply)
        if "totalTokenCount" in block or "promptTokenCount" in block
    ]
    return found[-1] if found else None


def folds(block: Block) -> bool:
    """Return whether thoughts are named and the total holds without them: another counter may have them already."""
    thoughts = count(block, "thoughtsTokenCount")
    return thoughts > 0 and count(block, "totalTokenCount") == summed(block) - thoughts


def forgets(block: Block) -> bool:
    """Return whether the total leaves thoughts out that no other counter has room for."""
    fits = max(count(block, "candidatesTokenCount"), count(block, "promptTokenCount"))
    return folds(block) and fits < count(block, "thoughtsTokenCount")


def counts_twice(reply: Reply, block: Block) -> bool:
    """Return whether the answer's counter has the thoughts in it that stand beside it, though the total adds up.

    No token is less than a character, so a counter above them, with room for all thoughts, has more than the text.
    """
    spoken, thoughts = count(block, "candidatesTokenCount"), count(block, "thoughtsTokenCount")
    parts = [part for one in reply.candidates for part in one.parts]
    texts = [str(part["text"]) for part in parts if isinstance(part.get("text"), str)]
    shown = sum(len(text) for text in texts) if len(texts) == len(parts) else spoken
    # What a call that was never made, or an answer that was withheld, had cost is counted, and cannot be seen.
    told = bool(texts) and reply.first.finish_reason == "STOP"
    return told and 0 < thoughts <= spoken and spoken > shown + _ROOM


def says_much(reply: Reply) -> bool:
    """Return whether the answer has a text that cannot have cost nothing."""
    return len(reply.text) > 3


def _foreign(reply: Reply) -> str:
    """Say where else the answer speaks of tokens."""
    names = [
        f"{name}.{', '.join(list(value)[:4])}"
        for chunk in reply.chunks
        for name, value in chunk.body.items()
        if name != "usageMetadata" and "usage" in name.lower() and isinstance(value, dict)
    ]
    return f"; there is {names[-1]}" if names else ""


def _missing(reply: Reply) -> list[str]:
    spoken = ("candidatesTokenCount",) if says_much(reply) else ()
    return [name for name in ("promptTokenCount", "totalTokenCount", *spoken) if not reply.usage.get(name)]


_BRIEF = 20  # characters; Google counts nothing for some answers of one token


def is_brief(reply: Reply) -> bool:
    """Return whether an answer is so short that Google itself may count no tokens for it."""
    return len(reply.text.strip()) <= _BRIEF


def lacks_own_tokens_alone(reply: Reply) -> bool:
    """Return whether nothing but the answer's own tokens is left uncounted."""
    return bool(reply.usage) and _missing(reply) == ["candidatesTokenCount"]


def lacks_as_google_may(reply: Reply) -> bool:
    """Return whether what an answer leaves uncounted was seen at Google: its totals once, its own tokens when few.

    Built-in tools and models of the Gemma family count no output either. Whole blocks are missing only in answers of
    early 2024, which none but recorded traffic holds.
    """
    missing = set(_missing(reply))
    totals = {"promptTokenCount", "totalTokenCount"}
    spoken = missing - totals
    held = bool(missing) and spoken <= {"candidatesTokenCount"} and missing & totals in (set(), totals)
    if reply.exchange.captured:
        return held
    few = is_brief(reply) or uses_server_tools(reply) or counts_no_output(reply)
    return held and bool(reply.usage) and (few or not spoken)


def uncounted(reply: Reply) -> str:
    """Return in words which counters a finished answer lacks; "" where it says what it cost."""
    usage = reply.usage
    if not usage and any(isinstance(chunk.body.get("usageMetadata"), list | str) for chunk in reply.chunks):
        return ""  # it is there, in another type: the schema's matter
    if not usage:
        return f"no usageMetadata{_foreign(reply)}"
    missing = _missing(reply)
    negative = [name for name in COUNTERS if is_integer(usage.get(name)) and count(usage, name) < 0]
    if missing:
        return f"{', '.join(missing)}: absent or 0{_foreign(reply)}"
    return f"{', '.join(negative)}: below 0" if negative else ""


def counts_no_output(reply: Reply) -> bool:
    """Return whether this is a model of the Gemma family whose total is that of its prompt, as Google counts them."""
    total = count(reply.usage, "totalTokenCount")
    same = total > 0 and total == count(reply.usage, "promptTokenCount")
    return same and re.search(r"\bgemma\b", asked_model(reply), re.IGNORECASE) is not None


_EARLY = re.compile(r"gemini-2\.5-\w+-(preview|exp)-0[34]-\d\d\b")


def is_early_preview(reply: Reply) -> bool:
    """Return whether a preview of March or April 2025 was asked or answers: Google counted their thoughts with the text."""
    named = (asked_model(reply), *(str(chunk.body.get("modelVersion")) for chunk in reply.chunks))
    return any(_EARLY.search(name) for name in named)


def hides_thoughts(reply: Reply) -> bool:
    """Return whether thoughts were shown and no block counts any by name; Google's last one may leave them out."""
    every = [block for _, block in blocks(reply)]
    return bool(reply.first.thoughts and every) and not any(count(one, "thoughtsTokenCount") for one in every)


def spoken_counts(reply: Reply) -> list[int]:
    """Return what the blocks of a stream say of the answer's own tokens, where they say anything."""
    told = [block for _, block in blocks(reply) if block.get("candidatesTokenCount") is not None]
    return [count(block, "candidatesTokenCount") for block in told]


def falls(reply: Reply) -> str:
    """Return in words how a counter falls within a stream; "" where all grow."""
    for name in ("candidatesTokenCount", "totalTokenCount"):
        counts = [count(block, name) for _, block in blocks(reply) if block.get(name) is not None]
        if any(after < before for before, after in pairwise(counts)):
            return f"{name} goes {', '.join(map(str, counts[-6:]))}"
    return ""


def falls_short(reply: Reply) -> str:
    """Return in words how the answer's counter ends far below what was said; "" where it fits the text."""
    counts = [
        block["candidatesTokenCount"] for _, block in blocks(reply) if block.get("candidatesTokenCount")
    ]
    # Thoughts that are not marked as such are among the words.
    spent = int(str(counts[-1])) + reply.count("thoughtsTokenCount") if counts else 0
    words = len(reply.text.split())
    return f"candidatesTokenCount ends at {counts[-1]} for {words} words" if 0 < spent < words / 2 else ""
