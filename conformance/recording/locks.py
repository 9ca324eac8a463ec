"""A lock on a folder that one process holds at a time; the system releases it when the process dies.

Where the system has `flock`, the folder itself is locked and no file is left in it. Windows does not: there
filelock locks a file in the folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

try:
    import fcntl
except ImportError:
    from filelock import FileLock, Timeout

    _POSIX = False
else:
    _POSIX = True

_FILE = ".lock"


class FolderLock(Protocol):
    """A lock that is held until `release`."""

    def release(self) -> None:
        """Release the folder."""


def lock_folder(folder: Path) -> FolderLock:
    """Lock a folder without waiting. Raises BlockingIOError where another process holds it, OSError for anything else."""
    return _Flock(folder) if _POSIX else _FileInFolder(folder)


class _Flock:
    def __init__(self, folder: Path) -> None:
        self._handle: int | None = os.open(
            folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        )
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class _FileInFolder:
    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE
        self._lock = FileLock(self._path, timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise BlockingIOError(f"{folder} is locked") from error

    def release(self) -> None:
        self._lock.release()
        self._path.unlink(missing_ok=True)
