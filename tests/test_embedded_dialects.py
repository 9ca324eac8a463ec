"""Each dialect's bundled server answers as its document says, and like Google if the document is silent."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conformance.dialects.dialect import Dialect, list_bundled_dialects, load_dialect
from conformance.embedded import Host, Style, find_default_port, make_behaviour, make_style
from conformance.embedded.dialect_looks import dress_response
from conformance.embedded.style import Envelope, Extra, list_auth_ways

COUNT = "Count from 1 to 40, separated by spaces."
ROOT = Path(__file__).parent.parent
VENDORS = [name for name in list_bundled_dialects() if name != "google"]
WAYS = {
    "bearer": {"Authorization": "Bearer embedded-key"},
    "x-goog-api-key": {"x-goog-api-key": "embedded-key"},
    "x-api-key": {"x-api-key": "embedded-key"},
}
Asker = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def ask() -> Iterator[Asker]:
    with Host() as host, httpx.Client() as client:
        urls = {name: host.start(make_behaviour(load_dialect(name))) for name in list_bundled_dialects()}

        def send(
            name: str, request: Any, method: str = ":generateContent", way: str = "", model: str = ""
        ) -> httpx.Response:
            dialect = load_dialect(name)
            path = f"/v1beta/models/{model or dialect.models[0]}{method}"
            return client.post(
                urls[name] + path, json=request, headers=WAYS[way or make_style(dialect).auth[0]]
            )

        yield send


def body(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def filled(value: Any, dialect: Dialect) -> Any:
    return json.loads(json.dumps(value).replace("{nonce}", "7f3a").replace("{model}", dialect.models[0]))


UNANSWERED = (
    "the bundled server ignores fields that Google lacks: put the instruction into contents as well, as in "
    '"Reply with exactly: OK-{nonce}", or expect less'
)
SAMPLES = [(name, one) for name in VENDORS for one in load_dialect(name).requests]


@pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[f"{name}-{one['name']}" for name, one in SAMPLES])
def test_every_sample_of_a_document_is_answered_as_it_expects(ask: Asker, name: str, sample: Any) -> None:
    dialect = load_dialect(name)
    method = "" if sample.get("own_form") else f":{sample.get('method', 'generateContent')}"
    answer = ask(name, filled(sample["body"], dialect), method)
    expected = filled(sample.get("expects", {}), dialect)
    statuses = expected.get("status", 200)
    assert answer.status_code in (statuses if isinstance(statuses, list) else [statuses]), answer.text
    wanted = expected.get("text") or expected.get("word") or ""
    assert wanted in answer.text, f"{UNANSWERED}\n{answer.text}"


@pytest.mark.parametrize("name", VENDORS)
def test_only_the_documented_credentials_are_taken(ask: Asker, name: str) -> None:
    taken = {way for way in WAYS if ask(name, body("x"), way=way).status_code == 200}
    assert taken == set(make_style(load_dialect(name)).auth) & set(WAYS)
    assert taken >= set(map(str, list_auth_ways(load_dialect(name)))) & set(WAYS)
    assert taken


@pytest.mark.parametrize("name", VENDORS)
def test_where_the_page_is_silent_errors_are_googles(ask: Asker, name: str) -> None:
    error = ask(name, body("x", frobnication=1)).json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert ask(name, body("x"), model="gemini-none").json()["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize("name", list_bundled_dialects())
def test_every_dialect_has_its_models_and_a_port_of_its_own(name: str) -> None:
    dialect = load_dialect(name)
    assert set(dialect.models) <= set(make_style(dialect).models)
    ports = [find_default_port(load_dialect(other)) for other in list_bundled_dialects()]
    assert ports.count(find_default_port(dialect)) == 1


def test_an_envelope_holds_all_but_the_usage(ask: Asker) -> None:
    answer = ask("apimart", body("Reply with exactly: OK-7f3a")).json()
    assert set(answer) == {"code", "data", "usageMetadata"}
    assert answer["code"] == 200
    assert answer["data"]["candidates"][0]["content"]["parts"] == [{"text": "OK-7f3a"}]
    assert "promptFeedback" in answer["data"]


def test_a_snake_case_dialect_renames_its_names_and_no_arguments(ask: Asker) -> None:
    schema = {"type": "OBJECT", "properties": {"cityName": {"type": "STRING"}}}
    tools = [{"function_declarations": [{"name": "get_weather", "parameters": schema}]}]
    answer = ask("visioncoder", body("What is the weather in Paris?", tools=tools)).json()
    (part,) = answer["candidates"][0]["content"]["parts"]
    assert part["function_call"]["args"] == {"cityName": "Paris"}
    assert {"thought_signature", "function_call"} == set(part)
    assert answer["candidates"][0]["token_count"] == answer["usage_metadata"]["candidates_token_count"]
    assert isinstance(answer["created"], int)
    names = re.findall(r'"(\w+)":', json.dumps({**answer, "candidates": None}))
    assert not [name for name in names if name != name.lower()]


def test_a_snake_case_call_may_be_replayed_as_it_came(ask: Asker) -> None:
    tools = [{"function_declarations": [{"name": "get_weather"}]}]
    first = body("What is the weather in Paris?", tools=tools)
    content = ask("visioncoder", first).json()["candidates"][0]["content"]
    result = {"function_response": {"name": "get_weather", "response": {"report": "SUN-7f3a"}}}
    second = {"contents": [*first["contents"], content, {"role": "user", "parts": [result]}], "tools": tools}
    assert "SUN-7f3a" in ask("visioncoder", second).text


def test_flat_settings_are_obeyed_and_nested_ones_ignored(ask: Asker) -> None:
    flat = ask("visioncoder", body(COUNT, max_output_tokens=5)).json()["candidates"][0]
    nested = ask("visioncoder", body(COUNT, generationConfig={"maxOutputTokens": 5})).json()["candidates"][0]
    assert (flat["finish_reason"], nested["finish_reason"]) == ("MAX_TOKENS", "STOP")
    assert ask("visioncoder", body("x", temperature="hot")).status_code == 400


@pytest.mark.parametrize("method", [":streamGenerateContent", ":streamGenerateContent?alt=sse", ""])
def test_a_stream_of_lines_is_the_answer_line_by_line(ask: Asker, method: str) -> None:
    answer = ask("visioncoder", body(COUNT, stream=True), method)
    assert answer.headers["content-type"] == "application/x-ndjson"
    chunks = [json.loads(line) for line in answer.content.splitlines()]
    said = "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks)
    assert said == " ".join(str(number) for number in range(1, 41))
    assert ["finish_reason" in chunk["candidates"][0] for chunk in chunks][-2:] == [False, True]


def test_the_own_form_streams_only_where_the_body_says_so(ask: Asker) -> None:
    assert ask("visioncoder", body("Reply with exactly: OK", stream=False), "").json()["candidates"]
    assert ask("visioncoder", body("Reply with exactly: OK"), "").json()["candidates"]
    assert ask("visioncoder", body("x", stream="yes"), "").status_code == 400
    assert ask("apimart", body("x"), "").status_code == 404


def test_a_wrapped_stream_wraps_each_chunk_unless_the_data_says_otherwise() -> None:
    response: Any = {"candidates": [{}], "usageMetadata": {"candidatesTokenCount": 4}}
    both = Style(envelope=Envelope("data"))
    unary = Style(envelope=Envelope("data", chunks=False))
    chunks: list[Any] = [dress_response({**response}, style, chunk=True) for style in (both, unary)]
    whole: Any = dress_response({**response}, unary, chunk=False)
    assert [set(one) for one in (*chunks, whole)] == [{"data"}, set(response), {"data"}]


def test_extra_members_go_where_their_pointer_says() -> None:
    extras = (
        Extra("/candidates/*/tokens", source="candidate-tokens"), Extra("/model", "m"), Extra("/absent/x", 1),
    )  # fmt: skip
    response: Any = {"candidates": [{}, {}], "usageMetadata": {"candidatesTokenCount": 4}}
    dressed: Any = dress_response(response, Style(extras=extras), chunk=False)
    assert dressed["candidates"] == [{"tokens": 2}, {"tokens": 2}]
    assert dressed["model"] == "m"
    assert "absent" not in dressed


@pytest.mark.parametrize("name", list_bundled_dialects())
def test_only_the_server_like_google_stands_behind_googles_front_end(ask: Asker, name: str) -> None:
    answer = ask(name, body("x"))
    expected = "scaffolding on HTTPServer2" if name == "google" else None
    assert answer.headers.get("server") == expected
    assert ("x-gemini-service-tier" in answer.headers) is (name == "google")


def served(*words: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "conformance", "serve", *words, "--port", "0"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


@pytest.mark.parametrize(
    ("model", "full", "index"),
    [
        ("gemini-2.0-flash", "gemini-2.0-flash", None), ("2.5-flash", "gemini-2.5-flash", 0),
        ("gemini-1.5-pro", "gemini-1.5-pro", None), ("gemini-3", "gemini-3", 0),
    ],
)  # fmt: skip
def test_serve_shows_the_habits_of_one_model_alone(model: str, full: str, index: int | None) -> None:
    with served("google", "--model", model) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert found is not None
            with httpx.Client(base_url=f"{found[0]}/v1beta/models", headers=WAYS["x-goog-api-key"]) as client:
                listed = client.get("").json()["models"]
                answer = client.post(f"/{full}:generateContent", json=body("x"))
                other = client.post("/gemini-2.5-pro:generateContent", json=body("x"))
        finally:
            server.send_signal(signal.SIGINT)
    assert [one["name"] for one in listed] == [f"models/{full}"]
    assert answer.json()["candidates"][0].get("index") == index
    assert other.status_code == 404
    assert server.returncode == 0


def test_a_server_runs_in_the_foreground_until_interrupted() -> None:
    code = (
        "from conformance.dialects.dialect import load_dialect\nfrom conformance.embedded import serve_forever\n"
        "try:\n    serve_forever(load_dialect('google'), 0)\nexcept KeyboardInterrupt:\n    print('ended', flush=True)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environ
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
        assert found is not None
        answer = httpx.post(
            f"{found[0]}/v1beta/models/gemini-2.5-flash:generateContent?key=k", json=body("x")
        )
        assert answer.status_code == 200
        server.send_signal(signal.SIGINT)
        assert server.stdout.read() == "ended\n"
        assert server.wait(10) == 0
