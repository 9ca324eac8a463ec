"""The values in an answer: each is of the JSON type that ProtoJSON gives its field, wherever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.catalogue import Ground, RequiredContent, check_each
from conformance.checks.schema.calls import SIGNATURE, holds_a_signature
from conformance.judging.contents import (
    as_list,
    is_answered,
    is_model_answer,
    iterate_candidates,
    iterate_parts,
)
from conformance.judging.habits import has_original_bytes
from conformance.judging.locations import format_value, locate, point_at
from conformance.judging.values import FaultInChunk, FaultKind, ValueFault, find_value_faults
from conformance.model import JSON, Basis, Level, Location
from conformance.reading.flavour import is_vertex_member
from conformance.reading.reply import Reply
from conformance.wire.jsontext import Odd

_MOST = 20


def _find_places(reply: Reply, *wrong: FaultKind) -> list[FaultInChunk]:
    """Return the first fault at each place, whatever the number of candidates or chunks that show it."""
    first: dict[str, FaultInChunk] = {}
    for found in find_value_faults(reply):
        if found.fault.wrong in wrong:
            first.setdefault(found.fault.place, found)
    return list(first.values())[:_MOST]


def _point_at_fault(reply: Reply, found: FaultInChunk, level: Level | None) -> Location:
    fault = found.fault
    return point_at(reply, found.chunk, fault.keys, fault.expected, format_value(fault.value), level)


def _is_harmless(fault: ValueFault) -> bool:
    """Return whether the value still has a clear meaning, and no current client fails on it."""
    kind, value = fault.shape.kind if fault.shape else "", fault.value
    if kind in ("integer", "number") and "usageMetadata" not in fault.keys:
        return isinstance(value, bool) or (isinstance(value, str) and _is_numeric(value))
    telling = fault.keys[-1] in ("thought", "blocked")
    return kind == "boolean" and not telling and value in ("true", "false", 0, 1)


def _is_numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@check_each(Level.MUST, basis=Basis.RECORDED, usable=is_answered)
def values_have_googles_types(reply: Reply) -> Iterator[Location]:
    """Every value in an answer has the JSON type that Google gives its field.

    Why: ProtoJSON fixes the type of each field: a 32-bit counter is a number, never a string or 4.5; finishReason is
    a name; thought is true or false; content is an object, parts a list, args an object.
    Breaks: google-genai raises a ValidationError and loses the whole answer on a fraction, a string for args or
    content, or an object for a list; the Vercel AI SDK refuses counters and booleans that are strings; JavaScript
    concatenates counters that are strings instead of adding them.
    Workaround: convert the values before the client sees the answer.
    Source: [ProtoJSON, representation of each type] Counters are JSON numbers, enums are names, bytes are base64,
    repeated fields are lists.
    """
    for found in _find_places(
        reply, FaultKind.TYPE, FaultKind.FRACTION, FaultKind.HOLE, FaultKind.RANGE, FaultKind.WHOLE_FLOAT
    ):
        wrong = found.fault.wrong
        mild = Level.SHOULD if wrong is FaultKind.RANGE or _is_harmless(found.fault) else None
        yield _point_at_fault(reply, found, Level.NOTE if wrong is FaultKind.WHOLE_FLOAT else mild)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    usable=is_answered,
    requires=RequiredContent(
        "no answer holds an image, a file or a thought signature",
        lambda reply: (
            holds_a_signature(reply) or any("inlineData" in part for _, _, part in iterate_parts(reply))
        ),
    ),
)
def bytes_are_base64(reply: Reply) -> Iterator[Location]:
    """Images, files and thought signatures are base64, not addresses or data URLs.

    Why: inlineData.data and thoughtSignature are bytes, which ProtoJSON writes as base64.
    Breaks: google-genai raises a ValidationError and loses the whole answer, even if the base64 was merely cut; other clients
    hand on a broken file, and the next turn is refused if a signature was altered.
    Workaround: fetch the file from the address, and replace the address with the file in base64.
    Source: [ProtoJSON, representation of each type] Bytes are written as standard base64 with padding; readers accept the
    URL-safe alphabet too.
    """
    for found in _find_places(reply, FaultKind.BASE64, FaultKind.URL_SAFE):
        # A recorder that printed the answer anew may have cut or masked bytes, but cannot have made an address.
        address = re.match(r"(https?|data|gs|file):", str(found.fault.value), re.IGNORECASE)
        own = not reply.exchange.reserialised or address
        yield _point_at_fault(
            reply, found, None if found.fault.wrong is FaultKind.BASE64 and own else Level.NOTE
        )


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=is_answered,
    requires=RequiredContent(
        "no answer holds a finish reason", lambda reply: reply.first.finish_reason is not None
    ),
)
def enums_are_googles_names(reply: Reply) -> Iterator[Location]:
    """Enum values are Google's names, in capitals.

    Why: finishReason is STOP or MAX_TOKENS, never stop or length. A name that is unknown here may be new, and is only
    noted.
    Breaks: comparisons with STOP fail in JavaScript; the Vercel AI SDK reports `other`; google-genai knows stop but not length.
    Workaround: map the values to Google's names.
    Source: [ProtoJSON, representation of each type] Enum values are written as their UPPER_SNAKE names; new names may
    appear at any time.
    """
    for found in _find_places(reply, FaultKind.SPELLING, FaultKind.NEW):
        yield _point_at_fault(reply, found, Level.NOTE if found.fault.wrong is FaultKind.NEW else None)


@check_each(Level.NOTE, basis=Basis.RECORDED, usable=is_answered)
def leaves_out_what_is_not_set(reply: Reply) -> Iterator[Location]:
    """Fields without a value are left out, not sent as null or as an empty string.

    Why: ProtoJSON omits fields that are not set.
    Breaks: no client that was measured; strict decoders in typed languages fail.
    Workaround: drop members that are null.
    Source: [ProtoJSON, presence] Fields that are not set are left out; null is never written.
    """
    for found in _find_places(reply, FaultKind.NULL, FaultKind.EMPTY):
        yield _point_at_fault(reply, found, None)


_REPORTED_ELSEWHERE = ("publicationDate", "publication_date", *SIGNATURE)


@check_each(
    Level.NOTE,
    basis=Basis.RECORDED,
    usable=is_answered,
    defers_to=("schema/citations-are-googles", "schema/signatures-stand-beside-what-they-sign"),
)
def adds_no_members(reply: Reply) -> Iterator[Location]:
    """Answers have no members that Google's do not have.

    Why: additions are harmless; they are noted because code that reads them works with this vendor only.
    Breaks: no client that was measured.
    Workaround: none needed.
    Source: [GenerateContentResponse] The members of each message are a known list; Google adds to it between
    revisions.
    """
    first: dict[str, FaultInChunk] = {}
    for found in find_value_faults(reply):
        if found.fault.wrong is FaultKind.EXTRA and found.fault.keys[-1] not in _REPORTED_ELSEWHERE:
            first.setdefault(found.fault.place, found)
    for place, found in first.items():
        whose = "Vertex AI's own member: " if is_vertex_member(found.fault.keys) else ""
        said = f"{whose}{place}: {format_value(found.fault.value)}"
        yield point_at(reply, found.chunk, found.fault.keys, "no such member", said)


@check_each(
    Level.MUST, basis=Basis.DOCUMENTED, usable=lambda reply: is_answered(reply) and has_original_bytes(reply)
)
def numbers_are_json(reply: Reply) -> Iterator[Location]:
    """An answer contains no bare NaN or Infinity.

    Why: JSON has no such numbers; ProtoJSON writes them as strings.
    Breaks: @google/genai, the Vercel AI SDK and @google/generative-ai raise a SyntaxError; Python reads on.
    Workaround: replace the bare word with null before parsing.
    Source: [ProtoJSON, representation of each type] A double that is not a finite number is written as the string
    NaN, Infinity or -Infinity.
    """
    for chunk in reply.chunks:
        for oddity in chunk.json.oddities:
            if oddity.kind == Odd.NAN:
                said = f"{oddity.detail} at byte {oddity.at}"
                yield Location(reply.id, reply.at(chunk, ""), "a JSON number", said)


_RENAMED = {"start": "startIndex", "end": "endIndex"}


def _find_citations(reply: Reply) -> Iterator[tuple[str, dict[str, JSON]]]:
    """Yield each citation with its pointer."""
    for chunk, place, candidate in iterate_candidates(reply):
        metadata = candidate.get("citationMetadata")
        sources = as_list(metadata.get("citationSources")) if isinstance(metadata, dict) else []
        for number, source in enumerate(sources):
            if isinstance(source, dict):
                keys = ("candidates", place, "citationMetadata", "citationSources", number)
                yield locate(reply, chunk, keys), source


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=is_model_answer,
    requires=RequiredContent(
        "no answer holds a citation",
        lambda reply: any(candidate.get("citationMetadata") for _, _, candidate in iterate_candidates(reply)),
    ),
)
def citations_are_googles(reply: Reply) -> Iterator[Location]:
    """Citations have Google's members: startIndex, endIndex, uri and license.

    Why: start, end and publicationDate belong to other APIs; one vendor's page documents all three. A date there has
    to be an object, never a string.
    Breaks: google-genai raises a ValidationError on a publicationDate that is a string and loses the whole answer; no
    client reads start and end.
    Workaround: drop the date, and rename start and end.
    Source: [CitationSource] A citation has startIndex, endIndex, uri and license, but neither a date nor a title.
    """
    for pointer, source in _find_citations(reply):
        for name in ("publicationDate", "publication_date"):
            if name in source and not isinstance(source[name], dict | None):
                said = format_value(source[name])
                yield Location(reply.id, f"{pointer}/{name}", "no date, or an object", said)
        for name, wanted in _RENAMED.items():
            if name in source and wanted not in source:
                yield Location(reply.id, f"{pointer}/{name}", wanted, name, Level.SHOULD)
