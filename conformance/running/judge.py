"""Judges what was gathered: turns replies into verdicts, without a clock or the network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from conformance.dialects.dialect import Dialect
from conformance.model import Case, Outcome
from conformance.replies import ProviderReplies
from conformance.running.gather import GatheredRun
from conformance.running.session import Scope, Session
from conformance.verdicts.extent import RunLimits
from conformance.verdicts.verdict import JudgingOptions, Verdict, judge_provider, skip_provider

JudgeReplies = Callable[[ProviderReplies, Dialect, JudgingOptions], Verdict]


@dataclass(frozen=True)
class JudgedRun:
    """The verdicts on the providers that were asked."""

    verdicts: tuple[Verdict, ...] = ()

    @cached_property
    def cases(self) -> Mapping[tuple[str, str], Case]:
        """The cases by provider and rule."""
        return {(one.provider.name, case.rule): case for one in self.verdicts for case in one.cases}

    def find_case(self, provider: str, rule: str, against: str) -> Case:
        """Return the case of one rule for one provider; blocked or inconclusive where it was not judged."""
        if any(verdict.provider.name == provider for verdict in self.verdicts):
            reason = f"--against {against} leaves it out"
            return self.cases.get((provider, rule), Case(rule, Outcome.BLOCKED, reason))
        return Case(rule, Outcome.INCONCLUSIVE, "the run ended before it was judged")


def judge(
    gathered: GatheredRun,
    scope: Scope,
    today: dt.date,
    ended: str,
    judge_replies: JudgeReplies = judge_provider,
) -> JudgedRun:
    """Return the verdicts on everything that was gathered.

    `ended` says in words what ended the asking early, and is empty if nothing did. `today` decides which known entries
    have expired.
    """
    session = scope.session
    options, left_out = session.options, len(session.rules) - len(scope.rules)
    narrowed = [f"-d {name}" for name in options.dimensions]
    narrowed += [f"--against {options.against}"] if options.against != "both" else []
    narrowed += [f"{left_out} rules not selected"] if left_out else []
    limits = RunLimits(tuple(narrowed), ended)
    judging = JudgingOptions(scope.rules, options.measures, today, session.loaded.display_name, limits)
    dialects = {one.provider.name: one.dialect for one in scope.selected}
    return JudgedRun(
        tuple(judge_replies(one, dialects[one.provider.name], judging) for one in gathered.providers)
    )


def list_verdicts(judged: JudgedRun, session: Session) -> list[Verdict]:
    """Return the verdicts in the order of the file, those of skipped providers included."""
    skipped = [skip_provider(one.provider, one.dialect, one.reason) for one in session.skipped]
    order = [provider.name for provider in session.loaded.providers]
    return sorted([*judged.verdicts, *skipped], key=lambda one: order.index(one.provider.name))
