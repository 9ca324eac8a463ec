"""Addresses in configuration: which may be a base_url, and which are on this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

# What a base_url must not end in: the version, and anything that belongs to the path of a method.
_OF_A_METHOD = re.compile(
    r"(/v1(beta|alpha)?(/models(/.*)?|/?)$)|(/models(/.*)?$)|(:(stream)?generateContent.*$)", re.IGNORECASE
)


def describe_fault_in_base_url(value: str) -> str:
    """Return why an address cannot be a base_url (the part before /v1beta); an empty string if it can."""
    parts = split_url(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
        return "must be an address such as https://host or https://host/prefix"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user or a password; the key comes from key_env"
    if parts.query or parts.fragment or "?" in value or "#" in value:
        return "must not contain ? or #; the program adds the rest of the address itself"
    surplus = _OF_A_METHOD.search(parts.path)
    if surplus:
        return f"leave {surplus[0].rstrip('/')} out: the program appends /v1beta/models/… itself"
    return ""


def split_url(value: str) -> SplitResult | None:
    """Split an address; return None if it cannot be split or its port is out of range."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts


def is_loopback(url: str) -> bool:
    """Return whether an address is this machine's own: localhost, 127.0.0.0/8, ::1."""
    parts = split_url(url)
    host = (parts.hostname if parts else None) or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
