"""The scripted model: answers a canonical request, obeys its settings, and counts its tokens."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.embedded.families import DEFAULT, Family, choose_family, find_version
from conformance.embedded.functions import add_signature, make_calls, sign_value
from conformance.embedded.instances import make_instance, read_hints
from conformance.embedded.pictures import name_colour
from conformance.embedded.scripted_prompts import (
    answer_prompt,
    count_tokens,
    find_overruling_text,
    find_strings,
    recall_word,
    split_tokens,
)
from conformance.embedded.semantics import SCHEMA_SETTINGS
from conformance.model import JSON

Message = Mapping[str, Any]
_IMAGE_TOKENS = 258  # what Google bills for a small image
_MODALITIES = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "application": "DOCUMENT"}
_THOUGHTS = (
    "**Reading the question**\n\nI look at what is asked and at the settings. ",
    "**Making the answer**\n\nThe answer is short, so I write it down and check it once.",
)


@dataclass(frozen=True)
class ScriptedCandidate:
    """One candidate: a text or calls, and its finish reason."""

    text: str
    calls: tuple[dict[str, JSON], ...]
    finish: str
    signature: str = ""  # of the text; calls carry their own

    @property
    def tokens(self) -> int:
        """How many tokens it is billed for."""
        calls = (json.dumps(call["functionCall"]) for call in self.calls)
        return sum(map(count_tokens, (self.text, *calls)))


@dataclass(frozen=True)
class ScriptedAnswer:
    """The model's answer, before it is cut into chunks and given the dialect's form."""

    candidates: tuple[ScriptedCandidate, ...]
    thoughts: tuple[str, ...]  # the summaries that were asked for
    thought_tokens: int
    prompt: Mapping[str, int]  # tokens by modality
    model: str  # the version that answered
    response_id: str  # empty where the family gives none
    family: Family = DEFAULT


def _count_part(part: Message) -> tuple[str, int]:
    if "inlineData" in part or "fileData" in part:
        blob = part.get("inlineData") or part.get("fileData") or {}
        kind = str(blob.get("mimeType", "")).partition("/")[0]
        return _MODALITIES.get(kind, "TEXT"), _IMAGE_TOKENS
    held = {key: value for key, value in part.items() if key not in {"thoughtSignature", "thought"}}
    text = part.get("text")
    return "TEXT", count_tokens(text if isinstance(text, str) else json.dumps(held, ensure_ascii=False))


def count_prompt_tokens(request: Message) -> Mapping[str, int]:
    """Return the tokens of a request by modality: contents, system instruction and tools."""
    counted = {"TEXT": 0}
    for content in filter(None, (*request.get("contents", ()), request.get("systemInstruction"))):
        counted["TEXT"] += 1  # the turn itself
        for part in content.get("parts", ()):
            modality, number = _count_part(part)
            counted[modality] = counted.get(modality, 0) + number
    if request.get("tools"):
        counted["TEXT"] += count_tokens(json.dumps(request["tools"], ensure_ascii=False))
    return counted


def _join_text(content: Message) -> str:
    return "".join(
        str(part["text"]) for part in content.get("parts", ()) if "text" in part and not part.get("thought")
    )


def _find_prompt(request: Message) -> str:
    """Return the text of the last turn that is not the model's."""
    turns = [content for content in request["contents"] if content.get("role") != "model"]
    return _join_text(turns[-1] if turns else request["contents"][-1])


def _report_function_responses(request: Message) -> str | None:
    """Return a sentence with the functions' results, if the last turn has function responses."""
    parts = request["contents"][-1]["parts"]
    responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
    texts = [text for response in responses for text in find_strings(response.get("response"))]
    return f"The report says {', '.join(texts)}." if responses else None


def _name_image_colour(request: Message) -> str | None:
    """Return the colour of the last image of the last turn; None without an image."""
    blobs = [part["inlineData"] for part in request["contents"][-1]["parts"] if "inlineData" in part]
    if not blobs:
        return None
    return name_colour(base64.b64decode(blobs[-1].get("data", ""))) or "I cannot see what this is."


