"""Gathers what the page shows above the matrix: headline, banners, facts, and the choices of the filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.phrases import conjugate, count_noun, join_names
from conformance.report.headline import is_against_documents, write_headline
from conformance.report.matrix import choose_sign, sort_providers
from conformance.report.recorded_replies import MOST_RECORDINGS, describe_recording
from conformance.report.safe_text import clip_text, format_elapsed, format_moment
from conformance.report.vocabulary import DIMENSIONS, EXITS, Entry, Sign

MOST_LINES = 10  # of one banner
RULES_NAMED = 4
_NARROWED = ("providers", "dimensions", "clients")


@dataclass(frozen=True)
class Banner:
    """Something about the whole run that a reader must not overlook. kind: stop | care | hint."""

    kind: str
    title: str
    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overview:
    """What the top of every rendering says about the run."""

    headline: str
    counts: tuple[tuple[Sign, int], ...]
    banners: tuple[Banner, ...]
    facts: tuple[tuple[str, str], ...]
    measure: str  # what the providers were compared with


def _limit_lines(lines: Sequence[str], most: int = MOST_LINES, noun: str = "") -> tuple[str, ...]:
    more = [f"and {len(lines) - most} more{noun}"] if len(lines) > most else []
    return (*lines[:most], *more)


def _drop_name(text: object, provider: Entry) -> str:
    """Return a text about a provider without the provider's name in front."""
    return str(text).removeprefix(f"{provider['name']}: ")


def _warn_of_bundled(providers: Sequence[Entry]) -> Banner | None:
    asked = [each for each in providers if each["status"] != "not-run"]
    bundled = sum(bool(each.get("embedded")) for each in asked)
    text = (
        "They answer as a vendor's document says, from this computer. "
        "They show what the document promises, not what the vendor does."
    )
    if bundled == len(asked):
        return Banner("care", "No vendor was asked: these are bundled servers", text) if asked else None
    servers = "is a bundled server" if bundled == 1 else "are bundled servers"
    return Banner("hint", f"{count_noun(bundled, 'row')} below {servers}", text) if bundled else None


def _warn_of_unjudged(providers: Sequence[Entry]) -> Banner | None:
    """Return a banner on all providers that could not be judged, grouped by reason."""
    unjudged = [each for each in providers if each["status"] == "inconclusive"]
    reasons: dict[str, list[str]] = {}
    for each in unjudged:
        reason = _drop_name(each.get("reason") or "the plain question got no usable reply", each)
        reasons.setdefault(clip_text(reason, 240), []).append(str(each.get("title") or each["name"]))
    lines = [f"{join_names(names, 6)}: {reason}" for reason, names in reasons.items()]
    them = "them" if len(unjudged) > 1 else "it"
    title = f"{count_noun(len(unjudged), 'provider')} could not be judged"
    text = f"This report says nothing about {them}, good or bad."
    return Banner("care", title, text, _limit_lines(lines)) if lines else None


def _warn_of_stale(providers: Sequence[Entry]) -> Banner | None:
    lines = [
        f"{each.get('title') or each['name']}: {_drop_name(line, each)}"
        for each in providers
        for line in each.get("stale") or ()
    ]
    title = "Accepted findings that no longer occur"
    return Banner("care", title, "", _limit_lines(lines)) if lines else None


def _show_warnings(run: Entry, providers: Sequence[Entry]) -> Banner | None:
    """Return one banner with the run's warnings, except those that another banner gives already."""
    unjudged = tuple(f"{each['name']}: " for each in providers if each["status"] == "inconclusive")
    shown = {str(line) for each in providers for line in each.get("stale") or ()}
    shown |= set(map(str, run.get("recordings") or ()))
    lines = [
        line
        for line in map(str, run.get("warnings") or ())
        if line not in shown and not line.startswith(unjudged)
    ]
    return Banner("care", "About this run", "", _limit_lines(lines)) if lines else None


def _describe_files(results: Entry) -> Banner | None:
    """Return what was read from each file, where a recording was judged."""
    recorded = describe_recording(results)
    files = _limit_lines(
        [str(one) for one in results["run"].get("recordings") or ()], MOST_RECORDINGS, " files"
    )
    text = "Nothing was sent. What was not recorded is not judged."
    return Banner("hint", f"Judged from {recorded}", text, files) if recorded else None


def _warn_of_incomplete(run: Entry, providers: Sequence[Entry]) -> Banner | None:
    if run["complete"]:
        return None
    if _is_only_unwritten(run, providers):
        return Banner("stop", "Incomplete: some of the results could not be written", "")
    title = "Interrupted" if run.get("interrupted") or run["exit_code"] == 130 else "Incomplete"
    text = "What is missing below was not asked, so it has not passed."
    return Banner("stop", f"{title}: this run did not finish", text)


