"""Writes files completely or not at all, adds text to files, and keeps the link to the newest run."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from conformance.files import InputError


class RecordError(InputError):
    """A recording that cannot be used, or cannot be written; one line with file, line and reason."""


def write_atomically(path: Path, text: str) -> None:
    """Write a file completely or not at all: under another name first, which is then renamed.

    A symbolic link in its place is replaced, not followed; a folder, a pipe or a device is left alone. Raises RecordError.
    """
    if path.exists() and not path.is_file() and not path.is_symlink():
        raise RecordError(f"{path}: is not a plain file; name another one")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):  # it is there only where writing failed or was interrupted
            beside.unlink()


def write_report_file(path: Path, text: str) -> None:
    """Write a file of the report. If that fails, an older one is removed, since it may no longer be true.

    Raises RecordError.
    """
    try:
        write_atomically(path, text)
    except RecordError:
        if not path.is_file():
            raise
        with contextlib.suppress(OSError):
            path.unlink()  # which also makes room on a full disk
        write_atomically(path, text)


def append_text(path: Path, text: str) -> None:
    """Add text to the end of a file, such as the summary to which every step of a pipeline adds. Raises RecordError."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror}") from error


def point_latest(out: Path) -> None:
    """Let reports/latest point at a run's folder; if links cannot be made, do nothing."""
    link = out.parent / "latest"
    beside = out.parent / f".latest.{os.getpid()}"
    try:
        beside.symlink_to(out.name, target_is_directory=True)
        if link.is_symlink() or not link.exists():
            beside.replace(link)
        else:
            beside.unlink()
    except OSError:
        beside.unlink(missing_ok=True)
