"""Semantics: whether what was asked reached the model, and whether its settings took effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from conformance.catalogue import Ground, NotJudged, Proof, RequiredContent, check
from conformance.checks.semantics.models import compare_models
from conformance.checks.semantics.understanding import require_understanding
from conformance.judging.attempts import (
    ATTEMPTS_TO_ACCUSE,
    accuse_after_attempts,
    describe_disobedience,
    describe_missing_text,
    judge_attempts,
    judge_obedience,
)
from conformance.judging.contents import as_list, is_model_answer, read_asked_model
from conformance.judging.expectations import CHARS_OF_FIVE_TOKENS, ends_at_limit, list_asked_texts
from conformance.judging.proof import NO_CODE
from conformance.judging.values import format_value
from conformance.model import Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Chunk, Reply, RuleInput
from conformance.reading.standing import Standing

_OWN = ("semantics/answers-its-own-question",)
_SETTINGS = (
    *_OWN, "semantics/reads-generation-config", "casing/reads-settings-from-generation-config",
    "schema/stop-comes-with-content",
)  # fmt: skip


@check(Level.NOTE, basis=Basis.INFERRED, ground=Ground.TASKS, probes=(ProbeId.PLAIN,), usable=is_model_answer)
def follows_a_plain_instruction(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The model follows the simplest instruction.

    Why: this is the control question. A model that does not repeat a code when told to cannot show whether settings,
    tools or instructions reach it, so every rule that depends on its obedience is left unjudged.
    Breaks: nothing by itself.
    Workaround: test with a model that follows instructions.
    Source: [generateContent] The model answers the prompt.
    """
    yield from judge_obedience(seen, ProbeId.PLAIN, "the code that was asked for")


_CODE = re.compile(r"[A-Z]+-[0-9a-f]{4,}")


def _codes(reply: Reply) -> set[str]:
    """The codes that a question holds, in its prompt and in what it expects; none where nobody knows what it asks."""
    if reply.exchange.captured:
        return set()
    return set(_CODE.findall(str(reply.request_body) + str(dict(reply.exchange.expected))))


@check(
    Level.MUST,
    basis=Basis.INFERRED,
    usable=is_model_answer,
    requires=RequiredContent(
        NO_CODE,
        lambda reply: any(code in reply.text for code in _codes(reply)),
        outcome=Outcome.BLOCKED,
    ),
)
def answers_its_own_question(seen: RuleInput) -> Iterator[Location]:
    """Each answer belongs to the question that was asked.

    Why: one caller's answer must never reach another, and a cache must not confuse prompts.
    Breaks: every client shows the answer to another question, perhaps to another caller's.
    Workaround: none; report it at once.
    Source: [generateContent] The response answers the request that it was sent for.
    """
    asked = {code: reply for reply in seen.all for code in _codes(reply)}
    for reply in seen.replies:
        own = _codes(reply)
        strange = [code for code in _CODE.findall(reply.text) if code in asked and code not in own]
        if strange and not any(code in reply.text for code in own):
            said = f"{strange[0]}, which {asked[strange[0]].id} asked for"
            yield Location(reply.id, "/candidates/0/content/parts", "an answer to its own question", said)


def _named_models(reply: Reply) -> list[tuple[Chunk, str]]:
    found = [(chunk, chunk.body.get("modelVersion")) for chunk in reply.chunks]
    return [(chunk, name) for chunk, name in found if isinstance(name, str) and name]


