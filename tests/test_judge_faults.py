"""Each fault of a single recorded answer is found by its rule, in the format of every recorder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import recordings

from conformance import judge
from conformance.api import judge_group
from conformance.capturing.collecting import RecordedFiles, read_files
from conformance.catalogue import RULES, list_rules
from conformance.dialects.dialect import load_dialect
from conformance.verdicts.extent import JUDGED
from conformance.verdicts.verdict import Verdict

STREAMED = (recordings.chunk("Blue"), recordings.chunk(".", finishReason="STOP"))
NDJSON = b"".join(json.dumps(one).encode() + b"\n" for one in STREAMED)
HTML = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"
SSE = "text/event-stream"
CANDIDATE: dict[str, Any] = recordings.ANSWER["candidates"][0]
USAGE: dict[str, Any] = recordings.ANSWER["usageMetadata"]
OPENAI = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Blue."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6},
}


def unary(body: Any, status: int = 200, **more: Any) -> recordings.Taped:
    return recordings.Taped(
        status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode(), **more
    )


def answer(**changed: Any) -> recordings.Taped:
    return unary({**recordings.ANSWER, **changed})


def stream(body: bytes, kind: str = SSE, status: int = 200) -> recordings.Taped:
    return recordings.Taped(recordings.STREAM, status, body, kind)


FAULTS: dict[str, tuple[recordings.Taped, str, str]] = {
    "snake_case": (recordings.snake(), "casing/answers-in-camel-case", "must"),
    "envelope": (unary({"code": 0, "message": "ok", "data": recordings.ANSWER}), "envelope/gemini-object-at-root", "must"),
    "ndjson": (stream(NDJSON), "streaming/streams-sse-with-alt", "must"),
    "array": (stream(json.dumps(STREAMED).encode(), "application/json"), "streaming/streams-sse-with-alt", "must"),
    "no-reason": (unary({**recordings.ANSWER, "candidates": [{k: v for k, v in CANDIDATE.items() if k != "finishReason"}]}), "schema/says-why-it-ended", "should"),
    "sentinel": (stream(recordings.sse(*STREAMED) + b"data: [DONE]\r\n\r\n"), "streaming/ends-without-a-sentinel", "must"),
    "type-of-stream": (stream(recordings.sse(*STREAMED), "application/json"), "streaming/names-the-type-of-its-stream", "should"),
    "total": (answer(usageMetadata={**USAGE, "totalTokenCount": 90}), "usage/total-is-the-sum", "should"),
    "counters-as-text": (answer(usageMetadata={**USAGE, "promptTokenCount": "4"}), "schema/values-have-googles-types", "must"),
    "lower-case": (answer(candidates=[{**CANDIDATE, "finishReason": "stop"}]), "schema/enums-are-googles-names", "should"),
    "role": (answer(candidates=[{**CANDIDATE, "content": {**CANDIDATE["content"], "role": "assistant"}}]), "schema/names-the-models-role", "should"),
    "no-candidate": (answer(candidates=[]), "schema/has-a-candidate", "must"),
    "openai": (unary(OPENAI), "envelope/answers-with-a-gemini-object", "must"),
    "framed": (recordings.framed(), "envelope/unary-answer-is-one-json-object", "must"),
    "error-as-200": (unary({"error": {"code": 429, "message": "busy", "status": "RESOURCE_EXHAUSTED"}}), "errors/fails-with-the-status-of-an-error", "must"),
    "error-in-a-stream": (stream(b'data: {"error": {"message": "busy", "type": "x"}}\n\n'), "errors/refuses-a-stream-before-it-begins", "must"),
    "error-of-openai": (recordings.error(), "errors/writes-errors-as-google-does", "should"),
    "error-code": (unary({"error": {"code": 500, "message": "x", "status": "INVALID_ARGUMENT"}}, 400), "errors/gives-the-status-as-code", "should"),
    "error-status": (unary({"error": {"code": 400, "message": "x", "status": "BAD"}}, 400), "errors/gives-a-status-of-google-rpc", "should"),
    "error-as-a-list": (unary([{"error": {"code": 400, "message": "x", "status": "INVALID_ARGUMENT"}}], 400), "errors/writes-one-error-not-a-list", "should"),
    "page-as-400": (unary(HTML, 400, kind="text/html"), "errors/writes-errors-as-google-does", "should"),
    "page-as-502": (unary(HTML, 502, kind="text/html"), "errors/writes-errors-as-google-does", "note"),
    "openai-as-500": (unary({"error": {"message": "x", "type": "t"}}, 500), "errors/writes-errors-as-google-does", "note"),
    "broken-json": (unary(b'{"candidates": [}'), "transport/sends-json-that-can-be-read", "must"),
    "created": (unary(recordings.ANSWER, 201), "errors/succeeds-with-200", "must"),
}  # fmt: skip


def findings(verdict: Verdict) -> set[tuple[str, str]]:
    return {(one.rule, one.level.value) for one in verdict.deviations}


def judged(recorded: RecordedFiles) -> Verdict:
    assert recorded.count == 1, recorded.files
    return judge_group(recorded.groups[0], load_dialect("google"))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_in_one_exchange_of_every_format(tmp_path: Path, name: str) -> None:
    one, rule, level = FAULTS[name]
    files = {**recordings.written(tmp_path, one), "curl-i.txt": tmp_path / "curl-i.txt"}
    files["curl-i.txt"].write_bytes(recordings.curl(one))
    found = {file: findings(judged(read_files([str(path)], one.url))) for file, path in files.items()}
    assert [file for file, several in found.items() if (rule, level) not in several] == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_the_same_alone_and_among_others(name: str) -> None:
    """What depends on how often it happens, or on what else was answered, is let off alone, never the other way round."""
    one, rule, level = FAULTS[name]
    alone = judge([recordings.line(one)])
    among = judge([recordings.line(each) for each in (recordings.good(), recordings.good_stream(), one)])
    assert (rule, level) in findings(alone)
    assert (rule, level) in findings(among)
    assert {found for found in findings(alone) if found[1] != "note"} == {
        found for found in findings(among) if found[1] != "note"
    }


def test_lines_judged_singly_and_together_show_the_same(tmp_path: Path) -> None:
    several = [
        recordings.good(),
        recordings.good_stream(),
        recordings.snake(),
        *(FAULTS[name][0] for name in ("total", "role", "sentinel", "lower-case")),
    ]
    singly = [findings(judge([recordings.line(one)])) for one in several]
    (tmp_path / "x.jsonl").write_text("\n".join(json.dumps(recordings.line(one)) for one in several))
    group = read_files([str(tmp_path / "x.jsonl")]).groups[0]
    together = judge_group(group, load_dialect("google"))
    for number, alone in enumerate(singly, 1):
        own = f"{group.name}/captured-{number}#1"
        locations = (
            (one.rule, location)
            for one in together.deviations
            for location in one.locations
            if location.exchange == own
        )
        grave = {rule for rule, location in locations if (location.level or RULES[rule].level) != "note"}
        assert grave == {rule for rule, level in alone if level != "note"}, number


# --- which rules a recording can bear ---


def judged_rules(*several: recordings.Taped) -> set[str]:
    return {
        case.rule for case in judge([recordings.line(one) for one in several]).cases if case.outcome in JUDGED
    }


def test_every_rule_without_a_question_of_its_own_can_be_judged_from_recordings() -> None:
    """But for those that look at bodies that were generated, at what we offered, or at what we know to be wrong."""
    ours = {
        "schema/takes-a-body-however-it-is-written", "schema/survives-generated-bodies", "schema/refuses-generated-faults",
        "schema/needs-no-fields-of-its-own", "errors/blames-the-caller-with-4xx", "semantics/answers-its-own-question",
        "transport/compresses-as-it-declares", "transport/compresses-only-when-asked", "transport/takes-an-offer-of-compression",
    }  # fmt: skip
    array = recordings.Taped(recordings.STREAM.replace("?alt=sse", ""), body=json.dumps(STREAMED).encode())
    spent = {"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}
    every = [array, unary(spent, 429), *(one for one, _, _ in FAULTS.values())]
    found = judged_rules(recordings.good(), recordings.good_stream(), *every)
    found |= {
        rule for one in (recordings.good(), recordings.good_stream(), *every) for rule in judged_rules(one)
    }
    free = {rule.id for rule in list_rules() if not rule.probes}
    assert free - found - ours == set()
    assert not ours & found


def test_what_is_not_judged_says_that_it_was_not_asked() -> None:
    cases = judge([recordings.line(recordings.good()), recordings.line(recordings.good_stream())]).cases
    for case in cases:
        if case.outcome not in JUDGED:
            assert case.reason.startswith("not asked: "), (case.rule, case.reason)
            assert ("it needs the question" in case.reason) is bool(RULES[case.rule].probes), case
