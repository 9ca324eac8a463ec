"""Reads path, verb, query and credential of a request as Google's front end does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.embedded.errors import (
    Refused,
    bad_request_error,
    bearer_error,
    empty_not_found_error,
    invalid_key_error,
    missing_key_error,
    not_found_error,
)
from conformance.embedded.frames import SINGLE
from conformance.embedded.messages import Incoming
from conformance.embedded.style import Style

GENERATE, COUNT, LIST, GET, PREFLIGHT = "generate", "count", "list", "get", "preflight"
# Two slashes at the start, and v1alpha, are accepted as well.
_PATH = re.compile(
    r"//?(?P<version>v1|v1beta|v1alpha)/models(?:/(?P<model>[^/:]+)(?::(?P<method>[A-Za-z]+))?)?/?"
)
_SEGMENT_TOO_MANY = re.compile(r"//?(v1|v1beta|v1alpha)/models/[^/:]+(/[^/:]+)+:[A-Za-z]+")
_METHODS = {"generateContent": GENERATE, "streamGenerateContent": GENERATE, "countTokens": COUNT}
_QUERY = frozenset({
    "key", "access_token", "oauth_token", "alt", "$alt", "prettyPrint", "$prettyPrint", "fields", "$fields",
    "quotaUser", "callback", "$.xgafv", "upload_protocol", "uploadType",
})  # fmt: skip
_PAGING = frozenset({"pageSize", "pageToken", "page_size", "page_token"})
_NUMBERS = "enum-encoding=int"
_ALTS = ("json", "sse", "media", "proto")


@dataclass(frozen=True)
class RoutedRequest:
    """What a request asks for. `framing` is the answer's: single unless it streams."""

    what: str
    version: str = "v1beta"
    model: str = ""
    method: str = ""
    framing: str = SINGLE
    own_form: bool = False
    numbers: bool = False  # whether enums are sent as numbers

    @property
    def streams(self) -> bool:
        """Whether the answer is a stream."""
        return self.framing != SINGLE


def guess_request(incoming: Incoming, style: Style) -> RoutedRequest:
    """Return what a request seems to ask for, so that its refusal has the framing that it wants."""
    found = _PATH.fullmatch(incoming.path)
    return RoutedRequest(
        GENERATE, framing=_choose_framing(incoming.query, (found and found["method"]) or "", style)
    )


def route_request(incoming: Incoming, style: Style) -> RoutedRequest:
    """Return what a request asks for. Raises Refused: 404 for paths, methods and verbs that do not exist."""
    found = _PATH.fullmatch(incoming.path)
    if incoming.verb == "OPTIONS":
        return RoutedRequest(PREFLIGHT)
    if found is None:
        raise empty_not_found_error() if _SEGMENT_TOO_MANY.fullmatch(incoming.path) else not_found_error()
    asked = _route_method(incoming, found, style)
    _check_query(incoming.query, asked)
    return asked


def _route_method(incoming: Incoming, found: re.Match[str], style: Style) -> RoutedRequest:
    version, model, method = found["version"], found["model"] or "", found["method"] or ""
    if incoming.verb == "GET" and not method:
        return RoutedRequest(GET if model else LIST, version, model)
    if incoming.verb == "POST" and model and not method and style.own_form:
        return RoutedRequest(GENERATE, version, model, "generateContent", own_form=True)
    if incoming.verb != "POST" or method not in _METHODS:
        raise not_found_error()
    framing, numbers = (
        _choose_framing(incoming.query, method, style),
        _read_alt(incoming.query)[1] == _NUMBERS,
    )
    return RoutedRequest(_METHODS[method], version, model, method, framing, numbers=numbers)


def _choose_framing(query: Mapping[str, str], method: str, style: Style) -> str:
    if method != "streamGenerateContent":
        return SINGLE  # alt=sse on a unary method changes nothing
    return style.framing if _read_alt(query)[0] == "sse" else style.framing_default


def _read_alt(query: Mapping[str, str]) -> tuple[str, str]:
    """Return the format that a query asks for, and its option (`$alt=json;enum-encoding=int`)."""
    form, _, option = query.get("$alt", query.get("alt", "json")).partition(";")
    return form, option


def _check_query(query: Mapping[str, str], asked: RoutedRequest) -> None:
    known = _QUERY | (_PAGING if asked.what == LIST else frozenset())
    unknown = [name for name in query if name not in known]
    if unknown:
        text = f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot bind query parameter. '
        raise bad_request_error([("", f"{text}Field '{unknown[0]}' could not be found in request message.")])
    form, option = _read_alt(query)
    if form not in _ALTS or option not in {"", _NUMBERS}:
        raise Refused(400, f"Invalid alt value: {';'.join(filter(None, (form, option)))}")


def read_credentials(incoming: Incoming) -> Mapping[str, str]:
    """Return the non-empty credentials of a request by the way that they are sent."""
    scheme, _, token = incoming.header("authorization").partition(" ")
    carried = {
        "bearer": token.strip() if scheme.lower() == "bearer" else "",
        "x-goog-api-key": incoming.header("x-goog-api-key"),
        "query-key": incoming.query.get("key", ""),
        "x-api-key": incoming.header("x-api-key"),
    }
    return {way: key for way, key in carried.items() if key}


def check_credentials(incoming: Incoming, style: Style, accepts_key: Callable[[str], bool]) -> None:
    """Accept a request with a valid key. Raises Refused as Google does.

    Authorization is checked first, so a junk token beside a valid key is refused; an API key is no such token,
    unless the style accepts it. Ways that the style does not know are ignored.
    """
    carried = read_credentials(incoming)
    if "bearer" in carried and not ("bearer" in style.auth and accepts_key(carried["bearer"])):
        raise invalid_key_error() if "bearer" in style.auth and len(carried) == 1 else bearer_error()
    keys = [carried[way] for way in style.auth if way in carried]
    if not keys:
        raise missing_key_error()
    if not accepts_key(keys[0]):
        raise invalid_key_error()