def _another_model(reply: Reply) -> Location | None:
    named = _named_models(reply)
    asked = read_asked_model(reply)
    level = compare_models(asked, named[-1][1]) if named and asked else None
    if level is None:
        return None
    return Location(
        reply.id, reply.at(named[-1][0], "/modelVersion"), asked, format_value(named[-1][1]), level
    )


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=lambda reply: is_model_answer(reply) and not reply.probe.startswith(ProbeId.UNKNOWN_MODEL),
    blocked_by=_OWN,
)
def answers_with_the_model_that_was_asked(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The model that answers is the model that was asked.

    Why: the path names the model; modelVersion names the one that answered, possibly in more detail. Google lets the
    successor of a preview answer in its place, which is noted. In recorded traffic, whose paths may have been edited,
    only a difference in every answer is more than a note.
    Breaks: another model's answers come at this model's price.
    Workaround: check modelVersion in every answer.
    Source: [GenerateContentResponse.modelVersion] The version that answered: the model that was asked, or a version
    of it.
    """
    if not any(map(_named_models, seen.replies)):
        yield NotJudged(Outcome.UNSUPPORTED, "no answer names the model that made it")
        return
    recorded = [reply for reply in seen.replies if reply.exchange.captured]
    always = len(recorded) >= ATTEMPTS_TO_ACCUSE and all(map(_another_model, recorded))
    for reply in seen.replies:
        location = _another_model(reply)
        if location is not None:
            single = reply.exchange.captured and not always
            yield replace(location, level=Level.NOTE) if single else location


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.SYSTEM_INSTRUCTION,),
    usable=is_model_answer,
    blocked_by=_OWN,
    obeys=True,
    feature="system-instruction",
)
def obeys_the_system_instruction(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A system instruction reaches the model and outranks the user.

    Why: systemInstruction is a field of its own, neither a user's turn nor optional for the server.
    Breaks: assistants forget who they are, and guard rails vanish, silently.
    Workaround: repeat the instruction in the first user turn.
    Source: [GenerateContentRequest.systemInstruction] The instruction governs the whole conversation.
    """
    yield from judge_attempts(
        seen, ProbeId.SYSTEM_INSTRUCTION, "what the system instruction demands", describe_missing_text
    )


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.HISTORY,),
    usable=is_model_answer,
    blocked_by=_OWN,
    obeys=True,
    feature="history",
)
def remembers_the_conversation(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """All turns of a conversation reach the model, not only the last.

    Why: the API keeps no state; contents is the whole conversation.
    Breaks: every chat forgets what was said.
    Workaround: put the conversation into one user turn.
    Source: [GenerateContentRequest.contents] All turns of the conversation are the model's context.
    """
    found = judge_attempts(seen, ProbeId.HISTORY, "the word from the first turn", describe_missing_text)
    yield from require_understanding(seen, ProbeId.HISTORY, found)


def _runs_on(reply: Reply) -> str | None:
    text = reply.text
    return f"{len(text)} characters, ending in {text[-20:]!r}" if len(text) > CHARS_OF_FIVE_TOKENS else ""


def _keeps_going(reply: Reply) -> str | None:
    """The stop sequence stands in the text; None where the text is neither that nor what was asked.

    What a model puts around the words that it repeats, quotation marks or a greeting, is its own business.
    """
    sequences = read_stop_sequences(reply)
    if any(stop in reply.text for stop in sequences):
        return f"the text is {reply.text[:120]!r}"
    before, after = str(reply.exchange.expected.get("exact", "")), find_asked_text_after(reply, sequences)
    return "" if before in reply.text and not (after and after in reply.text) else None


@check(
    Level.MUST,
    basis=Basis.INFERRED,
    probes=(ProbeId.LIMIT_OF_FIVE, ProbeId.STOP_SEQUENCE),
    usable=is_model_answer,
    blocked_by=(*_OWN, "casing/reads-settings-from-generation-config"),
    obeys=True,
)
def reads_generation_config(seen: RuleInput) -> Iterator[Location]:
    """generationConfig is read, not dropped as a whole.

    Why: it holds limits, stop sequences, schemas and thinking; where neither a limit nor a stop sequence takes
    effect, none of them can be trusted.
    Breaks: answers run on and are billed, and JSON arrives as prose, in every client and silently.
    Workaround: none, unless the vendor documents another place for settings.
    Source: [GenerationConfig] Limits, stop sequences, schemas and thinking are set per request, and take effect.
    """
    limit = list(accuse_after_attempts(seen, ProbeId.LIMIT_OF_FIVE, "a limit", _runs_on))
    stop = list(accuse_after_attempts(seen, ProbeId.STOP_SEQUENCE, "a stop", _keeps_going))
    for location in (*limit, *stop) if limit and stop else ():
        yield Location(
            location.exchange, "", "a limit and a stop sequence that take effect", location.observed
        )


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.LIMIT_OF_FIVE,),
    usable=is_model_answer,
    blocked_by=_SETTINGS,
    obeys=True,
)
def applies_max_output_tokens(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An answer ends at maxOutputTokens.

    Why: the limit protects the caller against long and costly answers.
    Breaks: answers run on and are billed.
    Workaround: ask for a short answer in words.
    Source: [GenerationConfig.maxOutputTokens] The answer is never longer than the limit.
    """
    yield from judge_attempts(seen, ProbeId.LIMIT_OF_FIVE, "at most five tokens", _runs_on)


def _hides_the_cut(reply: Reply) -> str | None:
    reason = reply.first.finish_reason
    text = reply.text.strip()
    if not text or len(text) > CHARS_OF_FIVE_TOKENS or not isinstance(reason, str):
        return None
    whole = not text.startswith("1") or ends_at_limit(reply)
    return "" if whole else f"{reason} after {text[-30:]!r}"


def _hides_a_cut_row(reply: Reply) -> str | None:
    """The same of a row that was long when it ended; None where its end may be the model's own."""
    numbers, asked = re.findall(r"\d+", reply.text), re.findall(r"\d+", " ".join(list_asked_texts(reply)))
    reason = reply.first.finish_reason
    if not numbers or not asked or not isinstance(reason, str):
        return None
    if ends_at_limit(reply):
        return ""
    own = numbers[0] != "1" or numbers[-1] == asked[-1] or numbers[-1].endswith("0")
    return None if own else f"{reason} after {reply.text[-30:]!r}"


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.LIMIT_OF_FIVE,),
    usable=is_model_answer,
    blocked_by=(*_SETTINGS, "semantics/applies-max-output-tokens"),
    obeys=True,
)
def says_when_the_limit_ended_it(seen: RuleInput) -> Iterator[Location]:
    """An answer that the limit cut says MAX_TOKENS.

    Why: STOP means a natural end, and an answer that was cut has none.
    Breaks: half an answer is taken for a whole one, in every client.
    Workaround: compare candidatesTokenCount with the limit.
    Source: [Candidate.finishReason] Says that the limit ended the answer.
    """
    yield from accuse_after_attempts(seen, ProbeId.LIMIT_OF_FIVE, "MAX_TOKENS", _hides_the_cut)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.STREAMED_WITHOUT_ALT,),
    usable=is_model_answer,
    blocked_by=(
        *_SETTINGS,
        "semantics/applies-max-output-tokens",
        "semantics/says-when-the-limit-ended-it",
        "streaming/says-stop-only-at-the-end",
    ),
    obeys=True,
)
def says_when_the_limit_ended_a_stream(seen: RuleInput) -> Iterator[Location]:
    """A stream that the limit cut says MAX_TOKENS, as a unary answer does.

    Why: the last chunk has the same finish reason that a unary answer has.
    Breaks: half an answer is taken for a whole one, in every client that streams.
    Workaround: compare candidatesTokenCount with the limit.
    Source: [Candidate.finishReason] Says that the limit ended the answer.
    """
    yield from accuse_after_attempts(seen, ProbeId.STREAMED_WITHOUT_ALT, "MAX_TOKENS", _hides_a_cut_row)


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.STOP_SEQUENCE,),
    usable=is_model_answer,
    blocked_by=_SETTINGS,
    obeys=True,
    feature="stop-sequences",
)
def stops_at_stop_sequences(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An answer ends before a stop sequence.

    Why: parsers rely on it, and what follows is billed.
    Breaks: programs that cut answers at a mark get the mark and more.
    Workaround: cut the text yourself.
    Source: [GenerationConfig.stopSequences] The answer ends before the first stop sequence, which is left out.
    """
    yield from judge_attempts(seen, ProbeId.STOP_SEQUENCE, "the text before the stop sequence", _keeps_going)


def _count_of_candidates(reply: Reply) -> str | None:
    most = max((len(as_list(chunk.body.get("candidates"))) for chunk in reply.chunks), default=0)
    return "" if max(most, len(reply.candidates)) == 2 else f"{most} candidate"


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.TWO_CANDIDATES,),
    usable=is_model_answer,
    blocked_by=(*_SETTINGS, "schema/has-a-candidate"),
    obeys=True,
    feature="candidate-count",
)
def gives_as_many_candidates_as_asked(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """candidateCount 2 gives two candidates, or a clear refusal.

    Why: all requested candidates are returned, or none.
    Breaks: programs that choose among candidates have nothing to choose from.
    Workaround: ask twice.
    Source: [GenerationConfig.candidateCount] As many candidates as were asked for, or an error.
    """
    yield from judge_attempts(
        seen, ProbeId.TWO_CANDIDATES, "two candidates, or an error", _count_of_candidates
    )


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.RESPONSE_SCHEMA, ProbeId.RESPONSE_JSON_SCHEMA),
    usable=is_model_answer,
    blocked_by=(*_SETTINGS, "semantics/marks-thoughts"),
    obeys=True,
    feature="json-schema",
)
def obeys_the_response_schema(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """With a response schema, the answer is JSON that fits the schema.

    Why: responseSchema and responseJsonSchema constrain what the model can write; a vendor that lacks them refuses.
    Breaks: programs that parse the answer fail on prose or on a code fence.
    Workaround: ask for JSON in words, and check it.
    Source: [GenerationConfig.responseSchema] With application/json, the answer is JSON that fits the schema.
    """
    for probe in (ProbeId.RESPONSE_SCHEMA, ProbeId.RESPONSE_JSON_SCHEMA):
        yield from judge_attempts(seen, probe, "JSON as the schema describes it", describe_disobedience)


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.BOGUS_CACHED_CONTENT,),
    usable=lambda reply: (
        is_model_answer(reply) or reply.standing is Standing.REQUEST_REFUSED or reply.status in (403, 404)
    ),
    blocked_by=("errors/refuses-what-is-wrong",),  # who takes everything takes this too
    feature="cached-content",
    proof=Proof.EACH_REFUSAL,
)
def uses_cached_content(seen: RuleInput) -> Iterator[Location]:
    """A request that names cached content which does not exist is refused.

    Why: cached content is part of the prompt, so the server must look it up; dropping it drops most of what was meant
    to be sent.
    Breaks: answers lack their context, silently.
    Workaround: send the content with each request.
    Source: [GenerateContentRequest.cachedContent] Names content that was cached before; a name that does not exist is
    an error.
    """
    for reply in seen.replies:
        if reply.ok:
            yield Location(reply.id, "", "4xx: no such cached content", f"HTTP {reply.status} and an answer")


def read_stop_sequences(reply: Reply) -> list[str]:
    """Return the stop sequences that a question sets in generationConfig."""
    body = reply.request_body
    config = body.get("generationConfig") if isinstance(body, dict) else None
    return [str(stop) for stop in as_list(config.get("stopSequences") if isinstance(config, dict) else None)]


def find_asked_text_after(reply: Reply, marks: list[str]) -> str:
    """Return what the question's text has behind the first of `marks` that stands in it, or nothing."""
    ends = (text.partition(mark)[2].strip() for mark in marks for text in list_asked_texts(reply))
    return next((end for end in ends if end), "")
