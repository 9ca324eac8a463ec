"""Runs that end early (killed, interrupted, disk full, two at once) lose no finished exchange."""

from __future__ import annotations

import asyncio
import json
import random
import re
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hostile import Peer, serving
from test_hostile_run import timeless
from whole_runs import command, entry, environment, run, write_providers

from conformance.dialects.dialect import list_bundled_dialects, load_dialect
from conformance.embedded import Host, make_behaviour

pytestmark = pytest.mark.slow  # whole runs in processes of their own, killed, starved and doubled
KILLS = 50
SEED = ("--seed", "7")
IN_FLIGHT = 4  # the provider's concurrency
Asked = tuple[str, bytes]  # the request's path and body


@dataclass
class Clerk:
    """Stands between the checker and a bundled server, and writes down every answer that arrived whole."""

    port: int
    pause: float = 0.01
    delivered: list[tuple[float, Asked]] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)  # while set, nobody gets an answer
    waiting: int = 0  # how many were ever kept waiting by it

    async def pass_on(self, peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        lengths = [
            line.partition(b":")[2]
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        body = await peer.reader.readexactly(int(lengths[0])) if lengths else b""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(
            head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) if b"onnection:" not in head else head
        )
        writer.write(body)
        try:
            await self._opening()
            await asyncio.sleep(self.pause)
            while data := await reader.read(65536):
                await peer.say(data)
        finally:
            writer.close()
        peer.writer.write_eof()
        await peer.reader.read()  # until the checker closes: it has read all
        path = re.sub(r"[?&]key=[^&]*$", "", head.split(b" ")[1].decode())
        self.delivered.append((time.monotonic(), (path, body)))

    async def _opening(self) -> None:
        """Wait until answers are handed out."""
        self.waiting += self.closed.is_set()
        while self.closed.is_set():  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.02)


@contextmanager
def office(pause: float = 0.01) -> Iterator[tuple[Clerk, int]]:
    """Serve the first bundled vendor that is not Google behind a clerk; yield the clerk and the port to ask."""
    name = next(name for name in sorted(list_bundled_dialects()) if name != "google")
    with Host() as host:
        clerk = Clerk(int(host.start(make_behaviour(load_dialect(name))).rpartition(":")[2]), pause)
        with serving({"clerk": clerk.pass_on}) as town:
            yield clerk, town.ports["clerk"]


@pytest.fixture(scope="module")
def clerk() -> Iterator[tuple[Clerk, int]]:
    with office() as opened:
        yield opened


def providers(port: int, **changes: Any) -> dict[str, dict[str, Any]]:
    dialect = next(name for name in sorted(list_bundled_dialects()) if name != "google")
    settings = {
        "dialect": dialect,
        "key_env": "EMBEDDED",
        "concurrency": IN_FLIGHT,
        "timeout": 30,
        "limits": {},
    }
    return {"one": entry(port, **{**settings, **changes})}


def start(folder: Path, *words: str, limit: int = 0) -> subprocess.Popen[bytes]:
    """Start a run in a process group of its own; `limit`: the longest file that it may write."""
    line = command("run", "-c", str(folder / "providers.yaml"), *words)
    bound: Callable[[], None] | None = (
        (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None
    )
    env = environment(EMBEDDED="embedded-key")
    return subprocess.Popen(
        line, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=bound
    )  # fmt: skip


def lines(out: Path) -> list[dict[str, Any]]:
    """Return the finished lines of the recording. One that is no JSON fails the test."""
    path = out / "exchanges" / "one.jsonl"
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []


def recorded(out: Path) -> list[str]:
    """Return the ids of what was recorded."""
    return [line["id"] for line in lines(out)]


def results(out: Path) -> Any:
    """Return results.json without what differs between any two runs: times, ids, what is said of resuming."""
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    for name in ("id", "started_at", "finished_at", "warnings"):
        del found["run"][name]
    return timeless(found)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, clerk: tuple[Clerk, int]) -> tuple[Any, float]:
    folder = tmp_path_factory.mktemp("undisturbed")
    ended = run(
        write_providers(folder, providers(clerk[1])),
        folder / "out",
        *SEED,
        env=environment(EMBEDDED="embedded-key"),
    )
    assert ended.code == 1, ended.stderr
    return results(ended.out), ended.seconds


