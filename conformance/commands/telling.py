"""The commands that tell without judging: doctor, plan, docs, list, explain, lint, serve, init, clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from conformance import catalogue
from conformance.asking.send import Sender
from conformance.bases import BASES
from conformance.catalogue import PROBES, RULES
from conformance.clients import ALL_CLIENTS, BadCaptureError, report_lines
from conformance.commands.terminal import plain, say_where_from, write
from conformance.config.providers import ProvidersError, init_text, load_providers
from conformance.dialects.dialect import DialectError, bundled, load_dialect
from conformance.dialects.lint import lint
from conformance.dialects.sidebyside import as_json, as_markdown, as_text, side_by_side
from conformance.embedded import serve
from conformance.embedded.families import FAMILIES, find_family
from conformance.files import schemas_folder
from conformance.judging.expectations import MET, obedience
from conformance.reading.reply import Reply, read
from conformance.recording.record import LONGEST_LINE
from conformance.running import planning
from conformance.running.session import (
    Chosen,
    Options,
    Session,
    UsageError,
    check_providers,
    embedded_servers,
    prepare,
)


def _print(*lines: str) -> None:
    for line in lines:
        write(
            sys.stdout,
            plain(line) if line.isprintable() else "\n".join(plain(one) for one in line.split("\n")),
        )


def _session(words: Namespace) -> Session:
    examples = vars(words).get("max_examples")
    return prepare(
        Options(providers=tuple(words.provider), config=words.config, max_examples=examples), os.environ
    )


def plan(words: Namespace) -> int:
    """Say what a run would send and cost at most."""
    # A missing key is part of what a plan says, so -p must not end it.
    session = prepare(Options(config=words.config, max_examples=words.max_examples), os.environ)
    check_providers(words.provider, session.loaded)
    say_where_from(session)
    several = planning.estimates(session)
    _print(
        *planning.lines([one for one in several if not words.provider or one.provider.name in words.provider])
    )
    return 0


def doctor(words: Namespace) -> int:
    """Ask each provider one cheap question, and say what to mend."""
    session = _session(words)
    say_where_from(session)
    number = len(session.loaded.providers)
    _print(f"{session.loaded.source}: {number} provider{'' if number == 1 else 's'}, no fault")
    with embedded_servers(session.chosen) as started:
        replies = asyncio.run(_ask_each(started))
    for one, reply in zip(started, replies, strict=True):
        _print(f"{one.provider.name}: {_diagnosis(reply)}")
    for left in session.left:
        _print(f"{left.provider.name}: not asked: {left.reason}")
    return 0 if replies and all(reply.ok for reply in replies) else 3


async def _ask_each(chosen: list[Chosen]) -> list[Reply]:
    return list(await asyncio.gather(*(_ask(one) for one in chosen)))


async def _ask(one: Chosen) -> Reply:
    question = PROBES["plain"].build(catalogue.Asking(one.provider.model, "0d0c"))
    if isinstance(question, catalogue.Unaskable):
        raise UsageError(question.reason)
    async with Sender(one.provider, one.key, os.environ) as sender:
        return read(await sender.ask("plain", 1, question), one.provider.limits)


_HINTS = {
    400: "the request is refused: is the model right, and does the vendor want another form?",
    401: "the key is refused: is it right, and is `auth` the way this vendor takes it?",
    402: "the account has no credit",
    403: "the key is refused, or may not use this model",
    404: "not found: is base_url what stands before /v1beta, and does the vendor serve this model?",
    429: "the quota is used up; try later",
}


def _diagnosis(reply: Reply) -> str:
    failure = reply.exchange.failure or reply.decoded.failure
    if failure is not None:
        return f"no answer that can be read: {failure.kind}: {failure.detail}"
    if reply.ok:
        obeys = "and obeys" if obedience(reply).verdict == MET else "but does not follow a plain instruction"
        return f"answers (HTTP {reply.status}, {reply.exchange.ended_ms:.0f} ms) {obeys}"
    said = reply.error.message[:160] if reply.error else f"the body is {reply.kind.value}"
    hint = _HINTS.get(reply.status, "base_url?" if reply.kind.value == "html" else "")
    return f"HTTP {reply.status}: {said}" + (f" ({hint})" if hint else "")


def docs(words: Namespace) -> int:
    """Print the documents side by side; no request is sent."""
    both = side_by_side([load_dialect(name) for name in bundled()])
    write(sys.stdout, {"text": as_text, "markdown": as_markdown, "json": as_json}[words.format](both))
    return 0


def list_(words: Namespace) -> int:
    """Print what there is of one kind, a line each."""
    catalogue.load()
    _print(*_LISTS[words.what](words))
    return 0


def _rules(_words: Namespace) -> Iterator[str]:
    for rule in sorted(RULES.values(), key=lambda rule: rule.id):
        yield f"{rule.id:<58} {rule.level.value:<7} {rule.title}"


def _probes(_words: Namespace) -> Iterator[str]:
    for probe in PROBES.values():
        yield f"{probe.id:<36} {probe.title}"


def _providers(words: Namespace) -> Iterator[str]:
    try:
        loaded = load_providers(words.config, dialects=bundled())
    except ProvidersError as fault:
        raise UsageError(*fault.faults) from fault
    for provider in loaded.providers:
        where = "embedded" if provider.embedded else provider.base_url
        yield f"{provider.name:<24} {provider.dialect:<14} {provider.model:<24} {where}"


def _clients(_words: Namespace) -> Iterator[str]:
    yield from (f"{client.slug:<28} {client.name}" for client in ALL_CLIENTS.values())


def _dialects(_words: Namespace) -> Iterator[str]:
    for name in bundled():
        dialect = load_dialect(name)
        yield f"{name:<14} {dialect.title:<22} {len(dialect.fields):>3} fields, {len(dialect.remarks)} remarks"


_LISTS = {
    "rules": _rules,
    "probes": _probes,
    "providers": _providers,
    "clients": _clients,
    "dialects": _dialects,
}


def explain(words: Namespace) -> int:
    """Print what a rule means, whose word it is, whom it hurts, and the way round."""
    catalogue.load()
    rule = RULES.get(words.rule)
    if rule is None:
        raise UsageError(f"no rule is called {words.rule!r}{catalogue.nearest(words.rule, RULES)}")
    source = f"Source: {rule.source.document}, {rule.source.lines}: {rule.source.says}"
    rests = f"Rests on: {BASES[rule.id].words}"
    asked = f"Asked by: {', '.join(rule.probes) or 'every question'}"
    _print(f"{rule.id} ({rule.level.value})", "", rule.text(), "", source, "", rests, "", asked)
    return 0


def lint_(words: Namespace) -> int:
    """Check a dialect of the user's own; a line per fault."""
    if not words.folder.is_dir():
        raise UsageError(f"{words.folder}: no such folder; docs/dialects.md tells how to write a dialect")
    faults = lint(words.folder)
    _print(*faults)
    if not faults:
        _print(f"{words.folder}: sound")
    return int(bool(faults))


