"""How a reply stands, by its status, its body and whether all of it came."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from conformance.model import Exchange, Failure, Limits, Piece, Request
from conformance.reading.reply import Reply, read
from conformance.reading.standing import Standing

ANSWER = json.dumps(
    {"candidates": [{"content": {"parts": [{"text": "OK"}]}, "finishReason": "STOP"}]}
).encode()
ERROR = json.dumps({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "no"}}).encode()
CUT = Failure("reset", "the connection was reset")


def exchange(
    status: int | None, body: bytes, expected: int = 200, failure: Failure | None = None
) -> Exchange:
    request = Request("POST", "/v1beta/models/gemini-2.5-flash:generateContent", (), b"{}", "x-goog-api-key")
    headers = (("Content-Type", "application/json"),)
    return Exchange(
        "p", "plain", 1, request, {"status": expected}, status, "HTTP/1.1", headers, (Piece(1.0, body),), failure,
        "2026-11-22T00:00:00.000Z", 1.0, 2.0,
    )  # fmt: skip


def reply(status: int | None, body: bytes, expected: int = 200, failure: Failure | None = None) -> Reply:
    return read(exchange(status, body, expected, failure))


@pytest.mark.parametrize(
    ("status", "body", "standing"),
    [
        (200, ANSWER, Standing.ANSWERED),
        (201, ANSWER, Standing.ANSWERED),
        (200, ERROR, Standing.ERROR_IN_SUCCESS),
        (200, b'{"success": false}', Standing.ERROR_IN_SUCCESS),
        (200, b'{"object": "chat.completion"}', Standing.FOREIGN),
        (200, b"<html>", Standing.FOREIGN),
        (200, b"", Standing.FOREIGN),
        (200, b"hello", Standing.FOREIGN),
        (302, b"", Standing.REDIRECTED),
        *((status, ERROR, Standing.REQUEST_REFUSED) for status in (400, 406, 413, 422)),
        *((status, ERROR, Standing.KEY_REFUSED) for status in (401, 402, 403, 407)),
        *((status, ERROR, Standing.NO_ROUTE) for status in (404, 405, 410)),
        *((status, ERROR, Standing.THROTTLED) for status in (408, 425, 429, 499)),
        *((status, ERROR, Standing.SERVER_ERROR) for status in (500, 501, 503, 529)),
        (None, b"", Standing.NO_ANSWER),
    ],
)
def test_a_complete_reply_stands_by_its_status_and_in_success_by_its_body(
    status: int | None, body: bytes, standing: Standing
) -> None:
    assert reply(status, body).standing is standing


@pytest.mark.parametrize("body", [b"", b"<html>", b"hello", b'{"object": "chat.completion"}'])
def test_anything_but_an_answer_to_what_google_refuses_is_an_error_in_a_success(body: bytes) -> None:
    assert reply(200, body, expected=400).standing is Standing.ERROR_IN_SUCCESS
    assert reply(200, ANSWER, expected=400).standing is Standing.ANSWERED


def test_an_answer_that_broke_off_stands_as_answered_but_is_not_complete() -> None:
    cut = reply(200, ANSWER, failure=CUT)
    assert cut.standing is Standing.ANSWERED
    assert not cut.is_complete
    assert not cut.is_conclusive
    assert cut.is_transient


@pytest.mark.parametrize("status", [200, 400, 503])
def test_what_broke_off_before_anything_could_be_read_is_no_answer(status: int) -> None:
    cut = reply(status, b'{"candi', failure=CUT)
    assert cut.standing is Standing.NO_ANSWER
    assert not cut.is_refusal


def test_a_body_beyond_a_bound_is_not_complete_and_names_the_bound() -> None:
    long = read(exchange(400, ERROR + b" " * 2000), Limits(json_bytes=1000))
    assert long.exceeded_limit == "json_bytes"
    assert long.standing is Standing.REQUEST_REFUSED
    assert not long.is_refusal


def test_a_time_limit_is_no_bound_that_an_answer_exceeds() -> None:
    late = reply(200, ANSWER, failure=Failure("silence", "nothing came", "silence"))
    assert late.exceeded_limit is None


def test_only_refusals_that_last_are_refusals() -> None:
    refusals = {status for status in (*range(400, 430), 499, 500, 503) if reply(status, ERROR).is_refusal}
    assert refusals == set(range(400, 430)) - {408, 425, 429}


def test_a_reply_is_conclusive_or_transient_if_it_is_complete() -> None:
    every = [
        reply(status, body) for status in (200, 302, 400, 401, 404, 429, 500) for body in (ANSWER, ERROR)
    ]
    assert all(one.is_conclusive is not one.is_transient for one in every)


def test_a_reply_says_what_its_question_expects() -> None:
    asked = exchange(200, ANSWER)
    assert read(replace(asked, expected={"status": [400, 404]})).expects_refusal
    assert not read(replace(asked, expected={})).expects_refusal
    assert replace(asked, expected={"status": [400, 404]}).expected_statuses == (400, 404)
    assert replace(asked, expected={}).expected_statuses == (200,)
