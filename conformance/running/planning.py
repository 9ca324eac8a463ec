"""What a run would send and cost at most: counted from the catalogue, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from conformance.asking.prompts import limit_after_cuts
from conformance.catalogue import Probe, ProbeContext, Unaskable
from conformance.model import ATTEMPTS_TO_ACCUSE, JSON, Provider, Question
from conformance.running.gather import select_probes
from conformance.running.generated_bodies import count_affordable_bodies
from conformance.running.session import SelectedProvider, Session, SkippedProvider

TOKENS_OF_BODY = 16  # the most that a generated body allows
TOKENS_WITHOUT_LIMIT = 64  # assumed for a question that sets no limit; its right answer has about ten
_TOKENS_OF_PROMPT = 60


@dataclass(frozen=True)
class Estimate:
    """What one provider would be sent."""

    provider: Provider
    first_asks: int
    worst_case: int  # with attempts, retries and generated bodies, under max_requests
    generated: int
    output_tokens: int  # the sum of the limits of the first asks, if the vendor honours them
    worst_tokens: int
    money: float | None
    missing: str | None  # why it would not run


def estimate_session(session: Session) -> list[Estimate]:
    """Return an estimate for every provider of the session, in the file's order."""
    order = [provider.name for provider in session.loaded.providers]
    providers: list[SelectedProvider | SkippedProvider] = [*session.selected, *session.skipped]
    found = [estimate_provider(one, session) for one in providers]
    return sorted(found, key=lambda one: order.index(one.provider.name))


def estimate_provider(one: SelectedProvider | SkippedProvider, session: Session) -> Estimate:
    """Return what a run would send to one provider."""
    provider, options = one.provider, session.options
    probes = select_probes(one.dialect, session.rules, whole=not options.dimensions)
    asked = [probe for probe in probes if probe.find_missing_feature(provider.unsupported) is None]
    wanted = provider.max_examples if options.max_examples is None else options.max_examples
    wanted = wanted if any(rule.generated for rule in session.rules) else 0
    generated = count_affordable_bodies(provider, wanted, probes)
    # A body that fails is asked three times, and one that is throttled a few times more.
    bodies = generated * (ATTEMPTS_TO_ACCUSE + provider.limits.retries) + options.shrink * bool(generated)
    attempts = sum(probe.attempts for probe in asked) * (provider.limits.retries + 1)
    limits = {probe.id: _limit_of_probe(probe, provider) for probe in asked}
    tokens = sum(limits.values())
    # Every attempt has more room than the one before, as for a model whose thinking uses it up.
    worst_tokens = generated * ATTEMPTS_TO_ACCUSE * TOKENS_OF_BODY + sum(
        limit_after_cuts(limits[probe.id], cuts) for probe in asked for cuts in range(probe.attempts)
    )
    prices, prompts = provider.prices, len(asked) * _TOKENS_OF_PROMPT
    return Estimate(
        provider,
        len(asked),
        min(provider.max_requests, attempts + bodies),
        generated,
        tokens,
        worst_tokens,
        (prompts * prices.input + tokens * prices.output) / 1_000_000 if prices else None,
        one.reason if isinstance(one, SkippedProvider) else None,
    )


def _limit_of_probe(probe: Probe, provider: Provider) -> int:
    """Return the output tokens that a probe's first attempt can cost."""
    if probe.follows is not None:
        return TOKENS_WITHOUT_LIMIT if probe.ceiling is None else probe.ceiling
    question = probe.build(ProbeContext(provider.model, "0000"))
    return 0 if isinstance(question, Unaskable) else _limit_of_question(question)


def _limit_of_question(question: Question) -> int:
    """Return the output tokens that a question can cost if limits are honoured; a refused question costs none."""
    expected = question.expected.get("status", 200)
    if expected != 200 or question.verb != "POST" or question.method == "countTokens":
        return 0
    body = question.body if isinstance(question.body, dict) else {}
    config = body.get("generationConfig", body.get("generation_config", body))
    settings = config if isinstance(config, dict) else {}
    limit = settings.get("maxOutputTokens", settings.get("max_output_tokens"))
    candidates = settings.get("candidateCount")
    return (limit if isinstance(limit, int) else TOKENS_WITHOUT_LIMIT) * (
        candidates if isinstance(candidates, int) else 1
    )


def estimates_as_json(estimates: Sequence[Estimate]) -> dict[str, JSON]:
    """Return the plan as data, for `--format json`; `money` and `missing` are null where there are none."""
    names = [one.name for one in fields(Estimate) if one.name != "provider"]
    return {
        "providers": [
            {"provider": one.provider.name} | {name: getattr(one, name) for name in names}
            for one in estimates
        ]
    }


def format_estimates(estimates: Sequence[Estimate]) -> list[str]:
    """Return the plan as the terminal shows it."""
    lines = ["provider                  first asks  generated  worst case  output tokens (worst)  money"]
    for one in estimates:
        money = "unknown" if one.money is None else f"{one.money:.4f}"
        name = f"{one.provider.name:<25} {one.first_asks:>10}  {one.generated:>9}  {one.worst_case:>10}"
        lines.append(f"{name}  {one.output_tokens:>7} ({one.worst_tokens:>5})        {money}")
        if one.missing:
            lines.append(f"    not run: {one.missing}")
    return [
        *lines,
        "First asks: each fixed question once, without generated bodies. Worst case: every attempt and retry, never more than max_requests.",
        "Output tokens: the sum of the limits that the questions set, if the vendor honours them. Nothing was sent.",
    ]
