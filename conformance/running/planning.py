"""What a run would send and cost at most: counted from the catalogue, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from conformance.asking.prompts import limit_after_cuts
from conformance.catalogue import Probe, ProbeContext, Unaskable
from conformance.dialects.dialect import Dialect
from conformance.judging.attempts import ATTEMPTS_TO_ACCUSE
from conformance.model import JSON, Provider, Question
from conformance.running.gather import select_probes
from conformance.running.generated_bodies import count_affordable_bodies
from conformance.running.session import Session

BODY = 16  # tokens that a drawn body allows at most
BARE = 64  # tokens allowed for a question that sets no limit; its right answer has about ten


@dataclass(frozen=True)
class Estimate:
    """What one provider would be sent."""

    provider: Provider
    first_asks: int
    worst_case: int  # with tries, retries and generated bodies, under max_requests
    generated: int
    output_tokens: int  # the sum of the limits of the first asks, where the vendor honours them
    worst_tokens: int
    money: float | None
    missing: str | None  # why it would not run


def _limit(question: Question) -> int:
    """The output tokens that a question can cost where limits are honoured; what is refused costs none."""
    expected = question.expected.get("status", 200)
    if expected != 200 or question.verb != "POST" or question.method == "countTokens":
        return 0
    body = question.body if isinstance(question.body, dict) else {}
    config = body.get("generationConfig", body.get("generation_config", body))
    limits = config if isinstance(config, dict) else {}
    value = limits.get("maxOutputTokens", limits.get("max_output_tokens", BARE))
    several = limits.get("candidateCount", 1)
    return (value if isinstance(value, int) else BARE) * (several if isinstance(several, int) else 1)


def _tokens(probe: Probe, provider: Provider) -> int:
    if probe.follows is not None:
        return BARE if probe.ceiling is None else probe.ceiling
    question = probe.build(ProbeContext(provider.model, "0000"))
    return 0 if isinstance(question, Unaskable) else _limit(question)


def _worst(probe: Probe, provider: Provider) -> int:
    """Every try, each with more room than the one before, as for a model whose thinking eats it."""
    first = _tokens(probe, provider)
    return sum(limit_after_cuts(first, cut) for cut in range(probe.attempts))


def estimate_provider(
    provider: Provider, dialect: Dialect, session: Session, missing: str | None
) -> Estimate:
    """Return what a run would send to one provider."""
    probes = select_probes(dialect, session.rules, whole=not session.options.dimensions)
    asked = [probe for probe in probes if probe.find_missing_feature(provider.unsupported) is None]
    generated = count_affordable_bodies(provider, _examples(provider, session), probes)
    tries = sum(probe.attempts for probe in asked)
    tokens = sum(_tokens(probe, provider) for probe in asked)
    # A body that fails is asked three times, and one for which there is no room a few times more.
    bodies = generated * (ATTEMPTS_TO_ACCUSE + provider.limits.retries) + session.options.shrink * bool(
        generated
    )
    worst = min(provider.max_requests, tries * (provider.limits.retries + 1) + bodies)
    worst_tokens = sum(_worst(probe, provider) for probe in asked) + generated * ATTEMPTS_TO_ACCUSE * BODY
    prices = provider.prices
    money = None if prices is None else (len(asked) * 60 * prices.input + tokens * prices.output) / 1_000_000
    return Estimate(provider, len(asked), worst, generated, tokens, worst_tokens, money, missing)


def _examples(provider: Provider, session: Session) -> int:
    """How many bodies are drawn: none where no rule looks at them."""
    asked = session.options.max_examples
    count = provider.max_examples if asked is None else asked
    return count if any(rule.generated for rule in session.rules) else 0


def estimate_session(session: Session) -> list[Estimate]:
    """Return an estimate for every provider of the session, in the file's order."""
    chosen = [estimate_provider(one.provider, one.dialect, session, None) for one in session.selected]
    left = [estimate_provider(one.provider, one.dialect, session, one.reason) for one in session.skipped]
    order = [provider.name for provider in session.loaded.providers]
    return sorted([*chosen, *left], key=lambda one: order.index(one.provider.name))


def estimates_as_json(several: Sequence[Estimate]) -> dict[str, JSON]:
    """Return the plan as data, for `--format json`; `money` and `missing` are null where there are none."""
    names = [one.name for one in fields(Estimate) if one.name != "provider"]
    entries = [
        {"provider": one.provider.name} | {name: getattr(one, name) for name in names} for one in several
    ]
    return {"providers": [*entries]}


def format_estimates(several: Sequence[Estimate]) -> list[str]:
    """Return the plan as the terminal shows it."""
    out = ["provider                  first asks  generated  worst case  output tokens (worst)  money"]
    for one in several:
        money = "unknown" if one.money is None else f"{one.money:.4f}"
        name = f"{one.provider.name:<25} {one.first_asks:>10}  {one.generated:>9}  {one.worst_case:>10}"
        out.append(f"{name}  {one.output_tokens:>7} ({one.worst_tokens:>5})        {money}")
        if one.missing:
            out.append(f"    not run: {one.missing}")
    out.append(
        "First asks: without generated bodies. Worst case: every try and retry, never more than max_requests."
    )
    out.append(
        "Output tokens: the sum of the limits that are sent, where the vendor honours them. Nothing was sent."
    )
    return out
