"""What results.json holds of the documents of those who were asked, and of what this version was proven with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from conformance.dialects.dialect import Dialect, load_dialect
from conformance.dialects.side_by_side import compare_documents
from conformance.files import find_schemas_folder, read_json_file
from conformance.model import JSON

GOOGLE = "google"  # whose document every other one is held against


def list_remarks(dialects: Iterable[Dialect]) -> list[JSON]:
    """Return the `documents` entries of these dialects, each dialect once; found without a request."""
    return [
        {
            "dialect": one.dialect,
            "kind": one.kind,
            "pointer": one.pointer,
            "says": one.says,
            "lines": one.lines,
        }
        for dialect in _each_once(dialects)
        for one in dialect.remarks
    ]


def build_tables(dialects: Iterable[Dialect]) -> dict[str, JSON]:
    """Return the tables of these documents beside Google's, as the page shows them; none where there is no document."""
    asked = [dialect for dialect in _each_once(dialects) if dialect.name != GOOGLE]
    both = compare_documents([load_dialect(GOOGLE), *asked]) if asked else None
    return {"tables": [asdict(table) for table in both.tables] if both else []}


def _each_once(dialects: Iterable[Dialect]) -> list[Dialect]:
    found = {dialect.name: dialect for dialect in dialects}
    return [found[name] for name in sorted(found)]


def read_proof() -> dict[str, JSON]:
    """Return with how many rules, wrong servers and innocent ones this version was proven."""
    value = read_json_file(find_schemas_folder() / "kill-matrix.json")
    return value if isinstance(value, dict) else {}
