"""The command line: every command is found, and what needs no engine does not wait for one."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys

import pytest

from conformance import cli

HEAVY = ("pytest", "httpx", "jsonschema", "hypothesis", "jinja2")


def _commands() -> list[str]:
    subparsers = [
        action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return [name for action in subparsers for name in action.choices]


def test_every_command_has_a_function_and_none_is_without_a_command() -> None:
    assert set(cli._FUNCTIONS) == set(_commands())


@pytest.mark.parametrize("command", cli._FUNCTIONS)
def test_the_function_of_a_command_is_there(command: str) -> None:
    module, function = cli._FUNCTIONS[command]
    assert callable(getattr(importlib.import_module(f"conformance.commands.{module}"), function))


def test_help_is_printed_without_loading_the_engine() -> None:
    code = (
        "import sys\n"
        "from conformance import cli\n"
        "cli.parser().format_help()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["replay", "lint", "serve", "docs"])
def test_a_name_too_long_for_a_file_is_a_line_and_not_a_traceback(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, "./" + "a" * 5000]) == 2
    assert capsys.readouterr().err.endswith("a…: the name is too long for a file\n")
