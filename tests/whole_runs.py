"""Tools for whole runs: writes a providers.yaml for test servers, starts `conformance run`, and reads what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from warm_start import warm_command

from conformance.embedded import HONEST, Host

ROOT = Path(__file__).resolve().parent.parent
KEY = "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW"
# For hostile servers: what waits for them ends soon.
BOUNDS: dict[str, Any] = {
    "first_byte": 1, "silence": 1, "body_bytes": 300_000, "decoded_bytes": 300_000, "header_bytes": 50_000,
    "chunks": 1000, "retries": 1, "retry_wait": 1, "dead_after": 3,
}  # fmt: skip


# For all others: however busy the machine is, their answers come in time.
PATIENT: dict[str, Any] = {**BOUNDS, "first_byte": 30, "silence": 30}


@dataclass(frozen=True)
class Ran:
    """A run that has ended: its exit code, what it said, and the folder that it wrote."""

    code: int
    stdout: str
    stderr: str
    out: Path
    seconds: float

    @property
    def results(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "results.json").read_text(encoding="utf-8"))
        return found

    def provider(self, name: str) -> dict[str, Any]:
        return next(one for one in self.results["providers"] if one["name"] == name)

    def case(self, provider: str, rule: str) -> dict[str, Any]:
        return next(one for one in self.provider(provider)["cases"] if one["rule"] == rule)


def entry(port: int, **changes: Any) -> dict[str, Any]:
    """Return a provider that listens on loopback, in the words of providers.yaml."""
    return {
        "base_url": f"http://127.0.0.1:{port}",
        "dialect": "google",
        "model": "gemini-2.5-flash",
        "auth": "bearer",
        "key_env": "WHOLE_KEY",
        "timeout": 60,
        "max_examples": 0,
        "limits": PATIENT,
        **changes,
    }


def write_providers(folder: Path, providers: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write a providers.yaml, and return where it is."""
    path = folder / "providers.yaml"
    path.write_text(yaml.safe_dump({"providers": {**providers}}), encoding="utf-8")
    return path


def command(*words: str) -> list[str]:
    """Return the command line of the program as a user's shell would start it; for signals, limits and lists of processes."""
    return [sys.executable, "-m", "conformance", *words]


def environment(key: str = KEY, **more: str) -> dict[str, str]:
    """Return an environment with the key, and with nothing that could bend the run."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "WHOLE_KEY": key,
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def run(
    config: Path, out: Path, *words: str, timeout: float = 120, env: Mapping[str, str] | None = None
) -> Ran:
    """Run `conformance run` to its end, in a process of its own that is forked with the imports done."""
    began = time.monotonic()
    line = warm_command("run", "-c", str(config), "--out", str(out), *words)
    done = subprocess.run(
        line,
        cwd=config.parent,
        env=dict(env or environment()),
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    said = (done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
    return Ran(done.returncode, *said, out, time.monotonic() - began)


@contextmanager
def honest_port() -> Iterator[int]:
    """Serve as Google would, and yield the port."""
    with Host() as host:
        yield int(host.start(HONEST).rpartition(":")[2])
