"""`conformance judge`, and `judge` as a library: output, files and exit codes."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import recordings
from whole_runs import ROOT

import conformance
from conformance import judge
from conformance.capturing.collecting import read_files
from conformance.cli import main
from conformance.dialects.dialect import DialectError
from conformance.model import Exchange
from conformance.recording.record import Recorder, read_recording
from conformance.validation import validate


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> tuple[str, str]:
    assert main(["judge", *words]) == code
    heard = capsys.readouterr()
    return heard.out, heard.err


def file(folder: Path, *several: recordings.Taped, name: str = "x.har") -> str:
    path = folder / name
    path.write_bytes(recordings.har(*several))
    return str(path)


# --- the text ---


def test_the_terminal_names_each_finding_with_all_that_proves_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = said(capsys, file(tmp_path, recordings.without_reason()), code=1)
    assert "must" in out
    for label in ("rule", "expected", "observed", "at", "source"):
        assert re.search(rf"(?m)^    {label}\b +\S", out), label
    assert "streaming/ends-with-a-finish-reason" in out
    assert "x.har, entry 1" in out
    assert "HAR, 1 entry; 1 read" in err


@pytest.mark.parametrize(("wrong", "code"), [(False, 0), (True, 2)])
def test_junit_shows_as_failed_exactly_what_the_exit_code_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: bool, code: int
) -> None:
    elsewhere = recordings.UNARY.replace("2.5-flash", "2.0-flash")
    page = recordings.Taped(elsewhere, status=502, body=b"<html>", kind="text/html")
    (tmp_path / "bad.txt").write_bytes(b"no recording")
    files = [file(tmp_path, recordings.good(), page), *([str(tmp_path / "bad.txt")] if wrong else [])]
    said(capsys, *files, "--out", str(tmp_path / "out"), code=code)
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["run"]["exit_code"] == code
    assert {one["status"] for one in results["providers"]} == {"partial", "inconclusive"}
    junit = (tmp_path / "out" / "junit.xml").read_text(encoding="utf-8")
    assert ("<failure" in junit or "<error" in junit) is wrong


def test_a_stream_asked_as_no_client_asks_is_said_to_be_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    array = recordings.dump([recordings.chunk("Blue"), recordings.chunk(".", finishReason="STOP")])
    without_alt = recordings.Taped(recordings.STREAM.partition("?")[0], body=array)
    out, _ = said(capsys, file(tmp_path, without_alt, recordings.good_stream()), code=0)
    assert out.count("sent without alt=sse, which none of these clients does:") == 1


def test_the_terminal_says_what_each_client_makes_of_each_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = said(capsys, file(tmp_path, recordings.good(), recordings.snake()), code=1)
    flat = " ".join(out.split())
    assert "x.har, entry 1: POST /v1beta/models/gemini-2.5-flash:generateContent, HTTP 200" in flat
    assert re.search(r"all \d clients: 14 characters, STOP, 9 tokens", flat)
    assert "no token count" in flat  # of the second answer, whose names they do not know
    assert re.search(r"(?m)^  (broken|degraded)", out)


def test_quiet_says_nothing_of_a_recording_without_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, file(tmp_path, recordings.good()), "-q", code=0) == ("", "")


def test_what_a_vendor_wrote_does_not_reach_the_terminal_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps(
        {"error": {"message": "\x1b[2Jboo\u202e", "type": "\x1b]0;t\x07", "code": "x"}}
    ).encode()
    bad = recordings.Taped(f"{recordings.HOST}/v1beta/models/m\u202e%1b[0m:generateContent", 400, body)
    for form in ("text", "markdown", "json"):
        out, err = said(
            capsys, file(tmp_path, bad, name="a\x1b[31m.har"), "--format", form, "--fail-on", "never", code=0
        )
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err), form


def test_the_markdown_can_be_sent_to_a_vendor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, file(tmp_path, recordings.without_reason()), "--format", "markdown", code=1)
    assert "## Not met: " in out
    assert "### Response (status 200)" in out
    assert "curl" in out
    assert "Blue" in out
    assert "Recorded in x.har, entry 1" in out


def test_the_json_is_results_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, file(tmp_path, recordings.without_reason()), "--format", "json", code=1)
    results = json.loads(out)
    assert validate(results, "results.schema.json") == []
    provider = results["providers"][0]
    assert (results["run"]["exit_code"], provider["status"]) == (1, "deviates")
    assert provider["judged"]["limited_by"] == ["a recording of 1 exchange"]
    assert provider["answers"][0]["clients"][0]["client"]


# --- what was not asked ---


def test_rules_that_nobody_asked_are_not_asked_and_no_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = said(capsys, file(tmp_path, recordings.good()), "--format", "json", code=0)
    provider = json.loads(out)["providers"][0]
    cases = {case["rule"]: case for case in provider["cases"]}
    assert provider["status"] == "partial"
    assert cases["auth/refuses-a-wrong-key"]["outcome"] == "blocked"
    assert cases["auth/refuses-a-wrong-key"]["reason"].startswith("not asked: ")
    assert cases["schema/has-a-candidate"]["outcome"] == "pass"
    assert cases["streaming/ends-with-a-finish-reason"]["reason"].startswith("not asked: ")
    assert provider["judged"]["rules"] == sum(
        case["outcome"] in ("pass", "deviation", "note", "unsupported") for case in provider["cases"]
    )


def test_questions_are_not_held_against_each_other() -> None:
    """What would be three tries of one question, or a question and its twin, were it asked by us."""
    stopped = json.dumps(
        {
            **recordings.ANSWER,
            "candidates": [{**recordings.ANSWER["candidates"][0], "finishReason": "MAX_TOKENS"}],
        }
    )
    several = [recordings.good(), recordings.good_stream(), recordings.Taped(body=stopped.encode())] * 4
    busy = [
        recordings.Taped(
            status=503, body=b'{"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}'
        )
    ] * 3
    verdict = judge([recordings.line(one) for one in (*several, *busy)])
    assert [one.rule for one in verdict.deviations if one.level != "note"] == []
    assert verdict.status == "partial"


# --- exit codes ---


@pytest.mark.parametrize(
    ("kind", "words", "code"),
    [
        ("good", (), 0),
        ("without-reason", (), 1),
        ("without-reason", ("--fail-on", "never"), 0),
        ("error", (), 0),
        ("error", ("--fail-on", "should"), 1),
        ("snake", ("--client", "google-genai"), 0),
        ("framed", ("--client", "google-genai"), 1),
        ("good", ("--client", "google-genai"), 0),
        ("good", ("--client", "gogle-genai"), 2),
        ("good", ("--dialect", "nobodys"), 2),
        ("good", ("--url", "https://x.example/v1/chat"), 2),
    ],
)
def test_the_exit_code_follows_what_was_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, words: tuple[str, ...], code: int
) -> None:
    said(capsys, file(tmp_path, recordings.KINDS[kind]()), *words, code=code)


def test_nothing_to_judge_is_3_and_a_wrong_file_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = file(tmp_path, recordings.Taped("https://cdn.example/app.js", body=b"x"), name="other.har")
    _, err = said(capsys, other, code=3)
    assert "1 not of the Gemini API" in err
    assert "exit code 3: nothing was tested" in err
    (tmp_path / "bad.yaml").write_text("interactions: !!python/object:x.Y {}\n")
    good = file(tmp_path, recordings.good())
    out, err = said(capsys, str(tmp_path / "bad.yaml"), good, code=2)
    assert err.count("would create an object") == 1
    assert "exit code 3" not in err
    assert "rules judged" in out
    out, _ = said(capsys, str(tmp_path / "bad.yaml"), good, "--format", "json", code=2)
    assert json.loads(out)["run"]["exit_code"] == 2
    assert "would create an object" in json.loads(out)["run"]["warnings"][0]
    without = json.loads(recordings.har(recordings.good()))
    del without["log"]["entries"][0]["response"]["content"]["text"]
    (tmp_path / "without.har").write_text(json.dumps(without))
    said(capsys, str(tmp_path / "without.har"), code=3)


def test_a_model_of_which_nothing_can_be_judged_leaves_the_others_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = recordings.Taped(
        recordings.UNARY.replace("2.5-flash", "2.5-pro"), 502, b"<html>bad gateway</html>", "text/html"
    )
    said(capsys, file(tmp_path, lost), code=3)
    out, _ = said(capsys, file(tmp_path, lost, recordings.good()), "--format", "json", code=0)
    results = json.loads(out)
    assert results["run"]["exit_code"] == 0
    assert [provider["status"] for provider in results["providers"]] == ["inconclusive", "partial"]


def test_one_answer_in_two_recordings_is_no_repeated_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = recordings.written(tmp_path, recordings.good())
    assert main(["judge", str(paths["x.har"]), str(paths["vcrpy.yaml"])]) == 0
    assert "schema/response-ids-are-unique" not in capsys.readouterr().out


def test_the_request_to_repeat_names_a_variable_for_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.har"
    one = recordings.snake()
    path.write_bytes(
        recordings.har(recordings.Taped(one.url + "?key=a-key-of-mine-0123456789", body=one.body))
    )
    assert main(["judge", str(path), "--format", "markdown"]) == 1
    out = capsys.readouterr().out
    assert "${API_KEY}" in out
    assert "embedded-key" not in out


def test_a_verdict_prints_on_one_line() -> None:
    one = recordings.snake()
    verdict = judge([{"url": one.url, "status": 200, "body": one.body.decode()}])
    said = repr(verdict)
    assert said.startswith("<Verdict on api.reseller.example, gemini-2.5-flash: deviates, ")
    assert len(said) < 150


def test_url_says_what_curl_was_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.txt").write_bytes(recordings.curl(recordings.snake()))
    _, err = said(capsys, str(tmp_path / "x.txt"), code=3)
    assert "give it with --url" in err
    said(capsys, str(tmp_path / "x.txt"), "--url", f"{recordings.UNARY}?key=AIzaSy0123456789abcdefgh", code=1)


def test_standard_input_is_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(recordings.har(recordings.good()))))
    out, _ = said(capsys, "-", code=0)
    assert "rules judged" in out


def test_a_dialects_own_document_is_judged_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(
        capsys, file(tmp_path, recordings.good()), "--dialect", "apimart", "--format", "json", code=0
    )
    provider = json.loads(out)["providers"][0]
    assert provider["dialect"] == "apimart"
    assert provider["coverage"]


# --- the whole report ---


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reported")
    other = recordings.Taped(recordings.UNARY.replace("2.5-flash", "2.5-pro"), body=recordings.good().body)
    out = folder / "out"
    assert main(["judge", file(folder, recordings.without_reason(), other), "--out", str(out)]) == 1
    return out


def test_out_holds_the_report_of_a_run(reported: Path) -> None:
    names = {path.name for path in reported.iterdir()}
    assert names >= {"report.html", "results.json", "junit.xml", "summary.md", "run.json", "exchanges"}
    results = json.loads((reported / "results.json").read_text())
    assert validate(results, "results.schema.json") == []
    assert [provider["name"] for provider in results["providers"]] == [
        "api.reseller.example-gemini-2.5-flash",
        "api.reseller.example-gemini-2.5-pro",
    ]
    assert "streaming/ends-with-a-finish-reason" in (reported / "report.html").read_text()


def test_a_report_of_a_recording_can_be_judged_anew(reported: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main(["replay", str(reported), "--out", str(again)]) == 1
    before, after = (json.loads((folder / "results.json").read_text()) for folder in (reported, again))
    for old, new in zip(before["providers"], after["providers"], strict=True):
        for name in ("name", "base_url", "model", "status", "judged"):
            assert old[name] == new[name]
        assert [one["rule"] for one in old["deviations"]] == [one["rule"] for one in new["deviations"]]


def test_a_report_of_a_recording_can_be_compared(
    reported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mended = tmp_path / "mended"
    assert main(["judge", file(tmp_path, recordings.good_stream()), "--out", str(mended)]) == 0
    main(["compare", str(reported), str(mended)])
    assert "streaming/ends-with-a-finish-reason" in capsys.readouterr().out


# --- the library ---


def test_importing_the_package_is_light() -> None:
    code = "import sys, conformance; sys.exit(any(name in sys.modules for name in ('pytest', 'httpx', 'yaml', 'ijson')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_library_needs_no_pytest() -> None:
    code = "import sys; from conformance import judge; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_verdict_of_the_library_says_what_its_docs_promise() -> None:
    verdict = judge([recordings.line(recordings.without_reason())])
    assert verdict.status == "deviates"
    worst = verdict.deviations[0]
    assert (worst.rule, worst.level.value) == ("streaming/ends-with-a-finish-reason", "must")
    assert worst.title
    assert worst.locations[0].expected
    assert {client.verdict for client in verdict.clients} <= {"works", "degraded", "broken", "untested"}
    assert 0 < verdict.judged.rules < verdict.judged.of


def test_the_library_takes_exchanges_too(tmp_path: Path) -> None:
    exchanges = read_files([file(tmp_path, recordings.snake())]).groups[0].exchanges
    assert judge(exchanges).status == judge([recordings.line(recordings.snake())]).status == "deviates"


def test_several_models_are_judged_apart_and_told_as_one() -> None:
    pro = recordings.UNARY.replace("2.5-flash", "2.5-pro")
    body = json.dumps({**recordings.ANSWER, "modelVersion": "gemini-2.5-pro"}).encode()
    several = [recordings.good(), recordings.Taped(pro, body=body), recordings.snake()]
    verdict = judge([recordings.line(one) for one in several])
    assert verdict.status == "deviates"
    assert len(verdict.replies) == 3
    assert verdict.judged.limited_by == ("a recording of 3 exchanges",)
    assert "semantics/answers-with-the-model-that-was-asked" not in [one.rule for one in verdict.deviations]
    assert len({case.rule for case in verdict.cases}) == len(verdict.cases)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "nothing to judge"),
        ([{"url": "https://x.example/v1/chat/completions", "status": 200, "body": "{}"}], "nothing to judge"),
        ([{"nothing": 1}], "exchange 1 holds none of url, path, status, body"),
        ([{"url": "x", "body_b64": "%"}], "exchange 1 body_b64 is not valid Base64"),
        (["text"], "exchange 1 is not a JSON object"),
    ],
)
def test_what_cannot_be_judged_is_a_value_error(given: list[Any], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        judge(given)


def test_unknown_words_of_the_library_are_refused() -> None:
    one = [recordings.line(recordings.good())]
    with pytest.raises(DialectError):
        judge(one, dialect="nobodys")
    with pytest.raises(ValueError, match="against"):
        judge(one, against="nobody")
    with pytest.raises(AttributeError, match="nothing"):
        conformance.nothing  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def test_what_judge_writes_is_a_recording(reported: Path) -> None:
    path = next(iter(sorted((reported / "exchanges").iterdir())))
    found = read_files([str(path)])
    assert found.groups[0].exchanges[0].captured
    with Recorder(reported / "copy") as recorder:
        recorder.add(found.groups[0].exchanges[0])
    assert (reported / "copy" / "exchanges" / path.name).read_bytes() == path.read_bytes()


def as_line(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange of ours as another program would have written it: without its question."""
    return {
        "url": f"https://api.example{exchange.request.path}",
        "method": exchange.request.verb,
        "request_headers": [list(pair) for pair in exchange.request.headers],
        "request_body": exchange.request.body.decode("utf-8", "replace") or None,
        "status": exchange.status,
        "response_headers": [list(pair) for pair in exchange.headers],
        "headers_complete": True,
        "body_b64": base64.b64encode(exchange.body).decode(),
        "pieces": [[piece.at_ms, len(piece.data)] for piece in exchange.pieces],
    }


