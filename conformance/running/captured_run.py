"""Judges a recording of somebody else's, with or without a folder of results; sends nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.api import gather_group, judge_group, list_rules, make_provider
from conformance.capturing.recording import RecordedFiles
from conformance.catalogue import Rule
from conformance.config.providers import LoadedProviders
from conformance.dialects.dialect import DialectError, load_dialect
from conformance.model import JSON
from conformance.recording.record import Recorder
from conformance.running.engine import Engine
from conformance.running.session import RunOptions, SelectedProvider, Session, UsageError, resolve_clients
from conformance.verdicts.client_views import describe_client_views
from conformance.verdicts.exit_code import CAPTURED, compute_exit_code, read_conditions
from conformance.verdicts.results import build_results, format_results


class RecordedEngine(Engine):
    """A run that asks nothing: its exchanges were recorded by others."""

    def __init__(self, session: Session, recorded: RecordedFiles, started_at: str | None = None) -> None:
        """Take what was read; nothing is written yet."""
        super().__init__(session, started_at=started_at)
        self.seed = 0
        self._groups = recorded.groups
        self._files = recorded.files

    def weigh(self) -> dict[str, Any]:
        """Judge without a folder; return what results.json would hold."""
        self.asked = True
        self._judge(self.session.selected, self.session.rules)
        found: dict[str, Any] = json.loads(format_results(self._document()))
        self.results = found
        return found

    def _gather(self, chosen: Sequence[SelectedProvider], rules: tuple[Rule, ...]) -> None:
        self.claimed()
        with self._disk(), Recorder(self.out) as recorder:
            self._write_run(chosen, rules)
            for exchange in (one for group in self._groups for one in group.exchanges):
                recorder.add(exchange)

    def _judge(self, chosen: Sequence[SelectedProvider], rules: tuple[Rule, ...]) -> None:
        dialects = {one.provider.name: one.dialect for one in chosen}
        wanted = [group for group in self._groups if group.name in dialects]
        self.gathered = [gather_group(group, dialects[group.name].name) for group in wanted]
        measures, today = self.session.options.measures, self.started.date()
        self.verdicts = [judge_group(group, dialects[group.name], measures, rules, today) for group in wanted]
        self._cases = {(one.provider.name, case.rule): case for one in self.verdicts for case in one.cases}

    def _selection(self, rules: tuple[Rule, ...]) -> dict[str, JSON]:
        return {**super()._selection(rules), CAPTURED: True}

    def _document(self) -> dict[str, JSON]:
        """Return results.json with what each client makes of each answer."""
        found: dict[str, Any] = build_results(self._about(), self._everyone())
        run = {
            **found["run"],
            "recordings": [str(file) for file in self._files],
            "unreadable": [str(file) for file in self._files if file.fault],
        }
        places = {group.name: group.places for group in self._groups}
        told = {
            one.provider.name: describe_client_views(one, places[one.provider.name]) for one in self.verdicts
        }
        providers: list[JSON] = [
            {**entry, "answers": told.get(entry["name"], [])} for entry in found["providers"]
        ]
        whole = {**found, "run": run, "providers": providers}
        run["exit_code"] = compute_exit_code(whole, read_conditions(whole))  # with what only a recording has
        return self._without_keys(whole)


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
    providers = tuple(make_provider(group, dialect) for group in recorded.groups)
    secrets = [group.keys for group in recorded.groups]
    chosen = [
        SelectedProvider(provider, found, None, keys)
        for provider, keys in zip(providers, secrets, strict=True)
    ]
    faults = [str(file) for file in recorded.files if file.fault]
    return Session(options, LoadedProviders(providers, Path("recording")), chosen, [], rules, {}, faults)
