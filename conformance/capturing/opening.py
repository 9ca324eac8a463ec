"""Opens a recording: a file or standard input, gzip undone, with its beginning to tell the format by; all bounded."""

from __future__ import annotations

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from conformance.capturing.entry import CaptureError
from conformance.files import InputError

HEAD = 64 * 1024  # bytes that the format of a file is told by
LARGEST_UNPACKED = 2 * 1024**3  # bytes that a gzip file may unfold to
# What reading a file, or unpacking it, may raise; see `describe_broken`.
BROKEN = (OSError, EOFError, zlib.error)
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff", b"{\x00", b"[\x00", b"\x00{", b"\x00[")
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"(\xb5/\xfd": "packed with zstd",
}


@dataclass(frozen=True)
class OpenRecording:
    """A file that is being read: its first bytes, and all of it (those included)."""

    name: str
    head: bytes
    file: IO[bytes]

    def read_whole(self, most: int) -> bytes:
        """Return all of it. Raises CaptureError where that is more than `most` bytes."""
        data = self.file.read(most + 1)
        if len(data) > most:
            raise CaptureError(f"is longer than {most // 1024**2} MiB, the most that is read of this format")
        return data


class _RereadFile(io.RawIOBase):
    """The bytes that were read ahead, then the rest, at most `most` in all."""

    def __init__(self, head: bytes, rest: IO[bytes], most: int | None) -> None:
        self._head = head
        self._rest = rest
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :]
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise CaptureError(f"decompresses to more than {LARGEST_UNPACKED // 1024**3} GiB")
        buffer[: len(data)] = data
        return len(data)


@contextlib.contextmanager
def open_recording(name: str) -> Iterator[OpenRecording]:
    """Open a file, or standard input where it is called `-`. What gzip hides is unfolded.

    Raises CaptureError; and, like every later read from the file, one of `BROKEN`.
    """
    with contextlib.ExitStack() as stack:
        raw = _open_raw(name, stack)
        head = raw.read(HEAD)
        if head.startswith(_GZIP):
            packed = gzip.GzipFile(fileobj=io.BufferedReader(_RereadFile(head, raw, None), HEAD))
            yield _put_head_back(name, packed.read(HEAD), cast("IO[bytes]", packed), LARGEST_UNPACKED)
        else:
            yield _put_head_back(name, head, raw, None)


def _open_raw(name: str, stack: contextlib.ExitStack) -> IO[bytes]:
    if name == "-":
        return sys.stdin.buffer
    path = Path(name)
    if path.exists() and not path.is_file():  # before it is opened: a pipe would wait for ever
        raise CaptureError("is not a plain file; name the files themselves, or - for standard input")
    return stack.enter_context(path.open("rb"))


def _put_head_back(name: str, head: bytes, rest: IO[bytes], most: int | None) -> OpenRecording:
    if head.startswith(_UTF16):
        raise CaptureError("is UTF-16, as some shells write it; save it as UTF-8")
    packed = next((what for magic, what in _ARCHIVES.items() if head.startswith(magic)), None)
    if packed:
        raise CaptureError(f"is {packed}; unpack it first, or pack it with gzip")
    head = head.removeprefix(_BOM)
    return OpenRecording(name, head, io.BufferedReader(_RereadFile(head, rest, most), HEAD))


def describe_broken(error: Exception) -> str:
    """Say why reading a file failed."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return f"its gzip data is broken: {error}"
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"
