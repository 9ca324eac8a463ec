"""Generated bodies are varied, valid or broken in one named place, equal for equal seeds, and cheap to make."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from conformance import catalogue
from conformance.bodies import (
    GeneratedBody,
    RequestForm,
    build_boundaries,
    build_variants,
    check_schemas,
    find_form,
    generate_bodies,
    load_forms,
    read_corpus,
    select_bodies,
    serialize,
    shrink,
    strategy_for,
    write_corpus,
)
from conformance.bodies.generation import INVALID, VALID, find_covered_places
from conformance.bodies.locations import (
    find_places,
    path_to_snake_case,
    replace_at,
    to_snake_case,
    walk_body,
)
from conformance.bodies.mutations import MUTATION_KINDS
from conformance.bodies.narrowing import Narrowing
from conformance.bodies.rewriting import REWRITINGS
from conformance.bodies.tree import build_tree
from conformance.catalogue import PROBES, ProbeContext
from conformance.dialects.dialect import Dialect, list_bundled_dialects, load_dialect
from conformance.dialects.shapes import ShapeReader
from conformance.embedded import HONEST, Behaviour, Incoming, make_behaviour
from conformance.model import JSON, Question
from conformance.pointers import to_pointer

DIALECTS = list_bundled_dialects()


@pytest.fixture(scope="module")
def google() -> Dialect:
    return load_dialect("google")


@pytest.fixture(scope="module")
def some(google: Dialect) -> tuple[GeneratedBody, ...]:
    return generate_bodies(google, 7, 60)


def ask(
    behaviour: Behaviour, body: JSON | bytes, method: str = "generateContent"
) -> tuple[int, dict[str, Any]]:
    """Ask a bundled server without a socket, with a key where it takes one."""
    sent = body if isinstance(body, bytes) else serialize(body)
    way = behaviour.style.auth[0]
    key = {"authorization": "Bearer k"} if way == "bearer" else {} if way == "query-key" else {way: "k"}
    query = "?key=k" if way == "query-key" else ""
    answer = behaviour(Incoming("POST", f"/v1beta/models/gemini-2.5-flash:{method}{query}", key, sent))
    parsed = json.loads(answer.body)
    return answer.status, parsed if isinstance(parsed, dict) else {}


# --- what is generated


def test_the_same_seed_draws_the_same_bodies(google: Dialect) -> None:
    assert generate_bodies(google, 3, 12) == generate_bodies(google, 3, 12)


def test_another_seed_draws_other_bodies(google: Dialect, some: tuple[GeneratedBody, ...]) -> None:
    assert not {one.id for one in generate_bodies(google, 8, 12)} & {one.id for one in some}


def test_fewer_bodies_are_the_first_of_more(google: Dialect, some: tuple[GeneratedBody, ...]) -> None:
    assert generate_bodies(google, 7, 12) == some[:12]


def test_no_body_is_generated_twice(some: tuple[GeneratedBody, ...]) -> None:
    assert len({serialize(one.body) for one in some}) == len(some) == 60


@pytest.mark.parametrize("name", DIALECTS)
def test_sixty_bodies_reach_every_documented_request_field(name: str) -> None:
    dialect = load_dialect(name)
    form, _ = load_forms(dialect)
    assert find_covered_places(form, generate_bodies(dialect, 1, 60)) == {*form.usual, *form.exotic}
    documented = {field.pointer for field in dialect.fields_of("request")}
    assert documented <= {*form.usual, *form.exotic, *(place for place in documented if place.endswith("/*"))}


@pytest.mark.parametrize("name", DIALECTS)
def test_twelve_bodies_reach_most_of_the_schema(name: str) -> None:
    dialect = load_dialect(name)
    form, _ = load_forms(dialect)
    assert len(find_covered_places(form, generate_bodies(dialect, 1, 12))) > 0.7 * len(
        {*form.usual, *form.exotic}
    )


def test_answers_stay_cheap_and_bodies_small(some: tuple[GeneratedBody, ...]) -> None:
    for one in some:
        config = one.body.get("generationConfig") if isinstance(one.body, dict) else None
        if one.valid and isinstance(config, dict) and "maxOutputTokens" in config:
            assert 1 <= float(str(config["maxOutputTokens"])) <= 16
        assert len(serialize(one.body)) < 16_000


def test_every_kind_of_fault_and_of_rewriting_is_generated(google: Dialect) -> None:
    bodies = generate_bodies(google, 2, 150)
    assert {one.change for one in bodies if not one.valid} == set(MUTATION_KINDS)
    assert {one.change for one in bodies if one.twin} == set(REWRITINGS)


def test_an_invalid_body_names_its_broken_place_and_is_valid_elsewhere(google: Dialect) -> None:
    for one in generate_bodies(google, 4, 60, kinds=(INVALID,)):
        assert one.broken_at.startswith("/")
        assert one.change
        steps = one.broken_at.split("/")[1:]
        value: Any = one.body
        for step in steps[:-1]:
            value = value[int(step)] if isinstance(value, list) else value[step]
        assert isinstance(value, dict | list), one.broken_at


def test_a_twin_comes_after_the_body_that_it_rewrites(some: tuple[GeneratedBody, ...]) -> None:
    before: set[str] = set()
    for one in some:
        assert not one.twin or one.twin in before
        before.add(one.id)


def test_odd_texts_are_among_them(google: Dialect) -> None:
    texts = json.dumps([one.body for one in generate_bodies(google, 5, 100, kinds=(VALID,))])
    assert all(odd in texts for odd in ('"text": ""', "\\u0000", "\\ud83d\\ude00", "\\u0645"))


# --- the strategies


BOX: dict[str, Any] = {
    "type": "object",
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 2, "maximum": 5},
        "label": {"type": "string", "enum": ["A", "B"]},
        "inner": {"$ref": "#/$defs/box"},
        "marks": {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 2},
        "names": {"type": "object", "additionalProperties": {"type": "boolean"}},
    },
}


def box_form() -> RequestForm:
    narrowing = Narrowing({})
    shape = ShapeReader({"$ref": "#/$defs/box", "$defs": {"box": BOX}}).read_root()
    return RequestForm("box", build_tree(shape, narrowing), narrowing, (), ())


def is_box(value: JSON) -> bool:
    assert isinstance(value, dict)
    assert set(value) <= set(BOX["properties"])
    assert isinstance(value["size"], int)
    assert 2 <= value["size"] <= 5
    assert value.get("label", "A") in ("A", "B")
    marks, names = value.get("marks", [0]), value.get("names", {})
    assert isinstance(marks, list)
    assert 1 <= len(marks) <= 2
    assert isinstance(names, dict)
    assert all(isinstance(one, bool) for one in names.values())
    return "inner" not in value or is_box(value["inner"])


@settings(max_examples=60, database=None, derandomize=True, deadline=None)
@given(strategy_for(box_form()))
def test_the_bodies_of_a_schemas_strategy_are_valid(value: JSON) -> None:
    assert is_box(value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"size": {"type": "integer", "minimum": 3, "maximum": 2}},
            "/size: admits nothing: 3 is more than 2",
        ),
        (
            {"marks": {"type": "array", "minItems": 2, "maxItems": 1}},
            "/marks: admits nothing: 2 is more than 1",
        ),
        ({"label": {"type": "string", "enum": []}}, "/label: admits nothing: its enum is empty"),
    ],
)
def test_what_no_value_can_fill_is_named_with_its_place(
    change: Mapping[str, Any], says: str, google: Dialect
) -> None:
    schema = {"type": "object", "properties": change}
    assert check_schemas(own_dialect(schema, google)) == [f"request.schema.json: {says}"]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_bundled_schema_can_be_generated_from(name: str) -> None:
    assert check_schemas(load_dialect(name)) == []


def own_dialect(schema: Mapping[str, Any], google: Dialect) -> Dialect:
    return replace(google, name="mine", shapes={"request": ShapeReader(schema).read_root()})


def test_a_dialect_that_describes_no_request_gets_bodies_of_googles_form(google: Dialect) -> None:
    silent = replace(google, name="mine", shapes={})
    assert check_schemas(silent) == []
    assert generate_bodies(silent, 3, 6) == generate_bodies(google, 3, 6)


def test_a_dialect_of_a_users_own_gets_bodies(google: Dialect) -> None:
    schema = {
        "type": "object", "required": ["contents"],
        "properties": {"contents": {"type": "array", "items": {"type": "object"}}, "max_output_tokens": {"type": "integer"}},
    }  # fmt: skip
    bodies = generate_bodies(own_dialect(schema, google), 1, 24, kinds=(VALID,))
    limits = [
        one.body["max_output_tokens"]
        for one in bodies
        if isinstance(one.body, dict) and "max_output_tokens" in one.body
    ]
    assert limits
    assert all(isinstance(limit, int) and 1 <= limit <= 16 for limit in limits), (
        "narrowed in its own spelling"
    )
    assert any("parts" in json.dumps(one.body) for one in bodies), "what it leaves open is Google's"


# --- boundaries


@pytest.mark.parametrize("name", DIALECTS)
def test_every_documented_field_has_its_boundaries(name: str) -> None:
    dialect = load_dialect(name)
    form, _ = load_forms(dialect)
    made = build_boundaries(dialect)
    assert made == build_boundaries(dialect)
    assert len({one.id for one in made}) == len(made)
    held = {
        label.rpartition(" value ")[0] or label.rpartition(" ")[0] for one in made for label in one.covers
    }
    leaves = {place for place in (*form.usual, *form.exotic) if _scalar(form, place)}
    assert leaves <= held | {place for place in leaves if _plain_format(form, place)}


def _node(form: RequestForm, place: str) -> Any:
    node = form.root
    for step in place.split("/")[1:]:
        node = node.children[step]
    return node


def _scalar(form: RequestForm, place: str) -> bool:
    return _node(form, place).kind in ("string", "boolean") or bool(_node(form, place).enum)


def _plain_format(form: RequestForm, place: str) -> bool:
    return _node(form, place).format not in ("", "enum")  # formatted texts have no shortest and longest


def test_valid_boundaries_share_requests_and_the_fullest_comes_first(google: Dialect) -> None:
    valid = [one for one in build_boundaries(google) if one.valid]
    labels = [label for one in valid for label in one.covers]
    assert len(labels) == len(set(labels))
    assert len(valid) < len(labels) / 10
    assert len(valid[0].covers) >= 25


def test_boundaries_name_minimum_maximum_one_beyond_and_unknown_values(google: Dialect) -> None:
    made = build_boundaries(google)
    labels = {label for one in made for label in one.covers}
    beyond = {(one.change, one.broken_at) for one in made if not one.valid}
    assert {
        "/generationConfig/temperature minimum", "/generationConfig/temperature maximum",
        "/generationConfig/stopSequences longest", "/contents longest", "/contents/*/parts/*/text empty",
        "/toolConfig/functionCallingConfig/mode value VALIDATED", "/systemInstruction null",
    } <= labels  # fmt: skip
    assert {
        ("above-maximum", "/generationConfig/temperature"), ("below-minimum", "/generationConfig/temperature"),
        ("too-many", "/generationConfig/stopSequences"), ("too-few", "/contents"),
        ("unknown-value", "/safetySettings/0/category"), ("type", "/generationConfig/topK"),
    } <= beyond  # fmt: skip


# --- the honest server, and servers that are wrong in one way


def is_wrong(body: GeneratedBody, status: int) -> bool:
    """Return whether an answer's status is against what is known of the body."""
    return status >= 500 or (not body.valid and bool(body.google_refuses) and status == 200)


