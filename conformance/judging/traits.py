"""Observes a vendor's traits in its replies: casings, envelope, framing, keys, error shape, place of settings.

Each `observe_…` returns None for what the replies do not show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from conformance.judging.controls import is_readable
from conformance.judging.endings import keeps_limit_of_five
from conformance.judging.expectations import disobeys, obeys
from conformance.judging.proof import is_refused_like_control
from conformance.model import ATTEMPTS_TO_ACCUSE, JSON, Auth
from conformance.probe_ids import ProbeId
from conformance.reading.names import Unwrapped
from conformance.reading.reply import Reply, ReplyKind
from conformance.reading.standing import Standing
from conformance.wire.framing import Framing

REFERENCE: Mapping[str, JSON] = {
    "response-casing": "camelCase",
    "request-casing": "both",
    "envelope": "none",
    "stream-framing": "sse",
    "stream-framing-default": "json-array",
    "auth": [Auth.QUERY_KEY.value, Auth.X_GOOG_API_KEY.value],
    "error-shape": "google",
    "settings": "nested",
}
_FRAMINGS = {Framing.SSE, Framing.JSON_ARRAY, Framing.NDJSON, Framing.SINGLE_JSON}


def _find_commonest(values: Iterable[str]) -> str | None:
    counted = Counter(values).most_common(1)
    return counted[0][0] if counted else None


def observe_response_casing(replies: Sequence[Reply]) -> JSON:
    """Return camelCase | snake_case | mixed | other, over the names in all answers that have several words."""
    opened = [chunk.unwrapped for reply in replies if reply.ok for chunk in reply.chunks if chunk.unwrapped]
    styles = {note.style for one in opened for note in one.respellings}
    camel = any(one.camel_case_names for one in opened)
    if not styles:
        return "camelCase" if camel else None
    if camel or len(styles) > 1:
        return "mixed"
    return "snake_case" if "snake_case" in styles else "other"


def _takes_effect(replies: Sequence[Reply], *probes: str) -> bool | None:
    """Return whether the settings of those probes took effect; None if that could not be seen."""
    asked = [reply for reply in replies if reply.probe in probes]
    if any(reply.ok and keeps_limit_of_five(reply) for reply in asked):
        return True
    declined = [
        reply
        for reply in asked
        if reply.standing is Standing.REQUEST_REFUSED and not is_refused_like_control(reply, replies)
    ]
    failed = [reply for reply in asked if reply.ok and disobeys(reply)]
    return False if len(failed) >= ATTEMPTS_TO_ACCUSE or (declined and len(declined) == len(asked)) else None


def _is_followed(replies: Sequence[Reply], probe: str) -> bool | None:
    """Return whether the instruction of that probe was followed; None if that could not be seen."""
    attempts = [reply for reply in replies if reply.probe == probe and reply.ok]
    if any(map(obeys, attempts)):
        return True
    return False if sum(map(disobeys, attempts)) >= ATTEMPTS_TO_ACCUSE else None


def observe_request_casing(replies: Sequence[Reply]) -> JSON:
    """Return which casing of a request takes effect: both | camelCase | snake_case | neither.

    It shows in settings and in the system instruction. What takes effect in neither casing has another cause, unless
    that holds for a whole pair: the vendor may read settings elsewhere, or not at all.
    """
    pairs = (
        (_takes_effect(replies, ProbeId.LIMIT_OF_FIVE), _takes_effect(replies, ProbeId.SNAKE_CASE_SETTINGS)),
        (
            _is_followed(replies, ProbeId.SYSTEM_INSTRUCTION),
            _is_followed(replies, ProbeId.SNAKE_CASE_REQUEST),
        ),
        (None, _takes_flat_settings(replies) or None),  # a setting in snake_case, at the top
    )
    telling = [pair for pair in pairs if True in pair]
    if not telling:
        return "neither" if (False, False) in pairs else None
    camel, snake = (_holds_throughout(column) for column in zip(*telling, strict=True))
    table = {(True, True): "both", (True, False): "camelCase", (False, True): "snake_case"}
    return table.get((camel, snake)) if camel is not None and snake is not None else None


def _holds_throughout(seen: Sequence[bool | None]) -> bool | None:
    return None if set(seen) <= {None} else False not in seen


def observe_settings(replies: Sequence[Reply]) -> JSON:
    """Return where settings take effect: nested | flat | both | neither."""
    nested = _takes_effect(replies, ProbeId.LIMIT_OF_FIVE)
    flat = _takes_flat_settings(replies)
    table = {(True, True): "both", (True, False): "nested", (False, True): "flat", (False, False): "neither"}
    return None if nested is None or flat is None else table[nested, flat]


def _takes_flat_settings(replies: Sequence[Reply]) -> bool | None:
    asked = [reply for reply in replies if reply.probe == ProbeId.FLAT_SETTINGS]
    if any(reply.ok and keeps_limit_of_five(reply) for reply in asked):
        return True
    judged = [reply for reply in asked if reply.ok or reply.standing is Standing.REQUEST_REFUSED]
    return False if asked and len(judged) == len(asked) else None


def observe_envelope(replies: Sequence[Reply]) -> JSON:
    """Return `none`, the dotted path to the Gemini object, or `split`."""
    generated = [reply for reply in replies if reply.ok and reply.resource.name == "response"]
    opened = [(reply, chunk.unwrapped) for reply in generated for chunk in reply.chunks if chunk.unwrapped]
    if not opened:
        return None
    if any(one.split_members and one.path for _, one in opened):
        return "split"
    return _find_commonest(_describe_path(reply, one) for reply, one in opened)


def _describe_path(reply: Reply, opened: Unwrapped) -> str:
    listed = not reply.streamed and reply.framed.framing is Framing.JSON_ARRAY
    return ".".join(step for step in ("0" if listed else "", opened.path) if step) or "none"


def _observe_framing(replies: Iterable[Reply]) -> JSON:
    answered = [
        reply for reply in replies if reply.status == 200 and (reply.ok or reply.kind is ReplyKind.UNREADABLE)
    ]
    # A single object may be the first line of many: only longer streams show which framing it is.
    telling = [reply for reply in answered if len(reply.framed.frames) > 1] or answered
    found = [reply.framed.framing for reply in telling]
    return _find_commonest(framing.value if framing in _FRAMINGS else "other" for framing in found)


def observe_stream_framing(replies: Sequence[Reply]) -> JSON:
    """Return how streams come with alt=sse."""
    return _observe_framing(reply for reply in replies if reply.streamed and reply.alt_sse)


def observe_default_framing(replies: Sequence[Reply]) -> JSON:
    """Return how streams come without alt=sse."""
    return _observe_framing(reply for reply in replies if reply.streamed and not reply.alt_sse)


KEY_PROBES = {
    Auth.X_GOOG_API_KEY.value: ProbeId.KEY_AS_X_GOOG_API_KEY,
    Auth.BEARER.value: ProbeId.KEY_AS_BEARER,
    Auth.QUERY_KEY.value: ProbeId.KEY_IN_QUERY,
    Auth.X_API_KEY.value: ProbeId.KEY_AS_X_API_KEY,
}
"""The probe of each way to carry a key."""


def observe_auth(replies: Sequence[Reply]) -> JSON:
    """Return the accepted ways to carry the key, sorted; None also if a nonsense key, or none, is accepted."""
    of = {reply.probe: reply for reply in replies}
    if any(of[probe].ok for probe in (ProbeId.BAD_KEY, ProbeId.NO_KEY) if probe in of):
        return None
    asked = {way: of[probe] for way, probe in KEY_PROBES.items() if probe in of}
    refused = [
        one for one in asked.values() if one.is_refusal or (one.kind is ReplyKind.ERROR and one.is_success)
    ]
    accepted = sorted(way for way, reply in asked.items() if reply.ok)
    # Every way must be known: asked, and neither met by a temporary fault nor answered by another API. If all ways
    # are refused, that shows nothing about keys.
    known = len(accepted) + len(refused) == len(KEY_PROBES)
    return [*accepted] if known and accepted else None


def observe_error_shape(replies: Sequence[Reply]) -> JSON:
    """Return the commonest shape of the error bodies of all 4xx."""
    return _find_commonest(
        reply.error.shape for reply in replies if 400 <= reply.status < 500 and reply.error
    )


_OBSERVERS = {
    "response-casing": observe_response_casing,
    "request-casing": observe_request_casing,
    "envelope": observe_envelope,
    "stream-framing": observe_stream_framing,
    "stream-framing-default": observe_default_framing,
    "auth": observe_auth,
    "error-shape": observe_error_shape,
    "settings": observe_settings,
}


def observe_traits(replies: Sequence[Reply]) -> dict[str, JSON]:
    """Return every trait by its name, None for what the replies do not show.

    If nothing was answered, the refusals show only the shape of errors.
    """
    answers = any(map(is_readable, replies))
    known = {name: look(replies) for name, look in _OBSERVERS.items() if answers or name == "error-shape"}
    return {name: known.get(name) for name in _OBSERVERS}
