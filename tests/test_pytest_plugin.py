"""The suite under plain pytest and pytest-xdist, in real processes with a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from miniatures.making import with_responses
from whole_runs import KEY, entry, environment, write_providers

from conformance.embedded import HONEST, Behaviour, Host
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing


@dataclass(frozen=True)
class Ended:
    """A pytest that has ended: its exit code, what it said, and the folder it ran in."""

    code: int
    said: str
    folder: Path

    @property
    def results(self) -> dict[str, Any]:
        path = self.folder / "reports" / "latest" / "results.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def requests(self, name: str) -> int:
        traffic = next(one for one in self.results["providers"] if one["name"] == name)["traffic"]
        return int(traffic["requests"])

    def outcomes(self) -> Mapping[str, set[str]]:
        """Outcome -> the names of the cases in the junit file that pytest itself wrote."""
        found: dict[str, set[str]] = {"failure": set(), "error": set(), "skipped": set(), "passed": set()}
        for case in ET.parse(self.folder / "pytest.xml").iter("testcase"):
            kinds = [child.tag for child in case if child.tag in found]
            found[kinds[0] if kinds else "passed"].add(case.get("name", ""))
        return found


def start_pytest(folder: Path, *words: str, cwd: Path | None = None) -> Ended:
    line = [sys.executable, "-m", "pytest", "-p", "conformance.plugin", "--pyargs", "conformance"]
    line += ["-p", "no:cacheprovider", f"--junitxml={folder / 'pytest.xml'}", *words]
    done = subprocess.run(
        line, cwd=cwd or folder, env=environment(), capture_output=True, timeout=120, check=False
    )
    return Ended(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"), folder)


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as host:
        yield host


def port_of(host: Host, application: Callable[[Incoming], Outgoing]) -> int:
    return int(host.start(application).rpartition(":")[2])


def write_project(folder: Path, host: Host, **behaviours: Behaviour) -> None:
    """Write a project of a pytest user: an ini file, and a providers.yaml with a server per behaviour."""
    entries = {}
    for name, behaviour in behaviours.items():
        entries[name] = entry(port_of(host, behaviour), auth="x-goog-api-key")
    write_providers(folder, entries)
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")


def role_assistant(response: dict[str, Any]) -> None:
    """Answer in OpenAI's role: a should, which no client minds."""
    for candidate in response["candidates"]:
        candidate["content"]["role"] = "assistant"


def wrapped(response: dict[str, Any]) -> dict[str, Any]:
    """Answer in an envelope: a must, and every client loses the text."""
    return {"code": 0, "data": response}


ROLE = with_responses(role_assistant)
WRAPPED = with_responses(wrapped)


def unavailable(_incoming: Incoming) -> Outgoing:
    return Outgoing(503, (("Content-Type", "application/json"),), (DelayedPiece(0.0, b"{}"),))


@pytest.mark.slow
def test_each_provider_is_asked_once_whatever_the_number_of_workers(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, one=HONEST, two=WRAPPED)
    alone = start_pytest(tmp_path, "-n", "0")
    spread = start_pytest(tmp_path, "-n", "3")
    assert (alone.code, spread.code) == (1, 1), spread.said
    assert len(list((tmp_path / "reports").glob("20*"))) == 2
    for name in ("one", "two"):
        asked = len((spread.folder / "reports/latest/exchanges" / f"{name}.jsonl").read_text().splitlines())
        assert spread.requests(name) == asked <= 120
    assert spread.outcomes()["failure"] == {
        f"test_provider[two-{one['rule'].replace('/', '-')}]"
        for provider in spread.results["providers"]
        for one in provider["deviations"]
        if one["level"] == "must"
    }


@pytest.mark.slow
def test_a_selection_prunes_the_questions_under_workers_too(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, one=HONEST)
    ended = start_pytest(tmp_path, "-n", "2", "-k", "answers-in-camel-case")
    assert ended.code == 0, ended.said
    assert ended.outcomes()["passed"] == {"test_provider[one-casing-answers-in-camel-case]"}
    assert ended.requests("one") < 30


@pytest.mark.slow
def test_a_finding_below_the_failing_level_is_no_failed_test(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, one=ROLE)
    mild = start_pytest(tmp_path, "-n0", "-k", "models-role")
    assert mild.code == 0, mild.said
    assert mild.outcomes()["passed"] == {"test_provider[one-schema-names-the-models-role]"}
    strict = start_pytest(tmp_path, "-n0", "-k", "models-role", "--conformance-fail-on", "should")
    assert strict.code == strict.results["run"]["exit_code"] == 1
    assert strict.outcomes()["failure"] == {"test_provider[one-schema-names-the-models-role]"}


@pytest.mark.slow
def test_the_result_follows_the_clients_that_are_named(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, one=WRAPPED, two=HONEST)
    ended = start_pytest(tmp_path, "-n", "2", "--conformance-client", "google-genai")
    failed = ended.outcomes()["failure"]
    assert ended.code == ended.results["run"]["exit_code"] == 1, ended.said
    assert failed
    assert all(name.startswith("test_client[one-client-google-genai") for name in failed)
    well = start_pytest(
        tmp_path, "-n0", "--conformance-client", "google-genai", "--conformance-provider", "two"
    )
    assert well.code == 0, well.said


