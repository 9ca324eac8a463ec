"""The command line: parses the arguments and calls the function of each command; it has no logic of its own."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from conformance import __version__
from conformance.commands.streams import guarded_streams, open_closed_streams, print_lines, write_line
from conformance.files import InputError
from conformance.model import FAILING_LEVELS
from conformance.running.arguments import (
    AGAINST,
    ASKING,
    CLIENT,
    CONFIG,
    FAIL_ON,
    JUDGING,
    MAX_EXAMPLES,
    OF_A_RUN,
    Argument,
    make_number_reader,
)
from conformance.running.interrupts import restored_handlers, sigterm_as_sigint

# The module of commands/ and the function that carry a command out; imported when the command is given, since some
# need pytest, httpx and Jinja2, which --help should not wait for.
_FUNCTIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "run": ("suite", "run"),
        "replay": ("suite", "replay"),
        "judge": ("judge", "judge"),
        "doctor": ("doctor", "doctor"),
        "plan": ("info", "plan"),
        "compare": ("decisions", "compare"),
        "switch": ("decisions", "switch"),
        "clients": ("info", "clients"),
        "docs": ("info", "docs"),
        "list": ("info", "list_catalogue"),
        "explain": ("explain", "explain"),
        "lint": ("info", "lint_dialect"),
        "serve": ("info", "serve_dialect"),
        "init": ("info", "init"),
    }
)
_CODES = {
    "run": "0 all judged, nothing new; 1 a new deviation at or above --fail-on, or a stale `known` entry; "
    "2 wrong command line or file; 3 something could not be judged; 130 interrupted",
    "doctor": "0 every provider answers; 2 wrong command line or file; 3 one does not",
    "plan": "0 always; 2 wrong command line or file",
    "judge": "as run, but rules whose question was not asked do not cause 3; 2 also for a file that is not a recording",
    "replay": "as run; 2 where the recording cannot be read",
    "compare": "0 nothing new; 1 a new deviation at or above --fail-on, or a client that worked and breaks; "
    "2 wrong command line or file, or the runs have no provider in common; 3 none of that, but coverage was lost",
    "switch": "0 no named client would break; 1 one would; 2 wrong command line or file, or a side that could not be "
    "judged; 3 none would, but a named client was not tested there",
    "clients": "0; 2 a line that cannot be read",
    "docs": "0; 2 a folder that holds no dialect",
    "list": "0; 2 an unknown word",
    "explain": "0; 2 an unknown rule",
    "lint": "0 sound; 1 faults; 2 no such folder",
    "serve": "0 when interrupted; 2 an unknown dialect or family of models, or the port is taken",
    "init": "0; 2 the file is there already",
}
_REPORTING = ("run", "replay")  # their findings are in files, even if the terminal is lost
_PORT = make_number_reader(0, 65_535)


def _add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    description: str,
    *words: Argument,
) -> argparse.ArgumentParser:
    """Add a command with its exit codes and those of its options that it shares with others."""
    lost = "" if name in _REPORTING else "; also 2 where the output cannot be written"
    codes = f"exit codes: {_CODES[name]}{lost}"
    command = commands.add_parser(
        name, help=description, description=description, epilog=codes, allow_abbrev=False
    )
    command.set_defaults(refuse=command.error)
    for argument in words:
        argument.declare(command.add_argument)
    return command


_FORMAT = Argument(
    "format", "the output format (default text)",
    words={"choices": ("text", "markdown", "json"), "default": "text"},
)  # fmt: skip
_TEXT_OR_JSON = Argument(
    "format", "the output format (default text)", words={"choices": ("text", "json"), "default": "text"}
)
_QUIET = Argument("quiet", "print only warnings and the path of the report", "-q", {"action": "store_true"})
_VERBOSE = Argument(
    "verbose", "print pytest's own lines as well, on standard error", "-v", {"action": "store_true"}
)


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="finish the interrupted run in this folder: ask only what is missing",
    )
    run.add_argument(
        "--write-known",
        type=Path,
        metavar="FILE",
        help="write proposed `known` entries for the deviations that were found",
    )


def _add_replay_options(replay: argparse.ArgumentParser) -> None:
    replay.add_argument("folder", type=Path, metavar="DIR", help="the folder that a run wrote")
    replay.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="the providers.yaml that the run was made with"
    )


def _add_judge_options(judge: argparse.ArgumentParser) -> None:
    judge.add_argument(
        "files", nargs="+", metavar="FILE",
        help="a HAR file, a VCR cassette, the output of curl -i, exchanges/*.jsonl or JSON lines, also gzipped; - reads standard input",
    )  # fmt: skip
    judge.add_argument(
        "--url", metavar="URL", help="the address that was asked, if the recording does not contain it"
    )
    judge.add_argument(
        "--dialect", default="google", metavar="DIALECT",
        help="the dialect of the vendor, so that its document counts as well (default google)",
    )  # fmt: skip
    judge.add_argument(
        "--out", type=Path, metavar="DIR", help="write the whole report to this folder, as `run` does"
    )


def _add_compare_options(compare: argparse.ArgumentParser) -> None:
    compare.add_argument("old", type=Path, metavar="OLD", help="the folder of a run, or its results.json")
    compare.add_argument("new", type=Path, metavar="NEW", help="another")
    compare.add_argument(
        "-p", "--provider", action="append", default=[], metavar="NAME",
        help="compare only this provider, or those that match a pattern (repeatable)",
    )  # fmt: skip
    compare.add_argument(
        "--fail-on", choices=tuple(FAILING_LEVELS), default="must",
        help="exit with 1 if a new deviation has this level or a higher one (default must)",
    )  # fmt: skip
    compare.add_argument(
        "--client", action="append", default=[], metavar="CLIENT",
        help="of the clients that worked and now break, count only this one (repeatable; `conformance list clients` names them)",
    )  # fmt: skip
    compare.add_argument(
        "--html", type=Path, metavar="FILE",
        help="write the report of NEW to this file, with a section on what changed",
    )  # fmt: skip


def _add_switch_options(switch: argparse.ArgumentParser) -> None:
    switch.add_argument(
        "--from", dest="from_", required=True, metavar="A",
        help="a provider (its newest run counts) or a dialect",
    )  # fmt: skip
    switch.add_argument("--to", required=True, metavar="B", help="another")
    switch.add_argument(
        "--results", type=Path, action="append", default=[], metavar="DIR",
        help="look for the providers in this run instead of those in reports/ (repeatable; the newest run counts)",
    )  # fmt: skip
    switch.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write the run's report to this file, with a section on what changes",
    )


def _add_serve_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("dialect", metavar="DIALECT", help="a bundled dialect, or a folder of your own")
    serve.add_argument(
        "--port",
        type=_PORT,
        metavar="N",
        help="the port; 0 picks a free one (default: the dialect's own port)",
    )
    serve.add_argument(
        "--model", metavar="MODEL",
        help="serve only this model, with the habits of its family (such as gemini-2.0-flash)",
    )  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="conformance", allow_abbrev=False,
        description="Checks vendors of the Gemini API against Google's wire contract and against their own documents.",
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, description: str, *words: Argument) -> argparse.ArgumentParser:
        return _add_command(commands, name, description, *words)

    _add_run_options(add("run", "ask, record, judge and report", _QUIET, _VERBOSE, *OF_A_RUN))
    add("doctor", "ask one cheap question per provider and say what to fix", *ASKING, _TEXT_OR_JSON)
    add("plan", "show what a run would send and cost; sends nothing", *ASKING, _TEXT_OR_JSON, MAX_EXAMPLES)
    description = "judge the exchanges of an earlier run again; sends nothing"
    _add_replay_options(add("replay", description, _QUIET, _VERBOSE, *JUDGING))
    description = "judge exchanges that somebody else recorded; sends nothing"
    _add_judge_options(add("judge", description, _QUIET, _VERBOSE, FAIL_ON, AGAINST, CLIENT, _FORMAT))
    _add_compare_options(
        add("compare", "compare two runs: what is new, fixed, unchanged or no longer covered", _FORMAT)
    )
    _add_switch_options(add("switch", "show what changes for code that moves from A to B", CLIENT, _FORMAT))
    add("clients", "show what each client makes of captured responses").add_argument(
        "file", metavar="FILE", help="JSON lines of captured responses; - reads standard input"
    )
    add("docs", "show the documents side by side, and where each contradicts itself", _FORMAT).add_argument(
        "dialects", nargs="*", metavar="FOLDER", help="show the dialect in this folder as well"
    )
    description = "list rules, probes, providers, clients or dialects"
    add("list", description, CONFIG, _TEXT_OR_JSON).add_argument(
        "what", nargs="?", default="rules", choices=("probes", "rules", "providers", "clients", "dialects")
    )
    add("explain", "explain a rule: its reason, the clients that it hurts, and the workaround").add_argument(
        "rule", metavar="RULE"
    )
    add("lint", "check a dialect that you wrote").add_argument("folder", type=Path, metavar="DIALECT-FOLDER")
    _add_serve_options(add("serve", "run a bundled server that a client can be pointed at"))
    add("init", "write a commented providers.yaml to start from")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code. The user's mistakes are reported in one line each, without a traceback."""
    open_closed_streams()
    ours = arguments is None  # the process is ours: its handlers need not be restored
    with contextlib.nullcontext() if ours else restored_handlers(), guarded_streams() as output:
        args, unknown = parser().parse_known_args(arguments)
        if unknown:  # refused with the usage of the command, which the top parser does not know
            args.refuse(f"unrecognized arguments: {' '.join(unknown)}")
        code = _run_command(args)
        output.flush()
        # A reader that has gone away needs no message.
        if output.lost is None or isinstance(output.lost, BrokenPipeError):
            return code
        write_line(sys.stderr, f"standard output cannot be written: {output.lost.strerror}")
        return code if args.command in _REPORTING else code or 2


def _run_command(args: argparse.Namespace) -> int:
    """Run a command. A wrong command line or file ends it with 2, a line per fault on standard error."""
    try:
        with sigterm_as_sigint():
            module, function = _FUNCTIONS[args.command]
            code: int = getattr(importlib.import_module(f"conformance.commands.{module}"), function)(args)
            return code
    except InputError as error:
        print_lines(*map(str, error.args), stream=sys.stderr)
        return 2
    except OSError as error:  # raised wherever such a name is first looked up
        if error.errno != errno.ENAMETOOLONG:
            raise
        print_lines(f"{str(error.filename)[:60]}…: the name is too long for a file", stream=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
