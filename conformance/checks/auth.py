"""Auth: which ways to carry a key work, and what becomes of a key that is wrong or missing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.catalogue import Ground, NotJudged, Proof, check
from conformance.judging.contents import names_a_lack
from conformance.judging.refusals import (
    carried,
    denied,
    keyless,
    takes_any_key,
    words,
    works,
)
from conformance.model import JSON, Auth, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing
from conformance.sources import VENDORS_DOCUMENT, google

_HEADER = google("x-goog-api-key", "Every request carries its key in this header; ?key= is taken beside it.")
_OAUTH = google(
    "Authorization", "A Bearer token is an OAuth token; an API key is none, and is refused with 401."
)
ACCEPTS_ALL = "errors/refuses-what-is-wrong"
GOOGLES_HEADER = "auth/takes-x-goog-api-key"

_PROBES = {
    Auth.X_GOOG_API_KEY.value: ProbeId.KEY_AS_X_GOOG_API_KEY,
    Auth.BEARER.value: ProbeId.KEY_AS_BEARER,
    Auth.QUERY_KEY.value: ProbeId.KEY_IN_QUERY,
    Auth.X_API_KEY.value: ProbeId.KEY_AS_X_API_KEY,
}


def _tells(reply: Reply) -> bool:
    """The key was taken, or turned down; a request that carried none (no key is set) tells nothing."""
    return reply.is_conclusive and (reply.ok or denied(reply)) and not carried(reply, "none")


def _good(seen: RuleInput) -> bool:
    """The key opens the vendor in some way."""
    asked = seen.of(ProbeId.PLAIN, *_PROBES.values())
    return any(reply.ok and reply.exchange.request.key in _PROBES for reply in asked)


def _way_refused(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """What became of the one way that these replies carry the key in."""
    reply = seen.replies[-1]
    if reply.ok:
        if takes_any_key(seen):
            yield NotJudged(
                Outcome.BLOCKED, "a nonsense key, or no key, is accepted too: that this one is shows nothing"
            )
    elif any(one.ok and carried(one, reply.exchange.request.key) for one in seen.all):
        yield NotJudged(
            Outcome.INCONCLUSIVE, f"{reply.probe}: the key was taken in this way elsewhere: {words(reply)}"
        )
    elif _good(seen):
        yield Location(reply.id, "", "the key is accepted", words(reply))
    else:
        yield NotJudged(Outcome.BLOCKED, f"the key is not accepted in any way: {words(reply)}")


@check(
    Level.MUST,
    _HEADER,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=(ProbeId.KEY_AS_X_GOOG_API_KEY,),
    usable=_tells,
    trait="auth",
)
def takes_x_goog_api_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The key is accepted in the header x-goog-api-key.

    Why: Google asks for this header, and its clients send no other.
    Breaks: google-genai, @google/genai, gemini-cli, the Vercel AI SDK and the old SDK get 401 for every request.
    Workaround: send the key in the vendor's way as an extra header, if the client allows it.
    """
    yield from _way_refused(seen)


