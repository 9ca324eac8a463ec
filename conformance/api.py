"""Judges exchanges that somebody else recorded, for `conformance judge` and for other people's own tests.

    from conformance import judge

    verdict = judge([{"url": …, "request_body": …, "status": 200, "response_headers": …, "body": …}])
    assert verdict.status != "deviates", [deviation.title for deviation in verdict.deviations]

Nothing is asked here, so what was not recorded is not judged. The exchanges with one model of one host are judged
together, but questions are not compared with each other: each has a probe of its own, of which no rule expects anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from conformance.capturing.addresses import UNKNOWN_HOST
from conformance.capturing.collecting import ExchangeGroup, read_values
from conformance.catalogue import RULES, list_rules
from conformance.dialects.dialect import Dialect, load_dialect
from conformance.judging.proof import NO_CODE, NO_CONTROL, NO_REFUSAL
from conformance.model import GRAVE_LEVELS, MEASURES, Against, Case, Exchange, Outcome, Provider
from conformance.phrases import count_noun
from conformance.replies import ProviderReplies
from conformance.verdicts.cases import EXPLAINED, NO_BODIES, UNANSWERED
from conformance.verdicts.client_verdicts import ClientVerdict
from conformance.verdicts.extent import JUDGED, JudgedExtent
from conformance.verdicts.verdict import JudgingOptions, Verdict, judge_provider

NOT_ASKED = "not asked"
# Reasons about questions that only our own runs ask.
_NOT_ITS_KIND = (NO_REFUSAL, NO_CODE)
_REFUSALS_ALONE = "the recording holds only refusals, which show nothing about answers"


def judge(
    exchanges: Iterable[Mapping[str, object] | Exchange], *, dialect: str = "google", against: str = "both"
) -> Verdict:
    """Return the verdict on whoever answered these recorded exchanges.

    An exchange is a mapping of the form that docs/judging.md describes, or an `Exchange`. `dialect` is a bundled one,
    or the path of a folder; `against` is `reference`, `documented` or `both`. Of the verdict,

    * `status` is `deviates` (a must or a should), `partial` (nothing of that in what could be judged) or `inconclusive`
      (nothing could be judged), for a few exchanges are never the whole contract;
    * `deviations` are the findings, worst first: `rule`, `level`, `title`, `locations` with `expected` and `observed`;
    * `clients` says of each modelled client whether it `works`, is `degraded` or `broken`, and why;
    * `judged` says how many rules were judged, and what limited that.

    Raises ValueError for an exchange that cannot be read, and for exchanges of which none asks for anything of the
    Gemini API; DialectError for a dialect.
    """
    if against not in MEASURES:
        raise ValueError(f"against is {against!r}; it must be one of {', '.join(MEASURES)}")
    found = load_dialect(dialect)
    recorded = read_values(exchanges)
    if not recorded.groups:
        raise ValueError(f"there is nothing to judge: {'; '.join(one.says for one in recorded.files)}")
    return merge_verdicts([judge_group(group, found, MEASURES[against]) for group in recorded.groups])


def make_provider(group: ExchangeGroup, dialect: str) -> Provider:
    """Return a group of recorded exchanges as the provider that it is judged as."""
    host = "a recording without a host" if group.host == UNKNOWN_HOST else group.host
    title = ", ".join(part for part in (host, group.model) if part)
    return Provider(group.name, title, group.base_url, dialect, group.model)


def gather_group(group: ExchangeGroup, dialect: str) -> ProviderReplies:
    """Return recorded exchanges as if they had been asked; nothing else was."""
    return ProviderReplies.of_exchanges(make_provider(group, dialect), group.exchanges)


def judge_group(
    group: ExchangeGroup, dialect: Dialect, against: frozenset[Against] = MEASURES["both"]
) -> Verdict:
    """Return the verdict on the exchanges with one model of one host.

    The function is pure: it uses neither a clock nor the network.
    """
    return judge_captured(gather_group(group, dialect.name), dialect, JudgingOptions(list_rules(), against))


def judge_captured(gathered: ProviderReplies, dialect: Dialect, options: JudgingOptions) -> Verdict:
    """Return the verdict on replies that others recorded: a question that was not asked counts neither for nor against the vendor."""
    verdict = judge_provider(gathered, dialect, options)
    asked = {reply.probe for reply in verdict.replies}
    return _limit_to_recording(
        replace(verdict, cases=tuple(_name_unasked_questions(case, asked) for case in verdict.cases))
    )


# --- a recording shows only what it contains ---


def _name_unasked_questions(case: Case, asked: Collection[str]) -> Case:
    """Return `not asked` for a rule that found nothing to look at: its question was never put."""
    if case.outcome not in (Outcome.BLOCKED, Outcome.INCONCLUSIVE) or case.reason.startswith(EXPLAINED):
        return case
    probes = RULES[case.rule].probes
    if probes and set(probes).isdisjoint(asked):
        more = f" and {len(probes) - 3} more" if len(probes) > 3 else ""
        reason = f"{NOT_ASKED}: it needs the question {' or '.join(probes[:3])}{more}"
        return Case(case.rule, Outcome.BLOCKED, reason)
    if case.exchanges == 0 or case.reason in (UNANSWERED, NO_BODIES) or case.reason.endswith(_NOT_ITS_KIND):
        return Case(
            case.rule, Outcome.BLOCKED, f"{NOT_ASKED}: the recording holds nothing that it could judge"
        )
    if case.reason == NO_CONTROL:
        return Case(case.rule, Outcome.BLOCKED, _REFUSALS_ALONE, case.exchanges)
    return case


def _limit_to_recording(verdict: Verdict) -> Verdict:
    """Return a verdict that says what it rests on, and does not count as open what no recording could have shown."""
    number = sum(case.outcome in JUDGED for case in verdict.cases)
    limit = f"a recording of {count_noun(len(verdict.replies), 'exchange')}"
    status, reason = _find_status(verdict, number)
    judged = JudgedExtent(number, len(RULES), (limit,))
    return replace(verdict, status=status, reason=reason, judged=judged, undecided=())


def _find_status(verdict: Verdict, judged: int) -> tuple[str, str | None]:
    if any(one.level in GRAVE_LEVELS for one in verdict.deviations):
        return "deviates", None
    if verdict.replies and all(reply.kind == "html" for reply in verdict.replies):
        return "inconclusive", verdict.reason
    if judged and any(reply.exchange.failure is None for reply in verdict.replies):
        return "partial", None
    return "inconclusive", "nothing in the recording can be judged"


# --- several models in one verdict ---

_WORST_CLIENT = ("broken", "degraded", "works", "untested")
_WORST_OUTCOME = (
    Outcome.ERROR, Outcome.DEVIATION, Outcome.KNOWN, Outcome.NOTE, Outcome.PASS, Outcome.UNSUPPORTED,
    Outcome.INCONCLUSIVE, Outcome.BLOCKED,
)  # fmt: skip


def merge_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """Return several verdicts as one, the worst of each case; a single one is returned unchanged."""
    if len(verdicts) == 1:
        return verdicts[0]
    by_rule: dict[str, list[Case]] = {}
    for case in (case for verdict in verdicts for case in verdict.cases):
        by_rule.setdefault(case.rule, []).append(case)
    clients = zip(*(verdict.clients for verdict in verdicts), strict=True)
    merged = replace(
        verdicts[0],
        replies=tuple(reply for verdict in verdicts for reply in verdict.replies),
        cases=tuple(map(_merge_cases, by_rule.values())),
        clients=tuple(map(_merge_client_verdicts, clients)),
        gathered=None,
        traits={},
    )
    return _limit_to_recording(merged)


def _merge_cases(cases: Sequence[Case]) -> Case:
    """Return the worst case of a rule, with the deviations of all of them as one, the worst level first."""
    worst = min(cases, key=lambda case: _WORST_OUTCOME.index(case.outcome))
    deviations = sorted((case.deviation for case in cases if case.deviation), key=lambda one: one.level.rank)
    deviation = None
    if deviations:
        effects = {(effect.client, effect.effect): effect for one in deviations for effect in one.effects}
        locations = tuple(location for one in deviations for location in one.locations)
        deviation = replace(deviations[0], locations=locations, effects=tuple(effects.values()))
    return replace(worst, exchanges=sum(case.exchanges for case in cases), deviation=deviation)


def _merge_client_verdicts(verdicts: Sequence[ClientVerdict]) -> ClientVerdict:
    worst = min(verdicts, key=lambda one: _WORST_CLIENT.index(one.verdict))
    because = tuple(dict.fromkeys(reason for one in verdicts for reason in one.because))[:6]
    return replace(worst, because=because)
