"""Traffic recorded by other programs: Google's habits are no findings, a vendor's faults are, and gaps are not judged."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
from dataclasses import replace
from typing import Any

import pytest

from conformance import catalogue
from conformance.asking.attempts import needs_another_attempt
from conformance.catalogue import PROBES, RULES
from conformance.dialects.dialect import load_dialect
from conformance.judging.habits import note_if_rare, uses_server_tools
from conformance.model import (
    CAPTURED,
    GRAVE_LEVELS,
    Deviation,
    Exchange,
    Level,
    Location,
    Piece,
    Provider,
    Request,
)
from conformance.reading.flavour import Flavour, find_flavour, is_vertex_member
from conformance.reading.reply import Reply, read
from conformance.replies import ProviderReplies
from conformance.verdicts.verdict import JudgingOptions, judge_provider

JSON_TYPE = ("Content-Type", "application/json; charset=UTF-8")
EVENTS = ("Content-Type", "text/event-stream")
UNARY, STREAM = "generateContent", "streamGenerateContent?alt=sse"
TIME = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)
DATE = ("Date", "Wed, 04 Mar 2026 05:06:07 GMT")


def make_id(moment: dt.datetime = TIME) -> str:
    data = int(moment.timestamp()).to_bytes(4, "little") + bytes(range(12))
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def answer(text: str = "Seven swans swim by.", **members: Any) -> dict[str, Any]:
    """Return a sound answer with members of its own; one that is None is left out."""
    whole: dict[str, Any] = {
        "candidates": [
            {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 6, "totalTokenCount": 14},
        "modelVersion": "gemini-2.5-flash",
        "responseId": make_id(),
        **members,
    }
    return {name: value for name, value in whole.items() if value is not None}


def saying(*parts: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a candidate with those parts."""
    return {"content": {"parts": list(parts), "role": "model"}, "index": 0, **members}


def ended(reason: str, **members: Any) -> dict[str, Any]:
    return {"finishReason": reason, **members}


def counted(**counters: int) -> dict[str, int]:
    """Return usage with short names: prompt, candidates, thoughts, total."""
    return {f"{name}TokenCount": number for name, number in counters.items()}


def sse(*frames: Any, behind: bytes = b"") -> bytes:
    lines = (json.dumps(one, separators=(",", ": ")) for one in frames)
    return b"".join(b"data: " + line.encode() + b"\r\n\r\n" for line in lines) + behind


