from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.report.html_page import source

EXAMPLE = Path(__file__).resolve().parent.parent / "reports" / "example"
HINT = "out of date: conformance run --seed 1 --out /tmp/example, then copy report.html and results.json to reports/example"


def _kept(results: Any) -> dict[str, Any]:
    """Return what a reader would miss: rules, outcomes, levels, traits, clients; not times, ids or nonces."""
    return {
        one["name"]: {
            "cases": sorted((case["rule"], case["outcome"]) for case in one["cases"]),
            "deviations": sorted(
                (found["rule"], found["level"], found["expected"]) for found in one["deviations"]
            ),
            "traits": one["traits"],
            "clients": [(client["client"], client["verdict"]) for client in one["clients"]],
        }
        for one in results["providers"]
    }


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("example") / "out"
    assert main(["run", "-q", "--seed", "1", "--out", str(folder)]) == 0
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def test_the_example_is_what_the_first_command_makes(fresh: Any) -> None:
    shown = json.loads((EXAMPLE / "results.json").read_text(encoding="utf-8"))
    assert _kept(shown) == _kept(fresh), HINT


def test_the_example_s_page_is_of_this_version() -> None:
    page = (EXAMPLE / "report.html").read_text(encoding="utf-8")
    assert source("page.css").strip()[:400] in page, HINT
    assert source("page.js").strip()[-300:] in page, HINT
