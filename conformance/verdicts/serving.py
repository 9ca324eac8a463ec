"""Where an embedded provider is found by a reader of a page: at the fixed port of `conformance serve`."""

from __future__ import annotations

from dataclasses import replace

from conformance.dialects.dialect import Dialect
from conformance.model import Provider


def with_served_address(provider: Provider, dialect: Dialect) -> Provider:
    """Return a provider as pages show it: an embedded one at the address that `conformance serve` gives it."""
    if provider.embedded is None:
        return provider
    return replace(provider, base_url=f"http://127.0.0.1:{dialect.embedded.get('port', 0)}")
