"""How the answers of Google's model families differ from one another, a row each; and which version answers for a name.

Everything here was read off recorded exchanges with Google's public API. `seen` says for each fact on which ones it
rests, so that a fact can be looked at again when newer recordings say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType


class Signs(StrEnum):
    """Which answers carry a thought signature."""

    NOTHING = "nothing"
    THOUGHTS_WITH_TOOLS = "thoughts with tools"  # answers that were thought about, where tools were declared
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Family:
    """The habits of one family of models; a habit that is False is one the family was never seen to have."""

    prefixes: tuple[str, ...]  # of the names of its models, up to a hyphen or the end
    index: bool  # candidates[].index is printed though it is 0
    average: bool  # unary candidates have avgLogprobs
    details: bool  # candidatesTokensDetails in the last usage
    counts_early: bool  # candidatesTokenCount before the last frame of a stream
    recounts: bool  # promptTokenCount of the last frame differs from that of the frames before it
    thinks: bool
    signs: Signs
    call_ids: bool  # functionCall.id
    explains_calls: bool  # finishMessage beside the reason of a call, where both stand in one frame
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


def _say_where_seen(**where: str) -> Mapping[str, str]:
    return MappingProxyType(where)


_OLDER = _say_where_seen(
    index="absent from text answers, unary and streamed, November 2024 to February 2026",
    average="820 candidates of 1.5 and 2.0 text models, texts and calls; in none of ten streams looked at",
    details="every last usage of a text answer since February 2025",
    counts_early="absent before the last frame of every stream",
    recounts="streams from 8, 8, 7 tokens to 145, 85; 121 streams fall and 210 change in all",
    thinks="no thoughtsTokenCount and no thought part",
    signs="no thoughtSignature",
    call_ids="no functionCall.id",
    explains_calls="no finishMessage beside a call, in no recording",
    closes="the last frame holds text or the call",
    tier="none, but those looked at are older than the first serviceTier (6 May 2026)",
)
_GEMINI_2_0 = Family(
    ("gemini-2.0",),
    index=False, average=True, details=True, counts_early=False, recounts=True, thinks=False, signs=Signs.NOTHING,
    call_ids=False, explains_calls=False, closes=False, tier=False, response_id=True,
    seen=_say_where_seen(**_OLDER, response_id="every answer since 29 May 2025"),
)  # fmt: skip
_GEMINI_1_5 = replace(
    _GEMINI_2_0,
    prefixes=("gemini-1.5",),
    response_id=False,
    seen=_say_where_seen(
        **_OLDER, response_id="none: recorded until April 2025, and the first id is of 29 May 2025"
    ),
)
_GEMINI_2_5 = Family(
    ("gemini-2.5",),
    index=True, average=False, details=False, counts_early=True, recounts=False, thinks=True,
    signs=Signs.THOUGHTS_WITH_TOOLS, call_ids=False, explains_calls=True, closes=False, tier=True, response_id=True,
    seen=_say_where_seen(
        index="every answer, unary and streamed, April 2025 to August 2026",
        average="none",
        details="none from text models; image models list IMAGE alone",
        counts_early="in every frame that has visible text before it or in it",
        recounts="one promptTokenCount in every frame",
        thinks="thoughtsTokenCount in most answers, absent where thinking was switched off",
        signs="on calls, on unary texts and on the first text of a stream, where tools were declared and thoughts "
        "counted; never otherwise",
        call_ids="none",
        explains_calls="853 answers of 2.5 and later since August 2025; in streams beside the call",
        closes="the last frame holds text or the call; an empty content in 30 streams",
        tier="every usage since 6 May 2026, always standard",
        response_id="every answer since 29 May 2025",
    ),
)  # fmt: skip
_GEMINI_3 = replace(
    _GEMINI_2_5,
    prefixes=("gemini-3",),
    signs=Signs.EVERYTHING,
    call_ids=True,
    closes=True,
    seen=_say_where_seen(
        **{
            **_GEMINI_2_5.seen,
            "index": "every answer without server-side tools, December 2025 to May 2026",
            "details": "none",
            "recounts": "only with server-side tools, which the scripted model has not",
            "thinks": "thoughtsTokenCount in most answers; two streams of 3-flash-preview without",
            "signs": "on the first call, on unary texts, and on the closing empty text of streams with thoughts",
            "call_ids": "70 of 215 answers of 3-flash-preview and 3-pro-preview; of those looked at, each since March 2026",
            "explains_calls": "unary calls; absent from streams, whose closing frame has the reason alone",
            "closes": 'texts close with text "" and a signature, calls and texts without thoughts with text "" alone',
        }
    ),
)  # fmt: skip
_GEMINI_3_1 = replace(
    _GEMINI_3,
    prefixes=("gemini-3.1",),
    seen=_say_where_seen(
        **{
            **_GEMINI_3.seen,
            "index": "every answer, March to May 2026",
            "thinks": "3.1-pro-preview always; 3.1-flash-lite-preview without thoughts is signed all the same",
            "call_ids": "every call, March 2026 on",
        }
    ),
)
_GEMINI_3_5 = replace(
    _GEMINI_3,
    prefixes=("gemini-3.5", "gemini-3.6", "gemini-3.7"),
    seen=_say_where_seen(
        **{
            **_GEMINI_3.seen,
            "index": "every answer without server-side tools, June to August 2026",
            "thinks": "thoughtsTokenCount in every answer",
            "call_ids": "every call of 3.5-flash, 3.6-flash and 3.7-flash: eight letters and digits, once call_ and a number",
        }
    ),
)
FAMILIES = (_GEMINI_1_5, _GEMINI_2_0, _GEMINI_2_5, _GEMINI_3, _GEMINI_3_1, _GEMINI_3_5)
DEFAULT = _GEMINI_2_5  # the family of a name that tells nothing

# Which version says that it answered, where that is not the name that was asked for. Names that moved on over the
# years stand with the latest version seen.
VERSIONS: Mapping[str, str] = MappingProxyType({
    "gemini-1.5-flash-latest": "gemini-1.5-flash-002",
    "gemini-1.5-pro": "gemini-1.5-pro-002",
    "gemini-1.5-pro-latest": "gemini-1.5-pro-002",
    "gemini-2.0-flash-thinking-exp": "gemini-2.0-flash-thinking-exp-01-21",
    "gemini-2.0-flash-thinking-exp-01-21": "models/gemini-2.5-flash-preview-05-20",
    "gemini-2.5-flash-preview-05-20": "models/gemini-2.5-flash-preview-05-20",
    "gemini-2.5-pro-preview-03-25": "models/gemini-2.5-pro",
    "gemini-2.5-pro-preview-05-06": "models/gemini-2.5-pro",
    "gemini-3-pro-preview": "gemini-3.1-pro-preview",
    "gemini-flash-latest": "gemini-3.6-flash",
    "gemini-flash-lite-latest": "gemini-2.5-flash-lite-preview-09-2025",
})  # fmt: skip


def find_version(model: str) -> str:
    """Return the modelVersion of the answers to a model's name."""
    return VERSIONS.get(model, model)


def find_family(model: str) -> Family | None:
    """Return the family that answers for a model's name, or None for a name of none that is known."""
    name = find_version(model.rpartition("/")[2]).removeprefix("models/")
    matching = (
        family
        for family in FAMILIES
        for prefix in family.prefixes
        if re.match(re.escape(prefix) + r"(-|\Z)", name)
    )
    return next(matching, None)


def choose_family(model: str) -> Family:
    """Return the family that answers for a model's name, `DEFAULT` for a name of none that is known."""
    return find_family(model) or DEFAULT
