"""A JSON Schema as a Hypothesis strategy, for the keywords that our request schemas use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis.strategies import SearchStrategy

from conformance.bodies.coins import strategy
from conformance.bodies.grow import Grower
from conformance.bodies.narrowing import NOWHERE, Narrowing
from conformance.bodies.tree import Schemas, compiled
from conformance.model import JSON


def translate(
    schema: Mapping[str, Any], schemas: Schemas, pointer: str = "", narrowing: Narrowing = NOWHERE
) -> SearchStrategy[JSON]:
    """Return the strategy of the valid values of `schema`, or of what stands in it at `pointer`.

    References are looked up in `schemas`. Raises SchemaError, which names schema and pointer, for a keyword that
    it does not know and for a schema that admits nothing.
    """
    root = compiled(schema, schemas, pointer, narrowing)
    return strategy(lambda coins: Grower(coins, narrowing).body(root))
