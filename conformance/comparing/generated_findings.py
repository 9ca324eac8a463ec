"""Findings on generated bodies, matched by rule and place: two runs draw different bodies, so a body's id tells nothing.

Which finding is new, where generated bodies alone show it:

* The rule passed before, or its finding stood at other places, and the newer run was to ask no more bodies than the
  older: new. The draw was as large, and what it met was not there.
* The newer run was to ask more bodies: not new. The older run may have missed it, so nothing shows that the vendor
  changed. It is listed by itself, as seen with more bodies.
* The newer run was to ask fewer bodies and the finding is gone: not fixed. It is no longer covered.

Where neither run says how many bodies it was to ask, the draws are taken to be of one size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.comparing.past import FINDING, PastCase, PastProvider
from conformance.probe_ids import GENERATED_PREFIX

_POSITION = re.compile(r"(^[#@]|/)\d+(?=/|$)")


@dataclass(frozen=True)
class BodyCounts:
    """How many generated bodies each of two runs was to ask of one provider; None where nothing says so."""

    before: int | None = None
    after: int | None = None

    @property
    def grew(self) -> bool:
        """Whether the newer run was to ask more."""
        return self.before is not None and self.after is not None and self.after > self.before

    @property
    def shrank(self) -> bool:
        """Whether the newer run was to ask fewer."""
        return self.before is not None and self.after is not None and self.after < self.before


def count_bodies(old: PastProvider | None, new: PastProvider | None) -> BodyCounts:
    """Return the sizes of two draws; unknown where one of the runs did not judge the provider."""
    if old is None or new is None or not (old.is_judged and new.is_judged):
        return BodyCounts()
    return BodyCounts(old.bodies, new.bodies)


def generalise_pointer(pointer: str) -> str:
    """Return a pointer with `*` for every position in a list, every number of a chunk, and every offset."""
    return _POSITION.sub(r"\1*", pointer)


def find_new_locations(before: PastCase, after: PastCase) -> tuple[str, ...]:
    """Return where generated bodies show a finding now and did not before, generalised; none where a list was cut."""
    if before.state != FINDING or not after.generated or before.unlisted:
        return ()
    known = set(map(generalise_pointer, before.get_texts("pointers")))
    found = dict.fromkeys(map(generalise_pointer, after.get_texts("pointers")))
    return tuple(place for place in found if place not in known)


def select_fixed_probes(probes: Iterable[str]) -> tuple[str, ...]:
    """Return the questions that every run asks alike: those of generated bodies are left out."""
    return tuple(probe for probe in probes if not probe.startswith(GENERATED_PREFIX))
