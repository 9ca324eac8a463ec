"""The status of an answer: a failure has an error's status, a success 200, and a wrong request a 4xx."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import (
    Ground,
    NotJudged,
    Proof,
    RequiredContent,
    asks_main_route,
    check,
    check_each,
)
from conformance.judging.endings import is_prompt_blocked
from conformance.judging.habits import note_if_rare
from conformance.judging.refusals import (
    answers_control_throughout,
    describe_reply,
    describe_silence,
    find_lasting_server_error,
    says_nothing,
)
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing

NO_ROUTE = (ProbeId.UNKNOWN_METHOD, ProbeId.WRONG_VERB)  # questions for which Google has no route


def _find_failures_with_200(seen: RuleInput) -> Iterator[Reply]:
    """Yield failures with a status of success; pages and empty bodies only if some question is answered."""
    answers = any(reply.ok for reply in seen.all)
    for reply in seen.replies:
        if reply.standing is Standing.ERROR_IN_SUCCESS and (answers or reply.kind is ReplyKind.ERROR):
            yield reply


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: not reply.streamed,
    usable=lambda reply: reply.is_complete,
    proof=Proof.REFUSAL,
)
def fails_with_the_status_of_an_error(seen: RuleInput) -> Iterator[Location]:
    """A failed request has an HTTP status of 4xx or 5xx, never 200.

    Why: the HTTP status is what tells an error from an answer; after a 200, clients do not look for an error in the
    body.
    Breaks: google-genai, @google/genai, the Vercel AI SDK and the old SDK return an empty answer without an
    exception.
    Workaround: look for an error or a code in each body before handing it to the client.
    Source: [code.proto] Each code has its HTTP status; every error has a 4xx or a 5xx.
    """
    for reply in _find_failures_with_200(seen):
        pointer = reply.error.at if reply.error else ""
        yield Location(reply.id, pointer, "a status of 4xx or 5xx", describe_reply(reply))


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.FAULTS,
    select=lambda reply: reply.streamed,
    usable=lambda reply: reply.is_complete,
    blocked_by=("errors/fails-with-the-status-of-an-error",),
    proof=Proof.REFUSAL,
)
def refuses_a_stream_before_it_begins(seen: RuleInput) -> Iterator[Location]:
    """A stream that cannot begin is refused like any other request: with an error status and one plain JSON object.

    Why: until the first chunk there is no stream; if all there is to send is an error, Google uses neither events nor a 200.
    Breaks: an error as the only event of a 200 becomes an empty answer without an exception in the Vercel AI SDK and
    in all older SDKs; @google/genai skips one sent as `event: error`; google-genai reads no message from events.
    Workaround: read the first event before handing on the stream, and raise the error yourself.
    Source: [streamGenerateContent] A request that fails before the first chunk gets an error status and one plain JSON object.
    """
    for reply in _find_failures_with_200(seen):
        named = any(one.kind == "event-field" for one in reply.framed.irregularities)
        foreign = named or (reply.error is not None and reply.error.shape != "google")
        # Where 200 is expected, this may be a temporary fault, which Google reports inside streams as well.
        level = Level.MUST if reply.expects_refusal or foreign else Level.NOTE
        yield Location(reply.id, "#0", "a status of 4xx or 5xx", describe_reply(reply), level)
    for reply in seen.replies:
        if reply.status >= 400 and reply.framed.framing.value == "sse":
            said = "an error as server-sent events"
            yield Location(reply.id, "@0", "one plain JSON object", said, Level.SHOULD)


def _generates(reply: Reply) -> bool:
    return reply.resource.name == "response" and asks_main_route(reply)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    select=lambda reply: _generates(reply) and not reply.streamed,
    usable=lambda reply: reply.is_complete,
)
def answers_with_a_body(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A successful answer has a body.

    Why: if there is nothing to say, Google sends an error; a 204 or an empty 200 is neither an answer nor an error.
    Breaks: google-genai returns an empty answer, or raises on 204; @google/genai raises a SyntaxError.
    Workaround: treat an empty body as a failure, and ask again.
    Source: [generateContent] A successful answer has a body: the response.
    """
    if says_nothing(seen):
        yield NotJudged(Outcome.INCONCLUSIVE, describe_silence(seen))
        return
    empty = [
        reply
        for reply in seen.replies
        if reply.kind is ReplyKind.EMPTY
        and reply.is_success
        and reply.standing is not Standing.ERROR_IN_SUCCESS
    ]
    wanted = "a response, or the status of an error"
    found = {reply: Location(reply.id, "", wanted, describe_reply(reply)) for reply in empty}
    yield from (location for reply, location in found.items() if reply.status != 200)
    yield from note_if_rare(
        [location for reply, location in found.items() if reply.status == 200], seen.replies
    )


