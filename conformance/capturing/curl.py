"""Reads what `curl -i` and `curl -iv` print: the head of the answer and its body, and with -v the head of the request."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field

from conformance.capturing.entry import CaptureError, Entries, RecordedEntry

LARGEST = 128 * 1024 * 1024  # bytes
_STATUS = re.compile(rb"^HTTP/\d(?:\.\d)?\s+(\d{3})\b[^\r\n]*\r?\n?$")
_REQUEST = re.compile(rb"^([A-Z]{3,8})\s+(\S+)(?:\s+HTTP/[\d.]+)?\s*$")
_HEADER = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)\s*$", re.DOTALL)
_NOISE = re.compile(rb"^(?:\* |[{}] \[\d+ bytes data\]|\*\r?\n?$)")
# What -v writes between the bytes of a body where both go into one file; curl adds no line end of its own before it.
_REMARKS = re.compile(
    rb"[{}] \[\d+ bytes data\]\r?\n"
    rb"|^\* [^\n]*(?:\n|\Z)"
    rb"|\* (?:Connection #\d+ to host [^\n]*|Closing connection(?: #?-?\d+)?)\s*\Z"
    rb"|\* Operation timed out after \d+ milliseconds with [^\n]*(?:\n|\Z)",
    re.MULTILINE,
)
_FAULT = re.compile(rb"curl: \(\d{1,3}\) [^\n]*\s*\Z")  # its last word if 2>&1 was given
_WHOLE = b" left intact"
_TIMED_OUT = b"* Operation timed out after"
_METER_HEAD = re.compile(rb" *% Total {4}% Received[^\n]*\n\s+Dload {2}Upload[^\n]*\n")
_METER = re.compile(rb"\r[ \d]{3} [ \d.kMGTP]{30,80}(?:[ \d:-]{8} ){3}[ \d.kMGTP]{5}(?:\n(?=\* |\Z))?")

_SENT = (b"> ", b">\r", b">\n")
_RECEIVED = (b"< ", b"<\r", b"<\n")


@dataclass
class _Head:
    """The head of a request or an answer as its lines come."""

    status: int | None = None
    verb: str = ""
    path: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    crlf: bool = True

    def add_header(self, line: bytes) -> None:
        match = _HEADER.match(line)
        if match:
            self.headers.append((match[1].decode("latin-1"), match[2].decode("latin-1")))

    def build_url(self) -> str:
        host = next((value for name, value in self.headers if name.lower() == "host"), "")
        return f"https://{host}{self.path}" if host and self.path.startswith("/") else self.path


@dataclass
class _Dump:
    """A dump that is being read: the request that was seen last, and the answer that is being read."""

    request: _Head | None = None
    answer: _Head | None = None
    body: list[bytes] = field(default_factory=list)
    verbose: bool = False  # -v was given
    plain: bool = False  # -i was given too: its head counts, and that of -v is passed over
    metered: bool = False  # the progress meter stood in it, at any place
    remarked: bytes = b""  # what -v wrote between its own head of this answer and that of -i

    def take_head(self, line: bytes) -> bool:
        """Take a line of a head; return whether a body follows."""
        if line.startswith(_SENT + _RECEIVED):
            self.verbose = True
            text = line[1:].lstrip(b" ")
            if line.startswith(_RECEIVED):
                return not self.plain and self._take_answer(text)
            self._take_request(text)
            return False
        if _NOISE.match(line):
            self.verbose = self.verbose or line.startswith(b"* ")
            return False
        self.plain = self.plain or _STATUS.match(line) is not None
        return self._take_answer(line)

    def _take_request(self, line: bytes) -> None:
        match = _REQUEST.match(line)
        if match and not _HEADER.match(line):
            self.request = _Head(verb=match[1].decode(), path=match[2].decode("latin-1"))
        elif self.request is not None:
            self.request.add_header(line)

    def _take_answer(self, line: bytes) -> bool:
        match = _STATUS.match(line)
        if match:
            again = self.verbose and self.answer is not None and self.answer.status == int(match[1])
            self.remarked = self._extract_remarks() if again else b""
            self.answer, self.body = _Head(int(match[1]), crlf=line.endswith(b"\r\n")), []
        elif not line.strip():
            return self.answer is not None
        elif self.answer is not None:
            self.answer.add_header(line)
        return False

    def begins_exchange(self, line: bytes) -> bool:
        """Return whether a line within a body begins another exchange."""
        if _STATUS.match(line):
            return True
        if not self.verbose:
            return False
        return line.startswith(b"< HTTP/") or (
            line.startswith(b"> ") and _REQUEST.match(line[2:]) is not None
        )

    def is_interim(self, line: bytes) -> bool:
        """Return whether the answer only announces the one that `line` begins.

        This is so for 100 Continue, a proxy's answer, and a redirect that was followed. With -v each head is also printed a
        second time, before -i prints it with the body.
        """
        if self.answer is None or self._extract_body().strip():
            return False
        match = _STATUS.match(line)
        again = self.verbose and not self.plain and match is not None and int(match[1]) == self.answer.status
        return again or (self.answer.status or 0) < 400

    def _extract_body(self) -> bytes:
        """Return the body without what -v prints around it and into it."""
        body = _FAULT.sub(b"", b"".join(self.body))
        return _REMARKS.sub(b"", body) if self.verbose else body

    def _extract_remarks(self) -> bytes:
        """Return curl's own remarks around the body, which say how the exchange ended."""
        body = b"".join(self.body)
        fault = _FAULT.search(body)
        remarks = [match[0] for match in _REMARKS.finditer(body)] if self.verbose else []
        return b"".join([self.remarked, *remarks, fault[0] if fault else b""])

    def build_entry(self, number: int) -> RecordedEntry:
        """Return what was read as an entry."""
        answer, request = self.answer or _Head(), self.request
        body, remarks = self._extract_body(), self._extract_remarks()
        broken = _TIMED_OUT in remarks or b"curl: (" in remarks
        return RecordedEntry(
            f"answer {number}",
            request.build_url() if request else None,
            request.verb if request else "POST",
            tuple(request.headers) if request else None,
            None,
            answer.status,
            tuple(answer.headers),
            headers_complete=True,
            body=body,
            # Line ends may have changed, and curl may have written between the bytes.
            reserialised=not answer.crlf or self.metered or body not in b"".join(self.body),
            ended="curl ended before the answer did" if broken else "",
            end_known=_WHOLE in remarks,
        )


