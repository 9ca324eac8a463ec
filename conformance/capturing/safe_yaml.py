"""YAML that others wrote, read whole with PyYAML's safe loader and less.

No tag builds anything but text and bytes, there are no merge keys and no dates, and a bounded number of aliases, which
share what they name and so cost nothing.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import yaml

from conformance.capturing.entry import CaptureError
from conformance.model import JSON

MOST_ALIASES = 20_000
_CORE = "tag:yaml.org,2002:"
_TEXTS = ("!str", f"{_CORE}python/unicode", f"{_CORE}python/str", "!ruby/string", "!ruby/sym", "!ruby/symbol")
_BYTES = ("!binary", f"{_CORE}binary", f"{_CORE}python/bytes")
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ALIAS = re.compile(r"(?m)(?:^|[\s\[{,:-])\*[A-Za-z0-9_]+\s*(?:$|[,\]}])")


class _Loader(_BASE):  # type: ignore[misc]  # libyaml's where PyYAML was built with it
    """Builds mappings, lists, texts, numbers and bytes, and nothing else."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse merge keys, which copy what they merge; take `=` for an ordinary key."""
        for key, _ in node.value:
            if key.tag == f"{_CORE}merge":
                raise _fail(key, "uses a YAML merge key, which no recorder writes")
            if key.tag == f"{_CORE}value":
                key.tag = f"{_CORE}str"


def _fail(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _construct_bytes(loader: Any, node: yaml.ScalarNode) -> bytes:
    try:
        return base64.b64decode(loader.construct_scalar(node))
    except ValueError as error:
        raise _fail(node, f"is not valid Base64: {error}") from error


def _construct_text(loader: Any, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _construct_number(loader: Any, node: yaml.ScalarNode) -> Any:
    """Return a number, or the text where it only looks like a number."""
    read = loader.construct_yaml_int if node.tag.endswith(":int") else loader.construct_yaml_float
    try:
        return read(node)
    except (ValueError, IndexError, OverflowError):
        return str(node.value)


def _refuse(_loader: Any, node: yaml.Node) -> None:
    tag = node.tag.removeprefix(_CORE)[:80]
    raise _fail(node, f"the tag {tag!r} would create an object, which is refused; record without it")


for _tag in _TEXTS:
    _Loader.add_constructor(_tag, _construct_text)
for _tag in _BYTES:
    _Loader.add_constructor(_tag, _construct_bytes)
for _tag in (f"{_CORE}int", f"{_CORE}float"):
    _Loader.add_constructor(_tag, _construct_number)
_Loader.add_constructor(f"{_CORE}timestamp", _construct_text)
_Loader.add_constructor(None, _refuse)


def load_yaml(data: bytes) -> JSON:
    """Return the value of a YAML text. Raises CaptureError with the line of what is wrong."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CaptureError(f"{line}: is not UTF-8") from error
    if sum(1 for _ in _ALIAS.finditer(text)) > MOST_ALIASES:
        raise CaptureError(f"holds more than {MOST_ALIASES} aliases")
    try:
        value: JSON = yaml.load(text, _Loader)  # noqa: S506 - our own loader, safer than the safe one
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise CaptureError(
            f"{mark.line + 1 if mark else 1}: {error.problem or 'is not YAML'}"[:300]
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise CaptureError(f"is not readable YAML: {' '.join(str(error).split())}"[:300]) from error
    return value
