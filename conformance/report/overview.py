"""Gathers what stands above the matrix: the headline, banners, facts, and the choices of the filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.report.answers import RECORDINGS_MOST, recording_in_words
from conformance.report.headline import headline, is_against_documents
from conformance.report.matrix import status_sign, worst_first
from conformance.report.plain import between, clip, moment
from conformance.report.words import DIMENSIONS, EXITS, Sign, plural

Entry = Mapping[str, Any]


LINES_MOST = 10  # of one banner
RULES_NAMED = 4
_NARROWED = ("providers", "dimensions", "clients")


@dataclass(frozen=True)
class Banner:
    """Something about the whole run that nobody may overlook. kind: stop | care | hint."""

    kind: str
    title: str
    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overview:
    """What the top of every rendering says of the run."""

    headline: str
    counts: tuple[tuple[Sign, int], ...]
    banners: tuple[Banner, ...]
    facts: tuple[tuple[str, str], ...]
    measure: str  # what the providers were held against


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


def _dead_banner(providers: Sequence[Entry]) -> Banner | None:
    """Return the one banner on every provider that could not be judged, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    dead = [each for each in providers if each["status"] == "inconclusive"]
    for each in dead:
        reason = str(each.get("reason") or "the plain question got no usable answer")
        own = reason.removeprefix(f"{each['name']}: ")
        reasons.setdefault(clip(own, 240), []).append(str(each.get("title") or each["name"]))
    if not dead:
        return None
    lines = tuple(f"{_names(names)}: {reason}" for reason, names in reasons.items())
    text = (
        "This report says nothing about them, good or bad."
        if len(dead) > 1
        else "This report says nothing about it, good or bad."
    )
    return Banner("care", f"{plural(len(dead), 'provider')} could not be judged", text, _bounded(lines))


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _bounded(lines: Sequence[str]) -> tuple[str, ...]:
    more = [f"and {len(lines) - LINES_MOST} more"] if len(lines) > LINES_MOST else []
    return (*lines[:LINES_MOST], *more)


def _stale_banner(providers: Sequence[Entry]) -> Banner | None:
    lines = [
        f"{each.get('title') or each['name']}: {str(line).removeprefix(str(each['name']) + ': ')}"
        for each in providers
        for line in each.get("stale") or ()
    ]
    return Banner("care", "Accepted deviations that no longer hold", "", _bounded(lines)) if lines else None


def _warning_banner(run: Entry, providers: Sequence[Entry]) -> Banner | None:
    """Return one banner with what is to be known of the run, but for what another banner says already."""
    dead = tuple(f"{each['name']}: " for each in providers if each["status"] == "inconclusive")
    stale = {str(line) for each in providers for line in each.get("stale") or ()}
    warnings = [str(line) for line in run.get("warnings") or () if line not in (run.get("recordings") or ())]
    lines = [line for line in warnings if line not in stale and not (dead and line.startswith(dead))]
    return Banner("care", "About this run", "", _bounded(lines)) if lines else None


def _recording_banner(results: Entry) -> Banner | None:
    """Return what was read of each file, where a recording was judged."""
    recorded, files = (
        recording_in_words(results),
        [str(one) for one in results["run"].get("recordings") or ()],
    )
    if not recorded:
        return None
    more = [f"and {len(files) - RECORDINGS_MOST} more files"] if len(files) > RECORDINGS_MOST else []
    text = "Nothing was asked, and nothing is said of what was not recorded."
    return Banner("hint", f"Judged from {recorded}", text, (*files[:RECORDINGS_MOST], *more))


def _unfinished_banner(run: Entry) -> Banner | None:
    if run["complete"]:
        return None
    title = "Interrupted" if run.get("interrupted") or run["exit_code"] == 130 else "Incomplete"
    text = "What is missing below was not asked; it did not pass."
    return Banner("stop", f"{title}: this run did not finish", text)


def banners(results: Entry) -> tuple[Banner, ...]:
    """Return what must not be overlooked: interrupted, warnings, not judged, bundled servers; one banner of each."""
    run, providers = results["run"], results.get("providers") or []
    found = (
        _unfinished_banner(run),
        _recording_banner(results),
        _dead_banner(providers),
        _warning_banner(run, providers),
        _stale_banner(providers),
        _embedded_banner(providers),
    )
    return tuple(banner for banner in found if banner)


def _facts(results: Entry) -> tuple[tuple[str, str], ...]:
    run, tool = results["run"], results["tool"]
    traffic = [each.get("traffic") or {} for each in results.get("providers") or ()]
    requests = sum(int(each.get("requests") or 0) for each in traffic)
    tokens = sum(
        int(each.get("prompt_tokens") or 0) + int(each.get("output_tokens") or 0) for each in traffic
    )
    code, recorded = run["exit_code"], recording_in_words(results)
    facts = [
        (
            "Run",
            f"{moment(run['started_at'])}, {between(run['started_at'], run['finished_at'])}".rstrip(", "),
        ),
        (
            "Judged" if recorded else "Sent",
            f"{recorded or plural(requests, 'request')}, {plural(tokens, 'token')}",
        ),
        ("With", f"{tool['name']} {tool['version']}" + ("" if recorded else f", seed {run['seed']}")),
        ("Selected", selection(run)),
        ("Exit code", f"{code}: {EXITS.get(code, '')}{_uncounted(results)}"),
    ]
    return tuple((name, text) for name, text in facts if text)


def _uncounted(results: Entry) -> str:
    """Return what explains an exit code that bundled servers did not change."""
    run = results["run"]
    named = run["exit_code"] != 0 or (run.get("selection") or {}).get("providers")
    bundled = any(
        each.get("embedded") and each["status"] == "deviates" for each in results.get("providers") or ()
    )
    return "; bundled servers count only when named with -p" if bundled and not named else ""


def selection(run: Entry) -> str:
    """Return what a run was narrowed to, as words; empty where all was asked.

    Dimensions are named, and the rules that they leave are counted; rules are named only where they are few.
    """
    chosen: Entry = run.get("selection") or {}
    said = [f"{name} {_listed(chosen[name])}" for name in _NARROWED if chosen.get(name)]
    rules = [str(rule) for rule in chosen.get("rules") or ()]
    if rules and not chosen.get("dimensions") and len(rules) <= RULES_NAMED:
        said.append(f"{'rule' if len(rules) == 1 else 'rules'} {_listed(rules)}")
    elif rules:
        said.append(plural(len(rules), "rule"))
    return "; ".join(said)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


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
    own = is_against_documents(results)
    measure = "their own documents" if own else "Google"
    return Overview(headline(results), counts, banners(results), _facts(results), measure)


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
