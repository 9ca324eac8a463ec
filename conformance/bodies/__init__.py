"""Request bodies that nobody thought of: made from the schemas of a dialect and of Google's.

Importing this imports Hypothesis (a third of a second): do so only where a run asks for generated bodies.
"""

from conformance.bodies.asking import drawn_from, probe_of, question
from conformance.bodies.boundaries import boundaries
from conformance.bodies.chosen import chosen
from conformance.bodies.drawing import draw
from conformance.bodies.drawn import Drawn, written
from conformance.bodies.equal import twins
from conformance.bodies.forms import Form, check_schemas, form_of, forms
from conformance.bodies.kept import keep_failing, kept
from conformance.bodies.smaller import smaller
from conformance.bodies.translate import translate
from conformance.bodies.tree import SchemaError

__all__ = [
    "Drawn",
    "Form",
    "SchemaError",
    "boundaries",
    "check_schemas",
    "chosen",
    "draw",
    "drawn_from",
    "form_of",
    "forms",
    "keep_failing",
    "kept",
    "probe_of",
    "question",
    "smaller",
    "translate",
    "twins",
    "written",
]
