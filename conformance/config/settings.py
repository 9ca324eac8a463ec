"""What each key of providers.yaml may hold: one small reader per key, which collects faults instead of raising."""

from __future__ import annotations

import datetime as dt
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, urlsplit

from conformance.config.yamltree import Branch, Fault, Leaf, Node, Tree
from conformance.keys.secrets import VARIABLE
from conformance.model import Auth, Known, Prices
from conformance.names import suggest_or_list

UNSUPPORTED = (
    "streaming",
    "function-calling",
    "parallel-calls",
    "json-schema",
    "system-instruction",
    "history",
    "thinking",
    "images",
    "stop-sequences",
    "candidate-count",
    "safety-settings",
    "cached-content",
    "count-tokens",
    "models",
    "cors",
    "v1",
)
"""The features that a vendor may say it lacks: `unsupported` takes no other word."""

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What a base_url must not end in: the version, and whatever of a method's own path follows it.
_OF_A_METHOD = re.compile(
    r"(/v1(beta|alpha)?(/models(/.*)?|/?)$)|(/models(/.*)?$)|(:(stream)?generateContent.*$)", re.IGNORECASE
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LIKE_A_KEY = re.compile(
    r"AIza[\w-]{16,}|\bsk-[\w-]{16,}|\bAQ\.[\w-]{16,}|\bya29\.[\w-]{16,}|\beyJ[\w-]{12,}\.[\w-]+"
)
_KEY_HEADERS = ("authorization", "x-goog-api-key", "x-api-key", "proxy-authorization", "cookie")
_SENT_BY_US = ("host", "content-length", "transfer-encoding", "connection", "expect", "upgrade")
_MOST_HEADER_BYTES = 100 * 1024  # the HTTP library reads no more


@dataclass
class Faults:
    """Collects what is wrong with one file."""

    found: list[Fault] = field(default_factory=list)

    def add(self, line: int, key: str, says: str) -> None:
        """Note one fault."""
        self.found.append(Fault(line, key, says))


Read = Callable[[Faults, str, Node], Any]


def text(faults: Faults, key: str, node: Node) -> str | None:
    """Read one line of text. Numbers are taken as they are written."""
    if not isinstance(node, Leaf) or node.kind == "null":
        faults.add(node.line, key, "must be text")
        return None
    if not node.text.strip() or not node.text.isprintable():
        faults.add(node.line, key, "must be one line of printable text")
        return None
    if _LIKE_A_KEY.search(node.text):
        faults.add(node.line, key, "this looks like a key; put it into a variable and name that in key_env")
        return None
    return node.text


def base_url(faults: Faults, key: str, node: Node) -> str | None:
    """Read what stands before /v1beta."""
    value = text(faults, key, node)
    if value is None:
        return None
    fault = fault_in_base_url(value)
    if fault:
        faults.add(node.line, key, fault)
    return None if fault else value.rstrip("/")


def fault_in_base_url(value: str) -> str:
    """Return what keeps an address from being what stands before /v1beta; empty where nothing does."""
    parts = split_url(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or " " in value:
        return "must be an address such as https://host or https://host/prefix"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password; the key comes from key_env"
    if parts.query or parts.fragment or "?" in value or "#" in value:
        return "must end before any ? or #; what follows is built by the program"
    surplus = _OF_A_METHOD.search(parts.path)
    if surplus:
        return f"leave {surplus[0].rstrip('/')} out: the program appends /v1beta/models/… itself"
    return ""


def split_url(value: str) -> SplitResult | None:
    """Split an address; None where it has none of the parts it should, a port out of range for instance."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return parts


def is_loopback(url: str) -> bool:
    """Tell whether an address is this machine's own: localhost, 127.0.0.0/8, ::1."""
    parts = split_url(url)
    host = (parts.hostname if parts else None) or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy(faults: Faults, key: str, node: Node) -> str | None:
    """Read the address of a proxy, or nothing."""
    if isinstance(node, Leaf) and node.kind == "null":
        return None
    value = text(faults, key, node)
    parts = split_url(value) if value else None
    if value and (parts is None or parts.scheme not in ("http", "https") or not parts.hostname):
        faults.add(node.line, key, "must be http://host:port or https://host:port (SOCKS is not spoken)")
        return None
    if parts and (parts.username is not None or parts.password is not None):
        says = (
            "must not hold a user or a password: run.json would repeat them; put the address into HTTPS_PROXY"
        )
        faults.add(node.line, key, says)
        return None
    return value


def optional_text(faults: Faults, key: str, node: Node) -> str | None:
    """Read text, or nothing where it says null."""
    return None if isinstance(node, Leaf) and node.kind == "null" else text(faults, key, node)


def model(faults: Faults, key: str, node: Node) -> str | None:
    """Read the name of a model without models/ before it."""
    value = text(faults, key, node)
    if value is None:
        return None
    if value.startswith("models/"):
        faults.add(node.line, key, f"leave models/ out: {value.removeprefix('models/')}")
        return None
    if ".." in value.split("/") or re.search(r"[\s?#\\%]", value):
        faults.add(node.line, key, "must be the name of a model, such as gemini-2.5-flash")
        return None
    return value


def auth(faults: Faults, key: str, node: Node) -> Auth | None:
    """Read how the key is carried."""
    value = _one_of(faults, key, node, tuple(Auth))
    return Auth(value) if value else None


def _one_of(faults: Faults, key: str, node: Node, known: tuple[str, ...]) -> str | None:
    value = text(faults, key, node)
    if value is not None and value not in known:
        faults.add(node.line, key, f"{value!r} is unknown{suggest_or_list(value, known)}")
        return None
    return value


def variable(faults: Faults, key: str, node: Node) -> str | None:
    """Read the name of the variable that holds the key; null for none."""
    value = optional_text(faults, key, node)
    if value is not None and not _VARIABLE_NAME.fullmatch(value):
        faults.add(
            node.line, key, "must be the name of a variable, such as VENDOR_API_KEY, not the key itself"
        )
        return None
    return value


def whole(least: int, most: int) -> Read:
    """Make a reader of whole numbers within bounds."""

    def read(faults: Faults, key: str, node: Node) -> int | None:
        value = node.value if isinstance(node, Leaf) and node.kind == "int" else None
        if not isinstance(value, int) or not least <= value <= most:
            faults.add(node.line, key, f"must be a whole number from {least} to {most}")
            return None
        return value

    return read


def number(least: float, most: float) -> Read:
    """Make a reader of numbers within bounds."""

    def read(faults: Faults, key: str, node: Node) -> float | None:
        value = node.value if isinstance(node, Leaf) and node.kind in ("int", "float") else None
        usable = isinstance(value, (int, float)) and math.isfinite(value) and least <= value <= most
        if not usable:
            faults.add(node.line, key, f"must be a number from {least:g} to {most:g}")
        return float(value or 0) if usable else None

    return read


def flag(faults: Faults, key: str, node: Node) -> bool | None:
    """Read true or false."""
    if not isinstance(node, Leaf) or node.kind != "bool":
        faults.add(node.line, key, "must be true or false")
        return None
    return node.value is True


def features(faults: Faults, key: str, node: Node) -> tuple[str, ...]:
    """Read the list of what a vendor says it lacks."""
    if not isinstance(node, Branch):
        faults.add(node.line, key, "must be a list, such as [thinking, images]")
        return ()
    words = (_one_of(faults, f"{key}[{n}]", item, UNSUPPORTED) for n, item in enumerate(node.items))
    return tuple(dict.fromkeys(word for word in words if word))


def entries(faults: Faults, key: str, node: Node, known: Mapping[str, Read] | None) -> dict[str, Node]:
    """Read a mapping: doubled keys are noted, and unknown ones where `known` says which there are."""
    if not isinstance(node, Tree):
        if not (isinstance(node, Leaf) and node.kind == "null"):
            faults.add(node.line, key, "must be a mapping of keys and values")
        return {}
    found: dict[str, Node] = {}
    for entry in node.entries:
        where = f"{key}.{entry.key}" if key else entry.key
        if entry.key in found:
            faults.add(entry.line, where, f"stands twice; first in line {found[entry.key].line}")
        elif known is not None and entry.key not in known:
            faults.add(entry.line, where, f"unknown key{suggest_or_list(entry.key, known)}")
        else:
            found[entry.key] = entry.node
    return found


def values(faults: Faults, key: str, node: Node, readers: Mapping[str, Read]) -> dict[str, Any]:
    """Read a mapping by a table of readers; what could not be read is left out, and noted."""
    found = {}
    for name, child in entries(faults, key, node, readers).items():
        before = len(faults.found)
        value = readers[name](faults, f"{key}.{name}", child)
        if len(faults.found) == before:
            found[name] = value
    return found


def headers(faults: Faults, key: str, node: Node) -> Mapping[str, str]:
    """Read additional headers; values may name variables, the key's own headers are not among them."""
    found = {}
    for name, child in entries(faults, key, node, None).items():
        where = f"{key}.{name}"
        value = text(faults, where, child)
        fault = _fault_in_header(name, value or "")
        if fault:
            faults.add(child.line, where, fault)
        elif value is not None:
            found[name] = value
    return MappingProxyType(found)


def _fault_in_header(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        return "is no name for a header"
    if name.lower() in _SENT_BY_US:
        return "is set by the program itself"
    if name.lower() in _KEY_HEADERS and not VARIABLE.search(value):
        return "carries secrets: put the value into a variable and write ${NAME}"
    return "" if value.isascii() else "must be ASCII"


def prices(faults: Faults, key: str, node: Node) -> Prices | None:
    """Read prices per million tokens; both, or null."""
    found = values(faults, key, node, {"input": number(0, 1e6), "output": number(0, 1e6)})
    if isinstance(node, Tree) and len(found) < 2 and {entry.key for entry in node.entries} <= set(found):
        faults.add(node.line, key, "needs both input and output")
        return None
    return Prices(**found) if len(found) == 2 else None


LIMITS: Mapping[str, Read] = MappingProxyType(
    {
        "first_byte": number(0.05, 3600),
        "silence": number(0.05, 3600),
        "body_bytes": whole(1024, 1024**3),
        "decoded_bytes": whole(1024, 1024**3),
        "header_bytes": whole(256, _MOST_HEADER_BYTES),
        "chunks": whole(10, 1_000_000),
        "json_depth": whole(8, 1000),
        "json_values": whole(1000, 100_000_000),
        "json_bytes": whole(1024, 1024**3),
        "integer_digits": whole(16, 4000),
        "run_bytes": whole(1024, 64 * 1024**3),
        "retries": whole(0, 10),
        "retry_wait": number(0, 600),
        "dead_after": whole(1, 1000),
    }
)


def limits(faults: Faults, key: str, node: Node) -> dict[str, Any]:
    """Read bounds; those that are not named keep their defaults. Returns what was named."""
    return values(faults, key, node, LIMITS)


def _probes(faults: Faults, key: str, node: Node) -> tuple[str, ...]:
    items = node.items if isinstance(node, Branch) else (node,)
    words = [text(faults, key, item) for item in items]
    if not words:
        faults.add(node.line, key, 'must be "*" or a list of probes')
    return tuple(word for word in words if word)


def _date(faults: Faults, key: str, node: Node) -> str | None:
    value = optional_text(faults, key, node)
    if value is None:
        return None
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        faults.add(node.line, key, f"{value!r} is no date; write it as 2027-06-30")
        return None


_KNOWN: Mapping[str, Read] = {"rule": text, "probe": _probes, "reason": text, "until": _date}


def known(faults: Faults, key: str, node: Node) -> tuple[Known, ...]:
    """Read the accepted deviations. Whether their rules exist is for the rules' own catalogue to say."""
    if not isinstance(node, Branch):
        if not (isinstance(node, Leaf) and node.kind == "null"):
            faults.add(node.line, key, "must be a list of entries with rule, probe and reason")
        return ()
    found = (_accepted(faults, f"{key}[{n}]", item) for n, item in enumerate(node.items))
    return tuple(entry for entry in found if entry)


def _accepted(faults: Faults, key: str, node: Node) -> Known | None:
    found = values(faults, key, node, _KNOWN)
    named = {entry.key for entry in node.entries} if isinstance(node, Tree) else set()
    for name in ("rule", "probe", "reason"):
        if name not in named:
            faults.add(node.line, key, f"needs {name!r}")
    if not {"rule", "probe", "reason"} <= found.keys():
        return None
    return Known(found["rule"], found["probe"], found["reason"], found.get("until"), node.line)
