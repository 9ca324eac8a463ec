"""Questions that must be answered alike, without anybody knowing the right answer: a fixed question, written otherwise.

Each costs one request, since its other half is asked anyhow; and what the fixed question's answer must show (a call,
a limit, a text) shows whether a name in the other spelling was read at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from conformance.bodies.forms import load_google_form
from conformance.bodies.generated_body import GeneratedBody
from conformance.bodies.locations import replace_at, walk_body
from conformance.bodies.rewriting import REWRITINGS
from conformance.model import JSON, Question
from conformance.probe_ids import ProbeId

FIRST = (
    (ProbeId.FUNCTION_CALL_FORCED, "snake-case"),
    (ProbeId.FUNCTION_CALL_FORCED, "reordered"),
    (ProbeId.SYSTEM_INSTRUCTION, "two-parts"),
    (ProbeId.FUNCTION_CALL_FORCED, "two-tools"),
    (ProbeId.FUNCTION_CALL_FORCED, "enum-number"),
    (ProbeId.PLAIN, "two-parts"),
    (ProbeId.PLAIN, "reordered"),
)
BASES = (
    ProbeId.FUNCTION_CALL_FORCED, ProbeId.LIMIT_OF_FIVE, ProbeId.STOP_SEQUENCE, ProbeId.SYSTEM_INSTRUCTION, ProbeId.RESPONSE_SCHEMA,
    ProbeId.RESPONSE_JSON_SCHEMA, ProbeId.NESTED_TOOL, ProbeId.PLAIN,
)  # fmt: skip
"""Questions of which each answer shows whether it was read: nothing that a model may do or leave."""


def build_variants(asked: Mapping[str, Question], seed: int) -> tuple[GeneratedBody, ...]:
    """Return every other writing of the questions in `asked` (by probe) whose answers tell; the most telling first.

    A seed moves on through those after the first few.
    """
    pairs = [(base, name) for name in WRITINGS for base in BASES if (base, name) not in FIRST]
    turn = seed % len(pairs)
    every = (*FIRST, *pairs[turn:], *pairs[:turn])
    return tuple(twin for base, name in every if base in asked for twin in _twin(base, asked[base], name))


def _twin(base: str, question: Question, name: str) -> Iterator[GeneratedBody]:
    body = question.body
    if not isinstance(body, dict):
        return
    other, expected = WRITINGS[name](body), dict(question.expected)
    if repr(other) != repr(body):
        yield GeneratedBody(
            other, valid=True, change=name, source="google request", twin=base, expected=expected
        )


def _bind_rewriting(name: str) -> Callable[[JSON], JSON]:
    return lambda body: REWRITINGS[name](load_google_form().root, body)


def _split_text(body: JSON) -> JSON:
    """The prompt's one text as two, cut before its last word."""
    root, whole = load_google_form().root, body
    for spot in walk_body(root, body):
        match spot.path, spot.value:
            case ("contents", int(turn), "parts"), [{"text": str(text)}] if " " in text:
                cut = text.rindex(" ")
                halves: list[JSON] = [{"text": text[:cut]}, {"text": text[cut:]}]
                whole = replace_at(body, ("contents", turn, "parts"), halves)
    return whole


def _split_tools(body: JSON) -> JSON:
    """Two functions of one tool, each in a tool of its own."""
    for spot in walk_body(load_google_form().root, body):
        match spot.path, spot.value:
            case ("tools",), [{"functionDeclarations": [_, _] as declared}]:
                each: list[JSON] = [{"functionDeclarations": [one]} for one in declared]
                return replace_at(body, ("tools",), each)
    return body


_REWRITTEN: Sequence[str] = (
    "snake-case",
    "reordered",
    "enum-number",
    "nulls",
    "number-as-text",
    "whole-fraction",
)
WRITINGS: Mapping[str, Callable[[JSON], JSON]] = {
    **{name: _bind_rewriting(name) for name in _REWRITTEN},
    "two-parts": _split_text,
    "two-tools": _split_tools,
}
