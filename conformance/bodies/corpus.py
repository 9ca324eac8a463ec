"""Bodies that failed, kept in a file so that the next run asks them first: a mended vendor is seen to be mended.

The file is the user's and may have been edited, or come from somebody else: lines that are not a body are
skipped and named, and nothing in it is believed but the body and what to expect of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from conformance.bodies.generated_body import GeneratedBody, serialize
from conformance.files import FileError, read_bounded
from conformance.model import JSON
from conformance.recording.writing import RecordError, write_atomically

MOST_BYTES = 4 * 1024 * 1024
MOST_BODIES = 200
LONGEST = 256 * 1024  # characters of one line
DEEPEST = 64
LONGEST_TEXT = 500
EXPECTED = ("text", "exact", "finish", "call", "args", "json", "calls", "candidates", "no_call")
_TEXTS = ("broken_at", "change", "source", "twin")


def write_corpus(path: Path, drawn: Iterable[GeneratedBody]) -> None:
    """Write the bodies that fail now, a line each, in place of what the file held; without any, the file goes.

    Raises RecordError where the file can be neither written nor removed.
    """
    lines = [json.dumps(asdict(one), ensure_ascii=False) for one in list(drawn)[:MOST_BODIES]]
    if not lines:
        _remove(path)
    else:
        write_atomically(path, "\n".join(lines) + "\n")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(f"{path}: cannot be removed: {error.strerror}") from error


def read_corpus(path: Path) -> tuple[tuple[GeneratedBody, ...], tuple[str, ...]]:
    """Return the bodies in a file, and a line for each line that is none; nothing where there is no file."""
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
            for one in _read(line):
                bodies[one.id] = one
        except (ValueError, RecursionError) as exc:
            faults.append(f"{path}:{number}: is not a kept body ({str(exc)[:80]}); delete the line")
    return tuple(bodies.values())[:MOST_BODIES], tuple(faults)


def _read(line: str) -> Iterator[GeneratedBody]:
    if not line.strip():
        return
    if len(line) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    value: Any = json.loads(line, parse_constant=_refused)
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("body"), dict)
        or not isinstance(value.get("valid"), bool)
    ):
        raise ValueError("no body, or not said whether it is valid")  # noqa: TRY004 - the line is at fault
    if _depth(value["body"]) > DEEPEST:
        raise ValueError(f"deeper than {DEEPEST} levels")
    said = value.get("google_refuses")
    texts = {name: str(value.get(name) or "")[:500] for name in _TEXTS}
    expected = value.get("expected")
    covers = value.get("covers") if isinstance(value.get("covers"), list) else []
    drawn = GeneratedBody(
        value["body"], value["valid"], **texts,
        google_refuses=said if isinstance(said, bool) else None,
        covers=tuple(str(one)[:200] for one in (covers or [])[:100]),
        expected=_expected(expected) if isinstance(expected, dict) else {},
    )  # fmt: skip
    serialize(drawn.body)  # ValueError where a text is no Unicode
    yield drawn


def _expected(said: dict[str, JSON]) -> dict[str, JSON]:
    """Return what an answer must show, as far as a file may say it: never which status is right."""
    return {
        name: value
        for name, value in said.items()
        if name in EXPECTED and len(serialize(value)) < LONGEST_TEXT
    }


def _refused(name: str) -> JSON:
    raise ValueError(f"{name} is no JSON")


def _depth(value: JSON) -> int:
    level: list[JSON] = [value]
    depth = 0
    while level and depth <= DEEPEST:
        depth += 1
        level = [child for one in level for child in _inner(one)]
    return depth


def _inner(value: JSON) -> Iterable[JSON]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
