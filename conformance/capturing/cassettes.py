"""Cassettes of vcrpy and of VCR for Ruby, as YAML or as JSON.

YAML is read whole, with PyYAML's safe loader and less: no tag builds anything but text and bytes, no merge keys, no
dates, and a bounded number of aliases, which share what they name and so cost nothing.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from conformance.capturing.addresses import is_of_interest
from conformance.capturing.entry import (
    CaptureError,
    Entries,
    RecordedEntry,
    SkippedEntry,
    encode_body,
    parse_headers,
    parse_status,
)
from conformance.model import JSON

LARGEST = 64 * 1024 * 1024  # bytes
MOST_ALIASES = 20_000
_CORE = "tag:yaml.org,2002:"
_TEXTS = ("!str", f"{_CORE}python/unicode", f"{_CORE}python/str", "!ruby/string", "!ruby/sym", "!ruby/symbol")
_BYTES = ("!binary", f"{_CORE}binary", f"{_CORE}python/bytes")
_Reader = Callable[[str, Mapping[str, Any], Mapping[str, Any]], RecordedEntry]
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ALIAS = re.compile(r"(?m)(?:^|[\s\[{,:-])\*[A-Za-z0-9_]+\s*(?:$|[,\]}])")


class _Loader(_BASE):  # type: ignore[misc]  # libyaml's where PyYAML was built with it
    """Builds mappings, lists, texts, numbers and bytes, and nothing else."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse merge keys, which copy what they merge; take `=` for an ordinary key."""
        for key, _ in node.value:
            if key.tag == f"{_CORE}merge":
                raise yaml.constructor.ConstructorError(
                    None, None, "uses a YAML merge key, which no recorder writes", key.start_mark
                )
            if key.tag == f"{_CORE}value":
                key.tag = f"{_CORE}str"


def _construct_bytes(loader: Any, node: yaml.ScalarNode) -> bytes:
    try:
        return base64.b64decode(loader.construct_scalar(node))
    except (binascii.Error, ValueError) as error:
        raise yaml.constructor.ConstructorError(None, None, f"no Base64: {error}", node.start_mark) from error


