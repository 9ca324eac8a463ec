"""providers.yaml becomes Providers, or a list of faults with file, line, key and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.config import settings
from conformance.config.settings import Faults, Read, is_loopback
from conformance.config.yamltree import LARGEST, Node, Tree, YamlError, read_tree
from conformance.files import FileError, providers_file, read_bounded
from conformance.model import Limits, Provider
from conformance.names import suggest_or_list

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FILE_NAME = "providers.yaml"
MISSPELT = ("providers.yml", "provider.yaml", "provider.yml")  # names that are meant to be FILE_NAME
EMBEDDED_MODEL = "gemini-2.5-flash"  # what an embedded server is asked for where nothing is said

KEYS: Mapping[str, Read] = MappingProxyType(
    {
        "title": settings.text,
        "base_url": settings.base_url,
        "embedded": settings.text,
        "dialect": settings.text,
        "model": settings.model,
        "auth": settings.auth,
        "key_env": settings.variable,
        "timeout": settings.number(0.1, 3600),
        "concurrency": settings.whole(1, 256),
        "max_requests": settings.whole(1, 100_000),
        "max_examples": settings.whole(0, 10_000),
        "unsupported": settings.features,
        "headers": settings.headers,
        "proxy": settings.proxy,
        "ca_file": settings.optional_text,
        "insecure_http": settings.flag,
        "optional": settings.flag,
        "prices": settings.prices,
        "limits": settings.limits,
        "known": settings.known,
    }
)
NEVER_DEFAULT = ("base_url", "embedded", "key_env", "known")
DEFAULTS: Mapping[str, Read] = {key: read for key, read in KEYS.items() if key not in NEVER_DEFAULT}


class ProvidersError(Exception):
    """The file cannot be used; `faults` holds one line for each thing that is wrong."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class LoadedProviders:
    """The providers of one file, in its order, and the file that they came from."""

    providers: tuple[Provider, ...]
    source: Path
    bundled: bool = False  # the file that comes with the program, because the user has none

    @property
    def shown(self) -> str:
        """How a line about an entry names the file; the same for a run and for its replay elsewhere."""
        return self.source.name if self.source.is_absolute() else str(self.source)

    def named(self, name: str) -> Provider | None:
        """Return the provider of that name, or None."""
        return next((provider for provider in self.providers if provider.name == name), None)


def load_providers(
    path: Path | None = None, *, folder: Path | None = None, dialects: Collection[str] = ()
) -> LoadedProviders:
    """Read the providers of `path`, else of providers.yaml in `folder`, else of the bundled file.

    `dialects` are the bundled ones; given, a name that is none of them, and no folder, is a fault.
    Raises ProvidersError with every fault of the file, and where the folder holds one under a wrong name alone.
    """
    own = path or _own_file(folder or Path.cwd())
    source = own or providers_file()
    shown = source if path else Path(source.name)
    try:
        data = read_bounded(source, limit=LARGEST)
    except FileError as error:
        raise ProvidersError((str(error),)) from None
    return LoadedProviders(
        parse_providers(data, str(shown), source.parent, dialects), source, bundled=own is None
    )


def _own_file(folder: Path) -> Path | None:
    """Return the providers.yaml of a folder, None where it has none. Raises ProvidersError on a misspelt one."""
    own = folder / FILE_NAME
    if own.exists() or own.is_symlink():
        return own
    misspelt = next((name for name in MISSPELT if (folder / name).exists()), None)
    if misspelt:
        raise ProvidersError(
            (f"{misspelt}: is not read under this name; rename it {FILE_NAME}, or pass -c {misspelt}",)
        )
    return None


def parse_providers(
    data: bytes, shown: str, folder: Path, dialects: Collection[str] = ()
) -> tuple[Provider, ...]:
    """Read the text of a providers.yaml. `shown` is its name in faults; paths in it are relative to `folder`."""
    try:
        root = read_tree(data)
    except YamlError as error:
        raise ProvidersError((f"{shown}:{error.fault}",)) from None
    faults = Faults()
    providers = _providers(faults, root, folder, tuple(dialects))
    if faults.found:
        ordered = sorted(faults.found, key=lambda fault: fault.line)
        raise ProvidersError(tuple(f"{shown}:{fault}" for fault in ordered))
    return providers


def _providers(faults: Faults, root: Node, folder: Path, dialects: tuple[str, ...]) -> tuple[Provider, ...]:
    top = settings.entries(faults, "", root, dict.fromkeys(("defaults", "providers"), settings.text))
    defaults = settings.values(faults, "defaults", top["defaults"], DEFAULTS) if "defaults" in top else {}
    listed = settings.entries(faults, "providers", top["providers"], None) if "providers" in top else {}
    if not listed and not faults.found:
        faults.add(
            root.line, "providers", "names no provider; `conformance init` writes a file to begin with"
        )
    made = [_provider(faults, name, node, defaults) for name, node in listed.items()]
    found = [provider for provider in made if provider]
    for provider in found:
        _check_dialect(faults, provider, listed[provider.name].line, folder, dialects)
    return tuple(_anchored(provider, folder) for provider in found)


