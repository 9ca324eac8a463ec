"""YAML as a tree that remembers its lines: bounded, with core tags only; the only home of yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

LARGEST = 1024 * 1024  # bytes
DEEPEST = 24
MOST_NODES = 60_000  # counted after aliases are followed, so that no alias bomb goes off
_SHORT = re.compile(
    r"[-+.~\w]{0,64}"
)  # what a number, true, false or null is written with, and no more of it

_CORE = "tag:yaml.org,2002:"
_SCALARS = {_CORE + name: name for name in ("str", "int", "float", "bool", "null", "timestamp")}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: the line (from 1), the dotted key, and a sentence."""

    line: int
    key: str
    says: str

    def __str__(self) -> str:
        where = f"{self.line}: {self.key}" if self.key else str(self.line)
        return f"{where}: {self.says}"


class YamlError(Exception):
    """The text is no YAML that is read here."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True)
class Leaf:
    """A scalar: its text as written, and the kind YAML takes it for."""

    line: int
    text: str
    kind: str  # str | int | float | bool | null | timestamp

    @property
    def value(self) -> str | int | float | bool | None:
        """The scalar as Python sees it; a timestamp stays text, and so does what only a tag calls a number."""
        if self.kind in ("str", "timestamp") or not _SHORT.fullmatch(self.text):
            return self.text
        try:
            value: str | int | float | bool | None = yaml.safe_load(self.text)
        except (yaml.YAMLError, ValueError):
            return self.text
        return value


@dataclass(frozen=True)
class Entry:
    """One key of a mapping with its line."""

    key: str
    line: int
    node: Node


@dataclass(frozen=True)
class Tree:
    """A mapping, in its order; keys that occur twice are both there."""

    line: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Branch:
    """A sequence."""

    line: int
    items: tuple[Node, ...]


Node = Leaf | Tree | Branch


def read_tree(data: bytes) -> Node:
    """Read one YAML document. Raises YamlError for what is broken, too big, too deep, or has foreign tags."""
    if len(data) > LARGEST:
        raise YamlError(Fault(1, "", f"larger than {LARGEST} bytes"))
    try:
        root = yaml.compose(data.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise YamlError(Fault(data.count(b"\n", 0, error.start) + 1, "", "not UTF-8")) from None
    except RecursionError:
        raise YamlError(Fault(1, "", f"nested deeper than {DEEPEST} levels")) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(Fault(mark.line + 1 if mark else 1, "", f"not YAML: {error.problem}")) from None
    except (yaml.YAMLError, ValueError) as error:
        raise YamlError(Fault(1, "", f"not YAML: {str(error).splitlines()[0]}")) from None
    if root is None:
        raise YamlError(Fault(1, "", "empty"))
    return _converted(root, iter(range(MOST_NODES)), 0)


def _converted(node: yaml.Node, budget: Iterator[int], depth: int) -> Node:
    line = node.start_mark.line + 1
    if depth > DEEPEST:
        raise YamlError(Fault(line, "", f"nested deeper than {DEEPEST} levels"))
    if next(budget, None) is None:
        raise YamlError(
            Fault(line, "", f"more than {MOST_NODES} values (aliases counted each time they are used)")
        )
    if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
        return Leaf(line, node.value, _SCALARS[node.tag])
    if isinstance(node, yaml.SequenceNode) and node.tag == _CORE + "seq":
        return Branch(line, tuple(_converted(item, budget, depth + 1) for item in node.value))
    if isinstance(node, yaml.MappingNode) and node.tag == _CORE + "map":
        return Tree(line, tuple(_entry(key, value, budget, depth) for key, value in node.value))
    raise YamlError(Fault(line, "", f"tag {node.tag.replace(_CORE, '!!')} is not read here; leave it out"))


def _entry(key: yaml.Node, value: yaml.Node, budget: Iterator[int], depth: int) -> Entry:
    line = key.start_mark.line + 1
    if not isinstance(key, yaml.ScalarNode):
        raise YamlError(Fault(line, "", "a key must be a plain word"))
    if key.tag == _CORE + "merge":
        raise YamlError(Fault(line, "<<", "merging is not read here; use `defaults`"))
    return Entry(key.value, line, _converted(value, budget, depth + 1))
