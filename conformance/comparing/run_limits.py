"""What limited the judging of a run, and which providers a pattern names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType

from conformance.comparing.past import PastProvider, PastRun
from conformance.model import JSON
from conformance.phrases import count_noun

# The count of rules that a finding leaves open, in results.json: a consequence of the findings, not of the run.
_FOLLOWS = re.compile(r": [\d,]+ rules?$")


def find_limits(run: PastRun, provider: PastProvider) -> tuple[str, ...]:
    """Return what limited the judging of one provider, apart from rules that its own findings leave open.

    Where the file does not say, this follows from what the run was asked for.
    """
    stated = tuple(limit for limit in provider.limited_by if not _FOLLOWS.search(limit))
    return stated or tuple(_find_run_limits(run))


def _find_run_limits(run: PastRun) -> Iterator[str]:
    dimensions = _as_texts(run.selection.get("dimensions"))
    yield from (f"-d {name}" for name in dimensions)
    rules = _as_texts(run.selection.get("rules"))
    if rules and not dimensions:
        yield "--rule"
    against = run.selection.get("against")
    if isinstance(against, str) and against not in ("", "both"):
        yield f"--against {against}"
    if not run.complete:
        yield "the run is incomplete"


def list_dimensions(run: PastRun) -> tuple[str, ...]:
    """Return the dimensions that the run was restricted to; none where it asked all."""
    return tuple(_as_texts(run.selection.get("dimensions")))


def describe_part(run: PastRun, provider: PastProvider) -> str:
    """Return what a partial verdict rests on: questions, rules and what limited them; empty where everything was judged."""
    limits = find_limits(run, provider)
    if provider.status == "partial":
        limits = limits or provider.limited_by
    elif not limits:
        return ""
    dimensions = list_dimensions(run)
    asked = f"computed from {count_noun(provider.questions, 'question')}"
    of = f" of {' and '.join(dimensions)} only" if dimensions else " only"
    known = provider.rules_judged is not None and provider.rules_in_all is not None
    rules = f", {provider.rules_judged} of {provider.rules_in_all} rules judged" if known else ""
    others = [limit for limit in limits if limit not in {f"-d {name}" for name in dimensions}]
    why = f" ({', '.join(others)})" if others else ""
    return f"{asked}{of}{rules}{why}"


def _as_texts(value: JSON) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def select_providers(run: PastRun, patterns: Sequence[str]) -> PastRun:
    """Return the run with only the providers that a pattern names; all of them where there is no pattern."""
    if not patterns:
        return run
    kept = {
        name: one
        for name, one in run.providers.items()
        if any(matches_provider(name, each) for each in patterns)
    }
    return replace(run, providers=MappingProxyType(kept))


def matches_provider(name: str, pattern: str) -> bool:
    """Return whether a pattern names a provider: by its name, as a glob, or as the entry of `entry@model`."""
    return fnmatchcase(name, pattern) or name.partition("@")[0] == pattern


def find_unmatched(names: Iterable[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns that name no provider."""
    known = list(names)
    return tuple(each for each in patterns if not any(matches_provider(name, each) for name in known))
