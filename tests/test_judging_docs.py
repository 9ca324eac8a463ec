"""The example in docs/judging.md runs as printed, is well typed, and fails if the gateway is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from whole_runs import ROOT

PAGE = (ROOT / "docs" / "judging.md").read_text(encoding="utf-8")


def example() -> str:
    (found,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def run(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_gateway.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", *words, "test_gateway.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_passes(tmp_path: Path) -> None:
    done = run(tmp_path, example(), "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ('"finishReason"', '"finish_reason"', "casing/answers-in-camel-case"),
        ('"totalTokenCount": 10', '"totalTokenCount": 11', "usage/total-is-the-sum"),
        ("application/json; charset=UTF-8", "text/plain", "transport/labels-answers-as-json"),
    ],
)
def test_the_example_fails_where_the_gateway_is_wrong(
    tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    done = run(tmp_path, example().replace(right, wrong), "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 1
    assert says in done.stdout


@pytest.mark.slow
def test_the_example_is_well_typed(tmp_path: Path) -> None:
    text = (
        example()
        + "\nreveal_type(judge([]).status)\nreveal_type(judge([]).deviations[0].locations[0].observed)\n"
    )
    done = run(tmp_path, text, "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"))
    assert done.returncode == 0, done.stdout
    assert done.stdout.count('Revealed type is "str"') + done.stdout.count('"builtins.str"') == 2, done.stdout


def test_every_attribute_that_the_page_names_is_there() -> None:
    from_page = re.findall(
        r"^\| `(\w+)` \|", PAGE[PAGE.index("The verdict has these attributes") :], re.MULTILINE
    )
    code = f"from conformance import judge; v = judge([{{'url': 'https://h.example/v1beta/models/m:generateContent', 'status': 200, 'body': '{{}}'}}]); print([name for name in {from_page!r} if not hasattr(v, name)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert len(from_page) == 7
