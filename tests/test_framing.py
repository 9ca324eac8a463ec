"""How the framing of bodies is read, and which oddities are reported."""

import base64
import gzip
import json
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model import Limits, Piece
from conformance.wire.frames import Notebook
from conformance.wire.framing import FramedBody, Framing, Irregular, read_framed

OUTCOMES = Path(__file__).parent / "data" / "outcomes.jsonl"


def read(body: bytes) -> FramedBody:
    return read_framed([body])


def values(framed: FramedBody) -> list[object]:
    return [frame.json.value for frame in framed.frames]


def found(framed: FramedBody) -> list[tuple[str, int, int | None]]:
    return [(one.kind, one.at, one.frame) for one in framed.irregularities]


# --- the bodies that real clients were asked to read ---

CLEAN_SSE = ("sse", 3, "")
# By hand, after a look at each body: framing, frames, irregularities. What is not named here is one plain object.
UNARY = {
    "array-wrapped": ("json-array", 1, ""),
    "sse-on-unary": ("sse", 1, ""),
    "nan-literal": ("single-json", 1, "json-oddity"),
    "trailing-garbage": ("ndjson", 2, "empty-object"),
    "status-204": ("empty", 0, ""),
    "empty-body": ("empty", 0, ""),
    "html-200": ("other", 0, "html"),
    "e400-array": ("json-array", 1, ""),
    "e502-html": ("other", 0, "html"),
}
STREAMED = {
    "ok-crlf": CLEAN_SSE,
    "ok-lf": CLEAN_SSE,
    "cr-only": ("sse", 3, "cr-only"),
    "done": ("sse", 3, "done-sentinel"),
    "done-lf": ("sse", 3, "done-sentinel"),
    "hb-attached": ("sse", 3, "comment-attached"),
    "hb-own-block": ("sse", 3, "comment-line"),
    "comment-first": ("sse", 3, "comment-line"),
    "hb-blank-lines": ("sse", 3, "extra-blank-lines"),
    "hb-data-colon": ("sse", 3, "keepalive-data"),
    "hb-empty-data": ("sse", 3, "empty-data"),
    "hb-empty-obj": ("sse", 4, "empty-object"),
    "id-field": ("sse", 3, "id-field"),
    "retry-field": ("sse", 3, "retry-field"),
    "no-space": ("sse", 3, "no-space"),
    "multiline-data": ("sse", 3, "multi-line-data"),
    "no-final-blank": ("sse", 3, "no-final-blank-line"),
    "no-final-blank1": ("sse", 3, "no-final-blank-line"),
    "bom": ("sse", 3, "bom"),
    "bytes-literal": ("sse", 3, "bytes-repr"),
    "ndjson": ("ndjson", 3, ""),
    "ndjson-text-braces": ("ndjson", 3, ""),
    "ndjson-dbl": ("ndjson", 3, "blank-line-separated"),
    "json-array": ("json-array", 3, "newline-after-array"),
    "sse-array": ("sse", 1, "array-in-event"),
    "single-json": ("single-json", 1, ""),
    "single-json-pretty": ("single-json", 1, ""),
    "err-mid-data": ("sse", 2, ""),
    "err-mid-raw": ("sse", 2, "bare-json-after-events"),
    "err-mid-raw-pretty": ("sse", 2, "bare-json-after-events pretty-printed"),
    "err-mid-event": ("sse", 2, "event-field"),
    "err-200-json": ("single-json", 1, ""),
    "err-200-sse": ("sse", 1, ""),
    "err-200-openai": ("sse", 1, ""),
    "err-503-array": ("json-array", 1, ""),
    "env-code-data": CLEAN_SSE,
    "env-response": CLEAN_SSE,
    "snake": CLEAN_SSE,
    "snake-nested-only": CLEAN_SSE,
    "no-finish": CLEAN_SSE,
    "usage-last-only": ("sse", 2, ""),
    "ct-json": CLEAN_SSE,
    "ct-plain": CLEAN_SSE,
    "gzip": CLEAN_SSE,  # declared: read behind its Content-Encoding
    "gzip-undeclared": ("other", 0, "gzip-magic"),
    "status-201": CLEAN_SSE,
    "content-missing-last": ("sse", 2, ""),
    "usage-only-tail": ("sse", 4, ""),
    "cands-empty-tail": ("sse", 4, ""),
    "cumulative": CLEAN_SSE,
    "u2028": ("sse", 1, "raw-separator"),
    "truncated": ("sse", 3, "truncated"),
    "empty-body": ("empty", 0, ""),
    "html-200": ("other", 0, "html"),
    "early-stop": ("sse", 4, ""),
    "finish-then-text": ("sse", 2, ""),
    "wrong-len": CLEAN_SSE,  # the length is the transport's fault
}


