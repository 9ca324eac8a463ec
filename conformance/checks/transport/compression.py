"""Whether bodies are compressed as their headers declare and as the client offered."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import NotJudged, RequiredContent, check, check_each
from conformance.checks.transport.delivery import asks_the_model, name_troubles
from conformance.judging.refusals import describe_reply
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.reading.reply import Reply, RuleInput

DECLARED = "transport/compresses-as-it-declares"
_UNDECLARED = {
    "undeclared-gzip": "gzip without Content-Encoding",
    "declared-but-plain": "a Content-Encoding that the body does not have",
    "not-offered": "a Content-Encoding that was not offered",
}
_MALFORMED = {
    "raw-deflate": "deflate without zlib's header",
    "bytes-after-the-end": "bytes after the end of the compressed data",
}


def _is_as_sent(reply: Reply) -> bool:
    """Return whether a body is recorded as it was sent: some recorders decode it, and keep or change its headers."""
    return reply.exchange.failure is None and reply.status > 0 and not reply.exchange.captured


def _offers_compression(reply: Reply) -> bool:
    sent = (value for name, value in reply.exchange.request.headers if name.lower() == "accept-encoding")
    return any("gzip" in value or "deflate" in value for value in sent)


@check_each(Level.MUST, basis=Basis.DOCUMENTED, usable=_is_as_sent)
def compresses_as_it_declares(reply: Reply) -> Iterator[Location]:
    """A body is compressed exactly as its Content-Encoding says, with a coding that the client offered.

    Why: a client undoes the coding that the header declares, and nothing else.
    Breaks: on undeclared compression the Vercel AI SDK silently returns nothing, and every other client raises.
    Workaround: send `Accept-Encoding: identity`.
    Source: [RFC 9110, Content-Encoding] The header names the codings of the body.
    """
    undeclared = next((_UNDECLARED[one] for one in reply.decoded.oddities if one in _UNDECLARED), None)
    failure = reply.decoded.failure
    if undeclared is not None:
        yield Location(reply.id, "@0", "as declared", undeclared)
    elif failure is not None and failure.kind == "encoding":
        yield Location(reply.id, "@0", "data in the declared coding", failure.detail)


@check_each(
    Level.NOTE,
    basis=Basis.DOCUMENTED,
    usable=lambda reply: reply.is_complete,
    formerly=("transport/keeps-to-the-letter-of-http",),
)
def uses_standard_http_and_compression(reply: Reply) -> Iterator[Location]:
    """Answers use HTTP/1.1 or later, and compressed data is well-formed.

    Why: HTTP/1.0 has no chunked coding, so a stream that was cut off looks like one that has ended; some decoders
    refuse raw deflate.
    Breaks: no client that was measured.
    Workaround: none needed.
    Source: [RFC 9112] A message has the length and the coding that its headers declare.
    """
    if reply.exchange.http_version.upper() in ("HTTP/1.0", "HTTP/0.9"):
        yield Location(reply.id, "", "HTTP/1.1 or later", reply.exchange.http_version)
    for oddity in reply.decoded.oddities:
        if oddity in _MALFORMED:
            yield Location(reply.id, "@0", "well-formed compressed data", _MALFORMED[oddity])


@check_each(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    select=lambda reply: not _offers_compression(reply),
    usable=lambda reply: _is_as_sent(reply) and reply.is_success,
    blocked_by=(DECLARED,),
)
def compresses_only_when_asked(reply: Reply) -> Iterator[Location]:
    """An answer to a client that asks for `identity` is not compressed.

    Why: Accept-Encoding says what a client can decode.
    Breaks: curl, and every client without a decoder, receives bytes that it cannot read.
    Workaround: ask for gzip, and decode it.
    Source: [RFC 9110, Accept-Encoding] A client that asks for identity is sent an uncompressed body.
    """
    coding = (reply.exchange.header("content-encoding") or "identity").lower()
    if coding != "identity" and reply.exchange.body:
        yield Location(reply.id, "", "no Content-Encoding", coding)


@check(
    Level.MUST,
    basis=Basis.INFERRED,
    select=lambda reply: asks_the_model(reply) and not reply.exchange.captured,
    blocked_by=(DECLARED,),
    requires=RequiredContent(
        "no request that offered compression was answered",
        lambda reply: reply.ok and _offers_compression(reply),
    ),
)
def takes_an_offer_of_compression(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request that offers gzip is answered like one that does not.

    Why: every HTTP client offers gzip unless it is told otherwise.
    Breaks: every client fails, although the same request from curl works, so users look for the fault in the
    client.
    Workaround: send `Accept-Encoding: identity`.
    Source: [RFC 9110, Accept-Encoding] A client may offer compression; a server need not use it.
    """
    offering = [reply for reply in seen.replies if _offers_compression(reply)]
    answered = [reply for reply in seen.replies if reply.ok]
    if len(offering) < ATTEMPTS_TO_ACCUSE or not answered or any(map(_offers_compression, answered)):
        return
    if all(reply.is_refusal for reply in offering):
        observed = f"{describe_reply(offering[-1])}; without the offer, there is an answer"
        yield Location(offering[-1].id, "", "an answer", observed)
    else:
        reason = f"only questions without an offer were answered: {name_troubles(offering)}"
        yield NotJudged(Outcome.INCONCLUSIVE, reason)
