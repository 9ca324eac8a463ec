"""The generated bodies of a run: made from the schemas or taken from a recording, and kept if they fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from conformance.asking.run import BodyQuestion
from conformance.catalogue import Probe
from conformance.model import Exchange, Provider, Question
from conformance.running.gather import BodyPlan, Recorded
from conformance.running.session import SelectedProvider, Session, UsageError
from conformance.verdicts.verdict import Verdict


class GeneratedBodies:
    """The bodies that one run asks beside its fixed questions.

    Hypothesis, which makes them, is imported only if some are wanted.
    """

    def __init__(self, session: Session, seed: int, out: Path, recorded: Recorded) -> None:
        """Check the schemas of all providers that get bodies.

        Raises UsageError, a line per schema that no body can be made from.
        """
        self.warnings: list[str] = []
        self._options, self._seed, self._recorded = session.options, seed, recorded
        self._folder = out.parent / "failing"  # beside the folders of runs, so that the next run finds it
        generates = any(rule.generated for rule in session.rules) and session.options.replay is None
        wanted = [one for one in session.selected if generates and self._count_wanted(one.provider)]
        self._names = {one.provider.name for one in wanted}
        faults = _import_body_search().find_schema_faults(wanted) if wanted else []
        if faults:
            raise UsageError(*faults)

    def _count_wanted(self, provider: Provider) -> int:
        asked = self._options.max_examples
        return provider.max_examples if asked is None else asked

    def plan_for(self, one: SelectedProvider, probes: Sequence[Probe]) -> BodyPlan:
        """Return what one provider is asked beside these probes; in a replay what its recording holds."""
        provider = one.provider
        if self._options.replay is not None:
            return BodyPlan(
                list_recorded_bodies(one for one in self._recorded.values() if one.provider == provider.name)
            )
        wanted = self._count_wanted(provider)
        if not wanted:
            return BodyPlan()
        count = count_affordable_bodies(provider, wanted, probes)
        if count < wanted:
            self.warnings.append(
                f"{provider.name}: only {count} of {wanted} generated bodies: "
                f"max_requests is {provider.max_requests}, and the other questions come first"
            )
        search = _import_body_search()
        budget = search.BodyBudget(self._seed, count, self._options.shrink)
        plan: BodyPlan
        plan, warnings = search.plan_bodies(one, probes, budget, self._file_of(provider.name))
        self.warnings += warnings
        return plan

    def _file_of(self, provider: str) -> Path:
        return self._folder / f"{provider}.jsonl"

    def keep_failing(self, verdicts: Iterable[Verdict]) -> None:
        """Keep the bodies that fail now for the next run, and drop those that no longer fail. Raises RecordError."""
        for verdict in verdicts:
            name = verdict.provider.name
            if name in self._names:
                _import_body_search().update_failing_file(self._file_of(name), verdict)


def count_affordable_bodies(provider: Provider, wanted: int, probes: Sequence[Probe]) -> int:
    """Return how many of the wanted bodies `max_requests` leaves room for, when each question is asked once."""
    asked = sum(probe.find_missing_feature(provider.unsupported) is None for probe in probes)
    return max(0, min(wanted, provider.max_requests - asked))


def _import_body_search() -> ModuleType:
    """Return the module that makes bodies. It imports Hypothesis, which takes longer than everything else together."""
    from conformance.running import body_search  # noqa: PLC0415 - heavy, and most runs do without

    return body_search


def list_recorded_bodies(exchanges: Iterable[Exchange]) -> tuple[BodyQuestion, ...]:
    """Return the generated bodies of a recording, each to be asked as often as it was."""
    times = Counter(exchange.probe for exchange in exchanges if exchange.generated)
    return tuple(BodyQuestion(probe, Question(), recorded=number) for probe, number in times.items())
