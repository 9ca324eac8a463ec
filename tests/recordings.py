"""One exchange in the form of each recorder (HAR, vcrpy, VCR for Ruby, curl, JSON lines), and how it must be read."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conformance.api import judge_group
from conformance.capturing.collecting import RecordedFiles, read_files
from conformance.dialects.dialect import load_dialect
from conformance.model import Exchange

HOST = "https://api.reseller.example"
UNARY = f"{HOST}/v1beta/models/gemini-2.5-flash:generateContent"
STREAM = f"{HOST}/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
ASKED: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Name a colour."}]}]}
ANSWER: dict[str, Any] = {
    "candidates": [
        {
            "content": {"parts": [{"text": "Blue, naïvely."}], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 4,
        "candidatesTokenCount": 5,
        "totalTokenCount": 9,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4}],
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "dGVzdC1pZC1vZi1hbi1hbnN3",
}


@dataclass(frozen=True)
class Taped:
    """One exchange, for every recorder to write down."""

    url: str = UNARY
    status: int = 200
    body: bytes = b""
    kind: str = "application/json; charset=UTF-8"
    asked: dict[str, Any] | None = field(default_factory=lambda: ASKED)
    headers: tuple[tuple[str, str], ...] = ()  # of the answer, beside its Content-Type
    sent: tuple[tuple[str, str], ...] = (("content-type", "application/json"), ("accept-encoding", "gzip"))

    @property
    def received(self) -> list[tuple[str, str]]:
        return [("Content-Type", self.kind), *self.headers]

    @property
    def text(self) -> str:
        return json.dumps(self.asked) if self.asked is not None else ""


def good() -> Taped:
    return Taped(body=json.dumps(ANSWER, indent=2, ensure_ascii=False).encode())


def chunk(text: str, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    return {**ANSWER, "candidates": [candidate]}


def sse(*chunks: dict[str, Any], end: str = "\r\n") -> bytes:
    return "".join(f"data: {json.dumps(one)}{end}{end}" for one in chunks).encode()


def good_stream() -> Taped:
    return Taped(STREAM, body=sse(chunk("Blue"), chunk(".", finishReason="STOP")), kind="text/event-stream")


def without_reason() -> Taped:
    """A stream that ends without saying why: a deviation that every format shows alike."""
    return Taped(STREAM, body=sse(chunk("Blue"), chunk(".")), kind="text/event-stream")


def snake() -> Taped:
    body = json.dumps(
        {
            "candidates": [
                {
                    "content": {"parts": [{"text": "Blue."}], "role": "model"},
                    "finish_reason": "STOP",
                    "index": 0,
                }
            ],
            "usage_metadata": {"prompt_token_count": 4, "candidates_token_count": 5, "total_token_count": 9},
            "model_version": "gemini-2.5-flash",
        }
    )
    return Taped(body=body.encode())


def error() -> Taped:
    body = json.dumps({"error": {"message": "no such model", "type": "invalid_request_error", "code": None}})
    return Taped(status=404, body=body.encode())


def framed() -> Taped:
    """A unary answer framed as a stream, which breaks every client."""
    return Taped(body=sse(ANSWER))


KINDS = {
    "framed": framed,
    "good": good,
    "stream": good_stream,
    "without-reason": without_reason,
    "snake": snake,
    "error": error,
}


def har_entry(one: Taped, *, packed: bool = False) -> dict[str, Any]:
    content: dict[str, Any] = {"size": len(one.body), "mimeType": one.kind}
    content |= (
        {"text": base64.b64encode(one.body).decode(), "encoding": "base64"}
        if packed
        else {"text": one.body.decode()}
    )
    request: dict[str, Any] = {
        "method": "POST",
        "url": one.url,
        "httpVersion": "HTTP/2.0",
        "headers": [{"name": name, "value": value} for name, value in one.sent],
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": len(one.text),
    }
    if one.asked is not None:
        request["postData"] = {"mimeType": "application/json", "text": one.text}
    response = {
        "status": one.status,
        "statusText": "",
        "httpVersion": "HTTP/2.0",
        "headers": [{"name": name, "value": value} for name, value in one.received],
        "cookies": [],
        "content": content,
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
    }
    return {
        "startedDateTime": "2026-11-01T10:00:00.000Z",
        "time": 12,
        "request": request,
        "response": response,
    }


def har(*several: Taped, packed: bool = False) -> bytes:
    entries = [har_entry(one, packed=packed) for one in several]
    creator = {"name": "tests", "version": "1"}
    return json.dumps({"log": {"version": "1.2", "creator": creator, "entries": entries}}).encode()


def _listed(headers: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def vcrpy(*several: Taped) -> dict[str, Any]:
    return {
        "interactions": [
            {
                "request": {
                    "body": one.text or None,
                    "headers": _listed([*one.sent]),
                    "method": "POST",
                    "uri": one.url,
                },
                "response": {
                    "body": {"string": one.body.decode()},
                    "headers": _listed(one.received),
                    "status": {"code": one.status, "message": "OK"},
                },
            }
            for one in several
        ],
        "version": 1,
    }


def vcrpy_packed(*several: Taped) -> dict[str, Any]:
    """As vcrpy keeps an answer that came compressed."""
    found = vcrpy(*several)
    for interaction, one in zip(found["interactions"], several, strict=True):
        interaction["response"]["body"] = {"string": gzip.compress(one.body, mtime=0)}
        interaction["response"]["headers"]["Content-Encoding"] = ["gzip"]
    return found


def ruby(*several: Taped, packed: bool = False) -> dict[str, Any]:
    def body(one: Taped) -> dict[str, Any]:
        if packed:
            return {"encoding": "ASCII-8BIT", "base64_string": base64.encodebytes(one.body).decode()}
        return {"encoding": "UTF-8", "string": one.body.decode()}

    return {
        "http_interactions": [
            {
                "request": {
                    "method": "post",
                    "uri": one.url,
                    "body": {"encoding": "UTF-8", "string": one.text},
                    "headers": _listed([*one.sent]),
                },
                "response": {
                    "status": {"code": one.status, "message": ""},
                    "headers": _listed(one.received),
                    "body": body(one),
                },
                "recorded_at": "Sun, 01 Nov 2026 10:00:00 GMT",
            }
            for one in several
        ],
        "recorded_with": "VCR 6.4.0",
    }


def curl(one: Taped) -> bytes:
    head = [f"HTTP/2 {one.status}", *(f"{name.lower()}: {value}" for name, value in one.received)]
    return "\r\n".join([*head, "", ""]).encode() + one.body


_LEFT = b"* Connection #0 to host api.reseller.example left intact\n"
_METER_HEAD = (
    b"  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    b"                                 Dload  Upload   Total   Spent    Left  Speed\n"
)
_METER = b"\r100   711    0   650  100    61  46138   4329 --:--:--  0:00:01 --:--:-- 50785"


def curl_verbose(one: Taped) -> bytes:
    """What `curl -iv URL >FILE 2>&1` leaves: -v's lines first, then the head again and the body."""
    path = one.url.removeprefix(HOST)
    said = ["* Connected to api.reseller.example (192.0.2.1) port 443", f"> POST {path} HTTP/2"]
    said += ["> Host: api.reseller.example", *(f"> {name}: {value}" for name, value in one.sent), ">"]
    said += [f"< HTTP/2 {one.status}", *(f"< {name.lower()}: {value}" for name, value in one.received), "<"]
    trace = b"{ [125 bytes data]\n* Connection #0 to host api.reseller.example left intact\n"
    return "\r\n".join([*said, ""]).encode() + trace + curl(one)


