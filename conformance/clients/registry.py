"""The clients that are modelled, under the names that reports and the command line use."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from conformance.clients import ai_sdk, generative_ai_js, google_genai, google_genai_js
from conformance.clients.captured_response import CapturedResponse, from_exchange
from conformance.clients.client_view import Client, ClientView
from conformance.model import Exchange
from conformance.names import suggest_or_list


def _describe_settings(bearer: str, version: str) -> Mapping[str, str]:
    return MappingProxyType({"bearer": bearer, "version": version})


_PYTHON = _describe_settings(
    'HttpOptions(headers={"Authorization": "Bearer KEY"})', 'HttpOptions(api_version="v1beta")'
)
_JAVASCRIPT = _describe_settings(
    'httpOptions: {headers: {Authorization: "Bearer KEY"}}', 'httpOptions: {apiVersion: "v1beta"}'
)
_MEASURED = (
    Client(
        "google-genai 3.4.0 (Python)", "google-genai-3.4.0", "google-genai", google_genai.read_3,
        api_version="v1", configure=_PYTHON,
    ),
    Client(
        "google-genai 1.30.0 (Python)", "google-genai-1.30.0", "google-genai", google_genai.read_1,
        configure=_PYTHON,
    ),
    Client(
        "@google/genai 2.32.0 (JavaScript)", "google-genai-js-2.32.0", "@google/genai", google_genai_js.read_2,
        configure=_JAVASCRIPT,
    ),
    Client(
        "@google/genai 1.30.0 (JavaScript)", "google-genai-js-1.30.0", "@google/genai", google_genai_js.read_1,
        configure=_JAVASCRIPT,
    ),
    Client(
        "ai 6.0.326 + @ai-sdk/google 3.0.141 (JavaScript)", "ai-sdk-google-3.0.141", "@ai-sdk/google",
        ai_sdk.read_response, finish_words=ai_sdk.translate_finish_reason, shows_total=False,
        configure=_describe_settings(
            'createGoogleGenerativeAI({headers: {Authorization: "Bearer KEY"}})',
            'createGoogleGenerativeAI({baseURL: "…/v1beta"})',
        ),
    ),
    Client(
        "@google/generative-ai 0.24.1 (JavaScript)", "google-generative-ai-0.24.1", "@google/generative-ai",
        generative_ai_js.read_response,
        configure=_describe_settings(
            'requestOptions {customHeaders: {Authorization: "Bearer KEY"}}',
            'requestOptions {apiVersion: "v1beta"}',
        ),
        # The program that measured this client read neither its calls nor the usage of its streams.
        unmeasured=MappingProxyType(
            {"generateContent": ("calls",), "streamGenerateContent": ("calls", "total_tokens")}
        ),
    ),
)  # fmt: skip
_CLI = Client(
    "gemini-cli 0.61.0 (on @google/genai 1.30.0)", "gemini-cli-0.61.0", "gemini-cli", google_genai_js.read_cli,
    configure=_describe_settings("GEMINI_CLI_CUSTOM_HEADERS", "GOOGLE_GENAI_API_VERSION"),
    methods=("streamGenerateContent",),
)  # fmt: skip

# The libraries that were measured, in the order of outcomes.jsonl.
CLIENTS: Mapping[str, Client] = MappingProxyType({client.name: client for client in _MEASURED})
# The same, and the program that is built on one of them.
ALL_CLIENTS: Mapping[str, Client] = MappingProxyType({**CLIENTS, _CLI.name: _CLI})


class UnknownClientError(ValueError):
    """There is no client of that name; the message suggests the nearest one."""


def find_clients(word: str) -> tuple[Client, ...]:
    """Return the clients that a word names: by a full name, a slug, or a family (all its versions).

    Raises UnknownClientError.
    """
    wanted = word.strip().lower()
    found = tuple(
        client
        for client in ALL_CLIENTS.values()
        if wanted in {client.name.lower(), client.slug, client.family, client.family.removeprefix("@")}
    )
    if found:
        # An exact family comes before one that differs only by its `@`.
        return tuple(client for client in found if client.family == wanted) or found
    known = sorted(
        {client.slug for client in ALL_CLIENTS.values()} | {c.family for c in ALL_CLIENTS.values()}
    )
    raise UnknownClientError(f"no client is called {word}{suggest_or_list(wanted, known)}")


def read_as_client(client: Client, captured: CapturedResponse | Exchange) -> ClientView:
    """Return what the caller of that client sees of a response; never raises, whatever the bytes are."""
    response = from_exchange(captured) if isinstance(captured, Exchange) else captured
    return client.reads(response, client.name)


def find_required_settings(client: Client, accepted: tuple[str, ...] | None, *, v1: bool) -> tuple[str, ...]:
    """Return what a user must configure before the client reaches a vendor at all, a line per setting.

    `accepted` are the ways of sending the key that the vendor accepts (None: any), `v1` whether it serves /v1.
    """
    needs = []
    if accepted is not None and client.auth not in accepted:
        if "bearer" in accepted:
            needs.append(f"header: {client.configure['bearer']}")
        else:
            needs.append(f"credential: {', '.join(accepted) or 'another credential'}")
    if client.api_version == "v1" and not v1:
        needs.append(f"API version: {client.configure['version']}")
    return tuple(needs)
