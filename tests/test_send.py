"""What is sent and recorded, and where the key never goes, with real sockets."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import json
import logging
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hostile import ANSWER, Peer, Script, serving
from key_echoes import ECHOES, KEY, over_events

from conformance.asking.addressing import address_question
from conformance.asking.attempts import Attempt
from conformance.asking.curl import format_curl_line
from conformance.asking.retrying import read_retry_after
from conformance.asking.send import Sender, find_proxy
from conformance.keys.leaks import find_leaks
from conformance.keys.secrets import Key
from conformance.model import JSON, LONGEST_PATH, Auth, Exchange, Limits, Piece, Provider, Question, Request
from conformance.recording.record import Recorder
from conformance.wire.encoding import decode_body

SECRET = Key("VENDOR_KEY", KEY)
BODY: JSON = {"contents": [{"parts": [{"text": "Grüße \u2028 'quoted' \"too\" $HOME `x` !"}]}]}
VENDOR = Provider(
    "v", "V", "http://127.0.0.1:1", "google", "gemini-2.5-flash", Auth.BEARER, "VENDOR_KEY", timeout=5
)


def asks(
    script: Script,
    *questions: Question,
    provider: Provider = VENDOR,
    environ: Mapping[str, str] | None = None,
) -> list[Exchange]:
    """Ask a server that runs `script`, one question after another."""

    async def all_of_them() -> list[Exchange]:
        async with Sender(provider, SECRET, environ or {}) as sender:
            return [
                await sender.ask(Attempt("a.probe", n, question)) for n, question in enumerate(questions, 1)
            ]

    with serving({"v": script}) as town:
        provider = replace(provider, base_url=provider.base_url.replace(":1", f":{town.ports['v']}", 1))
        return asyncio.run(all_of_them())


def seen(
    question: Question, provider: Provider = VENDOR, environ: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str], bytes]:
    """Return the request line, the headers by lower-case name, and the body that a server got."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        got.extend((head, await peer.reader.readexactly(int(headers.get(b"Content-Length", b"0")))))
        await peer.answer()

    (exchange,) = asks(script, question, provider=provider, environ=environ)
    assert exchange.failure is None
    first, *lines = got[0].decode().rstrip().split("\r\n")
    return first, {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, got[1]


def test_a_question_is_sent_as_google_s_clients_send_it() -> None:
    first, headers, body = seen(Question(BODY, "streamGenerateContent", (("alt", "sse"),)))
    assert first == "POST /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse HTTP/1.1"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("gemini-conformance/")
    assert headers["accept-encoding"] == "gzip, deflate"
    assert json.loads(body) == BODY
    assert "Grüße".encode() in body


@pytest.mark.parametrize(
    ("way", "carried"),
    [
        ("configured", {"authorization": f"Bearer {KEY}"}),
        ("bearer", {"authorization": f"Bearer {KEY}"}),
        ("x-goog-api-key", {"x-goog-api-key": KEY}),
        ("x-api-key", {"x-api-key": KEY}),
        ("none", {}),
        ("junk-bearer", {"x-goog-api-key": KEY, "authorization": "Bearer junk"}),
    ],
)
def test_the_key_is_carried_as_asked_and_no_other_way(way: str, carried: dict[str, str]) -> None:
    first, headers, _ = seen(Question(BODY, key=way))
    names = ("authorization", "x-goog-api-key", "x-api-key")
    assert {name: headers[name] for name in names if name in headers} == carried
    assert KEY not in first


def test_the_key_stands_in_the_query_when_asked() -> None:
    first, headers, _ = seen(Question(BODY, key="query-key", query=(("alt", "sse"),)))
    assert f"?alt=sse&key={KEY} " in first
    assert "authorization" not in headers


def test_a_bad_key_shares_nothing_with_the_key() -> None:
    _, headers, _ = seen(Question(BODY, key="bad"))
    assert headers["authorization"].startswith("Bearer bad-")
    assert len(headers["authorization"]) == len(f"Bearer {KEY}")


def test_bytes_are_sent_as_they_are_and_nothing_where_there_is_no_body() -> None:
    assert (
        seen(Question(b'{"broken', headers=(("content-type", "text/plain"),)))[1]["content-type"]
        == "text/plain"
    )
    assert seen(Question(b'{"broken'))[2] == b'{"broken'
    first, headers, body = seen(Question(verb="GET", path="/v1beta/models?pageSize=2"))
    assert (first, body) == ("GET /v1beta/models?pageSize=2 HTTP/1.1", b"")
    assert "content-type" not in headers


def test_own_headers_are_filled_in_on_the_wire_and_not_in_the_recording() -> None:
    vendor = replace(VENDOR, headers={"X-Team": "t-${TEAM}"})
    assert seen(Question(BODY), vendor, {"TEAM": "blue"})[1]["x-team"] == "t-blue"
    asked = address_question(vendor, SECRET, Question(BODY), {"TEAM": "blue"}, "agent")
    assert ("X-Team", "t-${TEAM}") in asked.request.headers
    assert KEY not in repr(asked.request)
    missing = address_question(vendor, SECRET, Question(BODY), {}, "agent")
    assert "TEAM" in missing.refused


@pytest.mark.parametrize(
    ("vendor", "question"),
    [
        (replace(VENDOR, base_url="http://vendor.example"), Question(BODY)),
        (replace(VENDOR, base_url="http://vendor.example"), Question(BODY, key="query-key")),
        (VENDOR, Question(BODY, path="@elsewhere.example/v1beta")),
        (VENDOR, Question(BODY, path=".elsewhere.example/v1beta")),
        (replace(VENDOR, base_url=""), Question(BODY)),
        (replace(VENDOR, proxy="socks5://127.0.0.1:1"), Question(BODY)),
        (replace(VENDOR, ca_file="/nowhere/ca.pem"), Question(BODY)),
    ],
)
def test_what_would_expose_the_key_is_not_sent(vendor: Provider, question: Question) -> None:
    async def one() -> Exchange:
        async with Sender(vendor, SECRET) as sender:
            return await sender.ask(Attempt("a.probe", 1, question))

    exchange = asyncio.run(one())
    assert exchange.failure is not None
    assert exchange.failure.kind == "refused-by-checker"


def test_pieces_come_with_their_times() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.chunked()
        for part in (b"one", b"two", b"three"):
            await peer.chunk(part)
            await asyncio.sleep(0.1)
        await peer.say(b"0\r\n\r\n")

    several = asks(script, *[Question(BODY)] * 3)  # a busy machine may read one of them late
    for exchange in several:
        assert [piece.data for piece in exchange.pieces] == [b"one", b"two", b"three"]
        assert exchange.headers_ms is not None
        assert exchange.headers_ms <= exchange.pieces[0].at_ms <= exchange.ended_ms
    assert any(min(_gaps(exchange)) > 60 for exchange in several)


def _gaps(exchange: Exchange) -> list[float]:
    """Return the milliseconds between the pieces of an answer."""
    return [after.at_ms - before.at_ms for before, after in pairwise(exchange.pieces)]


def test_a_redirect_never_carries_the_key_to_another_host() -> None:
    calls: list[bytes] = []

    async def target(peer: Peer) -> None:
        calls.append(await peer.request())
        await peer.answer()

    with serving({"target": target}) as town:
        location = b"Location: http://127.0.0.1:%d/?key=%s" % (town.ports["target"], KEY.encode())

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.answer(b"", location, status=b"307 Temporary Redirect")

        (exchange,) = asks(script, Question(BODY))
    assert exchange.status == 307
    assert calls == []
    assert KEY not in (exchange.header("location") or "")
    assert "[key]*" in (exchange.header("location") or "")


def test_cookies_are_not_sent_back() -> None:
    heads: list[bytes] = []

    async def script(peer: Peer) -> None:
        heads.append(await peer.request())
        await peer.answer(ANSWER, b"Set-Cookie: a=b; Path=/")

    asks(script, Question(BODY), Question(BODY))
    assert len(heads) == 2
    assert b"ookie" not in heads[1]


def test_nothing_listens() -> None:
    async def one() -> Exchange:
        async with Sender(VENDOR, SECRET) as sender:
            return await sender.ask(Attempt("a.probe", 1, Question(BODY)))

    exchange = asyncio.run(one())
    assert exchange.failure is not None
    assert exchange.failure.kind == "connect"
    assert exchange.status is None


def test_a_plain_server_is_no_https_server() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.read(10)
        await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    (exchange,) = asks(script, Question(BODY), provider=replace(VENDOR, base_url="https://127.0.0.1:1"))
    assert exchange.failure is not None
    assert exchange.failure.kind == "tls"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    made = tmp_path / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key.pem"), "-out", str(made)],
        check=True, capture_output=True,
    )  # fmt: skip
    made.write_bytes((tmp_path / "key.pem").read_bytes() + made.read_bytes())
    return made


