"""Starts the program without waiting for its imports, which cost half a second each time.

A server imports the program once and forks for each start. A small client stands in for `python -m conformance`: it
hands its arguments, folder, environment and standard streams to the server, and ends with the exit code of the fork. So
each start is a process of its own still, and `subprocess` sees no difference. Signals and limits would reach the client
alone: tests of these start the program as users do.
"""

from __future__ import annotations

import array
import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# Kept to what every Python imports anyway: this is what a start costs.
CLIENT = """
import array, json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
opened = [number for number in (0, 1, 2) if os.path.exists(f"/proc/self/fd/{number}")]
handed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", opened))] if opened else []
link.sendmsg([b"%"], handed)
link.sendall(json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ), opened]).encode())
link.shutdown(socket.SHUT_WR)
code = int(link.recv(16) or b"70")
sys.exit(code) if code >= 0 else os.kill(os.getpid(), -code)
"""


def warm_command(*words: str) -> list[str]:
    """Return a command line that does what `python -m conformance WORDS` does, and starts at once."""
    return [sys.executable, "-I", "-S", "-c", CLIENT, _start_server(), *words]


@functools.cache
def _start_server() -> str:
    """Start the server of this process, which ends with it, and return the path of its socket."""
    folder = tempfile.TemporaryDirectory(prefix="warm-")
    path = str(Path(folder.name) / "socket")
    environ = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")
    }
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        server = subprocess.Popen(
            [sys.executable, __file__, str(listening.fileno())],
            env={**environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            pass_fds=(listening.fileno(),),
        )

    @atexit.register
    def stop() -> None:
        if server.stdin:
            server.stdin.close()
        server.wait()
        folder.cleanup()

    return path


def serve(listening: socket.socket) -> None:
    """Fork for each client that connects, until standard input ends."""
    program = importlib.import_module("conformance.cli")
    importlib.import_module("conformance.catalogue").load()  # it decides in which order probes are imported
    for module in pkgutil.walk_packages(importlib.import_module("conformance").__path__, "conformance."):
        if module.name not in ("conformance.__main__", "conformance.test_providers"):
            importlib.import_module(module.name)
    for plugin in importlib.import_module("_pytest.config").default_plugins:
        importlib.import_module(f"_pytest.{plugin}")
    gc.freeze()  # forks share what is never touched
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who look after a client
    while True:
        ready, _, _ = select.select([listening, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        link, _ = listening.accept()
        with link:
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                _attend(link, program)


def _attend(link: socket.socket, program: Any) -> None:
    """Run the program as a client asks, in a fork, and tell the client how it ended."""
    _, handed, _, _ = link.recvmsg(1, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    numbers = array.array("i")
    for _, _, data in handed:
        numbers.frombytes(data)
    text = b"".join(iter(lambda: link.recv(65536), b""))
    words, folder, environ, opened = json.loads(text)
    pid = os.fork()
    if pid == 0:
        link.close()
        _become(folder, environ, dict(zip(opened, numbers, strict=True)))
        sys.argv = ["conformance", *words]
        sys.exit(program.main())
    for number in (*numbers, 0, 1, 2):
        os.close(number)
    _, status = os.waitpid(pid, 0)
    link.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(folder: str, environ: dict[str, str], streams: dict[int, int]) -> None:
    """Take over a client's folder, environment and standard streams."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.path[0] = folder
    for number in (0, 1, 2):
        if number in streams:
            os.dup2(streams[number], number)
            os.close(streams[number])
        else:
            os.close(number)
    sys.stdin, sys.stdout, sys.stderr = (_open(number) for number in (0, 1, 2))


def _open(number: int) -> Any:
    """Open a standard stream as Python does at its start; None where it is closed."""
    mode, errors = ("r", "strict") if number == 0 else ("w", "strict" if number == 1 else "backslashreplace")
    try:
        return open(
            number, mode, encoding="utf-8", errors=errors, buffering=1 if number == 2 else -1, closefd=False
        )
    except OSError:
        return None


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
