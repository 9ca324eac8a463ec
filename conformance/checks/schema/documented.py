"""Compares answers with the vendor's own page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.catalogue import NotJudged, check
from conformance.dialects.dialect import Dialect
from conformance.dialects.documented import DIFFERENT, find_departures, find_seen_fields
from conformance.dialects.shapes import load_reference, match_property
from conformance.judging.contents import is_model_answer
from conformance.judging.locations import locate
from conformance.judging.values import UNREADABLE, find_value_faults
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Chunk, Reply, RuleInput
from conformance.sources import VENDORS_DOCUMENT

_REFERENCE = "google"  # the dialect without claims of its own: the reference rules are its document
_MOST = 30


def _is_in_googles_form(chunk: Chunk) -> bool:
    return chunk.unwrapped is not None and not chunk.unwrapped.path and not chunk.unwrapped.respellings


def _weigh_departure(chunk: Chunk, pointer: str) -> Level | None:
    """Return how grave a departure is: a note if the answer is spelled as Google does; None if other rules report it."""
    name = match_property(load_reference().response, pointer.rpartition("/")[2])
    if name is None or name not in chunk.body:
        return None if name == "candidates" else Level.SHOULD
    return Level.NOTE if _is_in_googles_form(chunk) else None


def _find_departures(dialect: Dialect, reply: Reply) -> Iterator[Location]:
    """Yield what departs from the page: wrong or missing fields, and fields that came in Google's form instead."""
    unreadable = {
        locate(reply, found.chunk, found.fault.keys)
        for found in find_value_faults(reply)
        if found.fault.wrong in UNREADABLE
    }
    place = "chunk" if reply.streamed else "response"
    for chunk in reply.chunks:
        for pointer, expected, observed in find_departures(dialect, place, chunk.raw):
            at, level = reply.at(chunk, pointer), _weigh_departure(chunk, pointer)
            if level is not None and at not in unreadable:
                yield Location(reply.id, at, expected, observed, level)
    for chunk in filter(_is_in_googles_form, reply.chunks):
        for pointer, how in find_seen_fields(dialect, place, chunk.raw).items():
            if how == DIFFERENT:
                wanted = f"{pointer}, as documented"
                yield Location(reply.id, reply.at(chunk, pointer), wanted, "Google's form", Level.NOTE)


@check(
    Level.SHOULD,
    VENDORS_DOCUMENT,
    basis=Basis.DOCUMENTED,
    usable=is_model_answer,
    documented=True,
    defers_to=(
        "casing/answers-in-camel-case",
        "envelope/gemini-object-at-root",
        "schema/has-a-candidate",
        "schema/values-have-googles-types",
    ),
)
def answers_as_documented(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Answers have the members that the vendor's own page documents, in the types it gives.

    Why: callers who write code from the vendor's page rely on it; an answer that follows Google instead is only
    noted.
    Breaks: code written from the vendor's page; Google's clients are not affected.
    Workaround: write code from what is shown here, and tell the vendor.
    """
    if seen.dialect.name == _REFERENCE or not seen.dialect.shapes.get("response"):
        yield NotJudged(Outcome.UNSUPPORTED, "the dialect describes no answers")
        return
    found: dict[tuple[str, str], Location] = {}
    for reply in seen.replies:
        for location in _find_departures(seen.dialect, reply):
            place = re.sub(r"\d", "*", location.pointer.partition("/")[2])
            found.setdefault((place, location.observed), location)
    yield from list(found.values())[:_MOST]
