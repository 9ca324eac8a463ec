"""The bundled server for Google over real sockets: prompts, settings, refusals, and the timing of streams."""

from __future__ import annotations

import base64
import json
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from conformance.embedded import HONEST, DelayedPiece, Host, Outgoing
from conformance.embedded.chunks import SPREAD
from conformance.embedded.frames import NDJSON, OutgoingBody
from conformance.embedded.messages import BODY_LIMIT
from conformance.embedded.scripted_prompts import split_tokens

KEY = {"x-goog-api-key": "embedded-key"}
MODEL = "/v1beta/models/gemini-2.5-flash"
SIGNING = "gemini-3-flash-preview"  # wants the signatures of its calls back
COUNT = "Count from 1 to 40, separated by spaces."
PARIS = "What is the weather in Paris? Use metric units."
COUNTED = " ".join(str(number) for number in range(1, 41))
WEATHER = {
    "name": "get_weather",
    "parameters": {
        "type": "OBJECT",
        "properties": {
            "city_name": {"type": "STRING"},
            "unitSystem": {"type": "STRING", "enum": ["imperial", "metric"]},
        },
        "required": ["city_name", "unitSystem"],
    },
}
TIME = {"name": "get_time", "parameters": {"type": "OBJECT", "properties": {"city_name": {"type": "STRING"}}}}
TOOLS = [{"functionDeclarations": [WEATHER, TIME]}]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as running:
        yield running


@pytest.fixture(scope="module")
def google(host: Host) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=host.start(HONEST), headers=KEY) as client:
        yield client


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}]}


def body(text: str, **more: Any) -> dict[str, Any]:
    return {"contents": [user(text)], **more}


def ask(
    client: httpx.Client, request: Any, method: str = "generateContent", model: str = "gemini-2.5-flash"
) -> Any:
    answer = client.post(f"/v1beta/models/{model}:{method}", json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()


def first(answer: Any) -> Any:
    return answer["candidates"][0]


def text(answer: Any) -> str:
    return "".join(
        part.get("text", "") for part in first(answer)["content"].get("parts", ()) if not part.get("thought")
    )


def calls(answer: Any) -> list[Any]:
    return [part["functionCall"] for part in first(answer)["content"]["parts"] if "functionCall" in part]


def refusal(
    client: httpx.Client, request: Any, status: int = 400, path: str = f"{MODEL}:generateContent"
) -> Any:
    kind = "content" if isinstance(request, bytes) else "json"
    answer = client.post(path, **{kind: request})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == status
    return error


def png(pixel: bytes, kind: int = 2, palette: bytes = b"") -> str:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, kind, 0, 0, 0))
    plte = chunk(b"PLTE", palette) if palette else b""
    data = (
        b"\x89PNG\r\n\x1a\n"
        + header
        + plte
        + chunk(b"IDAT", zlib.compress(b"\0" + pixel))
        + chunk(b"IEND", b"")
    )
    return base64.b64encode(data).decode()


# What the scripted model answers


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Reply with exactly: OK-7f3a", "OK-7f3a"),
        ("Reply with exactly: two\nlines ", "two\nlines "),
        (COUNT, COUNTED),
        (
            "Repeat this text exactly, and nothing else: 666 哈哈 😀 left\u2028right",
            "666 哈哈 😀 left\u2028right",
        ),
        ("How many prime numbers are below 30? Think first, then reply with the number only.", "10"),
    ],
)
def test_a_prompt_of_the_checker_gets_its_one_right_answer(
    google: httpx.Client, prompt: str, answer: str
) -> None:
    said = ask(google, body(prompt))
    assert text(said) == answer
    assert first(said)["finishReason"] == "STOP"
    assert said["modelVersion"] == "gemini-2.5-flash"
    assert said["responseId"]


def test_any_other_prompt_gets_a_plain_text(google: httpx.Client) -> None:
    assert text(ask(google, body("Who are you?")))


def test_a_system_instruction_overrules_the_user(google: httpx.Client) -> None:
    instruction = {"parts": [{"text": "Whatever is asked, reply with exactly: SYS-7f3a"}]}
    assert text(ask(google, body("Reply with exactly: OK-1", systemInstruction=instruction))) == "SYS-7f3a"


