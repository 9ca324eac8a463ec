"""A server as a series of small stages, each a function that can be replaced to make a server wrong in one way.

`dataclasses.replace(HONEST, pace=...)` is a server like Google's whose streams have another pace.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from conformance.dialects.shapes import Shape, load_reference
from conformance.embedded import listing
from conformance.embedded.answers import ScriptedAnswer, answer_request, count_prompt_tokens
from conformance.embedded.chunks import build_chunks, build_response, list_modalities, spread_waits
from conformance.embedded.dialect_looks import apply_casing, dress_response
from conformance.embedded.errors import Refused, quota_error, unknown_model_error
from conformance.embedded.flat_settings import asks_for_stream, nest_settings
from conformance.embedded.frames import ARRAY, EVENTS_TYPE, SINGLE, SSE, OutgoingBody, frame_objects
from conformance.embedded.front import add_front_headers
from conformance.embedded.functions import check_signatures
from conformance.embedded.messages import BODY_LIMIT, DelayedPiece, Incoming, Outgoing
from conformance.embedded.protojson import accept_message, parse_object, replace_enum_names
from conformance.embedded.routes import (
    COUNT,
    GENERATE,
    GET,
    LIST,
    PREFLIGHT,
    RoutedRequest,
    check_credentials,
    guess_request,
    read_credentials,
    route_request,
)
from conformance.embedded.semantics import judge_request
from conformance.embedded.style import Style
from conformance.model import JSON

Message = dict[str, JSON]
_VARY = (("Vary", "Origin"), ("Vary", "X-Origin"), ("Vary", "Referer"))


def accepts_key(key: str) -> bool:
    """Return whether a key is valid: every key is, unless it begins with `bad` or `junk`."""
    return not key.lower().startswith(("bad", "junk"))


def check_quota(incoming: Incoming, asked: RoutedRequest) -> None:
    """Accept a request within its quota. Raises Refused (429) for a key that begins with `spent`."""
    if any(key.lower().startswith("spent") for key in read_credentials(incoming).values()):
        raise quota_error(asked.model)


def write_refusal(refusal: Refused, asked: RoutedRequest) -> Outgoing:
    """Return a refusal in Google's form.

    It is one object, labelled as events where events were asked for, and a list of one object where a JSON array was
    to be streamed. What the front end refuses is an empty page.
    """
    if refusal.empty:
        return Outgoing(refusal.status, (("Content-Type", "text/html"),))
    framed = frame_objects(ARRAY if asked.framing == ARRAY else SINGLE, [refusal.to_object()])
    content_type = EVENTS_TYPE if asked.framing == SSE else framed.content_type
    return Outgoing(
        refusal.status, (("Content-Type", content_type),), (DelayedPiece(0.0, b"".join(framed.pieces)),)
    )


def answer_preflight(incoming: Incoming) -> Outgoing:
    """Return the answer to a browser that asks whether it may send a request with a key."""
    wanted = incoming.header("access-control-request-headers") or "content-type,x-goog-api-key"
    headers = (
        ("Access-Control-Allow-Methods", "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT"),
        ("Access-Control-Allow-Headers", wanted),
        ("Access-Control-Max-Age", "3600"),
    )
    return Outgoing(200, headers)


def add_common_headers(answer: Outgoing, incoming: Incoming) -> Outgoing:
    """Return an answer with the headers that all answers share, compressed where the client asks for it."""
    origin = (("Access-Control-Allow-Origin", "*"),) if incoming.header("origin") else ()
    vary = () if answer.content_type == "text/html" else _VARY
    answer = replace(answer, headers=(*answer.headers, *vary, *origin))
    return (
        _compress_answer(answer)
        if "gzip" in incoming.header("accept-encoding").lower() and answer.pieces
        else answer
    )


def _compress_answer(answer: Outgoing) -> Outgoing:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    packed = []
    for number, piece in enumerate(answer.pieces, 1):
        last = number == len(answer.pieces)
        # Each piece is flushed, so that a stream still arrives piece by piece.
        data = packer.compress(piece.data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
        packed.append(DelayedPiece(piece.wait, data))
    return replace(answer, headers=(*answer.headers, ("Content-Encoding", "gzip")), pieces=tuple(packed))


@dataclass(frozen=True)
class Behaviour:
    """The stages of a server in the order in which they run. Calling it with a request returns the answer; it has no state.

    Stages that refuse raise Refused. `settle` moves settings that a dialect puts elsewhere to Google's place, before
    `accept` reads the form of a request and `judge` its sense. `dress` gets each response of the model, `frame` all
    objects of an answer, `front` and `finish` every whole answer, errors included.
    """

    style: Style = field(default_factory=Style)
    accepts_key: Callable[[str], bool] = accepts_key
    route: Callable[[Incoming, Style], RoutedRequest] = route_request
    authorise: Callable[[Incoming, Style, Callable[[str], bool]], None] = check_credentials
    document: Callable[[bytes], Message] = parse_object
    settle: Callable[[Message, Style], Message] = nest_settings
    accept: Callable[[Mapping[str, JSON], Shape], Message] = accept_message
    judge: Callable[[Message], None] = judge_request
    check_signatures: Callable[[Message], None] = check_signatures
    think: Callable[[Message, str], ScriptedAnswer] = answer_request
    whole: Callable[[ScriptedAnswer], Message] = build_response
    chunks: Callable[[ScriptedAnswer], Sequence[Message]] = build_chunks
    pace: Callable[[ScriptedAnswer, int], Sequence[float]] = spread_waits
    dress: Callable[..., JSON] = dress_response  # (response, style, *, chunk)
    frame: Callable[[str, Sequence[JSON]], OutgoingBody] = frame_objects
    refuse: Callable[[Refused, RoutedRequest], Outgoing] = write_refusal
    preflight: Callable[[Incoming], Outgoing] = answer_preflight
    front: Callable[[Outgoing, Incoming, Style], Outgoing] = add_front_headers
    finish: Callable[[Outgoing, Incoming], Outgoing] = add_common_headers

    def __call__(self, incoming: Incoming) -> Outgoing:
        """Return the answer to a request, a refusal included."""
        asked = guess_request(incoming, self.style)
        try:
            asked = self.route(incoming, self.style)
            _check_size(incoming)
            answer = _RESOURCES[asked.what](self, asked, incoming)
        except Refused as refusal:
            answer = self.refuse(refusal, asked)
        except RecursionError:
            answer = self.refuse(Refused(400, "Invalid JSON payload received. Message too deep."), asked)
        return self.finish(self.front(answer, incoming, self.style), incoming)

    def answer_object(self, value: JSON) -> Outgoing:
        """Return one object as an answer."""
        framed = self.frame(SINGLE, [value])
        return Outgoing(
            200, (("Content-Type", framed.content_type),), (DelayedPiece(0.0, b"".join(framed.pieces)),)
        )

    def answer_in_casing(self, value: Message) -> Outgoing:
        """Return the answer of a method that does not generate, in the dialect's casing."""
        return self.answer_object(apply_casing(value, self.style))

    def answer_stream(self, answer: ScriptedAnswer, framing: str, *, numbers: bool = False) -> Outgoing:
        """Return the model's answer as a stream in this framing; with `numbers`, enums are numbers."""
        made = [_encode_enums(chunk, numbers=numbers) for chunk in self.chunks(answer)]
        dressed = [self.dress(chunk, self.style, chunk=True) for chunk in made]
        framed = self.frame(framing, dressed)
        waits = [*self.pace(answer, len(dressed)), *[0.0] * len(framed.pieces)]
        pieces = tuple(DelayedPiece(wait, data) for wait, data in zip(waits, framed.pieces, strict=False))
        return Outgoing(200, (("Content-Type", framed.content_type),), pieces, streamed=True)