def outcomes() -> list[tuple[str, str, bytes]]:
    """Return variant, method and decoded body of each recorded response."""
    made = []
    for line in OUTCOMES.read_text().strip().split("\n"):  # bodies hold raw U+2028
        one = json.loads(line)
        body = base64.b64decode(one["body_base64"]) if "body_base64" in one else one["body"].encode()
        declared = (one.get("headers") or {}).get("Content-Encoding") == "gzip"
        made.append((one["variant"], one["method"], gzip.decompress(body) if declared else body))
    return made


@pytest.mark.parametrize(
    ("variant", "method", "body"), [pytest.param(*one, id=f"{one[1]}-{one[0]}") for one in outcomes()]
)
def test_a_recorded_body_is_classified_as_by_hand(variant: str, method: str, body: bytes) -> None:
    table, plain = (STREAMED, None) if method == "streamGenerateContent" else (UNARY, ("single-json", 1, ""))
    expected = table.get(variant, plain)
    assert expected is not None, "look at the body, and write a line for it"
    framed = read(body)
    assert (framed.framing, len(framed.frames), " ".join(framed.kinds)) == expected


def test_the_tables_name_no_body_that_is_not_there() -> None:
    there = {(method, variant) for variant, method, _ in outcomes()}
    assert {("streamGenerateContent", name) for name in STREAMED} <= there
    assert {("generateContent", name) for name in UNARY} <= there


# --- clean streams ---

A, B = {"a": 'é } ] { " data: \n\n'}, {"b": [1, {"c": "x\u2028"}]}
TEXTS = [json.dumps(A).encode(), json.dumps(B).encode()]
PRETTY = [json.dumps(one, indent=2).encode() for one in (A, B)]
CLEAN = {
    "sse-lf": (Framing.SSE, b"".join(b"data: " + text + b"\n\n" for text in TEXTS)),
    "sse-crlf": (Framing.SSE, b"".join(b"data: " + text + b"\r\n\r\n" for text in TEXTS)),
    "ndjson": (Framing.NDJSON, b"\n".join(TEXTS)),
    "ndjson-crlf": (Framing.NDJSON, b"".join(text + b"\r\n" for text in TEXTS)),
    "array-line": (Framing.JSON_ARRAY, b"[" + b",".join(TEXTS) + b"]"),
    "array-google": (Framing.JSON_ARRAY, b"[" + b",\r\n".join(PRETTY) + b"\n]"),
}


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_stream_has_its_frames_and_no_irregularity(name: str) -> None:
    framing, body = CLEAN[name]
    framed = read(body)
    assert framed.framing is framing
    assert values(framed) == [A, B]
    assert found(framed) == []
    assert framed.bound is None
    assert framed.length == len(body)
    assert [frame.number for frame in framed.frames] == [0, 1]


@pytest.mark.parametrize(
    "text",
    [TEXTS[0], PRETTY[0], TEXTS[0] + b"\n", b"\n" + PRETTY[1] + b"\r\n", b"{}", b'"x"', b" 12\n", b"null"],
)
def test_one_value_is_single_json_without_irregularity(text: bytes) -> None:
    framed = read(text)
    assert framed.framing is Framing.SINGLE_JSON
    assert values(framed) == [json.loads(text)]
    assert found(framed) == []


@pytest.mark.parametrize(
    "body",
    [b"Bad gateway", b"[error] upstream", b"<xml/>", b"12 monkeys", b"\x00\x01", b"true story", b"tea"],
)
def test_what_is_no_json_is_other_without_frames(body: bytes) -> None:
    framed = read(body)
    assert (framed.framing, framed.frames) == (Framing.OTHER, ())


@pytest.mark.parametrize("body", [b"", b"\n", b" \r\n\t", b"\xef\xbb\xbf"])
def test_nothing_but_space_is_empty(body: bytes) -> None:
    assert read(body).framing is Framing.EMPTY