@check(
    Level.SHOULD,
    _HEADER,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=(ProbeId.KEY_IN_QUERY,),
    usable=_tells,
    blocked_by=(GOOGLES_HEADER,),
)
def takes_the_key_in_the_query(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The key is accepted as the query parameter `key`.

    Why: Google accepts it there, and its examples for curl put it there.
    Breaks: older clients, scripts, and code copied from Google's notebooks.
    Workaround: send the header.
    """
    yield from _way_refused(seen)


@check(
    Level.NOTE,
    _OAUTH,
    basis=Basis.INFERRED,
    probes=(ProbeId.KEY_AS_BEARER, ProbeId.KEY_AS_X_API_KEY),
    usable=_tells,
    blocked_by=(ACCEPTS_ALL,),
    proof=Proof.EACH_REFUSAL,
)
def takes_keys_nowhere_else(seen: RuleInput) -> Iterator[Location]:
    """An API key is accepted only where Google accepts it.

    Why: Google takes a Bearer token for an OAuth token and answers 401; x-api-key is another vendor's header.
    Breaks: no client; code that relies on it does not work with Google.
    Workaround: send x-goog-api-key where it is accepted.
    """
    for reply in seen.replies:
        if reply.ok and not takes_any_key(seen):
            yield Location(reply.id, "", "HTTP 401", f"the key is accepted as {reply.exchange.request.key}")


@check(
    Level.NOTE,
    _OAUTH,
    basis=Basis.INFERRED,
    probes=(ProbeId.KEY_BESIDE_JUNK_BEARER,),
    usable=_tells,
    blocked_by=(GOOGLES_HEADER, ACCEPTS_ALL),
    proof=Proof.EACH_REFUSAL,
)
def looks_at_authorization_first(seen: RuleInput) -> Iterator[Location]:
    """A junk Bearer token is refused, even beside a valid key.

    Why: Google checks Authorization before it checks the key.
    Breaks: no client; a stale token that a proxy adds is noticed only at Google.
    Workaround: send one credential.
    """
    for reply in seen.replies:
        if reply.ok and not takes_any_key(seen):
            yield Location(reply.id, "", "HTTP 401", "the good key is taken, the junk token ignored")


def _wrong_key(reply: Reply) -> bool:
    return reply.is_conclusive and carried(reply, "bad")


@check(
    Level.SHOULD,
    google("API_KEY_INVALID", "A key that is not valid is refused."),
    basis=Basis.RECORDED,
    probes=(ProbeId.BAD_KEY,),
    usable=_wrong_key,
    blocked_by=(ACCEPTS_ALL,),
    proof=Proof.EACH_REFUSAL,
)
def refuses_a_wrong_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An invalid key is refused.

    Why: whoever is served without a key of their own is served at somebody else's expense.
    Breaks: a wrong or forgotten key goes unnoticed until a bill, or somebody else's log, shows it.
    Workaround: none.
    """
    reply = seen.replies[-1]
    if reply.ok and keyless(seen):
        yield NotJudged(Outcome.UNSUPPORTED, "this vendor is asked without any key, and answers")
    elif reply.ok:
        yield Location(
            reply.id, "", "HTTP 400, 401 or 403", f"a nonsense key is answered with HTTP {reply.status}"
        )


@check(
    Level.SHOULD,
    google("Method doesn't allow unregistered callers", "A request without any credential is refused."),
    basis=Basis.RECORDED,
    probes=(ProbeId.NO_KEY,),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(ACCEPTS_ALL, "auth/refuses-a-wrong-key"),
    proof=Proof.EACH_REFUSAL,
)
def asks_for_a_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request without a key is refused.

    Why: Google serves registered callers only, and answers 403.
    Breaks: a forgotten key goes unnoticed.
    Workaround: none.
    """
    reply = seen.replies[-1]
    if reply.ok and keyless(seen):
        yield NotJudged(Outcome.UNSUPPORTED, "this vendor is asked without any key, and answers")
    elif reply.ok:
        yield Location(reply.id, "", "HTTP 401 or 403", f"no key at all is answered with HTTP {reply.status}")


@check(
    Level.SHOULD,
    google("API_KEY_INVALID", "A wrong key is 400 or 401, a missing one 403."),
    basis=Basis.RECORDED,
    probes=(ProbeId.BAD_KEY, ProbeId.NO_KEY),
    usable=lambda reply: reply.is_refusal,
    proof=Proof.EACH_REFUSAL,
)
def says_that_the_key_is_wrong(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A wrong or missing key is refused with 400, 401 or 403.

    Why: Google answers with these, and so do other vendors; any other status points to another fault.
    Breaks: users look for the fault in the address or in the request.
    Workaround: try a valid key before believing the status.
    """
    if not works(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered with the right key either")
        return
    for reply in seen.replies:
        if not denied(reply):
            yield Location(reply.id, "", "HTTP 400, 401 or 403", words(reply))


def _strangers(seen: RuleInput) -> list[Reply]:
    """Answers with the right key in them, masked, to requests that did not carry it; none where it is a common word."""
    if any(reply.exchange.masked for reply in seen.all if reply.ok):
        return []
    unknown = [reply for reply in seen.replies if carried(reply, "bad") or carried(reply, "none")]
    return [reply for reply in unknown if reply.exchange.masked]


@check(
    Level.SHOULD,
    google("API_KEY_INVALID", "A key that is not valid is refused, and none is named that would be."),
    basis=Basis.INFERRED,
    probes=(ProbeId.BAD_KEY, ProbeId.NO_KEY),
    usable=lambda reply: reply.is_refusal,
    proof=Proof.EACH_REFUSAL,
)
def tells_nobody_the_key(seen: RuleInput) -> Iterator[Location]:
    """A caller without the right key is not told what it is.

    Why: a message that names the expected key hands it to everyone who sends a wrong one.
    Breaks: no client; the key, and the account behind it, are open to anyone.
    Workaround: treat the key as leaked: rotate it, and do not use this vendor until the fault is fixed.
    """
    for reply in _strangers(seen):
        yield Location(reply.id, reply.error.at if reply.error else "", "nothing of the key", words(reply))


_FORM = re.compile(
    r"\b(format|prefix|must (start|begin)|malformed|should (start|begin)|length of)\b", re.IGNORECASE
)


@check(
    Level.NOTE,
    google("x-goog-api-key", "A key is an opaque word; a wrong one is not valid, whatever its form."),
    basis=Basis.INFERRED,
    probes=(ProbeId.BAD_KEY,),
    usable=lambda reply: _wrong_key(reply) and denied(reply),
    proof=Proof.EACH_REFUSAL,
)
def reads_keys_as_opaque(seen: RuleInput) -> Iterator[Location]:
    """A key is refused because it is unknown, not because of its form.

    Why: Google's clients pass on any key; a vendor that insists on its own prefix refuses keys that others issued
    for it.
    Breaks: tools that check keys, or that keep the keys of several vendors in one place.
    Workaround: use a key that the vendor itself issued.
    """
    reply = seen.replies[-1]
    if reply.error and _FORM.search(reply.error.message):
        yield Location(reply.id, reply.error.at, "the key is not valid", words(reply))


_ELSEWHERE = (
    ProbeId.MODELS_LIST,
    ProbeId.MODELS_GET,
    ProbeId.PLAIN_ON_V1,
    ProbeId.COUNT_TOKENS_OF_A_LONGER_TEXT,
    ProbeId.COUNT_TOKENS_OF_THE_PLAIN_QUESTION,
)


@check(
    Level.SHOULD,
    google("Authentication", "All methods take the same key in the same ways."),
    basis=Basis.INFERRED,
    ground=Ground.ROUTES,
    probes=_ELSEWHERE,
    usable=lambda reply: reply.is_conclusive and not carried(reply, "none"),
)
def takes_the_same_key_everywhere(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The key that opens generateContent also opens models, countTokens and /v1.

    Why: one key in one header opens all of Google's methods.
    Breaks: model pickers stay empty, and clients that list the models first take the key for invalid.
    Workaround: set the model's name by hand.
    """
    if not any(reply.ok for reply in seen.of(ProbeId.PLAIN, ProbeId.PLAIN_AT_THE_END)):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered")
        return
    if takes_any_key(seen):
        yield NotJudged(Outcome.BLOCKED, "a nonsense key, or no key, is accepted too")
    for reply in seen.replies:
        if reply.status == 403 and names_a_lack(reply):
            yield NotJudged(Outcome.UNSUPPORTED, f"{reply.probe}: {words(reply)}")
        elif reply.status in (401, 403) or (reply.standing is Standing.ERROR_IN_SUCCESS and denied(reply)):
            yield Location(reply.id, "", "the key is accepted as it is for generateContent", words(reply))


def _promised(value: JSON) -> list[str]:
    return (
        [way for way in value if isinstance(way, str) and way in _PROBES] if isinstance(value, list) else []
    )


@check(
    Level.SHOULD,
    VENDORS_DOCUMENT,
    basis=Basis.DOCUMENTED,
    probes=tuple(_PROBES.values()),
    usable=_tells,
    documented=True,
)
def takes_the_key_as_documented(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The key is accepted in the way that the vendor's own page shows.

    Why: callers send what the page shows; a page that shows two ways promises both.
    Breaks: code that follows the page is refused.
    Workaround: send the key in a way that is accepted.
    """
    readings = seen.dialect.traits.get("auth", ())
    if seen.dialect.name == "google" or not readings:
        yield NotJudged(Outcome.UNSUPPORTED, "the dialect says nothing of its own about keys")
        return
    asked = {reply.exchange.request.key: reply for reply in seen.replies}
    as_google = any(reply.ok and carried(reply, Auth.X_GOOG_API_KEY.value) for reply in seen.replies)
    for way in dict.fromkeys(way for reading in readings for way in _promised(reading.value)):
        reply = asked.get(way)
        if reply is not None and denied(reply) and _good(seen):
            yield Location(
                reply.id,
                "",
                f"the key is accepted as {way}, as documented",
                words(reply),
                Level.NOTE if as_google else None,
            )
