"""Compares the names of models: versions, aliases, previews and their successors name the same model."""

from __future__ import annotations

import re

from conformance.model import Level

# Words in a model's name that say how or when it is served, not which model it is.
_SERVED = {"preview", "exp", "experimental", "latest", "thinking", "stable", "customtools"}
_KIND = re.compile(
    r"flash|pro|lite|ultra|nano|mini|micro|small|medium|large|max|plus|turbo|image|tts|live|audio|embedding"
    r"|\d+b|v?\d+(\.\d+)*"
)


def _find_telling_words(name: str) -> set[str]:
    words = re.findall(r"[a-z0-9]+(?:\.[a-z0-9]+)*", name.lower().rpartition("/")[2])
    return {word for word in words if word not in _SERVED and not re.fullmatch(r"\d{2,}", word)}


_PREVIEW = re.compile(r"preview|\bexp(erimental)?\b")


def _read_number(name: str) -> float:
    found = re.search(r"\d+(\.\d+)?", name.rpartition("/")[2])
    return float(found[0]) if found else 0.0


def _is_successor(asked: str, answered: str) -> bool:
    """Return whether a preview was asked for, and the same kind of model with the same or a later number answered."""
    kinds = [
        {word for word in _find_telling_words(name) if not word[0].isdigit()} for name in (asked, answered)
    ]
    is_preview = _PREVIEW.search(asked.lower()) is not None
    return is_preview and kinds[0] == kinds[1] and _read_number(answered) >= _read_number(asked)


def compare_models(asked: str, answered: str) -> Level | None:
    """Return how gravely the names differ; None if the second name is the first, or a version of it."""
    mine, theirs = _find_telling_words(asked), _find_telling_words(answered)
    if "latest" in asked.lower() or not any(word[0].isdigit() for word in mine):
        # An alias may stand for any number today.
        mine, theirs = ({word for word in words if not word[0].isdigit()} for words in (mine, theirs))
    if not any(
        _KIND.fullmatch(word) for word in mine
    ):  # a made-up name, which does not say which model it is
        return Level.NOTE if mine ^ theirs else None
    different = mine ^ theirs
    if not different:
        return None
    if _is_successor(asked, answered):
        return Level.NOTE
    # Words that replace others name another model; additional words may say how the vendor serves it.
    another = (mine - theirs and theirs - mine) or any(_KIND.fullmatch(word) for word in different)
    return Level.MUST if another else Level.NOTE
