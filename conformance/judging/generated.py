"""What is known of a generated body's answer: whether it failed, was swallowed, or lost what its twin's shows.

The run asks again by these, and the rules judge by them: what is asked three times is what needs three tries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from conformance.judging.attempts import ATTEMPTS_TO_ACCUSE
from conformance.judging.expectations import Fulfilment, asks_for_obedience, check_obedience, obeys
from conformance.model import JSON, NOTHING
from conformance.reading.reply import Reply, ReplyKind
from conformance.reading.standing import Standing


def read_body_facts(reply: Reply) -> Mapping[str, JSON]:
    """Return what was known of a generated body when it was asked; empty for other questions."""
    generated = reply.exchange.expected.get("generated")
    return generated if isinstance(generated, dict) else NOTHING


def is_generated(reply: Reply) -> bool:
    """Return whether the question was a body that was made from a schema."""
    return bool(read_body_facts(reply))


def is_invalid_for_google(reply: Reply) -> bool:
    """Return whether the body breaks a schema in a way that Google refuses."""
    said = read_body_facts(reply)
    return bool(said) and not said.get("valid") and said.get("google_refuses") is True


def is_server_failure(reply: Reply) -> bool:
    """Return whether the server failed: a 5xx, a page of HTML, or no answer."""
    return reply.status >= 500 or reply.kind in (ReplyKind.FAILED, ReplyKind.HTML)


def is_html_page(reply: Reply) -> bool:
    """Return whether the answer is a page of HTML that says no 5xx: no overload explains it."""
    return reply.kind is ReplyKind.HTML and reply.status < 500


def fails_every_attempt(tries: Sequence[Reply]) -> bool:
    """Return whether a body failed each time, and often enough to be believed."""
    enough = len(tries) >= ATTEMPTS_TO_ACCUSE or all(map(is_html_page, tries))
    return (
        bool(tries)
        and all(map(is_server_failure, tries))
        and enough
        and not all(map(is_unimplemented, tries))
    )


def is_unimplemented(reply: Reply) -> bool:
    """Return whether the vendor says, as an error of Google's, that what was asked is not implemented.

    That is no failure of the server, but, being a 5xx, no refusal to count on either.
    """
    return reply.status == 501 and reply.error is not None and reply.error.shape == "google"


def is_fault_accepted(reply: Reply) -> bool:
    """Return whether a body was answered that Google refuses."""
    return is_invalid_for_google(reply) and reply.ok


def find_twin(reply: Reply, others: Iterable[Reply]) -> Reply | None:
    """Return the reply that this body must be answered like: to the twin, the one that did as it was asked."""
    twin = read_body_facts(reply).get("twin")
    found = [other for other in others if twin and twin in (other.probe, read_body_facts(other).get("body"))]
    met = [other for other in found if obeys(other)]
    return (met or found)[-1] if found else None


def describe_loss(base: Reply, reply: Reply) -> str:
    """Return what the answer lacks that its twin's shows, where no mood of the model explains it; else ""."""
    if not (base.ok and reply.ok):
        return ""
    if asks_for_obedience(reply.exchange.expected):
        found = check_obedience(reply)
        return found.detail if found.verdict is Fulfilment.UNMET and _obeyed_at_once(base) else ""
    if _must_call(base) and base.first.calls and not reply.first.calls:
        return "no function was called"
    return _past_its_limit(base, reply)


def _obeyed_at_once(base: Reply) -> bool:
    """A model that needed a second try for the base may need one for its twin."""
    return obeys(base) and (base.exchange.attempt == 1 or base.exchange.retry)


def _must_call(reply: Reply) -> bool:
    """Mode ANY: whether a function is called is not the model's choice."""
    return _at(reply.request_body, "toolConfig", "functionCallingConfig", "mode") == "ANY"


def _past_its_limit(base: Reply, reply: Reply) -> str:
    limit = _at(base.request_body, "generationConfig", "maxOutputTokens")
    if type(limit) is not int:
        return ""
    before, now = base.count("candidatesTokenCount"), reply.count("candidatesTokenCount")
    return f"{now} tokens, the limit is {limit}" if 0 < before <= limit < now else ""


def _at(value: JSON, *names: str) -> JSON:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def describe_difference(base: Reply | None, reply: Reply) -> str:
    """Return in words how the answer is of another kind than its twin's; "" where it is not, or there is no twin."""
    if base is None or not base.ok:
        return ""
    return (
        f"HTTP {reply.status}" if reply.standing is Standing.REQUEST_REFUSED else describe_loss(base, reply)
    )


def needs_body_again(tries: Sequence[Reply], others: Iterable[Reply]) -> bool:
    """Return whether a body must be asked again before anything can be said of its answers."""
    last = tries[-1]
    if len(tries) >= ATTEMPTS_TO_ACCUSE or is_html_page(last):
        return False
    if is_server_failure(last):
        return all(map(is_server_failure, tries))
    base = find_twin(last, others)
    return base is not None and bool(describe_loss(base, last))
