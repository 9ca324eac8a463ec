"""Other people's servers: how each is installed, started and addressed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from interop.packages import ROOT, Package
from interop.running import KEY, Server

_FIXTURES = {
    "fixtures": [
        {
            "match": {"toolName": "get_weather", "hasToolResult": False},
            "response": {"toolCalls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]},
        },
        {
            "match": {"userMessage": "ratelimit"},
            "response": {"error": {"message": "Rate limited", "type": "rate_limit_error"}, "status": 429},
        },
        {"match": {}, "response": {"content": "Hello! How can I help you today? This is a mock answer."}},
    ]
}
_ROUTES = """\
model_list:
  - model_name: gemini-2.5-flash
    litellm_params: {model: gemini/gemini-2.5-flash, api_key: os.environ/UPSTREAM_KEY, api_base: os.environ/UPSTREAM_GEMINI}
  - model_name: via-openai
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/UPSTREAM_KEY, api_base: os.environ/UPSTREAM_OPENAI}
  - model_name: gemini-2.5-pro
    litellm_params: {model: gemini/gemini-2.5-pro, api_key: os.environ/UPSTREAM_KEY, api_base: os.environ/UPSTREAM_OBEDIENT}
general_settings: {master_key: sk-local-test}
litellm_settings: {telemetry: false, num_retries: 0}
"""
# llm-rosetta keeps keys as hashes in a database, which is filled before it starts.
_SEEDED = """\
import runpy
import sys
from llm_rosetta.gateway.keystore import KeyStore
KeyStore("keys.db").create(manual_key=sys.argv.pop(1))
runpy.run_module("llm_rosetta.gateway", run_name="__main__")
"""
_ROSETTA = {
    "providers": {"obedient": {"type": "google", "api_key": "${UPSTREAM_KEY}", "base_url": "${UPSTREAM}"}},
    "models": {"gemini-2.5-flash": "obedient"},
    "server": {"host": "127.0.0.1", "api_keys_db": "keys.db", "data_dir": "data"},
}

# A framework answers for itself: another version words and numbers its 404, 405 and 422 in another way.
_WEB = ("fastapi==0.165.0", "starlette==1.10.0", "uvicorn==0.54.0")

OBEDIENT = Server(
    "obedient",
    None,  # the checker's own server like Google: behind a gateway, whatever is lost is lost by the gateway
    (sys.executable, "-m", "conformance", "serve", "google", "--port", "{port}"),
    {"PYTHONPATH": str(ROOT)},
)
AIMOCK = Server(
    "aimock",
    Package("aimock", "node", ("@copilotkit/aimock@1.43.0",)),
    (
        "node", "{folder}/node_modules/@copilotkit/aimock/dist/cli.js",
        "-h", "127.0.0.1", "-p", "{port}", "-f", "fixtures.json", "--log-level", "warn",
    ),
    {"AIMOCK_API_KEYS": KEY},
    {"fixtures.json": json.dumps(_FIXTURES)},
)  # fmt: skip
LLMOCK = Server(
    "llmock",
    Package("llmock", "python", ("llmock==0.2.2",), _WEB),
    ("{folder}/bin/llmock", "serve", "--host", "127.0.0.1", "--port", "{port}", "--response-style", "hello"),
)
KATAN = Server(
    "llm-katan",
    Package("llm-katan", "python", ("llm-katan==0.22.0",), _WEB),
    (
        "{folder}/bin/llm-katan", "--model", "echo-model", "--backend", "echo", "--providers", "openai,vertexai",
        "--host", "127.0.0.1", "--port", "{port}", "--validate-keys",
        "--api-keys", f"vertexai={KEY},openai={KEY}",
    ),
)  # fmt: skip
LITELLM = Server(
    "litellm",
    Package("litellm", "python", ("litellm[proxy]==1.106.2", "prisma"), _WEB),
    ("{folder}/bin/litellm", "--config", "config.yaml", "--host", "127.0.0.1", "--port", "{port}"),
    {
        "UPSTREAM_KEY": KEY,
        "UPSTREAM_GEMINI": "{aimock}/v1beta",
        "UPSTREAM_OPENAI": "{aimock}/v1",
        "UPSTREAM_OBEDIENT": "{obedient}/v1beta",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    },
    {"config.yaml": _ROUTES},
    upstreams=("aimock", "obedient"),
)
ROSETTA = Server(
    "llm-rosetta",
    Package("llm-rosetta", "python", ("llm-rosetta==0.13.0",)),
    (
        "{folder}/bin/python", "start.py", KEY,
        "--config", "config.jsonc", "--host", "127.0.0.1", "--port", "{port}", "--no-banner",
    ),
    {"UPSTREAM_KEY": KEY, "UPSTREAM": "{obedient}"},
    {"start.py": _SEEDED, "config.jsonc": json.dumps(_ROSETTA)},
    upstreams=("obedient",),
)  # fmt: skip
SERVERS = {server.name: server for server in (OBEDIENT, AIMOCK, LLMOCK, KATAN, LITELLM, ROSETTA)}


@dataclass(frozen=True)
class Subject:
    """One vendor as providers.yaml names it: a server, or one of its routes."""

    name: str
    server: Server
    model: str
    auth: str
    prefix: str = ""
    obeys: bool = False  # before a model that does as it is told

    @property
    def versions(self) -> Mapping[str, str]:
        """What was installed for it, by name."""
        return self.server.package.versions if self.server.package else {}


SUBJECTS = (
    Subject("aimock", AIMOCK, "gemini-2.5-flash", "x-goog-api-key"),
    Subject("llmock", LLMOCK, "gemini-2.5-flash", "x-goog-api-key", "/gemini"),
    Subject("llm-katan", KATAN, "echo-model", "bearer"),
    Subject("litellm-native", LITELLM, "gemini-2.5-flash", "x-goog-api-key"),
    Subject("litellm-adapter", LITELLM, "via-openai", "x-goog-api-key"),
    Subject("litellm-obedient", LITELLM, "gemini-2.5-pro", "x-goog-api-key", obeys=True),
    Subject("llm-rosetta", ROSETTA, "gemini-2.5-flash", "x-goog-api-key", obeys=True),
)
