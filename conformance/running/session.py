"""What a run is going to do: its options, the providers that are asked and those that are not, and the rules that count."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance import catalogue
from conformance.asking.addressing import EMBEDDED_KEY
from conformance.catalogue import RULES, Rule, find_rule, list_rules
from conformance.clients import UnknownClientError, find_clients
from conformance.config.addresses import is_loopback
from conformance.config.providers import LoadedProviders, ProvidersError, load_providers
from conformance.dialects.dialect import Dialect, DialectError, list_bundled_dialects, load_dialect
from conformance.files import InputError
from conformance.keys.secrets import Key, KeyFault, read_header_secrets, read_key
from conformance.model import JSON, MEASURES, Against, Dimension, Provider
from conformance.names import suggest_spelling
from conformance.verdicts.exit_code import CAPTURED

BUNDLED_FILE = (
    "there is no providers.yaml here, so the providers that come with the program are used; "
    "`conformance init` writes a file to start from, and -c names a file elsewhere"
)


class UsageError(InputError):
    """The command line or a file is wrong. Each of `args` is one fault; exit code 2."""


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
        """The measures by which findings count."""
        return MEASURES[self.against]


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


@dataclass(frozen=True)
class Session:
    """What a run knows before it asks: its providers and the file they come from, its rules and its options."""

    options: RunOptions
    loaded: LoadedProviders
    selected: tuple[SelectedProvider, ...]
    skipped: tuple[SkippedProvider, ...]
    rules: tuple[Rule, ...]
    environ: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def secrets(self) -> list[Key]:
        """Every key that must not be written."""
        return [secret for one in self.selected for secret in one.secrets]


@dataclass(frozen=True)
class Scope:
    """What a run covers: all of its session, or less where pytest selects some cases."""

    session: Session
    selected: tuple[SelectedProvider, ...] = ()
    rules: tuple[Rule, ...] = ()


def select_scope(session: Session, wanted: Mapping[str, Collection[str]] | None) -> Scope:
    """Return the providers and rules that are wanted; `wanted` holds rules by provider, None means all."""
    if wanted is None:
        return Scope(session, session.selected, session.rules)
    ids = {rule for rules in wanted.values() for rule in rules}
    selected = tuple(one for one in session.selected if one.provider.name in wanted)
    return Scope(session, selected, tuple(rule for rule in session.rules if rule.id in ids))


def describe_selection(options: RunOptions, rules: Sequence[Rule], *, captured: bool) -> dict[str, JSON]:
    """Return what a run was asked for, as run.json and results.json hold it; `captured`: others recorded it."""
    selection: dict[str, JSON] = {
        "providers": [*options.providers],
        "dimensions": [*options.dimensions],
        "rules": [] if len(rules) == len(RULES) else [rule.id for rule in rules],
        "against": options.against,
        "fail_on": options.fail_on,
        "clients": [*options.clients],
        "max_examples": options.max_examples,
        "shrink": options.shrink,
    }
    return selection | ({CAPTURED: True} if captured else {})


def prepare_session(options: RunOptions, environ: Mapping[str, str]) -> Session:
    """Return the session of a live run. Raises UsageError, a line per fault; sends nothing."""
    catalogue.load()
    loaded = load_named_providers(options.config)
    faults = [
        fault for provider in loaded.providers for fault in _find_unknown_rules(provider, loaded.source)
    ]
    if faults:
        raise UsageError(*faults)
    check_providers(options.providers, loaded)
    wanted = [one for one in loaded.providers if not options.providers or one.name in options.providers]
    found = [_select(provider, options, loaded.source, environ) for provider in wanted]
    warnings = (BUNDLED_FILE,) if loaded.bundled else ()
    return _make_session(options, loaded, found, environ, warnings)


def restore_session(
    options: RunOptions, providers: Sequence[Provider], source: Path, left: Mapping[str, str]
) -> Session:
    """Return a session over providers as a recording holds them, for a replay; no keys, no network.

    `left`: the providers that were not run, each with the reason. Raises UsageError if a dialect no longer exists.
    """
    catalogue.load()
    found: list[SelectedProvider | SkippedProvider] = []
    for provider in providers:
        dialect, reason = _load_dialect(provider, source), left.get(provider.name)
        found.append(
            SelectedProvider(provider, dialect, None, ())
            if reason is None
            else SkippedProvider(provider, dialect, reason)
        )
    return _make_session(options, LoadedProviders(tuple(providers), source), found, {})


def _make_session(
    options: RunOptions,
    loaded: LoadedProviders,
    found: Sequence[SelectedProvider | SkippedProvider],
    environ: Mapping[str, str],
    warnings: tuple[str, ...] = (),
) -> Session:
    for name in options.dimensions:
        if name not in list(Dimension):
            near = suggest_spelling(name, [one.value for one in Dimension])
            raise UsageError(f"no dimension is called {name!r}{near}")
    return Session(
        replace(options, clients=resolve_clients(options.clients)),
        loaded,
        tuple(one for one in found if isinstance(one, SelectedProvider)),
        tuple(one for one in found if isinstance(one, SkippedProvider)),
        list_rules(options.dimensions),
        environ,
        warnings,
    )


def _select(
    provider: Provider, options: RunOptions, source: Path, environ: Mapping[str, str]
) -> SelectedProvider | SkippedProvider:
    """Return a provider with its key, or why it cannot be asked.

    A key that is set but cannot be used is a mistake; a key that is not set is a choice, unless -p names the provider.
    """
    dialect = _load_dialect(provider, source)
    if provider.embedded:
        return SelectedProvider(provider, dialect, Key("embedded", EMBEDDED_KEY), ())
    key = read_key(provider, environ, local=is_loopback(provider.base_url))
    if isinstance(key, KeyFault):
        if provider.name in options.providers or environ.get(provider.key_env or ""):
            raise UsageError(key.message)
        return SkippedProvider(provider, dialect, key.message.removeprefix(f"{provider.name}: "))
    secrets = ((key,) if key else ()) + read_header_secrets(provider, environ)
    return SelectedProvider(provider, dialect, key, secrets)


def resolve_clients(named: Sequence[str]) -> tuple[str, ...]:
    """Return the full names of the clients that --client names, each once. Raises UsageError with the nearest."""
    try:
        return tuple(dict.fromkeys(client.name for name in named for client in find_clients(name)))
    except UnknownClientError as error:
        raise UsageError(str(error)) from error


def _load_dialect(provider: Provider, source: Path) -> Dialect:
    try:
        return load_dialect(provider.dialect, source.parent)
    except DialectError as error:
        where = f"{source}: providers.{provider.name}.dialect"
        raise UsageError(*(f"{where}: {line}" for line in error.args)) from error


def load_named_providers(config: Path | None) -> LoadedProviders:
    """Return the providers of a file, or of the one that a run would read. Raises UsageError, a line per fault."""
    try:
        return load_providers(config, dialects=list_bundled_dialects())
    except ProvidersError as fault:
        raise UsageError(*fault.faults) from fault


def _find_unknown_rules(provider: Provider, source: Path) -> Iterator[str]:
    for known in provider.known:
        if find_rule(known.rule) is None:
            where = f"{source}:{known.line}: providers.{provider.name}.known"
            yield f"{where}: no rule is called {known.rule!r}{suggest_spelling(known.rule, RULES)}"


def check_providers(named: Sequence[str], loaded: LoadedProviders) -> None:
    """Raise UsageError if a provider is named that the file does not have."""
    names = [provider.name for provider in loaded.providers]
    for name in named:
        if name not in names:
            raise UsageError(_unknown_provider(name, names, loaded))


_NAMES_MOST = 12


def _unknown_provider(name: str, names: Sequence[str], loaded: LoadedProviders) -> str:
    """Say that no provider has that name, where it was looked for, and which names there are."""
    if "," in name:
        each = " ".join(f"-p {part.strip()}" for part in name.split(",") if part.strip())
        return f"-p takes one name; repeat the option for each provider: {each}"
    there = ", ".join(names[:_NAMES_MOST])
    more = f" and {len(names) - _NAMES_MOST} more" if len(names) > _NAMES_MOST else ""
    hint = suggest_spelling(name, names) or "."
    where = "the file that comes with the program" if loaded.bundled else str(loaded.source)
    return f"no provider is called {name!r} in {where}{hint} There are {there}{more}"
