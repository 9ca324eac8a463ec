"""The servers of others that the checker is run against: how each is installed, started and addressed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from interop.packages import Package
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
general_settings: {master_key: sk-local-test}
litellm_settings: {telemetry: false, num_retries: 0}
"""

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
    Package("llmock", "python", ("llmock==0.2.2",)),
    ("{folder}/bin/llmock", "serve", "--host", "127.0.0.1", "--port", "{port}", "--response-style", "hello"),
)
KATAN = Server(
    "llm-katan",
    Package("llm-katan", "python", ("llm-katan==0.22.0",)),
    (
        "{folder}/bin/llm-katan", "--model", "echo-model", "--backend", "echo", "--providers", "openai,vertexai",
        "--host", "127.0.0.1", "--port", "{port}", "--validate-keys",
        "--api-keys", f"vertexai={KEY},openai={KEY}",
    ),
)  # fmt: skip
LITELLM = Server(
    "litellm",
    Package("litellm", "python", ("litellm[proxy]==1.106.2", "prisma")),
    ("{folder}/bin/litellm", "--config", "config.yaml", "--host", "127.0.0.1", "--port", "{port}"),
    {
        "UPSTREAM_KEY": KEY,
        "UPSTREAM_GEMINI": "{upstream}/v1beta",
        "UPSTREAM_OPENAI": "{upstream}/v1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    },
    {"config.yaml": _ROUTES},
    upstream="aimock",
)
SERVERS = {server.name: server for server in (AIMOCK, LLMOCK, KATAN, LITELLM)}


@dataclass(frozen=True)
class Subject:
    """One vendor as providers.yaml names it: a server, or one of its routes."""

    name: str
    server: Server
    model: str
    auth: str
    prefix: str = ""


SUBJECTS = (
    Subject("aimock", AIMOCK, "gemini-2.5-flash", "x-goog-api-key"),
    Subject("llmock", LLMOCK, "gemini-2.5-flash", "x-goog-api-key", "/gemini"),
    Subject("llm-katan", KATAN, "echo-model", "bearer"),
    Subject("litellm-native", LITELLM, "gemini-2.5-flash", "x-goog-api-key"),
    Subject("litellm-adapter", LITELLM, "via-openai", "x-goog-api-key"),
)