def test_history_is_read(google: httpx.Client) -> None:
    turns = [
        user("Remember the word W-7f3a."),
        {"role": "model", "parts": [{"text": "Noted."}]},
        user("Which word did I ask you to remember? Reply with the word only."),
    ]
    assert text(ask(google, {"contents": turns})) == "W-7f3a"


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (png(b"\xff\0\0"), "red"),
        (png(b"\0\x80\0"), "green"),
        (png(b"\0\0\xff\xff", 6), "blue"),
        (png(b"\xff", 0), "white"),
        (png(b"\1", 3, b"\0\0\0\xff\xff\0"), "yellow"),
    ],
)
def test_the_colour_of_an_image_is_seen(google: httpx.Client, data: str, colour: str) -> None:
    blob = {"inlineData": {"mimeType": "image/png", "data": data}}
    request = {"contents": [{"parts": [{"text": "What colour is this image? Reply with one word."}, blob]}]}
    said = ask(google, request)
    assert text(said) == colour
    assert {"modality": "IMAGE", "tokenCount": 258} in said["usageMetadata"]["promptTokensDetails"]


def test_an_image_that_is_none_is_not_guessed(google: httpx.Client) -> None:
    blob = {
        "inlineData": {"mimeType": "image/png", "data": base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()}
    }
    assert "cannot see" in text(
        ask(google, {"contents": [{"parts": [{"text": "What colour is this image?"}, blob]}]})
    )


@pytest.mark.parametrize(
    "name", ["responseSchema", "responseJsonSchema", "response_schema", "response_json_schema"]
)
def test_json_mode_fills_the_schema_from_the_prompt(google: httpx.Client, name: str) -> None:
    schema = {"type": "OBJECT", "properties": {"code": {"type": "STRING"}, "number": {"type": "INTEGER"}}}
    if "json" in name.lower():
        schema = json.loads(json.dumps(schema).lower())
    config = {"responseMimeType": "application/json", name: schema}
    said = ask(google, body("Give me the code OK-7f3a and the number 7.", generationConfig=config))
    assert json.loads(text(said)) == {"code": "OK-7f3a", "number": 7}


def test_json_schema_references_alternatives_and_bounds_are_honoured(google: httpx.Client) -> None:
    schema = {
        "$defs": {
            "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
        },
        "type": "object",
        "properties": {
            "node": {"$ref": "#/$defs/node"},
            "maybe": {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 9}]},
            "list": {"type": ["array", "null"], "items": {"enum": ["a", "b"]}, "minItems": 2},
            "when": {"type": "string", "format": "date"},
            "fixed": {"const": 3},
            "yes": {"type": "boolean"},
        },
    }
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    made = json.loads(text(ask(google, body("The number 7.", generationConfig=config))))
    assert (made["maybe"], made["list"], made["when"]) == (9, ["a", "a"], "2026-01-01")
    assert (made["fixed"], made["yes"]) == (3, True)
    assert "next" in made["node"]


def test_an_enum_answer_is_one_of_its_words(google: httpx.Client) -> None:
    config = {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["no", "yes"]}}
    assert text(ask(google, body("Say yes.", generationConfig=config))) == "yes"


# Functions


def calling(mode: str, *allowed: str) -> dict[str, Any]:
    return {"functionCallingConfig": {"mode": mode} | ({"allowedFunctionNames": allowed} if allowed else {})}


def test_a_fitting_function_is_called_with_its_parameters_spelled_as_declared(google: httpx.Client) -> None:
    (call,) = calls(ask(google, body(PARIS, tools=TOOLS, toolConfig=calling("AUTO"))))
    assert call["name"] == "get_weather"
    assert call["args"] == {"city_name": "Paris", "unitSystem": "metric"}


def test_mode_any_forces_an_allowed_function(google: httpx.Client) -> None:
    said = ask(
        google, body("Reply with exactly: OK-7f3a", tools=TOOLS, toolConfig=calling("ANY", "get_time"))
    )
    assert [call["name"] for call in calls(said)] == ["get_time"]


def test_mode_none_forbids_every_function(google: httpx.Client) -> None:
    said = ask(google, body(PARIS, tools=TOOLS, toolConfig=calling("NONE")))
    assert calls(said) == []
    assert text(said)


def test_a_prompt_that_wants_no_function_gets_a_text(google: httpx.Client) -> None:
    assert text(ask(google, body("Reply with exactly: OK-7f3a", tools=TOOLS))) == "OK-7f3a"