def test_an_unknown_client_and_an_unknown_provider_end_in_two(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, one=HONEST)
    for words in (["--conformance-client", "google-jenai"], ["--conformance-provider", "uno"]):
        ended = start_pytest(tmp_path, "-n0", *words)
        assert ended.code == 2, ended.said
        assert words[1] in ended.said
        assert "Traceback" not in ended.said


@pytest.mark.slow
def test_what_could_not_be_judged_is_said_where_pytest_ends(tmp_path: Path, host: Host) -> None:
    port = port_of(host, unavailable)
    write_providers(tmp_path, {"dead": entry(port)})
    ended = start_pytest(tmp_path, "-n0", "-k", "casing")
    assert ended.code == ended.results["run"]["exit_code"] == 3
    assert "dead: could not be judged: " in ended.said
    assert "INTERNALERROR" not in ended.said
    assert not ended.outcomes()["failure"] | ended.outcomes()["error"] | ended.outcomes()["passed"]


@pytest.mark.slow
def test_an_accepted_deviation_that_is_gone_fails_a_case_of_its_own(tmp_path: Path, host: Host) -> None:
    port = port_of(host, HONEST)
    known = [{"rule": "envelope/gemini-object-at-root", "probe": "*", "reason": "our adapter unwraps it"}]
    write_providers(tmp_path, {"one": entry(port, auth="x-goog-api-key", known=known)})
    ended = start_pytest(tmp_path, "-n0", "-k", "envelope or known")
    assert ended.code == 1
    assert ended.outcomes()["failure"] == {"test_known_entries[one-known-entries]"}


@pytest.mark.slow
def test_the_terminal_says_where_the_report_is(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, one=HONEST)
    ended = start_pytest(tmp_path, "-n0", "-k", "camel-case")
    line = next(line for line in ended.said.splitlines() if line.startswith("report: "))
    assert (tmp_path / line.removeprefix("report: ")).is_file()


@pytest.mark.slow
def test_the_file_of_rootdir_is_used_from_a_folder_below(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, mine=HONEST)
    below = tmp_path / "tests"
    below.mkdir()
    ended = start_pytest(tmp_path, "-n0", "-k", "camel-case", cwd=below)
    assert ended.code == 0, ended.said
    assert "mine: " in ended.said
    assert (tmp_path / "reports" / "latest").is_dir()


@pytest.mark.slow
def test_options_of_other_peoples_conftest_files_are_left_in_peace(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, one=HONEST)
    options = (
        "provider",
        "dimension",
        "client",
        "fail-on",
        "against",
        "max-examples",
        "shrink",
        "out",
        "seed",
    )
    lines = [f"    parser.addoption('--{name}', action='store_true')" for name in options]
    (tmp_path / "conftest.py").write_text(
        "\n".join(["def pytest_addoption(parser):", *lines]), encoding="utf-8"
    )
    (tmp_path / "test_mine.py").write_text("def test_mine(request): assert False", encoding="utf-8")
    ended = start_pytest(tmp_path, "-n0", "test_mine.py", "-k", "mine or camel-case")
    assert "already" not in ended.said
    assert ended.code == 1, ended.said
    assert ended.outcomes()["failure"] == {"test_mine"}
    assert ended.results["run"]["exit_code"] == 0


@pytest.mark.slow
def test_no_key_reaches_what_pytest_prints_or_writes(tmp_path: Path) -> None:
    with Host() as host:
        write_project(tmp_path, host, one=with_responses(echo_the_key))
        ended = start_pytest(tmp_path, "-n", "2", "-k", "envelope or schema")
    assert KEY not in ended.said
    assert KEY not in (tmp_path / "pytest.xml").read_text(encoding="utf-8")


def echo_the_key(response: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "data": {**response, "yourKey": KEY}}


# What goes wrong in the user's own tests, and what pytest says of it by itself.
OWN_FAULTS = {
    "a test that fails": ("def test_own():\n    assert 0\n", 1),
    "a fixture that fails": (
        "import pytest\n@pytest.fixture\ndef broken():\n    raise ValueError\ndef test_own(broken):\n    pass\n",
        1,
    ),
    "a file that cannot be read": ("import no_such_module\n", 2),
    "an exit": ("import pytest\ndef test_own():\n    pytest.exit('enough', returncode=7)\n", 7),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", OWN_FAULTS)
def test_nothing_that_goes_wrong_beside_the_run_ends_in_0(tmp_path: Path, host: Host, fault: str) -> None:
    text, code = OWN_FAULTS[fault]
    write_project(tmp_path, host, vendor=HONEST)
    (tmp_path / "test_own.py").write_text(text, encoding="utf-8")
    ended = start_pytest(tmp_path, ".", "-k", "own or succeeds_with_200 or succeeds-with-200")
    assert ended.code == code, ended.said
    assert "exit code 0" not in ended.said
    asked = (tmp_path / "reports").exists()
    assert asked is (fault != "a file that cannot be read")
    assert not asked or ended.results["run"]["exit_code"] == 0


@pytest.mark.slow
def test_stopping_at_the_first_failure_is_no_interruption(tmp_path: Path, host: Host) -> None:
    write_project(tmp_path, host, vendor=WRAPPED)
    ended = start_pytest(tmp_path, "-n", "2", "-x", "-k", "envelope")
    assert ended.code == ended.results["run"]["exit_code"] == 1, ended.said
    assert ended.results["run"]["complete"]
