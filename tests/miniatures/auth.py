"""Servers that accept keys in other ways than Google, or accept invalid keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from conformance.asking.addressing import EMBEDDED_KEY
from conformance.embedded.behaviour import HONEST, Behaviour
from conformance.embedded.errors import Refused, missing_key_error
from conformance.embedded.messages import Incoming
from conformance.embedded.routes import check_credentials, read_credentials
from conformance.embedded.style import Style
from conformance.model import Auth
from miniatures import Innocent, Miniature
from miniatures.errors import with_refusals

BEARER = (("auth", Auth.BEARER),)


def take_keys(*ways: str) -> Behaviour:
    """Return a server that takes the key in these ways."""
    return replace(HONEST, style=Style(auth=ways))


def with_key_check(
    change: Callable[[Incoming, Style, Callable[[str], bool]], bool], of: Behaviour = HONEST
) -> Behaviour:
    """Return a server that passes whatever `change` says yes to, and looks at the rest as Google does."""

    def look(incoming: Incoming, style: Style, accepts: Callable[[str], bool]) -> None:
        if not change(incoming, style, accepts):
            check_credentials(incoming, style, accepts)

    return replace(of, authorise=look)


def _takes_good_key_beside_junk(incoming: Incoming, _style: Style, accepts: Callable[[str], bool]) -> bool:
    key = read_credentials(incoming).get("x-goog-api-key")
    return key is not None and accepts(key)


def _carries_no_key(incoming: Incoming, _style: Style, _accepts: Callable[[str], bool]) -> bool:
    return not read_credentials(incoming)


def _lists_models_by_bearer_only(incoming: Incoming, _style: Style, _accepts: Callable[[str], bool]) -> bool:
    if incoming.verb == "GET" and "bearer" not in read_credentials(incoming):
        raise Refused(401, "Models are listed to holders of a token only.")
    return False


def _counts_for_nobody(incoming: Incoming, _style: Style, _accepts: Callable[[str], bool]) -> bool:
    if incoming.path.endswith(":countTokens"):
        raise missing_key_error()
    return False


def _refuse_key_with(status: int, message: str) -> Behaviour:
    """A server that speaks of wrong keys in its own way."""

    def change(refusal: Refused) -> Refused:
        return (
            Refused(status, message, refusal.details) if "API key not valid" in refusal.message else refusal
        )

    return with_refusals(change)


_GOOGLES_WAYS = ("x-goog-api-key", "query-key")


def _name_the_key(refusal: Refused) -> Refused:
    wrong = "API key not valid" in refusal.message
    said = f"invalid API key: expected {EMBEDDED_KEY!r}"
    return Refused(refusal.status, said, refusal.details) if wrong else refusal


def _show_the_keys_beginning(refusal: Refused) -> Refused:
    wrong = "API key not valid" in refusal.message
    said = f"invalid API key: keys begin as {EMBEDDED_KEY[:4]}***"
    return Refused(refusal.status, said, refusal.details) if wrong else refusal


MINIATURES: tuple[Miniature, ...] = (
    Miniature(
        "bearer-only",
        "Only a Bearer key is accepted.",
        take_keys("bearer"),
        trips={"auth/takes-x-goog-api-key"},
        settings=BEARER,
    ),
    Miniature(
        "no-query-key",
        "A key in the query is ignored.",
        take_keys("x-goog-api-key"),
        trips={"auth/takes-the-key-in-the-query"},
    ),
    Miniature(
        "bearer-too",
        "A Bearer key is accepted as well.",
        take_keys(*_GOOGLES_WAYS, "bearer"),
        notes={"auth/takes-keys-nowhere-else"},
    ),
    Miniature(
        "x-api-key-too",
        "A key in x-api-key is accepted as well.",
        take_keys(*_GOOGLES_WAYS, "x-api-key"),
        notes={"auth/takes-keys-nowhere-else"},
    ),
    Miniature(
        "junk-ignored",
        "A junk token beside a valid key is ignored.",
        with_key_check(_takes_good_key_beside_junk),
        notes={"auth/looks-at-authorization-first"},
    ),
    Miniature(
        "any-key",
        "Any key is accepted.",
        replace(HONEST, accepts_key=lambda _key: True),
        trips={"auth/refuses-a-wrong-key"},
    ),
    Miniature(
        "no-key-needed",
        "A request without a key is answered.",
        with_key_check(_carries_no_key),
        trips={"auth/asks-for-a-key"},
    ),
    Miniature(
        "key-not-found",
        "A wrong key is answered with 404.",
        _refuse_key_with(404, "No such key."),
        trips={"auth/says-that-the-key-is-wrong"},
    ),
    Miniature(
        "key-has-a-form",
        "A wrong key is refused because of its form.",
        _refuse_key_with(401, "Invalid API key format"),
        notes={"auth/says-that-the-key-is-wrong"},
    ),
    Miniature(
        "models-by-token",
        "The list of models requires a Bearer token.",
        with_key_check(_lists_models_by_bearer_only),
        trips={"auth/takes-the-same-key-everywhere"},
    ),
    Miniature(
        "counts-by-token",
        "countTokens requires a token.",
        with_key_check(_counts_for_nobody),
        trips={"auth/takes-the-same-key-everywhere"},
    ),
    Miniature(
        "not-as-documented",
        "The page says Bearer, but a Bearer key is refused.",
        take_keys("query-key"),
        trips={"auth/takes-the-key-as-documented", "auth/takes-x-goog-api-key"},
        dialect="anyfast",
        settings=(("auth", Auth.QUERY_KEY),),
    ),
    Miniature(
        "names-the-key",
        "The refusal of a wrong key names the right one.",
        with_refusals(_name_the_key),
        trips={"auth/never-reveals-the-key"},
    ),
)

INNOCENTS: tuple[Innocent, ...] = (
    Innocent(
        "wrong-key-is-401",
        "A wrong key is answered with 401, as since 2026.",
        _refuse_key_with(401, "The key is not valid."),
    ),
    Innocent(
        "wrong-key-is-403",
        "A wrong key is answered with 403.",
        _refuse_key_with(403, "The key may not use this model."),
    ),
    Innocent(
        "google-instead",
        "The page says Bearer, but Google's header is accepted.",
        take_keys(*_GOOGLES_WAYS),
        notes={"auth/takes-the-key-as-documented"},
        dialect="anyfast",
    ),
    Innocent(
        "hints-at-the-key",
        "The refusal of a wrong key says how keys begin.",
        with_refusals(_show_the_keys_beginning),
    ),
)
