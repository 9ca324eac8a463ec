"""Generated bodies in whole runs: seeds, budgets, stored bodies, and runs without any."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_generated_rules import BROKEN, Application, _empty, answering_to
from whole_runs import ROOT, entry, write_providers

from conformance.cli import main
from conformance.dialects.dialect import list_bundled_dialects
from conformance.embedded import HONEST, Host, Incoming, Outgoing

SURVIVES = "schema/survives-generated-bodies"


class Switched:
    """A server that fails on an empty text until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.asked: list[bytes] = []
        self._broken: Application = answering_to(_empty, BROKEN)

    def __call__(self, incoming: Incoming) -> Outgoing:
        self.asked.append(incoming.body)
        return HONEST(incoming) if self.mended else self._broken(incoming)


@pytest.fixture
def server() -> Switched:
    return Switched()


@pytest.fixture
def config(tmp_path: Path, server: Switched, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("WHOLE_KEY", "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW")
    with Host() as host:
        port = int(host.start(server).rpartition(":")[2])
        yield write_providers(
            tmp_path,
            {"vendor": entry(port, max_requests=600, max_examples=40, auth="x-goog-api-key", limits={})},
        )


def run(config: Path, out: Path, *words: str) -> dict[str, Any]:
    main(["run", "-q", "-c", str(config), "--out", str(out), "-d", "schema", *words])
    results: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return next(one for one in results["providers"] if one["name"] == "vendor")


def finding(provider: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next((one for one in provider["deviations"] if one["rule"] == SURVIVES), {})
    return found


def kept(folder: Path) -> list[dict[str, Any]]:
    file = folder / "failing" / "vendor.jsonl"
    return (
        [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    )


@pytest.mark.slow
def test_what_fails_is_marked_and_kept_and_asked_first_until_it_is_mended(
    config: Path, server: Switched, tmp_path: Path
) -> None:
    found = finding(run(config, tmp_path / "one", "--seed", "1"))
    assert found["level"] == "should"
    assert found["generated"] is True
    assert "curl" in found["curl"]
    bodies = kept(tmp_path)
    assert bodies
    again = run(config, tmp_path / "two", "--seed", "99", "--max-examples", str(len(bodies)))
    assert set(finding(again)["exchanges"]) <= set(found["exchanges"])
    server.mended = True
    assert finding(run(config, tmp_path / "three", "--seed", "5")) == {}
    assert kept(tmp_path) == []


@pytest.mark.slow
def test_a_kept_body_that_was_not_asked_stays(config: Path, tmp_path: Path) -> None:
    run(config, tmp_path / "one", "--seed", "1")
    before = kept(tmp_path)
    run(config, tmp_path / "two", "--seed", "1", "--max-examples", "1")
    assert {json.dumps(one["body"]) for one in kept(tmp_path)} == {json.dumps(one["body"]) for one in before}


def test_a_hostile_file_of_kept_bodies_is_named_and_does_no_harm(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "failing" / "vendor.jsonl"
    file.parent.mkdir()
    file.write_text(
        '{"body": 7}\n'
        + "[" * 5000
        + "\n"
        + '{"body": {"contents": []}, "valid": true, "expected": {"status": "x", "text": 7}}\n'
    )
    run(config, tmp_path / "one", "--seed", "1")
    said = json.loads((tmp_path / "one" / "results.json").read_text(encoding="utf-8"))["run"]["warnings"]
    assert sum("is not a kept body" in line for line in said) == 2


@pytest.mark.slow
def test_shrinking_stays_in_its_budget_and_shows_the_smallest_body(config: Path, tmp_path: Path) -> None:
    plain = run(config, tmp_path / "a" / "plain", "--seed", "1")
    shrunk = run(config, tmp_path / "b" / "shrunk", "--seed", "1", "--shrink", "40")
    spent = shrunk["traffic"]["requests"] - plain["traffic"]["requests"]
    assert 0 < spent <= 40
    first = {one["exchanges"][0]: len(one["curl"]) for one in (finding(plain), finding(shrunk))}
    assert len(first) == 2
    assert finding(shrunk)["curl"].count('"text"') < finding(plain)["curl"].count('"text"')


def test_a_replay_of_generated_bodies_says_the_same(config: Path, server: Switched, tmp_path: Path) -> None:
    before = run(config, tmp_path / "one", "--seed", "1", "--shrink", "20")
    asked = len(server.asked)
    main(["replay", "-q", str(tmp_path / "one"), "-d", "schema", "--out", str(tmp_path / "again")])
    after = json.loads((tmp_path / "again" / "results.json").read_text(encoding="utf-8"))
    assert next(one for one in after["providers"] if one["name"] == "vendor") == before
    assert len(server.asked) == asked


def test_a_budget_too_small_is_said_and_leaves_room_for_the_last_questions(
    config: Path, tmp_path: Path
) -> None:
    text = config.read_text(encoding="utf-8").replace("max_requests: 600", "max_requests: 60")
    config.write_text(text, encoding="utf-8")
    found = run(config, tmp_path / "one", "--seed", "1", "--max-examples", "200")
    said = json.loads((tmp_path / "one" / "results.json").read_text(encoding="utf-8"))["run"]["warnings"]
    assert any("generated bodies were not sent: max_requests (60) is used up" in line for line in said)
    assert [one["cause"] for one in found["unasked"] if one["probe"] == "generated"] == ["budget"]
    assert "plain-at-the-end" not in {one["probe"] for one in found["unasked"]}
    assert found["traffic"]["requests"] == 60


def _numbers(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") in ("number", "integer"):
            yield schema
        for child in schema.values():
            yield from _numbers(child)


def test_a_schema_that_admits_nothing_is_named_before_anything_is_sent(
    config: Path, server: Switched, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [ROOT / "schemas" / name for name in list_bundled_dialects() if name != "google"]
    schemas = {
        folder: json.loads((folder / "request.schema.json").read_text(encoding="utf-8")) for folder in folders
    }
    folder, number = next(
        (folder, number) for folder, schema in schemas.items() for number in _numbers(schema)
    )
    number.update(minimum=2, maximum=1)
    shutil.copytree(folder, tmp_path / "mine")
    (tmp_path / "mine" / "request.schema.json").write_text(json.dumps(schemas[folder]), encoding="utf-8")
    config.write_text(
        config.read_text(encoding="utf-8").replace("dialect: google", "dialect: ./mine"), encoding="utf-8"
    )
    assert main(["run", "-q", "-c", str(config), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "vendor: " in said
    assert "admits nothing: 2 is more than 1" in said
    assert server.asked == []
    assert (
        main(
            [
                "run",
                "-q",
                "-c",
                str(config),
                "--out",
                str(tmp_path / "out"),
                "--max-examples",
                "0",
                "--fail-on",
                "never",
            ]
        )
        != 2
    )


@pytest.mark.parametrize("words", [["--max-examples", "0"], ["-d", "auth"]])
def test_a_run_without_generated_bodies_does_without_hypothesis(words: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from conformance.cli import main; "
        f"main(['run', '-q', '-p', 'google-embedded', '--out', {str(tmp_path / 'out')!r}, *{words!r}]); "
        "sys.exit('hypothesis' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
