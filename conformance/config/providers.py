"""providers.yaml becomes Providers, or a list of faults with file, line, key and what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.config.faults import find_faults
from conformance.config.yamltree import LARGEST, Keys, YamlDocument, YamlError, read_yaml
from conformance.files import FileError, find_providers_file, find_schemas_folder, is_folder, read_bounded
from conformance.model import Auth, Known, Limits, Prices, Provider

FILE_NAME = "providers.yaml"
MISSPELT = ("providers.yml", "provider.yaml", "provider.yml")  # names that are meant to be FILE_NAME
EMBEDDED_MODEL = "gemini-2.5-flash"  # what an embedded server is asked for by default


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
    def display_name(self) -> str:
        """The name of the file in messages: the same for a run and for its replay in another folder."""
        return self.source.name if self.source.is_absolute() else str(self.source)


def load_providers(
    path: Path | None = None, *, folder: Path | None = None, dialects: Collection[str] = ()
) -> LoadedProviders:
    """Read the providers of `path`, else of providers.yaml in `folder`, else of the bundled file.

    `dialects` are the bundled ones; where they are given, a dialect that is neither among them nor a folder is a fault.
    Raises ProvidersError with every fault of the file, or if the folder contains only a file with a misspelt name.
    """
    own = path or _find_own_file(folder or Path.cwd())
    source = own or find_providers_file()
    shown = source if path else Path(source.name)
    try:
        data = read_bounded(source, limit=LARGEST)
    except FileError as error:
        raise ProvidersError((str(error),)) from None
    return LoadedProviders(
        parse_providers(data, str(shown), source.parent, dialects), source, bundled=own is None
    )


def _find_own_file(folder: Path) -> Path | None:
    """Return the providers.yaml of a folder, or None. Raises ProvidersError if there is only one with a misspelt name."""
    own = folder / FILE_NAME
    if own.exists() or own.is_symlink():
        return own
    misspelt = next((name for name in MISSPELT if (folder / name).exists()), None)
    if misspelt:
        raise ProvidersError(
            (f"{misspelt}: is not read under this name; rename it to {FILE_NAME}, or pass -c {misspelt}",)
        )
    return None


def parse_providers(
    data: bytes, shown: str, folder: Path, dialects: Collection[str] = ()
) -> tuple[Provider, ...]:
    """Read the text of a providers.yaml. `shown` is its name in faults; paths in it are relative to `folder`.

    Raises ProvidersError with every fault.
    """
    try:
        document = read_yaml(data)
    except YamlError as error:
        raise ProvidersError((f"{shown}:{error.fault}",)) from None
    faults = find_faults(document, folder, tuple(dialects))
    if faults:
        raise ProvidersError(tuple(f"{shown}:{fault}" for fault in faults))
    root: Any = document.value
    return tuple(_make_provider(document, name, folder) for name in root["providers"])


def _make_provider(document: YamlDocument, name: str, folder: Path) -> Provider:
    """Return a provider from settings without faults; the defaults fill in what it does not set itself."""
    root: Any = document.value
    defaults, own = root.get("defaults") or {}, root["providers"][name]
    settings: dict[str, Any] = {"title": name, "base_url": "", **defaults, **own}
    if "embedded" in own:
        settings = {"model": EMBEDDED_MODEL, **settings, "dialect": own["embedded"]}
    where: Keys = ("providers", name) if "headers" in own else ("defaults",)
    prices = settings.get("prices")
    known = enumerate(own.get("known") or ())
    made = {
        "base_url": settings["base_url"].rstrip("/"),
        "auth": Auth(settings.get("auth", Auth.X_GOOG_API_KEY)),
        "timeout": float(settings.get("timeout", Provider.timeout)),
        "unsupported": tuple(dict.fromkeys(settings.get("unsupported", ()))),
        "headers": MappingProxyType(
            {header: document.texts[*where, "headers", header] for header in settings.get("headers") or ()}
        ),
        "prices": prices and Prices(float(prices["input"]), float(prices["output"])),
        "limits": Limits(**{**(defaults.get("limits") or {}), **(own.get("limits") or {})}),
        "known": tuple(
            _make_known(entry, document.lines["providers", name, "known", at]) for at, entry in known
        ),
    }
    return _resolve_paths(Provider(name=name, **{**settings, **made}), folder)


def _make_known(entry: Mapping[str, Any], line: int) -> Known:
    probe = entry["probe"]
    probes = (probe,) if isinstance(probe, str) else tuple(probe)
    return Known(entry["rule"], probes, entry["reason"], entry.get("until"), line)


def _resolve_paths(provider: Provider, folder: Path) -> Provider:
    """Make the paths of a provider absolute: they are relative to the folder of the file."""
    own = folder / provider.dialect
    dialect = str(own.resolve()) if "/" in provider.dialect and is_folder(own) else provider.dialect
    ca_file = str((folder / provider.ca_file).resolve()) if provider.ca_file else None
    return replace(provider, dialect=dialect, ca_file=ca_file)


def make_initial_file(schema: str) -> str:
    """Return a commented providers.yaml to start from; `schema` is the address of its JSON schema."""
    template = (find_schemas_folder() / "initial-providers.yaml").read_text(encoding="utf-8")
    return template.replace("SCHEMA", schema)
