"""Servers that count wrongly, and those that count as Google does on an unusual day."""

from __future__ import annotations

import itertools

from conformance.embedded.behaviour import Behaviour
from miniatures import Miniature, Variation
from miniatures.making import Message, answering, candidates, chunking, dropping, with_usage


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


def _rule(name: str) -> frozenset[str]:
    return frozenset({f"usage/{name}"})


def _zeros(block: Message) -> Message:
    return {name: 0 if isinstance(value, int) else value for name, value in block.items()} | {
        "promptTokensDetails": []
    }


MINIATURES: tuple[Miniature, ...] = (
    Miniature("no-usage", "Nothing says what it cost.", answering(dropping("usageMetadata")), _rule("counts-every-answer")),
    Miniature("no-usage-in-streams", "Streams do not say what they cost.", answering(dropping("usageMetadata"), only="stream"), _rule("counts-every-answer")),
    Miniature("openai-usage", "Usage in OpenAI's names.", answering(_openai), _rule("counts-every-answer")),
    Miniature("internal-usage", "Usage under an internal name.", answering(_internal), _rule("counts-every-answer")),
    Miniature("zero-usage", "All counters are 0.", with_usage(_zeros), _rule("counts-every-answer")),
    Miniature("early-usage", "Only a stream's first chunk has usage.", chunking(_only_early), _rule("counts-up-to-the-end-of-a-stream")),
    Miniature("hidden-thoughts", "Thoughts are billed and not named.", with_usage(dropping("thoughtsTokenCount")), _rule("counts-thoughts")),
    Miniature("folded-thoughts", "The answer's tokens include the thoughts'.", with_usage(_folded), _rule("counts-thoughts-once")),
    Miniature("wrong-total", "The total is too high.", with_usage(lambda u: {**u, "totalTokenCount": u["totalTokenCount"] + 7}), _rule("total-is-the-sum")),
    Miniature("wrong-total-streamed", "The total is too high, in streams.", with_usage(lambda u: {**u, "totalTokenCount": u["totalTokenCount"] + 7}, only="stream"), _rule("total-is-the-sum")),
    Miniature("deltas", "Usage blocks count their own chunk.", chunking(_deltas), _rule("counts-are-cumulative")),
    Miniature("drifting-prompt", "The same prompt costs something else.", _drifting(), _rule("same-prompt-costs-the-same")),
    Miniature("cached-apart", "Cached tokens are taken out of the prompt's.", with_usage(lambda u: _plus(u, "cachedContentTokenCount", u["promptTokenCount"] + 5)), _rule("counts-cached-tokens-within-the-prompt")),
    Miniature("hidden-prompt", "A hidden prompt is billed.", with_usage(lambda u: _plus(u, "promptTokenCount", 400, total=400)), _rule("charges-for-what-was-sent")),
    Miniature("estimated-prompt", "The prompt's tokens are estimated.", with_usage(lambda u: _plus(u, "promptTokenCount", 3, total=3)), notes=_rule("charges-for-what-was-sent")),
    Miniature("details-of-their-own", "Details do not add up.", with_usage(lambda u: {**u, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": u["promptTokenCount"] - 1}]}), notes=_rule("details-add-up")),
)  # fmt: skip


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
        for one in candidates(response)
        for part in one.get("content", {}).get("parts", [])
    ):
        block = response["usageMetadata"]
        block["totalTokenCount"] -= block.pop("candidatesTokenCount", 0)


VARIATIONS: tuple[Variation, ...] = (
    Variation("empty-early-usage", "Early chunks have an empty usage.", chunking(_empty_early)),
    Variation("usage-last-only", "Only the last chunk has usage.", chunking(_last_only)),
    Variation("usage-in-a-tail", "Usage comes in a chunk of its own.", chunking(_tail)),
    Variation("tool-use-counted", "Tool use is counted and added.", with_usage(_tool_use)),
    Variation("cached-within", "A cached share of the prompt.", with_usage(_cached)),
    Variation("no-details", "No details.", with_usage(dropping("promptTokensDetails"))),
    Variation("uncounted-calls", "A call's answer counts no candidate tokens.", answering(_silent_call)),
    Variation("traffic-type", "Vertex's traffic type beside the counters.", with_usage(lambda u: {**u, "trafficType": "ON_DEMAND"})),
)  # fmt: skip
