"""Asks the selected providers, or reads what a recording holds of them, and returns every reply."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.asking.attempts import Attempt
from conformance.asking.retrying import read_retry_after
from conformance.asking.run import Asker, BodyQuestion, BodySearch, NotRecordedError, Plan, Progress, ask_all
from conformance.asking.send import Sender
from conformance.catalogue import PROBES, RULES, Probe, Rule
from conformance.dialects.dialect import Dialect
from conformance.embedded import Host, make_behaviour
from conformance.model import Exchange
from conformance.probe_ids import DOCUMENTED_PREFIX, ProbeId
from conformance.probes.documented import documented_probes
from conformance.recording.record import Recorder
from conformance.recording.writing import RecordError
from conformance.replies import CONTROL, ProviderReplies
from conformance.running.session import SelectedProvider

# The least that a rule without probes looks at: an answer, both kinds of stream, a call, two errors.
_SAMPLE = (
    CONTROL, ProbeId.PLAIN_STREAMED, ProbeId.STREAMED_WITHOUT_ALT, ProbeId.LONG_ANSWER_STREAMED, ProbeId.FUNCTION_CALL, ProbeId.UNKNOWN_MODEL,
    ProbeId.WRONG_TYPE, ProbeId.PLAIN_AT_THE_END,
)  # fmt: skip

Recorded = Mapping[tuple[str, str, int], Exchange]  # by provider, probe and number of the attempt


@dataclass(frozen=True)
class BodyPlan:
    """The generated bodies that one provider is asked, and the search for smaller forms of those that fail."""

    bodies: tuple[BodyQuestion, ...] = ()
    search: BodySearch | None = None


@dataclass(frozen=True)
class GatherContext:
    """What asking needs to know besides the providers.

    `out` is the folder to record into; None for a replay, which sends nothing. `recorded` is what need not be asked.
    """

    rules: tuple[Rule, ...]
    seed: int
    out: Path | None
    recorded: Recorded
    plan_bodies: Callable[[SelectedProvider, tuple[Probe, ...]], BodyPlan]
    progress: Progress
    environ: Mapping[str, str]


@dataclass(frozen=True)
class GatheredRun:
    """The replies of all providers, and what ended the asking early: the user, or a fault in words."""

    providers: tuple[ProviderReplies, ...] = ()
    interrupted: bool = False
    fault: str = ""


def gather(selected: Sequence[SelectedProvider], context: GatherContext) -> GatheredRun:
    """Ask everything that the rules need, every provider at the same time.

    Does not raise if the user interrupts it or the disk is full: it returns what came until then.
    """
    into: list[ProviderReplies] = []
    try:
        with contextlib.ExitStack() as stack:
            recorder = stack.enter_context(Recorder(context.out)) if context.out else None
            started = stack.enter_context(embedded_servers(selected)) if recorder else selected
            asyncio.run(_gather(started, context, recorder, into))
    except KeyboardInterrupt:
        return GatheredRun(tuple(into), interrupted=True)
    except (RecordError, BaseExceptionGroup) as error:
        fault = _find_record_error(error)
        if fault is None:
            raise
        return GatheredRun(tuple(into), fault=str(fault))
    return GatheredRun(tuple(into))


def _find_record_error(error: BaseException) -> RecordError | None:
    """Return the RecordError in a group of exceptions, however deep."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for one in error.exceptions if (found := _find_record_error(one))), None)
    return error if isinstance(error, RecordError) else None


async def _gather(
    selected: Sequence[SelectedProvider],
    context: GatherContext,
    recorder: Recorder | None,
    into: list[ProviderReplies],
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        plans: list[tuple[Plan, Asker]] = []
        for one in selected:
            sender = Sender(one.provider, one.key, context.environ) if recorder else None
            if sender is not None:
                await stack.enter_async_context(sender)
            asker = make_asker(one.provider.name, context.recorded, sender, recorder)
            plans.append((make_plan(one, context), asker))

        def read_wait(exchange: Exchange) -> float | None:
            return read_retry_after(exchange, dt.datetime.now(dt.UTC)) if recorder else 0.0

        await ask_all(plans, read_wait, context.progress, into)


def make_asker(provider: str, recorded: Recorded, sender: Sender | None, recorder: Recorder | None) -> Asker:
    """Return an asker that looks up an attempt in a recording; an attempt that is not there is sent and recorded.

    Without a sender it raises NotRecordedError instead: a replay never touches the network.
    """

    async def ask(attempt: Attempt) -> Exchange:
        found = recorded.get((provider, attempt.probe, attempt.number))
        if found is not None:
            return found
        if sender is None or recorder is None:
            raise NotRecordedError(attempt.probe)
        exchange = await sender.ask(attempt)
        recorder.add(exchange)
        return exchange

    return ask


def make_plan(one: SelectedProvider, context: GatherContext) -> Plan:
    """Return what one provider is asked."""
    name = one.provider.name
    recorded = frozenset((probe, number) for provider, probe, number in context.recorded if provider == name)
    probes = select_probes(one.dialect, context.rules, whole=len(context.rules) == len(RULES))
    generates = any(rule.generated for rule in context.rules)
    bodies = context.plan_bodies(one, probes) if generates else BodyPlan()
    return Plan(one.provider, probes, bodies.bodies, context.seed, recorded, bodies.search)


def select_probes(dialect: Dialect, rules: Sequence[Rule], *, whole: bool) -> tuple[Probe, ...]:
    """Return the probes that those rules need of a vendor of that dialect, first turns included.

    `whole`: every rule is selected, so every question is asked.
    """
    every = {**PROBES, **{probe.id: probe for probe in documented_probes(dialect)}}
    if whole:
        return tuple(every.values())
    needed = {CONTROL, *(probe for rule in rules for probe in rule.probes)}
    needed |= {probe for rule in rules if rule.requires is not None for probe in rule.requires.probes}
    if any(not rule.probes for rule in rules):
        needed |= set(_SAMPLE) | {id_ for id_ in every if id_.startswith(DOCUMENTED_PREFIX)}
    waiting = list(needed)
    while waiting:
        probe = every.get(waiting.pop())
        if probe is not None and probe.follows is not None and probe.follows not in needed:
            needed.add(probe.follows)
            waiting.append(probe.follows)
    return tuple(probe for id_, probe in every.items() if id_ in needed)


@contextlib.contextmanager
def embedded_servers(selected: Sequence[SelectedProvider]) -> Iterator[Sequence[SelectedProvider]]:
    """Start the bundled server of each embedded provider, and yield the providers with their addresses."""
    if not any(one.provider.embedded for one in selected):
        yield selected
        return
    with Host() as host:
        yield [
            replace(one, provider=replace(one.provider, base_url=host.start(make_behaviour(one.dialect))))
            if one.provider.embedded
            else one
            for one in selected
        ]