def _killed(process: subprocess.Popen[bytes], after: float) -> bool:
    """Kill a run after so many seconds; False where it had ended before."""
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=after)
        return False
    process.kill()
    process.communicate()
    return True


def _kept_all(out: Path, clerk: Clerk, since: int, killed_at: float) -> None:
    """Whatever had arrived whole before the kill stands in the recording, but for what was still in hands."""
    arrived = [(at, asked) for at, asked in clerk.delivered[since:] if at < killed_at]
    kept = {(line["request"]["path"], line["request"]["body"].encode()) for line in lines(out)}
    missing = [asked for _, asked in arrived if asked not in kept]
    assert len(missing) <= IN_FLIGHT
    old = [asked for at, asked in arrived if at < killed_at - 0.5 and asked in missing]
    assert not old, old


def _chain(folder: Path, clerk: Clerk, dice: random.Random, longest: float, kills: int) -> int:
    """Kill one run again and again, resuming it each time; return how many kills it took. It then runs to its end."""
    out, done = folder / "out", 0
    while done < kills:
        resumed = (out / "run.json").exists()
        words = ("--resume", str(out)) if resumed else ("--out", str(out), *SEED)
        since = len(clerk.delivered)
        process = start(folder, *words)
        if not _killed(process, dice.uniform(0.3, longest)):
            assert process.returncode == 1
            break
        done += 1
        _kept_all(out, clerk, since, time.monotonic())
    return done


def _finished(folder: Path, says: str = "") -> Path:
    out = folder / "out"
    words = ("--resume", str(out)) if (out / "run.json").exists() else ("--out", str(out), *SEED)
    last = start(folder, *words)
    said = last.communicate(timeout=60)
    assert last.returncode == 1, said[1][-2000:]
    assert says in said[0].decode()
    return out


def _killing(tmp_path: Path, clerk: tuple[Clerk, int], undisturbed: tuple[Any, float], kills: int) -> None:
    dice, done, number = random.Random(7), 0, 0
    while done < kills:
        number += 1
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        write_providers(folder, providers(clerk[1]))
        done += _chain(folder, clerk[0], dice, undisturbed[1] * 0.9, min(5, kills - done))
        assert results(_finished(folder)) == undisturbed[0]


def test_a_killed_run_loses_nothing_and_resumes_to_the_same_results(
    tmp_path: Path, clerk: tuple[Clerk, int], undisturbed: tuple[Any, float]
) -> None:
    _killing(tmp_path, clerk, undisturbed, 2)


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_change_no_result(
    tmp_path: Path, clerk: tuple[Clerk, int], undisturbed: tuple[Any, float]
) -> None:
    _killing(tmp_path, clerk, undisturbed, KILLS)