def test_a_frame_lies_where_its_line_or_value_does() -> None:
    for _, body in CLEAN.values():
        for frame in read(body).frames:
            assert body[frame.start : frame.end].removeprefix(b"data: ") == frame.data


# --- irregularities: where each one is, and which frame it concerns ---

IRREGULAR: list[tuple[bytes, list[tuple[str, int, int | None]], list[object]]] = [
    (b': ping\n\ndata: {"a":1}\n\n', [("comment-line", 0, None)], [{"a": 1}]),
    (b'data: {"a":1}\n\n: ping\ndata: {"a":2}\n\n', [("comment-attached", 15, 1)], [{"a": 1}, {"a": 2}]),
    (b": a\n\n:b\n\n", [("comment-line", 0, None), ("comment-line", 5, None)], []),
    (b'event: x\ndata: {"a":1}\n\n', [("event-field", 0, 0)], [{"a": 1}]),
    (b'id: 1\nretry: 5\ndata: {"a":1}\n\n', [("id-field", 0, 0), ("retry-field", 6, 0)], [{"a": 1}]),
    (b'foo: 1\ndata: {"a":1}\n\n', [("unknown-field", 0, None)], [{"a": 1}]),
    (b' data: {"a":1}\n\ndata: {"a":2}\n\n', [("unknown-field", 0, None)], [{"a": 2}]),
    (b'data:{"a":1}\n\n', [("no-space", 0, 0)], [{"a": 1}]),
    (b'data:\t{"a":1}\n\n', [("no-space", 0, 0)], [{"a": 1}]),
    (b'data:  {"a":1}\n\n', [("extra-space", 5, 0)], [{"a": 1}]),
    (b'data: {\ndata: "a":1}\n\n', [("multi-line-data", 0, 0)], [{"a": 1}]),
    (b'data: {"a":1}\ndata: {"a":2}\n\n', [("single-newline", 14, 0)], [{"a": 1}, {"a": 2}]),
    (
        b'data: {"a"\ndata: {"a":2}\n\n',
        [("payload-not-json", 0, 0), ("single-newline", 11, 0)],
        [None, {"a": 2}],
    ),
    (b'data: {"a":1}\r\rdata: {"a":2}\r\r', [("cr-only", 13, None)], [{"a": 1}, {"a": 2}]),
    (b'data: {"a":1}\n\ndata: {"a":2}\r\n\r\n', [("mixed-line-ends", 28, None)], [{"a": 1}, {"a": 2}]),
    (b'data: {"a":1}\n', [("no-final-blank-line", 14, 0)], [{"a": 1}]),
    (b'data: {"a":1}\n\n\n\n', [("extra-blank-lines", 14, None)], [{"a": 1}]),
    (b'\ndata: {"a":1}\n\n', [("extra-blank-lines", 0, None)], [{"a": 1}]),
    (b'\xef\xbb\xbfdata: {"a":1}\n\n', [("bom", 0, None)], [{"a": 1}]),
    (b'\xef\xbb\xbf{"a":1}', [("bom", 0, None)], [{"a": 1}]),
    (b'data: {"a":1}\n\ndata: [DONE]\n\n', [("done-sentinel", 15, None)], [{"a": 1}]),
    (b'{"a":1}\n{"a":2}\n[DONE]\n', [("done-sentinel", 16, None)], [{"a": 1}, {"a": 2}]),
    (b'data:\n\ndata: {"a":1}\n\n', [("empty-data", 0, None)], [{"a": 1}]),
    (b'data\n\ndata: {"a":1}\n\n', [("empty-data", 0, None)], [{"a": 1}]),
    (b"data: {}\n\n", [("empty-object", 0, 0)], [{}]),
    (b'data: : keepalive\n\ndata: {"a":1}\n\n', [("keepalive-data", 0, None)], [{"a": 1}]),
    (b'data: ping\n\ndata: {"a":1}\n\n', [("keepalive-data", 0, None)], [{"a": 1}]),
    (b"data: b'{\"a\":1}'\n\n", [("bytes-repr", 0, 0)], [None]),
    (b"b'{\"a\":1}'", [("bytes-repr", 0, None)], []),
    (b'data: data: {"a":1}\n\n', [("double-data-prefix", 0, 0)], [None]),
    (b'data: [{"a":1}]\n\n', [("array-in-event", 0, 0)], [[{"a": 1}]]),
    (b'data: "x"\n\n', [("scalar-in-event", 0, 0)], ["x"]),
    (b'data: {"a":1}{"a":2}\n\n', [("several-objects-in-one-event", 13, 0)], [{"a": 1}]),
    (b'data: {"a":1};\n\n', [("trailing-bytes", 13, 0)], [{"a": 1}]),
    (b'data: oops\n\ndata: {"a":1}\n\n', [("payload-not-json", 0, 0)], [None, {"a": 1}]),
    (b'data: {"a":}\n\ndata: {"a":1}\n\n', [("payload-not-json", 0, 0)], [None, {"a": 1}]),
    (b'data: {"a":"x\n\ndata: y"}\n\n', [("frame-split", 0, 0)], [None, None]),
    (b'data: {"a":"x\n\ny"}\n\ndata: {"a":1}\n\n', [("frame-split", 0, 0)], [None, {"a": 1}]),
    (b'data: {\n  "a": 1\n}\n\n', [("frame-split", 0, 0)], [None]),
    (b'data: {"a":1}\n\ndata: {"a', [("truncated", 24, 1)], [{"a": 1}, None]),
    (b'data: {"a":1}\n\ndata: {"a":"x\n\n', [("truncated", 30, 1)], [{"a": 1}, None]),
    (b'data: {"a":1}\n\nda', [("truncated", 17, None)], [{"a": 1}]),
    (b'{"a":1}\n{"a', [("truncated", 11, 1)], [{"a": 1}, None]),
    (b'{"a":', [("truncated", 5, 0)], [None]),
    (b'[{"a":1},{"a', [("truncated", 12, 1)], [{"a": 1}, None]),
    (b'[{"a":1},', [("truncated", 9, None)], [{"a": 1}]),
    (b"[", [("truncated", 1, None)], []),
    ('data: {"a":"\u2028"}\n\n'.encode(), [("raw-separator", 12, 0)], [{"a": "\u2028"}]),
    (
        'data: {\ndata: "a":"\x85"}\n\n'.encode(),
        [("multi-line-data", 0, 0), ("raw-separator", 0, 0)],
        [{"a": "\x85"}],
    ),
    (b'data: {"a":1,"a":2}\n\n', [("json-oddity", 13, 0)], [{"a": 2}]),
    (b'data: {"a":1}\n\n{"error":{}}', [("bare-json-after-events", 15, 1)], [{"a": 1}, {"error": {}}]),
    (
        b'data: {"a":1}\n{"error":{}}\n',
        [("bare-json-after-events", 14, 1), ("single-newline", 14, 0)],
        [{"a": 1}, {"error": {}}],
    ),
    (
        b'data: {"a":1}\n\n{"a":2}\n\ndata: {"a":3}\n\n',
        [("mixed-framing", 15, 1)],
        [{"a": 1}, {"a": 2}, {"a": 3}],
    ),
    (b'{"a":1}\ndata: {"a":2}\n\n', [("mixed-framing", 8, None)], [{"a": 1}, {"a": 2}]),
    (b'{"a":1}\n\n{"a":2}\n', [("blank-line-separated", 8, None)], [{"a": 1}, {"a": 2}]),
    (b'{"a":1}{"a":2}', [("no-separator", 7, None)], [{"a": 1}, {"a": 2}]),
    (b'{"a":1},\n{"a":2}', [("no-separator", 7, None)], [{"a": 1}, {"a": 2}]),
    (b'{\n"a":1}\n{"a":2}\n', [("pretty-printed", 0, 0)], [{"a": 1}, {"a": 2}]),
    (b'{"a":1}\n{"a"\n{"a":3}\n', [("payload-not-json", 8, 1)], [{"a": 1}, None, {"a": 3}]),
    (b'{"a":1}\n{"a":"x\n{"a":3}\n', [("payload-not-json", 8, 1)], [{"a": 1}, None, {"a": 3}]),
    (b'{"a":1}\n[{"a":2}]\n', [("array-in-event", 8, 1)], [{"a": 1}, [{"a": 2}]]),
    (b'[{"a":1}{"a":2}]', [("array-separator", 8, None)], [{"a": 1}, {"a": 2}]),
    (b'[{"a":1},]', [("array-separator", 9, None)], [{"a": 1}]),
    (b'[{"a":1},,{"a":2}]', [("array-separator", 9, None)], [{"a": 1}, {"a": 2}]),
    (b'[{"a":1},2]', [("array-element", 9, 1)], [{"a": 1}, 2]),
    (b'[{"a":1},{"a"}]', [("payload-not-json", 9, 1)], [{"a": 1}, None]),
    (b'[{"a":1},}]', [("payload-not-json", 9, 1)], [{"a": 1}, None]),
    (b'[{"a":1}]\n', [("newline-after-array", 9, None)], [{"a": 1}]),
    (b'[{"a":1}]\n[]', [("trailing-bytes", 10, None)], [{"a": 1}]),
    (b'{"a":1} oops', [("trailing-bytes", 8, None)], [{"a": 1}]),
    (b"\x1f\x8b\x08\x00", [("gzip-magic", 0, None)], []),
    (b"  <!DOCTYPE HTML><p>", [("html", 2, None)], []),
    (b'<html>\ndata: {"a":1}\n</html>', [("html", 0, None)], []),
    (b'data: {"a":1}\n\n<html>\n<body>\n', [("html", 15, None)], [{"a": 1}]),
]


