"""What SIGINT and SIGTERM do to a run: the first ends the asking and lets the report be written, the second ends all."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_Handler = Callable[[int, FrameType | None], object]


@contextlib.contextmanager
def sigterm_as_sigint() -> Iterator[None]:
    """Treat the first SIGTERM of a block as SIGINT is treated at that time; a second one ends the process.

    Does nothing outside the main thread, where no handler can be set.
    """
    with _ignored_sigint_kept_out(), _handling((signal.SIGTERM,), _interrupt):
        yield


@contextlib.contextmanager
def first_signal_waits() -> Iterator[None]:
    """Finish a short block in spite of the first SIGINT or SIGTERM; a second one ends the process."""

    def note(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)

    with _handling((signal.SIGINT, signal.SIGTERM), note):
        yield


@contextlib.contextmanager
def _ignored_sigint_kept_out() -> Iterator[None]:
    """Where the caller ignores SIGINT (a job in the background), block it instead of ignoring it.

    asyncio ends its tasks in order only where SIGINT has Python's own handler, which SIGTERM then uses as well.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN or not _can_block():
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _can_block() -> bool:
    return hasattr(signal, "pthread_sigmask") and threading.current_thread() is threading.main_thread()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Do what SIGINT does now: asyncio has a handler of its own while it runs, and a shell may have it ignored."""
    signal.signal(number, signal.SIG_DFL)
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


@contextlib.contextmanager
def _handling(numbers: tuple[signal.Signals, ...], handler: _Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)
