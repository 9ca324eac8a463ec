"""Sends one question to one vendor and returns what came back; a failure to answer is a result too.

This is the only module that uses httpx. One connection per question: an answer that is longer than it says, or two answers
where one was asked for, cannot become the answer to the next question.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import logging
import socket
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from conformance import __version__
from conformance.asking.addressing import AddressedRequest, address_question
from conformance.asking.attempts import Attempt
from conformance.config.addresses import is_loopback
from conformance.keys.masking import mask_exchange
from conformance.keys.secrets import Key, Keyring, read_header_secrets
from conformance.model import Exchange, Failure, Limits, Piece, Provider
from conformance.wire.encoding import list_codings, looks_compressed

USER_AGENT = f"gemini-conformance/{__version__}"
CONNECT_WITHIN = 20.0  # seconds; a host that does not take a connection in this time is down
LATE = 0.1  # seconds; a timer that fires later than this was delayed by the checker's own work
MOST_SPARED = 5.0  # the most seconds by which the deadlines of one exchange move for that reason
LONG = (
    1024 * 1024
)  # bytes; longer bodies are searched for keys in a thread, so that the other questions do not wait


@functools.lru_cache(maxsize=64)
def make_tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Return the TLS settings that all providers with the same `ca_file` share: making them costs 20 ms."""
    return (
        ssl.create_default_context(cafile=ca_file) if ca_file else httpx.create_ssl_context(trust_env=False)
    )


def find_proxy(provider: Provider) -> str | None:
    """Return the provider's own proxy, else the environment's; None for loopback and for hosts that NO_PROXY names."""
    if provider.proxy or is_loopback(provider.base_url):
        return provider.proxy
    scheme, _, rest = provider.base_url.partition("://")
    host = rest.partition("/")[0]
    if urllib.request.proxy_bypass(host):
        return None
    found = urllib.request.getproxies()
    proxy = found.get(scheme) or found.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