def second_turn(google: httpx.Client, prompt: str) -> tuple[list[Any], dict[str, Any]]:
    content = first(ask(google, body(prompt, tools=TOOLS), model=SIGNING))["content"]
    made = [part["functionCall"] for part in content["parts"]]
    answers = [
        {"functionResponse": {"name": call["name"], "id": call["id"], "response": {"report": f"SUN-{at}"}}}
        for at, call in enumerate(made)
    ]
    turns = [user(prompt), content, {"role": "user", "parts": answers}]
    return made, {"contents": turns, "tools": TOOLS}


def test_two_calls_are_made_and_both_answers_are_told(google: httpx.Client) -> None:
    prompt = (
        "What is the weather in Paris and in Tokyo? Use metric units. Call the function once for each city."
    )
    made, request = second_turn(google, prompt)
    assert [call["args"]["city_name"] for call in made] == ["Paris", "Tokyo"]
    assert made[0]["id"] != made[1]["id"]
    assert text(ask(google, request)) == "The report says SUN-0, SUN-1."


def test_a_replay_without_the_signature_is_refused(google: httpx.Client) -> None:
    _, request = second_turn(google, PARIS)
    del request["contents"][1]["parts"][0]["thoughtSignature"]
    assert "missing a thought_signature" in refusal(google, request)["message"]


def test_a_replay_with_an_altered_signature_or_call_is_refused(google: httpx.Client) -> None:
    _, request = second_turn(google, PARIS)
    part = request["contents"][1]["parts"][0]
    part["functionCall"]["args"]["city_name"] = "Rome"
    assert "signature is not valid" in refusal(google, request)["message"]
    part["functionCall"]["args"]["city_name"] = "Paris"
    part["thoughtSignature"] = base64.b64encode(b"another").decode()
    assert "signature is not valid" in refusal(google, request)["message"]


def test_a_replay_in_the_other_base64_alphabet_is_the_same(google: httpx.Client) -> None:
    _, request = second_turn(google, PARIS)
    part = request["contents"][1]["parts"][0]
    part["thoughtSignature"] = part["thoughtSignature"].replace("+", "-").replace("/", "_").rstrip("=")
    assert text(ask(google, request)) == "The report says SUN-0."


# Settings


def test_a_limit_cuts_the_text_and_says_so(google: httpx.Client) -> None:
    said = ask(google, body(COUNT, generationConfig={"maxOutputTokens": 5}))
    assert text(said) == "1 2 3 4 5"
    assert first(said)["finishReason"] == "MAX_TOKENS"
    assert said["usageMetadata"]["candidatesTokenCount"] == 5
    assert "thoughtsTokenCount" not in said["usageMetadata"]


def test_a_stop_sequence_ends_the_text_before_it(google: httpx.Client) -> None:
    said = ask(
        google,
        body("Reply with exactly: alpha STOP-7f3a omega", generationConfig={"stopSequences": ["STOP-7f3a"]}),
    )
    assert (text(said), first(said)["finishReason"]) == ("alpha ", "STOP")


def test_two_candidates_are_numbered_and_billed(google: httpx.Client) -> None:
    one = ask(google, body("Reply with exactly: OK-7f3a"))
    two = ask(google, body("Reply with exactly: OK-7f3a", generationConfig={"candidateCount": 2}))
    assert [candidate["index"] for candidate in two["candidates"]] == [0, 1]
    assert two["usageMetadata"]["candidatesTokenCount"] == 2 * one["usageMetadata"]["candidatesTokenCount"]


def thinking(google: httpx.Client, **config: Any) -> tuple[list[Any], int]:
    said = ask(google, body("Reply with exactly: OK", generationConfig={"thinkingConfig": config}))
    thoughts = [part for part in first(said)["content"]["parts"] if part.get("thought")]
    return thoughts, said["usageMetadata"].get("thoughtsTokenCount", 0)


def test_thoughts_are_shown_only_where_asked_for_and_billed_always(google: httpx.Client) -> None:
    assert [bool(shown) for shown in (thinking(google)[0], thinking(google, includeThoughts=True)[0])] == [
        False,
        True,
    ]
    assert thinking(google)[1] == thinking(google, includeThoughts=True)[1] > 0


def test_a_thinking_budget_of_nothing_means_no_thoughts(google: httpx.Client) -> None:
    assert thinking(google, thinkingBudget=0, includeThoughts=True) == ([], 0)


