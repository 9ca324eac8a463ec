"""Questions that must be answered alike, without anybody knowing the right answer: pairs of one body, written twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.bodies.forms import google_form
from conformance.bodies.rewriting import REWRITINGS
from conformance.model import JSON, Question


@dataclass(frozen=True)
class Pair:
    """Two questions that must get the same kind of answer: status, finish reason, candidates, calls, text of a fixed prompt."""

    name: str
    one: Question
    other: Question


ROOM = 300  # tokens: enough for thinking before a short answer


def equivalences(nonce: str) -> tuple[Pair, ...]:
    """Return every pair, with `nonce` (4 hex digits) in its prompts. The first of a pair is often the same question."""
    return tuple(_pairs(nonce))


def _pairs(nonce: str) -> Iterator[Pair]:
    say = _body(f"Reply with exactly: OK-{nonce}")
    for name, body in _settings(nonce).items():
        yield Pair(f"{name}-in-snake-case", Question(body), Question(_rewritten("snake-case", body)))
    call = _settings(nonce)["calling"]
    yield Pair("enum-name-and-number", Question(call), Question(_rewritten("enum-number", call)))
    yield Pair("members-in-another-order", Question(call), Question(_rewritten("reordered", call)))
    yield Pair("white-space-between-members", Question(call), Question(json.dumps(call, indent=3).encode()))
    yield Pair("nulls-for-what-is-absent", Question(say), Question(_rewritten("nulls", say)))
    yield Pair("one-text-in-two-parts", Question(say), Question(_split(say)))
    yield Pair("two-tools-and-one-of-both", *map(Question, _tools(nonce)))
    streamed = Question(say, "streamGenerateContent", (("alt", "sse"),))
    yield Pair("streamed-and-unary", Question(say), streamed)


def _body(prompt: str, **more: JSON) -> dict[str, JSON]:
    return {
        "contents": [{"role": "user", "parts": [{"text": prompt}]}],
        "generationConfig": {"maxOutputTokens": ROOM},
        **more,
    }


def _settings(nonce: str) -> dict[str, dict[str, JSON]]:
    """Return a body for each setting whose being ignored shows in the answer, at each depth that has one."""
    say = f"Reply with exactly: OK-{nonce}"
    coded: dict[str, JSON] = {
        "type": "OBJECT",
        "properties": {"code": {"type": "STRING"}, "number": {"type": "INTEGER"}},
    }
    return {
        "instruction": _body(
            "Name one river.",
            systemInstruction={"parts": [{"text": f"Whatever is asked, reply with exactly: SYS-{nonce}"}]},
        ),
        "limit": _body("Count from 1 to 40, separated by spaces.", generationConfig={"maxOutputTokens": 5}),
        "stops": _body(
            f"Reply with exactly: alpha STOP-{nonce} omega",
            generationConfig={"maxOutputTokens": ROOM, "stopSequences": [f"STOP-{nonce}"]},
        ),
        "json": _body(
            f"Give me the code OK-{nonce} and the number 7.",
            generationConfig={
                "maxOutputTokens": ROOM,
                "responseMimeType": "application/json",
                "responseSchema": coded,
            },
        ),
        "calling": _body(say, **_functions("get_time")),
    }


def _functions(*allowed: str) -> dict[str, JSON]:
    place: JSON = {
        "type": "OBJECT",
        "properties": {"city_name": {"type": "STRING"}},
        "required": ["city_name"],
    }
    declared: list[JSON] = [
        {"name": name, "description": f"Tells the {what} in a city.", "parameters": place}
        for name, what in (("get_weather", "weather"), ("get_time", "time"))
    ]
    config: JSON = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": list(allowed)}}
    return {"tools": [{"functionDeclarations": declared}], "toolConfig": config}


def _tools(nonce: str) -> tuple[JSON, JSON]:
    """Return two functions in one tool, and in two tools; the second of them must be called."""
    one = _body(f"Reply with exactly: OK-{nonce}", **_functions("get_time"))
    declared = _functions("get_time")["tools"][0]["functionDeclarations"]  # type: ignore[index,call-overload]
    return one, {**one, "tools": [{"functionDeclarations": [each]} for each in declared]}  # type: ignore[union-attr]


def _split(body: dict[str, JSON]) -> JSON:
    prompt = str(body["contents"][0]["parts"][0]["text"])  # type: ignore[index,call-overload]
    half = len(prompt) // 2
    return {
        **body,
        "contents": [{"role": "user", "parts": [{"text": prompt[:half]}, {"text": prompt[half:]}]}],
    }


def _rewritten(name: str, body: JSON) -> JSON:
    return REWRITINGS[name](google_form().root, body)
