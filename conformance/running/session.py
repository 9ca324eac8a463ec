"""One run from its options to its verdicts: who is asked what, how it is gathered, and what is written."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance import catalogue
from conformance.asking.addressing import EMBEDDED_KEY
from conformance.asking.retrying import retry_after
from conformance.asking.run import (
    Asker,
    BodySearch,
    Generated,
    NotRecordedError,
    Plan,
    ask_all,
)
from conformance.asking.send import Sender
from conformance.catalogue import PROBES, RULES, Probe, Rule, current_rule_id, find_rule
from conformance.clients import UnknownClientError, find_clients
from conformance.config.addresses import is_loopback
from conformance.config.providers import LoadedProviders, ProvidersError, load_providers
from conformance.dialects.dialect import Dialect, DialectError, list_bundled_dialects, load_dialect
from conformance.embedded import Host, make_behaviour
from conformance.keys.secrets import Key, KeyFault, read_header_secrets, read_key
from conformance.model import Against, Dimension, Exchange, Provider, Question
from conformance.names import suggest_spelling
from conformance.probes.documented import documented_probes
from conformance.recording.record import Recorder, RecordError
from conformance.replies import CONTROL, ProviderReplies

# Without a rule that names its probes, these are enough to look at: an answer, both streams, a call, two errors.
_SAMPLE = (
    CONTROL, "plain-streamed", "streamed-without-alt", "long-answer-streamed", "function-call", "unknown-model",
    "wrong-type", "plain-at-the-end",
)  # fmt: skip


BUNDLED_FILE = (
    "there is no providers.yaml here, so the providers that come with the program are used; "
    "`conformance init` writes a file to begin with, -c names one elsewhere"
)


class UsageError(Exception):
    """The command line or a file is wrong; `lines` say what, one fault each. Exit code 2."""

    def __init__(self, *lines: str) -> None:
        """Keep the lines that the user is shown."""
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for on the command line."""

    providers: tuple[str, ...] = ()
    dimensions: tuple[str, ...] = ()
    config: Path | None = None
    out: Path | None = None
    reports: Path = Path("reports")  # where a run without `out` makes its folder
    clients: tuple[str, ...] = ()
    fail_on: str = "must"
    against: str = "both"
    max_examples: int | None = None
    shrink: int = 0
    seed: int = 0
    resume: Path | None = None
    replay: Path | None = None
    write_known: Path | None = None

    @property
    def measures(self) -> frozenset[Against]:
        """The measures that findings are held against."""
        return frozenset(Against) if self.against == "both" else frozenset({Against(self.against)})


@dataclass(frozen=True)
class SelectedProvider:
    """One provider that will be asked: its dialect, and the secrets that must never be written."""

    provider: Provider
    dialect: Dialect
    key: Key | None
    secrets: tuple[Key, ...]


@dataclass(frozen=True)
class SkippedProvider:
    """One provider that will not be asked, and why."""

    provider: Provider
    dialect: Dialect
    reason: str


@dataclass
class Session:
    """What a run knows before it asks: who is asked, who is not, and the file that said so."""

    options: RunOptions
    loaded: LoadedProviders
    selected: list[SelectedProvider]
    skipped: list[SkippedProvider]
    rules: tuple[Rule, ...]
    environ: Mapping[str, str]
    warnings: list[str] = field(default_factory=list)


def prepare_session(options: RunOptions, environ: Mapping[str, str]) -> Session:
    """Return what a run will do. Raises UsageError, a line per fault; sends nothing."""
    catalogue.load()
    options = replace(options, clients=resolve_clients(options.clients))
    loaded = _loaded(options)
    _check_names(options, loaded)
    session = Session(options, loaded, [], [], _rules(options.dimensions), environ)
    if loaded.bundled:
        session.warnings.append(BUNDLED_FILE)
    for provider in loaded.providers:
        if not options.providers or provider.name in options.providers:
            _choose(session, provider, environ)
    return session


def session_from_recording(
    options: RunOptions, providers: Sequence[Provider], source: Path, left: Mapping[str, str]
) -> Session:
    """Return a session over providers as a recording holds them, for a replay; no keys, no network.

    `left` are those that were not run, and why. Raises UsageError where a dialect is gone.
    """
    catalogue.load()
    options = replace(options, clients=resolve_clients(options.clients))
    _check_names(replace(options, providers=()), LoadedProviders(tuple(providers), source))
    session = Session(
        options, LoadedProviders(tuple(providers), source), [], [], _rules(options.dimensions), {}
    )
    for provider in providers:
        dialect = _dialect(provider, source)
        if provider.name in left:
            session.skipped.append(SkippedProvider(provider, dialect, left[provider.name]))
        else:
            session.selected.append(SelectedProvider(provider, dialect, None, ()))
    return session


def resolve_clients(words: Sequence[str]) -> tuple[str, ...]:
    """Return the full names of the clients that the words name, each once. Raises UsageError with the nearest."""
    try:
        return tuple(dict.fromkeys(client.name for word in words for client in find_clients(word)))
    except UnknownClientError as error:
        raise UsageError(str(error)) from error


