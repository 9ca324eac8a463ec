"""The commands `run` and `replay`: the suite, asked live or read from a recording."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from conformance.commands import judge, pytest_runner
from conformance.commands.streams import print_lines, write_line
from conformance.commands.terminal import Progress, list_closing_lines, warn_of_bundled_file
from conformance.recording.runfile import RunFile, read_run_file
from conformance.report import format_terminal
from conformance.running.arguments import read_run_options
from conformance.running.engine import Engine
from conformance.running.session import (
    RunOptions,
    Session,
    UsageError,
    prepare_session,
    restore_session,
)
from conformance.verdicts.exit_code import CAPTURED


def run(args: Namespace) -> int:
    """Ask, record, judge, report; with --resume only what an interrupted run is missing."""
    options = _read_options(args)
    if options.resume is None:
        return _carry_out(prepare_session(options, os.environ), args)
    file = read_run_file(options.resume)
    return _carry_out(
        prepare_session(_resume(options, options.resume, file), os.environ), args, file.started_at
    )


def _read_options(args: Namespace) -> RunOptions:
    return read_run_options(lambda name: getattr(args, name.replace("-", "_"), None))


def _resume(options: RunOptions, folder: Path, file: RunFile) -> RunOptions:
    """Return the options of the interrupted run, except where the command line says otherwise."""
    names = ("fail_on", "against", "max_examples", "shrink", "providers", "dimensions", "clients")
    given, usual = vars(options), vars(RunOptions())
    recorded = {name: file.selection[name] for name in names if name in file.selection}
    kept = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in recorded.items()
        if given[name] == usual[name]
    }
    source = Path(file.source)
    config = options.config or (source if source.is_file() else None)
    place = {"config": config, "out": folder.resolve(), "resume": folder.resolve(), "seed": file.seed}
    return RunOptions(**{**given, **kept, **place})


def replay(args: Namespace) -> int:
    """Judge a recording again, by the dimensions of its run unless others are named; sends nothing."""
    if args.folder.is_file():
        what = "a HAR" if args.folder.suffix.lower() == ".har" else "a file"
        raise UsageError(f"{args.folder}: {what} is not a run; `conformance judge` reads it")
    file = read_run_file(args.folder)
    options = _read_options(args)
    options = replace(
        options,
        replay=args.folder,
        seed=file.seed,
        providers=tuple(file.selection.get("providers", ())),
        dimensions=options.dimensions or tuple(file.selection.get("dimensions", ())),
        out=options.out or args.folder / "replay",
    )
    if file.selection.get(CAPTURED):
        return judge.replay_recording(file, args, options)
    session = restore_session(options, file.providers, Path(file.source), file.left)
    return _carry_out(session, args, file.started_at)


def _carry_out(session: Session, args: Namespace, started_at: str = "") -> int:
    """Carry a run through, print what was found, and return its exit code."""
    warn_of_bundled_file(session)
    progress = Progress(sys.stderr, quiet=args.quiet, replay=session.options.replay is not None)
    engine = Engine(session, progress, started_at)
    code = pytest_runner.run_suite(engine, verbose=args.verbose)
    progress.close()
    if engine.results is not None and not args.quiet:
        width = shutil.get_terminal_size().columns
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        write_line(sys.stdout, format_terminal(engine.results, colour=colour, width=width))
    print_lines(*list_closing_lines(engine, warned=not args.quiet))
    return code