@pytest.mark.parametrize(("body", "expected", "read_values"), IRREGULAR, ids=range(len(IRREGULAR)))
def test_an_irregularity_is_found_where_it_is_and_nothing_else(
    body: bytes, expected: list[tuple[str, int, int | None]], read_values: list[object]
) -> None:
    framed = read(body)
    assert found(framed) == expected
    assert values(framed) == read_values


def test_every_kind_of_irregularity_is_found_in_some_body() -> None:
    assert {kind for _, expected, _ in IRREGULAR for kind, _, _ in expected} == set(Irregular)


def test_a_payload_that_is_not_json_is_a_frame_that_says_why() -> None:
    frame = read(b"data: oops\n\n").frames[0]
    assert (frame.json.ok, frame.data) == (False, b"oops")
    assert frame.json.error


# --- cuts and times ---

BODIES = (
    [body for _, body in CLEAN.values()]
    + [body for body, _, _ in IRREGULAR]
    + [body for _, _, body in outcomes()]
)
SCRAPS = st.lists(
    st.sampled_from(
        [
            *b'data: ~data:~: ping~event: x~{"a":1}~{"a":"~x"}~{~}~[~]~,~"~[DONE]~ ~oops~<html>~NaN~null~b\'~\\'.split(
                b"~"
            ),
            *b"\n~\r~\r\n~\n\n~\r\n\r\n~\xef\xbb\xbf~\xff~\x1f\x8b~\xe2\x80\xa8~\xc3\xa9".split(b"~"),
        ]
    ),
    max_size=25,
).map(b"".join)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