def _until(done: Callable[[], bool], seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, "nothing happened in time"
        time.sleep(0.02)


def test_an_interrupted_run_reports_what_is_there_and_can_be_resumed(
    tmp_path: Path, clerk: tuple[Clerk, int], undisturbed: tuple[Any, float]
) -> None:
    write_providers(tmp_path, providers(clerk[1]))
    out = tmp_path / "out"
    process = start(tmp_path, "--out", str(out), *SEED)
    _until(lambda: len(recorded(out)) >= 10)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in stdout + stderr
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert (found["run"]["complete"], found["run"]["interrupted"], found["run"]["exit_code"]) == (
        False,
        True,
        130,
    )
    assert found["providers"][0]["traffic"]["requests"] == len(recorded(out)) >= 10
    for name in ("report.html", "summary.md"):
        assert "Interrupted: this run did not finish" in (out / name).read_text(encoding="utf-8")
    before = len(recorded(out))
    says = f"\nresumed: {before} exchanges were already recorded"
    assert results(_finished(tmp_path, says)) == undisturbed[0]
    warnings = json.loads((out / "results.json").read_text(encoding="utf-8"))["run"]["warnings"]
    assert not any("resumed" in line for line in warnings)
    assert len(recorded(out)) == len(set(recorded(out)))


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    with office() as (clerk, port):
        clerk.closed.set()
        write_providers(tmp_path, providers(port, timeout=300, limits={"first_byte": 300}))
        process = start(tmp_path, "--out", str(tmp_path / "out"), *SEED)
        _until(lambda: clerk.waiting > 0, 60)
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130


@pytest.mark.parametrize("limit", [2_000, 20_000, 60_000])
def test_a_full_disk_ends_in_words_and_corrupts_nothing(
    tmp_path: Path, clerk: tuple[Clerk, int], limit: int
) -> None:
    write_providers(tmp_path, providers(clerk[1]))
    out = tmp_path / "out"
    process = start(tmp_path, "--out", str(out), *SEED, limit=limit)
    stdout, stderr = (said.decode() for said in process.communicate(timeout=60))
    assert process.returncode in (1, 3), stderr
    assert "Traceback" not in stdout + stderr
    assert "cannot be written: File too large" in stdout + stderr
    recorded(out)
    for name in ("results.json", "run.json"):
        if (out / name).exists():
            json.loads((out / name).read_text(encoding="utf-8"))
    assert not [path for path in out.glob(".*") if path.is_file()]


@pytest.mark.slow
def test_after_a_full_disk_a_run_is_resumed_like_any_other(
    tmp_path: Path, clerk: tuple[Clerk, int], undisturbed: tuple[Any, float]
) -> None:
    write_providers(tmp_path, providers(clerk[1]))
    start(tmp_path, "--out", str(tmp_path / "out"), *SEED, limit=60_000).communicate(timeout=60)
    assert recorded(tmp_path / "out")
    assert results(_finished(tmp_path)) == undisturbed[0]


def test_two_runs_in_one_folder_do_not_meet(tmp_path: Path, clerk: tuple[Clerk, int]) -> None:
    write_providers(tmp_path, providers(clerk[1]))
    both = [start(tmp_path), start(tmp_path)]
    assert [one.communicate(timeout=60) and one.returncode for one in both] == [1, 1]
    reports = [
        path
        for path in (tmp_path / "reports").iterdir()
        if not path.is_symlink() and (path / "run.json").exists()
    ]
    assert len(reports) == 2
    assert (tmp_path / "reports" / "latest").resolve() in [path.resolve() for path in reports]
    for path in reports:
        assert len(recorded(path)) == len(set(recorded(path))) > 40


def test_the_second_run_with_the_same_out_is_refused(tmp_path: Path) -> None:
    with office() as (clerk, port):
        clerk.closed.set()  # the first run gets no answer before the second has ended
        write_providers(tmp_path, providers(port, timeout=300, limits={"first_byte": 300}))
        out = str(tmp_path / "out")
        first = start(tmp_path, "--out", out, "-d", "envelope")
        _until(lambda: clerk.waiting > 0, 60)
        second = start(tmp_path, "--out", out)
        said = second.communicate(timeout=60)[1].decode()
        assert first.poll() is None
        clerk.closed.clear()
        assert second.returncode == 2
        assert said == f"{out}: another run is writing here; wait for it, or name another folder with --out\n"
        first.communicate(timeout=60)
        assert first.returncode in (0, 1)


def test_an_earlier_run_in_the_folder_is_set_aside_and_not_mixed_in(
    tmp_path: Path, clerk: tuple[Clerk, int]
) -> None:
    write_providers(tmp_path, providers(clerk[1]))
    for _ in range(2):
        ended = start(tmp_path, "--out", str(tmp_path / "out"), "-d", "envelope")
        ended.communicate(timeout=60)
        assert ended.returncode in (0, 1)
    before = tmp_path / "out" / "exchanges-1" / "one.jsonl"
    assert len(before.read_bytes().splitlines()) == len(recorded(tmp_path / "out"))
    said = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["run"]["warnings"]
    assert any("exchanges-1" in line for line in said)
