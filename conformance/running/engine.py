"""Carries one run: asks through the session, judges, writes the folder of results, and knows the exit code."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance import __version__
from conformance.catalogue import RULES, Rule
from conformance.dialects.remarks import read_proof
from conformance.keys.leaks import find_leaks
from conformance.keys.secrets import Keyring
from conformance.model import JSON, Case, Exchange, Outcome, Provider
from conformance.recording.latest import point_latest
from conformance.recording.outfolder import ClaimedFolder, FolderError, write_report_file
from conformance.recording.record import (
    FOLDER,
    Recorder,
    RecordError,
    read_recording,
    write_atomically,
    write_run,
)
from conformance.recording.runfile import FORMAT, provider_to_json
from conformance.recording.steps import append_text
from conformance.replies import ProviderReplies
from conformance.report import write_junit, write_summary
from conformance.running.generated_bodies import GeneratedBodies
from conformance.running.health import describe_health
from conformance.running.interrupts import first_signal_waits
from conformance.running.known_entries import find_target_fault, propose_known_entries
from conformance.running.session import (
    GatherContext,
    SelectedProvider,
    Session,
    UsageError,
    current_time,
    embedded_servers,
    gather,
    pick_seed,
)
from conformance.verdicts.exit_code import (
    ExitCause,
    ExitConditions,
    compute_exit_code,
    list_exit_causes,
    read_conditions,
)
from conformance.verdicts.extent import RunLimits
from conformance.verdicts.results import RunInfo, build_results, format_results
from conformance.verdicts.verdict import JudgingOptions, Verdict, judge_provider, skip_provider

Progress = Callable[[ProviderReplies], None]


def _silent(_gathered: ProviderReplies) -> None:
    """Show nothing: the progress of a run that nobody watches."""


class Engine:
    """One run. `ask` once, then `case` as often as needed, then `finish` once."""

    def __init__(self, session: Session, progress: Progress = _silent, started_at: str | None = None) -> None:
        """Take a prepared session; nothing is sent or written yet. `started_at`: when a replayed run began.

        Raises UsageError where the file for proposed `known` entries is not one to write over, and where no body
        can be drawn from a schema.
        """
        fault = find_target_fault(session.options.write_known)
        if fault:
            raise UsageError(fault)
        self.session = session
        self.started = current_time()
        self.started_at = started_at or self.started.isoformat(timespec="seconds")
        self.seed = pick_seed(session.options)
        self.out = (
            session.options.out
            or session.options.reports / f"{self.started:%Y-%m-%dT%H-%M-%S}-{self.seed:08x}"
        )
        self.gathered: list[ProviderReplies] = []
        self.verdicts: list[Verdict] = []
        self.results: dict[str, Any] | None = None
        self.asked = False
        self.interrupted = False
        self.leaks: list[str] = []
        self.fault = ""  # why the run could not write what it should
        self.claim: ClaimedFolder | None = None
        self._progress = progress
        self._warnings = list(session.warnings)
        self._wanted: tuple[Sequence[SelectedProvider], tuple[Rule, ...]] = ((), ())
        self._cases: dict[tuple[str, str], Case] = {}
        self._written: object = (
            None  # what was known when the results were written, and when the run was concluded
        )
        self._concluded: object = None
        self._appended = False
        self._recorded = self._read()
        self._bodies = GeneratedBodies(session, self.seed, self.out, self._recorded)

    def claimed(self) -> None:
        """Take hold of the output folder, and set aside what an earlier run recorded there. Raises UsageError."""
        if self.claim is not None:
            return
        options = self.session.options
        try:
            self.claim = ClaimedFolder(self.out)
            before = None if options.resume or options.replay else self.claim.set_aside()
        except FolderError as error:
            raise UsageError(str(error)) from error
        if before:
            self._warnings.append(
                f"{self.out}: held an earlier run; its exchanges now stand in {before.name}"
            )

    def released(self) -> None:
        """Let others write to the output folder."""
        if self.claim is not None:
            self.claim.release()

    def masked(self, text: str) -> str:
        """Return a text with every key of this run masked; for whatever is shown besides the results."""
        return Keyring.from_keys(self._secrets()).mask(text)

    def pairs(self) -> list[tuple[Provider, Rule]]:
        """Return every provider that will be asked with every rule that will be judged."""
        return [(one.provider, rule) for one in self.session.selected for rule in self.session.rules]

    def ask(self, wanted: Mapping[str, set[str]] | None = None) -> None:
        """Ask what the wanted rules need (all, where nothing is named), record it, and judge it."""
        self.asked = True
        rules = self._rules(wanted)
        chosen = [one for one in self.session.selected if wanted is None or one.provider.name in wanted]
        self._wanted = (chosen, rules)
        self._gather(chosen, rules)
        self._judge(chosen, rules)

    def _rules(self, wanted: Mapping[str, set[str]] | None) -> tuple[Rule, ...]:
        if wanted is None:
            return self.session.rules
        ids = set().union(*wanted.values()) if wanted else set()
        return tuple(rule for rule in self.session.rules if rule.id in ids)

    def _gather(self, chosen: Sequence[SelectedProvider], rules: tuple[Rule, ...]) -> None:
        replay = self.session.options.replay is not None
        self.claimed()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._disk())
            self._write_run(chosen, rules)
            recorder = None if replay else stack.enter_context(Recorder(self.out))
            started = list(chosen) if replay else stack.enter_context(embedded_servers(chosen))
            asking = GatherContext(
                self.seed,
                recorder,
                self._recorded,
                self._progress,
                rules,
                self._bodies.plan_for,
                self.gathered,
                self.session.environ,
            )
            self.interrupted = not gather(started, asking)

    @contextlib.contextmanager
    def _disk(self) -> Iterator[None]:
        """What cannot be written ends the asking; what was judged by then is still told."""
        try:
            yield
        except RecordError as error:
            self.fault = self.fault or str(error)

    def _read(self) -> dict[tuple[str, str, int], Exchange]:
        folder = self.session.options.replay or self.session.options.resume
        if folder is None or (self.session.options.resume and not (folder / FOLDER).is_dir()):
            return {}  # a run may have been killed before its first answer
        try:
            recording = read_recording(folder)
        except RecordError as error:
            raise UsageError(str(error)) from error
        self._warnings += recording.warnings
        return {(one.provider, one.probe, one.attempt): one for one in recording.exchanges}

    def _write_run(self, chosen: Sequence[SelectedProvider], rules: tuple[Rule, ...]) -> None:
        left = {one.provider.name: one.reason for one in self.session.skipped}
        run: dict[str, JSON] = {
            "format": FORMAT,
            "tool": {"name": "gemini-conformance", "version": __version__},
            "started_at": self.started_at,
            "seed": self.seed,
            "selection": self._selection(rules),
            "source": str(self.session.loaded.source),
            "asked": [one.provider.name for one in chosen],
            "left": {**left},
            "dialects": {one.dialect.name: one.dialect.digest for one in chosen},
            "providers": [provider_to_json(provider) for provider in self._in_order()],
        }
        write_run(self.out, run)

    def _in_order(self) -> list[Provider]:
        """The selected providers in the file's order."""
        names = {one.provider.name for one in self.session.selected} | {
            one.provider.name for one in self.session.skipped
        }
        return [provider for provider in self.session.loaded.providers if provider.name in names]

    def _selection(self, rules: tuple[Rule, ...]) -> dict[str, JSON]:
        options = self.session.options
        return {
            "providers": [*options.providers],
            "dimensions": [*options.dimensions],
            "rules": [] if len(rules) == len(RULES) else [rule.id for rule in rules],
            "against": options.against,
            "fail_on": options.fail_on,
            "clients": [*options.clients],
            "max_examples": options.max_examples,
            "shrink": options.shrink,
        }

    def _judge(self, chosen: Sequence[SelectedProvider], rules: tuple[Rule, ...]) -> None:
        selection = JudgingOptions(
            rules,
            self.session.options.measures,
            self.started.date(),
            self.session.loaded.shown,
            self._limits(rules),
        )
        dialects = {one.provider.name: one.dialect for one in chosen}
        self.verdicts = [judge_provider(one, dialects[one.provider.name], selection) for one in self.gathered]
        self._cases = {(v.provider.name, case.rule): case for v in self.verdicts for case in v.cases}

    def _limits(self, rules: Sequence[Rule]) -> RunLimits:
        """Say what narrowed the run as a whole, and what ended its asking early."""
        options, left_out = self.session.options, len(self.session.rules) - len(rules)
        chosen = [f"-d {name}" for name in options.dimensions]
        chosen += [f"--against {options.against}"] if options.against != "both" else []
        chosen += [f"{left_out} rules not selected"] if left_out else []
        return RunLimits(tuple(chosen), "interrupted" if self.interrupted else self.fault)

    def case(self, provider: str, rule: str) -> Case:
        """Return what became of one rule for one provider; blocked or inconclusive where it was not judged."""
        judged = any(verdict.provider.name == provider for verdict in self.verdicts)
        gone = (
            Case(rule, Outcome.BLOCKED, f"--against {self.session.options.against} leaves it out")
            if judged
            else Case(rule, Outcome.INCONCLUSIVE, "the run ended before it was judged")
        )
        return self._cases.get((provider, rule), gone)

    def finish(self) -> int:
        """Write the folder of results, and return the exit code as far as it is known before `conclude`."""
        with first_signal_waits():
            return self._finish()

    def _finish(self) -> int:
        self._judge_the_rest()
        self._write_results()
        if not self.interrupted:
            with self._disk():
                self._bodies.keep(self.verdicts)
        if self.session.options.out is None:
            point_latest(self.out)
        return self.exit_code

    @property
    def exit_code(self) -> int:
        """The exit code as far as the run is known by now."""
        return compute_exit_code(self.results, self._asked())

    def exit_causes(self) -> list[ExitCause]:
        """Return everything that makes the exit code other than 0."""
        return list(list_exit_causes(self.results, self._asked()))

    def conclude(self) -> int:
        """Look for keys in all that was written, the page included, and return the exit code of the run.

        Computed last, from all that is known by then; where that is more than results.json says, it is written again.
        """
        if self._concluded == self._known():
            return self.exit_code
        self.leaks = self._find_leaks()
        self._write_what_is_known()
        self._append_to_steps()
        self._write_what_is_known()  # the summary may have been what could not be written
        self._concluded = self._known()
        return self.exit_code

    def _write_what_is_known(self) -> None:
        if self.results is not None and self._written != self._known():
            self._write_results()

    def _known(self) -> tuple[bool, tuple[str, ...]]:
        """What befell the run beside its verdicts."""
        return self.interrupted, self._faults()

    def _faults(self) -> tuple[str, ...]:
        leaked = "a key was written to a file of the report" if self.leaks else ""
        return tuple(fault for fault in (self.fault, leaked) if fault)

    def _asked(self) -> ExitConditions:
        asked = read_conditions(self.results) if self.results is not None else ExitConditions()
        return replace(asked, interrupted=self.interrupted, faults=self._faults())

    def _find_leaks(self) -> list[str]:
        more = [self.session.options.write_known] if self.session.options.write_known else []
        return [str(leak) for leak in find_leaks([self.out, *more], self._secrets())]

    def _write_results(self) -> None:
        """Compute results.json, and write it with what is drawn from it beside the page."""
        self._written = self._known()
        written = format_results(self._document())
        # Every page is drawn from what was written: what the file cannot hold, no page shows.
        self.results = json.loads(written)
        self._write(self.results, written)

    def _document(self) -> dict[str, JSON]:
        return self._without_keys(build_results(self._about(), self._everyone()))

    def _append_to_steps(self) -> None:
        """Hand the summary to GitHub; one in which a key was found stays here."""
        steps = os.environ.get("GITHUB_STEP_SUMMARY")
        if not steps or self.leaks or self._appended or self.results is None or self.session.options.replay:
            return
        self._appended = True
        with self._disk():
            append_text(Path(steps), write_summary(self.results))

    def _without_keys(self, results: dict[str, JSON]) -> dict[str, JSON]:
        """Mask once more where texts were put together: what one provider said, with that provider's keys."""
        keyrings = {one.provider.name: Keyring.from_keys(one.secrets) for one in self.session.selected}
        made: list[JSON] = []
        for entry in results["providers"] if isinstance(results["providers"], list) else []:
            keyring = keyrings.get(str(entry["name"])) if isinstance(entry, dict) else None
            made.append(keyring.mask_json(entry) if keyring else entry)
        run = Keyring.from_keys(self._secrets()).mask_json(results["run"])
        return {**results, "providers": made, "run": run}

    def _judge_the_rest(self) -> None:
        """After an interrupt: judge what was asked and not yet judged."""
        judged = {verdict.provider.name for verdict in self.verdicts}
        if any(one.provider.name not in judged for one in self.gathered):
            self._judge(*self._wanted)

    def _about(self) -> RunInfo:
        return RunInfo(
            id=self.out.name,
            started_at=self.started_at,
            finished_at=current_time().isoformat(timespec="seconds"),
            complete=self._complete(),
            seed=self.seed,
            warnings=(*self._warnings, *self._bodies.warnings, *self._health()),
            interrupted=self.interrupted,
            faults=self._faults(),
            selection=self._selection(self.session.rules),
            kill_matrix=read_proof(),
        )

    def _secrets(self) -> list[Any]:
        return [secret for one in self.session.selected for secret in one.secrets]

    def _everyone(self) -> list[Verdict]:
        left = [skip_provider(one.provider, one.dialect, one.reason) for one in self.session.skipped]
        order = [provider.name for provider in self.session.loaded.providers]
        return sorted([*self.verdicts, *left], key=lambda verdict: order.index(verdict.provider.name))

    def _complete(self) -> bool:
        budget = any(one.cause == "budget" for gathered in self.gathered for one in gathered.unasked)
        return not self.interrupted and not budget and not self.fault

    def _health(self) -> list[str]:
        """What a reader should know of the run itself before believing its verdicts."""
        return [*([self.fault] if self.fault else []), *describe_health(self.verdicts)]

    def describe_resumption(self) -> str:
        """Return how much of a resumed run had been recorded before; empty for any other run."""
        if self.session.options.resume is None:
            return ""
        asked = sum(len(one.exchanges) for one in self.gathered) - len(self._recorded)
        return f"resumed: {len(self._recorded)} exchanges were there already, {max(0, asked)} were asked now"

    def _write(self, results: dict[str, Any], written: str) -> None:
        texts = {
            "results.json": written,
            "summary.md": write_summary(results),
            "junit.xml": write_junit(results),
        }
        for name, text in texts.items():
            with self._disk():
                write_report_file(self.out / name, text)
        if self.session.options.write_known is not None:
            with self._disk():
                write_atomically(self.session.options.write_known, propose_known_entries(results))
