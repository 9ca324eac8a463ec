"""Servers that echo the key in every known way, in whole runs: no file and no output contains it."""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import itertools
import json
import os
import re
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import Peer, Script, serving
from key_echoes import ECHOES, KEY, over_events
from whole_runs import Ran, command, entry, environment, run, write_providers

ROUND = itertools.cycle(ECHOES.values())
_PLAIN = KEY.encode()


def _answer(text: bytes) -> bytes:
    return (
        b'{"candidates":[{"content":{"role":"model","parts":[{"text":"'
        + text
        + b'"}]},"finishReason":"STOP"}]}'
    )


def _quoted(echo: bytes) -> bytes:
    """Put an echo into a JSON string, as far as it can stand there."""
    return json.dumps(echo.decode("latin-1")).encode()[1:-1] if b'"' in echo or b"\n" in echo else echo


async def _in_the_text(peer: Peer) -> None:
    await peer.request()
    await peer.answer(_answer(_quoted(next(ROUND))))


async def _in_errors(peer: Peer) -> None:
    await peer.request()
    text = _quoted(next(ROUND))
    body = (
        b'{"error":{"code":400,"message":"API key '
        + text
        + b' is not valid","status":"INVALID_ARGUMENT","details":["'
        + text
        + b'"]}}'
    )
    await peer.answer(body, status=b"400 Bad Request")


async def _in_names(peer: Peer) -> None:
    await peer.request()
    text = _quoted(next(ROUND))
    await peer.answer(
        b'{"'
        + text
        + b'":{"candidates":[{"'
        + text
        + b'":1,"finishReason":"'
        + text
        + b'","content":{"parts":[{"text":"x"}]}}]}}'
    )


async def _in_headers(peer: Peer) -> None:
    await peer.request()
    fit = [echo for echo in ECHOES.values() if not re.search(rb"[\r\n\0]", echo)]
    await peer.answer(
        _answer(b"OK"), *(b"X-Echo-%d: %s" % pair for pair in enumerate(fit)), b"Set-Cookie: key=" + _PLAIN
    )


async def _in_redirects(peer: Peer) -> None:
    await peer.request()
    fit = next(echo for echo in ROUND if not re.search(rb"[\r\n\0 ]", echo))
    await peer.answer(b"", b"Location: http://127.0.0.1:9/?key=" + fit, status=b"302 Found")


async def _over_events(peer: Peer) -> None:
    await peer.request()
    await peer.answer(over_events(next(WIDTHS)), b"X-Kind: text/event-stream")


