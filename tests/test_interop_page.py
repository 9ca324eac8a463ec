"""The page on other people's software shows the stored outcomes, and names what does not start or is not available."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interop import packages, running, test_servers
from interop import page as drawn
from interop.checking import expected
from interop.packages import Package, UnavailableError, install
from interop.page import PAGE, page
from interop.running import Server, StartError
from interop.servers import SUBJECTS
from interop.talking import TALKERS

# It starts a process of its own, says who it is and which, and listens nowhere.
_SILENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("warming up", flush=True)
open("pids", "w").write(f"{os.getpid()} {child.pid}")
time.sleep(60)
"""


def test_the_page_is_drawn_from_what_was_kept() -> None:
    assert PAGE.read_text("utf-8") == page(), "INTEROP_WRITE=1 pytest -m interop writes it"


def _here(name: str, program: str) -> Server:
    return Server(name, None, (sys.executable, "program.py"), files={"program.py": program})


def test_a_server_whose_command_line_changed_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    lines = "".join(f"print('line {number}')\n" for number in range(40))
    changed = _here("changed", f"{lines}import sys; sys.exit('unrecognized option: --port')")
    with pytest.raises(StartError) as raised, running.running(changed, tmp_path):
        pass
    said = str(raised.value)
    assert said.startswith("changed ended; its log ends:\n")
    assert "unrecognized option: --port" in said
    assert "line 0\n" not in said


def _lives(pid: int) -> bool:
    """Say whether a process runs; one that ended and was not yet waited for does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.is_file() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_server_that_never_listens_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_READY", 3.0)
    with (
        pytest.raises(StartError, match=r"silent does not listen after 3 s; its log ends:\nwarming up"),
        running.running(_here("silent", _SILENT), tmp_path),
    ):
        pass
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert os.getpid() not in pids
    patience = time.monotonic() + 10  # a process that was told to end needs a moment for it
    while any(map(_lives, pids)) and time.monotonic() < patience:
        time.sleep(0.05)
    assert not [pid for pid in pids if _lives(pid)]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ([sys.executable, "-c", "import sys; sys.exit('No matching distribution found')"], "No matching"),
        (["no-such-installer"], "no-such-installer did not end well"),
    ],
)
def test_a_package_that_cannot_be_had_says_why(
    command: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTEROP_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "_commands", lambda _package: [command])
    gone = Package("gone", "python", ("gone==1.0",))
    with pytest.raises(UnavailableError, match=rf"gone[\s\S]*{says}"):
        install(gone)
    with pytest.raises(UnavailableError):  # nothing is taken for installed
        install(gone)


def test_a_subject_that_cannot_be_had_is_skipped_with_the_reason() -> None:
    def start(_server: Server) -> str:
        raise UnavailableError("gone cannot be installed:\nno network")

    with pytest.raises(pytest.skip.Exception, match="gone cannot be installed:\nno network"):
        test_servers._started(start, SUBJECTS[0])


def _without(name: str, kept: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return what is kept, but for one subject or client that could not be had; nothing was seen of it."""

    def look(asked: str) -> Any:
        if asked == f"seen/{name}":
            return None
        gone = {"versions": {"gone": "1.0"}, "unavailable": "gone cannot be installed:"}
        return gone if asked == name else kept(asked)

    return look


@pytest.mark.parametrize("name", [SUBJECTS[0].name, f"clients/{TALKERS[-1].slug}"])
def test_the_page_says_what_could_not_be_had(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "expected", _without(name, expected))
    lines = [line for line in page().splitlines() if "not available" in line.lower()]
    assert lines
    assert page() != PAGE.read_text("utf-8")
