"""Small servers that are wrong in one way (miniatures), and servers that no rule may accuse (innocents)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from conformance.embedded.behaviour import Behaviour


@dataclass(frozen=True)
class Miniature:
    """A server that is wrong in one way, and exactly the rules (at must or should) that say so.

    `notes` are rules that must be noted besides; other notes are not looked at.
    """

    name: str
    description: str  # what is wrong with it
    behaviour: Behaviour
    trips: AbstractSet[str] = frozenset()
    notes: AbstractSet[str] = frozenset()
    model: str = "gemini-2.5-flash"
    dialect: str = "google"  # whose page the answers are held against
    settings: tuple[tuple[str, Any], ...] = ()  # of the provider, as in providers.yaml


@dataclass(frozen=True)
class Innocent:
    """A server that differs from the honest one, and breaks no rule at must or should.

    `notes` are rules that must be noted; other notes are not looked at.
    """

    name: str
    description: str
    behaviour: Behaviour
    notes: AbstractSet[str] = frozenset()
    model: str = "gemini-2.5-flash"
    dialect: str = "google"  # whose page the answers are held against
    settings: tuple[tuple[str, Any], ...] = ()  # of the provider, as in providers.yaml
