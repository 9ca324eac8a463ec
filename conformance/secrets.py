"""Keys: where they come from, how they are told apart from everything else, and how they are masked.

A vendor may echo the key in any spelling. So one pattern per key knows many of them, and what it finds
is replaced by a mask of the same length: `[key]` and stars. A body keeps its length and its structure.
"""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Self

from conformance.model import Piece, Provider

SHORTEST_KEY = 8  # what is shorter guards nothing, and masking it would eat ordinary text
MARK = b"[key]"
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Span = tuple[int, int]


@dataclass(frozen=True)
class Key:
    """A secret and the environment variable that it came from. Its value is in no repr."""

    variable: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class KeyFault:
    """Why a key cannot be used; `message` never holds it."""

    variable: str
    message: str


def read_key(provider: Provider, environ: Mapping[str, str], *, local: bool = False) -> Key | KeyFault | None:
    """Return the provider's key, None where it needs none, or what is wrong with the variable.

    `local` says that the server is on loopback: only there may a key be shorter than eight characters.
    """
    if provider.key_env is None:
        return None
    value = environ.get(provider.key_env, "")
    fault = _fault_in(value, local=local)
    if fault:
        return KeyFault(provider.key_env, f"{provider.name}: {provider.key_env} {fault}")
    return Key(provider.key_env, value)


def _fault_in(value: str, *, local: bool) -> str:
    if not value:
        return "is not set; export it, or leave this provider out"
    if value != value.strip():
        return (
            "has whitespace around the key; set it again without (a newline from a file is the usual cause)"
        )
    if not (value.isascii() and value.isprintable()) or " " in value:
        return "holds characters that no header can carry; a key is printable ASCII without spaces"
    if len(value) < SHORTEST_KEY and not local:
        return f"holds fewer than {SHORTEST_KEY} characters, which is no key"
    return ""


