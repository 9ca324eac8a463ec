"""Real clients ask the bundled servers: with Google's everything works, with the vendors' their models predict the result."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from conformance.asking.prompts import count_up_to, encode_png
from conformance.clients import ALL_CLIENTS, CapturedResponse, read_as_client
from conformance.dialects.dialect import list_bundled_dialects, load_dialect
from conformance.embedded import Host, Incoming, Outgoing, make_behaviour
from conformance.embedded.behaviour import Behaviour
from interop.checking import expected, keep
from interop.packages import UnavailableError
from interop.talking import (
    AI_SDK,
    CLI,
    JAVASCRIPT,
    OLDER_PYTHON,
    PYTHON,
    TALKERS,
    Seen,
    Server,
    Talker,
    talk,
    words,
)

pytestmark = pytest.mark.interop
WRITE = os.environ.get("INTEROP_WRITE") == "1"
MODEL = "gemini-2.5-flash"
ARGS = {"city_name": "Paris", "unitSystem": "metric"}


@dataclass(frozen=True)
class Overheard:
    """A bundled server that keeps what it answers, uncompressed, so that models can be asked about the same bytes."""

    behaviour: Behaviour
    heard: list[tuple[Incoming, Outgoing]] = field(default_factory=list)

    def __call__(self, incoming: Incoming) -> Outgoing:
        plainly = {name: value for name, value in incoming.headers.items() if name != "accept-encoding"}
        answer = self.behaviour(replace(incoming, headers=plainly))
        self.heard.append((incoming, answer))
        return answer

    def captured(self) -> CapturedResponse:
        """Return the last answer of the model as a client models take it."""
        incoming, answer = next(one for one in reversed(self.heard) if "enerateContent" in one[0].path)
        streamed = "streamGenerateContent" in incoming.path
        headers = {name.lower(): value for name, value in answer.headers}
        ends: list[int] = []
        for piece in answer.pieces:
            ends.append((ends[-1] if ends else 0) + len(piece.data))
        method = "streamGenerateContent" if streamed else "generateContent"
        return CapturedResponse(
            method, answer.status, headers.get("content-type", ""), headers, answer.body, tuple(ends[:-1])
        )


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as running:
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with the picture that is asked about, and one that gemini-cli may list."""
    (tmp_path / "red.png").write_bytes(encode_png("red"))
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "sunny.txt").write_text("sun")
    return tmp_path


def _talk(talker: Talker, server: Server, work: Path, *only: str) -> dict[str, Seen]:
    try:
        return talk(talker, server, work, only)
    except UnavailableError as error:
        if WRITE:
            keep(f"clients/{talker.slug}", {"client": talker.name, "unavailable": str(error).splitlines()[0]})
        pytest.skip(str(error))


def _stop(talker: Talker) -> str:
    return "stop" if talker is AI_SDK else "STOP"


@pytest.mark.parametrize("version", ["v1beta", "v1"])
@pytest.mark.parametrize("talker", [PYTHON, OLDER_PYTHON, JAVASCRIPT, AI_SDK], ids=lambda talker: talker.name)
def test_everything_works_with_the_server_like_google(
    talker: Talker, version: str, host: Host, work: Path
) -> None:
    url = host.start(make_behaviour(load_dialect("google")))
    seen = _talk(talker, Server(url, MODEL, version=version), work)
    stop = _stop(talker)
    assert (seen["text"]["text"], seen["text"]["finish"]) == ("OK-7f3a", stop)
    assert seen["text"]["total"] > 10
    assert (seen["stream"]["text"], seen["stream"]["finish"], seen["stream"]["chunks"]) == (
        count_up_to(40),
        stop,
        True,
    )
    assert seen["instruction"]["text"] == "SYS-7f3a"
    assert seen["calls"]["calls"] == [{"name": "get_weather", "args": ARGS}]
    assert "SUN-7f3a" in seen["calls"]["second"]["text"]
    assert seen["structured"]["json"] == {"code": "OK-7f3a", "number": 7}
    assert seen["image"]["text"] == "red"
    assert seen["unknown_model"]["status"] == 404
    assert f"for API version {version}" in seen["unknown_model"]["says"]
    assert (seen["bad_key"]["status"], "API key not valid" in seen["bad_key"]["says"]) == (400, True)
    if talker is not AI_SDK:  # it has neither
        assert seen["tokens"] == {"longer": True}
        assert seen["models"] == {"listed": True}


def test_gemini_cli_works_with_the_server_like_google(host: Host, work: Path) -> None:
    url = host.start(make_behaviour(load_dialect("google")))
    seen = _talk(CLI, Server(url, MODEL), work)
    assert seen["text"]["text"] == "OK-7f3a"
    assert seen["text"]["total"] > 1000
    assert seen["calls"]["tools"] == 1
    assert "sunny.txt" in seen["calls"]["text"]
    assert "gemini-none is not found" in seen["unknown_model"]["says"]
    assert "API key not valid" in seen["bad_key"]["says"]


def _as_modelled(talker: Talker, captured: CapturedResponse) -> dict[str, Any]:
    """Return what the model of the client says of the same bytes, in the same form."""
    said = read_as_client(ALL_CLIENTS[talker.model], captured)
    if said.raises is not None:
        return {"raises": said.raises.partition(":")[0]}
    finish = said.finish_reason.removeprefix("FinishReason.") if isinstance(said.finish_reason, str) else None
    gone = finish in (None, "None", "NOCAND")
    calls: list[Any] = [{}] * said.calls
    seen: dict[str, Any] = {
        "text": said.text,
        "finish": None if gone else finish,
        "total": said.total_tokens,
        "calls": calls,
    }
    return seen | ({"tools": said.calls} if talker is CLI else {})


def _both(talker: Talker, server: Overheard, url: str, work: Path, dialect: str) -> dict[str, dict[str, str]]:
    """Return, by situation, what the client saw and what its model says, each in words."""
    found = {}
    known = server.behaviour.style.models
    model = MODEL if MODEL in known else known[0]
    for situation in ("text", "stream", "calls") if talker is not CLI else ("text",):
        server.heard.clear()
        seen = _talk(talker, Server(url, model, bearer=dialect != "google"), work, situation)[situation]
        first = next((one for one in server.heard if "enerateContent" in one[0].path), None)
        if situation == "calls" and first is not None:
            server.heard[:] = [first]  # the second turn belongs to the scenario, not to the comparison
        modelled = _as_modelled(talker, server.captured())
        found[situation] = {"seen": words(seen), "modelled": words(modelled)}
    return found


@pytest.mark.parametrize("talker", TALKERS, ids=lambda talker: talker.name)
def test_clients_see_of_the_vendors_what_their_models_say(talker: Talker, host: Host, work: Path) -> None:
    found: dict[str, Mapping[str, Mapping[str, str]]] = {}
    for dialect in list_bundled_dialects():
        server = Overheard(make_behaviour(load_dialect(dialect)))
        found[dialect] = _both(talker, server, host.start(server), work, dialect)
    if WRITE:
        keep(
            f"clients/{talker.slug}",
            {"client": talker.name, "model": talker.model, "sees": found},
        )
    kept = expected(f"clients/{talker.slug}")
    assert found == kept["sees"]
    different = {
        (dialect, situation): both
        for dialect, situations in found.items()
        for situation, both in situations.items()
        if both["seen"] != both["modelled"]
    }
    assert not different