def pretty(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


def error(status: int, name: str, message: str = "No.") -> bytes:
    return pretty({"error": {"code": status, "message": message, "status": name}})


def recorded(body: bytes, method: str = UNARY, **more: Any) -> Exchange:
    """Return an exchange as a recorder leaves it: some headers, no times, nothing known of what was expected."""
    model = more.pop("model", "gemini-2.5-flash")
    sent = pretty(more.pop("asked", {"contents": [{"parts": [{"text": "How many swans?"}]}]}))
    path = more.pop("path", f"/v1beta/models/{model}:{method}")
    values: dict[str, Any] = {
        "provider": "p", "probe": CAPTURED, "attempt": 1,
        "request": Request("POST", path, more.pop("sent", ()), sent, "x-goog-api-key"),
        "expected": {}, "status": 200, "http_version": "HTTP/1.1",
        "headers": (EVENTS if "stream" in method else JSON_TYPE,),
        "pieces": (Piece(0.0, body),) if body else (), "failure": None, "started_at": "", "headers_ms": None,
        "ended_ms": 0.0, "headers_complete": False, "timed": False,
    }  # fmt: skip
    return Exchange(**{**values, **more})


@functools.cache
def selection() -> JudgingOptions:
    catalogue.load()
    return JudgingOptions(tuple(RULES.values()))


def findings(*exchanges: Exchange) -> list[Deviation]:
    provider = Provider("p", "P", "http://127.0.0.1:1", "google", "gemini-2.5-flash")
    several = [replace(one, attempt=number) for number, one in enumerate(exchanges, 1)]
    verdict = judge_provider(
        ProviderReplies.of_exchanges(provider, several), load_dialect("google"), selection()
    )
    raised = [case for case in verdict.cases if case.outcome.value == "error"]
    assert not raised, raised
    return verdict.deviations


def accused(*exchanges: Exchange) -> dict[str, Level]:
    return {one.rule: one.level for one in findings(*exchanges) if one.level in GRAVE_LEVELS}


def noted(*exchanges: Exchange) -> set[str]:
    return {one.rule for one in findings(*exchanges) if one.level is Level.NOTE}


TEXT: dict[str, Any] = {"text": "Fifty-four."}
CODE: dict[str, Any] = {"executableCode": {"language": "PYTHON", "code": "print(6 * 9)"}}
RESULT: dict[str, Any] = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "54\n"}}
FIRST = answer(candidates=[saying({"text": "It is "})])
RECOUNTED = answer(candidates=[saying({"text": "It is "})], usageMetadata=counted(prompt=169, total=169))
HALF = answer("Nine ", candidates=[saying({"text": "Nine "})], usageMetadata=counted(prompt=8, total=8))
NUMBERED = {
    "candidates": [saying(TEXT, finishReason=1)],
    "usageMetadata": {
        **counted(prompt=4, candidates=5, total=9),
        "promptTokensDetails": [{"modality": 1, "tokenCount": 4}],
    },
    "modelVersion": "gemini-1.5-flash-002",
}
BLOCKED = {
    "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
    "usageMetadata": counted(prompt=11, total=11),
}
VERTEX = answer(
    createTime="2026-03-04T05:06:07.5Z",
    usageMetadata={**counted(prompt=18, candidates=1, thoughts=203, total=221), "trafficType": "ON_DEMAND"},
    candidates=[
        saying(
            {"functionCall": {"name": "find_swans", "partialArgs": [{"jsonPath": "$.lake"}], "willContinue": True}},
            {"functionCall": {}},
            finishReason="STOP",
            score=-0.5,
        )
    ],
)  # fmt: skip
PIECES = answer(
    createTime="2026-03-04T05:06:07.5Z",
    candidates=[saying({"functionCall": {"partialArgs": [{"jsonPath": "$.lake", "stringValue": "Co"}]}})],
)
NO_ALT, INTS = "streamGenerateContent", "streamGenerateContent?%24alt=json%3Benum-encoding%3Dint"
OVERLOADED = error(503, "UNAVAILABLE", "The model is overloaded.")

