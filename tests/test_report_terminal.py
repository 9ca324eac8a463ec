"""What a terminal or a log shows of a run: the same facts at every width, and no escape codes from vendors."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from report_results import DIMENSIONS, deviation, example, many, of, partial, provider
from test_report import CLOSED, HOSTILE, poisoned
from warm_start import warm_command
from whole_runs import environment

from conformance.report import format_terminal
from conformance.report.console_text import measure_width, shorten_to_width, wrap_text
from conformance.report.matrix import make_cells

WIDTHS = (60, 80, 140)
CELL = r"[■▲○◇✓?∅–]\d*"


def words(text: str) -> str:
    return " ".join(text.split())


def in_list(text: str, name: str) -> dict[str, str]:
    """Return the cells of one provider where each has a paragraph."""
    paragraph = re.search(rf"^{re.escape(name)}\n(  +.*\n)+", text[text.rindex(f"{name}\n") :], re.MULTILINE)
    assert paragraph
    return {
        dimension: " ".join(found[1].split())
        for dimension in DIMENSIONS
        if (found := re.search(rf"\b{dimension} ({CELL}(?: {CELL})*)", paragraph[0]))
    }


def in_table(text: str, name: str) -> dict[str, str]:
    """Return the cells of one provider where the matrix is a table, cut where its columns begin."""
    lines = text.splitlines()
    head = next(line for line in lines if "casing envelope" in words(line))
    row = next(line for line in lines if line.startswith(f"{name} ") and len(line.split()) > 10)
    starts = [head.index(dimension) for dimension in DIMENSIONS]
    ends = [*starts[1:], None]
    return {
        dimension: row[start:end].strip()
        for dimension, start, end in zip(DIMENSIONS, starts, ends, strict=True)
    }


@pytest.mark.parametrize("width", WIDTHS)
def test_every_count_of_every_dimension_is_said_at_every_width(width: int) -> None:
    results = example()
    results["providers"].append(partial())
    text = format_terminal(results, width=width)
    read = in_table if width == 140 else in_list
    for each in results["providers"]:
        if each["status"] != "not-run":
            wanted = {
                cell.dimension: " ".join(f"{count.sign.mark}{count.number or ''}" for count in cell.counts)
                for cell in make_cells(each)
            }
            assert read(text, each["title"]) == wanted


@pytest.mark.parametrize("width", WIDTHS)
def test_what_was_not_judged_is_counted_beside_what_passed(width: int) -> None:
    assert "✓ ?19" in format_terminal(of(partial()), width=width)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    for results in (example(), many(3, 12), of(partial(), provider("w", "廣" * 70, "conforms"))):
        assert (
            max(measure_width(line) for line in format_terminal(results, width=width).splitlines()) <= width
        )


def test_names_are_cut_by_the_width_alone() -> None:
    name = "A vendor whose name is longer than thirty columns"
    long = provider("long", name, "conforms")
    for width in WIDTHS:
        assert words(format_terminal(of(long), width=width)).count(name) >= 1
    assert f"{name}  ✓" in format_terminal(of(long), width=160)
    assert shorten_to_width("abc" * 30, 10) == "abcabcabc…"


@pytest.mark.parametrize("width", WIDTHS)
def test_each_finding_that_fails_is_said_with_all_that_it_takes_to_mend_it(width: int) -> None:
    text = words(format_terminal(example(), width=width))
    for said in (
        "■ must casing/answers-in-camel-case Answers are spelt in camelCase",
        "expected: finishReason observed: finish_reason in all 38 answers",
        "at: quill/plain#1 /data/candidates/0/finish_reason and 229 more places",
        "■ must auth/accepts-x-goog-api-key x-goog-api-key is accepted expected: 200 observed: 401",
    ):
        assert said in text
    assert "usage/total-is-the-sum" not in text


@pytest.mark.parametrize(
    ("fail_on", "count"), [("must", 4), ("should", 9), ("any", 11), ("never", 4), (None, 4)]
)
def test_the_findings_that_are_listed_are_those_that_fail_the_run(fail_on: str | None, count: int) -> None:
    results = example()
    results["run"]["selection"] = {} if fail_on is None else {"fail_on": fail_on}
    assert format_terminal(results, width=100).count("    expected: ") == count


def test_a_finding_that_happens_only_sometimes_says_when() -> None:
    found = deviation(
        "usage/x", "must", "Usage is there", "a", "b", conditions=["when streamed", "with tools declared"]
    )
    text = format_terminal(of(provider("x", "X", "deviates", deviations=[found])), width=100)
    assert "Usage is there, only when streamed, with tools declared" in text


def test_a_finding_that_is_accepted_is_not_listed() -> None:
    found = deviation("usage/x", "must", "Usage is there", "a", "b", known=True)
    text = format_terminal(of(provider("x", "X", "deviates", deviations=[found])), width=100)
    assert "expected:" not in text
    assert "1 accepted" in text


def test_many_findings_are_bounded_and_what_is_left_out_is_counted() -> None:
    text = format_terminal(many(2, 90), width=100)
    listed = text.count("    expected: ")
    left = sum(int(number) for number in re.findall(r"and (\d+) more in report.html", text))
    assert listed <= 30
    assert listed + left == 60
    assert format_terminal(many(90, 3), width=100).count("    expected: ") <= 30
    assert "and 60 findings at 60 more providers in report.html" in format_terminal(many(90, 3), width=100)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_provider_that_was_judged_in_part_says_how_much_and_why(width: int) -> None:
    text = words(format_terminal(of(partial()), width=width))
    said = "nothing found in 97 of 158 rules (limited by 24 answers of 429)"
    assert f"The vendor was judged in part: {said}" in text
    assert f"½ judged in part: {said}; all 6 clients work" in text
    assert "conforms" not in text


def test_warnings_about_dead_providers_are_one_paragraph() -> None:
    dead = [provider(f"v{n}", f"V{n}", "inconclusive", reason="connection refused") for n in range(30)]
    results = of(*dead)
    results["run"]["warnings"] = [f"v{n}: 8 unusable answers in a row" for n in range(30)]
    text = format_terminal(results, width=100)
    assert "! 30 providers could not be judged" in text
    assert text.count("connection refused") == 31
    assert "8 unusable answers" not in text


def test_a_terminal_shows_colour_only_when_told_to() -> None:
    assert "\x1b[" not in format_terminal(example(), colour=False, width=140)
    assert "\x1b[1;31m■1\x1b[0m" in format_terminal(example(), colour=True, width=140)


@pytest.mark.parametrize("width", WIDTHS)
def test_colour_changes_nothing_that_is_said(width: int) -> None:
    coloured = format_terminal(example(), colour=True, width=width)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == format_terminal(example(), colour=False, width=width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("poison", HOSTILE)
def test_a_terminal_gets_no_escape_sequence_of_a_vendor(poison: str, width: int) -> None:
    results: dict[str, Any] = poisoned(example(), poison, CLOSED)
    results["providers"].append(poisoned(partial(), poison, CLOSED))
    results["providers"][4]["deviations"][0]["conditions"] = [poison]
    text = format_terminal(results, colour=False, width=width)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    assert "\n# heading" not in text


def test_text_is_wrapped_by_columns_and_loses_nothing() -> None:
    text = "wide 廣廣廣廣廣廣廣廣廣廣廣廣廣廣廣廣廣廣 and " + "x" * 50
    lines = wrap_text(text, 30, "    ", "  - ")
    assert max(map(measure_width, lines)) <= 30
    assert "".join("".join(lines).removeprefix("  - ").split()) == "".join(text.split())


@pytest.mark.slow
@pytest.mark.parametrize("how", ["-v", "-q"])
def test_a_run_ends_with_the_path_of_its_report_and_names_no_file_that_is_gone(
    tmp_path: Path, how: str
) -> None:
    """The second of two runs in one folder has something to warn of; it does so once."""
    line = warm_command("run", how, "-p", "google-embedded", "-d", "usage", "--out", str(tmp_path / "out"))
    ran = [
        subprocess.run(
            line, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120, check=False
        )
        for _ in range(2)
    ][1]
    said = ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report.html'}"
    assert words(said).count("contained an earlier run") == 1
    assert ".html" not in said.replace(str(tmp_path / "out" / "report.html"), "").replace("report.html", "")
