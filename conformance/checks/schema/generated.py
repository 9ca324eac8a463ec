"""Generated bodies: every valid one is answered or clearly refused, and every invalid one is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from conformance.catalogue import NotJudged, Proof, check
from conformance.judging.attempts import was_obeyed
from conformance.judging.generated import (
    describe_difference,
    describe_loss,
    fails_every_attempt,
    find_twin,
    is_fault_accepted,
    is_generated,
    is_invalid_for_google,
    is_server_failure,
    read_body_facts,
)
from conformance.judging.refusals import are_refused, describe_reply
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.probe_ids import ProbeId
from conformance.reading.reply import Reply, ReplyKind, RuleInput
from conformance.reading.standing import Standing

# The probes with the simplest fault of each kind; errors/refuses-… report a vendor that answers those.
_NAMES = (ProbeId.UNKNOWN_FIELD, ProbeId.UNKNOWN_NESTED_FIELD)
_CONTROLS: Mapping[str, tuple[str, ...]] = {
    "unknown-name": _NAMES,
    "enum": (ProbeId.WRONG_ENUM,),
    "nothing-said": (ProbeId.EMPTY_CONTENTS,),
    "empty-part": (ProbeId.EMPTY_CONTENTS,),
    "role": (ProbeId.BAD_ROLE,),
}
_TYPES = (ProbeId.WRONG_TYPE,)


def _locate_break(reply: Reply) -> str:
    return str(read_body_facts(reply).get("broken_at") or "")


def _describe_body(reply: Reply) -> str:
    said = read_body_facts(reply)
    if said.get("valid"):
        return f"a valid body ({said.get('change') or 'generated'}, {said.get('source')})"
    return f"a body that breaks its schema at {said.get('broken_at')} ({said.get('change')})"


def _group_by_body(replies: Iterable[Reply]) -> list[list[Reply]]:
    """Return the attempts of each body, the body to show first at the front.

    Valid bodies come before invalid ones, whose failure may have another cause, and small ones before large ones.
    """
    found: dict[str, list[Reply]] = {}
    for reply in replies:
        found.setdefault(reply.probe, []).append(reply)

    def rank(attempts: list[Reply]) -> tuple[bool, int, str]:
        first = attempts[0]
        return not read_body_facts(first).get("valid"), len(first.exchange.request.body), first.probe

    return sorted(found.values(), key=rank)


@check(Level.SHOULD, basis=Basis.INFERRED, select=is_generated, generated=True, proof=Proof.EITHER)
def survives_generated_bodies(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """No request body makes the server fail with a 5xx, a page of HTML or silence.

    Why: a server either answers a body or refuses it with an error that says what is wrong; a body that makes it fail will
    also fail for the user who happens to write it. A vendor is accused only if the same body failed three times and
    the plain question passed.
    Breaks: clients retry requests that can never succeed, and the reason stays unknown.
    Workaround: leave out the part of the body that the finding names until the vendor has fixed the fault.
    Source: [ProtoJSON, parsing] Unknown names and values of another type are refused with 400.
    """
    plain = [seen.last(probe) for probe in (ProbeId.PLAIN, ProbeId.PLAIN_AT_THE_END)]
    passes = all(reply is not None and reply.ok for reply in plain)
    for attempts in _group_by_body(seen.replies):
        last = attempts[-1]
        if not all(map(is_server_failure, attempts)):
            continue
        if passes and fails_every_attempt(attempts):
            wanted = f"an answer or a clear refusal of {_describe_body(last)}"
            yield Location(last.id, _locate_break(last), wanted, _describe_failure(last))
        else:
            said = f"{_describe_failure(last)}, {len(attempts)} of {ATTEMPTS_TO_ACCUSE} attempts"
            yield NotJudged(Outcome.INCONCLUSIVE, f"{last.probe}: {said}")


def _describe_failure(reply: Reply) -> str:
    failure = reply.exchange.failure
    if reply.kind is ReplyKind.FAILED and failure is not None:
        return f"no answer ({failure.kind})"
    return f"HTTP {reply.status}" + (", a page of HTML" if reply.kind is ReplyKind.HTML else "")


def _refuses_simplest_fault(seen: RuleInput, reply: Reply) -> bool:
    """Return whether the vendor refuses the simplest fault of the same kind, and unknown names.

    A vendor that drops unknown names also drops whatever is wrong below one.
    """
    controls = _CONTROLS.get(str(read_body_facts(reply).get("change")), _TYPES)
    return are_refused(seen.of(*controls, *_NAMES))


@check(
    Level.SHOULD,
    basis=Basis.DOCUMENTED,
    select=is_invalid_for_google,
    blocked_by=("casing/reads-settings-from-generation-config", "schema/takes-a-body-however-it-is-written"),
    generated=True,
    proof=Proof.REFUSAL,
    defers_to=(
        "errors/refuses-unknown-fields",
        "errors/refuses-values-of-a-wrong-kind",
        "errors/refuses-empty-contents-and-unknown-roles",
    ),
)
def refuses_generated_faults(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A generated body that breaks Google's schema in one place is refused.

    Why: Google refuses unknown names, wrong types and unknown values anywhere in a request. A vendor that refuses the simplest
    of them does check its requests, but misses this one; a vendor that refuses none of them breaks other rules.
    Breaks: a misspelt or dropped setting goes unnoticed, and the answer is not the one that was asked for.
    Workaround: check requests against Google's schema before sending them.
    Source: [ProtoJSON, parsing] Unknown names and values of another type are refused with 400.
    """
    judged = [reply for reply in seen.replies if _refuses_simplest_fault(seen, reply)]
    if not judged:
        reason = "the vendor refuses none of the simplest faults, or was not asked about them"
        yield NotJudged(Outcome.BLOCKED, reason)
    for attempts in _group_by_body(judged):
        last = attempts[-1]
        if is_fault_accepted(last):
            wanted, said = f"400 to {_describe_body(last)}", f"HTTP {last.status} with an answer"
            yield Location(last.id, _locate_break(last), wanted, said)


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

    Why: Google's parser reads snake_case names, numbers for enums, numbers in quotation marks, null for an absent value and
    members in any order as the same request; a text split into two parts, or two functions split into two
    tools, mean the same too.
    Breaks: bodies written by another language's protobuf library are refused, or lose a setting.
    Workaround: write names in lowerCamelCase and enums by name, and leave out null members.
    Source: [ProtoJSON, parsing] Either spelling of a name, a number for an enum and null for an absent value all mean
    the same.
    """
    if not any(find_twin(reply, seen.all) for reply in seen.replies):
        yield NotJudged(Outcome.BLOCKED, "no generated body was answered in more than one form")
    for attempts in _group_by_body(seen.replies):
        last = attempts[-1]
        base = find_twin(last, seen.all)
        found = [describe_difference(base, reply) for reply in attempts]
        if base is None or not all(found):
            continue
        refused = last.standing is Standing.REQUEST_REFUSED
        if not refused and not was_obeyed(seen, ProbeId.PLAIN):
            # Such a model may have left out what is missing by itself, so nothing shows that it was lost.
            yield NotJudged(Outcome.BLOCKED, "the answers do not follow the simplest instruction")
        elif refused or len(attempts) >= ATTEMPTS_TO_ACCUSE:
            times = f" ({len(attempts)} of {len(attempts)} attempts)"
            wanted = f"an answer like the one to {base.probe}, which asks the same ({read_body_facts(last).get('change')})"
            yield Location(
                last.id,
                "",
                wanted,
                describe_reply(last) if refused else f"{describe_loss(base, last)}{times}",
            )
        else:
            said = f"{found[-1]}, {len(attempts)} of {ATTEMPTS_TO_ACCUSE} attempts"
            yield NotJudged(Outcome.INCONCLUSIVE, f"{last.probe}: {said}")
