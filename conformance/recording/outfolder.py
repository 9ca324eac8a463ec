"""The folder that a run writes to: locked while the run lasts, and without the exchanges of an earlier run."""

from __future__ import annotations

import errno
from pathlib import Path

from conformance.recording.locks import FolderLock, lock_folder
from conformance.recording.record import FOLDER

REPORT = ("results.json", "summary.md", "junit.xml", "report.html")


class FolderError(Exception):
    """The folder cannot be used; one line that says which, why, and what to do."""


class ClaimedFolder:
    """A folder that is locked for this run until `release`; the system releases it when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Make the folder where it is missing, and lock it. Raises FolderError.

        Symbolic links are refused: they could make the run write elsewhere.
        """
        self.folder = folder
        self._lock: FolderLock | None = None
        for path in (folder, folder / FOLDER):
            if path.is_symlink():
                raise FolderError(f"{path}: is a symbolic link; name the folder itself")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(folder)
        except OSError as error:
            raise FolderError(_describe_fault(folder, error)) from error

    def set_aside(self) -> Path | None:
        """Move what an earlier run recorded here to exchanges-1, -2, …, and return where; None if there was nothing. Two runs in one recording could not be told apart, and paid answers must not be thrown away. The earlier report is removed: it would be taken for that of a new run that ends before it writes its own. Raises FolderError."""
        if (self.folder / "run.json").is_file():
            self._remove_report()
        before = self.folder / FOLDER
        if not before.is_dir() or not any(before.iterdir()):
            return None
        numbers = (self.folder / f"{FOLDER}-{number}" for number in range(1, 10_000))
        after = next(path for path in numbers if not path.exists())
        try:
            return before.rename(after)
        except OSError as error:
            raise FolderError(_describe_fault(before, error)) from error

    def _remove_report(self) -> None:
        for name in REPORT:
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise FolderError(_describe_fault(self.folder / name, error)) from error

    def release(self) -> None:
        """Unlock the folder."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _describe_fault(folder: Path, error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        return f"{folder}: another run is writing here; wait for it, or name another folder with --out"
    reason = (
        "is not a folder"
        if error.errno in (errno.EEXIST, errno.ENOTDIR)
        else f"cannot be written to: {error.strerror}"
    )
    return f"{folder}: {reason}; name another one with --out"
