"""What help, templates and documents say is true of the program."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from warm_start import warm_command
from whole_runs import ROOT, command, environment, honest_port

from conformance import catalogue
from conformance.catalogue import PROBES, RULES
from conformance.config.providers import make_initial_file
from conformance.dialects.dialect import load_dialect
from conformance.dialects.lint import lint_folder
from conformance.embedded import Incoming, make_behaviour
from conformance.embedded.server import describe_server
from conformance.report import sections

catalogue.load()


def program(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        warm_command(*words), cwd=folder, env=environment(**env), text=True, capture_output=True, timeout=120, check=False
    )  # fmt: skip


# --- init -----------------------------------------------------------------------------------------------


def _uncommented(text: str) -> str:
    """Take the hash signs away from every commented block of keys; sentences stay comments."""
    return re.sub(r"^(  \s*)# ((?:  )*(?:- )?[a-z_-]+:(?: .*)?)$", r"\1\2", text, flags=re.MULTILINE)


def test_every_block_of_the_template_is_valid_when_its_hash_signs_are_taken_away(tmp_path: Path) -> None:
    assert program(tmp_path, "init").returncode == 0
    file = tmp_path / "providers.yaml"
    text = _uncommented(file.read_text(encoding="utf-8"))
    commented = re.findall(r"^\s*#   ", text, re.MULTILINE)
    assert not commented, text
    assert set(yaml.safe_load(text)["providers"]) == {"google-embedded", "my-vendor"}
    file.write_text(text, encoding="utf-8")
    done = program(tmp_path, "plan", MY_VENDOR_API_KEY="a-key-that-is-long-enough-0123456789")
    assert (done.returncode, done.stderr) == (0, "")
    assert "my-vendor" in done.stdout
    assert "not run" not in done.stdout


def _known_rules(text: str) -> list[str]:
    return re.findall(r"- rule: (\S+)", text)


def test_every_rule_that_an_example_accepts_exists() -> None:
    texts = [make_initial_file("")] + [
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "providers.yaml")
    ]
    named = [rule for text in texts for rule in _known_rules(text)]
    assert named
    assert set(named) <= set(RULES)


# --- the catalogue ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"blocked_by": ("casing/answers-in-camelcase",)},
            "blocked by 'casing/answers-in-camelcase', but there is no such rule",
        ),
        ({"probes": ("plane",)}, "needs 'plane', but there is no such probe; did you mean 'plain'?"),
    ],
)
def test_a_rule_that_names_what_does_not_exist_is_refused_when_the_catalogue_loads(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, tuple[str, ...]], says: str
) -> None:
    rule = next(iter(RULES.values()))
    monkeypatch.setitem(RULES, rule.id, dataclasses.replace(rule, **changes))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape(rule.id)) as caught:
        catalogue.load()
    assert says in str(caught.value)


def test_a_probe_that_follows_what_does_not_exist_is_refused_when_the_catalogue_loads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PROBES, "plain", dataclasses.replace(PROBES["plain"], follows="nothing"))
    with pytest.raises(ValueError, match="the probe plain follows 'nothing'"):
        catalogue.load()


# --- explain ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("streaming/ends-with-a-finish-reason", "Looks at: every stream\n"),
        ("streaming/streams-an-array-without-alt", "Looks at: streams such as streamed-without-alt\n"),
        ("envelope/answers-with-a-gemini-object", "Looks at: every answer\n"),
        ("transport/labels-answers-as-json", "Looks at: every unary answer\n"),
        ("errors/refuses-a-stream-before-it-begins", "Looks at: every stream, refused ones included\n"),
        ("errors/gives-the-status-as-code", "Looks at: every refusal\n"),
        ("transport/answers-every-question", "Looks at: every reply, refusals included\n"),
        ("schema/survives-generated-bodies", "Looks at: every generated body\n"),
        ("auth/refuses-a-wrong-key", "Asked by: "),
    ],
)
def test_explain_says_what_a_rule_looks_at(tmp_path: Path, rule: str, says: str) -> None:
    assert says in program(tmp_path, "explain", rule).stdout


# --- documents --------------------------------------------------------------------------------------------


def test_the_readmes_numbers_are_those_of_the_plan(tmp_path: Path) -> None:
    found = re.search(
        r"A run asks at most (\d+) fixed questions and (\d+) generated bodies per vendor[^.]* at most (\d+) requests",
        " ".join((ROOT / "README.md").read_text(encoding="utf-8").split()),
    )
    assert found is not None
    done = program(tmp_path, "plan", "--format", "json")
    vendors = json.loads(done.stdout)["providers"]
    plan = tuple(max(one[name] for one in vendors) for name in ("first_asks", "generated", "worst_case"))
    assert tuple(map(int, found.groups())) == plan


def test_no_docstring_cites_what_is_not_in_the_project() -> None:
    for path in (ROOT / "conformance").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\(§|reference facts|contract's (?:condition|table)", text), path


@pytest.mark.parametrize(
    ("tripped", "says"),
    [
        (158, "each of its 158 rules found its fault."),
        (157, "157 of its 158 rules found their fault; the other one never accuses a provider."),
        (0, "its 158 rules were tried on them."),
    ],
)
def test_the_page_claims_of_the_kill_matrix_what_was_counted(tripped: int, says: str) -> None:
    figures = {"rules": 158, "tripped": tripped, "miniatures": 322, "variations": 144}
    assert says in sections.describe_proof({"run": {"kill_matrix": figures}})


# --- a dialect of one's own -------------------------------------------------------------------------------

READING = {"lines": "L1", "known": "listed"}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return the folder of a vendor that takes bearer, wraps its answers twice and writes snake_case."""
    return write_own(tmp_path)


