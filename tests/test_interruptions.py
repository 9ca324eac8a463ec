"""How commands end if they are interrupted, the disk is full, or their output cannot be written."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_killed_runs import SEED, office, providers, recorded, start
from warm_start import warm_command
from whole_runs import command, entry, environment, honest_port, run, write_providers

REPORT = ("results.json", "report.html", "junit.xml", "summary.md")


def ended(folder: Path, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run one command of the program to its end, in `folder`."""
    line = command(*words) if how else warm_command(*words)  # limits hold for who is started
    return subprocess.run(
        line, cwd=folder, env=environment(), text=True, timeout=120, check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
    )  # fmt: skip


def in_shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `conformance` is the program; its code is the program's own."""
    program = " ".join(command())
    script = f'set -o pipefail; conformance() {{ {program} "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment(), text=True, capture_output=True, timeout=120, check=False
    )  # fmt: skip


@pytest.fixture
def one_provider(tmp_path: Path) -> Iterator[Path]:
    with honest_port() as port:
        write_providers(tmp_path, {"mine": entry(port, auth="x-goog-api-key", limits={})})
        yield tmp_path


# --- signals ------------------------------------------------------------------------------------------


def _until(done: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, "nothing happened in time"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_asking_and_the_report_is_written(tmp_path: Path, number: signal.Signals) -> None:
    with office() as (_, port):
        write_providers(tmp_path, providers(port))
        out = tmp_path / "out"
        process = start(tmp_path, "--out", str(out), *SEED)
        _until(lambda: len(recorded(out)) >= 5)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in stdout + stderr
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert (results["run"]["complete"], results["run"]["interrupted"]) == (False, True)
    assert all((out / name).is_file() for name in REPORT)


@pytest.mark.slow
def test_sigterm_ends_a_run_whose_shell_ignores_ctrl_c(tmp_path: Path) -> None:
    with office() as (_, port):
        write_providers(tmp_path, providers(port))
        out = tmp_path / "out"
        process = subprocess.Popen(
            command("run", "-q", "--out", str(out), *SEED), cwd=tmp_path, env=environment(EMBEDDED="embedded-key"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )  # fmt: skip
        _until(lambda: len(recorded(out)) >= 5)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert all((out / name).is_file() for name in REPORT)


@pytest.mark.slow
def test_a_second_sigterm_ends_the_process_at_once(tmp_path: Path) -> None:
    with office() as (clerk, port):
        clerk.closed.set()
        write_providers(tmp_path, providers(port, timeout=300, limits={"first_byte": 300}))
        process = start(tmp_path, "--out", str(tmp_path / "out"), *SEED)
        _until(lambda: clerk.waiting > 0, 60)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.02, 0.3])
def test_signals_of_one_interruption_cost_nobody_the_report(tmp_path: Path, pause: float) -> None:
    with office() as (_, port):
        write_providers(tmp_path, providers(port))
        out = tmp_path / "out"
        process = start(tmp_path, "--out", str(out), *SEED)
        _until(lambda: len(recorded(out)) >= 5)
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            process.send_signal(number)
            time.sleep(pause)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert all((out / name).is_file() for name in REPORT)


def test_a_signal_after_the_last_word_leaves_the_code_that_the_files_name() -> None:
    script = "from conformance.running.interrupts import settle_exit_code as settle; import os, signal, sys; settle(3)"
    for number in (signal.SIGINT, signal.SIGTERM):
        late = f"class Late:\n def __del__(self): os.kill(os.getpid(), {int(number)})\nkept = Late()"
        for end in (f"os.kill(os.getpid(), {int(number)})", f"{late}\nsys.exit(3)"):
            done = subprocess.run(
                [sys.executable, "-c", f"{script}\n{end}"], env=environment(), check=False, timeout=60
            )
            assert done.returncode == 3, (number, end)


