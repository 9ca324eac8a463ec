"""The memory that one large answer needs in a whole run, page and scan included."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import ANSWER, Peer, Script, serving
from whole_runs import command, entry, environment, write_providers

MIB = 1024 * 1024
LONGEST = 64 * MIB  # what the default of body_bytes takes
BOUND = 4 * LONGEST
# A small process between us and the run: the system counts the memory of whoever starts a program as the program's.
MEASURE = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def _one_text(size: int) -> bytes:
    before, after = ANSWER.split(b"OK")
    return before + b"x" * (size - len(before) - len(after)) + after


def _long_events(size: int) -> bytes:
    event = b"data: " + _one_text(65_000) + b"\r\n\r\n"
    return event * (size // len(event))


def _short_events(size: int) -> bytes:
    event = b"data: " + ANSWER + b"\r\n\r\n"
    return event * (size // len(event))


def _empty_objects(size: int) -> bytes:
    return b'{"candidates":[' + b"{}," * (size // 3 - 20) + b"{}]}"


BODIES: dict[str, Callable[[int], bytes]] = {
    "one-text": _one_text, "long-events": _long_events, "short-events": _short_events, "empty-objects": _empty_objects,
    "zeros": bytes, "no-text-at-all": lambda size: b"\xff" * size,
}  # fmt: skip
SIZES = {"as-long-as-may-be": LONGEST - 4096, "as-long-as-is-read": 16 * MIB - 4096}


def _says(body: bytes, *headers: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(body, *headers)

    return script


async def _without_end(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    event = b"data: " + _one_text(65_000) + b"\r\n\r\n"
    while True:
        await peer.say(event)
        await asyncio.sleep(0)


def peak(folder: Path, script: Script) -> int:
    """Return the most bytes of memory that a run held which asks one question of that server."""
    with serving({"one": script}) as town:
        config = write_providers(
            folder, {"one": entry(town.ports["one"], timeout=100, max_requests=1, limits={})}
        )
        line = command("run", "-c", str(config), "--out", str(folder / "out"))
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *line],
            cwd=folder,
            env=environment(),
            capture_output=True,
            check=True,
            timeout=300,
        )
    assert (
        json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))["providers"][0]["traffic"][
            "requests"
        ]
        == 1
    )
    return int(done.stdout) * 1024


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", BODIES)
def test_an_answer_costs_less_than_four_times_the_longest(tmp_path: Path, name: str, size: int) -> None:
    assert peak(tmp_path, _says(BODIES[name](size))) < BOUND


@pytest.mark.slow
def test_what_a_packed_answer_unfolds_to_is_bounded_too(tmp_path: Path) -> None:
    packed = gzip.compress(_one_text(LONGEST - 4096), 1)
    assert peak(tmp_path, _says(packed, b"Content-Encoding: gzip")) < BOUND


@pytest.mark.slow
def test_a_stream_without_end_costs_no_more_than_the_bytes_that_are_taken(tmp_path: Path) -> None:
    assert peak(tmp_path, _without_end) < BOUND


def test_a_body_beyond_the_bound_is_named_and_its_end_is_not_kept_twice(tmp_path: Path) -> None:
    with serving({"one": _says(_one_text(300_000))}) as town:
        limits = {"json_bytes": 200_000}
        config = write_providers(tmp_path, {"one": entry(town.ports["one"], max_requests=1, limits=limits)})
        line = command("run", "-c", str(config), "--out", str(tmp_path / "out"))
        subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, check=False, timeout=60)
    found = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["providers"][0]
    assert found["status"] == "inconclusive"
    assert "bound json_bytes" in found["reason"]
    extract = next(one for one in found["deviations"] if one["rule"] == "transport/answers-within-bounds")[
        "evidence"
    ][0]
    assert extract["cut"] == 300_000 - len(extract["body"])
