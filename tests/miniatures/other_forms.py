"""Known faults in other forms: in another place, of another type, in a part of the answers only, or two at once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.frames import ARRAY, JSON_TYPE, SSE, FramedBody, frame_objects
from conformance.embedded.messages import Incoming, Outgoing, immediate_answer
from miniatures import Miniature, Variation
from miniatures.casing import _camel_only, _flat
from miniatures.errors import PAGE, failing, finishing, with_error
from miniatures.making import (
    Message,
    answering,
    calls,
    candidates,
    chunking,
    parts,
    with_calls,
    with_candidates,
    with_usage,
)
from miniatures.moods import saying as saying_otherwise
from miniatures.routes import saying
from miniatures.streaming import EVERY_STREAM, Bytes, as_, each, framed
from miniatures.transport import unary


def _rules(*names: str) -> frozenset[str]:
    return frozenset(names)


def _texts(made: list[Message]) -> str:
    return "".join(part["text"] for chunk in made for part in parts(chunk) if not part.get("thought"))


def _ends_with_all(made: list[Message]) -> list[Message]:
    """The last chunk holds the whole text in the place of its own piece."""
    if len(made) > 1 and not any(map(calls, made)):
        made[-1]["candidates"][0]["content"]["parts"] = [{"text": _texts(made)}]
    return made


def _swapped(made: list[Message]) -> list[Message]:
    """Two texts change their places; what they cost does not."""
    if len(made) > 6:
        first, second = (made[at]["candidates"][0]["content"] for at in (2, 3))
        first["parts"], second["parts"] = second["parts"], first["parts"]
    return made


def _snapshots(made: list[Message]) -> list[Message]:
    """Each chunk is the text so far, the last one twice."""
    so_far = ""
    for chunk in made:
        for part in parts(chunk):
            if "text" in part and not part.get("thought"):
                so_far += part["text"]
                part["text"] = so_far
    return [*made, copy.deepcopy(made[-1])] if len(made) > 1 else made


def _usage_outside(pieces: Bytes) -> Bytes:
    """Usage comes behind the last event, on a line of its own."""
    last = json.loads(pieces[-1].removeprefix(b"data: "))
    usage = json.dumps({"usageMetadata": last.pop("usageMetadata")}).encode()
    return (*pieces[:-1], b"data: " + json.dumps(last).encode() + b"\r\n\r\n", usage + b"\r\n")


def _no_thoughts(response: Message) -> None:
    for candidate in candidates(response):
        content = candidate["content"]
        content["parts"] = [part for part in content["parts"] if not part.get("thought")]


def _unmarked(response: Message) -> None:
    for part in parts(response):
        part.pop("thought", None)


def _spelled(words: dict[str, Any]) -> Callable[[Message], None]:
    def change(candidate: Message) -> None:
        if "finishReason" in candidate:
            candidate["finishReason"] = words.get(candidate["finishReason"], candidate["finishReason"])

    return change


def _doubled(block: Message) -> Message:
    """The answer's counter has the thoughts, and so the total has them twice."""
    thoughts = block.get("thoughtsTokenCount", 0)
    return {
        **block,
        "candidatesTokenCount": block.get("candidatesTokenCount", 0) + thoughts,
        "totalTokenCount": block["totalTokenCount"] + thoughts,
    }


def _without(name: str) -> Callable[[Message], Message]:
    return lambda block: {key: value for key, value in block.items() if key != name}


def _less_thoughts(block: Message) -> Message:
    return {**block, "totalTokenCount": block["totalTokenCount"] - block.get("thoughtsTokenCount", 0)}


def _listed(response: Message) -> Message:
    return {**response, "usageMetadata": [response["usageMetadata"]]}


def _failed(write: Callable[[Refused], Any], content_type: str = JSON_TYPE) -> Behaviour:
    return failing(write, status=200, content_type=content_type)


