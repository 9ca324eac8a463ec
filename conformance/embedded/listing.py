"""The models of a server: models.list with its pages, and models.get."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from conformance.embedded.errors import Refused, unknown_model_error
from conformance.embedded.families import choose_family
from conformance.embedded.protojson import decode_base64
from conformance.embedded.style import Style
from conformance.model import JSON

_PAGE, _LARGEST = 50, 1000


def build_model(model: str) -> dict[str, JSON]:
    """Return a Model resource; its name carries the prefix models/, as Google's do."""
    thinks = choose_family(model).thinks
    thinking: dict[str, JSON] = {"thinking": True} if thinks else {}
    return {
        "name": f"models/{model}",
        "version": "001",
        "displayName": model.replace("-", " ").title(),
        "description": "A scripted model of the checker.",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536 if thinks else 8192,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64 if thinks else 40,
        "maxTemperature": 2,
        **thinking,
    }


def get_model(model: str, version: str, style: Style) -> dict[str, JSON]:
    """Return one model. Raises Refused (404)."""
    if model not in style.models:
        raise unknown_model_error(model, version, "GetModel")
    return build_model(model)


def _read_page_size(query: Mapping[str, str]) -> int:
    text = query.get("pageSize", query.get("page_size", "0"))
    if not text.isdecimal() or len(text) > 9:
        raise Refused(400, f"Invalid value at 'page_size' (TYPE_INT32), \"{text[:80]}\"")
    return min(int(text), _LARGEST) or _PAGE


def _read_page_token(query: Mapping[str, str]) -> int:
    token = query.get("pageToken", query.get("page_token", ""))
    try:
        return int(decode_base64(token)) if token else 0
    except (ValueError, binascii.Error):
        raise Refused(400, "The page token is invalid.") from None


def list_models(query: Mapping[str, str], style: Style) -> dict[str, JSON]:
    """Return a page of the models, with the token of the next where there is one. Raises Refused (400)."""
    start, size = _read_page_token(query), _read_page_size(query)
    listed: list[JSON] = [build_model(model) for model in style.models[start : start + size]]
    more = start + size < len(style.models)
    token = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return {"models": listed} | ({"nextPageToken": token} if more else {})
