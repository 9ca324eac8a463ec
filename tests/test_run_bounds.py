"""What ends the questions to one provider, and must not end those to others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from conformance.asking.attempts import Attempt
from conformance.asking.run import Asker, Plan, ask_all
from conformance.catalogue import Probe, ProbeContext
from conformance.model import Exchange, Limits, Piece, Provider, Question, Request
from conformance.recording.writing import RecordError
from conformance.replies import ProviderReplies

OK = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"x"}]},"finishReason":"STOP"}]}'
REQUEST = Request("POST", "/v1beta/models/m:generateContent", (), b"{}", "bearer")


def _question(asking: ProbeContext) -> Question:
    return Question({"contents": [{"parts": [{"text": f"Reply with exactly: OK-{asking.nonce}"}]}]})


def probes(count: int, build: Callable[[ProbeContext], Question] = _question) -> tuple[Probe, ...]:
    return tuple(one(f"question-{number}", build) for number in range(count))


def one(name: str, build: Callable[[ProbeContext], Question]) -> Probe:
    return Probe(name, "", "", build, None, 1, last=False, needs=())


def provider(name: str = "p", **changes: object) -> Provider:
    usual: dict[str, object] = {"max_requests": 1000, "concurrency": 2, "timeout": 5.0}
    return Provider(name, name, "http://127.0.0.1:1", "google", "m", **{**usual, **changes})  # type: ignore[arg-type]


def answering(
    body: bytes = OK, seconds: float = 0.0, name: str = "p", error: Exception | None = None
) -> Asker:
    """Return a way to ask that takes so long and brings that body."""

    async def ask(attempt: Attempt) -> Exchange:
        await asyncio.sleep(seconds)
        if error is not None:
            raise error
        pieces = (Piece(1.0, body),)
        return Exchange(
            name, attempt.probe, attempt.number, REQUEST, attempt.question.expected, 200, "HTTP/1.1", (), pieces,
            None, "", 0.0, 1.0, first=attempt.first, generated=attempt.generated, retry=attempt.retry,
        )  # fmt: skip

    return ask


def failing(error: Exception) -> Asker:
    """Return a way to ask that only raises."""
    return answering(error=error)


def gathered(*plans: tuple[Plan, Asker]) -> list[ProviderReplies]:
    into: list[ProviderReplies] = []
    asyncio.run(ask_all(plans, lambda _: None, lambda _: None, into))
    return into


def reasons(done: ProviderReplies) -> set[tuple[str, str]]:
    return {(unasked.cause, unasked.detail) for unasked in done.unasked}


def test_bytes_of_all_answers_together_are_bounded() -> None:
    body = OK.replace(b"x", b"x" * 100_000)
    [done] = gathered((Plan(provider(limits=Limits(run_bytes=1_000_000)), probes(40)), answering(body)))
    assert 4 <= len(done.exchanges) <= 8
    assert reasons(done) == {("budget", "the answers together are too large (bound: run_bytes, 1000000)")}


def test_many_small_values_are_counted_as_what_they_take() -> None:
    body = b'{"candidates":[' + b"{}," * 50_000 + b"{}]}"
    [done] = gathered((Plan(provider(limits=Limits(run_bytes=20_000_000)), probes(40)), answering(body)))
    assert len(done.exchanges) <= 8
    assert "run_bytes" in str(reasons(done))


def test_nobody_is_asked_longer_than_questions_times_timeout_by_concurrency() -> None:
    # 20 x 0.1 s / 2: in one second two at a time can be asked four times, and what was begun by then is waited for.
    [done] = gathered((Plan(provider(timeout=0.1), probes(20)), answering(seconds=0.25)))
    assert 0 < len(done.exchanges) <= 10
    assert ("budget", "the time for all questions has passed (questions × timeout / concurrency)") in reasons(
        done
    )


def test_a_fault_of_our_own_ends_one_provider_and_is_said() -> None:
    broken, sound = gathered(
        (Plan(provider("broken"), probes(5)), failing(KeyError("x"))),
        (Plan(provider("sound"), probes(5)), answering(seconds=0.05, name="sound")),
    )
    assert len(sound.exchanges) == 5
    assert not sound.unasked
    assert reasons(broken) == {("cut-off", "the checker itself failed (KeyError); please report it")}
    assert len(broken.unasked) == 5


def test_a_question_that_cannot_be_built_is_left_out_alone() -> None:
    def broken(_: ProbeContext) -> Question:
        raise IndexError

    [done] = gathered((Plan(provider(), (*probes(3), one("odd", broken))), answering()))
    assert len(done.exchanges) == 3
    assert reasons(done) == {("first-turn", "its first turn cannot be continued (IndexError)")}


def test_a_disk_that_takes_nothing_more_ends_it_for_all() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        gathered((Plan(provider(), probes(3)), failing(RecordError("full"))))
    assert caught.value.subgroup(RecordError)
