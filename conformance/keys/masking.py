"""Masks every key in an exchange, wherever a server may have put it."""

from __future__ import annotations

from dataclasses import replace

from conformance.keys.secrets import Keyring
from conformance.model import Exchange, Limits
from conformance.wire.encoding import DecodedBody, decode_as_gzip, decode_body, list_codings, looks_compressed


def mask_exchange(exchange: Exchange, keyring: Keyring, limits: Limits) -> Exchange:
    """Return the exchange with every key masked: in its pieces, its headers and the description of its failure.

    A key inside a compressed body can only be masked in the decoded body, which is then kept instead; `decoded` is True.
    """
    if not keyring.keys:
        return exchange
    pieces, places = keyring.mask_pieces(exchange.pieces)
    opened = _decode_for_masking(exchange, limits)
    inside, found = keyring.mask_pieces(opened.pieces) if opened else ((), 0)
    if opened and found:
        exchange = replace(exchange, decoded=True, failure=exchange.failure or opened.failure)
        pieces, places = inside, found
    headers = tuple((keyring.mask(name), keyring.mask(value)) for name, value in exchange.headers)
    failure = exchange.failure and replace(exchange.failure, detail=keyring.mask(exchange.failure.detail))
    places += sum(before != after for before, after in zip(exchange.headers, headers, strict=True))
    return replace(exchange, pieces=pieces, headers=headers, failure=failure, masked=places)


def _decode_for_masking(exchange: Exchange, limits: Limits) -> DecodedBody | None:
    if exchange.decoded:
        return None
    if list_codings(exchange):
        return decode_body(exchange, limits)
    return decode_as_gzip(exchange.pieces, limits) if looks_compressed(exchange.pieces) else None
