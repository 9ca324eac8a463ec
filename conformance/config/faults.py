"""Finds the faults of a providers.yaml: first by its JSON schema, then those that no schema can express.

The schema that editors use (`schemas/providers.schema.json`) is the only place that knows the keys, their types and
their bounds. Its `errorMessage` is shown where a key's value does not fit; the other sentences are built here from
the keyword that failed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.config.addresses import describe_fault_in_base_url, is_loopback, split_url
from conformance.config.yamltree import ConfigFault, Keys, YamlDocument
from conformance.files import is_folder
from conformance.keys.secrets import VARIABLE
from conformance.model import JSON
from conformance.names import suggest_or_list
from conformance.validation import SchemaError, iter_schema_errors

SCHEMA = "https://conformance.invalid/schemas/providers"
_TYPES = {
    "object": "must be a mapping of keys and values",
    "array": "must be a list",
    "boolean": "must be true or false",
    "string": "must be text",
}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LIKE_A_KEY = re.compile(
    r"AIza[\w-]{16,}|\bsk-[\w-]{16,}|\bAQ\.[\w-]{16,}|\bya29\.[\w-]{16,}|\beyJ[\w-]{12,}\.[\w-]+"
)
_KEY_HEADERS = ("authorization", "x-goog-api-key", "x-api-key", "proxy-authorization", "cookie")
_SENT_BY_US = ("host", "content-length", "transfer-encoding", "connection", "expect", "upgrade")

_Fault = tuple[Keys, str]  # the keys that lead to a value, and what is wrong with it
_NO_PROVIDERS: _Fault = ((), "needs 'providers'")
_UNKNOWN = "unknown key"  # such a fault is reported in the line of the key; any other in the line where the value begins


def find_faults(document: YamlDocument, folder: Path, dialects: Collection[str]) -> list[ConfigFault]:
    """Return every fault of a providers.yaml, by line. Numbers where text is wanted are changed to text beforehand.

    `dialects` are the bundled ones, and `folder` is where the file stands: a dialect that is neither bundled nor a
    folder is a fault. Without `dialects`, dialects are not looked at.
    """
    _take_as_text(document)
    # The faults of a text by itself replace all others at its place, which might repeat what looks like a key.
    own = {**dict(_find_in_settings(document.value)), **dict(_find_in_texts(document))}
    others = [*_find_by_schema(document.value), *_find_across_settings(document.value, folder, dialects)]
    found = dict.fromkeys([*own.items(), *(fault for fault in others if fault[0] not in own)])
    if len(found) > 1 or document.faults:
        found.pop(_NO_PROVIDERS, None)  # the file is not finished yet
    placed = [
        ConfigFault((document.name_lines if says.startswith(_UNKNOWN) else document.lines)[keys], keys, says)
        for keys, says in found
    ]
    return sorted([*document.faults, *placed], key=lambda fault: fault.line)


def _take_as_text(document: YamlDocument) -> None:
    """Replace numbers and words such as `yes` by what is written, where the schema wants text."""
    for error in iter_schema_errors(document.value, SCHEMA):
        keys: Keys = tuple(error.absolute_path)
        wanted: Any = error.validator_value
        if error.validator == "type" and "string" in wanted and keys in document.texts:
            holder: Any = document.value
            for key in keys[:-1]:
                holder = holder[key]
            holder[keys[-1]] = document.texts[keys]


# --- what the schema says ---


def _find_by_schema(value: JSON) -> Iterator[_Fault]:
    for error in iter_schema_errors(value, SCHEMA):
        keys: Keys = tuple(error.absolute_path)
        instance: Any = error.instance
        schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
        if error.validator == "additionalProperties":
            known = schema["properties"]
            unknown = (name for name in instance if name not in known)
            yield from (((*keys, name), f"{_UNKNOWN}{suggest_or_list(name, known)}") for name in unknown)
        elif error.validator == "required":
            yield from ((keys, f"needs {name!r}") for name in schema["required"] if name not in instance)
        elif "propertyNames" in error.absolute_schema_path:
            yield (*keys, instance), schema["errorMessage"]
        else:
            yield keys, schema.get("errorMessage") or _describe_error(error, schema)


def _describe_error(error: SchemaError, schema: Mapping[str, Any]) -> str:
    """Say what a value must be. The value itself is shown only where it is a single word: it may hold a key."""
    if error.validator == "enum":
        if isinstance(error.instance, str):
            return f"{error.instance!r} is unknown{suggest_or_list(error.instance, schema['enum'])}"
        return f"must be a word{suggest_or_list('', schema['enum'])}"
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if kinds[0] in _TYPES:
        return _TYPES[kinds[0]]
    whole = "whole " if kinds[0] == "integer" else ""
    return f"must be a {whole}number from {schema['minimum']:.12g} to {schema['maximum']:.12g}"


# --- what no schema can say ---


def _find_in_texts(document: YamlDocument) -> Iterator[_Fault]:
    """Find texts that look like a key, which must never be repeated, and those of more than one line."""
    for keys, text in document.texts.items():
        if _LIKE_A_KEY.search(text):
            yield keys, "this looks like a key; put it into a variable and name that in key_env"
        elif not text.strip() or not text.isprintable():
            yield keys, "must be one line of printable text"


def _find_members(value: JSON, *names: str) -> dict[str, JSON]:
    """Return the object that the names lead to; an empty one if they lead nowhere."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _find_in_settings(root: JSON) -> Iterator[_Fault]:
    """Find what is wrong with single settings, in the defaults and in each provider."""
    places: list[tuple[str, ...]] = [
        ("defaults",),
        *(("providers", name) for name in _find_members(root, "providers")),
    ]
    for keys in places:
        settings = _find_members(root, *keys)
        for name, describe in _CHECKS.items():
            value = settings.get(name)
            if isinstance(value, str) and (says := describe(value)):
                yield (*keys, name), says
        for name, value in _find_members(settings, "headers").items():
            if says := _describe_fault_in_header(name, str(value)):
                yield (*keys, "headers", name), says
        known = settings.get("known")
        for number, entry in enumerate(known if isinstance(known, list) else ()):
            until = _find_members(entry).get("until")
            if isinstance(until, str) and not _is_date(until):
                yield (*keys, "known", number, "until"), f"{until!r} is not a date; write it as 2027-06-30"


