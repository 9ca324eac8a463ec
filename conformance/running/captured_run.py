"""Judges a recording that others made, with or without a folder of results; sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance.api import gather_group, judge_captured, make_provider
from conformance.capturing.collecting import RecordedFiles
from conformance.catalogue import list_rules
from conformance.config.providers import LoadedProviders
from conformance.dialects.dialect import DialectError, load_dialect
from conformance.recording.record import Recorder
from conformance.recording.writing import RecordError
from conformance.running.engine import Engine
from conformance.running.gather import GatheredRun
from conformance.running.judge import list_verdicts
from conformance.running.session import (
    RunOptions,
    SelectedProvider,
    Session,
    UsageError,
    resolve_clients,
    select_scope,
)
from conformance.running.write import mask_results
from conformance.verdicts.client_views import describe_client_views
from conformance.verdicts.results import RunInfo, build_results


@dataclass
class CapturedRun(Engine):
    """A run that asks nothing: its exchanges were recorded by other programs."""

    recorded: RecordedFiles = field(default_factory=lambda: RecordedFiles((), ()))

    is_captured = True
    judge_replies = staticmethod(judge_captured)

    def __post_init__(self) -> None:
        """Prepare; nothing is written yet."""
        super().__post_init__()
        self.seed = 0

    def judge_only(self) -> dict[str, Any]:
        """Judge without a folder; return what results.json would hold."""
        self.asked = True
        self.scope = select_scope(self.session, None)
        self.gathered = self._read_groups()
        self._judge()
        self.results = self.compute_results()
        return self.results

    def _read_groups(self) -> GatheredRun:
        dialects = {one.provider.name: one.dialect.name for one in self.scope.selected}
        groups = [group for group in self.recorded.groups if group.name in dialects]
        return GatheredRun(tuple(gather_group(group, dialects[group.name]) for group in groups))

    def _gather(self) -> GatheredRun:
        try:
            self._write_run()
            with Recorder(self.out) as recorder:
                for group in self.recorded.groups:
                    for exchange in group.exchanges:
                        recorder.add(exchange)
        except RecordError as error:
            return replace(self._read_groups(), fault=str(error))
        return self._read_groups()

    def describe_run(self) -> RunInfo:
        """Return what results.json says of the run, with the files that were read."""
        files = self.recorded.files
        unreadable = tuple(str(file) for file in files if file.fault)
        return replace(super().describe_run(), recordings=tuple(map(str, files)), unreadable=unreadable)

    def compute_results(self) -> dict[str, Any]:
        """Return results.json with what each client makes of each answer."""
        places = {group.name: group.places for group in self.recorded.groups}
        verdicts = list_verdicts(self.judged, self.session)
        views = {
            name: describe_client_views(one, places[name]) for one in verdicts if (name := one.provider.name)
        }
        return mask_results(build_results(self.describe_run(), verdicts, views), self.session)


def prepare_recorded(
    options: RunOptions, recorded: RecordedFiles, dialect: str, folder: Path = Path()
) -> Session:
    """Return the session that judges what was read; raises UsageError for an unknown client or dialect."""
    rules = list_rules()
    options = replace(options, clients=resolve_clients(options.clients), max_examples=0)
    try:
        found = load_dialect(dialect, folder)
    except DialectError as error:
        raise UsageError(*(f"--dialect: {line}" for line in error.args)) from error
    selected = tuple(
        SelectedProvider(make_provider(group, dialect), found, None, group.keys) for group in recorded.groups
    )
    loaded = LoadedProviders(tuple(one.provider for one in selected), Path("recording"))
    faults = tuple(str(file) for file in recorded.files if file.fault)
    return Session(options, loaded, selected, (), rules, {}, faults)
