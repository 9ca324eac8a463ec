"""Carries one run through its stages: ask, judge, write, and compute the exit code.

Each stage is a function over values that the stage before returned (`gather`, `judge`, `write_results`,
`compute_exit_code`). The engine holds them for whoever drives it: the hooks of pytest call `ask` before the first
case is shown, `case` for each, and `finish` after the last.
"""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.asking.run import Progress
from conformance.dialects.remarks import read_proof
from conformance.keys.leaks import find_leaks
from conformance.keys.secrets import Keyring
from conformance.model import JSON, Case
from conformance.recording.outfolder import ClaimedFolder, FolderError
from conformance.recording.record import FOLDER, read_recording
from conformance.recording.runfile import FORMAT, provider_to_json, write_run
from conformance.recording.writing import RecordError, append_text, point_latest
from conformance.report import LogRows, write_summary
from conformance.running.gather import GatherContext, GatheredRun, Recorded, gather
from conformance.running.generated_bodies import GeneratedBodies
from conformance.running.interrupts import first_signal_waits
from conformance.running.judge import JudgedRun, judge, list_verdicts
from conformance.running.known_entries import find_target_fault
from conformance.running.session import Scope, Session, UsageError, describe_selection, select_scope
from conformance.running.write import list_warnings, mask_results, write_results
from conformance.verdicts.exit_code import (
    ExitCause,
    ExitConditions,
    compute_exit_code,
    list_exit_causes,
    read_conditions,
)
from conformance.verdicts.results import RunInfo, build_results
from conformance.verdicts.verdict import judge_provider


@dataclass(frozen=True)
class Incidents:
    """What went wrong apart from the verdicts: an interruption, and faults of the checker itself, in words."""

    interrupted: bool = False
    faults: tuple[str, ...] = ()


