"""Runs the checker against a server, and reduces the result to an outcome that can be stored and compared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance import catalogue
from conformance.catalogue import resolve_rule_id
from interop.packages import ROOT, last_lines
from interop.running import KEY
from interop.servers import Subject

EXPECTED = Path(__file__).parent / "expected"
_WAIT = 900.0  # seconds for one run
_TIMED = ("streaming/arrives-while-it-is-made",)  # whether it can be judged depends on the machine
_UNTOLD = ("pass", "deviation", "note", "known")  # outcomes that need no list of their own

Expectation = dict[str, Any]


class CheckError(Exception):
    """The checker itself failed: its exit code and the last lines that it wrote."""


def _providers(subject: Subject, url: str) -> str:
    """Return a providers.yaml; JSON is YAML."""
    vendor = {
        "base_url": url + subject.prefix, "dialect": "google", "model": subject.model, "auth": subject.auth,
        "key_env": "INTEROP_KEY", "timeout": 60, "max_requests": 200,
    }  # fmt: skip
    return json.dumps({"providers": {subject.name: vendor}})


def check(subject: Subject, url: str, work: Path) -> dict[str, Any]:
    """Return what results.json says of the server, recorded under `work`. Raises CheckError.

    Without generated bodies: another version of Hypothesis draws others, and a kept verdict must not depend on that.
    """
    (work / "providers.yaml").write_text(_providers(subject, url))
    command = [
        sys.executable,
        "-m",
        "conformance",
        "run",
        "-c",
        str(work / "providers.yaml"),
        "-p",
        subject.name,
    ]
    done = subprocess.run(
        [*command, "--max-examples", "0", "--out", str(work / "out")], cwd=ROOT, env={**os.environ, "INTEROP_KEY": KEY},
        capture_output=True, text=True, timeout=_WAIT, check=False,
    )  # fmt: skip
    results = work / "out" / "results.json"
    if done.returncode not in (0, 1, 3) or not results.is_file():
        raise CheckError(f"{subject.name}: exit {done.returncode}\n{last_lines(done.stdout + done.stderr)}")
    found: dict[str, Any] = json.loads(results.read_text())["providers"][0]
    return found


def reduced(subject: Subject, provider: Mapping[str, Any]) -> Expectation:
    """Return what is kept of a verdict: versions, traits, findings with their level, and rules left unjudged."""
    others: dict[str, list[str]] = {}
    for case in provider["cases"]:
        if case["outcome"] not in _UNTOLD and case["rule"] not in _TIMED:
            others.setdefault(case["outcome"], []).append(case["rule"])
    return {
        "versions": subject.versions,
        "status": provider["status"],
        "traits": {name: trait["observed"] for name, trait in provider["traits"].items()},
        "findings": {
            one["rule"]: one["level"]
            for one in sorted(provider["deviations"], key=lambda one: str(one["rule"]))
        },
        "unjudged": {outcome: sorted(rules) for outcome, rules in sorted(others.items())},
        "clients": {one["client"]: one["verdict"] for one in provider["clients"]},
    }


def expected(name: str) -> Any:
    """Return a kept expectation, its rules by their ids of today; None where none was kept yet."""
    catalogue.load()
    file = EXPECTED / f"{name}.json"
    return _with_current_rules(json.loads(file.read_text())) if file.is_file() else None


def _with_current_rules(kept: Any) -> Any:
    if isinstance(kept, dict):
        return {resolve_rule_id(key): _with_current_rules(value) for key, value in kept.items()}
    if isinstance(kept, list):
        return [_with_current_rules(value) for value in kept]
    return resolve_rule_id(kept) if isinstance(kept, str) else kept


def keep(name: str, found: object) -> None:
    """Write an expectation."""
    file = EXPECTED / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
