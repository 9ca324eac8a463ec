"""How a recorded answer ended: as its sender intended, cut off, or in a way that the recording does not show."""

from __future__ import annotations

import re
from dataclasses import replace

from conformance.capturing.entry import RecordedEntry
from conformance.capturing.jsonstream import ends_early

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_EVENTS = re.compile(rb"^\s*(?:data:|event:|id:|retry:|:)")
_BLANK = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_CLOSED = re.compile(rb"(?:\r\n\r\n|\n\n|\r\r)\s*\Z")
_REASON = re.compile(rb"finish_?reason", re.IGNORECASE)
# The first bytes of a character.
_HALF = re.compile(rb"(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})\Z")
_FIELDS = (b"data:", b"event:", b"id:", b"retry:")


def unchunk(entry: RecordedEntry) -> RecordedEntry:
    """Return an entry without the chunks of HTTP/1.1 that its body was recorded in; any other entry as it is.

    A chunk of length 0 shows that the answer ended as its sender intended; without it, the answer was broken off.
    """
    body, coding = entry.body or b"", entry.header("transfer-encoding") or ""
    if "chunked" not in coding.lower() or not _CHUNK.match(body):
        return entry
    parts: list[bytes] = []
    at = 0
    while match := _CHUNK.match(body, at):
        size = int(match[1], 16)
        if size == 0:
            return replace(entry, body=b"".join(parts), end_known=True)
        parts.append(body[match.end() : match.end() + size])
        at = match.end() + size
        at += 2 if body[at : at + 2] == b"\r\n" else 1 if body[at : at + 1] == b"\n" else 0
    if at < len(body):
        return entry  # these are not chunks
    return replace(entry, body=b"".join(parts), ended="its last chunk is missing")


def has_promised_length(entry: RecordedEntry) -> bool:
    """Return whether Content-Length gives the length of the body: then the recorder lost nothing."""
    stated = (entry.header("content-length") or "").strip()
    plain = entry.header("content-encoding") is None
    return entry.body is not None and stated == str(len(entry.body)) and plain


def is_end_known(entry: RecordedEntry, body: bytes, *, streamed: bool) -> bool:
    """Return whether a recording shows that the server ended the answer, and not the client.

    `body` is that of the entry, unpacked. A last event without a blank line behind it may be incomplete, or a recorder
    may have trimmed it, unless it gives the finish reason and was kept byte for byte.
    """
    if has_promised_length(entry) or not streamed:
        return True
    if not _EVENTS.match(body) or _CLOSED.search(body) or not _is_usually_closed(body):
        return entry.end_known
    last = _BLANK.split(body)[-1]
    whole = b"\r\n" not in body or not body.endswith(b"\r")
    return entry.end_known and entry.exact and whole and _REASON.search(last) is not None


def _is_usually_closed(body: bytes) -> bool:
    """Return whether the other events of a stream end with a blank line, as far as there are others."""
    return _BLANK.search(body) is not None or body.count(b"data:") == 1


def is_cut(body: bytes, *, streamed: bool) -> bool:
    """Return whether a body ends within a JSON value: it was cut, though the recording does not show by whom."""
    text = _HALF.sub(b"", body).strip()
    if text[:1] in (b"{", b"["):
        return ends_early(text)
    if not streamed:
        return False
    if not body.endswith((b"\n", b"\r")) and _ends_within_a_field(re.split(rb"[\r\n]", body)[-1]):
        return True
    data = re.split(rb"(?:^|[\r\n])[ \t]*data:", text)[-1].strip() if _EVENTS.match(body) else b""
    return data[:1] in (b"{", b"[") and ends_early(data)


def _ends_within_a_field(line: bytes) -> bool:
    """Return whether the last line of a stream is the beginning of a field's name, or a field without its value."""
    begun = line.strip()
    return bool(begun) and any(field.startswith(begun) for field in _FIELDS)
