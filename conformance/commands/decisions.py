"""The commands that decide: compare two runs, and switch from one vendor to another."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from conformance import catalogue
from conformance.commands.masking import collect_keys
from conformance.commands.streams import print_json, print_lines, write_line
from conformance.commands.switch_sides import find_sides, take_side
from conformance.comparing import compare as comparing
from conformance.comparing import switching
from conformance.comparing.finished_runs import find_newest_run
from conformance.comparing.past import MEND, PastRun, read_past
from conformance.comparing.run_limits import find_unmatched, select_providers
from conformance.model import JSON
from conformance.recording.writing import RecordError, append_text, write_atomically
from conformance.report import comparison_text, render_page, switch_text
from conformance.running.session import UsageError, resolve_clients
from conformance.validation import validate


def compare(args: Namespace) -> int:
    """Print what is new, fixed, still there and no longer covered between two runs."""
    catalogue.load()
    criteria = comparing.Criteria(args.fail_on, resolve_clients(args.client))
    old, new = read_past(args.old), read_past(args.new)
    _check_providers(old, new, args.provider)
    found = comparing.compare(
        select_providers(old, args.provider), select_providers(new, args.provider), criteria
    )
    keyring = collect_keys(os.environ)
    if args.format == "json":
        print_json(keyring.mask_json(comparison_text.add_sentences(found, comparing.as_data(found))))
    else:
        render = comparison_text.format_markdown if args.format == "markdown" else comparison_text.format_text
        write_line(sys.stdout, keyring.mask(render(found).rstrip("\n")))
    if args.html:
        section = keyring.mask_json(comparison_text.add_sentences(found, comparing.as_page_section(found)))
        _write_page(args.html, new, {"comparison": section})
    _append_summary(keyring.mask(comparison_text.format_markdown(found)))
    return found.exit_code


def _check_providers(old: PastRun, new: PastRun, patterns: Sequence[str]) -> None:
    """Refuse what cannot be compared. Raises UsageError.

    Two runs without a common provider are a wrong command line (2), not lost coverage (3): nothing that a vendor did could have
    caused it.
    """
    names = list(dict.fromkeys((*new.providers, *old.providers)))
    unmatched = find_unmatched(names, patterns)
    if unmatched:
        known = ", ".join(names) or "none"
        raise UsageError(f"-p {unmatched[0]}: neither run has such a provider; there are: {known}")
    if not set(old.providers) & set(new.providers):
        sides = " / ".join(", ".join(run.providers) or "none" for run in (old, new))
        raise UsageError(f"the runs have no provider in common: {sides}")


def _append_summary(text: str) -> None:
    """Append to the summary of a CI job; a failure is reported, and changes no exit code."""
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    try:
        if target:
            append_text(Path(target), text)
    except RecordError as error:
        print_lines(f"GITHUB_STEP_SUMMARY: {error}", stream=sys.stderr)


def switch(args: Namespace) -> int:
    """Print what changes for code that moves from one side to the other."""
    catalogue.load()
    clients, names = resolve_clients(args.client), (args.from_, args.to)
    held = find_sides(names, args.results)
    before, after = (take_side(name, run, args.results) for name, run in zip(names, held, strict=True))
    found = switching.compare_sides(before, after)
    if args.format == "json":
        print_json(switching.as_data(found))
    else:
        render = switch_text.format_markdown if args.format == "markdown" else switch_text.format_text
        write_line(sys.stdout, render(found, clients).rstrip("\n"))
    if args.html:
        _write_page(args.html, find_newest_run(held), {"switch": switching.as_data(found)})
    return 1 if found.find_broken(clients) else 3 if found.find_untested(clients) else 0


def _write_page(target: Path, run: PastRun | None, section: Mapping[str, JSON]) -> None:
    """Write a run's page with one more section. Raises UsageError where the run cannot be drawn."""
    if run is None:
        raise UsageError("--html: there is no run to draw; name one with --results DIR")
    faults = validate(dict(run.whole), "results.schema.json")
    if faults:
        pointer, message = faults[0]
        raise UsageError(f"{run.source}: {pointer or '/'}: {message}; the page cannot be drawn from it")
    try:
        page = render_page({**run.whole, **section})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # Members that a later version adds to results.json are in no schema, and may be invalid like any others.
        what = f"{type(error).__name__}: {error}"[:160]
        raise UsageError(f"{run.source}: the page cannot be drawn from it ({what}); {MEND}") from error
    write_atomically(target, page)
