"""Turns a question into an address, headers and bytes. The key is added last, and never to what is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode, urlsplit

from conformance.config.addresses import is_loopback
from conformance.keys.secrets import VARIABLE, Key, make_bad_key
from conformance.model import LONGEST_PATH, Auth, Provider, Question, Request

EMBEDDED_KEY = "embedded-key"  # the key of the bundled servers, which is not a secret
JUNK = "junk"  # a Bearer token that no vendor accepts as a key
GOOGLE_PATH = "/v1beta/models/{model}"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AddressedRequest:
    """A request as it is sent. `request` is the part that may be recorded; `refused` says why the request must not be sent."""

    url: str
    headers: Headers
    request: Request
    refused: str = ""


@dataclass(frozen=True)
class _Credential:
    """How a request carries the key, and the name under which that is recorded."""

    name: str
    headers: Headers = ()
    query: tuple[tuple[str, str], ...] = ()


def address_question(
    provider: Provider, key: Key | None, question: Question, environ: Mapping[str, str], agent: str
) -> AddressedRequest:
    """Return a question as it goes over the wire. Sends and raises nothing: see `refused` for what must not be sent."""
    credential = _choose_credential(provider, key, question)
    path = build_path(provider, question)
    shown = _add_query(path, question.query)[:LONGEST_PATH]
    headers = merge_headers(_list_own_headers(question, agent), provider.headers.items(), question.headers)
    request = Request(question.verb, shown, headers, encode_body(question), credential.name)
    url = provider.base_url + _add_query(path, (*question.query, *credential.query))
    expanded, missing = _expand_variables(headers, environ)
    refused = missing or _find_refusal(provider, credential, path, url)
    return AddressedRequest(url, (*expanded, *credential.headers), request, refused)


def build_path(provider: Provider, question: Question) -> str:
    """Return the path below base_url; a model's name keeps slashes and colons, as clients send them."""
    template = question.path
    if template is None:
        template = GOOGLE_PATH + (f":{quote(question.method, safe='')}" if question.method else "")
    model = question.model if question.model is not None else provider.model
    return template.replace("{model}", quote(model, safe="/:@-._~"))


def fits_into_path(name: str) -> bool:
    """Return whether a name that a vendor gave can follow /v1beta/: short, printable, and without a step upwards."""
    return len(name) <= LONGEST_PATH // 8 and _stays_below_base_url(f"/{name}") and not set(name) & set("?# ")


def _stays_below_base_url(path: str) -> bool:
    """Return whether a path leads below base_url: printable, and without a step upwards in any spelling."""
    steps = unquote(path.partition("?")[0]).replace("\\", "/").split("/")
    return path.isprintable() and path.startswith("/") and not {".", ".."} & set(steps)


def encode_body(question: Question) -> bytes:
    """Return the bytes of the body: UTF-8 without needless escapes, or what the question gives as bytes."""
    if question.body is None:
        return b""
    return question.body if isinstance(question.body, bytes) else encode_json(question.body)


def encode_json(body: object) -> bytes:
    """Return JSON as clients write it; non-ASCII characters are escaped only if there is a lone surrogate."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def _list_own_headers(question: Question, agent: str) -> Headers:
    kind: Headers = (("Content-Type", "application/json"),) if question.body is not None else ()
    return (*kind, ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"), ("User-Agent", agent))


def merge_headers(*layers: Iterable[tuple[str, str]]) -> Headers:
    """Join layers of headers: a later layer takes the place of earlier headers of the same name."""
    found: Headers = ()
    for layer in map(tuple, layers):
        names = {name.lower() for name, _ in layer}
        found = (*(pair for pair in found if pair[0].lower() not in names), *layer)
    return found


def _add_query(path: str, query: tuple[tuple[str, str], ...]) -> str:
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query, quote_via=quote)}"


def _choose_credential(provider: Provider, key: Key | None, question: Question) -> _Credential:
    way = provider.auth.value if question.key == "configured" else question.key
    secret = key.value if key else EMBEDDED_KEY if provider.embedded else None
    if way == "bad":
        return _carry_key("bad", provider.auth.value, make_bad_key(secret))
    if way == "none" or secret is None:
        return _Credential("none")
    if way == "junk-bearer":
        both = (("x-goog-api-key", secret), ("Authorization", f"Bearer {JUNK}"))
        return _Credential(way, both)
    return _carry_key(way, way, secret)


def _carry_key(name: str, way: str, secret: str) -> _Credential:
    if way == Auth.QUERY_KEY:
        return _Credential(name, query=(("key", secret),))
    if way == Auth.BEARER:
        return _Credential(name, (("Authorization", f"Bearer {secret}"),))
    return _Credential(name, ((way, secret),))


def _expand_variables(headers: Headers, environ: Mapping[str, str]) -> tuple[Headers, str]:
    """Return headers with the values of variables, and the fault if a variable is missing (else an empty string)."""
    for name, value in headers:
        for variable in VARIABLE.findall(value):
            found = environ.get(variable, "")
            if not found or not (found.isascii() and found.isprintable()):
                return (
                    (),
                    f"headers.{name} needs the variable {variable}, which is not set or cannot be put into a header",
                )
    return tuple((name, VARIABLE.sub(lambda m: environ[m[1]], value)) for name, value in headers), ""


def _find_refusal(provider: Provider, credential: _Credential, path: str, url: str) -> str:
    """Return why a request must not be sent: it would carry the key to another host, or unencrypted."""
    if not provider.base_url:
        return "there is no address: the embedded server was not started"
    if (
        not _stays_below_base_url(path)
        or len(path) > LONGEST_PATH
        or urlsplit(url).netloc != urlsplit(provider.base_url).netloc
    ):
        return "the path leads outside base_url"
    carries = bool(credential.headers or credential.query)
    if carries and url.startswith("http:") and not is_loopback(url) and not provider.insecure_http:
        return "the key would be sent over http; use https, or set insecure_http: true"
    return ""
