"""What a reader should know of a run's course before believing its verdicts: refused keys, stale entries, early ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.verdicts.verdict import Verdict

_MOSTLY = 0.6  # the share of answers with 401 or 403 from which a key is worth a warning


def describe_health(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a line for each thing that limits what the verdicts say."""
    stale = [line for verdict in verdicts for line in verdict.stale]
    return stale + [line for verdict in verdicts for line in _of_one(verdict)]


def _of_one(verdict: Verdict) -> Iterator[str]:
    name, replies = verdict.provider.name, verdict.replies
    refused = sum(reply.status in (401, 403) for reply in replies)
    if replies and refused > _MOSTLY * len(replies):
        yield f"{name}: {refused} of {len(replies)} answers were 401 or 403"
    unasked = verdict.gathered.unasked if verdict.gathered else []
    yield from sorted(
        {f"{name}: {one.detail}" for one in unasked if one.cause in ("budget", "dead", "cut-off")}
    )
