"""Schema, the vendor's own word: answers held against the page that describes them."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import NotJudged, check
from conformance.dialects.dialect import Dialect
from conformance.dialects.documented import DIFFERENT, find_departures, find_seen_fields
from conformance.dialects.shapes import load_reference, match_property
from conformance.judging.tries import generated_text
from conformance.judging.values import UNREADABLE, find_value_faults, locate
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Chunk, Reply, RuleInput
from conformance.sources import VENDORS_DOCUMENT

_REFERENCE = "google"  # the dialect that claims nothing of its own: the reference rules are its document
_MOST = 30


def _place(reply: Reply) -> str:
    return "chunk" if reply.streamed else "response"


def _owned(reply: Reply) -> set[str]:
    """Pointers of which the rule on types speaks already, whoever's word they break."""
    return {
        locate(reply, found.chunk, found.fault.keys)
        for found in find_value_faults(reply)
        if found.fault.wrong in UNREADABLE
    }


def _as_google(chunk: Chunk) -> bool:
    return chunk.unwrapped is not None and not chunk.unwrapped.path and not chunk.unwrapped.respellings


def _level(chunk: Chunk, pointer: str) -> Level | None:
    """How grave a departure is: a note where Google's own spelling stands there, None where another rule owns it."""
    name = match_property(load_reference().response, pointer.rpartition("/")[2])
    if name is None or name not in chunk.body:
        return None if name == "candidates" else Level.SHOULD
    return Level.NOTE if _as_google(chunk) else None


def _departures(dialect: Dialect, reply: Reply) -> Iterator[Location]:
    owned = _owned(reply)
    for chunk in reply.chunks:
        for pointer, expected, observed in find_departures(dialect, _place(reply), chunk.raw):
            at, level = reply.at(chunk, pointer), _level(chunk, pointer)
            if level is not None and at not in owned:
                yield Location(reply.id, at, expected, observed, level)


def _respelled(dialect: Dialect, reply: Reply) -> Iterator[Location]:
    """Fields that the page spells or places in its own way, and that came in Google's."""
    for chunk in reply.chunks:
        if _as_google(chunk):
            for pointer, how in find_seen_fields(dialect, _place(reply), chunk.raw).items():
                if how == DIFFERENT:
                    yield Location(
                        reply.id,
                        reply.at(chunk, pointer),
                        f"{pointer}, as documented",
                        "Google's form",
                        Level.NOTE,
                    )


@check(
    Level.SHOULD,
    VENDORS_DOCUMENT,
    basis=Basis.DOCUMENTED,
    usable=generated_text,
    documented=True,
)
def answers_as_documented(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Answers hold what the vendor's own page says, in the types it gives.

    Why: callers who write code from the vendor's page rely on it; where the answer follows Google instead, that is
    only noted.
    Breaks: code written from the page; Google's clients are not affected.
    Workaround: write code from what is shown here, and tell the vendor.
    """
    if seen.dialect.name == _REFERENCE or not seen.dialect.shapes.get("response"):
        yield NotJudged(Outcome.UNSUPPORTED, "the dialect describes no answer of its own")
        return
    found: dict[tuple[str, str], Location] = {}
    for reply in seen.replies:
        for location in (*_departures(seen.dialect, reply), *_respelled(seen.dialect, reply)):
            place = "".join(
                "*" if letter.isdigit() else letter for letter in location.pointer.partition("/")[2]
            )
            found.setdefault((place, location.observed), location)
    yield from list(found.values())[:_MOST]
