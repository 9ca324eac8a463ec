"""Exchanges as lines of JSON: written as each ends, and read again.

A body is written piece by piece: as text where it is UTF-8, else as Base64, each with its time in ms.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from conformance.files import FileError, read_bounded_lines, refuse_constant
from conformance.members import JsonObject, MemberError
from conformance.model import JSON, LONGEST_PATH, Exchange, Failure, Piece, Request
from conformance.recording.writing import RecordError

FOLDER = "exchanges"
LONGEST_LINE = 256 * 1024 * 1024  # bytes; a body of 64 MiB in Base64 needs 86 MiB
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_STEP = 1024 * 1024
# What was recorded whole, as a run records it: written only where another program's recording lost something.
_USUAL = {"headers_complete": True, "reserialised": False, "timed": True, "end_known": True}
# The first two are POSIX; the third keeps Windows from changing line ends.
_FLAGS = ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
_SHORT = 1024  # bytes that may stand as text however many escapes that takes


@dataclass(frozen=True)
class Recording:
    """The exchanges in the order of files and lines, and a warning for each line that was left out."""

    exchanges: tuple[Exchange, ...]
    warnings: tuple[str, ...] = ()


# --- writing ---------------------------------------------------------------------------------------


def format_exchange(exchange: Exchange) -> str:
    """Return the line of an exchange, without its end."""
    return "".join(_format_parts(exchange))


def _format_parts(exchange: Exchange) -> Iterator[str]:
    """Yield the line in parts: a long body is never held a second time as a whole."""
    head = json.dumps(_format_head(exchange))
    yield head[:-1] + ', "pieces": ['
    for number, piece in enumerate(exchange.pieces):
        yield (", " if number else "") + json.dumps(
            {"ms": piece.at_ms, **_format_bytes(piece.data, "text", "base64")}
        )
    yield "], " + json.dumps(_format_tail(exchange))[1:]


def _format_head(exchange: Exchange) -> dict[str, Any]:
    request = exchange.request
    return {
        "id": exchange.id,
        "provider": exchange.provider,
        "probe": exchange.probe,
        "try": exchange.attempt,
        "first": exchange.first,
        "retry": exchange.retry,
        "generated": exchange.generated,
        "started_at": exchange.started_at,
        "expected": dict(exchange.expected),
        "request": {
            "verb": request.verb,
            "path": request.path,
            "key": request.key,
            "headers": request.headers,
            **_format_bytes(request.body, "body", "body_base64"),
        },
        "status": exchange.status,
        "http_version": exchange.http_version,
        "headers": exchange.headers,
        "headers_ms": exchange.headers_ms,
    }


def _format_tail(exchange: Exchange) -> dict[str, Any]:
    failure = exchange.failure
    return {
        "ended_ms": exchange.ended_ms,
        "failure": failure and {"kind": failure.kind, "detail": failure.detail, "bound": failure.bound},
        "decoded": exchange.decoded,
        "masked": exchange.masked,
        **{name: value for name, usual in _USUAL.items() if (value := getattr(exchange, name)) is not usual},
    }


def _format_bytes(data: bytes, text: str, encoded: str) -> dict[str, str]:
    """Write bytes as text where that is exact and not much longer, else as Base64."""
    with contextlib.suppress(UnicodeDecodeError):
        found = data.decode()
        if len(data) < _SHORT or len(json.dumps(found)) < 3 * len(data):
            return {text: found}
    return {encoded: base64.b64encode(data).decode()}


@dataclass
class Recorder:
    """Appends exchanges to exchanges/<provider>.jsonl below a folder, each as it ends. A context manager.

    A line that an earlier, killed run left unfinished is cut off before the first is added.
    """

    folder: Path
    _files: dict[str, IO[bytes]] = field(default_factory=dict)

    def add(self, exchange: Exchange) -> None:
        """Write one exchange. Once this returns, killing the process loses nothing of it.

        Raises RecordError if it cannot be written; no part of it is then left in the file.
        """
        file = self._open_file(exchange.provider)
        before = file.tell()
        try:
            for part in _format_parts(exchange):
                file.write(part.encode())
            file.write(b"\n")
            file.flush()
        except OSError as error:
            self._take_back(exchange.provider, before)
            raise RecordError(
                f"{self._path_of(exchange.provider)}: cannot be written: {error.strerror}"
            ) from error

    def _take_back(self, provider: str, length: int) -> None:
        """Forget what was buffered, and cut off what already went to the disk."""
        file = self._files.pop(provider)
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            os.truncate(self._path_of(provider), length)

    def _path_of(self, provider: str) -> Path:
        return self.folder / FOLDER / f"{provider}.jsonl"

    def _open_file(self, provider: str) -> IO[bytes]:
        if provider not in self._files:
            if not NAME.fullmatch(provider):
                raise RecordError(f"{provider!r} cannot be the name of a provider")
            path = self._path_of(provider)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._files[provider] = _open_for_appending(path)
            except OSError as error:
                raise RecordError(f"{path}: cannot be opened for writing: {error.strerror}") from error
        return self._files[provider]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()


def _open_for_appending(path: Path) -> IO[bytes]:
    """Open a file for appending, never through a symbolic link, and cut off an unfinished last line."""
    flags = sum(getattr(os, name, 0) for name in _FLAGS)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | flags, 0o644)
    file = os.fdopen(handle, "a+b", buffering=_STEP)
    file.truncate(_find_last_line_end(file))
    file.seek(0, os.SEEK_END)
    return file


def _find_last_line_end(file: IO[bytes]) -> int:
    """Return where the last finished line ends."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _STEP)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