def test_a_good_vendors_answers_to_all_our_questions_accuse_nobody_in_a_recording(tmp_path: Path) -> None:
    """Sixty different questions, faulty ones among them, of which no reader of the recording knows what they were."""
    words = ["-c", str(ROOT / "providers.yaml"), "--max-examples", "0", "--out", str(tmp_path / "out"), "-q"]
    assert main(["run", "-p", "google-embedded", *words]) == 0
    several = [as_line(exchange) for exchange in read_recording(tmp_path / "out").exchanges]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, several)))
    groups = read_files([str(path)]).groups
    assert sum(len(group.exchanges) for group in groups) > 50
    verdict = judge(exchange for group in groups for exchange in group.exchanges)
    assert [(one.rule, one.locations[0].observed) for one in verdict.deviations if one.level != "note"] == []
    assert verdict.judged.rules > 60


def test_our_own_exchanges_are_judged_as_the_run_judged_them(tmp_path: Path) -> None:
    words = ["-c", str(ROOT / "providers.yaml"), "--max-examples", "0", "--out", str(tmp_path / "out"), "-q"]
    main(["run", "-p", "anyfast-embedded", *words])
    path = tmp_path / "out" / "exchanges" / "anyfast-embedded.jsonl"
    main(["judge", str(path), "--dialect", "anyfast", "--out", str(tmp_path / "judged"), "-q"])
    run, judged = (
        json.loads((tmp_path / name / "results.json").read_text())["providers"][0]
        for name in ("out", "judged")
    )
    assert [(one["rule"], one["level"]) for one in run["deviations"]] == [
        (one["rule"], one["level"]) for one in judged["deviations"]
    ]
    assert run["judged"]["rules"] == judged["judged"]["rules"]
