"""The bundled server for Google answers as recorded: bytes, headers, errors, and the habits of each family of models."""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from conformance.embedded import HONEST, Host
from conformance.embedded.families import FACTS, FAMILIES, VERSIONS, choose_family, find_family, find_version

# One model of each family.
MODELS = (
    "gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-3.5-flash",
    "gemini-3.6-flash", "gemini-3.7-flash",
)  # fmt: skip
OLDER = ("gemini-2.0-flash",)
NEWER = MODELS[1:]
CLOSING = MODELS[2:]
COUNT = "Count from 1 to 40, separated by spaces."
PARIS = "What is the weather in Paris? Use metric units."
CITIES = "What is the weather in Paris and in Tokyo? Call the function once for each city."
WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
}
TOOLS: Any = [{"functionDeclarations": [WEATHER]}]
NO_THOUGHTS = {"thinkingConfig": {"thinkingBudget": 0}}
SHOWN_THOUGHTS = {"thinkingConfig": {"includeThoughts": True}}
UNARY, EVENTS, ARRAY = ":generateContent", ":streamGenerateContent?alt=sse", ":streamGenerateContent"


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the socket, its chunks joined."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def objects(self) -> list[Any]:
        if self.body.startswith(b"data: "):
            return [json.loads(event[6:]) for event in self.body.split(b"\r\n\r\n")[:-1]]
        read = json.loads(self.body)
        return read if isinstance(read, list) else [read]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with Host() as host:
        yield int(host.start(HONEST).rpartition(":")[2])


def joined(body: bytes) -> bytes:
    """Return a chunked body without its framing."""
    data = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if not int(size, 16):
            assert body == b"\r\n"
            return data
        data, body = data + body[: int(size, 16)], body[int(size, 16) + 2 :]


def ask(port: int, path: str, request: Any = None, key: str = "k", verb: str = "POST") -> Answer:
    """Send one request over a socket of its own; the path is that below /v1beta/."""
    sent = json.dumps(request).encode() if request is not None else b""
    given = f"x-goog-api-key: {key}\r\n" if key else ""
    head = f"{verb} /v1beta/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{given}"
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.settimeout(5)
        connection.sendall(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    start, _, rest = received.partition(b"\r\n\r\n")
    first, *lines = start.decode().split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    headers = tuple((name, value) for name, _, value in pairs)
    chunked = any((name.lower(), value) == ("transfer-encoding", "chunked") for name, value in headers)
    return Answer(int(first.split()[1]), headers, joined(rest) if chunked else rest)


def body(text: str, **more: Any) -> Any:
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **more}


def generate(port: int, model: str, request: Any, method: str = UNARY) -> list[Any]:
    answer = ask(port, f"models/{model}{method}", request)
    assert answer.status == 200, answer.body
    return answer.objects


def candidates(objects: list[Any]) -> list[Any]:
    return [candidate for one in objects for candidate in one["candidates"]]


def parts(objects: list[Any]) -> list[Any]:
    return [part for candidate in candidates(objects) for part in candidate["content"].get("parts", ())]


def texts(objects: list[Any]) -> list[Any]:
    return [part for part in parts(objects) if "text" in part and not part.get("thought")]


def calls(objects: list[Any]) -> list[Any]:
    return [part for part in parts(objects) if "functionCall" in part]


# Bytes


