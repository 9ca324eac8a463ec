"""Innocent servers whose model paraphrases, stops early, is filtered, or thinks until no room is left."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.answers import ScriptedAnswer, ScriptedCandidate
from conformance.embedded.behaviour import HONEST, Behaviour
from miniatures import Innocent
from miniatures.making import ONE_AT_A_TIME, Message, When, with_model_candidates


def _sees_now_and_then() -> Behaviour:
    """Return a server whose model is unsure at its first look at red, and whenever it looks at blue."""
    looks = itertools.count(1)
    unsure = "It is hard to say."

    def look(one: ScriptedCandidate, _request: Message) -> ScriptedCandidate:
        fails = one.text == "blue" or (one.text == "red" and next(looks) == 1)
        return replace(one, text=unsure) if fails else one

    return with_model_candidates(look)


def _asked(request: Any) -> str:
    turns = request.get("contents") or [{}]
    return " ".join(part.get("text", "") for part in turns[-1].get("parts", []))


def _saying(say: Callable[[str], str]) -> Behaviour:
    """Return a server that obeys nothing: it says what `say` makes of the last turn, and never calls a function."""

    def think(request: Any, model: str) -> ScriptedAnswer:
        made = HONEST.think(request, model)
        said = [replace(one, text=say(_asked(request)), calls=(), finish="STOP") for one in made.candidates]
        return replace(made, candidates=tuple(said))

    return replace(HONEST, think=think)


def last_text(request: Message) -> str:
    """Return the text of the last turn."""
    turns = request.get("contents") or [{}]
    return " ".join(part.get("text", "") for part in turns[-1].get("parts", []))


def _always(_request: Message) -> bool:
    return True


def with_texts(change: Callable[[str], str], when: When = _always) -> Behaviour:
    """Return a server whose model puts its texts in another way."""
    return with_model_candidates(
        lambda one, request: replace(one, text=change(one.text)) if one.text and when(request) else one
    )


def end_with(reason: str, when: When, *, after: int = 0) -> Behaviour:
    """Return a server whose answers end with a reason of a filter, after so many characters."""
    return with_model_candidates(
        lambda one, request: (
            replace(one, text=one.text[:after], calls=(), finish=reason) if when(request) else one
        )
    )


def block_prompts(when: When) -> Behaviour:
    """Return a server that blocks prompts, as Google does: 200, a blockReason, no candidates."""
    struck = threading.local()

    def think(request: Any, model: str) -> ScriptedAnswer:
        struck.now = when(request)
        return HONEST.think(request, model)

    def whole(answer: ScriptedAnswer) -> Message:
        made = HONEST.whole(answer)
        if not struck.now:
            return made
        prompt: Any = made["usageMetadata"]
        counted = {
            "promptTokenCount": prompt["promptTokenCount"],
            "totalTokenCount": prompt["promptTokenCount"],
        }
        kept: Message = {name: made[name] for name in ("modelVersion", "responseId")}
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": counted, **kept}

    def chunks(answer: ScriptedAnswer) -> Any:
        return (whole(answer),) if struck.now else HONEST.chunks(answer)

    return replace(HONEST, think=think, whole=whole, chunks=chunks)


def think_first(room: int) -> Behaviour:
    """Return a server whose model thinks for `room` tokens before it says a word, whatever the limit."""

    def think(request: Any, model: str) -> ScriptedAnswer:
        made = HONEST.think(request, model)
        limit = request.get("generationConfig", {}).get("maxOutputTokens", 1 << 30)
        if limit > room:
            return replace(made, thought_tokens=room)
        spent = tuple(replace(one, text="", calls=(), finish="MAX_TOKENS") for one in made.candidates)
        return replace(made, candidates=spent, thoughts=(), thought_tokens=limit - 1)

    return replace(HONEST, think=think)


def asks_to_count(request: Message) -> bool:
    """Return whether the model is asked to count."""
    return "Count from" in last_text(request)


def asks_to_repeat(request: Message) -> bool:
    """Return whether the model is asked to repeat a text."""
    return "Repeat this text" in last_text(request)


def _looks(request: Message) -> bool:
    return "inlineData" in str(request["contents"][-1])


def _wants_json(request: Message) -> bool:
    return "json" in str(request.get("generationConfig", {}).get("responseMimeType", ""))


def _prose(request: Message) -> bool:
    return not _wants_json(request)


def _mode(request: Message) -> str:
    return str(request.get("toolConfig", {}).get("functionCallingConfig", {}).get("mode", "AUTO"))


def _in_words(one: ScriptedCandidate, request: Message) -> ScriptedCandidate:
    calls = one.calls and _mode(request) == "AUTO"
    return replace(one, calls=(), text="The weather is fine.") if calls else one


def _to_fifty(text: str) -> str:
    return re.sub(r" 51 .*$", "", text)


def _shades(text: str) -> str:
    return {"red": "Crimson.", "blue": "Navy blue."}.get(text, text)


def _pretty(text: str) -> str:
    return json.dumps(dict(reversed(json.loads(text).items())), indent=4).replace(": 7", ": 7.0") + "\n"


def _scripted(one: ScriptedCandidate, request: Message) -> ScriptedCandidate:
    """What a script makes of a question: it repeats, counts, fills schemas in, and has one sentence for all else."""
    if one.calls:
        call: Any = one.calls[0]["functionCall"]
        filled: Any = {name: "metric" if name == "unitSystem" else "string" for name in call["args"]}
        return replace(one, calls=({"functionCall": {**call, "args": filled}},))
    known = re.search("reply with exactly|Count from|Repeat this", str(request), re.IGNORECASE)
    return one if known or _wants_json(request) else replace(one, text="Hello! How can I help you?")


def _short_sighted(one: ScriptedCandidate, request: Message) -> ScriptedCandidate:
    """A script that knows conversations too, but no images and no results of functions."""
    return one if "remember" in last_text(request) else _scripted(one, request)


def with_script(script: Callable[[ScriptedCandidate, Message], ScriptedCandidate]) -> Behaviour:
    """Return a server that is a script, and asks for no signatures back."""
    return replace(with_model_candidates(script), check_signatures=lambda _request: None)


def _instructed(request: Message) -> bool:
    return "systemInstruction" in request


def _tools(request: Message) -> bool:
    return "tools" in request


def _elided(text: str) -> str:
    """A model that shortens a row of numbers, and shows it."""
    return re.sub(r"^(1 2 3) .* (\d+)$", r"\1 ... \2", text)


INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "sees-now-and-then",
        "The model is often unsure of what it sees.",
        _sees_now_and_then(),
        settings=ONE_AT_A_TIME,
    ),
    Innocent(
        "canned",
        "The answer is always the same sentence.",
        _saying(lambda _: "Hello! This is a mock answer."),
        notes={"semantics/follows-a-plain-instruction"},
    ),
    Innocent(
        "echo",
        "The answer repeats the question after a few words.",
        _saying(lambda last_text: f"[echo] User: {last_text}"),
        notes={"semantics/follows-a-plain-instruction"},
    ),
    Innocent(
        "loud-echo",
        "The answer repeats the question in capitals.",
        _saying(str.upper),
        notes={"semantics/follows-a-plain-instruction"},
    ),
    Innocent(
        "single-word",
        "The answer is always one letter.",
        _saying(lambda _: "A"),
        notes={"semantics/follows-a-plain-instruction"},
    ),
    Innocent("quotes", "Every text is in quotation marks.", with_texts(lambda text: f'"{text}"', _prose)),
    Innocent(
        "polite",
        "Every text has a greeting before it and a question after it.",
        with_texts(lambda text: f"Sure! {text}.\n\nAnything else?", _prose),
    ),
    Innocent(
        "fenced",
        "Every text is in a Markdown code fence.",
        with_texts(lambda text: f"```\n{text}\n```", _prose),
    ),
    Innocent(
        "spaced-json",
        "JSON spans several lines, in another order, with 7.0 for 7.",
        with_texts(_pretty, _wants_json),
    ),
    Innocent("counts-to-fifty", "The model stops counting at fifty.", with_texts(_to_fifty, asks_to_count)),
    Innocent(
        "script",
        "A script repeats and counts, and says one sentence to everything else.",
        with_script(_scripted),
    ),
    Innocent("script-that-remembers", "The same script also remembers a word.", with_script(_short_sighted)),
    Innocent(
        "counts-with-commas",
        "Counted numbers have commas between them.",
        with_texts(lambda text: text.replace(" ", ", "), asks_to_count),
    ),
    Innocent(
        "miscounts",
        "A repeated text lacks one character of a run.",
        with_texts(lambda text: text.replace("66", "6", 1), asks_to_repeat),
    ),
    Innocent(
        "refuses-to-repeat",
        "The model refuses to repeat a text.",
        with_texts(lambda _: "I cannot repeat that.", asks_to_repeat),
    ),
    Innocent("sees-shades", "The model says crimson for red.", with_texts(_shades, _looks)),
    Innocent(
        "words-for-calls",
        "The model answers in words in mode AUTO instead of calling.",
        with_model_candidates(_in_words),
    ),
    Innocent(
        "spoilt-calls",
        "Every function call is malformed.",
        with_model_candidates(
            lambda one, _: replace(one, calls=(), finish="MALFORMED_FUNCTION_CALL") if one.calls else one
        ),
    ),
    Innocent(
        "safety-on-images", "Questions about images are filtered as unsafe.", end_with("SAFETY", _looks)
    ),
    Innocent(
        "recitation", "Counting is filtered as a recitation.", end_with("RECITATION", asks_to_count, after=9)
    ),
    Innocent(
        "filtered-tools",
        "Questions with tools are filtered, with a finish reason that is not documented yet.",
        end_with("TOOL_POLICY", _tools),
    ),
    Innocent("filtered-json", "JSON is filtered for personal data.", end_with("SPII", _wants_json)),
    Innocent("blocked-instruction", "Prompts with an instruction are blocked.", block_prompts(_instructed)),
    Innocent("blocked-counting", "Prompts that ask to count are blocked.", block_prompts(asks_to_count)),
    Innocent(
        "thinks-all-the-room",
        "Thinking uses up every token limit.",
        think_first(1100),
        notes={"semantics/thinks-no-more-than-allowed"},
        model="gemini-2.5-pro",
    ),
    Innocent(
        "thinks-most-of-the-room",
        "Thinking uses up most token limits.",
        think_first(300),
        notes={"semantics/thinks-no-more-than-allowed"},
        model="gemini-3-pro-preview",
    ),
    Innocent("elides", "The model abbreviates a row of numbers.", with_texts(_elided)),
)
