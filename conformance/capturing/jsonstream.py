"""Reads JSON incrementally: one value of a long text at a time, bounded in depth and in the length of a value.

ijson does the parsing. Its own `items` keeps the path to every value, which takes quadratic time where a text is nested
deeply; so values are picked from its plain events here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import ijson
from ijson.common import ObjectBuilder

from conformance.capturing.entry import CaptureError

LARGEST_VALUE = 128 * 1024 * 1024  # bytes of the file
DEEPEST = 200
_BEGIN = frozenset({"start_map", "start_array"})
_END = frozenset({"end_map", "end_array"})
_STEP = 64 * 1024


class _MeteredFile:
    """A file that counts how much was read since the last value: a single one must not fill the memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.since += len(data)
        if self.since > LARGEST_VALUE:
            raise CaptureError(f"holds an entry of more than {LARGEST_VALUE // 1024**2} MiB")
        return data


def read_items(file: IO[bytes], *path: str) -> Iterator[Any]:
    """Yield the items of the list that stands at a path of names: ("log", "entries"). No path: of the text itself.

    Raises CaptureError where the JSON ends early, is broken, or is beyond a bound, after what came before it.
    """
    yield from _pick_values(file, ["", *path])


def read_values(file: IO[bytes]) -> Iterator[Any]:
    """Yield the values of a text that holds one or several, one after the other. Raises CaptureError as `read_items`."""
    yield from _pick_values(file, [])


def _pick_values(file: IO[bytes], wanted: list[str]) -> Iterator[Any]:
    """Yield every value directly inside the container to which the names lead from the root."""
    metered = _MeteredFile(file)
    opened: list[str | None] = []
    name: str | None = ""
    builder, level = None, 0
    for event, value in _parse_events(metered):
        if builder is not None or (opened == wanted and event not in _END and event != "map_key"):
            builder = builder or ObjectBuilder()
            builder.event(event, value)
            level += (event in _BEGIN) - (event in _END)
            if level == 0:
                metered.since = 0
                yield builder.value
                builder = None
        elif event == "map_key":
            name = value
        elif event in _BEGIN:
            opened.append(name if opened else "")
            name = None
        elif event in _END:
            opened.pop()
            name = None
        if len(opened) + level > DEEPEST:
            raise CaptureError(f"its JSON is nested deeper than {DEEPEST}")


def _parse_events(file: Any) -> Iterator[tuple[str, Any]]:
    try:
        yield from ijson.basic_parse(file, use_float=True, multiple_values=True, buf_size=_STEP)
    except ijson.JSONError as error:
        raise CaptureError(_describe_json_error(error)) from error
    except CaptureError:
        raise
    except (ValueError, OverflowError) as error:  # a number that no float or int holds
        raise CaptureError(f"its JSON is broken ({error})") from error


def _describe_json_error(error: Exception) -> str:
    first = str(error.args[0] if error.args else error).removeprefix("b'").replace("\\n", "\n").split("\n")[0]
    if "premature EOF" in first:
        return "its JSON ends early"
    return f"its JSON is broken ({first.strip()[:120]})"


def list_first_names(head: bytes) -> list[str]:
    """Return the names of the members of a text's first object, as far as its beginning shows them."""
    names: list[str] = []
    depth = 0
    try:
        for event, value in ijson.basic_parse(head, multiple_values=True):
            depth += (event in _BEGIN) - (event in _END)
            names += [str(value)] if event == "map_key" and depth == 1 else []
            if depth == 0:
                break
    except (ijson.JSONError, ValueError, OverflowError):
        pass  # the beginning of a text ends within it
    return names


def ends_early(text: bytes) -> bool:
    """Return whether a text is valid JSON up to its end, and ends within a value."""
    try:
        for _ in ijson.basic_parse(text, multiple_values=True):
            pass
    except (ijson.JSONError, ValueError, OverflowError) as error:
        return "premature EOF" in str(error)
    return False
