"""Asking a hostile server ends as it must, within its bounds, and affects no other exchange."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator

import hostile_servers
import pytest
from hostile import ANSWER, HOSTILES, Hostile, Town, honest, serving

from conformance.asking.attempts import Attempt
from conformance.asking.send import MOST_SPARED, Sender
from conformance.keys.secrets import Key
from conformance.model import Auth, Exchange, Limits, Provider, Question
from conformance.recording.record import format_exchange, parse_exchange
from conformance.wire.encoding import decode_body

BOUNDS = Limits(
    first_byte=2, silence=2, body_bytes=500_000, decoded_bytes=500_000, header_bytes=50_000, chunks=2000
)
TOTAL = 6.0  # seconds; more than the machine needs when all of them run beside other work
KEY = Key("K", "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW")
QUESTION = Question({"contents": [{"parts": [{"text": "Reply with exactly: OK"}]}]})


def provider(town: Town, name: str) -> Provider:
    return Provider(
        name=name,
        title=name,
        base_url=f"http://127.0.0.1:{town.ports[name]}",
        dialect="google",
        model="gemini-2.5-flash",
        auth=Auth.BEARER,
        key_env="K",
        timeout=TOTAL,
        limits=BOUNDS,
    )


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with serving({**{one.name: one.script for one in HOSTILES}, "honest": honest}) as opened:
        yield opened


@pytest.fixture(scope="module")
def asked(town: Town) -> dict[str, tuple[Exchange, float]]:
    """Everybody is asked at once, as a run does; the honest neighbour twenty times."""

    async def one(sender: Sender, number: int) -> tuple[Exchange, float]:
        began = time.perf_counter()
        return await sender.ask(Attempt("plain", number, QUESTION)), time.perf_counter() - began

    async def everybody() -> dict[str, tuple[Exchange, float]]:
        names = [hostile.name for hostile in HOSTILES] + ["honest"] * 20
        async with contextlib.AsyncExitStack() as stack:
            # Opened before the first is asked: it takes a busy machine seconds, which are not a server's silence.
            senders = [await stack.enter_async_context(Sender(provider(town, name), KEY)) for name in names]
            answers = await asyncio.gather(*(one(sender, number) for number, sender in enumerate(senders, 1)))
        keys = [name if name != "honest" else f"honest-{number}" for number, name in enumerate(names)]
        return dict(zip(keys, answers, strict=True))

    return asyncio.run(everybody())


def test_there_are_at_least_forty_of_them() -> None:
    assert BOUNDS.decoded_bytes < hostile_servers.BOMB
    assert len({hostile.name for hostile in HOSTILES}) == len(HOSTILES) >= 40


@pytest.mark.parametrize("hostile", HOSTILES, ids=lambda one: one.name)
def test_each_ends_as_it_must(hostile: Hostile, asked: dict[str, tuple[Exchange, float]]) -> None:
    exchange, took = asked[hostile.name]
    decoded = decode_body(exchange, BOUNDS)
    assert (exchange.failure.kind if exchange.failure else None) == hostile.failure, exchange.failure
    assert (decoded.failure.kind if decoded.failure else None) == hostile.decoding, decoded.failure
    assert exchange.status == hostile.status
    if hostile.bound:
        ended = exchange.failure or decoded.failure
        assert ended is not None
        assert ended.bound == hostile.bound
    if hostile.oddity:
        assert hostile.oddity in decoded.oddities
    if hostile.body is not None:
        assert decoded.body == hostile.body
    assert took < TOTAL + MOST_SPARED + 3
    assert len(exchange.body) <= BOUNDS.body_bytes
    assert len(decoded.body) <= BOUNDS.decoded_bytes + 65536
    assert len(exchange.pieces) <= BOUNDS.chunks


@pytest.mark.parametrize("hostile", HOSTILES, ids=lambda one: one.name)
def test_each_is_recorded_exactly(hostile: Hostile, asked: dict[str, tuple[Exchange, float]]) -> None:
    exchange, _ = asked[hostile.name]
    line = format_exchange(exchange)
    assert "\n" not in line
    assert line.isprintable()
    assert parse_exchange(json.loads(line)) == exchange


def test_the_honest_neighbour_notices_nothing(asked: dict[str, tuple[Exchange, float]]) -> None:
    answers = [exchange for name, (exchange, _) in asked.items() if name.startswith("honest")]
    assert len(answers) == 20
    assert {(answer.status, answer.body, answer.failure) for answer in answers} == {(200, ANSWER, None)}


def test_a_redirect_is_not_followed(town: Town, asked: dict[str, tuple[Exchange, float]]) -> None:
    assert asked["redirects-to-itself"][0].status == 302
    assert town.asked["redirects-to-itself"] == 1


@pytest.mark.parametrize("name", ["answers-twice", "sends-more-than-it-promised"])
def test_what_is_left_over_is_not_the_next_answer(name: str, town: Town) -> None:
    async def twice() -> list[Exchange]:
        async with Sender(provider(town, name), KEY) as sender:
            return [await sender.ask(Attempt("plain", number, QUESTION)) for number in (1, 2, 3)]

    bodies = {exchange.body for exchange in asyncio.run(twice())}
    assert len(bodies) == 1
    assert b"poison" not in bodies.pop()
