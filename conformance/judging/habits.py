"""What Google itself does: as a habit, once among thousands, or only where a question asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from conformance.judging.attempts import ATTEMPTS_TO_ACCUSE
from conformance.judging.contents import DATA, as_list
from conformance.judging.endings import is_prompt_blocked
from conformance.model import JSON, Level, Location
from conformance.reading.reply import Reply, ReplyKind
from conformance.wire.frames import Irregular

_BY_THE_CALLER = ("text", "inlineData", "fileData", "functionCall")
_ON_THE_SERVER = tuple(name for name in DATA if name not in _BY_THE_CALLER)


def note_if_rare(found: Iterable[Location], among: Sequence[Reply]) -> Iterator[Location]:
    """Yield the locations of a fault that Google shows once among thousands of answers: notes, unless it is no rarity here.

    It is none where a question was asked three times or more and shows it every time, where all answers of its method
    do, or where three questions and one success in four of its method do. `among` holds the replies that could have
    shown it.
    Captured traffic never is: nothing was asked again.
    """
    locations = list(found)
    shown = {location.exchange for location in locations}
    successes = [one for one in among if one.is_success]  # an error says nothing of how answers come
    often = _frequent(shown, [one for one in successes if one.streamed]) | _frequent(
        shown, [one for one in successes if not one.streamed]
    )
    steady = {reply.id for reply in among if _each_time(reply, among, shown)}
    yield from (
        location if location.exchange in steady | often else replace(location, level=Level.NOTE)
        for location in locations
    )


_SHARE = 4  # of so many answers at least one must show a fault before it is no rarity: Google's was one in hundreds


def _frequent(shown: set[str], among: Sequence[Reply]) -> set[str]:
    """Return the ids of the replies of one method that show it, where they are too many for a rarity; else nothing."""
    own = [reply for reply in among if reply.id in shown and not reply.exchange.captured]
    many = len({reply.probe for reply in own}) >= ATTEMPTS_TO_ACCUSE and len(own) * _SHARE >= len(among)
    return {reply.id for reply in own} if many else set()


def _each_time(reply: Reply, among: Sequence[Reply], shown: set[str]) -> bool:
    if reply.exchange.captured:  # known at once: of a recording there may be thousands
        return False
    own = [one for one in among if not one.exchange.captured]
    alike = (
        [one for one in own if one.probe == reply.probe],
        [one for one in own if one.streamed is reply.streamed],
    )
    return any(len(group) >= ATTEMPTS_TO_ACCUSE and all(one.id in shown for one in group) for group in alike)


def is_empty_success(reply: Reply) -> bool:
    """Return whether a success is empty, or has neither a candidate nor a reason: so rare that it is asked again."""
    if reply.resource.name != "response" or reply.status != 200 or reply.exchange.failure is not None:
        return False
    return reply.kind is ReplyKind.EMPTY or (
        reply.ok and not reply.candidates and not is_prompt_blocked(reply)
    )


def uses_server_tools(reply: Reply) -> bool:
    """Return whether the answer was made with tools that run at the vendor: code, searches, files, MCP servers.

    The question names one, or the answer shows its parts, its sources or its tokens. A question that was not recorded
    may have named any.
    """
    unknown = reply.exchange.captured and not reply.exchange.request.body
    return unknown or _asks_for_tools(reply.request_body) or _shows_tools(reply)


def _asks_for_tools(request: JSON) -> bool:
    tools = as_list(request.get("tools")) if isinstance(request, dict) else []
    names = {name.replace("_", "") for tool in tools if isinstance(tool, dict) for name in tool}
    return any(name.lower() != "functiondeclarations" for name in names)


def _shows_tools(reply: Reply) -> bool:
    held = any(name in part for one in reply.candidates for part in one.parts for name in _ON_THE_SERVER)
    raws = [raw for chunk in reply.chunks for raw in as_list(chunk.body.get("candidates"))]
    beside = any(
        isinstance(raw, dict) and (raw.get("groundingMetadata") or raw.get("urlContextMetadata"))
        for raw in raws
    )
    used = [chunk.body.get("usageMetadata") for chunk in reply.chunks]
    billed = any(isinstance(block, dict) and block.get("toolUsePromptTokenCount") for block in used)
    return held or beside or billed


def may_have_lost_header(reply: Reply, header: str) -> bool:
    """Return whether a header that is absent may have been received: the recorder kept some only."""
    return not reply.exchange.headers_complete and reply.exchange.header(header) is None


def has_original_bytes(reply: Reply) -> bool:
    """Return whether the bytes are the vendor's, not those of a recorder that printed the JSON anew."""
    return not reply.exchange.reserialised


_TRIMMED = (Irregular.NO_FINAL_BLANK_LINE, Irregular.SINGLE_NEWLINE, Irregular.MIXED_LINE_ENDS)


def may_have_lost_end(reply: Reply) -> bool:
    """Return whether a stream lacks what ends it, and nobody knows whether the vendor left that out."""
    lacking = any(one.kind in _TRIMMED for one in reply.framed.irregularities)
    return not reply.exchange.end_known and (lacking or reply.first.finish_reason is None)