def test_usage_adds_up_and_grows_evenly_with_the_prompt(google: httpx.Client) -> None:
    used = [ask(google, body("word " * size))["usageMetadata"] for size in (10, 20, 30)]
    prompts = [one["promptTokenCount"] for one in used]
    assert prompts[1] - prompts[0] == prompts[2] - prompts[1] > 0
    for one in used:
        parts = one["promptTokenCount"] + one["candidatesTokenCount"] + one["thoughtsTokenCount"]
        assert one["totalTokenCount"] == parts


def test_tokens_joined_are_the_text() -> None:
    odd = "  two  spaces\n\tand 日本語日本語日本語 😀\u2028end  "
    assert "".join(split_tokens(odd)) == odd


# What a request may look like


def test_snake_case_is_accepted_at_every_depth(google: httpx.Client) -> None:
    request = {
        "contents": [{"parts": [{"text": PARIS}]}],
        "system_instruction": {"parts": [{"text": "Be brief."}]},
        "tools": [
            {"function_declarations": [{"name": "get_weather", "parameters_json_schema": {"type": "object"}}]}
        ],
        "tool_config": {
            "function_calling_config": {"mode": "ANY", "allowed_function_names": ["get_weather"]}
        },
        "generation_config": {"max_output_tokens": 100, "thinking_config": {"include_thoughts": False}},
        "safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    }
    assert calls(ask(google, request))[0]["name"] == "get_weather"


@pytest.mark.parametrize(
    "config",
    [
        {"maxOutputTokens": "5"},
        {"maxOutputTokens": 5.0},
        {"maxOutputTokens": 5, "temperature": None, "stopSequences": None},
        {"maxOutputTokens": 5, "temperature": "0.5"},
    ],
)
def test_numbers_in_strings_and_nulls_are_read_as_protojson_reads_them(
    google: httpx.Client, config: Any
) -> None:
    assert first(ask(google, body(COUNT, generationConfig=config)))["finishReason"] == "MAX_TOKENS"


def test_durations_bytes_and_times_are_read(google: httpx.Client) -> None:
    video = {
        "inlineData": {"mimeType": "video/mp4", "data": "-_-_"},
        "videoMetadata": {"startOffset": "1.5s"},
    }
    between = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00.5+01:00"}
    request = {"contents": [{"parts": [video]}], "tools": [{"googleSearch": {"timeRangeFilter": between}}]}
    assert ask(google, request)["candidates"]


def test_enums_may_be_numbers(google: httpx.Client) -> None:
    config = {"functionCallingConfig": {"mode": 3}}
    assert calls(ask(google, body(PARIS, tools=TOOLS, toolConfig=config))) == []


def test_free_form_subtrees_are_left_alone(google: httpx.Client) -> None:
    call = {"functionCall": {"name": "f", "args": {"snake_key": None, "camelKey": {"x_y": 1}}}}
    answer = {"functionResponse": {"name": "f", "response": {"any_thing": {"deepKey": ["SUN-1"]}}}}
    turns = [user("x"), {"role": "model", "parts": [call]}, {"role": "user", "parts": [answer]}]
    assert text(ask(google, {"contents": turns})) == "The report says SUN-1."


# What is refused, and how


@pytest.mark.parametrize(
    ("more", "said", "field"),
    [
        ({"frobnication": 1}, 'Unknown name "frobnication": Cannot find field.', None),
        (
            {"generationConfig": {"x": 1}},
            "Unknown name \"x\" at 'generation_config': Cannot find field.",
            "generation_config",
        ),
        (
            {"generationConfig": {"temperature": "hot"}},
            "Invalid value at 'generation_config.temperature' (TYPE_FLOAT), \"hot\"",
            "generation_config.temperature",
        ),
        (
            {"generationConfig": {"topK": 1.5}},
            "'generation_config.top_k' (TYPE_INT32), 1.5",
            "generation_config.top_k",
        ),
        ({"generationConfig": {"topK": True}}, "(TYPE_INT32), true", "generation_config.top_k"),
        ({"generationConfig": {"topK": 2**31}}, "(TYPE_INT32)", "generation_config.top_k"),
        ({"generationConfig": []}, "Proto field is not repeating, cannot start list.", None),
        (
            {"generationConfig": {"stopSequences": [None]}},
            "'generation_config.stop_sequences[0]' (TYPE_STRING)",
            None,
        ),
        ({"generationConfig": {"stopSequences": "x"}}, "'generation_config.stop_sequences'", None),
        ({"generationConfig": {"topK": {}}}, "Starting an object on a scalar field", None),
        (
            {"safetySettings": [{"category": "NO"}]},
            "Invalid value at 'safety_settings[0].category' (type.googleapis",
            None,
        ),
        ({"max_output_tokens": 5}, 'Unknown name "max_output_tokens"', None),
        ({"stream": True}, 'Unknown name "stream"', None),
        (
            {"contents": [{"parts": [{"text": "x", "videoMetadata": {"startOffset": "soon"}}]}]},
            "'contents[0].parts[0].video_metadata.start_offset'",
            None,
        ),
        ({"cachedContent": 3}, "'cached_content' (TYPE_STRING), 3", "cached_content"),
    ],
)
def test_a_fault_of_form_is_named_with_its_place(
    google: httpx.Client, more: Any, said: str, field: str | None
) -> None:
    error = refusal(google, body("x", **more))
    assert said in error["message"]
    assert error["status"] == "INVALID_ARGUMENT"
    (detail,) = error["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert field is None or detail["fieldViolations"][0]["field"] == field


def test_two_members_in_one_part_are_refused(google: httpx.Client) -> None:
    part = {"text": "x", "functionCall": {"name": "f"}}
    error = refusal(google, {"contents": [{"parts": [part]}]})
    assert "oneof field 'data' is already set. Cannot set 'function_call'" in error["message"]


def test_both_spellings_of_one_field_are_refused(google: httpx.Client) -> None:
    error = refusal(google, body("x", generationConfig={"topK": 1, "top_k": 2}))
    assert "oneof field '_top_k' is already set" in error["message"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "contents is not specified"),
        ({"contents": []}, "contents is not specified"),
        ({"contents": [{"parts": []}]}, "contents[0].parts: contents.parts must not be empty."),
        ({"contents": [{"parts": [{}]}]}, "required oneof field 'data' must have one initialized field"),
        (
            {"contents": [{"role": "narrator", "parts": [{"text": "x"}]}]},
            "Please use a valid role: user, model.",
        ),
        (body("x", generationConfig={"temperature": 5}), "temperature must be in the range"),
        (body("x", generationConfig={"stopSequences": list("abcdef")}), "stop_sequences must have at most 5"),
        (body("x", generationConfig={"responseMimeType": "text/html"}), "allowed mimetypes are"),
        (body("x", generationConfig={"candidateCount": 0}), "candidate_count must be positive"),
        (body("x", generationConfig={"maxOutputTokens": -1}), "max_output_tokens must be positive"),
        (body("x", generationConfig={"responseSchema": {"type": "STRING"}}), "response_schema"),
        (
            body("x", tools=TOOLS, toolConfig=calling("AUTO", "get_time")),
            "only be set when mode is ANY or VALIDATED",
        ),
        (body("x", tools=TOOLS, toolConfig=calling("ANY", "none")), "none is not a declared function"),
        (body("x", toolConfig=calling("ANY")), "without function_declarations"),
        (body("x", tools=[{"functionDeclarations": [{"name": "9"}]}]), "Invalid function name"),
    ],
)
def test_a_fault_of_sense_is_refused_in_googles_words(google: httpx.Client, request_: Any, said: str) -> None:
    assert said in refusal(google, request_)["message"]


