"""What excuses an oddity: Google itself shows it rarely, a tool on the vendor's side caused it, or a recorder may have lost data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from conformance.judging.contents import DATA, as_list
from conformance.judging.endings import is_prompt_blocked
from conformance.model import ATTEMPTS_TO_ACCUSE, JSON, Level, Location
from conformance.names import fold
from conformance.reading.reply import Reply, ReplyKind
from conformance.wire.frames import Irregular

_BY_THE_CALLER = ("text", "inlineData", "fileData", "functionCall")
_ON_THE_SERVER = tuple(name for name in DATA if name not in _BY_THE_CALLER)


_SHARE = 4  # a fault that one answer in this many shows is not rare: at Google it was one in hundreds


def note_if_rare(found: Iterable[Location], among: Sequence[Reply]) -> Iterator[Location]:
    """Yield the locations of a fault that Google itself shows once among thousands of answers, as notes if it is rare.

    It is not rare if a question shows it in each of three attempts or more, if all replies of its method do, or if
    three questions and one success in four of its method do. `among` holds the replies that could have shown it. In
    captured traffic it is always rare: nothing was asked again.
    """
    locations = list(found)
    own = [reply for reply in among if not reply.exchange.captured]
    shown = {location.exchange for location in locations}
    frequent: set[str] = set()
    for streamed in (False, True):
        replies = [reply for reply in own if reply.streamed is streamed]
        successes = sum(reply.is_success for reply in among if reply.streamed is streamed)
        frequent |= _find_frequent([reply for reply in replies if reply.is_success], shown, successes)
        for group in (replies, *_group_by_probe(replies)):
            if len(group) >= ATTEMPTS_TO_ACCUSE and all(reply.id in shown for reply in group):
                frequent |= {reply.id for reply in group}
    for location in locations:
        yield location if location.exchange in frequent else replace(location, level=Level.NOTE)


def _find_frequent(replies: Sequence[Reply], shown: set[str], successes: int) -> set[str]:
    """Return the ids of the replies that show the fault if there are too many for a rare one, else nothing."""
    showing = [reply for reply in replies if reply.id in shown]
    several = len({reply.probe for reply in showing}) >= ATTEMPTS_TO_ACCUSE
    return {reply.id for reply in showing} if several and len(showing) * _SHARE >= successes else set()


def _group_by_probe(replies: Sequence[Reply]) -> Iterable[list[Reply]]:
    groups: dict[str, list[Reply]] = {}
    for reply in replies:
        groups.setdefault(reply.probe, []).append(reply)
    return groups.values()


def is_empty_success(reply: Reply) -> bool:
    """Return whether a success has an empty body, or neither a candidate nor a reason why not."""
    if reply.resource.name != "response" or reply.status != 200 or reply.exchange.failure is not None:
        return False
    return reply.kind is ReplyKind.EMPTY or (
        reply.ok and not reply.candidates and not is_prompt_blocked(reply)
    )


def uses_server_tools(reply: Reply) -> bool:
    """Return whether the answer may have been made with tools that run at the vendor: code, searches, files, MCP.

    The question names one, or the answer shows its parts, its sources or its tokens. A question that was not recorded
    may have named one.
    """
    unknown = reply.exchange.captured and not reply.exchange.request.body
    return unknown or _asks_for_tools(reply.request_body) or _shows_tools(reply)


def _asks_for_tools(request: JSON) -> bool:
    tools = as_list(request.get("tools")) if isinstance(request, dict) else []
    names = {fold(name) for tool in tools if isinstance(tool, dict) for name in tool}
    return any(name != "functiondeclarations" for name in names)


def _shows_tools(reply: Reply) -> bool:
    held = any(name in part for one in reply.candidates for part in one.parts for name in _ON_THE_SERVER)
    raws = [raw for chunk in reply.chunks for raw in as_list(chunk.body.get("candidates"))]
    sources = any(
        isinstance(raw, dict) and (raw.get("groundingMetadata") or raw.get("urlContextMetadata"))
        for raw in raws
    )
    used = [chunk.body.get("usageMetadata") for chunk in reply.chunks]
    billed = any(isinstance(block, dict) and block.get("toolUsePromptTokenCount") for block in used)
    return held or sources or billed


def may_have_lost_header(reply: Reply, header: str) -> bool:
    """Return whether an absent header may have been received: the recorder kept only some headers."""
    return not reply.exchange.headers_complete and reply.exchange.header(header) is None


def has_original_bytes(reply: Reply) -> bool:
    """Return whether the bytes are the vendor's own, not those of a recorder that printed the JSON anew."""
    return not reply.exchange.reserialised


_TRIMMED = (Irregular.NO_FINAL_BLANK_LINE, Irregular.SINGLE_NEWLINE, Irregular.MIXED_LINE_ENDS)


def may_have_lost_end(reply: Reply) -> bool:
    """Return whether a stream lacks its end, and the vendor may have sent it all the same."""
    lacking = any(one.kind in _TRIMMED for one in reply.framed.irregularities)
    return not reply.exchange.end_known and (lacking or reply.first.finish_reason is None)
