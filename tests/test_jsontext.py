"""How JSON texts are read, and which oddities are reported."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model import Limits
from conformance.wire.jsontext import JsonText, Odd, read_json

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
# Bytes that come near to JSON, so that a fuzz meets more than the first error.
NEARLY = st.lists(
    st.sampled_from(
        [
            *b'{~}~[~]~"~\\~\\u~d83d~\\ud83d~\\ude00~\\u0000~:~,~NaN~-Infinity~1e999~0~12~"a":~true~\n~ '.split(
                b"~"
            ),
            *b"\x00~\xff~\xe2\x80\xa8~\xc2~\xef\xbb\xbf~\xf0\x9f\x98\x80".split(b"~"),
        ]
    ),
    max_size=30,
).map(b"".join)


def odd(text: JsonText) -> list[tuple[str, int]]:
    return [(one.kind, one.at) for one in text.oddities]


@given(JSON_VALUES, st.sampled_from([None, 1]), st.booleans())
def test_plain_json_is_read_as_the_standard_library_reads_it(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")
    text = read_json(data)
    assert text.ok
    assert text.value == json.loads(data)
    assert text.error is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbf{}", ("bom", 0)),
        (b'{"a": "NaN", "b": NaN}', ("nan", 18)),
        (b"[-Infinity]", ("nan", 1)),
        (b'["-Inf", -1, Infinity]', ("nan", 13)),
        (b"[1e999]", ("overflow", -1)),
        (b'{"a": 1, "b": {"a": 2}, "a": 3}', ("duplicate-name", 24)),
        (b'{"a": 1, "\\u0061": 3}', ("duplicate-name", -1)),
        (b'["\\ud83d\\ude00 \\\\ud83d \\ud83d"]', ("lone-surrogate", 23)),
        (b'["\\ude00\\ud83d"]', ("lone-surrogate", 2)),
        (b'["\\\\u0000 \\u0000"]', ("nul", 10)),
        (b'{"a": 1}\n{}', ("trailing", 9)),
        ('{"ä": 1} x'.encode(), ("trailing", 10)),
        ('["ä\u2028"]'.encode(), ("raw-separator", 4)),
        ('["\u2029"]'.encode(), ("raw-separator", 2)),
        ('["\x85"]'.encode(), ("raw-separator", 2)),
        (b'["a\xffb"]', ("bad-utf8", 3)),
        (b'["\xc3\xa4\xed\xa0\x80"]', ("bad-utf8", 4)),
    ],
)
def test_an_oddity_is_noted_where_it_stands_and_the_value_is_still_read(
    data: bytes, expected: tuple[str, int]
) -> None:
    text = read_json(data)
    assert text.ok
    assert odd(text) == [expected]
    json.dumps(text.value)


def test_every_kind_of_oddity_can_be_found() -> None:
    data = b'\xef\xbb\xbf{"a": NaN, "a": [1e999, "\\ud800 \\u0000 \xe2\x80\xa8 \xff"]} x'
    assert {one.kind for one in read_json(data).oddities} == set(Odd)


def test_offsets_count_bytes_behind_bad_and_multi_byte_characters() -> None:
    text = read_json(b'\xef\xbb\xbf["\xff\xc3\xa4"] x')
    assert odd(text) == [("bom", 0), ("bad-utf8", 5), ("trailing", 11)]
    assert text.value == ["\ufffdä"]


@pytest.mark.parametrize(
    ("data", "at"),
    [
        (b"", 0),
        (b"  ", 2),
        (b"{", 1),
        (b'{"a" 1}', 5),
        (b'["\n"]', 2),
        (b"[01]", 2),
        ('["ä", x]'.encode(), 7),
        (b"\xff", 0),
    ],
)
def test_what_is_not_json_has_an_error_and_its_place(data: bytes, at: int) -> None:
    text = read_json(data)
    assert (text.ok, text.value, text.error_at) == (False, None, at)
    assert text.error


@pytest.mark.parametrize(
    ("data", "bound"),
    [
        (b"[" * 100_000, "json_depth"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "json_depth"),
        (b"[" * 201 + b"]" * 201, "json_depth"),
        (b"1" * 1_000_000, "integer_digits"),
        (b"[-" + b"7" * 401 + b"]", "integer_digits"),
        (b"[" + b"[]," * 1_000_000 + b"[]]", "json_values"),
        (b'["' + b'",",' * 1_000_000 + b'"]', "json_values"),
    ],
)
def test_a_limit_stops_the_reading_and_is_named(data: bytes, bound: str) -> None:
    text = read_json(data)
    assert (text.ok, text.bound, text.value) == (False, bound, None)
    assert "limit" in (text.error or "")


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200 + b"]" * 200,
        b'{"a": "' + b"[{" * 1000 + b'"}',
        b"[" + b"7" * 400 + b"]",
        b'{"a": "' + b",,," * 400_000 + b'"}',
        b"[" + b",".join(b"{}" for _ in range(5000)) + b"]",
    ],
)
def test_what_only_looks_like_too_much_is_read(data: bytes) -> None:
    text = read_json(data)
    assert (text.ok, text.bound) == (True, None)


def test_a_depth_limit_above_the_interpreters_own_is_still_no_crash() -> None:
    text = read_json(b"[" * 500_000, Limits(json_depth=10**9, json_values=10**9))
    assert not text.ok


def test_a_digit_limit_above_the_interpreters_own_is_still_no_crash() -> None:
    assert read_json(b"1" * 10_000, Limits(integer_digits=10**6)).bound == "integer_digits"


def test_a_text_longer_than_the_limit_is_not_parsed() -> None:
    assert read_json(b'["abc"]', Limits(json_bytes=6)).bound == "json_bytes"
    assert read_json(b'["abc"]', Limits(json_bytes=7)).ok


def test_values_counts_against_a_shared_budget() -> None:
    assert read_json(b"[1, 2, 3]", values=4).ok
    assert read_json(b"[1, 2, 3]", values=3).bound == "json_values"


@given(st.binary(max_size=60) | NEARLY)
def test_any_bytes_give_an_answer(data: bytes) -> None:
    text = read_json(data)
    assert text.ok == (text.error is None)
    assert all(-1 <= at < max(len(data), 1) for _, at in odd(text))
    assert -1 <= text.error_at <= len(data)
    json.dumps(text.value)


@given(NEARLY)
def test_what_the_standard_library_reads_is_read(data: bytes) -> None:
    try:
        value = json.loads(data.decode())
    except ValueError:
        return
    assert json.dumps(read_json(data).value) == json.dumps(value)


@pytest.mark.parametrize(
    "unit",
    [
        b"[",
        b"{}",
        b'"',
        b"\n",
        b'\\"',
        b'"",',
        b"\\u0000",
        b"\\ud83d",
        b"-",
        b"\xff",
        b"N",
        b'{"a":',
        b"1,",
        b"]",
    ],
)
@pytest.mark.parametrize("start", [b"", b'"', b'["'])
def test_time_is_linear(unit: bytes, start: bytes) -> None:
    def seconds(size: int) -> float:
        data = start + unit * (size // len(unit))
        begun = time.process_time()
        read_json(data)
        return time.process_time() - begun

    # A quadratic search over a megabyte takes minutes; a linear one a fraction of a second.
    assert seconds(1 << 20) < 5
