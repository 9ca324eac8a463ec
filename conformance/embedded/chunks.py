"""Cuts an answer into GenerateContentResponse objects: one for a unary answer, several for a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest

from conformance.embedded.answers import ScriptedAnswer, ScriptedCandidate
from conformance.embedded.families import Family
from conformance.embedded.scripted_prompts import count_tokens, split_tokens
from conformance.model import JSON

_WORDS = 8  # tokens in a chunk, at least
_MOST = 24  # chunks of one text, at most
LONG = 50  # tokens: a longer stream is spread over time, so that a buffering proxy can be recognised
SPREAD = 1.3  # seconds
CALLED = "Model generated function call(s)."  # Google's own words
TIER = "standard"


@dataclass(frozen=True)
class _Slice:
    """The part of a candidate that one chunk holds."""

    parts: tuple[dict[str, JSON], ...]
    tokens: int
    finish: str | None = None
    message: str = ""
    average: float | None = None

    def build_candidate(self, index: int, family: Family) -> dict[str, JSON]:
        """Return the candidate with its members in Google's order."""
        parts: list[JSON] = [dict(part) for part in self.parts]
        content: JSON = ({"parts": parts} if parts else {}) | {"role": "model"}
        members: dict[str, JSON] = {
            "content": content,
            "finishReason": self.finish,
            "index": index if index or family.index else None,
            "finishMessage": self.message or None,
            "avgLogprobs": self.average,
        }
        return {name: value for name, value in members.items() if value is not None}


def build_usage(
    family: Family, prompt: Mapping[str, int], candidates: int, thoughts: int, *, last: bool = True
) -> dict[str, JSON]:
    """Return a usageMetadata without zeros; the total is the sum of prompt, candidates and thoughts.

    Before the `last` frame of a stream, some families count the prompt differently and do not count the answer.
    """
    if not last:
        prompt = {**prompt, "TEXT": prompt.get("TEXT", 0) + 1} if family.recounts else prompt
        candidates = candidates if family.counts_early else 0
    whole = sum(prompt.values())
    listed = list_modalities({"TEXT": candidates}) if family.details and last else None
    members: dict[str, JSON] = {
        "promptTokenCount": whole,
        "candidatesTokenCount": candidates,
        "totalTokenCount": whole + candidates + thoughts,
        "promptTokensDetails": list_modalities(prompt),
        "candidatesTokensDetails": listed,
        "thoughtsTokenCount": thoughts,
        "serviceTier": TIER if family.tier else None,
    }
    return {name: value for name, value in members.items() if value}


def list_modalities(prompt: Mapping[str, int]) -> JSON:
    """Return tokens by modality as ModalityTokenCount entries."""
    return [{"modality": modality, "tokenCount": number} for modality, number in prompt.items() if number]


def _build_response(answer: ScriptedAnswer, candidates: list[JSON], usage_metadata: JSON) -> dict[str, JSON]:
    named: dict[str, JSON] = {"responseId": answer.response_id} if answer.response_id else {}
    return {
        "candidates": candidates,
        "usageMetadata": usage_metadata,
        "modelVersion": answer.model,
    } | named


def _build_thought(text: str) -> dict[str, JSON]:
    return {"text": text, "thought": True}


def build_response(answer: ScriptedAnswer) -> dict[str, JSON]:
    """Return the answer as one response."""
    thoughts = tuple(_build_thought(text) for text in answer.thoughts)
    made: list[JSON] = [
        _make_whole_slice(candidate, thoughts, answer.family).build_candidate(index, answer.family)
        for index, candidate in enumerate(answer.candidates)
    ]
    spent = sum(one.tokens for one in answer.candidates)
    return _build_response(
        answer, made, build_usage(answer.family, answer.prompt, spent, answer.thought_tokens)
    )


def _make_whole_slice(
    candidate: ScriptedCandidate, thoughts: tuple[dict[str, JSON], ...], family: Family
) -> _Slice:
    average = fake_average(candidate.text or str(candidate.calls)) if family.average else None
    return _Slice(
        thoughts + _build_parts(candidate), 0, candidate.finish, _explain_finish(candidate, family), average
    )


