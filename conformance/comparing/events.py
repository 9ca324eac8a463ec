"""What happened between two runs apart from single rules: clients that broke, providers that died, lost coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.comparing.past import PastProvider, PastRun
from conformance.comparing.run_limits import find_limits

BROKE, WORKS_AGAIN = "client broke", "client works again"
DEAD, NO_SECRET, MISSING = "provider dead", "secret missing", "provider missing"
STILL_DEAD, BACK, CAME = "provider still dead", "provider back", "provider added"
IDLE = "provider not run"  # in neither run, which is a choice
COVERAGE = "coverage lost"
GONE = (DEAD, NO_SECRET, MISSING)
LOSSES = (*GONE, COVERAGE)  # what ends in exit code 3
_READS = ("works", "degraded")
_REASONS_SHOWN = 2


@dataclass(frozen=True)
class ProviderEvent:
    """One thing that happened to a provider. `kind` is one of the constants of this module.

    `client`: the client that it concerns. `rules`: how many were judged before and are not now. `untested`: clients that
    were tested before and are not now. `reason`: why, according to the newer run.
    """

    kind: str
    provider: str
    reason: str = ""
    client: str = ""
    rules: int = 0
    untested: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProviderPair:
    """One provider in two runs; None where a run does not have it."""

    name: str
    old: PastProvider | None
    new: PastProvider | None

    @property
    def was_judged_twice(self) -> bool:
        """Whether both runs judged it."""
        return bool(self.old and self.old.is_judged and self.new and self.new.is_judged)

    @property
    def is_gone(self) -> bool:
        """Whether it was judged before, and is not now."""
        return bool(self.old and self.old.is_judged and not (self.new and self.new.is_judged))


def pair_providers(old: PastRun, new: PastRun) -> tuple[ProviderPair, ...]:
    """Return every provider of two runs, in the order of the newer one."""
    names = dict.fromkeys((*new.providers, *old.providers))
    return tuple(ProviderPair(name, old.providers.get(name), new.providers.get(name)) for name in names)


def find_events(
    pair: ProviderPair, run: PastRun, lost: Sequence[str], named: Sequence[str]
) -> Iterator[ProviderEvent]:
    """Yield what happened to one provider.

    `run` is the newer run, `lost` the reason of each rule that is no longer judged, `named` the clients that the user
    has (none: all count).
    """
    if pair.is_gone:
        yield _report_gone(pair, len(lost))
    elif pair.old and pair.new and pair.was_judged_twice:
        yield from _compare_clients(pair.old, pair.new)
        yield from _compare_coverage(pair.old, pair.new, run, lost, named)
    else:
        yield from _report_arrival(pair)


def _report_gone(pair: ProviderPair, rules: int) -> ProviderEvent:
    if pair.new is None:
        return ProviderEvent(MISSING, pair.name, "is not in the new run", rules=rules)
    reason = describe_reason(pair.new)
    is_unset = pair.new.status == "not-run" and "is not set" in reason
    return ProviderEvent(NO_SECRET if is_unset else DEAD, pair.name, reason, rules=rules)


def describe_reason(provider: PastProvider) -> str:
    """Return why a provider was not judged."""
    reason = provider.reason.removeprefix(f"{provider.name}: ") or "the run does not say why"
    return f"was not run: {reason}" if provider.status == "not-run" else f"could not be judged: {reason}"


def _report_arrival(pair: ProviderPair) -> Iterator[ProviderEvent]:
    if pair.new and pair.new.status == "not-run" and (pair.old is None or pair.old.status == "not-run"):
        yield ProviderEvent(IDLE, pair.name, describe_reason(pair.new))
    elif pair.new is None or not pair.new.is_judged:
        absent = "is not in the new run, and the old one could not judge it"
        yield ProviderEvent(STILL_DEAD, pair.name, describe_reason(pair.new) if pair.new else absent)
    elif pair.old is None:
        yield ProviderEvent(CAME, pair.name)
    else:
        yield ProviderEvent(BACK, pair.name, describe_reason(pair.old))


def _compare_clients(old: PastProvider, new: PastProvider) -> Iterator[ProviderEvent]:
    for name, now in new.clients.items():
        before = old.clients[name].verdict if name in old.clients else ""
        if before in _READS and now.verdict == "broken":
            yield ProviderEvent(BROKE, new.name, "; ".join(now.because[:1]), name)
        elif before == "broken" and now.verdict in _READS:
            yield ProviderEvent(WORKS_AGAIN, new.name, "" if now.verdict == "works" else now.verdict, name)


def _compare_coverage(
    old: PastProvider, new: PastProvider, run: PastRun, lost: Sequence[str], named: Sequence[str]
) -> Iterator[ProviderEvent]:
    untested = tuple(
        name
        for name, client in old.clients.items()
        if client.verdict != "untested" and (name in named or not named) and _is_untested(name, new, named)
    )
    if lost or untested:
        limits = find_limits(run, new)
        fresh = [limit for limit in limits if limit not in old.limited_by]
        commonest = Counter(filter(None, lost)).most_common(_REASONS_SHOWN)
        reason = ", ".join(fresh or limits) or "; ".join(reason for reason, _ in commonest)
        yield ProviderEvent(COVERAGE, new.name, reason, rules=len(lost), untested=untested)


def _is_untested(name: str, new: PastProvider, named: Sequence[str]) -> bool:
    """Return whether a client is untested now. A client that this version no longer models counts only if it is named."""
    return new.clients[name].verdict == "untested" if name in new.clients else name in named
