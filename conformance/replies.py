"""The replies of one provider, and the questions that it was not asked: asking fills it, judging reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from conformance.model import Exchange, Provider
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, read

CONTROL = ProbeId.PLAIN  # the probe of the plain question, which is asked first


@dataclass(frozen=True)
class Unasked:
    """A question that was not asked, and why.

    `cause`: budget | first-turn | unsupported | dead | not-recorded | cut-off | unrelated.
    """

    probe: str
    cause: str
    detail: str


@dataclass
class ProviderReplies:
    """What one provider has replied so far. It grows while the run goes on, so an interrupted run keeps it."""

    provider: Provider
    replies: list[Reply] = field(default_factory=list)  # in the order of their arrival
    unasked: list[Unasked] = field(default_factory=list)
    planned: int = 0  # questions that were to be asked
    finished: bool = False

    @classmethod
    def of_exchanges(cls, provider: Provider, exchanges: Iterable[Exchange]) -> Self:
        """Return finished replies, read from exchanges that were recorded before."""
        replies = [read(exchange, provider.limits) for exchange in exchanges]
        return cls(provider, replies, planned=len(replies), finished=True)

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges that the replies were read from."""
        return [reply.exchange for reply in self.replies]
