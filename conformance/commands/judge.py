"""`conformance judge`: exchanges that others recorded, judged without a request and without a key."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from dataclasses import replace

from conformance.capturing.collecting import ExchangeGroup, RecordedFiles, read_files
from conformance.commands import pytest_runner
from conformance.commands.streams import print_json, print_lines, write_line
from conformance.commands.terminal import list_closing_lines
from conformance.model import Provider
from conformance.recording.record import FOLDER
from conformance.recording.runfile import RunFile
from conformance.report.recording_text import format_markdown, format_text
from conformance.running.captured_run import CapturedRun, prepare_recorded
from conformance.running.session import RunOptions, UsageError


def judge(args: Namespace) -> int:
    """Judge the recordings that the command line names. Raises CaptureError where none can be read."""
    recorded = read_files(args.files, args.url)
    for file in recorded.files:
        if file.fault or not args.quiet:
            print_lines(str(file), stream=sys.stderr)
    options = RunOptions(
        out=args.out, clients=tuple(args.client), fail_on=args.fail_on, against=args.against, seed=1
    )
    run = CapturedRun(prepare_recorded(options, recorded, args.dialect), recorded=recorded)
    return _finish(run, args, args.format)


def _finish(run: CapturedRun, args: Namespace, form: str) -> int:
    """Judge, with a folder of results where one is named, print what was found, and return the exit code."""
    groups, out = run.recorded.groups, run.session.options.out
    if out is None or not groups:
        run.judge_only()
    else:
        pytest_runner.run_suite(run, verbose=args.verbose)
    if groups and run.results is not None:
        if form == "json":
            print_json(run.results, indent=1)
        elif form == "markdown":
            write_line(sys.stdout, format_markdown(run.results).rstrip("\n"))
        elif not args.quiet and (
            text := format_text(run.results, min(shutil.get_terminal_size().columns, 140))
        ):
            write_line(sys.stdout, text)
    shown = {f"warning: {file}" for file in run.recorded.files}
    print_lines(*(line for line in list_closing_lines(run) if line not in shown), stream=sys.stderr)
    if out is not None and not groups:
        print_lines(f"nothing was written to {out}, because there is nothing to judge", stream=sys.stderr)
    return run.exit_code


def replay_recording(file: RunFile, args: Namespace, options: RunOptions) -> int:
    """Judge again what `judge --out` wrote; providers keep the addresses that they had."""
    paths = [str(path) for path in sorted((args.folder / FOLDER).glob("*.jsonl"))]
    found = read_files(paths)
    faults = [str(one) for one in found.files if one.fault]
    if faults or not paths:
        raise UsageError(*(faults or [f"{args.folder}: holds no recording"]))
    known = {provider.name: provider for provider in file.providers}
    groups = (_restore(group, known[group.name]) if group.name in known else group for group in found.groups)
    recorded = RecordedFiles(tuple(groups), found.files)
    dialect = file.providers[0].dialect if file.providers else "google"
    session = prepare_recorded(replace(options, replay=None), recorded, dialect)
    return _finish(CapturedRun(session, started_at=file.started_at, recorded=recorded), args, "text")


def _restore(group: ExchangeGroup, provider: Provider) -> ExchangeGroup:
    host = provider.title.partition(",")[0]
    return replace(group, base_url=provider.base_url, model=provider.model, host=host)
