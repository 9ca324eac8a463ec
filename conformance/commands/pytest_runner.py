"""Runs pytest as the engine, protected from any other conftest.py, setting or plugin."""

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


class WithoutFolder:
    """A stream that drops texts that name a scratch folder, since the folder is gone by the time they are read."""

    def __init__(self, stream: TextIO, folder: str) -> None:
        """Pass on to `stream` every text that does not name `folder`."""
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


def run_suite(engine: Engine, *, verbose: bool = False) -> int:
    """Run the whole suite for one engine, and return the run's exit code.

    pytest's own lines are dropped unless `verbose`, since the program prints the verdicts itself. Raises UsageError if the
    output folder cannot be used.
    """
    engine.claim()
    heard, suite = io.StringIO(), plugin.ControllerSuite(engine)
    try:
        _run_in_scratch(suite, sys.stderr if verbose else heard)
        if suite.internal_error or not (engine.results or engine.fault or engine.interrupted):
            lines = suite.internal_error or heard.getvalue()[-4000:]
            sys.stderr.write(f"the checker's own fault; please report it:\n{engine.mask(lines)}\n")
            engine.note_fault("the checker itself failed; please report it")
        # Does nothing unless pytest was ended before the results were written, or something else befell the run.
        with first_signal_waits():
            code = engine.finish() if engine.asked else engine.exit_code
            settle_exit_code(code)
        return code
    finally:
        engine.release()


def _run_in_scratch(suite: plugin.ControllerSuite, heard: TextIO) -> None:
    """Run pytest with its log and its settings in a folder of their own, and note what ended it early."""
    engine = suite.engine
    try:
        with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
            settings = Path(scratch) / "pytest.ini"
            settings.write_text(_SETTINGS, encoding="utf-8")
            output = cast("TextIO", WithoutFolder(heard, Path(scratch).name))
            with _plain_environment(), contextlib.redirect_stdout(output):
                pytest.main(_list_arguments(Path(scratch) / "log.html", settings), plugins=[suite, plugin])
    except KeyboardInterrupt:
        engine.interrupted = True
    except OSError as error:
        engine.note_fault(f"{error.filename or engine.out}: cannot be written: {error.strerror}")


@contextlib.contextmanager
def _plain_environment() -> Iterator[None]:
    """Keep the user's environment from changing the run through other plugins or added options."""
    ours = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def _list_arguments(html: Path, settings: Path) -> list[str]:
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
