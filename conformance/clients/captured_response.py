"""One response as a client receives it: bytes, headers, and the offsets at which the body was cut into pieces."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import AnyStr

from conformance.model import Exchange, Limits

# The checker's own bounds, not the vendor, ended these exchanges, so what a client would have seen is unknown.
OUR_DOING = frozenset({"too-big", "too-many-chunks", "headers-too-big", "cancelled", "refused-by-checker"})
_OF_THE_WIRE = frozenset({"content-encoding", "content-length"})
_WITHOUT_BODY = frozenset({204, 205, 304})  # fetch() gives these none, whatever was sent
_MOST = Limits().decoded_bytes


class BadCaptureError(ValueError):
    """A line that does not describe a response; the message says why."""


@dataclass(frozen=True)
class CapturedResponse:
    """A response: `body` as received, before Content-Encoding, cut at the byte offsets `written_at`.

    `status` is None where no answer came; `broken` says how the connection ended, where it ended badly.
    """

    method: str
    status: int | None
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # names in lower case
    body: bytes = b""
    written_at: tuple[int, ...] = ()
    broken: str | None = None
    variant: str = ""

    @property
    def streamed(self) -> bool:
        """Whether the caller asked for a stream."""
        return self.method == "streamGenerateContent"

    @property
    def ok(self) -> bool:
        """Whether fetch() would call it a success."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def cut_by_us(self) -> bool:
        """Whether our own bounds cut the exchange short."""
        return self.broken in OUR_DOING


@dataclass(frozen=True)
class DecodedPieces:
    """A body after Content-Encoding, in its pieces; `broken` where decoding or the connection failed after them."""

    pieces: tuple[bytes, ...]
    broken: str | None

    @property
    def whole(self) -> bytes:
        """All pieces together."""
        return b"".join(self.pieces)


def from_exchange(exchange: Exchange) -> CapturedResponse:
    """Turn a recorded exchange into a response; its pieces become the cuts of the body."""
    headers = {name.lower(): value for name, value in exchange.headers}
    if exchange.decoded:
        headers = {name: value for name, value in headers.items() if name not in _OF_THE_WIRE}
    streamed = ":streamGenerateContent" in exchange.request.path
    ends = tuple(accumulate(len(piece.data) for piece in exchange.pieces))
    return CapturedResponse(
        method="streamGenerateContent" if streamed else "generateContent",
        status=exchange.status,
        content_type=headers.get("content-type", ""),
        headers=headers,
        body=exchange.body,
        written_at=ends[:-1],
        broken=exchange.failure.kind if exchange.failure else None,
        variant=exchange.id,
    )


def read_captured(line: str) -> CapturedResponse:
    """Read one JSON line: variant, method, status, content_type, headers, body or body_base64, written_at.

    Raises BadCaptureError with what is wrong.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as fault:
        raise BadCaptureError(f"not JSON: {fault}") from None
    if not isinstance(fields, dict):
        raise BadCaptureError("a line must be a JSON object with method, status and body")
    headers = _read_headers(fields.get("headers"))
    content_type = str(fields.get("content_type") or headers.get("content-type", ""))
    return CapturedResponse(
        method=_read_method(fields.get("method")),
        status=_read_status(fields.get("status")),
        content_type=content_type,
        headers=headers | {"content-type": content_type},
        body=_read_body(fields),
        written_at=_read_cuts(fields.get("written_at")),
        variant=str(fields.get("variant") or ""),
    )


def _read_headers(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadCaptureError("headers must be an object of names and values")
    return {str(name).lower(): str(text) for name, text in value.items()}


def _read_method(value: object) -> str:
    if value not in {"generateContent", "streamGenerateContent"}:
        raise BadCaptureError(
            f"method must be generateContent or streamGenerateContent, not {json.dumps(value)[:60]}"
        )
    return str(value)


def _read_status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 599:
        raise BadCaptureError(f"status must be a number from 100 to 599, not {json.dumps(value)[:60]}")
    return value


def _read_body(fields: Mapping[str, object]) -> bytes:
    if "body_base64" in fields:
        try:
            return base64.b64decode(str(fields["body_base64"]), validate=True)
        except (binascii.Error, ValueError) as fault:
            raise BadCaptureError(f"body_base64 is not base64: {fault}") from None
    body = fields.get("body", "")
    if not isinstance(body, str):
        raise BadCaptureError("body must be the text of the response; binary bodies go into body_base64")
    return body.encode("utf-8", "surrogatepass")


def _read_cuts(value: object) -> tuple[int, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(type(offset) is int and offset >= 0 for offset in value):
        raise BadCaptureError("written_at must be a list of byte offsets")
    return tuple(sorted(value))


def _split_body(captured: CapturedResponse) -> tuple[bytes, ...]:
    size = len(captured.body)
    ends = (0, *(offset for offset in captured.written_at if 0 < offset < size), size)
    return tuple(captured.body[start:end] for start, end in pairwise(ends) if start < end)


def decode_body(captured: CapturedResponse) -> DecodedPieces:
    """Undo Content-Encoding as HTTP libraries do: gzip and deflate; any other coding is left as it is."""
    coding = captured.headers.get("content-encoding", "").strip().lower()
    pieces, broken = _split_body(captured), captured.broken or _find_missing_bytes(captured)
    if captured.status in _WITHOUT_BODY:
        return DecodedPieces((), None)
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return DecodedPieces(pieces, broken)
    raw = coding == "deflate" and bool(pieces) and pieces[0][0] & 15 != zlib.DEFLATED
    return _inflate_pieces(pieces, -zlib.MAX_WBITS if raw else zlib.MAX_WBITS | 32, broken)


def _find_missing_bytes(captured: CapturedResponse) -> str | None:
    """Return an error text where fewer bytes came than Content-Length promised."""
    promised = captured.headers.get("content-length", "").strip()
    short = promised.isascii() and promised.isdecimal() and int(promised[:18]) > len(captured.body)
    return "fewer bytes than promised" if short else None


def _inflate_pieces(pieces: Iterable[bytes], wbits: int, broken: str | None) -> DecodedPieces:
    inflate, size = zlib.decompressobj(wbits), 0
    done: list[bytes] = []
    for piece in pieces:
        try:
            data = inflate.decompress(piece, _MOST - size + 1)
        except zlib.error as fault:
            return DecodedPieces(tuple(done), f"encoding: {fault}")
        size += len(data)
        if size > _MOST:
            return DecodedPieces(tuple(done), "too-big")
        done.append(data)
    return DecodedPieces(tuple(data for data in done if data), broken)


def shorten_line_breaks(text: AnyStr) -> AnyStr:
    """Shorten long runs of line ends to two, which makes no difference to readers of lines and saves time."""
    if isinstance(text, bytes):
        return re.sub(rb"[\r\n]{4,}", b"\n\n", text)
    return re.sub(r"[\r\n]{4,}", "\n\n", text)