def _closing(status: int, closed: Callable[[Incoming], bool]) -> Behaviour:
    """Return a server that turns down whatever `closed` says."""
    said = json.dumps(Refused(status, "This is not supported.").body()).encode()

    def change(_answer: Outgoing, incoming: Incoming) -> Outgoing | None:
        return immediate_answer(status, JSON_TYPE, said) if closed(incoming) else None

    return finishing(change)


def _streams(incoming: Incoming) -> bool:
    return "streamGenerateContent" in incoming.path


def _streams_without_alt(incoming: Incoming) -> bool:
    return _streams(incoming) and incoming.query.get("alt") != "sse"


def _ending_in(framing: str, error: Message) -> Behaviour:
    def write(asked: str, objects: Sequence[Any]) -> FramedBody:
        mine = asked in EVERY_STREAM
        return frame_objects(framing if mine else asked, [*objects, {"error": error}] if mine else objects)

    return replace(HONEST, frame=write)


def _problem(refusal: Refused) -> Message:
    return {
        "type": "about:blank",
        "title": "Bad Request",
        "status": refusal.status,
        "detail": refusal.message,
    }


def _rewritten(change: Callable[[str], str]) -> Behaviour:
    """Return a server that changes the characters of streamed texts."""

    def every(response: Message) -> None:
        for part in parts(response):
            if "text" in part:
                part["text"] = change(part["text"])

    return answering(every, only="stream")


def _cut_when_long(answer: Outgoing, _incoming: Incoming) -> Outgoing | None:
    """Long streams break off, short ones come whole."""
    return replace(answer, pieces=answer.pieces[:3], cut=True) if len(answer.pieces) > 5 else None


def _mute(refusal: Refused) -> Message:
    error: Any = refusal.body()["error"]
    return {"error": {name: value for name, value in error.items() if name != "message"}}


def _unfenced(piece: bytes) -> bytes:
    return b"\x1e" + piece.removeprefix(b"data: ").strip() + b"\n"


_QUOTA = {"message": "quota", "type": "x", "code": "insufficient_quota"}
_WHOLE = _rules("streaming/keeps-characters-whole")
_SSE = _rules("streaming/streams-sse-with-alt")
_OBJECT = _rules("streaming/sends-one-json-object-per-event")
_ONCE = _rules("streaming/sends-the-text-once")
_ORDER = _rules("streaming/brings-every-chunk-in-order")
_ENUMS = _rules("schema/enums-are-googles-names")
_BOTH = _rules("routes/answers-by-both-methods")
_SHAPE = _rules("errors/writes-errors-as-google-does")
_FAILS = _rules("errors/fails-with-the-status-of-an-error")
_NDJSON = as_("ndjson", instead_of=EVERY_STREAM)
_FLAT = _rules("casing/reads-settings-from-generation-config")
_NO_CHUNK = _rules("errors/refuses-a-stream-before-it-begins")

