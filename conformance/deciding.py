"""The commands that decide: compare two runs, and switch from one vendor to another."""

from __future__ import annotations

from argparse import Namespace

from conformance.session import UsageError


def compare(words: Namespace) -> int:
    """Say what is new, fixed, still there and no longer covered between two runs."""
    raise UsageError(f"{words.old}: not yet")


def switch(words: Namespace) -> int:
    """Say what changes for code that moves."""
    raise UsageError(f"{words.to}: not yet")
