"""The settings of a request: generationConfig is read, and its limits, stop sequences and schemas take effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from conformance.catalogue import NotJudged, check
from conformance.judging.attempts import (
    DescribeFailure,
    accuse_after_attempts,
    describe_disobedience,
    judge_attempts,
)
from conformance.judging.contents import as_list, is_model_answer
from conformance.judging.endings import CHARS_OF_FIVE_TOKENS, ends_at_limit
from conformance.judging.expectations import list_asked_texts, obeys
from conformance.model import Basis, Level, Location, Outcome
from conformance.phrases import count_noun
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput

_OWN_QUESTION = "semantics/answers-its-own-question"
READ = ("semantics/reads-generation-config", "casing/reads-settings-from-generation-config")
"""The rules whose findings explain that a setting has no effect."""

_BLOCKERS = (_OWN_QUESTION, *READ, "schema/stop-comes-with-content")
_check_setting = partial(check, usable=is_model_answer, needs_obedience=True)


def _describe_long_text(reply: Reply) -> str | None:
    text = reply.text
    return f"{len(text)} characters, ending in {text[-20:]!r}" if len(text) > CHARS_OF_FIVE_TOKENS else ""


def _describe_ignored_stop(reply: Reply) -> str | None:
    """Describe a text that contains the stop sequence, "" if the text is as asked; None if it is neither.

    A model may put quotation marks or a greeting around the words that it repeats.
    """
    body = reply.request_body
    config = body.get("generationConfig") if isinstance(body, dict) else None
    stops = as_list(config.get("stopSequences")) if isinstance(config, dict) else []
    sequences = [str(stop) for stop in stops]
    if any(stop in reply.text for stop in sequences):
        return f"the text is {reply.text[:120]!r}"
    before = str(reply.exchange.expected.get("exact", ""))
    behind = (text.partition(stop)[2].strip() for stop in sequences for text in list_asked_texts(reply))
    after = next(filter(None, behind), None)
    return "" if before in reply.text and not (after and after in reply.text) else None


@_check_setting(
    Level.MUST,
    basis=Basis.INFERRED,
    probes=(ProbeId.LIMIT_OF_FIVE, ProbeId.STOP_SEQUENCE),
    blocked_by=(_OWN_QUESTION, "casing/reads-settings-from-generation-config"),
)
def reads_generation_config(seen: RuleInput) -> Iterator[Location]:
    """generationConfig is read, not dropped as a whole.

    Why: generationConfig holds limits, stop sequences, schemas and thinking; if neither a limit nor a stop sequence takes
    effect, no other setting can be trusted.
    Breaks: in every client, without an exception, answers run on and are billed, and prose arrives instead of JSON.
    Workaround: none, unless the vendor documents another place for settings.
    Source: [GenerationConfig] Limits, stop sequences, schemas and thinking are set per request, and take effect.
    """
    limit = list(accuse_after_attempts(seen, ProbeId.LIMIT_OF_FIVE, "a limit", _describe_long_text))
    stop = list(accuse_after_attempts(seen, ProbeId.STOP_SEQUENCE, "a stop", _describe_ignored_stop))
    for location in (*limit, *stop) if limit and stop else ():
        yield replace(location, expected="a limit and a stop sequence that take effect")


@_check_setting(Level.SHOULD, basis=Basis.RECORDED, probes=(ProbeId.LIMIT_OF_FIVE,), blocked_by=_BLOCKERS)
def applies_max_output_tokens(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An answer is no longer than maxOutputTokens.

    Why: the limit protects the caller against long and costly answers.
    Breaks: answers run on and are billed.
    Workaround: ask for a short answer in words.
    Source: [GenerationConfig.maxOutputTokens] The answer is never longer than the limit.
    """
    yield from judge_attempts(seen, ProbeId.LIMIT_OF_FIVE, "at most five tokens", _describe_long_text)


def _describe_hidden_limit(reply: Reply) -> str | None:
    """Describe an answer that a limit of five tokens cut, but whose reason does not say so."""
    reason, text = reply.first.finish_reason, reply.text.strip()
    if not text or len(text) > CHARS_OF_FIVE_TOKENS or not isinstance(reason, str):
        return None
    return "" if not text.startswith("1") or ends_at_limit(reply) else f"{reason} after {text[-30:]!r}"


def _describe_hidden_limit_of_row(reply: Reply) -> str | None:
    """Describe a long row of numbers that a limit cut; None if its end may be the model's own."""
    numbers, asked = re.findall(r"\d+", reply.text), re.findall(r"\d+", " ".join(list_asked_texts(reply)))
    reason = reply.first.finish_reason
    if not numbers or not asked or not isinstance(reason, str):
        return None
    if ends_at_limit(reply):
        return ""
    own = numbers[0] != "1" or numbers[-1] == asked[-1] or numbers[-1].endswith("0")
    return None if own else f"{reason} after {reply.text[-30:]!r}"