class _BoundError(Exception):
    """A limit was exceeded while the body was read."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass
class _PartialAnswer:
    """What has arrived so far; it is kept separate from the receiving code, so that a failure loses none of it."""

    began: float
    clock: Callable[[], float]
    status: int | None = None
    http_version: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    headers_ms: float | None = None
    pieces: list[Piece] = field(default_factory=list)
    length: int = 0

    def ms(self) -> float:
        """Milliseconds since the request began."""
        return round((self.clock() - self.began) * 1000, 3)

    def start(self, response: httpx.Response, limits: Limits) -> None:
        """Take status and headers. Raises _BoundError if the headers are too long."""
        self.headers_ms = self.ms()
        self.status = response.status_code
        self.http_version = response.http_version
        raw = response.headers.raw
        if sum(len(name) + len(value) + 4 for name, value in raw) > limits.header_bytes:
            detail = f"more than {limits.header_bytes} bytes of headers"
            raise _BoundError(Failure("headers-too-big", detail, "header_bytes"))
        self.headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)

    def take(self, data: bytes, limits: Limits) -> None:
        """Keep one piece. Raises _BoundError if there are too many pieces or bytes."""
        room = limits.body_bytes - self.length
        if data:
            self.pieces.append(Piece(self.ms(), data[:room]))
            self.length += len(data)
        if len(data) > room:
            raise _BoundError(Failure("too-big", f"more than {limits.body_bytes} bytes", "body_bytes"))
        if len(self.pieces) >= limits.chunks:
            raise _BoundError(Failure("too-many-chunks", f"more than {limits.chunks} pieces", "chunks"))


@dataclass
class _Deadline:
    """A deadline that moves: first for the whole exchange, then for the first byte, then for each next piece."""

    scope: asyncio.Timeout
    ends: float
    loop: asyncio.AbstractEventLoop
    bound: str = "timeout"
    seconds: float = 0.0
    _spare: float = MOST_SPARED
    _timer: asyncio.TimerHandle | None = None

    def wait(self, bound: str, seconds: float) -> None:
        """Wait no longer than `seconds` for what comes next, and never past the end of the whole exchange."""
        when = self.loop.time() + seconds
        self.bound, self.seconds = (bound, seconds) if when < self.ends else ("timeout", self.seconds)
        self._set_timer(min(when, self.ends))

    def _set_timer(self, when: float) -> None:
        self.stop()
        when = max(when, self.loop.time())
        self._timer = self.loop.call_at(when, self._pass, when)

    def _pass(self, when: float) -> None:
        """End the waiting, but add the time in which the checker itself was busy, because the vendor was not silent then."""
        late = min(self.loop.time() - when, self._spare)
        if late > LATE:
            self._spare -= late
            self._set_timer(self.loop.time() + late)
        else:
            self.scope.reschedule(self.loop.time())

    def stop(self) -> None:
        """Stop all deadlines."""
        if self._timer is not None:
            self._timer.cancel()

    def failure(self, total: float) -> Failure:
        """Return which of the deadlines passed, as a failure."""
        kinds = {
            "first_byte": ("first-byte", f"no answer within {self.seconds:g} s of the request"),
            "silence": ("silence", f"silent for {self.seconds:g} s within the body"),
        }
        kind, detail = kinds.get(self.bound, ("timeout", f"not finished after {total:g} s"))
        return Failure(kind, detail, self.bound)


@dataclass
class Sender:
    """Asks one provider. An async context manager; `ask` never raises for what a vendor does."""

    provider: Provider
    key: Key | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter
    _transport: httpx.AsyncHTTPTransport | None = None
    _broken: str = ""

    async def __aenter__(self) -> Self:
        _silence_client_logs()
        try:
            self._transport = self._open_transport()
        except (OSError, ssl.SSLError) as error:
            self._broken = f"ca_file {self.provider.ca_file}: {error.strerror or type(error).__name__}"
        except (ValueError, ImportError, httpx.InvalidURL):
            self._broken = "the proxy's address is not http://host:port or https://host:port"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            await self._transport.aclose()

    @property
    def keyring(self) -> Keyring:
        """The keys that must be masked in this provider's answers."""
        return Keyring.from_keys((self.key, *read_header_secrets(self.provider, self.environ)))

    def _open_transport(self) -> httpx.AsyncHTTPTransport:
        """Open only the transport, without cookies, redirects, .netrc or the logging of addresses."""
        return httpx.AsyncHTTPTransport(
            verify=make_tls_context(self.provider.ca_file),
            trust_env=False,
            proxy=find_proxy(self.provider),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def ask(self, attempt: Attempt) -> Exchange:
        """Send a question once and return everything that came back, keys masked. Raises only CancelledError."""
        question = attempt.question
        addressed = address_question(self.provider, self.key, question, self.environ, USER_AGENT)
        answer = _PartialAnswer(self.clock(), self.clock)
        started = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        failure = await self._send(addressed, answer)
        exchange = Exchange(
            provider=self.provider.name,
            probe=attempt.probe,
            attempt=attempt.number,
            request=addressed.request,
            expected=question.expected,
            status=answer.status,
            http_version=answer.http_version,
            headers=answer.headers,
            pieces=tuple(answer.pieces),
            failure=failure,
            started_at=started,
            headers_ms=answer.headers_ms,
            ended_ms=answer.ms(),
            first=attempt.first,
            retry=attempt.retry,
            generated=attempt.generated,
        )
        answer.pieces.clear()
        if _is_slow_to_mask(exchange):
            return await asyncio.to_thread(mask_exchange, exchange, self.keyring, self.provider.limits)
        return mask_exchange(exchange, self.keyring, self.provider.limits)

    async def _send(self, addressed: AddressedRequest, answer: _PartialAnswer) -> Failure | None:
        """Send a request and receive its answer; return how that failed, or None."""
        if addressed.refused or self._transport is None:
            return Failure("refused-by-checker", addressed.refused or self._broken)
        loop = asyncio.get_running_loop()
        ends = loop.time() + self.provider.timeout
        deadline = None
        try:
            async with asyncio.timeout(None) as scope:
                deadline = _Deadline(scope, ends, loop)
                deadline.wait("timeout", self.provider.timeout)
                await self._receive(self._transport, addressed, answer, deadline)
        except TimeoutError:
            return deadline.failure(self.provider.timeout) if deadline else None
        except _BoundError as bound:
            return bound.failure
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            return explain_exception(error)
        finally:
            if deadline is not None:
                deadline.stop()
        return None

    async def _receive(
        self,
        transport: httpx.AsyncHTTPTransport,
        addressed: AddressedRequest,
        answer: _PartialAnswer,
        deadline: _Deadline,
    ) -> None:
        limits = self.provider.limits

        async def trace(event: str, _: Mapping[str, Any]) -> None:
            if event == "http11.send_request_body.complete":
                deadline.wait("first_byte", limits.first_byte)

        timeout = httpx.Timeout(None, connect=min(CONNECT_WITHIN, self.provider.timeout)).as_dict()
        request = httpx.Request(
            addressed.request.verb,
            addressed.url,
            headers=addressed.headers,
            content=addressed.request.body or None,
            extensions={"timeout": timeout, "trace": trace},
        )
        response = await transport.handle_async_request(request)
        try:
            answer.start(response, limits)
            async for data in _limit_silence(response.aiter_raw(), deadline, limits.silence):
                answer.take(data, limits)
        finally:
            await response.aclose()


def _is_slow_to_mask(exchange: Exchange) -> bool:
    """Return whether looking for keys may take long: the body is long, or compressed."""
    packed = list_codings(exchange) or looks_compressed(exchange.pieces)
    return bool(packed) or sum(len(piece.data) for piece in exchange.pieces) > LONG


async def _limit_silence(
    pieces: AsyncIterator[bytes], deadline: _Deadline, silence: float
) -> AsyncIterator[bytes]:
    deadline.wait("silence", silence)
    async for data in pieces:
        yield data
        deadline.wait("silence", silence)


def explain_exception(error: Exception) -> Failure:
    """Return an exception of the HTTP library as a failure in our words: its own may repeat what it was given."""
    text = str(error)
    cause = _find_cause(error, ssl.SSLError)
    if isinstance(cause, ssl.SSLError):
        reason = getattr(cause, "verify_message", "") or cause.reason or "no reason given"
        return Failure("tls", f"TLS failed: {reason}")
    if isinstance(error, httpx.ConnectError) and (reason := _explain_no_connection(error)):
        return Failure("connect", f"no connection: {reason}")
    for kinds, words, kind, detail in _MEANINGS:
        if isinstance(error, kinds) and words in text:
            return Failure(kind, detail.format(text=text))
    return Failure("protocol", f"{type(error).__name__}")


def _explain_no_connection(error: Exception) -> str:
    """Return why there is no connection, if the system's error says more than that all attempts failed."""
    if _find_cause(error, ConnectionRefusedError):
        return "refused"
    return "the host's name is unknown" if _find_cause(error, socket.gaierror) else ""


_MEANINGS: tuple[tuple[type[Exception], str, str, str], ...] = (
    (httpx.ConnectTimeout, "", "connect", "no connection in time"),
    (httpx.ProxyError, "", "connect", "the proxy refused: {text}"),
    (httpx.ConnectError, "", "connect", "no connection: {text}"),
    (httpx.RemoteProtocolError, "without sending a response", "reset", "closed without an answer"),
    (httpx.RemoteProtocolError, "without sending complete", "reset", "closed within the body: {text}"),
    (httpx.RemoteProtocolError, "too long", "headers-too-big", "headers or chunk heads too long"),
    (httpx.RemoteProtocolError, "", "protocol", "not valid HTTP: {text}"),
    (httpx.NetworkError, "", "reset", "the connection broke"),
    (httpx.LocalProtocolError, "", "refused-by-checker", "the request cannot be sent: a header is not valid"),
    (httpx.InvalidURL, "", "refused-by-checker", "the address cannot be used"),
    (OSError, "", "reset", "the connection broke"),
)


def _find_cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None or isinstance(seen, kind):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _silence_client_logs() -> None:
    """Keep the HTTP library from logging addresses: at INFO it writes ?key= into whatever collects logs."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
