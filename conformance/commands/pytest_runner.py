"""Runs pytest as the engine, in a way that no foreign conftest.py, setting or plugin can bend."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

import pytest

from conformance import plugin, test_providers
from conformance.running.engine import Engine
from conformance.running.interrupts import first_signal_waits, settle_exit_code

_SETTINGS = "[pytest]\npython_files = test_providers.py\nfilterwarnings = error\n"


class LastingWords:
    """A stream that drops what names a scratch folder, which is gone by the time that anybody reads of it."""

    def __init__(self, stream: TextIO, folder: str) -> None:
        """Pass on to `stream` whatever does not name `folder`."""
        self._stream = stream
        self._folder = folder

    def write(self, text: str) -> int:
        """Write text unless it names the folder. Return its length."""
        if self._folder not in text:
            self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the stream itself."""
        return getattr(self._stream, name)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Nothing of the user's environment bends the run: no other plugin, no added option."""
    ours = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _arguments(html: Path, settings: Path) -> list[str]:
    return [
        str(Path(test_providers.__file__)),
        "-c", str(settings),
        f"--rootdir={Path(test_providers.__file__).parent}",
        "--noconftest",
        "--import-mode=importlib",
        "-p", "no:cacheprovider",
        "-p", "no:unraisableexception",
        "-p", "no:threadexception",
        "-p", "pytest_metadata.plugin",
        "-p", "pytest_html.plugin",
        f"--html={html}",
        "--self-contained-html",
        "-s", "-q", "--no-header", "--no-summary",
    ]  # fmt: skip


class _WithoutLogPath:
    """A stream that leaves out where pytest-html wrote its log: the file is gone when anybody could open it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return 0 if "Generated html report" in text else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def with_pytest(engine: Engine, *, verbose: bool = False) -> int:
    """Run the whole suite for one engine, and return the run's exit code.

    pytest's own words go nowhere unless `verbose`: the verdicts are ours to print. Raises UsageError where the
    output folder cannot be used.
    """
    engine.claimed()
    heard, suite = io.StringIO(), plugin.ControllerSuite(engine)
    try:
        _run_in_scratch(suite, cast("TextIO", _WithoutLogPath(sys.stderr)) if verbose else heard)
        if suite.fault or (engine.results is None and not engine.fault and not engine.interrupted):
            told = suite.fault or heard.getvalue()[-4000:]
            sys.stderr.write(f"the checker's own fault; please report it:\n{engine.masked(told)}\n")
            engine.fault = engine.fault or "the checker itself failed; please report it"
        return _concluded(suite)
    finally:
        engine.released()


def _run_in_scratch(suite: plugin.ControllerSuite, heard: TextIO) -> None:
    """Run pytest in a folder of its own, and note what ended it."""
    engine = suite.engine
    try:
        with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
            _run(suite, Path(scratch), cast("TextIO", LastingWords(heard, Path(scratch).name)))
    except KeyboardInterrupt:
        engine.interrupted = True
    except OSError as error:
        engine.fault = engine.fault or f"{error.filename or engine.out}: cannot be written: {error.strerror}"


def _concluded(suite: plugin.ControllerSuite) -> int:
    """Write what was judged where pytest was ended before it could have it written; return the exit code."""
    engine = suite.engine
    with first_signal_waits():
        if engine.asked and engine.results is None:
            engine.finish()
        engine.conclude()
        if not engine.fault:  # else it was tried, and what stands there is not to be trusted
            suite.write_page()
        code = engine.conclude()
        settle_exit_code(code)
    return code


def _run(suite: plugin.ControllerSuite, scratch: Path, heard: TextIO) -> None:
    """Run pytest with its log and its settings in a folder of their own, which nothing outlives."""
    settings = scratch / "pytest.ini"
    settings.write_text(_SETTINGS, encoding="utf-8")
    with _alone(), contextlib.redirect_stdout(heard):
        pytest.main(_arguments(scratch / "log.html", settings), plugins=[suite, plugin])
