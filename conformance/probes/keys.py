"""Each way to carry the key; a bad key and no key come last and alone, so that being locked out affects no other question."""

from __future__ import annotations

from conformance.asking.prompts import exact_reply_prompt, request_body
from conformance.catalogue import ProbeContext, probe
from conformance.model import Question


def _ask_plainly(ask: ProbeContext, key: str, **expected: object) -> Question:
    code = f"OK-{ask.nonce}"
    return Question(request_body(exact_reply_prompt(code), 40), key=key, expected={"text": code, **expected})  # type: ignore[dict-item]


@probe(for_clients=False)
def key_as_x_goog_api_key(ask: ProbeContext) -> Question:
    """The key in x-goog-api-key, where every client of Google's puts it."""
    return _ask_plainly(ask, "x-goog-api-key")


@probe(for_clients=False)
def key_as_bearer(ask: ProbeContext) -> Question:
    """The key as Authorization: Bearer, which Google refuses."""
    return _ask_plainly(ask, "bearer", status=401)


@probe(for_clients=False)
def key_in_query(ask: ProbeContext) -> Question:
    """The key as ?key=."""
    return _ask_plainly(ask, "query-key")


@probe(for_clients=False)
def key_as_x_api_key(ask: ProbeContext) -> Question:
    """The key in x-api-key, Anthropic's header, which Google does not know."""
    return _ask_plainly(ask, "x-api-key", status=[401, 403])


@probe(for_clients=False)
def key_beside_junk_bearer(ask: ProbeContext) -> Question:
    """The right key in x-goog-api-key beside a junk Bearer token, which Google looks at first."""
    return _ask_plainly(ask, "junk-bearer", status=401)


@probe(last=True, attempts=3)
def bad_key(ask: ProbeContext) -> Question:
    """A key that cannot be right."""
    return Question(
        request_body(exact_reply_prompt(f"OK-{ask.nonce}"), 40),
        key="bad",
        expected={"status": [400, 401, 403]},
    )


@probe(last=True, attempts=3)
def no_key(ask: ProbeContext) -> Question:
    """No key at all."""
    return Question(
        request_body(exact_reply_prompt(f"OK-{ask.nonce}"), 40), key="none", expected={"status": [401, 403]}
    )
