"""Names of JSON members and of what users type: their casings, what their spellings share, the nearest known one.

A name that Google's schemas give stands in lowerCamelCase; protobuf's own name for it is its snake_case.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_UPPER = re.compile(r"[A-Z]")
_CASINGS = (
    ("neutral", re.compile(r"[a-z][a-z0-9]*")),
    ("camelCase", re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)+")),
    ("snake_case", re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")),
    ("PascalCase", re.compile(r"([A-Z][a-z0-9]*)+[a-z0-9]")),
    ("kebab-case", re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")),
)
# Members whose content the user names (parent and member, folded): a walk over names stops there.
_FREE_FORM = frozenset(
    {
        ("functioncall", "args"),
        ("functionresponse", "response"),
        ("parts", "partmetadata"),
        ("error", "details"),
    }
)


def to_snake(name: str) -> str:
    """Return the protobuf name of a lowerCamelCase name: `maxOutputTokens` gives `max_output_tokens`.

    Every capital begins a word, as in protobuf's own rule; a leading underscore goes.
    """
    return _UPPER.sub(lambda found: f"_{found[0].lower()}", name).lstrip("_")


def to_camel(name: str) -> str:
    """Return a name in lowerCamelCase: `max_output_tokens` gives `maxOutputTokens`; a leading underscore stays."""
    head, *rest = re.split(r"(?<=.)_", name)
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def fold(name: str) -> str:
    """Return a name without its case, underscores and hyphens: what all its spellings have in common."""
    return name.replace("_", "").replace("-", "").lower()


def casing_of(name: str) -> str:
    """Return camelCase, snake_case, PascalCase, kebab-case, neutral (one lower-case word) or other."""
    return next((casing for casing, form in _CASINGS if form.fullmatch(name)), "other")


def is_free_form(parent: str, member: str) -> bool:
    """Return whether the names below this member, in any casing, are the user's own and not Google's."""
    return (fold(parent), fold(member)) in _FREE_FORM


def suggest_spelling(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known word nearest to `word`, or an empty string where none is near."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {str(close[0])!r}?" if close else ""


def suggest_or_list(word: str, known: Iterable[str]) -> str:
    """Return the suggestion of `suggest_spelling`, or `; choose from a, b` where no known word is near."""
    words = list(known)
    return suggest_spelling(word, words) or f"; choose from {', '.join(words)}"
