"""Reads YAML as plain values with their lines, within bounds and with core tags only; the only module that uses yaml."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from conformance.model import JSON

LARGEST = 1024 * 1024  # bytes
DEEPEST = 24
MOST_NODES = 60_000  # counted after aliases are followed, so that no alias bomb goes off
_SHORT = re.compile(r"[-+.~\w]{0,64}")  # the longest that a number, true, false or null may be

_CORE = "tag:yaml.org,2002:"
_SCALARS = {_CORE + name: name for name in ("str", "int", "float", "bool", "null", "timestamp")}

Keys = tuple[str | int, ...]
"""The way from the root of a document to a value: names of members, and positions in lists."""


@dataclass(frozen=True)
class ConfigFault:
    """One thing that is wrong: the line (from 1), the keys that lead there, and a sentence. Its text is one line."""

    line: int
    keys: Keys
    says: str

    def __str__(self) -> str:
        where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys)
        shown = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in where[:300])
        return (
            f"{self.line}: {shown.removeprefix('.')}: {self.says}" if shown else f"{self.line}: {self.says}"
        )


class YamlError(Exception):
    """The text is not YAML, or not the part of YAML that is read here."""

    def __init__(self, line: int, says: str, *keys: str) -> None:
        super().__init__(says)
        self.fault = ConfigFault(line, keys, says)


@dataclass
class YamlDocument:
    """A document as plain values. A name that occurs twice in a mapping is a fault; its first value counts."""

    value: JSON = None
    lines: dict[Keys, int] = field(default_factory=dict)  # where each value begins
    name_lines: dict[Keys, int] = field(default_factory=dict)  # where the name of each member stands
    texts: dict[Keys, str] = field(default_factory=dict)  # each scalar but null, as it is written
    faults: list[ConfigFault] = field(default_factory=list)


def read_yaml(data: bytes) -> YamlDocument:
    """Read one YAML document. Raises YamlError for what is broken, too big, too deep, or has foreign tags."""
    if len(data) > LARGEST:
        raise YamlError(1, f"larger than {LARGEST} bytes")
    try:
        root = yaml.compose(data.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise YamlError(data.count(b"\n", 0, error.start) + 1, "not UTF-8") from None
    except RecursionError:
        raise YamlError(1, f"nested deeper than {DEEPEST} levels") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, f"not YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError(1, f"not YAML: {str(error).splitlines()[0]}") from None
    if root is None:
        raise YamlError(1, "empty")
    document = YamlDocument()
    document.value = _convert(document, root, (), iter(range(MOST_NODES)))
    return document


def _convert(document: YamlDocument, node: yaml.Node, keys: Keys, budget: Iterator[int]) -> JSON:
    """Return the value of a node, and note the lines of everything in it."""
    line = document.lines[keys] = node.start_mark.line + 1
    if len(keys) > DEEPEST:
        raise YamlError(line, f"nested deeper than {DEEPEST} levels")
    if next(budget, None) is None:
        raise YamlError(line, f"more than {MOST_NODES} values (aliases counted each time they are used)")
    if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
        value = _read_scalar(node.value, _SCALARS[node.tag])
        if value is not None:
            document.texts[keys] = node.value
        return value
    if isinstance(node, yaml.SequenceNode) and node.tag == _CORE + "seq":
        return [_convert(document, item, (*keys, number), budget) for number, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode) and node.tag == _CORE + "map":
        return _convert_mapping(document, node, keys, budget)
    raise YamlError(line, f"the tag {node.tag.replace(_CORE, '!!')} is not supported here; leave it out")


def _convert_mapping(
    document: YamlDocument, node: yaml.MappingNode, keys: Keys, budget: Iterator[int]
) -> JSON:
    members: dict[str, JSON] = {}
    for name, value in node.value:
        line = name.start_mark.line + 1
        if not isinstance(name, yaml.ScalarNode):
            raise YamlError(line, "a key must be a plain word")
        if name.tag == _CORE + "merge":
            raise YamlError(line, "merge keys are not supported here; use `defaults`", "<<")
        path = (*keys, name.value)
        if name.value in members:
            first = document.name_lines[path]
            document.faults.append(ConfigFault(line, path, f"appears twice; first in line {first}"))
            continue
        document.name_lines[path] = line
        members[name.value] = _convert(document, value, path, budget)
    return members


def _read_scalar(text: str, kind: str) -> JSON:
    """Return a scalar as YAML takes it, whole numbers as int: JSON Schema takes 5.0 for one, and nothing else here may.

    Dates and infinite numbers stay text, and so does what only a tag calls a number.
    """
    if kind in ("str", "timestamp") or not _SHORT.fullmatch(text):
        return text
    try:
        value: JSON = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        return text
    return int(value) if value.is_integer() else value
