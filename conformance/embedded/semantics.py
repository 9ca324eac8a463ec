"""The well-formed requests that Google refuses: the rules in the field descriptions of the reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from conformance.dialects.shapes import Shape, load_reference
from conformance.embedded.errors import Refused
from conformance.embedded.functions import list_declarations
from conformance.names import to_snake

# A canonical request as `protojson.accept` returns it: its form is known to be right.
Message = Mapping[str, Any]
Faults = Iterator[tuple[str, str]]

_ROLES = ("user", "model", "function", "")
_MIME_TYPES = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_CANDIDATES = 8
SCHEMA_SETTINGS = ("responseSchema", "responseJsonSchema", "_responseJsonSchema")
_POSITIVE = ("maxOutputTokens", "topK", "candidateCount")


@cache
def _data_members() -> frozenset[str]:
    """Return the members of which a part holds exactly one; read when a server is first asked."""
    parts = load_reference().request.properties["systemInstruction"].properties["parts"]
    return frozenset(parts.items.oneof if parts.items else ())


def _check_contents(request: Message) -> Faults:
    if not request.get("contents"):
        yield "contents", "contents is not specified"
    for index, content in enumerate(request.get("contents", ())):
        yield from _check_content(content, f"contents[{index}]")


def _check_instruction(request: Message) -> Faults:
    if "systemInstruction" in request:
        yield from _check_content(request["systemInstruction"], "system_instruction")


def _check_content(content: Message, path: str) -> Faults:
    if not content.get("parts"):
        yield f"{path}.parts", "contents.parts must not be empty."
    for index, part in enumerate(content.get("parts", ())):
        if not _data_members() & part.keys():
            yield f"{path}.parts[{index}].data", "required oneof field 'data' must have one initialized field"
        yield from _check_names(part, f"{path}.parts[{index}]")


def _check_names(part: Message, path: str) -> Faults:
    for member, name in (("functionCall", "function_call"), ("functionResponse", "function_response")):
        if member in part and not part[member].get("name"):
            yield f"{path}.{name}.name", "Name cannot be empty."


def _check_config(request: Message) -> Faults:
    config = request.get("generationConfig", {})
    for name in _POSITIVE:
        if config.get(name, 1) < 1:
            yield f"generation_config.{to_snake(name)}", f"{to_snake(name)} must be positive."
    if config.get("candidateCount", 1) > _CANDIDATES:
        yield "generation_config.candidate_count", f"candidate_count must be in the range [1, {_CANDIDATES}]."
    if not 0 <= config.get("topP", 0) <= 1:
        yield "generation_config.top_p", "top_p must be in the range [0.0, 1.0]."
    yield from _check_formats(config)


def _check_formats(config: Message) -> Faults:
    mime = config.get("responseMimeType", "") or "text/plain"
    schemas = [name for name in SCHEMA_SETTINGS if name in config]
    if mime not in _MIME_TYPES:
        allowed = ", ".join(f"`{name}`" for name in _MIME_TYPES)
        yield "generation_config.response_mime_type", f"allowed mimetypes are {allowed}."
    if schemas and mime == "text/plain":
        path = f"generation_config.{to_snake(schemas[0])}"
        yield path, "only allowed with a response_mime_type of application/json"
    if len(schemas) > 1:
        yield f"generation_config.{to_snake(schemas[1])}", "only one of the response schemas may be set"


def _check_bounds(request: Message) -> Faults:
    """Check the ranges that the schema states."""
    shape = load_reference().request.properties["generationConfig"]
    for name, value in request.get("generationConfig", {}).items():
        if text := _describe_range_fault(value, shape.properties[name]):
            yield f"generation_config.{to_snake(name)}", f"{to_snake(name)} {text}"


def _describe_range_fault(value: Any, shape: Shape) -> str:
    if isinstance(value, list):
        is_too_long = shape.max_items is not None and len(value) > shape.max_items
        return f"must have at most {shape.max_items} entries." if is_too_long else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    low, high = shape.minimum, shape.maximum
    inside = (low is None or value >= low) and (high is None or value <= high)
    return "" if inside else f"must be in the range [{low}, {high}]."


def _check_tools(request: Message) -> Faults:
    names = list_declared_names(request)
    for name in names:
        if not _FUNCTION.fullmatch(name):
            path = "tools[0].function_declarations[0].name"
            yield path, "Invalid function name. Must start with a letter or an underscore."
        elif names.count(name) > 1:
            yield "tools", f"Duplicate function declaration found: {name}"


def _check_calling_mode(request: Message) -> Faults:
    calling = request.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = calling.get("allowedFunctionNames", ())
    path = "tool_config.function_calling_config"
    if allowed and calling.get("mode") not in {"ANY", "VALIDATED"}:
        text = "allowed_function_names should only be set when mode is ANY or VALIDATED."
        yield f"{path}.allowed_function_names", text
    elif unknown := [name for name in allowed if name not in list_declared_names(request)]:
        yield f"{path}.allowed_function_names", f"{unknown[0]} is not a declared function."
    if calling.get("mode") == "ANY" and not list_declared_names(request):
        yield f"{path}.mode", "Function calling config is set without function_declarations."


def list_declared_names(request: Message) -> list[str]:
    """Return the names of the functions that a request declares."""
    return [function.get("name", "") for function in list_declarations(request)]


_CHECKS: tuple[Callable[[Message], Faults], ...] = (
    _check_contents, _check_instruction, _check_config, _check_bounds, _check_tools, _check_calling_mode,
)  # fmt: skip


def judge_request(request: Message) -> None:
    """Accept a canonical request that Google would answer. Raises Refused with Google's text for any other."""
    faults = [fault for check in _CHECKS for fault in check(request)]
    if faults:
        raise Refused(400, "".join(f"* GenerateContentRequest.{path}: {text}\n" for path, text in faults))
    if any(content.get("role", "") not in _ROLES for content in request["contents"]):
        raise Refused(400, "Please use a valid role: user, model.")
    if request.get("cachedContent"):
        raise Refused(403, "CachedContent not found (or permission denied)")
    for file in _find_uploads(request):
        raise Refused(403, f"You do not have permission to access the File {file} or it may not exist.")


def _find_uploads(request: Message) -> Iterator[str]:
    """Yield the names of the uploaded files that a request refers to; none can exist here."""
    parts = (part for content in request["contents"] for part in content["parts"] if "fileData" in part)
    for part in parts:
        _, found, name = str(part["fileData"].get("fileUri", "")).partition("/files/")
        if found:
            yield name
