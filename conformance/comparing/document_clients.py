"""What clients make of a sample reply that looks as a document describes; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice, product
from types import MappingProxyType
from typing import Any

from conformance.clients import ALL_CLIENTS, CapturedResponse, Client, find_required_settings
from conformance.clients.effects import NOTHING, VERDICTS, ExpectedView, find_effects, sum_up_effects
from conformance.comparing.past import PastClient
from conformance.dialects.dialect import Dialect
from conformance.embedded.answers import answer_request
from conformance.embedded.chunks import build_chunks, build_response
from conformance.embedded.dialect_looks import dress_response
from conformance.embedded.frames import SINGLE, OutgoingBody, frame_objects
from conformance.embedded.style import FRAMINGS, Envelope, Style, list_auth_ways, make_style
from conformance.model import JSON

READING_TRAITS = ("response-casing", "envelope", "stream-framing")  # what decides how an answer is read
_MOST = 16  # combinations of readings that are tried
_CASINGS = ("camelCase", "snake_case")
_MODEL = "gemini-2.5-flash"
_PROMPTS: tuple[Mapping[str, Any], ...] = (
    {"contents": [{"role": "user", "parts": [{"text": "Count from 1 to 40, separated by spaces."}]}]},
    {
        "contents": [{"role": "user", "parts": [{"text": "What is the weather in Paris?"}]}],
        "tools": [{"functionDeclarations": [{"name": "get_weather"}]}],
    },
)


@dataclass(frozen=True)
class _DocumentReading:
    """One way to read a document: the style that follows, and which of several readings were taken, as text."""

    style: Style
    description: str


def find_silent_traits(dialect: Dialect) -> tuple[str, ...]:
    """Return the deciding traits that the document does not mention; Google's are assumed for them."""
    return tuple(trait for trait in READING_TRAITS if not dialect.traits.get(trait))


def judge_clients(dialect: Dialect) -> Mapping[str, PastClient]:
    """Return each client's verdict on sample replies; where the page allows several readings, the worst."""
    versions = list(islice(_list_readings(dialect), _MOST))
    accepted = tuple(map(str, list_auth_ways(dialect))) or None
    found = (
        _judge_client(client, versions, find_required_settings(client, accepted, v1=True))
        for client in ALL_CLIENTS.values()
    )
    return MappingProxyType({one.client: one for one in found})


def _list_readings(dialect: Dialect) -> Iterator[_DocumentReading]:
    several = [dialect.traits.get(trait) or (None,) for trait in READING_TRAITS]
    for readings in product(*several):
        pairs = list(zip(READING_TRAITS, readings, strict=True))
        style = _make_style(dialect, {trait: reading.value for trait, reading in pairs if reading})
        if style is not None:
            parts = [
                f"{trait} is {reading.value} ({reading.source.lines})"
                for trait, reading in pairs
                if reading and len(dialect.traits[trait]) > 1
            ]
            yield _DocumentReading(style, " and ".join(parts))


def _make_style(dialect: Dialect, values: Mapping[str, JSON]) -> Style | None:
    """Return the style that a reading describes; None where no sample can be made in it."""
    own = make_style(dialect)
    defaults = {"response-casing": "camelCase", "stream-framing": "sse", "envelope": "none"}
    casing, framing, path = (str(values.get(trait, default)) for trait, default in defaults.items())
    can_wrap = "." not in path and (path != "split" or own.envelope is not None)
    if casing not in _CASINGS or framing not in FRAMINGS or not can_wrap:
        return None
    envelope = None if path == "none" else own.envelope or Envelope(path)
    return replace(own, casing=casing, envelope=envelope, framing=FRAMINGS[framing])


def _judge_client(
    client: Client, versions: Sequence[_DocumentReading], configure: tuple[str, ...]
) -> PastClient:
    judged = [_judge_reading(client, version) for version in versions]
    if not judged:
        because = ("no sample reply can be made from the document",)
        return PastClient(client.name, "untested", because, configure)
    worst = min(judged, key=lambda one: list(VERDICTS).index(one.verdict))
    others = sorted({one.verdict for one in judged} - {worst.verdict})
    doubt = (f"by another reading of the page: {' or '.join(others)}",) if others else ()
    return replace(worst, because=(*worst.because, *doubt), configure=configure)


def _judge_reading(client: Client, version: _DocumentReading) -> PastClient:
    samples = [one for one in _make_samples(version.style) if one[0].method in client.methods]
    found = [effect for captured, truth in samples for effect in find_effects(client, captured, truth)]
    where = f" (where {version.description})" if version.description else ""
    breaking_first = sorted(
        found, key=lambda effect: effect.effect != "raises" and not effect.detail.startswith(NOTHING)
    )
    because = dict.fromkeys(f"{effect.effect}: {effect.detail}{where}" for effect in breaking_first)
    return PastClient(client.name, sum_up_effects(found, len(samples)), tuple(because))


def _make_samples(style: Style) -> Iterator[tuple[CapturedResponse, ExpectedView]]:
    for prompt in _PROMPTS:
        answer = answer_request(prompt, _MODEL)
        truth = _make_expected_view(build_response(answer))
        yield (
            _make_response(
                "generateContent",
                frame_objects(SINGLE, [dress_response(build_response(answer), style, chunk=False)]),
            ),
            truth,
        )
        pieces = [dress_response(chunk, style, chunk=True) for chunk in build_chunks(answer)]
        yield _make_response("streamGenerateContent", frame_objects(style.framing, pieces)), truth


def _make_response(method: str, framed: OutgoingBody) -> CapturedResponse:
    ends = tuple(accumulate(len(piece) for piece in framed.pieces))
    return CapturedResponse(
        method=method,
        status=200,
        content_type=framed.content_type,
        headers=MappingProxyType({"content-type": framed.content_type}),
        body=b"".join(framed.pieces),
        written_at=ends[:-1],
    )


def _make_expected_view(response: Mapping[str, Any]) -> ExpectedView:
    """Return what a faithful reader finds in a sample reply in Google's form."""
    candidate = response["candidates"][0]
    parts = candidate["content"]["parts"]
    return ExpectedView(
        text="".join(part.get("text", "") for part in parts),
        finish_reason=candidate["finishReason"],
        total_tokens=response["usageMetadata"]["totalTokenCount"],
        calls=sum("functionCall" in part for part in parts),
    )
