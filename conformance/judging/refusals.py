"""What rules about errors, keys and routes share: which replies tell anything, and what a refusal amounts to."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judging.tries import ATTEMPTS_TO_ACCUSE
from conformance.model import JSON
from conformance.probe_ids import ProbeId
from conformance.reading.errorbody import ErrorBody
from conformance.reading.reply import Reply, ReplyKind, RuleInput


def describe_reply(reply: Reply) -> str:
    """Return an answer in words: the status, what the body is, and what it says."""
    said = reply.error.message if reply.error else ""
    if said:
        return f"HTTP {reply.status}: {said[:160]}"
    kinds = {
        ReplyKind.HTML: "an HTML page",
        ReplyKind.EMPTY: "an empty body",
        ReplyKind.FOREIGN: "other JSON",
        ReplyKind.UNREADABLE: "no JSON",
    }
    if reply.kind in kinds:
        return f"HTTP {reply.status}, {kinds[reply.kind]}"
    return f"HTTP {reply.status}"


def answers_control(seen: RuleInput) -> bool:
    """Return whether the plain question was answered: without it a refusal proves nothing."""
    return any(reply.ok for reply in seen.of(ProbeId.PLAIN))


def says_nothing(seen: RuleInput) -> bool:
    """Return whether all answers are empty or pages: then it is no vendor's API that was asked."""
    return all(reply.kind in (ReplyKind.EMPTY, ReplyKind.HTML) for reply in seen.all)


def describe_silence(seen: RuleInput) -> str:
    """Return what came in place of answers where `says_nothing` holds: nothing, or pages, and with which status."""
    kinds = {reply.kind for reply in seen.all}
    what = (
        "an HTML page"
        if kinds == {ReplyKind.HTML}
        else "empty"
        if kinds == {ReplyKind.EMPTY}
        else "empty or an HTML page"
    )
    statuses = sorted({reply.status for reply in seen.all})
    hint = "" if statuses and statuses[0] >= 500 else "; base_url?"
    return f"every answer is {what} (HTTP {', '.join(map(str, statuses[:3]))}{hint})"


def answers_control_throughout(seen: RuleInput) -> bool:
    """Return whether the plain question was answered before and after all others."""
    before, after = seen.of(ProbeId.PLAIN), seen.of(ProbeId.PLAIN_AT_THE_END)
    return any(reply.ok for reply in before) and any(reply.ok for reply in after)


def find_lasting_server_error(seen: RuleInput, probe: str) -> Reply | None:
    """Return the last of three or more equal 5xx to a question, where the vendor worked before and after.

    Only then is a vendor blamed for a 5xx; None where one of these conditions is not met.
    """
    replies = seen.of(probe)
    same = {reply.status for reply in replies}
    broken = all(reply.status >= 500 and reply.is_complete for reply in replies) and same.isdisjoint(
        (504, 524)
    )
    enough = len(replies) >= ATTEMPTS_TO_ACCUSE and len(same) == 1
    there = any(reply.ok and reply.streamed is replies[0].streamed for reply in seen.all) if enough else False
    return replies[-1] if there and broken and answers_control_throughout(seen) else None


def has_google_shape(error: ErrorBody) -> bool:
    """Return whether an error has Google's members, others beside them or not."""
    return error.shape == "google" or (
        error.shape == "openai" and isinstance(error.status, str) and error.code is not None
    )


def read_error_json(reply: Reply) -> JSON:
    """Return the error as it came: the first JSON value of the body."""
    return next((chunk.raw for chunk in reply.chunks if chunk.json.ok), None)


def iterate_texts(value: JSON, depth: int = 0) -> Iterator[str]:
    """Yield every string in a JSON value, to eight levels."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and depth < 8:
        for child in value.values() if isinstance(value, dict) else value:
            yield from iterate_texts(child, depth + 1)