def bad_key(key: str | None) -> str:
    """Return a wrong key of the same length as `key` (at least 24 characters), which shares nothing with it."""
    filler = "0000000000000000nonsense"
    length = max(len(key or ""), 24)
    return ("bad-" + filler * (length // len(filler) + 1))[:length]


def header_secrets(provider: Provider, environ: Mapping[str, str]) -> tuple[Key, ...]:
    """Return the values that the provider's `headers` take from the environment."""
    names = {name for value in provider.headers.values() for name in VARIABLE.findall(value)}
    return tuple(Key(name, environ[name]) for name in sorted(names) if environ.get(name))


@dataclass(frozen=True)
class Masked:
    """Bytes of the same length as before, and how many places were masked."""

    data: bytes
    places: int


@dataclass(frozen=True)
class Keyring:
    """The secrets that must not be written anywhere. Keys under eight characters are not among them."""

    keys: tuple[Key, ...] = ()

    @classmethod
    def of(cls, keys: Iterable[Key | KeyFault | None]) -> Self:
        """Build a keyring from whatever `read_key` returned."""
        return cls(tuple(key for key in keys if isinstance(key, Key)))

    def spans(self, data: bytes) -> list[Span]:
        """Return where any key stands in `data`, in any spelling known here, merged and in order."""
        found: list[Span] = []
        for value in {key.value for key in self.keys if len(key.value) >= SHORTEST_KEY}:
            found.extend(match.span() for match in pattern(value).finditer(data))
            found.extend(_scattered(value, data))
        return _merged(found)

    def mask_bytes(self, data: bytes) -> Masked:
        """Return `data` with every key masked."""
        spans = self.spans(data)
        return Masked(_overwritten(data, spans), len(spans))

    def mask(self, text: str) -> str:
        """Return `text` with every key masked. For whatever is shown or written: details, rows, pages."""
        if not self.keys:
            return text
        data = text.encode("utf-8", "surrogatepass")
        spans = self.spans(data)
        return _overwritten(data, spans).decode("utf-8", "surrogatepass") if spans else text

    def mask_pieces(self, pieces: Sequence[Piece]) -> tuple[tuple[Piece, ...], int]:
        """Mask a body that came in pieces, also where the key lies across their borders.

        Every piece keeps its length and its time. Returns the pieces and how many places were masked.
        """
        spans = self.spans(b"".join(piece.data for piece in pieces)) if self.keys else []
        if not spans:
            return tuple(pieces), 0
        starts = [0, *accumulate(len(piece.data) for piece in pieces)]
        cut = [_shifted(spans, starts[n], starts[n + 1]) for n in range(len(pieces))]
        masked = (
            Piece(p.at_ms, _overwritten(p.data, own)) if own else p
            for p, own in zip(pieces, cut, strict=True)
        )
        return tuple(masked), len(spans)


def _shifted(spans: Sequence[Span], start: int, end: int) -> list[tuple[int, int, int]]:
    """Return the parts of `spans` within [start, end) as (from, to, offset into the mask)."""
    first = max(0, bisect_right(spans, (start, -1)) - 1)
    parts = []
    for left, right in spans[first:]:
        if left >= end:
            break
        if right > start:
            parts.append((max(left, start) - start, min(right, end) - start, max(0, start - left)))
    return parts


def _overwritten(data: bytes, spans: Sequence[tuple[int, ...]]) -> bytes:
    """Replace each span by its mask; a third number says how much of the mask stood in an earlier piece."""
    if not spans:
        return data
    parts, last = [], 0
    for left, right, *skipped in spans:
        offset = skipped[0] if skipped else 0
        whole = MARK.ljust(offset + right - left, b"*")
        parts += [data[last:left], whole[offset : offset + right - left]]
        last = right
    return b"".join([*parts, data[last:]])


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for left, right in sorted(spans):
        if merged and left < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(right, merged[-1][1]))
        else:
            merged.append((left, right))
    return merged


# --- the spellings ---------------------------------------------------------------------------------

# What may stand between two characters of a key: a line break (plain, escaped, quoted-printable), a space,
# a separator of hex dumps and number lists, or the zero bytes of UTF-16.
_GAP = rb"(?:\\[rnt]|=\r?\n|[\s\0,:;|]|\xe2\x80\x8b|\xc2\xad){0,3}?"


@lru_cache(maxsize=512)
def pattern(key: str) -> re.Pattern[bytes]:
    """Compile the pattern of every spelling of `key`. The patterns of many providers are kept."""
    plain = key.encode()
    encoded = {form for text in (plain, plain[::-1]) for form in _base64_cores(text)}
    encoded |= {form for once in _base64_cores(plain) for form in _base64_cores(once)}
    base32 = base64.b32encode(plain)[: len(plain) * 8 // 5]
    forms = [
        *_halves(plain),
        _spelt(plain[::-1], folded=True),
        _spelt(_swapped(plain), folded=True),
        *(_spelt(form, folded=False) for form in sorted(encoded)),
        _spelt(base32, folded=True),
        _hexed(plain),
        _numbered(plain),
    ]
    return re.compile(b"|".join(forms))


def _swapped(plain: bytes) -> bytes:
    """Return the key in rot13, the oldest way of pretending to hide something."""
    return plain.translate(
        bytes.maketrans(_LETTERS, _LETTERS[13:26] + _LETTERS[:13] + _LETTERS[39:] + _LETTERS[26:39])
    )


_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _halves(plain: bytes) -> Iterator[bytes]:
    """Yield the key with either end cut off: an echo that stops after most of it gives it away too."""
    half = max(SHORTEST_KEY, (len(plain) * 2 + 2) // 3)
    tail = b""
    for byte in reversed(plain[half:]):
        tail = b"(?:" + _GAP + _letter(byte, folded=True) + tail + b")?"
    yield _spelt(plain[:half], folded=True) + tail
    if len(plain) > half:
        yield _spelt(plain[-half:], folded=True)


def _spelt(plain: bytes, *, folded: bool) -> bytes:
    return _GAP.join(_letter(byte, folded=folded) for byte in plain)


def _letter(byte: int, *, folded: bool) -> bytes:
    """Return one character in every escape: percent, unicode, hex, octal, HTML, quoted-printable; twice over too."""
    char = bytes([byte])
    cases = sorted({char, char.upper(), char.lower()} if folded else {char})
    return b"(?:" + b"|".join(form for case in cases for form in _escapes(case[0])) + b")"


def _escapes(byte: int) -> Iterator[bytes]:
    digits = _hex_digits(byte)
    yield re.escape(bytes([byte]))
    yield rb"%(?:25)*" + digits
    if byte in b"/+=-_.:&<>\"'":
        yield rb"\\{1,2}" + re.escape(bytes([byte]))
    yield rb"\\{1,4}(?:u(?:00|\{0*)|x)" + digits + rb"\}?"
    yield rb"\\{1,4}" + b"%03o" % byte
    yield b"&#0*%d;?" % byte
    yield b"&#[xX]0*" + digits + b";?"
    yield b"=" + digits
    yield from (re.escape(name) for name in _ENTITIES.get(byte, ()))


_ENTITIES = {
    ord("_"): (b"&lowbar;", b"&UnderBar;"),
    ord("-"): (b"&hyphen;", b"&dash;", b"&#8209;"),
    ord("+"): (b"&plus;", b"%20", b" "),
    ord("/"): (b"&sol;",),
    ord("="): (b"&equals;",),
    ord("."): (b"&period;",),
    ord(":"): (b"&colon;",),
    ord("&"): (b"&amp;",),
}


def _hex_digits(byte: int) -> bytes:
    """Return the two hex digits of a byte, in either case."""
    return b"".join(
        b"[%c%c]" % (digit, digit - 32) if digit >= 0x61 else bytes([digit]) for digit in b"%02x" % byte
    )


def _hexed(plain: bytes) -> bytes:
    return rb"(?:(?:0[xX]|\\x)?".join([b"", *(_hex_digits(b) + b")" + _GAP for b in plain)]).removesuffix(
        _GAP
    )


def _numbered(plain: bytes) -> bytes:
    """Return the key as a list of character codes: [65, 73, ...]."""
    return rb"\b" + rb"\s{0,4},\s{0,4}".join(b"%d" % byte for byte in plain) + rb"\b"


def _base64_cores(plain: bytes) -> Iterator[bytes]:
    """Yield the part of the Base64 text that `plain` alone decides, for each of the three alignments."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + plain)
        first = (0, 2, 3)[before]  # characters that the bytes before have a share in
        last = (before + len(plain)) * 8 // 6
        core = text[first:last]
        yield core
        if core.translate(None, b"+/") != core:
            yield core.translate(bytes.maketrans(b"+/", b"-_"))


_MEMBER = re.compile(rb'"(\w{1,40})"\s{0,8}:\s{0,8}"((?:[^"\\]|\\.)*+)"')


def _scattered(key: str, data: bytes) -> Iterator[Span]:
    """Yield the parts of a key that is spread over several string members of one name.

    A stream hands out a text in parts: {"text": "AIza"} in one event, {"text": "Sy..."} in the next.
    """
    if not _may_be_scattered(key.encode(), data):
        return
    texts: dict[bytes, list[Span]] = {}
    for match in _MEMBER.finditer(data):
        texts.setdefault(match.group(1), []).append(match.span(2))
    for spans in texts.values():
        if len(spans) > 1:
            yield from _across(pattern(key), data, spans)


def _may_be_scattered(plain: bytes, data: bytes) -> bool:
    """Whether some string ends with the beginning of the key, and some string begins with its end."""
    lower, folded = data.lower(), plain.lower()
    heads = any(folded[:n] + b'"' in lower for n in range(1, min(len(folded), 64)))
    return heads and any(b'"' + folded[n:] in lower for n in range(1, len(folded)))


def _across(spelling: re.Pattern[bytes], data: bytes, spans: Sequence[Span]) -> Iterator[Span]:
    joined = b"".join(data[left:right] for left, right in spans)
    starts = [0, *accumulate(right - left for left, right in spans)]
    for match in spelling.finditer(joined):
        left, right = match.span()
        for n in range(max(0, bisect_right(starts, left) - 1), len(spans)):
            if starts[n] >= right:
                break
            origin = spans[n][0] - starts[n]
            a, b = max(left, starts[n]) + origin, min(right, starts[n + 1]) + origin
            if a < b:
                yield a, b


# --- an independent scan ---------------------------------------------------------------------------


def betrays(text: bytes, key: str) -> str | None:
    """Say in which spelling `text` holds `key`, by plain searches that share nothing with the pattern."""
    plain = key.encode()
    quoted = "".join(f"%{byte:02X}" for byte in plain).encode().lower()
    unicode_escaped = "".join(f"\\u{byte:04x}" for byte in plain).encode()
    folded = text.lower()
    if plain.lower() in folded:
        return "plain"
    if plain[::-1] in text:
        return "reversed"
    if binascii.hexlify(plain) in folded:
        return "hex"
    if quoted in folded:
        return "percent-encoded"
    if unicode_escaped in folded:
        return "JSON-escaped"
    flat = text.translate(bytes.maketrans(b"-_", b"+/"), b"\r\n")
    cores = (base64.b64encode(bytes(n) + plain)[(0, 2, 3)[n] : (n + len(plain)) * 8 // 6] for n in range(3))
    return "Base64" if any(core.replace(b"-", b"+").replace(b"_", b"/") in flat for core in cores) else None
