"""Servers that count tokens wrongly, and innocent ones that count as Google does in unusual cases."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from conformance.embedded.behaviour import Behaviour
from miniatures import Innocent, Miniature
from miniatures.making import (
    ONE_AT_A_TIME,
    Chunks,
    Message,
    drop_members,
    get_candidates,
    iterate_parts,
    when_long,
    with_chunks,
    with_responses,
    with_usage,
    without_member,
)


def _openai(response: Message) -> None:
    counted = response.pop("usageMetadata")
    response["usage"] = {
        "prompt_tokens": counted["promptTokenCount"],
        "total_tokens": counted["totalTokenCount"],
    }


def _internal(response: Message) -> None:
    response["cpaUsageMetadata"] = response.pop("usageMetadata")


def _only_early(made: list[Message]) -> list[Message]:
    return [made[0], *({k: v for k, v in one.items() if k != "usageMetadata"} for one in made[1:])]


def _deltas(made: list[Message]) -> list[Message]:
    """Each block counts its own chunk."""
    before = 0
    for chunk in made:
        block = chunk["usageMetadata"]
        now = block.get("candidatesTokenCount", 0)
        block["candidatesTokenCount"] = now - before
        block["totalTokenCount"] -= before
        before = now
    return made


def _drifting() -> Behaviour:
    """The prompt costs something else each time: what is cached is taken away."""
    turns = itertools.count()

    def drift(block: Message) -> Message:
        less = next(turns) % 997
        return {
            **block,
            "promptTokenCount": block["promptTokenCount"] + less,
            "totalTokenCount": block["totalTokenCount"] + less,
        }

    return with_usage(drift, only="unary")


def _plus(block: Message, name: str, number: int, *, total: int = 0) -> Message:
    return {**block, name: block.get(name, 0) + number, "totalTokenCount": block["totalTokenCount"] + total}


def _folded(block: Message) -> Message:
    """The answer's counter has the thoughts already."""
    return {
        **block,
        "candidatesTokenCount": block.get("candidatesTokenCount", 0) + block.get("thoughtsTokenCount", 0),
    }


def _zeros(block: Message) -> Message:
    return {name: 0 if isinstance(value, int) else value for name, value in block.items()} | {
        "promptTokensDetails": []
    }


def _empty_early(made: list[Message]) -> list[Message]:
    """Google's early chunks may say nothing of usage, or only the kind of traffic."""
    blocks: list[Message] = [{}, {"trafficType": "ON_DEMAND"}]
    return [{**one, "usageMetadata": blocks[at % 2]} for at, one in enumerate(made[:-1])] + made[-1:]


def _last_only(made: list[Message]) -> list[Message]:
    return [{k: v for k, v in one.items() if k != "usageMetadata"} for one in made[:-1]] + made[-1:]


def _tail(made: list[Message]) -> list[Message]:
    """Usage in a chunk of its own after the last candidate."""
    last = dict(made[-1])
    counted = last.pop("usageMetadata")
    return [
        *({k: v for k, v in one.items() if k != "usageMetadata"} for one in made[:-1]),
        last,
        {"usageMetadata": counted},
    ]


def _tool_use(block: Message) -> Message:
    return _plus(block, "toolUsePromptTokenCount", 5, total=5)


