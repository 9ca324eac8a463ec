"""Asks one provider every question, in order and within its budget, over the network or from a recording."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from conformance.asking.accounting import is_slow_to_read, is_unusable, measure_memory
from conformance.asking.attempts import Attempt, needs_another_attempt
from conformance.asking.prompts import with_larger_limit
from conformance.catalogue import Probe, ProbeContext, Unaskable
from conformance.judging.expectations import has_expected_status, obeys
from conformance.judging.generated import needs_body_again
from conformance.model import ATTEMPTS_TO_ACCUSE, Exchange, Provider, Question
from conformance.reading.reply import Reply, read
from conformance.reading.standing import Standing
from conformance.recording.writing import RecordError
from conformance.replies import CONTROL, ProviderReplies, Unasked

TOO_MANY = 429
TRANSIENT = (TOO_MANY, 503)

# Makes one attempt: asks a vendor over the network, or looks it up in a recording. Raises NotRecordedError.
Asker = Callable[[Attempt], Awaitable[Exchange]]
Progress = Callable[[ProviderReplies], None]
RetryAfter = Callable[
    [Exchange], float | None
]  # the seconds that a vendor asks to wait; None if it does not say


class NotRecordedError(Exception):
    """A replay needed an exchange that its recording does not contain."""


@dataclass(frozen=True)
class BodyQuestion:
    """A generated body as the run asks it.

    `recorded` is how often a recording contains it: a replay asks it that often, whatever the replies.
    """

    probe: str
    question: Question
    twin: str = ""  # the body that must get the same kind of answer, and is asked before
    recorded: int = 0


Replies = Mapping[str, Sequence[Reply]]  # by probe
# Takes every reply so far; yields bodies to ask, and is sent the reply (None: it could not be asked).
BodySearch = Callable[[Replies], Generator[BodyQuestion, Reply | None, None]]


@dataclass(frozen=True)
class Plan:
    """Everything that one provider is asked."""

    provider: Provider
    probes: tuple[Probe, ...]
    generated: tuple[BodyQuestion, ...] = ()
    seed: int = 0
    recorded: frozenset[tuple[str, int]] = frozenset()  # attempts (probe, number) that a recording holds
    search: BodySearch | None = None  # for smaller forms of the generated bodies that fail

    @property
    def longest_seconds(self) -> float:
        """The most time that asking the provider may take: every attempt at every question, each as long as allowed."""
        attempts = sum(probe.attempts for probe in self.probes) + len(self.generated) * ATTEMPTS_TO_ACCUSE
        return attempts * self.provider.timeout / self.provider.concurrency


def make_nonce(seed: int, provider: str, probe: str, number: int) -> str:
    """Return the hexadecimal word that makes a question unlike any other; the same for the same arguments."""
    return hashlib.sha256(f"{seed}/{provider}/{probe}/{number}".encode()).hexdigest()[:6]


class ProviderRun:
    """The state of asking one provider: its budget, its pace, and the replies so far."""

    def __init__(self, plan: Plan, ask: Asker, retry_after: RetryAfter, progress: Progress) -> None:
        """Prepare to ask `plan` through `ask`; nothing is sent yet."""
        self.plan = plan
        self.gathered = ProviderReplies(plan.provider, planned=len(plan.probes) + len(plan.generated))
        self._ask = ask
        self._retry_after = retry_after
        self._progress = progress
        self._slots = asyncio.Semaphore(plan.provider.concurrency)
        # Unusable replies in a row. Replies to generated bodies are counted separately: an odd body may well get no usable reply.
        self._unusable = {False: 0, True: 0}
        self._sent = 0
        self._memory = 0
        self._waited = 0.0
        self._ends = 0.0
        self._obeys = True
        self._bodies_left_out: list[tuple[str, str]] = []  # cause and detail of each
        self._replies: dict[str, list[Reply]] = {}

    def record_own_failure(self, error: Exception) -> None:
        """Note for every question without a reply that a fault of the checker ended the asking."""
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        detail = f"the checker itself failed ({type(first).__name__}); please report it"
        for probe in self.plan.probes:
            if probe.id not in self._replies:
                self._skip(probe.id, "cut-off", detail)
        self.gathered.finished = True

    async def ask_everything(self) -> None:
        """Ask the plain question first, then the others at the provider's pace, generated bodies, and the last ones.

        The last ones are questions that could lock the key; each is asked alone.
        """
        self._ends = asyncio.get_running_loop().time() + self.plan.longest_seconds
        control = [probe for probe in self.plan.probes if probe.id == CONTROL]
        for probe in control:
            await self._ask_probe(probe)
        control_replies = self._replies.get(CONTROL, [])
        self._obeys = not control or any(map(obeys, control_replies))
        await self._ask_concurrently([one for one in self.plan.probes if one.id != CONTROL and not one.last])
        await self._ask_generated_bodies()
        for probe in (probe for probe in self.plan.probes if probe.last):
            await self._ask_probe(probe)
        self.gathered.finished = True

    async def _ask_concurrently(self, probes: Sequence[Probe]) -> None:
        followers: dict[str | None, list[Probe]] = {}
        for probe in probes:
            followers.setdefault(probe.follows, []).append(probe)

        async def ask_with_followers(probe: Probe) -> None:
            await self._ask_probe(probe)
            await ask_together(followers.get(probe.id, []))

        async def ask_together(several: Sequence[Probe]) -> None:
            async with asyncio.TaskGroup() as group:
                for probe in several:
                    group.create_task(ask_with_followers(probe))

        await ask_together([probe for probe in probes if probe.follows in (None, CONTROL)])

    async def _ask_probe(self, probe: Probe) -> None:
        """Ask a question as often as its replies require, within the attempts that its probe allows."""
        lacking = probe.find_missing_feature(self.plan.provider.unsupported)
        if lacking is not None:
            self._skip(probe.id, "unsupported", f"providers.yaml says that {lacking} is unsupported")
            return
        # Refusals may be temporary, so they do not use up an attempt at an answer.
        attempts = {True: 0, False: 0}
        while max(attempts.values()) < probe.attempts:
            reply = await self._ask_once(probe)
            obeys = self._obeys or probe.id == CONTROL
            if reply is None or not needs_another_attempt(probe, reply, obeys=obeys):
                break
            attempts[reply.standing is Standing.REQUEST_REFUSED] += 1

    async def _ask_once(self, probe: Probe) -> Reply | None:
        """Build the question, with the reply that it follows, and ask it."""
        first = self._find_first_turn(probe.follows) if probe.follows else None
        if probe.follows and first is None:
            self._skip(probe.id, "first-turn", f"its first turn, {probe.follows}, was not answered as asked")
            return None
        question = self._build(probe, first)
        if isinstance(question, Unaskable):
            self._skip(probe.id, "first-turn", question.reason)
            return None
        return await self._send_with_retries(probe.id, question, first=first.id if first else None)

    def _find_first_turn(self, probe: str) -> Reply | None:
        """Return the newest reply that a follow-up can build on: if possible one that followed its instruction."""
        found = [reply for reply in self._replies.get(probe, []) if reply.ok and has_expected_status(reply)]
        met = [reply for reply in found if obeys(reply)]
        return next(reversed(met or found), None)

    def _build(self, probe: Probe, first: Reply | None) -> Question | Unaskable:
        """Build a question. A first reply that the probe cannot handle ends only that question."""
        number = self._next_number(probe.id)
        nonce = make_nonce(self.plan.seed, self.plan.provider.name, probe.id, number)
        context = ProbeContext(self.plan.provider.model, nonce, first)
        try:
            return with_larger_limit(probe.build(context), self._replies.get(probe.id, ()))
        except Exception as error:  # noqa: BLE001 - what a vendor answered may not end the run
            return Unaskable(f"its first turn cannot be continued ({type(error).__name__})")

    def _next_number(self, probe: str) -> int:
        return len(self._replies.get(probe, [])) + 1

    async def _ask_generated_bodies(self) -> None:
        """Ask the generated bodies, twins first, then smaller forms of those that failed."""
        for is_second in (False, True):
            async with asyncio.TaskGroup() as group:
                for body in self.plan.generated:
                    if bool(body.twin) is is_second:
                        group.create_task(self._ask_body(body))
        if self.plan.search is not None:
            await self._follow_search(self.plan.search(self._replies))
        for cause, detail in dict.fromkeys(self._bodies_left_out):
            number = self._bodies_left_out.count((cause, detail))
            self._skip("generated", cause, f"{number} generated bodies were not sent: {detail}")

    async def _ask_body(self, body: BodyQuestion) -> None:
        replies: list[Reply] = []
        while len(replies) < body.recorded or not body.recorded:
            retry = bool(replies) and replies[-1].status == TOO_MANY
            reply = await self._send(body.probe, body.question, generated=True, retry=retry)
            if reply is None:
                break
            replies.append(reply)
            if not body.recorded and not await self._wants_body_again(replies):
                break

    async def _wants_body_again(self, replies: Sequence[Reply]) -> bool:
        """Return whether a body is asked once more: after a pause if it was throttled, else if it failed."""
        last = replies[-1].exchange
        answered = [reply for reply in replies if reply.status != TOO_MANY]
        if len(replies) - len(answered) > self.plan.provider.limits.retries:
            return False
        others = [reply for several in self._replies.values() for reply in several]
        if last.status != TOO_MANY and not needs_body_again(answered, others):
            return False
        return last.status not in TRANSIENT or await self._pause(last, len(replies) - 1)

    async def _follow_search(self, search: Generator[BodyQuestion, Reply | None, None]) -> None:
        with contextlib.suppress(StopIteration):
            body = next(search)
            while True:
                body = search.send(await self._send(body.probe, body.question, generated=True))

    async def _send_with_retries(self, probe: str, question: Question, first: str | None) -> Reply | None:
        """Send a question, and on 429 or 503 send it again within the bounds; return the last reply."""
        retries = self.plan.provider.limits.retries
        last: Reply | None = None
        for number in range(retries + 1):
            reply = await self._send(probe, question, first=first, retry=last is not None)
            if reply is None or reply.status not in TRANSIENT or reply.exchange.failure is not None:
                return reply or last
            last = reply
            if number < retries and not await self._pause(reply.exchange, number):
                break
        return last

    async def _send(
        self,
        probe: str,
        question: Question,
        *,
        first: str | None = None,
        generated: bool = False,
        retry: bool = False,
    ) -> Reply | None:
        """Make one attempt as soon as the provider has room for it; return None if it is not made."""
        async with self._slots:
            attempt = Attempt(probe, self._next_number(probe), question, first, generated, retry)
            recorded = (probe, attempt.number) in self.plan.recorded
            stop = None if recorded else self._find_reason_to_stop(generated=generated)
            if stop is not None:
                if generated:  # reported once for all bodies: their names say nothing
                    self._bodies_left_out.append(stop)
                else:
                    self._skip(probe, *stop)
                return None
            self._sent += 1
            try:
                exchange = await self._ask(attempt)
            except NotRecordedError:
                self._sent -= 1
                if not retry:  # else the run that was recorded gave up waiting here
                    self._skip(probe, "not-recorded", "it is not in the recording")
                return None
            return await self._keep(exchange)

    def _find_reason_to_stop(self, *, generated: bool) -> tuple[str, str] | None:
        """Return why nothing more is asked, as cause and detail; None if more may be asked.

        Generated bodies leave room for the last questions, which show whether the vendor still answers.
        """
        limits, most = self.plan.provider.limits, self.plan.provider.max_requests
        reserved = sum(probe.last for probe in self.plan.probes) if generated else 0
        if self._sent + reserved >= most:
            return "budget", f"max_requests ({most}) is used up"
        if self._memory > limits.run_bytes:
            return "budget", f"the answers together are too large (bound: run_bytes, {limits.run_bytes})"
        if asyncio.get_running_loop().time() > self._ends:
            return "budget", "the time for all questions has passed (questions × timeout / concurrency)"
        if max(self._unusable[False], self._unusable[generated]) >= limits.dead_after:
            unusable = f"{limits.dead_after} unusable answers in a row (429, 5xx, time-out)"
            return "dead", f"stopped after {unusable}, to save money"
        return None

    def _skip(self, probe: str, cause: str, detail: str) -> None:
        self.gathered.unasked.append(Unasked(probe, cause, detail))
        self._progress(self.gathered)

    async def _keep(self, exchange: Exchange) -> Reply:
        """Read an exchange, in a thread if that may take long, and count what it costs."""
        limits = self.plan.provider.limits
        slow = is_slow_to_read(exchange)
        reply = await asyncio.to_thread(read, exchange, limits) if slow else read(exchange, limits)
        self.gathered.replies.append(reply)
        generated = exchange.generated
        self._unusable[generated] = self._unusable[generated] + 1 if is_unusable(reply) else 0
        self._memory += measure_memory(reply)
        self._replies.setdefault(exchange.probe, []).append(reply)
        self._progress(self.gathered)
        return reply

    async def _pause(self, exchange: Exchange, retries: int) -> bool:
        """Wait as the vendor asks, within the bounds; return False at once if that would take too long."""
        if (exchange.probe, exchange.attempt + 1) in self.plan.recorded:
            return True
        longest = self.plan.provider.limits.retry_wait
        asked = self._retry_after(exchange)
        wait = 0.5 * 2.0**retries if asked is None else asked
        # The sum is bounded too: a vendor that answers every question with 429 must not hold up the run.
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
    """Ask every provider at once; `into` holds what each has replied, from the start and at any time.

    A fault of the checker ends the questions of one provider, and is reported; nothing that a vendor answers raises.
    Raises RecordError, in a group, if the disk is full.
    """
    runs = [ProviderRun(plan, ask, retry_after, progress) for plan, ask in plans]
    into.extend(run.gathered for run in runs)

    async def ask_one(run: ProviderRun) -> None:
        try:
            await run.ask_everything()
        except Exception as error:
            if isinstance(error, RecordError) or (
                isinstance(error, ExceptionGroup) and error.subgroup(RecordError)
            ):
                raise
            run.record_own_failure(error)

    async with asyncio.TaskGroup() as group:
        for run in runs:
            group.create_task(ask_one(run))
