"""Schema, the ids of answers: whether they hold the time, as all of Google's do."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from conformance.catalogue import Ground, check
from conformance.judging.habits import has_own_bytes
from conformance.judging.tries import generated_text
from conformance.judging.values import format_value
from conformance.model import Basis, Level, Location
from conformance.reading.reply import Reply, RuleInput

_APART = 120  # seconds between an id's clock and Date that were seen at Google
_CLOCK = 4  # bytes
# Google's first id was seen in May 2025. Far ahead no clock is right, and random bytes seldom fall between the two.
_PLAUSIBLE = (dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2040, 1, 1, tzinfo=dt.UTC))


def _id(reply: Reply) -> str:
    ids = (chunk.body.get("responseId") for chunk in reply.chunks)
    return next((id_ for id_ in ids if isinstance(id_, str) and id_), "")


def _clock(id_: str) -> dt.datetime | None:
    """Return the time in an id's first bytes, or None where they hold no time at which it can have been made."""
    try:
        data = base64.b64decode(id_ + "=" * (-len(id_) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    moment = dt.datetime.fromtimestamp(int.from_bytes(data[:_CLOCK], "little"), dt.UTC)
    return moment if len(data) > _CLOCK and _PLAUSIBLE[0] < moment < _PLAUSIBLE[1] else None


def _date(reply: Reply) -> dt.datetime | None:
    try:
        moment = parsedate_to_datetime(reply.exchange.header("date") or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _strange(reply: Reply) -> str:
    clock, date = _clock(_id(reply)), _date(reply)
    if clock is None:
        return "it contains no time"
    if date is None or abs((clock - date).total_seconds()) <= _APART:
        return ""
    return f"its clock says {clock:%Y-%m-%d %H:%M:%S}, Date says {date:%Y-%m-%d %H:%M:%S}"


@check(
    Level.NOTE,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    # Who prints the JSON anew may well mask the ids in it.
    usable=lambda reply: generated_text(reply) and bool(_id(reply)) and has_own_bytes(reply),
)
def response_ids_hold_the_time(seen: RuleInput) -> Iterator[Location]:
    """The id of an answer holds the time at which it was given.

    Why: 5,628 of 5,630 recorded ids from Google agree with the Date header to within two minutes. An id that holds no
    time, or another time, was invented or replayed on the way and cannot be looked up at Google; it proves nothing
    else. Only one such id is noted.
    Breaks: no client.
    Workaround: none needed.
    Source: [GenerateContentResponse.responseId] URL-safe base64 whose first four bytes are the time of the answer,
    little-endian.
    """
    for reply in seen.replies:
        said = _strange(reply)
        if said:
            wanted = "an id that holds the time of its answer"
            observed = f"invented or replayed id {format_value(_id(reply), 40)}: {said}"
            yield Location(reply.id, reply.at(reply.chunks[0], "/responseId"), wanted, observed)
            return
