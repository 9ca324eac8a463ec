"""The six client versions that were measured, in the order of the measurement."""

from __future__ import annotations

from conformance.clients import find_clients

PYTHON, PYTHON_1, JS, JS_1, AI, OLD = (
    find_clients(slug)[0]
    for slug in (
        "google-genai-3.4.0",
        "google-genai-1.30.0",
        "google-genai-js-2.32.0",
        "google-genai-js-1.30.0",
        "ai-sdk-google-3.0.141",
        "google-generative-ai-0.24.1",
    )
)
