"""The part of results.json about the documents of the vendors that were asked, and about the tests of this version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from conformance.dialects.dialect import Dialect, load_dialect
from conformance.dialects.side_by_side import compare_documents
from conformance.files import find_schemas_folder, read_json_file
from conformance.model import JSON

GOOGLE = "google"  # with whose document every other one is compared


def list_remarks(dialects: Iterable[Dialect]) -> list[JSON]:
    """Return the `documents` entries of these dialects, each dialect once; found without a request."""
    return [
        {name: getattr(one, name) for name in ("dialect", "kind", "pointer", "says", "lines")}
        for dialect in _sort_distinct(dialects)
        for one in dialect.remarks
    ]


def build_tables(dialects: Iterable[Dialect]) -> dict[str, JSON]:
    """Return the tables of these documents beside Google's, as the page shows them; none where there is no document."""
    asked = [dialect for dialect in _sort_distinct(dialects) if dialect.name != GOOGLE]
    both = compare_documents([load_dialect(GOOGLE), *asked]) if asked else None
    return {"tables": [asdict(table) for table in both.tables] if both else []}


def _sort_distinct(dialects: Iterable[Dialect]) -> list[Dialect]:
    found = {dialect.name: dialect for dialect in dialects}
    return [found[name] for name in sorted(found)]


def read_proof() -> dict[str, JSON]:
    """Return how many rules, wrong servers and innocent servers this version was tested with."""
    value = read_json_file(find_schemas_folder() / "kill-matrix.json")
    return value if isinstance(value, dict) else {}
