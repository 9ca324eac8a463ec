"""Recordings in less common formats: traces, replays, fixtures."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import recordings
from recordings import findings_of, only_exchange, read_recording

# --- traces of httprr, replays of google-genai, fixtures of others ---


def httprr(one: recordings.Taped, *, chunks: bool = False) -> bytes:
    head = [
        f"POST {one.url} HTTP/1.1",
        "Host: api.reseller.example",
        *(f"{name}: {value}" for name, value in one.sent),
    ]
    request = "\r\n".join([*head, "", one.text]).encode()
    body, length = one.body, f"Content-Length: {len(one.body)}"
    if chunks:
        body, length = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"
    lines = [
        f"HTTP/2.0 {one.status} OK",
        *(f"{name}: {value}" for name, value in one.received),
        length,
        "",
        "",
    ]
    answer = "\r\n".join(lines).encode() + body
    return f"httprr trace v1\n{len(request)} {len(answer)}\n".encode() + request + answer


@pytest.mark.parametrize("kind", recordings.KINDS)
@pytest.mark.parametrize("chunks", [False, True])
def test_traces_of_httprr_are_read(tmp_path: Path, kind: str, chunks: bool) -> None:
    one = recordings.KINDS[kind]()
    (tmp_path / "x.httprr").write_bytes(httprr(one, chunks=chunks))
    found = read_recording(tmp_path / "x.httprr")
    exchange = only_exchange(found)
    assert (exchange.status, exchange.body) == (one.status, one.body)
    assert json.loads(exchange.request.body) == recordings.ASKED
    (tmp_path / "x.har").write_bytes(recordings.har(one))
    assert {rule for rule, *_ in findings_of(found)} == {
        rule for rule, *_ in findings_of(read_recording(tmp_path / "x.har"))
    }


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"httprr trace v1\n", "0 entries"),
        (b"httprr trace v1\nx y\n", "record 1 does not begin with two lengths"),
        (b"httprr trace v1\n10 9999999999\nPOST", "record 1 ends early"),
        (b"httprr trace v1\n3 3\nabcdef", "1 not of the Gemini API"),
    ],
)
def test_a_broken_trace_is_said_in_one_line(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "x").write_bytes(data)
    found = read_recording(tmp_path / "x")
    assert found.count == 0
    assert says in found.files[0].says


def replay(url: str, *answers: dict[str, Any]) -> dict[str, Any]:
    request = {
        "method": "post",
        "url": url,
        "headers": {"Content-Type": "application/json"},
        "body_segments": [recordings.ASKED],
    }
    response = {
        "status_code": 200,
        "headers": {"Content-Type": "text/event-stream"},
        "body_segments": [*answers],
        "byte_segments": [],
        "sdk_response_segments": [],
    }
    return {"replay_id": "models/x/test", "interactions": [{"request": request, "response": response}]}


def test_replays_of_google_genai_are_read(tmp_path: Path) -> None:
    url = "{MLDEV_URL_PREFIX}/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    several = recordings.chunk("Blue"), recordings.chunk(".", finishReason="STOP")
    (tmp_path / "x.json").write_text(json.dumps(replay(url, *several)))
    found = read_recording(tmp_path / "x.json")
    assert only_exchange(found).reserialised
    assert found.groups[0].host == "generativelanguage.googleapis.com"
    assert json.loads(only_exchange(found).request.body) == recordings.ASKED
    assert [one for one in findings_of(found) if one[1] != "note"] == []
    (tmp_path / "x.json").write_text(json.dumps(replay(url, several[0])))
    assert "streaming/ends-with-a-finish-reason" in {
        one[0] for one in findings_of(read_recording(tmp_path / "x.json"))
    }


def fixture(**response: Any) -> dict[str, Any]:
    request = {
        "method": "POST",
        "uri": recordings.STREAM.partition("?")[0],
        "query_string": "alt=sse",
        "headers": {},
        "body_json": recordings.ASKED,
    }
    headers = {"content-type": ["text/event-stream"]}
    return {
        "version": "1.0",
        "interactions": [
            {"request": request, "response": {"status": 200, "headers": headers, "body": "", **response}}
        ],
    }


def test_fixtures_with_typed_bodies_are_read(tmp_path: Path) -> None:
    body = recordings.good_stream().body
    for response in ({"body_blob": base64.b64encode(body).decode()}, {"body": body.decode()}):
        (tmp_path / "x.json").write_text(json.dumps(fixture(**response)))
        exchange = only_exchange(read_recording(tmp_path / "x.json"))
        assert exchange.body == body
        assert exchange.request.path.endswith("?alt=sse")
        assert json.loads(exchange.request.body) == recordings.ASKED
    (tmp_path / "x.json").write_text(json.dumps(fixture(body_json=recordings.ANSWER)))
    assert json.loads(only_exchange(read_recording(tmp_path / "x.json")).body) == recordings.ANSWER


def test_a_list_of_pairs_with_a_status_code_is_read(tmp_path: Path) -> None:
    request = {
        "url": recordings.UNARY,
        "method": "post",
        "headers": {},
        "body": json.dumps(recordings.ASKED),
        "options": {},
    }
    response = {
        "body": recordings.good().body.decode(),
        "headers": {"Content-Type": "application/json"},
        "status_code": 200,
        "type": "ok",
    }
    (tmp_path / "x.json").write_text(json.dumps([{"request": request, "response": response}]))
    assert only_exchange(read_recording(tmp_path / "x.json")).body == recordings.good().body
