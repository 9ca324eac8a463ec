"""The body of an error: Google's object, with its code, its status, and a message that helps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.catalogue import Ground, NotJudged, Proof, RequiredContent, check, check_each
from conformance.checks.errors.status import NO_ROUTE
from conformance.judging.contents import is_answered_stream, read_asked_model
from conformance.judging.habits import may_have_lost_header
from conformance.judging.locations import format_value
from conformance.judging.refusals import (
    CONTROL_UNANSWERED,
    answers_control,
    describe_reply,
    find_lasting_server_error,
    iterate_texts,
    read_error_json,
)
from conformance.model import Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.errorbody import RPC_CODES, ErrorBody
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing
from conformance.wire.framing import Framing

_ENVELOPE = "envelope/gemini-object-at-root"
_EVENTS = "errors/refuses-a-stream-before-it-begins"
# The end of the title of the page with which Google's front end answers a request that has no route.
_FRONT_END = b"!!1</title>"


def _has_json(reply: Reply) -> bool:
    return any(chunk.json.ok for chunk in reply.chunks)


def _is_error(reply: Reply) -> bool:
    """Return whether this is a complete answer with an error's status, from which a client makes an exception.

    A page or plain text that says to come back later is from a limiter in front of the vendor.
    """
    asked = reply.exchange.request.verb != "OPTIONS"
    later = reply.standing is Standing.THROTTLED and not _has_json(reply)
    lasting = reply.status < 500 or reply.expects_refusal
    return reply.is_complete and reply.status >= 400 and asked and lasting and not later


def _comes_as_event(reply: Reply) -> bool:
    """Return whether an error came as a server-sent event, unless the unary method was asked with alt=sse."""
    return reply.framed.framing is Framing.SSE and (reply.streamed or not reply.alt_sse)


def _has_no_route(reply: Reply) -> bool:
    """Return whether the service does not know the path, the verb or the size: its front end answers, not the API.

    Recorded traffic may have asked for anything; at Google no model's path holds a name with a slash.
    """
    slash = "/" in read_asked_model(reply) and reply.status == 404
    foreign = reply.exchange.captured and reply.status in (404, 405, 411, 413, 414)
    front = reply.exchange.captured and _FRONT_END in reply.text_of_body[:2000]
    return reply.probe in NO_ROUTE or slash or foreign or front


def _describe_form(reply: Reply, error: ErrorBody) -> str:
    value = read_error_json(reply)
    names = ", ".join(value)[:120] if isinstance(value, dict) else ""
    inner = value.get("error") if isinstance(value, dict) else None
    inside = f" holding {', '.join(inner)[:120]}" if isinstance(inner, dict) else ""
    forms = {
        "html": "XML" if reply.text_of_body.lstrip().startswith(b"<?xml") else "an HTML page",
        "empty": "an empty body",
        "string": f"a string: {error.message[:100]!r}",
        "openai": f"an error like OpenAI's: {names}{inside}",
    }
    other = f"an object with {names}{inside}" if names else "JSON without an error object"
    return f"HTTP {reply.status}, {forms.get(error.shape, other)}"


def _find_wrappers(seen: RuleInput) -> set[str]:
    """Return the members that wrap the answers, if they come in an envelope."""
    opened = [chunk.unwrapped for reply in seen.all if reply.ok for chunk in reply.chunks]
    return {name for one in opened if one and one.path for name in one.wrappers}


def _is_in_envelope(error: ErrorBody, wrappers: set[str]) -> bool:
    """Return whether the error is in the same envelope as the answers: both are then one fault."""
    place = error.at.strip("/").partition("/")[0]
    return bool(wrappers) and (error.shape == "code-message" or (place in wrappers and place != "error"))


def _has_googles_form(error: ErrorBody) -> bool:
    """Return whether an error has Google's members, perhaps among others, in Google's place."""
    members = error.shape == "google" or (
        error.shape == "openai" and isinstance(error.status, str) and error.code is not None
    )
    return members and error.at in ("/error", "/0/error")


def _find_mistyped_member(reply: Reply) -> tuple[str, str] | None:
    """Return the name of a member whose type differs from Google's, and what it is; None if all types are Google's."""
    found = read_error_json(reply)
    root = found[0] if isinstance(found, list) and found else found
    error = root.get("error") if isinstance(root, dict) else None
    if not isinstance(error, dict):
        return None
    if not isinstance(error.get("message"), str):
        return "message", f"a message that is not a string: {format_value(error.get('message'))}"
    details = error.get("details")
    listed = isinstance(details, list) and all(isinstance(one, dict) for one in details)
    return (
        None if details is None or listed else ("details", f"not a list of objects: {format_value(details)}")
    )


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    # A recorded 5xx shows the form too, and cannot be asked again.
    usable=lambda reply: (
        _is_error(reply) or (reply.exchange.captured and reply.status >= 500 and reply.is_complete)
    ),
    trait="error-shape",
    proof=Proof.REFUSAL,
    defers_to=(_ENVELOPE, _EVENTS),
)
def writes_errors_as_google_does(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An error body is an object `error` with code, message and status.

    Why: clients decide by error.status and error.code what to do, and show error.message.
    Breaks: google-genai gets no status, and the Vercel AI SDK loses the message; an empty body or HTML labelled as
    JSON makes @google/genai raise a SyntaxError; a string in place of the object raises an AttributeError in
    google-genai 1.30.
    Workaround: decide by the HTTP status alone, and show the body as it is.
    Source: [AIP-193] An error is one object `error` with code, message, status and optional details.
    """
    wanted, enveloped, wrappers = "an error object in Google's form", False, _find_wrappers(seen)
    # If errors of streams come as events too, `_EVENTS` reports them.
    events = any(reply.streamed and _comes_as_event(reply) for reply in seen.replies)
    for reply in seen.replies:
        error = reply.error
        passing = reply.status >= 500 and find_lasting_server_error(seen, reply.probe) is None
        if error is None or (passing and not reply.exchange.captured):
            continue
        if not reply.streamed and not events and _comes_as_event(reply):
            yield Location(reply.id, "@0", wanted, f"HTTP {reply.status}, an event of a stream")
        elif _has_googles_form(error):
            mistyped = _find_mistyped_member(reply)
            if mistyped:
                yield Location(reply.id, f"{error.at}/{mistyped[0]}", wanted, mistyped[1])
        elif _is_in_envelope(error, wrappers):
            enveloped = True
        else:
            page = passing or (_has_no_route(reply) and not _has_json(reply))
            level = Level.NOTE if page else None
            yield Location(reply.id, error.at, wanted, _describe_form(reply, error), level)
    if enveloped:
        reason = f"explained by {_ENVELOPE}: errors come in the envelope of the answers"
        yield NotJudged(Outcome.BLOCKED, reason)


