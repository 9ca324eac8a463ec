"""A finished run over bundled servers, made once per session, and functions that edit copies of its results."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from conformance import cli

PROVIDERS = ("google-embedded", "visioncoder-embedded", "apimart-embedded", "acedata-embedded")
Results = dict[str, Any]


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one finished run over bundled servers: the same for all workers of a session."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with FileLock(shared / "finished.lock"):
        done = shared / "finished"
        if not done.exists():
            _run(factory.mktemp("finished") / "run").rename(done)
    return done


def _run(out: Path) -> Path:
    words = [word for name in PROVIDERS for word in ("-p", name)]
    assert cli.main(["run", "-q", *words, "--out", str(out)]) == 1
    return out


def results_of(folder: Path) -> Results:
    found: Results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


def written(folder: Path, results: Results) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return folder


def provider(results: Results, name: str) -> Results:
    found: Results = next(one for one in results["providers"] if one["name"] == name)
    return found


def case(results: Results, name: str, rule: str) -> Results:
    found: Results = next(one for one in provider(results, name)["cases"] if one["rule"] == rule)
    return found


def deviation(results: Results, name: str, rule: str) -> Results:
    found: Results = next(one for one in provider(results, name)["deviations"] if one["rule"] == rule)
    return found


def without(results: Results, name: str, rule: str, outcome: str = "pass", reason: str = "") -> Results:
    """Return the results as if that rule had held, or come to another outcome."""
    one = provider(results, name)
    one["deviations"] = [each for each in one["deviations"] if each["rule"] != rule]
    case(results, name, rule).update(outcome=outcome, reason=reason)
    return results
