"""The commands that inform without judging: plan, docs, list, lint_folder, serve, init, clients."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from conformance import catalogue
from conformance.catalogue import PROBES, RULES
from conformance.clients import ALL_CLIENTS, BadCaptureError, describe_views
from conformance.commands.streams import is_lost
from conformance.commands.terminal import escape_controls, warn_of_bundled_file, write_line
from conformance.config.providers import ProvidersError, load_providers, write_initial_file
from conformance.dialects.dialect import DialectError, list_bundled_dialects, load_dialect
from conformance.dialects.lint import lint_folder
from conformance.dialects.side_by_side import compare_documents, render_json, render_markdown, render_text
from conformance.embedded import find_default_port, serve_forever
from conformance.embedded.families import FAMILIES, find_family
from conformance.files import find_schemas_folder
from conformance.model import JSON
from conformance.recording.record import LONGEST_LINE
from conformance.recording.writing import write_atomically
from conformance.running import planning
from conformance.running.session import RunOptions, UsageError, check_providers, prepare_session


def _print(*lines: str) -> None:
    for line in lines:
        write_line(
            sys.stdout,
            escape_controls(line)
            if line.isprintable()
            else "\n".join(escape_controls(one) for one in line.split("\n")),
        )


def _print_json(value: object) -> None:
    """Print JSON in ASCII: nothing in it can move a cursor or turn the writing direction."""
    write_line(sys.stdout, json.dumps(value, indent=2))


def plan(words: Namespace) -> int:
    """Say what a run would send and cost at most."""
    # A missing key is part of what a plan says, so -p must not end it.
    session = prepare_session(RunOptions(config=words.config, max_examples=words.max_examples), os.environ)
    check_providers(words.provider, session.loaded)
    named = [
        one
        for one in planning.estimate_session(session)
        if not words.provider or one.provider.name in words.provider
    ]
    warn_of_bundled_file(session)
    if words.format == "json":
        _print_json(planning.estimates_as_json(named))
    else:
        _print(*planning.format_estimates(named))
    return 0


def docs(words: Namespace) -> int:
    """Print the documents side by side; no request is sent."""
    both = compare_documents([load_dialect(name) for name in list_bundled_dialects()])
    write_line(
        sys.stdout,
        {"text": render_text, "markdown": render_markdown, "json": render_json}[words.format](both),
    )
    return 0


def list_catalogue(words: Namespace) -> int:
    """Print what there is of one kind: a line each, or a JSON array."""
    catalogue.load()
    entries = _ENTRIES[words.what](words)
    if words.format == "json":
        _print_json(entries)
    else:
        _print(*(_LINES[words.what].format(**entry) for entry in entries))
    return 0


Entries = list[dict[str, JSON]]


def _rules(_words: Namespace) -> Entries:
    return [
        {"id": rule.id, "level": rule.level.value, "dimension": rule.dimension.value, "title": rule.title}
        for rule in sorted(RULES.values(), key=lambda rule: rule.id)
    ]


def _probes(_words: Namespace) -> Entries:
    return [{"id": probe.id, "title": probe.title} for probe in PROBES.values()]


def _providers(words: Namespace) -> Entries:
    try:
        loaded = load_providers(words.config, dialects=list_bundled_dialects())
    except ProvidersError as fault:
        raise UsageError(*fault.faults) from fault
    return [
        {
            "name": one.name,
            "dialect": one.dialect,
            "model": one.model,
            "address": "embedded" if one.embedded else one.base_url,
        }
        for one in loaded.providers
    ]


def _clients(_words: Namespace) -> Entries:
    return [{"id": client.slug, "name": client.name} for client in ALL_CLIENTS.values()]


def _dialects(_words: Namespace) -> Entries:
    dialects = {name: load_dialect(name) for name in list_bundled_dialects()}
    return [
        {"name": name, "title": one.title, "fields": len(one.fields), "remarks": len(one.remarks)}
        for name, one in dialects.items()
    ]


_ENTRIES: Mapping[str, Callable[[Namespace], Entries]] = {
    "rules": _rules,
    "probes": _probes,
    "providers": _providers,
    "clients": _clients,
    "dialects": _dialects,
}
_LINES = {
    "rules": "{id:<58} {level:<7} {title}",
    "probes": "{id:<36} {title}",
    "providers": "{name:<24} {dialect:<14} {model:<24} {address}",
    "clients": "{id:<28} {name}",
    "dialects": "{name:<14} {title:<22} {fields:>3} fields, {remarks} remarks",
}


def lint_dialect(words: Namespace) -> int:
    """Check a dialect of the user's own; a line per fault."""
    if words.folder.is_file():
        raise UsageError(
            f"{words.folder}: is a file; name its folder: conformance lint {words.folder.parent}"
        )
    if not words.folder.is_dir():
        raise UsageError(f"{words.folder}: no such folder; docs/dialects.md tells how to write a dialect")
    faults = lint_folder(words.folder)
    _print(*faults)
    if not faults:
        _print(f"{words.folder}: sound")
    return int(bool(faults))


def serve_dialect(words: Namespace) -> int:
    """Run a bundled server until interrupted."""
    try:
        dialect, model = load_dialect(words.dialect), _model(words.model)
    except DialectError as error:
        raise UsageError(*error.args) from error
    port = find_default_port(dialect) if words.port is None else words.port
    try:
        serve_forever(dialect, port, model)
    except OSError as error:
        reason = (
            os.strerror(error.errno) if error.errno else str(error)
        )  # asyncio's own words repeat the port
        raise UsageError(f"port {port}: {reason}; choose another with --port") from error
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
            f"--model {name}: no known family of models has this name; give a name that begins with {known}"
        )
    return full


def init(_words: Namespace) -> int:
    """Write a commented providers.yaml into the working folder."""
    target = Path("providers.yaml")
    schema = (find_schemas_folder() / "providers.schema.json").as_uri()
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target}: already exists; remove it, or edit it")
    write_atomically(target, write_initial_file(schema))
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
            for entry in describe_views(_bounded(file)):
                sys.stdout.write(json.dumps(entry) + "\n")
                if is_lost(sys.stdout):
                    break
    except OSError as error:
        raise UsageError(f"{words.file}: {error.strerror}") from error
    except BadCaptureError as error:
        raise UsageError(f"{words.file}: {error}") from error
    return 0


__all__ = [
    "clients", "docs", "init", "lint_dialect", "list_catalogue", "plan", "serve_dialect",
]  # fmt: skip