def _is_lasting_google_error(reply: Reply) -> bool:
    """Return whether this is an error in Google's form, and not a temporary fault."""
    passing = reply.status >= 500 or (reply.standing is Standing.THROTTLED and reply.status != 429)
    return _is_error(reply) and not passing and reply.error is not None and _has_googles_form(reply.error)


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=_is_lasting_google_error, proof=Proof.REFUSAL)
def gives_the_status_as_code(reply: Reply) -> Iterator[Location]:
    """error.code is the HTTP status, as a number.

    Why: Google repeats the HTTP status in the body, so clients read it from there.
    Breaks: the Vercel AI SDK drops the message if code is not a number; within a stream google-genai raises a
    TypeError.
    Workaround: use the HTTP status.
    Source: [AIP-193] An error is one object `error` with code, message, status and optional details.
    """
    code = reply.error.code if reply.error else None
    right = isinstance(code, int | float) and not isinstance(code, bool) and code == reply.status
    if reply.error and not right:
        yield Location(reply.id, f"{reply.error.at}/code", str(reply.status), repr(code)[:80])


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=_is_lasting_google_error,
    blocked_by=("errors/gives-the-status-as-code",),
    proof=Proof.REFUSAL,
)
def gives_a_status_of_google_rpc(reply: Reply) -> Iterator[Location]:
    """error.status is the name in google.rpc.Code that belongs to the HTTP status.

    Why: there are seventeen names, each with its HTTP status; clients use them to tell an exhausted quota from a wrong
    argument.
    Breaks: code that decides by the name cannot tell whether to retry, to change the model or to change the key.
    Workaround: decide by the HTTP status.
    Source: [AIP-193] An error is one object `error` with code, message, status and optional details.
    """
    error = reply.error
    names = [name for name, status in RPC_CODES.items() if status == reply.status]
    # Statuses without a name of their own (402, 405, 422) leave the choice to the vendor.
    if error is None or error.status in names or (not names and str(error.status) in RPC_CODES):
        return
    wanted = " or ".join(names) or "a name of google.rpc.Code"
    yield Location(reply.id, f"{error.at}/status", wanted, repr(error.status)[:80])


@check_each(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    usable=lambda reply: _is_lasting_google_error(reply) and (reply.alt_sse or not reply.streamed),
    proof=Proof.REFUSAL,
)
def writes_one_error_not_a_list(reply: Reply) -> Iterator[Location]:
    """An error is one object; only a stream without alt=sse, which is an array, wraps it in a list.

    Why: Google sends a list of one error only if it would have streamed an array.
    Breaks: the Vercel AI SDK loses the message; google-genai 1.30 raises an AttributeError.
    Workaround: unwrap a list of one.
    Source: [streamGenerateContent] An error is an array element only if an array was to be streamed.
    """
    if reply.framed.framing is Framing.JSON_ARRAY:
        yield Location(reply.id, "/0", "one object", "a list with the error in it")


