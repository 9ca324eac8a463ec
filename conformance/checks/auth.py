"""Auth: the ways in which a key may be sent, and how a wrong or missing key is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.catalogue import Ground, NotJudged, Proof, check
from conformance.judging.contents import as_list
from conformance.judging.refusals import CONTROL_UNANSWERED, answers_control, describe_reply, says_unsupported
from conformance.judging.traits import KEY_PROBES
from conformance.model import Auth, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing
from conformance.sources import VENDORS_DOCUMENT

_ACCEPTS_WHATEVER_COMES = "errors/refuses-what-is-wrong"
_GOOGLES_HEADER = "auth/takes-x-goog-api-key"
_BAD, _NONE = "bad", "none"  # `request.key` where the key is wrong, and where there is none
_REFUSES_KEYS = (400, 401, 403)


def _is_key_refused(reply: Reply) -> bool:
    """Return whether the key was refused: by the status, or by an error inside a success."""
    code = reply.error.code if reply.error else None
    inside = reply.standing is Standing.ERROR_IN_SUCCESS and str(code) in map(str, _REFUSES_KEYS)
    return inside or (reply.is_complete and reply.status in _REFUSES_KEYS)


def _judges_a_key(reply: Reply) -> bool:
    """Return whether the request carried a key (none is sent where none is set), which was accepted or refused."""
    judged = reply.ok or _is_key_refused(reply)
    return reply.is_conclusive and judged and reply.exchange.request.key != _NONE


def _accepts_the_key(seen: RuleInput) -> bool:
    """Return whether the right key is accepted in some way."""
    asked = seen.of(ProbeId.PLAIN, *KEY_PROBES.values())
    return any(reply.ok and reply.exchange.request.key in KEY_PROBES for reply in asked)


def _accepts_any_key(seen: RuleInput) -> bool:
    return any(reply.ok for reply in seen.of(ProbeId.BAD_KEY, ProbeId.NO_KEY))


def _judge_way(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Judge the one way in which these replies' requests carry the key."""
    reply = seen.replies[-1]
    accepted_elsewhere = any(
        one.ok and one.exchange.request.key == reply.exchange.request.key for one in seen.all
    )
    if reply.ok:
        if _accepts_any_key(seen):
            reason = "a nonsense key, or no key, is accepted too, so accepting this one shows nothing"
            yield NotJudged(Outcome.BLOCKED, reason)
    elif accepted_elsewhere:
        reason = f"{reply.probe}: other questions with the key in this place were answered; this one got {describe_reply(reply)}"
        yield NotJudged(Outcome.INCONCLUSIVE, reason)
    elif _accepts_the_key(seen):
        yield Location(reply.id, "", "the key is accepted", describe_reply(reply))
    else:
        yield NotJudged(Outcome.BLOCKED, f"the key is not accepted in any way: {describe_reply(reply)}")


@check(
    Level.MUST,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=(ProbeId.KEY_AS_X_GOOG_API_KEY,),
    usable=_judges_a_key,
    trait="auth",
)
def takes_x_goog_api_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The key is accepted in the header x-goog-api-key.

    Why: Google asks for this header, and its clients send no other.
    Breaks: google-genai, @google/genai, gemini-cli, the Vercel AI SDK and the old SDK get 401 for every request.
    Workaround: send the key in the vendor's way as an extra header, if the client allows it.
    Source: [authentication] Every request carries its key in the header x-goog-api-key.
    """
    yield from _judge_way(seen)


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    ground=Ground.TASKS,
    probes=(ProbeId.KEY_IN_QUERY,),
    usable=_judges_a_key,
    blocked_by=(_GOOGLES_HEADER,),
)
def takes_the_key_in_the_query(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The key is accepted as the query parameter `key`.

    Why: Google accepts it there, and its examples for curl put it there.
    Breaks: older clients, scripts, and code copied from Google's notebooks.
    Workaround: send the header.
    Source: [system parameters] The query parameter `key` carries an API key as well.
    """
    yield from _judge_way(seen)