@given(st.sampled_from(BODIES) | SCRAPS, st.lists(st.integers(min_value=0), max_size=8))
def test_the_same_bytes_give_the_same_frames_wherever_they_are_cut(body: bytes, places: list[int]) -> None:
    assert repr(read_framed(cut(body, places))) == repr(
        read(body)
    )  # NaN equals nothing, but is written alike


@pytest.mark.parametrize("body", BODIES[:40], ids=range(40))
def test_the_same_bytes_give_the_same_frames_byte_by_byte(body: bytes) -> None:
    assert read_framed(body[at : at + 1] for at in range(len(body))) == read(body)


@given(SCRAPS | st.binary(max_size=80))
def test_any_bytes_are_framed_somehow(body: bytes) -> None:
    framed = read(body)
    assert [frame.number for frame in framed.frames] == list(range(len(framed.frames)))
    assert all(0 <= frame.start <= frame.end <= len(body) for frame in framed.frames)
    assert all(
        earlier.end <= later.start for earlier, later in zip(framed.frames, framed.frames[1:], strict=False)
    )
    assert all(0 <= one.at <= len(body) for one in framed.irregularities)
    assert (framed.framing is Framing.EMPTY) <= (not framed.frames)


@given(
    st.lists(st.dictionaries(st.text(), st.text() | st.integers(), min_size=1), min_size=2),
    st.sampled_from(list(CLEAN)),
)
def test_objects_written_in_a_framing_are_read_from_it(objects: list[dict[str, object]], name: str) -> None:
    texts = [json.dumps(one).encode() for one in objects]
    written = {
        "sse-lf": b"".join(b"data: " + text + b"\n\n" for text in texts),
        "sse-crlf": b"".join(b"data: " + text + b"\r\n\r\n" for text in texts),
        "ndjson": b"".join(text + b"\n" for text in texts),
        "ndjson-crlf": b"\r\n".join(texts),
        "array-line": b"[" + b",".join(texts) + b"]",
        "array-google": b"[" + b",\r\n".join(texts) + b"]",
    }[name]
    framed = read(written)
    assert framed.framing is CLEAN[name][0]
    assert values(framed) == objects
    assert framed.kinds in {(), ("json-oddity",)}  # json.dumps writes \u0000 where a text has it


