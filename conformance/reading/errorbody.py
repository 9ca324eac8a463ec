"""Reads errors in the shapes in which vendors write them, and tells whether a body is an error at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from conformance.model import JSON

# google.rpc.Code names with the HTTP statuses that they map to (google/rpc/code.proto).
RPC_CODES: Mapping[str, int] = {
    "CANCELLED": 499, "UNKNOWN": 500, "INTERNAL": 500, "DATA_LOSS": 500, "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "ALREADY_EXISTS": 409, "ABORTED": 409, "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}  # fmt: skip
_OPENAI = ("type", "param")
_CODES = ("code", "errcode", "errno", "status_code", "statusCode", "ret", "retcode")
_MESSAGES = ("message", "msg", "errmsg", "error_msg", "error_message", "errorMessage", "message_text")
_FINE = (0, 200, "0", "200", "ok", "OK", "success", "SUCCESS", None, True)


@dataclass(frozen=True)
class ErrorBody:
    """An error as a vendor wrote it.

    shape: google | openai | code-message | string | html | empty | other.
    """

    shape: str
    code: JSON = None
    status: JSON = None
    message: str = ""
    details: JSON = None
    at: str = ""  # pointer to the error object
    wrapped: bool = False  # the error stands in a one-element list


def _as_text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _get_first(body: Mapping[str, JSON], names: tuple[str, ...]) -> JSON:
    return next((body[name] for name in names if name in body), None)


def _read_error_object(error: Mapping[str, JSON], at: str) -> ErrorBody:
    google = "status" in error and "code" in error  # whatever else stands beside them
    openai = "message" in error and (any(name in error for name in _OPENAI) or "status" not in error)
    return ErrorBody(
        shape="google" if google else "openai" if openai else "other",
        code=error.get("code"),
        status=error.get("status"),
        message=_as_text(error.get("message")),
        details=error.get("details"),
        at=at,
    )


def _read_error_at_root(body: Mapping[str, JSON]) -> ErrorBody | None:
    error = body.get("error")
    if isinstance(error, dict):
        return _read_error_object(error, "/error")
    if isinstance(error, str) and error:
        return ErrorBody("string", message=error, at="/error")
    code, message = _get_first(body, _CODES), _get_first(body, _MESSAGES)
    if message is not None and code is not None and code not in _FINE:
        return ErrorBody("code-message", code=code, message=_as_text(message), status=body.get("status"))
    return None


def _read_nested_error(body: Mapping[str, JSON]) -> ErrorBody | None:
    for name, child in body.items():
        inner = _read_error_at_root(child) if isinstance(child, dict) else None
        if inner is not None:
            return replace(inner, at=f"/{name}{inner.at}")
    return None


def error_in(value: JSON) -> ErrorBody | None:
    """Return the error that a body clearly is (an `error` member, a failing code with a message), or None.

    It is used on bodies of any status: a 200 with such a body is really a failure.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict):
        inner = error_in(value[0])
        return inner and replace(inner, at=f"/0{inner.at}", wrapped=True)
    return (_read_error_at_root(value) or _read_nested_error(value)) if isinstance(value, dict) else None


def error_body(value: JSON) -> ErrorBody:
    """Return the body of an answer whose status says that it is an error, whatever its shape."""
    found = error_in(value)
    if found is not None:
        return found
    if isinstance(value, str):
        return ErrorBody("string", message=value)
    if isinstance(value, dict):
        message = _get_first(value, _MESSAGES)
        shape = "code-message" if message is not None else "other"
        return ErrorBody(shape, code=_get_first(value, _CODES), message=_as_text(message))
    return ErrorBody("other")


def says_it_failed(value: JSON) -> bool:
    """Return whether the body of a success says that it failed without saying how (`success: false`)."""
    if not isinstance(value, dict):
        return False
    return value.get("success") is False or value.get("status") in ("error", "fail", "failed")
