"""Bundled dialects are sound, and every fault of a dialect is refused with its location."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance.dialects.dialect import PLACES, Dialect, DialectError, list_bundled_dialects, load_dialect
from conformance.dialects.documented import find_departures, find_seen_fields, find_sent_fields
from conformance.dialects.lint import RULES, lint_folder
from conformance.dialects.shapes import Shape, load_reference, match_property
from conformance.files import ROOT_ID, FileError, find_schemas_folder, load_bundled_schemas, read_json_file
from conformance.model import JSON
from conformance.names import casing_of
from conformance.validation import validate

PROJECT = Path(__file__).resolve().parent.parent
VENDORS = [name for name in list_bundled_dialects() if name != "google"]
DOCS = PROJECT / "docs" / "dialects.md"

Change = Callable[[dict[str, Any]], Any]


def nodes(value: Any) -> Any:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Write out the example of docs/dialects.md, and return its folder."""
    text = DOCS.read_text(encoding="utf-8").partition("## A complete example")[2]
    blocks = re.findall(r"^`([a-z.]+\.json)`\n\n```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    folder = tmp_path / "example"
    folder.mkdir()
    for name, body in blocks:
        (folder / name).write_text(body, encoding="utf-8")
    return folder


def test_the_walk_of_the_docs_leads_from_nothing_to_a_sound_dialect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = DOCS.read_text(encoding="utf-8").partition("## From nothing")[2].partition("## The rules")[0]
    facts, auth, request, sample = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    mine = Path("mine")
    mine.mkdir()
    (mine / "dialect.json").write_text(facts)
    assert lint_folder(mine) == []
    answered = facts.replace('"auth": [],', auth.strip())
    (mine / "dialect.json").write_text(answered.replace("bearer", "beerer"))
    assert lint_folder(mine)[0] in text
    (mine / "dialect.json").write_text(answered)
    (mine / "request.schema.json").write_text(request)
    assert lint_folder(mine)[0] in text
    (mine / "dialect.json").write_text(answered.replace('  "requests": [],', sample.rstrip()))
    assert lint_folder(mine) == []
    assert load_dialect("./mine").values_of_traits["auth"] == ["bearer"]


def changed(folder: Path, file: str, change: Change) -> list[str]:
    path = folder / file
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    return lint_folder(folder)


@pytest.mark.parametrize("name", list_bundled_dialects())
def test_every_bundled_dialect_is_sound(name: str) -> None:
    assert lint_folder(find_schemas_folder() / name) == []


def test_the_example_of_the_docs_is_sound_and_loads_by_its_path(example: Path) -> None:
    assert lint_folder(example) == []
    dialect = load_dialect("./example", example.parent)
    assert (dialect.name, dialect.values_of_traits["envelope"]) == ("example", ["result", "none"])
    assert {"/contents", "/generationConfig", "/generationConfig/temperature"} == {
        field.pointer for field in dialect.fields_of("request")
    }


@pytest.mark.parametrize("name", VENDORS)
def test_every_property_says_where_it_is_written_and_how_it_is_known(name: str) -> None:
    for place in PLACES:
        path = find_schemas_folder() / name / f"{place}.schema.json"
        for node in nodes(read_json_file(path)) if path.exists() else ():
            for property_ in node.get("properties", {}).values():
                sources = property_["x-source"]
                for source in sources if isinstance(sources, list) else [sources]:
                    assert set(source) >= {"lines", "known"}


@pytest.mark.parametrize("name", VENDORS)
def test_documented_fields_carry_the_page_its_hash_and_lines(name: str) -> None:
    dialect = load_dialect(name)
    assert dialect.fields
    assert all(
        field.source.lines.startswith("L") and len(field.source.sha256) == 64 for field in dialect.fields
    ), "each x-source needs lines such as L12, and dialect.json the page's sha256 under document"


def test_required_is_what_the_pages_require_and_no_more() -> None:
    pages = {
        "acedata": ["/contents"],
        "anyfast": ["/contents"],
        "apimart": ["/contents"],
        "visioncoder": ["/stream", "/candidates", "/model_version", "/created"],
    }
    for name, wanted in pages.items():
        assert [field.pointer for field in load_dialect(name).fields if field.required] == wanted, name


def test_every_remark_of_the_pages_is_there() -> None:
    ids = {remark.id for name in VENDORS for remark in load_dialect(name).remarks if remark.id}
    wanted = {
        f"{letter}{n}"
        for letter, last in (("A", 6), ("B", 5), ("C", 5), ("D", 11))
        for n in range(1, last + 1)
    }
    assert wanted <= ids


def test_no_python_of_the_checker_names_a_vendor() -> None:
    named = re.compile(rf"(?<![a-z])({'|'.join(VENDORS)})(?![a-z])", re.IGNORECASE)
    sources = (PROJECT / "conformance").rglob("*.py")
    assert [path.name for path in sources if named.search(path.read_text(encoding="utf-8"))] == []


def test_bundled_servers_have_ports_of_their_own() -> None:
    ports = [load_dialect(name).embedded["port"] for name in list_bundled_dialects()]
    assert len(set(ports)) == len(ports)


@pytest.mark.parametrize("name", list_bundled_dialects())
def test_all_schemas_are_valid_json_schema_with_ids_of_their_own(name: str) -> None:
    for path in (find_schemas_folder() / name).glob("*.schema.json"):
        schema = read_json_file(path)
        assert isinstance(schema, dict)
        assert schema["$id"] == f"{ROOT_ID}{name}/{path.name.removesuffix('.schema.json')}"
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", VENDORS)
def test_samples_are_valid_by_the_pages_schema_and_by_googles_where_names_are_its(name: str) -> None:
    dialect = load_dialect(name)
    for sample in dialect.requests:
        assert validate(sample["body"], f"{ROOT_ID}{name}/request") == []
        if dialect.values_of_traits["settings"] == "nested":
            assert validate(sample["body"], f"{ROOT_ID}google/request") == []


MUTATIONS: dict[str, tuple[str, Change, str]] = {
    "source": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].pop("x-source"),
        "'x-source' is missing; add where the page says it",
    ),
    "keyword": ("request.schema.json", lambda v: v.update(propertys={}), "did you mean 'properties'?"),
    "pattern": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].update(pattern="(a+)+$"),
        "pattern",
    ),
    "trait": ("dialect.json", lambda v: v["traits"].update(settngs=[]), "did you mean 'settings'?"),
    "escape sequence": ("dialect.json", lambda v: v.update(title="\x1b[2J"), "/title"),
    "trait value": (
        "dialect.json",
        lambda v: v["traits"]["settings"][0].update(value="flatt"),
        "'flatt' is unknown; did you mean 'flat'?",
    ),
    "kind": (
        "dialect.json",
        lambda v: v["remarks"][0].update(kind="bug"),
        "'bug' is unknown; choose from contradiction, gap",
    ),
    "lines": (
        "dialect.json",
        lambda v: v["remarks"][0].update(lines="L81"),
        "L81 does not exist: document.lines says",
    ),
    "lines backwards": (
        "dialect.json",
        lambda v: v["remarks"][0].update(lines="L9-8"),
        "L9-8 does not exist",
    ),
    "lines in words": (
        "dialect.json",
        lambda v: v["remarks"][0].update(lines="below"),
        "'below' does not name lines",
    ),
    "required": (
        "request.schema.json",
        lambda v: v["required"].append("model"),
        "'model' is not among the properties",
    ),
    "closed enum": (
        "response.schema.json",
        lambda v: v["properties"].update(a={"enum": ["x"], "x-source": {"lines": "L1", "known": "listed"}}),
        "write x-enum",
    ),
    "bound by example": (
        "request.schema.json",
        lambda v: v["properties"]["generationConfig"]["properties"]["temperature"]["x-source"].update(
            known="exemplified"
        ),
        "only an example shows this",
    ),
    "placeholder": (
        "dialect.json",
        lambda v: v["requests"][0]["body"]["generationConfig"].update(temperature=123),
        "123 is a placeholder",
    ),
    "untold contradiction": (
        "dialect.json",
        lambda v: v["remarks"][0].update(id="E2"),
        "no remark of dialect.json has the id",
    ),
    "x-required alone": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].update({"x-required": True}),
        "list the name in `required`",
    ),
    "uncovered": (
        "dialect.json",
        lambda v: v["requests"][0]["body"].pop("generationConfig"),
        "no sample sends /generationConfig/temperature (L27)",
    ),
    "wrong type": (
        "dialect.json",
        lambda v: v["requests"][0]["body"]["generationConfig"].update(temperature="0"),
        "/requests/0/body/generationConfig/temperature: is string, but request.schema.json says number",
    ),
    "two kinds in a part": (
        "dialect.json",
        lambda v: v["requests"][0]["body"]["contents"][0]["parts"][0].update(inline_data={}),
        "a part holds one kind of data, not inlineData, text",
    ),
    "unknown word": (
        "dialect.json",
        lambda v: v["requests"][0]["body"]["contents"][0]["parts"][0].update(text="{nonse}"),
        "{nonse} cannot be filled in",
    ),
    "twins": (
        "dialect.json",
        lambda v: v["requests"].append(v["requests"][0]),
        "two samples have the name settings",
    ),
    "an envelope that no answer has": (
        "dialect.json",
        lambda v: v["traits"].update(
            {"envelope": [{"value": "data.response", "lines": "L1", "known": "listed"}]}
        ),
        "'data' is not a property there; describe it, or correct the path",
    ),
    "an address with its version": (
        "dialect.json",
        lambda v: v.update({"base_url": "https://api.example.com/v1beta"}),
        "leave /v1beta out",
    ),
    "dead reference": (
        "request.schema.json",
        lambda v: v["properties"]["contents"]["items"].update(
            {"$ref": f"{ROOT_ID}google/request#/$defs/Contents"}
        ),
        "Google's schemas have no 'Contents'; did you mean 'Content'?",
    ),
    "a keyword that no rule reads": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].update(multipleOf=2),
        "/properties/contents",
    ),
    "a type that JSON lacks": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].update(type="colour"),
        "/properties/contents/type: 'colour' is unknown; choose from object",
    ),
    "a choice of schemas": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].update(oneOf=[{"type": "string"}]),
        "'oneOf' is not a key here; did you mean 'x-oneof'?",
    ),
    "no schema": (
        "request.schema.json",
        lambda v: v["properties"].update(contents=7),
        "/properties/contents: must be an object {...}, but is 7",
    ),
    "a reference to itself": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].update(items={"$ref": "#"}),
        "/properties/contents/items/$ref",
    ),
    "a range without values": (
        "request.schema.json",
        lambda v: v["properties"]["generationConfig"]["properties"]["temperature"].update(minimum=3),
        "/properties/generationConfig/properties/temperature/minimum: is above maximum, so that no value fits",
    ),
    "an empty list of values": (
        "request.schema.json",
        lambda v: v["properties"]["contents"].update(enum=[]),
        "/properties/contents/enum: is empty",
    ),
    "foreign reference": (
        "request.schema.json",
        lambda v: v["properties"]["contents"]["items"].update({"$ref": "https://example.com/x"}),
        "must be a reference to Google's own message, such as",
    ),
    "a source of another kind": (
        "request.schema.json",
        lambda v: v["properties"]["contents"]["x-source"].update(known="seen"),
        "/properties/contents/x-source/known: 'seen' is unknown; choose from listed, exemplified, prose",
    ),
}


