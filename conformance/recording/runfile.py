"""run.json: what a run was asked to do, with its providers as they stood, so that replay and resume need nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, TypeVar

from conformance.model import FAILING_LEVELS, JSON, Auth, Known, Limits, Prices, Provider
from conformance.recording.record import NAME, RecordError, read_run

FORMAT = "conformance-run/1"
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class RunFile:
    """run.json as read."""

    seed: int
    started_at: str
    providers: tuple[Provider, ...]
    left: Mapping[str, str]  # provider -> why it was not run
    selection: Mapping[str, Any]
    source: str  # the providers.yaml that was used
    asked: tuple[str, ...]  # names of the providers that were asked


def provider_to_json(provider: Provider) -> dict[str, JSON]:
    """Return a provider as run.json keeps it; it holds names of variables, never a key."""
    out: dict[str, Any] = {one.name: getattr(provider, one.name) for one in fields(provider)}
    out["headers"] = dict(provider.headers)
    out["limits"] = asdict(provider.limits)
    out["prices"] = asdict(provider.prices) if provider.prices else None
    out["known"] = [asdict(known) for known in provider.known]
    out["unsupported"] = list(provider.unsupported)
    out["auth"] = provider.auth.value
    return out


def provider_from_json(value: Mapping[str, Any]) -> Provider:
    """Return the provider that `provider_to_json` wrote. Raises TypeError, ValueError or KeyError on anything else."""
    if not NAME.fullmatch(value["name"]):
        raise ValueError(f"{value['name']!r} is no name of a provider")
    changed = {
        "headers": MappingProxyType(
            {_text(name): _text(text) for name, text in dict(value["headers"]).items()}
        ),
        "limits": _plain(Limits, value["limits"]),
        "prices": _plain(Prices, value["prices"]) if value["prices"] else None,
        "known": tuple(map(_known, value["known"])),
        "unsupported": tuple(map(_text, value["unsupported"])),
        "auth": Auth(value["auth"]),
    }
    return _plain(Provider, {**value, **changed})


def _known(entry: Mapping[str, Any]) -> Known:
    if entry["until"] is not None:
        dt.date.fromisoformat(entry["until"])
    return _plain(Known, {**entry, "probes": tuple(map(_text, entry["probes"]))})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is no text")
    return value


_LEAST = {"concurrency": 1, "integer_digits": 1, "json_depth": 1}
_MOST = {"integer_digits": 4000, "json_depth": 1000}
_KINDS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"str": (str,), "str | None": (str, NoneType), "int": (int,), "float": (int, float), "bool": (bool,)}
)


def _plain(kind: type[_Made], value: Mapping[str, Any]) -> _Made:
    """Build a dataclass from values of the types that it names, numbers within bounds that nothing breaks on."""
    for one in fields(kind):  # type: ignore[arg-type]
        found, kinds = value.get(one.name), _KINDS.get(str(one.type))
        if one.name not in value or kinds is None:
            continue
        if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
            raise TypeError(f"{one.name} is {type(found).__name__}")
        if isinstance(found, int | float) and not _LEAST.get(one.name, 0) <= found <= _MOST.get(
            one.name, 2**62
        ):
            raise ValueError(f"{one.name} is {found!r:.60}")
    return kind(**value)


_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"fail_on": tuple(FAILING_LEVELS), "against": ("reference", "documented", "both")}
)


def _selection(value: Mapping[str, Any]) -> dict[str, Any]:
    """Check what a run was asked for; what an older version did not write may be absent."""
    chosen = dict(value)
    for name in ("providers", "dimensions", "clients", "rules"):
        chosen[name] = [_text(one) for one in chosen.get(name, [])]
    for name in ("max_examples", "shrink"):
        if type(chosen.get(name, 0)) not in (int, NoneType):
            raise TypeError(f"selection.{name} is {type(chosen[name]).__name__}")
    for name, words in _CHOICES.items():
        if chosen.get(name, words[0]) not in words:
            raise ValueError(f"selection.{name} is {chosen[name]!r:.60}")
    return chosen


def read_run_file(folder: Path) -> RunFile:
    """Return run.json of a run's folder. Raises RecordError, one line."""
    value = read_run(folder)
    path = folder / "run.json"
    if value.get("format") != FORMAT:
        raise RecordError(f"{path}: is of format {value.get('format')!r}; this version reads {FORMAT}")
    found: dict[str, Any] = dict(value)
    try:
        return RunFile(
            seed=int(found["seed"]),
            started_at=str(found["started_at"]),
            providers=tuple(provider_from_json(one) for one in found["providers"]),
            left={str(name): str(why) for name, why in found["left"].items()},
            selection=_selection(found["selection"]),
            source=str(found["source"]),
            asked=tuple(str(name) for name in found["asked"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path}: is not a run file: {type(error).__name__}: {error}"[:300]) from error
