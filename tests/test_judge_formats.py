"""An exchange is read in the same way, and gives the same findings, in the format of every recorder."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import real_google_genai as real
import recordings
from recordings import findings_of, only_exchange, read_recording

from conformance.capturing.collecting import RecordedFiles, read_files
from conformance.clients import CLIENTS, ClientView, from_exchange, read_as_client
from conformance.recording.record import Recorder
from conformance.wire.encoding import decode_body


def every(folder: Path, one: recordings.Taped) -> dict[str, RecordedFiles]:
    found = {name: read_recording(path) for name, path in recordings.written(folder, one).items()}
    plain = folder / "curl-i.txt"
    plain.write_bytes(recordings.curl(one))
    return {**found, "curl-i.txt": read_recording(plain, one.url)}


@pytest.mark.parametrize("kind", recordings.KINDS)
def test_every_format_gives_the_same_findings(tmp_path: Path, kind: str) -> None:
    one = recordings.KINDS[kind]()
    found = {name: findings_of(recorded) for name, recorded in every(tmp_path, one).items()}
    if kind == "without-reason":  # what curl -i printed does not tell whether the vendor or the user ended it
        found.pop("curl-i.txt")
    assert len({frozenset(several) for several in found.values()}) == 1, found


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("without-reason", "streaming/ends-with-a-finish-reason"),
        ("snake", "casing/answers-in-camel-case"),
        ("error", "errors/writes-errors-as-google-does"),
    ],
)
def test_a_deviation_is_found_in_every_format(tmp_path: Path, kind: str, rule: str) -> None:
    for name, recorded in every(tmp_path, recordings.KINDS[kind]()).items():
        assert rule in {found[0] for found in findings_of(recorded)}, name


@pytest.mark.parametrize("kind", ["good", "stream"])
def test_nothing_grave_is_found_in_a_good_answer_of_any_format(tmp_path: Path, kind: str) -> None:
    for name, recorded in every(tmp_path, recordings.KINDS[kind]()).items():
        assert [found for found in findings_of(recorded) if found[1] != "note"] == [], name


@pytest.mark.parametrize("kind", recordings.KINDS)
def test_every_format_is_read_as_the_same_exchange(tmp_path: Path, kind: str) -> None:
    one = recordings.KINDS[kind]()
    for name, recorded in every(tmp_path, one).items():
        exchange = only_exchange(recorded)
        assert exchange.status == one.status, name
        assert from_exchange(exchange).content_type == one.kind, name
        assert (recorded.groups[0].name, recorded.groups[0].base_url) == (
            "api.reseller.example-gemini-2.5-flash",
            recordings.HOST,
        ), name
        assert exchange.request.path == one.url.removeprefix(recordings.HOST), name
        assert exchange.failure is None, name
        assert exchange.captured, name


@pytest.mark.parametrize("kind", recordings.KINDS)
def test_every_format_keeps_the_bytes(tmp_path: Path, kind: str) -> None:
    one = recordings.KINDS[kind]()
    for name, recorded in every(tmp_path, one).items():
        assert decode_body(only_exchange(recorded)).body == one.body, name


def seen_alike(seen: ClientView) -> tuple[object, ...]:
    return (seen.raises is None, seen.text, seen.finish_reason, seen.total_tokens, seen.calls)


@pytest.mark.parametrize("kind", recordings.KINDS)
def test_every_client_sees_the_same_in_every_format(tmp_path: Path, kind: str) -> None:
    found = every(tmp_path, recordings.KINDS[kind]())
    for client in CLIENTS.values():
        seen = {
            name: seen_alike(read_as_client(client, only_exchange(recorded)))
            for name, recorded in found.items()
        }
        assert len(set(seen.values())) == 1, (client.name, seen)


INSTALLED = real.find_version()
NAME = f"google-genai {INSTALLED} (Python)"


@pytest.mark.skipif(NAME not in CLIENTS, reason="no modelled version of google-genai is installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", recordings.KINDS)
def test_google_genai_itself_sees_what_its_model_sees_in_every_format(tmp_path: Path, kind: str) -> None:
    for name, recorded in every(tmp_path, recordings.KINDS[kind]()).items():
        captured = from_exchange(only_exchange(recorded))
        assert seen_alike(real.ask_library(captured)) == seen_alike(
            read_as_client(CLIENTS[NAME], captured)
        ), name


# --- the forms that a format may take ---


def test_the_exchanges_of_a_run_of_ours_are_read(tmp_path: Path) -> None:
    source = only_exchange(read_recording(recordings.written(tmp_path, recordings.good())["x.har"]))
    with Recorder(tmp_path) as recorder:
        recorder.add(source)
    path = tmp_path / "exchanges" / f"{source.provider}.jsonl"
    assert only_exchange(read_recording(path)) == source


def test_several_files_at_once_are_judged_per_host_and_model(tmp_path: Path) -> None:
    one = recordings.good()
    other = recordings.Taped(one.url.replace("gemini-2.5-flash", "gemini-2.5-pro"), body=one.body)
    (tmp_path / "a.har").write_bytes(recordings.har(one, other))
    (tmp_path / "b.yaml").write_bytes(recordings.dump(recordings.vcrpy(one)))
    found = read_files([str(tmp_path / "a.har"), str(tmp_path / "b.yaml")])
    assert [(group.name, len(group.exchanges)) for group in found.groups] == [
        ("api.reseller.example-gemini-2.5-flash", 2),
        ("api.reseller.example-gemini-2.5-pro", 1),
    ]
    assert (
        found.groups[0].places["api.reseller.example-gemini-2.5-flash/captured-2#1"]
        == "b.yaml, interaction 1"
    )


def test_pieces_with_their_times_are_kept(tmp_path: Path) -> None:
    one = recordings.good_stream()
    half = len(one.body) // 2
    value = {**recordings.line(one), "pieces": [[10, half], [900, len(one.body) - half]]}
    (tmp_path / "x.jsonl").write_text(json.dumps(value))
    exchange = only_exchange(read_recording(tmp_path / "x.jsonl"))
    assert [(piece.at_ms, len(piece.data)) for piece in exchange.pieces] == [
        (10, half),
        (900, len(one.body) - half),
    ]
    assert exchange.timed


def test_what_was_not_recorded_is_said_of_the_exchange(tmp_path: Path) -> None:
    value = {
        key: text for key, text in recordings.line(recordings.good()).items() if key != "response_headers"
    }
    (tmp_path / "x.jsonl").write_text(json.dumps({**value, "bytes": "reserialised"}))
    exchange = only_exchange(read_recording(tmp_path / "x.jsonl"))
    assert (exchange.headers, exchange.headers_complete, exchange.reserialised, exchange.timed) == (
        (),
        False,
        True,
        False,
    )


def test_headers_count_as_complete_only_where_the_recorder_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(
        json.dumps({**recordings.line(recordings.good()), "headers_complete": True})
    )
    assert only_exchange(read_recording(tmp_path / "x.jsonl")).headers_complete
    assert not only_exchange(
        read_recording(recordings.written(tmp_path, recordings.good())["x.har"])
    ).headers_complete


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"path": "/v1beta/models/m-1:generateContent", "query": {}, "http_method": "POST"}, "/v1beta/models/m-1:generateContent"),
        ({"path": "/v1beta/models/m-1:generateContent", "query": {"alt": "sse"}}, "/v1beta/models/m-1:generateContent?alt=sse"),
        ({"path": "/v1beta/models/m-1:generateContent", "query": [["alt", "sse"]]}, "/v1beta/models/m-1:generateContent?alt=sse"),
        ({"path": "/v1beta/models/m-1:generateContent", "query": "?alt=sse"}, "/v1beta/models/m-1:generateContent?alt=sse"),
        ({"path": "/v1beta/models/m-1:countTokens", "verb": "post"}, "/v1beta/models/m-1:countTokens"),
    ],
)  # fmt: skip
def test_a_line_may_say_its_address_in_several_ways(
    tmp_path: Path, change: dict[str, object], path: str
) -> None:
    value = {**recordings.line(recordings.good()), **change, "something": {"of": "another program"}}
    del value["url"]
    (tmp_path / "x.jsonl").write_text(json.dumps(value))
    assert only_exchange(read_recording(tmp_path / "x.jsonl")).request.path == path


def test_a_body_may_be_given_as_json(tmp_path: Path) -> None:
    value = {key: text for key, text in recordings.line(recordings.good()).items() if key != "body_b64"}
    (tmp_path / "x.jsonl").write_text(
        json.dumps({**value, "body": recordings.ANSWER, "request_body": recordings.ASKED})
    )
    exchange = only_exchange(read_recording(tmp_path / "x.jsonl"))
    assert json.loads(exchange.body) == recordings.ANSWER
    assert json.loads(exchange.request.body) == recordings.ASKED
    assert exchange.reserialised


def test_a_parsed_body_of_a_cassette_counts_as_printed_anew(tmp_path: Path) -> None:
    value = recordings.vcrpy(recordings.good())
    value["interactions"][0]["response"] |= {"body": None, "parsed_body": recordings.ANSWER}
    (tmp_path / "x.yaml").write_bytes(recordings.dump(value))
    exchange = only_exchange(read_recording(tmp_path / "x.yaml"))
    assert json.loads(exchange.body) == recordings.ANSWER
    assert exchange.reserialised


def test_the_stubs_of_vcrpy_for_httpx_are_read(tmp_path: Path) -> None:
    value = recordings.vcrpy(recordings.good())
    response = value["interactions"][0]["response"]
    value["interactions"][0]["response"] = {
        "content": response["body"]["string"], "http_version": "HTTP/1.1", "headers": response["headers"], "status_code": 200,
    }  # fmt: skip
    (tmp_path / "x.yaml").write_bytes(recordings.dump(value))
    assert only_exchange(read_recording(tmp_path / "x.yaml")).body == recordings.good().body


def test_ruby_writes_bytes_under_a_tag_of_its_own(tmp_path: Path) -> None:
    text = recordings.dump(recordings.ruby(recordings.good())).decode()
    head, _, tail = text.partition('      string: "{')
    assert tail, "the cassette's body moved"
    packed = recordings.dump({"x": recordings.good().body}).decode().partition("!!binary |\n")[2]
    lines = "\n".join(f"        {line.strip()}" for line in packed.strip().split("\n"))
    rest = (
        tail[tail.index("\n    headers:") :]
        if "\n    headers:" in tail
        else tail[tail.index("\n    status:") :]
    )
    (tmp_path / "x.yml").write_text(f"{head}      string: !binary |-\n{lines}{rest}")
    assert only_exchange(read_recording(tmp_path / "x.yml")).body == recordings.good().body


def test_curl_dumps_of_several_answers_and_interim_ones_are_read(tmp_path: Path) -> None:
    one, other = recordings.good(), recordings.error()
    head = b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    (tmp_path / "x.txt").write_bytes(head + recordings.curl(one) + b"\n" + recordings.curl(other))
    found = read_recording(tmp_path / "x.txt", recordings.UNARY)
    assert [exchange.status for exchange in found.groups[0].exchanges] == [200, 404]


def test_what_curl_writes_into_a_stream_accuses_nobody(tmp_path: Path) -> None:
    one, path = recordings.good_stream(), tmp_path / "metered.txt"
    path.write_bytes(recordings.curl_v_metered(one))
    assert only_exchange(read_recording(path)).body == one.body
    assert [found for found in findings_of(read_recording(path)) if found[1] != "note"] == []


def test_bytes_are_unknown_where_curl_wrote_into_them(tmp_path: Path) -> None:
    one, path = recordings.good_stream(), tmp_path / "metered.txt"
    path.write_bytes(recordings.curl_v_metered(one))
    beside = recordings.written(tmp_path, one)
    reserialised = [
        only_exchange(read_recording(file)).reserialised
        for file in (beside["curl-v.txt"], beside["curl-v-buffered.txt"], path)
    ]
    assert reserialised == [False, False, True]


def test_line_ends_that_changed_on_the_way_make_bytes_unknown(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(recordings.curl(recordings.good_stream()).replace(b"\r\n", b"\n"))
    assert only_exchange(read_recording(tmp_path / "x.txt", recordings.STREAM)).reserialised


@pytest.mark.parametrize(
    ("url", "host", "model"),
    [
        ("https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us/publishers/google/models/gemini-2.5-pro:generateContent", "us-central1-aiplatform.googleapis.com", "gemini-2.5-pro"),
        ("https://h.example/proxy/gemini/v1alpha/models/vendor/gemini-x:generateContent", "h.example", "vendor/gemini-x"),
        ("https://h.example/v1beta/tunedModels/mine:generateContent", "h.example", "mine"),
        ("http://localhost:8080/v1/models/m%3AgenerateContent", "localhost:8080", "m"),
        ("https://h.example/models/m:countTokens", "h.example", "m"),
    ],
)  # fmt: skip
def test_methods_are_recognised_in_any_path(tmp_path: Path, url: str, host: str, model: str) -> None:
    (tmp_path / "x.har").write_bytes(recordings.har(recordings.Taped(url, body=recordings.good().body)))
    group = read_recording(tmp_path / "x.har").groups[0]
    assert (group.host, group.model) == (host, model)
    assert ":" in group.exchanges[0].request.path


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example/v1/chat/completions",
        "https://h.example/v1beta/models/m:embedContent",
        "https://h.example/v1beta/openai/chat/completions",
        "https://cloudcode-pa.googleapis.com/v1internal:generateContent",
    ],
)
def test_other_apis_are_counted_and_left_out(tmp_path: Path, url: str) -> None:
    (tmp_path / "x.har").write_bytes(recordings.har(recordings.Taped(url, body=b"{}"), recordings.good()))
    found = read_recording(tmp_path / "x.har")
    assert found.count == 1
    assert str(found.files[0]).endswith("HAR, 2 entries; 1 read; 1 not of the Gemini API, left out")


def test_another_apis_list_of_models_is_not_taken_for_geminis(tmp_path: Path) -> None:
    entry = recordings.har_entry(
        recordings.Taped("https://h.example/v1/models", body=b'{"object": "list", "data": []}')
    )
    entry["request"]["method"] = "GET"
    (tmp_path / "x.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    assert read_recording(tmp_path / "x.har").count == 0


# --- relatives of these formats ---


def interaction() -> dict[str, Any]:
    found: dict[str, Any] = recordings.vcrpy(recordings.good())["interactions"][0]
    return found


def go_vcr() -> dict[str, Any]:
    one = interaction()
    request = {
        "proto": "HTTP/1.1",
        "url": recordings.UNARY,
        "method": "POST",
        "body": one["request"]["body"],
        "headers": {},
    }
    response = {
        "status": "200 OK",
        "code": 200,
        "body": recordings.good().body.decode(),
        "headers": one["response"]["headers"],
    }
    return {"version": 2, "interactions": [{"id": 0, "request": request, "response": response}]}


def nock(*, packed: bool = False) -> list[dict[str, Any]]:
    body = recordings.good().body
    headers = ["Content-Type", "application/json; charset=UTF-8"]
    entry = {
        "scope": f"{recordings.HOST}:443", "method": "POST", "path": recordings.UNARY.removeprefix(recordings.HOST),
        "body": recordings.ASKED, "status": 200, "response": recordings.ANSWER, "rawHeaders": headers,
    }  # fmt: skip
    if packed:
        entry |= {
            "response": [gzip.compress(body).hex()],
            "rawHeaders": [*headers, "Content-Encoding", "gzip"],
        }
    return [entry]


def polly() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(recordings.har(recordings.good()))
    response = found["log"]["entries"][0]["response"]
    data = base64.b64encode(gzip.compress(recordings.good().body)).decode()
    response["content"] |= {"encoding": "base64", "text": json.dumps([data]), "size": 4000}
    response["headers"].append({"name": "content-encoding", "value": "gzip"})
    return found


RELATIVES: dict[str, Callable[[], Any]] = {
    "go-vcr": go_vcr,
    "nock": nock,
    "nock-packed": lambda: nock(packed=True),
    "polly": polly,
    "apart": lambda: {"requests": [interaction()["request"]], "responses": [interaction()["response"]]},
    "list": lambda: [interaction()],
    "pair": interaction,
}


BOTH = [*((name, "json") for name in RELATIVES), *((name, "yaml") for name in ("go-vcr", "apart", "list"))]


@pytest.mark.parametrize(("name", "form"), BOTH)
def test_relatives_of_these_formats_are_read(tmp_path: Path, name: str, form: str) -> None:
    value = RELATIVES[name]()
    path = tmp_path / "x"
    path.write_bytes(json.dumps(value).encode() if form == "json" else recordings.dump(value))
    exchange = only_exchange(read_recording(path))
    assert json.loads(decode_body(exchange).body) == recordings.ANSWER
    assert exchange.status == 200
    assert json.loads(exchange.request.body) == recordings.ASKED
    assert [found for found in findings_of(read_recording(path)) if found[1] != "note"] == []
