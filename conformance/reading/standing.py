"""The standing of a reply: the one place that says whether and why it was refused, and which statuses mean what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Standing(StrEnum):
    """The standing of a reply: what happened to its question. Each reply has exactly one, `Reply.standing`.

    For anything other than a success the status decides, unless nothing readable came. Whether all of the body came is
    another question: see `Reply.is_complete`. Where rules ask for several at once:

    | question | standing | property |
    | --- | --- | --- |
    | was the request itself refused? | REQUEST_REFUSED | |
    | was it refused, for whatever lasting reason? | complete, and REQUEST_REFUSED, KEY_REFUSED or NO_ROUTE | `Reply.is_refusal` |
    | did it fail although the status says success? | ERROR_IN_SUCCESS | |
    | does the reply show anything about the protocol? | complete, and not THROTTLED, SERVER_ERROR or NO_ANSWER |
    `Reply.is_conclusive` |
    """

    ANSWERED = "answered"  # a success with the resource that was asked for; its end may be missing
    ERROR_IN_SUCCESS = "error in a success"  # an error; or no answer to what Google refuses
    FOREIGN = "foreign"  # a success without the resource that was asked for: other JSON, a page, nothing
    REDIRECTED = "redirected"
    REQUEST_REFUSED = "request refused"  # any other 4xx
    KEY_REFUSED = "key refused"  # 401, 402, 403, 407: keys and bills
    NO_ROUTE = "no route"  # 404, 405, 410
    THROTTLED = "throttled"  # 408, 425, 429, 499: time and quotas
    SERVER_ERROR = "server error"  # 5xx
    NO_ANSWER = "no answer"  # nothing that can be read


_BY_STATUS: Mapping[int, Standing] = {
    **dict.fromkeys((401, 402, 403, 407), Standing.KEY_REFUSED),
    **dict.fromkeys((404, 405, 410), Standing.NO_ROUTE),
    **dict.fromkeys((408, 425, 429, 499), Standing.THROTTLED),
}
REFUSALS = (Standing.REQUEST_REFUSED, Standing.KEY_REFUSED, Standing.NO_ROUTE)
OF_THE_MOMENT = (Standing.THROTTLED, Standing.SERVER_ERROR, Standing.NO_ANSWER)


def standing_of_failure(status: int) -> Standing:
    """Return the standing for a status of 300 or more."""
    if status < 400:
        return Standing.REDIRECTED
    return Standing.SERVER_ERROR if status >= 500 else _BY_STATUS.get(status, Standing.REQUEST_REFUSED)
