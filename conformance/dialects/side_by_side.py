"""The documents side by side with Google's reference, and where each contradicts itself; no request is sent.

Plain data first (`side_by_side`), then three renderers of it: each a pure function, none knows a dialect.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import zip_longest

from conformance.dialects.dialect import Dialect, DocumentRemark, Field, Reading
from conformance.dialects.shapes import Shape, load_reference, match_property
from conformance.model import JSON

_WIDEST = 26  # characters of a column on a terminal
_WIDEST_NAME = 60  # of the first, so that pointers stay in one piece
_LEGEND = "Under Google's names; a page's own spelling stands in its cell. `?`: the page itself says otherwise elsewhere."
_MARKS = str.maketrans({"|": "\\|", "*": "\\*", "_": "\\_", "`": "\\`", "[": "\\[", "<": "&lt;"})
KINDS = {
    "contradiction": "contradicts itself",
    "gap": "leaves open",
    "oddity": "is odd",
    "departs-from-google": "departs from Google",
}


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class SideBySide:
    """All tables, and the remarks on each document."""

    tables: tuple[Table, ...]
    remarks: tuple[DocumentRemark, ...]


def compare_documents(dialects: Sequence[Dialect]) -> SideBySide:
    """Return the documents of `dialects` (Google's first, where it is among them) as tables, and what to know of each."""
    names = tuple(dialect.title for dialect in dialects)
    return SideBySide(
        tables=(
            Table("Documents", ("", *names), tuple(_documents(dialects))),
            Table("Traits", ("trait", *names), tuple(_traits(dialects))),
            Table("Models", ("model", *names), tuple(_models(dialects))),
            *(
                Table(
                    f"Fields of the {place}",
                    ("field", "Google", *_others(dialects)),
                    tuple(_fields(dialects, place)),
                )
                for place in ("request", "response")
            ),
        ),
        remarks=tuple(remark for dialect in dialects for remark in dialect.remarks),
    )


def _vendors(dialects: Sequence[Dialect]) -> list[Dialect]:
    return [dialect for dialect in dialects if dialect.name != "google"]


def _others(dialects: Sequence[Dialect]) -> tuple[str, ...]:
    return tuple(dialect.title for dialect in _vendors(dialects))


def _documents(dialects: Sequence[Dialect]) -> Iterator[tuple[str, ...]]:
    yield "page", *(dialect.document.document for dialect in dialects)
    for name in ("language", "url", "revision", "lines", "read_on", "sha256"):
        yield name, *(_fact(dialect, name) for dialect in dialects)
    yield "base URL", *(dialect.base_url for dialect in dialects)
    yield "methods", *(", ".join(dialect.methods) for dialect in dialects)


def _fact(dialect: Dialect, name: str) -> str:
    document = dialect.facts.get("document")
    value = document.get(name, "") if isinstance(document, dict) else ""
    return str(value)[:12] if name == "sha256" else str(value)


def _traits(dialects: Sequence[Dialect]) -> Iterator[tuple[str, ...]]:
    for trait in dict.fromkeys(name for dialect in dialects for name in dialect.traits):
        yield trait, *(_readings(dialect.traits.get(trait, ())) for dialect in dialects)


def _readings(readings: Iterable[Reading]) -> str:
    return " or ".join(f"{_value(one.value)} ({_where(one.source.lines)})" for one in readings) or "not said"


def _value(value: JSON) -> str:
    return " + ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _where(lines: str) -> str:
    return lines if len(lines) <= 40 else f"{lines[:37]}..."


def _models(dialects: Sequence[Dialect]) -> Iterator[tuple[str, ...]]:
    for model in sorted({name for dialect in dialects for name in dialect.models}):
        yield model, *("yes" if model in dialect.models else "-" for dialect in dialects)


def _fields(dialects: Sequence[Dialect], place: str) -> Iterator[tuple[str, ...]]:
    """Yield a row per field that any document names, under Google's name for it; cells show the page's spelling."""
    found: dict[str, dict[str, list[Field]]] = {}
    for dialect in _vendors(dialects):
        for one in dialect.fields_of(place):
            found.setdefault(find_google_name(place, one.pointer), {}).setdefault(dialect.name, []).append(
                one
            )
    for row in sorted(found):
        cells = (_cell(found[row].get(dialect.name, ()), row) for dialect in _vendors(dialects))
        yield row, _google(place, row), *cells


def _cell(several: Iterable[Field], row: str) -> str:
    return " or ".join(_said(one, row) for one in several) or "-"


def _said(one: Field, row: str) -> str:
    how = "required" if one.required else one.known
    return f"{_spelled(one, row)}{how}{'?' if one.contradicted else ''} {one.source.lines}"


def _spelled(one: Field, row: str) -> str:
    """Return the page's own name where it is not Google's: the last name, or all of it where the place differs too."""
    parent, _, name = one.pointer.rpartition("/")
    above, _, googles = row.rpartition("/")
    if parent != above and (not parent or find_google_name(one.place, parent) != above):
        return f"{one.pointer} "
    return "" if name == googles else f"{name} "


def _google(place: str, row: str) -> str:
    shape = _shape_at(_root(place), row)
    return "no" if shape is None else " ".join(filter(None, (shape.kind, shape.format)))


def _root(place: str) -> Shape:
    return load_reference().request if place == "request" else load_reference().response


def find_google_name(place: str, pointer: str) -> str:
    """Return the pointer of the field at Google that a documented pointer means, or the pointer as it stands.

    Names are matched in any casing, behind one member of an envelope, and settings at the root as those of
    generationConfig. A name that Google lacks stays as it is, below what Google has.
    """
    root, keys = _root(place), pointer.split("/")[1:]
    settings = root.properties.get("generationConfig")
    tries = [
        _named(root, keys),
        _named(settings, keys, "/generationConfig") if settings else None,
        _named(root, keys[1:]),
    ]
    whole = next((name for name in tries if name), None)
    parent, _, last = pointer.rpartition("/")
    above = find_google_name(place, parent) if parent and not whole else parent
    return whole or f"{above}/{last}"


def _named(shape: Shape | None, keys: Sequence[str], at: str = "") -> str | None:
    """Return Google's spelling of a whole path, or None where it leads nowhere."""
    for key in keys:
        name = "*" if key == "*" else match_property(shape, key) if shape else None
        shape = _step(shape, name) if shape and name else None
        if shape is None:
            return None
        at = f"{at}/{name}"
    return at if keys else None


def _step(shape: Shape, name: str) -> Shape | None:
    return shape.items if name == "*" else shape.properties.get(name)


@cache
def _shape_at(shape: Shape, pointer: str) -> Shape | None:
    found: Shape | None = shape
    for key in pointer.split("/")[1:]:
        found = _step(found, key) if found else None
    return found


def render_json(both: SideBySide) -> str:
    """Return everything as one JSON text."""
    return json.dumps({"format": "conformance-documents/1", **asdict(both)}, ensure_ascii=False, indent=2)


def render_markdown(both: SideBySide) -> str:
    """Return everything as Markdown tables."""
    blocks = [
        "\n\n".join(filter(None, (f"## {one.title}", one.note, "\n".join(_markdown_rows(one)))))
        for one in both.tables
    ]
    remarks = [
        f"## What to know of {name}\n\n" + "\n".join(_remark_items(own))
        for name, own in _by_dialect(both).items()
    ]
    return "\n\n".join(blocks + remarks) + "\n"


def _markdown_rows(one: Table) -> Iterator[str]:
    yield _markdown_row(one.columns)
    yield _markdown_row(["---"] * len(one.columns))
    yield from (_markdown_row(row) for row in one.rows)


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(cell: str) -> str:
    """Return a text that means nothing to Markdown: a user's dialect may hold anything."""
    return " ".join(cell.translate(_MARKS).split())


def _by_dialect(both: SideBySide) -> Mapping[str, list[DocumentRemark]]:
    found: dict[str, list[DocumentRemark]] = {}
    for remark in sorted(both.remarks, key=lambda one: list(KINDS).index(one.kind)):
        found.setdefault(remark.dialect, []).append(remark)
    return found


def _remark_items(remarks: Iterable[DocumentRemark]) -> Iterator[str]:
    for one in remarks:
        where = " ".join(
            filter(None, (f"`{one.pointer}`" if one.pointer else "", f"({one.lines})" if one.lines else ""))
        )
        yield f"* **{KINDS[one.kind]}**: {_plain(one.says)} {where}".rstrip()


def render_text(both: SideBySide) -> str:
    """Return everything as tables for a terminal, the columns wrapped, and the remarks below."""
    blocks = [
        "\n".join((one.title, "=" * len(one.title), *filter(None, [one.note]), *_text_rows(one)))
        for one in both.tables
    ]
    remarks = [
        f"{name}\n{'=' * len(name)}\n" + "\n".join(_remark_lines(own))
        for name, own in _by_dialect(both).items()
    ]
    return "\n\n".join(blocks + remarks) + "\n"


def _text_rows(one: Table) -> Iterator[str]:
    columns = list(zip(one.columns, *one.rows, strict=True))
    bounds = [_WIDEST_NAME, *[_WIDEST] * (len(columns) - 1)]
    widths = [min(bound, max(map(len, column))) for bound, column in zip(bounds, columns, strict=True)]
    yield from _text_row(one.columns, widths)
    yield "  ".join("-" * width for width in widths)
    for row in one.rows:
        yield from _text_row(row, widths)


def _text_row(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
    for line in zip_longest(*wrapped, fillvalue=""):
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _remark_lines(remarks: Iterable[DocumentRemark]) -> Iterator[str]:
    for one in remarks:
        where = " ".join(filter(None, (one.pointer, f"({one.lines})" if one.lines else "")))
        text = f"{KINDS[one.kind]}: {one.says} {where}".rstrip()
        yield textwrap.fill(text, 110, initial_indent="* ", subsequent_indent="  ")
