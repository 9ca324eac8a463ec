"""What the bundled documents say against themselves and against Google, as results.json holds it."""

from __future__ import annotations

from conformance.dialects import bundled, load_dialect
from conformance.model import JSON


def all_remarks() -> list[JSON]:
    """Return the `documents` entries of every bundled dialect; found without a request."""
    return [
        {"dialect": one.dialect, "kind": one.kind, "pointer": one.pointer, "says": one.says, "lines": one.lines}
        for name in bundled()
        for one in load_dialect(name).remarks
    ]
