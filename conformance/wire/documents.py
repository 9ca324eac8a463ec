"""Finds where JSON values in a body end, and the elements of an array; sans-IO."""

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
class ValueEnd:
    """Where a value ends. `whole`: its brackets balance; `cut`: the body ended inside it."""

    at: int
    whole: bool
    cut: bool = False


def find_value_end(body: bytes, start: int, limits: Limits) -> ValueEnd:
    """Find the end of the object or array that begins at `start`, by its brackets alone; linear, never recurses."""
    depth = 0
    most = 4 * limits.json_values
    for token in _NEXT.finditer(body, start):
        step = _STEP.get(token[1])
        if step is None:  # the body's end, or a string without its end on the same line
            newline = _NEWLINE.search(body, token.start(1))
            return ValueEnd(newline.start() if newline else len(body), whole=False, cut=newline is None)
        depth += step
        most -= 1
        if depth == 0:
            return ValueEnd(token.end(), whole=True)
        if depth > limits.json_depth or not most:
            return ValueEnd(token.end(), whole=False)
    return ValueEnd(len(body), whole=False, cut=True)


_SPACE = re.compile(rb"[ \t\r\n]*+")
_SCALAR = re.compile(rb'"(?:[^"\\\r\n]++|\\[^\r\n])*+"|[^,\[\]{}"\s]++')


@dataclass
class ArrayReader:
    r"""One pass over a body that is a JSON array: `[{...},\r\n{...}]`, as Google streams it without `alt=sse`."""

    book: Notebook
    at: int
    expects_element: bool = True  # at the beginning, and behind a comma

    def run(self) -> None:
        """Add the elements as frames, and note what is irregular between and behind them."""
        self.at += 1
        while self._read_next() and not self.book.bound:
            pass

    def _read_next(self) -> bool:
        """Read a comma, an element or the end of the array; return whether more may follow."""
        byte = self._skip_space()
        if byte == b"]":
            self._read_end()
            return False
        if byte == b",":
            if self.expects_element:
                self._note_separator("a comma without an element before it")
            self.at += 1
            self.expects_element = True
            return True
        if not byte:
            self.book.note_irregularity(Irregular.TRUNCATED, len(self.book.body), "no end of the array")
            return False
        if not self.expects_element:
            self._note_separator("no comma before the element")
        return self._read_element(byte)

    def _skip_space(self) -> bytes:
        """Go on to the next byte that is not space; return it, or nothing at the end."""
        match = _SPACE.match(self.book.body, self.at)
        self.at = match.end() if match else self.at
        return self.book.body[self.at : self.at + 1]

    def _note_separator(self, detail: str) -> None:
        self.book.note_irregularity(Irregular.ARRAY_SEPARATOR, self.at, detail)

    def _read_element(self, byte: bytes) -> bool:
        book, end = self.book, self._find_element_end(byte)
        frame = book.add_frame(self.at, end.at, book.body[self.at : end.at], self.at)
        if end.cut:
            book.note_irregularity(
                Irregular.TRUNCATED, end.at, "the body ends inside an element", frame.number
            )
        elif not frame.json.ok:
            book.note_irregularity(Irregular.PAYLOAD_NOT_JSON, self.at, frame.json.error or "", frame.number)
        elif not isinstance(frame.json.value, dict):
            detail = book.quote(self.at, end.at)
            book.note_irregularity(Irregular.ARRAY_ELEMENT, self.at, detail, frame.number)
        self.at, self.expects_element = end.at, False
        return end.whole

    def _find_element_end(self, byte: bytes) -> ValueEnd:
        body = self.book.body
        if byte in {b"{", b"["}:
            end = find_value_end(body, self.at, self.book.limits)
            return end if end.whole else ValueEnd(len(body), whole=False, cut=end.cut)
        scalar = _SCALAR.match(body, self.at)
        if scalar:
            return ValueEnd(scalar.end(), whole=True)
        return ValueEnd(len(body), whole=False, cut=byte == b'"')

    def _read_end(self) -> None:
        if self.expects_element and self.book.frames:
            self._note_separator("a comma before the end of the array")
        self.at += 1
        after, length = self.at, len(self.book.body)
        if self._skip_space():
            detail = self.book.quote(self.at, length)
            self.book.note_irregularity(Irregular.TRAILING_BYTES, self.at, detail)
        elif after < length:
            detail = f"{length - after} bytes of space"
            self.book.note_irregularity(Irregular.NEWLINE_AFTER_ARRAY, after, detail)
