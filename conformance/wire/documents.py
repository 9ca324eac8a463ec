"""JSON values laid end to end in a body: where one ends, and the elements of an array; sans-IO."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conformance.model import Limits
from conformance.wire.frames import Irregular, Notebook

# From one bracket to the next in one possessive run; strings are skipped, and end at a newline if not closed
# (RFC 8259 §7 allows no raw newline in a string), so that one lost quote does not swallow the lines after it.
_NEXT = re.compile(rb'(?:[^{}\[\]"]++|"(?:[^"\\\r\n]++|\\[^\r\n])*+")*+([{}\[\]"]?)')
_STEP = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_NEWLINE = re.compile(rb"[\r\n]")


@dataclass(frozen=True)
class ValueExtent:
    """Where a value ends. `whole`: its brackets balance; `cut`: the body ended inside it."""

    end: int
    whole: bool
    cut: bool = False


def find_extent(body: bytes, start: int, limits: Limits) -> ValueExtent:
    """Find the end of the object or array that begins at `start`, by its brackets alone; linear, never recurses."""
    depth = 0
    most = 4 * limits.json_values
    for token in _NEXT.finditer(body, start):
        step = _STEP.get(token[1])
        if step is None:
            return _unfinished(body, token.start(1))
        depth += step
        most -= 1
        if depth == 0:
            return ValueExtent(token.end(), whole=True)
        if depth > limits.json_depth or not most:
            return ValueExtent(token.end(), whole=False)
    return ValueExtent(len(body), whole=False, cut=True)


def _unfinished(body: bytes, at: int) -> ValueExtent:
    """Say why no bracket follows: the body's end, or a string without its end on the same line."""
    broken = _NEWLINE.search(body, at)
    return ValueExtent(broken.start() if broken else len(body), whole=False, cut=broken is None)


_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb'"(?:[^"\\\r\n]++|\\[^\r\n])*+"|[^,\[\]{}"\s]++')


@dataclass
class ArrayReader:
    r"""One pass over a body that is a JSON array: `[{...},\r\n{...}]`, as Google streams it without `alt=sse`."""

    book: Notebook
    at: int
    comma: bool = True  # an element may follow

    def run(self) -> None:
        """Read the elements as frames, and note what is irregular between and behind them."""
        self.at += 1
        while self._step() and not self.book.bound:
            pass

    def _space(self) -> bytes:
        """Go on to the next byte that is not space; return it, or nothing at the end."""
        match = _SPACE.match(self.book.body, self.at)
        self.at = match.end() if match else self.at
        return self.book.body[self.at : self.at + 1]

    def _step(self) -> bool:
        byte = self._space()
        if byte == b"]":
            return self._close()
        if byte == b",":
            return self._comma()
        if byte and not self.comma:
            self._separator("no comma before the element")
        return self._value(byte)

    def _separator(self, detail: str) -> None:
        self.book.note_irregularity(Irregular.ARRAY_SEPARATOR, self.at, detail)

    def _comma(self) -> bool:
        if self.comma:
            self._separator("a comma without an element before it")
        self.at += 1
        self.comma = True
        return True

    def _value(self, byte: bytes) -> bool:
        if not byte:
            self.book.note_irregularity(Irregular.TRUNCATED, len(self.book.body), "no end of the array")
            return False
        found = self._extent(byte)
        self._element(found)
        self.at, self.comma = found.end, False
        return found.whole

    def _extent(self, byte: bytes) -> ValueExtent:
        body = self.book.body
        if byte in {b"{", b"["}:
            found = find_extent(body, self.at, self.book.limits)
            return found if found.whole else ValueExtent(len(body), whole=False, cut=found.cut)
        scalar = _SCALAR.match(body, self.at)
        return (
            ValueExtent(scalar.end(), whole=True)
            if scalar
            else ValueExtent(len(body), whole=False, cut=byte == b'"')
        )

    def _element(self, found: ValueExtent) -> None:
        frame = self.book.add_frame(self.at, found.end, self.book.body[self.at : found.end], self.at)
        if found.cut:
            self.book.note_irregularity(
                Irregular.TRUNCATED, found.end, "the body ends inside an element", frame.number
            )
        elif not frame.json.ok:
            self.book.note_irregularity(
                Irregular.PAYLOAD_NOT_JSON, self.at, frame.json.error or "", frame.number
            )
        elif not isinstance(frame.json.value, dict):
            self.book.note_irregularity(
                Irregular.ARRAY_ELEMENT, self.at, self.book.quote(self.at, found.end), frame.number
            )

    def _close(self) -> bool:
        if self.comma and self.book.frames:
            self._separator("a comma before the end of the array")
        self.at += 1
        after = self.at
        if self._space():
            self.book.note_irregularity(
                Irregular.TRAILING_BYTES, self.at, self.book.quote(self.at, len(self.book.body))
            )
        elif after < len(self.book.body):
            self.book.note_irregularity(
                Irregular.NEWLINE_AFTER_ARRAY, after, f"{len(self.book.body) - after} bytes of space"
            )
        return False