@pytest.mark.parametrize("trusted", [False, True])
def test_a_certificate_counts_only_when_it_is_trusted(certificate: Path, trusted: bool) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await Peer(reader, writer).request())
        await Peer(reader, writer).answer()
        writer.close()

    async def one() -> Exchange:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        ca_file = str(certificate) if trusted else None
        vendor = replace(VENDOR, base_url=f"https://127.0.0.1:{port}", ca_file=ca_file)
        async with server, Sender(vendor, SECRET) as sender:
            return await sender.ask(Attempt("a.probe", 1, Question(BODY)))

    exchange = asyncio.run(one())
    assert (exchange.status, bool(heads)) == ((200, True) if trusted else (None, False))
    if not trusted:
        assert exchange.failure is not None
        assert exchange.failure.kind == "tls"
        assert "certificate" in exchange.failure.detail


def test_proxies_of_the_environment_are_not_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("http_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert find_proxy(VENDOR) is None
    assert find_proxy(replace(VENDOR, base_url="https://vendor.example/x")) == "http://proxy.example:3128"
    assert find_proxy(replace(VENDOR, base_url="http://vendor.example")) == "http://proxy.example:3128"
    assert find_proxy(replace(VENDOR, base_url="https://inside.example")) is None
    assert find_proxy(replace(VENDOR, proxy="http://own.example:1")) == "http://own.example:1"


# --- the key, echoed -------------------------------------------------------------------------------


def echoing(body: bytes, *headers: bytes, step: int = 0) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        if not step:
            await peer.answer(body, *headers)
            return
        await peer.chunked(*headers)
        for at in range(0, len(body), step):
            await peer.chunk(body[at : at + step])
        await peer.say(b"0\r\n\r\n")

    return script


def test_no_echo_of_the_key_is_ever_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripts: dict[str, Script] = {}
    for name, echo in ECHOES.items():
        body = b'{"error":{"message":"' + echo + b'"}}'
        header = b"X-Echo: " + echo.translate(None, b"\r\n\0")
        scripts[f"body-{name}"] = echoing(body, header)
        scripts[f"pieces-{name}"] = echoing(body, step=7)
        scripts[f"gzip-{name}"] = echoing(gzip.compress(body), b"Content-Encoding: gzip", step=11)
        scripts[f"hidden-{name}"] = echoing(gzip.compress(body))
    scripts["events"] = echoing(over_events(4))
    scripts["status"] = echoing(b"{}", b"Set-Cookie: key=" + KEY.encode(), b"%s: x" % KEY.encode())

    async def one(name: str, port: int) -> Exchange:
        vendor = replace(VENDOR, name=name, base_url=f"http://127.0.0.1:{port}")
        async with Sender(vendor, SECRET) as sender:
            return await sender.ask(Attempt("a.probe", 1, Question(BODY, key="query-key")))

    async def everybody(ports: dict[str, int]) -> list[Exchange]:
        return await asyncio.gather(*(one(name, port) for name, port in ports.items()))

    with serving(scripts) as town:
        exchanges = asyncio.run(everybody(town.ports))
    with Recorder(tmp_path) as recorder:
        for exchange in exchanges:
            recorder.add(exchange)
    assert len(exchanges) > 160
    assert [exchange.id for exchange in exchanges if exchange.failure] == []
    assert [exchange.id for exchange in exchanges if not exchange.masked] == []
    assert find_leaks([tmp_path], [SECRET]) == []
    assert KEY not in caplog.text
    assert all(KEY not in repr(exchange) for exchange in exchanges)


def test_a_key_within_a_broken_answer_is_masked_too() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(KEY.encode(), b"Content-Length: 500")

    async def bad_header(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n" + KEY.encode() + b"\r\n\r\n")

    for wrong in (script, bad_header):
        (exchange,) = asks(wrong, Question(BODY))
        assert exchange.failure is not None
        assert KEY not in repr(exchange)


def test_a_gzip_body_that_holds_no_key_is_kept_as_it_came() -> None:
    packed = gzip.compress(ANSWER)
    (exchange,) = asks(echoing(packed, b"Content-Encoding: gzip"), Question(BODY))
    assert exchange.body == packed
    assert not exchange.decoded
    assert decode_body(exchange).body == ANSWER


def test_a_gzip_body_that_holds_the_key_is_kept_decoded_and_says_so() -> None:
    body = b'{"key":"' + KEY.encode() + b'"}'
    (exchange,) = asks(echoing(gzip.compress(body), b"Content-Encoding: gzip"), Question(BODY))
    assert exchange.decoded
    assert exchange.masked == 1
    assert decode_body(exchange).body == b'{"key":"[key]' + b"*" * (len(KEY) - 5) + b'"}'


# --- waiting ---------------------------------------------------------------------------------------

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


def answered(headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Exchange:
    request = Request("POST", "/", (), b"", "bearer")
    return Exchange("v", "p", 1, request, {}, 429, "HTTP/1.1", headers, (Piece(0, body),), None, "", 0, 0)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("99999999", 86400.0),
        ("-3", None),
        ("soon", None),
        ("", None),
        ("9" * 5000, None),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 9999999 11:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, wait: float | None) -> None:
    assert read_retry_after(answered((("Retry-After", value),)), NOW) == wait


def test_retry_info_in_the_body_counts_and_the_longer_wait_wins() -> None:
    info = (
        b'{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay": "3.5s"}]}}'
    )
    assert read_retry_after(answered(body=info), NOW) == 3.5
    assert read_retry_after(answered((("retry-after", "9"),), info), NOW) == 9.0
    assert read_retry_after(answered(body=b"retryDelay"), NOW) is None


# --- curl ------------------------------------------------------------------------------------------


def pasted(question: Question, provider: Provider = VENDOR) -> tuple[bytes, bytes]:
    """Return head and body of what a shell sends when the curl line is pasted into it."""
    got: list[bytes] = []

    async def script(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        got.extend((head, await peer.reader.readexactly(length)))
        await peer.answer()

    with serving({"v": script}) as town:
        local = replace(provider, base_url=f"http://127.0.0.1:{town.ports['v']}")
        line = format_curl_line(address_question(local, SECRET, question, {}, "agent").request, local)
        assert KEY not in line
        run = subprocess.run(
            ["sh"],
            input=line.encode(),
            check=False,
            capture_output=True,
            timeout=20,
            env={"PATH": "/usr/bin:/bin", "VENDOR_KEY": KEY, "TEAM": "blue"},
        )
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith(ANSWER)
    return got[0], got[1]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl itself is what is tested")
@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b"'; rm -rf / #",
        b"@/etc/passwd",
        b"\x00\xff\x1b[2J",
        b"a\tb\nc\n",
        b"",
        "\u202egnirts".encode(),
        b"x" * 200_000,
    ],
    ids=range(8),
)
def test_a_pasted_curl_line_sends_the_same_body(body: JSON | bytes) -> None:
    question = Question(body, query=(("alt", "sse"),))
    head, sent = pasted(question)
    assert sent == address_question(VENDOR, SECRET, question, {}, "").request.body
    assert head.startswith(b"POST /v1beta/models/gemini-2.5-flash:generateContent?alt=sse ")
    assert b"\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n" in head
    assert head.lower().count(b"content-type: application/json") == 1


@pytest.mark.skipif(not shutil.which("curl"), reason="curl itself is what is tested")
def test_a_pasted_curl_line_carries_the_key_as_the_question_did() -> None:
    assert b"?key=" + KEY.encode() in pasted(Question(BODY, key="query-key"))[0]
    assert b"x-api-key: " + KEY.encode() in pasted(Question(BODY, key="x-api-key"))[0]
    assert b"Bearer bad-" in pasted(Question(BODY, key="bad"))[0]
    assert KEY.encode() not in pasted(Question(BODY, key="none"))[0]
    junk = pasted(Question(BODY, key="junk-bearer"))[0]
    assert b"Bearer junk" in junk
    assert b"x-goog-api-key: " + KEY.encode() in junk
    get = pasted(
        Question(verb="GET", path="/v1beta/models"), replace(VENDOR, headers={"X-Team": 'a "${TEAM}" $x `y`'})
    )[0]
    assert get.startswith(b"GET /v1beta/models ")
    assert b'X-Team: a "blue" $x `y`\r\n' in get


@pytest.mark.skipif(not shutil.which("curl"), reason="curl itself is what is tested")
@pytest.mark.parametrize("name", ["${TEAM}", "$(id)`id`", "!!${TEAM}", "a'b\"${TEAM}"])
@pytest.mark.parametrize("key", ["query-key", "x-api-key"])
def test_a_pasted_curl_line_fills_nothing_into_a_name_that_a_vendor_listed(name: str, key: str) -> None:
    head = pasted(Question(BODY, path=f"/v1beta/models/{name}:x", key=key))[0]
    assert head.startswith(f"POST /v1beta/models/{name}:x".encode())
    assert KEY.encode() in head
    assert b"blue" not in head


@pytest.mark.parametrize(
    "path",
    ["/v1beta/../admin", "/v1beta/%2e%2e/admin", "/v1beta/..%2fadmin", "/v1beta/..\\admin", "@elsewhere/", "/a\r\nb", "/" * 9000],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_not_sent(path: str) -> None:
    made = address_question(VENDOR, SECRET, Question(BODY, path=path), {}, "agent")
    assert made.refused == "the path leads outside base_url"
    assert len(made.request.path) <= LONGEST_PATH


def test_headers_bound_is_the_providers_own() -> None:
    vendor = replace(VENDOR, limits=Limits(header_bytes=300))
    (exchange,) = asks(echoing(ANSWER, b"X: " + b"x" * 400), Question(BODY), provider=vendor)
    assert exchange.failure is not None
    assert exchange.failure.bound == "header_bytes"