def _describe_hidden_truncation(reply: Reply) -> str | None:
    """Describe a text that STOP ends, but that is only the beginning of what was asked for.

    A model that stops counting by itself stops at a round number; a cut may come anywhere.
    """
    if obeys(reply):
        return ""
    wanted, text = str(reply.exchange.expected.get("text", "")), reply.text.strip()
    begun = 0 < len(text) < len(wanted) and wanted.startswith(text)
    round_number = text.endswith("0") and wanted[len(text) : len(text) + 1].isspace()
    cut = begun and not round_number and reply.first.finish_reason == "STOP"
    return f"STOP after {text[-40:]!r}" if cut and reply.exchange.failure is None else None


_CUTS: tuple[tuple[ProbeId, str, DescribeFailure], ...] = (
    (ProbeId.LIMIT_OF_FIVE, "MAX_TOKENS", _describe_hidden_limit),
    (ProbeId.STREAMED_WITHOUT_ALT, "MAX_TOKENS", _describe_hidden_limit_of_row),
    (ProbeId.LONG_ANSWER_STREAMED, "STOP after the complete answer", _describe_hidden_truncation),
)


@_check_setting(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=tuple(probe for probe, _, _ in _CUTS),
    blocked_by=(_OWN_QUESTION, "semantics/applies-max-output-tokens", "schema/stop-comes-with-content"),
    defers_to=("schema/enums-are-googles-names",),  # for MAX_TOKENS in another spelling
    formerly=(
        "semantics/says-when-the-limit-ended-it",
        "semantics/says-when-the-limit-ended-a-stream",
        "streaming/says-stop-only-at-the-end",
    ),
)
def says_stop_only_at_the_end(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Only a complete answer ends with STOP; one that a limit cut short says MAX_TOKENS.

    Why: STOP means that the model came to a natural end. An answer that was cut short, by a limit or by the vendor, unary or
    streamed, must not claim one.
    Breaks: every client takes a truncated answer for a complete one.
    Workaround: compare candidatesTokenCount with the limit, and check long answers for their end.
    Source: [Candidate.finishReason] STOP means a natural end; MAX_TOKENS says that the limit ended the answer.
    """
    found = [
        replace(location, pointer="/candidates/0/finishReason")
        for probe, expected, look in _CUTS
        for location in accuse_after_attempts(seen, probe, expected, look)
    ]
    yield from found
    for probe, _, _ in _CUTS if not found else ():
        answers = [reply for reply in seen.of(probe) if reply.ok]
        if answers and not any(obeys(reply) or ends_at_limit(reply) for reply in answers):
            reason = f"{probe}: no answer came to the end that was asked for, or to a limit"
            yield NotJudged(Outcome.BLOCKED, reason)


@_check_setting(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.STOP_SEQUENCE,),
    blocked_by=_BLOCKERS,
    feature="stop-sequences",
)
def stops_at_stop_sequences(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An answer ends before a stop sequence.

    Why: parsers rely on it, and any text after the stop sequence is billed.
    Breaks: programs that expect the answer to end before a mark get the mark and the text after it.
    Workaround: cut the text yourself.
    Source: [GenerationConfig.stopSequences] The answer ends before the first stop sequence, which is left out.
    """
    wanted = "the text before the stop sequence"
    yield from judge_attempts(seen, ProbeId.STOP_SEQUENCE, wanted, _describe_ignored_stop)


@_check_setting(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.TWO_CANDIDATES,),
    blocked_by=(*_BLOCKERS, "schema/has-a-candidate"),
    feature="candidate-count",
)
def gives_as_many_candidates_as_asked(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """candidateCount 2 gives two candidates, or a clear refusal.

    Why: all requested candidates are returned, or none.
    Breaks: programs that choose among candidates have nothing to choose from.
    Workaround: ask twice.
    Source: [GenerationConfig.candidateCount] The answer has as many candidates as were asked for, or is an error.
    """

    def describe_missing_candidates(reply: Reply) -> str | None:
        most = max((len(as_list(chunk.body.get("candidates"))) for chunk in reply.chunks), default=0)
        return "" if max(most, len(reply.candidates)) == 2 else count_noun(most, "candidate")

    wanted = "two candidates, or an error"
    yield from judge_attempts(seen, ProbeId.TWO_CANDIDATES, wanted, describe_missing_candidates)


@_check_setting(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.RESPONSE_SCHEMA, ProbeId.RESPONSE_JSON_SCHEMA),
    blocked_by=(*_BLOCKERS, "semantics/marks-thoughts"),
    feature="json-schema",
)
def obeys_the_response_schema(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """With a response schema, the answer is JSON that fits the schema.

    Why: responseSchema and responseJsonSchema constrain what the model can write; a vendor that does not support them should
    refuse the request.
    Breaks: programs that parse the answer fail on prose or on a code fence.
    Workaround: ask for JSON in words, and check it.
    Source: [GenerationConfig.responseSchema] With application/json, the answer is JSON that fits the schema.
    """
    for probe in (ProbeId.RESPONSE_SCHEMA, ProbeId.RESPONSE_JSON_SCHEMA):
        yield from judge_attempts(seen, probe, "JSON that fits the schema", describe_disobedience)