def _dialect(provider: Provider, source: Path) -> Dialect:
    try:
        return load_dialect(provider.dialect, source.parent)
    except DialectError as error:
        raise UsageError(
            *(f"{source}: providers.{provider.name}.dialect: {line}" for line in error.args)
        ) from error


def _loaded(options: RunOptions) -> LoadedProviders:
    try:
        loaded = load_providers(options.config, dialects=list_bundled_dialects())
    except ProvidersError as fault:
        raise UsageError(*fault.faults) from fault
    faults = [fault for provider in loaded.providers for fault in _misspelt_rules(provider, loaded.source)]
    if faults:
        raise UsageError(*faults)
    return replace(loaded, providers=tuple(map(_with_current_rules, loaded.providers)))


def _with_current_rules(provider: Provider) -> Provider:
    """Return the provider with `known` entries that name rules by the ids of today."""
    return replace(
        provider,
        known=tuple(replace(known, rule=current_rule_id(known.rule)) for known in provider.known),
    )


def _misspelt_rules(provider: Provider, source: Path) -> Iterator[str]:
    for known in provider.known:
        where = f"{source}:{known.line}: providers.{provider.name}.known"
        if find_rule(known.rule) is None:
            yield f"{where}: no rule is called {known.rule!r}{suggest_spelling(known.rule, RULES)}"


def _check_names(options: RunOptions, loaded: LoadedProviders) -> None:
    check_providers(options.providers, loaded)
    for name in options.dimensions:
        if name not in list(Dimension):
            raise UsageError(
                f"no dimension is called {name!r}{suggest_spelling(name, [one.value for one in Dimension])}"
            )


def check_providers(named: Sequence[str], loaded: LoadedProviders) -> None:
    """Raise UsageError where a provider is named that the file does not have."""
    names = [provider.name for provider in loaded.providers]
    for name in named:
        if name not in names:
            raise UsageError(_unknown_provider(name, names, loaded))


_NAMES_MOST = 12


def _unknown_provider(name: str, names: Sequence[str], loaded: LoadedProviders) -> str:
    """Say that no provider has that name, where it was looked for, and which names there are."""
    if "," in name:
        each = " ".join(f"-p {part.strip()}" for part in name.split(",") if part.strip())
        return f"-p takes one name; repeat it for each provider: {each}"
    there = ", ".join(names[:_NAMES_MOST])
    more = f" and {len(names) - _NAMES_MOST} more" if len(names) > _NAMES_MOST else ""
    hint = suggest_spelling(name, names) or "."
    where = "the file that comes with the program" if loaded.bundled else str(loaded.source)
    return f"no provider is called {name!r} in {where}{hint} There are {there}{more}"


def _rules(dimensions: Sequence[str]) -> tuple[Rule, ...]:
    order = {dimension: number for number, dimension in enumerate(Dimension)}
    rules = [rule for rule in RULES.values() if not dimensions or rule.dimension.value in dimensions]
    return tuple(sorted(rules, key=lambda rule: (order[rule.dimension], rule.id)))


def _choose(session: Session, provider: Provider, environ: Mapping[str, str]) -> None:
    dialect = _dialect(provider, session.loaded.source)
    local = is_loopback(provider.base_url)
    key = Key("embedded", EMBEDDED_KEY) if provider.embedded else read_key(provider, environ, local=local)
    if isinstance(key, KeyFault):
        # A key that is set but cannot be used is a mistake; one that is not set is a choice, unless named.
        if provider.name in session.options.providers or environ.get(provider.key_env or ""):
            raise UsageError(key.message)
        session.skipped.append(
            SkippedProvider(provider, dialect, key.message.removeprefix(f"{provider.name}: "))
        )
        return
    secrets = () if provider.embedded else ((key,) if key else ()) + read_header_secrets(provider, environ)
    session.selected.append(SelectedProvider(provider, dialect, key, secrets))


def select_probes(dialect: Dialect, rules: Sequence[Rule], *, whole: bool) -> tuple[Probe, ...]:
    """Return the questions that those rules need of a vendor of that dialect, first turns included.

    `whole`: every rule is selected, so every question is asked.
    """
    every = {**PROBES, **{probe.id: probe for probe in documented_probes(dialect)}}
    if whole:
        return tuple(every.values())
    needed = {CONTROL, *(probe for rule in rules for probe in rule.probes)}
    needed |= {probe for rule in rules if rule.requires is not None for probe in rule.requires.probes}
    if any(not rule.probes for rule in rules):
        needed |= set(_SAMPLE) | {id_ for id_ in every if id_.startswith("documented-")}
    for id_ in list(needed):
        while id_ in every and every[id_].follows:
            id_ = str(every[id_].follows)  # noqa: PLW2901 - climbs from a follow-up to its first turn
            needed.add(id_)
    return tuple(probe for id_, probe in every.items() if id_ in needed)


def pick_seed(options: RunOptions) -> int:
    """Return the seed of nonces and generated bodies: the user's, else a fresh one that the report prints."""
    return options.seed or random.SystemRandom().randrange(1, 2**31)


