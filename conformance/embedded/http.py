"""A small HTTP/1.1 server on loopback: h11 for the protocol, one thread and one event loop for all servers of a run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from types import TracebackType
from typing import Self

import h11

from conformance.embedded.messages import BODY_LIMIT, Incoming, Outgoing

Application = Callable[[Incoming], Outgoing]
_READ = 65536
_HEADERS = 100 * 1024


def _read_incoming(event: h11.Request, body: bytes | None) -> Incoming:
    headers: dict[str, str] = {}
    for name, value in event.headers:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return Incoming(event.method.decode(), event.target.decode("latin-1"), headers, body or b"", body is None)


def _list_headers(answer: Outgoing) -> list[tuple[str, str]]:
    chunked = answer.streamed or answer.chunked
    extent = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(answer.body)))
    return [*answer.headers, extent, ("Date", formatdate(usegmt=True))]


class _Conversation:
    """One connection, which answers requests until either side closes it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, application: Application
    ) -> None:
        self._reader, self._writer, self._application = reader, writer, application
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEADERS)
        self._ready: list[bytes] = []

    async def run(self) -> None:
        """Answer until the connection ends; a protocol error of the client ends it too."""
        try:
            while await self._answer_request():
                self._http.start_next_cycle()
        except h11.RemoteProtocolError:
            await self._refuse_broken_request()
        except (ConnectionError, h11.LocalProtocolError):
            pass  # the client went away in the middle
        finally:
            self._writer.close()

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._queue_event(h11.InformationalResponse(status_code=100, headers=[]))
                await self._send_queued()
            self._http.receive_data(await self._reader.read(_READ))
        return event

    async def _answer_request(self) -> bool:
        """Answer one request. Returns whether the connection can take another."""
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return False
        incoming = _read_incoming(event, await self._read_body())
        answer = self._call_application(incoming)
        await self._send_answer(replace(answer, pieces=()) if incoming.verb == "HEAD" else answer)
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _read_body(self) -> bytes | None:
        """Return the body; None for one beyond the limit, which is read to its end so that the client gets the answer."""
        kept, size = [], 0
        while isinstance(event := await self._next_event(), h11.Data):
            size += len(event.data)
            if size <= BODY_LIMIT:
                kept.append(bytes(event.data))
        return b"".join(kept) if size <= BODY_LIMIT else None

    def _call_application(self, incoming: Incoming) -> Outgoing:
        try:
            return self._application(incoming)
        except Exception as fault:  # noqa: BLE001 - a fault of ours must be an answer too, not a hang
            name = type(fault).__name__
            return Outgoing(
                500, (("Content-Type", "text/plain"), ("X-Embedded-Fault", f"{name}: {fault}"[:200]))
            )

    async def _send_answer(self, answer: Outgoing) -> None:
        self._queue_event(h11.Response(status_code=answer.status, headers=_list_headers(answer)))
        for piece in answer.pieces:
            if piece.wait > 0:
                await self._send_queued()
                await asyncio.sleep(piece.wait)
            self._queue_event(h11.Data(data=piece.data))
            if answer.streamed:
                await self._send_queued()
        if answer.cut:
            await self._send_queued()
            raise ConnectionAbortedError
        self._queue_event(h11.EndOfMessage())
        await self._send_queued()

    def _queue_event(self, event: h11.Event) -> None:
        self._ready.append(self._http.send(event) or b"")

    async def _send_queued(self) -> None:
        """Send what is ready, in one write: a short answer is one packet."""
        self._writer.write(b"".join(self._ready))
        self._ready.clear()
        await self._writer.drain()

    async def _refuse_broken_request(self) -> None:
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            await self._send_answer(Outgoing(400, (("Content-Type", "text/plain"), ("Connection", "close"))))


class Host:
    """A context in which servers run: all of them in one background thread, stopped at its end."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run_loop, name="embedded", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def start(self, application: Application, port: int = 0) -> str:
        """Start one server on 127.0.0.1 and return its base URL, without a trailing slash.

        An application is anything that maps an `Incoming` to an `Outgoing`, a `Behaviour` for one. Raises OSError
        where the port is taken.
        """
        if self._loop is None:
            raise RuntimeError("a Host starts servers inside its `with` block only")
        return asyncio.run_coroutine_threadsafe(self._start_server(application, port), self._loop).result()

    def _run_loop(self) -> None:
        with asyncio.Runner() as runner:  # its end cancels what still runs
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._servers: list[asyncio.Server] = []
        self._talking: set[asyncio.Task[None]] = set()
        self._ready.set()
        await self._stop.wait()
        for server in self._servers:
            server.close()

    async def _start_server(self, application: Application, port: int) -> str:
        def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Our own task: the one that asyncio would make logs an error when it is cancelled at the end.
            task = asyncio.create_task(_Conversation(reader, writer, application).run())
            self._talking.add(task)
            task.add_done_callback(self._talking.discard)

        server = await asyncio.start_server(converse, "127.0.0.1", port, backlog=256)
        self._servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
