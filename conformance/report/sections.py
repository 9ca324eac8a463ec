"""Prepares what stands behind the vendors: the documents, a comparison, a switch, and what was proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.dialects.side_by_side import KINDS
from conformance.report.plain import clip, moment, short
from conformance.report.words import CLIENTS, EFFECTS, LEVELS, TRAITS, Sign, plural, readings, value

Entry = Mapping[str, Any]

ROWS_MOST = 400
_REMARKS: Mapping[str, tuple[str, str]] = {
    "contradiction": ("contradiction", "contradictions"),
    "gap": ("gap", "gaps"),
    "oddity": ("oddity", "oddities"),
    "departs-from-google": ("departure from Google", "departures from Google"),
}
STATES: Mapping[str, str] = {
    "new": "New",
    "more_bodies": "Seen with more generated bodies",
    "fixed": "Fixed",
    "still": "Still there",
    "lost": "No longer covered",
}


@dataclass(frozen=True)
class Remark:
    """One thing that a document says against itself or against Google."""

    kind: str
    pointer: str
    says: str
    lines: str


@dataclass(frozen=True)
class Document:
    """One dialect's document, and what is remarkable in it."""

    dialect: str
    summary: str
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Side:
    """One table of the documents side by side; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Change:
    """One line of a comparison."""

    provider: str
    rule: str
    sign: Sign | None
    title: str


def documents(results: Entry) -> tuple[Document, ...]:
    """Return what each document of a provider that was asked says against itself and Google, contradictions first."""
    asked = {str(each["dialect"]) for each in results.get("providers") or () if each["status"] != "not-run"}
    groups: dict[str, list[Entry]] = {}
    for entry in results.get("documents") or ():
        if entry["dialect"] in asked:
            groups.setdefault(str(entry["dialect"]), []).append(entry)
    return tuple(_document(dialect, entries) for dialect, entries in groups.items())


def _document(dialect: str, entries: list[Entry]) -> Document:
    ordered = sorted(entries, key=lambda entry: list(KINDS).index(str(entry["kind"])))
    counts = Counter(str(entry["kind"]) for entry in ordered)
    said = (plural(counts[kind], *words) for kind, words in _REMARKS.items() if counts[kind])
    return Document(dialect, ", ".join(said), tuple(_remark(entry) for entry in ordered[:ROWS_MOST]))


def _remark(entry: Entry) -> Remark:
    kind = KINDS[str(entry["kind"])]
    return Remark(
        kind, clip(str(entry["pointer"]), 200), short(str(entry["says"]), 700), str(entry.get("lines") or "")
    )


def side_by_side(results: Entry) -> tuple[Side, ...]:
    """Return the documents side by side: the tables that results carry, else the providers' traits."""
    tables = (results.get("side_by_side") or {}).get("tables") or ()
    return tuple(_side(table) for table in tables) or tuple(_side_of_traits(results))


def _side(table: Entry) -> Side:
    rows = tuple(tuple(clip(str(cell), 300) for cell in row) for row in table["rows"][:ROWS_MOST])
    return Side(str(table["title"]), tuple(map(str, table["columns"])), rows, str(table.get("note") or ""))


def _side_of_traits(results: Entry) -> Iterator[Side]:
    dialects = {str(each["dialect"]): each.get("traits") or {} for each in results.get("providers") or ()}
    names = [name for name in TRAITS if any(name in traits for traits in dialects.values())]
    rows = tuple((TRAITS[name], *_cells(name, list(dialects.values()))) for name in names)
    if rows:
        yield Side("Traits", ("trait", "Google", *dialects), rows)


def _cells(name: str, every: list[Entry]) -> tuple[str, ...]:
    found = [traits.get(name) or {} for traits in every]
    google = next((trait["reference"] for trait in found if "reference" in trait), None)
    return (
        value(google, "–"),
        *(clip(readings(trait.get("documented"), "says nothing"), 120) for trait in found),
    )


def compared_with(results: Entry) -> str:
    """Return which runs a comparison holds against each other; empty where it does not say."""
    runs: Entry = (results.get("comparison") or {}).get("runs") or {}
    named = [_run_name(runs.get(name)) for name in ("old", "new")]
    return f"{named[0]} → {named[1]}" if all(named) else ""


def _run_name(run: Any) -> str:
    found: Entry = run if isinstance(run, Mapping) else {}
    started = moment(str(found.get("started_at") or ""))
    return clip(" ".join(filter(None, (str(found.get("id") or ""), f"({started})" if started else ""))), 120)


def comparison(results: Entry) -> tuple[tuple[str, int, tuple[Change, ...]], ...]:
    """Return a comparison's groups: what they are, how many, and their lines; () where none was asked for."""
    found: Entry = results.get("comparison") or {}
    groups = ((words, list(found.get(state) or ())) for state, words in STATES.items() if state in found)
    return tuple(
        (words, len(lines), tuple(_change(line) for line in lines[:ROWS_MOST])) for words, lines in groups
    )


def comparison_sentences(results: Entry) -> tuple[str, ...]:
    """Return what a comparison says in words."""
    found: Entry = results.get("comparison") or {}
    return tuple(clip(str(one), 600) for one in list(found.get("sentences") or ())[:ROWS_MOST])


def _change(line: Any) -> Change:
    entry = line if isinstance(line, Mapping) else {"title": line}
    return Change(
        provider=str(entry.get("provider") or ""),
        rule=str(entry.get("rule") or ""),
        sign=LEVELS.get(str(entry.get("level"))),
        title=short(str(entry.get("title") or entry.get("reason") or ""), 300),
    )


def switch_rows(results: Entry) -> tuple[tuple[str, ...], ...]:
    """Return what changes from one vendor to another: aspect, before, after, what to do."""
    rows = (results.get("switch") or {}).get("changes") or ()
    names = ("what", "from", "to", "do")
    return tuple(tuple(_switched(row.get(name)) for name in names) for row in rows[:ROWS_MOST])


def _switched(found: Any) -> str:
    """Return a cell of a switch; a client's verdict in the word that the rest of the page has for it."""
    first, *rest = clip(value(found, ""), 400).split(": ")
    if first not in CLIENTS:
        return ": ".join([first, *rest])
    return ": ".join([CLIENTS[first].word, *(EFFECTS.get(each, each) for each in rest)])


def proven(results: Entry) -> str:
    """Return the kill matrix as a sentence; empty where the run carries none."""
    found: Entry = results["run"].get("kill_matrix") or {}
    rules, wrong, fine = (int(found.get(name) or 0) for name in ("rules", "miniatures", "variations"))
    tripped = int(found.get("tripped") or 0)
    if not rules:
        return ""
    return (
        f"This version was proven with {plural(wrong, 'small server')} that {'is' if wrong == 1 else 'are'} wrong in one way each: "
        f"{_seen_to_find(tripped, rules)}. "
        f"{plural(fine, 'harmless variation')} of a good server raised nothing."
    )


def _seen_to_find(tripped: int, rules: int) -> str:
    """Return how many rules found their fault; the others are those that accuse nobody. 0: an old file does not say."""
    if not tripped:
        return f"its {plural(rules, 'rule')} were tried on them"
    if tripped == rules:
        return f"every one of its {plural(rules, 'rule')} was seen to find its fault"
    rest = rules - tripped
    others = "the other one accuses" if rest == 1 else f"the other {rest} accuse"
    return f"{tripped} of its {plural(rules, 'rule')} were seen to find their fault; {others} nobody"