@dataclass
class Engine:
    """One run: `ask` once, `case` as often as needed, then `finish`."""

    session: Session
    progress: Progress = field(default=lambda _replies: None)
    started_at: str = ""  # when the run began that is replayed or resumed
    interrupted: bool = False
    results: dict[str, Any] | None = None  # results.json, once it was written
    leaks: tuple[str, ...] = ()  # where keys were written, a line each
    fault: str = ""  # the first thing that the checker itself failed at
    asked: bool = False

    def __post_init__(self) -> None:
        """Prepare; nothing is sent or written yet.

        Raises UsageError if proposed `known` entries would overwrite another file, if a recording cannot be read, or if no body
        can be generated from a schema.
        """
        options = self.session.options
        if fault := find_target_fault(options.write_known):
            raise UsageError(fault)
        self.started = dt.datetime.now(dt.UTC)
        self.started_at = self.started_at or self.started.isoformat(timespec="seconds")
        self.seed = options.seed or random.SystemRandom().randrange(1, 2**31)
        self.out = options.out or options.reports / f"{self.started:%Y-%m-%dT%H-%M-%S}-{self.seed:08x}"
        self.scope, self.gathered, self.judged = Scope(self.session), GatheredRun(), JudgedRun()
        self._claim: ClaimedFolder | None = None
        self._warnings = [*self.session.warnings]
        self._written: Incidents | None = None  # what was known when the results were written
        self._appended = False
        self._log: LogRows | None = None
        self._recorded = self._read_recording()
        self._bodies = GeneratedBodies(self.session, self.seed, self.out, self._recorded)

    def _read_recording(self) -> Recorded:
        options = self.session.options
        folder = options.replay or options.resume
        if folder is None or (options.resume and not (folder / FOLDER).is_dir()):
            return {}  # a run may have been killed before its first answer
        try:
            recording = read_recording(folder)
        except RecordError as error:
            raise UsageError(str(error)) from error
        self._warnings += recording.warnings
        return {(one.provider, one.probe, one.attempt): one for one in recording.exchanges}

    def claim(self) -> None:
        """Lock the output folder, and set aside what an earlier run recorded there. Raises UsageError."""
        if self._claim is not None:
            return
        options = self.session.options
        try:
            self._claim = ClaimedFolder(self.out)
            before = None if options.resume or options.replay else self._claim.set_aside()
        except FolderError as error:
            raise UsageError(str(error)) from error
        if before:
            self._warnings.append(
                f"{self.out}: contained an earlier run; its exchanges are now in {before.name}"
            )

    def release(self) -> None:
        """Unlock the output folder."""
        if self._claim is not None:
            self._claim.release()

    def mask(self, text: str) -> str:
        """Return a text with every key of this run masked; for whatever is shown besides the results."""
        return Keyring.from_keys(self.session.secrets).mask(text)

    def note_fault(self, fault: str) -> None:
        """Remember a fault of the checker; the first one counts."""
        self.fault = self.fault or fault

    # --- ask ---

    def ask(self, wanted: Mapping[str, Collection[str]] | None = None) -> None:
        """Ask what the wanted rules (by provider; default all) need, record it, and judge it.

        Raises UsageError if the output folder cannot be used.
        """
        self.claim()
        self.asked = True
        self.scope = select_scope(self.session, wanted)
        self.gathered = self._gather()
        self.interrupted |= self.gathered.interrupted
        if self.gathered.fault:
            self.note_fault(self.gathered.fault)
        self._judge()

    def _gather(self) -> GatheredRun:
        try:
            self._write_run()
        except RecordError as error:
            return GatheredRun(fault=str(error))
        is_replay = self.session.options.replay is not None
        context = GatherContext(
            self.scope.rules,
            self.seed,
            None if is_replay else self.out,
            self._recorded,
            self._bodies.plan_for,
            self.progress,
            self.session.environ,
        )
        return gather(self.scope.selected, context)

    def _write_run(self) -> None:
        """Write run.json: what a replay and a resumption need beside the exchanges. Raises RecordError."""
        names = {one.provider.name for one in self.session.selected}
        names |= {one.provider.name for one in self.session.skipped}
        providers = [one for one in self.session.loaded.providers if one.name in names]
        run: dict[str, JSON] = {
            "format": FORMAT,
            "tool": {"name": "gemini-conformance", "version": __version__},
            "started_at": self.started_at,
            "seed": self.seed,
            "selection": describe_selection(
                self.session.options, self.scope.rules, captured=self.is_captured
            ),
            "source": str(self.session.loaded.source),
            "asked": [one.provider.name for one in self.scope.selected],
            "left": {one.provider.name: one.reason for one in self.session.skipped},
            "dialects": {one.dialect.name: one.dialect.digest for one in self.scope.selected},
            "providers": [provider_to_json(provider) for provider in providers],
        }
        write_run(self.out, run)

    # --- judge ---

    is_captured = False  # whether other programs made the recording
    judge_replies = staticmethod(judge_provider)

    def _judge(self) -> None:
        ended = "interrupted" if self.interrupted else self.fault
        today = self.started.date()
        self.judged = judge(self.gathered, self.scope, today, ended, self.judge_replies)

    def case(self, provider: str, rule: str) -> Case:
        """Return the case of one rule for one provider; blocked or inconclusive where it was not judged."""
        return self.judged.find_case(provider, rule, self.session.options.against)

    # --- write, and the exit code ---

    def finish(self, log: LogRows | None = None) -> int:
        """Write the folder of results, look for keys in it, and return the exit code of the run.

        `log`: the rows of pytest that did not pass, for the page. Faults that occur while writing belong into the
        results too, so the results are written again until they contain everything that is known. A second call does
        nothing unless something new is known.
        """
        self._log = log or self._log
        with first_signal_waits():
            if len(self.judged.verdicts) < len(self.gathered.providers):
                self._judge()  # the user interrupted the judging
            if self._written is None and not self.interrupted:
                try:
                    self._bodies.keep_failing(self.judged.verdicts)
                except RecordError as error:
                    self.note_fault(str(error))
            while self._written != self.incidents:
                self._written = self.incidents
                self._write()
                self._append_to_steps()
            if self.session.options.out is None:
                point_latest(self.out)
        return self.exit_code

    def _write(self) -> None:
        """Write results.json and what is rendered from it, and look for keys in all that was written."""
        known_entries = self.session.options.write_known
        self.results = self.compute_results()
        for fault in write_results(self.out, self.results, self._log, known_entries):
            self.note_fault(fault)
        written = [self.out, *([known_entries] if known_entries else [])]
        self.leaks = tuple(str(leak) for leak in find_leaks(written, self.session.secrets))

    def compute_results(self) -> dict[str, Any]:
        """Return results.json as far as the run is known by now."""
        return mask_results(
            build_results(self.describe_run(), list_verdicts(self.judged, self.session)), self.session
        )

    @property
    def incidents(self) -> Incidents:
        """What went wrong so far."""
        leaked = "a key was written to a file of the report" if self.leaks else ""
        return Incidents(self.interrupted, tuple(fault for fault in (self.fault, leaked) if fault))

    def describe_run(self) -> RunInfo:
        """Return what results.json says of the run itself."""
        incidents = self.incidents
        unasked = [one for gathered in self.gathered.providers for one in gathered.unasked]
        warnings = [*self._warnings, *self._bodies.warnings, *([self.fault] if self.fault else [])]
        return RunInfo(
            id=self.out.name,
            started_at=self.started_at,
            finished_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            complete=not (self.interrupted or self.fault or any(one.cause == "budget" for one in unasked)),
            seed=self.seed,
            warnings=(*warnings, *list_warnings(self.judged.verdicts)),
            interrupted=incidents.interrupted,
            faults=incidents.faults,
            selection=describe_selection(self.session.options, self.session.rules, captured=self.is_captured),
            kill_matrix=read_proof(),
        )

    def _append_to_steps(self) -> None:
        """Append the summary to GitHub's, unless a key was found in it."""
        steps = os.environ.get("GITHUB_STEP_SUMMARY")
        if not steps or self.leaks or self._appended or self.results is None or self.session.options.replay:
            return
        self._appended = True
        try:
            append_text(Path(steps), write_summary(self.results))
        except RecordError as error:
            self.note_fault(str(error))

    @property
    def exit_code(self) -> int:
        """The exit code, as far as it is known by now."""
        if self.results is None:
            return compute_exit_code(None, self._conditions())
        return int(self.results["run"]["exit_code"])

    def exit_causes(self) -> list[ExitCause]:
        """Return every reason for an exit code other than 0."""
        return list(list_exit_causes(self.results, self._conditions()))

    def _conditions(self) -> ExitConditions:
        if self.results is not None:
            return read_conditions(self.results)
        return ExitConditions(interrupted=self.interrupted, faults=self.incidents.faults)

    def describe_resumption(self) -> str:
        """Return how much of a resumed run had been recorded before; empty for any other run."""
        if self.session.options.resume is None:
            return ""
        asked = sum(len(one.replies) for one in self.gathered.providers) - len(self._recorded)
        return (
            f"resumed: {len(self._recorded)} exchanges were already recorded, {max(0, asked)} were added now"
        )
