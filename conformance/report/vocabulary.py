"""The vocabulary of every renderer: each state with its sign, its word, and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from conformance.clients.effects import VERDICTS
from conformance.comparing.compare import FIXED, GAINED, LOST, MORE, NEW, STILL
from conformance.model import Dimension

Entry = Mapping[str, Any]  # an object of results.json

DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        Dimension.CASING: "how names are spelt",
        Dimension.ENVELOPE: "what is wrapped around a reply",
        Dimension.STREAMING: "how a stream is framed, and whether it arrives while it is made",
        Dimension.SCHEMA: "which fields exist, and their types",
        Dimension.ERRORS: "status codes and bodies of refusals",
        Dimension.AUTH: "which ways of sending a key are accepted",
        Dimension.USAGE: "token counts, and so the bill",
        Dimension.SEMANTICS: "whether replies do what the request asked for",
        Dimension.TRANSPORT: "HTTP itself: headers, encodings, lengths",
        Dimension.ROUTES: "paths and methods",
    }
)


@dataclass(frozen=True)
class Sign:
    """A state: its key in results.json, its mark, its word, and what it means."""

    key: str
    mark: str
    word: str
    means: str


def _index_signs(*signs: Sign) -> Mapping[str, Sign]:
    return MappingProxyType({sign.key: sign for sign in signs})


LEVELS = _index_signs(
    Sign("must", "■", "must", "breaks Google's contract: a current client stops, or loses data silently"),
    Sign("should", "▲", "should", "wrong or unusual: some client, or the bill, suffers"),
    Sign("note", "○", "note", "worth knowing: Google does it too, or no client suffers"),
)
CELLS = _index_signs(
    Sign("known", "◇", "accepted", "a finding that providers.yaml accepts"),
    Sign("pass", "✓", "passes", "every rule that could be judged holds"),
    Sign("unjudged", "?", "not judged", "some rules could not be judged; this is not a pass"),
    Sign("unsupported", "∅", "not offered", "the vendor says that it lacks the feature"),
    Sign("nothing", "–", "not asked", "no rule in this column was tested"),
)
STATUSES = _index_signs(
    Sign("deviates", "■", "deviates", "departs from Google's contract or from the vendor's own document"),
    Sign(
        "partial",
        "½",
        "judged in part",
        "nothing was found, but too little was judged to call it conforming",
    ),
    Sign("conforms", "✓", "conforms", "every must and should holds"),
    Sign(
        "inconclusive",
        "?",
        "could not be judged",
        "the plain question never got a reply that could be judged",
    ),
    Sign("not-run", "–", "not run", "nothing was sent"),
)


def _client_sign(verdict: str, mark: str, means: str) -> Sign:
    return Sign(verdict, mark, VERDICTS[verdict], means)


CLIENTS = _index_signs(
    _client_sign("broken", "✕", "raises an exception, or loses or garbles the reply"),
    _client_sign("degraded", "◐", "works, but loses something"),
    _client_sign("works", "✓", "reads the replies as it reads Google's"),
    _client_sign("untested", "–", "no reply to judge it by"),
)
EFFECTS: Mapping[str, str] = MappingProxyType(
    {
        "silent-loss": "loses data silently",
        "raises": "stops with an exception",
        "garbled": "reads garbled data",
        "ignored": "ignores it",
    }
)
NOT_ASKED = "not asked"  # how a rule's reason begins where a recording holds nothing for it
OUTCOMES: Mapping[str, str] = MappingProxyType(
    {
        NOT_ASKED: "not asked: a recording contains only the questions that were asked",
        "blocked": "blocked: something that the rule depends on failed, and is reported above",
        "inconclusive": "inconclusive: rate limits, 5xx, time-outs or the network",
        "error": "error: a fault of the checker itself",
        "unsupported": "not offered, according to the vendor",
    }
)
UNJUDGED = frozenset({"blocked", "inconclusive", "error"})
TRAITS: Mapping[str, str] = MappingProxyType(
    {
        "response-casing": "Names in answers",
        "envelope": "Envelope",
        "stream-framing": "Stream, with alt=sse",
        "stream-framing-default": "Stream, without alt",
        "request-casing": "Names accepted in requests",
        "auth": "Key accepted as",
        "settings": "Generation settings",
        "error-shape": "Shape of errors",
    }
)
HEADLINE_TRAITS = ("response-casing", "envelope", "stream-framing")
COVERAGE: Mapping[str, str] = MappingProxyType(
    {
        "different": "seen, but not as documented",
        "never": "documented, never seen",
        "not-sent": "documented, not sent by this checker",
        "as-documented": "seen as documented",
        "sent": "sent",
    }
)
# The groups of a comparison of two runs, in the order in which they are shown.
COMPARISON_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        NEW: "New",
        MORE: "Seen with more generated bodies, so not counted as new",
        FIXED: "Fixed",
        STILL: "Still there",
        LOST: "No longer covered",
        GAINED: "Newly covered, and passing",
    }
)
EXITS: Mapping[int, str] = MappingProxyType(
    {
        0: "nothing new at or above --fail-on",
        1: "new findings at or above --fail-on, or accepted ones that no longer occur",
        2: "wrong command line or providers.yaml",
        3: "nothing new, but something could not be judged",
        130: "interrupted",
    }
)
CLAIMS = (
    "That a vendor is good, fast, cheap or honest: only its traffic was examined, at one time of one day.",
    "That a rule that passed always holds: each question was asked a few times, with one model and one key.",
    "That the replies come from the model that was asked for.",
    "That a client works in every respect: only how it reads the recorded replies was modelled.",
    "That a bundled server behaves as its vendor does: it answers as the vendor's document says.",
)


def explain_effect(reason: str) -> str:
    """Return `EFFECT: DETAIL` with the effect in words: `silent-loss: usage lost` is `loses data silently: usage lost`."""
    effect, colon, detail = reason.partition(": ")
    return f"{EFFECTS.get(effect, effect)}{colon}{detail}"


def format_value(found: Any, nothing: str) -> str:
    """Return a trait's value as text, several values with commas; `nothing` where there is none."""
    if found is None or found == []:
        return nothing
    if not isinstance(found, list):
        return str(found)
    return ", ".join(map(str, found))


def format_readings(found: Any, nothing: str) -> str:
    """Return what a document says about a trait as text, the readings of a contradictory page with slashes."""
    if not isinstance(found, list) or not found:
        return format_value(found, nothing)
    return " / ".join(format_value(reading, nothing) for reading in found)
