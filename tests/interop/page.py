"""Writes docs/interop.md from the outcomes in tests/interop/expected; the same outcomes give the same page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.model import Dimension, Level
from interop.checking import EXPECTED, expected
from interop.packages import ROOT
from interop.servers import SUBJECTS, Subject
from interop.talking import TALKERS

PAGE = ROOT / "docs" / "interop.md"
_HEAD = """\
# Against other people's software

The checker asks servers and gateways that other people wrote, and the clients that people use ask the bundled servers.
This page is generated from the outcomes in `tests/interop/expected`; a test run compares what it finds with them:

```
pytest -m interop                       # compare
INTEROP_WRITE=1 pytest -m interop       # store what is found now, and write this page
```

Packages are installed by name and version in `.cache/interop` (or the folder that `INTEROP_CACHE` names), and each
server listens on a free port of loopback while its tests run. The verdicts are made without generated bodies, since
another version of Hypothesis generates other bodies.
"""
_READ = """\
## What reading the findings changed

Every finding was compared with the recorded bytes. Wrong findings were corrected, and small servers that would show them again
are in `tests/miniatures/`, `tests/test_foreign_servers.py` and `tests/test_generated_rules.py`:

| found at | was reported | is reported now |
| --- | --- | --- |
| llm-katan | seven musts on instructions, tools and images that an echo does not follow: the echo contains the code that it was asked for | a model that repeats the question obeys nothing: all rules on obedience are blocked, with one note |
| llmock | an answer to empty contents does not count its prompt | only answers to valid questions must say what they cost |
| llmock | an unknown cache is accepted, beside an unknown field, a wrong model and a wrong key | a server that accepts everything gets one finding |
| llmock | `FAILED_PRECONDITION` is not the name of google.rpc for that status | for statuses without a name of their own, the vendor may choose |
| llmock | the same question in snake_case calls no function | blocked, like everything that depends on a model that does not obey |
| llm-katan | a generated body that fails three times is a finding, and also unanswered | the finding alone |
| LiteLLM | eleven rules are inconclusive because two questions about token counts failed | a few failures affect only the rules that needed those answers |
| all | rules on generated bodies are blocked by the first turn of another question | they say that no body was asked |
| all | zeros in usageMetadata: `there is usageMetadata` | only usage under other names is pointed at |
| a gateway that wants `model` in the body | twenty features unsupported, auth `[]`, and no must | one must, that it needs fields of its own; the features are blocked |
| servers that refuse everything | nothing wrong but details, or a refusal of the key with another status | inconclusive: the plain question is refused, with the reason |
| an OpenAI server on every path | an envelope `/usage` and snake_case, because of its total of tokens | another protocol's answer, once |
| a server of empty candidates | one fault twice | once |
| llm-katan | nothing: another model answered, and only the last chunk of the stream named it | it is named |
| LiteLLM, llm-rosetta | (with generated bodies) faults are accepted in members that these servers drop | a server that drops unknown names gets one finding for that |

What was missing was added:

| found at | is found now |
| --- | --- |
| LiteLLM | unary answers are judged by what they count even if streams count nothing: 8 tokens where countTokens says some 17 |
| servers on FastAPI | 422 where Google answers 400: a note, unless nothing else is refused at all |
| servers with forms of their own | a refusal that names a missing member which Google does not have: a must |
| llm-katan | a wrong key is answered with the right one: `expected 'sk-…'` |
| llm-rosetta | counters of a stream, each of which covers the whole answer so far, are added up: 209 tokens for a prompt of 11 |
| llm-rosetta | schemas and the results of functions are lost: this was hidden, since a fault of its streams explained every rule |
| llm-katan | (with generated bodies) a text of another type, and a valid body of several parts, end in HTTP 500 |
"""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _versions(kept: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in kept["versions"].items())


def _cell(kept: Mapping[str, Any], dimension: Dimension) -> str:
    levels = Counter(level for rule, level in kept["findings"].items() if rule.startswith(f"{dimension}/"))
    return ", ".join(f"{levels[level]} {level.value}" for level in Level if levels[level]) or "–"


def _servers() -> str:
    rows = [_server(subject, expected(subject.name)) for subject in SUBJECTS]
    return _table(["server", "version", *(dimension.value for dimension in Dimension)], rows)


def _obeying() -> str:
    return " and ".join(f"`{subject.name}`" for subject in SUBJECTS if subject.obeys)


def _server(subject: Subject, kept: Mapping[str, Any]) -> list[str]:
    if "unavailable" in kept:
        return [subject.name, _versions(kept), *("not available" for _ in Dimension)]
    return [subject.name, _versions(kept), *(_cell(kept, dimension) for dimension in Dimension)]


def _findings(subject: Subject, kept: Mapping[str, Any]) -> str:
    if "unavailable" in kept:
        return f"### {subject.name}\n\nNot available: {kept['unavailable']}\n"
    order = [level.value for level in Level]
    found = sorted(kept["findings"].items(), key=lambda item: (order.index(item[1]), item[0]))
    lines = [f"- {level}: `{rule}`" for rule, level in found]
    undecided = [f"- not judged: `{rule}`" for rule in kept["unjudged"].get("inconclusive", ())]
    return "\n".join([f"### {subject.name}\n", *lines, *undecided]) + "\n"


def _said(words: Mapping[str, str]) -> str:
    """One cell: the same words once, else by situation."""
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{situation}: {said}" for situation, said in words.items())


def _clients() -> str:
    kept = {talker.name: expected(f"clients/{talker.slug}") for talker in TALKERS}
    names = next(list(one["sees"]) for one in kept.values() if "sees" in one)
    rows = [[client, *(_bundled(one, name) for name in names)] for client, one in kept.items()]
    return _table(["client", *(f"{name} (bundled)" for name in names)], rows)


def _bundled(kept: Mapping[str, Any], name: str) -> str:
    if "unavailable" in kept:
        return "not available"
    return _said({situation: both["seen"] for situation, both in kept["sees"][name].items()})


def _strangers() -> str:
    seen = {subject.name: expected(f"seen/{subject.name}") or {} for subject in SUBJECTS}
    rows = [
        [
            talker.name,
            *(
                _said(words[talker.name]) if talker.name in words else "not available"
                for words in seen.values()
            ),
        ]
        for talker in TALKERS
    ]
    return _table(["client", *seen], rows)


def page() -> str:
    """Return the page."""
    parts = [
        _HEAD,
        "## Servers × dimensions\n",
        (
            "Findings by level; `–`: none. Mocks follow no instructions, nor do gateways in front of them: every rule that\n"
            f"depends on obedience is blocked there, with one note in `semantics`. {_obeying()} stand in front of the bundled server\n"
            "for Google, which obeys: what is wrong there was lost or changed on the way.\n"
        ),
        _servers(),
        *(_findings(subject, expected(subject.name)) for subject in SUBJECTS),
        "## Clients × servers\n",
        (
            "What the caller of each real client gets for a text, a stream and a function call (gemini-cli: a prompt): `ok`, what is\n"
            "lost silently, `EMPTY`, or what is raised. With the bundled server for Google everything else works too:\n"
            "system instruction, the second turn of a call, JSON schema, image, token count, models and errors, on /v1beta and\n"
            "on /v1. For the bundled vendors, the models in `conformance.clients` give the same results for the same bytes.\n"
        ),
        _clients(),
        "With other people's servers, on /v1beta, with the key where each server wants it:\n",
        _strangers(),
        _READ,
    ]
    return "\n".join(parts)


def write() -> None:
    """Write the page, where there is an outcome for everything that it shows."""
    names = [*(subject.name for subject in SUBJECTS), *(f"clients/{talker.slug}" for talker in TALKERS)]
    if all((EXPECTED / f"{name}.json").is_file() for name in names):
        PAGE.write_text(page())
