"""Feeds random bytes to everything that reads: `python fuzz/reading.py TARGET [libFuzzer's options]`.

Guided by coverage; needs atheris, which is no dependency of the project. Without a target it lists them. A crash,
a hang of more than five seconds or more than two GiB of memory ends it, and leaves the bytes in a file. libFuzzer
says at its end how many inputs were read; `-max_total_time=600` ends it after ten minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]
with atheris.instrument_imports(include=["conformance"]):
    from targets import TARGETS, WORDS


def main() -> None:
    """Fuzz one target."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit("\n".join(f"{name}: {one.__doc__}" for name, one in TARGETS.items()))
    with tempfile.TemporaryDirectory() as scratch:
        words = Path(scratch) / "words"
        words.write_text(
            "".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"\n' for word in WORDS if word)
        )
        options = [f"-dict={words}", "-timeout=5", "-rss_limit_mb=2048", "-max_len=2000", *sys.argv[2:]]
        atheris.Setup([sys.argv[0], *options], TARGETS[sys.argv[1]])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
