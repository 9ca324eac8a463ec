"""Measures how close a run comes to the shortest possible time, and the CPU time per provider.

`python benchmarks/asking.py [PROVIDERS]` prints two ratios:
the time of a run over a server that takes 300 ms per answer, to its floor (the longer of its longest chain of follow-ups
and requests x 300 ms / concurrency); and the CPU seconds per provider of a run over 150 local providers, report included.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from conformance.asking.run import Plan, ask_all
from conformance.asking.send import Sender
from conformance.catalogue import load
from conformance.cli import main as conformance
from conformance.dialects.dialect import load_dialect
from conformance.embedded import HONEST, Host, Incoming, Outgoing
from conformance.embedded.messages import DelayedPiece
from conformance.keys.secrets import Key
from conformance.model import Provider
from conformance.replies import ProviderReplies
from conformance.running.gather import select_probes

DELAY = 0.3  # seconds
CONCURRENCY = 4


def slow(incoming: Incoming) -> Outgoing:
    """Answer as the honest server does, whole, after 300 ms."""
    answer = HONEST(incoming)
    return Outgoing(answer.status, answer.headers, (DelayedPiece(DELAY, answer.body),))


async def _ask(url: str) -> tuple[ProviderReplies, float]:
    provider = Provider("slow", "slow", url, "google", "gemini-2.5-flash", concurrency=CONCURRENCY)
    probes = select_probes(load_dialect("google"), (), whole=True)
    into: list[ProviderReplies] = []
    async with Sender(provider, Key("BENCHMARK_KEY", "embedded-key"), {}) as sender:
        began = time.perf_counter()
        await ask_all([(Plan(provider, probes, (), 1), sender.ask)], lambda _: 0.0, lambda _: None, into)
        return into[0], time.perf_counter() - began


def pace() -> None:
    """Print the time of a run to its floor."""
    load()
    with Host() as host:
        gathered, seconds = asyncio.run(_ask(host.start(slow)))
    requests = len(gathered.exchanges)
    chain = 2 * DELAY  # a first turn and its follow-up
    floor = max(chain, requests * DELAY / CONCURRENCY)
    print(
        f"pace: {requests} requests of 300 ms, {CONCURRENCY} at once: {seconds:.2f} s, floor {floor:.2f} s, ratio {seconds / floor:.2f}"
    )


def many(count: int) -> None:
    """Print the CPU seconds per provider of a run over many local providers, report included."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "providers.yaml"
        providers = {f"server-{number:03}": {"embedded": "google"} for number in range(count)}
        config.write_text(json.dumps({"providers": providers}), encoding="utf-8")
        wall, cpu = time.perf_counter(), time.process_time()
        code = conformance(
            ["run", "-q", "-c", str(config), "--out", str(Path(folder) / "out"), "--max-examples", "0"]
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        size = (Path(folder) / "out" / "report.html").stat().st_size / 1e6
    print(
        f"many: {count} providers, exit {code}: {wall:.1f} s, {cpu:.1f} s CPU, {cpu / count:.2f} CPU seconds each, page {size:.1f} MB"
    )


if __name__ == "__main__":
    pace()
    many(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
