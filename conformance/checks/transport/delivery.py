"""Whether an answer arrives in time, within limits, completely, and at the address that was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from conformance.catalogue import NotJudged, asks_main_route, check, check_each
from conformance.judging.refusals import (
    answers_control,
    answers_control_throughout,
    find_lasting_server_error,
)
from conformance.model import ATTEMPTS_TO_ACCUSE, Basis, Level, Location, Outcome
from conformance.phrases import count_noun, join_names
from conformance.reading.reply import Reply, RuleInput
from conformance.reading.standing import Standing


def asks_the_model(reply: Reply) -> bool:
    """Return whether the request asked the model for an answer, on the main route, in a way that Google accepts."""
    return reply.resource.name == "response" and asks_main_route(reply) and not reply.expects_refusal


def name_troubles(replies: Sequence[Reply]) -> str:
    """Return up to six replies by probe and trouble: "plain (HTTP 503), history (timeout) and 3 more"."""
    return join_names((f"{reply.probe} ({_describe_trouble(reply)})" for reply in replies), 6)


def _describe_trouble(reply: Reply) -> str:
    failure = reply.exchange.failure
    if failure is None:
        return f"HTTP {reply.status}"
    return f"{failure.kind}, limit {failure.bound}" if failure.bound else failure.kind


@check(
    Level.SHOULD,
    basis=Basis.INFERRED,
    defers_to=(
        "errors/refuses-what-is-wrong",
        "schema/survives-generated-bodies",
        "transport/answers-within-bounds",
    ),
)
def answers_every_question(seen: RuleInput) -> Iterator[NotJudged]:
    """Every question gets an answer in time.

    Why: a question that timed out, hit a quota or failed with 5xx, retries included, shows nothing about the
    vendor. This rule accuses no vendor; it lists such questions so that silence is not mistaken for a pass.
    Breaks: nothing by itself.
    Workaround: run again, with a lower concurrency or a longer timeout.
    Source: [code.proto] 429 and 5xx are temporary faults; they show nothing about the protocol.
    """
    answered = {
        reply.probe
        for reply in seen.replies
        if reply.exceeded_limit
        or (
            reply.exchange.failure is None and reply.status < 500 and reply.standing is not Standing.THROTTLED
        )
    }
    latest = {reply.probe: reply for reply in seen.replies if reply.probe not in answered}
    missing = [reply for reply in latest.values() if not _is_accused_elsewhere(seen, reply)]
    if missing:
        reason = f"{count_noun(len(missing), 'question')} without an answer: {name_troubles(missing)}"
        yield NotJudged(Outcome.INCONCLUSIVE, reason)
    if seen.unrelated:
        who = count_noun(len(seen.unrelated), "question")
        reason = f"{who} got an error that belongs to another question: {join_names(seen.unrelated, 6)}"
        yield NotJudged(Outcome.INCONCLUSIVE, reason)


def _is_accused_elsewhere(seen: RuleInput, reply: Reply) -> bool:
    """Return whether it is a 5xx to a generated body, or one that came each time where Google answers 4xx."""
    if reply.exchange.generated:
        return reply.standing is not Standing.THROTTLED
    return reply.expects_refusal and find_lasting_server_error(seen, reply.probe) is not None


@check_each(Level.SHOULD, basis=Basis.INFERRED)
def answers_within_bounds(reply: Reply) -> Iterator[Location | NotJudged]:
    """No answer exceeds the checker's limits on size, headers, pieces and JSON.

    Why: an answer that exceeds a limit is not read, so nothing else can be said about it; every question here has a
    short answer.
    Breaks: clients without limits run out of memory; those with limits raise.
    Workaround: raise that limit under `limits` in providers.yaml to have the answer judged.
    Source: [RFC 9112] A message has the length and the coding that its headers declare.
    """
    limit = reply.exceeded_limit
    if limit and reply.exchange.captured:
        reason = f"beyond the limit {limit}, and the recording does not show what was asked for"
        yield NotJudged(Outcome.INCONCLUSIVE, reason)
    elif limit:
        yield Location(reply.id, "", f"an answer within {limit}", f"beyond the limit {limit}")


def _has_begun(reply: Reply) -> bool:
    """Return whether a status of success came, with at least the beginning or the end of a body."""
    failure = reply.exchange.failure
    return reply.is_success and (failure is None or failure.kind in ("reset", "protocol"))


@check(Level.MUST, basis=Basis.DOCUMENTED, usable=_has_begun)
def sends_whole_bodies(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """A body is as long as its Content-Length or its chunks say.

    Why: a connection that breaks in the middle of a body loses the end of the answer, its finish reason and its
    usage.
    Breaks: google-genai and @google/genai raise; the Vercel AI SDK silently loses the end of a stream.
    Workaround: treat an answer without a finish reason as failed.
    Source: [RFC 9112, incomplete messages] A message that ends before its declared length is incomplete.
    """
    for streamed, kind in ((False, "answers"), (True, "streams")):
        group = [reply for reply in seen.replies if reply.streamed is streamed and asks_the_model(reply)]
        cut = [reply for reply in group if reply.exchange.failure]
        if len(cut) == len(group) and len(cut) >= ATTEMPTS_TO_ACCUSE:
            yield _locate_cut(cut[-1], f"{len(cut)} of {len(group)} {kind}")
        elif always := _find_question_always_cut(seen, group):
            yield _locate_cut(
                always[-1], f"{len(always)} of {len(always)} attempts; other {kind} are complete"
            )
        elif cut:
            reason = f"{len(cut)} of {len(group)} were cut off: {name_troubles(cut)}"
            yield NotJudged(Outcome.INCONCLUSIVE, reason)


def _find_question_always_cut(seen: RuleInput, group: Sequence[Reply]) -> list[Reply]:
    """Return all attempts of a question that was cut off each time, if the plain one was answered before and after."""
    for probe in dict.fromkeys(reply.probe for reply in group) if answers_control_throughout(seen) else ():
        attempts = [reply for reply in group if reply.probe == probe]
        if len(attempts) >= ATTEMPTS_TO_ACCUSE and all(reply.exchange.failure for reply in attempts):
            return attempts
    return []


def _locate_cut(reply: Reply, how_often: str) -> Location:
    failure = reply.exchange.failure
    observed = f"{failure.detail if failure else 'cut off'} ({how_often})"
    return Location(reply.id, f"@{len(reply.exchange.body)}", "a complete body", observed)


@check(Level.MUST, basis=Basis.DOCUMENTED, usable=lambda reply: reply.is_complete)
def answers_without_redirects(seen: RuleInput) -> Iterator[Location | NotJudged]:
    """Requests are answered where they are sent, without a redirect.

    Why: a POST that is redirected with 301 or 302 becomes a GET without a body, and a key must not follow to
    another host.
    Breaks: google-genai raises on 3xx; fetch in JavaScript follows, and loses the body or leaks the header.
    Workaround: use the address that the redirect names as base_url.
    Source: [generative_service.proto] The methods answer at the address that was requested; none redirects.
    """
    moved = [reply for reply in seen.replies if 300 <= reply.status < 400]
    if moved and not answers_control(seen):
        yield NotJudged(
            Outcome.INCONCLUSIVE, f"{moved[0].probe}: {_describe_target(moved[0])} (check base_url)"
        )
        return
    for reply in moved:
        wanted = f"HTTP {' or '.join(map(str, reply.exchange.expected_statuses))}"
        yield Location(reply.id, "", wanted, _describe_target(reply), _weigh_redirect(reply))


def _describe_target(reply: Reply) -> str:
    target = urlsplit(reply.exchange.header("location") or "")
    where = f"{target.netloc}{target.path}" if target.netloc else f"{target.path or '/'} on the same host"
    return f"HTTP {reply.status} to {where[:140]}"


def _weigh_redirect(reply: Reply) -> Level | None:
    """Return the level of a redirect, None for the gravest: redirecting a wrong request, or a GET, breaks fewer clients."""
    if reply.expects_refusal:
        return Level.SHOULD if reply.resource.name == "response" else Level.NOTE
    return None if reply.exchange.request.verb == "POST" else Level.SHOULD
