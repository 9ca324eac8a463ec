"""What rules about content share: candidates and parts as they came, and three failures in three tries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote

from conformance.catalogue import NotJudged
from conformance.judging.expectations import (
    CUT,
    UNMET,
    check_obedience,
    ends_at_limit,
    has_content,
    is_withheld,
    list_asked_texts,
)
from conformance.judging.tries import ATTEMPTS_TO_ACCUSE
from conformance.judging.values import has_readable_values
from conformance.model import JSON, Level, Location, Outcome
from conformance.reading.reply import Chunk, Reply, RuleInput
from conformance.reading.standing import Standing

DATA = (
    "text", "inlineData", "functionCall", "functionResponse", "fileData", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse",
)  # fmt: skip
"""The members of a part of which it holds one (Part.data)."""

# A try says "" where it did as asked, what it did instead, or None where it cannot tell.
DescribeFailure = Callable[[Reply], str | None]


def as_list(value: JSON) -> list[JSON]:
    """Return the list, or an empty one where `value` is none."""
    return value if isinstance(value, list) else []


def iterate_candidates(reply: Reply) -> Iterator[tuple[Chunk, int, Mapping[str, JSON]]]:
    """Yield each candidate object of each chunk, with its place in the list."""
    for chunk in reply.chunks:
        for place, raw in enumerate(as_list(chunk.body.get("candidates"))):
            if isinstance(raw, dict):
                yield chunk, place, raw


def list_parts(candidate: Mapping[str, JSON]) -> list[tuple[int, Mapping[str, JSON]]]:
    """Return the parts of a candidate that are objects, with their places."""
    content = candidate.get("content")
    found = as_list(content.get("parts")) if isinstance(content, dict) else []
    return [(place, part) for place, part in enumerate(found) if isinstance(part, dict)]


def iterate_parts(reply: Reply) -> Iterator[tuple[Chunk, tuple[str | int, ...], Mapping[str, JSON]]]:
    """Yield every part of every candidate, with its canonical keys."""
    for chunk, place, candidate in iterate_candidates(reply):
        for number, part in list_parts(candidate):
            yield chunk, ("candidates", place, "content", "parts", number), part


def list_named_calls(reply: Reply) -> list[Mapping[str, JSON]]:
    """Return the first candidate's function calls that have a name."""
    return [call for call in reply.first.calls if isinstance(call.get("name"), str) and call["name"]]


def is_empty_candidate(candidate: Mapping[str, JSON]) -> bool:
    """Return whether a candidate holds nothing that a caller could use."""
    return not any(part.get(name) for _, part in list_parts(candidate) for name in DATA)


def read_asked_model(reply: Reply) -> str:
    """Return the model that the request's path names, slashes and colons of its own included; "" where it names none."""
    path = unquote(reply.exchange.request.path.partition("?")[0])
    found = re.search(r"/models/(.+?)(:[A-Za-z]+)?$", path)
    return found[1] if found else ""


_LACKING = re.compile(
    r"(\b(not|never|no|cannot|unable to)|n't) ([\w-]+ ){0,2}(support|enabl|availab|implement|allow|permit|accept|handl|process"
    r"|take|offer|provid|possible|capable|part of|used?\b)"
    r"|\bonly ([\w-]+ ){0,4}(support|accept|allow|take|enabl|availab|work)"
    r"|\b(unsupported|unavailable|unimplemented|disabled|deactivated|(turned|switched) off|lacks)\b|\bmay not be\b",
    re.IGNORECASE,
)
# A member that the vendor does not know at all is no feature that it names, and a key is none either.
_OTHER = re.compile(
    r"\b(extra|unknown|unexpected|additional|unrecognized|callers?|credentials?|oauth\w*|api.?keys?)\b",
    re.IGNORECASE,
)


def says_unsupported(reply: Reply) -> bool:
    """Return whether an error, of whatever status, says plainly that the vendor or the model cannot do something."""
    said = reply.error.message if reply.error else ""
    return bool(_LACKING.search(said)) and not _OTHER.search(said)


