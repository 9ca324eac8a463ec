"""The colour of a tiny PNG, decoded by hand: enough to see whether an image arrived intact."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NAMED = {
    "red": (255, 0, 0), "green": (0, 150, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "black": (0, 0, 0),
    "white": (255, 255, 255), "grey": (128, 128, 128), "orange": (255, 165, 0), "purple": (128, 0, 128),
    "cyan": (0, 255, 255), "pink": (255, 105, 180), "brown": (139, 69, 19),
}  # fmt: skip
_HEADER = struct.Struct(">IIBB")
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def _split_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at + 8 <= len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8 : at + 8 + size]
        at += 12 + size


def _read_first_pixel(kind: int, depth: int, row: bytes, palette: bytes) -> tuple[int, int, int]:
    """Return the first pixel of the first row, which no filter changes: there is no pixel to its left or above."""
    top = row[0] >> (8 - depth) if depth < 8 else row[0]
    if kind == PALETTE:
        red, green, blue = palette[3 * top : 3 * top + 3]
        return red, green, blue
    if kind in {GREY, GREY_ALPHA}:
        level = top * 255 // ((1 << min(depth, 8)) - 1)
        return level, level, level
    step = depth // 8
    return row[0], row[step], row[2 * step]


def _name_nearest(pixel: tuple[int, int, int]) -> str:
    return min(_NAMED, key=lambda name: sum((a - b) ** 2 for a, b in zip(_NAMED[name], pixel, strict=True)))


def name_colour(png: bytes) -> str | None:
    """Return the English name of the colour of a PNG's first pixel, or None where it cannot be read."""
    if not png.startswith(_SIGNATURE):
        return None
    parts = list(_split_chunks(png))
    try:
        _, _, depth, kind = _HEADER.unpack_from(dict(parts)[b"IHDR"])
        data = b"".join(chunk for name, chunk in parts if name == b"IDAT")
        row = zlib.decompressobj().decompress(data, 64)[1:]
        return _name_nearest(_read_first_pixel(kind, depth, row, dict(parts).get(b"PLTE", b"")))
    except (KeyError, IndexError, ValueError, struct.error, zlib.error):
        return None
