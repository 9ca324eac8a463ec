"""The traces of Go's httprr: after a line with two lengths, a request and its answer as they go over the wire."""

from __future__ import annotations

import re

from conformance.capturing.entry import CaptureError, Entries, Pairs, RecordedEntry

FIRST_LINE = b"httprr trace v1"
LARGEST = 128 * 1024 * 1024  # bytes
_LENGTHS = re.compile(rb"(\d{1,10}) (\d{1,10})\r?\n")
_ASKED = re.compile(rb"([A-Z]{3,8}) (\S+) HTTP/[\d.]+\Z")
_STATUS = re.compile(rb"HTTP/[\d.]+ (\d{3})\b")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


def read_httprr(data: bytes) -> Entries:
    """Yield the exchanges of a trace. Raises CaptureError where it ends early or its lengths are wrong."""
    end, at, number = len(data.rstrip()), data.find(b"\n") + 1 or len(data), 0
    while at < end:
        number += 1
        match = _LENGTHS.match(data, at)
        if match is None:
            raise CaptureError(f"record {number} does not begin with two lengths")
        middle = match.end() + int(match[1])
        at = middle + int(match[2])
        if at > len(data):
            raise CaptureError(f"record {number} ends early")
        yield _read_record(f"record {number}", data[match.end() : middle], data[middle:at])


def _read_record(where: str, request: bytes, answer: bytes) -> RecordedEntry:
    (asked, sent, body), (status, received, answered) = _split_message(request), _split_message(answer)
    line, coded = _ASKED.match(asked), _STATUS.match(status)
    path, host = line[2].decode("latin-1") if line else "", dict(sent).get("Host", "")
    return RecordedEntry(
        where,
        f"https://{host}{path}" if host and path.startswith("/") else path,
        line[1].decode() if line else "POST",
        sent,
        body or None,
        int(coded[1]) if coded else None,
        received,
        body=answered,
        exact=True,
    )


def _split_message(message: bytes) -> tuple[bytes, Pairs, bytes]:
    """Return the first line, the headers and the body of a message."""
    match = _END_OF_HEAD.search(message)
    head, body = (message[: match.start()], message[match.end() :]) if match else (message, b"")
    first, *lines = head.replace(b"\r\n", b"\n").split(b"\n")
    cut = (line.decode("latin-1").partition(":") for line in lines if b":" in line)
    return first, tuple((name.strip(), value.strip()) for name, _, value in cut), body
