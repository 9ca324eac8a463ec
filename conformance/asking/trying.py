"""Whether a question is asked once more, because one try alone tells nothing of the vendor."""

from __future__ import annotations

from conformance.catalogue import Probe
from conformance.judging.arrivals import TIMELY, held_back
from conformance.judging.expectations import CUT, UNMET, asks_for_obedience, obedience, statuses
from conformance.judging.habits import says_nothing_at_all
from conformance.reading.reply import Reply


def try_again(probe: Probe, reply: Reply, *, obeys: bool) -> bool:
    """Return whether `reply` must be seen again before it counts, by the tries that its probe allows.

    So is a 5xx where a refusal was due, a stream that seems held back, what Google itself sends once among thousands,
    and an answer that did not do as it was told where the model can (`obeys`).
    """
    if probe.tries == 1:
        return False
    expected = reply.exchange.expected
    if 200 not in statuses(expected):
        return reply.status >= 500
    if reply.ok and expected.get(TIMELY) and held_back(reply):
        return True
    if obeys and says_nothing_at_all(reply):
        return True
    if not obeys or not reply.ok or not asks_for_obedience(expected):
        return False
    return obedience(reply).verdict in (UNMET, CUT)