def looks_like_curl(head: bytes) -> bool:
    """Return whether a text begins as curl's output does: with a status line, or with curl's own remarks."""
    for line in _drop_meter(head).split(b"\n")[:200]:
        stripped = line.rstrip(b"\r")
        if _STATUS.match(stripped) or stripped.startswith((b"< HTTP/", b"> ")):
            return True
        if stripped and not _NOISE.match(stripped + b"\n"):
            return False
    return False


def read_curl(data: bytes) -> Entries:
    """Yield the exchanges of a dump. Raises CaptureError if it contains no answer."""
    text = _drop_meter(data)
    dump, found, in_body = _Dump(metered=text is not data), 0, False
    for line in io.BytesIO(text):
        if in_body and not dump.begins_exchange(line):
            dump.body.append(line)
            continue
        if in_body and dump.answer is not None and not dump.is_interim(line):
            found += 1
            yield dump.build_entry(found)
            dump = _Dump(verbose=dump.verbose, metered=dump.metered)
        in_body = dump.take_head(line)
    if dump.answer is not None:
        yield dump.build_entry(found + 1)
    elif not found:
        raise CaptureError(
            "holds no response from curl: record with -i, which prints the status and the headers"
        )


def _drop_meter(data: bytes) -> bytes:
    """Return a dump without curl's progress meter, or the dump itself if the meter's heading is missing."""
    if not _METER_HEAD.search(data, 0, 4096):
        return data
    return _METER.sub(b"", _METER_HEAD.sub(b"", data))
