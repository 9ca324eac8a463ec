"""The bundled servers: a behaviour for each dialect, and one that runs in the foreground."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

from conformance.dialects.dialect import Dialect, list_bundled_dialects
from conformance.embedded.behaviour import Behaviour
from conformance.embedded.http import Host
from conformance.embedded.style import make_style, split_traits


def make_behaviour(dialect: Dialect, model: str | None = None) -> Behaviour:
    """Return the behaviour that a dialect's `embedded` data describes; Google's where the page is silent.

    With a `model`, the server has that one alone.
    """
    style = make_style(dialect)
    return Behaviour(replace(style, models=(model,)) if model else style)


def find_default_port(dialect: Dialect) -> int:
    """Return the fixed port of a dialect's server in the foreground; 0, any free one, where none is given."""
    port = dialect.embedded.get("port")
    return port if isinstance(port, int) else 0


def describe_server(dialect: Dialect) -> str:
    """Return what the server of a dialect follows of its document, and what it does not, as a phrase."""
    if dialect.name in list_bundled_dialects():
        return f"{dialect.title}, as its document says it"
    served, unserved = split_traits(dialect)
    follows = f"as its document says of {', '.join(served)}" if served else "as Google answers"
    fails = f"; not as it says of {', '.join(unserved)}" if unserved else ""
    return f"{dialect.title}, {follows}{fails}{'; in all else as Google answers' if served else ''}"


def serve_forever(dialect: Dialect, port: int | None = None, model: str | None = None) -> None:
    """Run the server of a dialect on 127.0.0.1 until interrupted, with one `model` alone where it is given.

    Raises OSError where the port is taken.
    """
    with Host() as host:
        url = host.start(make_behaviour(dialect, model), find_default_port(dialect) if port is None else port)
        sys.stdout.write(
            f"{describe_server(dialect)}, on {url} (any key is accepted, unless "
            "it begins with bad, junk or spent; Ctrl-C ends)\n"
        )
        sys.stdout.flush()
        threading.Event().wait()