def _encode_enums(response: Message, *, numbers: bool) -> Message:
    made = replace_enum_names(response, load_reference().response) if numbers else response
    return made if isinstance(made, dict) else response


def _check_size(incoming: Incoming) -> None:
    if incoming.oversized:
        raise Refused(400, f"Request payload size exceeds the limit: {BODY_LIMIT} bytes.")


def _check_model(behaviour: Behaviour, asked: RoutedRequest) -> None:
    if asked.model not in behaviour.style.models:
        raise unknown_model_error(asked.model, asked.version, asked.method)


def _answer_generate(behaviour: Behaviour, asked: RoutedRequest, incoming: Incoming) -> Outgoing:
    behaviour.authorise(incoming, behaviour.style, behaviour.accepts_key)
    check_quota(incoming, asked)
    body = behaviour.document(incoming.body)
    framing = behaviour.style.framing_own if asked.own_form and asks_for_stream(body) else asked.framing
    request = behaviour.accept(behaviour.settle(body, behaviour.style), load_reference().request)
    _check_model(behaviour, asked)
    behaviour.judge(request)
    behaviour.check_signatures(request)
    answer = behaviour.think(request, asked.model)
    if framing != SINGLE:
        return behaviour.answer_stream(answer, framing, numbers=asked.numbers)
    made = _encode_enums(behaviour.whole(answer), numbers=asked.numbers)
    return behaviour.answer_object(behaviour.dress(made, behaviour.style, chunk=False))


def _answer_count(behaviour: Behaviour, asked: RoutedRequest, incoming: Incoming) -> Outgoing:
    behaviour.authorise(incoming, behaviour.style, behaviour.accepts_key)
    body = behaviour.accept(behaviour.document(incoming.body), load_reference().count_tokens_request)
    _check_model(behaviour, asked)
    inner = body.get("generateContentRequest")
    request = inner if isinstance(inner, dict) else body  # a oneof: never both
    if not request.get("contents"):
        raise Refused(400, "* CountTokensRequest.contents: contents is not specified\n")
    prompt = count_prompt_tokens(request)
    return behaviour.answer_in_casing(
        {"totalTokens": sum(prompt.values()), "promptTokensDetails": list_modalities(prompt)}
    )


def _answer_get(behaviour: Behaviour, asked: RoutedRequest, incoming: Incoming) -> Outgoing:
    behaviour.authorise(incoming, behaviour.style, behaviour.accepts_key)
    return behaviour.answer_in_casing(listing.get_model(asked.model, asked.version, behaviour.style))


def _answer_list(behaviour: Behaviour, _asked: RoutedRequest, incoming: Incoming) -> Outgoing:
    behaviour.authorise(incoming, behaviour.style, behaviour.accepts_key)
    return behaviour.answer_in_casing(listing.list_models(incoming.query, behaviour.style))


def _answer_preflight(behaviour: Behaviour, _asked: RoutedRequest, incoming: Incoming) -> Outgoing:
    return behaviour.preflight(incoming)


_RESOURCES: Mapping[str, Callable[[Behaviour, RoutedRequest, Incoming], Outgoing]] = {
    GENERATE: _answer_generate, COUNT: _answer_count, GET: _answer_get, LIST: _answer_list, PREFLIGHT: _answer_preflight,
}  # fmt: skip
HONEST = Behaviour()
