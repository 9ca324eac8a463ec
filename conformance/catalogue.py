"""How a function becomes a probe or a rule: ids from names, texts from docstrings, duplicates refused."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Required, TypedDict, Unpack

from conformance.model import Basis, Dimension, Level, Location, Outcome, Question, Source
from conformance.names import suggest_spelling
from conformance.probe_ids import DOCUMENTED_PREFIX, ProbeId
from conformance.reading.reply import Reply, RuleInput
from conformance.sources import cite


@dataclass(frozen=True)
class Unaskable:
    """What a follow-up returns when the first reply gives it nothing to go on."""

    reason: str


@dataclass(frozen=True)
class NotJudged:
    """What a check yields when it cannot judge: unsupported, blocked, inconclusive or a note, and why."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class ProbeContext:
    """What a probe is handed: the provider's model, a nonce, and the first reply of a follow-up.

    `first` is a `conformance.reading.reply.Reply` for a follow-up, else None.
    """

    model: str
    nonce: str
    first: Any = None
    item: Any = None  # for families: the element of the family that is asked


@dataclass(frozen=True)
class Probe:
    """One situation that every vendor is put in, once or (where the model's mood counts) up to `attempts` times."""

    id: str
    title: str
    text: str
    build: Callable[[ProbeContext], Question | Unaskable]
    follows: str | None  # the probe whose first answered exchange this one is handed
    attempts: int
    last: bool  # asked after all others, alone: it could lock us out
    needs: tuple[str, ...]  # features that a vendor may lack
    ceiling: int | None = None  # output tokens of a follow-up, which cannot be counted before its first turn
    main_route: bool = (
        True  # asks for a model's answer where clients ask for it; False: another path, method or verb
    )
    for_clients: bool = True  # what clients make of its answer says something of the vendor

    def find_missing_feature(self, unsupported: Collection[str]) -> str | None:
        """Return the first feature that it needs and the vendor is said to lack, or None."""
        return next((feature for feature in self.needs if feature in unsupported), None)


class Proof(StrEnum):
    """What a pass of a rule must rest on, besides that nothing wrong was seen."""

    ANSWER = "answer"  # an answer that could be read
    ACCEPTANCE = "acceptance"  # such an answer from a vendor that does not take whatever it is sent
    REFUSAL = "refusal"  # one question that was seen to be refused, where the plain one is answered
    EACH_REFUSAL = "each-refusal"  # the same of each question that the rule looks at
    EITHER = "either"  # an answer that could be read, or one question that was seen to be refused
    REPLY = "reply"  # whatever came: the rule itself tells what shows nothing


class Ground(StrEnum):
    """What a pass of a rule shows to have been seen, from the easiest to the hardest to have."""

    FORM = "Gemini answers were read, unary and streamed: how they are written, sent and counted"
    TASKS = "right questions were answered, each in a way that shows whether it was heard"
    ROUTES = "the other routes gave what they are there for"
    KEYS = "only the right key, in Google's places, was taken; each other one was refused in words on keys"
    ERRORS = "one refusal at least was of its own question, and where the plain one is answered"
    FAULTS = "each fault was refused by itself, in words that can be of it"


@dataclass(frozen=True)
class RequiredContent:
    """What one of the answers must hold for a rule to have looked at anything, and what is said where none does.

    `probes` are those whose right answers hold it: where one of them was not answered, nobody knows.
    """

    missing: str
    holds: Callable[[Reply], bool]
    probes: tuple[str, ...] = ()
    outcome: Outcome = Outcome.UNSUPPORTED


@dataclass(frozen=True)
class Rule:
    """One sentence that is true of a good vendor, and the function that looks whether it is."""

    id: str
    dimension: Dimension
    level: Level
    title: str
    sections: Mapping[str, str]  # why, breaks, workaround: from the docstring
    source: Source
    basis: Basis
    look: Callable[[RuleInput], Iterable[Location | NotJudged]]
    select: Callable[[Reply], bool]  # which replies it looks at
    usable: Callable[[Reply], bool]  # which of them it can judge
    probes: tuple[str, ...]  # those whose replies it needs; () means whatever there is
    blocked_by: tuple[str, ...]  # rules whose deviation explains this one's
    needs_obedience: bool  # depends on the model's obedience
    trait: str | None  # the trait of the dialect that it measures
    feature: str | None  # refused clearly, it is unsupported rather than a deviation
    documented: bool  # measures against the vendor's own document
    generated: bool = False  # looks at bodies that were made from a schema
    proof: Proof = Proof.ANSWER
    requires: RequiredContent | None = None
    defers_to: tuple[str, ...] = ()  # rules that report what this one sees and leaves to them
    formerly: tuple[str, ...] = ()  # ids that it had before
    declared_ground: Ground | None = None

    @property
    def ground(self) -> Ground:
        """What a pass shows to have been seen: as declared, else by the rule's dimension and proof."""
        return self.declared_ground or _usual_ground(self)

    def explain(self) -> str:
        """Return the whole explanation, as `conformance explain` prints it."""
        return "\n\n".join([self.title, *(f"{name}: {body}" for name, body in self.sections.items())])