def serve_(words: Namespace) -> int:
    """Run a bundled server until interrupted."""
    try:
        serve(load_dialect(words.dialect), words.port, _model(words.model))
    except DialectError as error:
        raise UsageError(*error.args) from error
    except OSError as error:
        raise UsageError(f"port {words.port}: {error.strerror}; choose another with --port") from error
    except KeyboardInterrupt:
        return 0
    return 0


def _model(name: str | None) -> str | None:
    """Return a model's name in full; `2.5-flash` will do for gemini-2.5-flash. Raises UsageError for no known family."""
    if name is None:
        return None
    full = f"gemini-{name}" if name[:1].isdigit() else name
    if find_family(full) is None:
        known = ", ".join(prefix for family in FAMILIES for prefix in family.prefixes)
        raise UsageError(
            f"--model {name}: no family of models is known by this name; give one that begins with {known}"
        )
    return full


def init(_words: Namespace) -> int:
    """Write a commented providers.yaml into the working folder."""
    target = Path("providers.yaml")
    schema = (schemas_folder() / "providers.schema.json").as_uri()
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(init_text(schema))
    except FileExistsError as error:
        raise UsageError(f"{target}: is there already; remove it, or edit it") from error
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error
    _print(f"{target}: written; fill it in, then run: conformance doctor")
    return 0


@contextlib.contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input where it is called `-`."""
    if name == "-":
        yield sys.stdin.buffer
        return
    path = Path(name)
    if path.exists() and not path.is_file():  # before it is opened: a pipe would wait for ever
        raise BadCaptureError("is not a plain file; - reads standard input")
    with path.open("rb") as file:
        yield file


def _bounded(file: BinaryIO) -> Iterator[str]:
    """Yield lines; one that no memory should hold is a fault."""
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise BadCaptureError(f"{number}: longer than {LONGEST_LINE} bytes")
        yield line.decode("utf-8", "surrogateescape")


def clients(words: Namespace) -> int:
    """Print what each client makes of captured responses, a JSON line per line and client."""
    try:
        with _opened(words.file) as file:
            for entry in report_lines(_bounded(file)):
                sys.stdout.write(json.dumps(entry) + "\n")
    except OSError as error:
        raise UsageError(f"{words.file}: {error.strerror}") from error
    except BadCaptureError as error:
        raise UsageError(f"{words.file}: {error}") from error
    return 0


__all__ = [
    "clients", "docs", "doctor", "explain", "init", "lint_", "list_", "plan", "serve_",
]  # fmt: skip
