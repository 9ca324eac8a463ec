"""The rules on values, usage and meaning are right about recorded bodies, and never raise."""

from __future__ import annotations

import copy
import datetime as dt
import functools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import catalogue
from conformance.catalogue import PROBES, RULES, ProbeContext
from conformance.checks.semantics.models import compare_models
from conformance.dialects.dialect import load_dialect
from conformance.dialects.shapes import load_reference
from conformance.judging.locations import locate
from conformance.judging.traits import observe_traits
from conformance.judging.values import FaultKind, find_faults, find_value_faults
from conformance.model import (
    GRAVE_LEVELS,
    Against,
    Auth,
    Case,
    Exchange,
    Level,
    Outcome,
    Piece,
    Provider,
    Question,
    Request,
)
from conformance.reading.reply import Reply, read
from conformance.verdicts.cases import JudgingInput, judge_rules

MINE = ("schema", "usage", "semantics")
OUTCOMES = Path(__file__).parent / "data" / "outcomes.jsonl"
PROVIDER = Provider("p", "P", "http://127.0.0.1:1", "google", "gemini-2.5-flash", Auth.X_GOOG_API_KEY)


def exchange(probe: str, question: Question, body: bytes, *, number: int = 1, status: int = 200) -> Exchange:
    path = question.path or f"/v1beta/models/gemini-2.5-flash:{question.method}"
    sent = question.body if isinstance(question.body, bytes) else json.dumps(question.body).encode()
    query = "&".join(f"{name}={value}" for name, value in question.query)
    request = Request(
        question.verb, f"{path.format(model='gemini-2.5-flash')}?{query}", (), sent, "x-goog-api-key"
    )
    headers = (("Content-Type", "application/json"),)
    return Exchange(
        "p", probe, number, request, question.expected, status, "HTTP/1.1", headers, (Piece(1.0, body),), None,
        "2026-11-22T00:00:00.000Z", 1.0, 2.0,
    )  # fmt: skip


@functools.cache
def questions() -> dict[str, Question]:
    catalogue.load()
    built = {
        name: probe.build(ProbeContext("gemini-2.5-flash", "7f3a21"))
        for name, probe in PROBES.items()
        if not probe.follows
    }
    return {name: one for name, one in built.items() if isinstance(one, Question)}


def cases(replies: tuple[Reply, ...], dialect: str = "google") -> list[Case]:
    catalogue.load()
    rules = sorted((rule for rule in RULES.values() if rule.dimension in MINE), key=lambda rule: rule.id)
    today = dt.date(2026, 11, 22)
    evidence = JudgingInput(
        PROVIDER, load_dialect(dialect), replies, (), observe_traits(replies), frozenset(Against), today
    )
    return judge_rules(evidence, rules)


def found(replies: tuple[Reply, ...], dialect: str = "google") -> dict[str, Level]:
    return {case.rule: case.deviation.level for case in cases(replies, dialect) if case.deviation}


def reply(body: Any, probe: str = "plain") -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(exchange(probe, questions()[probe], data))


