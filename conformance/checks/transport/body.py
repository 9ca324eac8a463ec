"""What the body of an answer is: JSON, labelled as JSON, complete and alone."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import NotJudged, asks_main_route, check, check_each
from conformance.checks.transport.compression import DECLARED
from conformance.judging.habits import has_original_bytes, may_have_lost_header
from conformance.judging.refusals import describe_reply
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing
from conformance.wire.framing import Framing, Irregular
from conformance.wire.jsontext import Odd

_AROUND = {  # descriptions of what is beside the JSON, for details that do not describe themselves
    Irregular.BOM: "",
    Irregular.TRAILING_BYTES: "bytes after it",
    Irregular.HTML: "HTML after it",
    Irregular.DONE_SENTINEL: "[DONE] after it",
    Irregular.COMMENT_LINE: "a comment beside it",
}
_UNSOUND = {  # the same for faults within the JSON, with their levels
    Odd.BAD_UTF8: (Level.SHOULD, ""),
    Odd.DUPLICATE_NAME: (Level.SHOULD, "a name twice in one object"),
    Odd.LONE_SURROGATE: (Level.NOTE, "half of a surrogate pair"),
}


def _asks_for_one_object(reply: Reply) -> bool:
    """Return whether the request asked for no stream, neither by its path nor, as some vendors do it, in its body."""
    request = reply.request_body
    asks_in_body = isinstance(request, dict) and request.get("stream") is True
    return not reply.streamed and not reply.alt_sse and not asks_in_body


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    select=_asks_for_one_object,
    usable=lambda reply: reply.ok and reply.is_complete and not may_have_lost_header(reply, "content-type"),
    blocked_by=("envelope/unary-answer-is-one-json-object",),
)
def labels_answers_as_json(reply: Reply) -> Iterator[Location]:
    """A unary answer is labelled as application/json.

    Why: generic clients and gateways choose how to read a body by its Content-Type.
    Breaks: Google's SDKs ignore the header; software between them and the vendor may not.
    Workaround: set the header in a proxy.
    Source: [RFC 9110, Content-Type] The header names the type of the body; Google's is application/json.
    """
    if reply.media_type != "application/json":
        observed = reply.exchange.header("content-type") or "no Content-Type"
        yield Location(reply.id, "", "application/json", observed)


def _has_readable_bytes(reply: Reply) -> bool:
    return reply.ok and reply.is_complete and has_original_bytes(reply)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    select=_asks_for_one_object,
    usable=lambda reply: _has_readable_bytes(reply) and reply.framed.framing is Framing.SINGLE_JSON,
)
def sends_one_json_text(reply: Reply) -> Iterator[Location]:
    """The body of a unary answer is one JSON text, with nothing before or after it.

    Why: clients parse the whole body as one document.
    Breaks: a byte order mark makes google-genai raise; bytes after the end make every client raise.
    Workaround: cut the body down to its JSON in a proxy.
    Source: [RFC 8259] The body of a unary answer is one JSON text in UTF-8, as application/json.
    """
    for one in reply.framed.irregularities:
        if one.kind in _AROUND:
            observed = ": ".join(filter(None, (_AROUND[Irregular(one.kind)], one.detail)))
            yield Location(reply.id, f"@{one.at}", "one JSON text alone", observed)


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=_has_readable_bytes)
def writes_sound_json(reply: Reply) -> Iterator[Location]:
    """JSON is valid UTF-8, and no object has the same name twice.

    Why: parsers disagree about everything else: where a name appears twice, some take the first value and some the last.
    Breaks: text is garbled, and two readers of one answer get two different values.
    Workaround: none.
    Source: [RFC 8259] The body of a unary answer is one JSON text in UTF-8, as application/json.
    """
    for chunk in reply.chunks:
        for oddity in chunk.json.oddities:
            if oddity.kind in _UNSOUND:
                level, what = _UNSOUND[Odd(oddity.kind)]
                pointer = reply.at(chunk, f"@{oddity.at}")
                observed = ": ".join(filter(None, (what, oddity.detail)))
                yield Location(reply.id, pointer, "UTF-8, with each name once", observed, level)


@check_each(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: _asks_for_one_object(reply) and asks_main_route(reply),
    usable=lambda reply: reply.is_complete and reply.is_success and has_original_bytes(reply),
    blocked_by=(DECLARED,),
    defers_to=("errors/fails-with-the-status-of-an-error",),
)
def sends_json_that_can_be_read(reply: Reply) -> Iterator[Location]:
    """A unary answer is complete, readable JSON.

    Why: a body that arrived in full and yet ends inside a value was cut off before it was sent.
    Breaks: every client raises; the answer is lost, and it was billed.
    Workaround: ask again.
    Source: [RFC 8259] The body of a unary answer is one JSON text in UTF-8, as application/json.
    """
    if reply.kind is not ReplyKind.UNREADABLE or reply.standing is Standing.ERROR_IN_SUCCESS:
        return
    body = reply.text_of_body
    if reply.framed.has(Irregular.TRUNCATED):
        observed = f"JSON that ends inside a value, after {len(body)} bytes"
        yield Location(reply.id, f"@{len(body)}", "one JSON object", observed)
    else:
        observed = f"not JSON: {body[:60].decode('utf-8', 'replace')!r}"
        yield Location(reply.id, "@0", "one JSON object", observed)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=asks_main_route,
    usable=lambda reply: reply.is_complete and reply.is_success,
    defers_to=("errors/fails-with-the-status-of-an-error",),
)
def answers_with_json_not_html(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A successful answer is JSON, not an HTML page.

    Why: a page with status 200 is what a web site returns for a path that it does not know.
    Breaks: every client raises a decoding error that says nothing about the cause.
    Workaround: compare base_url with the vendor's document; often a part of the path is missing.
    Source: [RFC 8259] The body of a unary answer is one JSON text in UTF-8, as application/json.
    """
    pages = [reply for reply in seen.replies if reply.kind is ReplyKind.HTML]
    if pages and len(pages) == len(seen.replies):
        yield NotJudged(Outcome.INCONCLUSIVE, "every answer is an HTML page (check base_url)")
        return
    for reply in pages:
        if reply.standing is not Standing.ERROR_IN_SUCCESS:
            level = Level.NOTE if reply.expects_refusal else None
            yield Location(reply.id, "@0", "JSON, or the status of an error", describe_reply(reply), level)
