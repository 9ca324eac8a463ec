"""What SIGINT and SIGTERM do to a run: the first ends the asking and lets the report be written, a later one ends the process.

A shell, a job server and a container runtime often signal the same process one after the other. Signals within a second
of the first belong to the same interruption, and do not cost the report.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

_Handler = Callable[[int, FrameType | None], object]
_BURST = 1.0  # seconds
_BOTH = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130


def _in_main_thread() -> bool:
    """Return whether handlers can be set here."""
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def sigterm_as_sigint() -> Iterator[None]:
    """Treat the first SIGTERM of a block as SIGINT is treated at that time; a later one ends the process.

    Does nothing outside the main thread, where no handler can be set.
    """
    if not _in_main_thread():
        yield
        return
    handler = _handle_first(_interrupt)
    with _unignored_sigint(), _install_handler((signal.SIGTERM,), handler):
        before = signal.getsignal(signal.SIGINT)
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGINT) is handler:  # it took over SIGINT when the first signal came
                signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def first_signal_waits() -> Iterator[None]:
    """Finish a short block in spite of the first SIGINT or SIGTERM; a later one ends the process."""
    with _install_handler(_BOTH, _handle_first(lambda _number, _frame: None)):
        yield


def settle_exit_code(code: int) -> None:
    """Let any signal from now on end the process with the code that its files name already."""
    if _in_main_thread():
        for number in _BOTH:
            signal.signal(number, lambda _number, _frame: os._exit(code))
        if hasattr(signal, "pthread_sigmask"):  # the interpreter takes its handlers away before it has ended
            atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, _BOTH)


@contextlib.contextmanager
def restored_handlers() -> Iterator[None]:
    """Leave the handlers of SIGINT and SIGTERM as they were before the block."""
    before = {number: signal.getsignal(number) for number in _BOTH}
    try:
        yield
    finally:
        if _in_main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def _handle_first(act: Callable[[object, FrameType | None], None]) -> _Handler:
    """Return a handler that acts on the first signal, ignores those that follow at once, and exits on a later one.

    `act` is given what SIGINT did until then. From the first signal on SIGINT comes here too: asyncio would take one
    that follows for a second interruption, and stop in the middle of ending its tasks.
    """
    began: list[float] = []

    def handle(_number: int, frame: FrameType | None) -> None:
        if not began:
            began.append(time.monotonic())
            until_now = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, handle)
            act(until_now, frame)
        elif time.monotonic() - began[0] > _BURST:
            os._exit(INTERRUPTED)

    return handle


@contextlib.contextmanager
def _unignored_sigint() -> Iterator[None]:
    """If the caller ignores SIGINT (a job in the background), block it instead of ignoring it. asyncio ends its tasks in order only if SIGINT has Python's own handler, which SIGTERM then uses as well."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _interrupt(handler: object, frame: FrameType | None) -> None:
    """Do what SIGINT did until now: asyncio has a handler of its own while it runs, and a shell may have it ignored."""
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


@contextlib.contextmanager
def _install_handler(numbers: tuple[signal.Signals, ...], handler: _Handler) -> Iterator[None]:
    """Handle signals within a block; outside the main thread do nothing."""
    before = {number: signal.signal(number, handler) for number in numbers} if _in_main_thread() else {}
    try:
        yield
    finally:
        for number, old in before.items():
            if signal.getsignal(number) is handler:  # otherwise other code has replaced the handler
                signal.signal(number, signal.SIG_DFL if old is None else old)
