"""How Google's model families differ in their answers, and which version answers for a name.

The facts are data, in families.json, read off recorded exchanges with Google's public API. `seen` says for each fact
which ones it rests on, so that it can be checked again when newer recordings differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any


class Signs(StrEnum):
    """Which answers carry a thought signature."""

    NOTHING = "nothing"
    THOUGHTS_WITH_TOOLS = "thoughts with tools"  # answers that were thought about, where tools were declared
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Family:
    """The habits of one family of models; False means that the family was never seen to have the habit."""

    prefixes: tuple[str, ...]  # of the names of its models, up to a hyphen or the end
    index: bool  # candidates[].index is printed though it is 0
    average: bool  # unary candidates have avgLogprobs
    details: bool  # candidatesTokensDetails in the last usage
    counts_early: bool  # candidatesTokenCount before the last frame of a stream
    recounts: bool  # promptTokenCount of the last frame differs from that of the frames before it
    thinks: bool
    signs: Signs
    call_ids: bool  # functionCall.id
    explains_calls: bool  # finishMessage beside the finish reason of a call, where one frame has both
    closes: bool  # a stream ends in a frame of its own, whose part is an empty text
    tier: bool  # usageMetadata.serviceTier
    response_id: bool
    seen: Mapping[str, str]

    def signs_answer(self, *, thought: bool, tools: bool) -> bool:
        """Return whether an answer is signed: `thought` about before it was given, with `tools` declared."""
        return self.signs is Signs.EVERYTHING or (
            self.signs is Signs.THOUGHTS_WITH_TOOLS and thought and tools
        )


FACTS = tuple(one.name for one in fields(Family) if one.name not in {"prefixes", "seen"})


def _read_family(entry: Mapping[str, Any]) -> Family:
    facts = entry["facts"]
    habits = {name: facts[name]["is"] for name in FACTS}
    seen = MappingProxyType({name: str(facts[name]["seen"]) for name in FACTS})
    return Family(tuple(entry["prefixes"]), seen=seen, **habits | {"signs": Signs(habits["signs"])})


_DATA = json.loads(Path(__file__).with_name("families.json").read_text("utf-8"))
FAMILIES = tuple(map(_read_family, _DATA["families"]))
DEFAULT = next(family for family in FAMILIES if "gemini-2.5" in family.prefixes)
# Which version says that it answered, where that is not the name that was asked for. Names that moved on over the
# years map to the latest version seen.
VERSIONS: Mapping[str, str] = MappingProxyType(_DATA["versions"])


def find_version(model: str) -> str:
    """Return the modelVersion of the answers to a model's name."""
    return VERSIONS.get(model, model)


def find_family(model: str) -> Family | None:
    """Return the family that answers for a model's name; None where no family is known for it."""
    name = find_version(model.rpartition("/")[2]).removeprefix("models/")
    matching = (
        family
        for family in FAMILIES
        for prefix in family.prefixes
        if re.match(re.escape(prefix) + r"(-|\Z)", name)
    )
    return next(matching, None)


def choose_family(model: str) -> Family:
    """Return the family that answers for a model's name; `DEFAULT` where no family is known for it."""
    return find_family(model) or DEFAULT
