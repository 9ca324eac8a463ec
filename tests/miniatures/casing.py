"""Servers that spell names wrongly, or read only some spellings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused
from conformance.embedded.style import Style
from conformance.names import to_snake
from miniatures import Innocent, Miniature
from miniatures.making import Message, spell_reasons, with_calls, with_candidates, with_responses, with_usage


def _renamed(message: Message, spell: Any) -> None:
    for name in list(message):
        message[spell(name)] = message.pop(name)


def _deep(value: Any, spell: Any) -> Any:
    if isinstance(value, list):
        return [_deep(child, spell) for child in value]
    if not isinstance(value, dict):
        return value
    free = ("args", "response")
    return {spell(name): child if name in free else _deep(child, spell) for name, child in value.items()}


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _kebab(name: str) -> str:
    return to_snake(name).replace("_", "-")


def _usage_snake(response: Message) -> None:
    if "usageMetadata" in response:
        response["usage_metadata"] = _deep(response.pop("usageMetadata"), to_snake)


def _both(response: Message) -> None:
    response["usage_metadata"] = _deep(response["usageMetadata"], to_snake)


def _tail_snake(made: list[Message]) -> list[Message]:
    return [*made[:-1], _deep(made[-1], to_snake)]


def _recased(call: Message) -> None:
    if "args" in call:
        call["args"] = {
            "".join(p.title() if n else p for n, p in enumerate(k.split("_"))): v
            for k, v in call["args"].items()
        }


def _camel_only(change: Any) -> Behaviour:
    """A server whose parser knows only some spellings: what it does not know is dropped or refused."""

    def settle(body: Any, style: Style) -> Any:
        return change(HONEST.settle(body, style))

    return replace(HONEST, settle=settle)


def _dropped(value: Any) -> Any:
    if isinstance(value, list):
        return [_dropped(child) for child in value]
    if not isinstance(value, dict):
        return value
    free = ("args", "response", "properties")
    return {k: v if k in free else _dropped(v) for k, v in value.items() if "_" not in k}


def _dropped_below(value: Any, depth: int = 0) -> Any:
    """Reads both spellings at the top two levels, lowerCamelCase only beneath."""
    if isinstance(value, list):
        return [_dropped_below(child, depth) for child in value]
    if not isinstance(value, dict):
        return value
    free = ("args", "response", "properties")
    kept = {k: v for k, v in value.items() if depth < 2 or "_" not in k or k in free}
    return {k: v if k in free else _dropped_below(v, depth + 1) for k, v in kept.items()}


def _refused(value: Any) -> Any:
    if isinstance(value, dict) and any("_" in name for name in value):
        raise Refused(400, "unknown parameter")
    return value


def _flat(body: Any) -> Any:
    """Settings are read at the top level, in snake_case; generationConfig means nothing."""
    if not isinstance(body, dict):
        return body
    known = ("max_output_tokens", "temperature", "stop_sequences", "candidate_count")
    config = {name: body[name] for name in known if name in body}
    rest = {
        name: value
        for name, value in body.items()
        if name not in known and name not in ("generationConfig", "generation_config")
    }
    return {**rest, **({"generationConfig": config} if config else {})}


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "all-snake",
        "answers in snake_case throughout",
        with_responses(lambda r: _deep(r, to_snake)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "all-pascal",
        "answers in PascalCase",
        with_responses(lambda r: _deep(r, _pascal)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "all-kebab",
        "answers in kebab-case",
        with_responses(lambda r: _deep(r, _kebab)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "all-upper",
        "answers in capitals",
        with_responses(lambda r: _deep(r, lambda n: to_snake(n).upper())),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "candidate-snake",
        "the candidate's members are snake_case",
        with_candidates(lambda c: _renamed(c, to_snake)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "usage-snake",
        "usage_metadata is snake_case throughout",
        with_responses(_usage_snake),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "counters-snake",
        "only the counters inside usageMetadata are",
        with_usage(lambda u: _renamed(u, to_snake)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "unary-snake",
        "snake_case in unary answers only",
        with_responses(lambda r: _deep(r, to_snake), only="unary"),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "stream-snake",
        "snake_case in streams only",
        with_responses(lambda r: _deep(r, to_snake), only="stream"),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "tail-snake",
        "snake_case in the last chunk only",
        replace(HONEST, chunks=lambda answer: _tail_snake(list(HONEST.chunks(answer)))),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "both-spellings",
        "usage in both spellings",
        with_responses(_both),
        notes={"casing/spells-each-name-once"},
    ),
    Miniature(
        "recased-arguments",
        "every key is camelised, a function's arguments too",
        with_calls(_recased),
        trips={"casing/leaves-argument-names-alone"},
    ),
    Miniature(
        "camel-only",
        "names in snake_case are dropped",
        _camel_only(_dropped),
        trips={"casing/accepts-snake-case-requests"},
    ),
    Miniature(
        "camel-only-strict",
        "names in snake_case are refused",
        _camel_only(_refused),
        trips={"casing/accepts-snake-case-requests"},
    ),
    Miniature(
        "camel-only-below",
        "names in snake_case are dropped two levels down",
        _camel_only(_dropped_below),
        trips={"casing/accepts-the-mixed-casing-of-clients"},
    ),
    Miniature(
        "flat-settings",
        "settings are read at the top level only",
        _camel_only(_flat),
        trips={"casing/reads-settings-from-generation-config"},
    ),
    Miniature(
        "flat-and-openai-reasons",
        "Settings at the top level only, and MAX_TOKENS is length.",
        replace(_camel_only(_flat), dress=with_candidates(spell_reasons({"MAX_TOKENS": "length"})).dress),
        trips={"casing/reads-settings-from-generation-config", "schema/enums-are-googles-names"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent("both-spellings-harmless", "a second spelling beside the right one", with_responses(_both)),
)
