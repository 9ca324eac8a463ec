"""The client models agree with what was measured with the real clients, and survive any bytes."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from measured_clients import AI, JS, JS_1, OLD, PYTHON, PYTHON_1

from conformance.clients import (
    ALL_CLIENTS,
    CLIENTS,
    BadCaptureError,
    CapturedResponse,
    UnknownClientError,
    describe_view,
    describe_views,
    find_clients,
    find_required_settings,
    from_exchange,
    read_as_client,
    read_captured,
)
from conformance.model import Exchange, Failure, Piece, Request

DATA = Path(__file__).parent / "data"
OUTCOMES = (DATA / "outcomes.jsonl").read_text("utf-8").strip().split("\n")
CORPUS = (DATA / "clients_corpus.jsonl").read_text("utf-8").strip().split("\n")
CLI = find_clients("gemini-cli")[0]

ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "Hello"}], "role": "model"}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 6, "totalTokenCount": 10},
}
EVENT = f"data: {json.dumps(ANSWER)}\n\n".encode()


def streamed(body: bytes, **more: Any) -> CapturedResponse:
    return CapturedResponse("streamGenerateContent", 200, "text/event-stream", body=body, **more)


def whole(answer: object) -> CapturedResponse:
    return CapturedResponse("generateContent", 200, "application/json", body=json.dumps(answer).encode())


def measured_calls(outcome: dict[str, Any]) -> int | None:
    """Return the number of calls that the measuring program wrote down; None where it did not look."""
    found = outcome.get("function_calls", outcome.get("tc"))
    return found if isinstance(found, int) else len(found) if isinstance(found, list) else None


def disagreements(line: str, name: str) -> list[str]:
    """Where the model of a client departs from what was measured for one response."""
    row = json.loads(line)
    outcome = row["clients"][name]
    said = describe_view(read_captured(line), CLIENTS[name])
    wanted: dict[str, Any] = {"raises": "raises" in outcome}
    if "raises" in outcome:
        wanted |= {"chunks_before": outcome["chunks_before"]} if "chunks_before" in outcome else {}
    else:
        wanted |= {key: outcome.get(key) for key in ("finish_reason", "total_tokens")}
        wanted |= {"text": (outcome.get("text") or "")[:60]}
        wanted |= {"chunks": outcome["chunks"]} if "chunks" in outcome else {}
        calls = measured_calls(outcome)
        wanted |= {} if calls is None else {"calls": calls}
    # The line leaves out what the measurement of outcomes.jsonl did not read; the model itself knows it.
    seen = read_as_client(CLIENTS[name], read_captured(line))
    shown = said | {"text": str(said["text"])[:60], "calls": 0 if seen.raises else seen.calls}
    return [
        f"{key}: {shown.get(key)!r}, measured {value!r}"
        for key, value in wanted.items()
        if shown.get(key) != value
    ]


@pytest.mark.parametrize("name", CLIENTS)
def test_every_measured_response_is_seen_as_the_real_client_saw_it(name: str) -> None:
    rows = [line for line in OUTCOMES if name in json.loads(line)["clients"]]
    wrong = {json.loads(line)["variant"]: found for line in rows if (found := disagreements(line, name))}
    assert len(rows) >= 118
    assert wrong == {}


def test_the_line_of_a_client_counts_no_calls_that_the_measurement_did_not_read() -> None:
    for line in OUTCOMES:
        for name, outcome in json.loads(line)["clients"].items():
            if name in CLIENTS:
                assert describe_view(read_captured(line), CLIENTS[name])["calls"] == (
                    measured_calls(outcome) or 0
                )


@pytest.mark.parametrize("name", CLIENTS)
def test_mutated_fields_and_framings_are_seen_as_the_real_client_saw_them(name: str) -> None:
    wrong = {json.loads(line)["variant"]: found for line in CORPUS if (found := disagreements(line, name))}
    assert wrong == {}


@pytest.mark.parametrize("name", [AI.name])
def test_error_parts_of_a_stream_are_seen_where_the_real_client_hands_them_over(name: str) -> None:
    rows = [json.loads(line) | {"line": line} for line in [*OUTCOMES, *CORPUS]]
    wrong = [
        row["variant"]
        for row in rows
        if bool(read_as_client(AI, read_captured(row["line"])).errors) != ("er" in row["clients"][name])
        and "raises" not in row["clients"][name]
    ]
    assert wrong == []


def test_a_line_out_for_each_line_in_and_client_in_order() -> None:
    out = list(describe_views([OUTCOMES[0], "", OUTCOMES[-1]]))
    assert [line["client"] for line in out] == [*CLIENTS, *CLIENTS]
    assert out[0] == {
        "variant": "ok",
        "method": "generateContent",
        "client": "google-genai 3.4.0 (Python)",
        "raises": False,
        "text": "Hello",
        "finish_reason": "FinishReason.STOP",
        "total_tokens": 17,
        "calls": 0,
    }


def test_lines_out_are_json_even_for_numbers_that_json_lacks() -> None:
    body = json.dumps(ANSWER).replace("10", "1e999")
    line = json.dumps({"method": "generateContent", "status": 200, "body": body})
    for said in describe_views([line]):
        assert "Infinity" not in json.dumps(said)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("5", "must be a JSON object"),
        ('{"method": "get"}', "method must be"),
        ('{"method": "generateContent", "status": "200"}', "status must be"),
        ('{"method": "generateContent", "status": 200, "body": {}}', "body must be the text"),
        ('{"method": "generateContent", "status": 200, "body_base64": "*"}', "not base64"),
        ('{"method": "generateContent", "status": 200, "headers": []}', "headers must be"),
        ('{"method": "generateContent", "status": 200, "written_at": [-1]}', "byte offsets"),
    ],
)
def test_a_line_that_is_no_response_is_named_with_file_and_line(line: str, complaint: str) -> None:
    with pytest.raises(BadCaptureError, match=rf"^there\.jsonl:2: .*{complaint}"):
        list(describe_views([OUTCOMES[0], line], "there.jsonl"))


def test_a_stream_is_seen_alike_however_its_bytes_arrive() -> None:
    body = EVENT + f"data: {json.dumps(ANSWER, indent=1)}\r\n\r\n".encode() + "data: ö\n\n".encode()
    for client in (PYTHON, PYTHON_1, JS, JS_1, AI):
        seen = {read_as_client(client, streamed(body, written_at=(cut,))) for cut in range(len(body))}
        assert len(seen) == 1, client.name


def test_the_retired_client_loses_what_waits_in_its_queue_when_a_bad_event_comes_along() -> None:
    body = EVENT * 3 + b"data: [DONE]\n\n"
    assert read_as_client(OLD, streamed(body)).chunks_before == 1
    assert read_as_client(OLD, streamed(body, written_at=(len(EVENT) * 3,))).chunks_before == 3


HOSTILE = {
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "utf-16": EVENT.decode().encode("utf-16"),
    "half a character": EVENT + b"\xc3",
    "deep array": b"data: " + b"[" * 50_000 + b"]" * 50_000 + b"\n\n",
    "deep and open": b"data: " + b'{"a":' * 50_000 + b"\n\n",
    "deep, not framed": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "long number": b'data: {"usageMetadata": {"totalTokenCount": ' + b"9" * 10_000 + b"}}\n\n",
    "quotes": b'"' * 20_000,
    "backslashes": b'{"' + b"\\" * 20_001,
    "braces": b"{" * 20_000,
    "line ends": b"\n" * 100_000,
    "carriage returns": b"\r" * 100_000,
    "spaces": b" " * 100_000 + b"data:",
    "lone surrogates": b'data: {"candidates": [{"content": {"parts": [{"text": "\\ud83d"}]}}]}\n\n',
}


@pytest.mark.parametrize("client", ALL_CLIENTS.values(), ids=lambda client: client.slug)
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_no_bytes_make_a_model_fail(client: Any, body: bytes) -> None:
    captures = [
        streamed(body),
        streamed(body, broken="reset"),
        replace(streamed(body), status=503),
        replace(streamed(body), method="generateContent"),
        replace(streamed(body), headers={"content-encoding": "gzip"}),
        replace(streamed(gzip.compress(body)), headers={"content-encoding": "gzip"}),
        replace(streamed(body), status=None),
    ]
    for captured in captures:
        assert read_as_client(client, captured).client == client.name


@pytest.mark.parametrize("client", ALL_CLIENTS.values(), ids=lambda client: client.slug)
def test_reading_time_grows_with_the_size_and_not_with_its_square(client: Any) -> None:
    def seconds(times: int) -> float:
        body = EVENT * times
        cuts = tuple(range(0, len(body), 997))
        started = time.process_time()
        read_as_client(client, streamed(body, written_at=cuts))
        return time.process_time() - started

    assert seconds(3200) < 20 * max(seconds(400), 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("client", ALL_CLIENTS.values(), ids=lambda client: client.slug)
@pytest.mark.parametrize("unit", [b"x", b"{", b'{"a": "', EVENT, b"\n", b"data: 1\n"], ids=repr)
def test_sixty_megabytes_are_read_in_seconds(client: Any, unit: bytes) -> None:
    body = unit * (60_000_000 // len(unit))
    started = time.process_time()
    read_as_client(client, streamed(body))
    assert time.process_time() - started < 60


def test_deep_json_is_fine_for_javascript_and_not_for_python() -> None:
    deep = json.dumps(ANSWER)[:-1] + ', "x": ' + "[" * 3000 + "]" * 3000 + "}"
    captured = CapturedResponse("generateContent", 200, "application/json", body=deep.encode())
    assert read_as_client(JS, captured).text == read_as_client(AI, captured).text == "Hello"
    assert "RecursionError" in (read_as_client(PYTHON, captured).raises or "")


def test_gemini_cli_wants_text_and_a_finish_reason() -> None:
    silent = json.dumps({"candidates": [{"content": {"parts": [{"text": "Hello"}]}}]})
    assert read_as_client(CLI, streamed(EVENT)).raises is None
    assert "no finish reason" in (read_as_client(CLI, streamed(f"data: {silent}\n\n".encode())).raises or "")
    empty = json.dumps({"candidates": [{"finishReason": "STOP"}]})
    assert "no text" in (read_as_client(CLI, streamed(f"data: {empty}\n\n".encode())).raises or "")


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("google-genai", 2),
        ("@google/genai", 2),
        ("google-genai-1.30.0", 1),
        ("AI-SDK/google", 1),
        ("gemini-cli", 1),
        (OLD.name, 1),
    ],
)
def test_a_client_is_named_by_family_slug_or_name(word: str, count: int) -> None:
    assert len(find_clients(word)) == count


def test_an_unknown_client_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownClientError, match="did you mean 'google-genai'"):
        find_clients("google-genia")


def test_only_what_is_missing_must_be_configured() -> None:
    assert find_required_settings(JS, ("bearer", "x-goog-api-key"), v1=False) == ()
    assert find_required_settings(JS, None, v1=False) == ()
    assert [said.partition(":")[0] for said in find_required_settings(PYTHON, ("bearer",), v1=False)] == [
        "header",
        "API version",
    ]
    assert find_required_settings(PYTHON, ("x-goog-api-key",), v1=True) == ()


def exchange(*pieces: bytes, failure: Failure | None = None, **more: Any) -> Exchange:
    request = Request("POST", "/v1beta/models/m:streamGenerateContent?alt=sse", (), b"{}", "x-goog-api-key")
    said: dict[str, Any] = {
        "provider": "p",
        "probe": "q",
        "attempt": 1,
        "request": request,
        "expected": {},
        "status": 200,
        "http_version": "HTTP/1.1",
        "headers": (("Content-Type", "text/event-stream"),),
        "pieces": tuple(Piece(float(at), data) for at, data in enumerate(pieces)),
        "failure": failure,
        "started_at": "2026-11-22T00:00:00Z",
        "headers_ms": 1.0,
        "ended_ms": 9.0,
    }
    return Exchange(**(said | more))


def test_a_recorded_exchange_is_read_with_its_pieces() -> None:
    captured = from_exchange(exchange(EVENT, EVENT))
    assert captured.streamed
    assert captured.written_at == (len(EVENT),)
    assert read_as_client(PYTHON, captured).chunks == 2


def test_a_recording_after_content_encoding_is_not_decoded_again() -> None:
    headers = (("Content-Encoding", "gzip"), ("Content-Length", "9999"))
    assert read_as_client(PYTHON, exchange(EVENT, headers=headers, decoded=True)).text == "Hello"
    assert read_as_client(PYTHON, exchange(gzip.compress(EVENT), headers=headers[:1])).text == "Hello"


@pytest.mark.parametrize("client", ALL_CLIENTS.values(), ids=lambda client: client.slug)
def test_a_lost_connection_is_an_exception_after_what_came(client: Any) -> None:
    seen = read_as_client(client, exchange(EVENT, EVENT[:30], failure=Failure("reset", "connection reset")))
    assert seen.raises is not None
    assert seen.text == "Hello"
