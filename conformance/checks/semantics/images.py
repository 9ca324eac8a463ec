"""Semantics of images: whether they reach the model, in either spelling of base64."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.catalogue import NotJudged, check
from conformance.checks.semantics.understanding import mentions, require_understanding
from conformance.judging.attempts import (
    describe_disobedience,
    excuse_wavering_model,
    judge_attempts,
    was_obeyed,
)
from conformance.judging.contents import is_model_answer
from conformance.judging.refusals import describe_reply
from conformance.model import Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing

# What any answer to a question about a picture speaks of, be it that there is none.
_speaks_of_a_picture = mentions(
    r"\b(colou?r|imag|pictur|photo|see\b|view|attach|red\b|orange|yellow|green|blue|purple|violet|pink|brown|black"
    r"|white|gr[ae]y)",
)
_LITTLE = 60  # tokens: several times the question's words, and less than any vendor bills for an image


def _tells(reply: Reply) -> bool:
    return _speaks_of_a_picture(reply) or 0 < reply.count("promptTokenCount") < _LITTLE


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    probes=(ProbeId.IMAGE,),
    usable=is_model_answer,
    blocked_by=("semantics/answers-its-own-question",),
    obeys=True,
    feature="images",
)
def sees_images(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An image in inlineData reaches the model.

    Why: inlineData is content like text; a model that cannot see refuses it.
    Breaks: answers about images are invented, and the images are billed.
    Workaround: none.
    Source: [Part.inlineData] An image in a part is part of the prompt.
    """
    found = judge_attempts(seen, ProbeId.IMAGE, "the colour of the image", describe_disobedience)
    yield from require_understanding(seen, ProbeId.IMAGE, found, _tells)


@check(
    Level.MUST,
    basis=Basis.DOCUMENTED,
    probes=(ProbeId.IMAGE_IN_URL_SAFE_BASE64,),
    usable=lambda reply: is_model_answer(reply) or reply.standing is Standing.REQUEST_REFUSED,
    blocked_by=("semantics/sees-images",),
    obeys=True,
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
    turned_down = [reply for reply in seen.replies if reply.standing is Standing.REQUEST_REFUSED]
    if len(turned_down) == len(seen.replies):
        yield Location(turned_down[-1].id, "", "the image is read", describe_reply(turned_down[-1]))
    found = judge_attempts(
        seen, ProbeId.IMAGE_IN_URL_SAFE_BASE64, "the colour of the image", describe_disobedience
    )
    yield from excuse_wavering_model(seen, ProbeId.IMAGE, found)