@contextlib.contextmanager
def embedded_servers(chosen: Sequence[SelectedProvider]) -> Iterator[list[SelectedProvider]]:
    """Start the bundled server of each embedded provider, and yield the providers with their addresses."""
    if not any(one.provider.embedded for one in chosen):
        yield list(chosen)
        return
    with Host() as host:
        yield [_started(one, host) for one in chosen]


def _started(one: SelectedProvider, host: Host) -> SelectedProvider:
    if one.provider.embedded is None:
        return one
    url = host.start(make_behaviour(one.dialect))
    return replace(one, provider=replace(one.provider, base_url=url))


Recorded = Mapping[tuple[str, str, int], Exchange]  # (provider, probe, number)


def recorded_asker(provider: str, recorded: Recorded, otherwise: Asker | None) -> Asker:
    """Return an asker that answers from a recording, and from `otherwise` what the recording lacks.

    Without `otherwise` (a replay) it raises NotRecordedError instead: a replay never touches the network.
    """

    async def ask(  # noqa: PLR0913 - the words of a question, recorded as they are
        probe: str, number: int, question: Question, *, first: str | None, generated: bool, retry: bool
    ) -> Exchange:
        found = recorded.get((provider, probe, number))
        if found is not None:
            return found
        if otherwise is None:
            raise NotRecordedError(probe)
        return await otherwise(probe, number, question, first=first, generated=generated, retry=retry)

    return ask


def recording_asker(sender: Sender, recorder: Recorder) -> Asker:
    """Return an asker that sends, and records what came back before anyone looks at it."""

    async def ask(  # noqa: PLR0913 - the words of a question, recorded as they are
        probe: str, number: int, question: Question, *, first: str | None, generated: bool, retry: bool
    ) -> Exchange:
        exchange = await sender.ask(probe, number, question, first=first, generated=generated, retry=retry)
        recorder.add(exchange)
        return exchange

    return ask


@dataclass(frozen=True)
class BodyPlan:
    """The generated bodies that one provider is asked, and the search for smaller ones of those that fail."""

    bodies: tuple[Generated, ...] = ()
    smaller: BodySearch | None = None


PlanBodies = Callable[[SelectedProvider, tuple[Probe, ...]], BodyPlan]


@dataclass(frozen=True)
class GatherContext:
    """Everything that gathering needs beside the session: seed, recorder, what is recorded already, progress."""

    seed: int
    recorder: Recorder | None
    recorded: Recorded
    progress: Callable[[ProviderReplies], None]
    rules: tuple[Rule, ...]
    draw: PlanBodies
    into: list[ProviderReplies]
    environ: Mapping[str, str]


def make_plan(one: SelectedProvider, asking: GatherContext) -> Plan:
    """Return what is asked of one provider."""
    whole = len(asking.rules) == len(RULES)
    name = one.provider.name
    recorded = frozenset((probe, number) for provider, probe, number in asking.recorded if provider == name)
    probes = select_probes(one.dialect, asking.rules, whole=whole)
    drawing = asking.draw(one, probes) if any(rule.generated for rule in asking.rules) else BodyPlan()
    return Plan(one.provider, probes, drawing.bodies, asking.seed, recorded, drawing.smaller)


async def _gather(chosen: Sequence[SelectedProvider], asking: GatherContext) -> None:
    async with contextlib.AsyncExitStack() as stack:
        pairs = [(make_plan(one, asking), await _asker(one, asking, stack)) for one in chosen]
        wait = _asked_wait if asking.recorder is not None else _no_wait
        await ask_all(pairs, wait, asking.progress, asking.into)


def _asked_wait(exchange: Exchange) -> float | None:
    return retry_after(exchange, current_time())


def _no_wait(_exchange: Exchange) -> float:
    return 0.0


async def _asker(one: SelectedProvider, asking: GatherContext, stack: contextlib.AsyncExitStack) -> Asker:
    name = one.provider.name
    if asking.recorder is None:
        return recorded_asker(name, asking.recorded, None)
    sender = await stack.enter_async_context(Sender(one.provider, one.key, asking.environ))
    return recorded_asker(name, asking.recorded, recording_asker(sender, asking.recorder))


def gather(chosen: Sequence[SelectedProvider], asking: GatherContext) -> bool:
    """Ask everything; `asking.into` holds what came. False where the user interrupted it.

    Raises RecordError where what came could not be written: nothing more is asked then.
    """
    try:
        asyncio.run(_gather(chosen, asking))
    except KeyboardInterrupt:
        return False
    except BaseExceptionGroup as several:
        raise _of_disk(several) or several from None
    return True


def _of_disk(several: BaseException) -> RecordError | None:
    """Return the RecordError in a group of exceptions, however deep."""
    if isinstance(several, BaseExceptionGroup):
        return next((found for one in several.exceptions if (found := _of_disk(one))), None)
    return several if isinstance(several, RecordError) else None


def current_time() -> dt.datetime:
    """Return the time, in UTC."""
    return dt.datetime.now(dt.UTC)
