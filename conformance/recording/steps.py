"""The summary page of a pipeline, to which every step of it adds."""

from __future__ import annotations

from pathlib import Path

from conformance.recording.record import RecordError


def append_text(path: Path, text: str) -> None:
    """Add text to the end of a file. Raises RecordError."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise RecordError(f"{path}: cannot be written: {error.strerror}") from error
