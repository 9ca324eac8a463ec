"""HAR 1.2, as browsers, proxies and HTTP tools export it: entries are read one at a time, however long the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from conformance.capturing.addresses import is_of_interest
from conformance.capturing.entry import (
    WITHOUT_BODY,
    CaptureError,
    Entries,
    RecordedEntry,
    SkippedEntry,
    decode_base64,
    parse_headers,
    parse_status,
)
from conformance.capturing.jsonstream import read_items
from conformance.model import JSON


def read_har(file: IO[bytes]) -> Entries:
    """Yield the entries of a HAR file.

    Raises CaptureError where the JSON ends early or is broken, after what came before it.
    """
    for number, value in enumerate(read_items(file, "log", "entries"), 1):
        yield _read_entry(f"entry {number}", value)


def _read_entry(where: str, value: Any) -> RecordedEntry | SkippedEntry:
    request, response = _find_object(value, "request"), _find_object(value, "response")
    url, verb = request.get("url"), request.get("method")
    if not isinstance(url, str) or not isinstance(verb, str):
        return SkippedEntry(where, "names no request")
    if not is_of_interest(url):  # the bodies of other exchanges are not even decoded
        return RecordedEntry(where, url, verb)
    try:
        return _read_related_entry(where, value, request, response)
    except CaptureError as error:
        return SkippedEntry(where, str(error))


def _read_related_entry(
    where: str, value: Mapping[str, JSON], request: Mapping[str, JSON], response: Mapping[str, JSON]
) -> RecordedEntry:
    content = _find_object(response, "content")
    body = _read_body(content, response)
    headers = parse_headers(response.get("headers"))
    size = None if _is_chunked(content) else content.get("size")
    return RecordedEntry(
        where,
        str(request["url"]),
        str(request["method"]).upper(),
        parse_headers(request.get("headers")),
        _read_question(_find_object(request, "postData")),
        parse_status(response.get("status")),
        _add_content_type(headers, content.get("mimeType")),
        body=body,
        size=size if type(size) is int and size >= 0 else None,
        decoded=None if content.get("encoding") == "base64" else True,  # some keep the packed bytes so
        started_at=str(value.get("startedDateTime") or ""),
        exact=content.get("encoding") == "base64",
        ended=_describe_abort(value, response),
        end_known=value.get("time") != -1,
    )


def _find_object(value: Any, name: str) -> Mapping[str, JSON]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _read_question(data: Mapping[str, JSON]) -> bytes | None:
    text = data.get("text")
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) and text else None


def _add_content_type(headers: Any, kind: JSON) -> Any:
    """Use the content's type as the header if the exporter kept no header of that name."""
    known = any(name.lower() == "content-type" for name, _ in headers or ())
    if known or not isinstance(kind, str) or "/" not in kind or kind == "x-unknown":
        return headers
    return (*(headers or ()), ("Content-Type", kind))


def _read_body(content: Mapping[str, JSON], response: Mapping[str, JSON]) -> bytes | None:
    """Return the body; None if it was not recorded. An empty text may mean either."""
    text = content.get("text")
    if not isinstance(text, str) or not text:
        return b"" if _is_empty(content, response) else None
    if content.get("encoding") != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        chunks = json.loads(text) if _is_chunked(content) else [text]
    except ValueError as error:
        raise CaptureError(f"its body is not a list of chunks: {error}") from error
    return b"".join(decode_base64(chunk, "its body") for chunk in chunks)


def _is_chunked(content: Mapping[str, JSON]) -> bool:
    """Return whether a packed body stands there as a list of its chunks, as Polly.js writes it."""
    text = content.get("text")
    return content.get("encoding") == "base64" and isinstance(text, str) and text.startswith("[")


def _is_empty(content: Mapping[str, JSON], response: Mapping[str, JSON]) -> bool:
    """Return whether the answer had no body: by its status or its length. bodySize is 0 for a body from a cache, too."""
    if parse_status(response.get("status")) in WITHOUT_BODY:
        return True
    headers = parse_headers(response.get("headers")) or ()
    length = next((value.strip() for name, value in headers if name.lower() == "content-length"), None)
    return length == "0" and content.get("size") in (0, None)


_ABORTED = ("_error", "_failureText", "_errorText")


def _describe_abort(entry: Mapping[str, JSON], response: Mapping[str, JSON]) -> str:
    """Return the exporter's words for an exchange that was aborted; an empty string if it was not."""
    marks = (holder.get(name) for holder in (response, entry) for name in _ABORTED)
    return next((str(mark)[:200] for mark in marks if mark), "")
