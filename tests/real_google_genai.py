"""google-genai itself, asked about recorded bytes: the oracle of its model.

The bytes are served once, on loopback, to the library's own transport, so that nothing of its reading is replaced.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from http import HTTPStatus
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from conformance.clients.captured_response import CapturedResponse
from conformance.clients.client_view import ClientView, Raised, ResponseView, call_once, iterate_stream

_PAUSE = 0.05  # seconds between pieces: long enough for the reader to take each by itself


def find_version() -> str | None:
    """Return the version of google-genai that is installed, or None."""
    try:
        found = importlib.util.find_spec("google.genai")
    except ModuleNotFoundError:
        return None
    return version("google-genai") if found else None


def ask_library(captured: CapturedResponse) -> ClientView:
    """Return what the installed google-genai shows its caller of this response."""
    name = f"google-genai {find_version()} (Python)"
    with _serve_on_loopback(captured) as address, _silence_library():
        client = _make_client(address)  # held by name: it closes itself once nobody holds it
        if captured.streamed:
            return iterate_stream(name, _read_stream(client.models))
        return call_once(name, lambda: _read_unary(client.models))


def _make_client(address: str) -> Any:
    from google import genai  # noqa: PLC0415 - heavy (a second) and optional

    plain = {"verify": False}  # plain HTTP on loopback: a TLS context would only cost time
    options: Any = {
        "base_url": address,
        "api_version": "v1beta",
        "client_args": plain,
        "async_client_args": plain,
    }
    return genai.Client(api_key="not-a-key", vertexai=False, http_options=options)


def _read_unary(models: Any) -> ResponseView:
    try:
        return _view_answer(models.generate_content(model="m", contents="x"), "NOCAND")
    except Exception as fault:  # noqa: BLE001 - whatever it raises is what is asked for
        raise Raised(f"{type(fault).__name__}: {fault}") from None


def _read_stream(models: Any) -> Iterator[ResponseView]:
    try:
        for chunk in models.generate_content_stream(model="m", contents="x"):
            yield _view_answer(chunk, None)
    except Exception as fault:  # noqa: BLE001 - as above
        raise Raised(f"{type(fault).__name__}: {fault}") from None


def _view_answer(answer: Any, no_candidate: str | None) -> ResponseView:
    reason = answer.candidates[0].finish_reason if answer.candidates else no_candidate
    usage = answer.usage_metadata
    missing = reason is None and no_candidate is None
    return ResponseView(
        text=answer.text or "",
        finish_reason=None if missing else str(reason),
        total_tokens=usage.total_token_count if usage else None,
        calls=len(answer.function_calls or ()),
    )


@contextlib.contextmanager
def _silence_library() -> Iterator[None]:
    """Keep the library's warnings about odd answers from the user: the answer says it all."""
    logger = logging.getLogger("google_genai")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _serve_on_loopback(captured: CapturedResponse) -> Iterator[str]:
    """Serve the response once on loopback; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=_serve_once, args=(server, captured), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join(timeout=10)


def _serve_once(server: socket.socket, captured: CapturedResponse) -> None:
    with contextlib.suppress(OSError):
        connection, _ = server.accept()
        with connection:
            connection.settimeout(10)
            _read_request(connection)
            connection.sendall(_write_head(captured))
            ends = (0, *captured.written_at, len(captured.body))
            for start, end in pairwise(ends):
                connection.sendall(captured.body[start:end])
                time.sleep(_PAUSE if captured.written_at else 0)


def _read_request(connection: socket.socket) -> None:
    """Read the whole request: closing before would reset the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    missing = (int(lengths[0]) if lengths else 0) - len(body)
    while missing > 0:
        missing -= len(_receive(connection))


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


def _write_head(captured: CapturedResponse) -> bytes:
    status = captured.status or 200
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        f"Content-Type: {captured.content_type or 'application/octet-stream'}",
    ]
    if captured.headers.get("content-encoding"):
        lines.append(f"Content-Encoding: {captured.headers['content-encoding']}")
    lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
