"""Cuts an answer into GenerateContentResponse objects: one for a unary answer, several for a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from conformance.embedded.answers import Answer, Candidate
from conformance.embedded.words import count, tokens
from conformance.model import JSON

_WORDS = 8  # tokens in a chunk, at least
_MOST = 24  # chunks of one text, at most
LONG = 50  # tokens: a stream of more is spread over time, so that a buffering proxy can be told from it
SPREAD = 1.3  # seconds


@dataclass(frozen=True)
class _Slice:
    """A part of a candidate as one chunk holds it."""

    parts: tuple[dict[str, JSON], ...]
    tokens: int
    finish: str | None = None

    def candidate(self, index: int) -> dict[str, JSON]:
        content: JSON = {"parts": [dict(part) for part in self.parts], "role": "model"}
        return (
            {"content": content} | ({"finishReason": self.finish} if self.finish else {}) | {"index": index}
        )


def usage(prompt: Mapping[str, int], candidates: int, thoughts: int) -> dict[str, JSON]:
    """Return a usageMetadata; the total is the sum of prompt, candidates and thoughts, and zeros are left out."""
    whole = sum(prompt.values())
    counters = {
        "promptTokenCount": whole, "candidatesTokenCount": candidates, "totalTokenCount": whole + candidates + thoughts,
    }  # fmt: skip
    read: dict[str, JSON] = {name: number for name, number in counters.items() if number}
    read["promptTokensDetails"] = details(prompt)
    return read | ({"thoughtsTokenCount": thoughts} if thoughts else {})


def details(prompt: Mapping[str, int]) -> JSON:
    """Return tokens by modality as ModalityTokenCount entries."""
    return [{"modality": modality, "tokenCount": number} for modality, number in prompt.items() if number]


def _response(answer: Answer, candidates: list[JSON], spent: int, thoughts: int) -> dict[str, JSON]:
    return {
        "candidates": candidates,
        "usageMetadata": usage(answer.prompt, spent, thoughts),
        "modelVersion": answer.model,
        "responseId": answer.response_id,
    }


def _thought(text: str) -> dict[str, JSON]:
    return {"text": text, "thought": True}


def whole(answer: Answer) -> dict[str, JSON]:
    """Return the answer as one response."""
    thoughts = tuple(_thought(text) for text in answer.thoughts)
    made: list[JSON] = [
        _Slice(thoughts + _parts(candidate), 0, candidate.finish).candidate(index)
        for index, candidate in enumerate(answer.candidates)
    ]
    return _response(answer, made, sum(one.tokens for one in answer.candidates), answer.thought_tokens)


def _parts(candidate: Candidate) -> tuple[dict[str, JSON], ...]:
    return candidate.calls or (({"text": candidate.text},) if candidate.text else ())


def _slices(candidate: Candidate) -> list[_Slice]:
    words = tokens(candidate.text)
    if candidate.calls or not words:
        return [_Slice(_parts(candidate), candidate.tokens, candidate.finish)]
    size = max(_WORDS, -(-len(words) // _MOST))
    cut = [words[at : at + size] for at in range(0, len(words), size)]
    made = [_Slice(({"text": "".join(piece)},), len(piece)) for piece in cut]
    return [*made[:-1], _Slice(made[-1].parts, made[-1].tokens, candidate.finish)]


def _thinking(answer: Answer) -> Iterator[dict[str, JSON]]:
    spent = 0
    for text in answer.thoughts:
        spent += count(text)
        made: list[JSON] = [
            _Slice((_thought(text),), 0).candidate(index) for index in range(len(answer.candidates))
        ]
        yield _response(answer, made, 0, spent)


def chunks(answer: Answer) -> tuple[dict[str, JSON], ...]:
    """Return the answer as a stream: usage cumulative, one responseId, the finish reason in the last chunk only."""
    made = list(_thinking(answer))
    spent = 0
    for row in zip_longest(*map(_slices, answer.candidates)):
        spent += sum(one.tokens for one in row if one)
        held: list[JSON] = [one.candidate(index) for index, one in enumerate(row) if one]
        made.append(_response(answer, held, spent, answer.thought_tokens))
    return tuple(made)


def pace(answer: Answer, pieces: int) -> tuple[float, ...]:
    """Return the seconds to wait before each piece of a stream: nothing for a short answer, `SPREAD` for a long one."""
    long = sum(one.tokens for one in answer.candidates) > LONG and pieces > 1
    return (0.0, *((SPREAD / (pieces - 1) if long else 0.0,) * (pieces - 1)))