def suspects(bodies: Iterable[GeneratedBody], behaviour: Behaviour) -> Iterator[GeneratedBody]:
    """Yield the bodies whose answers are wrong by themselves, or unlike their twin's."""
    kinds: dict[str, tuple[int, bool]] = {}
    for one in bodies:
        kinds[one.id] = kind = _kind_of_answer(behaviour, one)
        if is_wrong(one, kind[0]) or kinds.get(one.twin, kind) != kind:
            yield one


def _kind_of_answer(behaviour: Behaviour, body: GeneratedBody) -> tuple[int, bool]:
    try:
        status, answer = ask(behaviour, body.body)
    except ZeroDivisionError:
        return 500, False
    return status, "functionCall" in json.dumps(answer)


def test_the_honest_server_is_never_suspected(google: Dialect, some: tuple[GeneratedBody, ...]) -> None:
    assert list(suspects((*some, *build_boundaries(google)), HONEST)) == []


@pytest.mark.slow
def test_the_honest_server_is_not_suspected_over_two_thousand_of_each(google: Dialect) -> None:
    assert (
        list(suspects(generate_bodies(google, 11, 2000, kinds=("google", "twin", "exotic", "valid")), HONEST))
        == []
    )
    assert list(suspects(generate_bodies(google, 12, 2000, kinds=(INVALID,)), HONEST)) == []


