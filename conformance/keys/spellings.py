"""Finds a key in bytes, however it is spelt there.

Bytes and key are both reduced to their ASCII letters and digits, so that separators, quotes, zero bytes and line
breaks vanish; further readings undo escapes first. There the key, and what encodings make of it, are looked for by
plain substring search, which is fast; only where something was found are positions mapped back. Long bodies are
read in windows that overlap.
"""

from __future__ import annotations

import base64
import html.entities
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

Span = tuple[int, int]
Bytes = bytes | bytearray

WINDOW = 256 * 1024
FEWEST_LETTERS = 6  # a "key" with fewer would match everywhere
SCATTERED_WITHIN = 8 * 1024 * 1024  # bodies longer than this are not searched for keys in scattered members

_ALNUM = bytes(byte for byte in range(128) if chr(byte).isalnum())
_REST = bytes(byte for byte in range(256) if byte not in _ALNUM)
_LOWER = b"abcdefghijklmnopqrstuvwxyz"
_ROT13 = bytes.maketrans(_LOWER, _LOWER[13:] + _LOWER[:13])
_NAMED = {
    name.removesuffix(";").encode(): char.encode()
    for name, char in html.entities.html5.items()
    if name.endswith(";") and len(char) == 1 and char.isascii()
}

# %41 %2541 %u0041, \u0041 \u{41} \x41 \101 \n and \u200b with up to four backslashes, &#65; &#x41; &amp;#65; &lowbar;
_ESCAPE = re.compile(  # every branch begins with a literal, so that the engine can skip to the next candidate
    rb"%(?:25)*(?:u00)?(?P<percent>[0-7][0-9A-Fa-f])"
    rb"|\\\\{0,3}(?:u00(?P<unicode>[0-7][0-9A-Fa-f])|x(?P<hex>[0-7][0-9A-Fa-f])|u\{0{0,4}(?P<braced>[0-7][0-9A-Fa-f])\}"
    rb"|(?P<octal>[01][0-7]{2})|u[0-9A-Fa-f]{4}|[nrtbf])"
    rb"|&(?:amp;)?#[xX]0{0,6}(?P<html>[0-7][0-9A-Fa-f]);?|&(?:amp;)?#0{0,6}(?P<decimal>[0-9]{2,3});?|&(?P<name>[A-Za-z]{2,12});"
)
_QUOTED_PRINTABLE = re.compile(rb"=\r?\n|=(?P<hex>[0-7][0-9A-F])")
# What is not visible: <wbr>, and how terminals change colours. Apart, because a key may stand within a tag.
_MARKUP = re.compile(
    rb"</?[A-Za-z][^<>]{0,80}>|<!--[^<>]{0,80}-->|(?:\x1b|\\\\{0,3}(?:u00|x)1[bB])\[[0-9;]{0,12}[A-Za-z]"
)
_BASES = {"octal": 8, "decimal": 10}  # the others are 16


def _unescape(match: re.Match[bytes]) -> bytes:
    """Return the one character that an escape stands for, or nothing."""
    group = match.lastgroup
    if group is None:
        return b""
    if group == "name":
        return _NAMED.get(bytes(match[group]), b"")
    return bytes([int(match[group], _BASES.get(group, 16)) & 0x7F])


def keep_letters(data: Bytes) -> bytes:
    """Return the ASCII letters and digits of `data`."""
    return bytes(data.translate(None, _REST))


@dataclass(frozen=True)
class Needle:
    """What to look for among letters and digits: bytes, and whether they are compared in lower case.

    `whole` is the text that the needle is a part of: a hit is widened to as much of it as stands there.
    """

    text: bytes
    folded: bool
    whole: bytes


