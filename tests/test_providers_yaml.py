"""A valid providers.yaml becomes providers; an invalid one gets one line per fault, and never a traceback."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from conformance.config.addresses import is_loopback
from conformance.config.providers import (
    ProvidersError,
    load_providers,
    make_initial_file,
    parse_providers,
)
from conformance.files import find_data_folder
from conformance.model import Auth, Known, Limits, Prices, Provider
from conformance.validation import validate

SCHEMA = "https://conformance.invalid/schemas/providers"
SETTINGS = json.loads((find_data_folder() / "schemas" / "providers.schema.json").read_bytes())["$defs"][
    "settings"
]
FULL = """
defaults:
  timeout: 90
  auth: bearer
  limits: {silence: 5, chunks: 50}
providers:
  vendor-1.x:
    title: "Vendor: one"
    base_url: https://vendor.example/gemini/
    dialect: ./mine
    model: google/gemini-2.5-flash:free
    key_env: VENDOR_KEY
    concurrency: 2
    max_requests: 50
    max_examples: 0
    unsupported: [thinking, images]
    headers: {X-Team: "${TEAM}", X-Number: 7}
    proxy: http://proxy.example:3128
    ca_file: ca.pem
    prices: {input: 0.3, output: 2}
    limits: {silence: 7.5}
    known:
      - {rule: envelope/x, probe: "*", reason: they say so, until: 2027-06-30}
      - rule: casing/y
        probe: [a.b, c.d]
        reason: "later"
  local:
    base_url: http://127.0.0.1:8000
    dialect: google
    model: m
    auth: query-key
    key_env: K
  google-embedded: {embedded: google}