def test_most_valid_bodies_are_answered_and_not_refused(google: Dialect) -> None:
    bodies = generate_bodies(google, 9, 60, kinds=(VALID,))
    assert sum(ask(HONEST, one.body)[0] == 200 for one in bodies) > 54


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "google"])
def test_own_forms_are_answered_by_their_bundled_servers(name: str) -> None:
    dialect = load_dialect(name)
    behaviour = make_behaviour(dialect)
    bodies = generate_bodies(dialect, 9, 30, kinds=(VALID,))
    assert sum(ask(behaviour, one.body)[0] == 200 for one in bodies) > 24


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _deep(child)
    elif isinstance(value, list):
        for child in value:
            yield from _deep(child)


def _broken_on(hits: Any) -> Behaviour:
    """Return a server that fails on what `hits` finds in the request as it was sent."""

    def document(body: bytes) -> dict[str, JSON]:
        request = HONEST.document(body)
        if any(hits(part) for part in _deep(request)):
            raise ZeroDivisionError
        return dict(request)

    return replace(HONEST, document=document)


def _second_tool_dropped() -> Behaviour:
    def document(body: bytes) -> dict[str, JSON]:
        request = dict(HONEST.document(body))
        if isinstance(request.get("tools"), list):
            request["tools"] = request["tools"][:1]  # type: ignore[index]
        return request

    return replace(HONEST, document=document)


