"""Gathers what stands above the matrix: the headline, banners, facts, and the choices of the filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.phrases import count_noun
from conformance.report.headline import is_against_documents, write_headline
from conformance.report.matrix import choose_sign, sort_providers
from conformance.report.recorded_replies import MOST_RECORDINGS, describe_recording
from conformance.report.safe_text import clip, format_elapsed, format_moment
from conformance.report.vocabulary import DIMENSIONS, EXITS, Sign

Entry = Mapping[str, Any]


MOST_LINES = 10  # of one banner
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


def _warn_of_bundled(providers: Sequence[Entry]) -> Banner | None:
    bundled = [each for each in providers if each.get("embedded") and each["status"] != "not-run"]
    if not bundled:
        return None
    asked = any(not each.get("embedded") and each["status"] != "not-run" for each in providers)
    text = "They answer as a vendor's document says, from this computer. They show what the document promises, not what the vendor does."
    title = f"{count_noun(len(bundled), 'row')} below {'is a' if len(bundled) == 1 else 'are'} bundled server{'s' * (len(bundled) > 1)}"
    return (
        Banner("hint", title, text)
        if asked
        else Banner("care", "No vendor was asked: these are bundled servers", text)
    )


def _warn_of_unjudged(providers: Sequence[Entry]) -> Banner | None:
    """Return the one banner on every provider that could not be judged, those with the same reason together."""
    reasons: dict[str, list[str]] = {}
    dead = [each for each in providers if each["status"] == "inconclusive"]
    for each in dead:
        reason = str(each.get("reason") or "the plain question got no usable answer")
        own = reason.removeprefix(f"{each['name']}: ")
        reasons.setdefault(clip(own, 240), []).append(str(each.get("title") or each["name"]))
    if not dead:
        return None
    lines = tuple(f"{_join_names(names)}: {reason}" for reason, names in reasons.items())
    text = (
        "This report says nothing about them, good or bad."
        if len(dead) > 1
        else "This report says nothing about it, good or bad."
    )
    return Banner(
        "care", f"{count_noun(len(dead), 'provider')} could not be judged", text, _limit_lines(lines)
    )


def _join_names(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _limit_lines(lines: Sequence[str]) -> tuple[str, ...]:
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    return (*lines[:MOST_LINES], *more)


def _warn_of_stale(providers: Sequence[Entry]) -> Banner | None:
    lines = [
        f"{each.get('title') or each['name']}: {str(line).removeprefix(str(each['name']) + ': ')}"
        for each in providers
        for line in each.get("stale") or ()
    ]
    return (
        Banner("care", "Accepted deviations that no longer hold", "", _limit_lines(lines)) if lines else None
    )


def _show_warnings(run: Entry, providers: Sequence[Entry]) -> Banner | None:
    """Return one banner with what is to be known of the run, but for what another banner says already."""
    dead = tuple(f"{each['name']}: " for each in providers if each["status"] == "inconclusive")
    stale = {str(line) for each in providers for line in each.get("stale") or ()}
    warnings = [str(line) for line in run.get("warnings") or () if line not in (run.get("recordings") or ())]
    lines = [line for line in warnings if line not in stale and not (dead and line.startswith(dead))]
    return Banner("care", "About this run", "", _limit_lines(lines)) if lines else None


def _describe_files(results: Entry) -> Banner | None:
    """Return what was read of each file, where a recording was judged."""
    recorded, files = (
        describe_recording(results),
        [str(one) for one in results["run"].get("recordings") or ()],
    )
    if not recorded:
        return None
    more = [f"and {len(files) - MOST_RECORDINGS} more files"] if len(files) > MOST_RECORDINGS else []
    text = "Nothing was asked, and nothing is said of what was not recorded."
    return Banner("hint", f"Judged from {recorded}", text, (*files[:MOST_RECORDINGS], *more))


def _warn_of_incomplete(run: Entry, providers: Sequence[Entry]) -> Banner | None:
    if run["complete"]:
        return None
    if _is_only_unwritten(run, providers):
        return Banner("stop", "Incomplete: not all that was judged could be written", "")
    title = "Interrupted" if run.get("interrupted") or run["exit_code"] == 130 else "Incomplete"
    text = "What is missing below was not asked; it did not pass."
    return Banner("stop", f"{title}: this run did not finish", text)


def _is_only_unwritten(run: Entry, providers: Sequence[Entry]) -> bool:
    """Return whether the asking came to its end, and only the writing failed."""
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
    requests = sum(int(each.get("requests") or 0) for each in traffic)
    tokens = sum(
        int(each.get("prompt_tokens") or 0) + int(each.get("output_tokens") or 0) for each in traffic
    )
    code, recorded = run["exit_code"], describe_recording(results)
    facts = [
        (
            "Run",
            f"{format_moment(run['started_at'])}, {format_elapsed(run['started_at'], run['finished_at'])}".rstrip(
                ", "
            ),
        ),
        (
            "Judged" if recorded else "Sent",
            f"{recorded or count_noun(requests, 'request')}, {count_noun(tokens, 'token')}",
        ),
        ("With", f"{tool['name']} {tool['version']}" + ("" if recorded else f", seed {run['seed']}")),
        ("Selected", describe_selection(run)),
        ("Exit code", f"{code}: {EXITS.get(code, '')}{_explain_bundled(results)}"),
    ]
    return tuple((name, text) for name, text in facts if text)


def _explain_bundled(results: Entry) -> str:
    """Return what explains an exit code that bundled servers did not change."""
    run = results["run"]
    named = run["exit_code"] != 0 or (run.get("selection") or {}).get("providers")
    bundled = any(
        each.get("embedded") and each["status"] == "deviates" for each in results.get("providers") or ()
    )
    return "; bundled servers count only when named with -p" if bundled and not named else ""


def describe_selection(run: Entry) -> str:
    """Return what a run was narrowed to, as words; empty where all was asked.

    Dimensions are named, and the rules that they leave are counted; rules are named only where they are few.
    """
    chosen: Entry = run.get("selection") or {}
    said = [f"{name} {_join_values(chosen[name])}" for name in _NARROWED if chosen.get(name)]
    rules = [str(rule) for rule in chosen.get("rules") or ()]
    if rules and not chosen.get("dimensions") and len(rules) <= RULES_NAMED:
        said.append(f"{'rule' if len(rules) == 1 else 'rules'} {_join_values(rules)}")
    elif rules:
        said.append(count_noun(len(rules), "rule"))
    return "; ".join(said)


def _join_values(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tally_verdicts(providers: Sequence[Entry]) -> Iterator[tuple[Sign, int]]:
    """Count verdicts, worst first; beside vendors, bundled servers are only counted, for they are none."""
    vendors = [each for each in providers if not each.get("embedded")]
    asked = any(each["status"] != "not-run" for each in vendors)
    counts = Counter(choose_sign(each) for each in sort_providers(vendors if asked else providers))
    yield from ((_inflect(sign, number), number) for sign, number in counts.items())
    bundled = len(providers) - len(vendors)
    if bundled and asked:
        yield Sign("bundled", "⌂", count_noun(bundled, "bundled server").partition(" ")[2], ""), bundled


def _inflect(sign: Sign, number: int) -> Sign:
    """Return the sign with its verb in the plural where several share it."""
    verb, _, rest = sign.word.partition(" ")
    plain = verb in {"breaks", "deviates", "conforms"} and number != 1
    return replace(sign, word=f"{verb[:-1]} {rest}".strip()) if plain else sign


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
