"""The generated bodies of a run: drawn from the schemas, or taken from a recording; and kept where they fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from conformance.asking.run import Generated
from conformance.catalogue import Probe
from conformance.model import Exchange, Provider, Question
from conformance.running.session import BodyPlan, Recorded, SelectedProvider, Session, UsageError
from conformance.verdicts.verdict import Verdict


class GeneratedBodies:
    """What one run asks beside its fixed questions. Nothing is imported that draws, where nothing is drawn."""

    def __init__(self, session: Session, seed: int, out: Path, recorded: Recorded) -> None:
        """Check the schemas of all that bodies are drawn for.

        Raises UsageError, a line per schema that no body can be drawn from.
        """
        self.warnings: list[str] = []
        self._options, self._seed, self._recorded = session.options, seed, recorded
        self._folder = out.parent / "failing"
        self._drawn = self._asked(session)
        said = _body_search().find_schema_faults(self._drawn) if self._drawn else []
        if said:
            raise UsageError(*said)

    def _asked(self, session: Session) -> list[SelectedProvider]:
        wanted = any(rule.generated for rule in session.rules) and session.options.replay is None
        return [one for one in session.selected if wanted and self._count(one)]

    def _count(self, one: SelectedProvider) -> int:
        asked = self._options.max_examples
        return one.provider.max_examples if asked is None else asked

    def plan_for(self, one: SelectedProvider, probes: Sequence[Probe]) -> BodyPlan:
        """Return what one provider is asked, beside these fixed questions; in a replay what its recording holds."""
        if self._options.replay is not None:
            return BodyPlan(
                list_recorded_bodies(
                    exchange for exchange in self._recorded.values() if exchange.provider == one.provider.name
                )
            )
        if not self._count(one):
            return BodyPlan()
        room = _body_search()
        count = count_affordable_bodies(one.provider, self._count(one), probes)
        if count < self._count(one):
            self.warnings.append(_too_many(one.provider, self._count(one), count))
        budget = room.BodyBudget(self._seed, count, self._options.shrink)
        drawing, said = room.plan_bodies(one, probes, budget, self._file(one.provider.name))
        self.warnings += said
        return BodyPlan(drawing.bodies, drawing.smaller)

    def _file(self, provider: str) -> Path:
        """Beside the folders of runs, so that the next run finds what failed in this one."""
        return self._folder / f"{provider}.jsonl"

    def keep(self, verdicts: Iterable[Verdict]) -> None:
        """Keep what fails now for the next run; what was mended is kept no longer."""
        names = {one.provider.name for one in self._drawn}
        for verdict in verdicts:
            if verdict.provider.name in names:
                _body_search().update_failing_file(self._file(verdict.provider.name), verdict)


def count_affordable_bodies(provider: Provider, wanted: int, probes: Sequence[Probe]) -> int:
    """Return how many of the wanted bodies `max_requests` leaves room for, when each question is asked once."""
    asked = sum(probe.lacking(provider.unsupported) is None for probe in probes)
    return max(0, min(wanted, provider.max_requests - asked))


def _too_many(provider: Provider, wanted: int, count: int) -> str:
    return (
        f"{provider.name}: only {count} of {wanted} generated bodies: "
        f"max_requests is {provider.max_requests}, and the other questions come first"
    )


def _body_search() -> ModuleType:
    """Return the room that draws. Importing it imports Hypothesis, which takes longer than all else together."""
    from conformance.running import body_search  # noqa: PLC0415 - heavy, and a run without generated bodies does without

    return body_search


def list_recorded_bodies(exchanges: Iterable[Exchange]) -> tuple[Generated, ...]:
    """Return the generated bodies of a recording, each to be asked as often as it was."""
    times: dict[str, int] = {}
    for exchange in exchanges:
        if exchange.generated:
            times[exchange.probe] = times.get(exchange.probe, 0) + 1
    return tuple(Generated(probe, Question(), recorded=number) for probe, number in times.items())
