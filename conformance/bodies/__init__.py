"""Request bodies that nobody thought of: made from the schemas of a dialect and of Google's.

Importing this imports Hypothesis (a third of a second): do so only where a run asks for generated bodies.
"""

from conformance.bodies.drawing import draw
from conformance.bodies.drawn import Drawn
from conformance.bodies.forms import check_schemas
from conformance.bodies.tree import SchemaError

__all__ = ["Drawn", "SchemaError", "check_schemas", "draw"]
