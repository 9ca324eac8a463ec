"""The real google-genai, with its own transport and a real socket, agrees with the model of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import real_google_genai as real

from conformance.clients import CLIENTS, read_as_client, read_captured
from conformance.clients.client_view import ClientView

INSTALLED = real.find_version()
NAME = f"google-genai {INSTALLED} (Python)"

pytestmark = [
    pytest.mark.slow,  # seconds to import the library, and as many to read every response
    pytest.mark.skipif(NAME not in CLIENTS, reason="no modelled version of google-genai is installed"),
    # The library's own sockets and deprecations are not what is tested here.
    pytest.mark.filterwarnings("ignore"),
]

DATA = Path(__file__).parent / "data"
MEASURED = (DATA / "outcomes.jsonl").read_text("utf-8").strip().split("\n")
CORPUS = (DATA / "clients_corpus.jsonl").read_text("utf-8").strip().split("\n")

GOOD = '{"candidates": [{"content": {"parts": [{"text": "a%d"}], "role": "model"}}]}'
LAST = '{"candidates": [{"content": {"parts": [{"text": "z"}]}, "finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 3}}'
BETWEEN = [
    "",
    ": ping",
    "event: x",
    "id: 1",
    "retry: 5",
    "data:",
    "data: ",
    "data: [DONE]",
    "data: null",
    "{}",
    "x",
    "\ufeff",
    "\u2028",
]


def framings() -> list[str]:
    """Every line end with every thing that vendors put between events, and what is no SSE at all."""
    one, two = GOOD % 1, GOOD % 2
    bodies = [
        f"data: {one}{end}{end}{between}{end}{end}data: {two}{end}{end}data: {LAST}{end}{end}"
        for end in ("\n", "\r\n", "\r")
        for between in BETWEEN
    ]
    bodies += [f"{prefix}{one}\n\n{prefix}{LAST}\n\n" for prefix in ("data:", " data: ", "data:  ", "DATA: ")]
    bodies += [
        f"{one}\n{LAST}\n",
        f"[{one},{LAST}]",
        f"[{one},\n{LAST}]",
        f"{one}{LAST}",
        f"data: {one}\n\ndata: {LAST}",
    ]
    return [*bodies, *(json.dumps(json.loads(LAST), indent=indent) for indent in (None, 1))]


def lines() -> list[str]:
    """Return the corpus of framings as captured responses."""
    said = {"method": "streamGenerateContent", "status": 200, "content_type": "text/event-stream"}
    return [json.dumps(said | {"variant": repr(body[:90]), "body": body}) for body in framings()]


def compared(seen: ClientView) -> tuple[object, ...]:
    """Return what must agree: all that the caller has, and after an exception which one, after how many chunks."""
    if seen.raises is not None:
        return (seen.raises.partition(":")[0], seen.chunks_before, seen.text)
    return (seen.chunks, seen.text, seen.finish_reason, seen.total_tokens, seen.calls)


def differences(said: list[str]) -> dict[str, tuple[object, object]]:
    """By variant, what the library shows and what the model says, where they differ."""
    both = [
        (
            line,
            compared(real.ask_library(read_captured(line))),
            compared(read_as_client(CLIENTS[NAME], read_captured(line))),
        )
        for line in said
    ]
    return {json.loads(line)["variant"]: (theirs, ours) for line, theirs, ours in both if theirs != ours}


def test_the_library_and_its_model_agree_on_every_measured_response() -> None:
    assert differences(MEASURED) == {}


def test_the_library_and_its_model_agree_on_every_framing() -> None:
    assert differences(lines()) == {}


def test_the_library_and_its_model_agree_on_mutated_fields() -> None:
    assert differences(CORPUS) == {}


def test_a_library_of_that_name_is_found_or_not() -> None:
    assert INSTALLED is None or INSTALLED[0].isdigit()