# --- reading ---------------------------------------------------------------------------------------


def read_recording(folder: Path) -> Recording:
    """Read every exchange below `folder`/exchanges.

    A last line that was cut off is left out with a warning. Raises RecordError, with file, line and reason, for
    anything else that a run does not write.
    """
    home = folder / FOLDER
    if not home.is_dir():
        raise RecordError(f"{folder}: is not a recording; it has no folder {FOLDER!r}")
    exchanges: list[Exchange] = []
    warnings: list[str] = []
    for path in sorted(home.glob("*.jsonl")):
        if not NAME.fullmatch(path.stem) or path.is_symlink():
            raise RecordError(f"{path}: is not a file that a run writes")
        try:
            exchanges.extend(_read_file(path, warnings))
        except FileError as error:
            raise RecordError(str(error)) from None
    return Recording(tuple(exchanges), tuple(warnings))


def _read_file(path: Path, warnings: list[str]) -> Iterator[Exchange]:
    if not stat.S_ISREG(path.lstat().st_mode):  # before it is opened: a pipe would wait for ever
        raise RecordError(f"{path}: is not a plain file")
    with path.open("rb") as file:
        for number, line in read_bounded_lines(file, str(path), LONGEST_LINE):
            if not line.endswith(b"\n"):
                warnings.append(
                    f"{path.name}:{number}: the last line was cut off; everything before it was read"
                )
                return
            yield _read_line(line, path, number)


def _read_line(line: bytes, path: Path, number: int) -> Exchange:
    try:
        exchange = parse_exchange(json.loads(line, parse_constant=refuse_constant))
        if exchange.provider != path.stem:
            raise RecordError(f"/provider: is {exchange.provider!r}, but the file belongs to {path.stem!r}")
    except RecursionError:
        raise RecordError(f"{path}:{number}: nested too deeply") from None
    except ValueError as error:
        raise RecordError(f"{path}:{number}: {str(error)[:200]}") from None
    return exchange


def parse_exchange(value: JSON) -> Exchange:
    """Return the exchange that one line holds. Raises ValueError where a member is missing or not as a run writes it."""
    line = JsonObject.read(value)
    failure = None if line.take("failure", dict, None) is None else line.take_object("failure")
    return Exchange(
        provider=line.take("provider", str),
        probe=line.take("probe", str),
        attempt=line.take("try", int),
        request=_parse_request(line.take_object("request")),
        expected=line.take("expected", dict),
        status=line.take("status", int, None),
        http_version=line.take("http_version", str),
        headers=_parse_headers(line),
        pieces=tuple(
            Piece(piece.take("ms", float), _parse_bytes(piece, "text", "base64"))
            for piece in line.take_objects("pieces")
        ),
        failure=None
        if failure is None
        else Failure(
            failure.take("kind", str), failure.take("detail", str), failure.take("bound", str, None)
        ),
        started_at=line.take("started_at", str),
        headers_ms=line.take("headers_ms", float, None),
        ended_ms=line.take("ended_ms", float),
        first=line.take("first", str, None),
        retry=line.take("retry", bool),
        generated=line.take("generated", bool),
        decoded=line.take("decoded", bool),
        masked=line.take("masked", int),
        **{name: line.take(name, bool, usual) for name, usual in _USUAL.items()},
    )


def _parse_request(request: JsonObject) -> Request:
    path = request.take("path", str)
    if len(path) > LONGEST_PATH:
        raise MemberError(f"/request/path: is longer than {LONGEST_PATH} characters")
    return Request(
        verb=request.take("verb", str),
        path=path,
        headers=_parse_headers(request),
        body=_parse_bytes(request, "body", "body_base64"),
        key=request.take("key", str),
    )


def _parse_bytes(holder: JsonObject, text: str, encoded: str) -> bytes:
    found = holder.take(text, str, None)
    return (
        base64.b64decode(holder.take(encoded, str), validate=True) if found is None else bytes(found, "utf-8")
    )


def _parse_headers(holder: JsonObject) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in holder.take("headers", list):
        match item:
            case [str(name), str(content)]:
                pairs.append((name, content))
            case _:
                raise MemberError(f"{holder.pointer}/headers: must be a list of pairs of texts")
    return tuple(pairs)
