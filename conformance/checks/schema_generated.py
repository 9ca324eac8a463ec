"""Schema, generated bodies: whatever is valid is answered or clearly refused, and whatever is not is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.catalogue import Aside, check, google
from conformance.contents import refusal, refused
from conformance.model import JSON, NOTHING, Level, Outcome, Spot
from conformance.reply import Kind, Reply, Seen

TRIES = 3
_FAULTS = ("unknown-field", "unknown-nested-field", "wrong-type", "wrong-enum")
_PARSER = google(
    "ProtoJSON: parsers", "Names that are unknown and values of another type are refused with 400."
)
_SAME = google(
    "ProtoJSON: parsers",
    "Both spellings of a name, numbers of enums, null for what is absent: all mean the same.",
)


def told(reply: Reply) -> Mapping[str, JSON]:
    """Return what was known of a generated body when it was asked; empty for other questions."""
    generated = reply.exchange.expected.get("generated")
    return generated if isinstance(generated, dict) else NOTHING


def _is_generated(reply: Reply) -> bool:
    return bool(told(reply))


def _place(reply: Reply) -> str:
    return str(told(reply).get("broken_at") or "")


def _what(reply: Reply) -> str:
    said = told(reply)
    if said.get("valid"):
        return f"a valid body ({said.get('change') or 'drawn'}, {said.get('source')})"
    return f"a body that breaks its schema at {said.get('broken_at')} ({said.get('change')})"


def _plain_passes(seen: Seen) -> bool:
    """Return whether the plain question passed, before and (where it was asked) after."""
    plain = [seen.last(probe) for probe in ("plain", "plain-at-the-end")]
    return plain[0] is not None and all(reply is None or reply.ok for reply in plain)


def _bodies(seen: Seen) -> Mapping[str, list[Reply]]:
    """Return the replies by the body that was asked, tries of one body together."""
    found: dict[str, list[Reply]] = {}
    for reply in seen.replies:
        found.setdefault(reply.probe, []).append(reply)
    return found


def _failed(reply: Reply) -> bool:
    return reply.status >= 500 or reply.kind in (Kind.FAILED, Kind.HTML)


@check(Level.SHOULD, _PARSER, select=_is_generated)
def survives_generated_bodies(seen: Seen) -> Iterator[Spot | Aside]:
    """No request body makes the server fail: not with a 5xx, not with a page of HTML, not with silence.

    Why: a body is either answered or refused as an error that says what is wrong; what fails on one body fails for
    the user who happens to write it. Judged where the same body failed three times and the plain question passed.
    Breaks: clients retry what can never succeed, and pay for waiting; the reason stays unknown.
    Way round: leave out the place that is named until the vendor has mended it.
    """
    for tries in _bodies(seen).values():
        failed = [reply for reply in tries if _failed(reply)]
        if not failed or len(failed) < len(tries):
            continue
        last = failed[-1]
        said = _how(last)
        page = last.kind is Kind.HTML and last.status < 500
        if _plain_passes(seen) and (page or len(failed) >= TRIES):
            # Of a 5xx to a valid body nothing is known of Google: it is told, and does not count.
            level = Level.NOTE if told(last).get("valid") and not page else None
            yield Spot(last.id, _place(last), f"an answer or a clear refusal of {_what(last)}", said, level)
        else:
            yield Aside(Outcome.INCONCLUSIVE, f"{last.probe}: {said}, {len(failed)} of {TRIES} tries")


def _how(reply: Reply) -> str:
    failure = reply.exchange.failure
    if reply.kind is Kind.FAILED and failure is not None:
        return f"no answer ({failure.kind})"
    return f"HTTP {reply.status}" + (", a page of HTML" if reply.kind is Kind.HTML else "")


def _breaks_for_google(reply: Reply) -> bool:
    said = told(reply)
    return bool(said) and not said.get("valid") and said.get("google_refuses") is True


@check(Level.SHOULD, _PARSER, select=_breaks_for_google, after=("schema/survives-generated-bodies",))
def refuses_generated_faults(seen: Seen) -> Iterator[Spot | Aside]:
    """No generated body that breaks Google's schema in one place is answered.

    Why: Google refuses unknown names, wrong types and unknown values anywhere in a request. A vendor that refuses the
    simplest of them checks requests, and here misses one; one that refuses none is told so by other rules.
    Breaks: a misspelt or dropped setting goes unnoticed; the answer is another than the one that was asked for.
    Way round: check requests against Google's schema before they are sent.
    """
    if not any(refused(reply) for reply in seen.of(*_FAULTS)):
        yield Aside(Outcome.BLOCKED, "the vendor refuses none of the simplest faults, or was not asked them")
        return
    for reply in seen.replies:
        if reply.ok:
            yield Spot(
                reply.id, _place(reply), f"400 to {_what(reply)}", f"HTTP {reply.status} with an answer"
            )


@check(
    Level.SHOULD,
    _SAME,
    select=_is_generated,
    after=("casing/accepts-snake-case-requests", "schema/survives-generated-bodies"),
)
def takes_a_body_however_it_is_written(seen: Seen) -> Iterator[Spot | Aside]:
    """One body gets the same kind of answer however it is written.

    Why: Google's parser reads snake_case names, numbers of enums, numbers in quotation marks, null for what is absent
    and members in any order as the same request.
    Breaks: bodies that another language's protobuf library writes are refused, or lose a setting.
    Way round: write names in lowerCamelCase, enums by name, and leave out what is null.
    """
    by_body = {str(told(reply).get("body")): reply for reply in seen.replies}
    for reply in by_body.values():
        base = by_body.get(str(told(reply).get("twin")))
        if base is None:
            continue
        change = told(reply).get("change")
        if base.ok and refused(reply):
            yield Spot(
                reply.id, "", f"an answer, as to {base.probe}, the same body ({change})", refusal(reply)
            )
        elif base.ok and reply.ok and bool(base.first.calls) != bool(reply.first.calls) and _must_call(base):
            said = "a call" if reply.first.calls else "no call"
            yield Spot(
                reply.id, "", f"a call or none as in {base.probe}, the same body ({change})", said, Level.NOTE
            )


def _must_call(reply: Reply) -> bool:
    """Mode ANY: whether a function is called is not the model's choice."""
    return b'"ANY"' in reply.exchange.request.body
