"""Puts the verdict on one provider into the few words that a badge or a chat message has room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.report.matrix import describe_counts
from conformance.report.verdict import read_judged_share
from conformance.report.vocabulary import STATUSES

Entry = Mapping[str, Any]


def abbreviate_verdict(provider: Entry) -> str:
    """Return a provider's verdict in a few words, which never claim more than was judged.

    `conforms`, `nothing found in 97 of 158 rules`, `3 must, 1 should`, `could not be judged` or `not run`.
    """
    status, found = str(provider["status"]), read_judged_share(provider)
    if status == "deviates":
        return describe_counts(provider)
    if status == "partial" and found is not None:
        return f"nothing found in {found.count}"
    return STATUSES[status].word
