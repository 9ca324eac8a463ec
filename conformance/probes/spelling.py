"""Requests in other casings, and settings where other dialects put them."""

from __future__ import annotations

from conformance.asking.prompts import (
    LONG_COUNT,
    counting_prompt,
    make_tool_config,
    request_body,
    snake_names,
    user_turn,
)
from conformance.catalogue import ProbeContext, probe
from conformance.model import JSON, Question


@probe(attempts=3, needs=("system-instruction",))
def snake_case_request(ask: ProbeContext) -> Question:
    """The whole request in snake_case, which ProtoJSON accepts beside lowerCamelCase."""
    code = f"SYS-{ask.nonce}"
    instruction: JSON = {"parts": [{"text": f"Whatever is asked, reply with exactly: {code}"}]}
    request = request_body("What is the capital of France?", systemInstruction=instruction)
    return Question(snake_names(request), expected={"text": code})


@probe(attempts=3)
def snake_case_settings(_ask: ProbeContext) -> Question:
    """A limit of five tokens, its names in snake_case."""
    return Question(
        snake_names(request_body(counting_prompt(LONG_COUNT), 5)), expected={"finish": "MAX_TOKENS"}
    )


@probe(attempts=3, needs=("function-calling",))
def mixed_casing_request(_ask: ProbeContext) -> Question:
    """The mixed casing that google-genai for Python really sends: camelCase outside, snake_case inside."""
    schema: JSON = {
        "type": "object",
        "properties": {"city_name": {"type": "string", "min_length": 1}},
        "required": ["city_name"],
    }
    tool: JSON = {
        "name": "get_time",
        "description": "Tells the time in one city.",
        "parameters_json_schema": schema,
    }
    return Question(
        request_body(
            "What time is it in Paris?",
            tools=[{"functionDeclarations": [tool]}],
            toolConfig=make_tool_config("ANY"),
            generationConfig={"thinkingConfig": {"include_thoughts": False}},
        ),
        expected={"call": ["get_time"], "args": {"city_name": ""}},
    )


@probe(for_clients=False)
def flat_settings(_ask: ProbeContext) -> Question:
    """Settings at the top level of the request, where Google knows no such fields."""
    request: JSON = {
        "contents": [user_turn(counting_prompt(LONG_COUNT))],
        "max_output_tokens": 5,
        "temperature": 0.5,
    }
    return Question(request, expected={"status": 400})
