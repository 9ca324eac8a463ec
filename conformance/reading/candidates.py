"""The candidates of an answer, put together from the chunks in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.model import JSON


@dataclass(frozen=True)
class Candidate:
    """One candidate, its chunks put together."""

    index: int
    parts: tuple[Mapping[str, JSON], ...] = ()
    roles: tuple[JSON, ...] = ()
    finish_reasons: tuple[JSON, ...] = ()  # every one given, in order

    @property
    def text(self) -> str:
        """The answer's text, without thoughts."""
        return self._join_texts(thought=False)

    @property
    def thoughts(self) -> str:
        """The text of the parts that are marked as thoughts."""
        return self._join_texts(thought=True)

    def _join_texts(self, *, thought: bool) -> str:
        texts = [part.get("text") for part in self.parts if bool(part.get("thought")) is thought]
        return "".join(text for text in texts if isinstance(text, str))

    @property
    def calls(self) -> tuple[Mapping[str, JSON], ...]:
        """The function calls, in order."""
        found = (part.get("functionCall") for part in self.parts)
        return tuple(call for call in found if isinstance(call, dict))

    @property
    def finish_reason(self) -> JSON:
        """The last finish reason given, or None."""
        return self.finish_reasons[-1] if self.finish_reasons else None


def merge_candidates(bodies: Iterable[Mapping[str, JSON]]) -> tuple[Candidate, ...]:
    """Return the candidates of the objects of an answer, in the order of their first appearance.

    Pieces with the same index belong together; for a candidate without an index, its place in the list counts.
    """
    found: dict[int, list[Mapping[str, JSON]]] = {}
    for body in bodies:
        several = body.get("candidates")
        for place, raw in enumerate(several if isinstance(several, list) else ()):
            if isinstance(raw, dict):
                index = raw.get("index")
                found.setdefault(index if type(index) is int else place, []).append(raw)
    return tuple(_merge(index, raws) for index, raws in found.items())


def _merge(index: int, raws: list[Mapping[str, JSON]]) -> Candidate:
    contents = [content for raw in raws if isinstance(content := raw.get("content"), dict)]
    lists = [parts for content in contents if isinstance(parts := content.get("parts"), list)]
    return Candidate(
        index,
        parts=tuple(part for parts in lists for part in parts if isinstance(part, dict)),
        roles=tuple(content["role"] for content in contents if "role" in content),
        finish_reasons=tuple(reason for raw in raws if (reason := raw.get("finishReason")) not in (None, "")),
    )
