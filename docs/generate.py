"""Writes the pages that are made from the code: docs/rules/, and the table of clients in README.md.

`python docs/generate.py` writes them; `--check` says which are out of date, and exits 1. The table of clients is drawn
from a run: `python docs/generate.py reports/latest/results.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conformance import catalogue
from conformance.bases import BASES
from conformance.catalogue import RULES, Rule
from conformance.model import Dimension
from conformance.report.verdict import client_needs

ROOT = Path(__file__).resolve().parent.parent
_SIGNS = {"works": "works", "degraded": "degraded", "broken": "**breaks**", "untested": "–"}
_BEGIN, _END = "<!-- clients: ", "<!-- /clients -->"  # what stands between is written by a run


def _rule(rule: Rule) -> str:
    parts = [f"## {rule.id}", f"**{rule.level.value}** · {rule.title}."]
    parts += [f"*{name}:* {text}" for name, text in rule.sections.items()]
    parts.append(f"*Source:* {rule.source.document}, {rule.source.lines}: {rule.source.says}")
    parts.append(f"*Basis:* {BASES[rule.id].words}.")
    parts.append(f"*Asked by:* {', '.join(rule.probes) or 'every question'}.")
    if rule.after:
        parts.append(f"*Explained by, and then blocked:* {', '.join(rule.after)}.")
    return "\n\n".join(parts)


def rules_pages() -> Iterator[tuple[Path, str]]:
    """Yield the page of each dimension, and the index."""
    catalogue.load()
    index = [
        "# The rules",
        "",
        "Written from the checks' docstrings by `docs/generate.py`; `conformance explain RULE` prints one.",
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


def _cell(client: Any) -> str:
    sign = _SIGNS[client["verdict"]]
    return f"{sign} {client_needs(client)}".strip() if client["verdict"] == "works" else sign


def clients_table(results: Any) -> str:
    """Return the table of bundled servers and clients, from a run's results."""
    providers = [one for one in results["providers"] if one["embedded"] and one["status"] != "not-run"]
    names = [client["client"] for client in providers[0]["clients"]]
    rows = [["", *(one["title"].replace(" (embedded)", "") for one in providers)]]
    rows.append(["---"] * len(rows[0]))
    for number, name in enumerate(names):
        rows.append([name, *(_cell(one["clients"][number]) for one in providers)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def _write(pages: Sequence[tuple[Path, str]]) -> None:
    for path, text in pages:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def stale(pages: Sequence[tuple[Path, str]]) -> list[str]:
    """Return the pages that differ from what would be written."""
    return [
        str(path.relative_to(ROOT))
        for path, text in pages
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(words: Sequence[str]) -> int:
    """Write, or check, and return the exit code."""
    pages = list(rules_pages())
    if "--check" in words:
        old = stale(pages)
        sys.stderr.write("".join(f"{name}: out of date; run: python docs/generate.py\n" for name in old))
        return int(bool(old))
    _write(pages)
    for name in words:
        table = clients_table(json.loads(Path(name).read_text(encoding="utf-8")))
        readme = ROOT / "README.md"
        before, mark, rest = readme.read_text(encoding="utf-8").partition(_BEGIN)
        head, end, after = rest.partition(_END)
        opening = head.partition("\n")[0]
        readme.write_text(f"{before}{mark}{opening}\n{table}{end}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
