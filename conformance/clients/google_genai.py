"""How google-genai (Python) reads a response, at 3.4.0 and at 1.30.0.

It copies the camelCase names it knows into its own types, drops all others, and validates; how it cuts a stream
into objects differs between the two. Read in _api_client.py, errors.py, models.py (…_from_mldev), _common.py.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from conformance.clients.captured_response import (
    CapturedResponse,
    DecodedPieces,
    decode_body,
    shorten_line_breaks,
)
from conformance.clients.client_view import ClientView, Raised, ResponseView, call_once, iterate_stream
from conformance.clients.lax_types import Types
from conformance.model import JSON
from conformance.names import to_snake

_LOST_CONNECTION = "RemoteProtocolError: peer closed connection without sending complete message body"
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|(\\?)\Z)', re.DOTALL)  # group 1: the string is still open


@cache
def _load_version(number: str) -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("google_genai_types.json").read_text("utf-8"))
    return found[number]  # type: ignore[no-any-return] # the file has an object per version


@cache
def load_types(version: str) -> Types:
    """Return the response types of that version."""
    data = _load_version(version)
    return Types(data["models"], frozenset(data["finish_reasons"]))


@dataclass(frozen=True)
class Copy:
    """How one name is copied: to which field, and whether what it holds is copied name by name too.

    `each` iterates over the value first, as a list comprehension does, whatever the value is.
    """

    to: str
    names: Mapping[str, Copy] | None
    each: bool


@cache
def load_copies(version: str) -> Mapping[str, Copy]:
    """Return the names that the version copies from a response, in its order."""
    return _read_copies(_load_version(version)["copies"])


def _read_copies(data: Mapping[str, Any]) -> dict[str, Copy]:
    """Read names written as `name=field[]`, with `[]` for `each`; without a field, it is the name in snake_case."""
    found: dict[str, Copy] = {}
    for key, inner in data.items():
        name, _, field = key.removesuffix("[]").partition("=")
        names = None if inner is None else _read_copies(inner)
        found[name] = Copy(field or to_snake(name), names, key.endswith("[]"))
    return found


def _get_value(data: object, key: str) -> object:
    """get_value_by_path for one key: `key in data`, then `data[key]`, for whatever `data` is. Raises Raised."""
    if not data:
        return None
    if isinstance(data, dict):
        return data.get(key)
    if isinstance(data, list | str):
        if key in data:
            raise Raised(f"TypeError: {type(data).__name__} indices must be integers or slices, not str")
        return None
    raise Raised(f"TypeError: argument of type '{type(data).__name__}' is not iterable")


def _list_items(value: object) -> list[object]:
    if isinstance(value, list | str | dict):
        return list(value)
    raise Raised(f"TypeError: '{type(value).__name__}' object is not iterable")


def _copy_named(source: object, names: Mapping[str, Copy]) -> dict[str, object]:
    """Copy what is named and not null, under its new name; everything else is dropped silently."""
    target: dict[str, object] = {}
    for name, copy in names.items():
        value = _get_value(source, name)
        if value is None:
            continue
        if copy.each:
            target[copy.to] = [
                item if copy.names is None else _copy_named(item, copy.names) for item in _list_items(value)
            ]
        else:
            target[copy.to] = value if copy.names is None else _copy_named(value, copy.names)
    return target


@dataclass(frozen=True)
class Version:
    """What sets one version apart."""

    number: str
    lines: Callable[[CapturedResponse, DecodedPieces], list[str]]
    objects: Callable[[list[str], bool], Iterator[str]]


def _load_json(text: str, failure: str) -> object:
    """json.loads: NaN is fine, a BOM is not. `failure` is the exception for what is not JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        raise Raised(failure or f"JSONDecodeError: {fault}") from None
    except ValueError as fault:
        raise Raised(f"ValueError: {fault}") from None


def _view_answer(answer: object, version: Version) -> ResponseView:
    known = load_types(version.number)
    fields = cast(
        "dict[str, object]",
        known.read(_copy_named(answer, load_copies(version.number)), "GenerateContentResponse"),
    )
    candidates = cast("list[dict[str, object]]", fields.get("candidates") or [])
    usage = cast("dict[str, object]", fields.get("usage_metadata") or {})
    content = cast("dict[str, object]", candidates[0].get("content") or {}) if candidates else {}
    parts = cast("list[dict[str, object]]", content.get("parts") or [])
    texts = [
        part["text"] for part in parts if part.get("text") is not None and part.get("thought") is not True
    ]
    return ResponseView(
        text="".join(cast("list[str]", texts)),
        finish_reason=_get_finish_reason(candidates),
        total_tokens=cast("JSON", usage.get("total_token_count")),
        calls=sum(part.get("function_call") is not None for part in parts),
    )


def _get_finish_reason(candidates: list[dict[str, object]]) -> str | None:
    if not candidates:
        return "NOCAND"
    reason = candidates[0].get("finish_reason")
    return "None" if reason is None else f"FinishReason.{reason}"


def _find_charset(captured: CapturedResponse) -> str:
    """Return the charset that the Content-Type names, if Python knows it (httpx); else UTF-8."""
    found = re.search(r"charset\s*=\s*[\"']?([^\s;\"']+)", captured.content_type, re.IGNORECASE)
    try:
        return codecs.lookup(found[1]).name if found else "utf-8"
    except LookupError:
        return "utf-8"


