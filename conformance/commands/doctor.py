"""The command `doctor`: one cheap request per provider, and where it fails what to change in providers.yaml."""

from __future__ import annotations

import asyncio
import os
import socket
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

from conformance.asking.attempts import Attempt
from conformance.asking.send import Sender
from conformance.catalogue import PROBES, ProbeContext, Unaskable
from conformance.commands.streams import print_json, print_lines
from conformance.commands.terminal import warn_of_bundled_file
from conformance.judging.expectations import obeys
from conformance.model import Auth, Failure, Question
from conformance.phrases import count_noun
from conformance.reading.reply import Reply, ReplyKind, read
from conformance.replies import CONTROL
from conformance.running.gather import embedded_servers
from conformance.running.session import RunOptions, SelectedProvider, UsageError, prepare_session

_HINTS = {
    400: "the request is refused: is the model's name right, and does the vendor expect another form of request?",
    402: "the account has no credit",
    404: "not found: is base_url the part of the address before /v1beta, and does the vendor serve this model?",
    429: "the quota is used up; try later",
}
_OPENAI_HINT = (
    "this server speaks OpenAI's API: does the vendor offer Gemini's, perhaps under another base_url?"
)
_WITHIN = 5.0  # seconds to find out whether a port speaks plain http
_OPENAI_MODELS = Question(method="", verb="GET", path="/v1/models", key=Auth.BEARER.value)


@dataclass(frozen=True)
class Diagnosis:
    """How one provider answered; `accepted` are the other ways of carrying the key that it took."""

    provider: str
    ok: bool
    message: str
    accepted: tuple[str, ...] = ()


def doctor(args: Namespace) -> int:
    """Ask each provider one cheap question, and print what to change. Return 0 where every one of them answers."""
    session = prepare_session(RunOptions(providers=tuple(args.provider), config=args.config), os.environ)
    warn_of_bundled_file(session)
    with embedded_servers(session.selected) as started:
        found = asyncio.run(_examine_all(started))
    skipped = [
        Diagnosis(one.provider.name, ok=False, message=f"not asked: {one.reason}") for one in session.skipped
    ]
    source = str(session.loaded.source)
    if args.format == "json":
        print_json({"source": source, "providers": [asdict(one) for one in (*found, *skipped)]})
    else:
        print_lines(f"{source}: {count_noun(len(session.loaded.providers), 'provider')}, no fault")
        print_lines(*(f"{one.provider}: {one.message}" for one in (*found, *skipped)))
    wanting = [one for one in session.skipped if not (session.loaded.bundled or one.provider.optional)]
    return 0 if found and all(one.ok for one in found) and not wanting else 3


async def _examine_all(selected: Sequence[SelectedProvider]) -> list[Diagnosis]:
    return list(await asyncio.gather(*map(_examine, selected)))


async def _examine(one: SelectedProvider) -> Diagnosis:
    name = one.provider.name
    question = PROBES[CONTROL].build(ProbeContext(one.provider.model, "0d0c"))
    if isinstance(question, Unaskable):
        raise UsageError(question.reason)
    async with Sender(one.provider, one.key, os.environ) as sender:
        first = await _ask(sender, question)
        failure = first.exchange.failure or first.decoded.failure
        if first.ok:
            return Diagnosis(name, ok=True, message=_describe_answer(first))
        if failure is not None:
            message = await asyncio.to_thread(_describe_failure, one.provider.base_url, failure)
            return Diagnosis(name, ok=False, message=message)
        said, key_refused = _describe_refusal(first), _is_key_refused(first)
        accepted: tuple[str, ...] = ()
        if key_refused and one.key is None:
            hint = "no key was sent: name the variable that holds it in key_env"
            return Diagnosis(name, ok=False, message=f"{said} ({hint})")
        if key_refused:
            accepted = await _find_accepted_ways(one, sender, question)
        if not accepted and await _speaks_openai(sender, first):
            hint = _OPENAI_HINT
        elif key_refused:
            hint = _hint_on_ways(one.provider.auth, accepted)
        else:
            hint = _HINTS.get(first.status, "is base_url right?" if first.kind is ReplyKind.HTML else "")
    return Diagnosis(name, ok=False, message=said + (f" ({hint})" if hint else ""), accepted=accepted)


async def _ask(sender: Sender, question: Question) -> Reply:
    return read(await sender.ask(Attempt(CONTROL, 1, question)), sender.provider.limits)


def _describe_answer(reply: Reply) -> str:
    follows = obeys(reply)
    manner = "and follows a simple instruction" if follows else "but does not follow a simple instruction"
    return f"answers (HTTP {reply.status}, {reply.exchange.ended_ms:.0f} ms) {manner}"


def _describe_refusal(reply: Reply) -> str:
    said = reply.error.message[:160] if reply.error else f"the body is {reply.kind.value}"
    return f"HTTP {reply.status}: {said}"


def _describe_failure(base_url: str, failure: Failure) -> str:
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
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, port), _WITHIN) as connection:
            connection.settimeout(_WITHIN)
            connection.sendall(request.encode("ascii", "replace"))
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


def _is_key_refused(reply: Reply) -> bool:
    said = reply.error.message.lower() if reply.error else ""
    return reply.status in (401, 403) or (reply.status == 400 and "api key" in said)


async def _find_accepted_ways(one: SelectedProvider, sender: Sender, question: Question) -> tuple[str, ...]:
    """Return the other ways of carrying the key with which the question is answered."""
    others = [way.value for way in Auth if way is not one.provider.auth]
    replies = {way: await _ask(sender, replace(question, key=way)) for way in others}
    return tuple(way for way, reply in replies.items() if reply.ok)


def _hint_on_ways(configured: Auth, accepted: Sequence[str]) -> str:
    if not accepted:
        return "the key is refused however it is sent: is it the right key, and may it use this model?"
    ways = " and as ".join(accepted)
    refused = f"the key is refused when it is sent as {configured.value}"
    return f"{refused}, but accepted when it is sent as {ways}: write auth: {accepted[0]}"


async def _speaks_openai(sender: Sender, first: Reply) -> bool:
    """Return whether the answer, or else the list of models at OpenAI's place, has OpenAI's form."""
    return _is_openai(first) or _is_openai(await _ask(sender, _OPENAI_MODELS))


def _is_openai(reply: Reply) -> bool:
    for value in (chunk.raw for chunk in reply.chunks):
        if isinstance(value, dict):
            kind = value.get("object")
            completes = str(kind).startswith("chat.completion") and isinstance(value.get("choices"), list)
            if completes or (kind == "list" and isinstance(value.get("data"), list)):
                return True
    return False