def _alias_ignored() -> Behaviour:
    def document(body: bytes) -> dict[str, JSON]:
        request = dict(HONEST.document(body))
        for part in list(_deep(request)):
            part.pop("function_calling_config", None)
        return request

    return replace(HONEST, document=document)


MINIATURES: dict[str, Behaviour] = {
    "500 on an empty text": _broken_on(lambda part: part.get("text") == ""),
    "NUL in a text": _broken_on(lambda part: "\0" in str(part.get("text"))),
    "500 on a null": _broken_on(lambda part: None in part.values()),
    "an enum's number": _broken_on(lambda part: isinstance(part.get("threshold"), int)),
    "temperature below 2": _broken_on(lambda part: part.get("temperature") == 2),
    "a fifth stop sequence": _broken_on(lambda part: len(part.get("stopSequences") or []) == 5),
    "a tool without parameters": _broken_on(
        lambda part: "description" in part and "name" in part and len(part) == 2
    ),
    "a dropped second tool": _second_tool_dropped(),
    "an alias that is ignored two levels down": _alias_ignored(),
}


@cache
def two_hundred(seed: int) -> tuple[GeneratedBody, ...]:
    return select_bodies(load_dialect("google"), seed, 200)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", MINIATURES)
def test_a_server_that_is_wrong_in_one_way_is_found_within_200_bodies(name: str, seed: int) -> None:
    assert next(suspects(two_hundred(seed), MINIATURES[name]), None), "not found"


# --- equivalences


def _asked() -> dict[str, Question]:
    catalogue.load()
    built = {
        id_: one.build(ProbeContext("gemini-2.5-flash", "7f3a"))
        for id_, one in PROBES.items()
        if not one.follows
    }
    return {id_: one for id_, one in built.items() if isinstance(one, Question)}


def test_twins_of_fixed_questions_are_answered_like_them_by_the_honest_server() -> None:
    asked = _asked()
    for twin in build_variants(asked, 1):
        one, other = ask(HONEST, asked[twin.twin].body), ask(HONEST, twin.body)
        assert one[0] == other[0] == 200, (twin.twin, twin.change, other)
        assert _said(one[1]) == _said(other[1]), (twin.twin, twin.change)


def test_the_first_twins_are_in_snake_case_in_another_order_and_in_two_parts() -> None:
    assert [one.change for one in build_variants(_asked(), 9)][:3] == ["snake-case", "reordered", "two-parts"]


def test_twelve_bodies_hold_twins_of_fixed_questions_beside_the_others(google: Dialect) -> None:
    bodies = select_bodies(google, 3, 12, (), build_variants(_asked(), 3))
    assert len(bodies) == 12
    assert {one.change for one in bodies if one.expected} == {"snake-case", "reordered", "two-parts"}
    assert any(not one.valid for one in bodies)
    assert any(one.covers for one in bodies)


