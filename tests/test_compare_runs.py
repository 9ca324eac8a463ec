"""Comparing real runs of real servers, each command in its own process, as in a pipeline."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_generated_rules import BROKEN, _answer, _empty, answering_to
from warm_start import warm_command
from whole_runs import entry, environment, write_providers

from conformance.cli import main
from conformance.embedded import HONEST, Host, Incoming, Outgoing

KEY = "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW"
BAD_GATEWAY = _answer(502, "text/html", b"<html><h1>502 Bad Gateway</h1></html>")


class Vendor:
    """A server that answers as Google would until it is told otherwise."""

    def __init__(self) -> None:
        self.answer: Any = HONEST

    def __call__(self, incoming: Incoming) -> Outgoing:
        answered: Outgoing = self.answer(incoming)
        return answered


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
def folder(tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder whose providers.yaml names the vendor as `v`, asked as little as will do."""
    monkeypatch.setenv("WHOLE_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    with Host() as host:
        port = int(host.start(vendor).rpartition(":")[2])
        settings = {"auth": "x-goog-api-key", "limits": {"retries": 0}, "max_requests": 600}
        write_providers(tmp_path, {"v": entry(port, **settings)})
        yield tmp_path


def run(out: str, *words: str) -> dict[str, Any]:
    main(["run", "-q", "--out", out, *words])
    results: dict[str, Any] = json.loads(Path(out, "results.json").read_text(encoding="utf-8"))
    return results


def compare(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return process(folder, "compare", *words, **environ)


def process(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    line = warm_command(*words)
    env = environment(**environ)
    return subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_a_vendor_that_is_dead_in_the_second_run_is_one_true_line_and_exit_code_3(
    folder: Path, vendor: Vendor
) -> None:
    run("one", "-d", "envelope")
    vendor.answer = lambda _: BAD_GATEWAY
    dead = run("two", "-d", "envelope")
    reasons = [one.get("reason") or "" for one in dead["providers"][0]["cases"]]
    assert not [reason for reason in reasons if "every answer is empty" in reason]
    summary = folder / "steps.md"
    done = compare(folder, "one", "two", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 3
    said = [line for line in done.stdout.splitlines() if line.startswith("v ")]
    assert said[0].startswith("v could not be judged: the plain question is answered with HTTP 502")
    assert len(done.stdout.splitlines()) < 8
    assert "Nothing is new" not in done.stdout
    assert "v could not be judged" in summary.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_vendor_of_pages_is_not_called_empty(folder: Path, vendor: Vendor) -> None:
    vendor.answer = lambda _: BAD_GATEWAY
    found = run("dead", "-d", "streaming", "-d", "errors")
    (one,) = found["providers"]
    cases = {case["rule"]: case["reason"] for case in one["cases"]}
    said = [reason for reason in cases.values() if reason.startswith("every answer is ")]
    assert folder.is_dir()
    assert set(said) == {"every answer is an HTML page (HTTP 502)"}


@pytest.mark.slow
def test_a_run_of_one_dimension_loses_the_coverage_of_the_others(folder: Path) -> None:
    run("one", "-d", "envelope", "-d", "auth")
    run("two", "-d", "auth")
    done = compare(folder, "one", "two")
    assert done.returncode == 3
    assert "v lost coverage: " in done.stdout
    assert "-d auth" in done.stdout
    assert "Nothing is new" not in done.stdout
    assert compare(folder, "one", "one").returncode == 0


@pytest.mark.slow
def test_a_missing_key_in_the_second_run_is_exit_code_3(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("one", "-d", "envelope")
    monkeypatch.delenv("WHOLE_KEY")
    run("two", "-d", "envelope")
    done = compare(folder, "one", "two")
    assert done.returncode == 3
    assert "v was not run: WHOLE_KEY is not set" in done.stdout


@pytest.mark.slow
def test_a_vendor_that_changed_its_answers_is_exit_code_1(folder: Path, vendor: Vendor) -> None:
    run("one", "-d", "envelope")

    def wrapped(incoming: Incoming) -> Outgoing:
        answer = HONEST(incoming)
        if answer.status != 200 or not answer.body.startswith(b"{"):
            return answer
        return _answer(200, "application/json", b'{"data":' + answer.body + b"}")

    vendor.answer = wrapped
    run("two", "-d", "envelope")
    done = compare(folder, "one", "two")
    assert done.returncode == 1
    assert "this fails" in done.stdout
    assert "worked with v and breaks now" in done.stdout
    assert compare(folder, "one", "two", "--client", "nobody").returncode == 2
    assert compare(folder, "two", "one").returncode == 0


@pytest.mark.slow
def test_two_providers_that_were_run_apart_can_be_switched_between(folder: Path, vendor: Vendor) -> None:
    text = (folder / "providers.yaml").read_text(encoding="utf-8")
    one = yaml.safe_load(text)["providers"]["v"]
    write_providers(folder, {"alpha": one, "beta": one, "gamma": one})
    main(["run", "-q", "-p", "alpha", "-d", "auth", "-d", "envelope"])
    main(["run", "-q", "-p", "beta", "-d", "auth"])
    moved = ("switch", "--from", "alpha", "--to", "beta")
    done = process(folder, *moved)
    assert done.returncode == 0
    assert "on paper" not in done.stdout
    first = done.stdout.splitlines()[0]
    assert re.search(r"beta: computed from \d+ questions of auth only", first)
    assert re.search(
        r"alpha: computed from \d+ questions of (auth and envelope|envelope and auth) only", first
    )
    vendor.answer = lambda _: BAD_GATEWAY
    main(["run", "-q", "-p", "beta", "-d", "auth"])
    done = process(folder, *moved, "--client", "google-genai")
    assert (done.returncode, done.stdout) == (2, "")
    assert "beta could not be judged" in done.stderr
    assert "HTTP 502" in done.stderr
    done = process(folder, "switch", "--from", "alpha", "--to", "gamma")
    assert done.returncode == 2
    assert "conformance run -p gamma" in done.stderr


@pytest.mark.slow
def test_what_only_the_larger_draw_holds_is_not_new(folder: Path, vendor: Vendor) -> None:
    vendor.answer = answering_to(_empty, BROKEN)
    few = run("few", "-d", "schema", "--max-examples", "1", "--seed", "7")
    many = run("many", "-d", "schema", "--max-examples", "40", "--seed", "7")
    shown = [{one["rule"] for one in each["providers"][0]["deviations"]} for each in (few, many)]
    assert "schema/survives-generated-bodies" in shown[1] - shown[0]
    done = compare(folder, "few", "many", "--fail-on", "any")
    assert "more generated bodies than before, so not counted as new" in done.stdout
    assert not re.search("generated-[0-9a-f]{6}", done.stdout)
    assert "Nothing is new" not in done.stdout
