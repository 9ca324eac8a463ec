"""Asks each question once, after the one that it follows; handed a way to ask, or a recording of one."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from conformance.asking.accounting import is_slow_to_read, is_unusable, measure_memory
from conformance.asking.attempts import needs_another_attempt
from conformance.asking.prompts import with_larger_limit
from conformance.catalogue import Probe, ProbeContext, Unaskable
from conformance.judging.expectations import MET, answered_as_asked, obedience
from conformance.judging.generated import wants_another
from conformance.judging.tries import ATTEMPTS_TO_ACCUSE
from conformance.model import Exchange, Provider, Question
from conformance.reading.reply import Reply, read
from conformance.reading.standing import Standing
from conformance.recording.writing import RecordError
from conformance.replies import CONTROL, ProviderReplies, Unasked

TOO_MANY = 429
TRANSIENT = (TOO_MANY, 503)


class Asker(Protocol):
    """Whatever answers a question: a vendor over the network, or a recording."""

    def __call__(  # noqa: PLR0913 - the words of a question, recorded as they are
        self, probe: str, number: int, question: Question, *, first: str | None, generated: bool, retry: bool
    ) -> Awaitable[Exchange]:
        """Ask, and return what came back; raise NotRecordedError where a recording has nothing."""


class NotRecordedError(Exception):
    """A replay was asked for an exchange that its recording does not hold."""


@dataclass(frozen=True)
class Generated:
    """A drawn body as the run asks it.

    `recorded` is how often a recording holds it: a replay asks so often, whatever the answers.
    """

    probe: str
    question: Question
    twin: str = ""  # what must be answered before: the body that must get the same kind of answer
    recorded: int = 0


Replies = Mapping[str, Sequence["Reply"]]
# Handed every reply so far by probe; yields bodies to ask, and is sent the answer (None: it could not be asked).
BodySearch = Callable[[Replies], Generator[Generated, "Reply | None", None]]


Progress = Callable[[ProviderReplies], None]
RetryAfter = Callable[[Exchange], float | None]


@dataclass(frozen=True)
class Plan:
    """All that is asked of one provider."""

    provider: Provider
    probes: tuple[Probe, ...]
    generated: tuple[Generated, ...] = ()
    seed: int = 0
    recorded: frozenset[tuple[str, int]] = (
        frozenset()
    )  # probes and tries that a recording answers, at no cost
    search: BodySearch | None = None


def make_nonce(seed: int, provider: str, probe: str, number: int) -> str:
    """Return the hexadecimal word that makes a question unlike any other; the same for the same arguments."""
    return hashlib.sha256(f"{seed}/{provider}/{probe}/{number}".encode()).hexdigest()[:6]


def _limited(tries: Sequence[Reply]) -> bool:
    return bool(tries) and tries[-1].status == TOO_MANY


def _seconds(plan: Plan) -> float:
    """Return how long a provider may be asked: every question, its tries counted, as long as it may take."""
    questions = sum(probe.attempts for probe in plan.probes) + len(plan.generated) * ATTEMPTS_TO_ACCUSE
    return questions * plan.provider.timeout / plan.provider.concurrency


def _built(probe: Probe, asking: ProbeContext, before: Mapping[str, list[Reply]]) -> Question | Unaskable:
    """Build a question. A first reply that no probe foresaw ends that question, and nothing else."""
    try:
        return with_larger_limit(probe.build(asking), before.get(probe.id, ()))
    except Exception as error:  # noqa: BLE001 - what a vendor answered may not end the run
        return Unaskable(f"its first turn cannot be continued ({type(error).__name__})")


class ProviderRun:
    """The state of asking one provider: its budget, its pace, and what has been answered."""

    def __init__(self, plan: Plan, ask: Asker, retry_after: RetryAfter, progress: Progress) -> None:
        """Prepare to ask `plan` through `ask`; nothing is sent yet."""
        self.plan = plan
        self.gathered = ProviderReplies(plan.provider, planned=len(plan.probes) + len(plan.generated))
        self._ask = ask
        self._retry_after = retry_after
        self._progress = progress
        self._slots = asyncio.Semaphore(plan.provider.concurrency)
        self._dead = {
            False: 0,
            True: 0,
        }  # consecutive, for generated bodies apart: what is odd may well be dead
        self._sent = 0
        self._left_out: list[tuple[str, str]] = []
        self._weight = 0
        self._waited = 0.0
        self._ends = 0.0
        self._obeys = True
        self._replies: dict[str, list[Reply]] = {}

    def record_own_failure(self, error: Exception) -> None:
        """Note for every question without an answer that a fault of our own ended the asking."""
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        for probe in self.plan.probes:
            if probe.id not in self._replies:
                self._skip(
                    probe.id,
                    "cut-off",
                    f"the checker itself failed ({type(first).__name__}); please report it",
                )
        self.gathered.finished = True

    async def ask_everything(self) -> ProviderReplies:
        """Ask all: the control first, the others at the provider's pace, then generated bodies, the locking ones last."""
        self._ends = asyncio.get_running_loop().time() + _seconds(self.plan)
        wanted = self.plan.probes
        control = [probe for probe in wanted if probe.id == CONTROL]
        ordinary = [probe for probe in wanted if probe.id != CONTROL and not probe.last]
        for probe in control:
            await self._probe(probe)
        self._obeys = not control or any(
            obedience(reply).verdict == MET for reply in self._replies.get(CONTROL, [])
        )
        await self._together(ordinary)
        await self._all_generated()
        for probe in (probe for probe in wanted if probe.last):
            await self._probe(probe)
        self.gathered.finished = True
        return self.gathered

    async def _together(self, ordinary: list[Probe]) -> None:
        chains: dict[str | None, list[Probe]] = {}
        for probe in ordinary:
            chains.setdefault(probe.follows, []).append(probe)
        async with asyncio.TaskGroup() as group:
            for probe in ordinary:
                if probe.follows is None or probe.follows == CONTROL:
                    group.create_task(self._chain(probe, chains))

    async def _chain(self, probe: Probe, chains: Mapping[str | None, list[Probe]]) -> None:
        await self._probe(probe)
        async with asyncio.TaskGroup() as group:
            for follower in chains.get(probe.id, []):
                group.create_task(self._chain(follower, chains))

    async def _probe(self, probe: Probe) -> None:
        lacking = probe.lacking(self.plan.provider.unsupported)
        if lacking is not None:
            self._skip(probe.id, "unsupported", f"providers.yaml says that {lacking} is unsupported")
            return
        tries = {True: 0, False: 0}  # refusals that may be of the moment use up no try of an answer
        while max(tries.values()) < probe.attempts:
            reply = await self._once(probe, self._next_number(probe.id))
            obeys = self._obeys or probe.id == CONTROL
            if reply is None or not needs_another_attempt(probe, reply, obeys=obeys):
                break
            tries[reply.standing is Standing.REQUEST_REFUSED] += 1

    def _next_number(self, probe: str) -> int:
        return len(self._replies.get(probe, [])) + 1

    def _asking(self, probe: Probe, number: int) -> tuple[ProbeContext, Reply | None] | Unaskable:
        first = self._first(probe.follows)
        if probe.follows is not None and first is None:
            return Unaskable(f"its first turn, {probe.follows}, was not answered as asked")
        word = make_nonce(self.plan.seed, self.plan.provider.name, probe.id, number)
        return ProbeContext(self.plan.provider.model, word, first), first

    def _first(self, probe: str | None) -> Reply | None:
        replies = [
            reply for reply in self._replies.get(probe or "", []) if reply.ok and answered_as_asked(reply)
        ]
        met = [reply for reply in replies if obedience(reply).verdict == MET]
        candidates = met or replies
        return candidates[-1] if candidates else None

    async def _once(self, probe: Probe, number: int) -> Reply | None:
        asking = self._asking(probe, number)
        question = asking if isinstance(asking, Unaskable) else _built(probe, asking[0], self._replies)
        if isinstance(question, Unaskable):
            self._skip(probe.id, "first-turn", question.reason)
            return None
        first = None if isinstance(asking, Unaskable) or asking[1] is None else asking[1].id
        return await self._answered(probe.id, question, first=first)

    async def _all_generated(self) -> None:
        """Generated bodies: those that others are held against first; then smaller ones of those that failed."""
        for wave in (False, True):
            async with asyncio.TaskGroup() as group:
                for body in (body for body in self.plan.generated if bool(body.twin) is wave):
                    group.create_task(self._generated(body))
        if self.plan.search is not None:
            await self._smaller(self.plan.search(self._replies))
        for cause, detail in dict.fromkeys(self._left_out):
            number = self._left_out.count((cause, detail))
            self._skip("generated", cause, f"{number} generated bodies were not asked: {detail}")

    async def _generated(self, body: Generated) -> None:
        tries: list[Reply] = []
        while len(tries) < body.recorded or not body.recorded:
            reply = await self._sent_once(
                body.probe, body.question, None, generated=True, retry=_limited(tries)
            )
            if reply is None:
                break
            tries.append(reply)
            if not body.recorded and not await self._again(tries):
                break

    async def _again(self, tries: Sequence[Reply]) -> bool:
        """Whether a body is asked once more: after a pause where there is no room, else where three tries tell."""
        last = tries[-1].exchange
        asked = [reply for reply in tries if reply.status != TOO_MANY]
        if len(tries) - len(asked) > self.plan.provider.limits.retries:
            return False
        others = [reply for several in self._replies.values() for reply in several]
        if last.status != TOO_MANY and not wants_another(asked, others):
            return False
        return last.status not in TRANSIENT or await self._pause(last, len(tries) - 1)

    async def _smaller(self, search: Generator[Generated, Reply | None, None]) -> None:
        with contextlib.suppress(StopIteration):
            body = next(search)
            while True:
                reply = await self._sent_once(body.probe, body.question, None, generated=True, retry=False)
                body = search.send(reply)

    def _stop(self, *, generated: bool) -> tuple[str, str] | None:
        """Why no more is asked. Generated bodies leave room for the last questions: whether the vendor still answers."""
        kept = sum(probe.last for probe in self.plan.probes) if generated else 0
        if self._sent + kept >= self.plan.provider.max_requests:
            return "budget", f"max_requests ({self.plan.provider.max_requests}) is spent"
        limits = self.plan.provider.limits
        if self._weight > limits.run_bytes:
            return "budget", f"the answers together are too big (bound: run_bytes, {limits.run_bytes})"
        if asyncio.get_running_loop().time() > self._ends:
            return "budget", "questions x timeout / concurrency has passed (bound: timeout)"
        limit = limits.dead_after
        if max(self._dead[False], self._dead[generated]) >= limit:
            return (
                "dead",
                f"stopped after {limit} unusable answers in a row (429, 5xx, time-out), to save money",
            )
        return None

    def _leave_out(self, probe: str, cause: str, detail: str, *, generated: bool) -> None:
        if generated:  # said once for all of them: their names say nothing
            self._left_out.append((cause, detail))
        else:
            self._skip(probe, cause, detail)

    def _skip(self, probe: str, cause: str, detail: str) -> None:
        self.gathered.unasked.append(Unasked(probe, cause, detail))
        self._progress(self.gathered)

    async def _answered(self, probe: str, question: Question, *, first: str | None) -> Reply | None:
        """Ask, and on 429 or 503 ask again within the bounds; return the last reply."""
        last: Reply | None = None
        for attempt in range(self.plan.provider.limits.retries + 1):
            reply = await self._sent_once(probe, question, first, generated=False, retry=last is not None)
            if reply is None or reply.status not in TRANSIENT or reply.exchange.failure is not None:
                return reply or last
            last = reply
            if attempt < self.plan.provider.limits.retries and not await self._pause(reply.exchange, attempt):
                break
        return last

    async def _sent_once(
        self, probe: str, question: Question, first: str | None, *, generated: bool, retry: bool
    ) -> Reply | None:
        async with self._slots:
            number = self._next_number(probe)
            stop = None if (probe, number) in self.plan.recorded else self._stop(generated=generated)
            if stop is not None:
                self._leave_out(probe, *stop, generated=generated)
                return None
            self._sent += 1
            try:
                exchange = await self._ask(
                    probe, number, question, first=first, generated=generated, retry=retry
                )
            except NotRecordedError:
                self._sent -= 1
                if not retry:  # the run that was recorded gave up waiting here
                    self._skip(probe, "not-recorded", "the recording does not hold it")
                return None
            return await self._keep(exchange)

    async def _keep(self, exchange: Exchange) -> Reply:
        reply = await self._read(exchange)
        self.gathered.replies.append(reply)
        generated = exchange.generated
        self._dead[generated] = self._dead[generated] + 1 if is_unusable(reply) else 0
        self._weight += measure_memory(reply)
        self._replies.setdefault(exchange.probe, []).append(reply)
        self._progress(self.gathered)
        return reply

    async def _read(self, exchange: Exchange) -> Reply:
        limits = self.plan.provider.limits
        if is_slow_to_read(exchange):
            return await asyncio.to_thread(read, exchange, limits)
        return read(exchange, limits)

    async def _pause(self, exchange: Exchange, attempt: int) -> bool:
        """Wait as the vendor asks, within the bounds; False where that would be too long."""
        if (exchange.probe, exchange.attempt + 1) in self.plan.recorded:
            return True
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
    plans: Sequence[tuple[Plan, Asker]],
    retry_after: RetryAfter,
    progress: Progress,
    into: list[ProviderReplies],
) -> None:
    """Ask every provider at once; `into` holds what each has answered, from the start and at any time.

    One provider's trouble is its own: nothing that a vendor answers raises, so nothing ends the others. Raises
    only what the way to ask raises: RecordError, in a group, where the disk is full.
    """
    runs = [ProviderRun(plan, ask, retry_after, progress) for plan, ask in plans]
    into.extend(run.gathered for run in runs)
    async with asyncio.TaskGroup() as group:
        for run in runs:
            group.create_task(_alone(run))


async def _alone(run: ProviderRun) -> None:
    """Ask one provider. A fault of our own ends that provider's questions, and is said; it ends no other's."""
    try:
        await run.ask_everything()
    except Exception as error:
        of_disk = isinstance(error, ExceptionGroup) and error.subgroup(RecordError)
        if of_disk or isinstance(error, RecordError):
            raise
        run.record_own_failure(error)