HABITS: dict[str, Exchange] = {
    "an empty stream": recorded(b"", STREAM, headers=(EVENTS, ("Content-Length", "0"))),
    "usage alone": recorded(pretty(answer(candidates=None))),
    "no prompt and no total": recorded(pretty(answer(usageMetadata=counted(candidates=18, thoughts=58)))),
    "no usage at all": recorded(pretty(answer(usageMetadata=None, responseId=None)), model="gemini-pro"),
    "STOP in the middle, tools after it": recorded(
        sse(
            answer(candidates=[saying(TEXT)]), answer(candidates=[saying(CODE, finishReason="STOP")]),
            answer(candidates=[saying(RESULT)]), answer(candidates=[saying(TEXT, finishReason="STOP")]),
        ), STREAM, asked={"contents": [], "tools": [{"codeExecution": {}}]},
    ),
    "STOP in the middle, files searched": recorded(
        sse(
            answer(candidates=[saying(TEXT, finishReason="STOP")]),
            answer(candidates=[saying(TEXT, finishReason="STOP")]),
        ), STREAM, asked={"contents": [], "tools": [{"file_search": {}}]},
    ),
    "STOP in the middle, nobody knows of what": recorded(
        sse(
            answer(candidates=[saying(TEXT, finishReason="STOP")]), answer(candidates=[saying(TEXT)]),
            answer(candidates=[saying(TEXT, finishReason="STOP")]),
        ), STREAM, request=Request("POST", f"/v1beta/models/gemini-2.5-flash:{STREAM}", (), b"", "x-goog-api-key"),
    ),
    "the prompt counted anew": recorded(sse(RECOUNTED, answer()), STREAM),
    "the answer uncounted at the end": recorded(
        sse(FIRST, answer(usageMetadata=counted(prompt=8, total=8))), STREAM
    ),
    "more than the limit": recorded(
        pretty(answer(usageMetadata=counted(prompt=8, candidates=33, thoughts=5, total=46))),
        asked={"contents": [], "generationConfig": {"maxOutputTokens": 32}},
    ),
    "thoughts within the answer's counter": recorded(
        pretty(answer(usageMetadata=counted(prompt=8, candidates=40, thoughts=30, total=48))),
        model="gemini-2.5-flash-preview-04-17",
    ),
    "a reason and nothing else": recorded(
        sse({"candidates": [ended("UNEXPECTED_TOOL_CALL", index=0)], "usageMetadata": counted(prompt=8, total=8)}),
        STREAM,
    ),
    "a malformed call": recorded(
        pretty(answer(candidates=[ended("MALFORMED_FUNCTION_CALL", finishMessage="Malformed: f(", index=0)]))
    ),
    "content that is an empty object": recorded(pretty(answer(candidates=[ended("SAFETY", content={})]))),
    "content without parts": recorded(
        sse(FIRST, answer(candidates=[ended("MAX_TOKENS", content={"role": "model"})])), STREAM
    ),
    "an error of a stream": recorded(error(400, "INVALID_ARGUMENT"), STREAM, status=400),
    "the same called JSON": recorded(error(404, "NOT_FOUND"), STREAM, status=404, headers=(JSON_TYPE,)),
    "the same without a type": recorded(error(429, "RESOURCE_EXHAUSTED"), status=429, headers=()),
    "an empty page for a longer path": recorded(
        b"", model="google/gemini-2.5-flash", status=404,
        headers=(("Content-Type", "text/html; charset=UTF-8"), ("Content-Length", "0")),
    ),
    "a page of Google's front end": recorded(
        b"<!DOCTYPE html><html lang=en><title>Error 400 (Bad Request)!!1</title><p>That's an error.", status=400,
        headers=(("Content-Type", "text/html; charset=UTF-8"),),
    ),
    "a successor": recorded(pretty(answer(modelVersion="gemini-3.1-pro-preview")), model="gemini-3-pro-preview"),
    "a later preview": recorded(
        pretty(answer(modelVersion="models/gemini-2.5-flash-preview-05-20")),
        model="gemini-2.0-flash-thinking-exp-01-21",
    ),
    "an alias": recorded(pretty(answer(modelVersion="gemini-3.6-flash")), model="gemini-flash-latest"),
    "a prefix": recorded(pretty(answer(modelVersion="models/gemini-2.5-flash"))),
    "no version": recorded(pretty(answer(modelVersion=None))),
    "a path that was edited": recorded(pretty(answer(modelVersion="gemini-2.0-flash"))),
    "unknown members": recorded(pretty(answer(turnToken="v1_QQ"))),
    "a word that cost nothing": recorded(pretty(answer("Paris", usageMetadata=counted(prompt=8, total=8)))),
    "details that do not add up": recorded(
        pretty(answer(usageMetadata={
            **counted(prompt=8, candidates=6, total=14),
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}, {"modality": "TEXT"}],
        }))
    ),
    "two candidates, one text twice": recorded(
        pretty(answer(candidates=[
            saying(TEXT, TEXT, finishReason="STOP"), saying(TEXT, finishReason="STOP", index=1),
        ]))
    ),
    "two candidates in turn": recorded(
        sse(
            answer(candidates=[saying({"text": "A swan swims over the lake at night."}, finishReason="STOP")]),
            answer(candidates=[
                saying({"text": "A swan swims over the lake at night."}, finishReason="STOP", index=1)
            ]),
        ), STREAM,
    ),
    "two candidates without an index": recorded(
        pretty(answer(candidates=[
            {"content": saying(TEXT)["content"], "finishReason": "STOP"},
            {"content": saying(TEXT)["content"], "finishReason": "STOP"},
        ]))
    ),
    "arguments that are empty or absent": recorded(
        pretty(answer(candidates=[
            saying({"functionCall": {"name": "a", "args": {}}}, {"functionCall": {"name": "b"}}, finishReason="STOP")
        ]))
    ),
    "an index now and then": recorded(
        sse(FIRST, answer(candidates=[{"content": saying({"text": "."})["content"], "finishReason": "STOP"}])), STREAM
    ),
    "an empty last text, signed": recorded(
        sse(FIRST, answer(candidates=[saying({"text": "", "thoughtSignature": "QUJD"}, finishReason="STOP")])), STREAM
    ),
    "empty grounding": recorded(
        pretty(answer(candidates=[saying(TEXT, finishReason="STOP", groundingMetadata={"webSearchQueries": [""]})]))
    ),
    "a blocked prompt": recorded(sse(BLOCKED), STREAM),
    "ratings of the prompt": recorded(
        pretty(answer(promptFeedback={
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]
        }))
    ),
    "an array": recorded(b"[" + pretty(FIRST) + b",\r\n" + pretty(answer()) + b"]", NO_ALT, headers=(JSON_TYPE,)),
    "enums as numbers": recorded(b"[" + pretty(NUMBERED) + b"]", INTS, headers=(JSON_TYPE,), model="gemini-1.5-flash"),
    "events whose query was dropped": recorded(sse(FIRST, answer()), NO_ALT),
    "an unframed error behind STOP": recorded(sse(FIRST, answer(), behind=OVERLOADED), STREAM),
    "an unframed error in mid-answer": recorded(sse(FIRST, behind=OVERLOADED), STREAM),
    "no type": recorded(pretty(answer()), headers=()),
    "another code in another question": recorded(pretty(answer("As ISO-8601 has it.")), attempt=2),
    "tags that were asked for": recorded(pretty(answer("<thinking>Swans.</thinking> Seven."))),
    "an error that quotes the request": recorded(
        error(400, "INVALID_ARGUMENT", 'Invalid JSON payload received. Unknown name "blockReason": Cannot find field.'),
        status=400,
    ),
    "a word said twice": recorded(
        sse(answer(candidates=[saying({"text": "Honk"})]), answer("Honk honk")), STREAM
    ),
    "a file": recorded(b"%PDF-1.7", path="/v1beta/files/abc:download?alt=media"),
    "numbers as Python prints them": recorded(
        pretty(answer(usageMetadata={"promptTokenCount": 8.0, "candidatesTokenCount": 6, "totalTokenCount": 14})),
        reserialised=True,
    ),
    "a masked signature": recorded(
        pretty(answer(candidates=[saying({**TEXT, "thoughtSignature": "REDACTED!"}, finishReason="STOP")])),
        reserialised=True,
    ),
    "events printed anew as a list": recorded(pretty([FIRST, answer()]), STREAM, reserialised=True),
    "decoded, its coding still named": recorded(
        pretty(answer()), headers=(JSON_TYPE, ("Content-Encoding", "gzip")), decoded=True
    ),
    "Vertex AI": recorded(
        sse(VERTEX, PIECES, answer(candidates=[ended("STOP")])), STREAM,
        path="/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HABITS)
def test_what_google_was_seen_to_do_accuses_nobody(name: str) -> None:
    assert accused(HABITS[name]) == {}


def test_all_habits_together_accuse_nobody() -> None:
    # Google's habits are one vendor's; several names of a model are several providers.
    several = [one for one in HABITS.values() if "/gemini-2.5-flash:" in one.request.path]
    assert accused(*several) == {}


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("an empty stream", "streaming/holds-at-least-one-chunk"),
        ("usage alone", "schema/has-a-candidate"),
        ("no prompt and no total", "usage/counts-every-answer"),
        ("STOP in the middle, files searched", "streaming/gives-the-reason-last"),
        ("the prompt counted anew", "usage/counts-are-cumulative"),
        ("thoughts within the answer's counter", "usage/counts-thoughts-once"),
        ("an empty page for a longer path", "errors/writes-errors-as-google-does"),
        ("a successor", "semantics/answers-with-the-model-that-was-asked"),
        ("a path that was edited", "semantics/answers-with-the-model-that-was-asked"),
        ("details that do not add up", "usage/details-add-up"),
        ("Vertex AI", "schema/adds-no-members"),
    ],
)
def test_what_is_odd_is_noted(name: str, rule: str) -> None:
    assert rule in noted(HABITS[name])