def is_refused_as_unsupported(reply: Reply) -> bool:
    """Return whether a refusal says plainly that the vendor, or the model, cannot do what was asked."""
    return reply.standing is Standing.REQUEST_REFUSED and says_unsupported(reply)


def describe_refusal(reply: Reply) -> str:
    """Return a refusal in words: the status and the message."""
    return f"HTTP {reply.status}: {reply.error.message[:160]}" if reply.error else f"HTTP {reply.status}"


def describe_disobedience(reply: Reply) -> str | None:
    """Return what the reply did instead of what its question asks; "" where it obeyed, None where it had no room."""
    found = check_obedience(reply)
    if found.verdict == UNMET:
        return found.detail
    return None if found.verdict == CUT else ""


def describe_missing_text(reply: Reply) -> str | None:
    """Return what the text is instead of what the question asks for; None where a limit ended it, or nothing was said.

    An answer without anything in it is the matter of another rule.
    """
    wanted = str(reply.exchange.expected.get("text", ""))
    if wanted in reply.text:
        return ""
    silent = ends_at_limit(reply) or not has_content(reply)
    return None if silent else f"the text is {reply.text[:120]!r}"


def read_stop_sequences(reply: Reply) -> list[str]:
    """Return the stop sequences that a question sets in generationConfig."""
    body = reply.request_body
    config = body.get("generationConfig") if isinstance(body, dict) else None
    return [str(stop) for stop in as_list(config.get("stopSequences") if isinstance(config, dict) else None)]


def find_asked_text_after(reply: Reply, marks: list[str]) -> str:
    """Return what the question's text has behind the first of `marks` that stands in it, or nothing."""
    ends = (text.partition(mark)[2].strip() for mark in marks for text in list_asked_texts(reply))
    return next((end for end in ends if end), "")


def judge_attempts(
    seen: RuleInput, probe: str, expected: str, look: DescribeFailure, level: Level | None = None
) -> Iterator[Location | NotJudged]:
    """Yield a location where all of three tries failed, NotJudged where fewer could be judged, nothing where one did well.

    Tries whose candidates hold values of a wrong type are left to the rule on types, and those that a filter ended
    tell nothing.
    """
    tries = [reply for reply in seen.of(probe) if reply.ok]
    readable = [reply for reply in tries if has_readable_values(reply, "candidates")]
    judged = [(reply, _unfiltered(look, reply)) for reply in readable]
    failures = [(reply, said) for reply, said in judged if said]
    if not tries or any(said == "" for _, said in judged):
        return
    if not readable:
        yield NotJudged(Outcome.BLOCKED, f"{probe}: the answers hold values of a wrong type")
    elif len(failures) >= ATTEMPTS_TO_ACCUSE:
        reply, said = failures[-1]
        yield Location(reply.id, "", expected, f"{said} ({len(failures)} of {len(tries)} tries)", level)
    else:
        yield NotJudged(Outcome.INCONCLUSIVE, f"{probe}: {_too_few(len(failures), len(tries))}")


def accuse_after_attempts(
    seen: RuleInput, probe: str, expected: str, look: DescribeFailure, level: Level | None = None
) -> Iterator[Location]:
    """Yield the location of `judge_attempts` alone: for rules that say nothing where fewer tries could be judged."""
    found = judge_attempts(seen, probe, expected, look, level)
    yield from (one for one in found if isinstance(one, Location))


def _unfiltered(look: DescribeFailure, reply: Reply) -> str | None:
    said = look(reply)
    # An answer without a candidate is a fault of its own, and shows nothing else.
    return None if said and (is_withheld(reply) or not reply.candidates) else said


def _too_few(failures: int, tries: int) -> str:
    if not failures:
        return (
            f"none of {tries} tries shows it: a limit, a filter, silence or the model's own words came before"
        )
    return f"{failures} of {ATTEMPTS_TO_ACCUSE} tries could be judged, all failed"