@check(
    Level.NOTE,
    basis=Basis.INFERRED,
    probes=(ProbeId.KEY_AS_BEARER, ProbeId.KEY_AS_X_API_KEY),
    usable=_judges_a_key,
    blocked_by=(_ACCEPTS_WHATEVER_COMES,),
    proof=Proof.EACH_REFUSAL,
)
def takes_keys_nowhere_else(seen: RuleInput) -> Iterator[Location]:
    """An API key is accepted only where Google accepts it.

    Why: Google takes a Bearer token for an OAuth token and answers 401; x-api-key is another vendor's header.
    Breaks: no client; code that relies on it does not work with Google.
    Workaround: send x-goog-api-key where it is accepted.
    Source: [OAuth] A Bearer token is an OAuth token; an API key in its place is refused with 401.
    """
    for reply in seen.replies:
        if reply.ok and not _accepts_any_key(seen):
            yield Location(reply.id, "", "HTTP 401", f"the key is accepted as {reply.exchange.request.key}")


@check(
    Level.NOTE,
    basis=Basis.INFERRED,
    probes=(ProbeId.KEY_BESIDE_JUNK_BEARER,),
    usable=_judges_a_key,
    blocked_by=(_GOOGLES_HEADER, _ACCEPTS_WHATEVER_COMES),
    proof=Proof.EACH_REFUSAL,
)
def looks_at_authorization_first(seen: RuleInput) -> Iterator[Location]:
    """A junk Bearer token is refused, even beside a valid key.

    Why: Google checks Authorization before it checks the key.
    Breaks: no client; a stale token that a proxy adds is noticed only at Google.
    Workaround: send one credential.
    Source: [OAuth] A Bearer token is an OAuth token; an API key in its place is refused with 401.
    """
    for reply in seen.replies:
        if reply.ok and not _accepts_any_key(seen):
            yield Location(reply.id, "", "HTTP 401", "the valid key is accepted, the junk token ignored")


