"""Whole runs over bundled servers: findings, results, replay, plan, and providers that are down."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.dialects.dialect import load_dialect
from conformance.running.engine import Engine
from conformance.running.session import RunOptions, prepare_session
from conformance.validation import validate

ONE = "google-embedded"
PROJECT = Path(__file__).resolve().parent.parent


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def provider(folder: Path, name: str) -> Any:
    return next(one for one in results(folder)["providers"] if one["name"] == name)


def grave(found: Any) -> set[str]:
    return {one["rule"] for one in found["deviations"] if one["level"] != "note"}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over all bundled servers, as the README's first command makes it."""
    folder: Path = tmp_path_factory.mktemp("whole") / "out"
    assert main(["run", "-q", "--seed", "11", "--out", str(folder)]) == 0
    return folder


def test_the_main_job_ends_in_a_report_and_in_zero(whole: Path) -> None:
    names = {path.name for path in whole.iterdir()}
    assert names >= {"report.html", "results.json", "junit.xml", "summary.md", "run.json", "exchanges"}
    assert not [name for name in names if name.startswith(".")]


def test_results_are_as_their_schema_says(whole: Path) -> None:
    assert validate(results(whole), "results.schema.json") == []


def test_the_server_like_google_has_no_finding_at_must_or_should(whole: Path) -> None:
    assert provider(whole, ONE)["status"] == "conforms"
    assert grave(provider(whole, ONE)) == set()


def test_the_envelope_is_found_with_the_usage_outside_it(whole: Path) -> None:
    found = provider(whole, "apimart-embedded")
    envelope = next(one for one in found["deviations"] if one["rule"] == "envelope/gemini-object-at-root")
    assert envelope["level"] == "must"
    assert "usageMetadata outside it" in envelope["observed"]
    assert envelope["documented"]["lines"]
    assert found["traits"]["envelope"]["observed"] == "split"


def test_snake_case_flat_settings_and_lines_of_json_are_found(whole: Path) -> None:
    found = provider(whole, "visioncoder-embedded")
    assert grave(found) >= {
        "casing/answers-in-camel-case", "casing/reads-settings-from-generation-config", "streaming/streams-sse-with-alt",
    }  # fmt: skip
    observed = {name: trait["observed"] for name, trait in found["traits"].items()}
    assert observed["response-casing"] == "snake_case"
    assert observed["stream-framing"] == "ndjson"
    assert observed["settings"] == "flat"
    assert observed["request-casing"] == "both"
    lines = next(one for one in found["deviations"] if one["rule"] == "streaming/streams-sse-with-alt")
    assert lines["documented"]["lines"] == "L132"


@pytest.mark.parametrize("name", ["anyfast-embedded", "acedata-embedded"])
def test_two_pages_differ_from_google_in_their_keys_alone(whole: Path, name: str) -> None:
    assert grave(provider(whole, name)) == {"auth/takes-x-goog-api-key"}


def test_every_documented_request_field_is_sent(whole: Path) -> None:
    for one in results(whole)["providers"]:
        if one["embedded"]:
            unsent = [row["pointer"] for row in one["coverage"] if row["seen"] == "not-sent"]
            assert not unsent, one["name"]


def test_providers_without_a_key_stand_there_as_not_run(whole: Path) -> None:
    vendors = {one["name"] for one in results(whole)["providers"] if not one["embedded"]}
    left = [one for one in results(whole)["providers"] if one["status"] == "not-run"]
    assert {one["name"] for one in left} == vendors != set()
    assert all("is not set" in one["reason"] for one in left)


