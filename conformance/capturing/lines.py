"""JSON lines: exchanges in the form of the contract, and those that this program recorded itself."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlencode

from conformance.capturing.cassettes import read_interaction, read_vcrpy_body
from conformance.capturing.entry import (
    Entries,
    OwnExchange,
    RecordedEntry,
    SkippedEntry,
    decode_base64,
    encode_body,
    is_printed_anew,
    parse_headers,
    parse_status,
)
from conformance.capturing.jsonstream import read_items, read_values
from conformance.files import read_bounded_lines
from conformance.model import JSON
from conformance.recording.record import parse_exchange

LONGEST_LINE = 128 * 1024 * 1024  # bytes
_NOCK = frozenset({"scope", "path", "response"})
_HEX = re.compile(r"^(?:[0-9a-f]{2})+$")
_MEMBERS = ("url", "path", "status", "body", "body_b64", "body_base64")


def read_lines(file: IO[bytes], head: bytes) -> Entries:
    """Yield the exchange of each line, or the reason why it cannot be used.

    JSON arrays and values over several lines are read too.
    """
    first = head.lstrip().partition(b"\n")[0].strip()
    if first.startswith(b"[") or not _is_whole_value(first, alone=len(first) == len(head.strip())):
        values = read_items(file) if first.startswith(b"[") else read_values(file)
        yield from (read_value(f"entry {number}", value) for number, value in enumerate(values, 1))
        return
    for number, line in read_bounded_lines(file, "line", LONGEST_LINE):
        if line.strip():
            yield _read_line(f"line {number}", line)


def _is_whole_value(line: bytes, *, alone: bool) -> bool:
    """Return whether the first line is a whole value; a longer one than is looked at, or the only one, is taken for it."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return not line.endswith((b"{", b",", b"[")) or (alone and len(line) > 1)
    return True


def _read_line(where: str, line: bytes) -> RecordedEntry | OwnExchange | SkippedEntry:
    try:
        return read_value(where, json.loads(line))
    except RecursionError:
        return SkippedEntry(where, "is nested too deeply")
    except ValueError as error:
        return SkippedEntry(where, f"is not JSON ({str(error)[:80]})")


def read_value(where: str, value: object) -> RecordedEntry | OwnExchange | SkippedEntry:
    """Return the exchange that a JSON object holds; a SkippedEntry with the reason where it holds none."""
    if not isinstance(value, Mapping):
        return SkippedEntry(where, "is not a JSON object")
    if "probe" not in value and isinstance(value.get("request"), Mapping) and "response" in value:
        return read_interaction(where, value, read_vcrpy_body)
    if not any(name in value for name in (*_MEMBERS, "probe")):
        return SkippedEntry(where, f"holds none of {', '.join(_MEMBERS[:4])}: it is not an exchange")
    try:
        if "probe" in value:
            return OwnExchange(where, parse_exchange(dict(value)))
        return _read_entry(where, _convert_nock(value) if value.keys() >= _NOCK else value)
    except ValueError as error:
        return SkippedEntry(where, str(error)[:200])


def _read_entry(where: str, value: Mapping[str, Any]) -> RecordedEntry:
    body, packed = value.get("body"), _read_packed(value, "body_b64", "body_base64")
    asked = _read_packed(value, "request_body_b64", "request_body_base64")
    return RecordedEntry(
        where,
        _find_url(value),
        str(value.get("http_method") or value.get("method") or value.get("verb") or "POST").upper(),
        parse_headers(value.get("request_headers")),
        asked or encode_body(value.get("request_body")) or None,
        parse_status(value.get("status")),
        parse_headers(value.get("response_headers")),
        headers_complete=value.get("headers_complete") is True,
        body=encode_body(body) if packed is None else packed,
        decoded=value["decoded"] if isinstance(value.get("decoded"), bool) else None,
        reserialised=(packed is None and is_printed_anew(body))
        or value.get("reserialised") is True
        or value.get("bytes") == "reserialised",
        pieces=_read_pieces(value.get("pieces")),
        started_at=str(value.get("recorded_at") or value.get("started_at") or ""),
        exact=packed is not None,
        ended="the recorder calls it incomplete" if value.get("complete") is False else "",
    )


def _convert_nock(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what nock recorded as a line: its `body` is what was sent, and an answer that came packed a list of hex."""
    answer, headers = value["response"], value.get("rawHeaders")
    line = {
        "url": f"{value['scope']}{value.get('path', '')}",
        "method": value.get("method"),
        "status": value.get("status"),
    }
    line |= {"request_body": value.get("body"), "request_headers": value.get("reqheaders"), "body": answer}
    if isinstance(headers, list) and all(isinstance(one, str) for one in headers):
        headers = [[*pair] for pair in zip(headers[::2], headers[1::2], strict=False)]
    parts = answer if isinstance(answer, list) else ()
    if parts and all(isinstance(one, str) and _HEX.match(one) for one in parts):
        line |= {"body": None, "body_b64": base64.b64encode(bytes.fromhex("".join(parts))).decode()}
    return line | {"response_headers": headers}


def _find_url(value: Mapping[str, Any]) -> str | None:
    url = value.get("url")
    if isinstance(url, str) and url:
        return url
    path = value.get("path")
    if not isinstance(path, str) or not path:
        return None
    query = value.get("query")
    text = query.lstrip("?") if isinstance(query, str) else urlencode(parse_headers(query) or ())
    return f"{path}{'&' if '?' in path else '?'}{text}" if text else path


def _read_packed(value: Mapping[str, Any], *names: str) -> bytes | None:
    """Return the body under the first of several names that hold Base64; None where none is there."""
    name = next((name for name in names if value.get(name) is not None), None)
    return None if name is None else decode_base64(value[name], name)


def _read_pieces(value: JSON) -> tuple[tuple[float, int], ...]:
    """Return milliseconds and lengths; an empty tuple where they are not written as pairs of numbers."""
    found: list[tuple[float, int]] = []
    for item in value if isinstance(value, list) else ():
        match item:
            case [int() | float() as ms, int(length)] if length >= 0 and not isinstance(ms, bool):
                found.append((float(ms), length))
            case _:
                return ()
    return tuple(found)