def printed(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


@pytest.mark.parametrize("model", MODELS)
def test_a_unary_answer_is_printed_by_two_with_a_line_feed_at_its_end(port: int, model: str) -> None:
    answer = ask(port, f"models/{model}{UNARY}", body(COUNT))
    assert answer.body.startswith(
        b'{\n  "candidates": [\n    {\n      "content": {\n        "parts": [\n          {\n'
    )
    assert answer.body == printed(answer.objects[0]) + b"\n"


@pytest.mark.parametrize("model", MODELS)
def test_each_event_is_one_line_with_blanks_after_colons_alone(port: int, model: str) -> None:
    answer = ask(port, f"models/{model}{EVENTS}", body(COUNT))
    written = [
        b"data: " + json.dumps(one, separators=(",", ": "), ensure_ascii=False).encode() + b"\r\n\r\n"
        for one in answer.objects
    ]
    assert len(written) > 2
    assert answer.body == b"".join(written)


@pytest.mark.parametrize("model", MODELS)
def test_an_array_has_a_line_feed_before_each_comma_and_none_at_its_end(port: int, model: str) -> None:
    answer = ask(port, f"models/{model}{ARRAY}", body(COUNT))
    assert len(answer.objects) > 2
    assert answer.body == b"[" + b"\n,\r\n".join(printed(one) for one in answer.objects) + b"\n]"


@pytest.mark.parametrize("method", [UNARY, EVENTS, ARRAY])
def test_angle_brackets_are_escaped_and_other_characters_are_not(port: int, method: str) -> None:
    said = "<b> 'x' = é"
    answer = ask(port, f"models/gemini-2.5-flash{method}", body(f"Reply with exactly: {said}"))
    assert "\\u003cb\\u003e 'x' = é".encode() in answer.body
    assert "".join(part["text"] for part in texts(answer.objects)) == said


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", [UNARY, EVENTS, ARRAY])
def test_members_stand_in_googles_order(port: int, model: str, method: str) -> None:
    objects = generate(port, model, body(PARIS, tools=TOOLS), method)
    objects += generate(port, model, body(COUNT, generationConfig=SHOWN_THOUGHTS), method)
    for one in objects:
        assert list(one) == ["candidates", "usageMetadata", "modelVersion", "responseId"]
        assert in_order(
            one["usageMetadata"],
            "promptTokenCount candidatesTokenCount totalTokenCount promptTokensDetails candidatesTokensDetails "
            "thoughtsTokenCount serviceTier",
        )
    for candidate in candidates(objects):
        assert in_order(candidate, "content finishReason index finishMessage avgLogprobs")
        assert list(candidate["content"]) == ["parts", "role"]
    for part in parts(objects):
        assert in_order(part, "functionCall text thoughtSignature thought")
        assert in_order(part.get("functionCall", {}), "name args id")


def in_order(members: Any, order: str) -> bool:
    names = order.split()
    return set(members) <= set(names) and list(members) == sorted(members, key=names.index)


def test_a_candidate_without_parts_has_its_role_alone(port: int) -> None:
    config = {"stopSequences": ["OK"]}
    request = body("Reply with exactly: OK-7f3a", generationConfig=config)
    (candidate,) = candidates(generate(port, "gemini-2.5-flash", request))
    assert candidate["content"] == {"role": "model"}


# Headers


@pytest.mark.parametrize("method", [UNARY, EVENTS, ARRAY])
def test_every_answer_carries_the_headers_of_the_front_end(port: int, method: str) -> None:
    answer = ask(port, f"models/gemini-2.5-flash{method}", body("x"))
    fixed = {
        "Server": "scaffolding on HTTPServer2", "X-XSS-Protection": "0", "X-Frame-Options": "SAMEORIGIN",
        "X-Content-Type-Options": "nosniff", "Transfer-Encoding": "chunked",
    }  # fmt: skip
    assert {name: answer.every(name) for name in fixed} == {name: [value] for name, value in fixed.items()}
    assert answer.every("Vary") == ["Origin", "X-Origin", "Referer"]
    (timing,) = answer.every("Server-Timing")
    assert re.fullmatch(r"gfet4t7; dur=[1-9]\d*", timing)
    assert answer.every("Content-Length") == []


@pytest.mark.parametrize(
    ("method", "content_type", "disposition", "tier"),
    [
        (UNARY, "application/json; charset=UTF-8", [], ["standard"]),
        (EVENTS, "text/event-stream", ["attachment"], []),
        (ARRAY, "application/json; charset=UTF-8", [], []),
    ],
)
def test_only_events_are_attachments_and_only_unary_answers_name_their_tier(
    port: int, method: str, content_type: str, disposition: list[str], tier: list[str]
) -> None:
    answer = ask(port, f"models/gemini-2.5-flash{method}", body("x"))
    assert answer.every("Content-Type") == [content_type]
    assert answer.every("Content-Disposition") == disposition
    assert answer.every("X-Gemini-Service-Tier") == tier


# Errors


def refusal(answer: Answer) -> Any:
    assert answer.body == printed(json.loads(answer.body)) + b"\n"
    (error,) = json.loads(answer.body).values()
    assert list(error)[:3] == ["code", "message", "status"]
    assert error["code"] == answer.status
    return error


@pytest.mark.parametrize("method", [UNARY, EVENTS])
def test_an_unknown_model_is_a_404_that_speaks_of_generate_content(port: int, method: str) -> None:
    answer = ask(port, f"models/gemini-none{method}", body("x"))
    error = refusal(answer)
    assert (answer.status, error["status"], "details" in error) == (404, "NOT_FOUND", False)
    assert error["message"] == (
        "models/gemini-none is not found for API version v1beta, or is not supported for generateContent. "
        "Call ModelService.ListModels to see the list of available models and their supported methods."
    )


@pytest.mark.parametrize("path", ["gemini-none", "gemini-2.5-flash"])
@pytest.mark.parametrize("key", ["k", "bad-key", "spent-key", ""])
def test_errors_of_an_event_stream_are_one_object_labelled_as_events(port: int, path: str, key: str) -> None:
    answer = ask(port, f"models/{path}{EVENTS}", {}, key)
    refusal(answer)
    assert answer.every("Content-Type") == ["text/event-stream"]
    assert answer.every("Content-Disposition") == answer.every("X-Gemini-Service-Tier") == []
    assert answer.every("Content-Length") == [str(len(answer.body))]


def test_errors_of_unary_questions_are_json(port: int) -> None:
    answer = ask(port, f"models/gemini-2.5-flash{UNARY}", {})
    assert refusal(answer)["status"] == "INVALID_ARGUMENT"
    assert answer.every("Content-Type") == ["application/json; charset=UTF-8"]
    assert answer.every("X-Gemini-Service-Tier") == ["standard"]


@pytest.mark.parametrize("path", ["v1alpha/models", "/v1beta/models"])
def test_a_preview_of_the_api_and_a_doubled_slash_are_taken(port: int, path: str) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        url = f"http://127.0.0.1:{port}/{path}/gemini-2.5-flash{UNARY}"
        assert client.post(url, json=body("x"), headers={"x-goog-api-key": "k"}).status_code == 200


def test_a_query_that_is_refused_is_answered_as_its_stream_would_be(port: int) -> None:
    answer = ask(port, f"models/gemini-2.5-flash{EVENTS}&frobnication=1", body("x"))
    assert refusal(answer)["status"] == "INVALID_ARGUMENT"
    assert answer.every("Content-Type") == ["text/event-stream"]


def test_a_client_of_http_1_0_gets_no_chunks(port: int) -> None:
    sent = json.dumps(body("Reply with exactly: OK")).encode()
    head = (
        f"POST /v1beta/models/gemini-2.5-flash{UNARY}?key=k HTTP/1.0\r\nContent-Length: {len(sent)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(head.encode() + sent)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    start, _, rest = received.partition(b"\r\n\r\n")
    assert b"chunked" not in start
    assert json.loads(rest)["candidates"]


@pytest.mark.parametrize(
    ("model", "limit", "thinking"), [("gemini-2.0-flash", 8192, None), ("gemini-3.5-flash", 65536, True)]
)
def test_the_listing_knows_the_bounds_of_a_family(
    port: int, model: str, limit: int, thinking: bool | None
) -> None:
    listed = json.loads(ask(port, f"models/{model}", verb="GET").body)
    assert (listed["outputTokenLimit"], listed.get("thinking")) == (limit, thinking)


def test_a_bad_key_is_told_twice(port: int) -> None:
    error = refusal(ask(port, f"models/gemini-2.5-flash{UNARY}", body("x"), "bad-key"))
    assert (error["code"], error["message"]) == (400, "API key not valid. Please pass a valid API key.")
    assert error["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
            "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        },
        {
            "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
            "locale": "en-US",
            "message": error["message"],
        },
    ]


def test_no_key_is_a_403_without_details(port: int) -> None:
    error = refusal(ask(port, f"models/gemini-2.5-flash{UNARY}", body("x"), ""))
    assert (error["code"], error["status"], "details" in error) == (403, "PERMISSION_DENIED", False)
    assert error["message"].startswith("Method doesn't allow unregistered callers")


@pytest.mark.parametrize(
    ("more", "violation"),
    [({"generationConfig": {"topSecret": 1}}, "generation_config"), ({"frobnication": 1}, None)],
)
def test_an_unknown_field_is_a_violation_with_its_place_in_proto_names(
    port: int, more: Any, violation: str | None
) -> None:
    (detail,) = refusal(ask(port, f"models/gemini-2.5-flash{UNARY}", body("x", **more)))["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert [one.get("field") for one in detail["fieldViolations"]] == [violation]


def test_a_spent_quota_names_its_delay_in_the_details_alone(port: int) -> None:
    answer = ask(port, f"models/gemini-2.5-flash{UNARY}", body("x"), "spent-key")
    error = refusal(answer)
    assert (answer.status, error["status"]) == (429, "RESOURCE_EXHAUSTED")
    kinds = [detail["@type"].rpartition(".")[2] for detail in error["details"]]
    assert kinds == ["QuotaFailure", "Help", "RetryInfo"]
    assert error["details"][0]["violations"][0]["quotaDimensions"]["model"] == "gemini-2.5-flash"
    assert answer.every("Retry-After") == []
    assert answer.every("X-Gemini-Service-Tier") == ["standard"]


def test_a_model_with_a_segment_too_many_is_an_empty_page(port: int) -> None:
    answer = ask(port, f"models/gemini/gemini-2.0-flash-001{UNARY}", body("x"))
    assert (answer.status, answer.body) == (404, b"")
    assert answer.every("Content-Type") == ["text/html"]
    assert answer.every("Content-Length") == ["0"]
    assert answer.every("Vary") == []


def test_enums_are_numbers_for_a_client_that_asks_for_them(port: int) -> None:
    (unary,) = generate(port, "gemini-2.5-flash", body("x"), f"{UNARY}?$alt=json;enum-encoding=int")
    *_, last = generate(port, "gemini-2.5-flash", body(COUNT), f"{ARRAY}?$alt=json;enum-encoding=int")
    for one in (unary, last):
        assert one["candidates"][0]["finishReason"] == 1
        assert one["usageMetadata"]["promptTokensDetails"][0]["modality"] == 1
    assert ask(port, f"models/gemini-2.5-flash{UNARY}?$alt=json;enum-encoding=text", body("x")).status == 400


# Families


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("request_", [body(COUNT), body(PARIS, tools=TOOLS)], ids=["text", "call"])
def test_newer_models_print_the_index_and_older_ones_the_average(
    port: int, model: str, request_: Any
) -> None:
    (candidate,) = candidates(generate(port, model, request_))
    assert candidate.get("index") == (None if model in OLDER else 0)
    assert ("avgLogprobs" in candidate) is (model in OLDER)
    assert candidate.get("avgLogprobs", -1) < 0
    streamed = candidates(generate(port, model, request_, EVENTS))
    assert {one.get("index") for one in streamed} == {candidate.get("index")}
    assert not any("avgLogprobs" in one for one in streamed)


def test_a_second_candidate_has_its_index_in_every_family(port: int) -> None:
    for model in MODELS:
        made = candidates(generate(port, model, body("x", generationConfig={"candidateCount": 2})))
        assert [one.get("index") for one in made] == [None if model in OLDER else 0, 1]


@pytest.mark.parametrize("model", MODELS)
def test_a_call_is_explained_by_newer_models_in_the_frame_that_holds_it(port: int, model: str) -> None:
    (unary,) = candidates(generate(port, model, body(PARIS, tools=TOOLS)))
    *_, last = candidates(generate(port, model, body(PARIS, tools=TOOLS), EVENTS))
    said = "Model generated function call(s)."
    assert (unary["finishReason"], last["finishReason"]) == ("STOP", "STOP")
    assert unary.get("finishMessage") == (None if model in OLDER else said)
    assert last.get("finishMessage") == (said if model == "gemini-2.5-flash" else None)
    assert "finishMessage" not in candidates(generate(port, model, body(COUNT)))[0]


@pytest.mark.parametrize("model", MODELS)
def test_calls_have_ids_from_the_third_generation_on(port: int, model: str) -> None:
    for method in (UNARY, EVENTS, ARRAY):
        made = [
            part["functionCall"] for part in calls(generate(port, model, body(CITIES, tools=TOOLS), method))
        ]
        ids = [call["id"] for call in made if "id" in call]
        assert len(made) == 2
        assert len(set(ids)) == (2 if model in CLOSING else 0)
        assert all(re.fullmatch(r"[A-Za-z0-9]{8}", one) for one in ids)


def signed(made: list[Any]) -> list[bool]:
    for part in made:
        signature = part.get("thoughtSignature", "")
        assert base64.b64encode(base64.b64decode(signature, validate=True)).decode() == signature
        assert not (signature and part.get("thought"))
    return ["thoughtSignature" in part for part in made]


@pytest.mark.parametrize("model", MODELS)
def test_calls_are_signed_where_a_model_thinks(port: int, model: str) -> None:
    for method in (UNARY, EVENTS):
        made = calls(generate(port, model, body(CITIES, tools=TOOLS), method))
        assert signed(made) == [model not in OLDER, False]
        unthought = generate(port, model, body(PARIS, tools=TOOLS, generationConfig=NO_THOUGHTS), method)
        assert signed(calls(unthought)) == [model in CLOSING]


@pytest.mark.parametrize("model", MODELS)
def test_unary_texts_are_signed_by_the_third_generation_and_with_tools_by_the_second_and_a_half(
    port: int, model: str
) -> None:
    shown = generate(port, model, body(COUNT, generationConfig=SHOWN_THOUGHTS))
    tools = generate(port, model, body(COUNT, tools=TOOLS))
    assert signed(texts(shown)) == [model in CLOSING]
    assert signed(texts(tools)) == [model not in OLDER]
    assert any(part.get("thought") for part in parts(shown)) is (model not in OLDER)
    assert not any(signed([part for part in parts(shown) if part.get("thought")]))


@pytest.mark.parametrize("model", MODELS)
def test_streams_of_the_third_generation_close_with_an_empty_text(port: int, model: str) -> None:
    frames = {
        "thought": generate(port, model, body(COUNT), EVENTS),
        "unthought": generate(port, model, body(COUNT, generationConfig=NO_THOUGHTS), EVENTS),
        "called": generate(port, model, body(CITIES, tools=TOOLS), EVENTS),
    }
    closing = {name: parts(objects[-1:]) for name, objects in frames.items()}
    empty = {
        name: [part["text"] for part in made if part.get("text") == ""] for name, made in closing.items()
    }
    assert empty == dict.fromkeys(frames, [""] if model in CLOSING else [])
    assert signed(closing["thought"]) == [model in CLOSING]
    assert not any(signed(closing["unthought"]))
    assert [len(calls([frame])) for frame in frames["called"]] == ([1, 1, 0] if model in CLOSING else [2])
    assert "".join(part["text"] for part in texts(frames["thought"])).endswith("39 40")


def test_a_stream_of_2_5_signs_its_first_text_where_tools_were_declared(port: int) -> None:
    made = texts(generate(port, "gemini-2.5-flash", body(COUNT, tools=TOOLS), EVENTS))
    assert signed(made) == [True] + [False] * (len(made) - 1)
    assert not any(signed(texts(generate(port, "gemini-2.5-flash", body(COUNT), EVENTS))))


def used(objects: list[Any], name: str) -> list[Any]:
    return [one["usageMetadata"].get(name) for one in objects]


@pytest.mark.parametrize("model", MODELS)
def test_usage_stands_in_every_frame_and_counts_as_its_family_does(port: int, model: str) -> None:
    objects = generate(port, model, body(COUNT), EVENTS)
    prompts, answers = used(objects, "promptTokenCount"), used(objects, "candidatesTokenCount")
    older = model in OLDER
    assert prompts[:-1] == [prompts[-1] + older] * (len(objects) - 1)
    assert (answers[:-1] == [None] * (len(objects) - 1)) is older
    assert [one is not None for one in used(objects, "candidatesTokensDetails")] == [
        *[False] * (len(objects) - 1),
        older,
    ]
    assert all((thoughts is None) is older for thoughts in used(objects, "thoughtsTokenCount"))
    assert set(used(objects, "serviceTier")) == {None if older else "standard"}
    assert all(used(objects, "promptTokensDetails"))
    for one in objects:
        usage = one["usageMetadata"]
        names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
        assert usage["totalTokenCount"] == sum(usage.get(name, 0) for name in names)
    assert objects[-1]["usageMetadata"] == generate(port, model, body(COUNT))[0]["usageMetadata"]


def test_the_older_family_has_no_thoughts_though_they_are_asked_for(port: int) -> None:
    (answer,) = generate(port, "gemini-2.0-flash", body(COUNT, generationConfig=SHOWN_THOUGHTS))
    assert not any(part.get("thought") for part in parts([answer]))


@pytest.mark.parametrize("model", MODELS)
def test_a_response_id_holds_the_time_and_is_one_in_a_stream(port: int, model: str) -> None:
    ids = {one["responseId"] for one in generate(port, model, body(COUNT), EVENTS)}
    others = {generate(port, model, body("x"))[0]["responseId"] for _ in range(12)}
    assert (len(ids), len(others)) == (1, 12)
    for one in ids | others:
        assert re.fullmatch(r"[A-Za-z0-9_-]{22,23}", one)
        clock = int.from_bytes(base64.urlsafe_b64decode(one + "=" * (-len(one) % 4))[:4], "little")
        assert abs(clock - time.time()) < 5


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini-3-pro-preview", "gemini-3.1-pro-preview"),
        ("gemini-flash-latest", "gemini-3.6-flash"),
        ("gemini-flash-lite-latest", "gemini-2.5-flash-lite-preview-09-2025"),
    ],
)
def test_the_version_that_answers_may_be_another_and_its_family_shows(
    port: int, asked: str, version: str
) -> None:
    (answer,) = generate(port, asked, body(PARIS, tools=TOOLS))
    assert answer["modelVersion"] == version
    assert ("id" in calls([answer])[0]["functionCall"]) is version.startswith("gemini-3")


def test_preview_models_that_moved_on_answer_with_a_prefix() -> None:
    assert find_version("gemini-2.5-flash-preview-05-20") == "models/gemini-2.5-flash-preview-05-20"
    assert find_version("gemini-2.5-pro-preview-05-06") == "models/gemini-2.5-pro"
    assert choose_family("gemini-2.0-flash-thinking-exp-01-21").prefixes == ("gemini-2.5",)


def test_the_oldest_family_gives_no_response_id() -> None:
    answer = HONEST.think(body("x"), "gemini-1.5-flash-latest")
    whole = HONEST.whole(answer)
    assert list(whole) == ["candidates", "usageMetadata", "modelVersion"]
    assert whole["modelVersion"] == "gemini-1.5-flash-002"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("gemini-2.5-pro", True), ("gemini-3", True), ("google/gemini-3.5-flash", True), ("gemini-30-x", False),
        ("gemini-4-pro", False), ("gpt-5", False), ("", False),
    ],
)  # fmt: skip
def test_a_family_is_known_by_the_beginning_of_a_name(name: str, *, known: bool) -> None:
    assert (find_family(name) is not None) is known


def test_each_fact_of_each_family_says_where_it_was_seen() -> None:
    for family in FAMILIES:
        assert set(family.seen) == set(FACTS)
        assert all(family.seen.values())
    assert all(find_family(version) is not None for version in VERSIONS)
