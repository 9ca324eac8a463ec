"""The command line: words in, functions called; no logic of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance import __version__
from conformance.commands.streams import GuardedStream, guarded_streams, open_closed_streams
from conformance.commands.table import COMMANDS
from conformance.commands.terminal import plain, write
from conformance.model import Dimension
from conformance.recording.record import RecordError
from conformance.running.interrupts import sigterm_as_sigint
from conformance.running.session import UsageError

_CODES = {
    "run": "0 all judged, nothing new; 1 a new deviation at or above --fail-on, or a stale `known` entry; "
    "2 wrong command line or file; 3 something could not be judged; 130 interrupted",
    "doctor": "0 every provider answers; 2 wrong command line or file; 3 one does not",
    "plan": "0 always; 2 wrong command line or file",
    "replay": "as run; 2 where the recording cannot be read",
    "compare": "0 nothing new; 1 a new deviation at or above --fail-on, or a client that worked and breaks; "
    "2 wrong command line or file, or the runs have no provider in common; 3 nothing of that, but coverage was lost",
    "switch": "0 no named client would break; 1 one would; 2 wrong command line or file, or a side that could not be "
    "judged; 3 none would, but a named client was not tested there",
    "clients": "0; 2 a line that cannot be read",
    "docs": "0",
    "list": "0; 2 an unknown word",
    "explain": "0; 2 an unknown rule",
    "lint": "0 sound; 1 faults; 2 no such folder",
    "serve": "0 when interrupted; 2 an unknown dialect, or the port is taken",
    "init": "0; 2 the file is there already",
}
_FORMATS = ("text", "markdown", "json")
_REPORTING = ("run", "replay")  # what they found stands in files, whatever becomes of the terminal


def _between(least: int, most: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `least` to `most`; anything else is refused with these bounds."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return value

    return read


_BODIES = _between(0, 1_000_000)
_SEED = _between(0, 2**32 - 1)
_PORT = _between(0, 65_535)


def _command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str, says: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(
        name, help=says, description=says, epilog=f"exit codes: {_CODES[name]}", allow_abbrev=False
    )
    parser.set_defaults(refuse=parser.error)
    return parser


def _volume(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="print warnings and the path of the report alone"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="print pytest's own lines as well, on standard error"
    )


def _providers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-p", "--provider", action="append", default=[], metavar="NAME", help="this provider (repeatable)"
    )
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="a providers.yaml other than the folder's"
    )


def _format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=_FORMATS, default="text", help="how to print it (default text)")


def _text_or_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print it (default text)"
    )


def _clients(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--client",
        action="append",
        default=[],
        metavar="CLIENT",
        help="let the exit code follow these clients (`conformance list clients`; repeatable)",
    )


def _judging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-d", "--dimension", action="append", default=[], metavar="DIMENSION", help=", ".join(Dimension)
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where the report goes (default reports/<time>/)"
    )
    parser.add_argument(
        "--fail-on",
        choices=("must", "should", "any", "never"),
        default="must",
        help="exit 1 from this level up (default must)",
    )
    parser.add_argument(
        "--against",
        choices=("reference", "documented", "both"),
        default="both",
        help="judge against Google's reference, the vendor's document, or both (default both)",
    )
    _clients(parser)


def _run(parser: argparse.ArgumentParser) -> None:
    _volume(parser)
    _providers(parser)
    _judging(parser)
    parser.add_argument(
        "--max-examples", type=_BODIES, metavar="N", help="generated bodies per provider, within max_requests"
    )
    parser.add_argument(
        "--shrink", type=_BODIES, default=0, metavar="N", help="requests spent on making failing bodies small"
    )
    parser.add_argument(
        "--seed",
        type=_SEED,
        default=0,
        metavar="N",
        help="seed of nonces and generated bodies (default: a new one)",
    )
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="ask only what an interrupted run is missing"
    )
    parser.add_argument(
        "--write-known", type=Path, metavar="FILE", help="propose `known` entries for what is there now"
    )


def _replay(parser: argparse.ArgumentParser) -> None:
    _volume(parser)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder that a run wrote")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="the providers.yaml of that run")
    _judging(parser)


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", type=Path, metavar="OLD", help="a run's folder or its results.json")
    parser.add_argument("new", type=Path, metavar="NEW", help="another")
    parser.add_argument(
        "-p", "--provider", action="append", default=[], metavar="NAME",
        help="compare this provider alone, or those that a pattern names (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--fail-on", choices=("must", "should", "any", "never"), default="must",
        help="exit 1 from a new deviation of this level up (default must)",
    )  # fmt: skip
    parser.add_argument(
        "--client", action="append", default=[], metavar="CLIENT",
        help="of clients that worked and break, count these alone (repeatable; conformance list clients)",
    )  # fmt: skip
    _format(parser)
    _html(parser, "the report of NEW with what changed")


def _switch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from", dest="from_", required=True, metavar="A",
        help="a provider of the newest run that holds it, or a dialect",
    )  # fmt: skip
    parser.add_argument("--to", required=True, metavar="B", help="another")
    parser.add_argument(
        "--results", type=Path, action="append", default=[], metavar="DIR",
        help="look in this run instead of those in reports/ (repeatable; the newest that holds the provider counts)",
    )  # fmt: skip
    _clients(parser)
    _format(parser)
    _html(parser, "the run's report with what changes")


def _html(parser: argparse.ArgumentParser, says: str) -> None:
    parser.add_argument("--html", type=Path, metavar="FILE", help=f"write {says} as one more section")


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", default="rules", choices=("probes", "rules", "providers", "clients", "dialects")
    )
    parser.add_argument(
        "-c", "--config", type=Path, metavar="FILE", help="a providers.yaml other than the folder's"
    )
    _text_or_json(parser)


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dialect", metavar="DIALECT", help="a bundled dialect, or a folder of your own")
    parser.add_argument(
        "--port", type=_PORT, metavar="N", help="the port, 0 for any free one (default: the dialect's own)"
    )


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="conformance", allow_abbrev=False,
        description="Checks vendors of the Gemini API against Google's wire contract and against their own documents.",
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    sub = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _run(_command(sub, "run", "ask, record, judge and report"))
    doctor = _command(sub, "doctor", "one cheap request per provider, and what to mend")
    _providers(doctor)
    _text_or_json(doctor)
    plan = _command(sub, "plan", "what a run would send; sends nothing")
    _providers(plan)
    _text_or_json(plan)
    plan.add_argument("--max-examples", type=_BODIES, metavar="N", help="generated bodies per provider")
    _replay(_command(sub, "replay", "judge recorded exchanges anew; never touches the network"))
    _compare(_command(sub, "compare", "two runs: new, fixed, still there, no longer covered"))
    _switch(_command(sub, "switch", "what changes for code that moves from A to B"))
    clients = _command(sub, "clients", "what each client makes of captured responses")
    clients.add_argument(
        "file", metavar="FILE", help="JSON lines of captured responses; - reads standard input"
    )
    _format(_command(sub, "docs", "the documents side by side, and where each contradicts itself"))
    _list(_command(sub, "list", "what there is: rules, probes, providers, clients, dialects"))
    _command(sub, "explain", "what a rule means, whom it hurts, and the workaround").add_argument(
        "rule", metavar="RULE"
    )
    lint = _command(sub, "lint", "check a dialect of your own")
    lint.add_argument("folder", type=Path, metavar="DIALECT-FOLDER")
    _serve(_command(sub, "serve", "run a bundled server, to point a client at"))
    _command(sub, "init", "write a commented providers.yaml to begin with")
    return top


def _refused(lines: Sequence[object]) -> int:
    """Say what is wrong, a line per fault: names in it may come from files of others."""
    for line in lines:
        write(sys.stderr, plain(str(line)))
    return 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code. Faults of the user's are one line each, without a traceback."""
    open_closed_streams()
    with guarded_streams() as output:
        words, unknown = parser().parse_known_args(arguments)
        if unknown:  # with the usage of the command, which the top parser does not know
            words.refuse(f"unrecognized arguments: {' '.join(unknown)}")
        code = _code_of(words)
        output.flush()
        return _code_without_reader(code, words.command, output)


def _code_without_reader(code: int, command: str, output: GuardedStream) -> int:
    """Return the exit code where standard output may have been lost; a reader that has left wants no message."""
    if output.lost is None or isinstance(output.lost, BrokenPipeError):
        return code
    write(sys.stderr, f"standard output cannot be written: {output.lost.strerror}")
    return code if command in _REPORTING else code or 2


def _code_of(words: argparse.Namespace) -> int:
    try:
        with sigterm_as_sigint():
            return COMMANDS[words.command](words)
    except UsageError as error:
        return _refused(error.lines)
    except RecordError as error:
        return _refused(error.args)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
