"""Finds what a recorded address asks for: the host, the model and the method, wherever they are in the path."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from conformance.keys.found import find_keys_in_query, is_secret_parameter
from conformance.model import LONGEST_PATH

_LONGEST_NAME = 64
UNKNOWN_HOST = "host-not-recorded.invalid"
_METHODS = "generateContent|streamGenerateContent|countTokens"
# The colon may be escaped. Code Assist (v1internal) wraps its requests and answers: it is another API.
_ASKED = re.compile(rf"^(?P<before>.*)/(?P<model>[^/]+?)(?::|%3[Aa])(?P<method>{_METHODS})/?$")
_INTERNAL = re.compile(r"^v\d+internal$")
_COLLECTION = re.compile(r"^(?P<prefix>.*?)/(?P<what>models|tunedModels|endpoints)/(?P<model>.+)$")
_LISTED = re.compile(r"^(?P<prefix>.*)/models(?:/(?P<model>[^:]+?))?/?$")
_VERSION = re.compile(r"^(?P<prefix>.*?)/(?P<version>v\d+(?:(?:alpha|beta)\d*)?)(?=/|$)")
_GOOGLES = re.compile(r"(^|\.)googleapis\.com$")
_HOST = re.compile(r"^[A-Za-z0-9._-]{1,253}(?::\d{1,5})?$")
_LONE = re.compile("[\ud800-\udfff]")  # half a character, which no address can contain
_INTEREST = re.compile(r"(?i)(?:generateContent|countTokens|/models)\b")


@dataclass(frozen=True)
class Address:
    """Where an exchange went, and for what; `path` includes the query, without anything that carries a key."""

    host: str
    base_url: str
    path: str
    model: str
    method: str  # generateContent | streamGenerateContent | countTokens | models
    secrets: tuple[str, ...]
    certain: bool = True  # False if another API lists its models at such a path too


def is_of_interest(url: str) -> bool:
    """Return, by a quick look, whether an address may belong to the Gemini API."""
    return _INTEREST.search(url[-LONGEST_PATH:]) is not None


def parse_address(url: str, verb: str, host: str | None = None) -> Address | None:
    """Return what an address asks for; None if that is not a method of the Gemini API that is judged.

    `host` stands in for the host of an address that is a path alone.
    """
    if len(url) > LONGEST_PATH:
        return None
    try:
        parts = urlsplit(_add_root(_LONE.sub("\ufffd", url.strip())))
    except ValueError:
        return None
    host = host if host and _HOST.match(host) else None
    read = _READERS.get(verb.upper())
    found = read(parts, host) if read else None
    return found if found is not None and len(found.path) <= LONGEST_PATH else None


def _add_root(url: str) -> str:
    """Return an address that begins with a host or a slash: some recorders leave out the scheme, some the slash."""
    if "://" in url[:12] or url.startswith("/"):
        return url
    first = url.partition("/")[0]
    return f"//{url}" if _HOST.match(first) and re.search(r"[.:]\w", first) and "/" in url else f"/{url}"


def _parse_method_call(parts: SplitResult, host: str | None) -> Address | None:
    match = _ASKED.match(parts.path)
    if match is None or _INTERNAL.match(match["model"]):
        return None
    path = f"{match['before']}/{match['model']}"
    collection = _COLLECTION.match(path)
    model = collection["model"] if collection else match["model"]
    prefix = collection["prefix"] if collection else match["before"]
    return _build_address(parts, host, f"{path}:{match['method']}", prefix, model, match["method"])


def _parse_model_list(parts: SplitResult, host: str | None) -> Address | None:
    match = _LISTED.match(parts.path)
    if match is None or "/operations" in parts.path:
        return None
    found = _build_address(parts, host, parts.path, match["prefix"], "", "models")
    version = _VERSION.match(match["prefix"])
    google = _GOOGLES.search(found.host) is not None
    certain = google or (version is not None and version["version"] not in ("v1", "v2"))
    return Address(found.host, found.base_url, found.path, "", "models", found.secrets, certain)


_READERS: Mapping[str, Callable[[SplitResult, str | None], Address | None]] = {
    "POST": _parse_method_call,
    "GET": _parse_model_list,
}


def _build_address(  # noqa: PLR0913, PLR0917 - the parts of an address
    parts: SplitResult, host: str | None, path: str, prefix: str, model: str, method: str
) -> Address:
    name = parts.hostname or (host or UNKNOWN_HOST).lower()
    name = f"[{name}]" if ":" in name and parts.hostname else name
    scheme = parts.scheme or "https"
    port = _find_port(parts)
    version = _VERSION.match(prefix)
    base = version["prefix"] if version else prefix
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = urlencode([(key, value) for key, value in pairs if not is_secret_parameter(key)], safe="$;=,")
    return Address(
        f"{name}{port}",
        f"{scheme}://{name}{port}{base}",
        quote(path, safe="/:@%$,;=+!*'()~") + (f"?{kept}" if kept else ""),
        model,
        method,
        tuple(find_keys_in_query(pairs)),
    )


_USUAL_PORTS = {"https": 443, "http": 80}


def _find_port(parts: SplitResult) -> str:
    """Return the port with its colon; an empty string for the scheme's usual port, and for one that is out of range."""
    try:
        port = parts.port
    except ValueError:
        return ""
    return f":{port}" if port and port != _USUAL_PORTS.get(parts.scheme) else ""


def name_providers(
    groups: Sequence[tuple[str, str]], taken: frozenset[str] = frozenset()
) -> dict[tuple[str, str], str]:
    """Return for each pair of host and model a name that is fit for files and the command line; all differ."""
    wished = {
        group: _slugify("-".join(part for part in group if part and part != UNKNOWN_HOST)) for group in groups
    }
    counts = Counter(slug[:_LONGEST_NAME] for slug in wished.values())
    return {
        group: slug
        if len(slug) <= _LONGEST_NAME and counts[slug] == 1 and slug not in taken
        else f"{slug[:57]}-{hashlib.sha256(repr(group).encode()).hexdigest()[:6]}"
        for group, slug in wished.items()
    }


def _slugify(text: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("._-") or "recording"
