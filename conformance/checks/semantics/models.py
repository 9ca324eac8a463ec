"""Whether two names are those of one model: versions, aliases, previews and their successors."""

from __future__ import annotations

import re

from conformance.model import Level

# Words in a model's name that say how or when it is served, not which model it is.
_SERVED = {"preview", "exp", "experimental", "latest", "thinking", "stable", "customtools"}
_KIND = re.compile(
    r"flash|pro|lite|ultra|nano|mini|micro|small|medium|large|max|plus|turbo|image|tts|live|audio|embedding"
    r"|\d+b|v?\d+(\.\d+)*"
)


def _model_words(name: str) -> set[str]:
    words = re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", name.lower().rpartition("/")[2])
    return {word for word in words if word not in _SERVED and not re.fullmatch(r"\d{2,}", word)}


_PREVIEW = re.compile(r"preview|\bexp(erimental)?\b")


def _number(name: str) -> float:
    found = re.search(r"\d+(\.\d+)?", name.rpartition("/")[2])
    return float(found[0]) if found else 0.0


def is_successor(asked: str, answered: str) -> bool:
    """Return whether a preview was asked and the same kind of model, with a later number, answers in its place."""
    kinds = [{word for word in _model_words(name) if not word[0].isdigit()} for name in (asked, answered)]
    passed_on = _PREVIEW.search(asked.lower()) is not None
    return passed_on and kinds[0] == kinds[1] and _number(answered) >= _number(asked)


def compare_models(asked: str, answered: str) -> Level | None:
    """Return how gravely the names differ; None where the second is the first, or a version of it."""
    mine, theirs = _model_words(asked), _model_words(answered)
    if "latest" in asked.lower() or not any(word[0].isdigit() for word in mine):
        # Which number an alias stands for today is Google's to say.
        mine, theirs = ({word for word in words if not word[0].isdigit()} for words in (mine, theirs))
    if not any(_KIND.fullmatch(word) for word in mine):  # a name that somebody gave tells of no model
        return Level.NOTE if mine ^ theirs else None
    different = mine ^ theirs
    if not different:
        return None
    if is_successor(asked, answered):
        return Level.NOTE
    # Words in the place of others name something else; words beside them are the vendor's own for how it is served.
    another = (mine - theirs and theirs - mine) or any(_KIND.fullmatch(word) for word in different)
    return Level.MUST if another else Level.NOTE
