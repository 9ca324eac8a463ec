"""Function calling: when a call must come, when it must not, two at once, and the second turn."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.asking.prompts import (
    BOTH_CITIES,
    PARIS,
    TOOLS,
    exact_reply_prompt,
    make_streamed,
    make_tool_config,
    request_body,
)
from conformance.catalogue import ProbeContext, Unaskable, probe
from conformance.judging.expectations import UNDERSTOOD
from conformance.model import JSON, Question


def _expect_both_arguments() -> dict[str, JSON]:
    return {"city_name": "", "unitSystem": ""}


@probe(attempts=3, needs=("function-calling",))
def function_call(_ask: ProbeContext) -> Question:
    """A prompt that wants a function, in mode AUTO; one parameter is snake_case, one camelCase."""
    return Question(
        request_body(PARIS, 250, tools=TOOLS, toolConfig=make_tool_config("AUTO")),
        expected={"call": ["get_weather"], "args": _expect_both_arguments(), UNDERSTOOD: "Paris"},
    )


@probe(attempts=3, needs=("function-calling", "streaming"))
def function_call_streamed(_ask: ProbeContext) -> Question:
    """The same, streamed."""
    return make_streamed(
        Question(
            request_body(PARIS, 250, tools=TOOLS, toolConfig=make_tool_config("ANY", "get_weather")),
            expected={"call": ["get_weather"], "args": _expect_both_arguments(), UNDERSTOOD: "Paris"},
        )
    )


@probe(attempts=3, needs=("function-calling",))
def function_call_forced(ask: ProbeContext) -> Question:
    """Mode ANY with one allowed name, on a prompt that wants no function."""
    return Question(
        request_body(
            exact_reply_prompt(f"OK-{ask.nonce}"),
            250,
            tools=TOOLS,
            toolConfig=make_tool_config("ANY", "get_time"),
        ),
        expected={"call": ["get_time"]},
    )


@probe(attempts=3, needs=("function-calling",))
def function_call_forbidden(_ask: ProbeContext) -> Question:
    """Mode NONE, on a prompt that wants a function."""
    return Question(
        request_body(PARIS, tools=TOOLS, toolConfig=make_tool_config("NONE")), expected={"no_call": True}
    )


@probe(attempts=3, needs=("function-calling", "parallel-calls"))
def two_calls_in_one_turn(_ask: ProbeContext) -> Question:
    """A prompt that wants the same function twice."""
    return Question(
        request_body(BOTH_CITIES, 300, tools=TOOLS),
        expected={"calls": 2, "call": ["get_weather"], UNDERSTOOD: "Paris"},
    )


def _answer_calls(calls: tuple[Mapping[str, JSON], ...], nonce: str) -> list[JSON]:
    parts: list[JSON] = []
    for number, call in enumerate(calls):
        name = call.get("name")
        if isinstance(name, str):
            answer: dict[str, JSON] = {"name": name, "response": {"report": f"SUN-{nonce}{number or ''}"}}
            parts.append({"functionResponse": {**answer, **({"id": call["id"]} if "id" in call else {})}})
    return parts


def _build_second_turn(ask: ProbeContext, prompt: str) -> Question | Unaskable:
    """The first turn, the model's content verbatim, and the function's answer."""
    first = ask.first
    responses = _answer_calls(first.first.calls, ask.nonce)
    if not responses:
        return Unaskable("the first reply calls no function by name")
    candidates = first.body.get("candidates")
    content = candidates[0].get("content") if isinstance(candidates, list) and candidates else None
    request = request_body(prompt, 250, tools=TOOLS)
    turns = [*request["contents"], content, {"role": "user", "parts": responses}]  # type: ignore[misc]
    return Question({**request, "contents": turns}, expected={"text": f"SUN-{ask.nonce}", UNDERSTOOD: True})


@probe(follows="function-call", attempts=3, needs=("function-calling",), ceiling=250)
def function_answered(ask: ProbeContext) -> Question | Unaskable:
    """The second turn: the model's content replayed verbatim, signatures included, and the function's answer."""
    return _build_second_turn(ask, PARIS)
