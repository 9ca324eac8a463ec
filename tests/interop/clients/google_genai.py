"""Asks a server through google-genai for Python, and prints what its caller sees: one line of JSON per situation."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from google import genai
from google.genai import types

SPEC: dict[str, Any] = json.loads(sys.argv[1])
MODEL: str = SPEC["model"]


def _client(key: str) -> genai.Client:
    options: dict[str, Any] = {"base_url": SPEC["url"], "timeout": 20_000}
    if SPEC["version"]:
        options["api_version"] = SPEC["version"]
    if SPEC["bearer"]:
        options["headers"] = {"Authorization": f"Bearer {key}"}
    return genai.Client(api_key=key, http_options=types.HttpOptions(**options))


CLIENT = _client(SPEC["key"])
WEATHER = types.FunctionDeclaration(
    name="get_weather",
    description="Tells the weather in one city.",
    parameters_json_schema={
        "type": "object",
        "properties": {
            "city_name": {"type": "string"},
            "unitSystem": {"type": "string", "enum": ["metric", "imperial"]},
        },
        "required": ["city_name", "unitSystem"],
    },
)
PARIS = "What is the weather in Paris? Use metric units."


def _seen(answer: types.GenerateContentResponse) -> dict[str, Any]:
    usage = answer.usage_metadata
    reason = answer.candidates[0].finish_reason if answer.candidates else None
    return {
        "text": answer.text or "",
        "finish": reason.value if reason else None,
        "total": usage.total_token_count if usage else None,
        "calls": [{"name": call.name, "args": call.args} for call in answer.function_calls or []],
    }


def _joined(chunks: Iterable[types.GenerateContentResponse]) -> dict[str, Any]:
    several = [_seen(chunk) for chunk in chunks]
    last: dict[str, Any] = several[-1] if several else {"finish": None, "total": None}
    text = "".join(one["text"] for one in several)
    return {
        **last,
        "text": text,
        "calls": [call for one in several for call in one["calls"]],
        "chunks": len(several) > 1,
    }


def _ask(contents: Any, **config: Any) -> types.GenerateContentResponse:
    return CLIENT.models.generate_content(
        model=MODEL, contents=contents, config=types.GenerateContentConfig(**config)
    )


def text() -> Any:
    return _seen(_ask("Reply with exactly: OK-7f3a"))


def stream() -> Any:
    return _joined(
        CLIENT.models.generate_content_stream(
            model=MODEL, contents="Count from 1 to 40, separated by spaces."
        )
    )


def instruction() -> Any:
    return _seen(
        _ask(
            "What is the capital of France?",
            system_instruction="Whatever is asked, reply with exactly: SYS-7f3a",
        )
    )


def _tool(**more: Any) -> dict[str, Any]:
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return {"tools": [types.Tool(function_declarations=[WEATHER])], "automatic_function_calling": off, **more}


def calls() -> Any:
    first = _ask(PARIS, **_tool())
    if not first.candidates or not first.function_calls:
        return _seen(first)
    answer = types.Part.from_function_response(name="get_weather", response={"report": "SUN-7f3a"})
    question = types.Content(role="user", parts=[types.Part.from_text(text=PARIS)])
    turns = [question, first.candidates[0].content, types.Content(role="user", parts=[answer])]
    return {**_seen(first), "second": _seen(_ask(turns, **_tool()))}


def structured() -> Any:
    schema = {
        "type": "object",
        "properties": {"code": {"type": "string"}, "number": {"type": "integer"}},
        "required": ["code", "number"],
    }
    answer = _ask(
        "Give me the code OK-7f3a and the number 7.",
        response_mime_type="application/json",
        response_json_schema=schema,
    )
    return {"json": json.loads(answer.text or "null")}


def image() -> Any:
    with open(SPEC["colour"], "rb") as picture:  # noqa: PTH123 - a script of its own
        part = types.Part.from_bytes(data=picture.read(), mime_type="image/png")
    return _seen(_ask([part, "What colour is this image? Reply with one word."]))


def tokens() -> Any:
    short = CLIENT.models.count_tokens(model=MODEL, contents="one two three").total_tokens
    long = CLIENT.models.count_tokens(model=MODEL, contents="one two three " * 20).total_tokens
    return {"longer": bool(short and long and long > short)}


def models() -> Any:
    return {"listed": any((model.name or "").endswith(MODEL) for model in CLIENT.models.list())}


def unknown_model() -> Any:
    return _seen(CLIENT.models.generate_content(model="gemini-none", contents="Reply with exactly: OK-7f3a"))


def bad_key() -> Any:
    other = _client("bad-key-0000")
    return _seen(other.models.generate_content(model=MODEL, contents="Reply with exactly: OK-7f3a"))


SITUATIONS: tuple[Callable[[], Any], ...] = (
    text, stream, instruction, calls, structured, image, tokens, models, unknown_model, bad_key,
)  # fmt: skip

for situation in SITUATIONS:
    if SPEC["only"] and situation.__name__ not in SPEC["only"]:
        continue
    try:
        found = situation()
    except Exception as error:  # noqa: BLE001 - what a caller sees is the result
        found = {
            "raises": type(error).__name__,
            "status": getattr(error, "code", None),
            "says": str(error)[:200],
        }
    print(json.dumps({"situation": situation.__name__, **found}))
