"""The corpus: bodies that failed, kept in a file so that the next run asks them first and shows whether they still fail.

The file is the user's and may have been edited, or come from somebody else: lines that are not a body are
skipped and named, and only the body and what to expect of it is taken from a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from conformance.bodies.generated_body import GeneratedBody, serialize
from conformance.files import FileError, parse_json, read_bounded
from conformance.members import JsonObject
from conformance.recording.writing import RecordError, write_atomically

MOST_BYTES = 4 * 1024 * 1024
MOST_BODIES = 200
LONGEST = 256 * 1024  # characters of one line
LONGEST_TEXT = 500
EXPECTED = ("text", "exact", "finish", "call", "args", "json", "calls", "candidates", "no_call")
_TEXTS = ("broken_at", "change", "source", "twin")


def write_corpus(path: Path, bodies: Iterable[GeneratedBody]) -> None:
    """Write the bodies that fail now, a line each, replacing the content of the file; without any, remove the file.

    Raises RecordError if the file can be neither written nor removed.
    """
    lines = [json.dumps(asdict(one), ensure_ascii=False) for one in list(bodies)[:MOST_BODIES]]
    if lines:
        write_atomically(path, "\n".join(lines) + "\n")
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(f"{path}: cannot be removed: {error.strerror}") from error


def read_corpus(path: Path) -> tuple[tuple[GeneratedBody, ...], tuple[str, ...]]:
    """Return the bodies in a file, and a warning for each line that holds none; nothing if there is no file."""
    if not path.exists():
        return (), ()
    try:
        text = read_bounded(path, limit=MOST_BYTES).decode("utf-8", "replace")
    except FileError as exc:
        return (), (f"{exc}; delete it, or mend it",)
    bodies: dict[str, GeneratedBody] = {}
    faults: list[str] = []
    for number, line in enumerate(text.split("\n")[: MOST_BODIES * 2], 1):
        try:
            if line.strip():
                body = _read_body(line)
                bodies[body.id] = body
        except (ValueError, RecursionError) as exc:
            faults.append(f"{path}:{number}: is not a kept body ({str(exc)[:80]}); delete the line")
    return tuple(bodies.values())[:MOST_BODIES], tuple(faults)


def _read_body(line: str) -> GeneratedBody:
    """Return the body of a line. Raises ValueError or RecursionError if it holds none."""
    if len(line) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    entry = JsonObject.read(parse_json(line))
    body = GeneratedBody(
        entry.take("body", dict),
        entry.take("valid", bool),
        **{name: (entry.find(name, str) or "")[:LONGEST_TEXT] for name in _TEXTS},
        google_refuses=entry.find("google_refuses", bool),
        covers=tuple(str(one)[:200] for one in (entry.find("covers", list) or [])[:100]),
        # What a file may say about a right answer: what it shows, but never its status.
        expected={
            name: value
            for name, value in (entry.find("expected", dict) or {}).items()
            if name in EXPECTED and len(serialize(value)) < LONGEST_TEXT
        },
    )
    serialize(body.body)  # ValueError where a text is not Unicode
    return body
