"""The checker asks other people's servers: each stored verdict was once compared with the recorded bytes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance import catalogue
from conformance.asking.prompts import count_up_to
from conformance.catalogue import RULES
from interop.checking import check, expected, keep, reduced
from interop.packages import UnavailableError
from interop.running import KEY, Server, StartError, running
from interop.servers import LLMOCK, SERVERS, SUBJECTS, Subject
from interop.talking import TALKERS, Talker, talk, words
from interop.talking import Server as Address

pytestmark = pytest.mark.interop
WRITE = (
    os.environ.get("INTEROP_WRITE") == "1"
)  # keep what is found now, instead of holding it against what was kept

Start = Callable[[Server], str]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start each server once, what it hands its questions to first; end them all after the last test.

    What does not start is not tried again: each of its tests says so.
    """
    urls: dict[str, str | Exception] = {}
    with contextlib.ExitStack() as stack:

        def started(server: Server) -> str:
            upstreams = {name: once(SERVERS[name]) for name in server.upstreams}
            work = tmp_path_factory.mktemp(server.name)
            return stack.enter_context(running(server, work, upstreams))

        def once(server: Server) -> str:
            if server.name not in urls:
                try:
                    urls[server.name] = started(server)
                except (StartError, UnavailableError) as error:
                    urls[server.name] = error
            found = urls[server.name]
            if isinstance(found, Exception):
                raise found
            return found

        yield once


def _started(start: Start, subject: Subject) -> str:
    try:
        return start(subject.server)
    except UnavailableError as error:
        if WRITE:
            keep(
                subject.name,
                {"versions": subject.versions, "unavailable": str(error).splitlines()[0]},
            )
        pytest.skip(str(error))


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_the_verdict_is_the_one_that_was_read(subject: Subject, start: Start, tmp_path: Path) -> None:
    found = reduced(subject, check(subject, _started(start, subject), tmp_path))
    if WRITE:
        keep(subject.name, found)
    assert found == expected(subject.name)


@pytest.mark.parametrize(
    "subject", [one for one in SUBJECTS if not one.obeys], ids=lambda subject: subject.name
)
def test_a_server_that_obeys_nothing_is_not_blamed_for_it(subject: Subject) -> None:
    catalogue.load()
    kept = expected(subject.name)
    if "unavailable" in kept:
        pytest.skip(kept["unavailable"])
    obedience = {id_ for id_, rule in RULES.items() if rule.needs_obedience}
    assert kept["findings"]["semantics/follows-a-plain-instruction"] == "note"
    assert not obedience & set(kept["findings"])


def test_a_server_that_does_not_start_is_named_with_its_log(tmp_path: Path, start: Start) -> None:
    _started(start, next(subject for subject in SUBJECTS if subject.server is LLMOCK))
    gone = Server("llmock", LLMOCK.package, (*LLMOCK.command, "--no-such-option"))
    with (
        pytest.raises(StartError, match=r"llmock ended; its log ends:[\s\S]*no-such-option"),
        running(gone, tmp_path),
    ):
        pass


def _spoken(talker: Talker, subject: Subject, url: str, work: Path) -> dict[str, str]:
    address = Address(
        url + subject.prefix, subject.model, KEY, bearer=subject.auth == "bearer", version="v1beta"
    )
    try:
        seen = talk(talker, address, work, ("text", "stream"))
    except UnavailableError as error:
        pytest.skip(str(error))
    wanted = {"text": "OK-7f3a", "stream": count_up_to(40)} if subject.obeys else {}
    return {situation: words(one, wanted.get(situation, "")) for situation, one in seen.items()}


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_clients_see_of_the_server_what_they_saw(subject: Subject, start: Start, tmp_path: Path) -> None:
    url = _started(start, subject)
    found = {talker.name: _spoken(talker, subject, url, tmp_path) for talker in TALKERS}
    if WRITE:
        keep(f"seen/{subject.name}", found)
    assert found == expected(f"seen/{subject.name}")
