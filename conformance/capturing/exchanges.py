"""Turns a recorded entry into an exchange that checks can read, with its address, its keys masked, and what was not recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from conformance.capturing.addresses import UNKNOWN_HOST, Address, parse_address
from conformance.capturing.endings import has_promised_length, is_cut, is_end_known, unchunk
from conformance.capturing.entry import WITHOUT_BODY, Pairs, RecordedEntry
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
from conformance.keys.masking import mask_exchange
from conformance.keys.secrets import Key
from conformance.model import CAPTURED, Exchange, Failure, Limits, Piece, Request
from conformance.wire.encoding import GZIP_MAGIC, DecodedBody, decode_body, list_codings, looks_plain
from conformance.wire.jsontext import read_json

_KEY_WAYS = {"x-goog-api-key": "x-goog-api-key", "authorization": "bearer", "x-api-key": "x-api-key"}


@dataclass(frozen=True)
class CapturedExchange:
    """An exchange as read from a recording: its address, the keys in it, and a short description of what is missing."""

    address: Address
    exchange: Exchange
    keys: tuple[Key, ...] = ()
    cookies: tuple[Key, ...] = ()
    missing: str = ""
    place: str = ""  # the file, and where in it


def find_address(entry: RecordedEntry, url: str | None) -> Address | None:
    """Return what an entry asked for; `url` is used if the address was not recorded."""
    asked = entry.url or url
    if asked is None:
        return None
    host = entry.request_header("host") or entry.request_header(":authority")
    address = parse_address(asked, entry.verb, host)
    lists_models = entry.body is not None and re.search(rb'"models"\s*:', entry.body[:4096]) is not None
    return address if address is None or address.certain or lists_models else None


def make_exchange(entry: RecordedEntry, address: Address) -> CapturedExchange:
    """Return the exchange that an entry holds, with every key in it masked; it has no name of its own yet."""
    entry = unchunk(entry)
    pieces = _cut_pieces(entry)
    exchange = Exchange(
        provider="recording",
        probe=CAPTURED,
        attempt=1,
        request=Request(
            entry.verb.upper(),
            address.path,
            drop_secret_headers(entry.request_headers or ()),
            entry.request_body or b"",
            _find_key_way(entry, address),
        ),
        expected={},
        status=entry.status,
        http_version="",
        headers=entry.headers or (),
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
    opened, streamed = decode_body(exchange, Limits()), address.method == "streamGenerateContent"
    missing = _describe_missing(entry, opened, streamed=streamed)
    if missing:
        failure = Failure("cancelled", f"an exchange {missing}")
        exchange = replace(exchange, failure=failure, end_known=False)
    else:
        exchange = replace(exchange, end_known=is_end_known(entry, opened.body, streamed=streamed))
    return _mask_entry(exchange, entry, address, missing)


def _find_key_way(entry: RecordedEntry, address: Address) -> str:
    """Return how the request carried its key, as far as it was recorded."""
    names = {name.lower() for name, _ in entry.request_headers or ()}
    found = next((way for name, way in _KEY_WAYS.items() if name in names), None)
    return found or ("query-key" if address.secrets else "configured")


def _cut_pieces(entry: RecordedEntry) -> tuple[Piece, ...]:
    """Cut the body into the pieces in which it arrived, if these were recorded and add up."""
    body = entry.body or b""
    ends = [*accumulate(length for _, length in entry.pieces)]
    if body and ends[-1:] == [len(body)]:
        starts = [0, *ends]
        return tuple(
            Piece(ms, body[start:end])
            for (ms, _), start, end in zip(entry.pieces, starts, ends, strict=False)
        )
    return (Piece(0.0, body),) if body else ()


# --- what was recorded, and what was not ---


def _settle_encoding(exchange: Exchange, entry: RecordedEntry) -> Exchange:
    """Return whether Content-Encoding was undone, as the recorder says or the bytes show."""
    if entry.decoded is not None:
        return replace(exchange, decoded=entry.decoded)
    body, declared = exchange.body[:64], bool(list_codings(exchange))
    # Bytes without the header that declares them packed: the recorder keeps few headers.
    if body.startswith(GZIP_MAGIC) and not declared and not exchange.headers_complete:
        exchange = replace(exchange, headers=(*exchange.headers, ("Content-Encoding", "gzip")))
    return replace(exchange, decoded=declared and looks_plain(body))


def _drop_false_length(exchange: Exchange) -> Exchange:
    """Drop a Content-Length that the recorder's changes to the body made wrong."""
    stated = (exchange.header("content-length") or "").strip()
    if not stated.isdecimal() or len(stated) > 15:
        return exchange
    if int(stated) == len(exchange.body) and not exchange.reserialised:
        return exchange
    kept = tuple(pair for pair in exchange.headers if pair[0].lower() != "content-length")
    return replace(exchange, headers=kept, headers_complete=False)


