"""How the vendor refuses and fails: in words, for a feature that it lacks, for every question, or for every attempt at one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from conformance.catalogue import NotJudged
from conformance.model import ATTEMPTS_TO_ACCUSE, JSON, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing

_KINDS = {
    ReplyKind.HTML: "an HTML page",
    ReplyKind.EMPTY: "an empty body",
    ReplyKind.FOREIGN: "other JSON",
    ReplyKind.UNREADABLE: "no JSON",
}
_OF_PROXIES = (504, 524)  # a proxy gave up waiting, perhaps because of the model


def describe_reply(reply: Reply) -> str:
    """Return a reply in words: its status, and the error's message or else what the body is."""
    if reply.error and reply.error.message:
        return f"HTTP {reply.status}: {reply.error.message[:160]}"
    return ", ".join(filter(None, (f"HTTP {reply.status}", _KINDS.get(reply.kind))))


def are_refused(replies: Sequence[Reply]) -> bool:
    """Return whether there is a reply, and the request itself was refused in every one."""
    return bool(replies) and all(reply.standing is Standing.REQUEST_REFUSED for reply in replies)


CONTROL_UNANSWERED = NotJudged(Outcome.BLOCKED, "the plain question is not answered")


def answers_control(seen: RuleInput) -> bool:
    """Return whether the plain question was answered: otherwise a refusal proves nothing."""
    return any(reply.ok for reply in seen.of(ProbeId.PLAIN))


def answers_control_throughout(seen: RuleInput) -> bool:
    """Return whether the plain question was answered both before and after all others."""
    return answers_control(seen) and any(reply.ok for reply in seen.of(ProbeId.PLAIN_AT_THE_END))


def says_nothing(seen: RuleInput) -> bool:
    """Return whether all replies are empty or HTML pages: then the address is not that of an API."""
    return all(reply.kind in (ReplyKind.EMPTY, ReplyKind.HTML) for reply in seen.all)


def describe_silence(seen: RuleInput) -> str:
    """Return in words what came instead of answers where `says_nothing` holds, and with which statuses."""
    kinds = {reply.kind for reply in seen.all}
    page, empty = ReplyKind.HTML in kinds, ReplyKind.EMPTY in kinds
    what = " or ".join(filter(None, ("empty" if empty else "", "an HTML page" if page else "")))
    statuses = sorted({reply.status for reply in seen.all})
    hint = "" if statuses and statuses[0] >= 500 else "; check base_url"
    return f"every answer is {what} (HTTP {', '.join(map(str, statuses[:3]))}{hint})"


def find_lasting_server_error(seen: RuleInput, probe: str) -> Reply | None:
    """Return the last reply to a question for whose 5xx the vendor can be blamed; None if it cannot.

    It can if three attempts or more got the same complete 5xx, which does not come from a proxy, while other questions of
    the same method were answered, and the plain question both before and after.
    """
    replies = seen.of(probe)
    if len(replies) < ATTEMPTS_TO_ACCUSE or len({reply.status for reply in replies}) > 1:
        return None
    last = replies[-1]
    broken = last.status >= 500 and last.status not in _OF_PROXIES and all(one.is_complete for one in replies)
    works = any(reply.ok and reply.streamed is last.streamed for reply in seen.all)
    return last if broken and works and answers_control_throughout(seen) else None


def read_error_json(reply: Reply) -> JSON:
    """Return the first JSON value of the body, which contains the error; None if the body contains no JSON."""
    return next((chunk.raw for chunk in reply.chunks if chunk.json.ok), None)


def iterate_texts(value: JSON, depth: int = 0) -> Iterator[str]:
    """Yield every string in a JSON value, to eight levels."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and depth < 8:
        for child in value.values() if isinstance(value, dict) else value:
            yield from iterate_texts(child, depth + 1)


_UNSUPPORTED = re.compile(
    r"(\b(not|never|no|cannot|unable to)|n't) ([\w-]+ ){0,2}(support|enabl|availab|implement|allow|permit|accept|handl|process"
    r"|take|offer|provid|possible|capable|part of|used?\b)"
    r"|\bonly ([\w-]+ ){0,4}(support|accept|allow|take|enabl|availab|work)"
    r"|\b(unsupported|unavailable|unimplemented|disabled|deactivated|(turned|switched) off|lacks)\b|\bmay not be\b",
    re.IGNORECASE,
)


# Neither an unknown member nor a key is a feature.
_OTHER_FAULT = re.compile(
    r"\b(extra|unknown|unexpected|additional|unrecognized|callers?|credentials?|oauth\w*|api.?keys?)\b",
    re.IGNORECASE,
)


def says_unsupported(reply: Reply) -> bool:
    """Return whether an error, of any status, says plainly that the vendor or the model cannot do something."""
    said = reply.error.message if reply.error else ""
    return bool(_UNSUPPORTED.search(said)) and not _OTHER_FAULT.search(said)


def is_refused_as_unsupported(reply: Reply) -> bool:
    """Return whether the request was refused with plain words that the vendor or the model cannot do this."""
    return reply.standing is Standing.REQUEST_REFUSED and says_unsupported(reply)
