"""Finds keys in other people's recordings, which no setting names, by where they are and by their form.

A header or a query parameter that carries a credential is known by its name; a key anywhere else by the form that its
issuer gives it. What is found becomes a `Key` like any other, so that masking and the last scan work with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

from conformance.keys.secrets import SHORTEST_KEY, Key, Keyring, merge_spans
from conformance.keys.spellings import Bytes, Span

MOST = 64  # keys that are looked for in every text of one provider; a recording holds one or two

# Headers whose value is a credential, or holds one. A name that only contains one of the words counts as well.
_COOKIES = frozenset({"cookie", "set-cookie", "cookie2", "set-cookie2"})
_HEADERS = _COOKIES | {"authorization", "proxy-authorization"}
_WORDS = re.compile(
    r"api[-_]?key|goog-api-key|token(?!s)|secret|password|session[-_]?id|signature", re.IGNORECASE
)
_PARAMETERS = re.compile(
    r"^(?:.*[-_.])?(?:key|api[-_]?key|token|access[-_]?token|id[-_]?token|auth|secret|password|sig|signature"
    r"|session[-_]?id|code)$",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    rb"(?<![A-Za-z0-9_-])(?:"
    rb"AIza[A-Za-z0-9_-]{16,}"  # Google's API keys
    rb"|AQ\.[A-Za-z0-9_-]{20,}"  # Google's newer ones
    rb"|ya29\.[A-Za-z0-9._-]{8,}"  # Google's access tokens
    rb"|1//0[A-Za-z0-9_-]{20,}"  # Google's refresh tokens
    rb"|(?:sk|pk|rk)-[A-Za-z0-9_-]{12,}"  # what most resellers hand out
    rb"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # JSON Web Tokens
    rb"|gh[pousr]_[A-Za-z0-9]{20,}"
    rb"|xox[abprs]-[A-Za-z0-9-]{10,}"
    rb"|AKIA[A-Z0-9]{16}"
    rb")"
)
_BEARER = re.compile(rb"(?i)\b(?:bearer|basic)(?:\s|%20|\+)+([A-Za-z0-9._~+/-]{8,}=*)")
_QUERY = re.compile(rb"(?i)[?&](?:key|api[-_]?key|access_token|token)=([^&\s\"'<>\\]{8,})")
# Placeholders that recorders write in place of a key. They are not secret, and occur in texts that are not about keys.
_PLACEHOLDER = re.compile(
    r"redact|filter|placeholder|dummy|masked|hidden|removed|scrubbed|sanitiz|your[-_ ]|x{5,}|\*{3,}|^<.*>$|^[-_.\d]*$",
    re.IGNORECASE,
)


def is_secret_header(name: str) -> bool:
    """Return whether a header of that name carries a credential."""
    return name.lower() in _HEADERS or _WORDS.search(name) is not None


def is_cookie(name: str) -> bool:
    """Return whether a header of that name carries cookies."""
    return name.lower() in _COOKIES


def is_secret_parameter(name: str) -> bool:
    """Return whether a query parameter of that name carries a credential."""
    return _PARAMETERS.match(name) is not None


def find_keys_in_headers(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the credentials in headers that carry one; of a cookie its value, of a scheme what follows it."""
    for name, value in headers:
        if is_secret_header(name):
            yield from _split_value(name.lower(), value)


def _split_value(name: str, value: str) -> Iterator[str]:
    if name in _COOKIES:
        parts = value.split(";") if name.startswith("cookie") else value.split(";")[:1]
        yield from (part.partition("=")[2].strip().strip('"') for part in parts)
        return
    scheme, _, rest = value.strip().partition(" ")
    yield rest.strip() if rest and scheme.isalpha() else value.strip()


def find_keys_in_query(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the credentials in the parameters of a query."""
    yield from (value for name, value in pairs if is_secret_parameter(name))


def find_keys_by_shape(data: bytes) -> Iterator[str]:
    """Yield every part of a text that has the form of a credential."""
    for match in _SHAPES.finditer(data):
        yield match[0].decode("ascii")
    for pattern in (_BEARER, _QUERY):
        for match in pattern.finditer(data):
            yield unquote(match[1].decode("ascii", "ignore"))


class RecordedKeyring(Keyring):
    """The keys that were found in a recording, and every other text in the form of a key."""

    def find_spans(self, data: Bytes) -> list[Span]:
        """Return where any key, or any text in the form of one, stands in `data`."""
        shaped = (match.span() for match in _SHAPES.finditer(data))
        return merge_spans((*super().find_spans(data), *shaped))


def make_keys(values: Iterable[str], most: int = MOST) -> tuple[Key, ...]:
    """Return distinct values as keys, at most `most`; short ones and placeholders, which protect nothing, are left out."""
    found: dict[str, None] = {}
    for value in values:
        for one in dict.fromkeys((value, unquote(value))):
            if len(one) >= SHORTEST_KEY and not _PLACEHOLDER.search(one):
                found[one] = None
    return tuple(Key("the recording", value) for value in list(found)[:most])


def drop_secret_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers of a request without those that carry a credential."""
    return tuple((name, value) for name, value in headers if not is_secret_header(name))


def mask_secret_headers(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the headers of an answer, the values of those that carry a credential replaced by a mask."""
    return tuple((name, "[key]" if is_secret_header(name) else value) for name, value in headers)