def _usual_ground(rule: Rule) -> Ground:
    if rule.dimension in _GROUNDS:
        return _GROUNDS[rule.dimension]
    if rule.proof in (Proof.REFUSAL, Proof.EACH_REFUSAL):
        return Ground.ERRORS if rule.proof is Proof.REFUSAL else Ground.FAULTS
    content = rule.requires
    asked_for = content is not None and (content.probes or content.outcome is Outcome.BLOCKED)
    return Ground.TASKS if rule.needs_obedience or asked_for else Ground.FORM


_GROUNDS: Mapping[Dimension, Ground] = {
    Dimension.AUTH: Ground.KEYS,
    Dimension.ROUTES: Ground.ROUTES,
}

PROBES: dict[str, Probe] = {}
RULES: dict[str, Rule] = {}
FORMER_IDS: dict[str, str] = {}  # an id that a rule had before -> the rule's id

SECTIONS = ("Why", "Breaks", "Workaround")
_LABEL = re.compile(rf"^({'|'.join(SECTIONS)}|Source):\s*", re.MULTILINE)


def make_id(name: str) -> str:
    """Return a function's name as the id it gives: underscores become hyphens."""
    return name.replace("_", "-")


def split_docstring(function: Callable[..., object]) -> tuple[str, str]:
    """Return a docstring's first sentence without its full stop, and the rest."""
    doc = inspect.getdoc(function) or ""
    head, _, rest = doc.partition("\n\n")
    return " ".join(head.split()).rstrip("."), rest.strip()


def _sections(rest: str) -> dict[str, str]:
    pieces = _LABEL.split(rest)
    return {name: " ".join(body.split()) for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}


def _cited_source(stated: str) -> Source:
    """Read a docstring's `Source: [PLACE] what stands there`; ValueError for another form or an unknown place."""
    found = re.fullmatch(r"\[(.+?)\] (.+)", stated)
    if found is None:
        raise ValueError(f"a rule's source must read `Source: [PLACE] what stands there`, not {stated!r}")
    return cite(found[1], found[2])


def probe(  # noqa: PLR0913 - each word says one thing about a probe, and all have a default
    *,
    follows: str | None = None,
    attempts: int = 1,
    last: bool = False,
    needs: str | tuple[str, ...] = (),
    ceiling: int | None = None,
    main_route: bool = True,
    for_clients: bool = True,
) -> Callable[
    [Callable[[ProbeContext], Question | Unaskable]], Callable[[ProbeContext], Question | Unaskable]
]:
    """Make a function a probe; its id is its name, its docstring the text in the report."""

    def enter(
        build: Callable[[ProbeContext], Question | Unaskable],
    ) -> Callable[[ProbeContext], Question | Unaskable]:
        title, text = split_docstring(build)
        features = (needs,) if isinstance(needs, str) else needs
        register_probe(
            Probe(
                make_id(build.__name__), title, text, build, follows, attempts, last, features, ceiling, main_route,
                for_clients,
            )
        )  # fmt: skip
        return build

    return enter


def register_probe(entry: Probe) -> None:
    """Enter a probe; ValueError where its id is taken."""
    if entry.id in PROBES:
        raise ValueError(f"two probes are called {entry.id}")
    PROBES[entry.id] = entry


def _yes(_reply: Reply) -> bool:
    return True


_PROBES, _CHECKS = "conformance.probes.", "conformance.checks."  # where load() looks for them
_Check = Callable[[RuleInput], Iterator[Location | NotJudged]]
_CheckOfReply = Callable[[Reply], Iterator[Location | NotJudged]]


class CheckOptions(TypedDict, total=False):
    """The options of `check` and `check_each`, so that the type checker refuses one that is misspelt."""

    basis: Required[Basis]
    select: Callable[[Reply], bool]
    usable: Callable[[Reply], bool]
    probes: tuple[str, ...]
    blocked_by: tuple[str, ...]
    needs_obedience: bool
    trait: str | None
    feature: str | None
    documented: bool
    generated: bool
    proof: Proof
    requires: RequiredContent | None
    defers_to: tuple[str, ...]
    formerly: tuple[str, ...]
    ground: Ground | None


