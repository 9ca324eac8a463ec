"""A key is masked in every spelling, with the same length, and ordinary text is left alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from key_echoes import ECHOES, KEY, over_events

from conformance.keys.leaks import find_leaks, find_spelling
from conformance.keys.secrets import Key, KeyFault, Keyring, make_bad_key, read_header_secrets, read_key
from conformance.model import Auth, Piece, Provider

RING = Keyring((Key("K", KEY),))
VENDOR = Provider("v", "V", "https://v.example", "google", "m", Auth.BEARER, "K")


def in_error(echo: bytes) -> bytes:
    return b'{"error":{"code":400,"message":"key ' + echo + b' is not valid"}}'


@pytest.mark.parametrize("name", ECHOES)
def test_every_echo_is_masked_in_the_same_length(name: str) -> None:
    body = in_error(ECHOES[name])
    masked = RING.mask_bytes(body)
    assert len(masked) == len(body)
    assert len(RING.find_spans(body)) == 1
    assert b"[key]*" in masked
    assert masked.startswith(b'{"error":{"code":400,"message":"key ')
    assert masked.endswith(b' is not valid"}}')
    assert not RING.find_spans(masked)
    assert find_spelling(masked, KEY) is None


@pytest.mark.parametrize("name", ["plain", "percent", "base64", "json", "utf-16-le", "hex-0x"])
@pytest.mark.parametrize("width", [1, 7, 50])
def test_pieces_keep_their_lengths_and_times(name: str, width: int) -> None:
    body = in_error(ECHOES[name])
    pieces = [Piece(float(at), body[at : at + width]) for at in range(0, len(body), width)]
    masked, places = RING.mask_pieces(pieces)
    assert places == 1
    assert [(piece.at_ms, len(piece.data)) for piece in masked] == [(p.at_ms, len(p.data)) for p in pieces]
    assert b"".join(piece.data for piece in masked) == RING.mask_bytes(body)


@pytest.mark.parametrize("width", [1, 3, 5, 20, 38])
def test_a_key_in_parts_over_many_events_is_masked(width: int) -> None:
    body = over_events(width)
    masked = RING.mask_bytes(body)
    texts = [json.loads(line[6:])["parts"][0]["text"] for line in masked.decode().split("\r\n\r\n") if line]
    assert len(masked) == len(body)
    assert not set("".join(texts)) - set("[key]*")


def test_a_key_that_was_spread_into_an_object_is_masked() -> None:
    body = json.dumps(dict(enumerate(KEY))).encode()
    masked = RING.mask_bytes(body)
    assert len(masked) == len(body)
    assert not set("".join(json.loads(masked).values())) & set(KEY[1:]) - set("[key]*")


def test_ordinary_text_is_left_alone() -> None:
    body = b'{"text":"AIza is how keys begin; sk- too. ' + os.urandom(3000).hex().encode() + b'"}'
    assert RING.mask_bytes(body) == body


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_masking_never_changes_a_length_nor_what_is_around(before: bytes, after: bytes) -> None:
    masked = RING.mask_bytes(before + b"\n~" + KEY.encode() + b"~\n" + after)
    assert len(masked) == len(before) + len(after) + len(KEY) + 4
    assert KEY.encode() not in masked


@given(
    st.lists(
        st.sampled_from([*ECHOES.values(), b"%", b"\\", b"&#", b'"text":"', b'"', b"x", b"=\r\n"]), max_size=8
    )
)
def test_no_mixture_of_spellings_comes_through(parts: list[bytes]) -> None:
    body = b"|".join(parts)
    masked = RING.mask_bytes(body)
    assert len(masked) == len(body)
    assert find_spelling(masked, KEY) is None


def test_text_is_masked_too_and_lone_surrogates_survive() -> None:
    assert RING.mask(f"tried {KEY}!\ud800") == "tried [key]" + "*" * (len(KEY) - 5) + "!\ud800"


@pytest.mark.parametrize(
    "body",
    [
        b"\\" * 400_000,
        b"%25" * 130_000,
        b"&" * 400_000,
        b'"a":"' * 80_000,
        KEY.encode()[:20] * 20_000,
        b"<a" * 200_000,
        b"<!-- " * 80_000,
        b"\\u001b[" * 50_000,
        b"&amp;#" * 60_000,
    ],
    ids=range(9),
)
def test_no_body_makes_the_search_slow(body: bytes) -> None:
    began = time.process_time()
    RING.mask_bytes(body)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "is not set"),
        (" " + KEY, "whitespace"),
        (KEY + "\n", "whitespace"),
        ("AIza SyD-9tSr", "no header"),
        ("schlüssel-der-vendor", "no header"),
        ("short", "fewer than 8"),
        ("--------a", "fewer than 8"),
    ],
)
def test_a_key_that_cannot_be_used_says_why_without_being_printed(value: str, says: str) -> None:
    fault = read_key(VENDOR, {"K": value})
    assert isinstance(fault, KeyFault)
    assert says in fault.message
    assert "K" in fault.message
    assert not value.strip() or value.strip() not in fault.message


def test_a_short_key_is_good_enough_for_loopback_and_masks_nothing() -> None:
    key = read_key(VENDOR, {"K": "test"}, local=True)
    assert isinstance(key, Key)
    assert Keyring.from_keys((key,)).mask("a test") == "a test"


def test_a_key_is_in_no_repr() -> None:
    assert KEY not in repr(RING)
    assert KEY not in repr(read_key(VENDOR, {"K": KEY}))


def test_a_bad_key_has_the_shape_of_the_key_and_nothing_of_it() -> None:
    assert len(make_bad_key(KEY)) == len(KEY)
    assert make_bad_key(KEY).startswith("bad-")
    assert len(make_bad_key(None)) == 24


def test_values_that_headers_take_from_the_environment_are_secrets() -> None:
    vendor = Provider("v", "V", "https://v.example", "google", "m", headers={"X-Team": "team-${TEAM}"})
    assert read_header_secrets(vendor, {"TEAM": KEY, "OTHER": "x"}) == (Key("TEAM", KEY),)


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "upper",
        "reversed",
        "hex",
        "percent",
        "percent-twice",
        "base64-shifted-1",
        "base64url",
        "json",
        "html-decimal",
        "html-hex",
        "wrapped",
    ],
)
def test_the_scan_finds_what_was_not_masked(name: str, tmp_path: Path) -> None:
    file = tmp_path / "exchanges" / "v.jsonl"
    file.parent.mkdir()
    file.write_bytes(b"{}\n" + in_error(ECHOES[name].replace(b"\r\n ", b"")) + b"\n")
    leaks = find_leaks([tmp_path], RING.keys)
    assert [(leak.line, leak.variable) for leak in leaks] == [(2, "K")]
    assert KEY not in str(leaks[0])


@given(
    st.lists(
        st.sampled_from(
            [
                b'"text": "',
                b'"base64": "',
                b'"',
                b"\\",
                b"\\u00",
                b"%",
                b"&#x",
                b"QUJD",
                b"\x1f\x8b\x08",
                b"\n",
                b"\xff",
            ]
        )
    )
)
def test_the_scan_survives_every_file(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    file = tmp_path_factory.getbasetemp() / "any"
    file.write_bytes(b"".join(parts))
    assert find_leaks([file], RING.keys) == []


def test_the_scan_is_not_slowed_down_and_finds_a_key_at_any_border(tmp_path: Path) -> None:
    file = tmp_path / "long"
    began = time.process_time()
    for filler in (b"\\", b"%41", b'"text": "', b"&", b"\\u00"):
        file.write_bytes((filler * 1_100_000)[: 1024 * 1024 - 20] + KEY.encode() + b"\n" + filler * 1000)
        assert [leak.line for leak in find_leaks([file], RING.keys)] == [1]
    assert time.process_time() - began < 20