def test_another_seed_moves_on_through_the_other_twins() -> None:
    first, second = (build_variants(_asked(), seed) for seed in (1, 2))
    assert first != second
    assert {one.id for one in first} == {one.id for one in second}


def _said(answer: Mapping[str, Any]) -> object:
    [candidate] = answer["candidates"]
    calls = [part.get("functionCall", {}).get("name") for part in candidate["content"].get("parts", [])]
    texts = "".join(part.get("text", "") for part in candidate["content"].get("parts", []))
    told = (
        json.loads(texts) if texts.startswith("{") else texts
    )  # members may come in the order of the schema
    return candidate["finishReason"], calls, told


@pytest.mark.parametrize(
    ("ignored", "base"),
    [
        ("system_instruction", "system-instruction"),
        ("max_output_tokens", "limit-of-five"),
        ("stop_sequences", "stop-sequence"),
        ("response_schema", "response-schema"),
        ("allowed_function_names", "function-call-forced"),
    ],
)
def test_an_ignored_alias_shows_in_a_twin(ignored: str, base: str) -> None:
    def document(body: bytes) -> dict[str, JSON]:
        request = dict(HONEST.document(body))
        for part in list(_deep(request)):
            part.pop(ignored, None)
        return request

    behaviour, asked = replace(HONEST, document=document), _asked()
    found = {
        (one.twin, one.change)
        for one in build_variants(asked, 1)
        if not _alike(behaviour, asked[one.twin].body, one.body)
    }
    assert found == {(base, "snake-case")}


def _alike(behaviour: Behaviour, one: JSON | bytes, other: JSON | bytes) -> bool:
    first, second = ask(behaviour, one), ask(behaviour, other)
    return first[0] == second[0] and (first[0] != 200 or _said(first[1]) == _said(second[1]))


# --- smaller bodies


def drive(body: GeneratedBody, form: RequestForm, budget: int, fails: Any) -> tuple[GeneratedBody, int]:
    """Answer a search for a smaller body; return what it found and how often it asked."""
    search, asked = shrink(body, form, budget), 0
    try:
        attempt = next(search)
        while True:
            asked += 1
            attempt = search.send(bool(fails(attempt)))
    except StopIteration as end:
        found: GeneratedBody = end.value
        return found, asked


def test_the_smallest_body_that_still_fails_is_found(
    google: Dialect, some: tuple[GeneratedBody, ...]
) -> None:
    def fails(one: GeneratedBody) -> bool:
        return any(part.get("role") == "model" for part in _deep(one.body))

    start = max(
        (one for one in some if one.valid and not one.twin and fails(one)),
        key=lambda one: len(serialize(one.body)),
    )
    found, asked = drive(start, find_form(google, start.source), 60, fails)
    assert asked <= 60
    assert fails(found)
    assert len(serialize(found.body)) < 200 < len(serialize(start.body)) / 4
    assert ask(HONEST, found.body)[0] == 200


def test_a_smaller_invalid_body_is_still_broken_in_its_place_only(google: Dialect) -> None:
    for one in generate_bodies(google, 6, 26, kinds=(INVALID,)):
        form = find_form(google, one.source)
        found, _ = drive(one, form, 40, lambda attempt: ask(HONEST, attempt.body)[0] == 400)
        assert ask(HONEST, found.body)[0] == 400
        assert len(serialize(found.body)) <= len(serialize(one.body))
        assert found.change == one.change


def test_no_body_is_asked_twice_and_a_budget_is_kept(
    google: Dialect, some: tuple[GeneratedBody, ...]
) -> None:
    seen: list[str] = []
    _, asked = drive(
        some[0], find_form(google, some[0].source), 25, lambda one: seen.__iadd__([one.id]) is None
    )
    assert asked == len(seen) == len(set(seen)) == 25


def test_nothing_is_asked_without_a_budget(google: Dialect, some: tuple[GeneratedBody, ...]) -> None:
    assert drive(some[0], find_form(google, some[0].source), 0, lambda _: True) == (some[0], 0)


# --- bodies that failed before


def test_kept_bodies_come_back_as_they_were(tmp_path: Path, some: tuple[GeneratedBody, ...]) -> None:
    path = tmp_path / "failing" / "vendor.jsonl"
    write_corpus(path, some)
    assert read_corpus(path) == (some, ())


