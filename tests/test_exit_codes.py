"""Every exit code and its causes, with real processes and servers; results.json and junit.xml agree with the code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from miniatures.making import limit_every_third, with_usage
from warm_start import warm_command
from whole_runs import KEY, Ran, command, entry, environment, run, write_providers

from conformance.dialects.dialect import load_dialect
from conformance.embedded import HONEST, Behaviour, Host, Incoming, Outgoing, make_behaviour
from conformance.model import JSON
from conformance.verdicts.exit_code import (
    ExitConditions,
    compute_exit_code,
    list_exit_causes,
    read_conditions,
)

QUICK = ("-d", "envelope")
NO_WAITING = {"retries": 0, "dead_after": 1000}


def vendor(port: int, **changes: Any) -> dict[str, Any]:
    """Return a vendor that no busy machine makes too slow."""
    return entry(
        port,
        **{
            "timeout": 100,
            "auth": "x-goog-api-key",
            "limits": {"first_byte": 90, "silence": 90, "retries": 1},
            **changes,
        },
    )


def _wrong_total(usage: dict[str, JSON]) -> dict[str, JSON]:
    total = usage["totalTokenCount"]
    assert isinstance(total, int)
    return {**usage, "totalTokenCount": total + 7}


def _slow(incoming: Incoming) -> Outgoing:
    answer = HONEST(incoming)
    return replace(answer, pieces=tuple(replace(piece, wait=0.3) for piece in answer.pieces))


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    servers: dict[str, Callable[[Incoming], Outgoing] | Behaviour] = {
        "honest": HONEST,
        "breaking": make_behaviour(load_dialect("visioncoder")),
        "miscounting": with_usage(_wrong_total),
        "limited": limit_every_third(),
        "slow": _slow,
    }
    with Host() as host:
        yield {name: int(host.start(server).rpartition(":")[2]) for name, server in servers.items()}


def agrees(ran: Ran) -> Ran:
    """Hold the process's code against results.json's, and against whether junit.xml shows anything red."""
    results = ran.results
    assert results["run"]["exit_code"] == ran.code, ran.stderr
    junit = ET.fromstring((ran.out / "junit.xml").read_text(encoding="utf-8"))
    suites = junit.findall("testsuite")
    red = sum(int(suite.get(name, "0")) for suite in suites for name in ("failures", "errors"))
    assert (red > 0) == (ran.code != 0)
    assert f"{ran.code}: " in (ran.out / "summary.md").read_text(encoding="utf-8")
    return ran


def ended(folder: Path, providers: dict[str, dict[str, Any]], *words: str, key: str = KEY) -> Ran:
    config = write_providers(folder, providers)
    return agrees(run(config, folder / "out", *words, env=environment(key)))


def replayed(folder: Path, recording: Path, *words: str) -> Ran:
    out = folder / "replayed"
    line = warm_command("replay", str(recording), "--out", str(out), *words)
    done = subprocess.run(
        line, cwd=folder, env=environment(), capture_output=True, timeout=120, check=False, text=True
    )
    return agrees(Ran(done.returncode, done.stdout, done.stderr, out, 0.0))


@pytest.fixture(scope="module")
def breaking(ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("breaking")
    providers = {
        "breaking": vendor(ports["breaking"], auth="bearer"),
        "inside": {"embedded": "visioncoder", "auth": "bearer"},
    }
    return ended(folder, providers, "-d", "casing")


@pytest.fixture(scope="module")
def miscounting(ports: dict[str, int], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ended(tmp_path_factory.mktemp("miscounting"), {"one": vendor(ports["miscounting"])}, "-d", "usage")


# --- 0 ------------------------------------------------------------------------------------------------


def test_a_part_of_the_rules_that_holds_ends_in_0_and_is_called_partial(
    ports: dict[str, int], tmp_path: Path
) -> None:
    ran = ended(
        tmp_path,
        {"one": vendor(ports["honest"]), "spare": vendor(1, key_env="NO_KEY", optional=True)},
        *QUICK,
    )
    found = ran.provider("one")
    assert (ran.code, found["status"], ran.provider("spare")["status"]) == (0, "partial", "not-run")
    judged = found["judged"]
    assert judged["limited_by"] == ["-d envelope"]
    assert judged["rules"] == len(found["cases"]) < judged["of"] > 150
    said = f"nothing found in {judged['rules']} of {judged['of']} rules"
    for text in (
        ran.stdout,
        *((ran.out / name).read_text("utf-8") for name in ("summary.md", "junit.xml", "report.html")),
    ):
        assert said in " ".join(text.split())
        assert "conforms to Google" not in text


@pytest.mark.slow
def test_whole_runs_of_a_faultless_vendor_conform(tmp_path: Path, ports: dict[str, int]) -> None:
    found = ended(tmp_path, {"one": vendor(ports["honest"], max_examples=6)})
    assert (found.code, found.provider("one")["status"]) == (0, "conforms")
    assert found.provider("one")["judged"]["limited_by"] == []
    assert "conforms to Google's contract" in found.stdout


def test_against_its_document_alone_a_vendor_is_not_said_to_keep_googles_contract(
    ports: dict[str, int], tmp_path: Path
) -> None:
    ran = ended(tmp_path, {"one": vendor(ports["honest"])}, *QUICK, "--against", "documented")
    assert (ran.code, ran.provider("one")["status"]) == (0, "partial")
    assert ran.provider("one")["judged"]["limited_by"][:2] == ["-d envelope", "--against documented"]
    assert "Google's contract" not in ran.stdout


def test_a_should_below_the_level_that_fails_is_no_failure_anywhere(miscounting: Ran) -> None:
    assert (miscounting.code, miscounting.provider("one")["status"]) == (0, "deviates")
    assert "usage/total-is-the-sum" in {one["rule"] for one in miscounting.provider("one")["deviations"]}


def test_bundled_servers_count_only_where_they_are_named(tmp_path: Path) -> None:
    inside = {"inside": {"embedded": "anyfast", "auth": "bearer", "max_examples": 0}}
    (tmp_path / "named").mkdir()
    assert ended(tmp_path, inside, "-d", "auth").code == 0
    assert ended(tmp_path / "named", inside, "-d", "auth", "-p", "inside").code == 1


# --- 1 ------------------------------------------------------------------------------------------------


def test_a_finding_at_the_level_that_fails_ends_in_1(breaking: Ran, miscounting: Ran, tmp_path: Path) -> None:
    assert breaking.code == 1
    assert replayed(tmp_path, miscounting.out, "-d", "usage", "--fail-on", "should").code == 1


def test_never_silences_findings(breaking: Ran, tmp_path: Path) -> None:
    assert replayed(tmp_path, breaking.out, "-d", "casing", "--fail-on", "never").code == 0


def test_with_clients_and_without_p_all_that_were_asked_count(breaking: Ran, tmp_path: Path) -> None:
    verdicts = {one["client"]: one["verdict"] for one in breaking.provider("breaking")["clients"]}
    broken = next(client for client, verdict in verdicts.items() if verdict == "broken")
    fine = next((client for client, verdict in verdicts.items() if verdict in ("works", "degraded")), None)
    assert replayed(tmp_path, breaking.out, "-d", "casing", "--client", broken).code == 1
    assert fine is not None
    assert replayed(tmp_path, breaking.out, "-d", "casing", "--client", fine).code == 0


def test_a_family_means_all_its_versions(breaking: Ran, tmp_path: Path) -> None:
    ran = replayed(tmp_path, breaking.out, "-d", "casing", "--client", "google-genai")
    chosen = ran.results["run"]["selection"]["clients"]
    assert ran.code == 1
    assert len(chosen) > 1
    assert all(client.startswith("google-genai ") or "google-genai" in client for client in chosen)


@pytest.mark.slow
def test_a_run_with_a_client_that_breaks_ends_in_1(ports: dict[str, int], tmp_path: Path) -> None:
    assert (
        ended(
            tmp_path, {"one": vendor(ports["breaking"], auth="bearer")}, *QUICK, "--client", "google-genai"
        ).code
        == 1
    )


@pytest.mark.slow
def test_an_accepted_deviation_that_is_gone_ends_in_1(ports: dict[str, int], tmp_path: Path) -> None:
    known = [{"rule": "envelope/gemini-object-at-root", "probe": "*", "reason": "their page says so"}]
    ran = ended(tmp_path, {"one": vendor(ports["honest"], known=known)}, *QUICK)
    assert ran.code == 1
    assert "no longer occurs" in " ".join(ran.stdout.split())


# --- 2 ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--client", "nonsense"), "no client is called nonsense"),
        (("-p", "nope"), "providers.yaml; did you mean 'one'? There are one, two"),
        (("-p", "one,two"), "-p one -p two"),
        (("-p", "two"), "NO_KEY is not set"),
        (("-d", "nonsense"), "no dimension is called 'nonsense'"),
    ],
)
def test_a_wrong_command_line_ends_in_2_and_asks_nobody(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    config = write_providers(tmp_path, {"one": vendor(1), "two": vendor(2, key_env="NO_KEY")})
    ran = run(config, tmp_path / "out", *words)
    assert ran.code == 2
    assert said in ran.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_of_another_name_is_named_instead_of_passed_over(tmp_path: Path) -> None:
    write_providers(tmp_path, {"one": vendor(1)}).rename(tmp_path / "providers.yml")
    done = subprocess.run(
        warm_command("run"), cwd=tmp_path, env=environment(), capture_output=True, check=False, text=True
    )
    assert done.returncode == 2
    assert "providers.yml" in done.stderr
    assert "rename it to providers.yaml" in done.stderr


# --- 3 ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_key_that_is_missing_and_a_vendor_that_does_not_answer_end_in_3(
    ports: dict[str, int], tmp_path: Path
) -> None:
    providers = {
        "one": vendor(ports["honest"]),
        "two": vendor(1, key_env="NO_KEY"),
        "three": vendor(1, limits=NO_WAITING),
    }
    ran = ended(tmp_path, providers, *QUICK)
    assert (ran.code, ran.provider("three")["status"]) == (3, "inconclusive")
    assert "two: not run: NO_KEY is not set" in ran.stdout
    causes = list_exit_causes(ran.results, read_conditions(ran.results))
    assert {(one.code, one.provider) for one in causes} == {(3, "two"), (3, "three")}


@pytest.mark.slow
def test_a_limiter_that_lets_no_question_through_in_the_end_is_said(
    ports: dict[str, int], tmp_path: Path
) -> None:
    ran = ended(tmp_path, {"one": vendor(ports["limited"], limits=NO_WAITING, concurrency=1)})
    found = ran.provider("one")
    assert (ran.code, found["status"]) == (3, "partial")
    assert any(limit.endswith("answers of 429") for limit in found["judged"]["limited_by"])
    assert "answers of 429" in " ".join(ran.stdout.split())
    assert found["judged"]["rules"] < found["judged"]["of"]


@pytest.mark.slow
def test_a_budget_that_is_spent_is_said(ports: dict[str, int], tmp_path: Path) -> None:
    ran = ended(tmp_path, {"one": vendor(ports["honest"], max_requests=30)})
    assert (ran.code, ran.provider("one")["status"]) == (3, "partial")
    assert any(
        "max_requests (30) is used up" in limit for limit in ran.provider("one")["judged"]["limited_by"]
    )


def test_nothing_tested_at_all_ends_in_3(tmp_path: Path) -> None:
    ran = ended(tmp_path, {"one": vendor(1, key_env="NO_KEY", optional=True)})
    assert ran.code == 3
    assert "nothing was tested" in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("where", ["/dev/full", "no-such-folder/summary"])
def test_a_summary_that_no_step_can_hold_ends_in_3(ports: dict[str, int], tmp_path: Path, where: str) -> None:
    config = write_providers(tmp_path, {"one": vendor(ports["honest"])})
    ran = agrees(run(config, tmp_path / "out", *QUICK, env=environment(GITHUB_STEP_SUMMARY=where)))
    assert ran.code == 3
    assert "cannot be written" in (ran.out / "report.html").read_text(encoding="utf-8")


_RAISING = """
import dataclasses, sys
from conformance import catalogue, cli
catalogue.load()
def look(seen):
    raise RuntimeError("a fault of ours")