def test_content_that_was_never_stored_is_refused(google: httpx.Client) -> None:
    assert (
        refusal(google, body("x", cachedContent="cachedContents/none"), 403)["status"] == "PERMISSION_DENIED"
    )
    part = {"fileData": {"fileUri": "https://example.invalid/v1beta/files/none"}}
    assert refusal(google, {"contents": [{"parts": [part]}]}, 403)["status"] == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b'{"contents": [', b"[]", b'"x"', b"\xff\xfe", b'{"contents": NaN}', b"\xef\xbb\xbf{}", b"{} {}",
        b"[" * 100_000, b'{"a":' * 300, b'{"contents": "\\ud800"}', b'{"contents": 1' + b"0" * 6000 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused_clearly(google: httpx.Client, raw: bytes) -> None:
    assert refusal(google, raw)["message"].startswith("Invalid JSON payload received.")


def test_a_body_beyond_the_ceiling_is_refused_and_the_client_hears_it(google: httpx.Client) -> None:
    raw = b'{"contents": [{"parts": [{"text": "' + b"x" * BODY_LIMIT + b'"}]}]}'
    assert "exceeds the limit" in refusal(google, raw)["message"]


def test_deep_free_form_values_end_in_an_answer(google: httpx.Client) -> None:
    deep: Any = "SUN-1"
    for _ in range(150):
        deep = [deep]
    part = {"functionResponse": {"name": "f", "response": {"deep": deep}}}
    assert google.post(f"{MODEL}:generateContent", json={"contents": [{"parts": [part]}]}).status_code in {
        200,
        400,
    }