MINIATURES: tuple[Miniature, ...] = (
    Miniature("json-seq", "Chunks stand behind a record separator.", each(_unfenced), _SSE),
    Miniature("capital-data", "Data: with a capital.", each(lambda p: p.replace(b"data", b"Data", 1)), _SSE),
    Miniature("python-lines", "Chunks are lines of Python.", framed(lambda ps: tuple(repr(json.loads(p[6:])).encode() + b"\n" for p in ps)), _SSE),
    Miniature("words-for-streams", "Streams are a sentence.", finishing(lambda a, i: immediate_answer(200, "text/plain", b"upstream connect error") if _streams(i) and a.status == 200 else None), _SSE),
    Miniature("text-in-events", "Each event holds the JSON of a chunk as a text.", each(lambda p: b"data: " + json.dumps(p[6:].strip().decode()).encode() + b"\r\n\r\n"), _OBJECT),
    Miniature("null-in-events", "An event of null before the last.", framed(lambda ps: (*ps[:-1], b"data: null\r\n\r\n", ps[-1])), _OBJECT),
    Miniature("usage-outside-of-events", "Usage comes without data.", framed(_usage_outside), _OBJECT),
    Miniature("list-in-every-chunk", "Each chunk is a list, with alt=sse and without.", answering(lambda r: [r], only="stream"), _OBJECT),
    Miniature("pings-of-their-own", "An object with a type and nothing else.", framed(lambda ps: (b'data: {"type": "ping"}\r\n\r\n', *ps)), notes=_OBJECT),
    Miniature("python-in-an-array", "The array's elements are Python.", replace(HONEST, frame=lambda f, o: FramedBody(JSON_TYPE, (b"[" + b",".join(repr(x).encode() for x in o) + b"]",)) if f == ARRAY else frame_objects(f, o)), _rules("streaming/streams-a-well-formed-array")),
    Miniature("endless-array", "The array has no end.", framed(lambda ps: (*ps[:-1], ps[-1].rstrip().removesuffix(b"]")), only=ARRAY), _rules("streaming/comes-whole")),
    Miniature("json-in-a-text", "The whole answer is a text that holds JSON.", unary(lambda body: json.dumps(body.decode()).encode()), _rules("envelope/gemini-object-at-root")),
    Miniature("ends-with-all", "The last chunk is the whole text, its own piece included.", chunking(_ends_with_all), _ONCE),
    Miniature("every-chunk-twice", "Every chunk comes twice.", chunking(lambda made: [copy.deepcopy(one) for one in made for _ in range(2)]), _ONCE),
    Miniature("snapshots", "Each chunk is the text so far, the last one twice.", chunking(_snapshots), _rules("streaming/sends-deltas")),
    Miniature("first-chunk-lost", "A stream's first chunk is lost.", chunking(lambda made: made[1:] if len(made) > 1 else made), _ORDER),
    Miniature("overtaken", "Two chunks change their places.", chunking(_swapped), _ORDER),
    Miniature("no-candidates-streamed", "Chunks have usage and no candidates.", chunking(lambda made: [{k: v for k, v in one.items() if k != "candidates"} for one in made]), _rules("schema/has-a-candidate")),
    Miniature("no-thoughts-in-lines", "NDJSON, and thoughts are not streamed.", replace(answering(_no_thoughts, only="stream"), frame=_NDJSON.frame), _SSE | _rules("streaming/streams-thoughts-too")),
    Miniature("unmarked-when-streamed", "Streamed thoughts are not marked.", answering(_unmarked, only="stream"), _rules("streaming/streams-thoughts-too")),
    Miniature("errors-in-lines", "NDJSON that ends in OpenAI's error.", _ending_in("ndjson", _QUOTA), _SSE | _rules("errors/keeps-googles-errors-within-streams")),
    Miniature("events-always-as-json", "Always events, and called JSON.", replace(HONEST, frame=lambda f, o: FramedBody(JSON_TYPE, frame_objects(SSE, o).pieces) if f in EVERY_STREAM else frame_objects(f, o)), _rules("streaming/streams-an-array-without-alt", "streaming/names-the-type-of-its-stream")),
    Miniature("alt-wanted", "Streams without alt=sse are refused.", _closing(400, _streams_without_alt), _rules("streaming/streams-an-array-without-alt")),
    Miniature("no-streams", "There is no streaming method.", _closing(404, _streams), _BOTH),
    Miniature("streams-by-token", "Streams want another key.", _closing(401, _streams), _BOTH),
    Miniature("streams-only", "There is no unary method.", _closing(404, lambda i: ":generateContent" in i.path), _BOTH),
    Miniature("thoughts-counted-twice", "Thoughts are in the answer's counter, and beside it.", with_usage(_doubled), _rules("usage/counts-thoughts-once")),
    Miniature("total-without-thoughts", "The total leaves thoughts out.", with_usage(_less_thoughts), _rules("usage/total-is-the-sum")),
    Miniature("no-answer-tokens", "The answer's tokens are not named.", with_usage(_without("candidatesTokenCount")), _rules("usage/counts-every-answer")),
    Miniature("listed-usage", "usageMetadata is a list of one.", answering(_listed), _rules("schema/values-have-googles-types")),
    Miniature("null-count", "countTokens answers null.", saying("totalTokens", lambda _: {"totalTokens": None}), _rules("routes/counts-tokens")),
    Miniature("camel-reasons", "MAX_TOKENS is maxTokens.", with_candidates(_spelled({"MAX_TOKENS": "maxTokens"})), _ENUMS),
    Miniature("flat-and-openai-reasons", "Settings at the top level only, and MAX_TOKENS is length.", replace(_camel_only(_flat), dress=with_candidates(_spelled({"MAX_TOKENS": "length"})).dress), _FLAT | _ENUMS),
    Miniature("arguments-in-an-object", "Arguments stand one level too deep.", with_calls(lambda call: call.update(args={"parameters": call["args"]})), _rules("semantics/fills-required-arguments")),
    Miniature("no-message", "Errors have no message.", failing(_mute), _SHAPE),
    Miniature("message-as-object", "An error's message is an object.", with_error(message={"text": "bad"}), _SHAPE),
    Miniature("details-as-text", "An error's details are a text.", with_error(details="see the log"), _SHAPE),
    Miniature("problem-errors", "Errors are problem+json.", failing(_problem, content_type="application/problem+json"), _SHAPE),
    Miniature("plain-text-errors", "Errors are a text that names the fault.", failing(lambda r: r.message.encode(), content_type="text/plain"), _SHAPE),
    Miniature("text-as-success", "What is wrong is answered by a text with 200.", _failed(lambda r: r.message.encode(), "text/plain"), _FAILS),
    Miniature("page-as-success", "What is wrong is answered by a page with 200.", _failed(lambda _: PAGE, "text/html"), _FAILS),
    Miniature("nothing-as-success", "What is wrong is answered by an empty 200.", _failed(lambda _: b""), _FAILS),
    Miniature("null-as-success", "What is wrong is answered by data: null with 200.", _failed(lambda r: {"code": r.status, "data": None}), _FAILS),
    Miniature("no-stream-as-success", "A stream that cannot begin is an empty 200.", replace(HONEST, refuse=lambda r, a: immediate_answer(200, "text/event-stream", b"") if a.framing == SSE else HONEST.refuse(r, a)), _NO_CHUNK),
    Miniature("misread-characters", "Streamed texts are read as Latin-1.", _rewritten(lambda text: text.encode().decode("latin-1")), _WHOLE),
    Miniature("question-marks", "What is not ASCII becomes a question mark.", _rewritten(lambda text: text.encode("ascii", "replace").decode()), _WHOLE),
    Miniature("cut-when-long", "Long streams break off.", finishing(_cut_when_long), _rules("transport/sends-whole-bodies")),
    Miniature("three-at-once", "{code, data}, NDJSON and no usage.", replace(answering(lambda r: {"code": 200, "data": _without("usageMetadata")(r)}), frame=_NDJSON.frame), _SSE | _rules("envelope/gemini-object-at-root", "usage/counts-every-answer")),
)  # fmt: skip


def _elided(text: str) -> str:
    """A model that shortens a row of numbers, and shows it."""
    return re.sub(r"^(1 2 3) .* (\d+)$", r"\1 ... \2", text)


def _refusing_streams() -> tuple[tuple[str, Any], ...]:
    return (("unsupported", ("streaming",)),)


VARIATIONS: tuple[Variation, ...] = (
    Variation("elides", "The model shortens a row of numbers.", saying_otherwise(_elided)),
    Variation("lacks-streams", "No streaming, and providers.yaml says so.", _closing(404, _streams), settings=_refusing_streams()),
    Variation("quiet-until-the-end", "Chunks say FINISH_REASON_UNSPECIFIED until the last.", answering(lambda r: [c.setdefault("finishReason", "FINISH_REASON_UNSPECIFIED") for c in candidates(r)] and None, only="stream")),
)  # fmt: skip
