"""Prepares the sections beside those of the providers: documents, comparison, switch, and what the tests prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.dialects.side_by_side import KINDS
from conformance.phrases import count_noun
from conformance.report.safe_text import clip_text, format_moment, shorten_text
from conformance.report.vocabulary import (
    CLIENTS,
    COMPARISON_GROUPS,
    EFFECTS,
    LEVELS,
    Entry,
    Sign,
    format_value,
)

MOST_ROWS = 400
_REMARKS: Mapping[str, tuple[str, str]] = {
    "contradiction": ("contradiction", "contradictions"),
    "gap": ("gap", "gaps"),
    "oddity": ("oddity", "oddities"),
    "departs-from-google": ("departure from Google", "departures from Google"),
}


@dataclass(frozen=True)
class RemarkRow:
    """One place where a document contradicts itself or Google."""

    kind: str
    pointer: str
    says: str
    lines: str


@dataclass(frozen=True)
class Document:
    """One dialect's document, and the remarks on it."""

    dialect: str
    summary: str
    remarks: tuple[RemarkRow, ...]


@dataclass(frozen=True)
class DocumentTable:
    """One table of the documents side by side; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class ComparisonLine:
    """One line of a comparison."""

    provider: str
    rule: str
    sign: Sign | None
    title: str


def read_documents(results: Entry) -> tuple[Document, ...]:
    """Return the remarks on each document whose provider was asked, contradictions first."""
    asked = {str(each["dialect"]) for each in results.get("providers") or () if each["status"] != "not-run"}
    groups: dict[str, list[Entry]] = {}
    for entry in results.get("documents") or ():
        if entry["dialect"] in asked:
            groups.setdefault(str(entry["dialect"]), []).append(entry)
    return tuple(_read_document(dialect, entries) for dialect, entries in groups.items())


def _read_document(dialect: str, entries: list[Entry]) -> Document:
    ordered = sorted(entries, key=lambda entry: list(KINDS).index(str(entry["kind"])))
    counts = Counter(str(entry["kind"]) for entry in ordered)
    summary = (count_noun(counts[kind], *words) for kind, words in _REMARKS.items() if counts[kind])
    return Document(dialect, ", ".join(summary), tuple(_read_remark(entry) for entry in ordered[:MOST_ROWS]))


def _read_remark(entry: Entry) -> RemarkRow:
    kind = KINDS[str(entry["kind"])]
    return RemarkRow(
        kind,
        clip_text(str(entry["pointer"]), 200),
        shorten_text(str(entry["says"]), 700),
        str(entry.get("lines") or ""),
    )


def read_tables(results: Entry) -> tuple[DocumentTable, ...]:
    """Return the tables that compare the documents."""
    tables = (results.get("side_by_side") or {}).get("tables") or ()
    return tuple(_read_table(table) for table in tables)


def _read_table(table: Entry) -> DocumentTable:
    rows = tuple(tuple(clip_text(str(cell), 300) for cell in row) for row in table["rows"][:MOST_ROWS])
    return DocumentTable(
        str(table["title"]), tuple(map(str, table["columns"])), rows, str(table.get("note") or "")
    )


def name_compared_runs(results: Entry) -> str:
    """Return the names of the runs that were compared; empty where the results do not say."""
    runs: Entry = (results.get("comparison") or {}).get("runs") or {}
    named = [_name_run(runs.get(name)) for name in ("old", "new")]
    return f"{named[0]} → {named[1]}" if all(named) else ""


def _name_run(run: Any) -> str:
    found: Entry = run if isinstance(run, Mapping) else {}
    started = format_moment(str(found.get("started_at") or ""))
    return clip_text(
        " ".join(filter(None, (str(found.get("id") or ""), f"({started})" if started else ""))), 120
    )


def read_comparison(results: Entry) -> tuple[tuple[str, int, tuple[ComparisonLine, ...]], ...]:
    """Return a comparison's groups: title, number of lines, and the first lines; () where there is no comparison."""
    found: Entry = results.get("comparison") or {}
    groups = (
        (words, list(found.get(state) or ())) for state, words in COMPARISON_GROUPS.items() if state in found
    )
    return tuple(
        (words, len(lines), tuple(_read_line(line) for line in lines[:MOST_ROWS])) for words, lines in groups
    )


def read_comparison_sentences(results: Entry) -> tuple[str, ...]:
    """Return the sentences of a comparison."""
    found: Entry = results.get("comparison") or {}
    return tuple(clip_text(str(one), 600) for one in list(found.get("sentences") or ())[:MOST_ROWS])


def _read_line(line: Any) -> ComparisonLine:
    entry = line if isinstance(line, Mapping) else {"title": line}
    return ComparisonLine(
        provider=str(entry.get("provider") or ""),
        rule=str(entry.get("rule") or ""),
        sign=LEVELS.get(str(entry.get("level"))),
        title=shorten_text(str(entry.get("title") or entry.get("reason") or ""), 300),
    )


def read_switch(results: Entry) -> tuple[tuple[str, ...], ...]:
    """Return what changes from one vendor to another: aspect, before, after, what to do."""
    rows = (results.get("switch") or {}).get("changes") or ()
    names = ("what", "from", "to", "do")
    return tuple(tuple(_read_switch_cell(row.get(name)) for name in names) for row in rows[:MOST_ROWS])


def _read_switch_cell(found: Any) -> str:
    """Return a cell of a switch; a client's verdict in the word that the rest of the page uses."""
    first, *rest = clip_text(format_value(found, ""), 400).split(": ")
    if first not in CLIENTS:
        return ": ".join([first, *rest])
    return ": ".join([CLIENTS[first].word, *(EFFECTS.get(each, each) for each in rest)])


def describe_proof(results: Entry) -> str:
    """Return the kill matrix as a sentence; empty where the run carries none."""
    found: Entry = results["run"].get("kill_matrix") or {}
    rules, wrong, fine = (int(found.get(name) or 0) for name in ("rules", "miniatures", "variations"))
    tripped = int(found.get("tripped") or 0)
    if not rules:
        return ""
    return (
        f"This version was tested on {count_noun(wrong, 'small server')}, each wrong in one way: "
        f"{_describe_tripped(tripped, rules)}. "
        f"{count_noun(fine, 'harmless variation')} of a good server raised no finding."
    )


def _describe_tripped(tripped: int, rules: int) -> str:
    """Return how many rules found their fault. 0: an older file does not say."""
    if not tripped:
        return f"its {count_noun(rules, 'rule')} were tried on them"
    if tripped == rules:
        return f"each of its {count_noun(rules, 'rule')} found its fault"
    rest = rules - tripped
    others = "the other one never accuses" if rest == 1 else f"the other {rest} never accuse"
    return f"{tripped} of its {count_noun(rules, 'rule')} found their fault; {others} a provider"
