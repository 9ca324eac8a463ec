"""The finished runs of a folder, and which of them to use for a provider: the newest in which it was asked."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.comparing.past import FILE_NAME, LARGEST, PastProvider, PastRun, read_past
from conformance.files import FileError, read_bounded

_HEAD = 4096  # bytes that contain the time at which a run began
_BEGAN = re.compile(rb'"started_at":\s*"([^"]{1,40})"')


@dataclass(frozen=True)
class ProviderInRun:
    """A provider and the run that its data comes from."""

    run: PastRun
    provider: PastProvider


def read_newest_first(places: Iterable[Path]) -> tuple[PastRun, ...]:
    """Read runs from their folders, the newest first. Raises FileError."""
    found = [(place, read_past(place)) for place in places]
    found.sort(key=lambda one: _age_key(one[0], one[1].started_at), reverse=True)
    return tuple(run for _, run in found)


def find_run_folders(reports: Path) -> tuple[Path, ...]:
    """Return the folders of finished runs, the newest first, each once whatever links lead to it."""
    found: dict[Path, Path] = {}
    for path in sorted(reports.glob(f"*/{FILE_NAME}")):
        found.setdefault(path.resolve(), path.parent)
    return tuple(
        sorted(found.values(), key=lambda folder: _age_key(folder, _read_start(folder)), reverse=True)
    )


def read_runs_with(name: str, folders: Sequence[Path]) -> Iterator[PastRun]:
    """Yield the runs that name a provider, in the order of their folders, skipping files that cannot be read."""
    wanted = json.dumps(name).encode()
    for folder in folders:
        try:
            if wanted in read_bounded(folder / FILE_NAME, within=folder, limit=LARGEST):
                yield read_past(folder)
        except FileError:
            continue  # a run that was killed, or of another version


def find_provider(name: str, runs: Iterable[PastRun]) -> ProviderInRun | None:
    """Return the first run in which a provider was asked; else the first that names it; else None."""
    named: ProviderInRun | None = None
    for run in runs:
        provider = run.providers.get(name)
        if provider is not None and provider.status != "not-run":
            return ProviderInRun(run, provider)
        if provider is not None and named is None:
            named = ProviderInRun(run, provider)
    return named


def find_newest_run(helds: Iterable[ProviderInRun | None]) -> PastRun | None:
    """Return the newest of the runs that the given data comes from."""
    runs = [held.run for held in helds if held is not None]
    return max(runs, key=lambda run: _parse_time(run.started_at), default=None)


def _age_key(place: Path, started_at: str) -> tuple[dt.datetime, int]:
    """Return what sorts runs by age: when it began, and for those of one second when its results were written, in ns."""
    try:
        written = (place / FILE_NAME if place.is_dir() else place).stat().st_mtime_ns
    except OSError:
        written = 0
    return _parse_time(started_at), written


def _read_start(folder: Path) -> str:
    try:
        with (folder / FILE_NAME).open("rb") as file:
            found = _BEGAN.search(file.read(_HEAD))
    except OSError:
        return ""
    return found[1].decode("utf-8", "replace") if found else ""


def _parse_time(text: str) -> dt.datetime:
    """Return a time that can be compared with others; an invalid text counts as older than all."""
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)
    return when if when.tzinfo else when.replace(tzinfo=dt.UTC)
