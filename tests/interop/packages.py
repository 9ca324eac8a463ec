"""Installs published packages, each by name and version in a folder of its own, once."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_WAIT = 900.0  # seconds for one installation
_LAST = 15  # lines of a log that an error shows


class UnavailableError(Exception):
    """A package cannot be had: its name, and what the installer said last."""


@dataclass(frozen=True)
class Package:
    """What is installed together: `python` by pip into a virtual environment, `node` by npm into a folder."""

    name: str
    kind: str
    requirements: tuple[str, ...]
    beside: tuple[
        str, ...
    ] = ()  # what they stand on, held at the version that shaped the answers that were read

    @property
    def wanted(self) -> tuple[str, ...]:
        """All that is installed by name."""
        return (*self.requirements, *self.beside)

    @property
    def folder(self) -> Path:
        """Where it lives: below INTEROP_CACHE, by default .cache/interop in the project."""
        cache = Path(os.environ.get("INTEROP_CACHE") or ROOT / ".cache" / "interop")
        return cache.resolve() / self.name

    @property
    def versions(self) -> dict[str, str]:
        """The versions asked for, by name."""
        mark = "==" if self.kind == "python" else "@"
        return {
            name: version for name, _, version in (one.rpartition(mark) for one in self.requirements) if name
        }


def last_lines(text: str) -> str:
    """Return the end of a log."""
    return "\n".join(text.splitlines()[-_LAST:])


def _commands(package: Package) -> list[list[str]]:
    folder = str(package.folder)
    if package.kind == "node":
        return [["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, *package.wanted]]
    # Compiling everything that a gateway may ever import takes twice as long as fetching it.
    pip = [
        f"{folder}/bin/python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
    ]
    return [[sys.executable, "-m", "venv", folder], [*pip, *package.wanted]]


def _installed(package: Package) -> bool:
    stamp = package.folder / "installed.json"
    return stamp.is_file() and json.loads(stamp.read_text()) == list(package.wanted)


def install(package: Package) -> Path:
    """Return the folder in which the package stands, installed where it was not. Raises UnavailableError."""
    package.folder.mkdir(parents=True, exist_ok=True)
    with (package.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test files may run side by side
        if not _installed(package):
            for command in _commands(package):
                _run(package, command)
            (package.folder / "installed.json").write_text(json.dumps(list(package.wanted)))
    return package.folder


def _run(package: Package, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{package.name}: {command[0]} did not end well: {error}") from error
    if done.returncode:
        raise UnavailableError(
            f"{package.name} cannot be installed:\n{last_lines(done.stdout + done.stderr)}"
        )
