"""Everything that reads bytes from others, as functions that accept any bytes and raise only if the reader is wrong."""

from __future__ import annotations

import atexit
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from conformance import catalogue
from conformance.clients import ALL_CLIENTS, BadCaptureError, describe_views, from_exchange
from conformance.clients.effects import find_effects
from conformance.comparing.past import read_past
from conformance.dialects.dialect import load_dialect
from conformance.files import FileError
from conformance.keys.secrets import Key, Keyring
from conformance.model import Exchange, Limits, Piece, Provider, Request
from conformance.reading.reply import Reply, read
from conformance.recording.record import format_exchange, parse_exchange, read_recording
from conformance.recording.runfile import provider_to_json, read_run_file
from conformance.recording.writing import RecordError
from conformance.replies import ProviderReplies
from conformance.verdicts.client_verdicts import make_expected_view
from conformance.verdicts.verdict import JudgingOptions, judge_provider
from conformance.wire.encoding import decode_body
from conformance.wire.framing import read_framed
from conformance.wire.jsontext import read_json

LIMITS = Limits(json_depth=60, json_values=2000, chunks=500, decoded_bytes=200_000, json_bytes=200_000)
KEY = "AIzaSyD-9tSr_ke72PouQMnMX"
PATHS = (
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:streamGenerateContent?alt=sse",
    "/v1beta/models/m:streamGenerateContent",
    "/v1beta/models/m:countTokens",
    "/v1beta/models",
    "/v1beta/models/m",
    "",
)
STATUSES = (200, 200, 200, 400, 429, 500, 302, None)
CODINGS = ("", "", "", "gzip", "deflate", "gzip, gzip")
PROVIDER = Provider("p", "p", "http://127.0.0.1", "google", "m", limits=LIMITS)


def make_exchange(data: bytes) -> Exchange:
    """Return an exchange whose first four bytes choose path, status, coding and cuts; the rest is the body."""
    head, body = data[:4].ljust(4, b"\0"), data[4:]
    step = head[3] % 16 * 7 + 1 if head[3] % 2 else len(body) + 1
    pieces = tuple(Piece(float(at), body[at : at + step]) for at in range(0, len(body), step))
    path = PATHS[head[0] % len(PATHS)]
    headers = [("content-type", "text/event-stream" if "alt=sse" in path else "application/json")]
    coding = CODINGS[head[2] % len(CODINGS)]
    headers += [("content-encoding", coding)] if coding else []
    asked = Request("POST" if ":" in path else "GET", path, (), b'{"contents":[]}', "bearer")
    status = STATUSES[head[1] % len(STATUSES)]
    return Exchange(
        "p",
        "plain",
        1,
        asked,
        {"status": 200},
        status,
        "HTTP/1.1",
        tuple(headers),
        pieces,
        None,
        "",
        0.0,
        9.0,
    )


def framing(data: bytes) -> None:
    """Framing: any cut of a body reads as the whole does."""
    whole = read_framed([data], LIMITS)
    middle = len(data) // 2
    cut = read_framed([data[:middle], data[middle:]], LIMITS)
    assert (whole.framing, whole.irregularities, whole.bound) == (cut.framing, cut.irregularities, cut.bound)


def text(data: bytes) -> None:
    """One JSON text."""
    read_json(data, LIMITS)


def _look(reply: Reply) -> None:
    assert reply.text is not None
    for candidate in reply.candidates:
        assert candidate.calls is not None
        assert candidate.thoughts is not None
    assert reply.usage is not None
    assert reply.request_body is not None


def reply(data: bytes) -> None:
    """An exchange as checks see it."""
    _look(read(make_exchange(data), LIMITS))


def clients(data: bytes) -> None:
    """What every client makes of a response."""
    asked = make_exchange(data)
    found = make_expected_view(read(asked, LIMITS))
    for client in ALL_CLIENTS.values():
        find_effects(client, from_exchange(asked), found)


def rules(data: bytes) -> None:
    """Every rule over one exchange: none may raise."""
    verdict = judge_provider(ProviderReplies.of_exchanges(PROVIDER, [make_exchange(data)]), GOOGLE, SELECTION)
    assert not [case for case in verdict.cases if case.outcome == "error"]


def record(data: bytes) -> None:
    """A line of a recording: refused in words, or read and written again without a loss."""
    try:
        one = parse_exchange(json.loads(data))
    except (ValueError, RecursionError):  # RecordError is a ValueError
        return
    assert parse_exchange(json.loads(format_exchange(one))) == one


