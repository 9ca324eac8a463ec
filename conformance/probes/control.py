"""The plain question once more at the end: it shows whether the vendor still answered while other questions failed."""

from __future__ import annotations

from conformance.asking.prompts import exact_reply_prompt, request_body
from conformance.catalogue import ProbeContext, probe
from conformance.model import Question


@probe(last=True)
def plain_at_the_end(ask: ProbeContext) -> Question:
    """A plain question after all others, before the bad keys."""
    code = f"OK-{ask.nonce}"
    plainly = (
        ("Accept-Encoding", "identity"),
    )  # the one question that still works where an offer of gzip breaks all
    return Question(request_body(exact_reply_prompt(code), 60), headers=plainly, expected={"text": code})
