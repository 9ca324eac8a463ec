"""The bundled servers: the behaviour of each dialect's server, and serving it in the foreground."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

from conformance.dialects.dialect import Dialect, list_bundled_dialects
from conformance.embedded.behaviour import Behaviour
from conformance.embedded.http import Host
from conformance.embedded.style import make_style, split_traits


def make_behaviour(dialect: Dialect, model: str | None = None) -> Behaviour:
    """Return the behaviour that a dialect's `embedded` data describes; Google's where it says nothing.

    With a `model`, the server has only that one.
    """
    style = make_style(dialect)
    return Behaviour(replace(style, models=(model,)) if model else style)


def find_default_port(dialect: Dialect) -> int:
    """Return the fixed port of a dialect's server in the foreground; 0 (any free port) where none is given."""
    port = dialect.embedded.get("port")
    return port if isinstance(port, int) else 0


def describe_server(dialect: Dialect) -> str:
    """Describe in which traits the server of a dialect follows its document, and in which it does not."""
    if dialect.name in list_bundled_dialects():
        return f"{dialect.title}, as its document says"
    served, unserved = split_traits(dialect)
    follows = (
        f"following its document in {', '.join(served)}, and Google in everything else"
        if served
        else "as Google answers"
    )
    fails = f"; its document is not followed in {', '.join(unserved)}" if unserved else ""
    return f"{dialect.title}, {follows}{fails}"


def serve_forever(dialect: Dialect, port: int | None = None, model: str | None = None) -> None:
    """Run the server of a dialect on 127.0.0.1 until interrupted, with only one `model` where it is given.

    Raises OSError where the port is taken.
    """
    with Host() as host:
        url = host.start(make_behaviour(dialect, model), find_default_port(dialect) if port is None else port)
        sys.stdout.write(
            f"{describe_server(dialect)}, on {url} (any key is accepted unless "
            "it begins with bad, junk or spent; Ctrl-C stops the server)\n"
        )
        sys.stdout.flush()
        threading.Event().wait()
