"""What each command does, each a short function over the rooms that do the work."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from conformance.commands import decisions, doctor, explain, info, judge, pytest_runner
from conformance.commands.terminal import (
    Progress,
    escape_controls,
    list_closing_lines,
    warn_of_bundled_file,
    write_line,
)
from conformance.recording.runfile import RunFile, read_run_file
from conformance.recording.writing import RecordError
from conformance.report import format_terminal
from conformance.running.engine import Engine
from conformance.running.session import (
    RunOptions,
    Session,
    UsageError,
    prepare_session,
    session_from_recording,
)
from conformance.verdicts.exit_code import CAPTURED


def _options(words: Namespace) -> RunOptions:
    get = vars(words).get
    return RunOptions(
        providers=tuple(get("provider") or ()),
        dimensions=tuple(get("dimension") or ()),
        config=get("config"),
        out=get("out"),
        clients=tuple(get("client") or ()),
        fail_on=get("fail_on") or "must",
        against=get("against") or "both",
        max_examples=get("max_examples"),
        shrink=get("shrink") or 0,
        seed=get("seed") or 0,
        resume=get("resume"),
        write_known=get("write_known"),
    )


def _run_file(folder: Path) -> RunFile:
    try:
        return read_run_file(folder)
    except RecordError as error:
        raise UsageError(*error.args) from error


def run(words: Namespace) -> int:
    """Ask, record, judge, report; with --resume only what an interrupted run is missing."""
    options = _options(words)
    if options.resume is None:
        return _judge(prepare_session(options, os.environ), words)
    recorded = _run_file(options.resume)
    return _judge(prepare_session(_resumed(options, recorded), os.environ), words, recorded.started_at)


def _resumed(options: RunOptions, recorded: RunFile) -> RunOptions:
    """Return what the interrupted run was asked for, but where the command line says otherwise."""
    said, usual = recorded.selection, vars(RunOptions())
    kept = {name: said[name] for name in ("fail_on", "against", "max_examples", "shrink") if name in said}
    kept |= {name: tuple(said.get(name, ())) for name in ("providers", "dimensions", "clients")}
    now = vars(options)
    changes = {name: value for name, value in kept.items() if now[name] == usual[name]}
    folder = options.resume.resolve() if options.resume else None
    config = options.config or (Path(recorded.source) if Path(recorded.source).is_file() else None)
    return RunOptions(
        **{**now, **changes, "config": config, "out": folder, "resume": folder, "seed": recorded.seed}
    )


def replay(words: Namespace) -> int:
    """Judge a recording anew; sends nothing."""
    if words.folder.is_file():
        what = "a HAR" if words.folder.suffix.lower() == ".har" else "a file"
        raise UsageError(
            escape_controls(f"{words.folder}: {what} is not a run; `conformance judge` reads it")
        )
    recorded = _run_file(words.folder)
    options = _options(words)
    changes = {
        "replay": words.folder,
        "seed": recorded.seed,
        "providers": tuple(recorded.selection.get("providers", ())),
    }
    options = RunOptions(**{**vars(options), **changes, "out": options.out or words.folder / "replay"})
    if recorded.selection.get(CAPTURED):
        return judge.replay(recorded, words, options)
    session = session_from_recording(options, recorded.providers, Path(recorded.source), recorded.left)
    return _judge(session, words, recorded.started_at)


def _judge(session: Session, words: Namespace, started_at: str = "") -> int:
    warn_of_bundled_file(session)
    progress = Progress(sys.stderr, quiet=words.quiet, replay=session.options.replay is not None)
    engine = Engine(session, progress, started_at)
    code = pytest_runner.run_suite(engine, verbose=words.verbose)
    progress.close()
    if engine.results is not None and not words.quiet:
        width = shutil.get_terminal_size().columns
        write_line(sys.stdout, format_terminal(engine.results, colour=_colour(), width=width))
    for line in list_closing_lines(engine, warned=not words.quiet):
        write_line(sys.stdout, escape_controls(line))
    return code


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


COMMANDS: Mapping[str, Callable[[Namespace], int]] = MappingProxyType(
    {
        "run": run,
        "replay": replay,
        "judge": judge.judge,
        "doctor": doctor.doctor,
        "plan": info.plan,
        "compare": decisions.compare,
        "switch": decisions.switch,
        "clients": info.clients,
        "docs": info.docs,
        "list": info.list_catalogue,
        "explain": explain.explain,
        "lint": info.lint_dialect,
        "serve": info.serve_dialect,
        "init": info.init,
    }
)
