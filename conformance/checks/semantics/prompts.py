"""Whether the request reaches the model unchanged: the question, its instruction, its history and its images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from conformance.catalogue import Ground, NotJudged, Proof, RequiredContent, check
from conformance.checks.semantics.models import compare_models
from conformance.checks.semantics.understanding import mentions, require_understanding
from conformance.judging.attempts import (
    describe_disobedience,
    describe_missing_text,
    excuse_wavering_model,
    judge_attempts,
    judge_obedience,
    was_obeyed,
)
from conformance.judging.contents import is_model_answer, read_asked_model
from conformance.judging.locations import format_value
from conformance.judging.proof import NO_CODE
from conformance.judging.refusals import are_refused, describe_reply
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Chunk, Reply, RuleInput
from conformance.reading.standing import Standing

_OWN_QUESTION = "semantics/answers-its-own-question"
_check_hearing = partial(check, usable=is_model_answer, blocked_by=(_OWN_QUESTION,), needs_obedience=True)


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


def _find_codes(reply: Reply) -> set[str]:
    """Return the codes in a question's prompt and expectations; none in recorded traffic, whose questions are unknown."""
    if reply.exchange.captured:
        return set()
    return set(_CODE.findall(str(reply.request_body) + str(dict(reply.exchange.expected))))


@check(
    Level.MUST,
    basis=Basis.INFERRED,
    usable=is_model_answer,
    requires=RequiredContent(
        NO_CODE, lambda reply: any(code in reply.text for code in _find_codes(reply)), outcome=Outcome.BLOCKED
    ),
)
def answers_its_own_question(seen: RuleInput) -> Iterator[Location]:
    """Each answer belongs to the question that was asked.

    Why: one caller's answer must never reach another caller, and a cache must not confuse prompts.
    Breaks: every client shows the answer to another question, perhaps to another caller's.
    Workaround: none; report it at once.
    Source: [generateContent] The response answers the request that it was sent for.
    """
    asked = {code: reply for reply in seen.all for code in _find_codes(reply)}
    for reply in seen.replies:
        own = _find_codes(reply)
        others = [code for code in _CODE.findall(reply.text) if code in asked and code not in own]
        if others and not any(code in reply.text for code in own):
            said = f"{others[0]}, which {asked[others[0]].id} asked for"
            yield Location(reply.id, "/candidates/0/content/parts", "an answer to its own question", said)


_UNKNOWN_MODELS = (ProbeId.UNKNOWN_MODEL, ProbeId.UNKNOWN_MODEL_STREAMED)


def _find_last_model(reply: Reply) -> tuple[Chunk, str] | None:
    """Return the last chunk that names a model, and the name."""
    named = [
        (chunk, name)
        for chunk in reply.chunks
        if isinstance(name := chunk.body.get("modelVersion"), str) and name
    ]
    return named[-1] if named else None


