"""One recorded exchange as a file holds it, whatever the format: what was recorded, and what was not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from conformance.model import JSON, Exchange

Pairs = tuple[tuple[str, str], ...]


class CaptureError(ValueError):
    """A file that cannot be read as a recording; one line that says what is wrong and how to mend it."""


@dataclass(frozen=True)
class Entry:
    """One exchange as recorded. None means that it was not recorded, and nothing is said of it."""

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
    decoded: bool | None = None  # Content-Encoding was undone; None: to be seen from the bytes
    reserialised: bool = False
    pieces: tuple[tuple[float, int], ...] = ()  # milliseconds and length of each
    started_at: str = ""
    ended: str = ""  # what the recorder says of an exchange that broke off
    exact: bool = False  # the body was kept as bytes, not as text that somebody may have trimmed
    end_known: bool = True  # False: the recorder may have stopped before the answer ended

    def header(self, name: str) -> str | None:
        """Return the first header of the answer with that name, or None."""
        return _first(self.headers, name)

    def request_header(self, name: str) -> str | None:
        """Return the first header of the request with that name, or None."""
        return _first(self.request_headers, name)


@dataclass(frozen=True)
class Skipped:
    """An entry that cannot be used, and why."""

    where: str
    why: str


@dataclass(frozen=True)
class Own:
    """An exchange that this program recorded itself: its question is known."""

    where: str
    exchange: Exchange


Read = Iterator[Entry | Own | Skipped]


def _first(headers: Pairs | None, name: str) -> str | None:
    return next((value for key, value in headers or () if key.lower() == name), None)


def pairs_of(value: JSON) -> Pairs | None:
    """Return headers written in any of the usual ways: pairs, {name, value} objects, or an object; None where none are.

    Raises CaptureError for anything else.
    """
    if value is None:
        return None
    if isinstance(value, Mapping):
        return tuple((str(name), text) for name, several in value.items() for text in _texts(several))
    if isinstance(value, list):
        return tuple(_pair(item) for item in value)
    raise CaptureError("headers are neither a list of pairs nor an object")


def _texts(value: JSON) -> Iterator[str]:
    for one in value if isinstance(value, list | tuple) else [value]:
        yield one.decode("latin-1") if isinstance(one, bytes) else "" if one is None else str(one)


def _pair(item: JSON) -> tuple[str, str]:
    match item:
        case {"name": str(name), "value": value}:
            return name, "" if value is None else str(value)
        case [str(name), value] if not isinstance(value, dict | list):
            return name, "" if value is None else str(value)
    raise CaptureError("headers contain something that is not a pair of name and value")


def status_of(value: JSON) -> int | None:
    """Return an HTTP status, given as a number or as its digits; None where it is neither."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 8:
        value = int(value)
    return value if type(value) is int and 100 <= value <= 599 else None


def body_of(value: JSON | bytes) -> tuple[bytes | None, bool]:
    """Return a body given as text, bytes or a JSON value, and whether it had to be printed anew."""
    if value is None:
        return None, False
    if isinstance(value, bytes):
        return value, False
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass"), False
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"), True
