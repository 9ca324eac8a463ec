"""What rules about content share: candidates and parts as they came, and three failures in three tries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from conformance.catalogue import Aside
from conformance.expectations import CUT, UNMET, obedience
from conformance.judging import TRIES
from conformance.model import JSON, Level, Outcome, Spot
from conformance.reply import Chunk, Reply, Seen
from conformance.values import sound

DATA = (
    "text", "inlineData", "functionCall", "functionResponse", "fileData", "executableCode", "codeExecutionResult",
    "toolCall", "toolResponse",
)  # fmt: skip
"""The members of a part of which it holds one (Part.data)."""

# A try says "" where it did as asked, what it did instead, or None where it cannot tell.
Look = Callable[[Reply], str | None]


def as_list(value: JSON) -> list[JSON]:
    """Return the list, or an empty one where `value` is none."""
    return value if isinstance(value, list) else []


def candidates(reply: Reply) -> Iterator[tuple[Chunk, int, Mapping[str, JSON]]]:
    """Yield each candidate object of each chunk, with its place in the list."""
    for chunk in reply.chunks:
        for place, raw in enumerate(as_list(chunk.body.get("candidates"))):
            if isinstance(raw, dict):
                yield chunk, place, raw


def parts_of(candidate: Mapping[str, JSON]) -> list[tuple[int, Mapping[str, JSON]]]:
    """Return the parts of a candidate that are objects, with their places."""
    content = candidate.get("content")
    found = as_list(content.get("parts")) if isinstance(content, dict) else []
    return [(place, part) for place, part in enumerate(found) if isinstance(part, dict)]


def parts(reply: Reply) -> Iterator[tuple[Chunk, tuple[str | int, ...], Mapping[str, JSON]]]:
    """Yield every part of every candidate, with its canonical keys."""
    for chunk, place, candidate in candidates(reply):
        for number, part in parts_of(candidate):
            yield chunk, ("candidates", place, "content", "parts", number), part


def calls(reply: Reply) -> list[Mapping[str, JSON]]:
    """Return the first candidate's function calls that have a name."""
    return [call for call in reply.first.calls if isinstance(call.get("name"), str) and call["name"]]


def empty(candidate: Mapping[str, JSON]) -> bool:
    """Return whether a candidate holds nothing that a caller could use."""
    return not any(part.get(name) for _, part in parts_of(candidate) for name in DATA)


def asked_model(reply: Reply) -> str:
    """Return the model that the request's path names; "" where it names none."""
    found = re.search(r"/models/([^/:?]+)", reply.exchange.request.path)
    return found[1] if found else ""


def refused(reply: Reply) -> bool:
    """Return whether the vendor turned the question itself down: 4xx, but for keys, quotas and missing routes."""
    return 400 <= reply.status < 500 and reply.status not in (401, 402, 403, 404, 405, 408, 429)


def refusal(reply: Reply) -> str:
    """Return a refusal in words: the status and the message."""
    return f"HTTP {reply.status}: {reply.error.message[:160]}" if reply.error else f"HTTP {reply.status}"


def unmet(reply: Reply) -> str | None:
    """Return what the reply did instead of what its question asks; "" where it obeyed, None where it had no room."""
    found = obedience(reply)
    if found.verdict == UNMET:
        return found.detail
    return None if found.verdict == CUT else ""


def lacks_text(reply: Reply) -> str | None:
    """Return what the text is instead of what the question asks for; None where a limit or a filter ended it."""
    wanted = str(reply.exchange.expected.get("text", ""))
    if wanted in reply.text:
        return ""
    ended = reply.first.finish_reason
    return None if ended in ("MAX_TOKENS", "SAFETY", "RECITATION") else f"the text is {reply.text[:120]!r}"


def each_time(
    seen: Seen, probe: str, expected: str, look: Look, level: Level | None = None
) -> Iterator[Spot | Aside]:
    """Yield a spot where all of three tries failed, an aside where fewer could be judged, nothing where one did well.

    Tries whose candidates hold values of a wrong type are left to the rule on types.
    """
    tries = [reply for reply in seen.of(probe) if reply.ok]
    readable = [reply for reply in tries if sound(reply, "candidates")]
    judged = [(reply, look(reply)) for reply in readable]
    failures = [(reply, said) for reply, said in judged if said]
    if not tries or any(said == "" for _, said in judged):
        return
    if not readable:
        yield Aside(Outcome.BLOCKED, f"{probe}: the answers hold values of a wrong type")
    elif len(failures) >= TRIES:
        reply, said = failures[-1]
        yield Spot(reply.id, "", expected, f"{said} ({len(failures)} of {len(tries)} tries)", level)
    else:
        yield Aside(
            Outcome.INCONCLUSIVE, f"{probe}: {len(failures)} of {TRIES} tries could be judged, all failed"
        )
