"""run.json: the settings of a run and its providers at that time, so that replay and resume need nothing else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from conformance.files import FileError, read_json_file
from conformance.members import JsonObject, MemberError
from conformance.model import FAILING_LEVELS, JSON, MEASURES, Auth, Known, Limits, Prices, Provider
from conformance.recording.record import NAME
from conformance.recording.writing import RecordError, write_atomically

FORMAT = "conformance-run/1"
_LARGEST = 4 * 1024 * 1024  # bytes
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class RunFile:
    """run.json as read."""

    seed: int
    started_at: str
    providers: tuple[Provider, ...]
    left: Mapping[str, str]  # provider -> why it was left out
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


def _read_provider(entry: JsonObject) -> Provider:
    """Return the provider that `provider_to_json` wrote. Raises ValueError for anything else."""
    name = entry.take("name", str)
    if not NAME.fullmatch(name):
        raise MemberError(f"{entry.pointer}/name: {name!r:.80} cannot be the name of a provider")
    headers = entry.take_object("headers")
    return _build(
        Provider,
        entry,
        headers=MappingProxyType({header: headers.take(header, str) for header in headers.members}),
        limits=_build(Limits, entry.take_object("limits")),
        prices=None
        if entry.take("prices", dict, None) is None
        else _build(Prices, entry.take_object("prices")),
        known=tuple(map(_read_known, entry.take_objects("known"))),
        unsupported=entry.take_texts("unsupported"),
        auth=Auth(entry.take("auth", str)),
    )


def _read_known(entry: JsonObject) -> Known:
    known = _build(Known, entry, probes=entry.take_texts("probes"))
    if known.until is not None:
        dt.date.fromisoformat(known.until)
    return known


_LEAST = {"concurrency": 1, "integer_digits": 1, "json_depth": 1}
_MOST = {"integer_digits": 4000, "json_depth": 1000}
_KINDS: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def _build(kind: type[_Made], entry: JsonObject, **made: Any) -> _Made:
    """Build a dataclass from members of the types that it names, numbers within bounds that nothing breaks on.

    `made` are its fields that hold more than text, numbers, true or false.
    """
    values: dict[str, Any] = {}
    simple = [one for one in fields(kind) if one.name not in made]  # type: ignore[arg-type]  # each is a dataclass
    for one in simple:
        name, optional = one.name, str(one.type).endswith(" | None")
        if name in entry.members or one.default is MISSING:
            of = _KINDS[str(one.type).removesuffix(" | None")]
            values[name] = entry.take(name, of, None) if optional else entry.take(name, of)
            least, most = _LEAST.get(name, 0), _MOST.get(name, 2**62)
            if of in (int, float) and not least <= values[name] <= most:
                raise MemberError(f"{entry.pointer}/{name}: must be from {least} to {most}")
    unknown = entry.members.keys() - {one.name for one in simple} - made.keys()
    if unknown:
        raise MemberError(f"{entry.pointer}/{min(unknown)}: is not known to this version")
    return kind(**values, **made)


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "fail_on": tuple(FAILING_LEVELS),
    "against": tuple(MEASURES),
}


def _read_selection(selection: JsonObject) -> dict[str, Any]:
    """Return what a run was asked for, checked; what an older version did not write may be absent."""
    chosen = dict(selection.members)
    for name in ("providers", "dimensions", "clients", "rules"):
        chosen[name] = [*selection.take_texts(name)] if name in chosen else []
    for name in ("max_examples", "shrink"):
        selection.take(name, int, None)
    for name, words in _CHOICES.items():
        if chosen.get(name, words[0]) not in words:
            raise MemberError(f"{selection.pointer}/{name}: must be one of {', '.join(words)}")
    return chosen


def write_run(folder: Path, value: Mapping[str, JSON]) -> None:
    """Write run.json, which says what a run was asked to do."""
    write_atomically(folder / "run.json", json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_run_file(folder: Path) -> RunFile:
    """Return run.json of a run's folder. Raises RecordError, one line."""
    path = folder / "run.json"
    if not path.exists():
        raise RecordError(f"{path}: there is no such file; is this the folder of a run?")
    try:
        run = JsonObject.read(read_json_file(path, limit=_LARGEST))
        if run.find("format", str) != FORMAT:
            raise MemberError(f"/format: is {run.members.get('format')!r:.80}; this version reads {FORMAT}")
        left = run.take_object("left")
        return RunFile(
            seed=run.take("seed", int),
            started_at=run.take("started_at", str),
            providers=tuple(map(_read_provider, run.take_objects("providers"))),
            left={name: left.take(name, str) for name in left.members},
            selection=_read_selection(run.take_object("selection")),
            source=run.take("source", str),
            asked=run.take_texts("asked"),
        )
    except FileError as error:
        raise RecordError(str(error)) from error
    except ValueError as error:
        raise RecordError(f"{path}: {error}"[:300]) from error
