"""The clients that are modelled, under the names that reports and the command line use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.clients import ai_sdk, generative_ai_js, google_genai, google_genai_js
from conformance.clients.captured_response import CapturedResponse, from_exchange
from conformance.clients.client_view import Client, ClientView
from conformance.model import Exchange
from conformance.names import suggest_or_list

_PYTHON = MappingProxyType(
    {
        "bearer": 'HttpOptions(headers={"Authorization": "Bearer KEY"})',
        "version": 'HttpOptions(api_version="v1beta")',
    }
)
_JAVASCRIPT = MappingProxyType(
    {
        "bearer": 'httpOptions: {headers: {Authorization: "Bearer KEY"}}',
        "version": 'httpOptions: {apiVersion: "v1beta"}',
    }
)
_AI = MappingProxyType(
    {
        "bearer": 'createGoogleGenerativeAI({headers: {Authorization: "Bearer KEY"}})',
        "version": 'createGoogleGenerativeAI({baseURL: "…/v1beta"})',
    }
)
_OLD = MappingProxyType(
    {
        "bearer": 'requestOptions {customHeaders: {Authorization: "Bearer KEY"}}',
        "version": 'requestOptions {apiVersion: "v1beta"}',
    }
)
_CLI = MappingProxyType(
    {
        "bearer": "GEMINI_CLI_CUSTOM_HEADERS",
        "version": "GOOGLE_GENAI_API_VERSION",
    }
)

_MEASURED = (
    Client(
        "google-genai 3.4.0 (Python)",
        "google-genai-3.4.0",
        "google-genai",
        google_genai.read_3,
        api_version="v1",
        configure=_PYTHON,
    ),
    Client(
        "google-genai 1.30.0 (Python)",
        "google-genai-1.30.0",
        "google-genai",
        google_genai.read_1,
        configure=_PYTHON,
    ),
    Client(
        "@google/genai 2.32.0 (JavaScript)",
        "google-genai-js-2.32.0",
        "@google/genai",
        google_genai_js.read_2,
        configure=_JAVASCRIPT,
    ),
    Client(
        "@google/genai 1.30.0 (JavaScript)",
        "google-genai-js-1.30.0",
        "@google/genai",
        google_genai_js.read_1,
        configure=_JAVASCRIPT,
    ),
    Client(
        "ai 6.0.326 + @ai-sdk/google 3.0.141 (JavaScript)",
        "ai-sdk-google-3.0.141",
        "@ai-sdk/google",
        ai_sdk.read_response,
        configure=_AI,
    ),
    Client(
        "@google/generative-ai 0.24.1 (JavaScript)",
        "google-generative-ai-0.24.1",
        "@google/generative-ai",
        generative_ai_js.read_response,
        configure=_OLD,
        # The program that measured this client read neither its calls nor the usage of its streams.
        unmeasured=MappingProxyType(
            {"generateContent": ("calls",), "streamGenerateContent": ("calls", "total_tokens")}
        ),
    ),
)
_CLI_CLIENT = Client(
    "gemini-cli 0.61.0 (on @google/genai 1.30.0)",
    "gemini-cli-0.61.0",
    "gemini-cli",
    google_genai_js.read_cli,
    configure=_CLI,
    methods=("streamGenerateContent",),
)

# The libraries that were measured, in the order of outcomes.jsonl.
CLIENTS: Mapping[str, Client] = MappingProxyType({client.name: client for client in _MEASURED})
# The same, and the program that stands on one of them.
ALL_CLIENTS: Mapping[str, Client] = MappingProxyType({**CLIENTS, _CLI_CLIENT.name: _CLI_CLIENT})


class UnknownClientError(ValueError):
    """No client of that name; the message offers the nearest."""


def find_clients(word: str) -> tuple[Client, ...]:
    """Return the clients that a word names: a full name, a slug, or a family (then all its versions).

    Raises UnknownClientError.
    """
    wanted = word.strip().lower()
    found = tuple(
        client
        for client in ALL_CLIENTS.values()
        if wanted in {client.name.lower(), client.slug, client.family, client.family.removeprefix("@")}
    )
    if found:
        return _prefer_exact(found, wanted)
    known = sorted(
        {client.slug for client in ALL_CLIENTS.values()} | {c.family for c in ALL_CLIENTS.values()}
    )
    raise UnknownClientError(f"no client is called {word}{suggest_or_list(wanted, known)}")


def _prefer_exact(found: tuple[Client, ...], wanted: str) -> tuple[Client, ...]:
    """Prefer an exact family to one that only differs by its `@`."""
    exact = tuple(client for client in found if client.family == wanted)
    return exact or found


def read_as_client(client: Client, captured: CapturedResponse | Exchange) -> ClientView:
    """Say what the caller of that client sees of a response; never raises, whatever the bytes are."""
    response = from_exchange(captured) if isinstance(captured, Exchange) else captured
    return client.reads(response, client.name)


def find_required_settings(client: Client, accepted: tuple[str, ...] | None, *, v1: bool) -> tuple[str, ...]:
    """Return what the client must be told before it reaches a vendor at all.

    `accepted` are the ways of carrying the key that the vendor takes (None: any), `v1` whether it serves /v1.
    """
    needs = []
    if accepted is not None and client.auth not in accepted:
        other = "header" if "bearer" in accepted else ", ".join(accepted) or "another credential"
        needs.append(
            f"{other}: {client.configure['bearer']}" if "bearer" in accepted else f"credential: {other}"
        )
    if client.api_version == "v1" and not v1:
        needs.append(f"API version: {client.configure['version']}")
    return tuple(needs)
