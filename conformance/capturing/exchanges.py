"""From an entry to an exchange that checks can read: addressed, keys masked, and said of it what was not recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.capturing.addresses import UNKNOWN_HOST, Address, parse_address
from conformance.capturing.endings import is_cut, is_end_known, is_promised, unchunk
from conformance.capturing.entry import RecordedEntry
from conformance.keys.found import (
    RecordedKeyring,
    drop_secret_headers,
    find_keys_by_shape,
    find_keys_in_headers,
    is_cookie,
    is_secret_header,
    make_keys,
    mask_secret_headers,
)
from conformance.keys.secrets import Key, Keyring
from conformance.model import CAPTURED, Exchange, Failure, Limits, Piece, Request
from conformance.wire.encoding import GZIP_MAGIC, decode_body, list_codings
from conformance.wire.jsontext import read_json

_PLAIN = re.compile(rb"^\s*(?:[\[{<\"]|data:|event:|: )")
_WITHOUT_BODY = (204, 205, 304)
NO_BODY = "without a recorded body"
CUT = "with a body that was recorded in part"
UNREADABLE = "in a content coding that cannot be decoded here"
_WAYS = (
    ("x-goog-api-key", "x-goog-api-key"),
    ("authorization", "bearer"),
    ("x-api-key", "x-api-key"),
)


@dataclass(frozen=True)
class CapturedExchange:
    """An exchange as read from a recording: whose it is, the keys in it, and in a few words what is missing of it."""

    address: Address
    exchange: Exchange
    keys: tuple[Key, ...] = ()
    cookies: tuple[Key, ...] = ()
    lacking: str = ""


def find_address(entry: RecordedEntry, url: str | None) -> Address | None:
    """Return what an entry asked for; `url` stands in where it was not recorded."""
    asked = entry.url or url
    if asked is None:
        return None
    address = parse_address(
        asked, entry.verb, entry.request_header("host") or entry.request_header(":authority")
    )
    if address is None or address.certain or _lists_models(entry):
        return address
    return None


def _lists_models(entry: RecordedEntry) -> bool:
    return entry.body is not None and re.search(rb'"models"\s*:', entry.body[:4096]) is not None


def make_exchange(entry: RecordedEntry, address: Address) -> CapturedExchange:
    """Return the exchange that an entry holds, with every key in it masked; it has no name of its own yet."""
    entry = unchunk(entry)
    headers = entry.headers or ()
    pieces = _cut_pieces(entry)
    exchange = Exchange(
        provider="recording",
        probe=CAPTURED,
        attempt=1,
        request=_build_request(entry, address),
        expected={},
        status=entry.status,
        http_version="",
        headers=headers,
        pieces=pieces,
        failure=None,
        started_at=entry.started_at[:64],
        headers_ms=None,
        ended_ms=pieces[-1].at_ms if pieces else 0.0,
        headers_complete=entry.headers_complete and entry.headers is not None,
        reserialised=entry.reserialised,
        timed=len(entry.pieces) > 1,
    )
    exchange = _drop_false_length(_settle_encoding(exchange, entry))
    streamed = address.method == "streamGenerateContent"
    lacking = _describe_missing(exchange, entry, streamed=streamed)
    if lacking:
        failure = Failure("cancelled", f"an exchange {lacking}")
        exchange = replace(exchange, failure=failure, end_known=False)
    else:
        body = decode_body(exchange, Limits()).body
        exchange = replace(exchange, end_known=is_end_known(entry, body, streamed=streamed))
    return _mask_entry(exchange, entry, address, lacking)


def _build_request(entry: RecordedEntry, address: Address) -> Request:
    headers = drop_secret_headers(entry.request_headers or ())
    return Request(
        entry.verb.upper(), address.path, headers, entry.request_body or b"", _find_key_way(entry, address)
    )


def _find_key_way(entry: RecordedEntry, address: Address) -> str:
    """Return how the request carried its key, as far as it was recorded."""
    names = {name.lower() for name, _ in entry.request_headers or ()}
    found = next((way for name, way in _WAYS if name in names), None)
    return found or ("query-key" if address.secrets else "configured")


def _cut_pieces(entry: RecordedEntry) -> tuple[Piece, ...]:
    """Cut the body as it arrived, where that was recorded and adds up."""
    body = entry.body or b""
    if not body:
        return ()
    if sum(length for _, length in entry.pieces) != len(body):
        return (Piece(0.0, body),)
    cut, at = [], 0
    for ms, length in entry.pieces:
        cut.append(Piece(ms, body[at : at + length]))
        at += length
    return tuple(cut)


# --- what was recorded, and what was not ---


def _settle_encoding(exchange: Exchange, entry: RecordedEntry) -> Exchange:
    """Say whether Content-Encoding was undone: the recorder says it, or the bytes show it."""
    if entry.decoded is not None:
        return replace(exchange, decoded=entry.decoded)
    body = exchange.body[:64]
    undone = bool(list_codings(exchange)) and _PLAIN.match(body) is not None
    # Bytes without the header that declares them packed: the recorder keeps few headers.
    packed = body.startswith(GZIP_MAGIC) and not list_codings(exchange) and not exchange.headers_complete
    if packed:
        exchange = replace(exchange, headers=(*exchange.headers, ("Content-Encoding", "gzip")))
    return replace(exchange, decoded=undone)


def _drop_false_length(exchange: Exchange) -> Exchange:
    """Drop a Content-Length that the recorder's changes to the body made wrong."""
    length = _stated_length(exchange)
    if length is None or (length == len(exchange.body) and not exchange.reserialised):
        return exchange
    kept = tuple(pair for pair in exchange.headers if pair[0].lower() != "content-length")
    return replace(exchange, headers=kept, headers_complete=False)


