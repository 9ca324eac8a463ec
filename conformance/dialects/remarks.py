"""What results.json holds of the bundled documents, and of what this version was proven with."""

from __future__ import annotations

from dataclasses import asdict

from conformance.dialects.dialect import bundled, load_dialect
from conformance.dialects.sidebyside import side_by_side
from conformance.files import read_json_file, schemas_folder
from conformance.model import JSON


def all_remarks() -> list[JSON]:
    """Return the `documents` entries of every bundled dialect; found without a request."""
    return [
        {
            "dialect": one.dialect,
            "kind": one.kind,
            "pointer": one.pointer,
            "says": one.says,
            "lines": one.lines,
        }
        for name in bundled()
        for one in load_dialect(name).remarks
    ]


def tables() -> dict[str, JSON]:
    """Return the tables of the documents side by side, as the page shows them."""
    both = side_by_side([load_dialect(name) for name in bundled()])
    return {"tables": [asdict(table) for table in both.tables]}


def proof() -> dict[str, JSON]:
    """Return with how many rules, wrong servers and innocent ones this version was proven."""
    value = read_json_file(schemas_folder() / "kill-matrix.json")
    return value if isinstance(value, dict) else {}
