"""Function calls of the scripted model: whether to call, with which arguments, and the signature to be sent back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.embedded.errors import Refused
from conformance.embedded.instances import find_places, make_instance, read_hints
from conformance.model import JSON

Message = Mapping[str, Any]
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 8  # characters of an id
_ID_HEAD = 6  # those of the call itself; the others prove that this model made the id
_MAGIC = b"\x12\x22\x0a"
_COMMON = frozenset({"get", "set", "find", "fetch", "current", "my", "the", "function", "call"})


def list_declarations(request: Message) -> list[Message]:
    """Return the functions that a request declares."""
    return [
        function for tool in request.get("tools", ()) for function in tool.get("functionDeclarations", ())
    ]


def _split_name(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)} - _COMMON


def _find_fitting(functions: Sequence[Message], prompt: str) -> list[Message]:
    """Return the functions whose names occur in the prompt."""
    in_prompt = set(re.findall(r"[a-z]+", prompt.lower()))
    names = [(function, _split_name(str(function.get("name", "")))) for function in functions]
    return [function for function, words in names if words and words <= in_prompt]


def _choose_function(request: Message, prompt: str) -> Message | None:
    """Return the function to call, or None: mode NONE forbids a call, ANY forces one, AUTO depends on the prompt."""
    calling = request.get("toolConfig", {}).get("functionCallingConfig", {})
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames")
    functions = [one for one in list_declarations(request) if not allowed or one.get("name") in allowed]
    if mode == "NONE" or not functions:
        return None
    fitting = _find_fitting(functions, prompt)
    return fitting[0] if fitting else functions[0] if mode == "ANY" else None


def _make_arguments(function: Message, prompt: str, place: str | None) -> dict[str, JSON]:
    schema = function.get("parametersJsonSchema") or function.get("parameters") or {}
    made = (
        make_instance(schema, read_hints(prompt, schema, place))
        if isinstance(schema, dict) and schema
        else {}
    )
    return made if isinstance(made, dict) else {}


def make_calls(request: Message, prompt: str, *, with_ids: bool) -> tuple[dict[str, JSON], ...]:
    """Return the functionCall parts that answer a prompt: none, one, or one for each place that it names."""
    function = _choose_function(request, prompt)
    if function is None:
        return ()
    where: list[str | None] = [*find_places(prompt)] or [None]
    wanted = where if "once for each" in prompt else where[:1]
    return tuple(
        _make_call(str(function["name"]), _make_arguments(function, prompt, place), at if with_ids else None)
        for at, place in enumerate(wanted)
    )


def _make_call(name: str, arguments: dict[str, JSON], position: int | None) -> dict[str, JSON]:
    """Return a call, with an id where its position among its siblings is given."""
    call: dict[str, JSON] = {"name": name, "args": arguments}
    if position is not None:
        call["id"] = make_call_id(f"{position}{name}{json.dumps(arguments, sort_keys=True)}")
    return {"functionCall": call}


def _hash_characters(text: str, number: int) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:number])


def make_call_id(call: str) -> str:
    """Return the id of a call: eight letters and digits, of which the last two prove that it is this model's."""
    head = _hash_characters(call, _ID_HEAD)
    return head + _hash_characters(head, _ID_LENGTH - _ID_HEAD)


def is_own_id(value: str) -> bool:
    """Return whether an id was made by this model."""
    head, proof = value[:_ID_HEAD], value[_ID_HEAD:]
    return len(value) == _ID_LENGTH and proof == _hash_characters(head, _ID_LENGTH - _ID_HEAD)


def _get_call(part: Message) -> Message:
    call: Message = part["functionCall"]
    return call


def sign_function_call(call: Message) -> str:
    """Return the signature of a call, in base64: opaque to clients, and wrong for any other call."""
    return sign_value([call.get("name"), call.get("args")])


def add_signature(part: dict[str, JSON]) -> dict[str, JSON]:
    """Return the part of a call with its signature beside the call."""
    return {**part, "thoughtSignature": sign_function_call(_get_call(part))}


def sign_value(value: JSON) -> str:
    """Return the signature of a value, in standard base64 with its padding."""
    sealed = json.dumps(value, sort_keys=True).encode()
    return base64.b64encode(_MAGIC + hashlib.sha256(sealed).digest()).decode()


def _find_replayed_calls(request: Message) -> Iterator[tuple[int, int, Message]]:
    """Yield the first call of each model turn where it is one of ours: turn, index of the part, part."""
    for turn, content in enumerate(request.get("contents", ())):
        parts = [(at, part) for at, part in enumerate(content.get("parts", ())) if "functionCall" in part]
        if parts and is_own_id(str(_get_call(parts[0][1]).get("id", ""))):
            yield turn, *parts[0]


def check_signatures(request: Message) -> None:
    """Accept a request that sends our calls back unchanged. Raises Refused where a signature is missing or altered.

    Only families that give ids require signatures. Calls with another id, or none, were made by an older model or
    by the client; Google accepts those on most models too.
    """
    for turn, at, part in _find_replayed_calls(request):
        given = part.get("thoughtSignature")
        if not given:
            raise Refused(
                400,
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `{_get_call(part).get('name')}` , position {turn + 1}.",
            )
        if given != sign_function_call(_get_call(part)):
            place = f"contents[{turn}].parts[{at}].thought_signature"
            raise Refused(400, f"Thought signature is not valid: {place}")