@check_each(Level.MUST, basis=Basis.RECORDED, usable=lambda reply: reply.ok and reply.is_complete)
def succeeds_with_200(reply: Reply) -> Iterator[Location]:
    """A successful answer has the status 200, and no other 2xx.

    Why: Google's methods use one status for success, and clients compare with it.
    Breaks: google-genai raises an APIError for any other status, with the answer in its text; the JavaScript clients
    read on.
    Workaround: set the status in a proxy.
    Source: [generateContent] Every successful answer of these methods has the status 200.
    """
    if reply.status != 200:
        yield Location(reply.id, "", "HTTP 200", f"HTTP {reply.status}")


@check(Level.SHOULD, basis=Basis.RECORDED, select=lambda reply: reply.expects_refusal, proof=Proof.REFUSAL)
def blames_the_caller_with_4xx(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request that is wrong gets a 4xx, not a 5xx.

    Why: a 5xx says that trying again may help, but a wrong request stays wrong.
    Breaks: every client that retries sends the request again and again: google-genai five times if retries are on.
    Workaround: do not retry a 5xx whose message is about the request.
    Source: [code.proto] Each code has its HTTP status; every error has a 4xx or a 5xx.
    """
    for probe in sorted({reply.probe for reply in seen.replies if not reply.exchange.generated}):
        replies = seen.of(probe)
        if not all(reply.status >= 500 for reply in replies):
            continue
        last = find_lasting_server_error(seen, probe)
        if last is None:
            steady = (
                ""
                if answers_control_throughout(seen)
                else "; the plain question was not answered before and after"
            )
            said = f"{describe_reply(replies[-1])}, {len(replies)} of {ATTEMPTS_TO_ACCUSE} attempts{steady}"
            yield NotJudged(Outcome.INCONCLUSIVE, f"{probe}: {said}")
        else:
            # HTTP has 501 for a method that a server does not have at all.
            level = Level.NOTE if probe in NO_ROUTE and last.status == 501 else None
            wanted = " or ".join(str(status) for status in last.exchange.expected_statuses)
            said = f"{describe_reply(last)} ({len(replies)} of {len(replies)} attempts)"
            yield Location(last.id, "", f"HTTP {wanted}", said, level)


# Google's reasons that are no everyday words, the name of their field, and two wordings that gateways were seen to use.
_BLOCK_WORDS = (
    "PROHIBITED_CONTENT", "BLOCKLIST", "BLOCK_REASON", "BLOCKREASON", "PROMPT WAS BLOCKED", "PROMPT_BLOCKED",
)  # fmt: skip


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    select=lambda reply: _generates(reply) and not reply.expects_refusal,
    usable=lambda reply: reply.is_conclusive,
    requires=RequiredContent("no prompt was blocked", is_prompt_blocked),
)
def answers_a_blocked_prompt(reply: Reply) -> Iterator[Location]:
    """A prompt that a filter blocks is answered with 200 and promptFeedback.blockReason, not with an error.

    Why: blocking is an answer, not a failure: promptFeedback holds the reason, and there are no candidates. An error
    is reported only if its message says that the prompt was blocked, in Google's words or in words that gateways were
    seen to use.
    Breaks: clients report a faulty request instead of the reason, and some ask again.
    Workaround: read the reason in the error's message.
    Source: [PromptFeedback.blockReason] A blocked prompt is answered with 200, a blockReason and no candidates.
    """
    if reply.error is None or not reply.is_refusal or reply.status in (401, 403, 404):
        return
    said = reply.error.message.upper().replace(" REASON", "_REASON")
    quotes_request = said.startswith(("INVALID JSON PAYLOAD", "INVALID VALUE AT"))
    if not quotes_request and any(word in said for word in _BLOCK_WORDS):
        yield Location(reply.id, "", "HTTP 200 with promptFeedback.blockReason", describe_reply(reply))
