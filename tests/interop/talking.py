"""Lets real clients ask a server, each in its own process, and collects what their callers get."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interop.packages import Package, install, last_lines

SCRIPTS = Path(__file__).parent / "clients"
_WAIT = 420.0  # seconds for all situations of one client

Seen = Mapping[str, Any]


class TalkError(Exception):
    """A client's program ended without saying what it saw: its name and the last lines that it wrote."""


@dataclass(frozen=True)
class Server:
    """Where a client is pointed, and how it carries the key."""

    url: str
    model: str
    key: str = "k-interop-0000"
    bearer: bool = False
    version: str = ""  # v1 | v1beta; empty leaves the client its own


@dataclass(frozen=True)
class Talker:
    """A client: its package (None: it is installed beside the checker), its program, and who models it."""

    name: str
    package: Package | None
    script: str
    model: str  # the name in conformance.clients whose reading is that of this version

    @property
    def slug(self) -> str:
        """The name as a file's name."""
        return re.sub(r"[^a-z0-9.]+", "-", self.name.lower()).strip("-")


_NODE = Package("node-clients", "node", ("@google/genai@3.1.0", "@ai-sdk/google@4.0.121", "ai@7.0.173"))
_CLI = Package("gemini-cli", "node", ("@google/gemini-cli@0.61.0",))
_OLDER = Package("google-genai-2", "python", ("google-genai==2.34.0",))
PYTHON = Talker("google-genai 3.4.0 (Python)", None, "google_genai.py", "google-genai 3.4.0 (Python)")
OLDER_PYTHON = Talker(
    "google-genai 2.34.0 (Python)", _OLDER, "google_genai.py", "google-genai 3.4.0 (Python)"
)
JAVASCRIPT = Talker(
    "@google/genai 3.1.0 (JavaScript)", _NODE, "google_genai_js.mjs", "@google/genai 2.32.0 (JavaScript)"
)
AI_SDK = Talker(
    "@ai-sdk/google 4.0.121 + ai 7.0.173",
    _NODE,
    "ai_sdk.mjs",
    "ai 6.0.326 + @ai-sdk/google 3.0.141 (JavaScript)",
)
CLI = Talker("gemini-cli 0.61.0", _CLI, "", "gemini-cli 0.61.0 (on @google/genai 1.30.0)")
TALKERS = (PYTHON, OLDER_PYTHON, JAVASCRIPT, AI_SDK, CLI)


def talk(talker: Talker, server: Server, work: Path, only: Sequence[str] = ()) -> dict[str, Seen]:
    """Return what the client's caller sees, by situation. `work` is a folder for its files; `only` names situations.

    Raises UnavailableError where the client cannot be installed, TalkError where its program fails.
    """
    folder = install(talker.package) if talker.package else Path()
    if talker is CLI:
        return _gemini(folder, server, work, only)
    spec = {
        "folder": str(folder), "url": server.url, "key": server.key, "model": server.model, "version": server.version,
        "bearer": server.bearer, "colour": str(work / "red.png"), "only": [*only],
    }  # fmt: skip
    done = _run([_program(talker, folder), str(SCRIPTS / talker.script), json.dumps(spec)], work, {})
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"situation"')]
    if done.returncode or not lines:
        raise TalkError(
            f"{talker.name} ended with {done.returncode}:\n{last_lines(done.stdout + done.stderr)}"
        )
    return {line.pop("situation"): line for line in lines}


def _program(talker: Talker, folder: Path) -> str:
    """Return what runs the client's script: the Python that it is installed beside, or node."""
    if not talker.script.endswith(".py"):
        return "node"
    return str(folder / "bin" / "python") if talker.package else sys.executable


def _run(command: Sequence[str], work: Path, extra: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environment = {**kept, "HOME": str(work), "NO_PROXY": "127.0.0.1", **extra}
    return subprocess.run(
        command, cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=_WAIT, check=False,
    )  # fmt: skip


# What gemini-cli is asked: it always streams, and has tools of its own.
_ASKED = {
    "text": ("Reply with exactly: OK-7f3a", None),
    "calls": ("Please list the directory.", None),
    "unknown_model": ("Reply with exactly: OK-7f3a", "gemini-none"),
    "bad_key": ("Reply with exactly: OK-7f3a", None),
}
_SETTINGS = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "telemetry": {"enabled": False}}


def _gemini(folder: Path, server: Server, work: Path, only: Sequence[str]) -> dict[str, Seen]:
    home = work / ".gemini"
    home.mkdir(exist_ok=True)
    (home / "settings.json").write_text(json.dumps(_SETTINGS))
    asked = [name for name in _ASKED if not only or name in only]
    return {name: _prompted(folder, server, work, name) for name in asked}


def _prompted(folder: Path, server: Server, work: Path, name: str) -> Seen:
    prompt, model = _ASKED[name]
    program = folder / "node_modules" / ".bin" / "gemini"
    key = "bad-key-0000" if name == "bad_key" else server.key
    extra = {"GEMINI_API_KEY": key, "GOOGLE_GEMINI_BASE_URL": server.url}
    if server.bearer:
        extra["GEMINI_API_KEY_AUTH_MECHANISM"] = "bearer"
    command = [str(program), "-p", prompt, "-m", model or server.model, "-o", "json", "--skip-trust"]
    done = _run(command, work, extra)
    return _said(done.returncode, done.stdout, done.stderr)


def _said(code: int, out: str, err: str) -> Seen:
    """Read what gemini-cli prints: an object on one of its outputs, with a response or an error."""
    found = re.search(r"^\{.*^\}", out, re.DOTALL | re.MULTILINE) or re.search(
        r"^\{.*^\}", err, re.DOTALL | re.MULTILINE
    )
    said = json.loads(found[0]) if found else {}
    if "error" in said or code:
        error = said.get("error", {})
        kind = {"INVALID_STREAM": "InvalidStreamError"}.get(error.get("type", ""), error.get("type", "Error"))
        return {"raises": kind, "status": code, "says": str(error.get("message", err))[-300:]}
    stats = said.get("stats", {})
    total = sum(model["tokens"]["total"] for model in stats.get("models", {}).values())
    tools = stats.get("tools", {}).get("totalCalls", 0)
    return {
        "text": said.get("response") or "",
        "finish": None,
        "total": total if stats.get("models") else None,
        "calls": [],
        "tools": tools,
    }


def words(seen: Seen, wanted: str = "") -> str:
    """Return what a caller has, in the words of the page: ok, EMPTY, lost: …, raises ….

    `wanted` is the text that a model which obeys must have said.
    """
    if "raises" in seen:
        return f"raises {seen['raises']}"
    said = seen["text"] or seen["calls"] or seen.get("tools")
    # gemini-cli hands over no reason; the Vercel SDK's words for none are `other` and `interrupted`.
    reason = seen["finish"] not in (None, "other", "interrupted") or "tools" in seen
    lost = [] if reason else ["finish reason"]
    lost += [] if seen["total"] is not None else ["usage"]
    lost += ["the text as asked"] if wanted and str(seen["text"]).strip() != wanted else []
    if not said:
        return "EMPTY"
    return f"lost: {', '.join(lost)}" if lost else "ok"
