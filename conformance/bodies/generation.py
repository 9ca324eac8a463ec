"""Random bodies: valid and invalid, of the dialect's own form and of Google's, the same for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from conformance.bodies.forms import RequestForm, load_forms
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.locations import find_places
from conformance.bodies.mutations import draw_mutated
from conformance.bodies.rewriting import REWRITINGS, rewrite
from conformance.bodies.strategies import Draw, draw_one, strategy_for
from conformance.dialects.dialect import Dialect

VALID, TWIN, EXOTIC, INVALID = "valid", "twin", "exotic", "invalid"
GOOGLE_VALID, GOOGLE_INVALID = "google", "google-invalid"
ROUND = (VALID, INVALID, GOOGLE_VALID, TWIN, GOOGLE_INVALID, EXOTIC)  # how bodies take turns
# Wanted places per body: twelve bodies reach most of the largest schema.
USUAL_AT_ONCE, EXOTIC_AT_ONCE = 30, 100
TRIES = 4  # attempts at finding a new body


def generate_bodies(
    dialect: Dialect, seed: int, count: int, kinds: Sequence[str] = ROUND
) -> tuple[GeneratedBody, ...]:
    """Return `count` different bodies; a smaller `count` with the same seed gives the first of them.

    `kinds` is the round in which they take turns. A TWIN is the GOOGLE_VALID before it, written in another way; the latter
    contains all usual members, so that every rewriting has something to rewrite.
    """
    own, google = load_forms(dialect)
    series = _Series(own, google, seed)
    for turn in range(count):
        series.add(kinds[turn % len(kinds)], turn)
    return tuple(series.bodies.values())


@dataclass
class _Series:
    """The bodies generated so far, the places that they reached, and how often each kind had its turn."""

    own: RequestForm
    google: RequestForm
    seed: int
    bodies: dict[str, GeneratedBody] = field(default_factory=dict)
    reached: dict[str, set[str]] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    base: GeneratedBody | None = None  # that the next twin rewrites

    def add(self, kind: str, turn: int) -> None:
        """Add a body of that kind, a new one if a few attempts find one."""
        self.turns[kind] = self.turns.get(kind, -1) + 1
        body = self.rewrite_base() if kind == TWIN else None
        for attempt in range(TRIES):
            if body is not None and body.id not in self.bodies:
                break
            digest = hashlib.sha256(f"{self.seed}/{turn}/{attempt}".encode()).digest()
            body = self.draw(kind, int.from_bytes(digest[:6], "big"))
        assert body is not None  # noqa: S101 - for mypy: TRIES is more than 0
        self.base = body if kind == GOOGLE_VALID else self.base
        self.bodies[body.id] = body

    def rewrite_base(self) -> GeneratedBody | None:
        """Return the last body of Google's form, written in another way; None if there was no such body."""
        first = self.turns[TWIN] % len(REWRITINGS)
        other = rewrite(self.google.root, self.base.body, first) if self.base else None
        return (
            replace(self.base, body=other[1], change=other[0], twin=self.base.id)
            if self.base and other
            else None
        )

    def draw(self, kind: str, number: int) -> GeneratedBody:
        """Return the body of that kind and number."""
        form = self.google if kind in (GOOGLE_VALID, GOOGLE_INVALID, TWIN) else self.own
        wanted = form.usual if kind == GOOGLE_VALID else self.choose_wanted(form, exotic=kind == EXOTIC)
        bodies = strategy_for(form, wanted, nonce=f"{number & 0xFFFF:04x}")
        if kind in (INVALID, GOOGLE_INVALID):
            first = self.turns[kind] * 2 + (kind == GOOGLE_INVALID)

            @st.composite
            def mutated_bodies(draw: Draw) -> GeneratedBody:
                return draw_mutated(draw, form, draw(bodies), first)

            mutated: GeneratedBody = draw_one(mutated_bodies(), number)
            return mutated
        body = draw_one(bodies, number)
        self.reached.setdefault(form.name, set()).update(find_places(form.root, body))
        return GeneratedBody(body, valid=True, source=form.name)

    def choose_wanted(self, form: RequestForm, *, exotic: bool) -> Sequence[str]:
        """Return the places that this body should reach; when all were reached, the round begins again."""
        every, most = (form.exotic, EXOTIC_AT_ONCE) if exotic else (form.usual, USUAL_AT_ONCE)
        reached = self.reached.setdefault(form.name, set())
        if reached.issuperset(every):
            reached.difference_update(every)
        return [place for place in every if place not in reached][:most]


def find_covered_places(form: RequestForm, bodies: Sequence[GeneratedBody]) -> set[str]:
    """Return the places of a form that valid bodies made for it reach."""
    made = [one.body for one in bodies if one.source == form.name and not one.change]
    reached = {place for body in made for place in find_places(form.root, body)}
    return reached.intersection((*form.usual, *form.exotic))
