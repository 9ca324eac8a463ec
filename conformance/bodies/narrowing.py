"""How a schema is narrowed before bodies are drawn from it: cheap, small and harmless, and all of it data.

The data stand in `narrow.json` beside Google's request schema; a dialect's own file adds to it. Keys are a
property's name in lowerCamelCase, or its parent's and its own (`inlineData/data`), so that a setting which a
vendor puts elsewhere, or spells otherwise, is narrowed too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from conformance.names import to_camel

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Together:
    """Settings that make sense only with others: where `when` was drawn, `give` is put in, `lend` where it is missing."""

    when: str
    give: Mapping[str, Any]
    lend: Mapping[str, Any]


@dataclass(frozen=True)
class Narrowing:
    """What may be drawn where, what goes together, and the stock of values for places that nothing is said of."""

    places: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: NOTHING)
    together: tuple[Together, ...] = ()
    words: tuple[str, ...] = ("stone",)
    names: tuple[str, ...] = ("one", "two")  # keys of maps
    formats: Mapping[str, Sequence[Any]] = field(default_factory=lambda: NOTHING)
    free: tuple[Any, ...] = ({},)
    awkward: tuple[Any, ...] = ("",)

    def place(self, parent: str, name: str) -> Mapping[str, Any]:
        """Return the keywords that narrow a property of that name below that parent."""
        name, parent = to_camel(name), to_camel(parent)
        return {**self.places.get(name, NOTHING), **self.places.get(f"{parent}/{name}", NOTHING)}


NOWHERE = Narrowing()


def narrowing(*files: Mapping[str, Any]) -> Narrowing:
    """Return what the contents of narrow.json files say together; later ones win."""
    whole: dict[str, Any] = {}
    places: dict[str, Mapping[str, Any]] = {}
    for file in files:
        whole.update(file)
        for key, said in file.get("places", {}).items():
            places[key] = {**places.get(key, NOTHING), **_resolved(said, whole)}
    return Narrowing(
        MappingProxyType(places),
        tuple(_together(said) for file in files for said in file.get("together", ())),
        **{name: tuple(whole[name]) for name in ("words", "names", "free", "awkward") if name in whole},
        formats=MappingProxyType(whole.get("formats", {})),
    )


def _resolved(said: Mapping[str, Any], stock: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a place's keywords with lists that are named (`"x-awkward": "awkward"`) put in."""
    return {key: stock.get(value, ()) if isinstance(value, str) else value for key, value in said.items()}


def _together(said: Mapping[str, Any]) -> Together:
    return Together(said["when"], said.get("give", NOTHING), said.get("lend", NOTHING))