@pytest.mark.parametrize("name", CLEAN)
def test_a_frame_has_the_time_of_its_last_byte(name: str) -> None:
    body = CLEAN[name][1]
    framed = read_framed(Piece(float(at), body[at : at + 1]) for at in range(len(body)))
    assert [frame.at_ms for frame in framed.frames] == [float(frame.end - 1) for frame in framed.frames]


def test_frames_that_came_in_one_piece_have_its_time() -> None:
    body = CLEAN["sse-lf"][1]
    half = len(TEXTS[0]) + 3
    framed = read_framed([Piece(5.0, body[:half]), Piece(5.5, b""), Piece(9.0, body[half:])])
    assert [frame.at_ms for frame in framed.frames] == [9.0, 9.0]


# --- bounds ---


def test_frames_beyond_the_limit_are_not_read_and_that_is_said() -> None:
    for body in (b"data: {}\n\n" * 50, b"{}\n" * 50, b"[" + b"{}," * 50 + b"{}]"):
        framed = read_framed([body], Limits(chunks=10))
        assert (len(framed.frames), framed.bound) == (10, "chunks")
        assert "truncated" not in framed.kinds


def test_a_flood_of_lines_without_frames_ends_at_the_limit() -> None:
    framed = read_framed([b": ping\n\n" * 1000], Limits(chunks=10))
    assert framed.bound == "chunks"
    assert len(framed.irregularities) <= 10


def test_bytes_beyond_the_limit_are_left_out_and_that_is_said() -> None:
    framed = read_framed([b'{"a":1}\n'] * 4, Limits(decoded_bytes=10))
    assert (framed.length, framed.bound) == (10, "decoded_bytes")


def test_all_frames_share_one_budget_of_values() -> None:
    framed = read_framed([b'{"a":[1,2]}\n' * 9], Limits(json_values=10))
    assert framed.bound == "json_values"
    assert read_framed([b'data: {"a":[1,2]}\n\n' * 9], Limits(json_values=10)).bound == "json_values"


def test_the_notebook_stops_writing_irregularities_at_the_limit() -> None:
    book = Notebook(b"", Limits(chunks=2))
    for at in range(3):
        book.note_irregularity(Irregular.HTML, at)
    assert (len(book.irregularities), book.bound) == (2, "chunks")


ADVERSARIAL = [
    b"{", b"}", b"[", b"[{", b"{}", b"{}\n", b"{\n", b'{"', b'{"a":[', b'"', b"\n", b"\r", b"\r\n", b" ", b": \n", b"data: {\n\n",
    b"data: \n", b"data:{\n", b'data: {"a":"x\n\n', b"data: {}\n", b"x\n", b"[1,", b'["",', b"\\", b"data: [\n", b"{ \n{", b"event: a\n",
    b'{"a":"x\n', b"[[],", b'{"a":{}}, ', b"data: [DONE]\n\n", b'data: b"\n\n', b"\x00", b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("start", [b"", b"data: ", b"[", b'{"a": "'], ids=["bare", "data", "array", "string"])
@pytest.mark.parametrize("unit", ADVERSARIAL, ids=range(len(ADVERSARIAL)))
def test_time_is_linear(unit: bytes, start: bytes) -> None:
    # A quadratic pass over 256 KiB takes minutes; a linear one a fraction of a second.
    begun = time.process_time()
    read_framed([start + unit * ((256 << 10) // len(unit))], Limits(chunks=1000))
    assert time.process_time() - begun < 5
