"""The command `explain`: what a rule means, whose word it is, whom it hurts, the workaround, and what it looks at."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from conformance import catalogue
from conformance.asking.addressing import EMBEDDED_KEY, address_question
from conformance.catalogue import PROBES, RULES, Probe, ProbeContext, Rule, Unaskable, find_rule
from conformance.commands.terminal import escape_controls, write_line
from conformance.embedded import HONEST, Incoming
from conformance.keys.secrets import Key
from conformance.model import Exchange, Piece, Provider, Question
from conformance.names import suggest_spelling
from conformance.reading.reply import Reply, read
from conformance.running.session import UsageError

_MODEL = "gemini-2.5-flash"
_NAMED_MOST = 8  # questions that are named one by one


def explain(words: Namespace) -> int:
    """Print one rule. Raises UsageError where no rule has that name."""
    catalogue.load()
    rule = find_rule(words.rule)
    if rule is None:
        hint = suggest_spelling(words.rule, RULES) or "; `conformance list rules` names them"
        raise UsageError(escape_controls(f"no rule is called {words.rule!r}{hint}"))
    source = f"Source: {rule.source.in_words()}"
    basis = f"Basis: {rule.basis.describe()}"
    parts = (
        f"{rule.id} ({rule.level.value})", rule.text(), source, basis, f"A pass shows: {rule.ground.value}",
        describe_questions(rule), *describe_links(rule),
    )  # fmt: skip
    for line in "\n\n".join(parts).split("\n"):
        write_line(sys.stdout, escape_controls(line))
    return 0


def describe_links(rule: Rule) -> Iterator[str]:
    """Yield which rules explain this one's findings, which report in its place, and the ids that it had before."""
    for label, ids in (
        ("Blocked by", rule.blocked_by),
        ("Defers to", rule.defers_to),
        ("Formerly", rule.formerly),
    ):
        if ids:
            yield f"{label}: {', '.join(ids)}"


def describe_questions(rule: Rule) -> str:
    """Return which questions a rule needs; one that needs none in particular is said by what it looks at."""
    if rule.probes:
        return f"Asked by: {', '.join(rule.probes)}"
    if rule.generated:
        return "Looks at: every generated body"
    replies = _googles_replies()
    admitted = [reply for reply in replies if rule.select(reply) and rule.usable(reply)]
    one, several, belongs = _kind_of(admitted)
    if len(admitted) > _NAMED_MOST or len(admitted) == sum(map(belongs, replies)):
        return f"Looks at: every {one}"
    return f"Looks at: {several} such as {', '.join(reply.probe for reply in admitted)}"


_Kind = tuple[str, str, Callable[[Reply], bool]]
# From the narrowest to the widest: what one is called, what several are, and which replies are of that kind.
_KINDS: tuple[_Kind, ...] = (
    ("stream", "streams", lambda reply: reply.ok and reply.streamed),
    ("stream, refused ones included", "streams", lambda reply: reply.streamed),
    ("refusal", "refusals", lambda reply: not reply.ok),
    ("unary answer", "unary answers", lambda reply: reply.ok and not reply.streamed),
    ("answer", "answers", lambda reply: reply.ok),
)
_ANY: _Kind = ("reply, refusals included", "replies", lambda _reply: True)


def _kind_of(replies: Sequence[Reply]) -> _Kind:
    return next((kind for kind in _KINDS if all(map(kind[2], replies))), _ANY)


def _googles_replies() -> list[Reply]:
    """Return what Google would answer to each question that needs no first turn; nothing is sent."""
    return [reply for probe in PROBES.values() if (reply := _reply_to(probe)) is not None]


def _reply_to(probe: Probe) -> Reply | None:
    question = None if probe.follows else probe.build(ProbeContext(_MODEL, "0d0c1a"))
    return None if question is None or isinstance(question, Unaskable) else _answered(probe, question)


def _answered(probe: Probe, question: Question) -> Reply:
    provider = Provider("google", "Google", "http://127.0.0.1", "google", _MODEL, embedded="google")
    asked = address_question(provider, Key("embedded", EMBEDDED_KEY), question, {}, "explain")
    split = urlsplit(asked.url)
    target = split.path + (f"?{split.query}" if split.query else "")
    headers = {name.lower(): value for name, value in asked.headers}
    answer = HONEST(Incoming(asked.request.verb, target, headers, asked.request.body))
    pieces = tuple(Piece(0.0, piece.data) for piece in answer.pieces)
    exchange = Exchange(
        provider.name, probe.id, 1, asked.request, question.expected, answer.status, "HTTP/1.1", answer.headers,
        pieces, None, "", 0.0, 0.0,
    )  # fmt: skip
    return read(exchange)
