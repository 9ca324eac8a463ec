"""What an adapter has to do, trait by trait, so that code written for one side works with the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.judging.traits import REFERENCE
from conformance.model import JSON

REQUEST, ANSWER = "request", "answer"
Advice = Callable[[str, str], str]  # (before, after) -> what to do; empty where code keeps working

NONE = "none"
SPLIT = "split"
_AND = " + "
_BEST_FIRST = ("x-goog-api-key", "bearer", "x-api-key", "query-key")  # a key in an address ends up in logs
_SPELLED = {"camelCase": "lowerCamelCase", "snake_case": "snake_case"}
_HEADERS = {
    "x-goog-api-key": "x-goog-api-key: KEY",
    "bearer": "Authorization: Bearer KEY",
    "query-key": "?key=KEY in the address",
    "x-api-key": "x-api-key: KEY",
}
_READS = {
    "sse": "read server-sent events (data: and an empty line)",
    "json-array": "read the elements of one JSON array as they come",
    "ndjson": "read one JSON object per line",
    "single-json": "read one JSON object; nothing comes before the end",
}
_WRITES = {
    "sse": "hand each object on as data: {…} and an empty line, with Content-Type text/event-stream",
    "json-array": "hand the objects on as one JSON array",
    "ndjson": "hand each object on as a line of its own",
    "single-json": "hand on one object",
}
_SHAPES = {
    "google": "{error: {code, message, status}}",
    "openai": "{error: {message, type, code}}, where the code is a word",
    "code-message": "{code, message}",
    "string": "a bare text",
    "html": "an HTML page",
    "empty": "no body",
}


@dataclass(frozen=True)
class Aspect:
    """Advice on one trait: its label, whether it concerns requests or answers, what to do, and why it matters."""

    trait: str
    label: str
    way: str
    advice: Advice
    why: str


def _advise_settings(before: str, after: str) -> str:
    if after in ("both", before):
        return ""
    return {
        "nested": "put the settings inside generationConfig",
        "flat": "move the members of generationConfig to the top level of the request",
        "neither": "no setting takes effect: leave them out, and ask for the same in the prompt",
    }.get(after, "find out where a setting takes effect")


def _advise_request_casing(before: str, after: str) -> str:
    if after in ("both", before):
        return ""
    # `neither`: no setting took effect where Google has it, so that no spelling of it could.
    return f"write the names of a request in {_SPELLED[after]}" if after in _SPELLED else ""


def _advise_response_casing(before: str, after: str) -> str:
    wanted, came = _SPELLED.get(before, "lowerCamelCase"), _SPELLED.get(after)
    if came == wanted:
        return f"read every name of a reply in {wanted}: until now, some came in another casing"
    how = (
        f"from {came} to {wanted}"
        if came
        else f"to {wanted}: they come in another casing, or in several casings"
    )
    return (
        f"rename the members of a reply {how}, except inside functionCall.args, functionResponse.response and "
        "whatever else your users name themselves"
    )


def _advise_envelope(before: str, after: str) -> str:
    if after == NONE:
        how = "merging the two halves of a reply" if before == SPLIT else f"taking replies out of {before!r}"
        return f"stop {how}: everything is at the root"
    if after == SPLIT:
        return "merge what is inside the envelope with what is beside it into one object at the root"
    taken = f"take the Gemini object out of {after!r}"
    if before == SPLIT:
        return f"{taken}, which holds all of it: there are no two halves to merge"
    return taken if before == NONE else f"{taken}, and put it where it was: {before!r}"


def _advise_framing(before: str, after: str) -> str:
    return f"{_READS.get(after, 'find out how to read the stream')}; {_WRITES.get(before, 'hand the objects on')}"


def _advise_errors(before: str, after: str) -> str:
    return f"read errors as {_SHAPES.get(after, after)}; hand them on as {_SHAPES.get(before, before)}"


def advise_auth(before: str, after: str) -> str:
    """Return how to send the key from now on (ways joined by ` + `); empty where every way that worked still works."""
    old, new = (way.split(_AND) for way in (before, after))
    if set(old) <= set(new):
        return ""
    both = [way for way in old if way in new]
    if both:
        return f"{advise_key(both)}: both sides accept it"
    if new == [NONE]:
        return "ask the vendor how to send the key: no way was accepted"
    return advise_key(new)


def advise_key(ways: Sequence[str]) -> str:
    """Return the advice to send the key in the best of several ways; a header is better than the address."""
    best = min(ways, key=lambda way: _BEST_FIRST.index(way) if way in _BEST_FIRST else len(_BEST_FIRST))
    return f'send the key as "{_HEADERS.get(best, best)}"'


ASPECTS: tuple[Aspect, ...] = (
    Aspect("auth", "Key", REQUEST, advise_auth, "a key that is sent another way is refused"),
    Aspect("request-casing", "Names in requests", REQUEST, _advise_request_casing, "an unknown name is refused or ignored"),
    Aspect("settings", "Settings", REQUEST, _advise_settings, "settings in another place are refused, or ignored silently"),
    Aspect("stream-framing", "Stream, with alt=sse", ANSWER, _advise_framing, "clients parse one framing, and raise or find nothing in any other"),
    Aspect("stream-framing-default", "Stream, without alt", ANSWER, _advise_framing, "code that asks without alt=sse parses only one framing"),
    Aspect("envelope", "Envelope", ANSWER, _advise_envelope, "clients look for candidates at the root, and find nothing without an error"),
    Aspect("response-casing", "Names in answers", ANSWER, _advise_response_casing, "clients lose names in another spelling without an error"),
    Aspect("error-shape", "Errors", ANSWER, _advise_errors, "clients decide by status and message whether to retry"),
)  # fmt: skip


def advise_on_trait(aspect: Aspect, before: tuple[JSON, ...], after: tuple[JSON, ...]) -> str:
    """Return what to do about a trait whose readings differ; empty where there is nothing to do.

    An unknown `before` counts as Google's way; an unknown `after` can only be tried.
    """
    old = format_reading(before[0] if before else REFERENCE[aspect.trait])
    fresh = [format_reading(one) for one in after if one not in before]
    several = dict.fromkeys(aspect.advice(old, one) for one in fresh if one != old)
    return "; or, by the page's other reading: ".join(filter(None, several))


def format_reading(value: JSON) -> str:
    """Return one reading of a trait as text; a list (ways to send the key) is joined by ` + `."""
    return _AND.join(str(one) for one in value) or NONE if isinstance(value, list) else str(value)
