"""The options of a run, defined once: `conformance run` and pytest (with the prefix `--conformance-`) take the same.

A table, not a parser: argparse and pytest declare their options with the same words.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.model import FAILING_LEVELS, MEASURES, Dimension
from conformance.running.session import RunOptions


def make_number_reader(least: int, most: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from `least` to `most`; it refuses anything else and names these bounds."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return value

    return read


BODIES = make_number_reader(0, 1_000_000)
SEED = make_number_reader(0, 2**32 - 1)


@dataclass(frozen=True)
class Argument:
    """One option: its long name without dashes, its help, its short flag, and the other words of `add_argument`."""

    name: str
    help: str
    flag: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)

    def declare(self, add: Callable[..., Any], prefix: str = "") -> None:
        """Declare the option with argparse's or pytest's `add`; a prefix takes the place of the short flag."""
        flags = [self.flag] if self.flag and not prefix else []
        add(*flags, f"--{prefix}{self.name}", help=self.help, **self.words)


def _argument(name: str, description: str, flag: str = "", **words: Any) -> Argument:
    return Argument(name, description, flag, words)


def _list_argument(name: str, description: str, metavar: str, flag: str = "") -> Argument:
    """Return an option that may be given several times."""
    return Argument(name, description, flag, {"action": "append", "default": [], "metavar": metavar})


PROVIDER = _list_argument("provider", "ask this provider (repeatable)", "NAME", "-p")
CONFIG = _argument(
    "config", "a file to read instead of the current folder's providers.yaml", "-c", type=Path, metavar="FILE"
)
DIMENSION = _list_argument(
    "dimension", f"judge only this dimension (repeatable): {', '.join(Dimension)}", "DIMENSION", "-d"
)
CLIENT = _list_argument(
    "client",
    "let only this client decide the exit code: 1 if it breaks (repeatable; `conformance list clients` names them)",
    "CLIENT",
)
OUT = _argument("out", "the folder for the report (default reports/<time>/)", type=Path, metavar="DIR")
FAIL_ON = _argument(
    "fail-on",
    "exit with 1 if a new finding has this level or a higher one (default must)",
    choices=tuple(FAILING_LEVELS),
    default="must",
)
AGAINST = _argument(
    "against",
    "judge against Google's reference, the vendor's document, or both (default both)",
    choices=tuple(MEASURES),
    default="both",
)
MAX_EXAMPLES = _argument(
    "max-examples",
    "how many generated bodies to send to each provider, within max_requests",
    type=BODIES,
    metavar="N",
)
SHRINK = _argument(
    "shrink", "how many requests to spend on shrinking failing bodies", type=BODIES, default=0, metavar="N"
)
SEED_OF_RUN = _argument(
    "seed", "the seed of nonces and generated bodies (default: a new one)", type=SEED, default=0, metavar="N"
)
JUDGING = (DIMENSION, OUT, FAIL_ON, AGAINST, CLIENT)
ASKING = (PROVIDER, CONFIG)
GENERATING = (MAX_EXAMPLES, SHRINK, SEED_OF_RUN)
OF_A_RUN = (*ASKING, *JUDGING, *GENERATING)


def read_run_options(get: Callable[[str], Any]) -> RunOptions:
    """Return the options of a run; `get` returns the value of an option by its long name, or None."""
    usual = RunOptions()
    return RunOptions(
        providers=tuple(get("provider") or ()),
        dimensions=tuple(get("dimension") or ()),
        config=get("config"),
        out=get("out"),
        clients=tuple(get("client") or ()),
        fail_on=get("fail-on") or usual.fail_on,
        against=get("against") or usual.against,
        max_examples=get("max-examples"),
        shrink=get("shrink") or 0,
        seed=get("seed") or 0,
        resume=get("resume"),
        write_known=get("write-known"),
    )
