"""A stream that its reader broke off is no finding; one that the vendor ended too early is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import recordings

from conformance import judge
from conformance.api import judge_group
from conformance.capturing.collecting import read_files
from conformance.dialects.dialect import load_dialect
from conformance.verdicts.verdict import Verdict

REASON = "streaming/ends-with-a-finish-reason"
LEFT = b"\n* Connection #0 to host api.reseller.example left intact\n"


def judged(folder: Path, data: bytes) -> Verdict:
    path = folder / "x"
    path.write_bytes(data)
    group = read_files([str(path)], recordings.STREAM).groups[0]
    return judge_group(group, load_dialect("google"))


def level_of_the_reason(verdict: Verdict) -> str:
    return next((one.level.value for one in verdict.deviations if one.rule == REASON), "")


def grave(verdict: Verdict) -> list[str]:
    return [one.rule for one in verdict.deviations if one.level.value != "note"]


def harmed(verdict: Verdict) -> list[str]:
    return [one.client for one in verdict.clients if one.verdict in ("broken", "degraded")]


def har(**more: Any) -> bytes:
    entry = recordings.har_entry(recordings.without_reason())
    for name, value in more.items():
        holder = entry if name == "time" else entry["response"]
        holder[name] = value
    return json.dumps({"log": {"entries": [entry]}}).encode()


def with_length(one: recordings.Taped) -> recordings.Taped:
    return recordings.Taped(
        one.url, body=one.body, kind=one.kind, headers=(("Content-Length", str(len(one.body))),)
    )


def chunked(*, whole: bool) -> bytes:
    one = recordings.without_reason()
    head = recordings.curl(
        recordings.Taped(one.url, kind=one.kind, headers=(("Transfer-Encoding", "chunked"),))
    )
    half = len(one.body) // 2
    parts = (one.body[:half], one.body[half:])
    text = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return head + text + (b"0\r\n\r\n" if whole else b"")


STREAM: Callable[[], recordings.Taped] = recordings.without_reason
KNOWN: dict[str, Callable[[], bytes]] = {
    "har": har,
    "har-of-chrome": lambda: har(_error=None),
    "vcrpy": lambda: recordings.dump(recordings.vcrpy(STREAM())),
    "ruby": lambda: recordings.dump(recordings.ruby(STREAM())),
    "line": lambda: json.dumps(recordings.line(STREAM())).encode(),
    "curl-with-its-length": lambda: recordings.curl(with_length(STREAM())),
    "curl-in-chunks": lambda: chunked(whole=True),
    "curl-v": lambda: recordings.curl_v(STREAM()),
    "curl-iv": lambda: recordings.curl_verbose(STREAM()) + LEFT,
}
UNKNOWN: dict[str, Callable[[], bytes]] = {
    "curl": lambda: recordings.curl(STREAM()),
    "har-without-a-time": lambda: har(time=-1),
    "line-trimmed": lambda: json.dumps(
        {**recordings.line(STREAM()), "body_b64": None, "body": STREAM().body.decode().strip()}
    ).encode(),
}
CUT: dict[str, Callable[[], bytes]] = {
    "har-cancelled": lambda: har(_error="net::ERR_ABORTED"),
    "har-failed": lambda: har(_failureText="net::ERR_ABORTED"),
    "line-incomplete": lambda: json.dumps({**recordings.line(STREAM()), "complete": False}).encode(),
    "curl-timed-out": lambda: recordings.curl(STREAM()) + b"curl: (28) Operation timed out after 3001 milliseconds with 345 bytes received\n",
    "curl-timed-out-in-a-frame": lambda: recordings.curl(STREAM())[:-30] + b"curl: (28) Operation timed out after 3001 milliseconds with 345 bytes received\n",
    "curl-v-timed-out": lambda: recordings.curl_v(STREAM()).removesuffix(LEFT[1:]) + b"* Operation timed out after 3001 milliseconds with 345 bytes received\n* Closing connection\n",
    "curl-reset": lambda: recordings.curl(STREAM()) + b"curl: (92) HTTP/2 stream 1 was not closed cleanly: CANCEL (err 8)\n",
    "curl-in-chunks": lambda: chunked(whole=False),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_a_stream_that_the_vendor_ended_without_a_reason_is_found(tmp_path: Path, name: str) -> None:
    verdict = judged(tmp_path, KNOWN[name]())
    assert level_of_the_reason(verdict) == "must"
    assert harmed(verdict)


@pytest.mark.parametrize("name", UNKNOWN)
def test_where_nobody_can_tell_who_ended_a_stream_it_is_noted(tmp_path: Path, name: str) -> None:
    verdict = judged(tmp_path, UNKNOWN[name]())
    assert level_of_the_reason(verdict) == "note"
    assert grave(verdict) == []
    assert harmed(verdict) == []


@pytest.mark.parametrize("name", CUT)
def test_a_stream_that_its_reader_broke_off_is_not_judged(tmp_path: Path, name: str) -> None:
    verdict = judged(tmp_path, CUT[name]())
    assert level_of_the_reason(verdict) == ""
    assert grave(verdict) == []
    assert harmed(verdict) == []


def test_a_stream_cut_at_any_byte_within_a_frame_accuses_nobody() -> None:
    one = recordings.good_stream()
    between = one.body.index(b"\r\n\r\n") + 4
    last = one.body.rindex(b"}")
    for size in (
        *range(1, between, 5),
        *range(between - 5, between),
        *range(between + 1, between + 12),
        *range(between + 12, last, 5),
    ):
        verdict = judge([{**recordings.line(one), "body_b64": base64.b64encode(one.body[:size]).decode()}])
        assert (grave(verdict), harmed(verdict)) == ([], []), one.body[:size][-20:]


def test_an_answer_cut_within_a_character_accuses_nobody() -> None:
    one = recordings.good()
    size = one.body.index("ï".encode()) + 1
    verdict = judge([{**recordings.line(one), "body_b64": base64.b64encode(one.body[:size]).decode()}])
    assert (grave(verdict), harmed(verdict)) == ([], [])


def test_a_recorder_of_text_that_trims_a_stream_accuses_nobody() -> None:
    one = recordings.good_stream()
    line = {**recordings.line(one), "body": one.body.decode().rstrip()}
    del line["body_b64"]
    verdict = judge([line])
    assert (grave(verdict), harmed(verdict)) == ([], [])


def test_an_event_that_is_not_closed_is_found_where_the_bytes_are_the_vendors() -> None:
    one = recordings.good_stream()
    verdict = judge([{**recordings.line(one), "body_b64": base64.b64encode(one.body[:-2]).decode()}])
    assert grave(verdict) == ["streaming/ends-each-event-with-a-blank-line"]


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize("kind", ["good", "stream"])
def test_a_har_without_text_does_not_say_that_the_answer_was_empty(
    tmp_path: Path, size: int, kind: str
) -> None:
    entry = recordings.har_entry(recordings.KINDS[kind]())
    entry["response"] |= {
        "bodySize": size,
        "content": {"size": 0, "mimeType": "text/event-stream", "text": ""},
    }
    (tmp_path / "x.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    found = read_files([str(tmp_path / "x.har")])
    assert "1 without a recorded body" in found.files[0].says
    assert judge_group(found.groups[0], load_dialect("google")).deviations == []


def test_what_is_known_of_the_end_outlives_a_report(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(UNKNOWN["curl"]())
    exchange = read_files([str(tmp_path / "x")], recordings.STREAM).groups[0].exchanges[0]
    assert not exchange.end_known
    assert judge([exchange]).status == "partial"