@pytest.mark.parametrize("case", MUTATIONS)
def test_a_dialect_with_one_fault_is_refused_with_a_line_that_helps(case: str, example: Path) -> None:
    file, change, says = MUTATIONS[case]
    faults = changed(example, file, change)
    assert any(says in line for line in faults), faults
    assert all("\n" not in line for line in faults)


def test_every_rule_of_lint_can_be_broken(example: Path, tmp_path: Path) -> None:
    broken = set()
    for number, (file, change, _) in enumerate(MUTATIONS.values()):
        copy = shutil.copytree(example, tmp_path / str(number))
        changed(copy, file, change)
        try:
            dialect = load_dialect(str(copy))
        except DialectError:
            continue
        parts = {p.name: json.loads(p.read_text(encoding="utf-8")) for p in copy.iterdir()}
        broken |= {rule.__name__ for rule in RULES if list(rule(dialect, parts))}
    assert broken == {rule.__name__ for rule in RULES}


def test_a_misspelt_name_gets_the_nearest_one() -> None:
    with pytest.raises(DialectError, match="did you mean 'google'"):
        load_dialect("gogle")


def test_a_folder_without_a_dialect_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DialectError, match=r"no dialect\.json"):
        load_dialect("./mine", tmp_path)
    assert "no such file" in lint_folder(tmp_path / "mine")[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ('{"a": 1, "a": 2}', "appears twice"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 80 + "]" * 80, "deeper than 64"),
        ('{"a": NaN}', "NaN"),
        ("\ud800", "no text"),
        ("1" * 5000, "not plain JSON"),
        (" " * 3_000_000, "larger than"),
        ("[]", "must hold a JSON object"),
    ],
)
def test_hostile_files_are_refused_in_one_line(text: str, says: str, tmp_path: Path) -> None:
    raw = b"\xff\xfe" if says == "no text" else text.encode()
    (tmp_path / "dialect.json").write_bytes(raw)
    (line,) = lint_folder(tmp_path)
    assert (says if says != "no text" else "not plain JSON") in line
    assert len(line) < 600