def test_a_replay_gives_the_same_results_without_a_socket(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert main(["replay", str(whole), "-q", "--out", str(tmp_path / "again")]) == 0
    before, after = results(whole), results(tmp_path / "again")
    for one in (before, after):
        one["run"].pop("id")
        one["run"].pop("finished_at")
    assert after == before


def test_a_replay_is_narrowed_as_its_run_was(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main(["run", "-q", "-p", "google-embedded", "-d", "envelope", "--out", str(folder)]) == 0
    assert main(["replay", str(folder), "-q", "--out", str(tmp_path / "again")]) == 0
    assert results(tmp_path / "again")["run"]["selection"]["dimensions"] == ["envelope"]
    assert main(["replay", str(folder), "-q", "-d", "casing", "--out", str(tmp_path / "other")]) != 2
    assert results(tmp_path / "other")["run"]["selection"]["dimensions"] == ["casing"]


def test_each_exchange_is_read_once(tmp_path: Path) -> None:
    session = prepare_session(RunOptions(("google-embedded",), ("envelope",), out=tmp_path, seed=1), {})
    engine = Engine(session)
    engine.ask()
    [gathered], [verdict] = engine.gathered.providers, engine.judged.verdicts
    read = {id(reply) for reply in gathered.replies}
    assert verdict.replies
    assert all(id(reply) in read for reply in verdict.replies)


def test_clients_names_the_file_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "captured.jsonl"
    file.write_text("\nnot JSON\n")
    assert main(["clients", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"{file}:2: ")


def test_docs_shows_a_dialect_of_the_users_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(PROJECT / "schemas" / "anyfast", tmp_path / "mine")
    file = tmp_path / "mine" / "dialect.json"
    title = load_dialect("anyfast").title
    file.write_text(file.read_text(encoding="utf-8").replace(f'"{title}"', '"Mine Own"'), encoding="utf-8")
    assert main(["docs", str(tmp_path / "mine"), "--format", "markdown"]) == 0
    shown = capsys.readouterr().out
    assert title in shown
    assert "Mine Own" in shown


def test_a_page_is_drawn_again_from_results_alone(whole: Path, tmp_path: Path) -> None:
    assert main(["replay", str(whole), "-q", "--out", str(tmp_path / "again")]) == 0
    first = (whole / "report.html").read_text(encoding="utf-8")
    second = (tmp_path / "again" / "report.html").read_text(encoding="utf-8")
    title = "VisionCoder (embedded)"
    assert title in first
    assert title in second
    assert first.count('id="finding-') == second.count('id="finding-')


def test_embedded_servers_count_only_when_named(tmp_path: Path) -> None:
    assert main(["run", "-q", "-p", "anyfast-embedded", "-d", "auth", "--out", str(tmp_path / "a")]) == 1
    assert (
        main(
            [
                "run",
                "-q",
                "-p",
                "anyfast-embedded",
                "-d",
                "auth",
                "--fail-on",
                "never",
                "--out",
                str(tmp_path / "b"),
            ]
        )
        == 0
    )


def test_a_cut_off_recording_is_judged_as_far_as_it_goes(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    (folder / "exchanges").mkdir(parents=True)
    (folder / "run.json").write_bytes((whole / "run.json").read_bytes())
    for path in (whole / "exchanges").iterdir():
        data = path.read_bytes()
        (folder / "exchanges" / path.name).write_bytes(data[: -len(data) // 3])
    main(["replay", str(folder), "-q", "--out", str(tmp_path / "out")])
    said = results(tmp_path / "out")["run"]["warnings"]
    assert any("cut off" in line for line in said), said
    assert provider(tmp_path / "out", ONE)["cases"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "-p", "gogle-embedded"], "did you mean 'google-embedded'"),
        (["run", "-p", "anyfast"], "ANYFAST_API_KEY"),
        (["run", "-d", "casting"], "did you mean 'casing'"),
        (["explain", "casing/answers-in-camelcase"], "casing/answers-in-camel-case"),
        (["replay", "nowhere"], "nowhere"),
        (["serve", "anyfst"], "anyfast"),
        (["serve", "google", "--model", "gemini-4-pro"], "gemini-2.0, gemini-2.5, gemini-3"),
        (["run", "--client", "google-gena"], "google-genai"),
    ],
)
def test_a_wrong_word_ends_in_two_and_names_the_nearest(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert said in capsys.readouterr().err


def _config(folder: Path, url: str, **more: Any) -> Path:
    entry = {"base_url": url, "dialect": "google", "model": "gemini-2.5-flash", "timeout": 2, **more}
    path = folder / "providers.yaml"
    path.write_text(json.dumps({"providers": {"vendor": entry}}), encoding="utf-8")
    return path


def test_a_vendor_that_is_down_is_inconclusive_and_the_others_are_judged(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    config = _config(tmp_path, f"http://127.0.0.1:{port}")
    text = json.loads(config.read_text(encoding="utf-8"))
    text["providers"]["like-google"] = {"embedded": "google"}
    config.write_text(json.dumps(text), encoding="utf-8")
    assert main(["run", "-q", "-c", str(config), "--out", str(tmp_path / "out")]) == 3
    assert provider(tmp_path / "out", "vendor")["status"] == "inconclusive"
    assert "connect" in provider(tmp_path / "out", "vendor")["reason"]
    assert provider(tmp_path / "out", "like-google")["status"] == "conforms"


def test_no_answer_of_a_dead_vendor_is_paid_for_more_than_eight_times(tmp_path: Path) -> None:
    config = _config(tmp_path, "http://127.0.0.1:9")
    main(["run", "-q", "-c", str(config), "--out", str(tmp_path / "out")])
    found = provider(tmp_path / "out", "vendor")
    assert found["traffic"]["requests"] <= 8 + 4
    assert any(one["cause"] == "dead" for one in found["unasked"])


def test_a_run_in_which_nothing_was_tested_is_not_zero(tmp_path: Path) -> None:
    config = _config(tmp_path, "https://vendor.example", key_env="NO_SUCH_KEY_IS_SET")
    assert main(["run", "-q", "-c", str(config), "--out", str(tmp_path / "out")]) == 3


def test_plan_sends_nothing_and_stays_in_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "embedded" in line]
    assert rows
    for row in rows:
        assert int(row[1]) <= 65
        assert int(row[4]) < 8000
