"""`conformance judge`: exchanges that somebody else recorded, judged without a request and without a key."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace

from conformance.capturing.entry import CaptureError
from conformance.capturing.recording import ExchangeGroup, FileReport, RecordedFiles, read_files
from conformance.commands import pytest_runner
from conformance.commands.terminal import escape_controls, list_closing_lines, write_line
from conformance.model import Provider
from conformance.recording.record import FOLDER
from conformance.recording.runfile import RunFile
from conformance.report.recording_text import format_markdown, format_text
from conformance.running.captured_run import CapturedRun, prepare_recorded
from conformance.running.session import RunOptions, UsageError


def judge(words: Namespace) -> int:
    """Judge the recordings that the command line names."""
    try:
        recorded = read_files(words.files, words.url)
    except CaptureError as error:
        raise UsageError(escape_controls(str(error))) from error
    _say(recorded.files, quiet=words.quiet)
    options = RunOptions(
        out=words.out, clients=tuple(words.client), fail_on=words.fail_on, against=words.against, seed=1
    )
    engine = CapturedRun(prepare_recorded(options, recorded, words.dialect), recorded=recorded)
    return _judged(engine, recorded, words)


def _say(files: Sequence[FileReport], *, quiet: bool) -> None:
    """Say of each file what was read, what was left out and why; of one that cannot be read always."""
    for file in files:
        if file.fault or not quiet:
            write_line(sys.stderr, escape_controls(str(file)))


def _judged(engine: CapturedRun, recorded: RecordedFiles, words: Namespace) -> int:
    if words.out is None or not recorded.groups:
        engine.judge_only()
    else:
        pytest_runner.run_suite(engine, verbose=words.verbose)
    if recorded.groups and engine.results is not None:
        _print(engine, words)
    said = {f"warning: {file}" for file in recorded.files}
    for line in list_closing_lines(engine):
        if line not in said:
            write_line(sys.stderr, escape_controls(line))
    if words.out is not None and not recorded.groups:
        write_line(
            sys.stderr, escape_controls(f"nothing is written to {words.out}: there is nothing to judge")
        )
    return engine.exit_code


def _print(engine: CapturedRun, words: Namespace) -> None:
    results = engine.results or {}
    if words.format == "json":
        write_line(sys.stdout, json.dumps(results, indent=1))
    elif words.format == "markdown":
        write_line(sys.stdout, format_markdown(results).rstrip("\n"))
    elif not words.quiet:
        text = format_text(results, min(shutil.get_terminal_size().columns, 140))
        if text:
            write_line(sys.stdout, text)


def replay(recorded: RunFile, words: Namespace, options: RunOptions) -> int:
    """Judge anew what `judge --out` wrote; providers keep the addresses that they had."""
    files = [str(path) for path in sorted((words.folder / FOLDER).glob("*.jsonl"))]
    found = read_files(files)
    faults = [str(file) for file in found.files if file.fault]
    if faults or not files:
        raise UsageError(*(faults or [f"{words.folder}: holds no recording"]))
    known = {provider.name: provider for provider in recorded.providers}
    groups = tuple(
        _restored(group, known[group.name]) if group.name in known else group for group in found.groups
    )
    dialect = recorded.providers[0].dialect if recorded.providers else "google"
    anew = RecordedFiles(groups, found.files)
    session = prepare_recorded(replace(options, replay=None), anew, dialect)
    engine = CapturedRun(session, started_at=recorded.started_at, recorded=anew)
    return _judged(engine, anew, Namespace(**{**vars(words), "format": "text", "out": options.out}))


def _restored(group: ExchangeGroup, provider: Provider) -> ExchangeGroup:
    return replace(
        group, base_url=provider.base_url, model=provider.model, host=provider.title.partition(",")[0]
    )
