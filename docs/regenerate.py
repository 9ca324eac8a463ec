"""Writes everything in this repository that is generated; run it after any change to a rule, a probe or a client.

`python docs/regenerate.py` writes docs/rules/, docs/kill-matrix.md, schemas/kill-matrix.json, reports/example/ and the
table of clients in README.md (about 15 seconds; asks only the bundled servers). `--check` writes nothing, names what is
out of date, and exits 1. `--pictures` also takes the pictures of the report in docs/, for a release; it needs chromium.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import test_kill_matrix as matrix  # noqa: E402 - the matrix lives with the tests that prove it

from conformance import catalogue, report  # noqa: E402
from conformance.catalogue import RULES, Rule  # noqa: E402
from conformance.commands.explain import describe_links  # noqa: E402
from conformance.model import Dimension, Source  # noqa: E402
from conformance.report.verdict import describe_client_needs  # noqa: E402

COMMAND = "python docs/regenerate.py"
EXAMPLE = ROOT / "reports" / "example"
README = ROOT / "README.md"
Page = tuple[Path, str]  # a file, and the text that belongs into it
_SIGNS = {"works": "works", "degraded": "degraded", "broken": "**breaks**", "untested": "–"}
_BEGIN, _END = "<!-- clients: ", "<!-- /clients -->"  # the table of clients stands between them


def _rule(rule: Rule) -> str:
    parts = [f"## {rule.id}", f"**{rule.level.value}** · {rule.title}."]
    parts += [f"*{name}:* {text}" for name, text in rule.sections.items()]
    parts.append(f"*Source:* {_source(rule.source)}")
    parts.append(f"*Basis:* {rule.basis.describe()}.")
    parts.append(f"*Asked by:* {', '.join(rule.probes) or 'every question'}.")
    parts += [
        f"*{label}:* {ids}." for label, _, ids in (line.partition(": ") for line in describe_links(rule))
    ]
    return "\n\n".join(parts)


def _source(source: Source) -> str:
    where = ", ".join(filter(None, (source.document, source.lines)))
    return f"{f'[{where}]({source.url})' if source.url else where}: {source.says}"


def rules_pages() -> Iterator[Page]:
    """Yield the page of each dimension, and the index."""
    catalogue.load()
    index = [
        "# The rules",
        "",
        "Written from the checks' docstrings by `docs/regenerate.py`; `conformance explain RULE` prints one.",
        "",
    ]
    for dimension in Dimension:
        rules = sorted(
            (rule for rule in RULES.values() if rule.dimension is dimension), key=lambda rule: rule.id
        )
        index.append(f"* [{dimension.value}]({dimension.value}.md): {len(rules)} rules")
        text = "\n\n".join([f"# Rules: {dimension.value}", *(_rule(rule) for rule in rules)])
        yield ROOT / "docs" / "rules" / f"{dimension.value}.md", text + "\n"
    yield ROOT / "docs" / "rules" / "README.md", "\n".join(index) + "\n"


def matrix_pages() -> Iterator[Page]:
    """Yield the kill matrix, and the figures that every report quotes from it."""
    yield matrix.PAGE, matrix.render_page()
    yield matrix.FIGURES, json.dumps(matrix.count_figures()) + "\n"


def clients_table(results: Any) -> str:
    """Return the table of bundled servers and clients, from a run's results."""
    providers = [one for one in results["providers"] if one["embedded"] and one["status"] != "not-run"]
    names = [client["client"] for client in providers[0]["clients"]]
    rows = [["", *(one["title"].replace(" (embedded)", "") for one in providers)]]
    rows.append(["---"] * len(rows[0]))
    for number, name in enumerate(names):
        rows.append([name, *(_client_cell(one["clients"][number]) for one in providers)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _client_cell(client: Mapping[str, Any]) -> str:
    """Return a client's verdict and, as the page does, what it works with: `works with a header`."""
    works = client["verdict"] in {"works", "degraded"}
    return " ".join(filter(None, (_SIGNS[client["verdict"]], describe_client_needs(client) if works else "")))


def readme_page(results: Any) -> Page:
    """Return README.md with the table of clients of these results."""
    before, mark, rest = README.read_text(encoding="utf-8").partition(_BEGIN)
    head, end, after = rest.partition(_END)
    opening = head.partition("\n")[0]
    return README, f"{before}{mark}{opening}\n{clients_table(results)}{end}{after}"


def run_example(folder: Path) -> Path:
    """Run README's first command with a fixed seed and without any key, and return the folder that it wrote.

    Raises subprocess.CalledProcessError where the run does not end in 0.
    """
    out = folder / "example"
    words = ["run", "-q", "--seed", "1", "-c", str(ROOT / "providers.yaml"), "--out", str(out)]
    environment = {**_without(os.environ, *_names_of_keys(), "GITHUB_STEP_SUMMARY"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "conformance", *words]
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own
    return out


def _names_of_keys() -> list[str]:
    providers = yaml.safe_load((ROOT / "providers.yaml").read_text(encoding="utf-8"))["providers"]
    return [one["key_env"] for one in providers.values() if "key_env" in one]


def _without(entry: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


def outcomes(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what a run found of each provider, without what differs from run to run: ports, times, bytes, quotations."""
    return [
        {
            **_without(provider, "base_url"),
            "cases": [_without(case, "reason") for case in provider["cases"]],
            "deviations": [_without(found, "observed", "evidence") for found in provider["deviations"]],
            "traffic": _without(provider["traffic"] or {}, "seconds"),
        }
        for provider in results["providers"]
    ]


_LOG_DATA = re.compile(r'<script type="application/json" id="log-data">(.*?)</script>', re.DOTALL)
_LOG_SCRIPT = re.compile(r'<script type="text/plain" id="log-script">(.*?)</script>', re.DOTALL)
_PASSED = re.compile(r"that did not pass; (\d+) that passed")


def is_drawn_by_this_version(page: str, results: Mapping[str, Any]) -> bool:
    """Return whether a report is, to the letter, what today's templates make of its results and its own log."""
    data, script, passed = _LOG_DATA.search(page), _LOG_SCRIPT.search(page), _PASSED.search(page)
    if not data or not script or not passed:
        return False
    rows = json.loads(data[1])
    log = report.LogRows(rows, script[1], int(passed[1]), len(rows["tests"]))
    return report.render_page(results, log) == page


def is_example_stale(fresh: Path) -> bool:
    """Return whether the published example differs, in outcomes or in drawing, from a run of today."""
    if not (EXAMPLE / "report.html").is_file() or not (EXAMPLE / "results.json").is_file():
        return True
    shown = _load_results(EXAMPLE)
    page = (EXAMPLE / "report.html").read_text(encoding="utf-8")
    return outcomes(shown) != outcomes(_load_results(fresh)) or not is_drawn_by_this_version(page, shown)


def _load_results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def _is_stale(page: Page) -> bool:
    path, text = page
    return not path.is_file() or path.read_text(encoding="utf-8") != text


def _write(pages: Sequence[Page]) -> list[str]:
    for path, text in pages:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [path.relative_to(ROOT).as_posix() for path, _ in pages]


def _example_pages(fresh: Path) -> list[Page]:
    names = ("report.html", "results.json")
    return [(EXAMPLE / name, (fresh / name).read_text(encoding="utf-8")) for name in names]


def check() -> list[str]:
    """Return the names of all generated files that are out of date."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = run_example(Path(scratch))
        pages = [*rules_pages(), *matrix_pages(), readme_page(_load_results(fresh))]
        stale = [path for path, _ in filter(_is_stale, pages)]
        stale += [EXAMPLE] * is_example_stale(fresh)
    return [path.relative_to(ROOT).as_posix() for path in stale]


def write() -> list[str]:
    """Write what is out of date, and return the names of these files.

    The figures of the matrix come first: the example quotes them.
    """
    written = _write([*filter(_is_stale, (*rules_pages(), *matrix_pages()))])
    with tempfile.TemporaryDirectory() as scratch:
        fresh = run_example(Path(scratch))
        written += _write([*filter(_is_stale, [readme_page(_load_results(fresh))])])
        written += _write(_example_pages(fresh)) if is_example_stale(fresh) else []
    return written


def take_pictures() -> None:
    """Take the pictures of the example's page that README shows; raises CalledProcessError without chromium."""
    script, results = ROOT / "benchmarks" / "pictures.py", EXAMPLE / "results.json"
    subprocess.run([sys.executable, str(script), str(results), str(ROOT / "docs")], check=True)  # noqa: S603 - our own


def main(words: Sequence[str]) -> int:
    """Write, or check, and return the exit code."""
    parser = ArgumentParser(
        prog=COMMAND, description="Writes everything in this repository that is generated."
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where something is out of date"
    )
    parser.add_argument(
        "--pictures", action="store_true", help="also take the pictures in docs/, for a release"
    )
    given = parser.parse_args(words)
    if given.check:
        stale = check()
        sys.stderr.write("".join(f"{name}: out of date; run: {COMMAND}\n" for name in stale))
        return int(bool(stale))
    sys.stdout.write("".join(f"{name}: written\n" for name in write()))
    if given.pictures:
        take_pictures()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