def _find_other_model(reply: Reply) -> Location | None:
    """Return where another model than the asked one is named."""
    named, asked = _find_last_model(reply), read_asked_model(reply)
    level = compare_models(asked, named[1]) if named and asked else None
    if named is None or level is None:
        return None
    return Location(reply.id, reply.at(named[0], "/modelVersion"), asked, format_value(named[1]), level)


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=lambda reply: is_model_answer(reply) and reply.probe not in _UNKNOWN_MODELS,
    blocked_by=(_OWN_QUESTION,),
)
def answers_with_the_model_that_was_asked(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The model that was asked is the one that answers.

    Why: the path names the model; modelVersion names the one that answered, possibly in more detail. Google lets the
    successor of a preview answer in its place, which is noted. In recorded traffic, whose paths may have been edited,
    only a difference in every answer is more than a note.
    Breaks: callers pay this model's price for another model's answers.
    Workaround: check modelVersion in every answer.
    Source: [GenerateContentResponse.modelVersion] It names the version that answered: the model that was asked, or a version of
    it.
    """
    if not any(map(_find_last_model, seen.replies)):
        yield NotJudged(Outcome.UNSUPPORTED, "no answer names the model that made it")
        return
    recorded = [reply for reply in seen.replies if reply.exchange.captured]
    always = len(recorded) >= ATTEMPTS_TO_ACCUSE and all(map(_find_other_model, recorded))
    for reply in seen.replies:
        location = _find_other_model(reply)
        if location is not None:
            single = reply.exchange.captured and not always
            yield replace(location, level=Level.NOTE) if single else location


@_check_hearing(
    Level.MUST, basis=Basis.RECORDED, probes=(ProbeId.SYSTEM_INSTRUCTION,), feature="system-instruction"
)
def obeys_the_system_instruction(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A system instruction reaches the model and outranks the user.

    Why: systemInstruction is a field of its own: it is not a user's turn, and the server must not drop it.
    Breaks: assistants forget their role, and guard rails silently disappear.
    Workaround: repeat the instruction in the first user turn.
    Source: [GenerateContentRequest.systemInstruction] The instruction governs the whole conversation.
    """
    wanted = "what the system instruction demands"
    yield from judge_attempts(seen, ProbeId.SYSTEM_INSTRUCTION, wanted, describe_missing_text)


@_check_hearing(Level.MUST, basis=Basis.RECORDED, probes=(ProbeId.HISTORY,), feature="history")
def remembers_the_conversation(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """All turns of a conversation reach the model, not only the last.

    Why: the API keeps no state; contents is the whole conversation.
    Breaks: every chat forgets what was said.
    Workaround: put the conversation into one user turn.
    Source: [GenerateContentRequest.contents] All turns of the conversation are the model's context.
    """
    found = judge_attempts(seen, ProbeId.HISTORY, "the word from the first turn", describe_missing_text)
    yield from require_understanding(seen, ProbeId.HISTORY, found)


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.BOGUS_CACHED_CONTENT,),
    usable=lambda reply: (
        is_model_answer(reply) or reply.standing is Standing.REQUEST_REFUSED or reply.status in (403, 404)
    ),
    blocked_by=("errors/refuses-what-is-wrong",),
    feature="cached-content",
    proof=Proof.EACH_REFUSAL,
)
def uses_cached_content(seen: RuleInput) -> Iterator[Location]:
    """A request for cached content that does not exist is refused.

    Why: cached content is part of the prompt, so the server must look it up; a server that ignores it drops most of the prompt.
    Breaks: answers lack their context, silently.
    Workaround: send the content with each request.
    Source: [GenerateContentRequest.cachedContent] It names content that was cached earlier; an unknown name is an error.
    """
    for reply in seen.replies:
        if reply.ok:
            yield Location(reply.id, "", "4xx: no such cached content", f"HTTP {reply.status} and an answer")


# Any answer to a question about a picture mentions one of these, even an answer that there is no picture.
_mentions_a_picture = mentions(
    r"\b(colou?r|imag|pictur|photo|see\b|view|attach|red\b|orange|yellow|green|blue|purple|violet|pink|brown|black"
    r"|white|gr[ae]y)"
)
_LITTLE = 60  # tokens: several times the question's words, and less than any vendor bills for an image


@_check_hearing(Level.MUST, basis=Basis.RECORDED, probes=(ProbeId.IMAGE,), feature="images")
def sees_images(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An image in inlineData reaches the model.

    Why: inlineData is content, as text is; a model that cannot read images should refuse it.
    Breaks: answers about images are invented, and the images are billed.
    Workaround: none.
    Source: [Part.inlineData] An image in a part is part of the prompt.
    """

    def is_on_topic(reply: Reply) -> bool:
        return _mentions_a_picture(reply) or 0 < reply.count("promptTokenCount") < _LITTLE

    found = judge_attempts(seen, ProbeId.IMAGE, "the colour of the image", describe_disobedience)
    yield from require_understanding(seen, ProbeId.IMAGE, found, is_on_topic)


@check(
    Level.MUST,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.IMAGE_IN_URL_SAFE_BASE64,),
    usable=lambda reply: is_model_answer(reply) or reply.standing is Standing.REQUEST_REFUSED,
    blocked_by=("semantics/sees-images",),
    needs_obedience=True,
)
def reads_url_safe_base64(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """URL-safe base64 is read like standard base64.

    Why: ProtoJSON readers accept both alphabets.
    Breaks: google-genai for Python, which sends all images and signatures in the URL-safe alphabet.
    Workaround: translate - and _ to + and / before sending.
    Source: [ProtoJSON, representation of each type] Both base64 alphabets are read, padded or not.
    """
    if not was_obeyed(seen, ProbeId.IMAGE):
        yield NotJudged(Outcome.BLOCKED, "images in standard base64 are not seen either")
        return
    last = seen.replies[-1]
    if are_refused(seen.replies):
        yield Location(last.id, "", "the image is read", describe_reply(last))
    found = judge_attempts(
        seen, ProbeId.IMAGE_IN_URL_SAFE_BASE64, "the colour of the image", describe_disobedience
    )
    yield from excuse_wavering_model(seen, ProbeId.IMAGE, found)
