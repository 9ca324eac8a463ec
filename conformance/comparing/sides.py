"""One side of a switch: a provider as a run found it, or a dialect as its document alone describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from conformance.comparing.past import PastCase, PastClient, PastProvider
from conformance.dialects.dialect import Dialect
from conformance.dialects.side_by_side import find_google_name
from conformance.model import JSON

USAGE = "usageMetadata"


@dataclass(frozen=True)
class Side:
    """What is known about one side. `traits` holds the readings of each trait: none where nothing is known.

    On paper there are no cases, and clients are judged by sample replies made from the document. `partly` says what a
    partial verdict rests on; it is empty where everything was judged.
    """

    name: str
    title: str
    on_paper: bool
    base_url: str
    model: str
    traits: Mapping[str, tuple[JSON, ...]]
    cases: Mapping[str, PastCase] = field(default_factory=lambda: MappingProxyType({}))
    clients: Mapping[str, PastClient] = field(default_factory=lambda: MappingProxyType({}))
    dialect: Dialect | None = None
    remarks: tuple[str, ...] = ()
    partly: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """The models that the document names."""
        return self.dialect.models if self.dialect else ()

    def list_readings(self, trait: str) -> tuple[JSON, ...]:
        """Return what the document says about a trait: several readings where it contradicts itself."""
        return tuple(one.value for one in self.dialect.traits.get(trait, ())) if self.dialect else ()

    def list_fields(self, place: str) -> frozenset[str]:
        """Return the fields that the document names in the request, response or usage, under Google's names."""
        if self.dialect is None:
            return frozenset()
        source = "request" if place == "request" else "response"
        names = {find_google_name(source, one.pointer) for one in self.dialect.fields_of(source)}
        return frozenset(
            name for name in names if place == "request" or (USAGE in name) == (place == "usage")
        )


def side_from_run(
    provider: PastProvider, dialect: Dialect | None, partly: str = "", remarks: tuple[str, ...] = ()
) -> Side:
    """Return a provider as a run found it; a bundled dialect adds what its document lists."""
    if provider.embedded:
        remarks = (f"{provider.name} is the bundled server: it answers as the document says", *remarks)
    return Side(
        name=provider.name,
        title=provider.title,
        on_paper=False,
        base_url=provider.base_url,
        model=provider.model,
        traits=MappingProxyType(
            {name: () if seen is None else (seen,) for name, seen in provider.traits.items()}
        ),
        cases=provider.cases,
        clients=provider.clients,
        dialect=dialect,
        remarks=remarks,
        partly=partly,
    )


def side_from_document(
    name: str, dialect: Dialect, clients: Mapping[str, PastClient], remarks: tuple[str, ...]
) -> Side:
    """Return a dialect as its document describes it; a page that contradicts itself gives several readings."""
    return Side(
        name=name,
        title=dialect.title,
        on_paper=True,
        base_url=dialect.base_url,
        model="",
        traits=MappingProxyType(
            {key: tuple(one.value for one in found) for key, found in dialect.traits.items()}
        ),
        clients=clients,
        dialect=dialect,
        remarks=remarks,
    )
