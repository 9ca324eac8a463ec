"""Keys: where they come from, which of them can be used, and how they are masked.

What is found (`conformance.keys.spellings`) is replaced by a mask of the same length: `[key]` and stars. So a
body keeps its length, its pieces and, nearly always, its structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Self

from conformance.keys.spellings import Bytes, Span, find_key
from conformance.model import JSON, Piece, Provider

SHORTEST_KEY = 8  # anything shorter is no protection, and masking it would hide ordinary text
MARK = b"[key]"
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Key:
    """A secret and the environment variable that it came from. Its repr does not show the value."""

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
    fault = _describe_fault(value, local=local)
    if fault:
        return KeyFault(provider.key_env, f"{provider.name}: {provider.key_env} {fault}")
    return Key(provider.key_env, value)


def _describe_fault(value: str, *, local: bool) -> str:
    if not value:
        return "is not set; export it, or leave out this provider"
    if value != value.strip():
        return "has whitespace around the key; set it again without it (the usual cause is a newline at the end of a file)"
    if not (value.isascii() and value.isprintable()) or " " in value:
        return "contains characters that no header can carry; a key is printable ASCII without spaces"
    if sum(map(str.isalnum, value)) < SHORTEST_KEY and not local:
        return f"contains fewer than {SHORTEST_KEY} letters and digits, too few for a key"
    return ""


def make_bad_key(key: str | None) -> str:
    """Return a wrong key of the same length as `key` (at least 24 characters), without any part of it."""
    filler = "0000000000000000nonsense"
    length = max(len(key or ""), 24)
    return ("bad-" + filler * (length // len(filler) + 1))[:length]


def read_header_secrets(provider: Provider, environ: Mapping[str, str]) -> tuple[Key, ...]:
    """Return the values that the provider's `headers` take from the environment."""
    names = {name for value in provider.headers.values() for name in VARIABLE.findall(value)}
    return tuple(Key(name, environ[name]) for name in sorted(names) if environ.get(name))


@dataclass(frozen=True)
class Keyring:
    """The secrets that must not be written anywhere. Keys under eight characters are not among them."""

    keys: tuple[Key, ...] = ()

    @classmethod
    def from_keys(cls, keys: Iterable[Key | KeyFault | None]) -> Self:
        """Build a keyring from results of `read_key`; what is not a key is left out."""
        return cls(tuple(key for key in keys if isinstance(key, Key)))

    def find_spans(self, data: Bytes) -> list[Span]:
        """Return where any key stands in `data`, in any spelling known here, merged and in order."""
        values = {key.value for key in self.keys if len(key.value) >= SHORTEST_KEY}
        return merge_spans(span for value in values for span in find_key(value, data))

    def mask_bytes(self, data: bytes) -> bytes:
        """Return `data` with every key masked."""
        return bytes(_overwrite(bytearray(data), self.find_spans(data)))

    def mask(self, text: str) -> str:
        """Return `text` with every key masked. It is used for everything that is shown or written: details, rows, pages."""
        return self.mask_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def mask_json(self, value: JSON) -> JSON:
        """Return a JSON value with every key masked in each of its strings, names of members included."""
        return self._mask_strings(value, {}) if self.keys else value

    def _mask_strings(self, value: JSON, known: dict[str, str]) -> JSON:
        """Mask the strings of a value; `known` holds those that were masked before."""
        if isinstance(value, str):
            return known.get(value) or known.setdefault(value, self.mask(value))
        if isinstance(value, dict):
            return {
                str(self._mask_strings(name, known)): self._mask_strings(child, known)
                for name, child in value.items()
            }
        return [self._mask_strings(child, known) for child in value] if isinstance(value, list) else value

    def mask_pieces(self, pieces: Sequence[Piece]) -> tuple[tuple[Piece, ...], int]:
        """Mask a body that came in pieces, even if the key is split between them.

        Each piece keeps its length and its time. Returns the pieces and how many places were masked.
        """
        if not self.keys:
            return tuple(pieces), 0
        body = bytearray().join(piece.data for piece in pieces)
        spans = self.find_spans(body)
        if not spans:
            return tuple(pieces), 0
        _overwrite(body, spans)
        ends = [*accumulate(len(piece.data) for piece in pieces)]
        masked = []
        for piece, end in zip(pieces, ends, strict=True):
            part = body[end - len(piece.data) : end]
            masked.append(piece if part == piece.data else Piece(piece.at_ms, bytes(part)))
        return tuple(masked), len(spans)


def _overwrite(data: bytearray, spans: Iterable[Span]) -> bytearray:
    """Replace each span by a mask of its length."""
    for left, right in spans:
        data[left:right] = MARK.ljust(right - left, b"*")[: right - left]
    return data


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, those that overlap as one."""
    merged: list[Span] = []
    for left, right in sorted(spans):
        if merged and left < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(right, merged[-1][1]))
        else:
            merged.append((left, right))
    return merged
