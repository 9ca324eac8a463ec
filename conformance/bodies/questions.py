"""Generated bodies as questions, recorded with what is known about them, so that a replay need not generate them again.

Every body is a probe of its own, `generated-<id of the body>`, so that it is the same question in every run that
asks it. What is known about the body is in its expectations under `generated`: `valid`, `broken_at`, `change`,
`google_refuses`, `source`, `body` (its id), `twin` (the id of the body that must get the same kind of answer).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from conformance.bodies.generated_body import GeneratedBody
from conformance.model import JSON, Question
from conformance.probe_ids import GENERATED_PREFIX

_KNOWN = ("valid", "broken_at", "change", "source", "google_refuses", "twin")
CLEAR = (400, 401, 403, 404, 409, 413, 422)  # statuses with which a request can be refused clearly


def name_probe(body: GeneratedBody) -> str:
    """Return the id under which a body is asked, recorded and accepted as known."""
    return f"{GENERATED_PREFIX}{body.id}"


def build_question(body: GeneratedBody) -> Question:
    """Return the question that asks one body. If members are in another order, the white space differs too."""
    statuses = CLEAR if body.google_refuses and not body.valid else (200, *CLEAR)
    known = {"body": body.id, **{name: getattr(body, name) for name in _KNOWN}}
    sent = json.dumps(body.body, indent=3).encode() if body.change == "reordered" else body.body
    return Question(sent, expected={**body.expected, "status": list(statuses), "generated": known})


def read_generated_body(body: JSON, expected: Mapping[str, JSON]) -> GeneratedBody | None:
    """Return the body of a recorded exchange from its request and expectations; None if it was not generated."""
    known = expected.get("generated")
    if not isinstance(known, dict) or not isinstance(body, dict):
        return None
    refuses = known.get("google_refuses")
    return GeneratedBody(
        body,
        bool(known.get("valid")),
        **{name: str(known.get(name) or "") for name in ("broken_at", "change", "source", "twin")},
        google_refuses=refuses if isinstance(refuses, bool) else None,
        covers=(),
        expected={name: value for name, value in expected.items() if name not in ("status", "generated")},
    )
