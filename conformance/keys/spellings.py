"""Finds a key in bytes in whatever spelling it stands there, and says where.

Bytes and key are both brought to a normal form, ASCII letters and digits only, in which separators, quotes,
zero bytes and line breaks have vanished; escapes are undone in a second and a third reading. There the key,
and what encodings make of it, are looked for by plain substring search, which is fast; only around a hit
are positions mapped back. Long bodies are read in windows that overlap.
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
# What shows nothing by itself: <wbr>, and how terminals change colours. Apart, because a key may stand within a tag.
_MARKUP = re.compile(
    rb"</?[A-Za-z][^<>]{0,80}>|<!--[^<>]{0,80}-->|(?:\x1b|\\\\{0,3}(?:u00|x)1[bB])\[[0-9;]{0,12}[A-Za-z]"
)
_BASES = {"octal": 8, "decimal": 10}  # the others are 16


def _unescaped(match: re.Match[bytes]) -> bytes:
    """Return the one character that an escape stands for, or nothing."""
    group = match.lastgroup
    if group is None:
        return b""
    if group == "name":
        return _NAMED.get(match[group], b"")
    return bytes([int(match[group], _BASES.get(group, 16)) & 0x7F])


def keep_letters(data: bytes) -> bytes:
    """Keep the ASCII letters and digits of `data`."""
    return data.translate(None, _REST)


@dataclass(frozen=True)
class Needle:
    """What to look for in the normal form: bytes, and whether upper and lower case are one.

    `whole` is the text that a hit is widened to as far as it matches, where the needle is a part of it.
    """

    text: bytes
    folded: bool
    whole: bytes


@lru_cache(maxsize=512)
def make_needles(key: str) -> tuple[Needle, ...]:
    """Return what a key may look like in normal form. The needles of many keys are kept."""
    plain = key.encode()
    letters = keep_letters(plain).lower()
    if len(letters) < FEWEST_LETTERS:
        return ()
    part = max(8, (len(letters) * 2 + 2) // 3)  # an echo that stops after two thirds gives the key away too
    found = {Needle(cut, folded=True, whole=letters) for cut in (letters[:part], letters[-part:])}
    other = (letters[::-1], letters.translate(_ROT13), *_hexed(plain), _numbered(plain), *_base32(plain))
    found |= {Needle(text, folded=True, whole=text) for text in other}
    found |= {Needle(keep_letters(text), folded=False, whole=keep_letters(text)) for text in _encoded(plain)}
    return tuple(sorted(found, key=lambda needle: needle.text))


def _hexed(plain: bytes) -> tuple[bytes, bytes]:
    digits = [b"%02x" % byte for byte in plain]
    return b"".join(digits), b"0x".join(digits)


def _numbered(plain: bytes) -> bytes:
    """Return the key as a list of character codes without the commas."""
    return b"".join(b"%d" % byte for byte in plain)


def _base32(plain: bytes) -> Iterator[bytes]:
    """Yield the part of the Base32 text that `plain` alone decides, for each of the five alignments."""
    for before in range(5):
        text = base64.b32encode(bytes(before) + plain)
        yield text[-(-before * 8 // 5) : (before + len(plain)) * 8 // 5].lower()


def _encoded(plain: bytes) -> set[bytes]:
    """Return Base64 in its three alignments: of the key, of the key reversed, and of Base64 of the key."""
    once = set(base64_cores(plain))
    twice = {core for text in once for core in base64_cores(text)}
    return once | twice | set(base64_cores(plain[::-1]))


def base64_cores(plain: bytes) -> Iterator[bytes]:
    """Yield the part of the Base64 text that `plain` alone decides, for each of the three alignments."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + plain)
        yield text[(0, 2, 3)[before] : (before + len(plain)) * 8 // 6]


def find_key(key: str, data: bytes) -> Iterator[Span]:
    """Yield where `key` stands in `data`, in any spelling; spans may overlap."""
    wanted = make_needles(key)
    overlap = max(8 * 1024, 24 * len(key))  # more than the longest spelling
    for start in range(0, max(len(data), 1), WINDOW):
        window = data[start : start + WINDOW + overlap]
        yield from ((left + start, right + start) for left, right in _in_window(wanted, window))
    if len(data) <= SCATTERED_WITHIN:
        yield from _scattered(wanted, data)


def _in_window(wanted: Sequence[Needle], window: bytes) -> Iterator[Span]:
    yield from _in_reading(wanted, window, None)
    for escape in (_ESCAPE, _QUOTED_PRINTABLE, _MARKUP):
        if escape.search(window):
            yield from _in_reading(wanted, window, escape)


def _in_reading(wanted: Sequence[Needle], window: bytes, escape: re.Pattern[bytes] | None) -> Iterator[Span]:
    if escape is None:
        text = keep_letters(window)
    else:  # the commonest escape goes first, by a faster way: a body may consist of nothing else
        quick = keep_letters(escape.sub(_unescaped, window.replace(b"\\n", b"")))
        if next(_hits(wanted, quick), None) is None:
            return
        text = keep_letters(escape.sub(_unescaped, window))
    hits = list(_hits(wanted, text))
    if hits:
        place = _mapping(window, escape)
        yield from (place(left, right) for left, right in hits)


def _hits(wanted: Sequence[Needle], text: bytes) -> Iterator[Span]:
    lowered = text.lower()
    for needle in wanted:
        hay = lowered if needle.folded else text
        at = hay.find(needle.text)
        while at >= 0:
            left, right = _widened(needle, hay, at)
            yield left, right
            at = hay.find(needle.text, right)


def _widened(needle: Needle, hay: bytes, at: int) -> Span:
    """Widen a hit to as much of the whole as stands there."""
    left, right = at, at + len(needle.text)
    after = needle.whole.find(needle.text) + len(needle.text)
    while after < len(needle.whole) and hay[right : right + 1] == needle.whole[after : after + 1]:
        right, after = right + 1, after + 1
    before = needle.whole.rfind(needle.text)
    while before > 0 and left > 0 and hay[left - 1] == needle.whole[before - 1]:
        left, before = left - 1, before - 1
    return left, right


def _mapping(window: bytes, escape: re.Pattern[bytes] | None) -> Callable[[int, int], Span]:
    """Return a function from a span of the normal form to the span of the window that it came from."""
    marks: list[tuple[int, int, int]] = []  # (index in the normal form, from, to)
    length = 0
    for left, right, width in _runs(window, escape):
        marks.append((length, left, right))
        length += width
    indices = [mark[0] for mark in marks]

    def place(left: int, right: int) -> Span:
        first, last = marks[bisect_right(indices, left) - 1], marks[bisect_right(indices, right - 1) - 1]
        return _edge(first, left)[0], _edge(last, right - 1)[1]

    return place


def _edge(mark: tuple[int, int, int], index: int) -> Span:
    """Return the place of one character: a whole escape, or one byte of a run (which starts escapes' widths apart)."""
    start, left, right = mark
    if right < 0:  # an escape, marked by a negative end
        return left, -right
    return left + index - start, left + index - start + 1


_RUN = re.compile(rb"[0-9A-Za-z]+")


def _runs(window: bytes, escape: re.Pattern[bytes] | None) -> Iterator[tuple[int, int, int]]:
    """Yield (from, to, letters) for what the normal form keeps; the end of an escape is given negative."""
    last = 0
    for match in escape.finditer(window) if escape else ():
        yield from _plain_runs(window, last, match.start())
        if keep_letters(_unescaped(match)):
            yield match.start(), -match.end(), 1
        last = match.end()
    yield from _plain_runs(window, last, len(window))


def _plain_runs(window: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    for run in _RUN.finditer(window, start, end):
        yield run.start(), run.end(), run.end() - run.start()


_MEMBER = re.compile(rb'"(\w{1,40})"\s{0,8}:\s{0,8}"((?:[^"\\]|\\.)*+)"', re.DOTALL)


def _scattered(wanted: Sequence[Needle], data: bytes) -> Iterator[Span]:
    """Yield the parts of a key that is spread over several string members of one name, or under numbers.

    A stream hands out a text in parts: {"text": "AIza"} in one event, {"text": "Sy..."} in the next. And JavaScript
    makes {"0": "A", "1": "I"} of a text that is spread into an object.
    """
    texts: dict[bytes, list[Span]] = {}
    for match in _MEMBER.finditer(data):
        name = b"0" if match[1].isdigit() else match[1]
        texts.setdefault(name, []).append(match.span(2))
    for spans in texts.values():
        if len(spans) > 1:
            yield from _across(wanted, data, spans)


def _across(wanted: Sequence[Needle], data: bytes, spans: Sequence[Span]) -> Iterator[Span]:
    joined = b"".join(data[left:right] for left, right in spans)
    starts = [0, *accumulate(right - left for left, right in spans)]
    for left, right in _in_window(wanted, joined):
        for n in range(bisect_right(starts, left) - 1, len(spans)):
            if starts[n] >= right:
                break
            origin = spans[n][0] - starts[n]
            begin, end = max(left, starts[n]), min(right, starts[n + 1])
            if begin < end:
                yield begin + origin, end + origin
