"""Checks vendors of the Gemini API against Google's wire contract and against their own documents."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "judge"]


def __getattr__(name: str) -> Any:
    """Return `judge` (see `conformance.api`), which is loaded when it is first asked for: it needs much of the program."""
    if name == "judge":
        return import_module("conformance.api").judge
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
