"""Starts other people's servers on free loopback ports, waits until they listen, and ends them by their process ids."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from interop.packages import Package, install, last_lines

HOST = "127.0.0.1"
KEY = "sk-local-test"
_READY = 240.0  # seconds until a server must listen: the first start of a large one compiles it
_GRACE = 10.0  # seconds between asking a server to end and ending it


class StartError(Exception):
    """A server does not start: its name, its command and the last lines of its log."""


@dataclass(frozen=True)
class Server:
    """A server and its start. {folder}, {port} and the name of each upstream stand for themselves in what it is given.

    Without a package it is one of the checker's own, that a gateway of others hands its questions to.
    """

    name: str
    package: Package | None
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # written beside it before it starts
    upstreams: tuple[str, ...] = ()  # the servers that it hands its questions to


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server((HOST, 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that programs need, and none that carries a key or a proxy."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "NO_PROXY": HOST, **extra}


def _wait(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            how = "ended" if process.poll() is not None else f"does not listen after {_READY:.0f} s"
            raise StartError(f"{name} {how}; its log ends:\n{last_lines(log.read_text(errors='replace'))}")
        time.sleep(0.05)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here, and whatever it started, by its id; who does not hear is killed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)


@contextlib.contextmanager
def running(server: Server, work: Path, upstreams: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a server as long as the context lasts; `work` holds its files and log. Yields `http://127.0.0.1:PORT`.

    `upstreams` are the addresses of those that it names.
    Raises UnavailableError where it cannot be installed, StartError where it does not start.
    """
    folder, port = install(server.package) if server.package else Path(), free_port()
    words = {"folder": str(folder), "port": str(port), **(upstreams or {})}
    for name, text in server.files.items():
        (work / name).write_text(text)
    log = work / f"{server.name}.log"
    environment = {
        "HOME": str(work),
        **{name: value.format(**words) for name, value in server.environment.items()},
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [word.format(**words) for word in server.command],
            cwd=work, env=_environment(environment), stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(server.name, process, port, log)
        yield f"http://{HOST}:{port}"
    finally:
        stop(process)
