"""Schema, generated bodies: whatever is valid is answered or clearly refused, and whatever is not is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from conformance.catalogue import NotJudged, Proof, check
from conformance.judging.contents import refusal
from conformance.judging.generated import (
    base_of,
    breaks_for_google,
    differs,
    failed,
    failed_for_good,
    is_generated,
    lost,
    swallowed,
    told,
)
from conformance.judging.tries import ATTEMPTS_TO_ACCUSE, obeyed
from conformance.model import Basis, Level, Location, Outcome
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing

# What the simplest fault of each kind is; a vendor that answers that is told so by other rules, once.
_NAMES = ("unknown-field", "unknown-nested-field")
_CONTROLS: Mapping[str, tuple[str, ...]] = {
    "unknown-name": _NAMES,
    "enum": ("wrong-enum",),
    "nothing-said": ("empty-contents",),
    "empty-part": ("empty-contents",),
    "role": ("bad-role",),
}
_TYPES = ("wrong-type",)


def _place(reply: Reply) -> str:
    return str(told(reply).get("broken_at") or "")


def _what(reply: Reply) -> str:
    said = told(reply)
    if said.get("valid"):
        return f"a valid body ({said.get('change') or 'drawn'}, {said.get('source')})"
    return f"a body that breaks its schema at {said.get('broken_at')} ({said.get('change')})"


def _plain_passes(seen: RuleInput) -> bool:
    """Return whether the plain question passed, before and after."""
    plain = [seen.last(probe) for probe in ("plain", "plain-at-the-end")]
    return all(reply is not None and reply.ok for reply in plain)


def _smallest_first(replies: Iterable[Reply]) -> list[list[Reply]]:
    """Return the replies by the body that was asked, tries of one body together: the one to show first.

    Valid bodies come before invalid ones, since what an invalid one fails on may not be its fault; small before large.
    """
    found: dict[str, list[Reply]] = {}
    for reply in replies:
        found.setdefault(reply.probe, []).append(reply)
    return sorted(found.values(), key=lambda tries: _plainest(tries[0]))


def _plainest(reply: Reply) -> tuple[bool, int, str]:
    return not told(reply).get("valid"), len(reply.exchange.request.body), reply.probe


@check(Level.SHOULD, basis=Basis.INFERRED, select=is_generated, generated=True, proof=Proof.EITHER)
def survives_generated_bodies(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """No request body makes the server fail with a 5xx, a page of HTML or silence.

    Why: a server answers a body, or refuses it with an error that says what is wrong; a body that makes it fail will
    also fail for the user who happens to write it. Judged only where the same body failed three times and the plain
    question passed.
    Breaks: clients retry what can never succeed, and pay for the wait; the reason stays unknown.
    Workaround: leave out the place that is named until the vendor has fixed it.
    Source: [ProtoJSON: parsers] Unknown names and values of another type are refused with 400.
    """
    passes = _plain_passes(seen)
    for tries in _smallest_first(seen.replies):
        last = tries[-1]
        if not all(map(failed, tries)):
            continue
        if passes and failed_for_good(tries):
            yield Location(
                last.id, _place(last), f"an answer or a clear refusal of {_what(last)}", _how(last)
            )
        else:
            yield NotJudged(
                Outcome.INCONCLUSIVE,
                f"{last.probe}: {_how(last)}, {len(tries)} of {ATTEMPTS_TO_ACCUSE} tries",
            )


def _how(reply: Reply) -> str:
    failure = reply.exchange.failure
    if reply.kind is ReplyKind.FAILED and failure is not None:
        return f"no answer ({failure.kind})"
    return f"HTTP {reply.status}" + (", a page of HTML" if reply.kind is ReplyKind.HTML else "")


def _checks(seen: RuleInput, reply: Reply) -> bool:
    """Return whether the vendor refuses the simplest fault of this kind.

    Who drops names that it does not know drops whatever is wrong below one, and is told so by the rule on names.
    """
    controls = (*_CONTROLS.get(str(told(reply).get("change")), _TYPES), *_NAMES)
    asked = seen.of(*controls)
    return bool(asked) and all(reply.standing is Standing.REQUEST_REFUSED for reply in asked)


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    select=breaks_for_google,
    blocked_by=("casing/reads-settings-from-generation-config", "schema/takes-a-body-however-it-is-written"),
    generated=True,
    proof=Proof.REFUSAL,
)
def refuses_generated_faults(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A generated body that breaks Google's schema in one place is refused.

    Why: Google refuses unknown names, wrong types and unknown values anywhere in a request. A vendor that refuses the
    simplest of them checks its requests, and misses one here; a vendor that refuses none of them breaks other rules.
    Breaks: a misspelt or dropped setting goes unnoticed, and the answer is not the one that was asked for.
    Workaround: check requests against Google's schema before sending them.
    Source: [ProtoJSON: parsers] Unknown names and values of another type are refused with 400.
    """
    judged = [reply for reply in seen.replies if _checks(seen, reply)]
    if not judged:
        yield NotJudged(
            Outcome.BLOCKED, "the vendor refuses none of the simplest faults, or was not asked them"
        )
    for tries in _smallest_first(judged):
        if swallowed(tries[-1]):
            said = f"HTTP {tries[-1].status} with an answer"
            yield Location(tries[-1].id, _place(tries[-1]), f"400 to {_what(tries[-1])}", said)


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    select=is_generated,
    blocked_by=(
        "casing/accepts-snake-case-requests",
        "casing/reads-settings-from-generation-config",
        "schema/survives-generated-bodies",
    ),
    generated=True,
)
def takes_a_body_however_it_is_written(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A body gets the same kind of answer however it is written.

    Why: Google's parser reads snake_case names, numbers for enums, numbers in quotation marks, null for what is
    absent and members in any order as the same request; a text split into two parts, or two functions split into two
    tools, mean the same too.
    Breaks: bodies written by another language's protobuf library are refused, or lose a setting.
    Workaround: write names in lowerCamelCase and enums by name, and leave out null members.
    Source: [ProtoJSON: parsers] Either spelling of a name, a number for an enum and null for an absent value all mean
    the same.
    """
    if not any(base_of(reply, seen.all) for reply in seen.replies):
        yield NotJudged(Outcome.BLOCKED, "no generated body was answered in more than one way of writing it")
    for tries in _smallest_first(seen.replies):
        last = tries[-1]
        base = base_of(last, seen.all)
        found = [differs(base, reply) for reply in tries]
        if base is None or not all(found):
            continue
        if last.standing is not Standing.REQUEST_REFUSED and not obeyed(seen, "plain"):
            # Mode ANY and limits are no moods, but of such a model nothing that it leaves out is known to be lost.
            yield NotJudged(Outcome.BLOCKED, "the answers do not follow the simplest instruction")
            continue
        if last.standing is Standing.REQUEST_REFUSED or len(tries) >= ATTEMPTS_TO_ACCUSE:
            said = (
                refusal(last)
                if last.standing is Standing.REQUEST_REFUSED
                else f"{lost(base, last)} ({len(tries)} of {len(tries)} tries)"
            )
            expected = f"an answer, as to {base.probe}, the same question ({told(last).get('change')})"
            yield Location(last.id, "", expected, said)
        else:
            yield NotJudged(
                Outcome.INCONCLUSIVE, f"{last.probe}: {found[-1]}, {len(tries)} of {ATTEMPTS_TO_ACCUSE} tries"
            )
