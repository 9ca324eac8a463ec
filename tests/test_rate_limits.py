"""429 and 503 in whole runs: delays are respected within bounds, counted and reported, and retries end."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hostile import ANSWER, Peer, Script, serving
from whole_runs import BOUNDS, Ran, entry, run, write_providers

BUSY = b"429 Too Many Requests"
DOWN = b"503 Service Unavailable"


def _soon() -> bytes:
    """A date in two seconds: HTTP's dates have no fractions, so that at least one is left."""
    return email.utils.format_datetime(
        dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2), usegmt=True
    ).encode()


def _info(delay: str) -> bytes:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    return json.dumps({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}}).encode()


def _once(status: bytes, headers: Callable[[], tuple[bytes, ...]] = tuple, body: bytes = b"{}") -> Script:
    """Refuse each new question once, and answer it when it comes again."""
    heard: Counter[bytes] = Counter()

    async def script(peer: Peer) -> None:
        line = (await peer.request()).split(b"\r\n")[0]
        heard[line] += 1
        if heard[line] == 1:
            await peer.answer(body, *headers(), status=status)
        else:
            await peer.answer(ANSWER)

    return script


def _always(status: bytes, *headers: bytes) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b'{"error":{"code":429,"message":"slow down"}}', *headers, status=status)

    return script


SCRIPTS: dict[str, Script] = {
    "seconds": _once(BUSY, lambda: (b"Retry-After: 1",)),
    "date": _once(BUSY, lambda: (b"Retry-After: " + _soon(),)),
    "retry-info": _once(BUSY, body=_info("1.2s")),
    "says-nothing": _once(DOWN),
    "for-ever": _always(BUSY),
    "an-hour": _always(BUSY, b"Retry-After: 3600"),
    "nonsense": _always(DOWN, b"Retry-After: as soon as possible"),
    "the-past": _always(DOWN, b"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"),
    "huge": _always(BUSY, b"Retry-After: " + b"9" * 400),
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("busy")
    with serving(SCRIPTS) as town:
        limits = {**BOUNDS, "retry_wait": 2, "first_byte": 10}
        providers = {
            name: entry(town.ports[name], concurrency=1, timeout=20, limits=limits) for name in SCRIPTS
        }
        yield run(write_providers(folder, providers), folder / "out", "-d", "envelope")


def exchanges(ran: Ran, name: str) -> list[dict[str, Any]]:
    lines = (ran.out / "exchanges" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _gaps(several: list[dict[str, Any]]) -> list[float]:
    """Return the seconds between the end of an answer and the retry of its question."""
    found = []
    for number, after in enumerate(several):
        if after["retry"]:
            before = next(one for one in reversed(several[:number]) if one["probe"] == after["probe"])
            began = dt.datetime.fromisoformat(after["started_at"])
            ended = dt.datetime.fromisoformat(before["started_at"])
            found.append((began - ended).total_seconds() - before["ended_ms"] / 1000)
    return found


@pytest.mark.parametrize(
    ("name", "least"), [("seconds", 1.0), ("date", 0.9), ("retry-info", 1.2), ("says-nothing", 0.5)]
)
def test_a_vendor_is_waited_for_as_it_asks(ran: Ran, name: str, least: float) -> None:
    several = exchanges(ran, name)
    assert several[0]["status"] in (429, 503)
    assert several[1]["status"] == 200
    assert several[1]["retry"] is True
    assert min(_gaps(several)) >= least - 0.02


@pytest.mark.parametrize("name", ["seconds", "date", "retry-info", "says-nothing"])
def test_retries_are_counted_and_do_not_accuse(ran: Ran, name: str) -> None:
    found = ran.provider(name)
    assert found["traffic"]["retries"] == sum(one["retry"] for one in exchanges(ran, name)) >= 1
    assert found["status"] != "inconclusive"
    assert not [one for one in found["deviations"] if "429" in one["observed"] or "503" in one["observed"]]


@pytest.mark.parametrize("name", ["for-ever", "nonsense", "the-past"])
def test_who_is_always_busy_is_given_up_and_said_to_be(ran: Ran, name: str) -> None:
    found = ran.provider(name)
    assert found["status"] == "inconclusive"
    assert "HTTP 429" in found["reason"] or "HTTP 503" in found["reason"]
    assert found["traffic"]["requests"] == BOUNDS["dead_after"]
    assert any(
        line.startswith(f"{name}: stopped after 3 unusable answers in a row")
        for line in ran.results["run"]["warnings"]
    )


@pytest.mark.parametrize("name", ["an-hour", "huge"])
def test_who_asks_for_too_much_is_not_waited_for(ran: Ran, name: str) -> None:
    several = exchanges(ran, name)
    assert len(several) == BOUNDS["dead_after"]
    assert name != "an-hour" or not any(one["retry"] for one in several)


def test_the_whole_run_ends_within_what_may_be_waited(ran: Ran) -> None:
    assert ran.seconds < 60
    assert ran.code in (1, 3)
    assert ran.results["run"]["complete"] is True
