"""No key in a recording is shown again: in the terminal, in a report, or in what a vendor is sent."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import recordings
from warm_start import warm_command
from whole_runs import ROOT, environment

from conformance.capturing.collecting import read_files
from conformance.cli import main
from conformance.keys.found import (
    drop_secret_headers,
    find_keys_by_shape,
    is_secret_header,
    is_secret_parameter,
    make_keys,
)

QUERY = "AIzaSyB-1nTheQuery0123456789abcdefghijkl"
HEADER = "AIzaSyC-1nTheHeader123456789abcdefghijk"
NEWER = "AQ.Ab8RN6LnewerKindOfGoogleKey-0123456789"
BEARER = "sk-proj-bearer0123456789ABCDEFGHIJ"
TOKEN = "ya29.a0AfH6SMBx-accessToken_0123456789"
PROXY = "cHJveHk6dGhlUGFzc3dvcmQxMjM="
COOKIE = "cf7c5e2a9b-session-cookie"
SET_COOKIE = "u9Xk3-set-by-the-answer"
X_API = "resellerkey4711resellerkey"
ECHOED = "oddlyformed.echo.4711"
WORDY = "correct-horse-battery"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
SECRETS = (QUERY, HEADER, NEWER, BEARER, TOKEN, PROXY, COOKIE, SET_COOKIE, X_API, ECHOED, WORDY, JWT)


def taped(body: bytes | None = None) -> recordings.Taped:
    """A bad answer that echoes keys in every place where one can stand."""
    answer = json.loads(json.dumps(recordings.ANSWER))
    answer["candidates"][0]["content"]["parts"][0]["text"] = f"keys: {HEADER} {ECHOED} {TOKEN} {WORDY} {JWT}"
    answer["candidates"][0]["finish_reason"] = answer["candidates"][0].pop("finishReason")
    answer["debug"] = {
        "url": f"https://x/?key={QUERY}",
        "auth": f"Bearer {BEARER}",
        "more": [NEWER, X_API, COOKIE],
    }
    asked = {**recordings.ASKED, "note": f"{TOKEN} {BEARER}"}
    return recordings.Taped(
        url=f"{recordings.UNARY}?key={QUERY}&alt=json&access_token={TOKEN}",
        body=body if body is not None else json.dumps(answer).encode(),
        asked=asked,
        headers=(
            ("Set-Cookie", f"sid={SET_COOKIE}; Path=/; HttpOnly"),
            ("X-Request-Url", f"/v1beta/models/x?key={QUERY}"),
            ("X-Echo", f"token {HEADER}"),
        ),
        sent=(
            ("content-type", "application/json"),
            ("x-goog-api-key", HEADER),
            ("Authorization", f"Bearer {BEARER}"),
            ("Proxy-Authorization", f"Basic {PROXY}"),
            ("Cookie", f"a=1; session={COOKIE}"),
            ("x-api-key", X_API),
            ("X-Vendor-Token", ECHOED),
            ("api-key", WORDY),
        ),
    )


def judged(path: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        warm_command("judge", str(path), *words),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        check=False,
    )


def forms(secret: str) -> tuple[bytes, ...]:
    plain = secret.encode()
    return (plain, base64.b64encode(plain).rstrip(b"=")[:-1], plain.hex().encode())


def leaks(data: bytes) -> list[str]:
    return [secret for secret in SECRETS if any(form in data for form in forms(secret))]


@pytest.mark.parametrize(
    "name", ["x.har", "vcrpy.yaml", "vcrpy-packed.yaml", "ruby.yml", "curl-iv.txt", "lines.jsonl"]
)
def test_no_key_of_a_recording_is_printed(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recordings.written(tmp_path, taped())[name]
    for form in ("text", "markdown", "json"):
        assert main(["judge", str(path), "--format", form]) == 1
        said = capsys.readouterr()
        assert "finish_reason" in said.out
        assert leaks(f"{said.out}{said.err}".encode()) == []


@pytest.mark.parametrize("name", ["x.har", "vcrpy-packed.yaml"])
def test_no_key_of_a_recording_is_written(tmp_path: Path, name: str) -> None:
    path = recordings.written(tmp_path, taped())[name]
    out = tmp_path / "out"
    done = judged(path, "--out", str(out))
    assert done.returncode == 1, done.stderr
    files = [file for file in out.rglob("*") if file.is_file()]
    assert {"report.html", "results.json", "junit.xml", "summary.md", "run.json"} <= {
        file.name for file in files
    }
    assert [(file.name, leaks(file.read_bytes())) for file in files if leaks(file.read_bytes())] == []
    assert leaks(done.stdout + done.stderr) == []
    assert b"A KEY WAS WRITTEN" not in done.stderr


def test_a_key_of_one_exchange_is_masked_in_the_others(tmp_path: Path) -> None:
    echo = json.dumps({**recordings.ANSWER, "debug": {"last": ECHOED, "and": X_API}}).encode()
    (tmp_path / "x.har").write_bytes(recordings.har(recordings.Taped(body=echo), taped()))
    exchanges = read_files([str(tmp_path / "x.har")]).groups[0].exchanges
    assert leaks(b"".join(exchange.body for exchange in exchanges)) == []


def test_our_own_exchanges_are_masked_once_more(tmp_path: Path) -> None:
    out = tmp_path / "out"
    judged(recordings.written(tmp_path, recordings.good())["x.har"], "--out", str(out))
    path = next((out / "exchanges").iterdir())
    line: dict[str, Any] = json.loads(path.read_text())
    line["request"]["headers"].append(["x-goog-api-key", HEADER])
    line["pieces"][0]["text"] = line["pieces"][0]["text"].replace("Blue", HEADER)
    path.write_text(json.dumps(line) + "\n")
    again = tmp_path / "again"
    done = judged(path, "--out", str(again))
    assert (
        leaks(done.stdout + b"".join(file.read_bytes() for file in again.rglob("*") if file.is_file())) == []
    )


def test_a_body_keeps_its_length_under_the_mask(tmp_path: Path) -> None:
    one = taped()
    exchange = read_files([str(recordings.written(tmp_path, one)["x.har"])]).groups[0].exchanges[0]
    assert len(exchange.body) == len(one.body)
    assert b"[key]" in exchange.body
    assert exchange.request.path == "/v1beta/models/gemini-2.5-flash:generateContent?alt=json"
    assert {name for name, _ in exchange.request.headers} == {"content-type"}


def test_a_compressed_body_that_holds_a_key_is_kept_unfolded(tmp_path: Path) -> None:
    exchange = (
        read_files([str(recordings.written(tmp_path, taped())["vcrpy-packed.yaml"])]).groups[0].exchanges[0]
    )
    assert exchange.decoded
    assert leaks(exchange.body) == []
    assert not exchange.body.startswith(gzip.compress(b"")[:2])


@pytest.mark.parametrize("secret", [QUERY, HEADER, NEWER, BEARER, TOKEN, JWT])
def test_keys_are_found_by_their_shape(secret: str) -> None:
    assert secret in {*find_keys_by_shape(f'{{"a": "{secret}", "b": 1}}'.encode())}


@pytest.mark.parametrize(
    "text",
    [
        "task-oriented-dialogue-systems",
        "AIza",
        "the sk-learn package",
        "ya29",
        "a risk-averse-investor-profile",
    ],
)
def test_ordinary_words_are_no_keys(text: str) -> None:
    assert list(find_keys_by_shape(text.encode())) == []


def test_what_recorders_write_in_a_keys_place_is_no_key() -> None:
    values = [
        "REDACTED",
        "<API_KEY>",
        "**REDACTED**",
        "X-GOOG-API-KEY-XXXXX",
        "dummy-value",
        "[FILTERED]",
        "12345678",
        "x",
    ]
    assert make_keys(values) == ()


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "X-Goog-Api-Key",
        "x-api-key",
        "API-KEY",
        "Cookie",
        "set-cookie",
        "X-Auth-Token",
        "x-amz-security-token",
    ],
)
def test_headers_that_carry_credentials_are_known(name: str) -> None:
    assert is_secret_header(name)
    assert drop_secret_headers([(name, "x"), ("Accept", "y")]) == (("Accept", "y"),)


def test_parameters_that_carry_credentials_are_known() -> None:
    assert all(map(is_secret_parameter, ("key", "api_key", "access_token", "X-Goog-Signature", "token")))
    assert not any(map(is_secret_parameter, ("alt", "pageToken", "pageSize", "$alt", "keys", "monkey")))


def test_more_keys_than_are_kept_are_masked_all_the_same(tmp_path: Path) -> None:
    several = [f"AIzaSyNumber{number:04}-0123456789abcdefghi" for number in range(300)]
    body = json.dumps({**recordings.ANSWER, "debug": several}).encode()
    recorded = read_files([str(recordings.written(tmp_path, recordings.Taped(body=body))["x.har"])])
    assert b"AIza" not in recorded.groups[0].exchanges[0].body


def test_many_cookies_cost_no_more_than_their_own_exchanges(tmp_path: Path) -> None:
    """A proxy sets another cookie with each answer: to look for each in every answer would take minutes."""
    lines = []
    for number in range(400):
        one = recordings.line(recordings.good())
        one["response_headers"].append(["Set-Cookie", f"bm={number:04}abcdefgh1234567890; Path=/"])
        lines.append(json.dumps(one))
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    began = time.process_time()
    assert read_files([str(tmp_path / "x.jsonl")]).count == 400
    assert time.process_time() - began < 5
