"""The structure of the source: which room may import which, lengths, names, and where each library is used."""

from __future__ import annotations

import ast
import functools
import re
import statistics
import subprocess
import sys
from pathlib import Path

import house
import pytest
from house import Module

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "conformance"
MODULES = house.read_modules(ROOT)
# Each room may import only from those above it.
ROOMS = (
    "__init__", "model", "probe_ids", "names", "phrases", "pointers", "files", "validation", "members",
    "wire", "keys", "config", "dialects", "recording", "reading", "replies", "sources", "catalogue",
    "capturing", "judging", "clients", "bodies", "embedded", "asking", "probes", "checks", "verdicts",
    "api", "comparing", "report", "running", "plugin", "test_providers", "commands", "cli", "__main__",
)  # fmt: skip
HOMES = {
    "httpx": {"asking/send.py"},
    "yaml": {"config/yamltree.py", "capturing/safe_yaml.py"},
    "ijson": {"capturing"},
    "jsonschema": {"validation.py"},
    "hypothesis": {"bodies"},
    "pytest": {"plugin.py", "commands/pytest_runner.py"},
    "jinja2": {"report"},
    "h11": {"embedded"},
}


@functools.cache
def imports(module: Module) -> frozenset[str]:
    """Return the modules, libraries included, that a module imports."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "conformance":
                found |= {f"conformance.{alias.name}" for alias in node.names}
    return frozenset(found)


def place(module: Module) -> str:
    return module.path.relative_to(PACKAGE).as_posix()


def test_every_room_stands_in_the_order() -> None:
    assert {module.room for module in MODULES} == set(ROOMS)


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_a_room_imports_only_from_rooms_above_it(module: Module) -> None:
    own = ROOMS.index(module.room)
    named = {name.split(".")[1] for name in imports(module) if name.startswith("conformance.")}
    below = {name for name in named if name in ROOMS and ROOMS.index(name) > own}
    assert not below


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert house.cycles(house.import_graph(MODULES)) == []


def test_each_library_has_its_homes() -> None:
    for library, homes in HOMES.items():
        users = [one for one in MODULES if any(name.split(".")[0] == library for name in imports(one))]
        assert users, library
        assert not [place(one) for one in users if not {place(one), one.room} & homes], library


def test_probes_and_checks_do_not_know_each_other() -> None:
    for module in MODULES:
        if module.room in ("probes", "checks"):
            other = {"probes": "conformance.checks", "checks": "conformance.probes"}[module.room]
            assert not any(name.startswith(other) for name in imports(module)), place(module)


def test_modules_are_short_and_say_what_they_are() -> None:
    for module in MODULES:
        assert module.lines <= 600, place(
            module
        )  # one topic: length is a symptom of two, not a rule of its own
        assert ast.get_docstring(module.tree), place(module)


def test_functions_are_short() -> None:
    functions = {
        f"{place(module)}: {function.name}": house.count_lines(function)
        for module in MODULES
        for function in house.list_functions(module)
    }
    lengths = sorted(functions.values())
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] < 25
    assert not [name for name, length in functions.items() if length > 50]


def test_no_two_public_classes_share_a_name() -> None:
    assert house.repeated_class_names(MODULES) == {}


@pytest.mark.parametrize("private", [False, True])
def test_functions_are_named_by_verbs(private: bool) -> None:
    assert house.functions_named(MODULES, house.is_lone_participle, private=private) == []
    assert house.functions_named(MODULES, house.is_no_verb, private=private) == []


def test_public_functions_are_described() -> None:
    assert house.undescribed_functions(MODULES) == []


def test_no_function_imports() -> None:
    allowed = ("conformance.running.generated_bodies.", "conformance.validation.")  # heavy, said why
    assert not [name for name in house.importing_functions(MODULES) if not name.startswith(allowed)]


def test_no_vendor_is_named_in_code() -> None:
    vendors = [path.name for path in (ROOT / "schemas").iterdir() if path.is_dir() and path.name != "google"]
    named = re.compile(rf"(?<![a-z])({'|'.join(vendors)})(?![a-z])")
    assert not [place(module) for module in MODULES if named.search(module.text.lower())]


def test_nothing_generated_is_imported_before_it_is_needed() -> None:
    code = "import sys, conformance.cli; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_no_path_of_a_machine_and_no_registry_stands_in_the_project() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    forbidden = re.compile(r"/wor[k]/|/opt/ve[n]v|pypi[.]or[g]|registry[.]npmj[s]|deb[.]debia[n]|/roo[t]/")
    for name in listed:
        path = ROOT / name
        if (
            path.suffix
            in {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".j2", ".js", ".css", ".html", ""}
            and path.is_file()
        ):
            assert not forbidden.search(path.read_text(encoding="utf-8", errors="replace")), name


def test_the_readme_keeps_its_two_commands_on_one_line_each() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert "conformance run" in commands[0]
    assert "pytest" in commands[1]


def test_ci_runs_the_readmes_test_command() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    command = [line for line in text.splitlines() if line.startswith("python3 -m venv")][1]
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_misspelt_option_or_attribute_of_a_check_fails_type_checking(tmp_path: Path) -> None:
    text = (
        "from collections.abc import Iterator\n"
        "from conformance.catalogue import NotJudged, check_each\n"
        "from conformance.model import Basis, Level, Location\n"
        "from conformance.reading.reply import Reply\n"
        "from conformance.sources import cite\n"
        "@check_each(Level.NOTE, cite('Candidate', 'x'), basis=Basis.INFERRED, {option}=lambda reply: reply.{attribute})\n"
        "def says_nothing(reply: Reply) -> Iterator[Location | NotJudged]:\n"
        "    yield from ()\n"
    )
    found = []
    for option, attribute in (("usable", "ok"), ("usabel", "ok"), ("usable", "oek")):
        path = tmp_path / "trial.py"
        path.write_text(text.format(option=option, attribute=attribute), encoding="utf-8")
        line = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(path)]
        done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
        found.append((done.returncode, option in done.stdout, attribute in done.stdout))
    assert found == [(0, False, False), (1, True, False), (1, False, True)]
