"""Asks each question once, after the one that it follows; handed a way to ask, or a recording of one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from conformance.catalogue import Asking, Probe, Unaskable
from conformance.expectations import (
    CUT,
    MET,
    UNMET,
    answered_as_asked,
    asks_for_obedience,
    obedience,
    statuses,
)
from conformance.model import Exchange, Provider, Question
from conformance.reply import Reply, read

CONTROL = "plain"
TRANSIENT = (429, 503)


class Asker(Protocol):
    """Whatever answers a question: a vendor over the network, or a recording."""

    def __call__(  # noqa: PLR0913 - the words of a question, recorded as they are
        self, probe: str, number: int, question: Question, *, first: str | None, generated: bool, retry: bool
    ) -> Awaitable[Exchange]:
        """Ask, and return what came back; raise NotRecordedError where a recording has nothing."""


class NotRecordedError(Exception):
    """A replay was asked for an exchange that its recording does not hold."""


@dataclass(frozen=True)
class Unasked:
    """A question that was not asked, and why: budget | first-turn | unsupported | dead | not-recorded | cut-off."""

    probe: str
    cause: str
    detail: str


@dataclass(frozen=True)
class Generated:
    """A drawn body as the run asks it."""

    probe: str
    question: Question


@dataclass
class Gathered:
    """What one provider answered so far; grows while the run goes on, so that an interrupted run keeps it."""

    provider: Provider
    exchanges: list[Exchange] = field(default_factory=list)
    unasked: list[Unasked] = field(default_factory=list)
    planned: int = 0
    finished: bool = False


Progress = Callable[[Gathered], None]
RetryAfter = Callable[[Exchange], float | None]


@dataclass(frozen=True)
class Plan:
    """All that is asked of one provider."""

    provider: Provider
    probes: tuple[Probe, ...]
    generated: tuple[Generated, ...] = ()
    seed: int = 0


def nonce(seed: int, provider: str, probe: str, number: int) -> str:
    """Return the hexadecimal word that makes a question unlike any other; the same for the same arguments."""
    return hashlib.sha256(f"{seed}/{provider}/{probe}/{number}".encode()).hexdigest()[:6]


def _dead(exchange: Exchange) -> bool:
    """A vendor that answers what it should refuse with 503 (`no channel for this model`) is not down."""
    refusal = 200 not in statuses(exchange.expected)
    return exchange.status is None or (exchange.status in (429, 502, 503, 504) and not refusal)


def _wants_another(probe: Probe, reply: Reply, *, obeys: bool) -> bool:
    """A refusal that was a 5xx is asked again, and so is an answer that did not obey, where the model can obey."""
    if probe.tries == 1:
        return False
    if 200 not in statuses(reply.exchange.expected):
        return reply.status >= 500
    if not obeys or not reply.ok or not asks_for_obedience(reply.exchange.expected):
        return False
    return obedience(reply).verdict in (UNMET, CUT)


class Run:
    """The state of asking one provider: its budget, its pace, and what has been answered."""

    def __init__(self, plan: Plan, ask: Asker, retry_after: RetryAfter, progress: Progress) -> None:
        """Prepare to ask `plan` through `ask`; nothing is sent yet."""
        self.plan = plan
        self.gathered = Gathered(plan.provider, planned=len(plan.probes) + len(plan.generated))
        self._ask = ask
        self._retry_after = retry_after
        self._progress = progress
        self._slots = asyncio.Semaphore(plan.provider.concurrency)
        self._dead = 0
        self._sent = 0
        self._waited = 0.0
        self._obeys = True
        self._replies: dict[str, list[Reply]] = {}

    async def everything(self) -> Gathered:
        """Ask all: the control first, the others at the provider's pace, the locking ones last and alone."""
        wanted = self.plan.probes
        control = [probe for probe in wanted if probe.id == CONTROL]
        ordinary = [probe for probe in wanted if probe.id != CONTROL and not probe.last]
        for probe in control:
            await self._probe(probe)
        self._obeys = not control or any(obedience(reply).verdict == MET for reply in self._replies.get(CONTROL, []))
        await self._together(ordinary)
        for probe in (probe for probe in wanted if probe.last):
            await self._probe(probe)
        self.gathered.finished = True
        return self.gathered

    async def _together(self, ordinary: list[Probe]) -> None:
        chains: dict[str | None, list[Probe]] = {}
        for probe in ordinary:
            chains.setdefault(probe.after, []).append(probe)
        async with asyncio.TaskGroup() as group:
            for probe in ordinary:
                if probe.after is None or probe.after == CONTROL:
                    group.create_task(self._chain(probe, chains))
            for generated in self.plan.generated:
                group.create_task(self._generated(generated))

    async def _chain(self, probe: Probe, chains: Mapping[str | None, list[Probe]]) -> None:
        await self._probe(probe)
        async with asyncio.TaskGroup() as group:
            for follower in chains.get(probe.id, []):
                group.create_task(self._chain(follower, chains))

    async def _probe(self, probe: Probe) -> None:
        if probe.needs in self.plan.provider.unsupported:
            self._skip(probe.id, "unsupported", f"providers.yaml says that {probe.needs} is unsupported")
            return
        for number in range(1, probe.tries + 1):
            reply = await self._once(probe, self._next_number(probe.id))
            obeys = self._obeys or probe.id == CONTROL
            if reply is None or number == probe.tries or not _wants_another(probe, reply, obeys=obeys):
                break

    def _next_number(self, probe: str) -> int:
        return len(self._replies.get(probe, [])) + 1

    def _asking(self, probe: Probe, number: int) -> tuple[Asking, Reply | None] | Unaskable:
        first = self._first(probe.after)
        if probe.after is not None and first is None:
            return Unaskable(f"its first turn, {probe.after}, was not answered as asked")
        word = nonce(self.plan.seed, self.plan.provider.name, probe.id, number)
        return Asking(self.plan.provider.model, word, first), first

    def _first(self, probe: str | None) -> Reply | None:
        replies = [reply for reply in self._replies.get(probe or "", []) if reply.ok and answered_as_asked(reply)]
        met = [reply for reply in replies if obedience(reply).verdict == MET]
        candidates = met or replies
        return candidates[-1] if candidates else None

    async def _once(self, probe: Probe, number: int) -> Reply | None:
        asking = self._asking(probe, number)
        question = asking if isinstance(asking, Unaskable) else probe.build(asking[0])
        if isinstance(question, Unaskable):
            self._skip(probe.id, "first-turn", question.reason)
            return None
        first = None if isinstance(asking, Unaskable) or asking[1] is None else asking[1].id
        return await self._answered(probe.id, question, first=first, generated=False)

    async def _generated(self, body: Generated) -> None:
        await self._answered(body.probe, body.question, first=None, generated=True)

    def _stop(self) -> tuple[str, str] | None:
        if self._sent >= self.plan.provider.max_requests:
            return "budget", f"max_requests ({self.plan.provider.max_requests}) is spent"
        limit = self.plan.provider.limits.dead_after
        if self._dead >= limit:
            return "dead", f"{limit} answers in a row were dead: asking on would only cost"
        return None

    def _skip(self, probe: str, cause: str, detail: str) -> None:
        self.gathered.unasked.append(Unasked(probe, cause, detail))
        self._progress(self.gathered)

    async def _answered(self, probe: str, question: Question, *, first: str | None, generated: bool) -> Reply | None:
        """Ask, and on 429 or 503 ask again within the bounds; return the last reply."""
        last: Reply | None = None
        for attempt in range(self.plan.provider.limits.retries + 1):
            reply = await self._sent_once(probe, question, first, generated=generated, retry=last is not None)
            if reply is None or reply.status not in TRANSIENT:
                return reply or last
            last = reply
            if attempt < self.plan.provider.limits.retries and not await self._pause(reply.exchange, attempt):
                break
        return last

    async def _sent_once(
        self, probe: str, question: Question, first: str | None, *, generated: bool, retry: bool
    ) -> Reply | None:
        async with self._slots:
            stop = self._stop()
            if stop is not None:
                self._skip(probe, *stop)
                return None
            self._sent += 1
            try:
                exchange = await self._ask(
                    probe, self._next_number(probe), question, first=first, generated=generated, retry=retry
                )
            except NotRecordedError:
                self._sent -= 1
                if not retry:  # the run that was recorded gave up waiting here
                    self._skip(probe, "not-recorded", "the recording does not hold it")
                return None
        return self._keep(exchange)

    def _keep(self, exchange: Exchange) -> Reply:
        reply = read(exchange, self.plan.provider.limits)
        self._dead = self._dead + 1 if _dead(exchange) else 0
        self._replies.setdefault(exchange.probe, []).append(reply)
        self.gathered.exchanges.append(exchange)
        self._progress(self.gathered)
        return reply

    async def _pause(self, exchange: Exchange, attempt: int) -> bool:
        """Wait as the vendor asks, within the bounds; False where that would be too long."""
        longest = self.plan.provider.limits.retry_wait
        wait = self._retry_after(exchange)
        wait = 0.5 * 2.0**attempt if wait is None else wait
        # The sum is bounded too: a vendor that answers every question with 429 must not hold the run.
        if wait > longest or self._waited + wait > 4 * longest:
            return False
        self._waited += wait
        await asyncio.sleep(wait)
        return True


async def ask_all(
    plans: Sequence[tuple[Plan, Asker]], retry_after: RetryAfter, progress: Progress, into: list[Gathered]
) -> None:
    """Ask every provider at once; `into` holds what each has answered, from the start and at any time.

    One provider's trouble is its own: nothing that a vendor answers raises, so nothing ends the others.
    """
    runs = [Run(plan, ask, retry_after, progress) for plan, ask in plans]
    into.extend(run.gathered for run in runs)
    async with asyncio.TaskGroup() as group:
        for run in runs:
            group.create_task(run.everything())