def _is_only_unwritten(run: Entry, providers: Sequence[Entry]) -> bool:
    """Return whether every question was asked, and only writing the results failed."""
    limits = {
        str(limit) for each in providers for limit in (each.get("judged") or {}).get("limited_by") or ()
    }
    spent = any(one.get("cause") == "budget" for each in providers for one in each.get("unasked") or ())
    faults = {str(fault) for fault in run.get("faults") or ()}
    unwritten = bool(faults) and all("cannot be written" in fault for fault in faults)
    return unwritten and not (faults & limits or spent or run.get("interrupted"))


def make_banners(results: Entry) -> tuple[Banner, ...]:
    """Return what must not be overlooked: interrupted, warnings, not judged, bundled servers; one banner of each."""
    run, providers = results["run"], results.get("providers") or []
    found = (
        _warn_of_incomplete(run, providers),
        _describe_files(results),
        _warn_of_unjudged(providers),
        _show_warnings(run, providers),
        _warn_of_stale(providers),
        _warn_of_bundled(providers),
    )
    return tuple(banner for banner in found if banner)


def _list_facts(results: Entry) -> tuple[tuple[str, str], ...]:
    run, tool = results["run"], results["tool"]
    traffic = [each.get("traffic") or {} for each in results.get("providers") or ()]
    requests, sent, received = (
        sum(int(each.get(name) or 0) for each in traffic)
        for name in ("requests", "prompt_tokens", "output_tokens")
    )
    code, recorded = run["exit_code"], describe_recording(results)
    elapsed = format_elapsed(run["started_at"], run["finished_at"])
    exchanged = recorded or count_noun(requests, "request")
    facts = [
        ("Run", ", ".join(filter(None, (format_moment(run["started_at"]), elapsed)))),
        ("Judged" if recorded else "Sent", f"{exchanged}, {count_noun(sent + received, 'token')}"),
        ("With", f"{tool['name']} {tool['version']}" + ("" if recorded else f", seed {run['seed']}")),
        ("Selected", describe_selection(run)),
        ("Exit code", f"{code}: {EXITS.get(code, '')}{_explain_bundled(results)}"),
    ]
    return tuple((name, text) for name, text in facts if text)


def _explain_bundled(results: Entry) -> str:
    """Return why findings at bundled servers did not change the exit code; empty where that needs no explanation."""
    run = results["run"]
    named = run["exit_code"] != 0 or (run.get("selection") or {}).get("providers")
    bundled = any(
        each.get("embedded") and each["status"] == "deviates" for each in results.get("providers") or ()
    )
    return "; bundled servers count only when named with -p" if bundled and not named else ""


def describe_selection(run: Entry) -> str:
    """Return what a run was restricted to; empty where everything was asked.

    Dimensions are named; rules are named only where they are few, and counted otherwise.
    """
    chosen: Entry = run.get("selection") or {}
    parts = [f"{name} {_join_values(chosen[name])}" for name in _NARROWED if chosen.get(name)]
    rules = [str(rule) for rule in chosen.get("rules") or ()]
    if rules and not chosen.get("dimensions") and len(rules) <= RULES_NAMED:
        parts.append(f"{'rule' if len(rules) == 1 else 'rules'} {_join_values(rules)}")
    elif rules:
        parts.append(count_noun(len(rules), "rule"))
    return "; ".join(parts)


def _join_values(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tally_verdicts(providers: Sequence[Entry]) -> Iterator[tuple[Sign, int]]:
    """Count verdicts, worst first. Where vendors were asked, bundled servers are one group of their own."""
    vendors = [each for each in providers if not each.get("embedded")]
    asked = any(each["status"] != "not-run" for each in vendors)
    counts = Counter(choose_sign(each) for each in sort_providers(vendors if asked else providers))
    yield from ((_inflect_sign(sign, number), number) for sign, number in counts.items())
    bundled = len(providers) - len(vendors)
    if bundled and asked:
        yield Sign("bundled", "⌂", "bundled server" if bundled == 1 else "bundled servers", ""), bundled


def _inflect_sign(sign: Sign, number: int) -> Sign:
    """Return the sign with its verb in the plural where several providers share it."""
    verb, _, rest = sign.word.partition(" ")
    if verb not in {"breaks", "deviates", "conforms"}:
        return sign
    return replace(sign, word=f"{conjugate(number, verb[:-1])} {rest}".strip())


def make_overview(results: Entry) -> Overview:
    """Return the top of the page."""
    counts = tuple(_tally_verdicts(results.get("providers") or []))
    own = is_against_documents(results)
    measure = "their own documents" if own else "Google"
    return Overview(write_headline(results), counts, make_banners(results), _list_facts(results), measure)


def list_dimensions(results: Entry) -> tuple[str, ...]:
    """Return the dimensions in which something was found, in the order of the columns."""
    found = {
        str(each["dimension"])
        for provider in results.get("providers") or ()
        for each in provider.get("deviations") or ()
    }
    return tuple(str(dimension) for dimension in DIMENSIONS if dimension in found)


def list_clients(results: Entry) -> tuple[str, ...]:
    """Return every client that a provider was judged by, in the order of first appearance."""
    names = (
        str(entry["client"])
        for provider in results.get("providers") or ()
        for entry in provider.get("clients") or ()
    )
    return tuple(dict.fromkeys(names))