def test_a_file_without_failing_bodies_goes(tmp_path: Path, some: tuple[GeneratedBody, ...]) -> None:
    path = tmp_path / "vendor.jsonl"
    write_corpus(path, some[:1])
    write_corpus(path, ())
    assert not path.exists()
    assert read_corpus(path) == ((), ())


@pytest.mark.parametrize(
    "line",
    [
        "{", "[]", "7", '{"body": [], "valid": true}', '{"body": {}, "valid": "yes"}', '{"body": {"a": NaN}, "valid": true}',
        '{"body": {"a": "\\ud800"}, "valid": true}', '{"body": ' + '{"a": ' * 90 + "1" + "}" * 90 + ', "valid": true}',
        "[" * 100_000, '{"body": {"a": "' + "x" * 300_000 + '"}, "valid": true}',
    ],
)  # fmt: skip
def test_a_spoilt_line_is_named_and_the_others_are_kept(
    tmp_path: Path, line: str, some: tuple[GeneratedBody, ...]
) -> None:
    path = tmp_path / "vendor.jsonl"
    write_corpus(path, some[:1])
    path.write_text(line + "\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    bodies, faults = read_corpus(path)
    assert bodies == some[:1]
    assert len(faults) == 1
    assert faults[0].startswith(f"{path}:1: is not a kept body")


def test_a_huge_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "vendor.jsonl"
    path.write_bytes(b"{}\n" * 3_000_000)
    bodies, faults = read_corpus(path)
    assert bodies == ()
    assert len(faults) == 1


# --- what one run asks


def test_a_run_asks_what_failed_first_then_boundaries_then_chance(
    google: Dialect, some: tuple[GeneratedBody, ...]
) -> None:
    asked = select_bodies(google, 1, 12, some[40:41])
    assert asked[0] == some[40]
    assert asked[1] == build_boundaries(google)[0]
    assert len({one.id for one in asked}) == len(asked) == 12
    assert any(not one.change for one in asked)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 30])
def test_a_run_asks_no_more_than_it_may(count: int, google: Dialect) -> None:
    asked = select_bodies(google, 1, count)
    assert count - 1 <= len(asked) <= count
    assert all(one.twin in {other.id for other in asked} for one in asked if one.twin)


def test_hypothesis_leaves_no_file_and_loads_only_where_bodies_are_generated(
    tmp_path: Path, google: Dialect
) -> None:
    script = (
        "import sys\nimport conformance.dialects.dialect, conformance.reading.reply\nassert 'hypothesis' not in sys.modules\n"
        "from conformance.bodies import generate_bodies\n"
        "bodies = generate_bodies(conformance.dialects.dialect.load_dialect('google'), 1, 12)\n"
        "print(*(one.id for one in bodies))\n"
        "from conformance.bodies import load_forms, shrink\n"
        "search = shrink(bodies[0], load_forms(conformance.dialects.dialect.load_dialect('google'))[0], 5)\n"
        "print([next(search).id, *(search.send(False).id for _ in range(4))])\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    here = " ".join(one.id for one in generate_bodies(google, 1, 12))
    search = shrink(generate_bodies(google, 1, 1)[0], load_forms(google)[0], 5)
    smaller = [next(search).id, *(search.send(False).id for _ in range(4))]
    assert (done.stdout, done.stderr) == (f"{here}\n{smaller}\n", ""), "another process asks the same bodies"
    assert list(tmp_path.iterdir()) == []


# --- places of a body


def test_places_and_pointers_lead_to_where_a_body_is_changed(google: Dialect) -> None:
    root = load_forms(google)[0].root
    body: JSON = {
        "contents": [{"parts": [{"text": "a"}, {"functionCall": {"name": "f", "args": {"toolConfig": 1}}}]}]
    }
    assert "/contents/*/parts/*/functionCall/args" in find_places(root, body)
    assert "/contents/*/parts/*/functionCall/args/toolConfig" not in find_places(root, body)
    path = ("contents", 0, "parts", 1, "functionCall", "name")
    assert to_pointer(path) == "/contents/0/parts/1/functionCall/name"
    assert to_pointer(("a/b", "c~d")) == "/a~1b/c~0d"
    assert next(one.value for one in walk_body(root, replace_at(body, path, "g")) if one.path == path) == "g"
    assert path_to_snake_case(root, path) == ("contents", 0, "parts", 1, "function_call", "name")
    assert "toolConfig" in json.dumps(to_snake_case(root, body)), "names of the user's stay"
