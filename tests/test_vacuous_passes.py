"""Servers whose answers prove nothing: which rules may pass on them, and on what ground; all others must not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from miniatures.asking import Server, judge_servers
from miniatures.uninformative import UNINFORMATIVE

from conformance.embedded import HONEST
from conformance.model import Level, Outcome
from conformance.verdicts.verdict import Verdict


class Ground:
    """On what a pass of some rules may rest, in words, and those rules: a word for each, by dimension."""

    def __init__(self, why: str, **names: str) -> None:
        self.why = why
        self.rules = frozenset(
            f"{dimension}/{name}" for dimension, several in names.items() for name in several.split()
        )


# Every rule that passes for the honest server stands in one of these: a new rule needs its ground named here.
GROUNDS: Mapping[str, Ground] = {
    "form": Ground(
        "Gemini answers were read, unary and streamed: how they are written, sent and counted.",
        casing="answers-in-camel-case spells-each-name-once",
        envelope="answers-with-a-gemini-object gemini-object-at-root method-decides-whether-it-streams "
        "unary-answer-is-one-json-object",
        errors="answers-with-a-body succeeds-with-200",
        schema="adds-no-members content-stands-in-parts enums-are-googles-names has-a-candidate "
        "leaves-out-what-is-not-set names-its-model-version names-the-models-role "
        "needs-no-fields-of-its-own numbers-are-json parts-hold-one-thing says-why-it-ended "
        "stop-comes-with-content values-have-googles-types",
        semantics="answers-with-the-model-that-was-asked marks-thoughts",
        streaming="begins-data-with-one-space begins-without-a-byte-order-mark comes-whole "
        "ends-each-event-with-a-blank-line ends-with-a-finish-reason ends-without-a-sentinel "
        "holds-at-least-one-chunk leaves-empty-candidates-out names-the-type-of-its-stream "
        "sends-data-lines-only sends-one-json-object-per-event streams-a-well-formed-array "
        "streams-an-array-without-alt streams-sse-with-alt writes-each-chunk-on-one-line",
        transport="answers-every-question answers-with-json-not-html answers-within-bounds "
        "answers-without-redirects compresses-as-it-declares compresses-only-when-asked "
        "keeps-to-the-letter-of-http labels-answers-as-json sends-json-that-can-be-read "
        "sends-one-json-text sends-whole-bodies takes-an-offer-of-compression writes-sound-json",
        usage="charges-for-what-was-sent counts-are-cumulative counts-every-answer "
        "counts-up-to-the-end-of-a-stream same-prompt-costs-the-same total-is-the-sum",
    ),
    "tasks": Ground(
        "Right questions were answered, each in a way that shows whether it was heard.",
        auth="takes-the-key-in-the-query takes-x-goog-api-key",
        casing="accepts-snake-case-requests accepts-the-mixed-casing-of-clients leaves-argument-names-alone "
        "reads-settings-from-generation-config",
        routes="answers-by-both-methods",
        schema="accepts-nested-parameters accepts-valid-requests bytes-are-base64 "
        "function-calls-are-complete names-each-response numbers-candidates-apart response-ids-hold-the-time "
        "signatures-stand-beside-what-they-sign",
        semantics="answers-its-own-question applies-max-output-tokens calls-nothing-in-mode-none "
        "fills-required-arguments follows-a-plain-instruction forces-a-call-in-mode-any "
        "gives-as-many-candidates-as-asked gives-every-call hands-functions-to-the-model "
        "leaves-functions-what-they-are obeys-the-response-schema obeys-the-system-instruction "
        "reads-generation-config reads-url-safe-base64 remembers-the-conversation "
        "says-when-the-limit-ended-a-stream says-when-the-limit-ended-it sees-images "
        "shows-thoughts-when-asked stops-at-stop-sequences streams-function-calls "
        "takes-its-own-words-back thinks-no-more-than-allowed uses-what-the-function-answered",
        streaming="arrives-while-it-is-made brings-every-chunk-in-order escapes-line-separators "
        "gives-the-reason-last keeps-characters-whole keeps-one-id keeps-repetitions "
        "says-stop-only-at-the-end sends-deltas sends-the-text-once streams-thoughts-too "
        "streams-what-the-unary-method-says",
        usage="counts-thoughts counts-thoughts-once details-add-up",
    ),
    "routes": Ground(
        "The other routes gave what they are there for.",
        auth="takes-the-same-key-everywhere",
        routes="answers-on-v1 answers-under-listed-names counts-more-for-longer-texts counts-tokens "
        "describes-a-model lets-browsers-send-the-key lists-its-models lists-the-model-under-test "
        "names-models-with-their-prefix says-what-each-model-can-do",
    ),
    "keys": Ground(
        "Only the right key, in Google's places, was taken; each other one was refused in words on keys.",
        auth="asks-for-a-key looks-at-authorization-first reads-keys-as-opaque refuses-a-wrong-key "
        "says-that-the-key-is-wrong takes-keys-nowhere-else tells-nobody-the-key",
    ),
    "errors": Ground(
        "One refusal at least was of its own question, and where the plain one is answered.",
        errors="blames-the-caller-with-4xx fails-with-the-status-of-an-error gives-a-status-of-google-rpc "
        "gives-the-status-as-code labels-errors-as-json refuses-what-is-wrong "
        "writes-errors-as-google-does writes-one-error-not-a-list",
    ),
    "faults": Ground(
        "Each fault was refused by itself, in words that can be of it.",
        errors="gives-details knows-no-method-that-does-not-exist knows-no-model-that-does-not-exist "
        "knows-no-other-verb names-what-is-wrong refuses-a-stream-before-it-begins "
        "refuses-broken-json refuses-contents-without-sense refuses-unknown-fields "
        "refuses-values-of-a-wrong-kind",
        semantics="uses-cached-content",
    ),
}
# Whether a stream came in time depends on the machine that runs the tests.
TIMED = frozenset({"streaming/arrives-while-it-is-made"})


_NO_ROUTES = {
    "errors/knows-no-method-that-does-not-exist": "the catch-all answers it",
    "errors/knows-no-other-verb": "the catch-all answers it",
}
_RIGHT = ("form", "tasks", "routes")


@dataclass(frozen=True)
class Allowed:
    """What may pass for a server: rules on these grounds, with a reason for each exception."""

    grounds: tuple[str, ...] = ()
    but: Mapping[str, str] = field(default_factory=dict)  # rules that may not, and why
    besides: Mapping[str, str] = field(default_factory=dict)  # rules that may nevertheless, and why

    def rules(self) -> frozenset[str]:
        """Return all rules that may pass, and must."""
        whole = frozenset[str]().union(*(GROUNDS[ground].rules for ground in self.grounds))
        return (whole - frozenset(self.but)) | frozenset(self.besides)


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
        ("form", "tasks", "keys", "errors", "faults"),
        {**_NO_ROUTES, "envelope/answers-with-a-gemini-object": "/v1 is answered by the catch-all"},
    ),
    "pages-for-the-rest": Allowed(("form", "tasks", "keys", "errors", "faults"), _NO_ROUTES),
    "chats-for-what-is-wrong": Allowed(_RIGHT),
    "silent-on-what-is-wrong": Allowed(_RIGHT),
    "bare-on-what-is-wrong": Allowed(_RIGHT),
    "quotes-the-first-refusal": Allowed(
        (*_RIGHT, "errors"),
        besides={"errors/refuses-unknown-fields": "the error that is repeated is that of an unknown field"},
    ),
    "blames-the-key": Allowed((*_RIGHT, "keys", "errors")),
    "speaks-in-general": Allowed(
        (*_RIGHT, "keys", "errors", "faults"),
        {
            "errors/names-what-is-wrong": "no message names it",
            "errors/gives-details": "there are none",
        },
    ),
    "answers-anything": Allowed(("form",)),
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


def test_every_pass_of_the_honest_server_has_one_ground(verdicts: Mapping[str, Verdict]) -> None:
    grounded = [rule for ground in GROUNDS.values() for rule in ground.rules - TIMED]
    assert len(grounded) == len(set(grounded))
    assert passes(verdicts["honest"]) == frozenset(grounded)


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
    named = re.compile(r"[\w-]+ was not answered: its error is that of another question, [\w-]+")
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
        ("blames-the-key", "errors/refuses-broken-json", Outcome.INCONCLUSIVE, "that is another fault"),
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
