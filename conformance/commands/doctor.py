"""The command `doctor`: one cheap request per provider, and where it fails what to change in providers.yaml."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

from conformance import catalogue
from conformance.asking.attempts import Attempt
from conformance.asking.send import Sender
from conformance.catalogue import PROBES
from conformance.commands.terminal import escape_controls, warn_of_bundled_file, write_line
from conformance.judging.expectations import obeys
from conformance.model import Auth, Failure, Question
from conformance.reading.reply import Reply, ReplyKind, read
from conformance.running.gather import embedded_servers
from conformance.running.session import RunOptions, SelectedProvider, Session, UsageError, prepare_session

_HINTS = {
    400: "the request is refused: is the model right, and does the vendor want another form?",
    402: "the account has no credit",
    404: "not found: is base_url what stands before /v1beta, and does the vendor serve this model?",
    429: "the quota is used up; try later",
}
_WITHIN = 5.0  # seconds to find out whether a port speaks plain http
_OPENAI_MODELS = Question(method="", verb="GET", path="/v1/models", key=Auth.BEARER.value)


@dataclass(frozen=True)
class Diagnosis:
    """How one provider answered; `accepted` are the other ways of carrying the key that it took."""

    provider: str
    ok: bool
    message: str
    accepted: tuple[str, ...] = ()


def doctor(words: Namespace) -> int:
    """Ask each provider one cheap question, and say what to mend. Return 0 where every one of them answers."""
    session = prepare_session(RunOptions(providers=tuple(words.provider), config=words.config), os.environ)
    warn_of_bundled_file(session)
    with embedded_servers(session.selected) as started:
        found = asyncio.run(_examine_all(started))
    left = [
        Diagnosis(one.provider.name, ok=False, message=f"not asked: {one.reason}") for one in session.skipped
    ]
    if words.format == "json":
        source = str(session.loaded.source)
        write_line(
            sys.stdout,
            json.dumps({"source": source, "providers": [asdict(one) for one in (*found, *left)]}, indent=2),
        )
    else:
        _print(session, [*found, *left])
    wanting = [one for one in session.skipped if not (session.loaded.bundled or one.provider.optional)]
    return 0 if found and all(one.ok for one in found) and not wanting else 3


def _print(session: Session, found: Sequence[Diagnosis]) -> None:
    number = len(session.loaded.providers)
    write_line(
        sys.stdout,
        escape_controls(f"{session.loaded.source}: {number} provider{'' if number == 1 else 's'}, no fault"),
    )
    for one in found:
        write_line(sys.stdout, escape_controls(f"{one.provider}: {one.message}"))


async def _examine_all(chosen: Sequence[SelectedProvider]) -> list[Diagnosis]:
    return list(await asyncio.gather(*(_examine(one) for one in chosen)))


async def _examine(one: SelectedProvider) -> Diagnosis:
    question = PROBES["plain"].build(catalogue.ProbeContext(one.provider.model, "0d0c"))
    if isinstance(question, catalogue.Unaskable):
        raise UsageError(question.reason)
    async with Sender(one.provider, one.key, os.environ) as sender:
        first = await _ask(sender, question)
        if first.ok:
            return Diagnosis(one.provider.name, ok=True, message=_describe_answer(first))
        if _has_failed(first):
            return await asyncio.to_thread(_describe_failure, one, first)
        if _is_key_refused(first):
            return await _explain_refused_key(one, sender, question, first)
        return await _explain_refusal(one, sender, first)


async def _ask(sender: Sender, question: Question) -> Reply:
    return read(await sender.ask(Attempt("plain", 1, question)), sender.provider.limits)


def _has_failed(reply: Reply) -> bool:
    return (reply.exchange.failure or reply.decoded.failure) is not None


def _is_key_refused(reply: Reply) -> bool:
    said = reply.error.message.lower() if reply.error else ""
    return reply.status in (401, 403) or (reply.status == 400 and "api key" in said)


def _describe_answer(reply: Reply) -> str:
    follows = obeys(reply)
    manner = "and follows a simple instruction" if follows else "but does not follow a simple instruction"
    return f"answers (HTTP {reply.status}, {reply.exchange.ended_ms:.0f} ms) {manner}"


def _describe_refusal(reply: Reply) -> str:
    said = reply.error.message[:160] if reply.error else f"the body is {reply.kind.value}"
    return f"HTTP {reply.status}: {said}"


# --- no answer ----------------------------------------------------------------------------------------


def _describe_failure(one: SelectedProvider, reply: Reply) -> Diagnosis:
    failure = reply.exchange.failure or reply.decoded.failure
    assert failure is not None  # noqa: S101 - the caller looked
    return Diagnosis(one.provider.name, ok=False, message=_failure_message(one.provider.base_url, failure))


def _failure_message(base_url: str, failure: Failure) -> str:
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if failure.kind == "connect":
        return f"cannot connect to {where}: {failure.detail.removeprefix('no connection: ')}"
    if failure.kind == "tls" and _speaks_plain_http(host, port):
        return f"{where} speaks plain http; is base_url http://?"
    return f"no readable answer: {failure.kind}: {failure.detail}"


def _speaks_plain_http(host: str, port: int) -> bool:
    """Return whether a port answers an unencrypted request; it is sent no key."""
    try:
        with socket.create_connection((host, port), _WITHIN) as connection:
            connection.settimeout(_WITHIN)
            connection.sendall(
                f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("ascii", "replace")
            )
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


# --- a key that is refused ----------------------------------------------------------------------------


async def _explain_refused_key(
    one: SelectedProvider, sender: Sender, question: Question, first: Reply
) -> Diagnosis:
    said = _describe_refusal(first)
    if one.key is None:
        hint = "no key was sent: name the variable that holds it in key_env"
        return Diagnosis(one.provider.name, ok=False, message=f"{said} ({hint})")
    others = [way.value for way in Auth if way is not one.provider.auth]
    replies = {way: await _ask(sender, replace(question, key=way)) for way in others}
    accepted = tuple(way for way, reply in replies.items() if reply.ok)
    if not accepted and await _speaks_openai(sender, first):
        return _openai(one, first)
    hint = _hint_on_ways(one.provider.auth, accepted)
    return Diagnosis(one.provider.name, ok=False, message=f"{said} ({hint})", accepted=accepted)


def _hint_on_ways(configured: Auth, accepted: Sequence[str]) -> str:
    if not accepted:
        return "the key is refused however it is carried: is it right, and may it use this model?"
    return f"sent as {configured.value} the key is refused, sent as {' and as '.join(accepted)} it is accepted: write auth: {accepted[0]}"


# --- another refusal ----------------------------------------------------------------------------------


async def _explain_refusal(one: SelectedProvider, sender: Sender, first: Reply) -> Diagnosis:
    if await _speaks_openai(sender, first):
        return _openai(one, first)
    hint = _HINTS.get(first.status, "base_url?" if first.kind is ReplyKind.HTML else "")
    said = _describe_refusal(first)
    return Diagnosis(one.provider.name, ok=False, message=said + (f" ({hint})" if hint else ""))


def _openai(one: SelectedProvider, first: Reply) -> Diagnosis:
    hint = "this server speaks OpenAI's API: does the vendor offer Gemini's, perhaps under another base_url?"
    return Diagnosis(one.provider.name, ok=False, message=f"{_describe_refusal(first)} ({hint})")


async def _speaks_openai(sender: Sender, first: Reply) -> bool:
    """Return whether the answer, or else the list of models at OpenAI's place, has OpenAI's form."""
    if any(_is_openai(value) for value in _values(first)):
        return True
    return any(_is_openai(value) for value in _values(await _ask(sender, _OPENAI_MODELS)))


def _values(reply: Reply) -> Iterator[object]:
    yield from (chunk.raw for chunk in reply.chunks)


def _is_openai(value: object) -> bool:
    return isinstance(value, dict) and (
        (value.get("object") == "list" and isinstance(value.get("data"), list))
        or (str(value.get("object")).startswith("chat.completion") and isinstance(value.get("choices"), list))
    )
