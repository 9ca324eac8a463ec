"""The scan at the end of a run: whether anything that was written contains a key. It shares no code with the masking."""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from conformance.keys.secrets import SHORTEST_KEY, Key

WINDOW = 1024 * 1024  # bytes that are looked at together
OVERLAP = 128 * 1024  # more than one recorded piece in Base64
LARGEST_PART = 16 * 1024 * 1024  # bytes that what is compressed in a window may unfold to here
_BASE64_MEMBER = re.compile(rb'"(?:base64|body_base64)": ?"([A-Za-z0-9+/]+)')
_TEXT_MEMBER = re.compile(rb'"text": ?("(?:[^"\\]|\\.)*+")')
_UNICODE = re.compile(
    rb"(?:\\|%)u00([2-7][0-9a-fA-F])"
)  # the characters that a key can contain: printable ASCII
# Invisible text that may come between two letters: tags, soft hyphens, zero-width spaces, colours.
_UNSEEN = re.compile(rb"<[^<>]{0,200}>|\\u00ad|\\u200[b-f]|(?:\\u001b|\\x1b|\x1b)\[[0-9;]*m")


@dataclass(frozen=True)
class Leak:
    """A key in a file: which variable's, in which spelling, in which line. Never the key."""

    path: Path
    line: int
    variable: str
    spelling: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: holds the key of {self.variable} ({self.spelling})"


def find_leaks(paths: Iterable[Path], keys: Iterable[Key]) -> list[Leak]:
    """Look for every key in every file, including all files in folders; yield one Leak for each key and place."""
    wanted = list({key.value: key for key in keys if len(key.value) >= SHORTEST_KEY}.values())
    files = (file for path in paths for file in _list_files(path))
    return [leak for file in files for leak in _scan_file(file, wanted)] if wanted else []


def _list_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file() and not file.is_symlink())
    elif path.is_file():
        yield path


def _scan_file(path: Path, keys: list[Key]) -> Iterator[Leak]:
    """Yield the leaks of a file, each key at most once per window: a file is never held as a whole."""
    line = 1
    with path.open("rb") as file:
        window = file.read(WINDOW)
        while window:
            forms = _read_in_all_forms(window)
            for key in keys:
                if how := _match(forms, key.value):
                    lines = enumerate(map(_read_in_all_forms, window.split(b"\n")))
                    more = next((number for number, line_forms in lines if _match(line_forms, key.value)), 0)
                    yield Leak(path, line + more, key.variable, how)
            following = file.read(WINDOW)
            keep = window[-OVERLAP:] if following else b""
            line += window.count(b"\n") - keep.count(b"\n")
            window = keep + following if following else b""


def find_spelling(text: bytes, key: str) -> str | None:
    """Return in which spelling `text` holds `key`, by plain searches; None if it does not."""
    return _match([_fold(text)], key)


def _match(forms: Iterable[_Forms], key: str) -> str | None:
    wanted = _list_searches(key)
    return next((how for form in forms for how, which, text in wanted if text in form[which]), None)


_Forms = tuple[bytes, bytes, bytes]
_AS_IS, _LOWER, _BASE64 = range(3)
_STANDARD_BASE64 = bytes.maketrans(b"-_", b"+/")


def _fold(text: bytes) -> _Forms:
    return text, text.lower(), text.translate(_STANDARD_BASE64)


def _read_in_all_forms(text: bytes) -> list[_Forms]:
    return [_fold(reading) for reading in _read_in_all_ways(text)]


def _read_in_all_ways(window: bytes) -> Iterator[bytes]:
    """Yield the bytes as they are, the recorded bodies in them joined, and what gzip hides in those."""
    yield window
    yield from _undo_escapes(window)
    joined = b"".join(map(_decode_base64, _BASE64_MEMBER.findall(window)))
    if joined:
        yield joined
        yield from (*_undo_escapes(joined), *_decompress(joined))
    texts = "".join(map(_decode_string, _TEXT_MEMBER.findall(window))).encode("utf-8", "replace")
    if texts:
        yield texts
        yield from _undo_escapes(texts)


def _decode_base64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4)) if len(text) % 4 != 1 else b""


def _decode_string(literal: bytes) -> str:
    """Read a string of JSON; a page may hold what only looks like one."""
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return ""


def _decompress(data: bytes) -> Iterator[bytes]:
    at = data.find(b"\x1f\x8b\x08")
    if at >= 0:
        try:
            yield zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data[at:], LARGEST_PART)
        except zlib.error:
            return


def _undo_escapes(text: bytes) -> Iterator[bytes]:
    if b"%" in text:
        yield urllib.parse.unquote_to_bytes(urllib.parse.unquote_to_bytes(text))
    if b"&" in text:
        yield html.unescape(text.decode("latin-1")).encode("utf-8", "replace")
    if b"u00" in text:
        yield _UNICODE.sub(lambda found: bytes([int(found[1], 16)]), text)
    seen = _UNSEEN.sub(b"", text)
    if len(seen) < len(text):
        yield seen


@lru_cache(maxsize=512)
def _list_searches(key: str) -> tuple[tuple[str, int, bytes], ...]:
    """Return what to look for: the name of the spelling, in which form of the text, and the bytes."""
    plain = key.encode()
    return (
        ("plain", _LOWER, plain.lower()),
        ("reversed", _AS_IS, plain[::-1]),
        ("hex", _LOWER, plain.hex().encode()),
        ("hex", _LOWER, plain.hex(" ").encode()),
        *(("Base64", _BASE64, core) for core in _find_cores(plain, base64.b64encode, 3, 6)),
        *(("Base32", _LOWER, core.lower()) for core in _find_cores(plain, base64.b32encode, 5, 5)),
    )


def _find_cores(plain: bytes, encode: Callable[[bytes], bytes], group: int, bits: int) -> Iterator[bytes]:
    """Yield what an encoding makes of the key alone, for each place where it may begin in a group of bytes."""
    for before in range(group):
        text = encode(b"\0" * before + plain)
        yield text[-(-before * 8 // bits) : (before + len(plain)) * 8 // bits]