GOOD: dict[str, Any] = {
    "candidates": [
        {"content": {"parts": [{"text": "OK-7f3a21"}], "role": "model"}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {
        "promptTokenCount": 11,
        "candidatesTokenCount": 6,
        "totalTokenCount": 24,
        "thoughtsTokenCount": 7,
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}


def changed(pointer: str, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(GOOD)
    *parents, last = [int(key) if key.isdigit() else key for key in pointer.strip("/").split("/")]
    place: Any = made
    for key in parents:
        place = place[key]
    place[last] = value
    return made


def recorded(variant: str) -> Reply:
    lines = (json.loads(line) for line in OUTCOMES.read_text("utf-8").splitlines())
    body = next(
        line["body"] for line in lines if (line["variant"], line["method"]) == (variant, "generateContent")
    )
    return reply(body.encode())


TYPES, BASE64, ENUMS = (
    "schema/values-have-googles-types",
    "schema/bytes-are-base64",
    "schema/enums-are-googles-names",
)


@pytest.mark.parametrize(
    ("variant", "rule", "level"),
    [
        ("fr-int", TYPES, Level.MUST),
        ("tok-str", TYPES, Level.MUST),
        ("tok-float", TYPES, Level.NOTE),
        ("tok-float-frac", TYPES, Level.MUST),
        ("content-string", TYPES, Level.MUST),
        ("parts-object", TYPES, Level.MUST),
        ("fc-args-string", TYPES, Level.MUST),
        ("thought-string", TYPES, Level.MUST),
        ("safety-blocked-str", TYPES, Level.MUST),
        ("cand-index-str", TYPES, Level.SHOULD),
        ("details-object", TYPES, Level.MUST),
        ("sig-garbage", BASE64, Level.MUST),
        ("inline-url", BASE64, Level.MUST),
        ("sig-urlsafe", BASE64, Level.NOTE),
        ("fr-lower", ENUMS, Level.SHOULD),
        ("fr-unknown", ENUMS, Level.NOTE),
        ("safety-unknown", ENUMS, Level.SHOULD),
        ("nulls", "schema/leaves-out-what-is-not-set", Level.NOTE),
        ("sig-empty", "schema/leaves-out-what-is-not-set", Level.NOTE),
        ("unknown-top", "schema/adds-no-members", Level.NOTE),
        ("nan-literal", "schema/numbers-are-json", Level.MUST),
        ("citation-visioncoder", "schema/citations-are-googles", Level.MUST),
        ("cands-empty", "schema/has-a-candidate", Level.MUST),
        ("role-assistant", "schema/names-the-models-role", Level.SHOULD),
        ("fc-openai-toolcalls", "schema/content-stands-in-parts", Level.MUST),
    ],
)
def test_a_recorded_body_is_found_out_at_its_level(variant: str, rule: str, level: Level) -> None:
    assert found((recorded(variant),)).get(rule) == level


@pytest.mark.parametrize(
    "variant",
    [
        "ok",
        "avgLogprobs-str",
        "cands-missing-block",
        "content-null",
        "parts-null",
        "fc-ok",
        "fc-args-missing",
    ],
)
def test_what_google_may_send_itself_has_the_right_shape(variant: str) -> None:
    grave = {
        rule
        for rule, level in found((recorded(variant),)).items()
        if level in GRAVE_LEVELS and rule.startswith("schema/")
    }
    assert not grave


def test_every_typed_field_of_the_reference_is_looked_at() -> None:
    def leaves(shape: Any, depth: int) -> Any:
        for name, child in shape.properties.items():
            inner = child.items if child.kind == "array" else child
            if inner.kind == "object" and depth:
                for path in leaves(inner, depth - 1):
                    yield [name, *([0] if child.kind == "array" else []), *path]
            else:
                yield [name]

    paths = list(leaves(load_reference().response, 4))
    assert len(paths) > 60
    for path in paths:
        value: Any = [[]]  # a list of a list is the type of no field
        for key in reversed(path):
            value = {key: value} if isinstance(key, str) else [value]
        assert [fault.wrong for fault in find_faults(load_reference().response, value)] == [FaultKind.TYPE], (
            path
        )


def test_faults_are_found_behind_envelope_and_casing_and_named_where_they_stand() -> None:
    body = {
        "code": 200,
        "data": {"candidates": GOOD["candidates"], "usage_metadata": {"total_token_count": "24"}},
    }
    hidden = reply(body)
    (one,) = [item for item in find_value_faults(hidden) if item.fault.wrong is FaultKind.TYPE]
    assert locate(hidden, one.chunk, one.fault.keys) == "/data/usage_metadata/total_token_count"


def test_a_good_answer_has_no_finding() -> None:
    grave = {rule: level for rule, level in found((reply(GOOD),)).items() if level in GRAVE_LEVELS}
    assert not grave


@pytest.mark.parametrize(
    ("asked", "answered", "level"),
    [
        ("gemini-2.5-flash", "gemini-2.5-flash", None),
        ("gemini-2.5-flash", "models/gemini-2.5-flash-preview-05-20", None),
        ("gemini-2.5-flash", "gemini-2.5-flash-001", None),
        ("gemini-2.5-pro-thinking", "gemini-2.5-pro", None),
        ("gemini-flash-latest", "gemini-2.5-flash-preview-09-2025", None),
        ("gemini-2.5-flash", "google/gemini-2.5-flash", None),
        ("gemini-2.5-flash-search", "gemini-2.5-flash", Level.NOTE),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite", Level.MUST),
        ("gemini-2.5-flash-lite", "gemini-2.5-flash", Level.MUST),
        ("gemini-2.5-pro", "gemini-2.5-flash", Level.MUST),
        ("gemini-2.5-flash", "gemini-2.0-flash", Level.MUST),
        ("gemini-flash-latest", "gemini-2.5-flash-lite", Level.MUST),
        ("gemini-2.5-flash", "gpt-4o-mini", Level.MUST),
    ],
)
def test_a_model_is_told_from_a_version_of_it(asked: str, answered: str, level: Level | None) -> None:
    assert compare_models(asked, answered) == level


@pytest.mark.parametrize(
    ("usage", "rules"),
    [
        ({"promptTokenCount": 11, "candidatesTokenCount": 6, "totalTokenCount": 17}, set()),
        (
            {
                "promptTokenCount": 11,
                "candidatesTokenCount": 6,
                "totalTokenCount": 20,
                "toolUsePromptTokenCount": 3,
            },
            set(),
        ),
        (
            {"promptTokenCount": 11, "candidatesTokenCount": 6, "totalTokenCount": 88},
            {"usage/total-is-the-sum"},
        ),
        (
            {
                "promptTokenCount": 11,
                "candidatesTokenCount": 13,
                "totalTokenCount": 24,
                "thoughtsTokenCount": 7,
            },
            {"usage/counts-thoughts-once"},
        ),
        (
            {"promptTokenCount": -11, "candidatesTokenCount": 6, "totalTokenCount": -5},
            {"usage/counts-every-answer"},
        ),
        ({"totalTokenCount": 17}, {"usage/counts-every-answer"}),
        ({}, {"usage/counts-every-answer"}),
        ({"promptTokenCount": "11", "candidatesTokenCount": "6", "totalTokenCount": "99"}, {TYPES}),
    ],
)
def test_usage_is_held_to_its_sum_once(usage: dict[str, Any], rules: set[str]) -> None:
    levels = found((reply(changed("/usageMetadata", usage)),))
    assert {rule for rule, level in levels.items() if level in GRAVE_LEVELS} == rules


def disobedient(probe: str, number: int, body: Any) -> tuple[Reply, ...]:
    """The control question, obeyed, and some tries of another probe that all got the same answer."""
    tries = [
        exchange(probe, questions()[probe], json.dumps(body).encode(), number=n + 1) for n in range(number)
    ]
    return (reply(GOOD), *map(read, tries))


PARIS = changed("/candidates/0/content/parts", [{"text": "Paris"}])


@pytest.mark.parametrize("number", [1, 2])
def test_a_model_that_failed_once_or_twice_is_not_accused(number: int) -> None:
    judged = {case.rule: case for case in cases(disobedient("system-instruction", number, PARIS))}
    assert judged["semantics/obeys-the-system-instruction"].outcome is Outcome.INCONCLUSIVE


def test_three_failures_accuse() -> None:
    assert (
        found(disobedient("system-instruction", 3, PARIS))["semantics/obeys-the-system-instruction"]
        is Level.MUST
    )


def test_an_answer_cut_short_by_thinking_accuses_nobody() -> None:
    cut = changed("/candidates/0", {"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0})
    replies = disobedient("history", 3, cut)
    judged = {case.rule: case for case in cases(replies)}
    assert judged["semantics/remembers-the-conversation"].outcome is Outcome.INCONCLUSIVE
    assert not {rule for rule, level in found(replies).items() if level in GRAVE_LEVELS}


def test_a_clear_refusal_is_unsupported() -> None:
    refusal = {"error": {"code": 400, "message": "Images are not supported", "status": "INVALID_ARGUMENT"}}
    refused = read(exchange("image", questions()["image"], json.dumps(refusal).encode(), status=400))
    judged = {case.rule: case for case in cases((reply(GOOD), refused))}
    assert judged["semantics/sees-images"].outcome is Outcome.UNSUPPORTED


STOP_AT_THE_END = "semantics/says-stop-only-at-the-end"


def said(probe: str, text: str, reason: str = "STOP") -> list[Reply]:
    """Return three attempts of a question, each answered with that text and that finish reason."""
    body = {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": reason}]}
    data = json.dumps(body).encode()
    sent = b"data: " + data + b"\r\n\r\n" if dict(questions()[probe].query).get("alt") else data
    return [read(exchange(probe, questions()[probe], sent, number=number)) for number in (1, 2, 3)]


def judged(*replies: Reply) -> Case:
    plain = reply(changed("/candidates/0/content/parts/0/text", "OK-7f3a21"))
    return next(case for case in cases((plain, *replies)) if case.rule == STOP_AT_THE_END)


def test_one_finding_names_every_answer_that_hides_its_cut() -> None:
    wanted = str(questions()["long-answer-streamed"].expected["text"])
    cut = wanted[: wanted.index("47") + 2]
    both = judged(*said("limit-of-five", "1, 2, 3"), *said("long-answer-streamed", cut))
    assert both.deviation is not None
    shown = {one.exchange for one in both.deviation.locations}
    assert shown == {"p/limit-of-five#3", "p/long-answer-streamed#3"}


def test_the_rule_on_stop_is_unjudged_where_no_limit_took_effect() -> None:
    long = str(questions()["long-answer-streamed"].expected["text"])
    ignored = said("stop-sequence", "alpha STOP-7f3a21 omega")
    case = judged(*said("limit-of-five", long), *ignored, *said("long-answer-streamed", long))
    reason = "limit-of-five: no answer came to the end that was asked for, or to a limit"
    assert (case.outcome, case.reason) == (Outcome.BLOCKED, reason)


def test_the_rule_on_stop_is_unjudged_where_a_long_stream_shows_no_end() -> None:
    long = said("long-answer-streamed", "One, two, three and so on.")
    case = judged(*said("limit-of-five", "1, 2, 3", "MAX_TOKENS"), *long)
    reason = "long-answer-streamed: no answer came to the end that was asked for, or to a limit"
    assert (case.outcome, case.reason) == (Outcome.BLOCKED, reason)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["text", "parts", "content", "role", "name", "args", "functionCall", "inlineData", "data", "candidates", "usageMetadata",
         "totalTokenCount", "thoughtSignature", "citationSources", "thought", "index", "models", "totalTokens", "x"]), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip

RICH: dict[str, Any] = changed("/candidates/0/content/parts", [
    {"text": "thinking", "thought": True}, {"text": "OK-7f3a21", "thoughtSignature": "EiIKIA=="},
    {"functionCall": {"name": "get_weather", "id": "a", "args": {"city_name": "Paris"}}}, {"inlineData": {"mimeType": "image/png", "data": "aaaa"}},
]) | {"promptFeedback": {"safetyRatings": []}, "totalTokens": 7, "models": [{"name": "models/x"}]}  # fmt: skip
RICH["candidates"][0]["citationMetadata"] = {"citationSources": [{"startIndex": 1}]}
RICH["usageMetadata"]["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": 11}]


def places(value: Any, at: tuple[Any, ...] = ()) -> Any:
    yield at
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places(child, (*at, key))


PLACES = list(places(RICH))


def put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return the body with another value at a place; unchanged where an earlier change took the place away."""
    if not path:
        return value
    place = body
    try:
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
    except (KeyError, IndexError, TypeError):
        pass
    return body


LOOKED_AT = (
    "plain", "plain-streamed", "long-answer-streamed", "limit-of-five", "stop-sequence", "two-candidates", "function-call",
    "two-calls-in-one-turn", "response-schema", "thinking", "no-thinking", "image", "models-list", "count-tokens-of-a-longer-text",
)  # fmt: skip


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=3),
    st.sampled_from(["google", "visioncoder"]),
)
def test_no_rule_raises_whatever_stands_where(
    changes: list[tuple[tuple[Any, ...], Any]], dialect: str
) -> None:
    body: Any = copy.deepcopy(RICH)
    for path, value in changes:
        body = put(body, path, value)
    data = json.dumps(body).encode()
    streamed = b"data: " + data + b"\r\n\r\n"
    every = [
        (name, one, streamed if dict(one.query).get("alt") else data)
        for name, one in questions().items()
        if name in LOOKED_AT
    ]
    replies = tuple(read(exchange(name, one, sent, number=n)) for name, one, sent in every for n in (1, 2, 3))
    raised = [case for case in cases(replies, dialect) if case.outcome is Outcome.ERROR]
    assert not raised, raised