def _construct_text(loader: Any, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _construct_number(loader: Any, node: yaml.ScalarNode) -> Any:
    """Return a number; the text where YAML takes something for a number that is none."""
    read = loader.construct_yaml_int if node.tag.endswith(":int") else loader.construct_yaml_float
    try:
        return read(node)
    except (ValueError, IndexError, OverflowError):
        return str(node.value)


def _refuse(_loader: Any, node: yaml.Node) -> None:
    tag = node.tag.removeprefix(_CORE)[:80]
    raise yaml.constructor.ConstructorError(
        None,
        None,
        f"the tag {tag!r} would build an object, which is refused; record without it",
        node.start_mark,
    )


for _tag in _TEXTS:
    _Loader.add_constructor(_tag, _construct_text)
for _tag in _BYTES:
    _Loader.add_constructor(_tag, _construct_bytes)
for _tag in (f"{_CORE}int", f"{_CORE}float"):
    _Loader.add_constructor(_tag, _construct_number)
_Loader.add_constructor(f"{_CORE}timestamp", _construct_text)
_Loader.add_constructor(None, _refuse)


def load_yaml(data: bytes) -> JSON:
    """Return the value of a YAML text. Raises CaptureError with the line of what is wrong."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CaptureError(f"{line}: is not UTF-8") from error
    if sum(1 for _ in _ALIAS.finditer(text)) > MOST_ALIASES:
        raise CaptureError(f"holds more than {MOST_ALIASES} aliases")
    try:
        value: JSON = yaml.load(text, _Loader)  # noqa: S506 - our own loader, safer than the safe one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise CaptureError(
            f"{mark.line + 1 if mark else 1}: {error.problem or 'is no YAML'}"[:300]
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise CaptureError(f"is not readable YAML: {' '.join(str(error).split())}"[:300]) from error
    return value


def load_json(data: bytes) -> JSON:
    """Return the value of a JSON text. Raises CaptureError."""
    try:
        value: JSON = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CaptureError(f"is not readable JSON: {error}"[:300]) from error
    return value


def read_cassette(value: JSON) -> Entries:
    """Yield the interactions of a cassette, as loaded. Raises CaptureError where it is none."""
    several, read = _list_interactions(value)
    for number, one in enumerate(several, 1):
        yield read_interaction(f"interaction {number}", one, read)


def _list_interactions(value: JSON) -> tuple[Sequence[Any], _Reader]:
    """Return the interactions of a cassette, and how to read one."""
    if isinstance(value, list):  # as VCR for PHP lists them
        return value, read_vcrpy
    members = value if isinstance(value, Mapping) else {}
    ruby, python = members.get("http_interactions"), members.get("interactions")
    if isinstance(ruby, list):
        return ruby, _read_ruby
    if isinstance(python, list):
        return python, read_vcrpy
    requests, responses = members.get("requests"), members.get("responses")
    if isinstance(requests, list) and isinstance(
        responses, list
    ):  # as a serializer for vcrpy keeps them apart
        pairs = zip(requests, responses, strict=False)
        return [{"request": request, "response": response} for request, response in pairs], read_vcrpy
    raise CaptureError(
        "is not a cassette: it has neither `interactions` (vcrpy) nor `http_interactions` (VCR for Ruby)"
    )


def read_interaction(where: str, value: Any, read: _Reader) -> RecordedEntry | SkippedEntry:
    """Return the exchange of one interaction; Skipped, with the reason, where it holds none."""
    request = value.get("request") if isinstance(value, Mapping) else None
    response = value.get("response") if isinstance(value, Mapping) else None
    if not isinstance(request, Mapping) or not isinstance(response, Mapping):
        return SkippedEntry(where, "is not a pair of request and response")
    url = request.get("uri") or request.get("url")
    if not isinstance(url, str):
        return SkippedEntry(where, "names no request")
    url = _complete_address(url, request.get("query_string"))
    if not is_of_interest(url):
        return RecordedEntry(where, url, str(request.get("method")))
    try:
        return read(where, {**request, "uri": url, "at": value.get("recorded_at")}, {**response, "uri": url})
    except CaptureError as error:
        return SkippedEntry(where, str(error))


# What google-genai's replays write for the address of Google's API and of Vertex.
_PREFIXES = {
    "{MLDEV_URL_PREFIX}": "https://generativelanguage.googleapis.com/v1beta",
    "{VERTEX_URL_PREFIX}": "https://aiplatform.googleapis.com/v1",
}


def _complete_address(url: str, query: Any) -> str:
    for short, prefix in _PREFIXES.items():
        url = f"{prefix}/{url.removeprefix(short).lstrip('/')}" if url.startswith(short) else url
    return f"{url}?{query}" if isinstance(query, str) and query and "?" not in url else url


def read_vcrpy(where: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> RecordedEntry:
    """Read one interaction of vcrpy, whichever of its stubs wrote it."""
    body, printed = _read_vcrpy_body(response)
    sent, _ = _read_vcrpy_body({**request, "uri": ""})  # a question is one value
    status = response.get("status", response.get("status_code"))
    return RecordedEntry(
        where,
        str(request["uri"]),
        str(request.get("method") or "POST").upper(),
        parse_headers(request.get("headers")),
        sent or None,
        parse_status(status.get("code") if isinstance(status, Mapping) else response.get("code", status)),
        parse_headers(response.get("headers")),
        body=body,
        reserialised=printed,
        started_at=str(request.get("at") or ""),
    )


def _read_vcrpy_body(message: Mapping[str, Any]) -> tuple[bytes | None, bool]:
    """Return a body and whether it was printed anew: `parsed_body` is how several serializers keep JSON readable."""
    segments, packed = message.get("body_segments"), message.get("body_blob")
    if isinstance(segments, list):
        return _join_segments(segments, str(message.get("uri") or "")), True
    if isinstance(packed, str) and packed:
        return _decoded(packed, "body_blob"), False
    body = message.get("body", message.get("content"))
    if message.get("body_json") is not None:
        return encode_body(message["body_json"])[0], True
    if isinstance(body, Mapping) and body.keys() & {"string", "base64_string"}:
        body = _unpack_body(body)
    if body is None and message.get("parsed_body") is not None:
        found, _ = encode_body(message["parsed_body"])
        return found, True
    return encode_body(body)


def _join_segments(segments: Sequence[Any], url: str) -> bytes | None:
    """Return a body of which google-genai's replays keep the JSON alone, one value for each chunk of a stream."""
    if ":streamGenerateContent" not in url or any(
        isinstance(one, Mapping) and "error" in one for one in segments
    ):
        return encode_body(segments[0])[0] if segments else None
    if "alt=sse" not in url:
        return encode_body([*segments])[0]
    return b"".join(b"data: " + (encode_body(one)[0] or b"") + b"\r\n\r\n" for one in segments)


def _unpack_body(body: Mapping[str, Any]) -> Any:
    packed = body.get("base64_string")
    return body.get("string") if packed is None else _decoded(packed, "base64_string")


def _decoded(packed: Any, name: str) -> bytes:
    try:
        return base64.b64decode(packed)
    except (binascii.Error, TypeError, ValueError) as error:
        raise CaptureError(f"its {name} is not valid Base64: {error}") from error


def _read_ruby(where: str, request: Mapping[str, Any], response: Mapping[str, Any]) -> RecordedEntry:
    status = response.get("status")
    return RecordedEntry(
        where,
        str(request["uri"]),
        str(request.get("method") or "post").upper(),
        parse_headers(request.get("headers")),
        _read_ruby_body(request.get("body")) or None,
        parse_status(status.get("code") if isinstance(status, Mapping) else status),
        parse_headers(response.get("headers")),
        body=_read_ruby_body(response.get("body")),
        started_at=str(request.get("at") or ""),
    )


def _read_ruby_body(body: Any) -> bytes | None:
    """Return a body in the bytes that it had: Ruby keeps the name of the encoding beside the text."""
    if not isinstance(body, Mapping):
        found, _ = encode_body(body)
        return found
    text = _unpack_body(body)
    if not isinstance(text, str):
        return text if isinstance(text, bytes) else None
    return _encode_text(text, str(body.get("encoding") or "UTF-8"))


_SINGLE_BYTES = re.compile(r"(?i)^(?:iso-8859-\d{1,2}|windows-125\d)$")


def _encode_text(text: str, encoding: str) -> bytes:
    if _SINGLE_BYTES.match(encoding):
        with contextlib.suppress(LookupError, UnicodeError):
            return text.encode(encoding)
    return text.encode("utf-8", "surrogatepass")