def test_a_link_out_of_the_folder_is_not_followed(example: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}", encoding="utf-8")
    (example / "error.schema.json").symlink_to(secret)
    assert "leads out of" in lint_folder(example)[0]


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dialect.json").symlink_to(tmp_path / "dialect.json")
    (line,) = lint_folder(tmp_path)
    assert "circle" in line or "no such file" in line


def test_a_folder_in_place_of_a_file_is_refused(example: Path) -> None:
    (example / "chunk.schema.json").mkdir()
    with pytest.raises(FileError, match="not a plain file"):
        read_json_file(example / "chunk.schema.json")
    assert "not a plain file" in lint_folder(example)[0]


def test_the_digest_follows_the_files(example: Path) -> None:
    before = load_dialect(str(example)).digest
    changed(example, "dialect.json", lambda v: v.update(title="Another"))
    assert load_dialect(str(example)).digest != before


# Google's tree


def walk(shape: Shape, seen: set[int]) -> Any:
    if id(shape) not in seen:
        seen.add(id(shape))
        yield shape
        inner = (shape.items, shape.values)
        for child in (*shape.properties.values(), *(one for one in inner if one is not None)):
            yield from walk(child, seen)


def test_the_tree_of_google_is_whole_and_recursive() -> None:
    shapes = list(walk(load_reference().request, set()))
    names = {shape.name for shape in shapes}
    assert {"GenerationConfig", "Part", "Schema", "FunctionDeclaration", "ThinkingConfig"} <= names
    schema = next(shape for shape in shapes if shape.name == "Schema")
    values = schema.properties["properties"].values
    assert schema.properties["items"] is schema is values


