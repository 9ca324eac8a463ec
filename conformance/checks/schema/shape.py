"""The shape of an answer: where candidates, content and parts are, and what an answer says about itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.catalogue import NotJudged, RequiredContent, check, check_each
from conformance.judging import required
from conformance.judging.attempts import accuse_after_attempts
from conformance.judging.contents import (
    DATA,
    as_list,
    is_empty_candidate,
    is_model_answer,
    iterate_candidates,
    iterate_parts,
    list_parts,
)
from conformance.judging.endings import ends_by_filter, is_prompt_blocked
from conformance.judging.expectations import asks_for_obedience, obeys
from conformance.judging.habits import note_if_rare
from conformance.judging.locations import Keys, format_value, point_at
from conformance.model import ATTEMPTS_TO_ACCUSE, JSON, Basis, Level, Location
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput


def _is_complete_answer(reply: Reply) -> bool:
    return is_model_answer(reply) and reply.exchange.failure is None and reply.error is None


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=_is_complete_answer,
    defers_to=("schema/values-have-googles-types",),  # for candidates that are not a list
)
def has_a_candidate(seen: RuleInput) -> Iterator[Location]:
    """An answer has at least one candidate, or says why the prompt was blocked.

    Why: Google omits candidates only if promptFeedback.blockReason says what was wrong with the prompt. Among thousands of its
    answers, one held nothing except its usage, so a vendor is accused only if that happens repeatedly.
    Breaks: every client returns an empty answer without an exception, and the answer is billed.
    Workaround: treat an answer without candidates as an error, and ask again.
    Source: [GenerateContentResponse.candidates] Either all requested candidates are returned or none, and none only with a
    promptFeedback that says why.
    """

    def point_at_lack(reply: Reply) -> Location:
        wanted = "a candidate, or promptFeedback.blockReason"
        return Location(
            reply.id, "/candidates", wanted, f"neither; the answer holds {', '.join(reply.body) or 'nothing'}"
        )

    bare = [
        reply
        for reply in seen.replies
        if not any(chunk.body.get("candidates") for chunk in reply.chunks) and not is_prompt_blocked(reply)
    ]
    listed = [reply for reply in bare if any("candidates" in chunk.body for chunk in reply.chunks)]
    yield from map(point_at_lack, listed)  # an empty list is never Google's
    yield from note_if_rare([point_at_lack(reply) for reply in bare if reply not in listed], seen.replies)


# Members in which other APIs put what the model says.
_FOREIGN = ("text", "message", "delta", "output", "outputText", "tool_calls", "toolCalls", "function_call")


def _find_foreign_content(candidate: Mapping[str, JSON]) -> tuple[Keys, JSON] | None:
    """Return the keys, below the candidate, and the value of a content-like member in a place that Google does not use."""
    content = candidate.get("content")
    places: list[tuple[Keys, Mapping[str, JSON]]] = [((), candidate)]
    if isinstance(content, dict):
        places.append((("content",), content))
        places += [(("content", "parts", number), part) for number, part in list_parts(candidate)]
    for keys, place in places:
        for name, value in place.items():
            if name in _FOREIGN and not (name == "text" and len(keys) == 3) and value:
                return (*keys, name), value
    for number, part in list_parts(candidate):
        strings = {name: value for name, value in part.items() if isinstance(value, str) and value}
        if set(strings) - {"thoughtSignature"} and not any(name in part for name in DATA):
            return ("content", "parts", number), {**part}
    return None


@check_each(Level.MUST, basis=Basis.RECORDED, usable=is_model_answer, requires=required.A_CANDIDATE)
def content_stands_in_parts(reply: Reply) -> Iterator[Location]:
    """The model's words and calls are in the parts of a candidate's content.

    Why: a candidate has no text, message or tool_calls of its own, and a part has no type or content.
    Breaks: every client returns an empty answer without an exception.
    Workaround: move the text into content.parts before the client sees it.
    Source: [Candidate.content] The model's output is in content.parts, each part under Google's name for it.
    """
    for chunk, place, candidate in iterate_candidates(reply):
        found = _find_foreign_content(candidate) if is_empty_candidate(candidate) else None
        if found is not None:
            keys, value = ("candidates", place, *found[0]), found[1]
            yield point_at(reply, chunk, keys, "content.parts[].text or the like", format_value(value))
            return


_PARTS = RequiredContent(
    "no answer holds a content part",
    lambda reply: any(list_parts(candidate) for _, _, candidate in iterate_candidates(reply)),
)


@check_each(Level.MUST, basis=Basis.RECORDED, usable=is_model_answer, requires=_PARTS)
def parts_hold_one_thing(reply: Reply) -> Iterator[Location]:
    """Each part holds one thing: a text, a call or an image.

    Why: these members are a oneof; ProtoJSON never writes two of them, not even an empty text beside a call.
    Breaks: the Vercel AI SDK takes the text and drops the call beside it; Google's protobuf classes refuse the
    answer.
    Workaround: split such parts in two.
    Source: [Part.data] A part holds exactly one of text, inlineData, functionCall and the like.
    """
    for chunk, keys, part in iterate_parts(reply):
        held = [name for name in DATA if part.get(name) is not None]
        if len(held) > 1:
            yield point_at(reply, chunk, keys, "one member", " and ".join(held))
        elif not part:
            yield point_at(reply, chunk, keys, "one member", "an empty part", Level.NOTE)


@check_each(Level.SHOULD, basis=Basis.RECORDED, usable=is_model_answer, requires=_PARTS)
def names_the_models_role(reply: Reply) -> Iterator[Location]:
    """The role of an answer is model.

    Why: a turn's role is user or model; assistant is another protocol's word. A missing role is only noted.
    Breaks: an answer replayed with the role assistant is refused by Google, and by gemini-cli before it is sent.
    Workaround: set the role to model before keeping the turn.
    Source: [Content.role] The role of an answer is model; it may be left out.
    """
    for chunk, place, candidate in iterate_candidates(reply):
        content = candidate.get("content")
        role = content.get("role") if isinstance(content, dict) and content.get("parts") else "model"
        if not role or (isinstance(role, str) and role != "model"):
            keys = ("candidates", place, "content", "role")
            said, level = (format_value(role), None) if role else ("no role", Level.NOTE)
            yield point_at(reply, chunk, keys, "model", said, level)
            return


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=_is_complete_answer,
    select=lambda reply: not reply.streamed,
    requires=required.A_CANDIDATE,
)
def says_why_it_ended(seen: RuleInput) -> Iterator[Location]:
    """Each candidate of a unary answer says why the model stopped.

    Why: a unary answer is finished, so its finishReason is set. Answers that arrive complete cannot all have met a
    filter.
    Breaks: a truncated answer looks like a complete one; the Vercel AI SDK reports `other`.
    Workaround: none is reliable.
    Source: [Candidate.finishReason] finishReason is empty only while the model is still writing.
    """
    for reply in seen.replies:
        silent = next((one for one in reply.candidates if one.finish_reason is None), None)
        if silent is not None:
            pointer = f"/candidates/{silent.index}/finishReason"
            yield Location(reply.id, pointer, "a finish reason", "no finish reason")
    met = [one for one in seen.replies if one.first.finish_reason and obeys(one)]
    done = [one for one in met if asks_for_obedience(one.exchange.expected)]
    if len({one.probe for one in done}) >= ATTEMPTS_TO_ACCUSE and all(map(ends_by_filter, done)):
        said = f"{done[-1].first.finish_reason} after all {len(done)} complete answers"
        yield Location(done[-1].id, "/candidates/0/finishReason", "STOP", said)


@check_each(
    Level.SHOULD,
    basis=Basis.RECORDED,
    usable=is_model_answer,
    requires=RequiredContent(
        "no answer holds several candidates",
        lambda reply: any(len(as_list(chunk.body.get("candidates"))) > 1 for chunk in reply.chunks),
        (ProbeId.TWO_CANDIDATES,),
    ),
)
def numbers_candidates_apart(reply: Reply) -> Iterator[Location]:
    """Candidates of one response have different indexes.

    Why: clients use the index to join the pieces of several streamed candidates.
    Breaks: two candidates with the same index are joined into one text.
    Workaround: ask for one candidate at a time.
    Source: [Candidate.index] The index tells candidates apart.
    """
    for chunk in reply.chunks:
        several = [raw for raw in as_list(chunk.body.get("candidates")) if isinstance(raw, dict)]
        numbers = [index for raw in several if isinstance(index := raw.get("index", 0), int)]
        # Where no candidate has an index, the place in the list tells them apart.
        level = None if any("index" in raw for raw in several) else Level.NOTE
        if len(set(numbers)) < len(numbers):
            yield point_at(reply, chunk, ("candidates",), "different indexes", f"indexes {numbers}", level)


@check_each(Level.NOTE, basis=Basis.RECORDED, usable=_is_complete_answer)
def names_its_model_version(reply: Reply) -> Iterator[Location]:
    """An answer names the model that made it.

    Why: modelVersion is the only statement of which model answered.
    Breaks: no client that was measured; what was served cannot be audited.
    Workaround: none.
    Source: [GenerateContentResponse.modelVersion] It names the model version that answered.
    """
    if not any(chunk.body.get("modelVersion") for chunk in reply.chunks):
        yield Location(reply.id, "/modelVersion", "the model's name", "absent")


def _ends_in_silence(reply: Reply) -> str | None:
    """Describe an answer that is empty although it ends with STOP; None if something else ended an empty answer."""
    found = list(iterate_candidates(reply))
    if any(not is_empty_candidate(candidate) for _, _, candidate in found):
        return ""
    return "STOP, and neither text nor a call" if found and reply.first.finish_reason == "STOP" else None


_SPEAKING = (
    ProbeId.PLAIN, ProbeId.PLAIN_STREAMED, ProbeId.LONG_ANSWER_STREAMED, ProbeId.SYSTEM_INSTRUCTION,
    ProbeId.HISTORY, ProbeId.FUNCTION_CALL, ProbeId.FUNCTION_CALL_FORCED, ProbeId.RESPONSE_SCHEMA,
    ProbeId.FUNCTION_ANSWERED,
)  # fmt: skip


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    usable=is_model_answer,
    probes=_SPEAKING,
    blocked_by=("schema/has-a-candidate", "schema/content-stands-in-parts"),
    requires=RequiredContent("no answer ends with STOP", lambda reply: reply.first.finish_reason == "STOP"),
)
def stop_comes_with_content(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An answer that ends with STOP contains text or a call.

    Why: if a call was malformed or a filter intervened, the finish reason says so; an empty answer with STOP hides that.
    Breaks: every client takes the empty answer for a success.
    Workaround: treat an empty answer with STOP as a failure, and ask again.
    Source: [Candidate.finishReason] STOP means a natural end; other ends have other names.
    """
    for probe in _SPEAKING:
        # Google's own models sometimes have nothing to add to the result of their function.
        level = Level.NOTE if probe == ProbeId.FUNCTION_ANSWERED else None
        yield from accuse_after_attempts(seen, probe, "text or a call", _ends_in_silence, level)
