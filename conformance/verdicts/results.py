"""Builds results.json from the verdicts: one JSON document from which every page can be drawn again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from conformance import __version__
from conformance.asking.curl import format_curl_line
from conformance.catalogue import RULES
from conformance.dialects.dialect import Dialect
from conformance.dialects.remarks import build_tables, list_remarks
from conformance.judging.traits import REFERENCE
from conformance.model import JSON, RESULTS_FORMAT, Deviation, Provider, Source
from conformance.verdicts.acceptance import read_probe
from conformance.verdicts.client_verdicts import ClientVerdict
from conformance.verdicts.coverage import measure_coverage
from conformance.verdicts.evidence import extract_evidence
from conformance.verdicts.exit_code import compute_exit_code, read_conditions
from conformance.verdicts.verdict import Verdict

_POINTERS = 50
_MOST_OBSERVED = 3


@dataclass(frozen=True)
class RunInfo:
    """What results.json says about the run itself."""

    id: str
    started_at: str
    finished_at: str
    complete: bool
    seed: int
    warnings: tuple[str, ...] = ()
    interrupted: bool = False
    faults: tuple[str, ...] = ()  # what the checker itself failed at
    selection: Mapping[str, JSON] | None = None
    kill_matrix: Mapping[str, JSON] | None = None
    # For a recording that others made: a line for each file that was read, and one for each that could not be read.
    recordings: tuple[str, ...] | None = None
    unreadable: tuple[str, ...] = ()


def build_results(
    info: RunInfo, verdicts: Sequence[Verdict], views: Mapping[str, Sequence[JSON]] | None = None
) -> dict[str, JSON]:
    """Return the content of results.json, with the exit code that follows from it.

    `views` holds, for each provider, what each client makes of each answer; it is given only for other people's recordings.
    """
    run: dict[str, JSON] = {
        "id": info.id,
        "started_at": info.started_at,
        "finished_at": info.finished_at,
        "complete": info.complete,
        "interrupted": info.interrupted,
        "seed": info.seed,
        "faults": [*info.faults],
        "warnings": [*info.warnings],
        "selection": dict(info.selection or {}),
        "kill_matrix": dict(info.kill_matrix or {}),
    }
    if info.recordings is not None:
        run |= {"recordings": [*info.recordings], "unreadable": [*info.unreadable]}
    providers: list[JSON] = []
    for verdict in verdicts:
        entry = describe_provider(verdict)
        answers: list[JSON] = [*(views or {}).get(verdict.provider.name, ())]
        providers.append(entry if views is None else entry | {"answers": answers})
    dialects = list_asked_dialects(verdicts)
    results: dict[str, JSON] = {
        "format": RESULTS_FORMAT,
        "tool": {"name": "gemini-conformance", "version": __version__},
        "run": run,
        "providers": providers,
        "documents": [*list_remarks(dialects)],
        "side_by_side": build_tables(dialects),
    }
    run["exit_code"] = compute_exit_code(results, read_conditions(results))
    return results


def list_asked_dialects(verdicts: Sequence[Verdict]) -> list[Dialect]:
    """Return the dialects of the providers that were sent questions."""
    return [verdict.dialect for verdict in verdicts if verdict.status != "not-run"]


def show_provider(provider: Provider, dialect: Dialect) -> Provider:
    """Return a provider as pages show it: an embedded one at the fixed address of `conformance serve`."""
    if provider.embedded is None:
        return provider
    return replace(provider, base_url=f"http://127.0.0.1:{dialect.embedded.get('port', 0)}")


def describe_provider(verdict: Verdict) -> dict[str, JSON]:
    """Return one provider as results.json holds it."""
    shown = show_provider(verdict.provider, verdict.dialect)
    unasked = sorted(verdict.gathered.unasked if verdict.gathered else [], key=lambda one: one.probe)
    documented, observed = verdict.dialect.values_of_traits, verdict.traits
    return {
        "name": shown.name,
        "title": shown.title,
        "dialect": verdict.dialect.name,
        "base_url": shown.base_url,
        "model": shown.model,
        "embedded": shown.embedded is not None,
        "status": verdict.status,
        "reason": verdict.reason,
        "judged": {**asdict(verdict.judged), "limited_by": [*verdict.judged.limited_by]},
        "undecided": [*verdict.undecided],
        "optional": shown.optional,
        "traits": {
            name: {"reference": reference, "documented": documented.get(name), "observed": observed.get(name)}
            for name, reference in REFERENCE.items()
        },
        "clients": [_describe_client(client) for client in verdict.clients],
        "traffic": _measure_traffic(verdict),
        "cases": [
            {"rule": one.rule, "outcome": one.outcome.value, "reason": one.reason, "exchanges": one.exchanges}
            for one in verdict.cases
        ],
        "deviations": [_describe_deviation(one, verdict, shown) for one in verdict.deviations],
        "coverage": [*measure_coverage(verdict.dialect, verdict.replies)],
        "stale": [*verdict.stale],
        "unasked": [asdict(one) for one in unasked],
    }


def _describe_client(client: ClientVerdict) -> dict[str, JSON]:
    because: list[JSON] = []
    for effect, rule in client.because:
        entry = {"effect": effect.effect, "detail": effect.detail, "exchange": effect.exchange}
        because.append({**entry, "rule": rule} if rule else {**entry})
    return {
        "client": client.client,
        "verdict": client.verdict,
        "because": because,
        "configure": [*client.configure],
    }


def _measure_traffic(verdict: Verdict) -> dict[str, JSON]:
    """Return how much was asked and answered, and what that cost if prices are known."""
    exchanges = verdict.gathered.exchanges if verdict.gathered else []
    prompt, output = 0, 0
    for reply in verdict.replies:
        prompt += max(0, reply.count("promptTokenCount"))
        output += max(0, reply.count("candidatesTokenCount") + reply.count("thoughtsTokenCount"))
    traffic: dict[str, JSON] = {
        "requests": len(exchanges),
        "retries": sum(exchange.retry for exchange in exchanges),
        "prompt_tokens": prompt,
        "output_tokens": output,
        "seconds": round(sum(exchange.ended_ms for exchange in exchanges) / 1000, 3),
    }
    prices = verdict.provider.prices
    if prices is not None:
        traffic["money"] = round((prompt * prices.input + output * prices.output) / 1_000_000, 6)
    return traffic


def _describe_source(source: Source) -> dict[str, JSON]:
    return {name: value for name, value in asdict(source).items() if value or name == "document"}


def _describe_deviation(deviation: Deviation, verdict: Verdict, shown: Provider) -> dict[str, JSON]:
    locations, known = deviation.locations, deviation.known
    pointers = list(dict.fromkeys(location.pointer for location in locations))
    exchanges = list(dict.fromkeys(location.exchange for location in locations))
    observed = list(dict.fromkeys(location.observed for location in locations))
    more = f"; and {len(observed) - _MOST_OBSERVED} more" if len(observed) > _MOST_OBSERVED else ""
    sections = RULES[deviation.rule].sections if deviation.rule in RULES else {}
    entry: dict[str, JSON] = {
        "rule": deviation.rule,
        "dimension": deviation.dimension.value,
        "level": deviation.level.value,
        "against": [measure.value for measure in deviation.against],
        "title": deviation.title,
        "probes": [*dict.fromkeys(map(read_probe, exchanges))],
        "pointers": [*pointers[:_POINTERS]],
        "more_pointers": max(0, len(pointers) - _POINTERS),
        "expected": locations[0].expected,
        "observed": "; ".join(observed[:_MOST_OBSERVED]) + more,
        "exchanges": [*exchanges[:_POINTERS]],
        "clients": [
            {"client": one.client, "effect": one.effect, "detail": one.detail} for one in deviation.effects
        ],
        "source": _describe_source(deviation.source),
        "known": known is not None,
        "generated": deviation.generated,
        "evidence": [*extract_evidence(deviation, verdict.replies)],
        "why": sections.get("Why", ""),
        "breaks": sections.get("Breaks", ""),
        "way_round": sections.get("Workaround", ""),
    }
    if deviation.documented is not None:
        entry["documented"] = _describe_source(deviation.documented)
    if known is not None:
        entry["accepted"] = {"reason": known.reason, "until": known.until, "line": known.line}
    first = next((reply for reply in verdict.replies if reply.id == exchanges[0]), None)
    if first is not None:
        entry["curl"] = format_curl_line(first.exchange.request, shown)
    if shown.embedded:
        entry["serve"] = f"conformance serve {shown.embedded}"
    return entry


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def replace_surrogates(value: JSON) -> JSON:
    """Return a value without halves of surrogate pairs, which no file can hold; U+FFFD stands for each.

    A vendor may send them inside JSON.
    """
    if isinstance(value, str):
        return value if value.isascii() else _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {str(replace_surrogates(name)): replace_surrogates(child) for name, child in value.items()}
    return [replace_surrogates(child) for child in value] if isinstance(value, list | tuple) else value


def format_results(results: JSON) -> str:
    """Return results.json's text: indented by one, so that a diff of two runs is readable."""
    return json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False)