def test_limits_are_only_those_that_prose_gives() -> None:
    config = load_reference().request.properties["generationConfig"].properties
    bounds = {
        name: (s.minimum, s.maximum, s.max_items)
        for name, s in config.items()
        if (s.minimum, s.maximum, s.max_items) != (None, None, None)
    }
    assert bounds == {
        "temperature": (0, 2, None),
        "logprobs": (0, 20, None),
        "stopSequences": (None, None, 5),
    }


def test_enums_close_requests_only() -> None:
    assert all(shape.closed for shape in walk(load_reference().request, set()) if shape.format == "enum")
    assert not any(shape.closed for shape in walk(load_reference().response, set()))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("usageMetadata", "usageMetadata"),
        ("usage_metadata", "usageMetadata"),
        ("UsageMetadata", "usageMetadata"),
        ("usage-metadata", "usageMetadata"),
        ("USAGE_METADATA", "usageMetadata"),
        ("usagemetadata", "usageMetadata"),
        ("usage", None),
        ("", None),
        ("_", None),
    ],
)
def test_names_are_found_in_any_casing(key: str, name: str | None) -> None:
    assert match_property(load_reference().response, key) == name


def test_the_twin_with_an_underscore_stays_itself() -> None:
    config = load_reference().request.properties["generationConfig"]
    assert match_property(config, "_responseJsonSchema") == "_responseJsonSchema"
    assert match_property(config, "response_json_schema") == "responseJsonSchema"


@pytest.mark.parametrize(
    ("key", "how"),
    [
        ("finishReason", "camelCase"),
        ("finish_reason", "snake_case"),
        ("FinishReason", "PascalCase"),
        ("finish-reason", "kebab-case"),
        ("text", "neutral"),
        ("FINISH_REASON", "other"),
        ("finish_Reason", "other"),
        ("", "other"),
    ],
)
def test_styles_of_names(key: str, how: str) -> None:
    assert casing_of(key) == how


# A body against a document


