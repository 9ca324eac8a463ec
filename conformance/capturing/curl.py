"""What `curl -i` and `curl -iv` print: the head of the answer and its body, and with -v the head of the request."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_FAULT = re.compile(rb"curl: \(\d{1,3}\) [^\n]*\s*\Z")  # its last word where 2>&1 was given
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

    def take(self, line: bytes) -> None:
        match = _HEADER.match(line)
        if match:
            self.headers.append((match[1].decode("latin-1"), match[2].decode("latin-1")))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


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


def looks_like_curl(head: bytes) -> bool:
    """Return whether a text begins as what curl prints: with a status line, or with its own remarks."""
    for line in _drop_meter(head).split(b"\n")[:200]:
        stripped = line.rstrip(b"\r")
        if _STATUS.match(stripped) or stripped.startswith((b"< HTTP/", b"> ")):
            return True
        if stripped and not _NOISE.match(stripped + b"\n"):
            return False
    return False


def read_curl(data: bytes) -> Entries:
    """Yield the exchanges of a dump. Raises CaptureError where no answer stands in it."""
    text = _drop_meter(data)
    dump, found = _Dump(metered=text is not data), 0
    in_body = False
    for line in _split_lines(text):
        if in_body and not _begins_exchange(line, verbose=dump.verbose):
            dump.body.append(line)
            continue
        if in_body and dump.answer is not None and not _is_interim(dump, line):
            found += 1
            yield _build_entry(dump, found)
            dump = _Dump(verbose=dump.verbose, metered=dump.metered)
        in_body = _take_head(dump, line)
    if dump.answer is not None:
        found += 1
        yield _build_entry(dump, found)
    if not found:
        raise CaptureError(
            "holds no response from curl: record with -i, which prints the status and the headers"
        )


def _drop_meter(data: bytes) -> bytes:
    """Return a dump without curl's progress meter, or the dump itself where its heading is missing."""
    if not _METER_HEAD.search(data, 0, 4096):
        return data
    return _METER.sub(b"", _METER_HEAD.sub(b"", data))


def _split_lines(data: bytes) -> Iterator[bytes]:
    """Yield lines with their line ends; a line ends with LF, whatever stands before it."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def _begins_exchange(line: bytes, *, verbose: bool) -> bool:
    """Return whether a line within a body begins another exchange."""
    if _STATUS.match(line):
        return True
    if not verbose:
        return False
    return line.startswith(b"< HTTP/") or (line.startswith(b"> ") and _REQUEST.match(line[2:]) is not None)


def _is_interim(dump: _Dump, line: bytes) -> bool:
    """Return whether an answer only announces the one that `line` begins.

    Such are 100 Continue, a proxy's word, a redirect that was followed; and with -v each head is printed a second
    time, before -i prints it with the body.
    """
    if dump.answer is None or _extract_body(dump).strip():
        return False
    match = _STATUS.match(line)
    again = dump.verbose and not dump.plain and match is not None and int(match[1]) == dump.answer.status
    return again or (dump.answer.status or 0) < 400


def _extract_body(dump: _Dump) -> bytes:
    """Return the body without what -v prints around it and into it."""
    body = _FAULT.sub(b"", b"".join(dump.body))
    return _REMARKS.sub(b"", body) if dump.verbose else body


def _extract_remarks(dump: _Dump) -> bytes:
    """Return what curl wrote of its own around the body: how the exchange ended stands there."""
    body = b"".join(dump.body)
    fault = _FAULT.search(body)
    said = [match[0] for match in _REMARKS.finditer(body)] if dump.verbose else []
    return b"".join([dump.remarked, *said, fault[0] if fault else b""])


def _is_printed_anew(dump: _Dump, body: bytes) -> bool:
    """Return whether the bytes may differ from those received: line ends changed, or curl wrote between them."""
    changed = dump.answer is not None and not dump.answer.crlf
    return changed or dump.metered or body not in b"".join(dump.body)


def _take_head(dump: _Dump, line: bytes) -> bool:
    """Take a line of a head; return whether a body follows."""
    if line.startswith(_SENT):
        dump.verbose = True
        _take_request(dump, line[1:].lstrip(b" "))
        return False
    if line.startswith(_RECEIVED):
        dump.verbose = True
        return not dump.plain and _take_answer(dump, line[1:].lstrip(b" "))
    if _NOISE.match(line):
        dump.verbose = dump.verbose or line.startswith(b"* ")
        return False
    dump.plain = dump.plain or _STATUS.match(line) is not None
    return _take_answer(dump, line)


def _take_request(dump: _Dump, line: bytes) -> None:
    match = _REQUEST.match(line)
    if match and not _HEADER.match(line):
        dump.request = _Head(verb=match[1].decode(), path=match[2].decode("latin-1"))
    elif dump.request is not None:
        dump.request.take(line)


def _take_answer(dump: _Dump, line: bytes) -> bool:
    match = _STATUS.match(line)
    if match:
        again = dump.verbose and dump.answer is not None and dump.answer.status == int(match[1])
        dump.remarked = _extract_remarks(dump) if again else b""
        dump.answer, dump.body = _Head(int(match[1]), crlf=line.endswith(b"\r\n")), []
    elif not line.strip():
        return dump.answer is not None
    elif dump.answer is not None:
        dump.answer.take(line)
    return False


def _build_entry(dump: _Dump, number: int) -> RecordedEntry:
    answer, request = dump.answer or _Head(), dump.request
    body, said = _extract_body(dump), _extract_remarks(dump)
    broken = _TIMED_OUT in said or b"curl: (" in said
    return RecordedEntry(
        f"answer {number}",
        _build_url(request) if request else None,
        request.verb if request else "POST",
        tuple(request.headers) if request else None,
        None,
        answer.status,
        tuple(answer.headers),
        headers_complete=True,
        body=body,
        reserialised=_is_printed_anew(dump, body),
        ended="curl ended before the answer did" if broken else "",
        end_known=_WHOLE in said,
    )


def _build_url(request: _Head) -> str:
    host = request.header("host")
    return f"https://{host}{request.path}" if host and request.path.startswith("/") else request.path
