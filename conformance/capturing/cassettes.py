"""Cassettes of vcrpy and of VCR for Ruby, as YAML or as JSON."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.capturing.addresses import is_of_interest
from conformance.capturing.entry import (
    CaptureError,
    Entries,
    RecordedEntry,
    SkippedEntry,
    decode_base64,
    encode_body,
    is_printed_anew,
    parse_headers,
    parse_status,
)
from conformance.model import JSON

LARGEST = 64 * 1024 * 1024  # bytes
BodyReader = Callable[[Mapping[str, Any]], tuple[bytes | None, bool]]
"""Reads the body of a request or of an answer, and says whether it had to be printed anew."""


def load_json(data: bytes) -> JSON:
    """Return the value of a JSON text. Raises CaptureError."""
    try:
        value: JSON = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"is not readable JSON: {error}"[:300]) from error
    return value


def read_cassette(value: JSON) -> Entries:
    """Yield the interactions of a cassette, as loaded. Raises CaptureError if it is not one."""
    interactions, read_body = _list_interactions(value)
    for number, one in enumerate(interactions, 1):
        yield read_interaction(f"interaction {number}", one, read_body)


def _list_interactions(value: JSON) -> tuple[Sequence[Any], BodyReader]:
    """Return the interactions of a cassette, and how to read the bodies in them."""
    if isinstance(value, list):  # as VCR for PHP lists them
        return value, read_vcrpy_body
    members = value if isinstance(value, Mapping) else {}
    for name, read_body in (("http_interactions", _read_ruby_body), ("interactions", read_vcrpy_body)):
        if isinstance(found := members.get(name), list):
            return found, read_body
    requests, responses = members.get("requests"), members.get("responses")
    if isinstance(requests, list) and isinstance(
        responses, list
    ):  # as a serializer for vcrpy keeps them apart
        pairs = zip(requests, responses, strict=False)
        return [{"request": request, "response": response} for request, response in pairs], read_vcrpy_body
    raise CaptureError(
        "is not a cassette: it has neither `interactions` (vcrpy) nor `http_interactions` (VCR for Ruby)"
    )


def read_interaction(where: str, value: Any, read_body: BodyReader) -> RecordedEntry | SkippedEntry:
    """Return the exchange of one interaction; a SkippedEntry with the reason if it cannot be used."""
    request = value.get("request") if isinstance(value, Mapping) else None
    response = value.get("response") if isinstance(value, Mapping) else None
    if not isinstance(request, Mapping) or not isinstance(response, Mapping):
        return SkippedEntry(where, "is not a pair of request and response")
    url = request.get("uri") or request.get("url")
    if not isinstance(url, str):
        return SkippedEntry(where, "names no request")
    url, verb = (
        _complete_address(url, request.get("query_string")),
        str(request.get("method") or "POST").upper(),
    )
    if not is_of_interest(url):
        return RecordedEntry(where, url, verb)
    try:
        body, printed = read_body({**response, "uri": url})
        sent, _ = read_body(request)
        headers, received = parse_headers(request.get("headers")), parse_headers(response.get("headers"))
    except CaptureError as error:
        return SkippedEntry(where, str(error))
    return RecordedEntry(
        where,
        url,
        verb,
        headers,
        sent or None,
        _read_status(response),
        received,
        body=body,
        reserialised=printed,
        started_at=str(value.get("recorded_at") or ""),
    )


def _read_status(response: Mapping[str, Any]) -> int | None:
    status = response.get("status", response.get("status_code"))
    return parse_status(status.get("code") if isinstance(status, Mapping) else response.get("code", status))


# What google-genai's replays write for the address of Google's API and of Vertex.
_PREFIXES = {
    "{MLDEV_URL_PREFIX}": "https://generativelanguage.googleapis.com/v1beta",
    "{VERTEX_URL_PREFIX}": "https://aiplatform.googleapis.com/v1",
}


def _complete_address(url: str, query: Any) -> str:
    for short, prefix in _PREFIXES.items():
        url = f"{prefix}/{url.removeprefix(short).lstrip('/')}" if url.startswith(short) else url
    return f"{url}?{query}" if isinstance(query, str) and query and "?" not in url else url


_SINGLE_BYTES = re.compile(r"(?i)^(?:iso-8859-\d{1,2}|windows-125\d)$")


def read_vcrpy_body(message: Mapping[str, Any]) -> tuple[bytes | None, bool]:
    """Return a body that any of vcrpy's stubs and serializers wrote, and whether it was printed anew."""
    segments, packed = message.get("body_segments"), message.get("body_blob")
    if isinstance(segments, list):
        return _join_segments(segments, str(message.get("uri") or "")), True
    if isinstance(packed, str) and packed:
        return decode_base64(packed, "body_blob"), False
    body = message.get("body", message.get("content"))
    if isinstance(body, Mapping) and body.keys() & {"string", "base64_string"}:
        body = _unpack_body(body)
    for name in ("body_json", "parsed_body"):  # as several serializers keep JSON readable
        if message.get(name) is not None and (body is None or name == "body_json"):
            return encode_body(message[name]), True
    return encode_body(body), is_printed_anew(body)


def _join_segments(segments: Sequence[Any], url: str) -> bytes | None:
    """Return a body of which google-genai's replays keep only the JSON, one value for each chunk of a stream."""
    failed = any(isinstance(one, Mapping) and "error" in one for one in segments)
    if failed or ":streamGenerateContent" not in url:
        return encode_body(segments[0]) if segments else None
    if "alt=sse" not in url:
        return encode_body([*segments])
    return b"".join(b"data: " + (encode_body(one) or b"") + b"\r\n\r\n" for one in segments)


def _unpack_body(body: Mapping[str, Any]) -> Any:
    packed = body.get("base64_string")
    return body.get("string") if packed is None else decode_base64(packed, "base64_string")


def _read_ruby_body(message: Mapping[str, Any]) -> tuple[bytes | None, bool]:
    """Return a body in the bytes that it had: Ruby keeps the name of the encoding beside the text."""
    body = message.get("body")
    if not isinstance(body, Mapping):
        return encode_body(body), False
    text = _unpack_body(body)
    if not isinstance(text, str):
        return text if isinstance(text, bytes) else None, False
    encoding = str(body.get("encoding") or "UTF-8")
    if _SINGLE_BYTES.match(encoding):
        with contextlib.suppress(LookupError, UnicodeError):
            return text.encode(encoding), False
    return text.encode("utf-8", "surrogatepass"), False
