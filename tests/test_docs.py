"""Every rule is documented, and the links and file names in the documents exist."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path

import house
import pytest

from conformance import catalogue, sources
from conformance.catalogue import RULES, SECTIONS, find_rule
from conformance.commands.explain import explain
from conformance.model import Dimension, Outcome
from conformance.sources import VENDORS_DOCUMENT, cite

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
catalogue.load()


def test_every_rule_says_why_who_breaks_and_the_workaround() -> None:
    for rule in RULES.values():
        assert set(rule.sections) == set(SECTIONS), rule.id
        assert all(rule.sections.values()), rule.id
        assert rule.title, rule.id
        assert rule.source.says, rule.id


def test_every_source_has_an_address() -> None:
    for rule in RULES.values():
        own = rule.source == VENDORS_DOCUMENT  # a finding cites that page; the dialect holds its address
        assert own or rule.source.url.startswith("https://"), rule.id


def test_every_page_is_cited_by_some_rule() -> None:
    known = {url for places in sources._PAGES.values() for url in places.values()}
    assert known == {rule.source.url for rule in RULES.values() if rule.source.url}


def test_a_place_that_no_page_is_known_for_is_refused() -> None:
    with pytest.raises(ValueError, match="no page is known for 'Kandidate'"):
        cite("Kandidate", "Says something.")


def test_explain_names_the_basis_of_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    for rule, word in (
        ("streaming/gives-the-reason-last", "recorded"),
        ("routes/answers-on-v1", "documented"),
        ("auth/looks-at-authorization-first", "inferred"),
    ):
        assert explain(Namespace(rule=rule)) == 0
        assert f"Basis: {word}:" in capsys.readouterr().out


def test_every_rule_that_explains_another_exists() -> None:
    assert {before for rule in RULES.values() for before in rule.blocked_by} <= set(RULES)


def test_every_probe_that_a_rule_needs_exists() -> None:
    asked = {
        probe
        for rule in RULES.values()
        for probe in rule.probes
        if not probe.startswith(("documented-", "generated-"))
    }
    assert asked <= set(catalogue.PROBES)


def test_every_probe_is_named_by_some_rule() -> None:
    # The rules on all replies need these: a second control, a text with U+2028 in it, alt=sse on the unary method.
    for_all = {"plain-at-the-end", "line-separator-streamed", "alt-sse-on-unary"}
    assert set(catalogue.PROBES) - {probe for rule in RULES.values() for probe in rule.probes} == for_all


def test_the_readme_explains_every_outcome() -> None:
    assert not [outcome for outcome in Outcome if outcome.value not in README]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = {part.split(")")[0] for part in text.split("](")[1:]}
    headings = {_anchor(line) for line in text.splitlines() if line.startswith("#")}
    assert not [target for target in targets if target.startswith("#") and target[1:] not in headings]
    assert not [
        target for target in targets if "://" not in target and not (ROOT / target.split("#")[0]).exists()
    ]


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def test_the_files_that_the_walks_name_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:conformance|tests|docs|schemas)/[\w/.-]+\.(?:py|md|jsonl)", text))
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_readme_lists_the_rooms_of_the_house() -> None:
    table = README.partition("| room | content |")[2].partition("\n\n")[0]
    named = {
        room
        for line in re.findall(r"^\|(.*?)\|", table, re.MULTILINE)
        for room in re.findall(r"`(\w+)`", line)
    }
    rooms = {module.room for module in house.read_modules(ROOT)}
    assert named == rooms - {"__init__", "__main__", "cli", "test_providers"}


def test_the_code_uses_the_words_of_the_glossary() -> None:
    rows = re.findall(r"^\| ([a-z ,]+) \|", README.partition("### Glossary")[2], re.MULTILINE)
    terms = {term for row in rows for term in row.split(", ")} - {"word"}
    modules = (*house.read_modules(ROOT), *house.read_modules(ROOT, "tests"))
    used = {name.lower().replace("_", "") for module in modules for name in re.findall(r"\w+", module.text)}
    assert len(terms) > 20
    assert not [term for term in terms if term.replace(" ", "") not in used]


@pytest.mark.parametrize(
    "name", ["README.md", "CHANGELOG.md", "docs/judging.md", "docs/comparing.md", "docs/interop.md"]
)
def test_the_rules_that_a_document_names_exist(name: str) -> None:
    dimensions = "|".join(Dimension)
    named = re.findall(rf"`((?:{dimensions})/[a-z0-9-]+)`", (ROOT / name).read_text(encoding="utf-8"))
    assert not {rule for rule in named if find_rule(rule) is None}
