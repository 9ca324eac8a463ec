"""What each command does, each a short function over the rooms that do the work."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from conformance.commands import deciding, doctoring, explaining, judged, judging, telling
from conformance.commands.terminal import Progress, closing_words, plain, say_where_from, write
from conformance.recording.record import RecordError
from conformance.recording.runfile import RunFile, read_run_file
from conformance.report import terminal
from conformance.running.engine import Engine
from conformance.running.session import Options, Session, UsageError, again, prepare
from conformance.verdicts.exit_code import CAPTURED


def _options(words: Namespace) -> Options:
    get = vars(words).get
    return Options(
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
        return _judge(prepare(options, os.environ), words)
    recorded = _run_file(options.resume)
    return _judge(prepare(_resumed(options, recorded), os.environ), words, recorded.started_at)


def _resumed(options: Options, recorded: RunFile) -> Options:
    """Return what the interrupted run was asked for, but where the command line says otherwise."""
    said, usual = recorded.selection, vars(Options())
    kept = {name: said[name] for name in ("fail_on", "against", "max_examples", "shrink") if name in said}
    kept |= {name: tuple(said.get(name, ())) for name in ("providers", "dimensions", "clients")}
    now = vars(options)
    changes = {name: value for name, value in kept.items() if now[name] == usual[name]}
    folder = options.resume.resolve() if options.resume else None
    config = options.config or (Path(recorded.source) if Path(recorded.source).is_file() else None)
    return Options(
        **{**now, **changes, "config": config, "out": folder, "resume": folder, "seed": recorded.seed}
    )


def replay(words: Namespace) -> int:
    """Judge a recording anew; sends nothing."""
    if words.folder.is_file():
        what = "a HAR" if words.folder.suffix.lower() == ".har" else "a file"
        raise UsageError(plain(f"{words.folder}: {what} is not a run; `conformance judge` reads it"))
    recorded = _run_file(words.folder)
    options = _options(words)
    changes = {
        "replay": words.folder,
        "seed": recorded.seed,
        "providers": tuple(recorded.selection.get("providers", ())),
    }
    options = Options(**{**vars(options), **changes, "out": options.out or words.folder / "replay"})
    if recorded.selection.get(CAPTURED):
        return judging.replay(recorded, words, options)
    session = again(options, recorded.providers, Path(recorded.source), recorded.left)
    return _judge(session, words, recorded.started_at)


def _judge(session: Session, words: Namespace, started_at: str | None = None) -> int:
    say_where_from(session)
    progress = Progress(sys.stderr, quiet=words.quiet, replay=session.options.replay is not None)
    engine = Engine(session, progress, started_at)
    code = judged.with_pytest(engine, verbose=words.verbose)
    progress.close()
    if engine.results is not None and not words.quiet:
        width = shutil.get_terminal_size().columns
        write(sys.stdout, terminal(engine.results, colour=_colour(), width=width))
    for line in closing_words(engine, warned=not words.quiet):
        write(sys.stdout, plain(line))
    return code


def _colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


COMMANDS: Mapping[str, Callable[[Namespace], int]] = MappingProxyType(
    {
        "run": run,
        "replay": replay,
        "judge": judging.judge,
        "doctor": doctoring.doctor,
        "plan": telling.plan,
        "compare": deciding.compare,
        "switch": deciding.switch,
        "clients": telling.clients,
        "docs": telling.docs,
        "list": telling.list_,
        "explain": explaining.explain,
        "lint": telling.lint_,
        "serve": telling.serve_,
        "init": telling.init,
    }
)
