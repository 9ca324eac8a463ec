"""For servers whose answers prove nothing, only the rules pass whose declared ground allows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from miniatures.asking import Server, judge_servers
from miniatures.uninformative import UNINFORMATIVE

from conformance.catalogue import RULES, Ground
from conformance.embedded import HONEST
from conformance.model import Level, Outcome
from conformance.verdicts.verdict import Verdict

# Whether a stream came in time depends on the machine that runs the tests.
TIMED = frozenset({"streaming/arrives-while-it-is-made"})
# The honest server has nothing for these to look at: no document of its own, no generated bodies, no caches, no citations.
NOT_PASSED = frozenset({
    "auth/takes-the-key-as-documented", "errors/answers-a-blocked-prompt", "errors/keeps-googles-errors-within-streams",
    "schema/answers-as-documented", "schema/call-ids-tell-calls-apart", "schema/citations-are-googles",
    "schema/refuses-generated-faults", "schema/survives-generated-bodies", "schema/takes-a-body-however-it-is-written",
    "semantics/keeps-thought-signatures", "usage/counts-cached-tokens-within-the-prompt",
})  # fmt: skip


_NO_ROUTES = {
    "errors/refuses-unknown-methods": "the catch-all answers it",
    "errors/refuses-other-http-methods": "the catch-all answers it",
}
_RIGHT = (Ground.FORM, Ground.TASKS, Ground.ROUTES)


@dataclass(frozen=True)
class Allowed:
    """What may pass for a server: rules on these grounds, with a reason for each exception."""

    grounds: tuple[Ground, ...] = ()
    but: Mapping[str, str] = field(default_factory=dict)  # rules that may not, and why
    besides: Mapping[str, str] = field(default_factory=dict)  # rules that may nevertheless, and why

    def rules(self) -> frozenset[str]:
        """Return all rules that may pass, and must."""
        grounded = {id_ for id_, rule in RULES.items() if rule.ground in self.grounds} - NOT_PASSED
        return frozenset(grounded - set(self.but)) | frozenset(self.besides)


NOTHING = Allowed()
ALLOWED: Mapping[str, Allowed] = {
    "refuses-as-google": NOTHING,
    "refuses-as-openai": NOTHING,
    "refuses-as-a-framework": NOTHING,
    "refuses-in-text": NOTHING,
    "refuses-in-a-word": NOTHING,
    "refuses-the-key": NOTHING,
    "calls-the-key-invalid": NOTHING,
    "forbids": NOTHING,
    "finds-nothing": NOTHING,
    "refuses-in-success": NOTHING,
    "down": NOTHING,
    "chats": NOTHING,
    "chats-in-one-piece": NOTHING,
    "catches-all": NOTHING,
    "silent": NOTHING,
    "bare": NOTHING,
    "without-candidates": NOTHING,
    "pages": NOTHING,
    "catches-the-rest": Allowed(
        (Ground.FORM, Ground.TASKS, Ground.KEYS, Ground.ERRORS, Ground.FAULTS),
        {**_NO_ROUTES, "envelope/answers-with-a-gemini-object": "/v1 is answered by the catch-all"},
    ),
    "pages-for-the-rest": Allowed(
        (Ground.FORM, Ground.TASKS, Ground.KEYS, Ground.ERRORS, Ground.FAULTS), _NO_ROUTES
    ),
    "chats-for-what-is-wrong": Allowed(_RIGHT),
    "silent-on-what-is-wrong": Allowed(_RIGHT),
    "bare-on-what-is-wrong": Allowed(_RIGHT),
    "quotes-the-first-refusal": Allowed(
        (*_RIGHT, Ground.ERRORS),
        besides={"errors/refuses-unknown-fields": "the error that is repeated is that of an unknown field"},
    ),
    "blames-the-key": Allowed((*_RIGHT, Ground.KEYS, Ground.ERRORS)),
    "speaks-in-general": Allowed(
        (*_RIGHT, Ground.KEYS, Ground.ERRORS, Ground.FAULTS),
        {
            "errors/names-what-is-wrong": "no message names it",
            "errors/gives-details": "there are none",
        },
    ),
    "answers-anything": Allowed((Ground.FORM,)),
}
# What these answer to which question depends on the order of the questions: no list of theirs would last.
BY_TURNS = {
    "locked-with-503",
    "locked-with-400",
    "locked-and-counting",
    "refuses-every-other",
    "chats-every-other",
    "silent-every-other",
}


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, Verdict]:
    servers = [Server(one.name, one.application, settings=one.settings) for one in UNINFORMATIVE]
    return judge_servers([Server("honest", HONEST), *servers])


def passes(verdict: Verdict) -> frozenset[str]:
    return frozenset(case.rule for case in verdict.cases if case.outcome is Outcome.PASS) - TIMED


def grave(verdict: Verdict) -> set[str]:
    return {one.rule for one in verdict.deviations if one.level is not Level.NOTE}


def outcome(verdict: Verdict, rule: str) -> tuple[Outcome, str]:
    return next((case.outcome, case.reason) for case in verdict.cases if case.rule == rule)


def test_every_rule_that_the_honest_server_gives_something_to_look_at_passes(
    verdicts: Mapping[str, Verdict],
) -> None:
    assert passes(verdicts["honest"]) == frozenset(RULES) - NOT_PASSED - TIMED


def test_every_hollow_server_is_held_against_a_list() -> None:
    assert {one.name for one in UNINFORMATIVE} == set(ALLOWED) | BY_TURNS


@pytest.mark.parametrize("name", ALLOWED)
def test_exactly_what_rests_on_something_passes(name: str, verdicts: Mapping[str, Verdict]) -> None:
    assert passes(verdicts[name]) == ALLOWED[name].rules() - TIMED


@pytest.mark.parametrize("name", sorted(BY_TURNS))
def test_by_turns_nothing_passes_that_the_honest_answers_do_not_pass(
    name: str, verdicts: Mapping[str, Verdict]
) -> None:
    assert passes(verdicts[name]) <= passes(verdicts["honest"])


@pytest.mark.parametrize(
    "name", ["locked-with-400", "locked-with-503", "locked-and-counting", "refuses-every-other"]
)
def test_a_lock_or_a_mood_accuses_nobody_of_anything(name: str, verdicts: Mapping[str, Verdict]) -> None:
    undecided = [case for case in verdicts[name].cases if case.outcome is Outcome.INCONCLUSIVE]
    assert not grave(verdicts[name])
    assert len(undecided) > 8, "it would seem to be judged whole"


def test_an_error_of_another_question_is_named_as_that(verdicts: Mapping[str, Verdict]) -> None:
    named = re.compile(r"[\w-]+ was not answered: its error repeats that of another question, [\w-]+")
    assert any(named.fullmatch(case.reason) for case in verdicts["locked-with-400"].cases)


@pytest.mark.parametrize("name", [name for name, allowed in ALLOWED.items() if allowed is NOTHING])
def test_where_nothing_is_answered_only_the_shape_of_errors_is_known(
    name: str, verdicts: Mapping[str, Verdict]
) -> None:
    known = {trait for trait, value in verdicts[name].traits.items() if value is not None}
    assert known <= {"error-shape"}


@pytest.mark.parametrize("name", [name for name, allowed in ALLOWED.items() if allowed is NOTHING])
def test_where_nothing_is_answered_no_client_is_said_to_work(
    name: str, verdicts: Mapping[str, Verdict]
) -> None:
    assert {client.verdict for client in verdicts[name].clients} <= {"broken", "untested"}


@pytest.mark.parametrize("name", ["chats", "chats-in-one-piece", "catches-all"])
def test_another_apis_success_breaks_whoever_asks(name: str, verdicts: Mapping[str, Verdict]) -> None:
    assert {client.verdict for client in verdicts[name].clients} == {"broken"}


@pytest.mark.parametrize(
    ("name", "rule", "wanted", "reason"),
    [
        ("refuses-as-google", "auth/refuses-a-wrong-key", Outcome.BLOCKED, "a refusal shows nothing"),
        ("chats", "auth/asks-for-a-key", Outcome.BLOCKED, "HTTP 200, other JSON: that is not a refusal"),
        ("chats-for-what-is-wrong", "auth/refuses-a-wrong-key", Outcome.BLOCKED, "that is not a refusal"),
        (
            "quotes-the-first-refusal",
            "auth/refuses-a-wrong-key",
            Outcome.INCONCLUSIVE,
            "the error of unknown-field",
        ),
        (
            "blames-the-key",
            "errors/refuses-broken-json",
            Outcome.INCONCLUSIVE,
            "that error is about something else",
        ),
        ("down", "transport/answers-within-bounds", Outcome.INCONCLUSIVE, "HTTP 503"),
        (
            "silent-on-what-is-wrong",
            "errors/refuses-broken-json",
            Outcome.BLOCKED,
            "an empty body: that is not a refusal",
        ),
        (
            "answers-anything",
            "schema/accepts-valid-requests",
            Outcome.BLOCKED,
            "faulty requests are accepted too",
        ),
        (
            "answers-anything",
            "schema/function-calls-are-complete",
            Outcome.UNSUPPORTED,
            "no answer holds a function call",
        ),
    ],
)
def test_what_does_not_pass_says_why(
    name: str, rule: str, wanted: Outcome, reason: str, verdicts: Mapping[str, Verdict]
) -> None:
    found = outcome(verdicts[name], rule)
    assert found[0] is wanted, found
    assert reason in found[1]