def _describe_fault_in_model(value: str) -> str:
    if value.startswith("models/"):
        return f"leave out models/: write {value.removeprefix('models/')}"
    if ".." in value.split("/") or re.search(r"[\s?#\\%]", value):
        return "must be the name of a model, such as gemini-2.5-flash"
    return ""


def _describe_fault_in_proxy(value: str) -> str:
    parts = split_url(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "must be http://host:port or https://host:port (SOCKS is not supported)"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user or a password, since run.json would repeat them; put the address into HTTPS_PROXY"
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "base_url": describe_fault_in_base_url,
    "model": _describe_fault_in_model,
    "proxy": _describe_fault_in_proxy,
}


def _describe_fault_in_header(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        return "is not a valid name of a header"
    if name.lower() in _SENT_BY_US:
        return "is set by the program itself"
    if name.lower() in _KEY_HEADERS and not VARIABLE.search(value):
        return "carries secrets: put the value into a variable and write ${NAME}"
    return "" if value.isascii() else "must be ASCII"


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _find_across_settings(root: JSON, folder: Path, dialects: Collection[str]) -> Iterator[_Fault]:
    """Find what is wrong with the settings of a provider together, the defaults counted in."""
    for name in _find_members(root, "providers"):
        keys, own = ("providers", name), _find_members(root, "providers", name)
        settings = {**_find_members(root, "defaults"), **own}
        if "base_url" in own and "embedded" not in own:
            yield from ((keys, f"needs {key!r}") for key in ("dialect", "model") if key not in settings)
        if _sends_key_unprotected(settings):
            says = "would send the key unencrypted; use https, or set insecure_http: true"
            yield (*keys, "base_url"), says
        key = "embedded" if "embedded" in own else "dialect"
        dialect = settings.get(key)
        if (
            dialects
            and isinstance(dialect, str)
            and dialect not in dialects
            and not is_folder(folder / dialect)
        ):
            says = f"there is no dialect {dialect!r}{suggest_or_list(dialect, dialects)}"
            yield (*keys, key) if key in own else keys, says


def _sends_key_unprotected(settings: Mapping[str, JSON]) -> bool:
    url = settings.get("base_url")
    if not isinstance(url, str) or not url.startswith("http:") or is_loopback(url):
        return False
    values = _find_members(settings.get("headers")).values()
    secret = bool(settings.get("key_env")) or any("${" in str(value) for value in values)
    return secret and settings.get("insecure_http") is not True
