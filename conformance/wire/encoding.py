"""Undoes Content-Encoding, piece by piece and within bounds; what was never declared is noted, not undone."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from conformance.model import Exchange, Failure, Limits, Piece

GZIP_MAGIC = b"\x1f\x8b\x08"
STEP = 64 * 1024  # decoded bytes per call: what a bomb may fill before it is looked at
MOST_LAYERS = 3


@dataclass(frozen=True)
class DecodedBody:
    """The body as it was meant: pieces with the times of the encoded pieces they came from.

    `oddities` are words: undeclared-gzip, declared-but-plain, raw-deflate, bytes-after-the-end, not-offered.
    """

    pieces: tuple[Piece, ...]
    failure: Failure | None = None
    oddities: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The whole decoded body."""
        return b"".join(piece.data for piece in self.pieces)


class _Inflater(Protocol):
    """What zlib's decompression objects offer."""

    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = 0, /) -> bytes: ...


class _StopError(Exception):
    """Decoding ends here, with a Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


def list_codings(exchange: Exchange) -> tuple[str, ...]:
    """Return the codings that Content-Encoding names, in the order they were applied, without identity."""
    values = (value for name, value in exchange.headers if name.lower() == "content-encoding")
    words = (word.strip().lower() for value in values for word in value.split(","))
    return tuple(word for word in words if word not in ("", "identity"))


def decode_body(exchange: Exchange, limits: Limits | None = None) -> DecodedBody:
    """Return the body without its Content-Encoding.

    An exchange that was recorded decoded is returned as it is. A coding that this program did not offer, broken
    or endless data end in a Failure of kind `encoding`, `too-big` or `too-many-chunks`; the pieces before it are kept.
    """
    if exchange.decoded or not exchange.pieces:
        return DecodedBody(exchange.pieces)
    codings = list_codings(exchange)
    if codings:
        return _undone(exchange.pieces, codings, limits or Limits())
    return DecodedBody(
        exchange.pieces, oddities=("undeclared-gzip",) if looks_compressed(exchange.pieces) else ()
    )


def looks_compressed(pieces: tuple[Piece, ...]) -> bool:
    """Tell whether a body begins as gzip does."""
    return b"".join(piece.data for piece in pieces[: len(GZIP_MAGIC)])[: len(GZIP_MAGIC)] == GZIP_MAGIC


def decode_as_gzip(pieces: tuple[Piece, ...], limits: Limits) -> DecodedBody:
    """Undo gzip that no header declared. For whoever looks for secrets, never for a verdict."""
    return _undone(pieces, ("gzip",), limits)


def _undone(pieces: tuple[Piece, ...], codings: tuple[str, ...], limits: Limits) -> DecodedBody:
    unknown = [coding for coding in codings if coding not in _OPENERS]
    if unknown or len(codings) > MOST_LAYERS:
        detail = (
            f"Content-Encoding {unknown[0]!r} was not offered" if unknown else "too many Content-Encodings"
        )
        return DecodedBody((), Failure("encoding", detail), ("not-offered",))
    if _plain(pieces):
        detail = f"Content-Encoding says {', '.join(codings)}; the body is plain text"
        return DecodedBody((), Failure("encoding", detail), ("declared-but-plain",))
    found = DecodedBody(pieces)
    for coding in reversed(codings):
        layer = _Layer(coding, limits)
        found = DecodedBody(
            tuple(layer.run(found.pieces)), found.failure or layer.failure, (*found.oddities, *layer.oddities)
        )
    return found


def _plain(pieces: tuple[Piece, ...]) -> bool:
    head = b"".join(piece.data for piece in pieces[:16])[:16].lstrip()
    return re.match(rb'[\[{<"]|data:|event:|: ', head) is not None


def _open_gzip(_: bytes) -> _Inflater:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _open_deflate(head: bytes) -> _Inflater:
    """Open zlib's format, as RFC 9110 wants it, or the raw deflate that some servers send instead."""
    return zlib.decompressobj(-zlib.MAX_WBITS if _is_raw(head) else zlib.MAX_WBITS)


def _is_raw(head: bytes) -> bool:
    return len(head) > 1 and not (head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0)


_OPENERS: dict[str, Callable[[bytes], _Inflater]] = {
    "gzip": _open_gzip,
    "x-gzip": _open_gzip,
    "deflate": _open_deflate,
}


@dataclass
class _Layer:
    """One coding being undone."""

    coding: str
    limits: Limits
    failure: Failure | None = None
    oddities: list[str] = field(default_factory=list)
    _inflater: _Inflater | None = None
    _head: bytes = b""
    _total: int = 0
    _members: int = 1

    def run(self, pieces: tuple[Piece, ...]) -> Iterator[Piece]:
        """Yield decoded pieces; afterwards `failure` says how it ended."""
        try:
            for piece in pieces:
                yield from (Piece(piece.at_ms, data) for data in self._feed(piece.data))
            self._close()
        except _StopError as stop:
            self.failure = stop.failure
        except zlib.error as error:
            self.failure = Failure("encoding", f"{self.coding} is broken: {error}")

    def _feed(self, data: bytes) -> Iterator[bytes]:
        inflater, data = self._opened(data)
        while data and inflater is not None:
            if inflater.eof:
                inflater, data = self._another(inflater, data)
                continue
            out = inflater.decompress(data, STEP)
            data = inflater.unconsumed_tail or inflater.unused_data
            self._count(len(out))
            if out:
                yield out

    def _opened(self, data: bytes) -> tuple[_Inflater | None, bytes]:
        """Open the stream when its first two bytes are there: deflate comes in two kinds."""
        if self._inflater is None:
            data, self._head = self._head + data, self._head + data
            if len(data) > 1:
                self._inflater = _OPENERS[self.coding](data)
                self.oddities += ["raw-deflate"] if self.coding == "deflate" and _is_raw(data) else []
        return self._inflater, data

    def _another(self, inflater: _Inflater, data: bytes) -> tuple[_Inflater | None, bytes]:
        """Go on with a further gzip member, or note and drop what follows the end."""
        if "gzip" in self.coding and data.startswith(GZIP_MAGIC[:1]):
            self._count_members()
            self._inflater = _open_gzip(data)
            return self._inflater, data
        if "bytes-after-the-end" not in self.oddities:
            self.oddities.append("bytes-after-the-end")
        return inflater, b""

    def _count_members(self) -> None:
        """Bound members as well: millions of empty ones unfold to nothing, and cost seconds."""
        self._members += 1
        if self._members > self.limits.chunks:
            detail = f"more than {self.limits.chunks} members of {self.coding}"
            raise _StopError(Failure("too-many-chunks", detail, "chunks"))

    def _count(self, length: int) -> None:
        self._total += length
        if self._total > self.limits.decoded_bytes:
            detail = f"more than {self.limits.decoded_bytes} bytes after {self.coding}"
            raise _StopError(Failure("too-big", detail, "decoded_bytes"))

    def _close(self) -> None:
        if self._inflater is None or not self._inflater.eof:
            raise _StopError(Failure("encoding", f"the body ends within its {self.coding} data"))