def _describe_missing(entry: RecordedEntry, opened: DecodedBody, *, streamed: bool) -> str:
    """Return what is missing from an answer; an empty string if it is complete as far as can be seen."""
    if entry.status is None:
        return "without a recorded status"
    if entry.body is None and entry.status not in WITHOUT_BODY:
        return "without a recorded body"
    if opened.failure is not None and opened.failure.kind == "encoding":
        return "in a content coding that cannot be decoded here"
    body = opened.body
    short = entry.size is not None and len(body) < entry.size and (streamed or not read_json(body).ok)
    if short or entry.ended or (not has_promised_length(entry) and is_cut(body, streamed=streamed)):
        return "with a body that was recorded in part"
    return ""


# --- keys ---


def _list_headers(entry: RecordedEntry) -> Pairs:
    return (*(entry.request_headers or ()), *(entry.headers or ()))


def _list_texts(entry: RecordedEntry, exchange: Exchange) -> Iterator[bytes]:
    """Yield every text of an exchange that may contain a key."""
    yield (entry.url or "").encode("utf-8", "surrogatepass")
    yield entry.request_body or b""
    yield exchange.body
    if list_codings(exchange) and not exchange.decoded:
        yield decode_body(exchange, Limits()).body
    for name, value in _list_headers(entry):
        if not is_secret_header(name):
            yield value.encode("utf-8", "surrogatepass")


def _mask_entry(exchange: Exchange, entry: RecordedEntry, address: Address, missing: str) -> CapturedExchange:
    headers = _list_headers(entry)
    values = [*address.secrets, *find_keys_in_headers(pair for pair in headers if not is_cookie(pair[0]))]
    values += [value for text in _list_texts(entry, exchange) for value in find_keys_by_shape(text)]
    keys = make_keys(values)
    cookies = make_keys(find_keys_in_headers(pair for pair in headers if is_cookie(pair[0])))
    return CapturedExchange(
        address, mask_captured_exchange(exchange, (*keys, *cookies)), keys, cookies, missing
    )


def mask_own_exchange(exchange: Exchange) -> CapturedExchange:
    """Return an exchange of our own recording, masked once more, since others may have changed it."""
    request = exchange.request
    entry = RecordedEntry(
        "", request.path, request.verb, request.headers, request.body, headers=exchange.headers
    )
    address = parse_address(request.path, "POST") or parse_address(request.path, "GET")
    address = address or Address(UNKNOWN_HOST, f"https://{UNKNOWN_HOST}", request.path, "", "", ())
    return _mask_entry(exchange, entry, address, "")


def mask_captured_exchange(exchange: Exchange, keys: Sequence[Key]) -> Exchange:
    """Return an exchange in which every key is masked, in the request as well; compressed bodies are decompressed first."""
    exchange = replace(exchange, headers=mask_secret_headers(exchange.headers))
    if not keys:
        return exchange
    keyring = RecordedKeyring(tuple(keys))
    request = replace(
        exchange.request,
        path=keyring.mask(exchange.request.path),
        headers=tuple((keyring.mask(name), keyring.mask(value)) for name, value in exchange.request.headers),
        body=keyring.mask_bytes(exchange.request.body),
    )
    return replace(mask_exchange(exchange, keyring, Limits()), request=request, masked=exchange.masked)
