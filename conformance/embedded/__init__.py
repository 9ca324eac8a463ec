"""The bundled servers, one for each dialect: scripted, real HTTP on loopback, and wrong only where their document is."""

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.http import Application, Host
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing
from conformance.embedded.server import find_default_port, make_behaviour, serve_forever
from conformance.embedded.style import Style, make_style

__all__ = [
    "HONEST",
    "Application",
    "Behaviour",
    "DelayedPiece",
    "Host",
    "Incoming",
    "Outgoing",
    "Style",
    "find_default_port",
    "make_behaviour",
    "make_style",
    "serve_forever",
]
