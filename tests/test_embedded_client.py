"""Google's own Python client talks to the server like Google's as it does to Google."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from conformance.embedded import HONEST, Host

genai = pytest.importorskip("google.genai")
errors = pytest.importorskip("google.genai.errors")

MODEL = "gemini-2.5-flash"
WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather in one city.",
    "parameters": {
        "type": "OBJECT",
        "properties": {
            "city_name": {"type": "STRING"},
            "unitSystem": {"type": "STRING", "enum": ["metric", "imperial"]},
        },
    },
}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with Host() as host:
        yield genai.Client(api_key="embedded-key", http_options={"base_url": host.start(HONEST)})


def test_a_text_with_its_usage(client: Any) -> None:
    answer = client.models.generate_content(model=MODEL, contents="Reply with exactly: OK-7f3a")
    assert answer.text == "OK-7f3a"
    assert answer.candidates[0].finish_reason.name == "STOP"
    assert answer.usage_metadata.total_token_count > answer.usage_metadata.prompt_token_count > 0


def test_a_stream(client: Any) -> None:
    prompt = "Count from 1 to 40, separated by spaces."
    chunks = list(client.models.generate_content_stream(model=MODEL, contents=prompt))
    assert len(chunks) > 2
    assert "".join(chunk.text or "" for chunk in chunks) == " ".join(map(str, range(1, 41)))


def test_a_function_call_and_its_second_turn(client: Any) -> None:
    config = {
        "tools": [{"function_declarations": [WEATHER]}],
        "automatic_function_calling": {"disable": True},
    }
    prompt = {"role": "user", "parts": [{"text": "What is the weather in Paris? Use metric units."}]}
    first = client.models.generate_content(model=MODEL, contents=[prompt], config=config)
    (call,) = first.function_calls
    assert (call.name, call.args) == ("get_weather", {"city_name": "Paris", "unitSystem": "metric"})
    result = {"function_response": {"id": call.id, "name": call.name, "response": {"report": "SUN-7f3a"}}}
    turns = [prompt, first.candidates[0].content, {"role": "user", "parts": [result]}]
    assert "SUN-7f3a" in client.models.generate_content(model=MODEL, contents=turns, config=config).text


def test_json_by_schema(client: Any) -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string"}, "number": {"type": "integer"}}}
    for name in ("response_schema", "response_json_schema"):
        config = {"response_mime_type": "application/json", name: schema}
        prompt = "Give me the code OK-7f3a and the number 7."
        answer = client.models.generate_content(model=MODEL, contents=prompt, config=config)
        assert json.loads(answer.text) == {"code": "OK-7f3a", "number": 7}


def test_settings_thoughts_and_a_system_instruction(client: Any) -> None:
    config = {
        "system_instruction": "Whatever is asked, reply with exactly: SYS-7f3a",
        "temperature": 0.5,
        "thinking_config": {"include_thoughts": True},
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    }
    answer = client.models.generate_content(model=MODEL, contents="Who are you?", config=config)
    assert answer.text == "SYS-7f3a"
    assert any(part.thought for part in answer.candidates[0].content.parts)


def test_an_image(client: Any) -> None:
    red = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAAFklEQVR42mP4z8BAEmIY1TCqYfhqAACQ+f8B8u7oVwAAAABJRU5ErkJggg=="
    )
    parts = [
        {"text": "What colour is this image? Reply with one word."},
        {"inline_data": {"mime_type": "image/png", "data": red}},
    ]
    assert (
        client.models.generate_content(model=MODEL, contents=[{"role": "user", "parts": parts}]).text == "red"
    )


def test_counting_and_listing(client: Any) -> None:
    assert client.models.count_tokens(model=MODEL, contents="one two three").total_tokens > 2
    assert f"models/{MODEL}" in [model.name for model in client.models.list(config={"page_size": 5})]
    assert client.models.get(model=MODEL).input_token_limit > 0


def test_errors_are_the_clients_own(client: Any) -> None:
    with pytest.raises(errors.ClientError) as unknown:
        client.models.generate_content(model="gemini-none", contents="x")
    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
    with pytest.raises(errors.ClientError) as wrong:
        list(client.models.generate_content_stream(model=MODEL, contents="x", config={"temperature": 9}))
    assert (wrong.value.code, wrong.value.status) == (400, "INVALID_ARGUMENT")
