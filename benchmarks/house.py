"""Figures of the source code: how long, how deep, how connected, and how its functions are named.

`python benchmarks/house.py` prints a table, `--json` the same as one object. Nothing of the package is imported: all
figures are counted in the syntax trees, so that the script also measures an older or a broken state (`--root FOLDER`).
"""

from __future__ import annotations

import ast
import functools
import json
import re
import statistics
import subprocess
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "conformance"
Function = ast.FunctionDef | ast.AsyncFunctionDef
Graph = Mapping[str, frozenset[str]]  # who imports whom
Figures = dict[str, object]

# Verbs that look like participles, and nouns that end like one.
_NOT_PARTICIPLES = """
embed exceed feed heed need proceed read seed shed speed succeed weed
bring cling ring sing sling spring sting string swing thing wing ping king sibling nothing anything everything
"""
# Participles that no ending gives away. Those that are also the verb (read, set, put, cut, run, split) are left out.
_IRREGULAR_PARTICIPLES = """
beaten begun bent bitten borne bought bound bred broken brought built burnt caught chosen clung crept dealt done
drawn driven drunk dug eaten fallen fed felt flown forbidden forgiven forgotten fought found frozen given gone
grown heard held hidden hung kept known laid lain learnt led left lent lit lost made meant met mistaken paid
proven ridden risen said seen sent sewn shaken shaven shone shot shown shrunk slept smelt sold sought sown sped
spelt spent spoken spun stood stolen stuck struck stung sung sunk sworn swept swollen swum swung taken taught
thought thrown told torn trodden undone understood withdrawn woken won worn wound woven written wrung
"""
# Other single words that name no action: prepositions, adverbs and adjectives.
_NOT_VERBS = """
above after again alone apart around before behind below beneath beside besides between beyond during elsewhere
inside instead near nowhere off onto outside over otherwise since through together toward under until upon within without
bare blank certain different equal every exact exotic few fewer fresh full genuine grave harmless heavy honest innocent
large larger least less likely little long longer lone loose many more most much nearest new odd old only ordinary other
own plain precise proper quiet rare real rich right same several short shorter silent similar simple single small smaller
smallest sole sound stale steady strange sure true unlike usable useful usual vague various visible weak whole wrong
"""
_WORDS = {
    "participle": frozenset(_IRREGULAR_PARTICIPLES.split()),
    "not a participle": frozenset(_NOT_PARTICIPLES.split()),
    "not a verb": frozenset(_NOT_VERBS.split()),
}


@dataclass(frozen=True)
class Module:
    """One file of source: its dotted name, its text and its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The folder, or the module, directly under the package."""
        return self.name.split(".")[1] if "." in self.name else "__init__"

    @property
    def lines(self) -> int:
        """The number of lines, empty ones and comments included."""
        return self.text.count("\n")


@functools.cache
def read_modules(root: Path, package: str = PACKAGE) -> tuple[Module, ...]:
    """Parse every module of a package under `root`, in the order of their paths."""
    paths = sorted((root / package).rglob("*.py"))
    return tuple(_read_module(root, path) for path in paths)


def _read_module(root: Path, path: Path) -> Module:
    parts = path.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text))


def list_functions(module: Module) -> Iterator[Function]:
    """Yield every function and method of a module, nested ones included; of overloads only the last, which has the body."""
    return (
        node
        for node in ast.walk(module.tree)
        if isinstance(node, Function) and "overload" not in _decorators(node)
    )


def count_lines(function: Function) -> int:
    """Return the lines of a function from `def` to its end, without its docstring."""
    described = len((ast.get_docstring(function, clean=False) or "").splitlines())
    return (function.end_lineno or 0) - function.lineno + 1 - described


def _decorators(function: Function) -> set[str]:
    bare = (one.func if isinstance(one, ast.Call) else one for one in function.decorator_list)
    return {ast.unparse(one).rsplit(".", 1)[-1] for one in bare}


def is_property(function: Function) -> bool:
    """Return whether a function is read like an attribute."""
    return bool(_decorators(function) & {"property", "cached_property", "setter"})


def is_lone_participle(name: str) -> bool:
    """Return whether a name is one word that names a state (`told`, `settled`) instead of an action.

    Names of several words may end in one (`is_closed`, `with_defaults_removed`).
    """
    word = name.strip("_")
    if "_" in word or word in _WORDS["not a participle"]:
        return False
    return word in _WORDS["participle"] or re.fullmatch(r"[a-z]+(ed|ing)", word) is not None


def is_no_verb(name: str) -> bool:
    """Return whether a name is one word, and that a preposition, an adverb or an adjective (`beyond`, `whole`)."""
    return name.strip("_") in _WORDS["not a verb"]


def functions_named(
    modules: Iterable[Module], is_named_so: Callable[[str], bool], *, private: bool = False
) -> list[str]:
    """Return `module.function` for each function with such a name.

    Properties are left out, for they are read as nouns, and so are checks and probes, whose names are ids.
    """
    return [
        f"{module.name}.{function.name}"
        for module in modules
        for function in list_functions(module)
        if function.name.startswith("_") is private
        and not is_property(function)
        and not is_check(function)
        and "probe" not in _decorators(function)
        and is_named_so(function.name)
    ]


