"""Turns functions into probes and rules: their ids come from the names, their texts from the docstrings.

Checks itself on load.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Required, TypedDict, Unpack

from conformance.model import Basis, Dimension, Level, Location, Outcome, Question, Source
from conformance.names import suggest_spelling
from conformance.probe_ids import DOCUMENTED_PREFIX, ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.sources import cite


@dataclass(frozen=True)
class Unaskable:
    """What a probe returns instead of a question if a follow-up cannot be built from the first reply."""

    reason: str


@dataclass(frozen=True)
class NotJudged:
    """What a check yields if it cannot judge: the outcome (unsupported, blocked, inconclusive or note), and why."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class ProbeContext:
    """What a probe builds its question from: the provider's model, a nonce, and a follow-up's first reply.

    `first` is a `conformance.reading.reply.Reply` for a follow-up, else None.
    """

    model: str
    nonce: str
    first: Any = None


Build = Callable[[ProbeContext], Question | Unaskable]


@dataclass(frozen=True)
class Probe:
    """One situation that every vendor is tested in, and how often."""

    id: str
    title: str
    text: str
    build: Build
    follows: str | None = None  # the probe whose first answered exchange is given to this one
    attempts: int = 1  # at most; more than one if the model's mood counts
    last: bool = False  # asked after all others, alone: it could lock us out
    needs: tuple[str, ...] = ()  # features that a vendor may lack
    ceiling: int | None = None  # output tokens of a follow-up, which cannot be counted before its first turn
    main_route: bool = True  # False: another path, version, method or verb than clients use for answers
    for_clients: bool = True  # False: what clients make of the answer says nothing about the vendor

    def find_missing_feature(self, unsupported: Collection[str]) -> str | None:
        """Return the first feature that the probe needs and that is among `unsupported`, or None."""
        return next((feature for feature in self.needs if feature in unsupported), None)


class Proof(StrEnum):
    """The evidence that a pass of a rule needs, apart from the absence of a finding."""

    ANSWER = "answer"  # an answer that could be read
    ACCEPTANCE = "acceptance"  # such an answer, from a vendor that does not accept everything
    REFUSAL = "refusal"  # one question that was refused for its own fault, while the plain one is answered
    EACH_REFUSAL = "each-refusal"  # the same for each question that the rule looks at
    EITHER = "either"  # an answer that could be read, or one such refusal
    REPLY = "reply"  # any reply: the rule itself knows which replies show nothing


class Ground(StrEnum):
    """What a pass of a rule shows, from the easiest to the hardest to achieve."""

    FORM = "Gemini answers were read, unary and streamed: how they are written, sent and counted"
    TASKS = "right questions were answered, each in a way that shows whether it was heard"
    ROUTES = "the other routes gave what they are for"
    KEYS = (
        "only the right key, in Google's places, was accepted; every other was refused with words about keys"
    )
    ERRORS = "at least one refusal was about its own question, while the plain one was answered"
    FAULTS = "each fault was refused by itself, with words that can be about it"


@dataclass(frozen=True)
class RequiredContent:
    """What at least one answer must contain so that a rule has something to judge."""

    missing: str  # the reason that is given if no answer holds it
    holds: Callable[[Reply], bool]
    probes: tuple[
        str, ...
    ] = ()  # the right answers to these contain it; if one of them was not answered, nothing is known
    outcome: Outcome = Outcome.UNSUPPORTED  # of the rule if no answer holds it


def _admit_all(_reply: Reply) -> bool:
    return True


Look = Callable[[RuleInput], Iterator[Location | NotJudged]]
LookAtReply = Callable[[Reply], Iterator[Location | NotJudged]]


@dataclass(frozen=True)
class Rule:
    """One sentence that is true of a good vendor, and the function that checks whether it is.

    The function gets the replies that `probes` and `select` name and `usable` admits.
    """

    id: str
    dimension: Dimension
    level: Level
    title: str
    sections: Mapping[str, str]  # why, breaks, workaround: from the docstring
    source: Source
    look: Look
    basis: Basis
    select: Callable[[Reply], bool] = _admit_all  # which replies it is about
    usable: Callable[[Reply], bool] = _admit_all  # which of them it can judge
    probes: tuple[str, ...] = ()  # the questions whose replies it needs; () for any
    needs_obedience: bool = False  # it can be judged only if the model follows the plain question
    trait: str | None = None  # the trait of the dialect that it measures
    feature: str | None = None  # a vendor that plainly refuses this does not support it, and breaks nothing
    documented: bool = False  # it measures against the vendor's own document
    generated: bool = False  # it looks at bodies that were generated from a schema
    blocked_by: tuple[str, ...] = ()  # rules whose finding explains this one's: then it is not judged
    defers_to: tuple[str, ...] = ()  # rules that report what its function leaves out as theirs
    formerly: tuple[str, ...] = ()  # ids that it had, which users may still have in their files
    proof: Proof = Proof.ANSWER  # what a pass must rest on
    requires: RequiredContent | None = None  # and what one of the answers must hold
    ground: Ground = Ground.FORM  # what has been seen when it passes; `check` derives it if it is not given

    def explain(self) -> str:
        """Return the title and the sections, as `conformance explain` prints them."""
        return "\n\n".join([self.title, *(f"{name}: {body}" for name, body in self.sections.items())])