def _refuse_status(captured: CapturedResponse, body: DecodedPieces) -> None:
    """Only 200 is a success (APIError.raise_for_response)."""
    if captured.status is None:
        raise Raised("ConnectError: no answer")
    if captured.status == 200:
        return
    name = {4: "ClientError", 5: "ServerError"}.get(captured.status // 100, "APIError")
    raise Raised(f"{name}: {captured.status} {body.whole[:200].decode('utf-8', 'replace')}")


def _read_unary(captured: CapturedResponse, version: Version) -> ResponseView:
    body = decode_body(captured)
    _refuse_status(captured, body)
    if body.broken:
        raise Raised(_LOST_CONNECTION)
    text = body.whole.decode(_find_charset(captured), "replace")
    return _view_answer(_load_json(text, "") if text else {}, version)


def _split_bytes(_captured: CapturedResponse, body: DecodedPieces) -> list[str]:
    """3.4.0: lines end at LF, CR, CRLF, and are UTF-8 whatever the header says."""
    return [line.decode("utf-8", "replace") for line in shorten_line_breaks(body.whole).splitlines()]


def _split_text(captured: CapturedResponse, body: DecodedPieces) -> list[str]:
    """1.30.0: httpx iter_lines, that is str.splitlines: U+2028, U+2029, U+0085, VT, FF end lines too."""
    return shorten_line_breaks(body.whole.decode(_find_charset(captured), "replace")).splitlines()


@dataclass(frozen=True)
class _RawState:
    """Lines that are not data, collected until their braces balance; `before` is the part of a string that is still open."""

    depth: int = 0
    before: str = ""

    def advance(self, line: str) -> _RawState:
        """Return the state after one more line: braces count outside strings only."""
        text = self.before + line
        *_, end = (None, *(found[1] for found in _STRING.finditer(text)))
        bare = _STRING.sub("", text)
        open_ = "" if end is None else '"' + end
        return _RawState(self.depth + bare.count("{") - bare.count("}"), open_)


def _split_objects_3(lines: list[str], whole: bool) -> Iterator[str]:  # noqa: FBT001 - one signature for both versions
    """3.4.0: `data: ` lines until an empty line; other lines until their braces balance outside strings."""
    data: list[str] = []
    raw: list[str] = []
    state = _RawState()
    for line in lines:
        if not line and data:
            yield "\n".join(data)
            data = []
        elif line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        elif line:
            raw.append(line)
            state = state.advance(line)
            if state.depth == 0:
                yield "".join(raw)
                raw, state = [], _RawState()
    if whole:
        yield from ("".join(raw) for _ in raw[:1])
        yield from ("\n".join(data) for _ in data[:1])


def _split_objects_1(lines: list[str], whole: bool) -> Iterator[str]:  # noqa: FBT001 - one signature for both versions
    """1.30.0: each `data: ` line is an object; other lines until their braces, also those in strings, balance."""
    raw: list[str] = []
    depth = 0
    for line in lines:
        if line.startswith("data: "):
            yield line.removeprefix("data: ")
        elif line:
            depth += line.count("{") - line.count("}")
            raw.append(line)
            if depth == 0:
                yield "".join(raw)
                raw = []
    if raw and whole:
        yield "".join(raw)


def _refuse_error(answer: object) -> None:
    """3.4.0: a chunk whose first member is `error` is raised, with its code; a strange code raises too."""
    if not isinstance(answer, dict) or next(iter(answer), None) != "error":
        return
    error = answer["error"]
    if not isinstance(error, dict):
        raise Raised(f"AttributeError: '{type(error).__name__}' object has no attribute 'get'")
    code = error.get("code")
    if not isinstance(code, int | float):
        raise Raised(f"TypeError: '<=' not supported between instances of 'int' and '{type(code).__name__}'")
    name = {4: "ClientError", 5: "ServerError"}.get(int(code // 100), "APIError")
    raise Raised(f"{name}: {code} {error.get('status')}. {answer}"[:300])


def _refuse_no_candidate(answer: object) -> None:
    """1.30.0 remembers `chunk.candidates[0]` of every chunk that has the list."""
    if isinstance(answer, dict) and answer.get("candidates") in ([], {}, ""):
        raise Raised("IndexError: list index out of range")


def _read_stream(captured: CapturedResponse, version: Version) -> Iterator[ResponseView]:
    body = decode_body(captured)
    _refuse_status(captured, body)
    lines = version.lines(captured, body)
    if body.broken and not body.whole.endswith((b"\n", b"\r")):
        lines = lines[:-1]  # it never ended
    for text in version.objects(lines, not body.broken):
        answer = _load_json(
            text, f"UnknownApiResponseError: Failed to parse response as JSON. Raw response: {text[:200]}"
        )
        if version.number == "3.4.0":
            _refuse_error(answer)
        view = _view_answer(answer, version)
        if version.number == "1.30.0":
            _refuse_no_candidate(answer)
        yield _drop_missing_reason(view)
    if body.broken:
        raise Raised(_LOST_CONNECTION)


def _drop_missing_reason(view: ResponseView) -> ResponseView:
    """Drop the words for a missing reason: a chunk without a reason says nothing about it."""
    if view.finish_reason in {"None", "NOCAND"}:
        return ResponseView(view.text, None, view.total_tokens, view.calls)
    return view


VERSION_3 = Version("3.4.0", _split_bytes, _split_objects_3)
VERSION_1 = Version("1.30.0", _split_text, _split_objects_1)


def read_3(captured: CapturedResponse, client: str) -> ClientView:
    """Read as 3.4.0 does."""
    return _read_response(captured, client, VERSION_3)


def read_1(captured: CapturedResponse, client: str) -> ClientView:
    """Read as 1.30.0 does."""
    return _read_response(captured, client, VERSION_1)


def _read_response(captured: CapturedResponse, client: str, version: Version) -> ClientView:
    if captured.streamed:
        return iterate_stream(client, _read_stream(captured, version))
    return call_once(client, lambda: _read_unary(captured, version))
