"""A request body that was made from a schema, and what is known about it before it is sent."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from conformance.model import JSON


@dataclass(frozen=True)
class GeneratedBody:
    """One body to ask.

    `change` names what was done: to an invalid body the one thing that breaks it (type, unknown-name, enum, …),
    to a valid one the rewriting that Google takes for the same (snake-case, enum-number, …) or `boundaries`;
    empty for a body as it was generated. `twin` is the id of the body that must get the same kind of answer, or the probe
    that asks it; `expected` is then what that probe expects of the answer (`conformance.judging.expectations`).
    """

    body: JSON
    valid: bool
    broken_at: str = ""  # JSON pointer into `body`; "" if it is valid
    change: str = ""
    source: str = ""  # the schema, and for a boundary which
    google_refuses: bool | None = None  # None if only prose says so, or if it was not tried
    twin: str = ""
    covers: tuple[str, ...] = ()  # the boundaries in a batch: `place name`
    expected: dict[str, JSON] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Twelve hex digits that identify the body as it is sent, including the order of its members."""
        return hashlib.sha256(serialize(self.body)).hexdigest()[:12]

    @property
    def has_generated_twin(self) -> bool:
        """Whether its twin is another body, as opposed to a question that every run asks."""
        return bool(self.twin) and not self.expected


def serialize(body: JSON) -> bytes:
    """Return a body as it goes over the wire, without white space."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
