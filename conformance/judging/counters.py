"""The usage blocks of an answer, and the counters in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conformance.judging.locations import point_at
from conformance.judging.values import is_integer
from conformance.model import JSON, Level, Location
from conformance.reading.reply import Chunk, Reply

PARTS = ("promptTokenCount", "candidatesTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount")
COUNTERS = (*PARTS, "totalTokenCount", "cachedContentTokenCount")


@dataclass(frozen=True)
class UsageBlock:
    """One usageMetadata of a reply, all of whose counters are numbers or absent."""

    reply: Reply
    chunk: Chunk
    members: Mapping[str, JSON]

    def count(self, name: str) -> int:
        """Return a counter; 0 where it is absent."""
        value = self.members.get(name)
        return value if isinstance(value, int) else 0

    @property
    def expected_total(self) -> int:
        """What the total ought to be; an absent counter counts as 0."""
        return sum(map(self.count, PARTS))

    def point_at(self, name: str, expected: str, observed: str, level: Level | None = None) -> Location:
        """Return a counter as the location of a finding."""
        return point_at(self.reply, self.chunk, ("usageMetadata", name), expected, observed, level)


def find_usage_blocks(reply: Reply) -> Iterator[UsageBlock]:
    """Yield the usage blocks whose counters are numbers; schema/values-have-googles-types reports the others."""
    for chunk in reply.chunks:
        usage = chunk.body.get("usageMetadata")
        if isinstance(usage, dict) and all(
            is_integer(usage[name]) for name in COUNTERS if usage.get(name) is not None
        ):
            yield UsageBlock(reply, chunk, usage)
