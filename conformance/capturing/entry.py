"""One recorded exchange in a form common to all file formats: what was recorded, and what was not."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conformance.files import InputError
from conformance.model import JSON, Exchange

Pairs = tuple[tuple[str, str], ...]
WITHOUT_BODY = (204, 205, 304)  # statuses of answers that have no body


class CaptureError(InputError):
    """A file that cannot be read as a recording; one line that says what is wrong and how to mend it."""


@dataclass(frozen=True)
class RecordedEntry:
    """One exchange as recorded. None means that it was not recorded."""

    where: str  # "entry 3", "line 12": its place in the file, for messages
    url: str | None = None  # absolute, or a path with its query
    verb: str = "POST"
    request_headers: Pairs | None = None
    request_body: bytes | None = None
    status: int | None = None
    headers: Pairs | None = None
    headers_complete: bool = False
    body: bytes | None = None
    size: int | None = None  # how long the body is said to be, after Content-Encoding
    decoded: bool | None = None  # whether Content-Encoding was undone; None if only the bytes can show it
    reserialised: bool = False
    pieces: tuple[tuple[float, int], ...] = ()  # milliseconds and length of each
    started_at: str = ""
    ended: str = ""  # the recorder's description of an exchange that broke off
    exact: bool = False  # the body was kept as bytes, not as text that may have been trimmed
    end_known: bool = True  # False if the recorder may have stopped before the answer ended

    def header(self, name: str) -> str | None:
        """Return the first header of the answer with that name, or None."""
        return _find_header(self.headers, name)

    def request_header(self, name: str) -> str | None:
        """Return the first header of the request with that name, or None."""
        return _find_header(self.request_headers, name)


@dataclass(frozen=True)
class SkippedEntry:
    """An entry that cannot be used, and why."""

    where: str
    why: str


@dataclass(frozen=True)
class OwnExchange:
    """An exchange that this program recorded itself: its question is known."""

    where: str
    exchange: Exchange


Entries = Iterator[RecordedEntry | OwnExchange | SkippedEntry]


def _find_header(headers: Pairs | None, name: str) -> str | None:
    return next((value for key, value in headers or () if key.lower() == name), None)


def parse_headers(value: JSON) -> Pairs | None:
    """Return headers written in any of the usual ways; None if there are none. A header without a value counts as not recorded.

    The ways: an object, of texts or of lists; a list of pairs, of {name, value}, of {key, value}, of objects with a
    single member, or of lines `name: value`; such lines as one text. Raises CaptureError for anything else.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = [line for line in value.splitlines() if line.strip() and not line.startswith("HTTP/")]
    if isinstance(value, Mapping):
        return tuple((str(name), text) for name, several in value.items() for text in _list_texts(several))
    if isinstance(value, list | tuple):
        return tuple(
            (name, text)
            for item in value
            for name, several in [_split_pair(item)]
            for text in _list_texts(several)
        )
    raise CaptureError("the headers are neither a list of pairs nor an object")


def _list_texts(value: JSON) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else [value]:
        if isinstance(one, bytes):
            yield one.decode("latin-1")
        elif one is not None and not isinstance(one, dict | list):
            yield str(one)


def _split_pair(item: JSON) -> tuple[str, JSON]:
    match item:
        case {"name": str(name), "value": value} | {"key": str(name), "value": value}:
            return name, value
        case {"name": str(name)}:
            return name, None
        case [str(name), value] if not isinstance(value, dict):
            return name, value
        case str(line) if re.match(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:", line):
            name, _, text = line.partition(":")
            return name, text.strip()
        case dict() if len(item) == 1:
            return next((str(name), value) for name, value in item.items())
    raise CaptureError("the headers contain something that is not a pair of name and value")


_STATUS = re.compile(r"\s*(?:HTTP/[\d.]+\s+)?([1-5]\d\d)(?:\s+\D[^\n]{0,80})?\s*", re.ASCII)


def parse_status(value: JSON) -> int | None:
    """Return an HTTP status, given as a number, as its digits or as a status line; None for anything else."""
    if isinstance(value, str):
        match = _STATUS.fullmatch(value)
        return int(match[1]) if match else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 100 <= value <= 599 else None


def encode_body(value: JSON | bytes) -> bytes | None:
    """Return the bytes of a body given as text, bytes or a JSON value, which is printed anew; None if there is no body."""
    if value is None or isinstance(value, bytes):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def is_printed_anew(value: JSON | bytes) -> bool:
    """Return whether `encode_body` has to print a body, so that its bytes may differ from those received."""
    return not isinstance(value, str | bytes | None)


def decode_base64(text: object, name: str) -> bytes:
    """Return the bytes of a Base64 text, over several lines or not. Raises CaptureError, which names the member."""
    packed = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if not isinstance(packed, bytes):
        raise CaptureError(f"{name} is not a string")
    try:
        return base64.b64decode(b"".join(packed.split()), validate=True)
    except ValueError as error:
        raise CaptureError(f"{name} is not valid Base64: {error}") from error
