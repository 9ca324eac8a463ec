"""The counters of an answer: which blocks say something, what they add up to, and whether thoughts are in two of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.judging.values import is_whole
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
            is_whole(usage[name]) for name in COUNTERS if usage.get(name) is not None
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
    return 0 < thoughts <= spoken and spoken > shown + _ROOM
