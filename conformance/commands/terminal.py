"""What the terminal shows while a run asks, and when it has ended; nothing from a vendor reaches it unescaped."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from conformance.commands.streams import escape_controls, write_line
from conformance.phrases import count_noun, join_names
from conformance.replies import ProviderReplies
from conformance.running.engine import Engine
from conformance.running.session import BUNDLED_FILE, Session
from conformance.verdicts.exit_code import NOT_JUDGED

_EVERY = 0.2  # seconds between two lines of progress on a terminal
_EVERY_IN_LOGS = 5.0
_MOST_NAMES = 4  # providers that a line of progress names
_MOST_REASONS = 5


class Progress:
    """Shows progress: one line that is updated on a terminal, or an occasional line in a log."""

    def __init__(self, stream: TextIO, *, quiet: bool, replay: bool = False) -> None:
        """Begin with nothing shown. A replay is said to read exchanges, not to ask questions."""
        self._stream = stream
        self._quiet = quiet
        self._replay = replay
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._began = time.monotonic()
        self._shown = 0.0
        self._seen: dict[str, ProviderReplies] = {}

    def __call__(self, gathered: ProviderReplies) -> None:
        """Take note of one provider's state, and show it when it is time."""
        self._seen[gathered.provider.name] = gathered
        now = time.monotonic()
        if not self._quiet and now - self._shown > (_EVERY if self._live else _EVERY_IN_LOGS):
            self._shown = now
            self._show()

    def _show(self) -> None:
        number = sum(len(one.replies) for one in self._seen.values())
        said = "read" if self._replay else "asked"
        noun = "recorded exchange" if self._replay else "question"
        busy = [one for one in self._seen.values() if not one.finished]
        names = join_names([f"{one.provider.name} {_count_of(one)}" for one in busy], _MOST_NAMES)
        seconds = f"{time.monotonic() - self._began:.0f} s"
        line = f"{said} {count_noun(number, noun)} in {seconds}{': ' if busy else ''}{names}"
        line = escape_controls(line)
        self._stream.write(f"\r\x1b[K{line[:160]}" if self._live else f"{line}\n")
        self._stream.flush()

    def close(self) -> None:
        """Clear the line; a log ends with how much was asked in all."""
        if self._quiet or not self._seen:
            return
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        else:
            self._show()


def _count_of(gathered: ProviderReplies) -> str:
    """Return `12/65`: replies, and how many are expected by now; the second grows with further attempts."""
    answered = {reply.probe for reply in gathered.replies}
    waiting = gathered.planned - len(answered) - len(gathered.unasked)
    return f"{len(gathered.replies)}/{len(gathered.replies) + max(0, waiting)}"


def warn_of_bundled_file(session: Session) -> None:
    """Say first, even with -q, that the providers in use are not the user's own."""
    if session.loaded.bundled:
        write_line(sys.stderr, BUNDLED_FILE)


def list_closing_lines(engine: Engine, *, warned: bool = False) -> Iterator[str]:
    """Yield what the user should know at the end, the path of the report last; no warnings if already `warned`."""
    warnings = engine.results["run"]["warnings"] if engine.results is not None else []
    if engine.fault and engine.fault not in warnings:
        yield f"error: {engine.fault}"
    if engine.leaks:
        yield "A KEY WAS WRITTEN TO DISK; delete these files and report the fault:"
        yield from engine.leaks
    if engine.results is not None and (resumed := engine.describe_resumption()):
        yield resumed
    if not warned:
        yield from (f"warning: {line}" for line in warnings if line != BUNDLED_FILE)
    if engine.exit_code == NOT_JUDGED:  # nothing printed before it shows that anything is wrong
        causes = [cause for cause in engine.exit_causes() if cause.code == NOT_JUDGED]
        for cause in causes[:_MOST_REASONS]:
            yield f"exit code 3: {cause.provider}{': ' if cause.provider else ''}{cause.reason}"
        if len(causes) > _MOST_REASONS:
            yield f"exit code 3: and {len(causes) - _MOST_REASONS} more reasons"
    page = engine.out / "report.html"
    # A page that could not be written is an earlier run's.
    if engine.results is not None and page.is_file() and not engine.fault.startswith(str(page)):
        yield f"report: {page}"