def check(  # noqa: PLR0913 - each word says one thing about a rule, and all but two have a default
    level: Level,
    source: Source | None = None,
    *,
    basis: Basis,
    select: Callable[[Reply], bool] = _yes,
    usable: Callable[[Reply], bool] = _yes,
    probes: tuple[str, ...] = (),
    blocked_by: tuple[str, ...] = (),
    needs_obedience: bool = False,
    trait: str | None = None,
    feature: str | None = None,
    documented: bool = False,
    generated: bool = False,
    proof: Proof = Proof.ANSWER,
    requires: RequiredContent | None = None,
    defers_to: tuple[str, ...] = (),
    formerly: tuple[str, ...] = (),
    ground: Ground | None = None,
) -> Callable[[_Check], _Check]:
    """Make a function over a group of replies (`RuleInput`) a rule; its id is dimension/name, its docstring its text.

    The dimension is that of its module or package in checks/: `casing.py`, `schema_ids.py`, `streaming/content.py`.

    The source is cited in the docstring, as `Source: [PLACE] what stands there` (`conformance.sources` knows the
    places), or passed as `source`. The function is handed a `RuleInput` that holds only the replies which `probes` and `select` name and
    `usable` admits; `seen.all` still holds every reply of the provider. Where it yields nothing, the rule passes only
    if what it looked at holds what `proof` and `requires` ask for.

    `blocked_by` names rules whose finding explains this one's: then this rule is not judged. `defers_to` names rules
    that report what this one would see as well: there the check itself stays silent. `formerly` lists ids that users
    may still have in their files. `ground` is declared where it is not what `Rule.ground` derives.
    """

    def enter(look: _Check) -> _Check:
        dimension = Dimension(look.__module__.removeprefix(_CHECKS).partition(".")[0].partition("_")[0])
        title, rest = split_docstring(look)
        id_ = f"{dimension}/{make_id(look.__name__)}"
        if id_ in RULES:
            raise ValueError(f"two rules are called {id_}")
        sections = _sections(rest)
        cited = source or _cited_source(sections.pop("Source", ""))
        RULES[id_] = Rule(
            id_, dimension, level, title, sections, cited, basis, look, select, usable,
            probes, blocked_by, needs_obedience, trait, feature, documented, generated, proof, requires, defers_to, formerly,
            ground,
        )  # fmt: skip
        FORMER_IDS.update(dict.fromkeys(formerly, id_))
        return look

    return enter


def check_each(
    level: Level, source: Source | None = None, **how: Unpack[CheckOptions]
) -> Callable[[_CheckOfReply], _CheckOfReply]:
    """Make a function over one reply a rule: it is called for each reply that `check` would have grouped."""

    def enter(look: _CheckOfReply) -> _CheckOfReply:
        @functools.wraps(look)
        def look_at_each(seen: RuleInput) -> Iterator[Location | NotJudged]:
            for reply in seen.replies:
                yield from look(reply)

        check(level, source, **how)(look_at_each)
        return look

    return enter


def load() -> None:
    """Import every module of probes/ and checks/, so that the catalogue is whole; idempotent.

    Raises ValueError where a rule or a probe names another that does not exist.
    """
    for room in (_PROBES, _CHECKS):
        package = importlib.import_module(room.rstrip("."))
        names = (found.name for found in pkgutil.walk_packages(package.__path__, room))
        # Plain text first: the plain question opens every list that a reader sees.
        for module in sorted(names, key=lambda name: (name != f"{_PROBES}text", name)):
            importlib.import_module(module)
    faults = [*_unknown_rules(), *_reused_ids(), *_unknown_probes()]
    if faults:
        raise ValueError("; ".join(faults))


def _unknown_rules() -> Iterator[str]:
    for rule in RULES.values():
        for link, others in (("is blocked by", rule.blocked_by), ("defers to", rule.defers_to)):
            for other in others:
                if other not in RULES:
                    hint = suggest_spelling(other, RULES)
                    yield f"the rule {rule.id} {link} {other!r}, but there is no such rule{hint}"


def _reused_ids() -> Iterator[str]:
    for former, current in FORMER_IDS.items():
        if former in RULES:
            yield f"{former} is a former id of {current}, and a rule of its own"


def _unknown_probes() -> Iterator[str]:
    for rule in RULES.values():
        for probe in rule.probes:
            if probe not in PROBES:
                yield f"the rule {rule.id} needs {probe!r}, but there is no such probe{suggest_spelling(probe, PROBES)}"
    for known in ProbeId:
        if known not in PROBES:
            yield f"ProbeId names {known.value!r}, but there is no such probe{suggest_spelling(known, PROBES)}"
    for follower in PROBES.values():
        if follower.follows is not None and follower.follows not in PROBES:
            yield (
                f"the probe {follower.id} follows {follower.follows!r}, but there is no such probe"
                f"{suggest_spelling(follower.follows, PROBES)}"
            )


def current_rule_id(id_: str) -> str:
    """Return the id that a rule has today, for one that it had in an older version; any other id as it is."""
    return FORMER_IDS.get(id_, id_)


def find_rule(id_: str) -> Rule | None:
    """Return the rule with that id, or that had it in an older version; None where there is none."""
    return RULES.get(current_rule_id(id_))


def asks_main_route(reply: Reply) -> bool:
    """Return whether the question went where clients ask for a model's answer; so does all that is not in the catalogue."""
    probe = PROBES.get(reply.probe)
    return probe is None or probe.main_route


def asks_for_clients(reply: Reply) -> bool:
    """Return whether what clients make of the answer counts: not for the vendor's own form, nor for odd questions."""
    probe = PROBES.get(reply.probe)
    return not (is_documented(reply) or reply.exchange.generated) and (probe is None or probe.for_clients)


def is_documented(reply: Reply) -> bool:
    """Return whether the question is a sample request of the vendor's own document."""
    return reply.probe.startswith(DOCUMENTED_PREFIX)