def _write(name: str, data: bytes) -> Path:
    path = SCRATCH / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def recording(data: bytes) -> None:
    """A file of lines."""
    _write("exchanges/p.jsonl", data)
    try:
        read_recording(SCRATCH)
    except RecordError:
        return


def runfile(data: bytes) -> None:
    """run.json."""
    _write("run.json", data)
    try:
        read_run_file(SCRATCH)
    except RecordError:
        return


def results(data: bytes) -> None:
    """results.json, as comparing and switching read it."""
    try:
        read_past(_write("results.json", data))
    except FileError:
        return


def captures(data: bytes) -> None:
    """The lines that `conformance clients` reads."""
    try:
        list(describe_views(data.decode("utf-8", "surrogateescape").splitlines()))
    except BadCaptureError:
        return


def masking(data: bytes) -> None:
    """Masking keeps every length, and leaves nothing of the key that it would find itself."""
    keyring = Keyring((Key("K", KEY),))
    masked = keyring.mask_bytes(data)
    assert len(masked) == len(data)
    assert KEY.encode() not in masked
    decode_body(make_exchange(data), LIMITS)


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {
        one.__name__: one
        for one in (
            framing,
            text,
            reply,
            clients,
            rules,
            record,
            recording,
            runfile,
            results,
            captures,
            masking,
        )
    }
)
GOOGLE = load_dialect("google")
catalogue.load()
SELECTION = JudgingOptions(tuple(catalogue.RULES.values()))
_HOME = tempfile.TemporaryDirectory(prefix="fuzz-")
atexit.register(_HOME.cleanup)
SCRATCH = Path(_HOME.name)

# What bodies are made of: the words and signs on which reading turns.
WORDS: tuple[bytes, ...] = tuple(
    b'{ } [ ] " : , \\ \n \r\n \n\n \r 0 -1 1e999 NaN null true 9999999999999999999999 data: data:[DONE] event: id: retry: : '
    b"candidates content parts text role model finishReason finish_reason STOP index usageMetadata totalTokenCount "
    b"functionCall args name thought thoughtSignature promptFeedback blockReason error code message status details data "
    b'response result choices object {"candidates":[{"content":{"parts":[{"text":"x"}]}}]} data:{} {} [] "" models totalTokens '
    b"<html> </html> \\ud83d \\u0000 \\n \xf0\x9f\x98\x80 \xff \xef\xbb\xbf \xe2\x80\xa8 \x1f\x8b\x08 \x00 method body "
    b"content_type written_at variant headers body_base64 pieces ms base64 request probe try expected".split(
        b" "
    )
)

_ANSWER = (
    b'{"candidates":[{"content":{"role":"model","parts":[{"text":"a","thought":true},{"functionCall":{"name":"f","args":{"x":1}}}]},'
    b'"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":4,"totalTokenCount":9},"modelVersion":"m","responseId":"r"}'
)
_ERROR = b'{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT","details":[{"@type":"x"}]}}'
_RESULTS = (
    b'{"format":"conformance-results/1","tool":{"version":"1"},"run":{"id":"r","selection":{},"complete":true},"providers":[{"name":"p",'
    b'"status":"deviates","cases":[{"rule":"a/b","outcome":"deviation","reason":""}],"deviations":[{"rule":"a/b","level":"must"}],"clients":[]}]}'
)
# What a good vendor, and what our own program, writes: to be spoilt in a few places.
SEEDS: tuple[bytes, ...] = (
    _ANSWER,
    b"data: " + _ANSWER + b"\r\n\r\ndata: " + _ANSWER + b"\r\n\r\n",
    b"[" + _ANSWER + b"\n,\r\n" + _ANSWER + b"\n]",
    _ANSWER + b"\n" + _ANSWER + b"\n",
    b'{"code":200,"data":' + _ANSWER + b"}",
    b'{"response":' + json.dumps(_ANSWER.decode()).encode() + b"}",
    _ERROR,
    b"data: " + _ERROR + b"\n\ndata: [DONE]\n\n",
    format_exchange(make_exchange(b"\1\0\0\0data: " + _ANSWER)).encode() + b"\n",
    json.dumps({"variant": "v", "method": "streamGenerateContent", "status": 200, "content_type": "text/event-stream",
                "headers": {}, "body": "data: {}\n\n", "written_at": [3]}).encode(),
    json.dumps({"format": "conformance-run/1", "seed": 1, "started_at": "x", "providers": [provider_to_json(PROVIDER)],
                "left": {}, "selection": {}, "source": "s", "asked": ["p"]}).encode(),
    _RESULTS,
)  # fmt: skip
