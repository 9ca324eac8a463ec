"""The hostile servers: one function each, decorated with how asking it must end."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib

from hostile import ANSWER, HOSTILES, PAUSE, Hostile, Peer, hostile

BOMB = 8 * 1024 * 1024  # bytes that a bomb unfolds to

# --- silence and cuts ------------------------------------------------------------------------------


@hostile("first-byte", "first_byte")
async def never_answers(peer: Peer) -> None:
    await peer.request()
    await asyncio.sleep(60)


@hostile("reset")
async def closes_at_once(peer: Peer) -> None:
    await peer.request()


@hostile("reset")
async def resets_at_once(peer: Peer) -> None:
    await peer.request()
    peer.reset()


@hostile("first-byte", "first_byte")
async def half_a_status_line(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.")
    await asyncio.sleep(60)


@hostile("reset")
async def half_headers_then_close(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Ty")


@hostile("first-byte", "first_byte")
async def drips_headers(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\nX: ")
    await peer.forever(b"x")


@hostile("timeout", "timeout", status=200)
async def drips_the_body(peer: Peer) -> None:
    await peer.request()
    await peer.answer(b"", b"Content-Length: 1000000")
    await peer.forever(b"x")


@hostile("silence", "silence", status=200)
async def stalls_within_a_stream(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.chunk(b"data: {}\r\n\r\n")
    await asyncio.sleep(60)


@hostile("silence", "silence", status=200)
async def stalls_after_the_headers(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await asyncio.sleep(60)


@hostile("timeout", "timeout", status=200)
async def comments_for_ever(peer: Peer) -> None:
    await peer.request()
    await peer.chunked(b"X-Kind: text/event-stream")
    while True:
        await peer.chunk(b": keepalive\r\n\r\n")
        await asyncio.sleep(PAUSE)


@hostile("reset", status=200)
async def resets_within_the_body(peer: Peer) -> None:
    await peer.request()
    await peer.answer(b"{", b"Content-Length: 100")
    await asyncio.sleep(PAUSE)
    peer.reset()


# --- floods ----------------------------------------------------------------------------------------


@hostile("too-big", "body_bytes", status=200)
async def floods_with_zeros(peer: Peer) -> None:
    await peer.request()
    await peer.answer(b"", b"Content-Length: 99999999999")
    await peer.forever(bytes(65536), 0)


@hostile("too-big", "body_bytes", status=200)
async def floods_until_close(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
    await peer.forever(b"data: {}\n\n" * 5000, 0)


@hostile("too-many-chunks", "chunks", status=200)
async def floods_with_tiny_chunks(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.forever(b"1\r\nx\r\n" * 500, 0)


@hostile("headers-too-big")
async def headers_without_end(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        await peer.say(b"X-%d: %s\r\n" % (number, b"x" * 1000))


@hostile("headers-too-big", "header_bytes", status=200)
async def headers_over_the_limit(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, *(b"X-%d: %s" % (number, b"x" * 1000) for number in range(60)))


@hostile("headers-too-big")
async def one_header_of_a_megabyte(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"X: " + b"x" * 1_000_000)


@hostile("headers-too-big", status=200)
async def floods_with_chunk_extensions(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.say(b"1;")
    await peer.forever(b"x=y;" * 5000, 0)


@hostile("headers-too-big", status=200)
async def floods_with_trailers(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.chunk(ANSWER)
    await peer.say(b"0\r\n")
    await peer.forever(b"X: y\r\n" * 5000, 0)


@hostile("first-byte", "first_byte")
async def continues_for_ever(peer: Peer) -> None:
    await peer.request()
    await peer.forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, 0.001)


# --- compression -----------------------------------------------------------------------------------


@hostile(decoding="too-big", status=200)
async def gzip_bomb(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(bytes(BOMB)), b"Content-Encoding: gzip")


@hostile(decoding="too-big", status=200)
async def gzip_bomb_within_gzip(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(gzip.compress(bytes(BOMB))), b"Content-Encoding: gzip, gzip")


@hostile(decoding="too-big", status=200)
async def deflate_bomb(peer: Peer) -> None:
    await peer.request()
    await peer.answer(zlib.compress(bytes(BOMB)), b"Content-Encoding: deflate")


@hostile(decoding="too-many-chunks", bound="chunks", status=200)
async def gzip_of_nothing_but_members(peer: Peer) -> None:
    """Send what unfolds to nothing, slowly: each member costs its reader far more than it costs to send."""
    await peer.request()
    await peer.answer(gzip.compress(b"") * 10_000, b"Content-Encoding: gzip")


@hostile(decoding="encoding", status=200)
async def twenty_layers(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(ANSWER), b"Content-Encoding: " + b", ".join([b"gzip"] * 20))


@hostile(decoding="encoding", status=200)
async def broken_gzip(peer: Peer) -> None:
    await peer.request()
    packed = gzip.compress(ANSWER)
    await peer.answer(packed[:20] + b"\xff" * 20 + packed[40:], b"Content-Encoding: gzip")


@hostile(decoding="encoding", status=200)
async def truncated_gzip(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(ANSWER)[:-12], b"Content-Encoding: gzip")


@hostile(decoding="encoding", oddity="declared-but-plain", status=200)
async def declares_gzip_and_sends_plain(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"Content-Encoding: gzip")


@hostile(oddity="undeclared-gzip", status=200)
async def sends_gzip_undeclared(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(ANSWER))


@hostile(decoding="encoding", oddity="not-offered", status=200)
async def encodes_as_nobody_asked(peer: Peer) -> None:
    await peer.request()
    await peer.answer(b"\x0b\x02\x80abc\x03", b"Content-Encoding: br")


@hostile(oddity="raw-deflate", status=200, body=ANSWER)
async def sends_raw_deflate(peer: Peer) -> None:
    await peer.request()
    packer = zlib.compressobj(wbits=-15)
    await peer.answer(packer.compress(ANSWER) + packer.flush(), b"Content-Encoding: deflate")


@hostile(oddity="bytes-after-the-end", status=200, body=ANSWER)
async def sends_rubbish_after_gzip(peer: Peer) -> None:
    await peer.request()
    await peer.answer(gzip.compress(ANSWER) + b"rubbish", b"Content-Encoding: gzip")


@hostile(status=200, body=ANSWER)
async def sends_gzip_byte_by_byte(peer: Peer) -> None:
    await peer.request()
    await peer.chunked(b"Content-Encoding: gzip")
    for byte in gzip.compress(ANSWER):
        await peer.chunk(bytes([byte]))
    await peer.say(b"0\r\n\r\n")


# --- lengths and chunks ----------------------------------------------------------------------------


@hostile("reset", status=200)
async def promises_more_than_it_sends(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"Content-Length: 5000")


@hostile(status=200, body=ANSWER[:10])
async def sends_more_than_it_promised(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"Content-Length: 10")


@hostile(status=200, body=ANSWER)
async def answers_twice(peer: Peer) -> None:
    await peer.request()
    await peer.answer()
    await peer.answer(b'{"poison":true}')


@hostile("protocol")
async def negative_length(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"Content-Length: -1")


@hostile("protocol")
async def two_lengths(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"Content-Length: 10", b"Content-Length: 11")


@hostile("protocol")
async def length_of_a_thousand_digits(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"Content-Length: " + b"9" * 1000)


@hostile("protocol", status=200)
async def chunk_size_that_is_no_number(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.say(b"zz\r\nabc\r\n0\r\n\r\n")


@hostile("protocol", status=200)
async def chunk_longer_than_it_says(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.say(b"1\r\nabcdef\r\n0\r\n\r\n")


@hostile("reset", status=200)
async def no_last_chunk(peer: Peer) -> None:
    await peer.request()
    await peer.chunked()
    await peer.chunk(ANSWER)


@hostile("protocol")
async def unknown_transfer_encoding(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"Transfer-Encoding: gzip, chunked")


# --- not HTTP, or not quite ------------------------------------------------------------------------


@hostile("reset")
async def greets_as_ssh(peer: Peer) -> None:
    await peer.say(b"SSH-2.0-OpenSSH_9.2\r\n")
    await peer.request()


@hostile("protocol")
async def binary_rubbish(peer: Peer) -> None:
    await peer.request()
    await peer.say(bytes(range(256)) * 4)


@hostile("protocol")
async def html_without_headers(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"<html><body>502</body></html>\r\n\r\n")


@hostile("protocol")
async def answers_in_http_2(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18) + b"\r\n\r\n")


@hostile("protocol")
async def status_of_two_digits(peer: Peer) -> None:
    await peer.request()
    await peer.answer(status=b"20 OK")


@hostile("protocol")
async def header_without_a_colon(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"this is no header")


@hostile(status=200, body=ANSWER)
async def speaks_http_1_0(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.0 200 OK\r\n\r\n", ANSWER)


@hostile(status=200, body=ANSWER)
async def continues_unasked(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    await peer.answer()


@hostile("protocol")
async def switches_protocols(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")


@hostile(status=204, body=b"")
async def no_content_with_content(peer: Peer) -> None:
    await peer.request()
    await peer.answer(status=b"204 No Content")


@hostile(status=200, body=ANSWER)
async def answers_before_it_was_asked(peer: Peer) -> None:
    await peer.answer()
    await peer.request()


@hostile(status=200, body=ANSWER)
async def escapes_in_headers(peer: Peer) -> None:
    await peer.request()
    await peer.answer(ANSWER, b"X-Latin: \xe9\xff", b"Server: [31m]0;pwned")


# --- redirects -------------------------------------------------------------------------------------


@hostile(status=302)
async def redirects_to_itself(peer: Peer) -> None:
    head = await peer.request()
    await peer.answer(b"", b"Location: " + head.split(b" ")[1], status=b"302 Found")


@hostile(status=307)
async def redirects_elsewhere(peer: Peer) -> None:
    await peer.request()
    await peer.answer(b"", b"Location: http://127.0.0.1:9/elsewhere", status=b"307 Temporary Redirect")


# --- JSON that is not meant to be read -------------------------------------------------------------

BODIES = {
    "deep": b"[" * 200_000,
    "huge-number": b"9" * 200_000,
    "nan": b'{"candidates":[{"index":NaN}]}',
    "doubled": b'{"candidates":[],"candidates":{}}',
    "lone-surrogates": b'{"candidates":[{"content":{"parts":[{"text":"\\ud800"}]}}]}',
    "nul": b'{"text":"\x00"}\x00',
    "scalar": b"7",
    "terminal-escapes": b'{"error":{"message":"\x1b[2J\x1b]0;pwned\x07\x9b31m"}}',
    "not-utf-8": b'{"text":"\xff\xfe"}',
    "utf-16": '{"text":"x"}'.encode("utf-16"),
    "line-separators": '{"text":"\u2028\u2029\u0085"}'.encode(),
    "wrong-types": b'{"candidates":{"content":[7],"finishReason":{}},"usageMetadata":"x"}',
}


def _saying(name: str, body: bytes) -> Hostile:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(body)

    return Hostile(f"json-{name}", script, status=200, body=body)


HOSTILES.extend(_saying(name, body) for name, body in BODIES.items())
