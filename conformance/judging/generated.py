"""What a reply to a generated body shows: a failure, an accepted fault, or the loss of what its twin's reply contains.

A run decides by these whether to send a body again, and the rules judge by the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from conformance.judging.expectations import Fulfilment, asks_for_obedience, check_obedience, obeys
from conformance.model import ATTEMPTS_TO_ACCUSE, JSON, NOTHING
from conformance.reading.reply import Reply, ReplyKind
from conformance.reading.standing import Standing


def read_body_facts(reply: Reply) -> Mapping[str, JSON]:
    """Return what was known about a generated body when it was sent; empty for other questions."""
    generated = reply.exchange.expected.get("generated")
    return generated if isinstance(generated, dict) else NOTHING


def is_generated(reply: Reply) -> bool:
    """Return whether the question was a generated body."""
    return bool(read_body_facts(reply))


def is_invalid_for_google(reply: Reply) -> bool:
    """Return whether the body breaks a schema in a way that Google refuses."""
    facts = read_body_facts(reply)
    return bool(facts) and not facts.get("valid") and facts.get("google_refuses") is True


def is_server_failure(reply: Reply) -> bool:
    """Return whether the server failed: a 5xx, an HTML page, or no answer."""
    failed = reply.standing in (Standing.SERVER_ERROR, Standing.NO_ANSWER)
    return failed or reply.kind is ReplyKind.HTML


def is_html_page(reply: Reply) -> bool:
    """Return whether the reply is an HTML page without a 5xx, which no overload explains."""
    return reply.kind is ReplyKind.HTML and reply.status < 500


def fails_every_attempt(attempts: Sequence[Reply]) -> bool:
    """Return whether every attempt at a body failed, and there were enough of them to be believed."""
    enough = len(attempts) >= ATTEMPTS_TO_ACCUSE or all(map(is_html_page, attempts))
    return (
        bool(attempts)
        and all(map(is_server_failure, attempts))
        and enough
        and not all(map(is_unimplemented, attempts))
    )


def is_unimplemented(reply: Reply) -> bool:
    """Return whether the vendor says, in an error of Google's shape, that this is not implemented.

    That is not a failure of the server, but as a 5xx it is not a reliable refusal either.
    """
    return reply.status == 501 and reply.error is not None and reply.error.shape == "google"


def is_fault_accepted(reply: Reply) -> bool:
    """Return whether a body that Google refuses was answered."""
    return is_invalid_for_google(reply) and reply.ok


def find_twin(reply: Reply, others: Iterable[Reply]) -> Reply | None:
    """Return the last reply to the body's twin, preferably one that did as asked; None if there is none."""
    twin = read_body_facts(reply).get("twin")
    found = [other for other in others if twin and twin in (other.probe, read_body_facts(other).get("body"))]
    met = [other for other in found if obeys(other)]
    return (met or found)[-1] if found else None


def describe_loss(base: Reply, reply: Reply) -> str:
    """Return what the reply lacks that its twin's shows; "" for nothing, or if a mood of the model may explain it."""
    if not (base.ok and reply.ok):
        return ""
    if asks_for_obedience(reply.exchange.expected):
        found = check_obedience(reply)
        # A model that needed a second attempt at the base may need one at its twin.
        at_once = obeys(base) and (base.exchange.attempt == 1 or base.exchange.retry)
        return found.detail if found.verdict is Fulfilment.UNMET and at_once else ""
    # In mode ANY, a call is not the model's choice.
    must_call = _read_member(base.request_body, "toolConfig", "functionCallingConfig", "mode") == "ANY"
    if must_call and base.first.calls and not reply.first.calls:
        return "no function was called"
    return _describe_exceeded_limit(base, reply)


def _describe_exceeded_limit(base: Reply, reply: Reply) -> str:
    limit = _read_member(base.request_body, "generationConfig", "maxOutputTokens")
    if type(limit) is not int:
        return ""
    before, now = base.count("candidatesTokenCount"), reply.count("candidatesTokenCount")
    return f"{now} tokens, the limit is {limit}" if 0 < before <= limit < now else ""


def _read_member(value: JSON, *names: str) -> JSON:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def describe_difference(base: Reply | None, reply: Reply) -> str:
    """Return in words how the reply differs in kind from its twin's; "" if it does not, or there is no twin."""
    if base is None or not base.ok:
        return ""
    return (
        f"HTTP {reply.status}" if reply.standing is Standing.REQUEST_REFUSED else describe_loss(base, reply)
    )


def needs_body_again(attempts: Sequence[Reply], others: Iterable[Reply]) -> bool:
    """Return whether a body must be sent again before anything can be said about its replies."""
    last = attempts[-1]
    if len(attempts) >= ATTEMPTS_TO_ACCUSE or is_html_page(last):
        return False
    if is_server_failure(last):
        return all(map(is_server_failure, attempts))
    base = find_twin(last, others)
    return base is not None and bool(describe_loss(base, last))
