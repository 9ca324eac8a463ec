"""Content-Encoding is undone in the same way for every split of the bytes, and no bytes make it raise."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model import Exchange, Limits, Piece, Request
from conformance.wire.encoding import DecodedBody, decode_body

TEXT = b"data: {}\r\n\r\n" * 50
REQUEST = Request("POST", "/", (), b"", "none")
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
    "GZIP, deflate": lambda data: zlib.compress(gzip.compress(data)),
}


def decoded(body: bytes, coding: str, width: int = 1 << 20, limits: Limits | None = None) -> DecodedBody:
    pieces = tuple(Piece(float(at), body[at : at + width]) for at in range(0, len(body), width))
    headers = (("Content-Encoding", coding),)
    one = Exchange("v", "p", 1, REQUEST, {}, 200, "HTTP/1.1", headers, pieces, None, "", 0, 0)
    return decode_body(one, limits)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("width", [1, 2, 3, 7, 100, 10_000])
def test_every_cut_gives_the_same_body(coding: str, width: int) -> None:
    found = decoded(CODINGS[coding](TEXT), coding, width)
    assert (found.body, found.failure, found.oddities) == (TEXT, None, ())
    assert [piece.at_ms for piece in found.pieces] == sorted(piece.at_ms for piece in found.pieces)


def test_gzip_in_several_members_is_one_body() -> None:
    body = b"".join(map(gzip.compress, (b"one", b"", b"two")))
    assert [decoded(body, "gzip", width).body for width in (1, 5, 1000)] == [b"onetwo"] * 3


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_came_before_a_break_is_kept(coding: str) -> None:
    packed = CODINGS[coding](bytes(range(256)) * 400)
    found = decoded(packed[: len(packed) // 2], coding, 64)
    assert found.failure is not None
    assert found.failure.kind == "encoding"
    assert len(found.body) > 100


def test_a_bomb_stops_at_its_bound() -> None:
    found = decoded(gzip.compress(bytes(5_000_000)), "gzip", limits=Limits(decoded_bytes=100_000))
    assert found.failure is not None
    assert found.failure.bound == "decoded_bytes"
    assert len(found.body) <= 100_000


@given(
    st.lists(
        st.sampled_from([b"\x1f\x8b\x08", b"\x00" * 7, b"\x78\x9c", gzip.compress(b"x"), zlib.compress(b"y")])
        | st.binary(max_size=20),
        max_size=6,
    ),
    st.sampled_from(["gzip", "deflate", "br", "gzip,gzip", "deflate, gzip", "", ",", "gzip;q=1"]),
    st.integers(1, 9),
)
def test_no_bytes_make_it_raise_and_every_cut_ends_alike(parts: list[bytes], coding: str, width: int) -> None:
    body = b"".join(parts)
    cut, whole = decoded(body, coding, width), decoded(body, coding)
    assert (cut.failure is None) == (whole.failure is None)
    if whole.failure is None:
        assert cut.body == whole.body


def test_members_of_gzip_are_counted_as_pieces_are() -> None:
    one, limits = gzip.compress(b""), Limits(chunks=100)
    assert decoded(one * 99 + gzip.compress(TEXT), "gzip", limits=limits).body == TEXT
    found = decoded(one * 101, "gzip", limits=limits)
    assert found.failure is not None
    assert (found.failure.kind, found.failure.bound) == ("too-many-chunks", "chunks")