def _stated_length(exchange: Exchange) -> int | None:
    said = (exchange.header("content-length") or "").strip()
    return int(said) if said.isdecimal() and len(said) < 16 else None


def _describe_missing(exchange: Exchange, entry: RecordedEntry, *, streamed: bool) -> str:
    """Return what of the body is missing; an empty text where it is whole as far as can be told."""
    if entry.status is None:
        return "without a recorded status"
    if entry.body is None and entry.status not in _WITHOUT_BODY:
        return NO_BODY
    opened = decode_body(exchange, Limits())
    if opened.failure is not None and opened.failure.kind == "encoding":
        return UNREADABLE
    body = opened.body
    short = entry.size is not None and len(body) < entry.size and (streamed or not _is_json(body))
    if short or entry.ended or (not is_promised(entry) and is_cut(body, streamed=streamed)):
        return CUT
    return ""


def _is_json(body: bytes) -> bool:
    return read_json(body).ok


# --- keys ---


def _list_texts(entry: RecordedEntry, exchange: Exchange) -> Iterator[bytes]:
    yield (entry.url or "").encode("utf-8", "surrogatepass")
    yield entry.request_body or b""
    yield exchange.body
    if list_codings(exchange) and not exchange.decoded:
        yield decode_body(exchange, Limits()).body
    for name, value in (*(entry.request_headers or ()), *(entry.headers or ())):
        if not is_secret_header(name):
            yield value.encode("utf-8", "surrogatepass")


def _find_keys(entry: RecordedEntry, exchange: Exchange, address: Address) -> tuple[Key, ...]:
    headers = [*(entry.request_headers or ()), *(entry.headers or ())]
    values = [*address.secrets, *find_keys_in_headers(pair for pair in headers if not is_cookie(pair[0]))]
    values += [value for text in _list_texts(entry, exchange) for value in find_keys_by_shape(text)]
    return make_keys(values)


def _find_cookies(entry: RecordedEntry) -> tuple[Key, ...]:
    headers = [*(entry.request_headers or ()), *(entry.headers or ())]
    return make_keys(find_keys_in_headers(pair for pair in headers if is_cookie(pair[0])))


def _mask_entry(exchange: Exchange, entry: RecordedEntry, address: Address, lacking: str) -> CapturedExchange:
    keys, cookies = _find_keys(entry, exchange, address), _find_cookies(entry)
    return CapturedExchange(address, mask_exchange(exchange, (*keys, *cookies)), keys, cookies, lacking)


def mask_own_exchange(exchange: Exchange) -> CapturedExchange:
    """Return an exchange of our own recording, masked once more: it may have come a long way."""
    request = exchange.request
    entry = RecordedEntry(
        "", request.path, request.verb, request.headers, request.body, headers=exchange.headers
    )
    address = parse_address(request.path, "POST") or parse_address(request.path, "GET")
    address = address or Address(UNKNOWN_HOST, f"https://{UNKNOWN_HOST}", request.path, "", "", ())
    return _mask_entry(exchange, entry, address, "")


def mask_exchange(exchange: Exchange, keys: Sequence[Key]) -> Exchange:
    """Return an exchange in which every key is masked, in the request as well; packed bodies are unfolded for it."""
    exchange = replace(exchange, headers=mask_secret_headers(exchange.headers))
    if not keys:
        return exchange
    keyring = RecordedKeyring(tuple(keys))
    request = exchange.request
    sent = Request(
        request.verb,
        keyring.mask(request.path),
        tuple((keyring.mask(name), keyring.mask(value)) for name, value in request.headers),
        keyring.mask_bytes(request.body),
        request.key,
    )
    pieces, decoded = _mask_body(exchange, keyring)
    headers = tuple((name, keyring.mask(value)) for name, value in exchange.headers)
    return replace(exchange, request=sent, pieces=pieces, headers=headers, decoded=decoded)


def _mask_body(exchange: Exchange, keyring: Keyring) -> tuple[tuple[Piece, ...], bool]:
    if list_codings(exchange) and not exchange.decoded:
        opened = decode_body(exchange, Limits())
        inside, places = keyring.mask_pieces(opened.pieces)
        if places:
            return inside, True
    return keyring.mask_pieces(exchange.pieces)[0], exchange.decoded
