"""Transport: answers arrive whole, say what they are, and are what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from conformance.catalogue import NotJudged, RequiredContent, check, check_each
from conformance.judging.habits import has_own_bytes, may_have_lost
from conformance.judging.refusals import (
    always_cut,
    breaks_each_time,
    cut_off,
    weigh_redirect,
    words,
    works,
)
from conformance.judging.tries import ATTEMPTS_TO_ACCUSE
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing
from conformance.sources import google
from conformance.wire.framing import Framing, Irregular
from conformance.wire.jsontext import Odd

_HTTP = google("HTTP (RFC 9110, RFC 9112)", "A message is as long as it says, and coded as it says.")
_JSON = google(
    "ProtoJSON (RFC 8259)", "The body of a unary answer is one JSON text in UTF-8, as application/json."
)
_ROUTES = (
    "count-tokens-", "models-", "listed-name-", "plain-on-v1", "unknown-method", "wrong-verb", "preflight",
)  # fmt: skip
COMPRESSION = "transport/compresses-as-it-declares"


def _success(reply: Reply) -> bool:
    return 200 <= reply.status < 300


def _unary(reply: Reply) -> bool:
    """One object is asked for; a vendor's own form may ask for a stream in the body."""
    asked = reply.request_body
    streams = isinstance(asked, dict) and asked.get("stream") is True
    return not reply.streamed and not reply.alt_sse and not streams


def _named(replies: Sequence[Reply]) -> str:
    names = ", ".join(f"{reply.probe} ({_trouble(reply)})" for reply in replies[:6])
    return names + (f" and {len(replies) - 6} more" if len(replies) > 6 else "")


def _trouble(reply: Reply) -> str:
    failure = reply.exchange.failure
    if failure is None:
        return f"HTTP {reply.status}"
    return f"{failure.kind}, bound {failure.bound}" if failure.bound else failure.kind


# --- whether an answer came at all ---


def _came(reply: Reply) -> bool:
    return reply.exchange.failure is None and reply.status < 500 and reply.standing is not Standing.THROTTLED


def _blamed(seen: RuleInput, reply: Reply) -> bool:
    """The same 5xx came each time where Google answers 4xx, or to a generated body: other rules report it."""
    if reply.exchange.generated and reply.standing is not Standing.THROTTLED:
        return True
    unexcused = reply.expects_refusal or reply.exchange.generated
    return unexcused and breaks_each_time(seen, reply.probe) is not None


@check(
    Level.SHOULD,
    google("google.rpc.Code", "429 and 5xx are faults of the moment; they say nothing of the protocol."),
    basis=Basis.INFERRED,
)
def answers_every_question(seen: RuleInput) -> Iterator[NotJudged]:
    """Every question gets an answer in time.

    Why: a question that timed out, hit a quota or failed with 5xx, retries included, shows nothing about the
    vendor. This rule accuses no vendor; it lists such questions so that silence is not mistaken for a pass.
    Breaks: nothing by itself.
    Workaround: run again, with a lower concurrency or a longer timeout.
    """
    answered = {reply.probe for reply in seen.replies if _came(reply) or reply.exceeded_limit}
    latest = {reply.probe: reply for reply in seen.replies if reply.probe not in answered}
    missing = [reply for reply in latest.values() if not _blamed(seen, reply)]
    if missing:
        yield NotJudged(Outcome.INCONCLUSIVE, f"{len(missing)} without an answer: {_named(missing)}")
    if seen.unrelated:
        said = f"got an error that belongs to another question: {', '.join(seen.unrelated[:6])}"
        yield NotJudged(Outcome.INCONCLUSIVE, f"{len(seen.unrelated)} {said}")


@check_each(Level.SHOULD, _HTTP, basis=Basis.INFERRED)
def answers_within_bounds(reply: Reply) -> Iterator[Location | NotJudged]:
    """No answer exceeds the checker's limits on bytes, headers, pieces and JSON.

    Why: what exceeds a limit is not read, so nothing else can be said about it; every question here has a short
    answer.
    Breaks: clients without limits run out of memory; those with limits raise.
    Workaround: raise that limit under `limits` in providers.yaml to have the answer judged.
    """
    said = f"beyond the bound {bound}" if (bound := reply.exceeded_limit) else ""
    if said and reply.exchange.captured:
        yield NotJudged(Outcome.INCONCLUSIVE, f"{said}, and it is not known what was asked for")
    elif said:
        yield Location(reply.id, "", f"an answer within {bound}", said)


