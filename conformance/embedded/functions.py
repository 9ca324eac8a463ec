"""Function calling as the scripted model does it: whether to call, what with, and the signature that must come back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.embedded.errors import Refused
from conformance.embedded.instances import hints, instance, places
from conformance.model import JSON

Message = Mapping[str, Any]
_ID = "scripted-"  # so begin the ids of calls that this model made
_MAGIC = b"\x12\x22\x0a"
_COMMON = frozenset({"get", "set", "find", "fetch", "current", "my", "the", "function", "call"})


def declarations(request: Message) -> list[Message]:
    """Return the functions that a request declares."""
    return [
        function for tool in request.get("tools", ()) for function in tool.get("functionDeclarations", ())
    ]


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)} - _COMMON


def _fitting(functions: Sequence[Message], prompt: str) -> list[Message]:
    """Return the functions whose name the prompt speaks of."""
    said = set(re.findall(r"[a-z]+", prompt.lower()))
    return [
        function
        for function in functions
        if (words := _words(str(function.get("name", "")))) and words <= said
    ]


def _chosen(request: Message, prompt: str) -> Message | None:
    """Return the function to call, or None: mode NONE forbids, ANY forces, AUTO goes by the prompt."""
    calling = request.get("toolConfig", {}).get("functionCallingConfig", {})
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames")
    functions = [one for one in declarations(request) if not allowed or one.get("name") in allowed]
    if mode == "NONE" or not functions:
        return None
    fitting = _fitting(functions, prompt)
    return fitting[0] if fitting else functions[0] if mode == "ANY" else None


def _arguments(function: Message, prompt: str, place: str | None) -> dict[str, JSON]:
    schema = function.get("parametersJsonSchema") or function.get("parameters") or {}
    made = instance(schema, hints(prompt, schema, place)) if isinstance(schema, dict) and schema else {}
    return made if isinstance(made, dict) else {}


def calls(request: Message, prompt: str) -> tuple[dict[str, JSON], ...]:
    """Return the functionCall parts that answer a prompt: none, one, or one for each place where it asks so."""
    function = _chosen(request, prompt)
    if function is None:
        return ()
    where: list[str | None] = [*places(prompt)] or [None]
    wanted = where if "once for each" in prompt else where[:1]
    made = [
        _call(str(function["name"]), _arguments(function, prompt, place), at)
        for at, place in enumerate(wanted)
    ]
    # As Google does it, only the first of parallel calls carries the signature.
    return ({**made[0], "thoughtSignature": signature(_called(made[0]))}, *made[1:])


def _call(name: str, arguments: dict[str, JSON], position: int) -> dict[str, JSON]:
    seal = hashlib.sha256(f"{position}{name}{json.dumps(arguments, sort_keys=True)}".encode()).hexdigest()[
        :12
    ]
    return {"functionCall": {"id": f"{_ID}{seal}", "name": name, "args": arguments}}


def _called(part: Message) -> Message:
    call: Message = part["functionCall"]
    return call


def signature(call: Message) -> str:
    """Return the signature of a call, in base64: opaque to clients, and wrong for any other call."""
    sealed = json.dumps([call.get("name"), call.get("args")], sort_keys=True).encode()
    return base64.b64encode(_MAGIC + hashlib.sha256(sealed).digest()).decode()


def _replayed(request: Message) -> Iterator[tuple[int, int, Message]]:
    """Yield the first call of each turn of the model, where it is one of ours: turn, place, part."""
    for turn, content in enumerate(request.get("contents", ())):
        parts = [(at, part) for at, part in enumerate(content.get("parts", ())) if "functionCall" in part]
        if parts and str(_called(parts[0][1]).get("id", "")).startswith(_ID):
            yield turn, *parts[0]


def check_signatures(request: Message) -> None:
    """Pass a request that brings our calls back as they were. Raises Refused where a signature is gone or altered.

    Calls with an id that is not ours were made up by the client; Google lets those pass on most models too.
    """
    for turn, at, part in _replayed(request):
        given = part.get("thoughtSignature")
        if not given:
            raise Refused(
                400,
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `{_called(part).get('name')}` , position {turn + 1}.",
            )
        if given != signature(_called(part)):
            raise Refused(
                400, f"Thought signature is not valid: contents[{turn}].parts[{at}].thought_signature"
            )
