"""The command `explain`: what a rule means, its source, whom it hurts, the workaround, and what it looks at."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator

from conformance import catalogue
from conformance.asking.addressing import EMBEDDED_KEY, address_question
from conformance.catalogue import PROBES, RULES, ProbeContext, Rule, find_rule
from conformance.commands.streams import print_lines
from conformance.embedded import HONEST, Incoming
from conformance.keys.secrets import Key
from conformance.model import Exchange, Piece, Provider, Question
from conformance.names import suggest_spelling
from conformance.reading.reply import Reply, read
from conformance.running.session import UsageError

_MODEL = "gemini-2.5-flash"
_MOST_NAMES = 8  # questions that are named one by one


def explain(args: Namespace) -> int:
    """Print one rule. Raises UsageError where no rule has that name."""
    catalogue.load()
    rule = find_rule(args.rule)
    if rule is None:
        hint = suggest_spelling(args.rule, RULES) or "; `conformance list rules` names them"
        raise UsageError(f"no rule is called {args.rule!r}{hint}")
    head = f"{rule.id} ({rule.level.value})"
    origin = (f"Source: {rule.source.in_words()}", f"Basis: {rule.basis.describe()}")
    ground = f"A pass shows: {rule.ground.value}"
    parts = (head, rule.explain(), *origin, ground, describe_questions(rule), *describe_links(rule))
    print_lines("\n\n".join(parts))
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
    """Yield the questions that a rule needs or, for a rule that needs none in particular, examples of what it looks at."""
    if rule.probes:
        return f"Asked by: {', '.join(rule.probes)}"
    if rule.generated:
        return "Looks at: every generated body"
    replies = list(_make_replies())
    admitted = [reply for reply in replies if rule.select(reply) and rule.usable(reply)]
    one, several, belongs = next(kind for kind in _KINDS if all(map(kind[2], admitted)))
    if len(admitted) > _MOST_NAMES or len(admitted) == sum(map(belongs, replies)):
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
    ("reply, refusals included", "replies", lambda _reply: True),
)


def _make_replies() -> Iterator[Reply]:
    """Yield what Google would reply to each question that follows no other; nothing is sent."""
    for probe in PROBES.values():
        question = None if probe.follows else probe.build(ProbeContext(_MODEL, "0d0c1a"))
        if isinstance(question, Question):
            yield _make_reply(probe.id, question)


def _make_reply(probe: str, question: Question) -> Reply:
    provider = Provider("google", "Google", "http://127.0.0.1", "google", _MODEL, embedded="google")
    asked = address_question(provider, Key("embedded", EMBEDDED_KEY), question, {}, "explain")
    target = asked.url.removeprefix(provider.base_url)
    headers = {name.lower(): value for name, value in asked.headers}
    answer = HONEST(Incoming(asked.request.verb, target, headers, asked.request.body))
    pieces = tuple(Piece(0.0, piece.data) for piece in answer.pieces)
    exchange = Exchange(
        provider.name, probe, 1, asked.request, question.expected, answer.status, "HTTP/1.1", answer.headers,
        pieces, None, "", 0.0, 0.0,
    )  # fmt: skip
    return read(exchange)
