"""The scan that ends a run: does anything that was written hold a key? It shares nothing with the masking."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.secrets import SHORTEST_KEY, Key

LARGEST_PART = 64 * 1024 * 1024  # bytes that a compressed piece may unfold to here
_BASE64_MEMBER = re.compile(rb'"(?:base64|body_base64)": ?"([A-Za-z0-9+/=]+)"')
_TEXT_MEMBER = re.compile(rb'"text": ?("(?:[^"\\]|\\.)*+")')
_UNICODE = re.compile(rb"\\+u00([0-7][0-9a-fA-F])")


@dataclass(frozen=True)
class Leak:
    """A key in a file: which variable's, in which spelling, in which line. Never the key."""

    path: Path
    line: int
    variable: str
    spelling: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: holds the key of {self.variable} ({self.spelling})"


def scan(paths: Iterable[Path], keys: Iterable[Key]) -> list[Leak]:
    """Look for every key in every file, folders with all that is in them; one finding per line and key."""
    wanted = list({key.value: key for key in keys if len(key.value) >= SHORTEST_KEY}.values())
    files = (file for path in paths for file in _files(path))
    return [leak for file in files for leak in _in_file(file, wanted)] if wanted else []


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file() and not file.is_symlink())
    elif path.is_file():
        yield path


def _in_file(path: Path, keys: list[Key]) -> Iterator[Leak]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            readings = list(_readings(line))
            for key in keys:
                spelling = next(filter(None, (betrays(text, key.value) for text in readings)), None)
                if spelling:
                    yield Leak(path, number, key.variable, spelling)


def _readings(line: bytes) -> Iterator[bytes]:
    """Yield a line as it is, its recorded bodies joined, and what gzip hides in them."""
    yield line
    yield from _once_unescaped(line)
    joined = b"".join(_decoded(found) for found in _BASE64_MEMBER.findall(line))
    if joined:
        yield joined
        yield from _once_unescaped(joined)
    texts = "".join(json.loads(found) for found in _TEXT_MEMBER.findall(line)).encode("utf-8", "replace")
    yield from (texts, *_once_unescaped(texts)) if texts else ()
    yield from _unzipped(joined)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _unzipped(data: bytes) -> Iterator[bytes]:
    at = data.find(b"\x1f\x8b\x08")
    if at >= 0:
        try:
            yield zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data[at:], LARGEST_PART)
        except zlib.error:
            return


def _once_unescaped(text: bytes) -> Iterator[bytes]:
    if b"%" in text:
        yield urllib.parse.unquote_to_bytes(urllib.parse.unquote_to_bytes(text))
    if b"&" in text:
        yield html.unescape(text.decode("latin-1")).encode("utf-8", "replace")
    if b"u00" in text:
        yield _UNICODE.sub(lambda found: bytes([int(found[1], 16)]), text)


def betrays(text: bytes, key: str) -> str | None:
    """Say in which spelling `text` holds `key`, by plain searches; None where it does not."""
    plain, folded = key.encode(), text.lower()
    if plain.lower() in folded:
        return "plain"
    if plain[::-1] in text:
        return "reversed"
    if plain.hex().encode() in folded:
        return "hex"
    if b"".join(b"%02x\0" % byte for byte in plain).replace(b"\0", b" ").strip() in folded:
        return "hex"
    flat = text.replace(b"-", b"+").replace(b"_", b"/")
    return "Base64" if any(core in flat for core in _cores(plain)) else None


def _cores(plain: bytes) -> Iterator[bytes]:
    """Yield what Base64 makes of the key alone, for each place where it may begin in a group of three."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + plain)
        yield text[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6]