def _spoken(reply: Reply) -> bool:
    """An answer of the model was asked for, on the vendor's main route."""
    asked = reply.resource.name == "response" and not reply.probe.startswith(_ROUTES)
    return asked and not reply.expects_refusal


def _begun(reply: Reply) -> bool:
    """A status of success came, and at least the beginning of a body or its end."""
    failure = reply.exchange.failure
    return _success(reply) and (failure is None or failure.kind in ("reset", "protocol"))


@check(Level.MUST, _HTTP, basis=Basis.DOCUMENTED, usable=_begun)
def sends_whole_bodies(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A body is as long as its Content-Length or its chunks say.

    Why: a connection that breaks in the middle of a body loses the end of the answer, its finish reason and its
    usage.
    Breaks: google-genai and @google/genai raise; the Vercel AI SDK silently loses the end of a stream.
    Workaround: treat an answer without a finish reason as failed.
    """
    for streamed in (False, True):
        group = [reply for reply in seen.replies if reply.streamed is streamed and _spoken(reply)]
        cut = [reply for reply in group if reply.exchange.failure]
        kind = "streams" if streamed else "answers"
        if len(cut) == len(group) and len(cut) >= ATTEMPTS_TO_ACCUSE:
            yield cut_off(cut, f"{len(cut)} of {len(group)} {kind}")
        elif always := always_cut(seen, group):
            yield cut_off(always, f"{len(always)} of {len(always)} tries, other {kind} come whole")
        elif cut:
            yield NotJudged(Outcome.INCONCLUSIVE, f"{len(cut)} of {len(group)} were cut off: {_named(cut)}")


# --- coding ---

_CODINGS = {
    "undeclared-gzip": "gzip without Content-Encoding",
    "declared-but-plain": "a Content-Encoding that the body does not have",
    "not-offered": "a Content-Encoding that was not offered",
}


def _on_the_wire(reply: Reply) -> bool:
    """What another program recorded may be decoded, and its headers may be of before or after."""
    return reply.exchange.failure is None and reply.status > 0 and not reply.exchange.captured


@check_each(Level.MUST, _HTTP, basis=Basis.DOCUMENTED, usable=_on_the_wire)
def compresses_as_it_declares(reply: Reply) -> Iterator[Location]:
    """A body is compressed exactly as its Content-Encoding says, with a coding that the client offered.

    Why: a client undoes the coding that the header declares, and nothing else.
    Breaks: on undeclared compression the Vercel AI SDK is silently empty, and every other client raises.
    Workaround: send `Accept-Encoding: identity`.
    """
    failure = reply.decoded.failure
    for oddity in reply.decoded.oddities:
        if oddity in _CODINGS:
            yield Location(reply.id, "@0", "as declared", _CODINGS[oddity])
            return
    if failure is not None and failure.kind == "encoding":
        yield Location(reply.id, "@0", "data in the coding that is declared", failure.detail)


_MODEST = {
    "raw-deflate": "deflate without zlib's header",
    "bytes-after-the-end": "bytes after the end of the compressed data",
}


@check_each(Level.NOTE, _HTTP, basis=Basis.DOCUMENTED, usable=lambda reply: reply.is_complete)
def keeps_to_the_letter_of_http(reply: Reply) -> Iterator[Location]:
    """Answers use HTTP/1.1 or later, and compressed data is well-formed.

    Why: HTTP/1.0 has no chunked coding, so a stream that was cut off looks like one that has ended; some decoders
    refuse raw deflate.
    Breaks: no client that was measured.
    Workaround: none needed.
    """
    if reply.exchange.http_version.upper() in ("HTTP/1.0", "HTTP/0.9"):
        yield Location(reply.id, "", "HTTP/1.1 or later", reply.exchange.http_version)
    for oddity in reply.decoded.oddities:
        if oddity in _MODEST:
            yield Location(reply.id, "@0", "data as its standard has it", _MODEST[oddity])


def _offers(reply: Reply) -> bool:
    """The request offers a compression."""
    sent = (value for name, value in reply.exchange.request.headers if name.lower() == "accept-encoding")
    return any("gzip" in value or "deflate" in value for value in sent)


@check_each(
    Level.SHOULD,
    google("Accept-Encoding (RFC 9110)", "Who asks for identity is sent what is not compressed."),
    basis=Basis.DOCUMENTED,
    select=lambda reply: not _offers(reply),
    usable=lambda reply: _on_the_wire(reply) and _success(reply),
    blocked_by=(COMPRESSION,),
)
def compresses_only_when_asked(reply: Reply) -> Iterator[Location]:
    """An answer to a client that asks for `identity` is not compressed.

    Why: Accept-Encoding says what a client can decode.
    Breaks: curl, and every client without a decoder, receives bytes that it cannot read.
    Workaround: ask for gzip, and decode it.
    """
    got = (reply.exchange.header("content-encoding") or "identity").lower()
    if got != "identity" and reply.exchange.body:
        yield Location(reply.id, "", "no Content-Encoding", got)


@check(
    Level.MUST,
    google("Accept-Encoding (RFC 9110)", "A client may offer compression; a server need not use it."),
    basis=Basis.INFERRED,
    select=lambda reply: _spoken(reply) and not reply.exchange.captured,
    blocked_by=(COMPRESSION,),
    requires=RequiredContent(
        "no request that offered compression was answered", lambda one: one.ok and _offers(one)
    ),
)
def takes_an_offer_of_compression(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request that offers gzip is answered like one that does not.

    Why: every HTTP client offers gzip unless it is told otherwise.
    Breaks: every client fails, although the same request from curl works, so users look for the fault in the
    client.
    Workaround: send `Accept-Encoding: identity`.
    """
    offering = [reply for reply in seen.replies if _offers(reply)]
    taken = any(one.ok and not _offers(one) for one in seen.replies) and not any(one.ok for one in offering)
    if len(offering) < ATTEMPTS_TO_ACCUSE or not taken:
        return
    last = offering[-1]
    if all(reply.is_refusal for reply in offering):
        yield Location(last.id, "", "an answer", f"{words(last)}; without the offer there is one")
    else:
        yield NotJudged(
            Outcome.INCONCLUSIVE, f"only questions without an offer were answered: {_named(offering)}"
        )


# --- what the body is ---


@check_each(
    Level.SHOULD,
    _JSON,
    basis=Basis.RECORDED,
    select=_unary,
    usable=lambda reply: reply.ok and reply.is_complete and not may_have_lost(reply, "content-type"),
    blocked_by=("envelope/unary-answer-is-one-json-object",),
)
def labels_answers_as_json(reply: Reply) -> Iterator[Location]:
    """A unary answer is labeled as application/json.

    Why: generic clients and gateways choose how to read a body by its Content-Type.
    Breaks: Google's SDKs ignore the header; software between them and the vendor may not.
    Workaround: set the header in a proxy.
    """
    got = reply.exchange.header("content-type")
    if (got or "").partition(";")[0].strip().lower() != "application/json":
        yield Location(reply.id, "", "application/json", got or "no Content-Type")


_AROUND = {
    Irregular.BOM: "a byte order mark before it",
    Irregular.TRAILING_BYTES: "bytes after it",
    Irregular.HTML: "HTML after it",
    Irregular.DONE_SENTINEL: "[DONE] after it",
    Irregular.COMMENT_LINE: "a comment beside it",
}


def _one_object(reply: Reply) -> bool:
    read = reply.ok and reply.is_complete and has_own_bytes(reply)
    return read and reply.framed.framing is Framing.SINGLE_JSON


@check_each(Level.MUST, _JSON, basis=Basis.RECORDED, select=_unary, usable=_one_object)
def sends_one_json_text(reply: Reply) -> Iterator[Location]:
    """The body of a unary answer is one JSON text, with nothing before or after it.

    Why: clients parse the whole body as one document.
    Breaks: a byte order mark makes google-genai raise; bytes after the end make every client raise.
    Workaround: cut the body down to its JSON in a proxy.
    """
    for one in reply.framed.irregularities:
        if one.kind in _AROUND:
            said = _AROUND[Irregular(one.kind)]
            yield Location(
                reply.id, f"@{one.at}", "one JSON text alone", f"{said}: {one.detail}" if one.detail else said
            )


_ODD = {
    Odd.BAD_UTF8: (Level.SHOULD, "bytes that are no UTF-8"),
    Odd.DUPLICATE_NAME: (Level.SHOULD, "one name twice in an object"),
    Odd.LONE_SURROGATE: (Level.NOTE, "half a surrogate pair"),
}


@check_each(
    Level.SHOULD,
    _JSON,
    basis=Basis.RECORDED,
    usable=lambda reply: reply.ok and reply.is_complete and has_own_bytes(reply),
)
def writes_sound_json(reply: Reply) -> Iterator[Location]:
    """JSON is valid UTF-8, and no object has a name twice.

    Why: parsers disagree about everything else: of two equal names, some take the first and some the last.
    Breaks: text is garbled, and two readers of one answer get two different values.
    Workaround: none.
    """
    for chunk in reply.chunks:
        for odd in chunk.json.oddities:
            if odd.kind in _ODD:
                level, said = _ODD[Odd(odd.kind)]
                yield Location(
                    reply.id, reply.at(chunk, f"@{odd.at}"), "sound JSON", f"{said}: {odd.detail}", level
                )


@check_each(
    Level.MUST,
    _JSON,
    basis=Basis.RECORDED,
    select=lambda reply: _unary(reply) and not reply.probe.startswith(_ROUTES),
    usable=lambda reply: reply.is_complete and _success(reply) and has_own_bytes(reply),
    blocked_by=(COMPRESSION,),
)
def sends_json_that_can_be_read(reply: Reply) -> Iterator[Location]:
    """A unary answer is complete, readable JSON.

    Why: a body that arrived in full and yet ends inside a value was cut off before it was sent.
    Breaks: every client raises; the answer is lost, and it was billed.
    Workaround: ask again.
    """
    if reply.kind is ReplyKind.UNREADABLE and reply.standing is not Standing.ERROR_IN_SUCCESS:
        cut = reply.framed.has(Irregular.TRUNCATED)
        start = reply.text_of_body[:60].decode("utf-8", "replace")
        said = (
            f"JSON that ends within a value, after {len(reply.text_of_body)} bytes"
            if cut
            else f"no JSON: {start!r}"
        )
        yield Location(reply.id, f"@{len(reply.text_of_body) if cut else 0}", "one JSON object", said)


@check(
    Level.MUST,
    _JSON,
    basis=Basis.RECORDED,
    select=lambda reply: not reply.probe.startswith(_ROUTES),
    usable=lambda reply: reply.is_complete and _success(reply),
)
def answers_with_json_not_html(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A successful answer is JSON, not an HTML page.

    Why: a page with status 200 is what a web site returns for a path that it does not know.
    Breaks: every client raises a decoding error that says nothing about the cause.
    Workaround: compare base_url with the vendor's document; often a part of the path is missing.
    """
    pages = [reply for reply in seen.replies if reply.kind is ReplyKind.HTML]
    if pages and len(pages) == len(seen.replies):
        yield NotJudged(Outcome.INCONCLUSIVE, "every answer is an HTML page (base_url?)")
        return
    for reply in pages:
        if reply.standing is not Standing.ERROR_IN_SUCCESS:
            level = Level.NOTE if reply.expects_refusal else None
            yield Location(reply.id, "@0", "JSON, or the status of an error", words(reply), level)


def _there(reply: Reply) -> str:
    target = urlsplit(reply.exchange.header("location") or "")
    return f"HTTP {reply.status} to {target.netloc or 'the same host'}{target.path}"[:160]


@check(
    Level.MUST,
    google("HTTP rules of the service", "The methods answer where they are asked; none redirects."),
    basis=Basis.DOCUMENTED,
    usable=lambda reply: reply.is_complete,
)
def answers_without_redirects(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Requests are answered where they are sent, without a redirect.

    Why: a POST that is redirected with 301 or 302 becomes a GET without a body, and a key must not follow to
    another host.
    Breaks: google-genai raises on 3xx; fetch in JavaScript follows, and loses the body or leaks the header.
    Workaround: use the address that the redirect names as base_url.
    """
    moved = [reply for reply in seen.replies if 300 <= reply.status < 400]
    if moved and not works(seen):
        yield NotJudged(Outcome.INCONCLUSIVE, f"{moved[0].probe}: {_there(moved[0])} (base_url?)")
        return
    for reply in moved:
        wanted = " or ".join(f"HTTP {status}" for status in reply.exchange.expected_statuses)
        yield Location(reply.id, "", wanted, _there(reply), weigh_redirect(reply))