def _write_structured(request: Message, prompt: str) -> str | None:
    """Return the answer as JSON where the settings ask for it, else None."""
    config = request.get("generationConfig", {})
    schema = next((config[name] for name in SCHEMA_SETTINGS if name in config), None)
    mime = config.get("responseMimeType", "")
    if mime == "text/x.enum":
        return str(make_instance(schema or {}, read_hints(prompt, schema or {})))
    if mime != "application/json":
        return None
    if not isinstance(schema, dict):
        return json.dumps({"answer": answer_prompt(prompt)}, ensure_ascii=False)
    return json.dumps(make_instance(schema, read_hints(prompt, schema)), ensure_ascii=False)


def _recall_word(request: Message, prompt: str) -> str | None:
    history = [_join_text(content) for content in request["contents"][:-1] if content.get("role") != "model"]
    return recall_word(prompt, history)


_KINDS: tuple[Callable[[Message, str], str | None], ...] = (
    lambda request, _prompt: find_overruling_text(_join_text(request.get("systemInstruction", {}))),
    lambda request, _prompt: _report_function_responses(request),
    lambda request, _prompt: _name_image_colour(request),
    _write_structured,
    _recall_word,
)


def _make_text(request: Message, prompt: str) -> str:
    """Return the answer of the first kind of question that applies, else the scripted one."""
    given = (text for kind in _KINDS if (text := kind(request, prompt)) is not None)
    return next(given, None) or answer_prompt(prompt)


def _cut_at_stop(text: str, config: Message) -> str:
    places = [at for stop in config.get("stopSequences", ()) if stop and (at := text.find(stop)) >= 0]
    return text[: min(places)] if places else text


def _cut_at_limit(text: str, config: Message) -> ScriptedCandidate:
    words, room = split_tokens(text), config.get("maxOutputTokens")
    if room is None or len(words) <= room:
        return ScriptedCandidate(text, (), "STOP")
    return ScriptedCandidate("".join(words[:room]), (), "MAX_TOKENS")


def _make_candidate(request: Message, family: Family) -> ScriptedCandidate:
    prompt, config = _find_prompt(request), request.get("generationConfig", {})
    answered = any("functionResponse" in part for part in request["contents"][-1]["parts"])
    made = () if answered else make_calls(request, prompt, with_ids=family.call_ids)
    if made:
        return ScriptedCandidate("", made, "STOP")
    return _cut_at_limit(_cut_at_stop(_make_text(request, prompt), config), config)


def _make_thoughts(config: Message, spent: int) -> Iterator[str]:
    """Yield the thoughts before an answer of `spent` tokens; none where thinking is off or the limit leaves no room."""
    thinking = config.get("thinkingConfig", {})
    room = config.get("maxOutputTokens", 1 << 30) - spent
    budget = thinking.get("thinkingBudget", -1)
    for thought in _THOUGHTS if budget else ():
        room -= count_tokens(thought)
        if room >= 0:
            yield thought


def _sign_candidate(candidate: ScriptedCandidate) -> ScriptedCandidate:
    """Return a candidate with its signature: on the first of several calls, or on the text."""
    if candidate.calls:
        first, *rest = candidate.calls
        return replace(candidate, calls=(add_signature(first), *rest))
    return replace(candidate, signature=sign_value({"text": candidate.text}) if candidate.text else "")


def make_response_id() -> str:
    """Return an id in Google's form: URL-safe base64 without padding, with the time in its first four bytes."""
    clock = (int(time.time()) & 0xFFFFFFFF).to_bytes(4, "little")
    rest = secrets.token_bytes(secrets.choice((12, 13)))
    return base64.urlsafe_b64encode(clock + rest).decode().rstrip("=")


def answer_request(request: Message, model: str) -> ScriptedAnswer:
    """Return the model's answer to a canonical request that `semantics.judge_request` accepts, with its family's habits."""
    config, family = request.get("generationConfig", {}), choose_family(model)
    candidate = _make_candidate(request, family)
    thoughts = tuple(_make_thoughts(config, candidate.tokens)) if family.thinks else ()
    if family.signs_answer(thought=bool(thoughts), tools=bool(request.get("tools"))):
        candidate = _sign_candidate(candidate)
    return ScriptedAnswer(
        candidates=(candidate,) * config.get("candidateCount", 1),
        thoughts=thoughts if config.get("thinkingConfig", {}).get("includeThoughts") else (),
        thought_tokens=sum(map(count_tokens, thoughts)),
        prompt=count_prompt_tokens(request),
        model=find_version(model),
        response_id=make_response_id() if family.response_id else "",
        family=family,
    )
