"""Where the data of the program is, and how JSON that others wrote is read within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO

from conformance.model import JSON
from conformance.pointers import list_children

ROOT_ID = "https://conformance.invalid/schemas/"
_PACKAGE = Path(__file__).resolve().parent
_MAX_BYTES = 2 * 1024 * 1024
_MAX_DEPTH = 64


class InputError(ValueError):
    """Something that the user gave cannot be used. Each of `args` is one line: where it is, what is wrong, how to mend it."""


class FileError(InputError):
    """A file that cannot be used. `args[0]` is one line: the file, what is wrong, how to mend it."""


def find_data_folder() -> Path:
    """Return the folder that holds `schemas/` and `providers.yaml`: inside a wheel, or beside the package."""
    inside = _PACKAGE / "data"
    return inside if inside.is_dir() else _PACKAGE.parent


def find_schemas_folder() -> Path:
    """Return the folder of the bundled dialects."""
    return find_data_folder() / "schemas"


def find_providers_file() -> Path:
    """Return the path of the providers.yaml that comes with the program."""
    return find_data_folder() / "providers.yaml"


def read_bounded(path: Path, *, within: Path | None = None, limit: int = _MAX_BYTES) -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes.

    `within` names the folder that the file must really lie in, symbolic links followed: a folder from
    elsewhere must not reach other files of this machine. Raises FileError.
    """
    real = _resolve(path)
    if within is not None and not real.is_relative_to(within.resolve()):
        raise FileError(f"{path}: leads out of {within}; put the file itself there instead of a link")
    if not real.is_file():
        raise FileError(
            f"{path}: there is no such file" if not real.exists() else f"{path}: is not a plain file"
        )
    try:
        with real.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise FileError(f"{path}: is larger than {limit} bytes")
    return data


def read_bounded_lines(file: IO[bytes], name: str, longest: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers, from 1; a line keeps its end.

    Raises FileError, which begins with `name`, for a line of more than `longest` bytes: no memory should hold it.
    """
    number = 0
    while line := file.readline(longest + 1):
        number += 1
        if len(line) > longest:
            raise FileError(f"{name}:{number}: is longer than {longest} bytes")
        yield number, line


def is_folder(path: Path) -> bool:
    """Return whether a folder is there; False as well for a name that is too long to be looked up."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, up to Python 3.12
        raise FileError(f"{path}: leads nowhere: its links form a circle") from error


def _refuse_repeated_names(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    seen: dict[str, JSON] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"the name {key!r} appears twice in one object")
        seen[key] = value
    return seen


def refuse_constant(name: str) -> JSON:
    """Refuse NaN and Infinity, for `parse_constant` of json.loads. Raises ValueError."""
    raise ValueError(f"{name} is not JSON")


def parse_json(text: str) -> JSON:
    """Return the value of a JSON text.

    Raises ValueError for what is not JSON, for NaN and for names that stand twice; RecursionError beyond 64 levels.
    """
    value: JSON = json.loads(text, object_pairs_hook=_refuse_repeated_names, parse_constant=refuse_constant)
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [child for one in level for _, child in list_children(one)]
    if level:
        raise RecursionError(f"more than {_MAX_DEPTH} levels")
    return value


def read_json_file(path: Path, *, within: Path | None = None, limit: int = _MAX_BYTES) -> JSON:
    """Return the JSON value in a file; bounds as in `read_bounded` and `parse_json`. Raises FileError."""
    data = read_bounded(path, within=within, limit=limit)
    try:
        return parse_json(data.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise FileError(f"{path}:{error.lineno}: is not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise FileError(f"{path}: is nested too deeply: deeper than {_MAX_DEPTH} levels") from error
    except ValueError as error:
        raise FileError(f"{path}: is not plain JSON: {error}") from error


@cache
def load_bundled_schemas() -> Mapping[str, Mapping[str, JSON]]:
    """Return every bundled schema by its `$id`."""
    found: dict[str, Mapping[str, JSON]] = {}
    for path in sorted(find_schemas_folder().rglob("*.schema.json")):
        value = read_json_file(path)
        if isinstance(value, dict):
            found[str(value.get("$id"))] = value
    return MappingProxyType(found)
