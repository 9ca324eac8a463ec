"""Bodies by chance: valid and invalid, of the dialect's own form and of Google's, the same for the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from conformance.bodies.coins import Coins, one
from conformance.bodies.forms import RequestForm, load_forms
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.grow import Grower
from conformance.bodies.locations import find_places
from conformance.bodies.mutations import MUTATION_KINDS, mutate_somewhere
from conformance.bodies.rewriting import REWRITINGS, rewrite
from conformance.dialects.dialect import Dialect
from conformance.model import JSON

VALID, TWIN, EXOTIC, INVALID, GOOGLE_VALID, GOOGLE_INVALID = (
    "valid",
    "twin",
    "exotic",
    "invalid",
    "google",
    "google-invalid",
)
ROUND = (VALID, INVALID, GOOGLE_VALID, TWIN, GOOGLE_INVALID, EXOTIC)  # how bodies take turns
USUAL_AT_ONCE, EXOTIC_AT_ONCE = (
    30,
    100,
)  # wanted places per body: twelve bodies reach most of the largest schema
TRIES = 4  # to draw a body that was not drawn before


def generate_bodies(
    dialect: Dialect, seed: int, count: int, kinds: Sequence[str] = ROUND
) -> tuple[GeneratedBody, ...]:
    """Return `count` different bodies; fewer bodies of the same seed are the first of them.

    `kinds` is the round in which they take turns. A TWIN is the GOOGLE_VALID before it, written otherwise; that
    one holds all that is usual, so that every rewriting has something to rewrite.
    Raises SchemaError for a schema that cannot be read.
    """
    own, google = load_forms(dialect)
    series = _Series(own, google, seed)
    bodies: dict[str, GeneratedBody] = {}
    for turn in range(count):
        drawn = series.fresh(kinds[turn % len(kinds)], turn, bodies)
        bodies[drawn.id] = drawn
    return tuple(bodies.values())


@dataclass
class _Series:
    """What bodies that are drawn one after the other remember: the places that they reached, and their turns."""

    own: RequestForm
    google: RequestForm
    seed: int
    done: dict[str, set[str]] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    last: GeneratedBody | None = None

    def fresh(self, kind: str, turn: int, before: dict[str, GeneratedBody]) -> GeneratedBody:
        """Return a body of that kind that was not drawn before, if one can be had in a few tries."""
        self.turns[kind] = self.turns.get(kind, -1) + 1
        base = self.last
        if kind == TWIN and base is not None:
            twin = _twin(self.google, base, self.turns[kind])
            if twin is not None and twin.id not in before:
                return twin
        for attempt in range(TRIES):
            drawn = self.made(kind, _derived(self.seed, turn, attempt))
            if drawn.id not in before:
                break
        self.last = drawn if kind == GOOGLE_VALID else self.last
        return drawn

    def made(self, kind: str, seed: int) -> GeneratedBody:
        """Return a body of that kind."""
        form = self.google if kind in (GOOGLE_VALID, GOOGLE_INVALID, TWIN) else self.own
        wanted = form.usual if kind == GOOGLE_VALID else self.wanted(form, exotic=kind == EXOTIC)
        nonce = f"{seed & 0xFFFF:04x}"
        if kind in (INVALID, GOOGLE_INVALID):
            first = self.turns[kind] * 2 + (kind == GOOGLE_INVALID)
            return one(lambda coins: _invalid(form, coins, wanted, nonce, first), seed)
        body = one(lambda coins: _valid(form, coins, wanted, nonce), seed)
        self.done[form.name] = self.done.get(form.name, set()) | find_places(form.root, body)
        return GeneratedBody(body, valid=True, source=form.name)

    def wanted(self, form: RequestForm, *, exotic: bool) -> tuple[str, ...]:
        """Return the places that are this body's turn; when all were reached, the round begins again."""
        every, most = (form.exotic, EXOTIC_AT_ONCE) if exotic else (form.usual, USUAL_AT_ONCE)
        done = self.done.get(form.name, set())
        left = [place for place in every if place not in done]
        if every and not left:
            self.done[form.name] = done - set(every)
            left = list(every)
        return tuple(left[:most])


def _valid(form: RequestForm, coins: Coins, wanted: Sequence[str], nonce: str) -> JSON:
    return Grower(coins, form.narrowing, wanted, nonce).body(form.root)


def _invalid(form: RequestForm, coins: Coins, wanted: Sequence[str], nonce: str, first: int) -> GeneratedBody:
    body = _valid(form, coins, wanted, nonce)
    return mutate_somewhere(form, body, coins, first % len(MUTATION_KINDS))


def _twin(form: RequestForm, base: GeneratedBody, first: int) -> GeneratedBody | None:
    other = rewrite(form.root, base.body, first % len(REWRITINGS))
    return other and replace(base, body=other[1], change=other[0], twin=base.id)


def _derived(seed: int, turn: int, attempt: int) -> int:
    digest = hashlib.sha256(f"{seed}/{turn}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def find_covered_places(form: RequestForm, bodies: Sequence[GeneratedBody]) -> Iterator[str]:
    """Yield the places of a form that valid bodies made for it reach."""
    done: set[str] = set()
    for drawn in bodies:
        if drawn.source == form.name and not drawn.change:
            done |= find_places(form.root, drawn.body)
    yield from (place for place in (*form.usual, *form.exotic) if place in done)
