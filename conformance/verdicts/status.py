"""The status of a provider, and the reason if it could not be judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.model import GRAVE_LEVELS, Level
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply
from conformance.replies import CONTROL
from conformance.verdicts.extent import JudgedProvider, is_fully_judged

_PLAIN = (CONTROL, ProbeId.PLAIN_STREAMED, ProbeId.PLAIN_AT_THE_END)


def find_status(judged: JudgedProvider) -> tuple[str, str | None]:
    """Return conforms | partial | deviates | inconclusive, and for the last why it could not be judged."""
    levels = {case.deviation.level for case in judged.cases if case.deviation}
    reason = next(_explain_silence(judged.replies), None)
    if reason is None and Level.MUST not in levels:
        reason = _explain_refusal(judged.replies)
    if reason is not None:
        return "inconclusive", reason
    if not levels.isdisjoint(GRAVE_LEVELS):
        return "deviates", None
    return ("conforms" if is_fully_judged(judged) else "partial"), None


def _explain_refusal(replies: Sequence[Reply]) -> str | None:
    """Yield why a vendor that refuses every question was not judged: Google answers a bad key with 400."""
    asked = [reply for reply in replies if reply.probe == CONTROL]
    answered = any(reply.ok for reply in replies if reply.resource.name == "response")
    if answered or not asked or not all(400 <= reply.status < 500 for reply in asked):
        return None
    hint = "; check base_url" if asked[-1].status == 405 else ""
    refused = f"the plain question is refused (HTTP {asked[-1].status}{hint})"
    return f"{refused}: {_message_of(asked[-1])}".removesuffix(": ")


def _explain_silence(replies: Sequence[Reply]) -> Iterator[str]:
    """Yield why the vendor could not be judged; nothing if the plain question got an answer that can be judged."""
    if not replies:
        yield "nothing was asked"
    plain = [reply for reply in replies if reply.probe in _PLAIN]
    if plain:
        first, status = plain[0], plain[0].status
        statuses = {reply.status for reply in plain}
        if all(map(_has_no_readable_answer, plain)):
            yield _describe_trouble(first)
        if statuses <= {401, 403}:
            yield f"the key is refused (HTTP {status}): {_message_of(first)}"
        if all(300 <= one < 400 for one in statuses):
            where = (first.exchange.header("location") or "nowhere")[:160]
            yield f"the plain question is redirected (HTTP {status} to {where}; check base_url), which is not followed"
        if all(reply.kind == "html" for reply in plain):
            yield "the plain question is answered with HTML (check base_url)"
        if statuses <= {402, 404}:
            yield f"the model is not served (HTTP {status}; check base_url): {_message_of(first)}"
    if all(reply.kind in ("html", "empty") for reply in replies):
        yield f"every answer is {replies[0].kind.value} (check base_url)"


def _is_unavailable(reply: Reply) -> bool:
    return reply.exchange.failure is not None or reply.status == 429 or reply.status >= 500


def _has_no_readable_answer(reply: Reply) -> bool:
    """Return whether a reply was never judged: unavailable, not decodable, or beyond a bound.

    The last two are findings of their own.
    """
    unreadable = not reply.ok and bool(reply.decoded.failure or reply.exceeded_limit)
    return _is_unavailable(reply) or unreadable


def _message_of(reply: Reply) -> str:
    return reply.error.message[:160] if reply.error else ""


def _describe_trouble(reply: Reply) -> str:
    failure = reply.exchange.failure
    bound = (failure.bound if failure else None) or reply.exceeded_limit
    named = f", bound {bound}" if bound else ""
    if failure is not None:
        return f"the plain question got no answer: {failure.kind}{named}: {failure.detail}"[:300]
    if _is_unavailable(reply):
        return f"the plain question is answered with HTTP {reply.status}"
    broken = reply.decoded.failure
    detail = f": {broken.kind}: {broken.detail}" if broken else ""
    return f"the plain question's answer cannot be read{named}{detail}"[:300]