class CheckOptions(TypedDict, total=False):
    """The options of `check` and `check_each`, which are fields of `Rule`; the type checker refuses any other."""

    basis: Required[Basis]
    select: Callable[[Reply], bool]
    usable: Callable[[Reply], bool]
    probes: tuple[str, ...]
    needs_obedience: bool
    trait: str | None
    feature: str | None
    documented: bool
    generated: bool
    blocked_by: tuple[str, ...]
    defers_to: tuple[str, ...]
    formerly: tuple[str, ...]
    proof: Proof
    requires: RequiredContent | None
    ground: Ground


PROBES: dict[str, Probe] = {}
RULES: dict[str, Rule] = {}
FORMER_IDS: dict[str, str] = {}  # an id that a rule had before -> the rule's id

SECTIONS = ("Why", "Breaks", "Workaround")
_LABEL = re.compile(rf"^({'|'.join(SECTIONS)}|Source):\s*", re.MULTILINE)


def make_id(name: str) -> str:
    """Return the id that a function's name gives: underscores become hyphens."""
    return name.replace("_", "-")


def split_docstring(function: Callable[..., object]) -> tuple[str, str]:
    """Return a docstring's first sentence without its full stop, and the rest."""
    doc = inspect.getdoc(function) or ""
    head, _, rest = doc.partition("\n\n")
    return " ".join(head.split()).rstrip("."), rest.strip()


