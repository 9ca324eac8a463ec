"""Settings for all tests: Hypothesis generates the same examples every time, and Ctrl-C works as in a terminal."""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

# A shell without job control has what it starts in the background ignore the interrupt, and processes that tests
# start would inherit that: those that are to be interrupted would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
