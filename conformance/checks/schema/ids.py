"""The ids of answers: each answer has its own id, which contains the time of the answer, as Google's ids do."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from conformance.catalogue import Ground, check
from conformance.judging.contents import is_model_answer
from conformance.judging.habits import has_original_bytes
from conformance.judging.locations import format_value
from conformance.model import Basis, Level, Location
from conformance.reading.reply import Reply, RuleInput


@check(
    Level.NOTE,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    usable=lambda reply: is_model_answer(reply) and reply.exchange.failure is None and reply.error is None,
    formerly=("schema/names-each-response",),
)
def response_ids_are_unique(seen: RuleInput) -> Iterator[Location]:
    """Each answer has a responseId that no other answer has.

    Why: responseId tells answers apart in logs and support cases.
    Breaks: no client that was measured.
    Workaround: number the answers yourself.
    Source: [GenerateContentResponse.responseId] It identifies one response.
    """
    known: dict[str, Reply] = {}
    for reply in seen.replies:
        id_ = next((found for chunk in reply.chunks if (found := chunk.body.get("responseId"))), None)
        if id_ is None:
            yield Location(reply.id, "/responseId", "an id", "absent")
        if not isinstance(id_, str):
            continue
        earlier = known.setdefault(id_, reply)
        # Files of different recorders often hold the same exchange.
        recorded_twice = reply.exchange.captured and reply.exchange.body == earlier.exchange.body
        if earlier is not reply and not recorded_twice and not reply.exchange.failure:
            yield Location(reply.id, "/responseId", "another id in each answer", f"{id_} as in {earlier.id}")


_APART = 120  # seconds between an id's clock and Date that were seen at Google
_CLOCK = 4  # bytes
# Google's first id was seen in May 2025; no right clock is far ahead, and random bytes seldom fall in between.
_PLAUSIBLE = (dt.datetime(2025, 1, 1, tzinfo=dt.UTC), dt.datetime(2040, 1, 1, tzinfo=dt.UTC))


def _read_id(reply: Reply) -> str:
    ids = (chunk.body.get("responseId") for chunk in reply.chunks)
    return next((id_ for id_ in ids if isinstance(id_, str) and id_), "")


def _read_clock(id_: str) -> dt.datetime | None:
    """Return the time in an id's first bytes; None if the id cannot have been made at that time."""
    try:
        data = base64.b64decode(id_ + "=" * (-len(id_) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    moment = dt.datetime.fromtimestamp(int.from_bytes(data[:_CLOCK], "little"), dt.UTC)
    return moment if len(data) > _CLOCK and _PLAUSIBLE[0] < moment < _PLAUSIBLE[1] else None


def _read_date(reply: Reply) -> dt.datetime | None:
    try:
        moment = parsedate_to_datetime(reply.exchange.header("date") or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _describe_wrong_clock(reply: Reply) -> str:
    """Say how the time in the id is wrong; "" if it is right."""
    clock, date = _read_clock(_read_id(reply)), _read_date(reply)
    if clock is None:
        return "it contains no time"
    if date is None or abs((clock - date).total_seconds()) <= _APART:
        return ""
    return f"its clock says {clock:%Y-%m-%d %H:%M:%S}, Date says {date:%Y-%m-%d %H:%M:%S}"


@check(
    Level.NOTE,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    # A recorder that prints the JSON anew may mask the ids in it.
    usable=lambda reply: is_model_answer(reply) and bool(_read_id(reply)) and has_original_bytes(reply),
)
def response_ids_hold_the_time(seen: RuleInput) -> Iterator[Location]:
    """An answer's id contains the time of the answer.

    Why: 5,628 of 5,630 recorded ids from Google agree with the Date header to within two minutes. An id that holds no
    time, or a different time, was invented or replayed on the way and cannot be looked up at Google; it proves nothing
    else. At most one such id is reported, as a note.
    Breaks: no client.
    Workaround: none needed.
    Source: [GenerateContentResponse.responseId] It identifies one response. Its form is not documented; in recordings
    it is URL-safe base64 that begins with the time in four bytes, little-endian.
    """
    for reply in seen.replies:
        if said := _describe_wrong_clock(reply):
            wanted = "an id that holds the time of its answer"
            observed = f"invented or replayed id {format_value(_read_id(reply), 40)}: {said}"
            yield Location(reply.id, reply.at(reply.chunks[0], "/responseId"), wanted, observed)
            return
