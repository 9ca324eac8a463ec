"""The documents side by side with Google's reference, and where each contradicts itself; no request is sent.

Plain data first (`compare_documents`), then three renderers of it: pure functions, which know no dialect.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import zip_longest

from conformance.dialects.dialect import Dialect, DocumentRemark, Field, Reading
from conformance.dialects.shapes import Shape, as_object, load_reference, match_property
from conformance.pointers import split_pointer

_WIDEST = 26  # characters of a column on a terminal
_WIDEST_NAME = 60  # of the first, so that pointers stay in one piece
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
    """Return the documents of `dialects` (Google's first, if it is among them) as tables, and what to know of each."""
    names = tuple(dialect.title for dialect in dialects)
    vendors = [dialect for dialect in dialects if dialect.name != "google"]
    tables = [
        Table("Documents", ("", *names), tuple(_list_documents(dialects))),
        Table("Traits", ("trait", *names), tuple(_list_traits(dialects))),
        Table("Models", ("model", *names), tuple(_list_models(dialects))),
    ]
    for place in ("request", "response"):
        columns = ("field", "Google", *(dialect.title for dialect in vendors))
        tables.append(Table(f"Fields of the {place}", columns, tuple(_list_fields(vendors, place))))
    return SideBySide(tuple(tables), tuple(remark for dialect in dialects for remark in dialect.remarks))


def _list_documents(dialects: Sequence[Dialect]) -> Iterator[tuple[str, ...]]:
    yield "page", *(dialect.document.document for dialect in dialects)
    for name in ("language", "url", "revision", "lines", "read_on", "sha256"):
        facts = (str(as_object(dialect.facts.get("document")).get(name, "")) for dialect in dialects)
        yield name, *(fact[:12] if name == "sha256" else fact for fact in facts)
    yield "base URL", *(dialect.base_url for dialect in dialects)
    yield "methods", *(", ".join(dialect.methods) for dialect in dialects)


def _list_traits(dialects: Sequence[Dialect]) -> Iterator[tuple[str, ...]]:
    for trait in dict.fromkeys(name for dialect in dialects for name in dialect.traits):
        yield trait, *(_format_readings(dialect.traits.get(trait, ())) for dialect in dialects)


def _format_readings(readings: Iterable[Reading]) -> str:
    cells = []
    for one in readings:
        value = " + ".join(map(str, one.value)) if isinstance(one.value, list) else str(one.value)
        lines = one.source.lines
        cells.append(f"{value} ({lines if len(lines) <= 40 else f'{lines[:37]}...'})")
    return " or ".join(cells) or "not said"


def _list_models(dialects: Sequence[Dialect]) -> Iterator[tuple[str, ...]]:
    for model in sorted({name for dialect in dialects for name in dialect.models}):
        yield model, *("yes" if model in dialect.models else "-" for dialect in dialects)


def _list_fields(vendors: Sequence[Dialect], place: str) -> Iterator[tuple[str, ...]]:
    """Yield a row per field that any document names, under Google's name for it; cells show the page's spelling."""
    found: dict[str, dict[str, list[str]]] = {}
    for dialect in vendors:
        for one in dialect.fields_of(place):
            row = find_google_name(place, one.pointer)
            how = "required" if one.required else one.known
            cell = f"{_find_own_name(one, row)}{how}{'?' if one.contradicted else ''} {one.source.lines}"
            found.setdefault(row, {}).setdefault(dialect.name, []).append(cell)
    for row in sorted(found):
        shape = _find_shape(_find_root(place), row)
        google = "no" if shape is None else " ".join(filter(None, (shape.kind, shape.format)))
        yield row, google, *(" or ".join(found[row].get(dialect.name, "-")) for dialect in vendors)


def _find_own_name(one: Field, row: str) -> str:
    """Return the page's own name where it is not Google's: the last name, or all of it where the place differs too."""
    parent, _, name = one.pointer.rpartition("/")
    above, _, googles = row.rpartition("/")
    if parent != above and (not parent or find_google_name(one.place, parent) != above):
        return f"{one.pointer} "
    return "" if name == googles else f"{name} "


def _find_root(place: str) -> Shape:
    return load_reference().request if place == "request" else load_reference().response


def find_google_name(place: str, pointer: str) -> str:
    """Return the pointer of the field at Google that a documented pointer means, or the pointer as it stands.

    Names are matched in any casing, behind one member of an envelope, and settings at the root as those of
    generationConfig. A name that Google lacks stays as it is, below what Google has.
    """
    root, keys = _find_root(place), split_pointer(pointer)
    settings = root.properties.get("generationConfig")
    found = (
        _match_path(root, keys)
        or (settings and _match_path(settings, keys, "/generationConfig"))
        or _match_path(root, keys[1:])
    )
    if found:
        return found
    parent, _, last = pointer.rpartition("/")
    return f"{find_google_name(place, parent) if parent else parent}/{last}"


def _match_path(shape: Shape, keys: Sequence[str], at: str = "") -> str | None:
    """Return Google's spelling of a whole path, or None where it leads nowhere."""
    found: Shape | None = shape
    for key in keys:
        name = "*" if key == "*" else match_property(found, key) if found else None
        found = _find_shape(found, f"/{name}") if found and name else None
        if found is None:
            return None
        at = f"{at}/{name}"
    return at if keys else None


@cache
def _find_shape(shape: Shape, pointer: str) -> Shape | None:
    found: Shape | None = shape
    for key in split_pointer(pointer):
        found = (found.items if key == "*" else found.properties.get(key)) if found else None
    return found


def render_json(both: SideBySide) -> str:
    """Return everything as one JSON text."""
    return json.dumps({"format": "conformance-documents/1", **asdict(both)}, ensure_ascii=False, indent=2)


def render_markdown(both: SideBySide) -> str:
    """Return everything as Markdown tables."""
    blocks = []
    for one in both.tables:
        rows = "\n".join(map(_render_markdown_row, (one.columns, ["---"] * len(one.columns), *one.rows)))
        blocks.append("\n\n".join(filter(None, (f"## {one.title}", one.note, rows))))
    for name, remarks in _group_remarks(both).items():
        items = (
            f"* **{KINDS[one.kind]}**: {_escape_markdown(one.says)} {_locate(one, quote='`')}".rstrip()
            for one in remarks
        )
        blocks.append(f"## What to know of {name}\n\n" + "\n".join(items))
    return "\n\n".join(blocks) + "\n"


def _render_markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(map(_escape_markdown, cells)) + " |"


def _escape_markdown(cell: str) -> str:
    """Return a text in which nothing is Markdown, since a user's dialect may contain anything."""
    return " ".join(cell.translate(_MARKS).split())


def _group_remarks(both: SideBySide) -> Mapping[str, list[DocumentRemark]]:
    """Return the remarks of each dialect, in the order of KINDS."""
    found: dict[str, list[DocumentRemark]] = {}
    for remark in sorted(both.remarks, key=lambda one: list(KINDS).index(one.kind)):
        found.setdefault(remark.dialect, []).append(remark)
    return found


def _locate(one: DocumentRemark, quote: str = "") -> str:
    pointer = f"{quote}{one.pointer}{quote}" if one.pointer else ""
    return " ".join(filter(None, (pointer, f"({one.lines})" if one.lines else "")))


def render_text(both: SideBySide) -> str:
    """Return everything as tables for a terminal, the columns wrapped, and the remarks below."""
    blocks = [
        "\n".join((one.title, "=" * len(one.title), *filter(None, [one.note]), *_render_text_rows(one)))
        for one in both.tables
    ]
    for name, remarks in _group_remarks(both).items():
        lines = (f"{KINDS[one.kind]}: {one.says} {_locate(one)}".rstrip() for one in remarks)
        wrapper = textwrap.TextWrapper(
            110, initial_indent="* ", subsequent_indent="  ", break_on_hyphens=False
        )
        items = map(wrapper.fill, lines)
        blocks.append("\n".join((name, "=" * len(name), *items)))
    return "\n\n".join(blocks) + "\n"


def _render_text_rows(one: Table) -> Iterator[str]:
    columns = list(zip(one.columns, *one.rows, strict=True))
    bounds = [_WIDEST_NAME, *[_WIDEST] * (len(columns) - 1)]
    widths = [min(bound, max(map(len, column))) for bound, column in zip(bounds, columns, strict=True)]
    for row in (one.columns, ["-" * width for width in widths], *one.rows):
        wrapped = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in zip_longest(*wrapped, fillvalue=""):
            yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