def _judge_acceptance(seen: RuleInput, key: str, expected: str) -> Iterator[Location | NotJudged]:
    """Accuse a vendor that answers the last question, which carries no valid key but `key`."""
    reply = seen.replies[-1]
    without_key = any(one.ok and one.exchange.request.key == _NONE for one in seen.of(ProbeId.PLAIN))
    if reply.ok and without_key:
        yield NotJudged(Outcome.UNSUPPORTED, "no key is set for this vendor, and it answers without one")
    elif reply.ok:
        yield Location(reply.id, "", expected, f"{key} is answered with HTTP {reply.status}")


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.BAD_KEY,),
    usable=lambda reply: reply.is_conclusive and reply.exchange.request.key == _BAD,
    blocked_by=(_ACCEPTS_WHATEVER_COMES,),
    proof=Proof.EACH_REFUSAL,
)
def refuses_a_wrong_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """An invalid key is refused.

    Why: a request that is served without a valid key is served at somebody else's expense.
    Breaks: a wrong or forgotten key goes unnoticed until it shows up in a bill or in somebody else's log.
    Workaround: none.
    Source: [API_KEY_INVALID] A key that is not valid is refused.
    """
    yield from _judge_acceptance(seen, "a nonsense key", "HTTP 400, 401 or 403")


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.NO_KEY,),
    usable=lambda reply: reply.is_conclusive,
    blocked_by=(_ACCEPTS_WHATEVER_COMES, "auth/refuses-a-wrong-key"),
    proof=Proof.EACH_REFUSAL,
)
def asks_for_a_key(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A request without a key is refused.

    Why: Google serves registered callers only, and answers 403.
    Breaks: a forgotten key goes unnoticed.
    Workaround: none.
    Source: [error codes] A request without any credential is refused.
    """
    yield from _judge_acceptance(seen, "a request without a key", "HTTP 401 or 403")


_ABOUT_FORM = re.compile(
    r"\b(format|prefix|must (start|begin)|malformed|should (start|begin)|length of)\b", re.IGNORECASE
)


@check(
    Level.SHOULD,
    basis=Basis.RECORDED,
    probes=(ProbeId.BAD_KEY, ProbeId.NO_KEY),
    usable=lambda reply: reply.is_refusal,
    proof=Proof.EACH_REFUSAL,
    formerly=("auth/reads-keys-as-opaque",),
)
def says_that_the_key_is_wrong(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A wrong or missing key is refused as such, with 400, 401 or 403.

    Why: Google answers with these, and so do other vendors; any other status points to another fault. A message about
    the form of a key, such as "Invalid API key format", is only noted: Google's clients pass on keys of any form.
    Breaks: users look for the fault in the address or in the request; tools that check keys report a mistyped one.
    Workaround: try a valid key before believing the status or the message.
    Source: [API_KEY_INVALID] A wrong key gets 400 or 401; a missing key gets 403.
    """
    if not answers_control(seen):
        yield NotJudged(Outcome.BLOCKED, "the plain question is not answered with the right key either")
        return
    for reply in seen.replies:
        if not _is_key_refused(reply):
            yield Location(reply.id, "", "HTTP 400, 401 or 403", describe_reply(reply))
        elif reply.exchange.request.key == _BAD and reply.error and _ABOUT_FORM.search(reply.error.message):
            yield Location(
                reply.id, reply.error.at, "the key is not valid", describe_reply(reply), Level.NOTE
            )


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    probes=(ProbeId.BAD_KEY, ProbeId.NO_KEY),
    usable=lambda reply: reply.is_refusal,
    proof=Proof.EACH_REFUSAL,
    formerly=("auth/tells-nobody-the-key",),
)
def never_reveals_the_key(seen: RuleInput) -> Iterator[Location]:
    """A caller without the right key is not told what it is.

    Why: a message that names the expected key hands it to everyone who sends a wrong one.
    Breaks: no client; the key, and the account behind it, are open to anyone.
    Workaround: treat the key as leaked: rotate it, and do not use this vendor until the fault is fixed.
    Source: [API_KEY_INVALID] A key that is not valid is refused, and no valid key is named.
    """
    if any(reply.exchange.masked for reply in seen.all if reply.ok):
        return  # the key is a common word that answers contain by chance
    for reply in seen.replies:
        if reply.exchange.masked and reply.exchange.request.key in (_BAD, _NONE):
            yield Location(
                reply.id, reply.error.at if reply.error else "", "no part of the key", describe_reply(reply)
            )


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    ground=Ground.ROUTES,
    probes=(
        ProbeId.MODELS_LIST,
        ProbeId.MODELS_GET,
        ProbeId.PLAIN_ON_V1,
        ProbeId.COUNT_TOKENS_OF_A_LONGER_TEXT,
        ProbeId.COUNT_TOKENS_OF_THE_PLAIN_QUESTION,
    ),
    usable=lambda reply: reply.is_conclusive and reply.exchange.request.key != _NONE,
)
def takes_the_same_key_everywhere(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """The key that opens generateContent also opens models, countTokens and /v1.

    Why: one key in one header opens all of Google's methods.
    Breaks: model pickers stay empty, and clients that list the models first take the key for invalid.
    Workaround: set the model's name by hand.
    Source: [authentication] All methods take the same key in the same ways.
    """
    if not any(reply.ok for reply in seen.of(ProbeId.PLAIN, ProbeId.PLAIN_AT_THE_END)):
        yield CONTROL_UNANSWERED
        return
    if _accepts_any_key(seen):
        yield NotJudged(Outcome.BLOCKED, "a nonsense key, or no key, is accepted too")
    for reply in seen.replies:
        inside = reply.standing is Standing.ERROR_IN_SUCCESS and _is_key_refused(reply)
        if reply.status == 403 and says_unsupported(reply):
            yield NotJudged(Outcome.UNSUPPORTED, f"{reply.probe}: {describe_reply(reply)}")
        elif reply.status in (401, 403) or inside:
            yield Location(
                reply.id, "", "the key is accepted as it is for generateContent", describe_reply(reply)
            )


@check(
    Level.SHOULD,
    VENDORS_DOCUMENT,
    basis=Basis.DOCUMENTED,
    probes=tuple(KEY_PROBES.values()),
    usable=_judges_a_key,
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
        yield NotJudged(Outcome.UNSUPPORTED, "no document of the vendor's own says how to send the key")
        return
    replies = {reply.exchange.request.key: reply for reply in seen.replies}
    takes_googles = any(
        reply.ok and reply.exchange.request.key == Auth.X_GOOG_API_KEY for reply in seen.replies
    )
    level = Level.NOTE if takes_googles else None
    promised = [way for reading in readings for way in as_list(reading.value) if isinstance(way, str)]
    for way in dict.fromkeys(promised):
        reply = replies.get(way)
        if reply is not None and _is_key_refused(reply) and _accepts_the_key(seen):
            expected = f"the key is accepted as {way}, as documented"
            yield Location(reply.id, "", expected, describe_reply(reply), level)
