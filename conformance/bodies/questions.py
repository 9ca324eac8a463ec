"""Generated bodies as questions: what is recorded with each, so that a replay judges them without drawing again.

Every body is a probe of its own, `generated-<id of the body>`, so that it is the same question in every run that
asks it. What is known of the body stands in its expectations under `generated`, as data:
`valid`, `broken_at`, `change`, `google_refuses`, `source`, `body` (its id), `twin` (the id of the body that must get
the same kind of answer).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from conformance.bodies.generated_body import GeneratedBody
from conformance.model import JSON, Question
from conformance.probe_ids import GENERATED_PREFIX

_TEXTS = ("broken_at", "change", "source", "twin")
CLEAR = (400, 401, 403, 404, 409, 413, 422)  # statuses with which a request can be refused clearly


def name_probe(drawn: GeneratedBody) -> str:
    """Return the id under which a body is asked, recorded and accepted as known."""
    return f"{GENERATED_PREFIX}{drawn.id}"


def build_question(drawn: GeneratedBody) -> Question:
    """Return the question that asks one body. Members in another order come with other white space, too."""
    statuses = CLEAR if drawn.google_refuses and not drawn.valid else (200, *CLEAR)
    body = json.dumps(drawn.body, indent=3).encode() if drawn.change == "reordered" else drawn.body
    return Question(
        body, expected={**drawn.expected, "status": list(statuses), "generated": describe_body(drawn)}
    )


def describe_body(drawn: GeneratedBody) -> dict[str, JSON]:
    """Return what is known of a body, as it is recorded."""
    return {
        "body": drawn.id, "twin": drawn.twin, "valid": drawn.valid, "change": drawn.change,
        "broken_at": drawn.broken_at, "google_refuses": drawn.google_refuses, "source": drawn.source,
    }  # fmt: skip


def read_generated_body(body: JSON, expected: Mapping[str, JSON]) -> GeneratedBody | None:
    """Return the body that was asked, from the request and the expectations of a recorded exchange; None where it is none."""
    generated = expected.get("generated")
    if not isinstance(generated, dict) or not isinstance(body, dict):
        return None
    said = generated.get("google_refuses")
    broken_at, change, source, twin = (str(generated.get(name) or "") for name in _TEXTS)
    refuses = said if isinstance(said, bool) else None
    rest = {name: value for name, value in expected.items() if name not in ("status", "generated")}
    return GeneratedBody(
        body, bool(generated.get("valid")), broken_at, change, source, refuses, twin, expected=rest
    )
