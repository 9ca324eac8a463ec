"""Lists of models whose names are no names: they lead elsewhere, or name variables of whoever pastes a line."""

from __future__ import annotations

from miniatures import Miniature, Variation
from miniatures.making import Message
from miniatures.routes import each_model

_NAMES = "routes/names-models-with-their-prefix"
_UNLISTED = frozenset({"routes/lists-the-model-under-test"})


def _suffixed(entry: Message) -> None:
    entry["name"] += "?alt=json#x"


def _upwards(entry: Message) -> None:
    entry["name"] = f"models/../../{entry['name']}"


def _hidden(entry: Message) -> None:
    entry["name"] += "\u202e\r\nHost: elsewhere"


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "names-with-queries",
        "Listed names end in a query and a fragment.",
        each_model(_suffixed),
        frozenset({_NAMES}),
        notes=_UNLISTED,
    ),
    Miniature(
        "names-that-climb", "Listed names lead out of /v1beta.", each_model(_upwards), frozenset({_NAMES})
    ),
    Miniature(
        "names-with-line-ends",
        "Listed names hold a line's end and a header.",
        each_model(_hidden),
        frozenset({_NAMES}),
        notes=_UNLISTED,
    ),
)
VARIATIONS: tuple[Variation, ...] = ()
