"""What the bundled documents say against themselves and against Google, as results.json holds it."""

from __future__ import annotations

from dataclasses import asdict

from conformance.dialects import bundled, load_dialect
from conformance.model import JSON
from conformance.sidebyside import side_by_side


def all_remarks() -> list[JSON]:
    """Return the `documents` entries of every bundled dialect; found without a request."""
    return [
        {"dialect": one.dialect, "kind": one.kind, "pointer": one.pointer, "says": one.says, "lines": one.lines}
        for name in bundled()
        for one in load_dialect(name).remarks
    ]


def tables() -> dict[str, JSON]:
    """Return the tables of the documents side by side, as the page shows them."""
    both = side_by_side([load_dialect(name) for name in bundled()])
    return {"tables": [asdict(table) for table in both.tables]}
