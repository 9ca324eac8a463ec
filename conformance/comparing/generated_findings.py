"""Findings on generated bodies, matched by rule and location: two runs generate different bodies, so ids say nothing.

When a finding that only generated bodies show is new:

* The rule passed before, or had other locations, and the newer run planned no more bodies than the
  older: new. As many bodies were generated, and none of them showed it.
* The newer run planned more bodies: not new. The older run may have missed it, so nothing shows that the vendor
  changed. It is listed separately, as seen with more bodies.
* The newer run planned fewer bodies, and the finding is gone: not fixed, but no longer covered.

Where neither run says how many bodies it planned, both are taken to have planned the same number.
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
    """How many generated bodies each of two runs planned for one provider; None where that is unknown."""

    before: int | None = None
    after: int | None = None

    @property
    def grew(self) -> bool:
        """Whether the newer run planned more."""
        return self.before is not None and self.after is not None and self.after > self.before

    @property
    def shrank(self) -> bool:
        """Whether the newer run planned fewer."""
        return self.before is not None and self.after is not None and self.after < self.before


def count_bodies(old: PastProvider | None, new: PastProvider | None) -> BodyCounts:
    """Return the planned numbers of two runs; unknown where one of them did not judge the provider."""
    if old is None or new is None or not (old.is_judged and new.is_judged):
        return BodyCounts()
    return BodyCounts(old.bodies, new.bodies)


def generalise_pointer(pointer: str) -> str:
    """Return a pointer with `*` for every position in a list, every number of a chunk, and every offset."""
    return _POSITION.sub(r"\1*", pointer)


def find_new_locations(before: PastCase, after: PastCase) -> tuple[str, ...]:
    """Return the generalised pointers at which generated bodies show a finding only now; none where a list was cut."""
    if before.state != FINDING or not after.is_generated or before.has_unlisted_places:
        return ()
    known = set(map(generalise_pointer, before.get_texts("pointers")))
    found = dict.fromkeys(map(generalise_pointer, after.get_texts("pointers")))
    return tuple(place for place in found if place not in known)


def select_fixed_probes(probes: Iterable[str]) -> tuple[str, ...]:
    """Return the probes that every run asks alike, without generated bodies."""
    return tuple(probe for probe in probes if not probe.startswith(GENERATED_PREFIX))
