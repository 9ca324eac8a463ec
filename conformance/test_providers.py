"""The suite: one case per rule and provider, for `pytest -p conformance.plugin --pyargs conformance`."""

from __future__ import annotations

from conformance.plugin import tell
from conformance.running.engine import Engine


def test_provider(engine: Engine, conformance_case: tuple[str, str]) -> None:
    """A good vendor does what the rule says."""
    tell(engine.case(*conformance_case), engine.masked)