# Keys


@pytest.mark.parametrize(
    ("headers", "query", "status", "reason"),
    [
        ({"x-goog-api-key": "k"}, "", 200, ""),
        ({}, "?key=k", 200, ""),
        ({}, "", 403, ""),
        ({}, "?key=", 403, ""),
        ({"x-goog-api-key": "bad-key"}, "", 400, "API_KEY_INVALID"),
        ({}, "?key=bad-key", 400, "API_KEY_INVALID"),
        ({"authorization": "Bearer k"}, "", 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ({"authorization": "Bearer junk", "x-goog-api-key": "k"}, "", 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ({"x-api-key": "k"}, "", 403, ""),
    ],
)
def test_keys_are_taken_as_google_takes_them(
    google: httpx.Client, headers: dict[str, str], query: str, status: int, reason: str
) -> None:
    answer = httpx.post(f"{google.base_url}{MODEL}:generateContent{query}", json=body("x"), headers=headers)
    assert answer.status_code == status
    assert reason in answer.text


# Routes


def test_both_versions_of_the_api_answer(google: httpx.Client) -> None:
    assert google.post("/v1/models/gemini-2.5-flash:generateContent", json=body("x")).status_code == 200


def test_an_unknown_model_is_named_with_where_to_look(google: httpx.Client) -> None:
    error = refusal(google, body("x"), 404, "/v1beta/models/gemini-none:generateContent")
    assert error["status"] == "NOT_FOUND"
    assert "models/gemini-none is not found for API version v1beta" in error["message"]
    assert "ListModels" in error["message"]


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", f"{MODEL}:frobnicate"), ("GET", f"{MODEL}:generateContent"), ("POST", MODEL), ("POST", "/v1beta/models"),
        ("GET", "/"), ("POST", f"{MODEL}/generateContent"), ("POST", f"{MODEL}:embedContent"), ("PUT", "/v1beta/models"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_not_found(google: httpx.Client, verb: str, path: str) -> None:
    answer = google.request(verb, path)
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_a_colon_may_be_percent_encoded(google: httpx.Client) -> None:
    assert google.post(f"{MODEL}%3AgenerateContent", json=body("x")).status_code == 200


def test_an_unknown_query_parameter_is_refused(google: httpx.Client) -> None:
    assert "Cannot bind query parameter" in google.post(f"{MODEL}:generateContent?x=1", json=body("x")).text


def test_tokens_are_really_counted(google: httpx.Client) -> None:
    short, long = (ask(google, body("word " * size), "countTokens")["totalTokens"] for size in (10, 100))
    assert long - short == 90
    inner = {"generateContentRequest": {"model": "models/gemini-2.5-flash", **body("word " * 10)}}
    assert ask(google, inner, "countTokens")["totalTokens"] == short
    assert ask(google, body("word " * 10))["usageMetadata"]["promptTokenCount"] == short


def test_counting_nothing_or_twice_is_refused(google: httpx.Client) -> None:
    assert "not specified" in refusal(google, {}, 400, f"{MODEL}:countTokens")["message"]
    both = {**body("x"), "generateContentRequest": body("x")}
    assert "oneof field" in refusal(google, both, 400, f"{MODEL}:countTokens")["message"]


def test_models_are_listed_in_pages_and_each_can_be_got(google: httpx.Client) -> None:
    names: list[str] = []
    token = ""
    while True:
        page = google.get(
            "/v1beta/models", params={"pageSize": 5, **({"pageToken": token} if token else {})}
        ).json()
        names += [model["name"] for model in page["models"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert len(names) == len(set(names)) >= 12
    assert google.get(f"/v1beta/{names[-1]}").json()["name"] == names[-1]
    assert "generateContent" in google.get("/v1beta/models").json()["models"][0]["supportedGenerationMethods"]


def test_wrong_pages_and_models_are_refused(google: httpx.Client) -> None:
    assert google.get("/v1beta/models?pageSize=many").status_code == 400
    assert google.get("/v1beta/models?pageToken=!").status_code == 400
    assert google.get("/v1beta/models/none").status_code == 404


def test_a_browser_may_send_the_key(google: httpx.Client) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Headers": "content-type,x-goog-api-key"}
    answer = httpx.options(f"{google.base_url}{MODEL}:generateContent", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-goog-api-key" in answer.headers["access-control-allow-headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]
    said = google.post(f"{MODEL}:generateContent", json=body("x"), headers={"Origin": "https://app.example"})
    assert said.headers["access-control-allow-origin"] == "*"


# Streams


def stream(client: httpx.Client, request: Any, query: str = "?alt=sse") -> list[tuple[float, bytes]]:
    started = time.monotonic()
    with client.stream("POST", f"{MODEL}:streamGenerateContent{query}", json=request) as answer:
        assert answer.status_code == 200
        return [(time.monotonic() - started, piece) for piece in answer.iter_bytes()]


def events(pieces: list[tuple[float, bytes]]) -> list[Any]:
    blocks = b"".join(piece for _, piece in pieces).split(b"\r\n\r\n")
    assert blocks.pop() == b""
    assert all(block.startswith(b"data: ") for block in blocks)
    return [json.loads(block.removeprefix(b"data: ")) for block in blocks]


def test_a_stream_is_events_with_one_id_and_the_end_in_the_last(google: httpx.Client) -> None:
    chunks = events(stream(google, body(COUNT)))
    assert len(chunks) > 2
    assert "".join(map(text, chunks)) == COUNTED
    assert len({chunk["responseId"] for chunk in chunks}) == 1
    assert ["finishReason" in first(chunk) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {first(chunk)["content"]["role"] for chunk in chunks} == {"model"}


def test_usage_in_a_stream_is_cumulative_and_ends_as_the_unary_one(google: httpx.Client) -> None:
    used = [chunk["usageMetadata"] for chunk in events(stream(google, body(COUNT)))]
    totals = [one["totalTokenCount"] for one in used]
    assert totals == sorted(totals)
    assert used[-1] == ask(google, body(COUNT))["usageMetadata"]


def test_a_long_text_is_spread_over_time_compressed_or_not(google: httpx.Client) -> None:
    request = body("Count from 1 to 60, separated by spaces.")
    for encoding in ("gzip", "identity"):
        google.headers["Accept-Encoding"] = encoding
        for _ in range(3):  # a busy machine may read one of them late
            pieces = stream(google, request)
            assert pieces[-1][0] > SPREAD * 0.9
            if pieces[0][0] < SPREAD / 2 and len(pieces) >= 5:
                break
        else:
            pytest.fail("no stream was spread over time")
    del google.headers["Accept-Encoding"]


def test_a_stream_without_alt_is_one_json_array(google: httpx.Client) -> None:
    with google.stream("POST", f"{MODEL}:streamGenerateContent", json=body(COUNT)) as answer:
        whole = b"".join(answer.iter_bytes())
        assert answer.headers["content-type"].startswith("application/json")
    assert b"}\r\n" not in whole
    assert b",\r\n{" in whole
    assert "".join(map(text, json.loads(whole))) == COUNTED


def test_thoughts_stream_first_and_calls_come_whole(google: httpx.Client) -> None:
    config = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    chunks = events(stream(google, body("Reply with exactly: OK", **config)))
    assert first(chunks[0])["content"]["parts"][0]["thought"] is True
    assert text(chunks[-1]) == "OK"
    (call,) = events(stream(google, body(PARIS, tools=TOOLS)))
    assert calls(call)[0]["args"]["city_name"] == "Paris"


def test_an_error_before_a_stream_is_an_object_with_sse_and_a_list_without(google: httpx.Client) -> None:
    with_sse = google.post(f"{MODEL}:streamGenerateContent?alt=sse", json={})
    without = google.post(f"{MODEL}:streamGenerateContent", json={})
    assert with_sse.json()["error"]["code"] == 400
    assert without.json()[0]["error"]["code"] == 400
    assert with_sse.headers["content-type"] == "text/event-stream"
    assert without.headers["content-type"] == "application/json; charset=UTF-8"


def test_alt_sse_on_the_unary_method_changes_nothing(google: httpx.Client) -> None:
    assert (
        text(google.post(f"{MODEL}:generateContent?alt=sse", json=body("Reply with exactly: OK")).json())
        == "OK"
    )


# HTTP


def test_compression_is_declared_and_only_where_asked_for(google: httpx.Client) -> None:
    for encoding, declared in (("gzip", "gzip"), ("identity", None)):
        answer = google.post(
            f"{MODEL}:generateContent", json=body("x"), headers={"Accept-Encoding": encoding}
        )
        assert answer.headers.get("content-encoding") == declared
        assert answer.json()["candidates"]


def test_one_connection_takes_many_requests_and_a_head(google: httpx.Client) -> None:
    assert [google.head("/v1beta/models").status_code for _ in range(2)] == [404, 404]
    assert google.get("/v1beta/models").status_code == 200


def talk(client: httpx.Client, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), 5) as connection:
        connection.sendall(sent)
        connection.settimeout(5)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def test_bytes_that_are_no_http_get_a_400_and_the_end(google: httpx.Client) -> None:
    assert talk(google, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_client_that_waits_for_a_hundred_gets_it(google: httpx.Client) -> None:
    raw = json.dumps(body("Reply with exactly: OK-1")).encode()
    head = (
        f"POST {MODEL}:generateContent?key=k HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
        f"Content-Length: {len(raw)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", google.base_url.port or 0), 5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(raw)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert b"OK-1" in received


def test_a_fault_of_a_stage_is_an_answer_not_a_hang(host: Host) -> None:
    def broken(_request: Any, _model: str) -> Any:
        raise ZeroDivisionError("here")

    url = host.start(replace(HONEST, think=broken))
    answer = httpx.post(f"{url}{MODEL}:generateContent", json=body("x"), headers=KEY)
    assert (answer.status_code, answer.headers["x-embedded-fault"]) == (500, "ZeroDivisionError: here")


# One stage replaced is one thing wrong


def test_a_replaced_stage_changes_that_alone(host: Host) -> None:
    def sentinel(framing: str, objects: Any) -> OutgoingBody:
        framed = HONEST.frame(framing, objects)
        return replace(framed, pieces=(*framed.pieces, b"data: [DONE]\r\n\r\n"))

    with httpx.Client(base_url=host.start(replace(HONEST, frame=sentinel)), headers=KEY) as client:
        pieces = b"".join(piece for _, piece in stream(client, body("Reply with exactly: OK")))
    assert pieces.endswith(b"\r\n\r\ndata: [DONE]\r\n\r\n")


def test_an_answer_can_be_cut_in_the_middle(host: Host) -> None:
    url = host.start(
        lambda _incoming: Outgoing(200, (), (DelayedPiece(0, b"data: {"),), streamed=True, cut=True)
    )
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(url)


def test_a_server_can_be_a_plain_function(host: Host) -> None:
    url = host.start(
        lambda incoming: Outgoing(203, (("X-Verb", incoming.verb),), (DelayedPiece(0, incoming.body),))
    )
    answer = httpx.post(f"{url}/any", content=b"echo")
    assert (answer.status_code, answer.headers["x-verb"], answer.content) == (203, "POST", b"echo")


def test_a_hundred_and_fifty_servers_start_within_a_second() -> None:
    with Host() as many:
        started = time.process_time()
        urls = [many.start(HONEST) for _ in range(150)]
        assert time.process_time() - started < 1
        assert len(set(urls)) == 150
        assert httpx.get(f"{urls[-1]}/v1beta/models", headers=KEY).status_code == 200


def test_a_taken_port_is_an_error_of_the_caller(host: Host) -> None:
    port = int(host.start(HONEST).rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        host.start(HONEST, port)


def test_a_host_starts_servers_inside_its_block_only() -> None:
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        Host().start(HONEST)


def test_ndjson_is_a_line_each() -> None:
    framed = HONEST.frame(NDJSON, [{"a": "x\u2028y"}, {"b": "\n"}])
    assert [json.loads(piece) for piece in framed.pieces] == [{"a": "x\u2028y"}, {"b": "\n"}]
    assert all(piece.count(b"\n") == 1 and piece.endswith(b"\n") for piece in framed.pieces)
