"""A client's verdict rests on answers: vendors that offer one method only, or answer only unusual requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from miniatures.asking import Server, judge_servers

from conformance.embedded import HONEST, Incoming, Outgoing
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import immediate_answer
from conformance.verdicts.verdict import Verdict

STREAM_ONLY = "gemini-cli"


def _failing(status: int, chosen: Callable[[Incoming], bool]) -> Callable[[Incoming], Outgoing]:
    """Return a server that answers the chosen requests with one status."""
    said = b'{"error": {"code": %d, "message": "not offered", "status": "UNIMPLEMENTED"}}' % status
    return lambda incoming: (
        immediate_answer(status, JSON_TYPE, said) if chosen(incoming) else HONEST(incoming)
    )


def _unary(incoming: Incoming) -> bool:
    return ":generateContent" in incoming.path


def _streams(incoming: Incoming) -> bool:
    return ":streamGenerateContent" in incoming.path


def _compressed(incoming: Incoming) -> bool:
    return incoming.header("accept-encoding") != "identity"


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    return judge_servers(
        [
            Server("unary-alone", _failing(404, _streams)),
            Server("streams-alone", _failing(404, _unary)),
            Server("unary-down", _failing(501, _unary)),
            Server("uncompressed-alone", _failing(500, _compressed)),
            Server(
                "unary-by-agreement", _failing(404, _streams), settings=(("unsupported", ("streaming",)),)
            ),
        ]
    )


def _of(verdict: Verdict) -> dict[str, str]:
    return {client.client.partition(" ")[0]: client.verdict for client in verdict.clients}


@pytest.mark.parametrize("name", ["unary-alone", "streams-alone"])
def test_a_method_that_is_turned_down_breaks_the_clients_that_call_it(
    name: str, verdicts: Mapping[str, Verdict]
) -> None:
    found = _of(verdicts[name])
    breaks = {client for client in found if name == "unary-alone" or client != STREAM_ONLY}
    assert {client for client, said in found.items() if said == "broken"} == breaks
    because = verdicts[name].clients[0].because[0]
    assert "is refused" in because[0].detail
    assert because[1] == "routes/answers-by-both-methods"


def test_the_finding_names_the_clients_that_it_breaks(verdicts: Mapping[str, Verdict]) -> None:
    rule = "routes/answers-by-both-methods"
    finding = next(one for one in verdicts["unary-alone"].deviations if one.rule == rule)
    assert {effect.effect for effect in finding.effects} == {"raises"}


@pytest.mark.parametrize("name", ["unary-down", "uncompressed-alone"])
def test_a_method_that_could_not_be_judged_leaves_its_clients_untested(
    name: str, verdicts: Mapping[str, Verdict]
) -> None:
    found = _of(verdicts[name])
    assert {said for client, said in found.items() if client != STREAM_ONLY} == {"untested"}


def test_a_method_that_the_vendor_is_known_to_lack_is_no_reason(verdicts: Mapping[str, Verdict]) -> None:
    found = _of(verdicts["unary-by-agreement"])
    assert {said for client, said in found.items() if client != STREAM_ONLY} == {"works"}