@lru_cache(maxsize=512)
def make_needles(key: str) -> tuple[Needle, ...]:
    """Return what a key may look like once only letters and digits are left; the result is cached for the next text."""
    plain = key.encode()
    letters = keep_letters(plain).lower()
    if len(letters) < FEWEST_LETTERS:
        return ()
    part = max(8, (len(letters) * 2 + 2) // 3)  # an echo that stops after two thirds reveals the key too
    found = {Needle(cut, folded=True, whole=letters) for cut in (letters[:part], letters[-part:])}
    digits = [b"%02x" % byte for byte in plain]
    others = {
        letters[::-1],
        letters.translate(_ROT13),
        b"".join(digits),
        b"0x".join(digits),
        b"".join(b"%d" % byte for byte in plain),  # a list of character codes without its commas
        *(core.lower() for core in _find_cores(plain, base64.b32encode, 5, 5)),
    }
    found |= {Needle(text, folded=True, whole=text) for text in others}
    once = set(_find_cores(plain, base64.b64encode, 3, 6))
    twice = {core for text in once for core in _find_cores(text, base64.b64encode, 3, 6)}
    cores = map(keep_letters, once | twice | set(_find_cores(plain[::-1], base64.b64encode, 3, 6)))
    found |= {Needle(text, folded=False, whole=text) for text in cores}
    return tuple(sorted(found, key=lambda needle: needle.text))


def _find_cores(plain: bytes, encode: Callable[[bytes], bytes], group: int, bits: int) -> Iterator[bytes]:
    """Yield the part of an encoded text that `plain` alone decides, for each place in a group of bytes."""
    for before in range(group):
        text = encode(bytes(before) + plain)
        yield text[-(-before * 8 // bits) : (before + len(plain)) * 8 // bits]


def find_key(key: str, data: Bytes) -> Iterator[Span]:
    """Yield where `key` stands in `data`, in any spelling; spans may overlap."""
    wanted = make_needles(key)
    overlap = max(8 * 1024, 24 * len(key))  # more than the longest spelling
    for start in range(0, max(len(data), 1), WINDOW):
        window = data[start : start + WINDOW + overlap]
        yield from ((left + start, right + start) for left, right in _find_in_window(wanted, window))
    if len(data) <= SCATTERED_WITHIN:
        yield from _find_scattered(wanted, data)


def _find_in_window(wanted: Sequence[Needle], window: Bytes) -> Iterator[Span]:
    """Yield what is found in the bytes as they are, and once each kind of escape is undone."""
    yield from _map_back(window, None, _find_needles(wanted, keep_letters(window)))
    for escape in (_ESCAPE, _QUOTED_PRINTABLE, _MARKUP):
        if not escape.search(window):
            continue
        # The commonest escape goes first, by a faster way: a body may consist of nothing else.
        quick = keep_letters(escape.sub(_unescape, window.replace(b"\\n", b"")))
        if _find_needles(wanted, quick):
            text = keep_letters(escape.sub(_unescape, window))
            yield from _map_back(window, escape, _find_needles(wanted, text))


def _find_needles(wanted: Sequence[Needle], text: bytes) -> list[Span]:
    """Return where needles stand in a text of letters and digits."""
    lowered = text.lower()
    found = []
    for needle in wanted:
        hay = lowered if needle.folded else text
        at = hay.find(needle.text)
        while at >= 0:
            found.append(_widen(needle, hay, at))
            at = hay.find(needle.text, found[-1][1])
    return found


def _widen(needle: Needle, hay: bytes, at: int) -> Span:
    """Widen a hit to as much of the whole as stands there."""
    left, right = at, at + len(needle.text)
    after = needle.whole.find(needle.text) + len(needle.text)
    while after < len(needle.whole) and hay[right : right + 1] == needle.whole[after : after + 1]:
        right, after = right + 1, after + 1
    before = needle.whole.rfind(needle.text)
    while before > 0 and left > 0 and hay[left - 1] == needle.whole[before - 1]:
        left, before = left - 1, before - 1
    return left, right


_RUN = rb"(?P<run>[0-9A-Za-z]+)"
_TOKENS = {
    escape: re.compile(_RUN + (b"|" + escape.pattern if escape else b""))
    for escape in (None, _ESCAPE, _QUOTED_PRINTABLE, _MARKUP)
}


def _map_back(window: Bytes, escape: re.Pattern[bytes] | None, spans: Sequence[Span]) -> Iterator[Span]:
    """Yield the spans of a window that spans of its letters and digits come from; an escape goes as a whole."""
    if not spans:
        return
    marks: list[tuple[int, int, int]] = []  # index among the letters, start, and end where it is an escape
    length = 0
    for match in _TOKENS[escape].finditer(window):
        run = match.lastgroup == "run"
        width = len(match[0]) if run else len(keep_letters(_unescape(match)))
        if width:
            marks.append((length, match.start(), 0 if run else match.end()))
            length += width
    indices = [mark[0] for mark in marks]
    for left, right in spans:
        index, start, end = marks[bisect_right(indices, left) - 1]
        begin = start if end else start + left - index
        index, start, end = marks[bisect_right(indices, right - 1) - 1]
        yield begin, end or start + right - index


_MEMBER = re.compile(rb'"(\w{1,40})"\s{0,8}:\s{0,8}"((?:[^"\\]|\\.)*+)"', re.DOTALL)


def _find_scattered(wanted: Sequence[Needle], data: Bytes) -> Iterator[Span]:
    """Yield the parts of a key that is spread over several string members of one name, or under numbers.

    A stream hands out a text in parts: {"text": "AIza"} in one event, {"text": "Sy..."} in the next. And JavaScript
    makes {"0": "A", "1": "I"} of a text that is spread into an object.
    """
    texts: dict[bytes, list[Span]] = {}
    for match in _MEMBER.finditer(data):
        name = b"0" if match[1].isdigit() else bytes(match[1])
        texts.setdefault(name, []).append(match.span(2))
    for spans in texts.values():
        if len(spans) > 1:
            yield from _find_across(wanted, data, spans)


def _find_across(wanted: Sequence[Needle], data: Bytes, spans: Sequence[Span]) -> Iterator[Span]:
    """Yield the parts of a key within stretches of `data`, read as one text."""
    joined = b"".join(data[left:right] for left, right in spans)
    starts = [0, *accumulate(right - left for left, right in spans)]
    for left, right in _find_in_window(wanted, joined):
        for n in range(bisect_right(starts, left) - 1, len(spans)):
            if starts[n] >= right:
                break
            origin = spans[n][0] - starts[n]
            begin, end = max(left, starts[n]), min(right, starts[n + 1])
            if begin < end:
                yield begin + origin, end + origin