async def _byte_by_byte(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    for byte in _answer(_quoted(next(ROUND))):
        await peer.chunk(bytes([byte]))
    await peer.say(b"0\r\n\r\n")


async def _packed(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(_answer(_quoted(next(ROUND)))), b"Content-Encoding: gzip")


async def _packed_unsaid(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(_answer(_quoted(next(ROUND)))))


async def _then_reset(peer: Peer) -> None:
    await peer.request()
    await peer.answer(_answer(_quoted(next(ROUND))), b"Content-Length: 5000")
    peer.reset()


async def _in_the_status_line(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 " + _PLAIN + b" OK\r\n\r\n")


async def _instead_of_http(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"Your key is " + next(ROUND) + b"\r\n\r\n")


async def _in_a_chunk_head(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.say(_PLAIN + b"\r\n")


async def _as_it_came(peer: Peer) -> None:
    """Echo the whole head of the request, as a misconfigured proxy does."""
    head = await peer.request()
    await peer.answer(b"<html><pre>" + head + b"</pre></html>", status=b"502 Bad Gateway")


WIDTHS = itertools.cycle([1, 3, 7, 13])
SCRIPTS: dict[str, Script] = {
    "text": _in_the_text, "errors": _in_errors, "names": _in_names, "headers": _in_headers, "redirects": _in_redirects,
    "events": _over_events, "byte-by-byte": _byte_by_byte, "packed": _packed, "packed-unsaid": _packed_unsaid,
    "reset": _then_reset, "status-line": _in_the_status_line, "instead-of-http": _instead_of_http,
    "chunk-head": _in_a_chunk_head, "as-it-came": _as_it_came,
}  # fmt: skip


EVERYTHING = pytest.param((), marks=pytest.mark.slow, id="every-question")


@pytest.fixture(scope="module", params=[pytest.param(("-d", "envelope"), id="some-questions"), EVERYTHING])
def ran(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Ran, list[str]]]:
    """Run against all of them, with -v, while somebody looks at the list of processes."""
    folder = tmp_path_factory.mktemp("keys")
    with serving(SCRIPTS) as town:
        auths = itertools.cycle(["bearer", "x-goog-api-key", "query-key", "x-api-key"])
        providers = {name: entry(town.ports[name], auth=next(auths), timeout=20) for name in SCRIPTS}
        config = write_providers(folder, providers)
        env = environment(KEY, GITHUB_STEP_SUMMARY=str(folder / "steps.md"), CI="true")
        line = command(
            "run",
            "-v",
            "-c",
            str(config),
            "--out",
            str(folder / "out"),
            "--write-known",
            str(folder / "known.yaml"),
            *request.param,
        )
        began = time.monotonic()
        with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            started = subprocess.Popen(line, cwd=folder, env=env, stdout=out, stderr=err)
            seen = []
            while started.poll() is None:
                seen.append(_processes())
                time.sleep(0.5)
        said = [
            (folder / name).read_text(encoding="utf-8", errors="replace") for name in ("stdout", "stderr")
        ]
        yield Ran(started.returncode, said[0], said[1], folder / "out", time.monotonic() - began), seen


def _processes() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(found)


# --- a scan that shares nothing with the checker's own ----------------------------------------------


def _spellings() -> dict[str, str]:
    """Name -> how the key reads once everything but letters and digits is gone, in lower case."""
    bare = {
        "plain": KEY, "reversed": KEY[::-1], "rot13": codecs.encode(KEY, "rot13"), "hex": _PLAIN.hex(), "hex with 0x": "".join(f"0x{byte:02x}" for byte in _PLAIN),
        "codes": "".join(map(str, _PLAIN)),
        "double base64": base64.b64encode(base64.b64encode(_PLAIN)[:-4]).decode()[:-4],
    }  # fmt: skip
    for shift in range(5):
        bare[f"base32 at {shift}"] = base64.b32encode(b"\0" * shift + _PLAIN).decode().rstrip("=")[8:-1]
    for shift in range(3):
        bare[f"base64 at {shift}"] = base64.b64encode(b"\0" * shift + _PLAIN).decode()[4:-4]
    return {name: re.sub(r"[^a-z0-9]", "", text.lower()) for name, text in bare.items()}


_UNSEEN = re.compile(r"</?b>|\\u00ad|\\u200b|(?:\\u001b|\\x1b)\[[0-9;]*m")


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, and with escapes of JSON, HTML and addresses undone, once and twice."""
    for _ in range(3):
        yield text
        yield _UNSEEN.sub("", text)
        text = re.sub(
            r"[\\%]u00([0-7][0-9a-fA-F])|\\x([0-7][0-9a-fA-F])",
            lambda found: chr(int(found[1] or found[2], 16)),
            text,
        )
        text = html.unescape(urllib.parse.unquote(text))


def _texts(path: Path) -> Iterator[str]:
    raw = path.read_bytes()
    yield raw.decode("utf-8", "replace")
    if path.suffix == ".jsonl":
        for line in raw.splitlines():
            yield from _bodies(json.loads(line))


def _bodies(exchange: dict[str, object]) -> Iterator[str]:
    """A recorded body put together again, unpacked, and the words of its stream in a row."""
    pieces = exchange["pieces"]
    assert isinstance(pieces, list)
    body = b"".join(
        base64.b64decode(one["base64"]) if "base64" in one else one["text"].encode() for one in pieces
    )
    yield body.decode("latin-1")
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
        yield body.decode("latin-1")
    yield "".join(re.findall(r'"text": ?"((?:[^"\\]|\\.)*)"', body.decode("latin-1")))


def leaks(path: Path) -> list[str]:
    """Return in which spellings the file holds the key."""
    wanted = _spellings()
    found = set()
    for text in _texts(path):
        for reading in _readings(text):
            bare = re.sub(r"[^a-z0-9]", "", reading.lower())
            found |= {name for name, key in wanted.items() if key in bare}
    return sorted(found)


def test_the_scan_finds_each_echo_where_nothing_is_masked(tmp_path: Path) -> None:
    missed = []
    for name, echo in ECHOES.items():
        path = tmp_path / "echo"
        path.write_bytes(b"before " + echo + b" after")
        missed += [] if leaks(path) else [name]
    # Cut short, the key is not the key; the first is for the masking to know, not for the scan.
    assert set(missed) <= {
        "all-but-the-end",
        "all-but-the-beginning",
        "octal",
        "html-named",
        "quoted-printable",
        "base64-twice",
        "escaped-newline",
    }


def test_no_file_that_the_run_wrote_holds_the_key(ran: tuple[Ran, list[str]]) -> None:
    files = [
        path for path in ran[0].out.parent.rglob("*") if path.is_file() and path.name != "providers.yaml"
    ]
    names = {path.name for path in files}
    assert names >= {
        "results.json",
        "report.html",
        "junit.xml",
        "summary.md",
        "run.json",
        "steps.md",
        "known.yaml",
        "stdout",
        "stderr",
        "text.jsonl",
    }
    assert {str(path): found for path in files if (found := leaks(path))} == {}


def test_the_run_found_nothing_itself_and_says_what_it_masked(ran: tuple[Ran, list[str]]) -> None:
    assert "A KEY WAS WRITTEN" not in ran[0].stdout
    assert ran[0].code == 1
    assert "Traceback" not in ran[0].stdout + ran[0].stderr
    for name in SCRIPTS:
        lines = (ran[0].out / "exchanges" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        told = [(json.loads(line)["masked"], json.loads(line)["failure"]) for line in lines]
        assert any(masked or "[key]" in str(failure) for masked, failure in told), (name, told)


def test_evidence_around_a_mask_is_kept(ran: tuple[Ran, list[str]]) -> None:
    text = (ran[0].out / "results.json").read_text(encoding="utf-8")
    assert "API key [key]" in text
    assert "is not valid" in text


def test_the_key_stands_in_no_command_line_of_any_process(ran: tuple[Ran, list[str]]) -> None:
    assert ran[1]
    assert not [seen for seen in ran[1] if KEY in seen]


def test_the_echoes_are_more_than_thirty() -> None:
    assert len(ECHOES) >= 30


def test_a_key_that_stands_there_already_fails_the_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text(f"the key was {KEY}\n", encoding="utf-8")
    with serving({"text": _in_the_text}) as town:
        config = write_providers(tmp_path, {"text": entry(town.ports["text"], timeout=20)})
        ended = run(config, out, "-d", "envelope", "--fail-on", "never", env=environment(KEY))
    assert ended.code == 3
    assert "A KEY WAS WRITTEN" in ended.stdout
    assert "notes.txt:1: holds the key of WHOLE_KEY (plain)" in ended.stdout
    assert KEY not in ended.stdout + ended.stderr


@pytest.mark.parametrize("key", [f" {KEY}", f"{KEY}\n", f"{KEY}\t"])
def test_whitespace_around_a_key_is_an_error_that_does_not_print_it(tmp_path: Path, key: str) -> None:
    config = write_providers(tmp_path, {"one": entry(9)})
    ended = run(config, tmp_path / "out", "-p", "one", env=environment(key))
    assert ended.code == 2
    assert "whitespace" in ended.stderr
    assert KEY not in ended.stdout + ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_short_key_is_refused_but_for_loopback(tmp_path: Path) -> None:
    providers = {"far": entry(9, base_url="https://vendor.invalid"), "near": entry(9)}
    config = write_providers(tmp_path, providers)
    ended = run(config, tmp_path / "out", "-p", "far", env=environment("abc123"))
    assert ended.code == 2
    assert "fewer than 8" in ended.stderr
    assert run(config, tmp_path / "out", "-p", "near", "-d", "envelope", env=environment("abc123")).code == 3


def test_the_environment_is_not_printed(ran: tuple[Ran, list[str]]) -> None:
    page = (ran[0].out / "report.html").read_text(encoding="utf-8")
    assert str(Path.home()) not in page or os.environ.get("HOME") == "/"
    assert "WHOLE_KEY=" not in page
