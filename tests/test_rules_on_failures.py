"""The rules on errors, keys, transport and routes never raise, whatever a vendor sends."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest

from conformance import catalogue
from conformance.asking.addressing import address_question
from conformance.catalogue import PROBES, RULES, ProbeContext
from conformance.dialects.dialect import load_dialect
from conformance.judging.traits import observe_traits
from conformance.keys.secrets import Key
from conformance.model import Against, Auth, Exchange, Failure, Outcome, Piece, Provider, Question, Request
from conformance.reading.reply import Reply, read
from conformance.verdicts.cases import JudgingInput, judge_rules

MINE = ("errors", "auth", "transport", "routes")
PROVIDER = Provider("p", "P", "http://127.0.0.1:1", "google", "gemini-2.5-flash", Auth.X_GOOG_API_KEY)
STATUSES = (200, 201, 204, 302, 400, 401, 404, 422, 429, 500, 503)
FINE: dict[str, Any] = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "OK-0000"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6},
}
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, "", "x", "\ud800", [], {}, [[]], [{}], [None], {"error": None}, {"": {}},
)  # fmt: skip


def _errors() -> list[Any]:
    members = ("code", "message", "status", "details", "type", "param")
    one = {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}
    return [
        *({"error": {**one, member: odd}} for member, odd in itertools.product(members, ODD)),
        *({"error": odd} for odd in ODD),
        *({"code": odd, "msg": odd, "data": FINE} for odd in ODD),
        *([{"error": {**one, "status": odd}}] for odd in ODD),
        *({"data": {"error": odd}} for odd in ODD),
    ]


def _resources() -> list[Any]:
    members = ("name", "supportedGenerationMethods", "inputTokenLimit")
    return [
        FINE,
        *({"models": odd} for odd in ODD),
        *({"models": [{member: odd}]} for member, odd in itertools.product(members, ODD)),
        *({"totalTokens": odd} for odd in ODD),
        *({"data": odd} for odd in ODD),
        *ODD,
    ]


BYTES = (b"", b"\0", b"<html>", b"{", b'{"error":', b"data: {", b'event: error\ndata: {"error":[]}\n\n', b"\x1f\x8b\x08", b"\xff\xfe", b"[" * 500)  # fmt: skip
BODIES: list[bytes] = [*(json.dumps(value).encode() for value in (*_errors(), *_resources())), *BYTES]


@cache
def requests() -> Mapping[str, tuple[Question, Request]]:
    """Return what each probe asks, and the request that is sent for it."""
    catalogue.load()
    asking = ProbeContext(PROVIDER.model, "0000")
    built = {p.id: p.build(asking) for p in PROBES.values() if p.follows is None}
    asked = {probe: question for probe, question in built.items() if isinstance(question, Question)}
    key = Key("K", "embedded-key")
    return MappingProxyType(
        {
            probe: (one, address_question(PROVIDER, key, one, {}, "agent").request)
            for probe, one in asked.items()
        }
    )


def replies(body: bytes, status: int, *, fine: tuple[str, ...] = ()) -> tuple[Reply, ...]:
    """Every question answered alike; those of `fine` as they should be."""
    found = []
    for probe, (asked, request) in requests().items():
        good = probe in fine
        data, code = (json.dumps(FINE).encode(), 200) if good else (body, status)
        headers = (("content-type", "application/json"),)
        found.append(
            read(
                Exchange(
                    "p", probe, 1, request, asked.expected, code, "HTTP/1.1", headers, (Piece(1.0, data),),
                    None, "2026-11-22T00:00:00.000Z", 1.0, 2.0,
                )
            )
        )  # fmt: skip
    return tuple(found)


def raised(several: tuple[Reply, ...]) -> list[str]:
    rules = [rule for rule in RULES.values() if rule.dimension in MINE]
    day = dt.date(2026, 11, 22)
    google = load_dialect("google")
    evidence = JudgingInput(PROVIDER, google, several, (), observe_traits(several), frozenset(Against), day)
    cases = judge_rules(evidence, rules)
    return [f"{case.rule}: {case.reason}" for case in cases if case.outcome is Outcome.ERROR]


@pytest.mark.parametrize(
    "number",
    [pytest.param(one, marks=pytest.mark.slow if one % 12 else ()) for one in range(0, len(BODIES), 4)],
)
def test_no_rule_on_failures_raises_on_anything_that_can_be_sent(number: int) -> None:
    for place, body in enumerate(BODIES[number : number + 4], number):
        status = STATUSES[place % len(STATUSES)]
        assert not raised(replies(body, status)), (body, status)
        assert not raised(replies(body, 400, fine=("plain", "plain-at-the-end"))), body


def test_no_rule_on_failures_raises_on_what_never_came() -> None:
    lost = Failure("timeout", "not finished after 60 s", "timeout")
    gone = tuple(
        read(replace(reply.exchange, status=None, pieces=(), headers=(), failure=lost))
        for reply in replies(b"", 200)
    )
    assert not raised(gone)
    assert not raised(())
