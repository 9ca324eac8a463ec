"""The fixed questions: Google's own classes accept or refuse them as expected, and there are few enough."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.ai.generativelanguage_v1beta.types import GenerateContentRequest
from google.protobuf.json_format import ParseDict, ParseError

from conformance import catalogue
from conformance.catalogue import PROBES, ProbeContext, Unaskable
from conformance.dialects.dialect import list_bundled_dialects, load_dialect
from conformance.model import Question, read_expected_statuses
from conformance.running.gather import select_probes

catalogue.load()
MODEL = "gemini-2.5-flash"
# Google's classes know only names and types; these are refused for their sense, or by the server in front.
SENSE = {"empty-contents", "bad-role", "bogus-cached-content", "unknown-model", "unknown-model-streamed", "unknown-method",
         "key-as-bearer", "key-as-x-api-key", "key-beside-junk-bearer", "bad-key", "no-key", "wrong-verb"}  # fmt: skip
NAMES_AND_TYPES = {"unknown-field", "unknown-nested-field", "wrong-type", "wrong-enum", "flat-settings"}


def questions() -> Iterator[tuple[str, Question]]:
    for probe in PROBES.values():
        built = None if probe.follows else probe.build(ProbeContext(MODEL, "7f3a"))
        if built is not None and not isinstance(built, Unaskable):
            yield probe.id, built


def body(question: Question) -> Any:
    return question.body


def parse(value: Any) -> None:
    ParseDict(json.loads(json.dumps(value)), GenerateContentRequest.pb()())


ASKED = dict(questions())
GENERATING = {
    id_: one
    for id_, one in ASKED.items()
    if one.verb == "POST" and one.method != "countTokens" and isinstance(one.body, dict)
}


@pytest.mark.parametrize("id_", [id_ for id_ in GENERATING if id_ not in NAMES_AND_TYPES])
def test_google_s_own_classes_take_every_valid_question(id_: str) -> None:
    parse(body(GENERATING[id_]))


@pytest.mark.parametrize("id_", sorted(NAMES_AND_TYPES))
def test_google_s_own_classes_refuse_every_wrong_name_and_type(id_: str) -> None:
    assert 400 in read_expected_statuses(GENERATING[id_].expected)
    with pytest.raises(ParseError):
        parse(body(GENERATING[id_]))


def test_whatever_must_be_refused_is_refused_for_a_reason_that_is_known() -> None:
    refused = {id_ for id_, one in ASKED.items() if 200 not in read_expected_statuses(one.expected)}
    assert refused <= SENSE | NAMES_AND_TYPES | {"malformed-json", "preflight"}


@pytest.mark.parametrize("name", list_bundled_dialects())
def test_first_asks_stay_at_sixty_five(name: str) -> None:
    asked = len(select_probes(load_dialect(name), (), whole=True))
    assert asked <= 65, f"{name} is asked {asked}: merge the new question with another, or give one up"


def test_questions_that_look_alike_differ_in_their_nonce() -> None:
    first = {
        id_: probe.build(ProbeContext(MODEL, "aaaa")) for id_, probe in PROBES.items() if not probe.follows
    }
    second = {
        id_: probe.build(ProbeContext(MODEL, "bbbb")) for id_, probe in PROBES.items() if not probe.follows
    }
    steady = {id_ for id_ in first if first[id_] == second[id_]}
    assert "plain" not in steady
    assert "plain-streamed" not in steady


def test_no_prompt_is_one_that_gateways_answer_themselves() -> None:
    texts = {json.dumps(one.body) for one in ASKED.values() if isinstance(one.body, dict)}
    assert not [text for text in texts if '"text": "Hi"' in text or '"text": "Hello"' in text]