@pytest.fixture(scope="module")
def wrapped() -> Dialect:
    return load_dialect("apimart")


@pytest.fixture(scope="module")
def snake() -> Dialect:
    return load_dialect("visioncoder")


CANDIDATE: JSON = {"content": {"role": "model", "parts": [{"text": "x"}]}, "finishReason": "STOP", "index": 0}


def test_the_exemplified_answer_departs_in_nothing(wrapped: Dialect, snake: Dialect) -> None:
    answer: JSON = {
        "code": 200,
        "data": {"candidates": [CANDIDATE]},
        "usageMetadata": {"promptTokenCount": 4},
    }
    assert list(find_departures(wrapped, "response", answer)) == []
    assert (
        list(
            find_departures(snake, "response", {"candidates": [{"finish_reason": "STOP", "token_count": 10}]})
        )
        == []
    )


def test_types_and_required_members_are_held_against_the_page(snake: Dialect) -> None:
    assert list(
        find_departures(snake, "response", {"Candidates": 1, "created": "12", "model_version": None})
    ) == [
        ("/candidates", "present: the page requires it", "spelled Candidates"),
        ("/Candidates", "array", "integer"),
        ("/model_version", "string", "null"),
    ]
    assert list(find_departures(snake, "chunk", [])) == [("", "object", "array")]
    assert list(find_departures(snake, "error", [])) == []


def test_the_reading_that_does_not_hold_is_not_different(wrapped: Dialect) -> None:
    inside = find_seen_fields(wrapped, "response", {"code": 200, "data": {"candidates": [CANDIDATE]}})
    assert inside["/data/candidates/*/finishReason"] == "as-documented"
    assert (inside["/candidates"], inside["/usageMetadata"]) == ("never", "never")
    flat = find_seen_fields(wrapped, "response", {"candidates": [CANDIDATE]})
    assert (flat["/candidates"], flat["/data/candidates"]) == ("as-documented", "never")
    assert flat["/data/candidates/*/finishReason"] == "never"


def test_another_casing_type_or_place_is_different(snake: Dialect) -> None:
    seen = find_seen_fields(
        snake, "response", {"data": {"candidates": [{"finishReason": "STOP", "token_count": "1"}]}}
    )
    assert (
        seen["/candidates"]
        == seen["/candidates/*/finish_reason"]
        == seen["/candidates/*/token_count"]
        == "different"
    )
    flat = find_seen_fields(snake, "response", {"candidates": [{"token_count": "x"}], "created": 1})
    assert (flat["/candidates/*/token_count"], flat["/created"]) == ("different", "as-documented")


def test_names_that_users_choose_are_not_fields(snake: Dialect) -> None:
    call: JSON = {"functionCall": {"name": "f", "args": {"candidates": [{"finish_reason": "x"}]}}}
    seen = find_seen_fields(snake, "response", {"parts": [call]})
    assert set(seen.values()) == {"never"}


def test_what_a_body_sends_is_told_by_the_pages_own_spelling(snake: Dialect) -> None:
    body: JSON = {"top_p": 1, "topK": 2, "contents": [{"parts": [{"text": "x"}]}]}
    assert find_sent_fields(snake, body) == {
        "/top_p",
        "/contents",
        "/contents/*/parts",
        "/contents/*/parts/*/text",
    }


def test_schemas_are_found_by_their_ids() -> None:
    assert f"{ROOT_ID}google/request" in load_bundled_schemas()
    assert validate({"contents": []}, f"{ROOT_ID}google/request") == [("/contents", "[] should be non-empty")]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


def put(value: Any, path: tuple[str | int, ...], new: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new


def test_whatever_stands_in_whatever_place_lint_answers_in_lines(example: Path) -> None:
    odd: list[Any] = [None, -1, "{", [], {}, [[]], True, {"$ref": "#"}, 1e300]
    tried = 0
    for path in sorted(example.iterdir()):
        text = path.read_text(encoding="utf-8")
        for number, place in enumerate(places(json.loads(text))):
            for new in odd[number % 4 :: 4]:
                value = json.loads(text)
                put(value, place, new)
                path.write_text(json.dumps(value), encoding="utf-8")
                assert all(isinstance(line, str) and "\n" not in line for line in lint_folder(example))
                tried += 1
        path.write_text(text, encoding="utf-8")
    assert tried > 250
    assert lint_folder(example) == []
