"""The questions of a vendor's own document: its sample bodies, sent as the document says, whatever Google says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from conformance.catalogue import Probe, ProbeContext
from conformance.dialects.dialect import Dialect
from conformance.model import JSON, Question
from conformance.probe_ids import DOCUMENTED_PREFIX


def _fill_in(value: JSON, words: Mapping[str, str]) -> JSON:
    if isinstance(value, dict):
        return {key: _fill_in(child, words) for key, child in value.items()}
    if isinstance(value, list):
        return [_fill_in(child, words) for child in value]
    return (
        re.sub(r"\{(nonce|model)\}", lambda found: words[found[1]], value)
        if isinstance(value, str)
        else value
    )


def _make_builder(sample: Mapping[str, Any], own_path: str | None) -> Callable[[ProbeContext], Question]:
    def build(ask: ProbeContext) -> Question:
        words = {"nonce": ask.nonce, "model": ask.model}
        expected = _fill_in(sample.get("expects", {}), words)
        query = tuple((str(name), str(value)) for name, value in dict(sample.get("query", {})).items())
        return Question(
            _fill_in(sample["body"], words),
            sample.get("method", "generateContent"),
            query,
            path=own_path if sample.get("own_form") else sample.get("path"),
            expected=expected if isinstance(expected, dict) and expected else {"status": 200},
        )

    return build


def documented_probes(dialect: Dialect) -> tuple[Probe, ...]:
    """Return a probe for each sample request of a dialect: `documented-NAME`."""
    own = dialect.own_form.get("path")
    own_path = own if isinstance(own, str) else None
    return tuple(
        Probe(
            f"{DOCUMENTED_PREFIX}{sample['name']}",
            f"A request as the vendor's document writes it: {sample['name']}",
            "",
            _make_builder(sample, own_path),
        )
        for sample in dialect.requests
    )