@pytest.mark.slow
def test_a_report_of_an_earlier_run_does_not_speak_for_one_that_was_killed(tmp_path: Path) -> None:
    with office() as (clerk, port):
        write_providers(tmp_path, providers(port))
        out = tmp_path / "out"
        start(tmp_path, "--out", str(out), "-d", "envelope", *SEED).communicate(timeout=60)
        assert all((out / name).is_file() for name in REPORT)
        clerk.closed.set()
        process = start(tmp_path, "--out", str(out), *SEED)
        _until(lambda: clerk.waiting > 0, 60)
        process.kill()
        process.communicate(timeout=60)
    assert not any((out / name).exists() for name in REPORT)
    assert (out / "exchanges-1").is_dir()


@pytest.mark.slow
def test_sigterm_ends_plain_pytest_with_a_report(tmp_path: Path) -> None:
    with office() as (_, port):
        write_providers(tmp_path, providers(port))
        out = tmp_path / "out"
        options = ("--conformance-out", str(out), "-p", "no:cacheprovider", "-p", "no:xdist")
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "conformance.plugin", "--pyargs", "conformance", *options],
            cwd=tmp_path, env=environment(EMBEDDED="embedded-key"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _until(lambda: len(recorded(out)) >= 5)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
    assert process.returncode in (2, 130), said
    assert (out / "results.json").is_file(), said
    assert json.loads((out / "results.json").read_text(encoding="utf-8"))["run"]["interrupted"]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = ended(tmp_path, "serve", "google", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr == f"port {port}: Address already in use; choose another with --port\n"


def test_sigterm_ends_a_server_as_ctrl_c_does(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("serve", "google", "--port", "0"), cwd=tmp_path, env=environment(), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert b"http://127.0.0.1:" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


# --- a full disk --------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a file system of so many kilobytes; only root may."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and path.name.startswith(".")]


@pytest.mark.slow
@pytest.mark.parametrize("file", ["results.json", "report.html"])
def test_a_disk_that_fills_up_while_the_report_is_written_is_said_with_the_file(
    one_provider: Path, file: str
) -> None:
    """The disk has room for all that is written before `file`, and for half of that file."""
    words = ("-d", "envelope", *SEED)
    whole = run(one_provider / "providers.yaml", one_provider / "whole", "-q", *words)
    assert whole.code in (0, 3), whole.stdout + whole.stderr
    sizes = {path.name: path.stat().st_size for path in whole.out.rglob("*") if path.is_file()}
    later = {"results.json": REPORT, "report.html": ("report.html",)}[file]
    pages = (
        sum(-(-size // 4096) for name, size in sizes.items() if name not in later) + sizes[file] // 2 // 4096
    )
    with small_disk(one_provider / "disk", 4 * pages) as disk:
        done = run(one_provider / "providers.yaml", disk / "out", *words)
        said = done.stdout + done.stderr
        words_of_it = f"{disk / 'out' / file}: cannot be written: No space left on device"
        assert "".join(words_of_it.split()) in "".join(said.split())  # the terminal wraps long lines
        assert done.code == 3
        assert "Traceback" not in said
        assert not left_behind(disk)
        assert (disk / "out" / "results.json").exists() is (file == "report.html")


@pytest.mark.slow
def test_no_file_on_a_full_disk_says_that_all_is_well(one_provider: Path) -> None:
    """The disk has room for each file once, and for none of them beside its older self."""
    words = ("-d", "envelope", *SEED)
    whole = run(one_provider / "providers.yaml", one_provider / "whole", "-q", *words)
    sizes = {
        path.name: -(-path.stat().st_size // 4096) * 4 for path in whole.out.rglob("*") if path.is_file()
    }
    room = sum(size for name, size in sizes.items() if name != "report.html")
    for kilobytes in (room, room + 4):
        with small_disk(one_provider / f"disk-{kilobytes}", kilobytes) as disk:
            done = run(one_provider / "providers.yaml", disk / "out", *words)
            assert done.code == 3
            for name, says in (
                ("results.json", '"exit_code": 3'),
                ("summary.md", "Exit code: 3"),
                ("junit.xml", "cannot be written"),
            ):
                path = disk / "out" / name
                assert not path.exists() or says in path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("limit", [2_000, 60_000, 150_000, 400_000])
def test_no_file_that_grows_too_long_ends_a_run_without_a_word(one_provider: Path, limit: int) -> None:
    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = ended(one_provider, "run", "--out", "out", *SEED, preexec_fn=bound)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    if not (one_provider / "out" / "report.html").exists():
        assert done.returncode == 3, said
        assert "cannot be written: File too large" in said
    assert not left_behind(one_provider / "out")


# --- standard output ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "where"),
    [
        pytest.param(words, where, marks=[pytest.mark.slow] if slow else [])
        for words, slow in (
            ("list probes", False),
            ("explain envelope/answers-with-a-gemini-object", True),
            ("plan", True),
            ("--help", True),
        )
        for where in (">&-", "2>&-", ">&- 2>&- <&-", "| head -c 5 >/dev/null")
    ],
)
def test_output_that_nobody_reads_ends_nothing(tmp_path: Path, words: str, where: str) -> None:
    done = in_shell(tmp_path, f"conformance {words} {where}")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "cannot be written" not in done.stderr


def test_output_that_cannot_be_written_is_said_and_fails(tmp_path: Path) -> None:
    done = in_shell(tmp_path, "conformance list probes >/dev/full")
    assert done.returncode == 2
    assert done.stderr == "standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    "where",
    [
        ">/dev/full",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("| true", ">&-", "2>&-", "2>/dev/full")),
    ],
)
def test_a_run_whose_words_are_lost_keeps_its_report_and_its_code(one_provider: Path, where: str) -> None:
    done = in_shell(one_provider, f"conformance run -d envelope --out out {where}")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert all((one_provider / "out" / name).is_file() for name in REPORT)


def test_captures_without_end_stop_when_nobody_reads_them(tmp_path: Path) -> None:
    line = json.dumps({
        "variant": "v", "method": "generateContent", "status": 200, "content_type": "application/json",
        "headers": {}, "body": "{}",
    })  # fmt: skip
    done = in_shell(
        tmp_path, f"(while echo '{line}'; do :; done) 2>/dev/null | conformance clients - | head -n 1"
    )
    assert json.loads(done.stdout)["variant"] == "v"
    assert done.stderr == ""


# --- numbers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("serve google --port 99999", "argument --port: '99999' is not a whole number from 0 to 65535"),
        ("serve google --port -1", "argument --port: '-1' is not a whole number from 0 to 65535"),
        ("serve google --port http", "argument --port: 'http' is not a whole number from 0 to 65535"),
        ("run --max-examples -1", "argument --max-examples: '-1' is not a whole number from 0 to 1000000"),
        ("plan --max-examples 1e9", "argument --max-examples: '1e9' is not a whole number from 0 to 1000000"),
        ("run --shrink -5", "argument --shrink: '-5' is not a whole number from 0 to 1000000"),
        ("run --seed -1", "argument --seed: '-1' is not a whole number from 0 to 4294967295"),
    ],
)
def test_absurd_numbers_are_refused_with_their_bounds(tmp_path: Path, words: str, said: str) -> None:
    done = ended(tmp_path, *words.split())
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_more_bodies_than_max_requests_leaves_room_for_are_not_drawn(one_provider: Path) -> None:
    began = time.monotonic()
    done = ended(one_provider, "run", "--max-examples", "100000", "-d", "schema", "--out", "out", *SEED)
    assert time.monotonic() - began < 40
    assert "of 100000 generated bodies: max_requests is 120" in done.stdout
    results = json.loads((one_provider / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["providers"][0]["traffic"]["requests"] <= 120
    lines = (one_provider / "out" / "exchanges" / "mine.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum(json.loads(line)["generated"] for line in lines) > 12


def test_a_plan_counts_no_more_bodies_than_there_is_room_for(one_provider: Path) -> None:
    done = ended(one_provider, "plan", "--max-examples", "100000", "--format", "json")
    [mine] = json.loads(done.stdout)["providers"]
    assert mine["generated"] == 120 - mine["first_asks"]