def _split_sections(rest: str) -> dict[str, str]:
    pieces = _LABEL.split(rest)
    return {name: " ".join(body.split()) for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def _read_source(stated: str) -> Source:
    """Read a docstring's `Source: [PLACE] what stands there`; ValueError for another form or an unknown place."""
    found = re.fullmatch(r"\[(.+?)\] (.+)", stated)
    if found is None:
        raise ValueError(f"a rule's source must read `Source: [PLACE] what stands there`, not {stated!r}")
    return cite(found[1], found[2])


class ProbeOptions(TypedDict, total=False):
    """The options of `probe`, which are fields of `Probe`."""

    follows: str
    attempts: int
    last: bool
    needs: tuple[str, ...]
    ceiling: int
    main_route: bool
    for_clients: bool


def probe(**options: Unpack[ProbeOptions]) -> Callable[[Build], Build]:
    """Make a function a probe: its name gives the id, its docstring the text in the report."""

    def register(build: Build) -> Build:
        title, text = split_docstring(build)
        register_probe(Probe(make_id(build.__name__), title, text, build, **options))
        return build

    return register


def register_probe(entry: Probe) -> None:
    """Add a probe to the catalogue. Raises ValueError if its id is taken."""
    if entry.id in PROBES:
        raise ValueError(f"two probes are called {entry.id}")
    PROBES[entry.id] = entry


_PROBES, _CHECKS = "conformance.probes.", "conformance.checks."  # where load() looks for them


def check(
    level: Level, source: Source | None = None, **options: Unpack[CheckOptions]
) -> Callable[[Look], Look]:
    """Make a function over a group of replies a rule; `Rule` describes the options.

    Its id is dimension/name. The dimension is that of its module or package in checks/: `casing.py`,
    `streaming/text.py`. Its docstring gives the title and the sections, and cites the source as `Source: [PLACE] what
    stands there` (`conformance.sources` knows the places), unless `source` is passed.
    """

    def register(look: Look) -> Look:
        dimension = Dimension(look.__module__.removeprefix(_CHECKS).partition(".")[0])
        title, rest = split_docstring(look)
        id_ = f"{dimension}/{make_id(look.__name__)}"
        if id_ in RULES:
            raise ValueError(f"two rules are called {id_}")
        sections = _split_sections(rest)
        cited = source or _read_source(sections.pop("Source", ""))
        rule = Rule(id_, dimension, level, title, sections, cited, look, **options)
        RULES[id_] = rule if "ground" in options else replace(rule, ground=_derive_ground(rule))
        FORMER_IDS.update(dict.fromkeys(rule.formerly, id_))
        return look

    return register


def check_each(
    level: Level, source: Source | None = None, **options: Unpack[CheckOptions]
) -> Callable[[LookAtReply], LookAtReply]:
    """Make a function over one reply a rule: it is called for each reply that `check` would have grouped."""

    def register(look: LookAtReply) -> LookAtReply:
        @functools.wraps(look)
        def look_at_each(seen: RuleInput) -> Iterator[Location | NotJudged]:
            for reply in seen.replies:
                yield from look(reply)

        check(level, source, **options)(look_at_each)
        return look

    return register


_GROUNDS = {Dimension.AUTH: Ground.KEYS, Dimension.ROUTES: Ground.ROUTES}


def _derive_ground(rule: Rule) -> Ground:
    if rule.dimension in _GROUNDS:
        return _GROUNDS[rule.dimension]
    if rule.proof in (Proof.REFUSAL, Proof.EACH_REFUSAL):
        return Ground.ERRORS if rule.proof is Proof.REFUSAL else Ground.FAULTS
    content = rule.requires
    asked_for = content is not None and (content.probes or content.outcome is Outcome.BLOCKED)
    return Ground.TASKS if rule.needs_obedience or asked_for else Ground.FORM


def load() -> None:
    """Import every module of probes/ and checks/, so that the catalogue is complete; idempotent.

    Raises ValueError if a rule, a probe or `ProbeId` names a rule or probe that does not exist, or a former id is reused.
    """
    for room in (_PROBES, _CHECKS):
        package = importlib.import_module(room.rstrip("."))
        names = (found.name for found in pkgutil.walk_packages(package.__path__, room))
        for module in names:
            importlib.import_module(module)
    _sort_probes()
    faults = [*_find_unknown_rules(), *_find_unknown_probes(), *_find_reused_ids()]
    if faults:
        raise ValueError("; ".join(faults))


def _sort_probes() -> None:
    """Put the probes in the order in which they are asked, whichever module was imported first.

    Plain text comes first: the plain question opens every list that a reader sees.
    """

    def place(item: tuple[str, Probe]) -> tuple[bool, str, int]:
        build = item[1].build
        return build.__module__ != f"{_PROBES}text", build.__module__, build.__code__.co_firstlineno

    ordered = sorted(PROBES.items(), key=place)
    PROBES.clear()
    PROBES.update(ordered)


def _find_unknown_rules() -> Iterator[str]:
    for rule in RULES.values():
        for link, others in (("is blocked by", rule.blocked_by), ("defers to", rule.defers_to)):
            for other in others:
                if other not in RULES:
                    hint = suggest_spelling(other, RULES)
                    yield f"the rule {rule.id} {link} {other!r}, but there is no such rule{hint}"


def _find_unknown_probes() -> Iterator[str]:
    named = [(f"the rule {rule.id} needs", one) for rule in RULES.values() for one in rule.probes]
    named += [(f"the probe {one.id} follows", one.follows) for one in PROBES.values() if one.follows]
    named += [("ProbeId names", one.value) for one in ProbeId]
    for who, name in named:
        if name not in PROBES:
            yield f"{who} {str(name)!r}, but there is no such probe{suggest_spelling(name, PROBES)}"


def _find_reused_ids() -> Iterator[str]:
    for former, current in FORMER_IDS.items():
        if former in RULES:
            yield f"{former} is a former id of {current}, and a rule of its own"


def resolve_rule_id(id_: str) -> str:
    """Return the id that a rule has today for one that it had in an older version; any other id unchanged."""
    return FORMER_IDS.get(id_, id_)


def find_rule(id_: str) -> Rule | None:
    """Return the rule that has that id, or had it in an older version; None if there is none."""
    return RULES.get(resolve_rule_id(id_))


def asks_main_route(reply: Reply) -> bool:
    """Return whether the question went where clients ask for a model's answer; True if its probe is not in the catalogue."""
    probe = PROBES.get(reply.probe)
    return probe is None or probe.main_route


def asks_for_clients(reply: Reply) -> bool:
    """Return whether what clients make of the answer counts: not if the question is generated, or the vendor's own form."""
    probe = PROBES.get(reply.probe)
    return not (is_documented(reply) or reply.exchange.generated) and (probe is None or probe.for_clients)


def is_documented(reply: Reply) -> bool:
    """Return whether the question is a sample request of the vendor's own document."""
    return reply.probe.startswith(DOCUMENTED_PREFIX)


def list_rules(dimensions: Collection[str] = ()) -> tuple[Rule, ...]:
    """Load the catalogue and return the rules of these dimensions (by default all), by dimension and id."""
    load()
    order = list(Dimension)
    rules = [rule for rule in RULES.values() if not dimensions or rule.dimension in dimensions]
    return tuple(sorted(rules, key=lambda rule: (order.index(rule.dimension), rule.id)))
