"""results.json: verdicts in, one JSON document out, from which every page can be drawn again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance import __version__
from conformance.asking.curl import curl_line
from conformance.catalogue import RULES
from conformance.dialects.dialect import Dialect
from conformance.dialects.remarks import build_tables, list_remarks
from conformance.judging.traits import REFERENCE
from conformance.model import JSON, RESULTS_FORMAT, Deviation, Outcome, Source
from conformance.reading.reply import Reply
from conformance.verdicts.acceptance import probe_of
from conformance.verdicts.client_verdicts import ClientVerdict
from conformance.verdicts.coverage import measure_coverage
from conformance.verdicts.evidence import extract_evidence as evidence_of
from conformance.verdicts.exit_code import compute_exit_code, read_conditions
from conformance.verdicts.serving import with_served_address
from conformance.verdicts.verdict import Verdict

_POINTERS = 50


@dataclass(frozen=True)
class RunInfo:
    """What results.json says of the run itself."""

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
    # Of a recording that others made: a line for each file that was read, and for each that could not be.
    recordings: tuple[str, ...] | None = None
    unreadable: tuple[str, ...] = ()


def build_results(
    info: RunInfo, verdicts: Sequence[Verdict], views: Mapping[str, Sequence[JSON]] | None = None
) -> dict[str, JSON]:
    """Return the whole of results.json, with the exit code that it amounts to.

    `views`: by provider, what each client makes of each answer; only for recordings of others.
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
    """Return the dialects of the providers that were asked anything."""
    return [verdict.dialect for verdict in verdicts if verdict.status != "not-run"]


def describe_provider(verdict: Verdict) -> dict[str, JSON]:
    """Return one provider as results.json holds it."""
    who = with_served_address(verdict.provider, verdict.dialect)
    embedded = who.embedded is not None
    return {
        "name": who.name,
        "title": who.title,
        "dialect": verdict.dialect.name,
        "base_url": who.base_url,
        "model": who.model,
        "embedded": embedded,
        "status": verdict.status,
        "reason": verdict.reason,
        "judged": {
            "rules": verdict.judged.rules,
            "of": verdict.judged.of,
            "limited_by": [*verdict.judged.limited_by],
        },
        "undecided": [*verdict.undecided],
        "optional": verdict.provider.optional,
        "traits": _traits(verdict),
        "clients": [_client(client) for client in verdict.clients],
        "traffic": _traffic(verdict),
        "cases": [_case(case.rule, case.outcome, case.reason, case.exchanges) for case in verdict.cases],
        "deviations": [_deviation(one, verdict) for one in verdict.deviations],
        "coverage": [*measure_coverage(verdict.dialect, verdict.replies)],
        "stale": [*verdict.stale],
        "unasked": _unasked(verdict),
    }


def _unasked(verdict: Verdict) -> list[JSON]:
    several = verdict.gathered.unasked if verdict.gathered else []
    return [
        {"probe": one.probe, "cause": one.cause, "detail": one.detail}
        for one in sorted(several, key=lambda one: one.probe)
    ]


def _traits(verdict: Verdict) -> dict[str, JSON]:
    documented = verdict.dialect.values_of_traits
    return {
        name: {
            "reference": reference,
            "documented": documented.get(name),
            "observed": verdict.traits.get(name),
        }
        for name, reference in REFERENCE.items()
    }


def _client(client: ClientVerdict) -> dict[str, JSON]:
    because: list[JSON] = []
    for effect, rule in client.because:
        entry: dict[str, JSON] = {
            "effect": effect.effect,
            "detail": effect.detail,
            "exchange": effect.exchange,
        }
        because.append(entry | ({"rule": rule} if rule else {}))
    return {
        "client": client.client,
        "verdict": client.verdict,
        "because": because,
        "configure": [*client.configure],
    }


def _traffic(verdict: Verdict) -> dict[str, JSON]:
    exchanges = verdict.gathered.exchanges if verdict.gathered else []
    replies = verdict.replies
    out: dict[str, JSON] = {
        "requests": len(exchanges),
        "retries": sum(exchange.retry for exchange in exchanges),
        "prompt_tokens": sum(max(0, reply.count("promptTokenCount")) for reply in replies),
        "output_tokens": sum(_output(reply) for reply in replies),
        "seconds": round(sum(exchange.ended_ms for exchange in exchanges) / 1000, 3),
    }
    prices = verdict.provider.prices
    if prices is not None:
        spent = sum(
            max(0, reply.count("promptTokenCount")) * prices.input + _output(reply) * prices.output
            for reply in replies
        )
        out["money"] = round(spent / 1_000_000, 6)
    return out


def _output(reply: Reply) -> int:
    return max(0, reply.count("candidatesTokenCount") + reply.count("thoughtsTokenCount"))


def _case(rule: str, outcome: Outcome, reason: str, exchanges: int) -> dict[str, JSON]:
    return {"rule": rule, "outcome": outcome.value, "reason": reason, "exchanges": exchanges}


def _source(source: Source) -> dict[str, JSON]:
    entry: dict[str, JSON] = {"document": source.document}
    return entry | {
        name: value for name in ("lines", "says", "sha256", "url") if (value := getattr(source, name))
    }


def _deviation(deviation: Deviation, verdict: Verdict) -> dict[str, JSON]:
    locations = deviation.locations
    pointers = list(dict.fromkeys(location.pointer for location in locations))
    extracts = evidence_of(deviation, verdict.replies)
    first = next((reply for reply in verdict.replies if reply.id == locations[0].exchange), None)
    sections = RULES[deviation.rule].sections if deviation.rule in RULES else {}
    out: dict[str, JSON] = {
        "rule": deviation.rule,
        "dimension": deviation.dimension.value,
        "level": deviation.level.value,
        "against": [measure.value for measure in deviation.against],
        "title": deviation.title,
        "probes": [*dict.fromkeys(probe_of(location.exchange) for location in locations)],
        "pointers": [*pointers[:_POINTERS]],
        "more_pointers": max(0, len(pointers) - _POINTERS),
        "expected": locations[0].expected,
        "observed": _observed(deviation),
        "exchanges": [*list(dict.fromkeys(location.exchange for location in locations))[:_POINTERS]],
        "clients": [{"client": e.client, "effect": e.effect, "detail": e.detail} for e in deviation.effects],
        "source": _source(deviation.source),
        "known": deviation.known is not None,
        "generated": deviation.generated,
        "evidence": [*extracts],
        "why": sections.get("Why", ""),
        "breaks": sections.get("Breaks", ""),
        "way_round": sections.get("Workaround", ""),
    }
    if deviation.documented is not None:
        out["documented"] = _source(deviation.documented)
    if deviation.known is not None:
        out["accepted"] = {
            "reason": deviation.known.reason,
            "until": deviation.known.until,
            "line": deviation.known.line,
        }
    if first is not None:
        out["curl"] = curl_line(
            first.exchange.request, with_served_address(verdict.provider, verdict.dialect)
        )
    if verdict.provider.embedded:
        out["serve"] = f"conformance serve {verdict.provider.embedded}"
    return out


def _observed(deviation: Deviation) -> str:
    """The first place's words, and how many more there are of another kind."""
    several = list(dict.fromkeys(location.observed for location in deviation.locations))
    more = len(several) - 3
    return "; ".join(several[:3]) + (f"; and {more} more" if more > 0 else "")


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
