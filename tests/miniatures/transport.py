"""Servers whose answers are cut off, mislabelled, wrongly compressed or missing."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.frames import JSON_TYPE
from conformance.embedded.messages import DelayedPiece, Incoming, Outgoing, immediate_answer
from conformance.embedded.routes import RoutedRequest, route_request
from conformance.embedded.style import Style
from miniatures import Innocent, Miniature
from miniatures.making import HTML_PAGE, ONE_AT_A_TIME, asks_the_model, continues_a_conversation, with_answers


def with_packed_answers(pack: Callable[[Outgoing, Incoming], Outgoing | None]) -> Behaviour:
    """Return a server that does its own packing, after everything else."""

    def finish(answer: Outgoing, incoming: Incoming) -> Outgoing:
        plain = Incoming(incoming.verb, incoming.target, {**incoming.headers, "accept-encoding": "identity"})
        finished = HONEST.finish(answer, plain)
        return pack(finished, incoming) or HONEST.finish(answer, incoming)

    return replace(HONEST, finish=finish)


def _replace_body(answer: Outgoing, body: bytes, *headers: tuple[str, str]) -> Outgoing:
    return replace(answer, headers=(*answer.headers, *headers), pieces=(DelayedPiece(0.0, body),))


def _compress_undeclared(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    offered = "gzip" in incoming.header("accept-encoding")
    return _replace_body(answer, gzip.compress(answer.body)) if offered and asks_the_model(incoming) else None


def _declare_without_compressing(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    return (
        _replace_body(answer, answer.body, ("Content-Encoding", "gzip"))
        if continues_a_conversation(incoming)
        else None
    )


def _compress_with_brotli(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    return (
        _replace_body(answer, b"\x0b\x02\x80hello\x03", ("Content-Encoding", "br"))
        if continues_a_conversation(incoming)
        else None
    )


def _cut_compressed_data(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    packed = gzip.compress(answer.body)
    return (
        _replace_body(answer, packed[: len(packed) // 2], ("Content-Encoding", "gzip"))
        if continues_a_conversation(incoming)
        else None
    )


def _compress_unasked(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    unasked = "gzip" not in incoming.header("accept-encoding") and answer.pieces
    return (
        _replace_body(answer, gzip.compress(answer.body), ("Content-Encoding", "gzip")) if unasked else None
    )


def _compress_with_raw_deflate(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    if "deflate" not in incoming.header("accept-encoding") or not answer.pieces or answer.streamed:
        return None
    packer = zlib.compressobj(wbits=-15)
    return _replace_body(
        answer, packer.compress(answer.body) + packer.flush(), ("Content-Encoding", "deflate")
    )


def _refuse_gzip(incoming: Incoming, style: Style) -> RoutedRequest:
    if "gzip" in incoming.header("accept-encoding"):
        raise Refused(400, "Unsupported encoding.")
    return route_request(incoming, style)


def _cut_answers(streamed: bool) -> Behaviour:
    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        if not asks_the_model(incoming) or answer.streamed is not streamed or answer.status != 200:
            return None
        body = answer.body
        return replace(
            answer, pieces=(DelayedPiece(0.0, body[: len(body) * 2 // 3]),), streamed=True, cut=True
        )

    return with_answers(change)


def change_one(change: Callable[[Outgoing], Outgoing]) -> Behaviour:
    """Return a server that changes its answer to one question out of many."""
    return with_answers(
        lambda answer, incoming: change(answer) if continues_a_conversation(incoming) else None
    )


def with_unary_body(change: Callable[[bytes], bytes], content_type: str = "") -> Behaviour:
    """Return a server that changes the bytes of its unary answers, or what it calls them."""

    def write(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        if not asks_the_model(incoming) or answer.streamed or answer.status != 200:
            return None
        return immediate_answer(200, content_type or JSON_TYPE, change(answer.body))

    return with_answers(write)


def _halve_body(answer: Outgoing) -> Outgoing:
    return immediate_answer(200, JSON_TYPE, answer.body[: len(answer.body) // 2])


def _redirect_elsewhere(_answer: Outgoing) -> Outgoing:
    return Outgoing(308, (("Location", "https://elsewhere.example/v1beta"),))


def _nest_deeply(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
    if not incoming.path.endswith("/models"):
        return None
    return immediate_answer(
        200, JSON_TYPE, answer.body.rstrip()[:-1] + b',"tree":' + b"[" * 300 + b"]" * 300 + b"}"
    )


def _repeat_name(body: bytes) -> bytes:
    return body.rstrip()[:-1] + b',"created":1,"created":2}'


def _write_latin_1(body: bytes) -> bytes:
    return body.rstrip()[:-1] + b',"provider":"caf\xe9"}'


def _keep(body: bytes) -> bytes:
    return body


def _cut_once() -> Behaviour:
    """One answer of all breaks off."""
    left = [1]

    def change(answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        if left[0] and continues_a_conversation(incoming):
            left[0] -= 1
            return replace(answer, pieces=(DelayedPiece(0.0, answer.body[:40]),), streamed=True, cut=True)
        return None

    return with_answers(change)


def _never_compress(answer: Outgoing, _incoming: Incoming) -> Outgoing | None:
    return answer


def _send_in_pieces(answer: Outgoing, _incoming: Incoming) -> Outgoing | None:
    body = answer.body
    pieces = tuple(DelayedPiece(0.0, body[at : at + 7]) for at in range(0, len(body), 7))
    return None if answer.streamed or not body else replace(answer, pieces=pieces, streamed=True)


def _drop_charset(framing: str, values: Any) -> Any:
    framed = HONEST.frame(framing, values)
    return replace(framed, content_type=framed.content_type.partition(";")[0])


def _redirect_to_login(
    when: Callable[[Outgoing, Incoming], bool],
) -> Callable[[Outgoing, Incoming], Outgoing | None]:
    login = Outgoing(302, (("Location", "/login"), ("Content-Type", "text/html")))
    return lambda answer, incoming: login if when(answer, incoming) else None


def _refuses_a_key(answer: Outgoing, _incoming: Incoming) -> bool:
    return answer.status == 400 and b"API key not valid" in answer.body


def _is_no_route(_answer: Outgoing, incoming: Incoming) -> bool:
    return ":frobnicate" in incoming.path or (incoming.verb == "GET" and ":" in incoming.path)


def _cut_when_long(answer: Outgoing, _incoming: Incoming) -> Outgoing | None:
    """Long streams break off, short ones come whole."""
    return replace(answer, pieces=answer.pieces[:3], cut=True) if len(answer.pieces) > 5 else None


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "login-for-keys",
        "A wrong key is redirected to a login page.",
        with_answers(_redirect_to_login(_refuses_a_key)),
        trips={"transport/answers-without-redirects"},
    ),
    Miniature(
        "cut-when-long",
        "Long streams break off.",
        with_answers(_cut_when_long),
        trips={"transport/sends-whole-bodies"},
    ),
    Miniature(
        "undeclared-gzip",
        "Answers are compressed without Content-Encoding.",
        with_packed_answers(_compress_undeclared),
        trips={"transport/compresses-as-it-declares"},
    ),
    Miniature(
        "declared-gzip",
        "An answer is labelled as gzip but is not compressed.",
        with_packed_answers(_declare_without_compressing),
        trips={"transport/compresses-as-it-declares"},
    ),
    Miniature(
        "brotli-unasked",
        "An answer has a coding that was not offered.",
        with_packed_answers(_compress_with_brotli),
        trips={"transport/compresses-as-it-declares"},
    ),
    Miniature(
        "half-a-gzip",
        "Compressed data ends in the middle.",
        with_packed_answers(_cut_compressed_data),
        trips={"transport/compresses-as-it-declares"},
    ),
    Miniature(
        "always-gzip",
        "Answers are compressed even for clients that ask for identity.",
        with_packed_answers(_compress_unasked),
        trips={"transport/compresses-only-when-asked"},
    ),
    Miniature(
        "raw-deflate",
        "Answers are deflated without zlib's header.",
        with_packed_answers(_compress_with_raw_deflate),
        notes={"transport/uses-standard-http-and-compression"},
    ),
    Miniature(
        "no-gzip",
        "An offer of gzip is refused.",
        replace(HONEST, route=_refuse_gzip),
        trips={"transport/takes-an-offer-of-compression"},
    ),
    Miniature(
        "cut-answers",
        "Every unary answer breaks off.",
        _cut_answers(streamed=False),
        trips={"transport/sends-whole-bodies"},
    ),
    Miniature(
        "cut-streams",
        "Every stream breaks off.",
        _cut_answers(streamed=True),
        trips={"transport/sends-whole-bodies"},
    ),
    Miniature(
        "half-json",
        "An answer ends in the middle, and its length matches.",
        change_one(_halve_body),
        trips={"transport/sends-json-that-can-be-read"},
    ),
    Miniature(
        "no-json",
        "An answer is a word.",
        change_one(lambda _: immediate_answer(200, "text/plain", b"upstream connect error")),
        trips={"transport/sends-json-that-can-be-read"},
    ),
    Miniature(
        "called-text",
        "Answers are labelled as text/plain.",
        with_unary_body(_keep, "text/plain"),
        trips={"transport/labels-answers-as-json"},
    ),
    Miniature(
        "marked",
        "Answers begin with a byte order mark.",
        with_unary_body(lambda body: b"\xef\xbb\xbf" + body),
        trips={"transport/sends-one-json-text"},
    ),
    Miniature(
        "trailed",
        "Bytes follow the answer.",
        with_unary_body(lambda body: body + b"\0"),
        trips={"transport/sends-one-json-text"},
    ),
    Miniature(
        "done-unary",
        "[DONE] follows a unary answer.",
        with_unary_body(lambda body: body + b"[DONE]"),
        trips={"transport/sends-one-json-text"},
    ),
    Miniature(
        "names-twice",
        "An object has a name twice.",
        with_unary_body(_repeat_name),
        trips={"transport/writes-sound-json"},
    ),
    Miniature(
        "latin-1",
        "Text is encoded as Latin-1.",
        with_unary_body(_write_latin_1),
        trips={"transport/writes-sound-json"},
    ),
    Miniature(
        "page",
        "An answer is an HTML page.",
        change_one(lambda _: immediate_answer(200, "text/html", HTML_PAGE)),
        trips={"transport/answers-with-json-not-html"},
    ),
    Miniature(
        "moved",
        "A question is redirected to another host.",
        change_one(_redirect_elsewhere),
        trips={"transport/answers-without-redirects"},
    ),
    Miniature(
        "deep-list",
        "The list of models is nested 300 levels deep.",
        with_answers(_nest_deeply),
        trips={"transport/answers-within-bounds"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "moved-routes",
        "Paths that do not exist are redirected to a page.",
        with_answers(_redirect_to_login(_is_no_route)),
        notes={"transport/answers-without-redirects"},
    ),
    Innocent("one-cut", "A single answer breaks off.", _cut_once(), settings=ONE_AT_A_TIME),
    Innocent("never-compressed", "Nothing is ever compressed.", with_packed_answers(_never_compress)),
    Innocent("in-small-pieces", "Unary answers come in many chunks.", with_answers(_send_in_pieces)),
    Innocent("no-charset", "The Content-Type names no charset.", replace(HONEST, frame=_drop_charset)),
    Innocent(
        "blank-lines",
        "Blank lines surround the answer.",
        with_unary_body(lambda body: b"\n\n" + body + b"\r\n\r\n"),
    ),
)
