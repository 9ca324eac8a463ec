"""The refusals of a server: the google.rpc.Status of each, as exceptions.

The texts are Google's own, because clients and people match on them.
"""

from __future__ import annotations

from collections.abc import Iterable

from conformance.model import JSON

_NAMES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    405: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip
_SERVICE = "generativelanguage.googleapis.com"


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """A refused request: HTTP status, message, and details in the form of google.rpc."""

    def __init__(
        self, status: int, message: str, details: tuple[JSON, ...] = (), *, empty: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details
        self.empty = empty  # refused by the front end, with an empty page instead of an object

    def to_object(self) -> dict[str, JSON]:
        """Return the error object; `code` is the HTTP status (AIP-193)."""
        error: dict[str, JSON] = {
            "code": self.status, "message": self.message, "status": _NAMES.get(self.status, "UNKNOWN"),
        }  # fmt: skip
        return {"error": error | ({"details": list(self.details)} if self.details else {})}


def error_info(reason: str, **metadata: JSON) -> JSON:
    """Return a google.rpc.ErrorInfo detail."""
    info: dict[str, JSON] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com",
    }  # fmt: skip
    return info | ({"metadata": {**metadata}} if metadata else {})


def bad_request_error(violations: Iterable[tuple[str, str]]) -> Refused:
    """Return the refusal of faults in form; each is a path in proto names (empty at the root) and a description."""
    pairs = list(violations)
    listed: list[JSON] = [
        {"field": path, "description": text} if path else {"description": text} for path, text in pairs
    ]
    detail: JSON = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed}
    return Refused(400, "\n".join(text for _, text in pairs), (detail,))


def missing_key_error() -> Refused:
    """Return the refusal of a caller without any credential."""
    text = (
        "Method doesn't allow unregistered callers (callers without established identity). "
        "Please use API Key or other form of API consumer identity to call this API."
    )
    return Refused(403, text)


def invalid_key_error() -> Refused:
    """Return the refusal of a wrong key: 400, not 401, at Google."""
    text = "API key not valid. Please pass a valid API key."
    localized: JSON = {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": text,
    }  # fmt: skip
    return Refused(400, text, (error_info("API_KEY_INVALID", service=_SERVICE), localized))


_LIMITS = "https://ai.google.dev/gemini-api/docs/rate-limits"


def quota_error(model: str) -> Refused:
    """Return the refusal of a caller whose quota is used up. There is no Retry-After: the delay is a detail."""
    violation: JSON = {
        "quotaMetric": f"{_SERVICE}/generate_content_free_tier_requests",
        "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": model},
        "quotaValue": "10",
    }
    details: tuple[JSON, ...] = (
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [{"description": "Learn more about Gemini API quotas", "url": _LIMITS}],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "21s"},
    )
    text = (
        "You exceeded your current quota, please check your plan and billing details. "
        f"For more information on this error, head to: {_LIMITS}."
    )
    return Refused(429, text, details)


def bearer_error() -> Refused:
    """Return the refusal of an API key as a Bearer token."""
    text = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    return Refused(401, text, (error_info("ACCESS_TOKEN_TYPE_UNSUPPORTED", service=_SERVICE),))


def unknown_model_error(model: str, version: str, method: str) -> Refused:
    """Return the refusal of a model that does not exist. Its text names generateContent for the stream method too."""
    named = "generateContent" if method == "streamGenerateContent" else method
    return Refused(
        404,
        f"models/{model} is not found for API version {version}, or is not supported for {named}. "
        "Call ModelService.ListModels to see the list of available models and their supported methods.",
    )


def not_found_error() -> Refused:
    """Return the refusal of a path, a method or a verb that does not exist."""
    return Refused(404, "Requested entity was not found.")


def empty_not_found_error() -> Refused:
    """Return the front end's refusal of a model's name with a segment too many: an empty page."""
    return Refused(404, "", empty=True)
