"""Keys: where they come from, how they are told apart from everything else, and how they are masked.

What is found (`conformance.keys.spellings`) is replaced by a mask of the same length: `[key]` and stars. So a
body keeps its length, its pieces and, nearly always, its structure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Self

from conformance.keys.spellings import Span, find_key
from conformance.model import JSON, Piece, Provider

SHORTEST_KEY = 8  # what is shorter guards nothing, and masking it would eat ordinary text
MARK = b"[key]"
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


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
    if sum(map(str.isalnum, value)) < SHORTEST_KEY and not local:
        return f"holds fewer than {SHORTEST_KEY} letters and digits, which is no key"
    return ""


def make_bad_key(key: str | None) -> str:
    """Return a wrong key of the same length as `key` (at least 24 characters), which shares nothing with it."""
    filler = "0000000000000000nonsense"
    length = max(len(key or ""), 24)
    return ("bad-" + filler * (length // len(filler) + 1))[:length]


def read_header_secrets(provider: Provider, environ: Mapping[str, str]) -> tuple[Key, ...]:
    """Return the values that the provider's `headers` take from the environment."""
    names = {name for value in provider.headers.values() for name in VARIABLE.findall(value)}
    return tuple(Key(name, environ[name]) for name in sorted(names) if environ.get(name))


@dataclass(frozen=True)
class MaskedBytes:
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
        values = {key.value for key in self.keys if len(key.value) >= SHORTEST_KEY}
        return merge_spans(span for value in values for span in find_key(value, data))

    def mask_bytes(self, data: bytes) -> MaskedBytes:
        """Return `data` with every key masked."""
        spans = self.spans(data)
        return MaskedBytes(_overwritten(data, spans), len(spans))

    def mask(self, text: str) -> str:
        """Return `text` with every key masked. For whatever is shown or written: details, rows, pages."""
        data = text.encode("utf-8", "surrogatepass")
        spans = self.spans(data)
        return _overwritten(data, spans).decode("utf-8", "surrogatepass") if spans else text

    def mask_json(self, value: JSON) -> JSON:
        """Return a JSON value with every key masked in each of its strings, names of members included."""
        return _Masking(self).of(value) if self.keys else value

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


@dataclass
class _Masking:
    """Masks the strings of one value; each distinct one is looked at once."""

    keyring: Keyring
    known: dict[str, str] = field(default_factory=dict)

    def of(self, value: JSON) -> JSON:
        if isinstance(value, str):
            return self.known.get(value) or self.known.setdefault(value, self.keyring.mask(value))
        if isinstance(value, dict):
            return {str(self.of(name)): self.of(child) for name, child in value.items()}
        return [self.of(child) for child in value] if isinstance(value, list) else value


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


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that overlap as one."""
    merged: list[Span] = []
    for left, right in sorted(spans):
        if merged and left < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(right, merged[-1][1]))
        else:
            merged.append((left, right))
    return merged
