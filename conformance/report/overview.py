"""Says what one run found as a whole: headline, banners, facts, and the choices of the filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.report.matrix import levels, status_sign, worst_first
from conformance.report.plain import between, moment
from conformance.report.words import DIMENSIONS, EXITS, Sign, plural

Entry = Mapping[str, Any]


_NARROWED = ("providers", "dimensions", "rules", "clients")


@dataclass(frozen=True)
class Banner:
    """Something about the whole run that nobody may overlook. kind: stop | care | hint."""

    kind: str
    title: str
    text: str


@dataclass(frozen=True)
class Overview:
    """What the top of every rendering says of the run."""

    headline: str
    counts: tuple[tuple[Sign, int], ...]
    banners: tuple[Banner, ...]
    facts: tuple[tuple[str, str], ...]


def _judged(providers: Sequence[Entry]) -> list[Entry]:
    return [each for each in providers if each["status"] in {"deviates", "conforms"}]


def headline(results: Entry) -> str:
    """Return the run in one sentence."""
    providers = results.get("providers") or []
    judged = _judged(providers)
    real = [each for each in judged if not each.get("embedded")]
    if not providers:
        return "Nothing was selected, so nothing was tested"
    if not judged:
        return "No vendor could be judged"
    return _sentence(real, "vendor") if real else _sentence(judged, "bundled server")


def _sentence(judged: Sequence[Entry], noun: str) -> str:
    breaking = sum(1 for each in judged if levels(each)["must"])
    deviating = sum(1 for each in judged if each["status"] == "deviates")
    total = plural(len(judged), noun)
    if len(judged) == 1:
        only = "The vendor" if noun == "vendor" else "The bundled server"
        return f"{only} {_one(breaking, deviating)}"
    if breaking:
        return f"{breaking} of {total} break{'s' * (breaking == 1)} Google's contract"
    if deviating:
        return f"None of {total} breaks Google's contract; {deviating} deviate{'s' * (deviating == 1)} in details"
    return f"All {total} conform to Google's contract"


def _one(breaking: int, deviating: int) -> str:
    if breaking:
        return "breaks Google's contract"
    return "keeps Google's contract but for details" if deviating else "conforms to Google's contract"


def _embedded_banner(providers: Sequence[Entry]) -> Banner | None:
    bundled = [each for each in providers if each.get("embedded") and each["status"] != "not-run"]
    if not bundled:
        return None
    asked = any(not each.get("embedded") and each["status"] != "not-run" for each in providers)
    text = "They answer as a vendor's document says, from this computer. They show what the document promises, not what the vendor does."
    title = f"{plural(len(bundled), 'row')} below {'is a' if len(bundled) == 1 else 'are'} bundled server{'s' * (len(bundled) > 1)}"
    return (
        Banner("hint", title, text)
        if asked
        else Banner("care", "No vendor was asked: these are bundled servers", text)
    )


def _status_banner(
    providers: Sequence[Entry], status: str, kind: str, title: str, text: str
) -> Banner | None:
    names = [str(each.get("title") or each["name"]) for each in providers if each["status"] == status]
    if not names:
        return None
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return Banner(kind, f"{plural(len(names), 'provider')} {title}", f"{listed}. {text}")


def _stale_banner(providers: Sequence[Entry]) -> Banner | None:
    lines = [
        f"{each.get('title') or each['name']}: {line}"
        for each in providers
        for line in each.get("stale") or ()
    ]
    if not lines:
        return None
    more = f"; and {len(lines) - 10} more" if len(lines) > 10 else ""
    return Banner("care", "Accepted deviations that no longer hold", "; ".join(lines[:10]) + more)


def banners(results: Entry) -> tuple[Banner, ...]:
    """Return what must not be overlooked: interrupted, warnings, not judged, bundled servers."""
    run, providers = results["run"], results.get("providers") or []
    found: list[Banner | None] = []
    if not run["complete"]:
        interrupted = run.get("interrupted") or run["exit_code"] == 130
        title = "Interrupted" if interrupted else "Incomplete"
        found.append(
            Banner(
                "stop",
                f"{title}: this run did not finish",
                "What is missing below was not asked; it did not pass.",
            )
        )
    found += [Banner("care", "About this run", str(warning)) for warning in (run.get("warnings") or ())[:20]]
    found += [
        _status_banner(
            providers, "inconclusive", "care", "could not be judged",
            "No usable answer came to the plain question, so nothing is said of them.",
        ),
        _stale_banner(providers),
        _embedded_banner(providers),
    ]  # fmt: skip
    return tuple(banner for banner in found if banner)


def _facts(results: Entry) -> tuple[tuple[str, str], ...]:
    run, tool = results["run"], results["tool"]
    traffic = [each.get("traffic") or {} for each in results.get("providers") or ()]
    requests = sum(int(each.get("requests") or 0) for each in traffic)
    tokens = sum(
        int(each.get("prompt_tokens") or 0) + int(each.get("output_tokens") or 0) for each in traffic
    )
    code = run["exit_code"]
    facts = [
        (
            "Run",
            f"{moment(run['started_at'])}, {between(run['started_at'], run['finished_at'])}".rstrip(", "),
        ),
        ("Sent", f"{plural(requests, 'request')}, {plural(tokens, 'token')}"),
        ("With", f"{tool['name']} {tool['version']}, seed {run['seed']}"),
        ("Selected", selection(run)),
        ("Exit code", f"{code}: {EXITS.get(code, '')}"),
    ]
    return tuple((name, text) for name, text in facts if text)


def selection(run: Entry) -> str:
    """Return what a run was narrowed to, as words; empty where all was asked."""
    chosen: Entry = run.get("selection") or {}
    return ", ".join(f"{name} {_listed(chosen[name])}" for name in _NARROWED if chosen.get(name))


def _listed(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def _tally(providers: Sequence[Entry]) -> Iterator[tuple[Sign, int]]:
    """Count verdicts, worst first; beside vendors, bundled servers are only counted, for they are none."""
    vendors = [each for each in providers if not each.get("embedded")]
    asked = any(each["status"] != "not-run" for each in vendors)
    counts = Counter(status_sign(each) for each in worst_first(vendors if asked else providers))
    yield from ((_said_of(sign, number), number) for sign, number in counts.items())
    bundled = len(providers) - len(vendors)
    if bundled and asked:
        yield Sign("bundled", "⌂", plural(bundled, "bundled server").partition(" ")[2], ""), bundled


def _said_of(sign: Sign, number: int) -> Sign:
    """Return the sign with its verb in the plural where several share it."""
    verb, _, rest = sign.word.partition(" ")
    plain = verb in {"breaks", "deviates", "conforms"} and number != 1
    return replace(sign, word=f"{verb[:-1]} {rest}".strip()) if plain else sign


def overview(results: Entry) -> Overview:
    """Return the top of the page."""
    counts = tuple(_tally(results.get("providers") or []))
    return Overview(headline(results), counts, banners(results), _facts(results))


def dimensions(results: Entry) -> tuple[str, ...]:
    """Return the dimensions in which something was found, in the order of the columns."""
    found = {
        str(each["dimension"])
        for provider in results.get("providers") or ()
        for each in provider.get("deviations") or ()
    }
    return tuple(str(dimension) for dimension in DIMENSIONS if dimension in found)


def client_names(results: Entry) -> tuple[str, ...]:
    """Return every client that a provider was judged by, in the order of first appearance."""
    names = (
        str(entry["client"])
        for provider in results.get("providers") or ()
        for entry in provider.get("clients") or ()
    )
    return tuple(dict.fromkeys(names))
