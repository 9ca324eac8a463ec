"""Generated request bodies: made from the schemas of a dialect and of Google's, and asked beside the fixed questions.

Importing this imports Hypothesis (a third of a second): do so only where a run asks for generated bodies.
"""

from conformance.bodies.boundaries import build_boundaries
from conformance.bodies.corpus import read_corpus, write_corpus
from conformance.bodies.forms import RequestForm, check_schemas, find_form, load_forms
from conformance.bodies.generated_body import GeneratedBody, serialize
from conformance.bodies.generation import generate_bodies
from conformance.bodies.questions import build_question, name_probe, read_generated_body
from conformance.bodies.selection import select_bodies
from conformance.bodies.shrinking import shrink
from conformance.bodies.strategies import strategy_for
from conformance.bodies.variants import build_variants

__all__ = [
    "GeneratedBody",
    "RequestForm",
    "build_boundaries",
    "build_question",
    "build_variants",
    "check_schemas",
    "find_form",
    "generate_bodies",
    "load_forms",
    "name_probe",
    "read_corpus",
    "read_generated_body",
    "select_bodies",
    "serialize",
    "shrink",
    "strategy_for",
    "write_corpus",
]
