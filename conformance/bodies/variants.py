"""Variants of fixed questions, written in another way: both must be answered alike, whatever the right answer is.

Each costs one request, since the fixed question is asked in any case; and what its answer must show (a call, a limit, a
text) shows whether a name in the other spelling was read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from conformance.bodies.forms import load_google_form
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.locations import replace_at
from conformance.bodies.rewriting import REWRITINGS
from conformance.model import JSON, Question
from conformance.probe_ids import ProbeId

Body = Mapping[str, JSON]

FIRST = (
    (ProbeId.FUNCTION_CALL_FORCED, "snake-case"),
    (ProbeId.FUNCTION_CALL_FORCED, "reordered"),
    (ProbeId.SYSTEM_INSTRUCTION, "two-parts"),
    (ProbeId.FUNCTION_CALL_FORCED, "two-tools"),
    (ProbeId.FUNCTION_CALL_FORCED, "enum-number"),
    (ProbeId.PLAIN, "two-parts"),
    (ProbeId.PLAIN, "reordered"),
)
# Questions whose every answer shows whether they were read, because they leave the model no choice.
BASES = (
    ProbeId.FUNCTION_CALL_FORCED, ProbeId.LIMIT_OF_FIVE, ProbeId.STOP_SEQUENCE, ProbeId.SYSTEM_INSTRUCTION, ProbeId.RESPONSE_SCHEMA,
    ProbeId.RESPONSE_JSON_SCHEMA, ProbeId.NESTED_TOOL, ProbeId.PLAIN,
)  # fmt: skip


def build_variants(asked: Mapping[str, Question], seed: int) -> tuple[GeneratedBody, ...]:
    """Return every variant of those questions in `asked` (by probe) whose answers are conclusive, the most telling first.

    A seed moves on through those after the first few.
    """
    pairs = [(base, name) for name in WRITINGS for base in BASES if (base, name) not in FIRST]
    turn = seed % len(pairs)
    variants = []
    for base, name in (*FIRST, *pairs[turn:], *pairs[:turn]):
        body = asked[base].body if base in asked else None
        if isinstance(body, dict):
            other, expected = WRITINGS[name](body), dict(asked[base].expected)
            if repr(other) != repr(body):
                source = load_google_form().name
                variants.append(
                    GeneratedBody(other, valid=True, change=name, source=source, twin=base, expected=expected)
                )
    return tuple(variants)


def _rewrite(name: str, body: Body) -> JSON:
    return REWRITINGS[name](load_google_form().root, dict(body))


def _split_text(body: Body) -> JSON:
    """Return the body with a turn's one text as two, cut before its last word."""
    whole: JSON = dict(body)
    contents = body.get("contents")
    for turn, content in enumerate(contents if isinstance(contents, list) else ()):
        match content:
            case {"parts": [{"text": str(text)}]} if " " in text:
                cut = text.rindex(" ")
                halves: list[JSON] = [{"text": text[:cut]}, {"text": text[cut:]}]
                whole = replace_at(body, ("contents", turn, "parts"), halves)
    return whole


def _split_tools(body: Body) -> JSON:
    """Return the body with the two functions of its one tool each in a tool of its own."""
    match body.get("tools"):
        case [{"functionDeclarations": [_, _] as declared}]:
            return {**body, "tools": [{"functionDeclarations": [one]} for one in declared]}
    return dict(body)


WRITINGS: Mapping[str, Callable[[Body], JSON]] = {
    **{
        name: partial(_rewrite, name)
        for name in ("snake-case", "reordered", "enum-number", "nulls", "number-as-text", "whole-fraction")
    },
    "two-parts": _split_text,
    "two-tools": _split_tools,
}
