"""Writes to standard output and standard error, which may be closed, full, or without a reader."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


class GuardedStream:
    """A text stream that does not raise on write errors: the first error is kept in `lost`, and later text is dropped."""

    def __init__(self, stream: TextIO) -> None:
        """Guard `stream`."""
        self._stream = stream
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Write text, or drop it where the stream takes nothing more. Return its length."""
        if self.lost is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Flush what was written, if the stream still takes it."""
        if self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream itself."""
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        """Remember the error, and redirect the descriptor to the null device, since the interpreter flushes at its end."""
        self.lost = error
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def open_closed_streams() -> None:
    """Open the null device in place of standard streams that the caller closed.

    Otherwise the next file that is opened would get the number of the closed one.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - as long as the process


@contextlib.contextmanager
def guarded_streams() -> Iterator[GuardedStream]:
    """Guard standard output and standard error during a block; yield the guarded output."""
    before = sys.stdout, sys.stderr
    output, errors = GuardedStream(sys.stdout), GuardedStream(sys.stderr)
    sys.stdout, sys.stderr = cast("TextIO", output), cast("TextIO", errors)
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


def is_lost(stream: TextIO) -> bool:
    """Return whether a guarded stream has lost its reader or its disk."""
    return getattr(stream, "lost", None) is not None


def escape_controls(text: str) -> str:
    """Return a line in which nothing can move the cursor, colour the screen or turn the writing direction."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def write_line(stream: TextIO, text: str) -> None:
    """Write a line, whatever the stream's encoding can hold."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()


def print_lines(*texts: str, stream: TextIO | None = None) -> None:
    """Write texts, whose lines are escaped, to `stream` (default standard output)."""
    for text in texts:
        for line in text.split("\n"):
            write_line(stream or sys.stdout, escape_controls(line))


def print_json(value: object, indent: int = 2) -> None:
    """Write JSON in ASCII: nothing in it can move a cursor or turn the writing direction."""
    write_line(sys.stdout, json.dumps(value, indent=indent, allow_nan=False))