def curl_v(one: Taped) -> bytes:
    """What `curl -sNv URL >FILE 2>&1` leaves: the body behind -v's lines; curl adds no line end to it."""
    whole = curl_verbose(one)
    at = whole.index(b"{ [125")
    return whole[:at] + b"{ [125 bytes data]\n" + one.body + _LEFT


def curl_v_buffered(one: Taped) -> bytes:
    """The same without -N: the body is written last, after the remark that the connection is left."""
    whole = curl_verbose(one)
    at = whole.index(b"{ [125")
    return whole[:at] + b"{ [125 bytes data]\n" + _LEFT + one.body


def curl_v_metered(one: Taped) -> bytes:
    """The same without -s: the progress meter stands before the first remark and within the body."""
    half = len(one.body) // 2
    whole = curl_verbose(one)
    at = whole.index(b"{ [125")
    body = one.body[:half] + _METER + b"{ [24 bytes data]\n" + one.body[half:]
    return _METER_HEAD + _METER + whole[:at] + b"{ [125 bytes data]\n" + body + _METER + b"\n" + _LEFT


def line(one: Taped) -> dict[str, Any]:
    return {
        "url": one.url,
        "request_headers": dict(one.sent),
        "request_body": one.text or None,
        "status": one.status,
        "response_headers": [[name, value] for name, value in one.received],
        "body_b64": base64.b64encode(one.body).decode(),
    }


def dump(value: Any) -> bytes:
    return str(yaml.safe_dump(value)).encode()


def written(folder: Path, one: Taped) -> dict[str, Path]:
    """Write an exchange in every format; return the files by name."""
    texts = {
        "x.har": har(one),
        "packed.har": har(one, packed=True),
        "x.har.gz": gzip.compress(har(one)),
        "vcrpy.yaml": dump(vcrpy(one)),
        "vcrpy-packed.yaml": dump(vcrpy_packed(one)),
        "vcrpy.json": json.dumps(vcrpy(one)).encode(),
        "ruby.yml": dump(ruby(one)),
        "ruby-packed.yml": dump(ruby(one, packed=True)),
        "ruby.json": json.dumps(ruby(one)).encode(),
        "curl-iv.txt": curl_verbose(one),
        "curl-v.txt": curl_v(one),
        "curl-v-buffered.txt": curl_v_buffered(one),
        "lines.jsonl": json.dumps(line(one)).encode() + b"\n",
        "array.json": json.dumps([line(one)], indent=1).encode(),
    }
    paths = {name: folder / name for name in texts}
    for name, path in paths.items():
        path.write_bytes(texts[name])
    return paths


def read_recording(path: Path, url: str | None = None) -> RecordedFiles:
    """Read one file as `conformance judge` does; `url` is what was asked where the file does not say."""
    return read_files([str(path)], url)


def only_exchange(recorded: RecordedFiles) -> Exchange:
    """Return the exchange of a recording that has one and no fault."""
    assert [str(file) for file in recorded.files if file.fault] == []
    assert recorded.count == 1, recorded.files
    return recorded.groups[0].exchanges[0]


def findings_of(recorded: RecordedFiles) -> set[tuple[str, str, str, str]]:
    """Return the rule, level, place and observation of everything found in the first provider of a recording."""
    verdict = judge_group(recorded.groups[0], load_dialect("google"))
    return {
        (one.rule, one.level.value, location.pointer, location.observed)
        for one in verdict.deviations
        for location in one.locations
    }
