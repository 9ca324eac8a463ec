"""run.json: what a run was asked to do, with its providers as they stood, so that replay and resume need nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.model import JSON, Auth, Known, Limits, Prices, Provider
from conformance.record import RecordError, read_run

FORMAT = "conformance-run/1"


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
    known = tuple(Known(**{**entry, "probes": tuple(entry["probes"])}) for entry in value["known"])
    changed = {
        "headers": MappingProxyType(dict(value["headers"])),
        "limits": Limits(**value["limits"]),
        "prices": Prices(**value["prices"]) if value["prices"] else None,
        "known": known,
        "unsupported": tuple(value["unsupported"]),
        "auth": Auth(value["auth"]),
    }
    return Provider(**{**value, **changed})


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
            selection=dict(found["selection"]),
            source=str(found["source"]),
            asked=tuple(str(name) for name in found["asked"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path}: is not a run file: {type(error).__name__}: {error}"[:300]) from error
