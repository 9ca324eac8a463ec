"""The commands that inform without judging: plan, docs, list, lint, serve, init, clients."""

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
from conformance.commands.streams import is_lost, print_json, print_lines, write_line
from conformance.commands.terminal import warn_of_bundled_file
from conformance.config.providers import make_initial_file
from conformance.dialects.dialect import list_bundled_dialects, load_dialect
from conformance.dialects.lint import lint_folder
from conformance.dialects.side_by_side import compare_documents, render_json, render_markdown, render_text
from conformance.embedded import find_default_port, serve_forever
from conformance.embedded.families import FAMILIES, find_family
from conformance.files import find_schemas_folder, read_bounded_lines
from conformance.model import JSON
from conformance.recording.record import LONGEST_LINE
from conformance.recording.writing import write_atomically
from conformance.running.planning import estimate_session, estimates_as_json, format_estimates
from conformance.running.session import (
    RunOptions,
    UsageError,
    check_providers,
    load_named_providers,
    prepare_session,
)


def plan(args: Namespace) -> int:
    """Print what a run would send and cost at most."""
    # A missing key is part of what a plan says, so -p must not end it.
    session = prepare_session(RunOptions(config=args.config, max_examples=args.max_examples), os.environ)
    check_providers(args.provider, session.loaded)
    estimates = estimate_session(session)
    named = [one for one in estimates if not args.provider or one.provider.name in args.provider]
    warn_of_bundled_file(session)
    if args.format == "json":
        print_json(estimates_as_json(named))
    else:
        print_lines(*format_estimates(named))
    return 0


def docs(args: Namespace) -> int:
    """Print the documents side by side, the bundled ones and those of the user's own folders; sends nothing."""
    tables = compare_documents([load_dialect(name) for name in (*list_bundled_dialects(), *args.dialects)])
    render = {"text": render_text, "markdown": render_markdown, "json": render_json}[args.format]
    write_line(sys.stdout, render(tables))
    return 0


def list_catalogue(args: Namespace) -> int:
    """Print all entries of one kind: a line each, or a JSON array."""
    catalogue.load()
    entries, line = _LISTS[args.what]
    found = entries(args)
    if args.format == "json":
        print_json(found)
    else:
        print_lines(*(line.format(**entry) for entry in found))
    return 0


Entries = list[dict[str, JSON]]


def _list_rules(_args: Namespace) -> Entries:
    return [
        {"id": rule.id, "level": rule.level.value, "dimension": rule.dimension.value, "title": rule.title}
        for rule in sorted(RULES.values(), key=lambda rule: rule.id)
    ]


def _list_probes(_args: Namespace) -> Entries:
    return [{"id": probe.id, "title": probe.title} for probe in PROBES.values()]


def _list_providers(args: Namespace) -> Entries:
    return [
        {
            "name": one.name,
            "dialect": one.dialect,
            "model": one.model,
            "address": "embedded" if one.embedded else one.base_url,
        }
        for one in load_named_providers(args.config).providers
    ]


def _list_clients(_args: Namespace) -> Entries:
    return [{"id": client.slug, "name": client.name} for client in ALL_CLIENTS.values()]


def _list_dialects(_args: Namespace) -> Entries:
    dialects = map(load_dialect, list_bundled_dialects())
    return [
        {"name": one.name, "title": one.title, "fields": len(one.fields), "remarks": len(one.remarks)}
        for one in dialects
    ]


# The entries of each kind, and the line that shows one.
_LISTS: Mapping[str, tuple[Callable[[Namespace], Entries], str]] = {
    "rules": (_list_rules, "{id:<58} {level:<7} {title}"),
    "probes": (_list_probes, "{id:<36} {title}"),
    "providers": (_list_providers, "{name:<24} {dialect:<14} {model:<24} {address}"),
    "clients": (_list_clients, "{id:<28} {name}"),
    "dialects": (_list_dialects, "{name:<14} {title:<22} {fields:>3} fields, {remarks} remarks"),
}


def lint_dialect(args: Namespace) -> int:
    """Check a dialect of the user's own; prints a line per fault."""
    folder: Path = args.folder
    if folder.is_file():
        raise UsageError(f"{folder}: is a file; name its folder instead: conformance lint {folder.parent}")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; docs/dialects.md explains how to write a dialect")
    faults = lint_folder(folder)
    print_lines(*(faults or [f"{folder}: sound"]))
    return int(bool(faults))


def serve_dialect(args: Namespace) -> int:
    """Run a bundled server until interrupted."""
    dialect, model = load_dialect(args.dialect), _complete_model(args.model)
    port = find_default_port(dialect) if args.port is None else args.port
    with contextlib.suppress(KeyboardInterrupt):
        try:
            serve_forever(dialect, port, model)
        except OSError as error:
            # asyncio's own words repeat the port
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise UsageError(f"port {port}: {reason}; choose another with --port") from error
    return 0


def _complete_model(name: str | None) -> str | None:
    """Return a model's name in full: `2.5-flash` stands for gemini-2.5-flash. Raises UsageError for no known family."""
    if name is None:
        return None
    full = f"gemini-{name}" if name[:1].isdigit() else name
    if find_family(full) is None:
        known = ", ".join(prefix for family in FAMILIES for prefix in family.prefixes)
        what = "no known family of models has this name; give a name that begins with"
        raise UsageError(f"--model {name}: {what} {known}")
    return full


def init(_args: Namespace) -> int:
    """Write a commented providers.yaml into the working folder."""
    target = Path("providers.yaml")
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target}: already exists; remove it, or edit it")
    write_atomically(target, make_initial_file((find_schemas_folder() / "providers.schema.json").as_uri()))
    print_lines(f"{target}: written; fill it in, then run `conformance doctor`")
    return 0


def clients(args: Namespace) -> int:
    """Print what each client makes of captured responses, a JSON line per line and client."""
    name = "standard input" if args.file == "-" else args.file
    try:
        with _open_input(args.file) as file:
            lines = (line for _, line in read_bounded_lines(file, name, LONGEST_LINE))
            for entry in describe_views((line.decode("utf-8", "surrogateescape") for line in lines), name):
                sys.stdout.write(json.dumps(entry) + "\n")
                if is_lost(sys.stdout):
                    break
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from error
    except BadCaptureError as error:
        raise UsageError(str(error)) from error
    return 0


@contextlib.contextmanager
def _open_input(name: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input where it is called `-`."""
    if name == "-":
        yield sys.stdin.buffer
        return
    path = Path(name)
    if path.exists() and not path.is_file():  # checked before it is opened: a pipe would wait for ever
        raise UsageError(f"{name}: is not a plain file; use - to read standard input")
    with path.open("rb") as file:
        yield file