def write_own(parent: Path, **changes: object) -> Path:
    folder = parent / "mine"
    folder.mkdir()
    data = json.loads((ROOT / "schemas" / "anyfast" / "dialect.json").read_text(encoding="utf-8"))
    data |= {"name": "mine", "title": "Example Inference", "$schema": "../dialect.schema.json"}
    data["traits"] |= {
        "response-casing": [{"value": "snake_case", **READING}],
        "envelope": [{"value": "data.response", **READING}],
        "auth": [{"value": ["x-api-key"], **READING}],
    }
    del data["embedded"]
    data |= changes
    (folder / "dialect.json").write_text(json.dumps(data), encoding="utf-8")
    for path in (ROOT / "schemas" / "anyfast").glob("*.schema.json"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _asked(folder: Path, **headers: str) -> tuple[int, dict[str, object]]:
    behaviour = make_behaviour(load_dialect(str(folder)))
    body = b'{"contents":[{"parts":[{"text":"Reply with exactly: OK"}]}]}'
    answer = behaviour(Incoming("POST", "/v1beta/models/gemini-2.5-flash:generateContent", headers, body))
    return answer.status, json.loads(b"".join(piece.data for piece in answer.pieces))


def test_a_server_of_ones_own_dialect_follows_its_document(own: Path) -> None:
    assert _asked(own, **{"x-goog-api-key": "any"})[0] in (401, 403)
    status, answer = _asked(own, **{"x-api-key": "any"})
    assert status == 200
    response = answer["data"]["response"]  # type: ignore[index]
    assert response["candidates"][0]["finish_reason"] == "STOP"


def test_a_server_of_ones_own_dialect_says_what_it_follows_and_what_not(own: Path) -> None:
    assert describe_server(load_dialect(str(own))) == (
        "Example Inference, following its document in response-casing, envelope, auth, settings, and Google in everything else"
    )


def test_what_a_server_cannot_follow_is_said(tmp_path: Path) -> None:
    folder = write_own(tmp_path)
    data = json.loads((folder / "dialect.json").read_text(encoding="utf-8"))
    data["traits"]["response-casing"] = [{"value": "other", **READING}]
    (folder / "dialect.json").write_text(json.dumps(data), encoding="utf-8")
    assert "; its document is not followed in response-casing" in describe_server(load_dialect(str(folder)))


def test_lint_refuses_an_envelope_that_the_answers_schema_does_not_have(own: Path) -> None:
    assert any(
        "/traits/envelope/0/value: 'data.response' is not in response.schema.json: 'data' is not a property"
        in line
        for line in lint_folder(own)
    )


def test_lint_refuses_a_base_url_that_providers_yaml_refuses(tmp_path: Path) -> None:
    folder = write_own(tmp_path, base_url="https://api.example.com/v1beta")
    assert any("/base_url: leave /v1beta out" in line for line in lint_folder(folder))


def test_lint_names_the_folder_where_a_file_is_given(own: Path) -> None:
    done = program(own.parent, "lint", "mine/dialect.json")
    assert done.returncode == 2
    assert done.stderr == "mine/dialect.json: is a file; name its folder instead: conformance lint mine\n"


# --- platforms --------------------------------------------------------------------------------------------

# Takes away what Windows does not have, then runs the program.
WITHOUT_POSIX = """
import os, sys, runpy
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "pread", "geteuid", "getuid", "fork"):
    if hasattr(os, name):
        delattr(os, name)
sys.argv = ["conformance", *sys.argv[1:]]
runpy.run_module("conformance", run_name="__main__")
"""


def test_a_run_needs_nothing_that_only_posix_has(tmp_path: Path) -> None:
    pytest.importorskip("filelock")
    line = [sys.executable, "-c", WITHOUT_POSIX]
    env = environment()
    with honest_port():
        done = subprocess.run(
            [*line, "run", "-p", "google-embedded", "-d", "envelope", "--out", "out"], cwd=tmp_path, env=env, text=True,
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    assert not [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


# --- words ------------------------------------------------------------------------------------------------


def test_a_har_is_not_replayed(tmp_path: Path) -> None:
    (tmp_path / "prod.har").write_text("{}", encoding="utf-8")
    done = program(tmp_path, "replay", "prod.har")
    assert (done.returncode, done.stderr) == (
        2,
        "prod.har: a HAR is not a run; `conformance judge` reads it\n",
    )


@pytest.mark.parametrize("what", ["probes", "rules", "providers", "clients", "dialects"])
def test_a_list_is_printed_as_json_where_asked(tmp_path: Path, what: str) -> None:
    entries = json.loads(program(tmp_path, "list", what, "--format", "json").stdout)
    assert len(entries) == len(program(tmp_path, "list", what).stdout.splitlines())


def test_an_unknown_option_shows_the_usage_of_its_command(tmp_path: Path) -> None:
    done = program(tmp_path, "run", "--nonsense", "x")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: conformance run [-h]")
    assert "unrecognized arguments: --nonsense x" in done.stderr


@pytest.mark.parametrize("command_", ["list", "explain", "plan", "docs", "switch", "lint", "serve", "init"])
def test_quiet_and_verbose_stand_only_where_they_do_something(tmp_path: Path, command_: str) -> None:
    assert "--quiet" not in program(tmp_path, command_, "--help").stdout


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    done = program(tmp_path, "run", "-q", "-p", "google-embedded", "-d", "casing", "--out", "out")
    assert done.returncode in (0, 3)
    return tmp_path


def test_a_replay_is_said_to_read_what_was_recorded(finished: Path) -> None:
    done = program(finished, "replay", "out")
    assert re.search(r"^read \d+ recorded exchanges in", done.stderr, re.MULTILINE)
    assert "asked" not in done.stderr


def on_a_terminal(folder: Path, term: str, *words: str) -> bytes:
    """Run the program with a terminal of that kind as its standard error, and return all that it was sent."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        command(*words), cwd=folder, env=environment(TERM=term), stdout=theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other end was closed
            break
        if not data:
            break
        seen += data
    process.wait(timeout=60)
    os.close(ours)
    return seen


@pytest.mark.slow
def test_a_dumb_terminal_gets_no_escapes(tmp_path: Path) -> None:
    words = ("run", "-p", "google-embedded", "-d", "casing", "--out", "out")
    seen = on_a_terminal(tmp_path, "dumb", *words)
    assert b"report: " in seen
    assert b"\x1b" not in seen
    assert b"\x1b[K" in on_a_terminal(tmp_path, "xterm", *words)


@pytest.mark.slow
def test_no_total_of_the_progress_is_ever_passed(tmp_path: Path) -> None:
    seen = on_a_terminal(tmp_path, "xterm", "run", "-p", "google-embedded", "--out", "out").decode()
    pairs = re.findall(r"google-embedded (\d+)/(\d+)", seen)
    assert pairs
    assert all(int(done) <= int(total) for done, total in pairs)