def _provider(faults: Faults, name: str, node: Node, defaults: Mapping[str, Any]) -> Provider | None:
    key = f"providers.{name}"
    if not NAME.fullmatch(name):
        faults.add(
            node.line, key, "a name is lower case letters, digits, dot, dash and underscore, at most 64"
        )
    if not isinstance(node, Tree):
        faults.add(node.line, key, "must be a mapping with base_url, dialect and model, or with embedded")
        return None
    before = len(faults.found)
    own = settings.values(faults, key, node, KEYS)
    named = {entry.key for entry in node.entries}
    for says in _missing(named | set(defaults)):
        faults.add(node.line, key, says)
    if len(faults.found) > before:
        return None
    provider = _made(name, {**defaults, **own}, {**defaults.get("limits", {}), **own.get("limits", {})})
    if _unprotected(provider):
        faults.add(
            node.line,
            f"{key}.base_url",
            "would send the key unencrypted; use https, or say insecure_http: true",
        )
        return None
    return provider


def _missing(named: Collection[str]) -> list[str]:
    """Say which keys are missing, or stand beside one that excludes them."""
    if "embedded" in named:
        return [f"an embedded provider has no {key}" for key in ("base_url", "key_env") if key in named]
    if "base_url" not in named:
        return ["needs 'base_url' (or 'embedded' for a bundled server)"]
    return [f"needs {key!r}" for key in ("dialect", "model") if key not in named]


def _made(name: str, found: Mapping[str, Any], limits: Mapping[str, Any]) -> Provider:
    filled = {"title": name, "base_url": "", **found, "limits": Limits(**limits)}
    if filled.get("embedded"):
        filled = {"model": EMBEDDED_MODEL, **filled, "dialect": filled["embedded"]}
    return Provider(name=name, **filled)


def _unprotected(provider: Provider) -> bool:
    plain = provider.base_url.startswith("http:") and not is_loopback(provider.base_url)
    secret = bool(provider.key_env) or any("${" in value for value in provider.headers.values())
    return plain and secret and not provider.insecure_http


def _check_dialect(
    faults: Faults, provider: Provider, line: int, folder: Path, dialects: tuple[str, ...]
) -> None:
    if not dialects or provider.dialect in dialects or (folder / provider.dialect).is_dir():
        return
    key = "embedded" if provider.embedded else "dialect"
    says = f"there is no dialect {provider.dialect!r}{suggest_or_list(provider.dialect, dialects)}"
    faults.add(line, f"providers.{provider.name}.{key}", says)


def _anchored(provider: Provider, folder: Path) -> Provider:
    """Make the paths of a file absolute: they are meant from where the file stands."""
    own = folder / provider.dialect
    dialect = str(own.resolve()) if "/" in provider.dialect and own.is_dir() else provider.dialect
    ca_file = str((folder / provider.ca_file).resolve()) if provider.ca_file else None
    return replace(provider, dialect=dialect, ca_file=ca_file)


def write_initial_file(schema: str) -> str:
    """Return a commented providers.yaml to begin with; `schema` is the address of its JSON schema."""
    return _INIT.replace("SCHEMA", schema)


_INIT = """\
# yaml-language-server: $schema=SCHEMA
#
# Who is asked, and how. Keys stand in environment variables, never in this file.
# `conformance doctor` tries one cheap request per provider; `conformance plan` says what a run would send.

defaults:
  timeout: 60          # seconds for one exchange, a whole stream included
  concurrency: 4       # requests in flight at once, per provider
  max_requests: 120    # never more than this in one run, retries included

providers:
  # A server that comes with the program. It needs no key: a way to see a report at once.
  google-embedded:
    embedded: google

  # A vendor of yours. Remove the hash signs down to key_env, and export MY_VENDOR_API_KEY.
  # my-vendor:
  #   title: My vendor
  #   base_url: https://api.example.com    # what stands before /v1beta
  #   dialect: google                      # or one of `conformance list dialects`, or a folder of your own: ./my-dialect
  #   model: gemini-2.5-flash
  #   auth: x-goog-api-key                 # or bearer, query-key, x-api-key
  #   key_env: MY_VENDOR_API_KEY
  # Below, remove the hash signs only of what applies to you.
  #   optional: true                       # without its key, leave it out; otherwise a missing key ends a run in 3
  #   unsupported: [images]                # features that the vendor says it lacks
  #   prices: {input: 0.3, output: 2.5}    # per million tokens; plan and the report then show costs
  #   known:                               # deviations that you accept; an entry that no longer applies fails the run
  #     - rule: casing/answers-in-camel-case
  #       probe: "*"
  #       reason: our adapter renames them
  #       until: 2027-06-30
"""
