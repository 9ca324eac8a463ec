"""Google's own Python client works with the bundled server for Google."""

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
# A model of each family, and two names that another version answers for.
MODELS = (
    MODEL, "gemini-2.0-flash", "gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-3.5-flash",
    "gemini-3-pro-preview", "gemini-flash-latest",
)  # fmt: skip
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


@pytest.mark.parametrize("model", MODELS)
def test_a_text_with_its_usage(client: Any, model: str) -> None:
    answer = client.models.generate_content(model=model, contents="Reply with exactly: OK-7f3a")
    assert answer.text == "OK-7f3a"
    assert answer.candidates[0].finish_reason.name == "STOP"
    assert answer.usage_metadata.total_token_count > answer.usage_metadata.prompt_token_count > 0


@pytest.mark.parametrize("model", MODELS)
def test_a_stream(client: Any, model: str) -> None:
    prompt = "Count from 1 to 40, separated by spaces."
    chunks = list(client.models.generate_content_stream(model=model, contents=prompt))
    assert chunks[-1].candidates[0].finish_reason.name == "STOP"
    assert len(chunks) > 2
    assert "".join(chunk.text or "" for chunk in chunks) == " ".join(map(str, range(1, 41)))


CALLING = {
    "tools": [{"function_declarations": [WEATHER]}],
    "automatic_function_calling": {"disable": True},
}
PARIS = {"role": "user", "parts": [{"text": "What is the weather in Paris? Use metric units."}]}
METRIC_PARIS = ("get_weather", {"city_name": "Paris", "unitSystem": "metric"})


def told(client: Any, model: str, content: Any, call: Any) -> str:
    """Return what the model makes of a function's answer in a second turn."""
    result = {"function_response": {"id": call.id, "name": call.name, "response": {"report": "SUN-7f3a"}}}
    turns = [PARIS, content, {"role": "user", "parts": [result]}]
    answer = client.models.generate_content(model=model, contents=turns, config=CALLING)
    return str(answer.text)


@pytest.mark.parametrize("model", MODELS)
def test_a_function_call_and_its_second_turn(client: Any, model: str) -> None:
    first = client.models.generate_content(model=model, contents=[PARIS], config=CALLING)
    (call,) = first.function_calls
    assert (call.name, call.args) == METRIC_PARIS
    assert "SUN-7f3a" in told(client, model, first.candidates[0].content, call)


@pytest.mark.parametrize("model", MODELS)
def test_a_streamed_function_call_and_its_second_turn(client: Any, model: str) -> None:
    chunks = list(client.models.generate_content_stream(model=model, contents=[PARIS], config=CALLING))
    parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
    (call,) = [part.function_call for part in parts if part.function_call]
    assert (call.name, call.args) == METRIC_PARIS
    assert "SUN-7f3a" in told(client, model, {"role": "model", "parts": parts}, call)


@pytest.mark.parametrize("model", MODELS)
def test_a_chat_goes_on_after_a_stream(client: Any, model: str) -> None:
    chat = client.chats.create(model=model)
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("Remember the word W-7f3a."))
    asked = "Which word did I ask you to remember? Reply with the word only."
    assert chat.send_message(asked).text == "W-7f3a"


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
