"""The messages of a server, as values: a request as it was received, an answer as it will be sent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, unquote

BODY_LIMIT = 20 * 1024 * 1024  # bytes of a request, Google's ceiling for one with inline data


@dataclass(frozen=True)
class Incoming:
    """A complete request. Header names are lower case; of duplicates the first counts."""

    verb: str
    target: str  # path and query, as sent
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    oversized: bool = False  # the body was longer than BODY_LIMIT, and was dropped
    received: float = field(default_factory=time.monotonic, compare=False)  # seconds, by the monotonic clock

    @cached_property
    def path(self) -> str:
        """The path, percent-decoded."""
        return unquote(self.target.partition("?")[0])

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query, the last of duplicates."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def header(self, name: str) -> str:
        """Return a header's value, or nothing."""
        return self.headers.get(name, "")


@dataclass(frozen=True)
class DelayedPiece:
    """Bytes of a body, and how many seconds to wait before they are sent."""

    wait: float
    data: bytes


@dataclass(frozen=True)
class Outgoing:
    """An answer: sent with a length, or, when `streamed`, in chunks as its pieces become due.

    `chunked` also sends an answer that is not a stream in chunks, as Google's front end does.
    `cut` closes the connection in the middle of the body, as a dying proxy does.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    pieces: tuple[DelayedPiece, ...] = ()
    streamed: bool = False
    cut: bool = False
    chunked: bool = False

    @property
    def content_type(self) -> str:
        """The Content-Type, or nothing."""
        return next((value for name, value in self.headers if name.lower() == "content-type"), "")

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(piece.data for piece in self.pieces)


def immediate_answer(status: int, content_type: str, body: bytes) -> Outgoing:
    """Return an answer that is sent at once."""
    return Outgoing(status, (("Content-Type", content_type),), (DelayedPiece(0.0, body),))
