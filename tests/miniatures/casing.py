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


def _rename_members(message: Message, spell: Any) -> None:
    for name in list(message):
        message[spell(name)] = message.pop(name)


def _rename_all(value: Any, spell: Any) -> Any:
    if isinstance(value, list):
        return [_rename_all(child, spell) for child in value]
    if not isinstance(value, dict):
        return value
    free = ("args", "response")
    return {
        spell(name): child if name in free else _rename_all(child, spell) for name, child in value.items()
    }


def _to_pascal_case(name: str) -> str:
    return name[:1].upper() + name[1:]


def _to_kebab_case(name: str) -> str:
    return to_snake(name).replace("_", "-")


def _spell_usage_in_snake_case(response: Message) -> None:
    if "usageMetadata" in response:
        response["usage_metadata"] = _rename_all(response.pop("usageMetadata"), to_snake)


def _spell_usage_twice(response: Message) -> None:
    response["usage_metadata"] = _rename_all(response["usageMetadata"], to_snake)


def _spell_last_chunk_in_snake_case(made: list[Message]) -> list[Message]:
    return [*made[:-1], _rename_all(made[-1], to_snake)]


def _recase_arguments(call: Message) -> None:
    if "args" in call:
        call["args"] = {
            "".join(p.title() if n else p for n, p in enumerate(k.split("_"))): v
            for k, v in call["args"].items()
        }


def _with_parser(change: Any) -> Behaviour:
    """A server whose parser knows only some spellings: what it does not know is dropped or refused."""

    def settle(body: Any, style: Style) -> Any:
        return change(HONEST.settle(body, style))

    return replace(HONEST, settle=settle)


def _drop_snake_case(value: Any) -> Any:
    if isinstance(value, list):
        return [_drop_snake_case(child) for child in value]
    if not isinstance(value, dict):
        return value
    free = ("args", "response", "properties")
    return {k: v if k in free else _drop_snake_case(v) for k, v in value.items() if "_" not in k}


def _drop_nested_snake_case(value: Any, depth: int = 0) -> Any:
    """Reads both spellings at the top two levels, lowerCamelCase only beneath."""
    if isinstance(value, list):
        return [_drop_nested_snake_case(child, depth) for child in value]
    if not isinstance(value, dict):
        return value
    free = ("args", "response", "properties")
    kept = {k: v for k, v in value.items() if depth < 2 or "_" not in k or k in free}
    return {k: v if k in free else _drop_nested_snake_case(v, depth + 1) for k, v in kept.items()}


def _refuse_snake_case(value: Any) -> Any:
    if isinstance(value, dict) and any("_" in name for name in value):
        raise Refused(400, "unknown parameter")
    return value


def _read_flat_settings(body: Any) -> Any:
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
        "Answers are in snake_case throughout.",
        with_responses(lambda r: _rename_all(r, to_snake)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "all-pascal",
        "Answers are in PascalCase.",
        with_responses(lambda r: _rename_all(r, _to_pascal_case)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "all-kebab",
        "Answers are in kebab-case.",
        with_responses(lambda r: _rename_all(r, _to_kebab_case)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "all-upper",
        "Answers are in capitals.",
        with_responses(lambda r: _rename_all(r, lambda n: to_snake(n).upper())),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "candidate-snake",
        "The members of candidates are in snake_case.",
        with_candidates(lambda c: _rename_members(c, to_snake)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "usage-snake",
        "usage_metadata is in snake_case throughout.",
        with_responses(_spell_usage_in_snake_case),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "counters-snake",
        "Only the counters inside usageMetadata are in snake_case.",
        with_usage(lambda u: _rename_members(u, to_snake)),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "unary-snake",
        "Only unary answers are in snake_case.",
        with_responses(lambda r: _rename_all(r, to_snake), only="unary"),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "stream-snake",
        "Only streams are in snake_case.",
        with_responses(lambda r: _rename_all(r, to_snake), only="stream"),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "tail-snake",
        "Only the last chunk is in snake_case.",
        replace(HONEST, chunks=lambda answer: _spell_last_chunk_in_snake_case(list(HONEST.chunks(answer)))),
        trips={"casing/answers-in-camel-case"},
    ),
    Miniature(
        "both-spellings",
        "Answers hold the usage in both spellings.",
        with_responses(_spell_usage_twice),
        notes={"casing/spells-each-name-once"},
    ),
    Miniature(
        "recased-arguments",
        "Every key is changed to camelCase, a function's arguments included.",
        with_calls(_recase_arguments),
        trips={"casing/leaves-argument-names-alone"},
    ),
    Miniature(
        "camel-only",
        "Names in snake_case are dropped from requests.",
        _with_parser(_drop_snake_case),
        trips={"casing/accepts-snake-case-requests"},
    ),
    Miniature(
        "camel-only-strict",
        "Names in snake_case are refused.",
        _with_parser(_refuse_snake_case),
        trips={"casing/accepts-snake-case-requests"},
    ),
    Miniature(
        "camel-only-below",
        "Names in snake_case are dropped from the third level down.",
        _with_parser(_drop_nested_snake_case),
        trips={"casing/accepts-the-mixed-casing-of-clients"},
    ),
    Miniature(
        "flat-settings",
        "Only settings at the top level are read.",
        _with_parser(_read_flat_settings),
        trips={"casing/reads-settings-from-generation-config"},
    ),
    Miniature(
        "flat-and-openai-reasons",
        "Only settings at the top level are read, and MAX_TOKENS is called length.",
        replace(
            _with_parser(_read_flat_settings),
            dress=with_candidates(spell_reasons({"MAX_TOKENS": "length"})).dress,
        ),
        trips={"casing/reads-settings-from-generation-config", "schema/enums-are-googles-names"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "both-spellings-harmless",
        "A second spelling stands beside the right one.",
        with_responses(_spell_usage_twice),
    ),
)
