"""How Google's schema is narrowed before bodies are generated from it, so that they are cheap, small and harmless.

The data are in `narrow.json` beside Google's request schema. Keys are a property's name in lowerCamelCase, or its
parent's and its own (`inlineData/data`), so that a setting which a vendor puts elsewhere, or spells otherwise, is
narrowed too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from conformance.files import find_schemas_folder, read_json_file
from conformance.names import to_camel

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Together:
    """Settings that make sense only with others: with `when` goes `give`, and `lend` if it is missing."""

    when: str
    give: Mapping[str, Any]
    lend: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Narrowing:
    """Which values are allowed where, which settings go together, and values for places that the rest does not cover."""

    places: Mapping[str, Mapping[str, Any]]
    together: tuple[Together, ...] = ()
    words: tuple[str, ...] = ("stone",)
    names: tuple[str, ...] = ("one", "two")  # keys of maps
    formats: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    free: tuple[Any, ...] = ({},)

    def find(self, parent: str, name: str) -> Mapping[str, Any]:
        """Return the keywords that narrow a property of that name below that parent."""
        name, parent = to_camel(name), to_camel(parent)
        return {**self.places.get(name, _NOTHING), **self.places.get(f"{parent}/{name}", _NOTHING)}


@cache
def read_narrowing() -> Narrowing:
    """Return what narrow.json says. A keyword's value may be the name of a list in that file."""
    said: Any = read_json_file(find_schemas_folder() / "google" / "narrow.json")
    places = {
        key: {
            keyword: said[value] if isinstance(value, str) else value for keyword, value in keywords.items()
        }
        for key, keywords in said["places"].items()
    }
    together = (Together(one["when"], one.get("give", {}), one.get("lend", {})) for one in said["together"])
    formats = {name: tuple(values) for name, values in said["formats"].items()}
    words, names, free = (tuple(said[name]) for name in ("words", "names", "free"))
    return Narrowing(places, tuple(together), words, names, formats, free)