def fake_average(text: str) -> float:
    """Return a plausible average log probability: below zero, and always the same for the same text."""
    return -int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**33


def _explain_finish(candidate: ScriptedCandidate, family: Family) -> str:
    return CALLED if candidate.calls and candidate.finish == "STOP" and family.explains_calls else ""


def _build_parts(candidate: ScriptedCandidate) -> tuple[dict[str, JSON], ...]:
    signed: dict[str, JSON] = {"thoughtSignature": candidate.signature} if candidate.signature else {}
    text: dict[str, JSON] = {"text": candidate.text, **signed}
    return candidate.calls or ((text,) if candidate.text else ())


def _split_candidate(candidate: ScriptedCandidate, answer: ScriptedAnswer) -> list[_Slice]:
    """Return a candidate cut into the slices of its frames, with the finish reason in the last."""
    if answer.family.closes and candidate.calls:
        single = [replace(candidate, calls=(call,)) for call in candidate.calls]
        return [*(_Slice(one.calls, one.tokens) for one in single), _build_closing_slice(candidate, answer)]
    if answer.family.closes:
        return [*_split_text(replace(candidate, signature="")), _build_closing_slice(candidate, answer)]
    *made, last = _split_text(candidate)
    return [*made, replace(last, finish=candidate.finish, message=_explain_finish(candidate, answer.family))]


def _build_closing_slice(candidate: ScriptedCandidate, answer: ScriptedAnswer) -> _Slice:
    """Return the closing slice of a family that ends a stream with an empty text, signed where the answer has thoughts."""
    signed = candidate.signature if answer.thought_tokens and not candidate.calls else ""
    part: dict[str, JSON] = {"text": "", **({"thoughtSignature": signed} if signed else {})}
    return _Slice((part,), 0, candidate.finish)


def _split_text(candidate: ScriptedCandidate) -> list[_Slice]:
    words = split_tokens(candidate.text)
    if candidate.calls or not words:
        return [_Slice(_build_parts(candidate), candidate.tokens)]
    size = max(_WORDS, -(-len(words) // _MOST))
    cut = [words[at : at + size] for at in range(0, len(words), size)]
    first, *rest = [_Slice(({"text": "".join(piece)},), len(piece)) for piece in cut]
    return [replace(first, parts=_build_parts(replace(candidate, text="".join(cut[0])))), *rest]


def _build_thought_chunks(answer: ScriptedAnswer) -> Iterator[dict[str, JSON]]:
    spent = 0
    for text in answer.thoughts:
        spent += count_tokens(text)
        made: list[JSON] = [
            _Slice((_build_thought(text),), 0).build_candidate(index, answer.family)
            for index in range(len(answer.candidates))
        ]
        yield _build_response(answer, made, build_usage(answer.family, answer.prompt, 0, spent, last=False))


def build_chunks(answer: ScriptedAnswer) -> tuple[dict[str, JSON], ...]:
    """Return the answer as a stream: usage in every frame, one responseId, the finish reason in the last frame only."""
    made = list(_build_thought_chunks(answer))
    rows = list(zip_longest(*(_split_candidate(candidate, answer) for candidate in answer.candidates)))
    spent = 0
    for number, row in enumerate(rows, 1):
        spent += sum(one.tokens for one in row if one)
        held: list[JSON] = [one.build_candidate(index, answer.family) for index, one in enumerate(row) if one]
        last = number == len(rows)
        used = build_usage(answer.family, answer.prompt, spent, answer.thought_tokens, last=last)
        made.append(_build_response(answer, held, used))
    return tuple(made)


def spread_waits(answer: ScriptedAnswer, pieces: int) -> tuple[float, ...]:
    """Return the seconds to wait before each piece of a stream: nothing for a short answer, `SPREAD` for a long one."""
    long = sum(one.tokens for one in answer.candidates) > LONG and pieces > 1
    return (0.0, *((SPREAD / (pieces - 1) if long else 0.0,) * (pieces - 1)))