rule = "envelope/gemini-object-at-root"
catalogue.RULES[rule] = dataclasses.replace(catalogue.RULES[rule], look=look)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_check_that_raises_ends_in_3(ports: dict[str, int], tmp_path: Path) -> None:
    config = write_providers(tmp_path, {"one": vendor(ports["honest"])})
    line = [sys.executable, "-c", _RAISING, "run", "-c", str(config), "--out", str(tmp_path / "out"), *QUICK]
    done = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, check=False, text=True)
    ran = agrees(Ran(done.returncode, done.stdout, done.stderr, tmp_path / "out", 0.0))
    assert ran.code == 3
    assert "raised an exception" in ran.stdout


# --- 130 ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_in_130_and_says_what_it_lacks(
    ports: dict[str, int], tmp_path: Path, number: signal.Signals
) -> None:
    config, out = write_providers(tmp_path, {"one": vendor(ports["slow"])}), tmp_path / "out"
    line = command("run", "-c", str(config), "--out", str(out))
    process = subprocess.Popen(
        line, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    recording, ends = out / "exchanges" / "one.jsonl", time.monotonic() + 60
    while not (recording.exists() and recording.read_bytes().count(b"\n") > 3):
        assert time.monotonic() < ends
        time.sleep(0.05)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    ran = agrees(Ran(process.returncode, stdout, stderr, out, 0.0))
    assert ran.code == 130
    assert "interrupted" in ran.provider("one")["judged"]["limited_by"]
    assert ran.provider("one")["status"] != "conforms"


# --- the function alone -------------------------------------------------------------------------------


def provider(**changes: Any) -> dict[str, Any]:
    """Return a provider of results.json that conforms, with changes."""
    plain = {
        "name": "one",
        "status": "conforms",
        "cases": [{"rule": "a/b", "outcome": "pass"}],
        "deviations": [],
        "clients": [],
    }
    return {**plain, **changes}


def finding(level: str, **changes: Any) -> dict[str, Any]:
    return {"rule": "a/b", "level": level, "known": False, **changes}


@pytest.mark.parametrize(
    ("changes", "asked", "code"),
    [
        ({}, ExitConditions(), 0),
        ({"deviations": [finding("must")]}, ExitConditions(), 1),
        ({"deviations": [finding("must")]}, ExitConditions(fail_on="never"), 0),
        ({"deviations": [finding("must", known=True)]}, ExitConditions(fail_on="any"), 0),
        ({"deviations": [finding("note")]}, ExitConditions(fail_on="any"), 1),
        ({"deviations": [finding("must")], "embedded": True}, ExitConditions(), 0),
        ({"deviations": [finding("must")], "embedded": True}, ExitConditions(named=frozenset({"one"})), 1),
        ({"deviations": [finding("must")]}, ExitConditions(interrupted=True), 130),
        ({"deviations": [finding("must")]}, ExitConditions(faults=("the disk is full",)), 1),
        ({}, ExitConditions(faults=("the disk is full",)), 3),
        ({"undecided": ["2 rules inconclusive"]}, ExitConditions(), 3),
        ({"undecided": ["2 rules inconclusive"]}, ExitConditions(fail_on="never"), 3),
        ({"stale": ["gone"]}, ExitConditions(), 1),
        ({"stale": ["gone"]}, ExitConditions(clients=("x",)), 1),
        ({"clients": [{"client": "x", "verdict": "broken"}]}, ExitConditions(), 0),
        ({"clients": [{"client": "x", "verdict": "broken"}]}, ExitConditions(clients=("x",)), 1),
        ({"clients": [{"client": "x", "verdict": "untested"}]}, ExitConditions(clients=("x",)), 3),
        ({"clients": [{"client": "x", "verdict": "works"}], "deviations": [finding("must")]}, ExitConditions(clients=("x",)), 0),
        ({"cases": [], "status": "not-run", "reason": "no key", "optional": True}, ExitConditions(), 3),
    ],
)  # fmt: skip
def test_the_first_code_that_applies_is_the_code(
    changes: dict[str, Any], asked: ExitConditions, code: int
) -> None:
    assert compute_exit_code({"providers": [provider(**changes)]}, asked) == code


def test_every_cause_is_named() -> None:
    results = {"providers": [provider(), provider(name="two", status="not-run", cases=[], reason="no key")]}
    assert [(one.code, one.provider, one.reason) for one in list_exit_causes(results, ExitConditions())] == [
        (3, "two", "not run: no key")
    ]


def test_results_json_holds_all_that_its_exit_code_needs(breaking: Ran) -> None:
    assert (
        compute_exit_code(breaking.results, read_conditions(json.loads(json.dumps(breaking.results))))
        == breaking.code
    )
