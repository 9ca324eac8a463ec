"""Measures how long it takes to read a body's framing, compared with json.loads of the same bytes, and on hostile bodies.

Ratios of one run compare across machines; the seconds do not. `python benchmarks/framing.py [MiB]`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from conformance.wire.framing import read_framed

MIB = 1 << 20
CHUNK = {
    "candidates": [{"content": {"parts": [{"text": "Hello wörld 😀 " * 4}], "role": "model"}, "index": 0}],
    "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 6, "totalTokenCount": 17},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}
TEXT = json.dumps(CHUNK).encode()
HOSTILE = (
    *b'{~}~[~]~{}~{}\n~{\n~"~{"~{"a":[~[[],~["",~"",~\n~\r\n~\x00~\xff~\\~1~[1,~x\n~{"a":"x\n'.split(b"~"),
    *b': \n~data: \n~data: {\n~data: {\n\n~data: {}\n~data: {"a":"x\n\n~data: [DONE]\n\n~event: a\n~\\ud83d'.split(
        b"~"
    ),
)


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that a call takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def plain(count: int) -> None:
    """Print the ratio to json.loads for the same objects in each framing, and for one large object."""
    texts = [TEXT] * count
    bodies = {
        "sse": b"".join(b"data: " + text + b"\r\n\r\n" for text in texts),
        "ndjson": b"".join(text + b"\n" for text in texts),
        "json-array": b"[" + b",\r\n".join(texts) + b"]",
    }
    base = min(seconds(lambda: [json.loads(text) for text in texts]) for _ in range(3))
    for name, body in bodies.items():
        took = min(seconds(lambda body=body: read_framed([body])) for _ in range(3))  # type: ignore[misc]
        print(f"{name:12} {len(body) / MIB / took:8.1f} MB/s {took / base:8.1f} x json.loads, {count} frames")
    large = json.dumps({"a": "x" * (32 * MIB)}).encode()
    base, took = seconds(lambda: json.loads(large)), seconds(lambda: read_framed([large]))
    print(
        f"{'one object':12} {len(large) / MIB / took:8.1f} MB/s {took / base:8.1f} x json.loads, 32 MiB of text"
    )


def hostile(size: int) -> None:
    """Print the time for bodies made to be slow, with a few beginnings each, slowest last."""
    rows = []
    for start in (b"", b"data: ", b"[", b'{"a": "'):
        for unit in HOSTILE:
            body = start + unit * (size // len(unit))
            took = seconds(lambda body=body: read_framed([body]))  # type: ignore[misc]
            rows.append((took, start + unit))
    rows.sort()
    for took, name in [*rows[:1], *rows[-8:]]:
        print(f"{name!r:28} {took:8.2f} s {size / MIB / max(took, 1e-9):8.1f} MB/s")
    print(
        f"{len(rows)} hostile bodies of {size // MIB} MiB: {sum(took for took, _ in rows):.0f} s, slowest {rows[-1][0]:.1f} s"
    )


if __name__ == "__main__":
    plain(10_000)
    hostile((int(sys.argv[1]) if len(sys.argv) > 1 else 8) * MIB)
