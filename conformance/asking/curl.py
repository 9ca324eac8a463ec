"""A shell line that asks the same question again, with a variable in place of the key."""

from __future__ import annotations

import base64
import re
import shlex

from conformance.asking.addressing import EMBEDDED_KEY, JUNK
from conformance.capturing.addresses import UNKNOWN_HOST
from conformance.keys.secrets import VARIABLE, make_bad_key
from conformance.model import Auth, Provider, Request

_UNKNOWN_WAY = "configured"  # for a recorded request that shows no key
INLINE = 60_000  # characters; what is longer goes through a pipe, because arguments have a limit
_WITHOUT_EFFECT = (
    "accept",
    "accept-encoding",
    "user-agent",
)  # curl prints what it receives; it is not a modelled client
_SAFE = re.compile(r"[A-Za-z0-9._~:/?#@!&=+%,-]*")
_UNRECORDED = f"https://{UNKNOWN_HOST}"
_HOST = '"https://${HOST:?the recording does not name the host}"'  # the shell asks for it


def format_curl_line(request: Request, provider: Provider) -> str:
    """Return a line for a POSIX shell with curl and base64; nothing but the key's variable needs to be set.

    That is API_KEY where the provider names none; HOST is another one where a recording does not name the host. A body
    of printable text stands in the line, any other is carried as Base64. Neither .curlrc nor patterns in the address
    change what is sent. An embedded provider's base_url must be filled in by the caller.
    """
    literal = _quote_body(request.body)
    usual = "POST" if request.body else "GET"
    verb = "" if request.verb == usual else f"-X {shlex.quote(request.verb)}"
    parts = ["curl -q -sS -g -i -N", verb, _format_url(request, provider)]
    parts += [
        f"-H {_quote_with_variables(f'{name}: {value}')}"
        for name, value in request.headers
        if name.lower() not in _WITHOUT_EFFECT
    ]
    parts += [f"-H {_quote_with_variables(header)}" for header in _list_key_headers(request, provider)]
    if request.body:
        # Without the option curl adds a form's Content-Type of its own.
        typed = any(name.lower() == "content-type" for name, _ in request.headers)
        parts += ["" if typed else "-H Content-Type:", f"--data-binary {literal or '@-'}"]
    line = " ".join(part for part in parts if part)
    if literal is None:
        return f"printf %s {base64.b64encode(request.body).decode()} | base64 -d | {line}"
    return line


def _quote_body(body: bytes) -> str | None:
    """Return the body in quotes, or None if a terminal could change it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    plain = all(char.isprintable() or char == "\n" for char in text)
    return shlex.quote(text) if plain and len(text) <= INLINE and not text.startswith("@") else None


def _quote_with_variables(text: str) -> str:
    """Quote for the shell, which still expands ${NAME}."""
    if VARIABLE.search(text):
        return '"' + re.sub(r'[\\"`]|\$(?!\{[A-Za-z_]\w*\})', r"\\\g<0>", text) + '"'
    return _quote_verbatim(text)


def _quote_verbatim(text: str) -> str:
    """Quote for the shell so that it expands nothing: for text that may come from a vendor."""
    return text if text and _SAFE.fullmatch(text) and not re.search(r"[?#&!]", text) else shlex.quote(text)


def _find_secret(request: Request, provider: Provider) -> str:
    if request.key == "bad":
        return make_bad_key(None)
    named = f"${{{provider.key_env or 'API_KEY'}}}"
    return EMBEDDED_KEY if provider.embedded else named


def _format_url(request: Request, provider: Provider) -> str:
    """Return the address. Its path may contain a name from a vendor, so no variable in it is expanded."""
    url = provider.base_url + request.path
    host = _HOST if url.startswith(_UNRECORDED) else ""
    url = url.removeprefix(_UNRECORDED)
    if _find_way(request, provider) != Auth.QUERY_KEY:
        return host + _quote_verbatim(url)
    key = f"{'&' if '?' in url else '?'}key={_find_secret(request, provider)}"
    plain = _SAFE.fullmatch(url) and "!" not in url
    return host + (
        _quote_with_variables(url + key) if plain else _quote_verbatim(url) + _quote_with_variables(key)
    )


def _find_way(request: Request, provider: Provider) -> str:
    return provider.auth.value if request.key in ("bad", _UNKNOWN_WAY) else request.key


def _list_key_headers(request: Request, provider: Provider) -> list[str]:
    secret, way = _find_secret(request, provider), _find_way(request, provider)
    if way == "junk-bearer":
        return [f"x-goog-api-key: {secret}", f"Authorization: Bearer {JUNK}"]
    if way == Auth.BEARER:
        return [f"Authorization: Bearer {secret}"]
    return [] if way in ("none", Auth.QUERY_KEY) else [f"{way}: {secret}"]
