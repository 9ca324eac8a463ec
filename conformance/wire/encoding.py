"""Undoes Content-Encoding, piece by piece and within bounds; what no header declares is noted and left as it is."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.model import Exchange, Failure, Limits, Piece

GZIP_MAGIC = b"\x1f\x8b\x08"
STEP = 64 * 1024  # decoded bytes per call: how much memory a bomb may fill before it is detected
MOST_LAYERS = 3
_CODINGS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_PLAIN = re.compile(rb'\s*(?:[\[{<"]|data:|event:|: )')


@dataclass(frozen=True)
class DecodedBody:
    """A body after its Content-Encoding was undone: pieces with the times of the encoded pieces they came from.

    `oddities` are words: undeclared-gzip, declared-but-plain, raw-deflate, bytes-after-the-end, not-offered.
    """

    pieces: tuple[Piece, ...]
    failure: Failure | None = None
    oddities: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The whole decoded body."""
        return b"".join(piece.data for piece in self.pieces)


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
        return _decode(exchange.pieces, codings, limits or Limits())
    return DecodedBody(
        exchange.pieces, oddities=("undeclared-gzip",) if looks_compressed(exchange.pieces) else ()
    )


def _read_head(pieces: tuple[Piece, ...], length: int) -> bytes:
    return b"".join(piece.data for piece in pieces[:length])[:length]


def looks_compressed(pieces: tuple[Piece, ...]) -> bool:
    """Return whether a body begins as gzip does."""
    return _read_head(pieces, len(GZIP_MAGIC)) == GZIP_MAGIC


def looks_plain(head: bytes) -> bool:
    """Return whether a body begins as JSON, events or HTML do, uncompressed."""
    return _PLAIN.match(head) is not None


def decode_as_gzip(pieces: tuple[Piece, ...], limits: Limits) -> DecodedBody:
    """Undo gzip that no header declared. It is used only to look for secrets, never for a verdict."""
    return _decode(pieces, ("gzip",), limits)


def _decode(pieces: tuple[Piece, ...], codings: tuple[str, ...], limits: Limits) -> DecodedBody:
    unknown = next((coding for coding in codings if coding not in _CODINGS), None)
    if unknown is not None:
        return _refuse(f"Content-Encoding {unknown!r} was not offered", "not-offered")
    if len(codings) > MOST_LAYERS:
        return _refuse("too many Content-Encodings", "not-offered")
    if looks_plain(_read_head(pieces, 16)):
        return _refuse(
            f"Content-Encoding says {', '.join(codings)}; the body is plain text", "declared-but-plain"
        )
    found = DecodedBody(pieces)
    for coding in reversed(codings):
        layer = _Layer(coding, limits)
        decoded = tuple(layer.decode(found.pieces))
        found = DecodedBody(decoded, found.failure or layer.failure, (*found.oddities, *layer.oddities))
    return found


def _refuse(detail: str, oddity: str) -> DecodedBody:
    return DecodedBody((), Failure("encoding", detail), (oddity,))


def _is_raw_deflate(head: bytes) -> bool:
    """Return whether two bytes do not begin zlib's format, which RFC 9110 requires and some servers leave out."""
    return not (head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0)


class _StopError(Exception):
    """Decoding ends here, with a Failure."""

    def __init__(self, kind: str, detail: str, bound: str | None = None) -> None:
        super().__init__(detail)
        self.failure = Failure(kind, detail, bound)


@dataclass
class _Layer:
    """One coding being undone."""

    coding: str
    limits: Limits
    failure: Failure | None = None
    oddities: list[str] = field(default_factory=list)
    _inflater: Any = None  # a decompression object of zlib's
    _head: bytes = b""
    _total: int = 0
    _members: int = 1

    def decode(self, pieces: tuple[Piece, ...]) -> Iterator[Piece]:
        """Yield decoded pieces; afterwards `failure` says how it ended."""
        try:
            for piece in pieces:
                yield from (Piece(piece.at_ms, data) for data in self._feed(piece.data))
            if self._inflater is None or not self._inflater.eof:
                self.failure = Failure("encoding", f"the body ends within its {self.coding} data")
        except _StopError as stop:
            self.failure = stop.failure
        except zlib.error as error:
            self.failure = Failure("encoding", f"{self.coding} is broken: {error}")

    def _feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what comes out of the next bytes, in steps; the first two are waited for: they show the kind of deflate."""
        if self._inflater is None:
            data = self._head = self._head + data
            if len(data) < 2:
                return
            raw = self.coding == "deflate" and _is_raw_deflate(data)
            self.oddities += ["raw-deflate"] if raw else []
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS if raw else _CODINGS[self.coding])
        while data:
            if self._inflater.eof and not self._start_next_member(data):
                return
            out = self._inflater.decompress(data, STEP)
            data = self._inflater.unconsumed_tail or self._inflater.unused_data
            self._total += len(out)
            if self._total > self.limits.decoded_bytes:
                detail = f"more than {self.limits.decoded_bytes} bytes after {self.coding}"
                raise _StopError("too-big", detail, "decoded_bytes")
            if out:
                yield out

    def _start_next_member(self, data: bytes) -> bool:
        """Go on with a further member of gzip; else note that something follows the end, and return False.

        Members are bounded: millions of empty ones decompress to nothing, and cost seconds.
        """
        if self.coding == "deflate" or not data.startswith(GZIP_MAGIC[:1]):
            if "bytes-after-the-end" not in self.oddities:
                self.oddities.append("bytes-after-the-end")
            return False
        self._members += 1
        if self._members > self.limits.chunks:
            detail = f"more than {self.limits.chunks} members of {self.coding}"
            raise _StopError("too-many-chunks", detail, "chunks")
        self._inflater = zlib.decompressobj(_CODINGS[self.coding])
        return True