FAULTS: dict[str, tuple[str, Exchange]] = {
    "an envelope": ("envelope/gemini-object-at-root", recorded(pretty({"code": 200, "data": answer()}))),
    "another protocol": ("envelope/answers-with-a-gemini-object", recorded(pretty({"choices": [], "id": "x"}))),
    "snake_case": (
        "casing/answers-in-camel-case",
        recorded(pretty(answer(usageMetadata=None, usage_metadata={"prompt_token_count": 8}))),
    ),
    "a sentinel": ("streaming/ends-without-a-sentinel", recorded(sse(answer()) + b"data: [DONE]\n\n", STREAM)),
    "lines of JSON": (
        "streaming/streams-sse-with-alt",
        recorded(b"".join(json.dumps(one).encode() + b"\n" for one in (FIRST, answer())), STREAM),
    ),
    "a wrong sum": ("usage/total-is-the-sum", recorded(pretty(answer(usageMetadata=counted(prompt=8, candidates=6, total=99))))),
    "counters that are texts": (
        "schema/values-have-googles-types",
        recorded(pretty(answer(usageMetadata={"promptTokenCount": "8", "totalTokenCount": 14}))),
    ),
    "a counter below zero": (
        "usage/counts-every-answer",
        recorded(pretty(answer(usageMetadata=counted(prompt=-8, candidates=6, total=-2)))),
    ),
    "a prompt that costs nothing": (
        "usage/counts-every-answer",
        recorded(pretty(answer(usageMetadata=counted(candidates=6, total=6)))),
    ),
    "chunks counted apart": (
        "usage/counts-are-cumulative",
        recorded(sse(HALF, answer("ten eleven twelve thirteen fourteen fifteen sixteen", usageMetadata=counted(prompt=8, candidates=2, total=10))), STREAM),
    ),
    "STOP before the text": (
        "streaming/gives-the-reason-last",
        recorded(sse(answer(candidates=[ended("STOP", index=0)]), answer(candidates=[saying(TEXT)])), STREAM),
    ),
    "the whole answer once more": (
        "streaming/sends-the-text-once",
        recorded(
            sse(answer(candidates=[saying({"text": "Seven swans swim over the lake at night."})]),
                answer("Seven swans swim over the lake at night.")), STREAM,
        ),
    ),
    "an error of OpenAI's": (
        "errors/writes-errors-as-google-does",
        recorded(pretty({"error": {"message": "No.", "type": "invalid_request_error"}}), status=400),
    ),
    "a page of somebody else's": (
        "errors/writes-errors-as-google-does",
        recorded(b"<html><title>Blocked</title>", status=403, headers=(("Content-Type", "text/html"),)),
    ),
    "an error called text": (
        "errors/labels-errors-as-json",
        recorded(error(400, "INVALID_ARGUMENT"), status=400, headers=(("Content-Type", "text/plain"),)),
    ),
    "a unary error called events": (
        "errors/labels-errors-as-json",
        recorded(error(400, "INVALID_ARGUMENT"), status=400, headers=(EVENTS,)),
    ),
    "an error in events": (
        "errors/refuses-a-stream-before-it-begins",
        recorded(sse({"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}), STREAM, status=400),
    ),
    "an address for an image": (
        "schema/bytes-are-base64",
        recorded(
            pretty(answer(candidates=[
                saying({"inlineData": {"mimeType": "image/png", "data": "https://e.example/1.png"}}, finishReason="STOP")
            ])), reserialised=True,
        ),
    ),
    "an empty list of candidates": ("schema/has-a-candidate", recorded(pretty(answer(candidates=[])))),
    "numbers for enums that nobody asked for": (
        "schema/values-have-googles-types",
        recorded(b"[" + pretty(NUMBERED) + b"]", NO_ALT, headers=(JSON_TYPE,)),
    ),
    "a call without a name": (
        "schema/function-calls-are-complete",
        recorded(pretty(answer(candidates=[saying({"functionCall": {"args": {"a": 1}}}, finishReason="STOP")]))),
    ),
    "a type that says something else": (
        "transport/labels-answers-as-json",
        recorded(pretty(answer()), headers=(("Content-Type", "text/html"),)),
    ),
    "no type, all headers there": (
        "streaming/names-the-type-of-its-stream",
        recorded(sse(answer()), STREAM, headers=(), headers_complete=True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_vendors_fault_in_recorded_traffic_is_found(name: str) -> None:
    rule, exchange = FAULTS[name]
    assert rule in accused(exchange)


def test_another_model_in_every_recorded_answer_accuses() -> None:
    rule = "semantics/answers-with-the-model-that-was-asked"
    wrong, right = (recorded(pretty(answer(modelVersion=name))) for name in ("gpt-5", "gemini-2.5-flash"))
    assert accused(wrong, wrong, wrong) == {rule: Level.MUST}
    assert accused(wrong, wrong) == {}
    assert accused(wrong, wrong, wrong, right) == {}


def test_an_older_model_is_no_successor() -> None:
    wrong = recorded(pretty(answer(modelVersion="gemini-2.5-pro")), model="gemini-3-pro-preview")
    assert accused(wrong, wrong, wrong)


# --- ids and their clock ---

IDS = "schema/response-ids-hold-the-time"


@pytest.mark.parametrize(
    ("id_", "headers", "noted_"),
    [
        (make_id(), (JSON_TYPE, DATE), False),
        (make_id(TIME + dt.timedelta(seconds=119)), (JSON_TYPE, DATE), False),
        (make_id(TIME - dt.timedelta(hours=1)), (JSON_TYPE, DATE), True),
        (make_id(TIME - dt.timedelta(hours=1)), (JSON_TYPE,), False),
        (make_id(), (JSON_TYPE, ("Date", "yesterday")), False),
        ("chatcmpl-1234567890", (JSON_TYPE, DATE), True),
        ("abc", (JSON_TYPE, DATE), True),
        (make_id(dt.datetime(1999, 1, 1, tzinfo=dt.UTC)), (JSON_TYPE,), True),
        ("ü" * 22, (JSON_TYPE,), True),
    ],
)
def test_an_id_is_held_against_the_time(id_: str, headers: tuple[Any, ...], noted_: bool) -> None:
    found = findings(recorded(pretty(answer(responseId=id_)), headers=headers))
    assert [one.level for one in found if one.rule == IDS] == [Level.NOTE] * noted_


def test_ids_are_noted_once_and_masked_ones_never() -> None:
    odd = pretty(answer(responseId="resp-1"))
    found = [one for one in findings(recorded(odd), recorded(odd)) if one.rule == IDS]
    assert [len(one.locations) for one in found] == [1]
    assert "invented or replayed id" in found[0].locations[0].observed
    assert IDS not in noted(recorded(odd, reserialised=True))


# --- what is rare ---


def _reply(probe: str, number: int, method: str = UNARY) -> Reply:
    made = recorded(pretty(answer()), method, probe=probe, attempt=number, expected={"status": 200})
    return read(made)


def _levels(shown: list[Reply], among: list[Reply]) -> list[Level | None]:
    return [
        location.level for location in note_if_rare([Location(one.id, "", "x", "y") for one in shown], among)
    ]


def test_what_is_rare_accuses_where_each_of_three_tries_shows_it() -> None:
    tries = [_reply("history", number) for number in (1, 2, 3)]
    others = [_reply("plain", number) for number in (1, 2, 3)]
    assert _levels(tries, [*tries, *others]) == [None] * 3
    assert _levels(tries[:2], [*tries, *others]) == [Level.NOTE] * 2


def test_what_is_rare_accuses_where_every_answer_of_a_method_shows_it() -> None:
    streams = [_reply(probe, 1, STREAM) for probe in ("a", "b", "c")]
    unary = [_reply(probe, 1) for probe in ("d", "e", "f")]
    assert _levels(streams, [*streams, *unary]) == [None] * 3
    assert _levels(streams[:2], streams[:2]) == [Level.NOTE] * 2


def test_what_is_rare_never_accuses_recorded_traffic() -> None:
    several = [_reply(f"{CAPTURED}-1", number) for number in range(1, 6)]
    assert _levels(several, several) == [Level.NOTE] * 5


@pytest.mark.parametrize(
    ("body", "again"),
    [
        (b"", True),
        (pretty(answer(candidates=None)), True),
        (pretty(answer("OK-1")), False),
        (pretty(answer("OK-1", usageMetadata=None)), False),
    ],
)
def test_empty_and_bare_answers_are_asked_again(body: bytes, again: bool) -> None:
    catalogue.load()
    reply = read(recorded(body, probe="history", expected={"text": "OK-1"}))
    assert needs_another_attempt(PROBES["history"], reply, obeys=True) is again
    assert not needs_another_attempt(PROBES["history"], reply, obeys=False)
    assert not needs_another_attempt(PROBES["plain-repeated"], reply, obeys=True)


# --- whose answer it is, and how it was made ---


@pytest.mark.parametrize(
    ("exchange", "wanted"),
    [
        (recorded(pretty(answer())), Flavour.GEMINI),
        (HABITS["Vertex AI"], Flavour.VERTEX),
        (recorded(pretty(answer(createTime="2026-01-01T00:00:00Z"))), Flavour.VERTEX),
        (recorded(pretty(answer()), sent=(("Host", "us-central1-aiplatform.googleapis.com:443"),)), Flavour.VERTEX),
        (recorded(pretty(answer()), sent=(("Host", "aiplatform.googleapis.com.example"),)), Flavour.GEMINI),
        (
            recorded(pretty(answer(candidates=[saying({"functionCall": {"name": "f", "args": {"web": {"domain": "x"}}}})]))),
            Flavour.GEMINI,
        ),
    ],
)  # fmt: skip
def test_vertex_is_told_from_the_gemini_api(exchange: Exchange, wanted: Flavour) -> None:
    assert find_flavour(read(exchange)) is wanted


def test_members_of_vertex_are_named_as_its_own() -> None:
    found = [one for one in findings(HABITS["Vertex AI"]) if one.rule == "schema/adds-no-members"]
    assert all("Vertex AI's own member" in location.observed for one in found for location in one.locations)
    assert is_vertex_member(("candidates", 0, "safetyRatings", 1, "severity"))
    assert not is_vertex_member(("candidates", 0, "severity"))


@pytest.mark.parametrize(
    ("asked", "parts", "wanted"),
    [
        ({"tools": [{"codeExecution": {}}]}, (TEXT,), True),
        ({"tools": [{"google_search": {}}, {"functionDeclarations": []}]}, (TEXT,), True),
        ({"tools": [{"function_declarations": [{"name": "f"}]}]}, (TEXT,), False),
        ({"tools": "x"}, (TEXT,), False),
        ({}, (CODE, TEXT), True),
        ({}, ({"functionResponse": {"name": "f", "response": {}}},), True),
        ({}, ({"functionCall": {"name": "f", "args": {}}},), False),
    ],
)
def test_tools_of_the_vendors_are_told_from_the_callers(
    asked: dict[str, Any], parts: tuple[dict[str, Any], ...], wanted: bool
) -> None:
    made = recorded(pretty(answer(candidates=[saying(*parts, finishReason="STOP")])), asked=asked)
    assert uses_server_tools(read(made)) is wanted
