"""Runs pytest as the engine, in a way that no foreign conftest.py, setting or plugin can bend."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import plugin, test_providers
from conformance.engine import Engine
from conformance.secrets import Keyring

_SETTINGS = "[pytest]\npython_files = test_providers.py\nfilterwarnings = error\n"


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


def with_pytest(engine: Engine, *, verbose: bool = False) -> int:
    """Run the whole suite for one engine, and return the run's exit code.

    pytest's own words go nowhere unless `verbose`: the verdicts are ours to print.
    """
    engine.out.mkdir(parents=True, exist_ok=True)
    html = plugin.html_log(engine.out)
    settings = html.with_suffix(".ini")
    settings.write_text(_SETTINGS, encoding="utf-8")
    heard = io.StringIO()
    suite = plugin.Suite(engine)
    try:
        with _alone(), contextlib.redirect_stdout(sys.stderr if verbose else heard):
            code = pytest.main(_arguments(html, settings), plugins=[suite, plugin])
    finally:
        settings.unlink(missing_ok=True)
        html.unlink(missing_ok=True)
    if suite.fault or engine.results is None:
        told = suite.fault or heard.getvalue()[-4000:]
        keys = [secret for one in engine.session.chosen for secret in one.secrets]
        sys.stderr.write(f"the checker's own fault; please report it:\n{Keyring.of(keys).mask(told)}\n")
        return 130 if engine.interrupted else 3
    return int(code)
