"""How long a vendor asks to wait: Retry-After in seconds or as a date, or google.rpc.RetryInfo in the body."""

from __future__ import annotations

import datetime as dt
import email.utils
import re

from conformance.model import Exchange, Limits
from conformance.wire.encoding import decode_body

LONGEST = 86_400.0  # seconds; asking for more than this amounts to asking never to be asked again
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
_RETRY_DELAY = re.compile(rb'"retry_?[dD]elay"\s{0,8}:\s{0,8}"(\d{1,9}(?:\.\d{1,9})?)s"')
_SEARCHED = 256 * 1024  # bytes of a body


def read_retry_after(exchange: Exchange, now: dt.datetime) -> float | None:
    """Return the seconds that the answer asks to wait, from 0 to a day, or None if it names no time.

    `now` must know its zone. The header is defined by RFC 9110 section 10.2.3; Google itself sends only RetryInfo. If both are
    there, the longer one counts.
    """
    said = [wait for wait in (_read_header(exchange, now), _read_body(exchange)) if wait is not None]
    return min(max(said), LONGEST) if said else None


def _read_header(exchange: Exchange, now: dt.datetime) -> float | None:
    value = (exchange.header("retry-after") or "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - now).total_seconds())


def _read_body(exchange: Exchange) -> float | None:
    body = decode_body(exchange, Limits(decoded_bytes=_SEARCHED)).body
    found = _RETRY_DELAY.search(body[:_SEARCHED])
    return float(found[1]) if found else None