def _is_json_error(reply: Reply) -> bool:
    """Return whether this is an error in JSON, and not in an event."""
    shape = reply.error.shape if reply.error else "empty"
    return _is_error(reply) and shape not in ("html", "empty") and reply.framed.framing is not Framing.SSE


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=lambda reply: (
        _is_json_error(reply) and _has_json(reply) and not may_have_lost_header(reply, "content-type")
    ),
    proof=Proof.REFUSAL,
    defers_to=(_EVENTS,),
)
def labels_errors_as_json(reply: Reply) -> Iterator[Location]:
    """An error in JSON has the Content-Type application/json.

    Why: only the label tells a client that the body is JSON. Where a stream of events was requested, Google labels
    the error that comes instead as text/event-stream, although its body is plain JSON, so both labels are accepted
    there.
    Breaks: @google/genai puts the whole JSON, escaped, into the message of an error of its own.
    Workaround: parse the error's text as JSON.
    Source: [AIP-193] An error is one object `error` with code, message, status and optional details.
    """
    kind = reply.media_type
    as_asked = kind == "text/event-stream" and reply.streamed and reply.alt_sse
    if kind != "application/json" and not kind.endswith("+json") and not as_asked:
        observed = reply.exchange.header("content-type") or "no Content-Type"
        yield Location(reply.id, "", "application/json", observed)


_NAMED: Mapping[str, tuple[str, Level | None]] = {
    ProbeId.UNKNOWN_FIELD: ("frobnication", None),
    ProbeId.UNKNOWN_NESTED_FIELD: ("frobnication", None),
    ProbeId.WRONG_ENUM: ("category", Level.NOTE),
    ProbeId.WRONG_TYPE: ("temperature", Level.NOTE),
    ProbeId.UNKNOWN_MODEL: ("gemini-none", Level.NOTE),
}


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    ground=Ground.FAULTS,
    probes=tuple(_NAMED),
    defers_to=("errors/writes-errors-as-google-does",),  # of an error without a message
    usable=lambda reply: (
        reply.is_refusal and _is_json_error(reply) and bool(reply.error and reply.error.message)
    ),
    proof=Proof.REFUSAL,
)
def names_what_is_wrong(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The message of an error names what is wrong: the field or the model.

    Why: a message such as `Request failed with status code 400` leaves the caller to guess which of fifty fields is
    wrong.
    Breaks: no program; people who look for the fault are left without a clue.
    Workaround: remove parts of the request until it is accepted.
    Source: [error codes] The message names the field, and so does BadRequest in the details.
    """
    if not answers_control(seen):
        yield CONTROL_UNANSWERED
        return

    def names_fault(reply: Reply) -> bool:
        said = (*iterate_texts(read_error_json(reply)), reply.error.message if reply.error else "")
        return any(_NAMED[reply.probe][0] in text.lower() for text in said)

    named = {reply.probe for reply in seen.replies if names_fault(reply)}
    for reply in seen.replies:
        if reply.probe not in named and not (named and reply.standing is Standing.KEY_REFUSED):
            name, level = _NAMED[reply.probe]
            pointer = reply.error.at if reply.error else ""
            yield Location(reply.id, pointer, f"a message that names {name}", describe_reply(reply), level)


@check(
    Level.NOTE,
    basis=Basis.RECORDED,
    ground=Ground.FAULTS,
    select=lambda reply: reply.probe in (ProbeId.UNKNOWN_FIELD, ProbeId.BAD_KEY) or reply.status == 429,
    usable=lambda reply: _is_lasting_google_error(reply) and reply.status in (400, 401, 403, 429),
    proof=Proof.REFUSAL,
)
def gives_details(seen: RuleInput) -> Iterator[Location]:
    """An error has details that programs can read: the violated field, the reason, the time to wait.

    Why: Google sends no Retry-After; RetryInfo holds the time to wait, and BadRequest the field. Many of Google's own
    errors have no details at all, so this is only noted.
    Breaks: gemini-cli waits five seconds if no waiting time is given.
    Workaround: wait longer each time.
    Source: [error_details.proto] BadRequest names a bad field, ErrorInfo a bad key; RetryInfo says how long to wait
    for a quota.
    """
    for reply in seen.replies:
        if reply.error and not reply.error.details:
            wanted = "BadRequest, ErrorInfo or RetryInfo"
            yield Location(reply.id, f"{reply.error.at}/details", wanted, "no details")


@check_each(
    Level.MUST,
    basis=Basis.DOCUMENTED,
    usable=is_answered_stream,
    requires=RequiredContent(
        "no stream broke off with an error", lambda reply: any(chunk.error for chunk in reply.chunks)
    ),
)
def keeps_googles_errors_within_streams(reply: Reply) -> Iterator[Location]:
    """An error within a stream is Google's error object, sent in the same way as the chunks before it.

    Why: clients recognise a failed stream by this form alone.
    Breaks: if code is a string, google-genai raises a TypeError and @google/genai yields an empty chunk; the answer
    looks complete.
    Workaround: treat a stream without a finish reason as failed.
    Source: [streamGenerateContent] A failure within a stream is an object `error`, sent like a chunk.
    """
    for chunk in reply.chunks:
        error = chunk.error
        if error is None or (
            _has_googles_form(error) and isinstance(error.code, int) and str(error.status) in RPC_CODES
        ):
            continue
        wanted = "an error with a numeric code and a google.rpc status"
        said = f"{error.shape}: code {error.code!r}, status {error.status!r}"[:160]
        yield Location(reply.id, reply.at(chunk, error.at), wanted, said)