def _cached(block: Message) -> Message:
    return {**block, "cachedContentTokenCount": block["promptTokenCount"] // 2}


def _silent_call(response: Message) -> None:
    """A call's answer may count no candidate tokens: absent means nothing."""
    if any(
        "functionCall" in part
        for one in get_candidates(response)
        for part in one.get("content", {}).get("parts", [])
    ):
        block = response["usageMetadata"]
        block["totalTokenCount"] -= block.pop("candidatesTokenCount", 0)


def _inflated(response: Message) -> None:
    """Make a unary answer bill four hundred tokens more than were sent."""
    counted = response["usageMetadata"]
    response["usageMetadata"] = {
        **counted,
        "promptTokenCount": counted["promptTokenCount"] + 400,
        "totalTokenCount": counted["totalTokenCount"] + 400,
    }


def _silent_streams() -> Behaviour:
    unary = with_responses(_inflated, only="unary")
    return with_responses(
        lambda chunk: {k: v for k, v in chunk.items() if k != "usageMetadata"}, of=unary, only="stream"
    )


def _uncount(response: Message) -> None:
    """Leave the answer's own tokens out of all counters."""
    used = response["usageMetadata"]
    used["totalTokenCount"] -= used.pop("candidatesTokenCount", 0)
    used.pop("candidatesTokensDetails", None)


def _recount(response: Message, spoken: int) -> None:
    _uncount(response)
    response["usageMetadata"]["candidatesTokenCount"] = spoken
    response["usageMetadata"]["totalTokenCount"] += spoken


def _starting_over(made: Chunks) -> Chunks:
    """Begin to count anew in every other chunk, and end with the right number."""
    for chunk in made[1:-1:2]:
        _recount(chunk, 1)
    return made


def _only(number: int, change: Callable[[Chunks], Chunks]) -> Callable[[Chunks], Chunks]:
    """Return a change that befalls the long stream of that number alone."""
    long = itertools.count(1)
    return lambda made: change(made) if len(made) > 4 and next(long) == number else made


def _uncounted(made: Chunks) -> Chunks:
    for chunk in made:
        _uncount(chunk)
    return made


def _of_a_word(response: Message) -> None:
    if (
        len(
            "".join(
                part.get("text", "") for part in iterate_parts(response) if not part.get("thought")
            ).split()
        )
        == 1
    ):
        _uncount(response)


def _once(number: int) -> Callable[[Message], None]:
    """Return a change that leaves the tokens of one answer of more than a word uncounted."""
    met = itertools.count(1)

    def change(response: Message) -> None:
        long = any(len(part.get("text", "")) > 20 for part in iterate_parts(response))
        if long and next(met) == number:
            _uncount(response)

    return change


def _vertex(off: int) -> Callable[[Message], Message]:
    return lambda used: {**used, "trafficType": "ON_DEMAND", "totalTokenCount": used["totalTokenCount"] + off}


def _doubled(block: Message) -> Message:
    """The answer's counter has the thoughts, and so the total has them twice."""
    thoughts = block.get("thoughtsTokenCount", 0)
    return {
        **block,
        "candidatesTokenCount": block.get("candidatesTokenCount", 0) + thoughts,
        "totalTokenCount": block["totalTokenCount"] + thoughts,
    }


def _less_thoughts(block: Message) -> Message:
    return {**block, "totalTokenCount": block["totalTokenCount"] - block.get("thoughtsTokenCount", 0)}


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "hidden-prompt-beside-uncounted-streams",
        "Streams do not say what they cost; unary answers bill a hidden prompt.",
        _silent_streams(),
        trips={"usage/charges-for-what-was-sent", "usage/counts-every-answer"},
    ),
    Miniature(
        "starts-over",
        "Long streams begin to count their tokens anew again and again.",
        with_chunks(when_long(_starting_over)),
        trips={"usage/counts-are-cumulative"},
    ),
    Miniature(
        "long-streams-uncounted",
        "Long streams do not count their own tokens.",
        with_chunks(when_long(_uncounted)),
        trips={"usage/counts-every-answer"},
    ),
    Miniature(
        "words-uncounted",
        "Unary answers of one word count nothing, whatever the word.",
        with_responses(_of_a_word, only="unary"),
        trips={"usage/counts-every-answer"},
    ),
    Miniature(
        "wrong-total-on-vertex",
        "Vertex AI's members, and a total that is far off.",
        with_usage(_vertex(33)),
        trips={"usage/total-is-the-sum"},
    ),
    Miniature(
        "thoughts-counted-twice",
        "Thoughts are in the answer's counter, and beside it.",
        with_usage(_doubled),
        trips={"usage/counts-thoughts-once"},
    ),
    Miniature(
        "total-without-thoughts",
        "The total leaves thoughts out.",
        with_usage(_less_thoughts),
        trips={"usage/total-is-the-sum"},
    ),
    Miniature(
        "no-answer-tokens",
        "The answer's tokens are not named.",
        with_usage(without_member("candidatesTokenCount")),
        trips={"usage/counts-every-answer"},
    ),
    Miniature(
        "no-usage",
        "Nothing says what it cost.",
        with_responses(drop_members("usageMetadata")),
        trips={"usage/counts-every-answer"},
    ),
    Miniature(
        "no-usage-in-streams",
        "Streams do not say what they cost.",
        with_responses(drop_members("usageMetadata"), only="stream"),
        trips={"usage/counts-every-answer"},
    ),
    Miniature(
        "openai-usage",
        "Usage in OpenAI's names.",
        with_responses(_openai),
        trips={"usage/counts-every-answer"},
    ),
    Miniature(
        "internal-usage",
        "Usage under an internal name.",
        with_responses(_internal),
        trips={"usage/counts-every-answer"},
    ),
    Miniature("zero-usage", "All counters are 0.", with_usage(_zeros), trips={"usage/counts-every-answer"}),
    Miniature(
        "early-usage",
        "Only a stream's first chunk has usage.",
        with_chunks(_only_early),
        trips={"usage/counts-up-to-the-end-of-a-stream"},
    ),
    Miniature(
        "hidden-thoughts",
        "Thoughts are billed and not named.",
        with_usage(drop_members("thoughtsTokenCount")),
        trips={"usage/counts-thoughts"},
    ),
    Miniature(
        "folded-thoughts",
        "The answer's tokens include the thoughts'.",
        with_usage(_folded),
        trips={"usage/counts-thoughts-once"},
    ),
    Miniature(
        "wrong-total",
        "The total is too high.",
        with_usage(lambda u: {**u, "totalTokenCount": u["totalTokenCount"] + 7}),
        trips={"usage/total-is-the-sum"},
    ),
    Miniature(
        "wrong-total-streamed",
        "The total is too high, in streams.",
        with_usage(lambda u: {**u, "totalTokenCount": u["totalTokenCount"] + 7}, only="stream"),
        trips={"usage/total-is-the-sum"},
    ),
    Miniature(
        "deltas",
        "Usage blocks count their own chunk.",
        with_chunks(_deltas),
        trips={"usage/counts-are-cumulative"},
    ),
    Miniature(
        "drifting-prompt",
        "The same prompt costs something else.",
        _drifting(),
        trips={"usage/same-prompt-costs-the-same"},
    ),
    Miniature(
        "cached-apart",
        "Cached tokens are taken out of the prompt's.",
        with_usage(lambda u: _plus(u, "cachedContentTokenCount", u["promptTokenCount"] + 5)),
        trips={"usage/counts-cached-tokens-within-the-prompt"},
    ),
    Miniature(
        "hidden-prompt",
        "A hidden prompt is billed.",
        with_usage(lambda u: _plus(u, "promptTokenCount", 400, total=400)),
        trips={"usage/charges-for-what-was-sent"},
    ),
    Miniature(
        "estimated-prompt",
        "The prompt's tokens are estimated.",
        with_usage(lambda u: _plus(u, "promptTokenCount", 3, total=3)),
        notes={"usage/charges-for-what-was-sent"},
    ),
    Miniature(
        "details-of-their-own",
        "Details do not add up.",
        with_usage(
            lambda u: {
                **u,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": u["promptTokenCount"] - 1}],
            }
        ),
        notes={"usage/details-add-up"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "starts-over-once",
        "One long stream begins to count its tokens anew.",
        with_chunks(_only(2, _starting_over)),
        notes={"usage/counts-are-cumulative"},
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "one-uncounted",
        "One longer answer does not count its own tokens.",
        with_responses(_once(2), only="unary"),
        notes={"usage/counts-every-answer"},
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "short-by-one-on-vertex",
        "Vertex AI's members, and a total that is short by one.",
        with_usage(_vertex(-1)),
        notes={"usage/total-is-the-sum"},
    ),
    Innocent("empty-early-usage", "Early chunks have an empty usage.", with_chunks(_empty_early)),
    Innocent("usage-last-only", "Only the last chunk has usage.", with_chunks(_last_only)),
    Innocent("usage-in-a-tail", "Usage comes in a chunk of its own.", with_chunks(_tail)),
    Innocent("tool-use-counted", "Tool use is counted and added.", with_usage(_tool_use)),
    Innocent("cached-within", "A cached share of the prompt.", with_usage(_cached)),
    Innocent("no-details", "No details.", with_usage(drop_members("promptTokensDetails"))),
    Innocent("uncounted-calls", "A call's answer counts no candidate tokens.", with_responses(_silent_call)),
    Innocent(
        "traffic-type",
        "Vertex's traffic type beside the counters.",
        with_usage(lambda u: {**u, "trafficType": "ON_DEMAND"}),
    ),
)