def repeated_class_names(modules: Iterable[Module]) -> dict[str, list[str]]:
    """Return the public class names that more than one module defines, with these modules."""
    found: dict[str, list[str]] = {}
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(module.name)
    return {name: homes for name, homes in sorted(found.items()) if len(homes) > 1}


def import_graph(modules: Sequence[Module]) -> Graph:
    """Return which modules of the package each module imports, wherever in it the import stands."""
    known = {module.name for module in modules}
    return {module.name: frozenset(_imports(module, known) - {module.name}) for module in modules}


def _imports(module: Module, known: set[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (submodules & known) or {node.module}
    return found & known


def room_graph(modules: Sequence[Module]) -> Graph:
    """Return which rooms each room imports from."""
    rooms = {module.name: module.room for module in modules}
    found: dict[str, frozenset[str]] = {}
    for name, imported in import_graph(modules).items():
        others = {rooms[one] for one in imported} - {rooms[name]}
        found[rooms[name]] = found.get(rooms[name], frozenset()) | others
    return found


def cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of nodes that reach each other."""
    reached = {node: _reachable(graph, node) for node in graph}
    groups = {frozenset(one for one in reached[node] if node in reached[one]) for node in graph}
    return sorted(sorted(group) for group in groups if group)


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += graph[node]
    return found


def longest_chain(graph: Graph) -> list[str]:
    """Return the longest chain of imports, the importer first; members of a cycle are taken once."""
    known: dict[str, list[str]] = {}

    def below(node: str, above: frozenset[str]) -> list[str]:
        if node not in known:
            deeper = (below(one, above | {node}) for one in sorted(graph[node] - above - {node}))
            known[node] = [node, *max(deeper, key=len, default=[])]
        return known[node]

    return max((below(node, frozenset()) for node in sorted(graph)), key=len, default=[])


def importing_functions(modules: Iterable[Module]) -> list[str]:
    """Return `module.function` for each function that imports something itself."""
    return [
        f"{module.name}.{function.name}"
        for module in modules
        for function in list_functions(module)
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(function))
    ]


def undescribed_functions(modules: Iterable[Module]) -> list[str]:
    """Return `module.function` for each public function, or method of a public class, without a docstring.

    Functions within functions are left out.
    """
    return [
        f"{module.name}.{function.name}"
        for module in modules
        for function in _public_functions(module.tree)
        if not ast.get_docstring(function) and "overload" not in _decorators(function)
    ]


def _public_functions(scope: ast.Module | ast.ClassDef) -> Iterator[Function]:
    for node in scope.body:
        if (
            isinstance(node, Function)
            and not node.name.startswith("_")
            and "overload" not in _decorators(node)
        ):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public_functions(node)


def _is_annotated(function: Function) -> bool:
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    plain += [one for one in (arguments.vararg, arguments.kwarg) if one]
    return function.returns is not None and all(one.annotation or one.arg in ("self", "cls") for one in plain)


def is_check(function: Function) -> bool:
    """Return whether a function is the check of a rule: decorated by `check`, or by `_check_…` that presets its options."""
    return any(re.match(r"_?check(_|$)", name) for name in _decorators(function))


def private_helpers(modules: Iterable[Module]) -> tuple[list[Function], list[Function]]:
    """Return all private functions and methods, and those among them that their module mentions exactly once."""
    every: list[Function] = []
    once: list[Function] = []
    for module in modules:
        found = [
            one for one in list_functions(module) if one.name.startswith("_") and not one.name.endswith("__")
        ]
        mentioned = Counter(_mentions(module))
        every += found
        once += [one for one in found if mentioned[one.name] == 1]
    return every, once


def _mentions(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def highest_complexity(root: Path) -> tuple[int, str]:
    """Return the highest McCabe complexity of the package, by ruff, and the function that has it."""
    words = ["ruff", "check", "--select", "C901", "--ignore-noqa", "--output-format", "json", PACKAGE]
    words += ["--config", "lint.mccabe.max-complexity=5", "--exit-zero", "--no-cache"]
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=root, capture_output=True, text=True, check=True
    )
    found = [re.search(r"`(.+)` is too complex \((\d+) >", one["message"]) for one in json.loads(done.stdout)]
    ranked = [(int(one[2]), one[1]) for one in found if one]
    return max(ranked, default=(5, "none above"))


def quantile(values: Iterable[int], share: float) -> int:
    """Return the value below which that share of all values lies; 1 is the largest."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0


def _spread(values: Sequence[int], *shares: float) -> str:
    figures = [statistics.median(values), *(quantile(values, share) for share in (*shares, 1))]
    return " / ".join(f"{one:g}" for one in figures)


def _size_figures(modules: Sequence[Module]) -> Figures:
    functions = [one for module in modules for one in list_functions(module)]
    rooms: Counter[str] = Counter()
    for module in modules:
        rooms[module.room] += module.lines
    return {
        "modules": len(modules),
        "source lines": sum(module.lines for module in modules),
        "lines per room": dict(rooms.most_common()),
        "module lines: median / p90 / max": _spread([module.lines for module in modules], 0.9),
        "longest modules": {one.name: one.lines for one in sorted(modules, key=lambda one: -one.lines)[:8]},
        "functions": len(functions),
        "function lines: median / p90 / p99 / max": _spread(
            [count_lines(one) for one in functions], 0.9, 0.99
        ),
        "functions over 25 lines": sum(count_lines(one) > 25 for one in functions),
    }


def _import_figures(modules: Sequence[Module]) -> Figures:
    graph, rooms = import_graph(modules), room_graph(modules)
    return {
        "import cycles of modules": cycles(graph),
        "import cycles of rooms": cycles(rooms),
        "layers of modules": len(longest_chain(graph)),
        "longest chain of modules": longest_chain(graph),
        "layers of rooms": len(longest_chain(rooms)),
        "functions that import": importing_functions(modules),
    }


def _form_figures(root: Path, modules: Sequence[Module]) -> Figures:
    functions = [one for module in modules for one in list_functions(module)]
    public = sum(not one.name.startswith("_") for one in functions)
    undescribed = undescribed_functions(modules)
    helpers, once = private_helpers(modules)
    complexity, function = highest_complexity(root)
    return {
        "public functions": public,
        "public functions without a docstring": undescribed,
        "annotated functions, percent": round(100 * sum(map(_is_annotated, functions)) / len(functions), 2),
        "highest McCabe complexity": f"{complexity} ({function})",
        "private helpers": len(helpers),
        "private helpers used once": len(once),
        "private helpers used once, percent": round(100 * len(once) / len(helpers), 1),
        "private helpers of at most three lines used once": sum(count_lines(one) <= 3 for one in once),
    }


def _rule_figures(modules: Sequence[Module]) -> Figures:
    checks = [one for module in modules for one in list_functions(module) if is_check(one)]
    whole = [(one.end_lineno or 0) - one.lineno + 1 for one in checks]
    lines = sum(module.lines for module in modules if module.room in ("checks", "judging"))
    return {
        "rules": len(checks),
        "lines per check, docstring included: median / p90 / max": _spread(whole, 0.9),
        "lines per check, without docstring: median / p90 / max": _spread(
            [count_lines(one) for one in checks], 0.9
        ),
        "lines of checks and judging per rule": round(lines / len(checks), 1),
    }


def _name_figures(modules: Sequence[Module]) -> Figures:
    return {
        "private functions named by a lone participle": len(
            functions_named(modules, is_lone_participle, private=True)
        ),
        "private functions named by a preposition or an adjective": len(
            functions_named(modules, is_no_verb, private=True)
        ),
        "class names used twice": repeated_class_names(modules),
        "public functions named by a preposition or an adjective": functions_named(modules, is_no_verb),
        "public functions named by a lone participle": functions_named(modules, is_lone_participle),
    }


def _test_figures(root: Path) -> Figures:
    modules = read_modules(root, "tests")
    tests = [one for module in modules for one in list_functions(module) if one.name.startswith("test_")]
    return {
        "test lines": sum(module.lines for module in modules),
        "test functions": len(tests),
        "test function lines: median / max": _spread([count_lines(one) for one in tests]),
        "miniatures and innocents": sum(
            isinstance(node, ast.Call) and ast.unparse(node.func) in ("Miniature", "Innocent", "Variation")
            for module in modules
            for node in ast.walk(module.tree)
        ),
    }


@functools.cache
def measure(root: Path) -> Figures:
    """Return every figure of the project in a folder, by its description."""
    modules = read_modules(root)
    parts: tuple[Callable[[], Figures], ...] = (
        lambda: _size_figures(modules),
        lambda: _import_figures(modules),
        lambda: _form_figures(root, modules),
        lambda: _rule_figures(modules),
        lambda: _test_figures(root),
        lambda: _name_figures(modules),
    )
    return {name: figure for part in parts for name, figure in part().items()}


def describe(name: str, figure: object) -> str:
    """Return a figure as lines of text; lists and tables begin with their length."""
    if isinstance(figure, Mapping):
        rows = [
            f"  {key}: {', '.join(value) if isinstance(value, list) else value}"
            for key, value in figure.items()
        ]
    elif isinstance(figure, list):
        rows = [f"  {' -> '.join(one) if isinstance(one, list) else one}" for one in figure]
    else:
        return f"{name}: {figure}"
    return "\n".join([f"{name}: {len(rows)}", *rows])


def main(words: Sequence[str]) -> int:
    """Print the figures."""
    parser = ArgumentParser(description="Prints figures of the source code.")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the repository to measure"
    )
    given = parser.parse_args(words)
    figures = measure(given.root.resolve())
    if given.json:
        print(json.dumps(figures, indent=1))
    else:
        print("\n".join(describe(name, figure) for name, figure in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
