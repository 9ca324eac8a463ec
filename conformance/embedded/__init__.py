"""The bundled servers, one per dialect: real HTTP on loopback, scripted, and wrong only where their document is."""

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.http import Application, Host
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing
from conformance.embedded.server import behaviour_of, default_port, serve
from conformance.embedded.style import Style, style_of

__all__ = [
    "HONEST",
    "Application",
    "Behaviour",
    "DelayedPiece",
    "Host",
    "Incoming",
    "Outgoing",
    "Style",
    "behaviour_of",
    "default_port",
    "serve",
    "style_of",
]
