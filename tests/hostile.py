"""Tools for hostile servers on real sockets, and the description of how asking each of them must end."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

ANSWER = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"OK"}]},"finishReason":"STOP"}]}'
PAUSE = 0.03


@dataclass
class Peer:
    """One connection to the checker."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes = b""

    async def request(self) -> bytes:
        """Read the request's head and body, and return the head."""
        self.head = await self.reader.readuntil(b"\r\n\r\n")
        for line in self.head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                await self.reader.readexactly(int(line.partition(b":")[2]))
        return self.head

    async def say(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def answer(self, body: bytes = ANSWER, *headers: bytes, status: bytes = b"200 OK") -> None:
        lines = [b"HTTP/1.1 " + status, b"Content-Type: application/json", *headers]
        lines += (
            []
            if any(b"ength:" in h or b"hunked" in h for h in headers)
            else [b"Content-Length: %d" % len(body)]
        )
        await self.say(b"\r\n".join(lines), b"\r\n\r\n", body)

    async def chunked(self, *headers: bytes) -> None:
        await self.answer(b"", b"Transfer-Encoding: chunked", *headers)

    async def chunk(self, data: bytes) -> None:
        await self.say(b"%x\r\n" % len(data), data, b"\r\n")

    async def forever(self, data: bytes, pause: float = PAUSE) -> None:
        while True:
            await self.say(data)
            await asyncio.sleep(pause)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


@dataclass(frozen=True)
class Hostile:
    """A server and what must come of asking it: the failure of the exchange, or of decoding it; else none."""

    name: str
    script: Script
    failure: str | None = None
    bound: str | None = None
    decoding: str | None = None
    oddity: str | None = None
    status: int | None = None
    body: bytes | None = None  # where given, the decoded body must be this


HOSTILES: list[Hostile] = []


def hostile(
    failure: str | None = None,
    bound: str | None = None,
    *,
    decoding: str | None = None,
    oddity: str | None = None,
    status: int | None = None,
    body: bytes | None = None,
) -> Callable[[Script], Script]:
    def add(script: Script) -> Script:
        name = script.__name__.replace("_", "-")
        HOSTILES.append(Hostile(name, script, failure, bound, decoding, oddity, status, body))
        return script

    return add


async def honest(peer: Peer) -> None:
    """Answer rightly: the neighbour of the others, who must not notice them."""
    await peer.request()
    await peer.answer()


# --- serving ---------------------------------------------------------------------------------------


@dataclass
class Town:
    """Where every server listens, and how often each was asked."""

    ports: dict[str, int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    tasks: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def open(self, name: str, script: Script) -> asyncio.Server:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.asked[name] = self.asked.get(name, 0) + 1
            self.tasks.add(asyncio.current_task())  # asyncio itself keeps only a weak reference
            with suppress(
                OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError
            ):
                await script(Peer(reader, writer))
            with suppress(OSError):
                writer.close()
            self.tasks.discard(asyncio.current_task())

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.ports[name] = server.sockets[0].getsockname()[1]
        return server


@contextmanager
def serving(scripts: dict[str, Script]) -> Iterator[Town]:
    """Serve every script on a port of its own, in a thread with a loop of its own."""
    town, ready, done = Town(), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        servers = [await town.open(name, script) for name, script in scripts.items()]
        ready.set()
        await done.wait()
        for server in servers:
            server.close()
        running = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield town
    finally:
        loops[0].call_soon_threadsafe(done.set)
        thread.join(10)
