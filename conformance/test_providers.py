"""The suite for `pytest -p conformance.plugin --pyargs conformance`.

A case per provider and rule; one per provider and named client; one for the accepted deviations of each provider.
"""

from __future__ import annotations

from collections.abc import Callable


def test_provider(rule_case: str, show_case: Callable[[str], None]) -> None:
    """The provider does what the rule says."""
    show_case(rule_case)


def test_client(client_case: str, show_case: Callable[[str], None]) -> None:
    """The client works with the provider."""
    show_case(client_case)


def test_known_entries(known_case: str, show_case: Callable[[str], None]) -> None:
    """Every accepted deviation of the provider still happens, and none has expired."""
    show_case(known_case)
