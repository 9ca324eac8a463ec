"""Asks small servers over real sockets, many at once, and judges each of them like any vendor."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conformance import catalogue
from conformance.asking.addressing import EMBEDDED_KEY
from conformance.asking.run import Plan, ask_all
from conformance.asking.send import Sender
from conformance.catalogue import RULES
from conformance.dialects.dialect import load_dialect
from conformance.embedded import Host, Incoming, Outgoing
from conformance.keys.secrets import Key
from conformance.model import Provider
from conformance.replies import ProviderReplies
from conformance.running.gather import select_probes
from conformance.verdicts.verdict import JudgingOptions, Verdict, judge_provider

AT_ONCE = 8  # servers asked at the same time; more of them would delay the streams that are timed


@dataclass(frozen=True)
class Server:
    """A server to ask: anything that answers an Incoming, the model to ask for, and settings of the provider."""

    name: str
    application: Callable[[Incoming], Outgoing]
    model: str = "gemini-2.5-flash"
    dialect: str = "google"
    settings: tuple[tuple[str, Any], ...] = ()


def _provider(server: Server, url: str) -> Provider:
    given = {"title": server.name, "concurrency": 8, **dict(server.settings)}
    return Provider(server.name, base_url=url, dialect=server.dialect, model=server.model, **given)


async def _ask(servers: list[Server], host: Host, seed: int) -> list[ProviderReplies]:
    into: list[ProviderReplies] = []
    async with contextlib.AsyncExitStack() as stack:
        plans = []
        for server in servers:
            provider = _provider(server, host.start(server.application))
            probes = select_probes(load_dialect(server.dialect), (), whole=True)
            sender = await stack.enter_async_context(Sender(provider, Key("MINIATURE_KEY", EMBEDDED_KEY), {}))
            plans.append((Plan(provider, probes, (), seed), sender.ask))
        await ask_all(plans, lambda _exchange: 0.05, lambda _gathered: None, into)
    return into


def judge_servers(servers: Iterable[Server], seed: int = 7) -> Mapping[str, Verdict]:
    """Return the verdict on each server, by its name."""
    catalogue.load()
    waiting, selection = list(servers), JudgingOptions(tuple(RULES.values()))
    found: dict[str, Verdict] = {}
    while waiting:
        batch, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        with Host() as host:
            for server, gathered in zip(batch, asyncio.run(_ask(batch, host, seed)), strict=True):
                found[server.name] = judge_provider(gathered, load_dialect(server.dialect), selection)
    return found
