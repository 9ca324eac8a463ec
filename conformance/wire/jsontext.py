"""Reads one JSON text strictly: its value and everything odd about it, by byte offset; nothing is repaired."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, islice

from conformance.model import JSON, Limits

LIMITS = Limits()
BOM = b"\xef\xbb\xbf"


class Odd(StrEnum):
    """What may be odd about a JSON text that a lenient parser still reads."""

    BOM = "bom"  # RFC 8259 §8.1 forbids adding one; Python's json refuses it
    NAN = "nan"  # NaN, Infinity, -Infinity: not JSON (RFC 8259 §6); JavaScript refuses them
    OVERFLOW = "overflow"  # a number such as 1e999 that becomes infinite in a double
    DUPLICATE_NAME = "duplicate-name"  # RFC 8259 §4: parsers disagree on which one counts
    LONE_SURROGATE = "lone-surrogate"  # RFC 8259 §8.2: half a character; cannot be written as UTF-8 again
    NUL = "nul"  # a zero byte or \u0000; databases and C programs cut or refuse such text
    TRAILING = "trailing"  # bytes after the value
    RAW_SEPARATOR = "raw-separator"  # U+2028, U+2029, U+0085 unescaped: legal, but line splitters cut there
    BAD_UTF8 = "bad-utf8"  # read as U+FFFD, one per bad byte


@dataclass(frozen=True)
class Oddity:
    """One kind of oddity at its first place: a byte offset in the text given, -1 where unknown."""

    kind: str
    at: int
    detail: str


@dataclass(frozen=True)
class JsonText:
    """What was read of one text.

    `ok` means that a value could be read, oddities or not; otherwise `value` is None and `error` says why.
    With `trailing`, the value is that of the first document. `bound` names the limit that stopped the
    reading: json_bytes | json_depth | json_values | integer_digits. `values` is an upper estimate of how many values
    the text holds.
    """

    value: JSON
    ok: bool
    error: str | None
    error_at: int
    oddities: tuple[Oddity, ...]
    bound: str | None
    values: int = 0

    def has(self, kind: str) -> bool:
        """Return whether an oddity of that kind was noted."""
        return any(oddity.kind == kind for oddity in self.oddities)


def read_json(data: bytes, limits: Limits = LIMITS, *, values: int | None = None) -> JsonText:
    """Read one JSON text (RFC 8259) from bytes; any bytes are safe, time is linear, nothing is raised.

    `values` lowers `limits.json_values`, for texts that share one budget. Strings of the value may hold
    lone surrogates (noted): `json.dumps` takes them, encoding them as UTF-8 does not.
    """
    most = limits.json_values if values is None else min(values, limits.json_values)
    size = _estimate_values(data)
    bound = _find_bound(data, limits, most, size)
    if bound is not None:
        return JsonText(
            None, ok=False, error=_BOUNDS[bound], error_at=-1, oddities=(), bound=bound, values=size
        )
    return _parse(data, _Watch(min(limits.integer_digits, sys.get_int_max_str_digits() or sys.maxsize)), size)


# --- limits, checked before anything is parsed, so that no parser is trusted with depth or size ---

_BOUNDS = {
    "json_bytes": "longer than the limit",
    "json_depth": "nested deeper than the limit",
    "json_values": "more values than the limit",
    "integer_digits": "an integer with more digits than the limit",
}
# The closing quote is optional and nothing is ever given back: a missing one costs one pass, not a pass per quote.
_STRING = rb'"(?:[^"\\]++|\\.)*+"?'
_STRINGS = re.compile(_STRING, re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_STEP = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


def _count_openers(data: bytes) -> int:
    return data.count(b"{") + data.count(b"[")


def _estimate_values(data: bytes) -> int:
    return data.count(b",") + _count_openers(data) + 1


def _find_bound(data: bytes, limits: Limits, most: int, size: int) -> str | None:
    """Name the limit that a text exceeds; cheap counts first, which clear nearly every real one."""
    if len(data) > limits.json_bytes:
        return "json_bytes"
    if _count_openers(data) <= limits.json_depth and size <= most:
        return None
    if sum(1 for _ in islice(_STRINGS.finditer(data), 2 * most + 1)) > 2 * most:
        return "json_values"
    skeleton = _STRINGS.sub(b"", data)
    steps = map(_STEP.__getitem__, islice(skeleton.translate(None, _NOT_BRACKETS), 4 * most))
    if max(accumulate(steps), default=0) > limits.json_depth:
        return "json_depth"
    return "json_values" if _estimate_values(skeleton) > most else None


# --- parsing ---


class _TooManyDigitsError(Exception):
    """An integer is too long to be converted."""


@dataclass
class _Watch:
    """Hooks of the decoder: they convert, and remember what JSON does not allow."""

    digits: int
    met: dict[str, str] = field(default_factory=dict)  # kind: what was met first

    def convert_integer(self, text: str) -> int:
        if len(text) > self.digits:
            raise _TooManyDigitsError
        return int(text)

    def convert_number(self, text: str) -> float:
        value = float(text)
        if math.isinf(value):
            self.met.setdefault(Odd.OVERFLOW, text[:40])
        return value

    def convert_constant(self, text: str) -> float:
        self.met.setdefault(Odd.NAN, text)
        return float(text)

    def convert_object(self, pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
        value = dict(pairs)
        if len(value) != len(pairs):
            self.met.setdefault(Odd.DUPLICATE_NAME, _find_repeated(name for name, _ in pairs))
        return value

    def build_decoder(self) -> json.JSONDecoder:
        return json.JSONDecoder(
            object_pairs_hook=self.convert_object,
            parse_int=self.convert_integer,
            parse_float=self.convert_number,
            parse_constant=self.convert_constant,
        )


def _find_repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    return next((name[:80] for name in names if name in seen or seen.add(name)), "")  # type: ignore[func-returns-value]  # add() returns None, which is the point


_SPACE = re.compile(r"[ \t\n\r]*+")
_BAD_BYTES = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class _Text:
    """A text as decoded, and the way back from its characters to bytes."""

    raw: str  # bad bytes as surrogates (PEP 383), one character each
    text: str  # bad bytes as U+FFFD
    skipped: int  # length of the byte order mark

    def find_offset(self, index: int) -> int:
        return self.skipped + len(self.raw[:index].encode("utf-8", "surrogateescape"))


def _decode_text(data: bytes) -> _Text:
    skipped = len(BOM) if data.startswith(BOM) else 0
    body = data[skipped:] if skipped else data
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raw = body.decode("utf-8", "surrogateescape")
        return _Text(raw, _BAD_BYTES.sub("\ufffd", raw), skipped)
    return _Text(text, text, skipped)


def _parse(data: bytes, watch: _Watch, size: int) -> JsonText:
    decoded = _decode_text(data)
    begin = _SPACE.match(decoded.text).end()  # type: ignore[union-attr]  # matches everywhere
    value: JSON = None
    error: str | None = None
    end, bound = len(decoded.text), None
    try:
        value, end = watch.build_decoder().raw_decode(decoded.text, begin)
    except json.JSONDecodeError as fault:
        error, end = fault.msg if data else "nothing here", fault.pos
    except _TooManyDigitsError:
        bound = "integer_digits"
    except RecursionError:  # a limit that the user set higher than the interpreter's own
        bound = "json_depth"
    error = _BOUNDS[bound] if bound else error
    return JsonText(
        value=value,
        ok=error is None,
        error=error,
        error_at=-1 if error is None or bound else decoded.find_offset(end),
        oddities=tuple(_find_oddities(data, decoded, watch.met, end if error is None else None)),
        bound=bound,
        values=size,
    )


# --- oddities: found at the first place only, each by one linear search ---

# Each search walks over what must be skipped (strings, escapes) in one possessive run and ends at the oddity.
_CONSTANT = re.compile(rb'(?:[^"NI\-]++|' + _STRING + rb"|-(?!Infinity))*+(NaN|-?Infinity)", re.DOTALL)
_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE = re.compile(
    rb"(?:[^\\]++|" + _PAIR + rb"|\\(?!u[dD][89a-fA-F]).)*+(\\u[dD][89a-fA-F][0-9a-fA-F]{2})", re.DOTALL
)
_NUL = re.compile(rb"(?:[^\\\x00]++|\\(?!u0000)[^\x00])*+(\\u0000|\x00)", re.DOTALL)
_SEPARATORS = {b"\xe2\x80\xa8": "U+2028", b"\xe2\x80\xa9": "U+2029", b"\xc2\x85": "U+0085"}
_NAMES = re.compile(rb'("(?:[^"\\]++|\\.)*+")([ \t\r\n]*+:)?|[{}\[\]]', re.DOTALL)
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # a cheap look before the walk


def _find_oddities(data: bytes, decoded: _Text, met: dict[str, str], end: int | None) -> Iterator[Oddity]:
    if decoded.skipped:
        yield Oddity(Odd.BOM, 0, "a byte order mark before the text")
    if decoded.raw is not decoded.text:
        yield _describe_bad_bytes(data, decoded)
    yield from (Oddity(kind, _locate(kind, data), detail) for kind, detail in met.items())
    yield from _find_in_strings(data)
    if end is not None:
        yield from _find_trailing(data, decoded, end)


def _locate(kind: str, data: bytes) -> int:
    if kind == Odd.NAN and (match := _CONSTANT.match(data)):
        return match.start(1)
    return _find_second_name(data) if kind == Odd.DUPLICATE_NAME else -1


def _find_second_name(data: bytes) -> int:
    """Return where a name stands in an object that already has it; -1 where only its spelling differs."""
    objects: list[set[bytes]] = [set()]
    for token in _NAMES.finditer(data):
        if token[2] and token[1] in objects[-1]:
            return token.start()
        if token[2]:
            objects[-1].add(token[1])
        elif token[0] in {b"{", b"["}:
            objects.append(set())
        elif token[0] in {b"}", b"]"} and len(objects) > 1:
            objects.pop()
    return -1


def _describe_bad_bytes(data: bytes, decoded: _Text) -> Oddity:
    first = _BAD_BYTES.search(decoded.raw)
    at = decoded.find_offset(first.start()) if first else -1
    return Oddity(Odd.BAD_UTF8, at, f"byte {data[at]:#04x} is not UTF-8")


def _find_in_strings(data: bytes) -> Iterator[Oddity]:
    if b"\\u" in data and _ESCAPED_SURROGATE.search(data) and (lone := _LONE.match(data)):
        yield Oddity(Odd.LONE_SURROGATE, lone.start(1), lone[1].decode())
    if (b"\x00" in data or b"\\u0000" in data) and (nul := _NUL.match(data)):
        yield Oddity(Odd.NUL, nul.start(1), "a raw zero byte" if nul[1] == b"\x00" else "\\u0000")
    places = {data.find(raw): name for raw, name in _SEPARATORS.items() if raw in data}
    if places:
        yield Oddity(Odd.RAW_SEPARATOR, min(places), places[min(places)])


def _find_trailing(data: bytes, decoded: _Text, end: int) -> Iterator[Oddity]:
    after = _SPACE.match(decoded.text, end).end()  # type: ignore[union-attr]  # matches everywhere
    if after < len(decoded.text):
        at = decoded.find_offset(after)
        yield Oddity(Odd.TRAILING, at, f"{len(data) - at} bytes after the value")