"""


def faults(text: str | bytes, dialects: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(ProvidersError) as caught:
        parse_providers(text.encode() if isinstance(text, str) else text, "providers.yaml", Path(), dialects)
    assert caught.value.faults
    assert all("\n" not in fault for fault in caught.value.faults)
    return list(caught.value.faults)


def vendor(**keys: object) -> str:
    """Return a file with one vendor that is right but for `keys`; None leaves a key out."""
    right = {"base_url": "https://v.example", "dialect": "google", "model": "m", "key_env": "K"}
    return json.dumps({"providers": {"v": {k: v for k, v in {**right, **keys}.items() if v is not None}}})


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    first, local, embedded = parse_providers(FULL.encode(), "p", tmp_path, ("google",))
    assert first == Provider(
        name="vendor-1.x",
        title="Vendor: one",
        base_url="https://vendor.example/gemini",
        dialect=str((tmp_path / "mine").resolve()),
        model="google/gemini-2.5-flash:free",
        auth=Auth.BEARER,
        key_env="VENDOR_KEY",
        timeout=90.0,
        concurrency=2,
        max_requests=50,
        max_examples=0,
        unsupported=("thinking", "images"),
        headers={"X-Team": "${TEAM}", "X-Number": "7"},
        proxy="http://proxy.example:3128",
        ca_file=str((tmp_path / "ca.pem").resolve()),
        prices=Prices(0.3, 2.0),
        limits=Limits(silence=7.5, chunks=50),
        known=(
            Known("envelope/x", ("*",), "they say so", "2027-06-30", 23),
            Known("casing/y", ("a.b", "c.d"), "later", None, 24),
        ),
    )
    assert (local.auth, local.base_url, local.title) == (Auth.QUERY_KEY, "http://127.0.0.1:8000", "local")
    assert (embedded.embedded, embedded.dialect, embedded.base_url) == ("google", "google", "")


def test_the_bundled_file_is_good_and_has_all_its_dialects() -> None:
    dialects = tuple(path.name for path in (find_data_folder() / "schemas").iterdir() if path.is_dir())
    loaded = load_providers(folder=Path("/nonexistent"), dialects=dialects)
    assert loaded.source == find_data_folder() / "providers.yaml"
    vendors = [provider for provider in loaded.providers if not provider.embedded]
    assert sorted(provider.dialect for provider in vendors) == sorted(set(dialects) - {"google"})
    assert all(provider.base_url.startswith("https://") and provider.key_env for provider in vendors)
    assert {provider.embedded for provider in loaded.providers} - {None} == set(dialects)


def test_a_file_in_the_working_folder_takes_the_bundled_one_s_place(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("providers: {mine: {embedded: google}}")
    (tmp_path / "other.yaml").write_text("providers: {other: {embedded: google}}")
    assert [p.name for p in load_providers(folder=tmp_path).providers] == ["mine"]
    assert [p.name for p in load_providers(tmp_path / "other.yaml", folder=tmp_path).providers] == ["other"]
    with pytest.raises(ProvidersError, match="no such file"):
        load_providers(tmp_path / "missing.yaml", folder=tmp_path)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"modle": "x"}, "providers.v.modle: unknown key; did you mean 'model'?"),
        ({"base_url": "https://v.example/v1beta"}, "leave /v1beta out"),
        ({"base_url": "https://v.example/api/v1/"}, "leave /v1 out"),
        ({"base_url": "v.example"}, "must be an address"),
        ({"base_url": "https://u:p@v.example"}, "must not contain a user"),
        ({"base_url": "https://v.example?x=1"}, "must not contain ? or #"),
        ({"base_url": "https://v.example:99999"}, "must be an address"),
        ({"base_url": "ftp://v.example"}, "must be an address"),
        ({"base_url": "http://v.example"}, "use https, or set insecure_http: true"),
        ({"base_url": "http://127.0.0.1.v.example"}, "use https"),
        ({"base_url": None}, "needs 'base_url'"),
        ({"model": None}, "needs 'model'"),
        ({"dialect": None}, "needs 'dialect'"),
        ({"dialect": "gogle"}, "there is no dialect 'gogle'; did you mean 'google'?"),
        ({"embedded": "google"}, "an embedded provider has no base_url"),
        ({"auth": "barer"}, "'barer' is unknown; did you mean 'bearer'?"),
        ({"auth": "zzz"}, "choose from x-goog-api-key, bearer, query-key, x-api-key"),
        ({"key_env": "sk-0123456789abcdef0123"}, "looks like a key"),
        ({"key_env": "two words"}, "must be the name of a variable"),
        ({"title": "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW"}, "looks like a key"),
        ({"headers": {"X": "sk-0123456789abcdef0123"}}, "providers.v.headers.X: this looks like a key"),
        ({"headers": {"Authorization": "Bearer x"}}, "carries secrets"),
        ({"headers": {"Host": "x"}}, "is set by the program"),
        ({"headers": {"X Y": "x"}}, "is not a valid name of a header"),
        ({"headers": {"X": "a\nb"}}, "one line of printable text"),
        ({"headers": []}, "must be a mapping"),
        ({"model": "models/gemini"}, "leave out models/: write gemini"),
        ({"model": "../../x"}, "must be the name of a model"),
        ({"model": ["m"]}, "must be the name of a model"),
        ({"title": ["m"]}, "must be text"),
        ({"timeout": 0}, "must be a number from 0.1 to 3600"),
        ({"timeout": "NaN"}, "must be a number"),
        ({"timeout": True}, "must be a number"),
        ({"concurrency": 1.5}, "must be a whole number from 1 to 256"),
        ({"max_requests": -1}, "must be a whole number"),
        (
            {"unsupported": ["image"]},
            "providers.v.unsupported[0]: 'image' is unknown; did you mean 'images'?",
        ),
        ({"unsupported": "images"}, "must be a list"),
        ({"insecure_http": "maybe"}, "must be true or false"),
        ({"proxy": "socks5://x:1"}, "SOCKS is not supported"),
        ({"prices": {"input": 1}}, "providers.v.prices: needs 'output'"),
        ({"prices": {"input": 1, "output": -1}}, "must be a number from 0 to 1000000"),
        ({"auth": [["sk-0123456789abcdef0123"]]}, "must be a word; choose from x-goog-api-key, bearer"),
        ({"known": [{"rule": "a", "probe": "*", "reason": "b", "until": 2027}]}, "'2027' is not a date"),
        ({"limits": {"silense": 1}}, "providers.v.limits.silense: unknown key; did you mean 'silence'?"),
        ({"limits": {"chunks": 1}}, "must be a whole number from 10"),
        ({"known": [{"rule": "a", "probe": "*"}]}, "providers.v.known[0]: needs 'reason'"),
        ({"known": [{"rule": "a", "probe": "*", "reason": "b", "until": "June"}]}, "'June' is not a date"),
        ({"known": [{"rule": "a", "probe": [], "reason": "b"}]}, "or a list of probes"),
        ({"known": {"rule": "a"}}, "must be a list"),
    ],
)
def test_each_fault_is_one_line_that_says_what_to_write(keys: dict[str, Any], says: str) -> None:
    found = faults(vendor(**keys), ("google", "anyother"))
    assert any(says in fault for fault in found), found
    assert all(fault.startswith("providers.yaml:1: providers.v") for fault in found)


def test_numbers_and_words_are_text_where_text_is_wanted() -> None:
    (provider,) = parse_providers(vendor(title=302, model=True, headers={"X": 1.50}).encode(), "p", Path())
    assert (provider.title, provider.model, provider.headers) == ("302", "true", {"X": "1.5"})
    text = b"defaults: {headers: {Y: 0x10}}\nproviders: {v: {embedded: google, title: on}}"
    (provider,) = parse_providers(text, "p", Path())
    assert (provider.title, provider.headers) == ("on", {"Y": "0x10"})


def test_whole_numbers_may_be_written_with_a_point() -> None:
    (provider,) = parse_providers(vendor(concurrency=2.0, limits={"retries": 1.0}).encode(), "p", Path())
    assert isinstance(provider.concurrency, int)
    assert isinstance(provider.limits.retries, int)


def test_a_provider_without_settings_is_one_fault() -> None:
    for empty in ("", " ~", " x", " [x]"):
        assert len(faults(f"providers:\n  a:{empty}\n")) == 1


def test_a_dialect_of_any_length_is_looked_up() -> None:
    for name in ("a" * 5000, "./" + "a" * 5000):
        assert "there is no dialect" in faults(vendor(dialect=name), ("google",))[0]


def test_a_name_ends_where_it_seems_to() -> None:
    with pytest.raises(ProvidersError, match="a name is lower case letters"):
        parse_providers(b'providers: {"v\\n": {embedded: google}}', "p", Path())


def test_a_key_in_the_file_is_never_printed() -> None:
    key = "AIzaSyD-9tSr_ke72PouQMnMX-a7eZSW0jkFMBW"
    for name in ("title", "base_url", "model", "auth", "key_env", "proxy", "dialect", "ca_file"):
        assert key not in "".join(faults(vendor(**{name: key}), ("google",)))


def test_all_faults_come_at_once_with_their_lines() -> None:
    found = faults(
        "defaults:\n  timout: 3\n  key_env: X\nproviders:\n  A B:\n    embedded: google\n  c:\n    x: 1\n  c: 7\n"
    )
    assert [fault.split(" ")[0] for fault in found] == [
        f"providers.yaml:{line}:" for line in (2, 3, 6, 8, 8, 9)
    ]
    assert "did you mean 'timeout'" in found[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b"[1", "not YAML"),
        (b"- a", "must be a mapping"),
        (b"providers:", "names no provider"),
        (b"a: \xff", "not UTF-8"),
        (b"a: \x00", "not YAML"),
        (
            b"providers: {v: !!python/object/apply:os.system [id]}",
            "tag !!python/object/apply:os.system is not supported",
        ),
        (b"providers: {v: !secret x}", "tag !secret is not supported"),
        (b"providers: {v: !!binary aGk=}", "tag !!binary is not supported"),
        (b"providers: {<<: {v: 1}}", "merge keys are not supported"),
        (b"providers: {[1, 2]: 1}", "a key must be a plain word"),
        (b"a: &a [*a]", "nested deeper"),
        (b"[" * 30_000, "nested deeper"),
        (b"a: " + b"x" * 1_100_000, "larger than"),
        (b"a: 1\n---\nb: 2\n", "not YAML"),
        (
            b"".join(
                b"%c: &%c [%s]\n" % (97 + n, 97 + n, b", ".join([b"*%c" % (96 + n) if n else b"1"] * 9))
                for n in range(9)
            ),
            "more than 60000 values",
        ),
    ],
    ids=range(16),
)
def test_hostile_yaml_is_refused_in_one_line(text: bytes, says: str) -> None:
    (fault,) = faults(text)
    assert says in fault
    assert fault.startswith("providers.yaml:")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*SETTINGS, "x"]), inner, max_size=3)
        ),
    )
)
def test_no_value_in_any_place_raises_anything_else(value: object) -> None:
    for text in ({"providers": {"v": value}}, {"defaults": value}, {"providers": value}, value):
        try:
            parse_providers(yaml.safe_dump(text).encode(), "p", Path())
        except ProvidersError as error:
            assert error.faults  # noqa: PT017 - either outcome is right


def test_the_schema_and_the_classes_that_it_fills_agree() -> None:
    schema = json.loads((find_data_folder() / "schemas" / "providers.schema.json").read_bytes())
    bounds = schema["$defs"]["limits"]["properties"]
    own = {field.name: field.default for field in fields(Provider) if field.name != "name"}
    assert set(SETTINGS) == set(schema["$defs"]["provider"]["properties"]) == set(own)
    assert set(SETTINGS) - set(schema["properties"]["defaults"]["properties"]) == {
        "base_url",
        "embedded",
        "key_env",
        "known",
    }
    stated = {name: setting["default"] for name, setting in SETTINGS.items() if "default" in setting}
    assert stated == {name: own[name] for name in stated}
    assert {field.name: field.default for field in fields(Limits)} == {
        key: bounds[key]["default"] for key in bounds
    }
    for name, bound in bounds.items():
        for value in (bound["minimum"], bound["maximum"]):
            parse_providers(vendor(limits={name: value}).encode(), "p", Path())
        for value in (bound["minimum"] / 2 - 1, bound["maximum"] * 2):
            assert faults(vendor(limits={name: value}))


@pytest.mark.parametrize("name", ["full", "bundled", "init"])
def test_good_files_fit_the_schema(name: str) -> None:
    bundled = (find_data_folder() / "providers.yaml").read_text()
    text = {"full": FULL, "bundled": bundled, "init": make_initial_file("x")}[name]
    value = yaml.load(text, Loader=yaml.BaseLoader) if name != "full" else None  # noqa: S506 - our own text
    if value is not None:
        loose = [fault for fault in validate(value, SCHEMA) if "is not of type" not in fault[1]]
        assert loose == []
    assert parse_providers(text.encode(), "p", Path())


def test_the_initial_file_names_its_schema_and_asks_the_bundled_server() -> None:
    text = make_initial_file("https://example.invalid/providers.schema.json")
    assert text.startswith("# yaml-language-server: $schema=https://example.invalid/providers.schema.json\n")
    assert [p.embedded for p in parse_providers(text.encode(), "p", Path())] == ["google"]
    opened = text.replace("  # my-vendor:", "  my-vendor:").replace("  #   ", "    ")
    assert [p.name for p in parse_providers(opened.encode(), "p", Path())] == ["google-embedded", "my-vendor"]


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80", True),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
        ("http://0.0.0.0", False),
        ("http://10.0.0.1", False),
        ("http://[::", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_only(url: str, local: bool) -> None:
    assert is_loopback(url) is local
