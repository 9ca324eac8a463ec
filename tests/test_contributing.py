"""The code in CONTRIBUTING.md works as printed: its rule, its miniature and its probe."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)

# In a process of its own: what the code adds to the catalogue stays there.
RULE = """
import sys
import conformance.checks.usage.rules as rules
from conformance import catalogue
from conformance.embedded import HONEST
from miniatures import usage
from miniatures.asking import Server, judge_servers

catalogue.load()
exec(sys.argv[1], vars(rules))
miniature = eval(sys.argv[2], vars(usage))
found = judge_servers([Server("honest", HONEST), Server("miniature", miniature.behaviour)])
assert not found["honest"].deviations, found["honest"].deviations
assert {one.rule for one in found["miniature"].deviations} == miniature.trips | miniature.notes
"""
PROBE = """
import sys
import conformance.probes.text as text
from conformance import catalogue
from conformance.model import Question

catalogue.load()
exec(sys.argv[1], vars(text))
[name] = [name for name in catalogue.PROBES if name == sys.argv[2]]
question = catalogue.PROBES[name].build(catalogue.ProbeContext("gemini-2.5-flash", "7f3a"))
assert isinstance(question, Question)
assert question.expected["text"] == "SYS-7f3a"
"""


def block(word: str) -> str:
    """Return the piece of code that contains a word."""
    return next(one for one in BLOCKS if word in one)


def run(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", *words],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_miniature_trips_the_rule_and_the_honest_server_does_not() -> None:
    run(RULE, block("@check_each"), block("Miniature("))


def test_the_probe_asks_its_question() -> None:
    run(PROBE, block("@probe"), "instruction-in-two-parts")
